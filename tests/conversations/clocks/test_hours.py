"""Opening hours against an oracle that walks minute by minute, against laws, and by table."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from heard.conversations.clocks.hours import (
    ALWAYS,
    OpeningHours,
    Spans,
    due_at,
    due_many,
    is_open,
    open_minutes_between,
    opens_next,
)

MINUTE = timedelta(minutes=1)
GERMAN_HOLIDAYS = {  # in all states, in the stretches of time that the tests visit
    date(2012, 1, 1),
    date(2026, 1, 1),
    date(2026, 4, 3),
    date(2026, 4, 6),
    date(2026, 10, 3),
}


def open_by_the_wall_clock(moment: datetime, hours: OpeningHours) -> bool:
    """The definition, word by word."""
    wall = moment.astimezone(ZoneInfo(hours.timezone))
    day, minute = wall.date(), wall.hour * 60 + wall.minute
    if day in hours.extra:
        spans = hours.extra[day]
    elif day in hours.closed or (hours.country == "DE" and day in GERMAN_HOLIDAYS):
        spans = ()
    else:
        spans = hours.week[wall.weekday()]
    return any(opens <= minute < closes for opens, closes in spans)


def walk(start: datetime, minutes: int, hours: OpeningHours, *, days: int = 5) -> datetime | None:
    """The slow, obvious due time: one minute after the other; None if not within `days`."""
    moment, end = start, start + timedelta(days=days)
    while minutes and moment < end:
        minutes -= open_by_the_wall_clock(moment, hours)
        moment += MINUTE
    return None if minutes else moment


ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # changes by half an hour
    "America/Sao_Paulo",  # changed at midnight
    "Pacific/Apia",  # left out a whole day
    "Asia/Kolkata",
    "UTC",
)
CHANGES = (
    datetime(2026, 3, 29, 1, tzinfo=UTC),  # Berlin on and off
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 3, 8, 7, tzinfo=UTC),  # New York
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),  # Lord Howe
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    datetime(2018, 11, 4, 3, tzinfo=UTC),  # São Paulo
    datetime(2018, 2, 18, 2, tzinfo=UTC),
    datetime(2011, 12, 30, 10, tzinfo=UTC),  # Apia
    datetime(2025, 12, 31, 23, tzinfo=UTC),  # New Year
    datetime(2026, 4, 3, tzinfo=UTC),  # Easter
)


@st.composite
def day_spans(draw: st.DrawFn) -> Spans:
    ends = draw(
        st.one_of(
            st.sampled_from(
                [[], [0, 1440], [540, 1020], [540, 750, 810, 1080], [0, 360, 1320, 1440]]
            ),
            st.lists(st.integers(0, 1440), unique=True, max_size=6).map(sorted),
            st.lists(st.integers(0, 240), unique=True, max_size=6).map(sorted),
        )
    )
    return tuple(zip(ends[::2], ends[1::2], strict=False))


opening_hours = st.builds(
    OpeningHours,
    timezone=st.sampled_from(ZONES),
    week=st.tuples(*[day_spans()] * 7),
    country=st.sampled_from(["", "DE"]),
    closed=st.frozensets(st.sampled_from([change.date() for change in CHANGES])),
    extra=st.dictionaries(
        st.sampled_from([change.date() + timedelta(days=1) for change in CHANGES]), day_spans()
    ),
)
instants = st.builds(
    lambda change, minutes: change + minutes * MINUTE,
    st.sampled_from(CHANGES),
    st.integers(-2 * 1440, 2 * 1440),
)
moments = st.builds(
    lambda instant, microseconds: instant + timedelta(microseconds=microseconds),
    instants,
    st.integers(0, 60_000_000),
)


@settings(max_examples=100, deadline=None)
@given(start=instants, minutes=st.integers(1, 2500), hours=opening_hours)
def test_a_due_time_is_where_a_minute_by_minute_walk_ends(
    start: datetime, minutes: int, hours: OpeningHours
) -> None:
    expected = walk(start, minutes, hours)
    assume(expected is not None)
    assert due_at(start, minutes=minutes, hours=hours) == expected


@settings(max_examples=60, deadline=None)
@given(start=instants, length=st.integers(0, 4000), hours=opening_hours)
def test_open_time_is_what_a_minute_by_minute_walk_counts(
    start: datetime, length: int, hours: OpeningHours
) -> None:
    passing = [start + minute * MINUTE for minute in range(length)]
    expected = sum(open_by_the_wall_clock(moment, hours) for moment in passing)
    assert open_minutes_between(start, start + length * MINUTE, hours=hours) == expected


@settings(max_examples=60, deadline=None)
@given(moment=moments, hours=opening_hours)
def test_open_is_what_the_wall_clock_says(moment: datetime, hours: OpeningHours) -> None:
    assert is_open(moment, hours=hours) == open_by_the_wall_clock(moment, hours)


def minutes_a_week(hours: OpeningHours) -> int:
    return sum(until - since for day in hours.week for since, until in day)


@settings(max_examples=60, deadline=None)
@given(start=moments, minutes=st.floats(0, 20_000), hours=opening_hours)
def test_the_minutes_until_a_due_time_are_the_minutes_asked_for(
    start: datetime, minutes: float, hours: OpeningHours
) -> None:
    # Whoever opens a minute a week does not come to 20,000 within the ten years we look ahead.
    assume(minutes_a_week(hours) >= 60)
    due = due_at(start, minutes=minutes, hours=hours)
    asked = round(minutes * 60_000_000) / 60_000_000  # whole microseconds
    assert open_minutes_between(start, due, hours=hours) == asked
    if due > start:  # and no earlier moment will do
        earlier = due - timedelta(microseconds=1)
        assert open_minutes_between(start, earlier, hours=hours) < asked


@settings(max_examples=60, deadline=None)
@given(
    start=moments,
    later=st.integers(0, 10_000),
    minutes=st.integers(0, 5000),
    more=st.integers(0, 5000),
    hours=opening_hours,
)
def test_later_starts_and_longer_times_are_never_due_earlier(
    start: datetime, later: int, minutes: int, more: int, hours: OpeningHours
) -> None:
    assume(minutes_a_week(hours) >= 60)
    due = due_at(start, minutes=minutes, hours=hours)
    assert start <= due <= due_at(start + later * MINUTE, minutes=minutes, hours=hours)
    longer = due_at(start, minutes=minutes + more, hours=hours)
    assert longer == due_at(due, minutes=more, hours=hours) >= due


@settings(max_examples=60, deadline=None)
@given(three=st.tuples(moments, moments, moments), hours=opening_hours)
def test_open_time_adds_up(three: tuple[datetime, datetime, datetime], hours: OpeningHours) -> None:
    first, second, third = three
    parts = open_minutes_between(first, second, hours=hours) + open_minutes_between(
        second, third, hours=hours
    )
    assert parts == pytest.approx(open_minutes_between(first, third, hours=hours), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(moment=moments, hours=opening_hours)
def test_it_opens_next_when_it_is_open_and_was_not_since(
    moment: datetime, hours: OpeningHours
) -> None:
    assume(any(hours.week))
    opens = opens_next(moment, hours=hours)
    assert opens >= moment
    assert is_open(opens, hours=hours)
    assert open_minutes_between(moment, opens, hours=hours) == 0
    assert (opens == moment) == is_open(moment, hours=hours)


@settings(max_examples=50, deadline=None)
@given(start=moments, minutes=st.floats(0, 1e6), zone=st.sampled_from(ZONES))
def test_always_is_plain_addition_and_agrees_with_the_table(
    start: datetime, minutes: float, zone: str
) -> None:
    due = due_at(start.astimezone(ZoneInfo(zone)), minutes=minutes, hours=ALWAYS)
    assert due == start + timedelta(microseconds=round(minutes * 60_000_000))
    assert due.tzinfo is UTC
    halves = OpeningHours(timezone=zone, week=(((0, 720), (720, 1440)),) * 7)
    assert not halves.is_always
    assert due_at(start, minutes=minutes, hours=halves) == due


@settings(max_examples=30, deadline=None)
@given(
    asked=st.lists(st.tuples(moments, st.integers(0, 3000)), max_size=20),
    hours=st.one_of(st.just(ALWAYS), opening_hours),
)
def test_many_due_times_are_each_due_time(
    asked: list[tuple[datetime, int]], hours: OpeningHours
) -> None:
    assume(any(hours.week))
    starts, minutes = [start for start, _ in asked], [length for _, length in asked]
    each = [due_at(start, minutes=length, hours=hours) for start, length in asked]
    assert due_many(starts, minutes=minutes, hours=hours) == each
    alike = [due_at(start, minutes=90, hours=hours) for start in starts]
    assert due_many(starts, minutes=90, hours=hours) == alike


@settings(max_examples=50)
@given(hours=opening_hours)
@example(hours=ALWAYS)
def test_hours_survive_json(hours: OpeningHours) -> None:
    again = OpeningHours.from_json(json.loads(json.dumps(hours.to_json())))
    assert again == hours
    assert hash(again) == hash(hours)


SHOP: Spans = ((9 * 60, 12 * 60), (13 * 60, 18 * 60))
BERLIN = OpeningHours(
    timezone="Europe/Berlin",
    week=(SHOP, SHOP, SHOP, SHOP, SHOP, ((10 * 60, 14 * 60),), ()),
    country="DE",
    closed=frozenset({date(2026, 12, 24)}),
    extra={date(2026, 12, 25): ((11 * 60, 12 * 60),)},  # the church bazaar
)
BAR = OpeningHours(timezone="Europe/Berlin", week=(((0, 4 * 60), (22 * 60, 1440)),) * 7)


@pytest.mark.parametrize(
    ("hours", "start", "minutes", "due"),
    [
        pytest.param(BERLIN, "2026-06-03 09:30", 60, "2026-06-03 10:30", id="within a span"),
        pytest.param(BERLIN, "2026-06-03 11:30", 60, "2026-06-03 13:30", id="over lunch"),
        pytest.param(BERLIN, "2026-06-03 12:30", 60, "2026-06-03 14:00", id="start at lunch"),
        pytest.param(BERLIN, "2026-06-03 17:30", 60, "2026-06-04 09:30", id="over night"),
        pytest.param(BERLIN, "2026-06-03 23:30", 60, "2026-06-04 10:00", id="start at night"),
        pytest.param(BERLIN, "2026-06-06 13:30", 60, "2026-06-08 09:30", id="over Sunday"),
        pytest.param(BERLIN, "2026-06-07 13:30", 60, "2026-06-08 10:00", id="start on Sunday"),
        pytest.param(BERLIN, "2026-06-03 17:00", 60, "2026-06-03 18:00", id="due at closing"),
        pytest.param(BERLIN, "2026-06-03 18:00", 60, "2026-06-04 10:00", id="start at closing"),
        pytest.param(BERLIN, "2026-06-04 09:00", 60, "2026-06-04 10:00", id="start at opening"),
        pytest.param(BERLIN, "2026-06-07 13:30", 0, "2026-06-07 13:30", id="no time, closed"),
        pytest.param(BERLIN, "2026-06-03 09:30", 0, "2026-06-03 09:30", id="no time, open"),
        pytest.param(BERLIN, "2026-06-03 09:30", 0.5, "2026-06-03 09:30:30", id="half a minute"),
        pytest.param(BERLIN, "2026-04-30 17:30", 60, "2026-05-02 10:30", id="holiday: 1 May"),
        pytest.param(BERLIN, "2026-12-23 17:30", 60, "2026-12-25 11:30", id="closed, then extra"),
        pytest.param(BERLIN, "2026-12-31 17:30", 60, "2027-01-02 10:30", id="over New Year"),
        pytest.param(BERLIN, "2026-03-28 13:30", 60, "2026-03-30 09:30", id="summer time begins"),
        pytest.param(BAR, "2026-06-03 23:00", 120, "2026-06-04 01:00", id="over midnight"),
        pytest.param(BAR, "2026-03-29 01:30", 60, "2026-03-29 03:30", id="the hour left out"),
        pytest.param(BAR, "2026-10-25 01:30", 180, "2026-10-25 03:30", id="the hour twice"),
        pytest.param(ALWAYS, "2026-03-28 12:00", 1440, "2026-03-29 13:00", id="a day of 23 hours"),
    ],
)
def test_due_times_in_a_shop_and_a_bar(
    hours: OpeningHours, start: str, minutes: float, due: str
) -> None:
    zone = ZoneInfo("Europe/Berlin")
    began = datetime.fromisoformat(start).replace(tzinfo=zone)
    expected = datetime.fromisoformat(due).replace(tzinfo=zone).astimezone(UTC)
    assert due_at(began, minutes=minutes, hours=hours) == expected


def test_an_ambiguous_start_counts_from_the_pass_it_names() -> None:
    first = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert due_at(first, minutes=60, hours=BAR) == first.replace(fold=1).astimezone(UTC)


def test_a_subdivision_has_holidays_of_its_own() -> None:
    epiphany = datetime(2026, 1, 6, 10, tzinfo=UTC)
    week = (SHOP,) * 7
    somewhere = OpeningHours(timezone="Europe/Berlin", week=week, country="DE")
    bavaria = OpeningHours(timezone="Europe/Berlin", week=week, country="DE", subdivision="BY")
    assert is_open(epiphany, hours=somewhere)
    assert not is_open(epiphany, hours=bavaria)


def test_a_holiday_may_be_kept_in_the_year_before() -> None:
    """New Year's Day of 2028 is a Saturday: kept on the Friday before in the United States."""
    hours = OpeningHours(timezone="America/New_York", week=(SHOP,) * 7, country="US")
    assert not is_open(datetime(2027, 12, 31, 16, tzinfo=UTC), hours=hours)


NEVER = OpeningHours(timezone="Europe/Berlin", week=((),) * 7)


def test_hours_that_never_open_say_so() -> None:
    start = datetime(2026, 6, 3, tzinfo=UTC)
    assert open_minutes_between(start, start + timedelta(days=900), hours=NEVER) == 0
    assert due_at(start, minutes=0, hours=NEVER) == start
    with pytest.raises(ValueError, match="10 years after 2026-06-03"):
        due_at(start, minutes=1, hours=NEVER)
    with pytest.raises(ValueError, match="10 years after 2026-06-03"):
        opens_next(start, hours=NEVER)


def test_one_open_day_far_away_is_found() -> None:
    hours = OpeningHours("Europe/Berlin", ((),) * 7, extra={date(2033, 2, 1): ((600, 660),)})
    start = datetime(2026, 6, 3, tzinfo=UTC)
    assert due_at(start, minutes=30, hours=hours) == datetime(2033, 2, 1, 9, 30, tzinfo=UTC)


def test_negative_minutes_and_moments_without_a_zone_are_refused() -> None:
    with pytest.raises(ValueError, match="-5"):
        due_at(datetime(2026, 6, 3, tzinfo=UTC), minutes=-5, hours=ALWAYS)
    with pytest.raises(TypeError):
        due_at(datetime(2026, 6, 3), minutes=5, hours=BERLIN)  # noqa: DTZ001


WEEK: list[list[list[str]]] = [[["09:00", "17:00"]], [], [], [], [], [], []]


def week_with(*spans: Any) -> list[Any]:
    return [list(spans), *WEEK[1:]]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ([], "an object with a timezone and a week"),
        ({"week": WEEK}, "need a timezone"),
        ({"timezone": "UTC"}, "need a week"),
        ({"timezone": "UTC", "week": WEEK, "holiday": "DE"}, "no 'holiday', only: timezone"),
        ({"timezone": "UTC", "week": WEEK, "closed": "2026-12-24"}, "'closed' cannot be"),
        ({"timezone": "UTC", "week": WEEK, "closed": ["24.12.2026"]}, "day looks like 2026-12-24"),
        ({"timezone": "UTC", "week": WEEK, "closed": [7]}, "day looks like 2026-12-24"),
        ({"timezone": "Europe/Atlantis", "week": WEEK}, "no time zone 'Europe/Atlantis'"),
        ({"timezone": "../etc", "week": WEEK}, "no time zone '../etc'"),
        ({"timezone": "", "week": WEEK}, "no time zone ''"),
        ({"timezone": "UTC", "week": WEEK[:6]}, "7 days, Monday to Sunday, not 6"),
        ({"timezone": "UTC", "week": week_with("09:00")}, "spans of a day look like"),
        ({"timezone": "UTC", "week": week_with(["9", "17:00"])}, "time looks like 09:30"),
        ({"timezone": "UTC", "week": week_with([9, 17])}, "time looks like 09:30"),
        ({"timezone": "UTC", "week": week_with(["09:00", "24:01"])}, "at most 24:00"),
        ({"timezone": "UTC", "week": week_with(["22:00", "02:00"])}, "Monday: 22:00–02:00 must"),
        ({"timezone": "UTC", "week": week_with(["09:00", "09:00"])}, "Monday: 09:00–09:00 must"),
        (
            {"timezone": "UTC", "week": week_with(["09:00", "12:00"], ["11:00", "13:00"])},
            "Monday: 11:00–13:00 overlaps",
        ),
        (
            {"timezone": "UTC", "week": WEEK, "extra": {"2026-12-24": [["12:00", "10:00"]]}},
            "2026-12-24: 12:00–10:00 must",
        ),
        ({"timezone": "UTC", "week": WEEK, "country": "Atlantis"}, "known for 'Atlantis'"),
        ({"timezone": "UTC", "week": WEEK, "country": "DE", "subdivision": "ZZ"}, "for 'DE-ZZ'"),
        ({"timezone": "UTC", "week": WEEK, "subdivision": "BY"}, "'BY' needs its country"),
    ],
)
def test_hours_that_make_no_sense_are_refused_in_a_sentence(data: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as refused:
        OpeningHours.from_json(data)
    assert str(refused.value).endswith(".")
