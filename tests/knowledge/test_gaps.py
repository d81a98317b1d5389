"""Gaps are filled with what is known, stay to be seen else, and are made of what is theirs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from heard.knowledge.gaps import GAPS, fill, gaps_in, in_our_words, name_of, with_gaps
from heard.think import Facts, check

NAMES = some.sampled_from([name for gap in GAPS for name in (gap.name, *gap.also)])
WORDS = some.text("abc {}.,\n$", max_size=20)
VALUES = some.dictionaries(some.sampled_from([gap.name for gap in GAPS]), some.text(max_size=12))


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("contact name", "contact name"),
        ("Contact_Name", "contact name"),
        ("contact.name", "contact name"),
        ("first name", "contact name"),
        ("ticket.requester.first_name", "contact name"),
        ("current_user.name", "agent name"),
        ("order-number", "order"),
        ("Delivery cost", "delivery cost"),
    ],
)
def test_a_gap_has_one_name_however_it_is_written(written: str, name: str) -> None:
    assert name_of(written) == name


def test_what_is_known_is_put_in_and_the_rest_stays_to_be_seen() -> None:
    filled = fill("Hi {{contact.name}}, {order} is at {place}.", {"contact name": "Mira"})
    assert filled.text == "Hi Mira, {order} is at {place}."
    assert filled.missing == ("order", "place")


def test_what_is_put_in_is_not_filled_again() -> None:
    filled = fill("{contact name} {order}", {"contact name": "{order}", "order": "77"})
    assert filled.text == "{order} 77"


@given(before=WORDS, gap=NAMES, after=WORDS, values=VALUES)
def test_a_gap_that_stays_open_is_stopped_by_the_check(
    before: str, gap: str, after: str, values: dict[str, str]
) -> None:
    filled = fill(f"{before} {{{gap}}} {after}", values)
    if filled.missing:
        assert all(f"{{{name}}}" in filled.text for name in filled.missing)
        codes = [it.code for it in check(filled.text, Facts()).findings if it.stops]
        assert "true.placeholder" in codes


@given(text=some.text(), values=VALUES)
def test_a_text_without_gaps_is_left_alone(text: str, values: dict[str, str]) -> None:
    if not gaps_in(text):
        assert fill(text, values).text == text


@given(parts=some.lists(some.one_of(WORDS, NAMES.map(lambda name: f"{{{name}}}"))))
def test_our_own_words_for_gaps_do_not_change_again(parts: list[str]) -> None:
    once = in_our_words(" ".join(parts))
    assert in_our_words(once) == once


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Dear Phil, it is on its way.", "Dear {contact name}, it is on its way."),
        ("Good evening Mr Danby,\nwe have it.", "Good evening Mr {contact name},\nwe have it."),
        ("Hello there, we are open.", "Hello there, we are open."),
        ("Thank you Ada! All mended.", "Thank you {contact name}! All mended."),
        ("Phil's box is here, @phil_d.", "{contact name}'s box is here, {contact name}."),
        ("Your order 48213 has left us.", "{order} has left us."),
        ("QD-48213 has left us.", "{order} has left us."),
        ("We wrote to phil@home.example.", "We wrote to {their e-mail}."),
        ("It costs £4.95, and nothing above £45.", "It costs £4.95, and nothing above £45."),
        ("Open 11:00 to 15:00 since 1998.", "Open 11:00 to 15:00 since 1998."),
        ("Call us at 01632 960123, any day.", "Call us at 01632 960123, any day."),
        ("See https://quince.example/delivery.", "See https://quince.example/delivery."),
        (
            "Write here: https://quince.example/ask/thread/aG93IGFyZSB5b3U4.",
            "Write here: {private page link}.",
        ),
        ("Rang Ed back, so it is done.", "Rang {contact name} back, so it is done."),
        ("All the best, Imogen", "All the best, {agent name}"),
    ],
)
def test_what_was_somebody_elses_becomes_a_gap(said: str, kept: str) -> None:
    made = with_gaps(
        said,
        contact_names=("Phil Danby", "phil_d", "Ed So"),
        agent_names=("Imogen Quince",),
        our_details=("01632 960123",),
    )
    assert made == kept


NAME = some.sampled_from(["Orla Finch", "Bram Okello", "Zoë Vance", "Ines Morado"])


@given(name=NAME, before=some.text("abc ,.!\n", max_size=20), after=some.text(max_size=20))
def test_the_whole_name_of_the_other_person_never_stays(name: str, before: str, after: str) -> None:
    made = with_gaps(f"{before} {name} {after}", contact_names=(name,))
    assert name not in made
