"""Which saved answer somebody means who types a few letters after `/`: the likeliest first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import IntEnum

LIKE_ENOUGH = 0.75
"""From how much of two words being the same one may be a slip of the other."""
LEAST_FOR_SLIPS = 4


class Fit(IntEnum):
    """How well what was typed names an answer."""

    NOT = 0
    TEXT = 1
    SLIP = 2
    INSIDE = 3
    BEGINS = 4
    SHORT = 5


@dataclass(frozen=True, slots=True)
class Choice:
    """One saved answer that may be meant. `nearness` counts the scopes it shares with the place."""

    id: int
    short: str
    title: str
    text: str
    language: str = ""
    nearness: int = 0
    used_count: int = 0


def choose(typed: str, choices: Iterable[Choice], *, language: str, limit: int) -> list[Choice]:
    """Those that fit what was typed: the better fit first, then the language of the conversation,
    then the nearer scope, then what is used more.

    With nothing typed all fit alike.
    """
    asked = [word for word in re.split(r"[\s-]+", plain(typed)) if word]
    ranked = []
    for choice in choices:
        fit = _fit(asked, choice)
        if fit is Fit.NOT:
            continue
        speaks = 2 if choice.language == language else 1 if not choice.language else 0
        order = (-fit, -speaks, -choice.nearness, -choice.used_count, choice.title.casefold())
        ranked.append((order, choice.id, choice))
    return [choice for *_, choice in sorted(ranked)[:limit]]


def plain(text: str) -> str:
    """Small letters without accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _fit(asked: list[str], choice: Choice) -> Fit:
    """The worst of the fits of the words that were typed: every one of them must be found."""
    if not asked:
        return Fit.SHORT
    short, title = plain(choice.short), plain(choice.title)
    if "-".join(asked) == short:
        return Fit.SHORT
    names = [short, *re.findall(r"\w+", f"{short} {title}")]
    return min(_fit_of_word(word, names, choice) for word in asked)


def _fit_of_word(word: str, names: list[str], choice: Choice) -> Fit:
    if any(name.startswith(word) for name in names):
        return Fit.BEGINS
    if any(word in name for name in names) or _is_passed_through(word, names[0]):
        return Fit.INSIDE
    if len(word) >= LEAST_FOR_SLIPS and any(_is_slip(word, name) for name in names):
        return Fit.SLIP
    return Fit.TEXT if word in plain(choice.text) else Fit.NOT


def _is_passed_through(word: str, name: str) -> bool:
    """Whether the letters of a word stand in a name in this order: `ophr` in `opening-hours`."""
    letters = iter(name)
    return len(word) > 1 and word[0] == name[:1] and all(letter in letters for letter in word)


def _is_slip(word: str, name: str) -> bool:
    begun = name[: len(word) + 1]
    return max(_alike(word, begun), _alike(word, name)) >= LIKE_ENOUGH


def _alike(word: str, name: str) -> float:
    return SequenceMatcher(None, word, name, autojunk=False).ratio()
