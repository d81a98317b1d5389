"""Figures, times, names and answers are held against what the house knows and has said."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.think import Facts, Known, Light, Opening, Turn, check
from tests.think.looking import codes, findings, mended, only

PRICES = tuple(Known(f"Dish {number}", f"€ {number}.70") for number in range(20, 26))
KNOWN = (
    Known("Day ticket", "€ 12.50", ("ticket", "entry")),
    Known("Family ticket", "€ 30"),
    Known("Delivery time", "2 to 4 working days", ("delivery", "shipping")),
    Known("Return period", "30 days", ("returns",)),
    Known("Phone", "+44 20 7946 0000", ("hotline", "call us")),
    Known("Sale", "until 4 May 2026"),
    Known("Lieferzeit", "2 bis 4 Tage", ("Lieferung",)),
    *PRICES,
)
SPANS = ((540, 1080),)
HOURS = Opening(
    (SPANS, SPANS, SPANS, SPANS, SPANS, ((600, 840),), ()), days=((date(2026, 3, 12), ()),)
)
WEDNESDAY = datetime(2026, 3, 11, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        ("The day ticket is € 15.", "The day ticket is € 12.50."),
        ("A ticket costs 15 euros, Ann.", "A ticket costs € 12.50, Ann."),
        ("Family ticket €25, day ticket €12,50.", "Family ticket € 30, day ticket €12,50."),
        ("You can return it within 14 days.", "You can return it within 30 days."),
        ("Delivery takes 5-7 days.", "Delivery takes 2 to 4 working days."),
        ("Our hotline is 020 7946 9999.", "Our hotline is +44 20 7946 0000."),
        ("The sale goes on until May 9th.", "The sale goes on until 4 May 2026."),
        ("Die Lieferung dauert 7 Tage.", "Die Lieferung dauert 2 bis 4 Tage."),
    ],
)  # fmt: skip
def test_a_figure_that_we_know_otherwise_is_put_right_with_one_key(
    draft: str, expected: str
) -> None:
    assert mended("true.contradicts", draft, known=KNOWN) == expected


@given(st.integers(1, 9_999), st.integers(1, 9_999), st.sampled_from(["€ {}", "{} €", "£{}.00"]))
def test_any_other_price_is_put_right_and_the_known_one_is_not(
    known: int, said: int, shape: str
) -> None:
    facts = {"known": (Known("Lamp", shape.format(known)),)}
    draft = f"The lamp is {shape.format(said)} in our shop."
    if said % known:
        assert shape.format(known) in mended("true.contradicts", draft, **facts)
    elif said == known:
        assert "true.contradicts" not in codes(draft, **facts)


def test_the_known_fact_is_shown_beside_it() -> None:
    found = only("true.contradicts", "The day ticket is € 15.", known=KNOWN)
    assert found.beside == "Day ticket: € 12.50"
    assert found.light is Light.AMBER
    assert not found.stops


@pytest.mark.parametrize(
    "draft",
    [
        "The day ticket is €12,50.",
        "Two tickets are € 25.",
        "Delivery takes 3 days.",
        "Delivery takes two days, at most 4.",
        "We refund € 9 for the ticket.",
        "You paid € 15 for your ticket, and that was ours to see.",
        "Is the ticket € 15 on your screen?",
        "The ticket is no longer € 15.",
        "Call us on 020 7946 0000.",
        "The sale ends on 4 May.",
        "The ticket has 3 parts and 2 days.",
        "On your second day, ask for gate 15.",
    ],
)
def test_what_agrees_or_speaks_of_something_else_is_left_alone(draft: str) -> None:
    assert "true.contradicts" not in codes(draft, known=KNOWN)


def test_a_bare_figure_is_held_against_what_was_asked() -> None:
    asked = "Hello, how much is a day ticket?"
    assert mended("true.contradicts", "It is € 15.", message=asked, known=KNOWN) == "It is € 12.50."
    assert not codes("It is € 15.", message="Is it far?", known=KNOWN) & {"true.contradicts"}


@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        ("We are open until 10 pm on Fridays.", "We are open until 6 pm on Fridays."),
        ("We close at 16:00 on Saturday.", "We close at 14:00 on Saturday."),
        ("We open at 8am from Monday to Friday.", "We open at 9am from Monday to Friday."),
        ("Wir haben freitags bis 20 Uhr geöffnet.", "Wir haben freitags bis 18 Uhr geöffnet."),
        ("Nous fermons à 20h le vendredi.", "Nous fermons à 18h le vendredi."),
        ("Abrimos a las 8:00 el lunes.", "Abrimos a las 9:00 el lunes."),
    ],
)
def test_an_opening_hour_that_is_another_is_put_right(draft: str, expected: str) -> None:
    assert mended("true.opening", draft, opening=HOURS) == expected


@pytest.mark.parametrize(
    "draft",
    [
        "We are open on Sundays too.",
        "We are closed on Saturdays.",
        "We are open tomorrow.",
        "We're open from 9 to 5.",
        "Wir haben am Sonntag geöffnet.",
    ],
)
def test_a_day_that_is_closed_or_open_otherwise_is_told(draft: str) -> None:
    found = only("true.opening", draft, opening=HOURS, now=WEDNESDAY)
    assert found.beside == (
        "Monday to Friday 9:00 to 18:00, Saturday 10:00 to 14:00, Sunday closed"
    )


@pytest.mark.parametrize(
    "draft",
    [
        "We are open from 9 to 6 on weekdays.",
        "We close at 6 pm.",
        "We are closed on Sundays.",
        "We open at ten on Saturday.",
        "We open at 10 on Saturday and close at 2 pm.",
        "We are open today.",
        "Over Christmas we are open until 4.",
        "Are you sure that we are open on Sunday?",
        "The kitchen is open until 23:00.",
        "We are closed from 12 to 1.",
        "Please leave the box open until 5 days have passed.",
    ],
)
def test_hours_that_are_so_or_of_something_else_are_left_alone(draft: str) -> None:
    assert "true.opening" not in codes(draft, opening=HOURS, now=WEDNESDAY)


def test_hours_that_the_house_wrote_down_itself_go_before_the_clocks() -> None:
    known = (Known("Opening hours", "8:00 to 22:00"),)
    assert "true.opening" not in codes("We are open until 22:00.", opening=HOURS, known=known)
    assert "true.contradicts" in codes("Our opening hours are 7:00.", opening=HOURS, known=known)


@pytest.mark.parametrize(
    ("before", "draft", "expected"),
    [
        ("Hi. Your lamp comes on Monday.", "Your lamp comes Friday.", "Your lamp comes Monday."),
        ("The repair costs € 40.", "The repair costs € 55.", "The repair costs € 40."),
    ],
)  # fmt: skip
def test_another_figure_than_we_gave_before_is_shown_with_our_sentence(
    before: str, draft: str, expected: str
) -> None:
    changed = mended("true.contradicts_earlier", draft, earlier_replies=(before,))
    assert changed == expected
    found = only("true.contradicts_earlier", draft, earlier_replies=(before,))
    assert found.beside in before


def test_the_opposite_of_what_we_said_before_is_shown() -> None:
    found = only(
        "true.contradicts_earlier",
        "We cannot exchange the broken lamp in the shop.",
        earlier_replies=("Hello. We can exchange the broken lamp in the shop.",),
    )
    assert found.beside == "We can exchange the broken lamp in the shop."
    assert found.change is None


@pytest.mark.parametrize(
    ("before", "draft"),
    [
        ("Your parcel arrives on Monday.", "I am sorry: your parcel now arrives on Friday."),
        ("Your parcel arrives on Monday.", "Your parcel is delayed, it arrives on Friday."),
        ("Your parcel arrives on Monday.", "We close at ten on Friday."),
        ("Does your parcel arrive on Monday?", "Your parcel arrives on Friday."),
        ("Your parcel arrives on Monday.", "Your parcel arrives on Monday at noon."),
    ],
)
def test_news_and_other_subjects_contradict_nothing(before: str, draft: str) -> None:
    assert "true.contradicts_earlier" not in codes(draft, earlier_replies=(before,))


def test_a_greeting_by_another_name_offers_the_contacts() -> None:
    assert mended("true.other_name", "Hi Tom, all is well.", contact_name="Ann Lee") == (
        "Hi Ann, all is well."
    )


@pytest.mark.parametrize(
    ("draft", "facts"),
    [
        ("Hi Ann, all is well.", {}),
        ("Hello there, all is well.", {}),
        ("Hi Annie, all is well.", {}),
        ("Hi Tom, all is well.", {"message": "Regards, Tom and Ann"}),
        ("Hi Tom, all is well.", {"thread": (Turn(is_ours=False, text="Tom here"),)}),
        ("Hi Tom, all is well.", {"contact_name": "shop_77"}),
        ("Hi again, all is well.", {}),
    ],
)
def test_a_greeting_that_may_be_right_is_left_alone(draft: str, facts: dict[str, Any]) -> None:
    assert "true.other_name" not in codes(draft, **{"contact_name": "Ann Lee", **facts})


def test_figures_that_stand_nowhere_are_listed_once_and_quietly() -> None:
    draft = "Breakfast is € 9, dinner € 24, a towel € 3 and a bed € 70. Ring 020 5555 1234."
    found = only("true.not_known", draft, known=KNOWN)
    assert found.says == "Not known here: € 9, € 24, € 3."
    assert found.light is Light.AMBER


@pytest.mark.parametrize(
    ("draft", "facts"),
    [
        ("Breakfast is € 9.", {"known": ()}),
        ("Breakfast is € 9.", {"known": KNOWN[:2]}),
        ("Breakfast is € 9.", {"message": "Is it 9 euros?"}),
        ("Breakfast is € 9.", {"thread": (Turn(is_ours=True, text="It is € 9.00."),)}),
        ("Breakfast is € 9.", {"saved_answers": ("Breakfast: € 9",)}),
        ("We have refunded € 9 to your card.", {}),
        ("I will send you € 9 by Friday.", {}),
        ("It is in room 12, on the 2nd floor, by 3 pm, in ten minutes.", {}),
        ("Ring 020 5555 1234.", {"our_details": ("+44 20 5555 1234",)}),
    ],
)
def test_what_was_said_or_done_here_is_no_claim(draft: str, facts: dict[str, Any]) -> None:
    assert "true.not_known" not in codes(draft, **{"known": KNOWN, **facts})


def test_a_link_is_at_home_where_a_fact_leads() -> None:
    known = (Known("Returns", "https://shop.example/returns"),)
    assert "true.not_known" not in codes("See https://shop.example/help", known=known)
    assert "true.not_known" in codes("See https://elsewhere.example/help", known=known)


def test_a_house_with_two_thousand_facts_is_held_against_at_once() -> None:
    known = tuple(Known(f"Article {number}", f"€ {number}") for number in range(2_000))
    found = check("Article 77 is € 78.", Facts(known=known))
    assert [finding.code for finding in found.findings] == ["true.contradicts"]


def test_a_week_has_seven_days() -> None:
    with pytest.raises(ValueError, match="seven"):
        Opening(((),))


def test_true_findings_only_warn() -> None:
    for finding in findings("Hi Tom, a ticket is € 15.", contact_name="Ann Lee", known=KNOWN):
        assert finding.light is Light.AMBER
