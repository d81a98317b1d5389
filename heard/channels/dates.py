"""Reads the dates that places and exports write, as aware moments in UTC, or not at all.

A date that could be two different days (3/4/2017) is not read unless its format is given: a wrong
date would move clocks and figures without anybody seeing it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo

EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
        start=1,
    )
}
# RFC 2822, section 4.3, and the names that Central and Western Europe write. Other names are not
# read, since several of them (IST, BST) are used for more than one zone.
_ZONES = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 1, "cet": 1, "cest": 2, "eet": 2,
    "eest": 3, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8,
    "pdt": -7,
}  # fmt: skip

_TIME = (
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d\d)(?:[:.](?P<second>\d\d)(?:[.,]\d{1,9})?)?"
    r"(?:\s*(?P<half>[ap])\.?m\b\.?)?"
)
_OFFSET = r"(?:\s*(?P<offset>[+-]\d\d:?\d\d)|\s+(?P<zone>[a-z]{1,4})|(?P<z>z))?(?:\s*\([^()]*\))?"
_CLOCK = rf"(?:,?\s*(?:t|at|-)?\s*{_TIME}{_OFFSET})?"
_WEEKDAY = r"(?:[a-z]{2,9}\.?,?\s+)?"
_DAY = r"(?P<day>\d{1,2})"
_MONTH = r"(?P<month>[a-z]{3,9})\.?"
_YEAR = r"(?P<year>\d{4}|\d\d)"
_SPELLINGS = tuple(
    re.compile(spelling, re.ASCII | re.IGNORECASE)
    for spelling in (
        # Sun, 22 Nov 2026 (RFC 5322) · 22-Nov-26
        rf"{_WEEKDAY}{_DAY}(?:st|nd|rd|th|\.)?[\s-]+{_MONTH},?[\s-]+{_YEAR}{_CLOCK}",
        # November 22nd, 2026
        rf"{_WEEKDAY}{_MONTH}\s+{_DAY}(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}}){_CLOCK}",
        # 22.11.2026
        rf"{_DAY}\.(?P<number>\d{{1,2}})\.{_YEAR}{_CLOCK}",
        # 2026/11/22
        rf"(?P<year>\d{{4}})[/.-](?P<number>\d{{1,2}})[/.-]{_DAY}{_CLOCK}",
        # 22/11/2026 or 11/22/2026
        rf"(?P<one>\d{{1,2}})[/-](?P<two>\d{{1,2}})[/-](?P<year>\d{{4}}){_CLOCK}",
        # Sun Nov 22 10:00:00 UTC 2026
        rf"{_WEEKDAY}{_MONTH}\s+{_DAY}\s+{_TIME}{_OFFSET}\s+(?P<year>\d{{4}})",
    )
)
_EPOCH = re.compile(r"\d{9,16}(?:\.\d*)?", re.ASCII)
_days: dict[str, str] = {}


def moment(text: str, *, zone: tzinfo = UTC, formats: Sequence[str] = ()) -> datetime | None:
    """The moment in UTC that a date names, None if it names none between 1980 and 2100.

    `formats` (of `strptime`) are tried first. `zone` is where a date without an offset was written.
    """
    for spelling in formats:
        try:
            at = datetime.strptime(text, spelling)  # noqa: DTZ007 -- _settled gives the zone
            return _settled(at, zone=zone)
        except ValueError:
            continue
    try:
        if len(text) == 30 and text[3] == " " == text[19]:
            return _settled(datetime.fromisoformat(_in_iso(text)), zone=zone)
        if len(text) == 25 and text[19] == " ":
            return _settled(datetime.fromisoformat(f"{text[:19]}{text[20:]}"), zone=zone)
        return _settled(datetime.fromisoformat(text), zone=zone)
    except (ValueError, KeyError):
        return _patiently(text.strip(), zone=zone)


def _in_iso(text: str) -> str:
    """`Tue Oct 31 22:10:47 +0000 2017` as ISO 8601; a KeyError or ValueError if it is not so."""
    day = text[4:10] + text[25:]
    iso = _days.get(day)
    if iso is None:
        if len(_days) > 50_000:
            _days.clear()
        iso = f"{int(day[7:]):04}-{_MONTHS[day[:3].lower()]:02}-{int(day[4:6]):02}T"
        _days[day] = iso
    return iso + text[11:19] + text[20:25]


def _settled(at: datetime, *, zone: tzinfo) -> datetime | None:
    if at.tzinfo is None:
        at = at.replace(tzinfo=zone)
    if at.tzinfo is not UTC:
        try:
            at = at.astimezone(UTC)
        except OverflowError:
            return None
    return at if EARLIEST <= at < LATEST else None


def _patiently(text: str, *, zone: tzinfo) -> datetime | None:
    if not text or len(text) > 100:
        return None
    if _EPOCH.fullmatch(text):
        return _since_epoch(text)
    for spelling in _SPELLINGS:
        if match := spelling.fullmatch(text):
            try:
                return _built(match.groupdict(), zone=zone)
            except (ValueError, KeyError):
                return None
    return None


def _since_epoch(text: str) -> datetime | None:
    """Seconds, milliseconds or microseconds, told apart by their size."""
    number = float(text)
    while number >= LATEST.timestamp():
        number /= 1000
    return _settled(datetime.fromtimestamp(number, UTC), zone=UTC)


def _built(part: dict[str, str | None], *, zone: tzinfo) -> datetime | None:
    year = int(part["year"] or "")
    if year < 100:
        year += 2000 if year < 70 else 1900
    day, month = _day_and_month(part)
    hour = int(part.get("hour") or 0)
    if half := part.get("half"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in "pP" else 0)
    at = datetime(
        year,
        month,
        day,
        hour,
        int(part.get("minute") or 0),
        # A leap second is the last second of its minute as far as service goes.
        min(int(part.get("second") or 0), 59),
        tzinfo=_zone(part) or zone,
    )
    return _settled(at, zone=zone)


def _day_and_month(part: dict[str, str | None]) -> tuple[int, int]:
    if "one" in part:
        one, two = int(part["one"] or ""), int(part["two"] or "")
        if one <= 12 and two <= 12 and one != two:
            raise ValueError("two readings")
        return (one, two) if one > 12 else (two, one)
    if "number" in part:
        return int(part["day"] or ""), int(part["number"] or "")
    return int(part["day"] or ""), _MONTHS[(part["month"] or "")[:3].lower()]


def _zone(part: dict[str, str | None]) -> tzinfo | None:
    if offset := part.get("offset"):
        minutes = int(offset[1:3]) * 60 + int(offset[-2:])
        return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
    if part.get("z"):
        return UTC
    if name := part.get("zone"):
        return timezone(timedelta(hours=_ZONES[name.lower()]))
    return None
