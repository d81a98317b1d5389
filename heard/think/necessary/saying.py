"""Is there something to send, does it fit, and was it not said already?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from heard.channels.base import Unit
from heard.channels.lengths import length
from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.helpful.substance import substance
from heard.think.true.claims import Sort, claims_in
from heard.think.true.moments import moment_in
from heard.think.wording import folded, is_empty, lowered, sentences, spoken, table

_LEFT_OUT = "…"
UNITS = {
    Unit.CHARACTERS: "characters",
    Unit.GRAPHEMES: "signs",
    Unit.WEIGHTED: "characters as it counts them",
    Unit.UTF16: "characters as it counts them",
    Unit.BYTES: "bytes",
}


def saying(draft: str, facts: Facts) -> Iterable[Finding]:
    """Findings for an empty, a too long, a repeated draft, and for a third one without news."""
    if is_empty(draft):
        yield _finding(
            "necessary.empty",
            "There is nothing to read here yet.",
            0,
            draft,
            light=Light.RED,
            stops=True,
        )
        return
    if facts.max_length is not None and length(draft, facts.unit) > facts.max_length:
        yield _too_long(draft, facts.max_length, facts.unit)
    if _was_said(draft, facts.earlier_replies):
        says = "This was sent in this conversation before, nearly word for word."
        yield _finding("necessary.repeated", says, 0, draft)
    elif _is_stalling(draft) and sum(map(_is_stalling, facts.earlier_replies[:2])) == 2:
        says = "This is the third reply in a row without news; say what is new, or when it will be."
        yield _finding("necessary.no_news", says, 0, draft)


def _too_long(draft: str, most: int, unit: Unit) -> Finding:
    fits = _fitting(draft, most, unit)
    start = max((end for _, end in sentences(folded(draft)) if end <= fits), default=0)
    change: str | None = ""
    if start == 0:
        # What is left out is marked, and the mark takes its own room: two of X's characters.
        room = max(0, most - length(_LEFT_OUT, unit))
        start = draft.rfind(" ", 0, _fitting(draft, room, unit) + 1)
        change = _LEFT_OUT if start > 0 else None
        start = start if change else fits
    says = f"This place takes {most} {UNITS[unit]}; these are {length(draft, unit)}."
    return _finding(
        "necessary.too_long", says, max(start, 0), draft, light=Light.RED, stops=True, change=change
    )


def _fitting(draft: str, most: int, unit: Unit) -> int:
    """How many characters of the beginning fit."""
    if unit is Unit.CHARACTERS:
        return most
    low, high = 0, len(draft)
    while low < high:
        middle = (low + high + 1) // 2
        if length(draft[:middle], unit) <= most:
            low = middle
        else:
            high = middle - 1
    return low


def _was_said(draft: str, earlier: tuple[str, ...]) -> bool:
    words = _words(draft)
    if len(words) < 4:
        return False
    pairs = _pairs(words)
    for reply in earlier:
        before = _pairs(_words(reply))
        # Nine in ten pairs of neighbouring words: a changed name or date alone is no news.
        if len(pairs & before) >= 0.9 * len(pairs | before):
            return True
    return False


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _pairs(words: list[str]) -> set[tuple[str, str]]:
    return set(pairwise(words))


_TOLD = table("necessary/occasion.toml")
_STALLING, _DAY = spoken(_TOLD["stalls"]), spoken(_TOLD["days"])


_TIMES = {Sort.CLOCK, Sort.DATE, Sort.WEEKDAY, Sort.SPAN}


def _is_stalling(text: str) -> bool:
    """Whether it asks for patience, names no time and no link, and says nothing besides."""
    words = lowered(folded(text))
    if not _STALLING.search(words) or "http" in words or _DAY.search(words):
        return False
    if moment_in(words, now=None) or any(claim.sort in _TIMES for claim in claims_in(text)):
        return False
    return all(_STALLING.search(lowered(folded(part))) for part in substance(text))


def _finding(
    code: str,
    says: str,
    start: int,
    draft: str,
    *,
    light: Light = Light.AMBER,
    stops: bool = False,
    change: str | None = None,
) -> Finding:
    return Finding(
        code=code,
        letter=Letter.NECESSARY,
        light=light,
        says=says,
        stops=stops,
        matched=draft[start:],
        start=start,
        end=len(draft),
        change=change,
    )
