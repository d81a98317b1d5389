"""Lengths and hours are read as people write them, and written so that they are read again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.conversations.clocks import spans
from heard.conversations.clocks.hours import OpeningHours


@given(st.integers(0, 525_600))
def test_a_length_is_read_as_it_was_written(total: int) -> None:
    assert spans.minutes(spans.length(total)) == total


@pytest.mark.parametrize(
    ("text", "total"),
    [
        ("4 h", 240),
        ("90", 90),
        ("1 h 30 min", 90),
        ("1h30", 90),
        ("45 minutes", 45),
        ("2 hours", 120),
    ],
)
def test_lengths_are_read(text: str, total: int) -> None:
    assert spans.minutes(text) == total


@pytest.mark.parametrize("text", ["", "soon", "-4 h", "4 h 5 h", "1.5 h", "h"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no length"):
        spans.minutes(text)


def days() -> st.SearchStrategy[list[list[str]]]:
    minute = st.integers(0, 1440)
    return st.lists(minute, max_size=6, unique=True).map(
        lambda found: [
            [f"{opens // 60:02}:{opens % 60:02}", f"{closes // 60:02}:{closes % 60:02}"]
            for opens, closes in zip(*[iter(sorted(found))] * 2, strict=False)
        ]
    )


@given(st.lists(days(), min_size=7, max_size=7))
def test_a_week_is_read_as_it_was_written(week: list[list[list[str]]]) -> None:
    assert spans.week([spans.written(day) for day in week]) == week
    OpeningHours.from_json({"timezone": "UTC", "week": week})


@pytest.mark.parametrize(
    ("text", "open_"),
    [
        ("9-17", [["09:00", "17:00"]]),
        ("9:00–12:30, 14:00–18:00", [["09:00", "12:30"], ["14:00", "18:00"]]),
        ("14-18 and 9 to 12", [["09:00", "12:00"], ["14:00", "18:00"]]),
        ("9-12 14-18", [["09:00", "12:00"], ["14:00", "18:00"]]),
        ("closed", []),
        ("24 h", [["00:00", "24:00"]]),
    ],
)
def test_hours_are_read_as_people_write_them(text: str, open_: list[list[str]]) -> None:
    assert spans.day(text) == open_


def test_a_night_goes_on_the_next_day() -> None:
    friday = ["", "", "", "", "18-2", "10-0", ""]
    assert spans.week(friday)[4:] == [
        [["18:00", "24:00"]],
        [["00:00", "02:00"], ["10:00", "24:00"]],
        [],
    ]


@pytest.mark.parametrize("text", ["nine to five", "9-25", "9:70-10", "9-9", "9", "9-12,"])
def test_what_is_no_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"span|time of day|at once"):
        spans.week([text])


def test_days_are_read() -> None:
    assert [day.isoformat() for day in spans.dates("2026-12-24, 2026-12-31")] == [
        "2026-12-24",
        "2026-12-31",
    ]
    with pytest.raises(ValueError, match="format"):
        spans.dates("Christmas")
