"""Figures of a text are read for what they are, in six languages."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.think.true.claims import Claim, Sort, claims_in


def one(text: str) -> Claim:
    [claim] = claims_in(text)
    return claim


@pytest.mark.parametrize(
    ("text", "sort", "value"),
    [
        ("€ 12.50", Sort.SUM, (Decimal("12.5"), "EUR")),
        ("12,50 €", Sort.SUM, (Decimal("12.5"), "EUR")),
        ("$1,200", Sort.SUM, (Decimal(1200), "USD")),
        ("1.234,50 Euro", Sort.SUM, (Decimal("1234.5"), "EUR")),
        ("20 quid", Sort.SUM, (Decimal(20), "GBP")),
        ("R$ 30", Sort.SUM, (Decimal(30), "BRL")),
        ("20 %", Sort.SHARE, (Decimal(20),)),
        ("3,5 Prozent", Sort.SHARE, (Decimal("3.5"),)),
        ("10:30 pm", Sort.CLOCK, (1350,)),
        ("12 am", Sort.CLOCK, (1440,)),
        ("18h30", Sort.CLOCK, (1110,)),
        ("22 Uhr", Sort.CLOCK, (1320,)),
        ("4 May", Sort.DATE, (5, 4, None)),
        ("May 4th, 2026", Sort.DATE, (5, 4, 26)),
        ("4. Mai", Sort.DATE, (5, 4, None)),
        ("4 de mayo de 2026", Sort.DATE, (5, 4, 26)),
        ("04.05.2026", Sort.DATE, (5, 4, 26)),
        ("2026-05-04", Sort.DATE, (5, 4, 26)),
        ("domenica", Sort.WEEKDAY, (6,)),
        ("two weeks", Sort.SPAN, (2, 2, 10_080)),
        ("3-5 business days", Sort.SPAN, (3, 5, 1440)),
        ("2 bis 4 Werktage", Sort.SPAN, (2, 4, 1440)),
        ("+44 20 7946 0000", Sort.PHONE, ("9460000",)),
        ("care@shop.example", Sort.EMAIL, ("care@shop.example",)),
        ("https://www.shop.com/returns/", Sort.LINK, ("shop.com/returns",)),
    ],
)
def test_a_figure_is_read_for_what_it_is(text: str, sort: Sort, value: tuple[object, ...]) -> None:
    claim = one(text)
    assert (claim.sort, claim.value, claim.text) == (sort, value, text)


@pytest.mark.parametrize(
    "text",
    [
        "gate 12",
        "order 20931847",
        "the 2nd floor",
        "it sat in the sun",
        "3 years old",
        "v2.3",
        "1/2",
    ],
)
def test_small_numbers_ordinals_and_orders_are_no_claims(text: str) -> None:
    assert not claims_in(text)


@pytest.mark.parametrize(
    ("one_text", "other", "agrees"),
    [
        ("3 days", "2 to 4 days", True),
        ("24 hours", "one day", True),
        ("14 days", "2 weeks", True),
        ("5 days", "2 to 4 days", False),
        ("12 €", "12 EUR", True),
        ("12 €", "£12", False),
        ("4 May", "4 May 2026", True),
        ("5 May", "4 May 2026", False),
    ],
)
def test_claims_agree_where_one_is_a_part_of_the_other(
    one_text: str, other: str, agrees: bool
) -> None:
    first, *_ = claims_in(one_text)
    second, *_ = [*claims_in(other), Claim(Sort.LINK, 0, 0, "", ())]
    assert first.agrees_with(second) is agrees


@given(st.text(max_size=200) | st.text(alphabet="0123456789.,:-/ €$%ap mhUrdays@", max_size=80))
def test_any_text_has_claims_in_its_own_words(text: str) -> None:
    found = claims_in(text)
    for claim in found:
        assert text[claim.start : claim.end] == claim.text or "’" in text or "\xa0" in text
        assert claim.agrees_with(claim)
    taken = [claim for claim in found if claim.sort is not Sort.WEEKDAY]
    assert all(a.end <= b.start for a, b in pairwise(taken))


@given(st.integers(0, 10**6), st.integers(0, 99))
def test_sums_are_the_same_however_they_are_written(whole: int, cents: int) -> None:
    english, german = f"€{whole:,}.{cents:02d}", f"{whole:,}".replace(",", ".") + f",{cents:02d} €"
    assert one(english).value == one(german).value == (Decimal(f"{whole}.{cents:02d}"), "EUR")
