from __future__ import annotations

import pytest

from tests.think.looking import codes, mended, only


@pytest.mark.parametrize(
    "gap",
    [
        "{name}",
        "{first_name}",
        "{{ contact.name }}",
        "{{order.number}}",
        "{% name %}",
        "${customer}",
        "{0}",
        "%name%",
        "%(name)s",
        "[NAME]",
        "[your name]",
        "[Insert date]",
        "[ORDER NUMBER]",
        "[[agent]]",
        "<name>",
        "<insert link here>",
        "<<customer name>>",
        "XXX",
        "XX.XX.XXXX",
        "€XX",
        "____",
        "TBD",
        "Lorem ipsum",
    ],
)
def test_a_gap_that_was_never_filled_stops(gap: str) -> None:
    finding = only("true.placeholder", f"Hello Ann, it is about {gap} today.")
    assert finding.stops
    assert finding.matched in gap


@pytest.mark.parametrize(
    "draft",
    [
        "See note [1] and the picture [sic].",
        "The file is called report [PDF] and it is [NEW].",
        "Love, Ann xxx",
        "It comes in XL, XXL and XXXL.",
        "Use the code `{name}` in your template.",
        "Go to Settings > [your name] > iCloud.",
        "Read [our page](https://example.com) about it.",
        "Add a { color: red } rule.",
        "We are 100% sure, 20% off and 5%.",
        "Press <Enter> or write to <ann@example.com>.",
        "It is 3 < 4 and 5 > 4.",
        "https://example.com/a%20b%20c",
        "A to-do list and snake_case_names are fine.",
    ],
)
def test_brackets_with_a_meaning_are_left_alone(draft: str) -> None:
    assert "true.placeholder" not in codes(draft)


def test_a_known_name_fills_the_gap() -> None:
    draft = "Hello {name}, thank you for writing."
    assert mended("true.placeholder", draft, contact_name="Ann Lee") == (
        "Hello Ann, thank you for writing."
    )
    assert only("true.placeholder", draft).change is None
    assert mended("true.placeholder", "Bye, [your name]", agent_name="Bo") == "Bye, Bo"


def test_a_name_that_is_a_gap_itself_fills_nothing() -> None:
    assert only("true.placeholder", "Hello {name}!", contact_name="{name}").change is None
