"""The sweep warns before it is late, and tells nobody saw it from somebody saw it and left it."""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from heard.conversations.clocks.settling import settle
from heard.conversations.clocks.sweeping import Swept, sweep
from heard.conversations.handling import assign, note, promise, see, snooze
from heard.conversations.intake.receiving import receive
from heard.conversations.models import Clock, Conversation, Inbox, Notice, StaleDay
from heard.events.models import Event
from heard.reading import Mood, Need, Reading, Stance, Urgency
from tests import make

pytestmark = pytest.mark.django_db


def question(
    inbox: Inbox, at: datetime, *, need: Need = Need.ANSWER, name: str = "q"
) -> Conversation:
    reading = Reading("en", Mood.NEUTRAL, (0.1, 0.8, 0.1), need, Stance.NEITHER, Urgency.NORMAL)
    item = make.incoming(external_id=name, sender=name, at=at)
    received = receive(inbox, [item], readings=[reading], now=at)
    return Conversation.objects.get(pk=received.conversations[0])


@pytest.fixture
def inbox() -> Inbox:
    rules = make.policy(first_response_minutes=100, recognition_minutes=100)
    return make.inbox(policy=rules, keeper=make.user(name="Kim Keeper"))


def test_the_assignee_hears_at_half_time_the_manager_at_four_fifths(
    inbox: Inbox, now: datetime
) -> None:
    manager, bo = make.manager(), make.user(name="Bo")
    conversation = question(inbox, now)
    assign(conversation, to=bo, by=manager, now=now)
    assert sweep(now + timedelta(minutes=49)).warned == 0
    assert sweep(now + timedelta(minutes=50)).warned == 1
    assert [n.user for n in Notice.objects.all()] == [bo]
    assert sweep(now + timedelta(minutes=51)).warned == 0
    assert sweep(now + timedelta(minutes=80)).warned == 1
    assert Notice.objects.filter(user=manager, kind="clock.warned").count() == 1
    assert Clock.objects.get().next_at == now + timedelta(minutes=100)


def test_a_question_nobody_opened_is_unseen_and_the_keeper_answers_for_it(
    inbox: Inbox, now: datetime
) -> None:
    owner = make.owner()
    question(inbox, now)
    assert sweep(now + timedelta(minutes=101)).failed == 1
    clock = Clock.objects.get()
    assert clock.failed_at == clock.due_at == now + timedelta(minutes=100)
    assert (clock.fail, clock.sighting, clock.keeper) == ("service", "unseen", inbox.keeper)
    assert clock.next_at is None
    assert {n.user_id for n in Notice.objects.filter(kind="clock.failed")} == {
        owner.pk,
        inbox.keeper_id,
    }
    assert Event.objects.filter(name="clock.failed").count() == 1
    assert StaleDay.objects.filter(inbox=inbox, day=now.date()).exists()


def test_a_question_somebody_opened_in_time_was_seen_and_left(inbox: Inbox, now: datetime) -> None:
    conversation = question(inbox, now)
    see(conversation, by=make.user(), now=now + timedelta(minutes=99))
    sweep(now + timedelta(minutes=101))
    assert Clock.objects.get().sighting == "seen"


def test_opening_it_after_it_fell_due_does_not_count_as_seen(inbox: Inbox, now: datetime) -> None:
    conversation = question(inbox, now)
    see(conversation, by=make.user(), now=now + timedelta(minutes=101))
    sweep(now + timedelta(minutes=102))
    assert Clock.objects.get().sighting == "unseen"


def test_praise_nobody_acknowledged_is_a_recognition_fail(inbox: Inbox, now: datetime) -> None:
    question(inbox, now, need=Need.RECOGNITION)
    sweep(now + timedelta(minutes=101))
    assert Clock.objects.get().fail == "recognition"


def test_an_answer_that_came_late_while_nobody_swept_is_still_a_fail(
    inbox: Inbox, now: datetime
) -> None:
    question(inbox, now)
    late = make.answer(parent="q", at=now + timedelta(minutes=200))
    receive(inbox, [late], now=now + timedelta(minutes=200))
    assert sweep(now + timedelta(minutes=300)).failed == 1
    clock = Clock.objects.get()
    assert (clock.failed_at, clock.met_at) == (
        now + timedelta(minutes=100),
        now + timedelta(minutes=200),
    )


def test_a_fail_stays_recorded_when_the_answer_comes_and_becomes_late(
    inbox: Inbox, now: datetime
) -> None:
    question(inbox, now)
    sweep(now + timedelta(minutes=101))
    later = now + timedelta(minutes=150)
    receive(inbox, [make.answer(parent="q", at=later)], now=later)
    clock = Clock.objects.get()
    assert clock.failed_at is not None
    assert clock.met_at == later
    assert clock.sighting == "unseen"
    assert sweep(now + timedelta(minutes=300)).failed == 0


def test_a_broken_promise_is_a_service_fail(inbox: Inbox, now: datetime) -> None:
    bo = make.user()
    conversation = question(inbox, now, need=Need.NOTHING)
    promise(conversation, text="Call back", due_at=now + timedelta(hours=1), by=bo, now=now)
    conversation.refresh_from_db()
    assert conversation.status == "open"
    assert conversation.promised_at == now + timedelta(hours=1)
    sweep(now + timedelta(hours=2))
    assert Clock.objects.get(kind="promise").fail == "service"


def test_a_snoozed_conversation_wakes_when_its_time_has_come(inbox: Inbox, now: datetime) -> None:
    conversation = question(inbox, now)
    bo = make.user()
    snooze(conversation, until=now + timedelta(hours=1), by=bo, now=now + timedelta(minutes=1))
    note(conversation, text="later", author=bo, now=now)
    assert Conversation.objects.get().status == "snoozed"
    assert sweep(now + timedelta(minutes=61)).woken == 1
    assert Conversation.objects.get().status == "open"


def test_thanks_do_not_wake_a_snoozed_conversation_but_a_question_does(
    inbox: Inbox, now: datetime
) -> None:
    conversation = question(inbox, now)
    snooze(conversation, until=now + timedelta(hours=9), by=make.user(), now=now)
    thanks = Reading(
        "en", Mood.POSITIVE, (0, 0, 1), Need.RECOGNITION, Stance.NEITHER, Urgency.NORMAL
    )
    for need, status in ((thanks, "snoozed"), (None, "open")):
        item = make.incoming(sender="q", parent="q", at=now + timedelta(minutes=5))
        receive(inbox, [item], readings=[need], now=now)
        assert Conversation.objects.get().status == status


def test_the_number_of_statements_does_not_grow_with_what_falls_due(
    inbox: Inbox, now: datetime
) -> None:
    def statements(count: int, tag: str) -> int:
        items = [make.incoming(sender=f"{tag}{n}", at=now) for n in range(count)]
        receive(inbox, items, readings=[None] * count, now=now)
        with CaptureQueriesContext(connection) as captured:
            assert sweep(now + timedelta(minutes=101)).failed == count
        return len(captured)

    assert statements(150, "many") <= statements(2, "few") <= 16


@pytest.mark.django_db(transaction=True)
def test_it_waits_for_nobody_who_holds_a_conversation_and_comes_back_to_it(
    inbox: Inbox, now: datetime
) -> None:
    held = question(inbox, now)
    asleep = question(inbox, now, name="asleep")
    question(inbox, now, name="free")
    snooze(asleep, until=now + timedelta(minutes=5), by=make.user(name="Bo"), now=now)
    later = now + timedelta(minutes=101)
    parameters = connection.get_connection_params()
    del parameters["cursor_factory"], parameters["context"]
    with psycopg.connect(**parameters) as settling:
        settling.execute(
            "SELECT FROM conversation WHERE id = ANY(%s) FOR UPDATE", [[held.pk, asleep.pk]]
        )
        assert sweep(later) == Swept(failed=1)
        # Whoever holds it can still write its clock: nobody waits in a circle.
        settling.execute("SET LOCAL lock_timeout = '5s'")
        settling.execute("UPDATE clock SET next_at = next_at WHERE conversation_id = %s", [held.pk])
    assert sweep(later) == Swept(failed=2, woken=1)


def test_a_kinder_policy_does_not_undo_a_fail(inbox: Inbox, now: datetime) -> None:
    conversation = question(inbox, now)
    sweep(now + timedelta(minutes=101))
    inbox.policy.first_response_minutes = 10_000
    inbox.policy.save()
    settle([conversation.pk], now=now + timedelta(minutes=102))
    clock = Clock.objects.get()
    assert clock.due_at == clock.failed_at == now + timedelta(minutes=100)
