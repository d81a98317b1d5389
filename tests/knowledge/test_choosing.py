"""What was typed after `/` finds the answer that is meant, the likeliest first."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from heard.knowledge.choosing import Choice, choose

CHOICES = (
    Choice(1, "hours", "Opening hours", "We are open {opening hours today}.", language="en"),
    Choice(2, "hours", "Öffnungszeiten", "Heute {opening hours today}.", language="de"),
    Choice(3, "where-is-my-order", "Where is my order", "It left us on Monday.", used_count=9),
    Choice(4, "gluten", "Gluten and allergens", "Our kitchen cooks without gluten."),
    Choice(5, "refund", "Money back", "The refund is on its way.", nearness=1),
)


def found(typed: str, language: str = "en", **more: Any) -> list[int]:
    return [it.id for it in choose(typed, CHOICES, language=language, limit=8, **more)]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("hours", 1),
        ("HOUR", 1),
        ("offnungs", 2),
        ("wimo", 3),
        ("my-order", 3),
        ("order where", 3),
        ("glutten", 4),
        ("refnud", 5),
        ("money", 5),
        ("monday", 3),
    ],
)
def test_a_few_letters_are_enough(typed: str, first: int) -> None:
    assert found(typed)[0] == first


def test_the_language_of_the_conversation_goes_first() -> None:
    assert found("hours", "de") == [2, 1]
    assert found("", "de")[0] == 2


def test_then_the_nearer_scope_then_what_is_used_more() -> None:
    assert found("", "fr")[:2] == [5, 3]


def test_what_does_not_fit_is_not_offered() -> None:
    assert found("zebra") == []
    assert found("hours zebra") == []


@given(typed=some.text(max_size=30))
def test_anything_may_be_typed(typed: str) -> None:
    ids = found(typed)
    assert len(ids) == len(set(ids)) <= len(CHOICES)


@given(choice=some.sampled_from(CHOICES), cut=some.integers(1, 20))
def test_the_beginning_of_a_short_name_always_finds_it(choice: Choice, cut: int) -> None:
    assert choice.id in found(choice.short[:cut])
