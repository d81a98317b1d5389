"""Patterns that are looked for only where the words are told that they cannot match without.

One quick pass over a text tells which of all the lines of rules may match it: a regular expression
that finds nothing costs as much as ten such passes (bench/think.py). What a line hangs on is read
from the line itself, so no list of words beside it can forget one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import chain, product
from re import _constants as kinds  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

import ahocorasick_rs

_MOST = 256  # pieces of words for one demand, and of ways to write one
_ALPHABET = 26
_LONGEST = 12  # letters of a piece that are looked for
_LEAST = 3  # letters of a piece that is worth being looked for beside a better one
_END = sys.maxsize

Demand = frozenset[str]
"""Pieces of words in small letters, of which a text needs one."""
_NOTHING = frozenset({""})


class Lines:
    """Lines of patterns that are looked for as if they were one, joined by `|`.

    `before` and `after` stand around each. A text is only searched for those that it may match, and
    for those whose beginning is known only where that stands.
    """

    def __init__(
        self,
        *written: str,
        before: str = r"(?<!\w)",
        after: str = r"(?!\w)",
        flags: re.RegexFlag = re.IGNORECASE,
    ) -> None:
        self.lines = [
            _Line(f"{before}(?:{line.strip()}){after}", flags)
            for lines in written
            for line in lines.strip().splitlines()
        ]
        _BOOK.add(self)

    def __call__(self, text: str, start: int = 0, end: int = _END) -> Iterator[re.Match[str]]:
        """All places of a text, from left to right; they do not overlap."""
        may = told(text)
        while self in may and (match := may.first(self, start, end)):
            yield match
            start = max(match.end(), match.start() + 1)

    def search(self, text: str, start: int = 0, end: int = _END) -> re.Match[str] | None:
        """The first place, or None."""
        may = told(text)
        return may.first(self, start, end) if self in may else None


class _Line:
    """One pattern, and what it hangs on."""

    def __init__(self, written: str, flags: re.RegexFlag) -> None:
        self._written, self._flags = written, flags

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(self._written, self._flags)

    def needs(self) -> tuple[Demand, list[Demand]]:
        """How it begins, nothing if that is not known; and what else must stand in a text."""
        exact, demands, begins, _ = _needs(parser.parse(self._written, self._flags))
        found = [_pieces(demand) for demand in ([exact] if exact else demands) if "" not in demand]
        found.sort(key=_sharpness, reverse=True)
        found = [each for each in found[:3] if _sharpness(each)[0] >= _LEAST] or found[:1]
        begins = _beginnings(begins)
        is_known = _sharpness(begins)[0] > 1 or not any(map(str.isalnum, "".join(begins)))
        return begins if is_known and "" not in begins else frozenset(), found


class Told(dict["Lines", list[int]]):
    """Of all the rules that there are, those that a text may match, by the numbers of their lines.

    And where each line may begin, if that is known.
    """

    __slots__ = ("_flat", "_starts", "_text")

    def __init__(
        self,
        text: str,
        flat: Sequence[tuple[Lines, _Line]],
        numbers: Iterable[int],
        starts: Mapping[int, list[int]],
    ) -> None:
        super().__init__()
        self._text, self._flat, self._starts = text, flat, starts
        for number in sorted(numbers):
            lines = flat[number][0]
            if lines in self:
                self[lines].append(number)
            else:
                self[lines] = [number]

    def any_of(self, several: frozenset[Lines]) -> bool:
        """Whether the text may match any of them."""
        return not several.isdisjoint(self)

    def first(self, lines: Lines, start: int, end: int) -> re.Match[str] | None:
        """The first place between two places; the line that is written first, of two there."""
        first = None
        for number in self[lines]:
            match = self._of_line(number, start, end)
            if match and (first is None or match.start() < first.start()):
                first = match
        return first

    def _of_line(self, number: int, start: int, end: int) -> re.Match[str] | None:
        pattern = self._flat[number][1].pattern
        starts = self._starts.get(number)
        if starts is None:
            return pattern.search(self._text, start, end)
        for at in sorted(starts):
            if start <= at <= end and (match := pattern.match(self._text, at, end)):
                return match
        return None


@lru_cache(maxsize=16)
def told(text: str) -> Told:
    """What a text may match, found in one pass for all rules."""
    return _BOOK.told(text)


class _Book:
    """All lines there are, and the one search for what they hang on."""

    def __init__(self) -> None:
        self._flat: list[tuple[Lines, _Line]] = []
        self._ready: _Ready | None = None

    def add(self, lines: Lines) -> None:
        self._flat += [(lines, line) for line in lines.lines]
        self._ready = None
        told.cache_clear()

    def told(self, text: str) -> Told:
        ready = self._ready
        if ready is None:
            ready = self._ready = _made_ready([line for _, line in self._flat])
        lowered = _lowered(text)
        try:
            found = ready.search.find_matches_as_indexes(lowered, overlapping=True)
        except UnicodeEncodeError:  # half a surrogate pair, which is no letter anyway
            lowered = lowered.encode("utf-8", "replace").decode()
            found = ready.search.find_matches_as_indexes(lowered, overlapping=True)
        starts: dict[int, list[int]] = {}
        asked: set[int] = set()
        met = 0
        of_piece = ready.of_piece
        for piece, start, _ in found:
            begun, asks, meets = of_piece[piece]
            met |= meets
            if asks:
                asked.update(asks)
            for number in begun:
                if number in starts:
                    starts[number].append(start)
                else:
                    starts[number] = [start]
        demands = ready.demands
        numbers = [
            number for number in chain(starts, asked) if demands[number] & met == demands[number]
        ]
        # A letter may become two small ones, and then places are not known.
        is_as_long = len(lowered) == len(text)
        return Told(text, self._flat, chain(numbers, ready.always), starts if is_as_long else {})


class _Ready(NamedTuple):
    """The pieces that are looked for; of each the lines it begins, the lines it asks for, and a bit
    for every demand it meets; of each line the bits it needs; and lines that hang on nothing."""

    search: ahocorasick_rs.AhoCorasick
    of_piece: list[tuple[list[int], list[int], int]]
    demands: list[int]
    always: list[int]


def _made_ready(lines: Iterable[_Line]) -> _Ready:
    begun: dict[str, list[int]] = {}
    asked: dict[str, list[int]] = {}
    bits: dict[Demand, int] = {}
    always, demanded = [], []
    for number, line in enumerate(lines):
        begins, demands = line.needs()
        for piece in begins:
            begun.setdefault(piece, []).append(number)
        if not begins:
            for piece in demands[0] if demands else ():
                asked.setdefault(piece, []).append(number)
            if not demands:
                always.append(number)
        demanded.append(
            sum({bits.setdefault(each, 1 << len(bits)) for each in demands if each != begins})
        )
    met: dict[str, int] = {}
    for demand, bit in bits.items():
        for piece in demand:
            met[piece] = met.get(piece, 0) | bit
    pieces = sorted(begun.keys() | asked.keys() | met.keys())
    return _Ready(
        ahocorasick_rs.AhoCorasick(pieces, implementation=ahocorasick_rs.Implementation.DFA),
        [(begun.get(each, []), asked.get(each, []), met.get(each, 0)) for each in pieces],
        demanded,
        always,
    )


_BOOK = _Book()

# Letters that a pattern takes for another one when it looks for small and large alike.
_ALIKE = {0x131: "i", 0x17F: "s", 0x307: None}


def _lowered(text: str) -> str:
    return text.lower() if text.isascii() else text.lower().translate(_ALIKE)


# --- what a pattern hangs on --------------------------------------------------------------------


class _Needs(NamedTuple):
    """All ways to write it, if they are few; else what must stand in it; how it begins and ends."""

    exact: frozenset[str] | None
    demands: list[Demand]
    begins: frozenset[str]
    ends: frozenset[str]


_ANYTHING = _Needs(None, [], _NOTHING, _NOTHING)


def _needs(parts: Iterable[tuple[Any, Any]]) -> _Needs:
    """What stands in a row."""
    demands: list[Demand] = []
    begins: frozenset[str] | None = None
    is_exact = True
    now = _NOTHING
    for kind, told_of in parts:
        if kind is kinds.ASSERT:
            # What must stand behind stands in the text as well.
            demands += _needs(told_of[1]).demands
            continue
        part = _needs_of(kind, told_of)
        if part.exact is not None and len(now) * len(part.exact) <= _MOST:
            now = frozenset(before + after for before, after in product(now, part.exact))
            continue
        is_few = len(now) * len(part.begins) <= _MOST
        behind = part.begins if is_few else _NOTHING
        now = frozenset(before + after for before, after in product(now, behind))
        begins = now if begins is None else begins
        is_exact = False
        demands.append(now)
        demands += part.demands
        now = part.ends if part.exact is None else part.exact
    demands.append(now)
    if is_exact:
        return _Needs(now if len(demands) == 1 else None, demands, now, now)
    return _Needs(None, demands, begins or _NOTHING, now)


def _needs_of(kind: Any, told_of: Any) -> _Needs:
    if kind is kinds.LITERAL:
        return _just({_lowered(chr(told_of))})
    if kind is kinds.IN:
        return _one_letter(told_of)
    if kind in (kinds.AT, kinds.ASSERT_NOT):
        return _just({""})
    if kind is kinds.SUBPATTERN:
        return _needs(told_of[3])
    if kind is kinds.ATOMIC_GROUP:
        return _needs(told_of)
    if kind is kinds.BRANCH:
        return _any_of([_needs(way) for way in told_of[1]])
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT):
        return _repeated(*told_of)
    return _ANYTHING


def _just(ways: Iterable[str]) -> _Needs:
    exact = frozenset(ways)
    return _Needs(exact, [exact], exact, exact)


def _one_letter(told_of: Any) -> _Needs:
    letters: list[int] = []
    for kind, letter in told_of:
        if kind is kinds.LITERAL:
            letters.append(letter)
        elif kind is kinds.RANGE and letter[1] - letter[0] < _ALPHABET:
            letters += range(letter[0], letter[1] + 1)
        else:
            return _ANYTHING
    return _just(_lowered(chr(letter)) for letter in letters)


def _repeated(least: int, most: int, parts: Any) -> _Needs:
    part = _needs(parts)
    if least == most == 1:
        return part
    if least == 0:
        is_small = most == 1 and part.exact is not None
        return _just({"", *(part.exact or ())}) if is_small else _ANYTHING
    return _Needs(None, part.demands, part.begins, part.ends)


def _any_of(ways: Sequence[_Needs]) -> _Needs:
    begins = frozenset().union(*(way.begins for way in ways))
    ends = frozenset().union(*(way.ends for way in ways))
    exact = [way.exact for way in ways if way.exact is not None]
    if len(exact) == len(ways):
        together = frozenset().union(*exact)
        few = together if len(together) <= _MOST else None
        return _Needs(few, [together], begins, ends)
    sharpest = [max(way.demands, key=_sharpness, default=_NOTHING) for way in ways]
    return _Needs(None, [frozenset().union(*sharpest)], begins, ends)


def _sharpness(demand: Demand) -> tuple[int, int]:
    """Long pieces are rare, and few are rarer than many."""
    return min((len(piece) for piece in demand), default=0), -len(demand)


def _pieces(demand: Demand) -> Demand:
    """The demand in pieces that are not too long, without those that hold another one."""
    cut = {piece[:_LONGEST] for piece in demand}
    return frozenset(piece for piece in cut if not any(it in piece for it in cut - {piece}))


def _beginnings(begins: Demand) -> Demand:
    """The pieces that something begins with, without those that begin with another one."""
    cut = {piece[:_LONGEST] for piece in begins}
    return frozenset(piece for piece in cut if not any(map(piece.startswith, cut - {piece})))
