"""Two conversations made one, one made two, and both undone; what arrives later finds its way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heard.conversations import handling
from heard.conversations.contact_page.linking import readable
from heard.conversations.intake import merging, splitting
from heard.conversations.intake.merging import CannotMergeError
from heard.conversations.intake.receiving import receive
from heard.conversations.intake.splitting import CannotSplitError
from heard.conversations.models import Clock, Conversation, Merging, Message, Splitting
from heard.events.models import Event
from tests import make
from tests.conversations.asking import read_as
from tests.conversations.people.test_joining_undone import House, happen, rows, step

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> House:
    return House()


def hear(house: House, name: str, **fields: Any) -> Message:
    """A message of ann's under a name of its own."""
    house.minute += 5
    item = make.incoming(f"This is {name}", external_id=name, at=house.now, **fields)
    receive(house.boxes[0], [item], now=house.now, readings=[read_as()])
    return Message.objects.defer("search").get(external_id=name)


def place(name: str) -> int:
    return Message.objects.values_list("conversation", flat=True).get(external_id=name)


def conversation(pk: int) -> Conversation:
    return Conversation.objects.get(pk=pk)


def test_two_become_one_and_two_again(house: House) -> None:
    first, second = hear(house, "a"), hear(house, "b")
    house.answer(second)
    before = rows()
    one = merging.unite(
        conversation(place("b")), into=conversation(place("a")), by=house.bo, now=house.now
    )
    assert place("b") == first.conversation_id
    kept = conversation(first.conversation_id)
    assert kept.incoming_count == 2
    gone = conversation(second.conversation_id)
    assert (gone.merged_into_id, gone.status, gone.last_at) == (kept.pk, "resolved", None)
    assert not Conversation.objects.visible_to(make.owner()).filter(pk=gone.pk).exists()
    merging.undo(one, by=house.bo, now=house.now)
    assert rows() == before
    with pytest.raises(CannotMergeError):
        merging.undo(one, by=house.bo, now=house.now)
    names = Event.objects.filter(subject="conversation", subject_id=kept.pk)
    assert {"conversation.merged", "conversation.unmerged"} <= set(
        names.values_list("name", flat=True)
    )


def test_what_arrives_in_the_thread_that_went_is_filed_where_it_went(house: House) -> None:
    hear(house, "a")
    hear(house, "b")
    gone = place("b")
    one = merging.unite(
        conversation(gone), into=conversation(place("a")), by=house.bo, now=house.now
    )
    hear(house, "b2", root="b", parent="b")
    hear(house, "b3", parent="b2")
    hear(house, "a2", parent="a")
    assert {place(name) for name in ("a", "a2", "b", "b2", "b3")} == {place("a")}
    house.answer(Message.objects.get(external_id="b3"))
    merging.undo(one, by=house.bo, now=house.now)
    assert {place(name) for name in ("b", "b2", "b3")} == {gone}
    assert place("a") == place("a2") != gone
    answer = Message.objects.get(kind="reply")
    assert answer.conversation_id == gone
    assert conversation(gone).waiting_since is None
    assert conversation(place("a")).waiting_since is not None
    hear(house, "b4", parent="b3")
    assert place("b4") == gone


def test_a_thread_known_by_a_name_alone_leads_to_what_it_was_merged_into(house: House) -> None:
    hear(house, "a", root="thread-1")
    hear(house, "b", root="thread-2")
    gone = place("b")
    one = merging.unite(
        conversation(gone), into=conversation(place("a")), by=house.bo, now=house.now
    )
    hear(house, "b2", root="thread-2")
    assert place("b2") == place("a")
    # the name turns out to be a message, itself under another
    hear(house, "thread-2", root="thread-0")
    hear(house, "b3", root="thread-0")
    assert place("thread-2") == place("b3") == place("a")
    merging.undo(one, by=house.bo, now=house.now)
    assert {place(name) for name in ("b", "b2", "thread-2", "b3")} == {gone}


def test_threads_that_turn_out_to_be_one_stay_merged(house: House) -> None:
    hear(house, "a", root="thread-1")
    hear(house, "b", root="thread-2")
    kept = place("a")
    merging.unite(conversation(place("b")), into=conversation(kept), by=house.bo, now=house.now)
    hear(house, "thread-2", root="thread-1")
    hear(house, "c", root="thread-2")
    assert {place(name) for name in ("a", "b", "thread-2", "c")} == {kept}
    assert Conversation.objects.count() == 1


def test_a_merge_into_what_is_itself_merged_on_comes_apart_in_any_order(house: House) -> None:
    for name in ("a", "b", "c"):
        hear(house, name)
    before = rows()
    first = merging.unite(
        conversation(place("c")), into=conversation(place("b")), by=house.bo, now=house.now
    )
    second = merging.unite(
        conversation(place("b")), into=conversation(place("a")), by=house.bo, now=house.now
    )
    hear(house, "c2", parent="c")
    assert {place(name) for name in ("a", "b", "c", "c2")} == {place("a")}
    merging.undo(first, by=house.bo, now=house.now)
    assert place("c") == place("c2")
    assert place("a") == place("b") != place("c")
    merging.undo(second, by=house.bo, now=house.now)
    assert before["message"] <= rows()["message"]


def test_only_conversations_of_one_person_in_one_inbox_are_merged(house: House) -> None:
    ours, theirs = hear(house, "a"), house.hear("annie")
    elsewhere = house.hear("ann", box=1)
    for other, why in ((theirs, "contact"), (elsewhere, "inbox"), (ours, "same")):
        with pytest.raises(CannotMergeError, match=why):
            merging.unite(other.conversation, into=ours.conversation, by=house.bo, now=house.now)


def test_one_becomes_two_and_one_again(house: House) -> None:
    hear(house, "a", root="t")
    house.answer(hear(house, "b", root="t"))
    third = hear(house, "c", root="t")
    handling.note(conversation(place("c")), text="Hm.", author=house.bo, now=house.now)
    handling.promise(
        conversation(place("c")), text="We look", due_at=house.now + timedelta(days=1),
        by=house.bo, now=house.now,
    )  # fmt: skip
    handling.see(conversation(place("c")), by=house.bo, now=house.now)
    before = rows()
    whole = conversation(place("a"))
    part = splitting.split(whole, start=third, by=house.bo, now=house.now)
    assert place("a") == place("b") == whole.pk
    assert place("c") == part.pk
    assert part.promised_at is not None
    assert (part.incoming_count, conversation(whole.pk).incoming_count) == (1, 2)
    assert conversation(whole.pk).waiting_since is None
    assert part.waiting_since == third.at
    assert Message.objects.get(kind="note").conversation_id == part.pk
    assert part.sightings.count() == 1
    assert splitting.undo(Splitting.objects.get(), by=house.bo, now=house.now) == whole.pk
    assert rows() == before
    assert not Splitting.objects.exists()


def test_what_arrives_after_a_split_goes_to_the_part_it_answers(house: House) -> None:
    for name in ("a", "b", "c"):
        hear(house, name, root="t")
    part = splitting.split(
        conversation(place("a")), start=Message.objects.get(external_id="b"), by=house.bo,
        now=house.now,
    ).pk  # fmt: skip
    whole = place("a")
    hear(house, "to a", root="t", parent="a")
    hear(house, "to c", root="t", parent="c")
    hear(house, "to nobody", root="t")
    assert place("to a") == whole
    assert place("to c") == part
    assert place("to nobody") == part, "the newest part goes on"
    late = make.incoming("late", external_id="late", root="t", at=make.NOON)
    chain = make.incoming("deep", external_id="deep", root="t", parent="deeper", at=house.now)
    deeper = make.incoming("x", external_id="deeper", root="t", parent="to a", at=house.now)
    receive(house.boxes[0], [late, chain, deeper], now=house.now)
    assert place("late") == whole, "it was said before the part began"
    assert place("deep") == place("deeper") == whole
    house.answer(Message.objects.get(external_id="to c"))
    assert Message.objects.get(kind="reply").conversation_id == part


def test_a_part_can_be_split_again_and_merged_elsewhere(house: House) -> None:
    for name in ("a", "b", "c"):
        hear(house, name, root="t")
    hear(house, "other")
    by, now = house.bo, house.now
    second = Message.objects.get(external_id="b")
    part = splitting.split(conversation(place("a")), start=second, by=by, now=now)
    third = Message.objects.get(external_id="c")
    last = splitting.split(part, start=third, by=by, now=now)
    assert last.part == 2
    assert splitting.parts_of(last) == [place("a"), place("b"), place("c")]
    merging.unite(last, into=conversation(place("other")), by=by, now=now)
    hear(house, "d", root="t")
    assert place("d") == place("other"), "the part leads to what it was merged into"
    with pytest.raises(CannotSplitError, match="merged"):
        splitting.undo(Splitting.objects.get(part=last), by=by, now=now)


def test_the_first_message_cannot_be_split_off(house: House) -> None:
    first = hear(house, "a")
    with pytest.raises(CannotSplitError, match="first"):
        splitting.split(first.conversation, start=first, by=house.bo, now=house.now)
    elsewhere = house.hear("annie")
    with pytest.raises(CannotSplitError, match="elsewhere"):
        splitting.split(first.conversation, start=elsewhere, by=house.bo, now=house.now)


def test_clocks_that_had_failed_stay_failed(house: House) -> None:
    hear(house, "a", root="t")
    second = hear(house, "b", root="t")
    house.minute += 60 * 24
    from heard.conversations.clocks.sweeping import sweep

    sweep(house.now)
    before = set(Clock.objects.exclude(failed_at=None).values_list("message", "failed_at"))
    part = splitting.split(second.conversation, start=second, by=house.bo, now=house.now)
    assert before == set(
        Clock.objects.exclude(failed_at=None).exclude(conversation=part)
        .values_list("message", "failed_at")
    )  # fmt: skip
    splitting.undo(Splitting.objects.get(), by=house.bo, now=house.now)
    assert before == set(Clock.objects.exclude(failed_at=None).values_list("message", "failed_at"))


def test_a_private_link_shows_its_own_thread_and_our_answers(house: House) -> None:
    hear(house, "a", root="thread-1")
    hear(house, "b", root="thread-2")
    handling.note(conversation(place("b")), text="Hm.", author=house.bo, now=house.now)
    house.answer(Message.objects.get(external_id="b"))
    one, other = conversation(place("a")), conversation(place("b"))

    def shown(whose: Conversation) -> list[str]:
        rows = readable(Conversation.objects.get(pk=whose.pk)).order_by("at")
        return list(rows.values_list("text", flat=True))

    assert (shown(one), shown(other)) == (["This is a"], ["This is b", "Here."])
    house.minute += 1
    merging.unite(other, into=one, by=house.bo, now=house.now)
    house.answer(hear(house, "b2", root="thread-2"))
    assert shown(one) == ["This is a", "Here."], "our answers are for the person"
    assert shown(other) == ["This is b", "Here.", "This is b2", "Here."]
    last = Message.objects.get(external_id="b2")
    splitting.split(one, start=last, by=house.bo, now=house.now)
    assert shown(one)[0] == "This is a"


def test_a_private_link_shows_all_parts_of_its_thread(house: House) -> None:
    first, second = hear(house, "a", root="t"), hear(house, "b", root="t")
    splitting.split(first.conversation, start=second, by=house.bo, now=house.now)
    rows = readable(Conversation.objects.get(pk=first.conversation_id)).order_by("at")
    assert list(rows.values_list("text", flat=True)) == ["This is a", "This is b"]


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(step, min_size=3, max_size=14), st.integers(0, 20), st.integers(0, 20),
    st.lists(step, max_size=8), st.booleans(),
)  # fmt: skip
def test_nothing_is_lost_by_merging_and_splitting(
    first: list[Any], one: int, other: int, then: list[Any], is_split: bool
) -> None:
    with transaction.atomic():
        house = House()
        house.hear("ann")
        house.hear("ann")
        happen(house, first)
        before = rows()
        _merge_or_split(house, one, other, is_split=is_split)
        at_once = transaction.savepoint()
        _undo(house)
        assert rows() == before
        transaction.savepoint_rollback(at_once)
        happen(house, then)
        known = set(Message.objects.values_list("pk", flat=True))
        _undo(house)
        assert set(Message.objects.values_list("pk", flat=True)) == known
        assert not Message.objects.exclude(conversation__merged_into=None).exists()
        assert before["message"] <= rows()["message"]
        transaction.set_rollback(True)


def _merge_or_split(house: House, one: int, other: int, *, is_split: bool) -> None:
    if is_split:
        said = list(Message.objects.exclude(kind="note").defer("search").order_by("at", "pk"))
        start = said[one % len(said)]
        try:
            splitting.split(start.conversation, start=start, by=house.bo, now=house.now)
        except CannotSplitError:
            return
        return
    ann = Conversation.objects.filter(contact=house.person("ann"), inbox=house.boxes[0])
    those = list(ann.order_by("pk"))
    gone, kept = those[one % len(those)], those[other % len(those)]
    if gone.pk != kept.pk:
        merging.unite(gone, into=kept, by=house.bo, now=house.now)


def _undo(house: House) -> None:
    for made in Splitting.objects.all():
        splitting.undo(made, by=house.bo, now=house.now)
    for merged in Merging.objects.filter(undone_at=None):
        merging.undo(merged, by=house.bo, now=house.now)
