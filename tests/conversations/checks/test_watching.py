"""What was said in our name directly at a place is checked; what does harm raises an alarm."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django.models import ProcrastinateJob

from heard.channels import base
from heard.channels.base import Deleted, Edited, Incoming, Kind
from heard.conversations import alarms
from heard.conversations.checks import posting
from heard.conversations.checks.watching import look
from heard.conversations.intake.changing import change
from heard.conversations.intake.receiving import receive
from heard.conversations.models import Act, Alarm, CheckedPost, Inbox, Message, Notice
from heard.conversations.outbox.acting import NotAllowedError
from heard.conversations.outbox.replying import reply
from heard.events.models import Event
from heard.staff.models import User
from heard.think import Check
from tests import make

pytestmark = pytest.mark.django_db

HARM = "Our guests are liars, every one of them."


def said(inbox: Inbox, *items: Incoming, now: datetime) -> list[Alarm]:
    """Take these in, and let the watch look at what it was told to look at."""
    receive(inbox, items, now=now)
    return watched(now=now)


def watched(*, now: datetime) -> list[Alarm]:
    jobs = ProcrastinateJob.objects.filter(task_name="watch", status="todo").order_by("id")
    lots: Sequence[dict[str, list[int]]] = list(jobs.values_list("args", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE task_name = 'watch'")
    return [alarm for lot in lots for alarm in look(lot["message_ids"], now=now)]


def place(**fields: Any) -> Inbox:
    return make.inbox(**{"kind": "mastodon", "is_public": True, **fields})


def post(text: str = HARM, **fields: Any) -> Incoming:
    return make.answer(text, is_public=True, **fields)


def test_a_harmful_post_of_ours_raises_an_alarm(now: datetime) -> None:
    [alarm] = said(place(), post(), now=now)
    assert [it["code"] for it in alarm.found] == ["kind.attack"]
    event = Event.objects.get(name="alarm.raised")
    assert event.data == {"message": alarm.message_id, "codes": ["kind.attack"]}


def test_a_kind_post_raises_none(now: datetime) -> None:
    assert not said(place(), post("Fresh rolls tomorrow from six. Come by!"), now=now)


def test_an_answer_typed_at_the_place_is_held_against_what_was_asked(now: datetime) -> None:
    inbox = place()
    asked = make.incoming("Where is my refund? This is the third time!", is_public=True)
    blame = post("You should have read the terms.", parent=asked.external_id, to="ann")
    [alarm] = said(inbox, asked, blame, now=now)
    assert alarm.found[0]["code"] == "kind.blame"
    assert alarm.message.conversation.contact_name == "ann"


def test_personal_data_of_the_contact_in_public_raises_an_alarm(now: datetime) -> None:
    inbox = place()
    asked = make.incoming("Where is it?", is_public=True)
    told = post("We wrote to ann.lee@mail.example yesterday.", parent=asked.external_id, to="ann")
    [alarm] = said(inbox, asked, told, now=now)
    assert alarm.found[0]["code"] == "necessary.email"


def test_in_private_a_warning_is_no_alarm(now: datetime) -> None:
    inbox = place(is_public=False)
    asked = make.incoming("Where is my refund?")
    blame = make.answer("You should have read the terms.", parent=asked.external_id, to="ann")
    insult = make.answer("You are an idiot.", parent=asked.external_id, to="ann")
    raised = said(inbox, asked, blame, insult, now=now)
    assert {it["code"] for alarm in raised for it in alarm.found} == {
        "kind.insult",
        "kind.swearing",
    }


def test_archives_programs_and_what_heard_sent_are_left_alone(now: datetime) -> None:
    inbox, bo = place(), make.user()
    receive(inbox, [post()], now=now, is_history=True)
    assert not watched(now=now)
    assert not said(inbox, post(is_automatic=True), now=now)
    asked = make.conversation(inbox, text="Where is it?")
    sent = reply(
        asked, text="You should have asked Bo.", author=bo, now=now, overruled=["kind.blame"]
    )
    assert not look([sent.pk], now=now)


def test_a_second_look_raises_nothing_new(now: datetime) -> None:
    inbox = place()
    [alarm] = said(inbox, post(), now=now)
    assert not look([alarm.message_id], now=now)
    assert Alarm.objects.count() == 1


def test_keeper_and_those_who_lead_are_told_once_a_conversation(now: datetime) -> None:
    team = make.team()
    keeper, lead, owner = make.user(), make.manager(teams=(team,)), make.owner()
    make.manager(teams=(make.team(),))
    make.user()
    inbox = place(teams=(team,), keeper=keeper)
    root = post()
    said(inbox, root, post("Shut up, all of you.", root=root.external_id), now=now)
    told = list(Notice.objects.filter(kind="alarm.raised").values_list("user", flat=True))
    assert sorted(told) == sorted([keeper.pk, lead.pk, owner.pk])


def test_the_notice_says_what_it_is_and_leads_there(client: Client, now: datetime) -> None:
    owner = make.owner()
    said(place(), post(), now=now)
    client.force_login(owner)
    page = client.get("/notices/").content.decode()
    assert "may do harm: This attacks people" in page
    assert "/alarms/" in page


def test_an_edit_that_does_harm_raises_one_and_one_that_mends_it_ends_it(now: datetime) -> None:
    inbox = place()
    fine = post("Fresh rolls tomorrow from six.")
    assert not said(inbox, fine, now=now)
    later = now + timedelta(minutes=5)
    change(inbox, [Edited(fine.external_id, later, HARM, kind=Kind.REPLY)], now=later)
    [alarm] = watched(now=later)
    even_later = later + timedelta(minutes=5)
    mended = Edited(fine.external_id, even_later, "Fresh rolls, come by!", kind=Kind.REPLY)
    change(inbox, [mended], now=even_later)
    assert not watched(now=even_later)
    alarm.refresh_from_db()
    assert alarm.answer == "gone"


def test_what_was_taken_back_there_needs_nobody_any_more(now: datetime) -> None:
    inbox, item = place(), post()
    [alarm] = said(inbox, item, now=now)
    change(inbox, [Deleted(item.external_id, now, kind=Kind.REPLY)], now=now)
    watched(now=now)
    alarm.refresh_from_db()
    assert (alarm.answer, alarm.answered_by) == ("gone", None)


def test_a_lot_costs_no_more_than_one(now: datetime) -> None:
    inbox = place()

    def cost(count: int) -> int:
        received = receive(inbox, [post(root=f"r{n}-{count}") for n in range(count)], now=now)
        ids = list(
            Message.objects.filter(conversation__in=received.conversations).values_list(
                "pk", flat=True
            )
        )
        with CaptureQueriesContext(connection) as captured:
            assert len(look(ids, now=now)) == count
        return len(captured)

    assert cost(1) == cost(40)


def test_a_post_that_was_checked_before_is_known_by_its_words(now: datetime) -> None:
    inbox, bo = place(), make.user()
    kept = posting.write_down(
        inbox, text="Fresh rolls   tomorrow!", found=Check(findings=()), by=bo,
        now=now - timedelta(hours=1),
    )  # fmt: skip
    said(inbox, post("Fresh rolls tomorrow!"), post("Other words"), now=now)
    kept.refresh_from_db()
    assert kept.message is not None
    assert kept.message.text == "Fresh rolls tomorrow!"
    assert CheckedPost.objects.filter(message=None).count() == 0


# What is done about it


def raised(now: datetime, **fields: Any) -> Alarm:
    [alarm] = said(place(**fields), post(extra={"audience": 4_200}), now=now)
    return alarm


def test_the_alarm_shows_its_reach_and_its_words(client: Client, now: datetime) -> None:
    inbox, item = place(), post(extra={"audience": 4_200, "url": "https://social.example/1"})
    [alarm] = said(inbox, item, now=now)
    for who in ("ann", "ben"):
        answer = make.incoming("What?!", sender=who, root=item.external_id, is_public=True)
        receive(inbox, [answer], now=now)
    client.force_login(make.owner())
    page = client.get("/alarms/").content.decode()
    assert "4200 people follow this account." in page
    assert "2 people have spoken in its thread since." in page
    assert "<q>guests are liars</q>" in page
    assert "Take it down" in page
    assert f"/conversations/{alarm.message.conversation_id}/" in page


def test_it_is_taken_down_at_the_place_and_who_did_it_is_kept(
    client: Client, now: datetime
) -> None:
    alarm, owner = raised(now), make.owner()
    client.force_login(owner)
    client.post(f"/alarms/{alarm.pk}/removal/")
    alarm.refresh_from_db()
    assert (alarm.answer, alarm.answered_by) == ("taken_down", owner)
    assert Act.objects.get(message=alarm.message).kind == base.Act.DELETE
    assert "Take it down" not in client.get("/alarms/").content.decode()
    assert "Taken down" in client.get("/alarms/?which=answered").content.decode()
    assert Event.objects.get(name="alarm.answered").data["answer"] == "taken_down"


def test_one_that_could_not_be_taken_down_is_open_again(client: Client, now: datetime) -> None:
    alarm, owner = raised(now), make.owner()
    alarms.take_down(alarm, by=owner, now=now)
    Act.objects.update(state=Act.State.FAILED, reason="The server said no.")
    client.force_login(owner)
    page = client.get("/alarms/").content.decode()
    assert "It could not be taken down: The server said no." in page
    assert "The server said no." not in client.get("/alarms/?which=answered").content.decode()
    alarms.call_fine(alarm, word="A joke among friends", by=owner, now=now)
    assert not alarms.newest(owner, is_open=True)
    assert len(alarms.newest(owner, is_open=False)) == 1


def test_where_a_place_lets_nothing_be_taken_down_it_is_opened_there(
    client: Client, now: datetime
) -> None:
    inbox = place(kind="feeds")
    [alarm] = said(inbox, post(extra={"url": "https://news.example/1"}), now=now)
    client.force_login(make.owner())
    page = client.get("/alarms/").content.decode()
    assert "Open it there to take it down" in page
    assert client.post(f"/alarms/{alarm.pk}/removal/").status_code == 404
    alarm.refresh_from_db()
    assert alarm.answer == ""
    with pytest.raises(NotAllowedError):
        alarms.take_down(alarm, by=make.owner(), now=now)


def test_who_was_told_need_not_look_once_it_is_answered(now: datetime) -> None:
    owner = make.owner()
    make.manager()
    alarm = raised(now)
    assert Notice.objects.filter(kind="alarm.raised", read_at=None).count() == 2
    alarms.call_fine(alarm, word="It quotes a play", by=owner, now=now)
    assert not Notice.objects.filter(kind="alarm.raised", read_at=None).exists()


def test_answering_for_a_post_leads_to_another_post(client: Client, now: datetime) -> None:
    alarm = raised(now)
    client.force_login(make.owner())
    answer = client.post(f"/alarms/{alarm.pk}/answer/")
    assert answer["Location"] == f"/posting/?as=house&place={alarm.inbox_id}"
    assert "selected" in client.get(answer["Location"]).content.decode()


def test_answering_for_a_reply_leads_to_its_thread(client: Client, now: datetime) -> None:
    inbox = place()
    asked = make.incoming("Where is my refund?", is_public=True)
    [alarm] = said(inbox, asked, post("Calm down!", parent=asked.external_id, to="ann"), now=now)
    client.force_login(make.owner())
    answer = client.post(f"/alarms/{alarm.pk}/answer/")
    assert answer["Location"].startswith(f"/conversations/{alarm.message.conversation_id}/")


def test_calling_it_fine_wants_a_word(client: Client, now: datetime) -> None:
    alarm = raised(now)
    client.force_login(make.owner())
    client.post(f"/alarms/{alarm.pk}/fine/", {"word": " "})
    alarm.refresh_from_db()
    assert alarm.answer == ""
    client.post(f"/alarms/{alarm.pk}/fine/", {"word": "It quotes a play"})
    page = client.get("/alarms/?which=answered").content.decode()
    assert "It quotes a play" in page


def test_an_alarm_is_answered_once(client: Client, now: datetime) -> None:
    alarm, owner = raised(now), make.owner()
    alarms.call_fine(alarm, word="Fine", by=owner, now=now)
    with pytest.raises(alarms.AlreadyAnsweredError):
        alarms.take_down(alarm, by=owner, now=now)
    assert not Act.objects.exists()
    client.force_login(owner)
    assert client.post(f"/alarms/{alarm.pk}/removal/", follow=True).status_code == 200


def test_only_those_who_answer_for_it_see_it(client: Client, now: datetime) -> None:
    team, keeper = make.team(), make.user()
    alarm = raised(now, teams=(team,), keeper=keeper)
    allowed: list[User] = [make.owner(), make.manager(teams=(team,)), keeper]
    others: list[User] = [make.user(teams=(team,)), make.manager(), make.user()]
    for person in allowed:
        client.force_login(person)
        assert "guests are liars" in client.get("/alarms/").content.decode()
    for person in others:
        client.force_login(person)
        assert "guests are liars" not in client.get("/alarms/").content.decode()
        assert client.post(f"/alarms/{alarm.pk}/removal/").status_code == 404


def test_the_page_costs_the_same_for_many(client: Client, now: datetime) -> None:
    inbox = place()
    client.force_login(make.owner())

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get("/alarms/")
        return len(captured)

    said(inbox, post(root="one"), now=now)
    client.get("/alarms/")
    few = queries()
    said(inbox, *[post(root=f"r{n}") for n in range(20)], now=now)
    assert queries() == few
    assert few <= 8
