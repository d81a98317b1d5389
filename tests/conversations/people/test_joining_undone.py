"""A join of two contacts can be undone: whatever happened before and since finds back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heard.channels.base import Incoming, Kind
from heard.contacts.models import Contact, Handle, Joining
from heard.contacts.noting import write_note
from heard.conversations import handling
from heard.conversations.clocks.settling import settle
from heard.conversations.clocks.sweeping import sweep
from heard.conversations.intake.receiving import receive
from heard.conversations.models import Clock, Conversation, Message
from heard.conversations.people import joining
from heard.meter.rollups import differences
from tests import make
from tests.conversations.asking import read_as

pytestmark = pytest.mark.django_db

PEOPLE = ("ann", "annie")
ROWS = {
    "message": "conversation_id, kind, external_id, text, contact_id, handle_id",
    "clock": "conversation_id, kind, message_id, started_at, due_at, met_at, failed_at, fail,"
    " sighting, keeper_id, ended_at, is_paused, open_minutes",
    "conversation": "id, inbox_id, root, part, contact_id, contact_name, status, assignee_id,"
    " need, waiting_since, due_at, promised_at, incoming_count, reply_count, first_mood,"
    " last_mood, is_turned, preview, merged_into_id",
    "acknowledgement": "conversation_id, message_id, kind",
    "promise": "conversation_id, text, kept_at, withdrawn_at",
    "handle": "contact_id, kind, address",
    "contact": "id, name, note, into_id",
}


def rows(*, without: tuple[str, ...] = ()) -> dict[str, set[tuple[Any, ...]]]:
    """Everything that must be the same again."""
    found = {}
    with connection.cursor() as cursor:
        for table, columns in ROWS.items():
            if table in without:
                continue
            cursor.execute(f"SELECT {columns} FROM {table}")
            found[table] = set(cursor.fetchall())
    return found


class House:
    """Two networks, two people who may be one, and somebody who answers."""

    def __init__(self) -> None:
        self.boxes = [make.inbox(kind="mastodon", is_public=True), make.inbox(kind="mastodon")]
        self.bo = make.user(name="Bo")
        self.minute = 0

    @property
    def now(self) -> datetime:
        return make.NOON + timedelta(minutes=self.minute)

    def hear(
        self, who: str, *, box: int = 0, root: str = "", need: str = "answer", parent: str = ""
    ) -> Message:
        self.minute += 7
        item = make.incoming(
            f"{who} at {self.minute}", sender=who, sender_name=who.title(), root=root,
            parent=parent, at=self.now,
        )  # fmt: skip
        mood = "positive" if need == "recognition" else "negative"
        receive(self.boxes[box], [item], now=self.now, readings=[read_as(need=need, mood=mood)])
        return Message.objects.defer("search").get(external_id=item.external_id)

    def answer(self, said: Message) -> None:
        self.minute += 7
        item = Incoming(
            external_id=f"answer-{self.minute}", at=self.now, text="Here.", sender="house",
            kind=Kind.REPLY, parent=said.external_id, root=said.up, to="",
        )  # fmt: skip
        receive(self.boxes[0] if said.inbox_id == self.boxes[0].pk else self.boxes[1], [item],
                now=self.now)  # fmt: skip

    def person(self, who: str) -> Contact:
        return Handle.objects.select_related("contact").get(address=who).contact


@pytest.fixture
def house() -> House:
    return House()


def leads_to(contact: Contact) -> int | None:
    return Contact.objects.get(pk=contact.pk).into_id


def test_a_join_moves_everything_and_undoing_moves_it_back(house: House) -> None:
    house.hear("ann", root="post")
    second = house.hear("annie", root="post")
    house.answer(second)
    elsewhere = house.hear("annie", box=1)
    handling.promise(
        elsewhere.conversation, text="We look", due_at=house.now + timedelta(days=2),
        by=house.bo, now=house.now,
    )  # fmt: skip
    write_note(
        house.person("annie"), text="Likes lamps.", instead_of="", by=house.bo, now=house.now
    )
    before = rows()
    ann, annie = house.person("ann"), house.person("annie")
    joined = joining.join(annie, into=ann, by=house.bo, now=house.now)
    ann.refresh_from_db()
    assert ann.note == "Likes lamps."
    assert Conversation.objects.filter(contact=ann, merged_into=None).count() == 2
    joining.undo(joined, by=house.bo, now=house.now)
    assert rows() == before
    assert differences() == []


def test_what_is_written_after_a_join_finds_back_by_its_handle(house: House) -> None:
    first = house.hear("ann", root="post")
    second = house.hear("annie", root="post")
    ann, annie = house.person("ann"), house.person("annie")
    joined = joining.join(annie, into=ann, by=house.bo, now=house.now)
    again = house.hear("annie", root="post")
    hers = house.hear("ann", root="post")
    new = house.hear("annie", box=1)
    both = [house.hear(who, root="another post") for who in PEOPLE]
    for said in (again, hers, new):
        assert said.contact == ann
    assert again.conversation_id == hers.conversation_id == first.conversation_id
    house.answer(again)
    joining.undo(joined, by=house.bo, now=house.now)

    def place(message: Message) -> tuple[int, int | None]:
        message.refresh_from_db()
        return message.conversation_id, message.contact_id

    assert place(first) == place(hers)
    assert place(first)[1] == ann.pk
    assert place(second) == place(again)
    assert place(second)[1] == annie.pk
    assert place(new)[1] == annie.pk
    assert Conversation.objects.get(pk=new.conversation_id).contact == annie
    assert [place(said)[1] for said in both] == [ann.pk, annie.pk]
    assert place(both[0])[0] != place(both[1])[0]
    reply = Message.objects.get(kind="reply")
    assert reply.conversation_id == again.conversation_id
    assert Conversation.objects.get(pk=again.conversation_id).waiting_since is None
    assert Conversation.objects.get(pk=first.conversation_id).waiting_since is not None
    assert house.hear("annie", root="post").contact == annie
    assert differences() == []


def test_a_chain_of_joins_comes_apart_in_any_order(house: House) -> None:
    for who in ("ann", "annie", "anna"):
        house.hear(who)
        house.hear(who, root="post")
    ann, annie, anna = (house.person(who) for who in ("ann", "annie", "anna"))
    before = rows()
    first = joining.join(annie, into=anna, by=house.bo, now=house.now)
    second = joining.join(anna, into=ann, by=house.bo, now=house.now)
    assert leads_to(annie) == ann.pk
    joining.undo(first, by=house.bo, now=house.now)
    assert leads_to(annie) is None
    assert house.person("annie") == annie
    assert house.person("anna") == ann
    second.refresh_from_db()
    joining.undo(second, by=house.bo, now=house.now)
    assert rows() == before
    first = joining.join(annie, into=anna, by=house.bo, now=house.now)
    second = joining.join(anna, into=ann, by=house.bo, now=house.now)
    joining.undo(second, by=house.bo, now=house.now)
    assert leads_to(annie) == anna.pk
    joining.undo(first, by=house.bo, now=house.now)
    assert rows() == before


def test_a_fail_that_was_recorded_stays_recorded(house: House) -> None:
    house.hear("ann", root="post")
    house.hear("annie", root="post")
    house.minute += 24 * 60
    while sweep(house.now).is_full:
        pass
    fails = set(Clock.objects.exclude(failed_at=None).values_list("message", "sighting"))
    assert len(fails) == 2
    joined = joining.join(
        house.person("annie"), into=house.person("ann"), by=house.bo, now=house.now
    )
    joining.undo(joined, by=house.bo, now=house.now)
    assert set(Clock.objects.exclude(failed_at=None).values_list("message", "sighting")) == fails
    assert not Clock.objects.exclude(next_at=None).exists(), "nobody is told of them again"


def test_what_somebody_changed_since_stays(house: House) -> None:
    house.hear("ann")
    house.hear("annie")
    ann, annie = house.person("ann"), house.person("annie")
    write_note(annie, text="Likes lamps.", instead_of="", by=house.bo, now=house.now)
    joined = joining.join(annie, into=ann, by=house.bo, now=house.now)
    write_note(ann, text="Likes vases.", instead_of="Likes lamps.", by=house.bo, now=house.now)
    joining.undo(joined, by=house.bo, now=house.now)
    ann.refresh_from_db()
    annie.refresh_from_db()
    assert (ann.note, annie.note) == ("Likes vases.", "Likes lamps.")


def test_who_wrote_into_a_conversation_that_had_come_gets_their_words_back(house: House) -> None:
    hers = house.hear("annie", root="post")
    house.hear("ann")
    ann, annie = house.person("ann"), house.person("annie")
    joined = joining.join(annie, into=ann, by=house.bo, now=house.now)
    since = house.hear("ann", root="post")
    house.answer(since)
    assert since.conversation_id == hers.conversation_id
    joining.undo(joined, by=house.bo, now=house.now)
    since.refresh_from_db()
    assert since.conversation.contact == ann
    assert Message.objects.get(kind="reply").conversation_id == since.conversation_id
    assert Conversation.objects.get(pk=hers.conversation_id).contact == annie


def test_undoing_twice_is_refused_and_joining_again_is_not(house: House) -> None:
    house.hear("ann")
    house.hear("annie")
    ann, annie = house.person("ann"), house.person("annie")
    joined = joining.join(annie, into=ann, by=house.bo, now=house.now)
    with pytest.raises(Contact.DoesNotExist):
        joining.join(annie, into=ann, by=house.bo, now=house.now)
    joining.undo(joined, by=house.bo, now=house.now)
    with pytest.raises(joining.CannotUndoError):
        joining.undo(joined, by=house.bo, now=house.now)
    joining.join(ann, into=annie, by=house.bo, now=house.now)
    assert Joining.objects.filter(undone_at=None).count() == 1


step = st.one_of(
    st.tuples(
        st.just("hear"),
        st.sampled_from(PEOPLE),
        st.sampled_from([0, 1]),
        st.sampled_from(["", "post", "blog"]),
        st.sampled_from(["answer", "recognition", "nothing"]),
    ),
    st.tuples(st.just("answer"), st.integers(0, 30)),
    st.tuples(st.just("note"), st.integers(0, 30)),
    st.tuples(st.just("resolve"), st.integers(0, 30)),
    st.tuples(st.just("see"), st.integers(0, 30)),
    st.tuples(st.just("thank"), st.integers(0, 30)),
    st.tuples(st.just("sweep"), st.integers(1, 600)),
)


def happen(house: House, steps: list[Any]) -> None:
    for what, *how in steps:
        if what == "hear":
            who, box, root, need = how
            house.hear(who, box=box, root=root, need=need)
            continue
        if what == "sweep":
            house.minute += how[0]
            sweep(house.now)
            continue
        said = list(Message.objects.filter(kind="incoming").defer("search").order_by("pk"))
        if not said:
            continue
        one = said[how[0] % len(said)]
        house.minute += 1
        if what == "answer":
            house.answer(one)
        elif what == "note":
            handling.note(one.conversation, text="Hm.", author=house.bo, now=house.now)
        elif what == "resolve":
            handling.resolve(one.conversation, by=house.bo, now=house.now)
        elif what == "see":
            handling.see(one.conversation, by=house.bo, now=house.now)
        elif what == "thank":
            handling.acknowledge(one, kind="thank", by=house.bo, now=house.now)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(step, min_size=2, max_size=14), st.lists(step, max_size=10))
def test_nothing_is_lost_whatever_happened(first: list[Any], then: list[Any]) -> None:
    with transaction.atomic():
        house = House()
        for who in PEOPLE:
            house.hear(who)
        happen(house, first)
        before = rows()
        ann, annie = house.person("ann"), house.person("annie")
        joined = joining.join(annie, into=ann, by=house.bo, now=house.now)
        assert not Conversation.objects.filter(contact=annie, merged_into=None).exists()
        undone_at_once = transaction.savepoint()
        joining.undo(joined, by=house.bo, now=house.now)
        assert rows() == before
        transaction.savepoint_rollback(undone_at_once)
        known = set(Message.objects.values_list("pk", flat=True))
        happen(house, then)
        everything = set(Message.objects.values_list("pk", flat=True))
        joined.refresh_from_db()
        joining.undo(joined, by=house.bo, now=house.now)
        assert set(Message.objects.values_list("pk", flat=True)) == everything
        _everybody_has_their_own(house, ann=ann, annie=annie)
        _old_ones_are_where_they_were(before, known)
        _all_is_settled(house)
        transaction.set_rollback(True)


def _everybody_has_their_own(house: House, *, ann: Contact, annie: Contact) -> None:
    owner = {"ann": ann.pk, "annie": annie.pk}
    incoming = Message.objects.filter(kind="incoming").defer("search")
    for said in incoming.select_related("conversation", "handle"):
        assert said.handle is not None
        assert said.contact_id == owner[said.handle.address]
        assert said.conversation.contact_id == said.contact_id
        assert said.conversation.merged_into_id is None
    for reply in Message.objects.filter(kind="reply").defer("search"):
        answered = Message.objects.defer("search").get(external_id=reply.parent)
        assert reply.conversation_id == answered.conversation_id


def _old_ones_are_where_they_were(before: dict[str, set[tuple[Any, ...]]], known: set[int]) -> None:
    now = rows()["message"]
    assert before["message"] <= now
    notes = set(
        Message.objects.filter(pk__in=known, kind="note").values_list("conversation", flat=True)
    )
    assert notes <= {row[0] for row in before["message"] if row[1] == "note"}


def _all_is_settled(house: House) -> None:
    """What stands in the rows is what follows from what happened."""
    stands = rows(without=("contact", "handle"))
    settle(list(Conversation.objects.values_list("pk", flat=True)), now=house.now)
    assert rows(without=("contact", "handle")) == stands


def test_a_message_knows_its_handle(house: House) -> None:
    said = house.hear("ann")
    item = make.answer(to="ann", external_id="out")
    receive(house.boxes[0], [item], now=house.now)
    handles = {Handle.objects.get(address="ann").pk}
    assert {said.handle_id} == handles
    assert {Message.objects.get(external_id="out").handle_id} == handles
