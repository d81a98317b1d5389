"""How threads are put into words: quotations, links, times, and lengths of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from heard.conversations import quoting, showing

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "said", "quoted"),
    [
        ("Thanks!\n\n> one\n> two\n> three", "Thanks!", "> one\n> two\n> three"),
        ("Thanks!\n\nOn Monday, Bo wrote:\n> one", "Thanks!", "On Monday, Bo wrote:\n> one"),
        (
            "Danke\n\nAm 4. März 2026 schrieb Bo:\n> eins",
            "Danke",
            "Am 4. März 2026 schrieb Bo:\n> eins",
        ),
        (
            "Ok\n\n-----Original Message-----\nFrom: Bo",
            "Ok",
            "-----Original Message-----\nFrom: Bo",
        ),
        ("See:\n> one line", "See:\n> one line", ""),
        ("> one\nyes\n> two\nno", "> one\nyes\n> two\nno", ""),
        ("> all\n> of\n> it", "> all\n> of\n> it", ""),
        ("No quotation", "No quotation", ""),
        ("", "", ""),
    ],
)
def test_a_quotation_at_the_end_is_told_from_what_was_said(
    text: str, said: str, quoted: str
) -> None:
    assert quoting.split(text) == (said, quoted)


@given(st.text())
def test_no_word_is_lost_when_a_quotation_is_split_off(text: str) -> None:
    said, quoted = quoting.split(text)
    assert f"{said}{quoted}".split() == text.split()


@given(st.text(st.sampled_from("<>&\"' htps:/a.b)"), max_size=60))
def test_links_never_become_other_markup(text: str) -> None:
    linked = showing.linked(text)
    without = linked.replace("</a>", "")
    while "<a href=" in without:
        start = without.index("<a href=")
        without = without[:start] + without[without.index(">", start) + 1 :]
    assert "<" not in without
    assert unescape(without) == text


def test_an_address_becomes_a_link_without_the_stop_that_follows_it() -> None:
    linked = showing.linked("See https://shop.example/a?b=1&c=2.")
    assert 'href="https://shop.example/a?b=1&amp;c=2"' in linked
    assert linked.endswith("</a>.")


@pytest.mark.parametrize(
    ("since", "words"),
    [
        (timedelta(seconds=30), "now"),
        (timedelta(minutes=5), "5 min"),
        (timedelta(hours=3), "09:00"),
        (timedelta(days=1), "Tue"),
        (timedelta(days=6), "Thu"),
        (timedelta(days=20), "12 Feb"),
        (timedelta(days=400), "28 Jan 2025"),
        (-timedelta(days=3), "7 Mar"),
    ],
)
def test_when_it_was_is_said_as_shortly_as_can_be(since: timedelta, words: str) -> None:
    with timezone.override("UTC"):
        assert showing.ago(NOW - since, now=NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 min"),
        (59 * 60, "59 min"),
        (2 * 3600 + 600, "2 h 10 min"),
        (3600, "1 h"),
        (86400, "1 day"),
        (86400 + 3 * 3600, "1 day 3 h"),
        (5 * 86400 + 3 * 3600, "5 days"),
    ],
)
def test_a_length_of_time_has_at_most_two_units(seconds: int, words: str) -> None:
    assert showing.span_words(seconds) == words


def test_a_clock_empties_and_then_fails() -> None:
    def face(hours: float) -> showing.ClockFace:
        due = NOW + timedelta(hours=4)
        return showing.clock(NOW, due, kind="first_response", now=NOW + timedelta(hours=hours))

    assert (face(0).left, face(1).left, face(0).is_failing) == (1.0, 0.75, False)
    assert face(1).label == "first answer: 3 h left"
    assert (face(5).left, face(5).is_failing) == (0.0, True)
    assert face(5).label == "first answer: 1 h late"
