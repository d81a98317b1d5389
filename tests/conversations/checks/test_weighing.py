"""Findings are answered, and rules that a house mostly overrules speak more quietly there."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from heard.conversations.checks import weighing
from heard.conversations.checks.facts import facts_of
from heard.conversations.checks.weighing import Evidence, choose, evidence, feel, shown_in, weigh
from heard.conversations.models import Conversation, FindingSeen, Inbox, Rule
from heard.conversations.outbox.replying import ReplyBlocked, reply, undo
from heard.events.models import Event
from heard.staff.models import User
from heard.think import Light, check
from tests import make

pytestmark = pytest.mark.django_db

BLAME = "You should have told us."
RUDE = "It's not our problem. The parcel left on Monday."


def seen(
    code: str, count: int, *, people: list[User], inbox: Inbox, at: datetime, **fields: object
) -> None:
    """So many rows of a rule, by these people in turn."""
    asked = make.conversation(inbox)
    message = asked.messages.get()
    FindingSeen.objects.bulk_create(
        FindingSeen(
            **{
                "code": code, "light": "amber", "inbox": inbox, "conversation": asked,
                "message": message, "was_kept": True, "by": people[n % len(people)], "at": at,
                **fields,
            }
        )
        for n in range(count)
    )  # fmt: skip


def test_what_was_shown_is_kept_when_the_reply_leaves(now: datetime) -> None:
    asked, bo = make.conversation(), make.user()
    shown = {"kind.blame": "amber", "kind.shouting": "amber"}
    sent = reply(asked, text=BLAME, author=bo, now=now, shown=shown)
    rows = {row.code: row for row in FindingSeen.objects.all()}
    assert rows.keys() == shown.keys()
    assert rows["kind.blame"].was_kept
    assert not rows["kind.shouting"].was_kept
    assert {row.message for row in rows.values()} == {sent}
    assert {row.by for row in rows.values()} == {bo}


def test_programs_that_were_shown_nothing_leave_no_rows(now: datetime) -> None:
    reply(make.conversation(), text=BLAME, author=make.user(), now=now)
    assert not FindingSeen.objects.exists()


def test_a_word_about_a_finding_becomes_part_of_its_reply(now: datetime) -> None:
    asked, bo = make.conversation(), make.user()
    feel(asked, code="kind.blame", light="amber", felt="not_here", by=bo, now=now)
    feel(asked, code="kind.shouting", light="amber", felt="useful", by=bo, now=now)
    assert weighing.felt_of(asked, by=bo) == {"kind.blame": "not_here", "kind.shouting": "useful"}
    assert not weighing.felt_of(asked, by=make.user())
    sent = reply(asked, text=BLAME, author=bo, now=now, shown={"kind.blame": "amber"})
    rows = {row.code: row for row in FindingSeen.objects.all()}
    assert (rows["kind.blame"].felt, rows["kind.blame"].was_kept) == ("not_here", True)
    assert (rows["kind.shouting"].felt, rows["kind.shouting"].was_kept) == ("useful", False)
    assert {row.message for row in rows.values()} == {sent}
    assert not weighing.felt_of(asked, by=bo)


def test_a_word_can_be_taken_back(now: datetime) -> None:
    asked, bo = make.conversation(), make.user()
    feel(asked, code="kind.blame", light="amber", felt="useful", by=bo, now=now)
    feel(asked, code="kind.blame", light="amber", felt="", by=bo, now=now)
    assert not weighing.felt_of(asked, by=bo)
    assert not evidence(now=now)


@pytest.mark.parametrize(
    ("code", "light", "felt"),
    [("kind.blame", "green", "useful"), ("blame", "red", "useful"), ("kind.blame", "red", "odd")],
)
def test_nothing_else_can_be_said(code: str, light: str, felt: str, now: datetime) -> None:
    with pytest.raises(ValueError, match="nothing that can be said"):
        feel(make.conversation(), code=code, light=light, felt=felt, by=make.user(), now=now)


def test_an_undone_reply_keeps_what_was_said_of_its_findings(now: datetime) -> None:
    asked, bo = make.conversation(), make.user()
    feel(asked, code="kind.blame", light="amber", felt="not_here", by=bo, now=now)
    sent = reply(asked, text=BLAME, author=bo, now=now, shown={"kind.blame": "amber"})
    undo(sent, by=bo, now=now)
    assert weighing.felt_of(asked, by=bo) == {"kind.blame": "not_here"}
    reply(asked, text="It is here.", author=bo, now=now, shown={})
    row = FindingSeen.objects.get()
    assert (row.felt, row.was_kept) == ("not_here", False)


def test_a_form_that_tells_nonsense_is_not_believed() -> None:
    told = ["kind.blame:amber", "kind.blame:red", "x", "kind.blame:green", "KIND.x:red"]
    assert shown_in(told) == {"kind.blame": "red"}
    assert (
        len(shown_in([f"kind.rule_{chr(97 + n % 26)}{'x' * (n // 26)}:red" for n in range(99)]))
        == 40
    )


def test_mostly_means_surely_more_than_half_of_enough_by_several() -> None:
    assert Evidence(20, 16, 0, 0, 2).is_mostly_against()
    assert not Evidence(19, 19, 0, 0, 2).is_mostly_against()
    assert not Evidence(20, 12, 0, 0, 2).is_mostly_against()
    assert not Evidence(20, 20, 0, 0, 1).is_mostly_against()
    assert Evidence(20, 20, 0, 0, 1).is_mostly_against(needed_people=1)


def test_what_counts_against_a_rule(now: datetime) -> None:
    inbox, people = make.inbox(), [make.user(), make.user()]
    for felt, was_kept in (
        ("", True), ("", False), ("useful", True), ("useful", False), ("not_here", False),
    ):  # fmt: skip
        seen("kind.blame", 2, people=people, inbox=inbox, at=now, felt=felt, was_kept=was_kept)
    assert evidence(now=now) == {("kind.blame", "amber"): Evidence(10, 4, 4, 2, 2)}


def test_a_red_rule_softens_step_by_step_and_never_at_once(now: datetime) -> None:
    inbox, people = make.inbox(), [make.user(), make.user()]
    seen("kind.dismissive", 30, people=people, inbox=inbox, at=now, light="red")
    weigh(now=now)
    assert weighing.softened() == {"kind.dismissive": Light.AMBER}
    weigh(now=now)
    assert weighing.softened() == {"kind.dismissive": Light.AMBER}
    seen("kind.dismissive", 30, people=people, inbox=inbox, at=now, light="amber")
    weigh(now=now)
    assert weighing.softened() == {"kind.dismissive": Light.GREEN}
    events = (
        Event.objects.filter(name="rule.softened").order_by("pk").values_list("data", flat=True)
    )
    assert [it["most"] for it in events] == ["amber", "green"]


def test_a_rule_that_is_mostly_heeded_stays(now: datetime) -> None:
    inbox, people = make.inbox(), [make.user(), make.user()]
    seen("kind.blame", 40, people=people, inbox=inbox, at=now, was_kept=False)
    seen("kind.blame", 25, people=people, inbox=inbox, at=now)
    assert not weigh(now=now)


def test_one_person_alone_silences_nothing_but_in_a_house_of_one(now: datetime) -> None:
    inbox, bo, kim = make.inbox(), make.user(), make.user()
    seen("kind.blame", 40, people=[bo], inbox=inbox, at=now)
    assert not weigh(now=now)
    kim.is_active = False
    kim.save()
    assert [rule.code for rule in weigh(now=now)] == ["kind.blame"]


def test_what_guards_personal_data_never_softens(now: datetime) -> None:
    inbox, people = make.inbox(), [make.user(), make.user()]
    for code in ("necessary.phone", "necessary.asks_secret", "necessary.email"):
        seen(code, 50, people=people, inbox=inbox, at=now, light="red", felt="not_here")
    assert not weigh(now=now)
    with pytest.raises(ValueError, match="cannot be softened"):
        choose("necessary.phone", "green", by=make.owner(), now=now)


def test_after_half_a_year_a_silent_rule_is_asked_anew(now: datetime) -> None:
    inbox, people = make.inbox(), [make.user(), make.user()]
    seen("kind.blame", 40, people=people, inbox=inbox, at=now)
    weigh(now=now)
    assert weighing.softened()
    [rule] = weigh(now=now + timedelta(days=181))
    assert rule.most == ""
    assert Event.objects.filter(name="rule.restored").count() == 1


def test_softened_rules_reach_the_check_of_a_reply(now: datetime) -> None:
    asked, bo = make.conversation(text="Where is my parcel?"), make.owner()
    with pytest.raises(ReplyBlocked):
        reply(asked, text=RUDE, author=bo, now=now)
    choose("kind.dismissive", "amber", by=bo, now=now)
    [finding] = check(RUDE, facts_of(asked, author=bo, now=now)).findings
    assert finding.light is Light.AMBER
    choose("kind.dismissive", "green", by=bo, now=now)
    assert not check(RUDE, facts_of(asked, author=bo, now=now)).findings
    reply(asked, text=RUDE, author=bo, now=now)


def test_a_managers_word_goes_before_the_counts(now: datetime) -> None:
    inbox, people, boss = make.inbox(), [make.user(), make.user()], make.manager()
    seen("kind.blame", 40, people=people, inbox=inbox, at=now)
    weigh(now=now)
    choose("kind.blame", "firm", by=boss, now=now)
    weigh(now=now)
    assert not weighing.softened()
    choose("kind.blame", "", by=boss, now=now)
    assert not weigh(now=now + timedelta(hours=1)), "what was counted before counts no more"
    assert not weighing.softened()
    seen("kind.blame", 40, people=people, inbox=inbox, at=now + timedelta(hours=2))
    weigh(now=now + timedelta(hours=3))
    assert weighing.softened() == {"kind.blame": Light.GREEN}


# Pages


def opened(client: Client, who: User) -> Conversation:
    client.force_login(who)
    return make.conversation(text="Where is my parcel?")


def test_each_finding_can_be_answered_while_one_writes(client: Client) -> None:
    asked = opened(client, make.user())
    told = {"kind": "reply", "text": BLAME}
    page = client.post(f"/conversations/{asked.pk}/draft/", told).content.decode()
    assert 'data-code="kind.blame" data-light="amber"' in page
    assert page.count('aria-pressed="false"') == 2
    answer = {"code": "kind.blame", "light": "amber", "felt": "not_here"}
    buttons = client.post(f"/conversations/{asked.pk}/findings/", answer).content.decode()
    assert buttons.count('aria-pressed="true"') == 1
    page = client.post(f"/conversations/{asked.pk}/draft/", told).content.decode()
    assert page.count('aria-pressed="true"') == 1
    assert client.post(f"/conversations/{asked.pk}/findings/", {"code": "x"}).status_code == 404


def test_sending_tells_what_was_shown(client: Client) -> None:
    asked = opened(client, make.user())
    told = {"text": BLAME, "shown": ["kind.blame:amber", "kind.shouting:amber"]}
    client.post(f"/conversations/{asked.pk}/messages/", told)
    kept = dict(FindingSeen.objects.values_list("code", "was_kept"))
    assert kept == {"kind.blame": True, "kind.shouting": False}


def test_nobody_answers_findings_where_they_may_not_look(client: Client) -> None:
    hidden = make.conversation(make.inbox(teams=(make.team(),)))
    client.force_login(make.user())
    answer = {"code": "kind.blame", "light": "amber", "felt": "useful"}
    assert client.post(f"/conversations/{hidden.pk}/findings/", answer).status_code == 404


def test_rules_are_for_those_who_lead(client: Client) -> None:
    client.force_login(make.user())
    for path in ("/settings/rules/", "/settings/rules/kind.blame/"):
        assert client.get(path).status_code == 403
    assert client.post("/settings/rules/kind.blame/choice/", {"choice": "green"}).status_code == 403
    assert not Rule.objects.exists()


def test_the_page_lists_rules_with_counts_interval_and_rows(client: Client, now: datetime) -> None:
    from django.utils import timezone

    inbox, people = make.inbox(), [make.user(), make.user()]
    at = timezone.now()
    seen("kind.blame", 24, people=people, inbox=inbox, at=at)
    seen("necessary.phone", 3, people=people, inbox=inbox, at=at, light="red", was_kept=False)
    weigh(now=at)
    client.force_login(make.manager())
    page = client.get("/settings/rules/").content.decode()
    assert "24 <span" in page
    assert "86 … 100" in page
    assert "silent" in page
    assert "stays firm" in page
    rows = client.get("/settings/rules/kind.blame/").content.decode()
    assert rows.count("sent all the same") == 24
    client.post("/settings/rules/kind.blame/choice/", {"choice": ""})
    assert "as it was made" in client.get("/settings/rules/").content.decode()
    assert (
        client.post("/settings/rules/necessary.phone/choice/", {"choice": "green"}).status_code
        == 404
    )


def test_rows_of_hidden_inboxes_are_not_shown(client: Client) -> None:
    from django.utils import timezone

    inbox = make.inbox(teams=(make.team(),))
    seen("kind.blame", 3, people=[make.user()], inbox=inbox, at=timezone.now())
    client.force_login(make.manager())
    assert client.get("/settings/rules/kind.blame/").status_code == 404


def test_the_rules_page_costs_the_same_for_many(client: Client) -> None:
    from django.utils import timezone

    inbox, people = make.inbox(), [make.user(), make.user()]
    client.force_login(make.manager())

    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(path)
        return len(captured)

    seen("kind.blame", 1, people=people, inbox=inbox, at=timezone.now())
    paths = ("/settings/rules/", "/settings/rules/kind.blame/")
    few = [queries(path) for path in paths]
    for code in ("kind.blame", "kind.cold", "kind.shouting", "true.boast"):
        seen(code, 30, people=people, inbox=inbox, at=timezone.now())
    weigh(now=timezone.now())
    assert [queries(path) for path in paths] == few
    assert max(few) <= 8
