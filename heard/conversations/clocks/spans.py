"""How people write lengths of time and opening hours, and how both are written back to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date

LENGTH = re.compile(
    r"(?:(\d{1,5})\s*(?:h|hours?|hrs?))?\s*(?:(\d{1,6})\s*(?:m|min|mins|minutes?)?)?", re.IGNORECASE
)
DAYS = re.compile(r"(\d{1,5})\s*(d|days?|h|hours?|hrs?)?", re.IGNORECASE)
SPAN = re.compile(
    r"(\d{1,2})(?:[:.h](\d{2}))?\s*(?:-|–|—|to|until)\s*(\d{1,2})(?:[:.h](\d{2}))?", re.IGNORECASE
)
ALWAYS = frozenset({"always", "all day", "24 h", "24h", "24 hours"})
CLOSED = frozenset({"", "closed", "-", "–", "—"})

Week = list[list[list[str]]]
"""Monday to Sunday; each day a list of `["09:00", "17:00"]`, as `hours.from_json` reads it."""


def minutes(text: str) -> int:
    """Whole minutes of "4 h", "1 h 30 min", "45 min" or "45". Raises ValueError for all else."""
    found = LENGTH.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        raise ValueError(f"{text!r} is no length of time")
    return int(found[1] or 0) * 60 + int(found[2] or 0)


def length(total: int) -> str:
    """Minutes as people say them: "45 min", "4 h", "1 h 30 min"."""
    hours, rest = divmod(total, 60)
    parts = [f"{hours} h"] * bool(hours) + [f"{rest} min"] * bool(rest or not hours)
    return " ".join(parts)


def hours(text: str) -> int:
    """Whole hours of "24 h", "30 d", "30 days" or "24". Raises ValueError for all else."""
    found = DAYS.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no number of days or hours")
    return int(found[1]) * (24 if (found[2] or "h").lower().startswith("d") else 1)


def days(total: int) -> str:
    """Hours as people say them, in days where these are whole: "30 d", "36 h"."""
    return f"{total // 24} d" if total % 24 == 0 and total > 24 else f"{total} h"


def week(days: Sequence[str]) -> Week:
    """The open spans of seven days as people write them; after midnight belongs to the next day.

    Raises ValueError for what cannot be read.
    """
    read: list[list[tuple[int, int]]] = [[] for _ in days]
    for day, text in enumerate(days):
        for opens, closes in _spans(text):
            if closes > opens:
                read[day].append((opens, closes))
                continue
            read[day].append((opens, 1440))
            if closes:
                read[(day + 1) % len(days)].append((0, closes))
    return [[[_clock(opens), _clock(closes)] for opens, closes in sorted(day)] for day in read]


def day(text: str) -> list[list[str]]:
    """The open spans of one single day. Raises ValueError, also for a span past midnight."""
    spans = _spans(text)
    if any(closes <= opens for opens, closes in spans):
        raise ValueError(f"{text!r} goes past midnight")
    return [[_clock(opens), _clock(closes)] for opens, closes in sorted(spans)]


def written(spans: Iterable[Sequence[str]]) -> str:
    """The open spans of a day, as `week` and `day` read them."""
    return ", ".join(f"{opens}–{closes}" for opens, closes in spans)


def dates(text: str) -> list[date]:
    """Days like 2026-12-24, parted by anything. Raises ValueError."""
    return [date.fromisoformat(word) for word in re.split(r"[\s,;]+", text.strip()) if word]


def _spans(text: str) -> list[tuple[int, int]]:
    """Opens, closes, in minutes since midnight; a span past midnight closes before it opens."""
    plain = text.strip().lower()
    if plain in CLOSED:
        return []
    if plain in ALWAYS:
        return [(0, 1440)]
    spans = []
    for part in re.split(r"\s*(?:,|;|\+|&|\band\b)\s*|(?<=\d)\s+(?=\d)", plain):
        found = SPAN.fullmatch(part.strip())
        if found is None:
            raise ValueError(f"{part.strip()!r} is no span of time")
        spans.append((_minute(found[1], found[2]), _minute(found[3], found[4])))
    if any(opens == closes for opens, closes in spans):
        raise ValueError(f"{text!r} opens and closes at once")
    return spans


def _minute(hour: str, minute: str | None) -> int:
    total = int(hour) * 60 + int(minute or 0)
    if total > 1440 or int(minute or 0) > 59:
        raise ValueError(f"{hour}:{minute or '00'} is no time of day")
    return total


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
