"""Opening hours, and the arithmetic of due times in them: pure, no database, no clock of its own.

Promised: an instant is open if, and only if, the wall clock of the zone then shows an open time.
So an hour that summer time skips never counts, and an hour that comes twice counts twice.
Time is counted in whole microseconds; every moment returned is in UTC.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from importlib import import_module
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

Span = tuple[int, int]
"""Opens, closes: minutes since midnight on the wall clock, 0 to 1440; open at the first, no more
at the second. A night is two spans: until 1440, and from 0 on the next day."""

Spans = tuple[Span, ...]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND = 1_000_000  # in microseconds, as all instants and lengths below
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WHOLE_DAY: Spans = ((0, 1440),)
HORIZON_YEARS = 10  # nobody promises further ahead; it bounds the search in hours that never open


@dataclass(frozen=True)
class OpeningHours:
    """When somebody is at the door. A day of `extra` goes before all else, then `closed`, then
    the public holidays of `country` (ISO 3166; empty: none), then the `week` from Monday on.

    Raises ValueError, in one sentence, for hours that make no sense.
    """

    timezone: str
    week: tuple[Spans, ...]
    country: str = ""
    subdivision: str = ""
    closed: frozenset[date] = frozenset()
    extra: Mapping[date, Spans] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        _check_zone(self.timezone)
        if len(self.week) != len(WEEKDAYS):
            raise ValueError(f"A week has 7 days, Monday to Sunday, not {len(self.week)}.")
        for day, spans in zip(WEEKDAYS, self.week, strict=True):
            _check_spans(day, spans)
        for special, spans in self.extra.items():
            _check_spans(special.isoformat(), spans)
        if self.subdivision and not self.country:
            raise ValueError(f"The subdivision {self.subdivision!r} needs its country.")
        _holidays(self.country, self.subdivision, year=2000)

    def spans_on(self, day: date) -> Spans:
        """The open spans of one day on the calendar of the zone."""
        if day in self.extra:
            return self.extra[day]
        if day in self.closed or day in _holidays(self.country, self.subdivision, year=day.year):
            return ()
        return self.week[day.weekday()]

    @cached_property
    def is_always(self) -> bool:
        """Whether every hour counts, so that plain addition will do."""
        exceptions = self.country or self.closed or self.extra
        return not exceptions and all(spans == WHOLE_DAY for spans in self.week)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> OpeningHours:
        """Read what `to_json` writes; `timezone` and `week` are required, the rest may be missing.

        Raises ValueError, in one sentence, for what cannot be read.
        """
        if not isinstance(data, Mapping):
            raise ValueError("Opening hours are an object with a timezone and a week.")
        known = cls.__dataclass_fields__
        if unknown := sorted(set(data) - set(known)):
            raise ValueError(f"Opening hours have no {unknown[0]!r}, only: {', '.join(known)}.")
        for name, kind in {"timezone": str, "week": list}.items():
            if not isinstance(data.get(name), kind):
                raise ValueError(f"Opening hours need a {name}.")
        for name, kind in {
            "country": str,
            "subdivision": str,
            "closed": list,
            "extra": dict,
        }.items():
            if not isinstance(data.get(name, kind()), kind):
                raise ValueError(f"In opening hours, {name!r} cannot be {data[name]!r}.")
        return cls(
            timezone=data["timezone"],
            week=tuple(_read_spans(spans) for spans in data["week"]),
            country=data.get("country", ""),
            subdivision=data.get("subdivision", ""),
            closed=frozenset(_read_date(day) for day in data.get("closed", [])),
            extra={
                _read_date(day): _read_spans(spans) for day, spans in data.get("extra", {}).items()
            },
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values: times as `"HH:MM"` (the day ends at `"24:00"`), days as `"YYYY-MM-DD"`."""
        return {
            "timezone": self.timezone,
            "week": [_write_spans(spans) for spans in self.week],
            "country": self.country,
            "subdivision": self.subdivision,
            "closed": sorted(day.isoformat() for day in self.closed),
            "extra": {day.isoformat(): _write_spans(self.extra[day]) for day in sorted(self.extra)},
        }


def due_at(start: datetime, *, minutes: float, hours: OpeningHours) -> datetime:
    """The earliest moment at which `minutes` of open time have passed since `start`.

    Zero minutes have passed at once, also while closed. A minute used up at closing time is due
    at closing, not at the next opening. Raises ValueError for negative minutes, and if the hours
    do not open for that long within ten years.
    """
    length = round(minutes * MINUTE)
    if length < 0:
        raise ValueError(f"Nothing is due {minutes} minutes after it starts.")
    if length == 0 or hours.is_always:
        return _moment(_instant(start) + length)
    return _moment(_due(start, length=length, hours=hours))


def due_many(
    starts: Sequence[datetime], *, minutes: float | Sequence[float], hours: OpeningHours
) -> list[datetime]:
    """`due_at` of each start, in order; `minutes` are one number for all, or one for each."""
    each = minutes if isinstance(minutes, Sequence) else [minutes] * len(starts)
    return [
        due_at(start, minutes=length, hours=hours)
        for start, length in zip(starts, each, strict=True)
    ]


def open_minutes_between(start: datetime, end: datetime, *, hours: OpeningHours) -> float:
    """Minutes of open time from `start` to `end`; negative if the end comes first."""
    since, until = _instant(start), _instant(end)
    if until < since:
        return -open_minutes_between(end, start, hours=hours)
    if hours.is_always:
        return (until - since) / MINUTE
    first, last = _year_of(start), _year_of(end)
    passed = sum(_open_year(hours, year).total for year in range(first, last))
    passed += _open_year(hours, last).passed_at(until) - _open_year(hours, first).passed_at(since)
    return passed / MINUTE


def is_open(moment: datetime, *, hours: OpeningHours) -> bool:
    """Whether somebody is at the door; at closing time nobody is."""
    return hours.is_always or _open_year(hours, _year_of(moment)).is_open(_instant(moment))


def opens_next(moment: datetime, *, hours: OpeningHours) -> datetime:
    """The moment itself if open, else the next opening; ValueError if none in ten years."""
    if hours.is_always:
        return _moment(_instant(moment))
    return _moment(_due(moment, length=1, hours=hours) - 1)


def _due(start: datetime, *, length: int, hours: OpeningHours) -> int:
    """The instant at which `length` > 0 microseconds of open time have passed since `start`."""
    first = _year_of(start)
    left = length + _open_year(hours, first).passed_at(_instant(start))
    for year in range(first, first + HORIZON_YEARS + 1):
        table = _open_year(hours, year)
        if left <= table.total:
            return table.reaches(left)
        left -= table.total
    raise ValueError(
        f"These hours do not open long enough in the {HORIZON_YEARS} years after {start:%Y-%m-%d}."
    )


@dataclass(frozen=True, slots=True)
class _OpenYear:
    """The open spans of one year of UTC in order, and the open time passed when each closes."""

    opens: list[int]
    closes: list[int]
    passed: list[int]

    @property
    def total(self) -> int:
        """The open time of the whole year."""
        return self.passed[-1] if self.passed else 0

    def passed_at(self, instant: int) -> int:
        """The open time from the beginning of the year to `instant`."""
        last = bisect_right(self.opens, instant) - 1
        return self.passed[last] - max(0, self.closes[last] - instant) if last >= 0 else 0

    def reaches(self, passed: int) -> int:
        """The earliest instant at which `passed` has passed: more than 0, and at most all."""
        index = bisect_left(self.passed, passed)
        return self.closes[index] - (self.passed[index] - passed)

    def is_open(self, instant: int) -> bool:
        """Whether `instant` lies in a span."""
        last = bisect_right(self.opens, instant) - 1
        return last >= 0 and instant < self.closes[last]


@lru_cache(maxsize=128)
def _open_year(hours: OpeningHours, year: int) -> _OpenYear:
    """The table of one year: cut by UTC years, so that each instant belongs to exactly one."""
    since, until = (_instant(datetime(y, 1, 1, tzinfo=UTC)) for y in (year, year + 1))
    wall = [  # a day more at either end: the wall clock is up to 14 hours away from UTC
        (midnight + opens * MINUTE, midnight + closes * MINUTE)
        for midnight in range(since - DAY, until + DAY, DAY)
        for opens, closes in hours.spans_on(_moment(midnight).date())
    ]
    spans = [
        (max(opens - offset, begins), min(closes - offset, ends))
        for begins, ends, offset in _constant_offsets(ZoneInfo(hours.timezone), since, until)
        for opens, closes in wall
        if opens - offset < ends and closes - offset > begins
    ]
    return _OpenYear(
        opens=[opens for opens, _ in spans],
        closes=[closes for _, closes in spans],
        passed=list(accumulate(closes - opens for opens, closes in spans)),
    )


def _constant_offsets(zone: ZoneInfo, since: int, until: int) -> Iterator[tuple[int, int, int]]:
    """Cut a stretch of time where the zone changes its clock: begins, ends, offset from UTC."""

    def offset_at(instant: int) -> int:
        return (_moment(instant).astimezone(zone).utcoffset() or timedelta()) // MICROSECOND

    begins, offset = since, offset_at(since)
    for day in range(since, until, DAY):
        if offset_at(day + DAY) != offset:
            seconds = range(day, day + DAY, SECOND)
            kept = bisect_left(seconds, True, key=lambda instant: offset_at(instant) != offset)
            yield begins, day + kept * SECOND, offset
            begins, offset = day + kept * SECOND, offset_at(day + DAY)
    yield begins, until, offset


@lru_cache(maxsize=1024)
def _holidays(country: str, subdivision: str, *, year: int) -> frozenset[date]:
    """The public holidays that fall into one year; none without a country."""
    if not country:
        return frozenset()
    # Imported when a country is first asked for: every calendar of the world weighs 25 MB.
    country_holidays = import_module("holidays").country_holidays
    try:
        days = country_holidays(country, subdiv=subdivision or None, years=year, expand=False)
    except NotImplementedError as unknown:
        where = f"{country}-{subdivision}" if subdivision else country
        raise ValueError(f"No public holidays are known for {where!r}.") from unknown
    return frozenset(day for day in days if day.year == year)


def _instant(moment: datetime) -> int:
    """Microseconds since 1970; TypeError for a moment without a zone."""
    return (moment - EPOCH) // MICROSECOND


def _moment(instant: int) -> datetime:
    return EPOCH + timedelta(microseconds=instant)


def _year_of(moment: datetime) -> int:
    return moment.astimezone(UTC).year


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as unknown:
        raise ValueError(f"There is no time zone {name!r}.") from unknown


def _check_spans(day: str, spans: Spans) -> None:
    earlier = 0
    for opens, closes in spans:
        span = f"{_write_time(opens)}–{_write_time(closes)}"
        if not 0 <= opens < closes <= 1440:
            raise ValueError(
                f"{day}: {span} must end after it begins, and by 24:00"
                " (the hours after midnight belong to the next day)."
            )
        if opens < earlier:
            raise ValueError(f"{day}: {span} overlaps the span before it, or comes too late.")
        earlier = closes


def _read_spans(spans: Any) -> Spans:
    if not isinstance(spans, list) or not all(
        isinstance(span, list) and len(span) == 2 for span in spans
    ):
        raise ValueError(f'The spans of a day look like [["09:00", "17:00"]], not {spans!r}.')
    return tuple((_read_time(opens), _read_time(closes)) for opens, closes in spans)


def _write_spans(spans: Spans) -> list[list[str]]:
    return [[_write_time(opens), _write_time(closes)] for opens, closes in spans]


def _read_time(text: Any) -> int:
    if not isinstance(text, str) or not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00", text):
        raise ValueError(f"A time looks like 09:30, at most 24:00, not {text!r}.")
    return int(text[:2]) * 60 + int(text[3:])


def _write_time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _read_date(text: Any) -> date:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError) as unreadable:
        raise ValueError(f"A day looks like 2026-12-24, not {text!r}.") from unreadable


ALWAYS = OpeningHours(timezone="UTC", week=(WHOLE_DAY,) * 7)
"""Every hour counts. (Last in the file: a value checks itself with all of the above.)"""
