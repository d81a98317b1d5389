"""Intake promises: nothing twice, nothing lost, and no difference whatever the order."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heard.channels.base import Incoming, Kind
from heard.contacts.models import Contact, Handle
from heard.conversations.intake.filing import OF_ROOTS
from heard.conversations.intake.merging import heir_of
from heard.conversations.intake.receiving import close_books, receive, revive
from heard.conversations.models import Clock, Conversation, Inbox, Message
from heard.events.models import Event
from heard.reading import Mood, Need, Reading, Stance, Urgency
from tests import make
from tests.conversations.asking import browser

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def reading(need: Need = Need.ANSWER, mood: Mood = Mood.NEUTRAL) -> Reading:
    return Reading("en", mood, (0.2, 0.6, 0.2), need, Stance.NEITHER, Urgency.NORMAL)


def take(inbox: Inbox, items: Sequence[Incoming], **options: Any) -> Any:
    options.setdefault("now", NOW)
    return receive(inbox, items, readings=[reading() for _ in items], **options)


def test_a_question_becomes_a_conversation_with_a_running_clock() -> None:
    inbox = make.inbox(policy=make.policy(first_response_minutes=60))
    take(inbox, [make.incoming(sender="ann", sender_name="Ann", at=NOW)])
    conversation = Conversation.objects.get()
    assert conversation.status == "open"
    assert conversation.need == "answer"
    assert conversation.contact_name == "Ann"
    assert conversation.preview == "Where is my order?"
    assert conversation.waiting_since == NOW
    clock = Clock.objects.get()
    assert (clock.kind, clock.due_at) == ("first_response", NOW + timedelta(hours=1))
    assert clock.next_at == NOW + timedelta(minutes=30)
    assert Event.objects.get().name == "message.received"


def test_a_repeated_delivery_is_filed_once() -> None:
    inbox = make.inbox()
    items = [make.incoming(external_id="a"), make.incoming(external_id="a")]
    assert take(inbox, items).taken == 1
    again = take(inbox, items)
    assert (again.taken, again.known) == (0, 1)
    assert Message.objects.count() == Conversation.objects.count() == 1


def test_a_reply_on_the_place_stops_the_clock() -> None:
    inbox = make.inbox()
    take(inbox, [make.incoming(external_id="q", at=START)])
    take(inbox, [make.answer(parent="q", at=START + timedelta(hours=2), author="Bo")])
    conversation = Conversation.objects.get()
    assert conversation.waiting_since is None
    assert conversation.first_reply_seconds == 7200
    assert Clock.objects.get().met_at == START + timedelta(hours=2)


def test_people_under_one_public_post_are_conversations_that_share_the_root() -> None:
    inbox = make.inbox(is_public=True)
    post = make.answer(external_id="post", at=START)
    voices = [
        make.incoming(sender=who, parent="post", external_id=who, at=START + timedelta(minutes=n))
        for n, who in enumerate(["ann", "bo", "cy"], 1)
    ]
    take(inbox, [*voices, post])
    assert set(Conversation.objects.values_list("root", flat=True)) == {"post"}
    assert Conversation.objects.count() == 4
    assert Conversation.objects.filter(contact=None).get().reply_count == 1


def test_the_same_address_in_two_inboxes_of_a_kind_is_one_contact() -> None:
    for box in (make.inbox(kind="x"), make.inbox(kind="x")):
        take(box, [make.incoming(sender="ann")])
    assert Contact.objects.count() == Handle.objects.count() == 1
    assert Conversation.objects.count() == 2


def test_history_is_silent_and_closed_and_its_fails_count_to_the_end_of_the_archive() -> None:
    inbox = make.inbox(policy=make.policy(first_response_minutes=60))
    items = [
        make.incoming(external_id="old", at=START),
        make.incoming(external_id="last", sender="bo", at=START + timedelta(minutes=61)),
    ]
    for item in items:
        take(inbox, [item], is_history=True)
    assert set(Conversation.objects.values_list("status", flat=True)) == {"resolved"}
    assert not Clock.objects.filter(next_at__isnull=False).exists()
    assert close_books(inbox) == 1
    assert close_books(inbox) == 0
    failed = Clock.objects.get(failed_at__isnull=False)
    assert failed.message is not None
    assert failed.message.external_id == "old"
    assert (failed.fail, failed.sighting) == ("service", "unknown")


def test_a_resolution_that_overran_has_failed_in_whatever_parts_it_came() -> None:
    rules = make.policy(first_response_minutes=60, resolution_minutes=600)
    question = make.incoming(external_id="q", at=START)
    reply = make.incoming(
        external_id="r", at=START + timedelta(minutes=601), kind=Kind.REPLY, parent="q"
    )
    later = make.incoming(external_id="z", sender="bo", at=START + timedelta(minutes=900))
    for parts in ([[question, reply, later]], [[reply], [later], [question]]):
        inbox = make.inbox(policy=rules)
        for part in parts:
            take(inbox, part, is_history=True)
        close_books(inbox)
        clock = Clock.objects.get(inbox=inbox, kind="resolution", message__external_id="q")
        assert (clock.is_paused, clock.failed_at) == (True, START + timedelta(minutes=600))


def test_what_is_still_alive_in_an_archive_opens_and_its_clocks_run() -> None:
    inbox = make.inbox(policy=make.policy(first_response_minutes=60))
    items = [
        make.incoming(external_id="old", at=START),
        make.incoming(external_id="new", sender="bo", at=NOW - timedelta(minutes=10)),
    ]
    take(inbox, items, is_history=True)
    assert revive(inbox, since=NOW - timedelta(days=1), now=NOW) == 1
    opened = Conversation.objects.get(status="open")
    assert opened.messages.get().external_id == "new"
    assert opened.clocks.get().next_at == NOW + timedelta(minutes=20)


def test_an_answer_follows_its_question_to_the_root_that_came_with_it() -> None:
    inbox = make.inbox()
    take(inbox, [make.incoming(external_id="m1", parent="m0")])
    together = [
        make.incoming(external_id="m0", parent="root"),
        make.incoming(external_id="m2", parent="m1"),
    ]
    take(inbox, together)
    assert Conversation.objects.get().root == "root"


def test_conversations_are_found_by_root_even_in_an_inbox_that_has_just_filled_up() -> None:
    take(
        make.inbox(slug="old"),
        [make.incoming(external_id=f"o{n}", sender=f"o{n}") for n in range(300)],
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE conversation")  # all that the database knows is the old inbox
        fresh = make.inbox(slug="fresh")
        take(fresh, [make.incoming(external_id=f"f{n}", sender=f"f{n}") for n in range(300)])
        roots = [f"f{n}" for n in range(100)]
        cursor.execute(f"EXPLAIN SELECT c.id FROM {OF_ROOTS}", [roots, fresh.pk])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "one_conversation_a_contact_and_root" in plan
    assert "newest" not in plan


def test_the_number_of_statements_does_not_grow_with_the_list() -> None:
    inbox = make.inbox()

    def statements(count: int, tag: str) -> int:
        items = [
            make.incoming(external_id=f"{tag}{n}", sender=f"{tag}{n % 7}", root=f"{tag}{n % 5}")
            for n in range(count)
        ]
        with CaptureQueriesContext(
            connection,
        ) as captured:
            take(inbox, items)
        return len(captured)

    statements(1, "warm")
    assert statements(200, "many") <= statements(3, "few") <= 30


def test_an_item_without_an_id_or_with_a_naive_time_is_refused() -> None:
    inbox = make.inbox()
    with pytest.raises(ValueError, match="external id"):
        take(inbox, [make.incoming(external_id="")])
    with pytest.raises(ValueError, match="time zone"):
        take(inbox, [make.incoming(at=datetime(2026, 1, 1))])  # noqa: DTZ001 - on purpose


PEOPLE = ("ann", "bo", "cy")


@st.composite
def archives(draw: st.DrawFn) -> list[tuple[Incoming, Reading | None]]:
    """Threads as they happen: people write, answer each other, and the house answers some."""
    size = draw(st.integers(1, 9))
    made: list[tuple[Incoming, Reading | None]] = []
    for n in range(size):
        name = f"m{n}"
        parent = f"m{draw(st.integers(0, n - 1))}" if n and draw(st.booleans()) else ""
        if not parent and draw(st.integers(0, 5)) == 0:
            parent = f"missing{draw(st.integers(0, 1))}"
        is_reply = draw(st.booleans())
        item = Incoming(
            external_id=name,
            at=START + timedelta(minutes=draw(st.integers(0, 6000))),
            text=f"text of {name}",
            sender="house" if is_reply else draw(st.sampled_from(PEOPLE)),
            kind=Kind.REPLY if is_reply else Kind.INCOMING,
            parent=parent,
            to=draw(st.sampled_from(["", "", "ann"])) if is_reply else "",
            subject="",
        )
        need = draw(st.sampled_from(list(Need)))
        mood = draw(st.sampled_from(list(Mood)))
        made.append((item, None if is_reply else reading(need, mood)))
    return made


def picture(inbox: Inbox) -> dict[tuple[str, str], dict[str, Any]]:
    """All rows of an inbox in words, without the numbers that the database gives."""
    names = {pk: (name or "") for pk, name in Contact.objects.values_list("pk", "name")}
    conversations: dict[tuple[str, str], dict[str, Any]] = {}
    for found in Conversation.objects.filter(inbox=inbox).values():
        row: dict[str, Any] = dict(found)
        pk = row.pop("id")
        row["contact"] = names.get(row.pop("contact_id") or 0, "")
        row.pop("inbox_id")
        row["messages"] = sorted(
            Message.objects.filter(conversation_id=pk).values_list("external_id", "kind", "need")
        )
        row["clocks"] = sorted(
            (
                clock.kind,
                clock.message.external_id if clock.message else "",
                clock.started_at,
                clock.due_at,
                clock.met_at,
                clock.open_minutes,
                clock.is_paused,
                clock.failed_at,
                clock.fail,
                clock.sighting,
                clock.next_at,
            )
            for clock in Clock.objects.filter(conversation_id=pk).select_related("message")
        )
        conversations[(row["root"], row["contact"])] = row
    return conversations


@given(data=st.data(), archive=archives(), is_history=st.booleans())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_the_order_and_however_often_the_rows_are_the_same(
    data: st.DataObject, archive: list[tuple[Incoming, Reading | None]], is_history: bool
) -> None:
    rules = make.policy(first_response_minutes=600, resolution_minutes=900)
    ordered, mixed = (make.inbox(kind=kind, policy=rules) for kind in ("a", "b"))
    receive(
        ordered,
        [item for item, _ in archive],
        readings=[one for _, one in archive],
        now=NOW,
        is_history=is_history,
    )
    deliveries = data.draw(st.permutations(archive))
    deliveries += data.draw(st.lists(st.sampled_from(archive), max_size=4))
    while deliveries:
        size = data.draw(st.integers(1, len(deliveries)))
        batch, deliveries = deliveries[:size], deliveries[size:]
        receive(
            mixed,
            [item for item, _ in batch],
            readings=[one for _, one in batch],
            now=NOW,
            is_history=is_history,
        )
    if is_history:
        close_books(ordered)
        close_books(mixed)
    assert picture(mixed) == picture(ordered)


@given(data=st.data(), archive=archives(), minutes=st.integers(0, 6000))
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_what_comes_alive_from_an_archive_stands_as_if_it_had_been_opened_afterwards(
    data: st.DataObject, archive: list[tuple[Incoming, Reading | None]], minutes: int
) -> None:
    rules = make.policy(first_response_minutes=600, resolution_minutes=900)
    afterwards, at_once = (make.inbox(kind=kind, policy=rules) for kind in ("a", "b"))
    since = START + timedelta(minutes=minutes)
    readings = [one for _, one in archive]
    items = [item for item, _ in archive]
    receive(afterwards, items, readings=readings, now=NOW, is_history=True)
    deliveries = data.draw(st.permutations(archive))
    while deliveries:
        size = data.draw(st.integers(1, len(deliveries)))
        batch, deliveries = deliveries[:size], deliveries[size:]
        receive(
            at_once,
            [item for item, _ in batch],
            readings=[one for _, one in batch],
            now=NOW,
            is_history=True,
            alive_since=since,
        )
    for inbox in (afterwards, at_once):
        close_books(inbox)
    revive(afterwards, since=since, now=NOW)
    assert revive(at_once, since=since, now=NOW) == 0
    assert picture(at_once) == picture(afterwards)


@pytest.mark.django_db(transaction=True)
def test_the_same_delivery_ten_times_in_parallel_is_one_message() -> None:
    inbox = make.inbox()
    other = make.inbox(kind=inbox.kind)
    items = [make.incoming(external_id=f"m{n}", sender=f"person{n % 3}") for n in range(6)]

    def deliver(number: int) -> int:
        try:
            return int(take(other if number % 5 == 0 else inbox, items).taken)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        taken = sum(pool.map(deliver, range(10)))
    assert taken == Message.objects.count() == 12
    assert Contact.objects.count() == Handle.objects.count() == 3


def test_a_chain_of_replies_that_waited_takes_the_newest_with_it_when_their_question_arrives() -> (
    None
):
    inbox = make.inbox()
    at = make.NOON
    first = [
        make.incoming(external_id="a", at=at),
        make.answer(external_id="c", parent="b", at=at),
        make.answer(external_id="d", parent="c", at=at),
    ]
    then = [
        make.answer(external_id="e", parent="d", at=at),
        make.incoming(external_id="b", parent="a", at=at),
    ]
    receive(inbox, first, now=at)
    receive(inbox, then, now=at)
    [whole] = Conversation.objects.all()
    assert (whole.incoming_count, whole.reply_count) == (2, 3)


def test_the_address_of_what_became_part_of_another_leads_there_however_often_that_moved() -> None:
    inbox = make.inbox()
    who = {"sender": "ann", "at": make.NOON}
    for text, name, parent in (("first", "a", "z"), ("third", "c", "b"), ("fifth", "e", "d")):
        receive(inbox, [make.incoming(text, external_id=name, parent=parent, **who)], now=make.NOON)
    ids = list(Conversation.objects.order_by("pk").values_list("pk", flat=True))
    assert len(ids) == 3
    for name, parent in (("d", "c"), ("b", "a")):
        receive(inbox, [make.incoming("link", external_id=name, parent=parent, **who)], now=NOW)
    [whole] = Conversation.objects.all()
    assert [heir_of(pk) for pk in ids] == [whole.pk] * 3
    assert heir_of(max(ids) + 1_000) is None
    greta = browser(make.owner())
    for pk in ids:
        page = greta.get(reverse("conversation", args=[pk]))
        assert (page.status_code, "fifth" in page.content.decode()) == (200, True)
    stranger = browser(make.user())
    inbox.teams.add(make.team())
    assert stranger.get(reverse("conversation", args=[ids[-1]])).status_code == 404


def test_a_fail_moves_when_a_later_part_of_the_archive_tells_that_its_clock_had_paused() -> None:
    inbox = make.inbox(policy=make.policy(first_response_minutes=600, resolution_minutes=900))
    first, again = START, START + timedelta(minutes=1)
    asked = [
        make.incoming(external_id="a", at=first, sender="ann", need="answer"),
        make.incoming(external_id="c", at=again, sender="ann", parent="a", need="answer"),
    ]
    receive(inbox, asked, now=NOW, is_history=True, alive_since=START)
    clock = Clock.objects.get(kind="resolution")
    assert clock.failed_at == clock.due_at
    answered = [make.answer(external_id="b", at=first, parent="a")]
    receive(inbox, answered, now=NOW, is_history=True, alive_since=START)
    later = Clock.objects.get(kind="resolution")
    assert later.failed_at == later.due_at == clock.due_at + timedelta(minutes=1)
