"""When is "by Friday"? English words for days and times, and the last moment that they still mean.

A day without an hour lasts until 18:00: a promise for Friday is broken when the shop has closed.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from heard.think.wording import one_of

DAY_ENDS = time(18)
_LAST_MINUTE = time(23, 59)


@dataclass(frozen=True, slots=True)
class Moment:
    """Words that name a time, their place in the text, and that time; None without a `now`."""

    start: int
    end: int
    at: datetime | None


def moment_in(text: str, *, now: datetime | None, timezone: str = "UTC") -> Moment | None:
    """The first day or time that a text names; None when it names only a "soon".

    `now` must be aware; a naive one is taken for local time in `timezone`. An unknown zone is UTC.
    """
    match = _WHEN.search(text)
    if match is None:
        return None
    at = None
    if now is not None:
        try:
            at = _moment(match[0].lower(), local(now, timezone))
        except (ValueError, OverflowError):
            at = None  # the 31st of February, 3/4, the year 10000
    return Moment(match.start(), match.end(), at)


def local(now: datetime, timezone: str) -> datetime:
    """`now` as the clocks show it in that time zone."""
    there = zone(timezone)
    try:
        return now.replace(tzinfo=there) if now.tzinfo is None else now.astimezone(there)
    except OverflowError:
        return now  # the first and the last day that a datetime can hold


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The time zone of that name; UTC where there is none such."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return ZoneInfo("UTC")


# --- what names a time --------------------------------------------------------------------------

_COUNTS = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "a couple of": 2,
    "couple of": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "twelve": 12,
    "fourteen": 14,
    "twenty-four": 24,
    "forty-eight": 48,
}
_COUNT = rf"(?:{'|'.join(sorted(_COUNTS, key=len, reverse=True))}|\d{{1,3}})"
_UNIT = r"(?:min(?:ute)?s?|hours?|hrs?|h|(?:(?:working|business|calendar) )?days?|weeks?|months?)\b"
_SPAN = re.compile(
    rf"\b(?!an? min)(?:half an hour"
    rf"|(?:\d{{1,3}} ?(?:-|–|to) ?)?(?P<count>{_COUNT})[ -]?(?P<unit>{_UNIT}))",
    re.IGNORECASE,
)
_WEEKDAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b"
_SHORT_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SHORT_WEEKDAY = r"(?:mon|tues?|weds?|thu(?:rs?)?|fri|sat|sun)\b"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DATE = one_of(
    rf"""
    (?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}\.?(?:,? 20\d\d\b)?
    {_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? 20\d\d\b)?
    20\d\d-\d\d-\d\d
    \d{{1,2}}[./-]\d{{1,2}}[./-](?:20)?\d\d\b
    """
)
_TIME = one_of(
    r"""
    \d{1,2}(?:[:.][0-5]\d)? ?[ap]\.?m\b\.?
    [0-2]?\d:[0-5]\d\b
    \d{1,2} o'clock\b
    (?:noon|midday|midnight|lunch(?:time)?)\b
    """
)
_LEAD = r"(?:(?:by|on|before|until|till|latest|(?:no|not) later than|at the latest by|the latest) )"
_DAY_END = r"(?:eod|cob|close of business|(?:the )?end of (?:(?:the|this|business|working) )*day)\b"
_DAY = one_of(
    rf"""
    (?:the day after tomorrow|tomorrow|today|tonight)\b
    this (?:morning|afternoon|evening)\b
    (?:(?:the )?(?:end|beginning|start|middle) of )?(?:the|this|next) (?:week(?:end)?|month|year)\b
    (?:early|late|mid)[- ](?:(?:the|this|next) )?(?:week|month)\b
    (?:(?:this|next|coming|this coming) )*{_WEEKDAY}
    (?:by|on|before|until|next) {_SHORT_WEEKDAY}
    {_DATE}
    """
)
_PART = r"(?:morning|noon|lunch(?:time)?|afternoon|evening|night)\b"
_ABOUT = r"(?:(?:about|around|approximately|the|next|less than|up to|at most) )*"
_AT = r"(?:(?:at|by|before|until|around|about|from) )?"
_ANY_SPAN = _SPAN.pattern.replace("?P<count>", "?:").replace("?P<unit>", "?:")
_WHEN = re.compile(
    r"\b(?<!last )(?<!since )(?<!from )(?<!of )(?<!your )"
    + one_of(
        rf"""
        (?:within|in|over|during|under) {_ABOUT}{_ANY_SPAN}
        {_ANY_SPAN} from now\b
        {_LEAD}?{_DAY_END}(?:,? (?:on )?{_DAY})?
        {_AT}{_TIME},? (?:on )?{_DAY}
        {_LEAD}?(?:first thing )?(?:on )?{_DAY}(?: (?:in the )?{_PART})?(?:,? {_AT}{_TIME})?
        (?:at|by|before|until|around) {_TIME}
        {_LEAD}the \d{{1,2}}(?:st|nd|rd|th)\b
        {_LEAD}\d{{1,2}}/\d{{1,2}}\b(?!/)
        {_LEAD}\d{{1,2}}\.\d{{1,2}}\.
        in the {_PART}
        """
    ),
    re.IGNORECASE,
)

# --- and which time it is -----------------------------------------------------------------------

_PARTS = {
    "first thing": time(10),
    "morning": time(12),
    "afternoon": DAY_ENDS,
    "noon": time(12),
    "midday": time(12),
    "lunch": time(13),
    "evening": time(21),
    "midnight": _LAST_MINUTE,
    "night": time(22),
}
_CLOCK = re.compile(
    r"(?<![\d./-])(\d{1,2})(?:[:.]([0-5]\d))? ?([ap])\.?m\b|\b([0-2]?\d):([0-5]\d)\b"
    r"|\b(\d{1,2}) o'clock"
)


def _moment(words: str, now: datetime) -> datetime:
    span = _SPAN.search(words)
    if span and re.match(r"within|in |over|during|under|.* from now$", words):
        return _after(span, now)
    day = _day(words, now.date())
    clock = _clock(words)
    if day is None:
        if words == "in the morning":
            return _at(now.date() + timedelta(days=1), clock or DAY_ENDS, now)
        at = _at(now.date(), clock or DAY_ENDS, now)
        return at if at > now else _at(now.date() + timedelta(days=1), clock or DAY_ENDS, now)
    at = _at(day, clock or DAY_ENDS, now)
    if at > now or day > now.date():
        return at
    if clock is None and day == now.date():
        return _at(day, _LAST_MINUTE, now)
    if re.search(rf"{_WEEKDAY}|\b{_SHORT_WEEKDAY}", words):
        return _at(day + timedelta(days=7), clock or DAY_ENDS, now)
    return at


def _at(day: date, clock: time, now: datetime) -> datetime:
    # By way of UTC, so that an hour skipped by summer time becomes one that exists.
    return datetime.combine(day, clock, tzinfo=now.tzinfo).astimezone(UTC).astimezone(now.tzinfo)


def _after(span: re.Match[str], now: datetime) -> datetime:
    if span["unit"] is None:
        return _later(now, timedelta(minutes=30))
    count = _COUNTS.get(span["count"]) or int(span["count"])
    unit = span["unit"]
    if unit.startswith("min"):
        return _later(now, timedelta(minutes=count))
    if unit.startswith("h"):
        return _later(now, timedelta(hours=count))
    if unit.startswith("month"):
        day = _month_later(now.date(), count)
    elif unit.startswith("week"):
        day = now.date() + timedelta(weeks=count)
    elif unit.startswith(("working", "business")):
        day = _working_day(now.date(), count)
    else:
        day = now.date() + timedelta(days=count)
    return _at(day, max(DAY_ENDS, now.time().replace(microsecond=0)), now)


def _later(now: datetime, span: timedelta) -> datetime:
    return (now.astimezone(UTC) + span).astimezone(now.tzinfo)


def _working_day(day: date, count: int) -> date:
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


def _month_later(day: date, count: int) -> date:
    months = day.year * 12 + day.month - 1 + count
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _clock(words: str) -> time | None:
    match = _CLOCK.search(words)
    if match is None:
        return next((clock for part, clock in _PARTS.items() if part in words), None)
    if match[3]:
        return time(int(match[1]) % 12 + (12 if match[3] == "p" else 0), int(match[2] or 0))
    if match[4]:
        return time(int(match[4]), int(match[5]))
    hour = int(match[6])
    return time(hour + 12 if hour < 8 else hour)  # nobody calls back at four in the night


def _day(words: str, today: date) -> date | None:
    near = _near_day(words, today)
    if near is not None:
        return near
    weekday = re.search(rf"{_WEEKDAY}|\b{_SHORT_WEEKDAY}", words)
    if weekday is None:
        return _week_or_month(words, today)
    place = _SHORT_WEEKDAYS.index(weekday[0][:3])
    if "next" in words:
        return today + timedelta(days=7 + place - today.weekday())
    return today + timedelta(days=(place - today.weekday()) % 7)


def _near_day(words: str, today: date) -> date | None:
    if "day after tomorrow" in words:
        return today + timedelta(days=2)
    if "tomorrow" in words:
        return today + timedelta(days=1)
    if re.search(r"today|tonight|this (?:morning|afternoon|evening)", words):
        return today
    dated = _dated(words, today)
    if dated is None and re.search(_DAY_END, words) and not re.search(_WEEKDAY, words):
        return today
    return dated


def _week_or_month(words: str, today: date) -> date | None:
    is_next = "next" in words
    is_early = bool(re.search(r"early|start|beginning", words))
    is_middle = bool(re.search(r"\bmid(?:dle)?\b", words))
    if "week" in words:
        monday = today - timedelta(days=today.weekday()) + timedelta(days=7 if is_next else 0)
        last_day = 6 if "weekend" in words else 4
        day = monday + timedelta(days=1 if is_early else 2 if is_middle else last_day)
        return day if day >= today else monday + timedelta(days=6)
    if "month" in words:
        first = _month_later(today.replace(day=1), 1 if is_next else 0)
        last = monthrange(first.year, first.month)[1]
        return first.replace(day=5 if is_early else 15 if is_middle else last)
    if "year" in words:
        return date(today.year + is_next, 12, 31)
    return None


def _dated(words: str, today: date) -> date | None:
    if match := re.search(r"(20\d\d)-(\d\d)-(\d\d)", words):
        return date(int(match[1]), int(match[2]), int(match[3]))
    year: int | None = None
    if match := re.search(r"\b(\d{1,2})([./-])(\d{1,2})(?:[./-](?:20)?(\d\d))?", words):
        day, month = int(match[1]), int(match[3])
        if month > 12:
            day, month = month, day
        elif match[2] == "/" and day <= 12 and day != month:
            raise ValueError("3/4 is two days: in April here, in March there")
        year = 2000 + int(match[4]) if match[4] else None
    elif match := re.search(
        rf"\b(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ({_MONTH})|\b({_MONTH})\.? (\d{{1,2}})", words
    ):
        day, month = int(match[1] or match[4]), _MONTHS.index((match[2] or match[3])[:3]) + 1
        named = re.search(r"\b(20\d\d)\b", words)
        year = int(named[1]) if named else None
    elif match := re.search(r"\bthe (\d{1,2})(?:st|nd|rd|th)\b", words):
        first = today if int(match[1]) >= today.day else _month_later(today.replace(day=1), 1)
        return first.replace(day=int(match[1]))
    else:
        return None
    if year is not None:
        return date(year, month, day)
    this_year = date(today.year, month, day)
    return this_year if this_year >= today else date(today.year + 1, month, day)
