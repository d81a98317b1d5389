"""Patterns that are looked for only where the words are told that they cannot match without.

One quick pass over a text tells which of all the rules may match it: a regular expression that
finds nothing costs as much as ten such passes (bench/think.py). What a line of a rule hangs on, its
hint, is read from the line itself, so no list of words beside it can forget one.
"""

from __future__ import annotations

import re
import sys
from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache, reduce
from itertools import product
from operator import or_
from re import _constants as kinds  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

import ahocorasick_rs

from heard.think.wording import set_of

_MOST = 512  # ways to write a part that are told apart
_ALPHABET = 26
_LONGEST = 12  # letters of a piece that are looked for
_END = sys.maxsize
_ANYWHERE = -1
# Words of every second text; a piece is as rare as its other letters make it.
_EVERYDAY = set_of(
    """
    a an the you your we our us i it is are this that not have has been to of in on at for with and
    s t d m re ve ll la le de se es est un una con die der das sie ein eine hat
    """
)
_SHARP = 2  # letters, everyday words apart, of a beginning that is worth being looked for

Pieces = frozenset[str]
"""Pieces of words in small letters, of which a text needs one."""
_NOTHING = frozenset({""})


class Book:
    """Rules whose words are looked for together, in one pass over a text."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []
        self._marks: list[int] = []
        self.rules: list[Lines] = []
        self._index: _Index | None = None
        self.told = lru_cache(maxsize=16)(self._told)

    def add(self, rule: Lines) -> int:
        """Take a rule; the bit that is its mark."""
        mark = 1 << len(self.rules)
        self.rules.append(rule)
        self._lines += rule.lines
        self._marks += [mark] * len(rule.lines)
        self._index = None
        self.cache_clear()
        return mark

    def cache_clear(self) -> None:
        """Forget what the last texts were told."""
        self.told.cache_clear()

    def _told(self, text: str) -> Told:
        """What a text may match."""
        index = self._index
        if index is None:
            index = self._index = _indexed(self._lines, self._marks)
        low = _lowered(text)
        try:
            found = index.search.find_matches_as_indexes(low, overlapping=True)
        except UnicodeEncodeError:  # half a surrogate pair, which is no letter anyway
            low = low.encode("utf-8", "replace").decode()
            found = index.search.find_matches_as_indexes(low, overlapping=True)
        return Told(text, low, index, found)


PERSONAL = Book()
"""The rules about personal data; few, since texts are checked for them by the thousand."""
TONE = Book()
"""The rules about how something is said."""


class Lines:
    """Lines of patterns that are looked for as if they were one, joined by `|`.

    `before` and `after` stand around each. A text is only searched for those that it may match, and
    for those whose hint is their beginning only where that stands. `mark` is a bit of its own among
    the rules of the book, so that `told(text).marks` can be asked for several at once.
    """

    def __init__(
        self,
        *written: str,
        before: str = r"(?<!\w)",
        after: str = r"(?!\w)",
        flags: re.RegexFlag = re.IGNORECASE,
        book: Book = PERSONAL,
    ) -> None:
        self.lines = [
            _Line(f"{before}(?:{line.strip()}){after}", flags)
            for lines in written
            for line in lines.strip().splitlines()
        ]
        self._told = book.told
        self.mark = book.add(self)

    def __call__(self, text: str, start: int = 0, end: int = _END) -> Iterator[re.Match[str]]:
        """All places of a text, from left to right; they do not overlap."""
        may = self._told(text)
        while self in may and (match := may.first(self, start, end)):
            yield match
            start = max(match.end(), match.start() + 1)

    def search(self, text: str, start: int = 0, end: int = _END) -> re.Match[str] | None:
        """The first place, or None."""
        may = self._told(text)
        return may.first(self, start, end) if self in may else None


def marks_of(several: Iterable[Lines]) -> int:
    """The marks of some rules together."""
    marks = 0
    for lines in several:
        marks |= lines.mark
    return marks


class _Line:
    """One pattern, and what it hangs on."""

    def __init__(self, written: str, flags: re.RegexFlag) -> None:
        self.written, self.flags = written, flags

    @cached_property
    def hint(self) -> _Hint:
        """How it begins, if that is sharp; else the sharpest of what must stand in a text."""
        needs = _needs(parser.parse(self.written, self.flags))
        begins, holds = _pieces(needs.begins), _pieces(needs.holds)
        is_sharp = _sharpness(begins)[0] >= _SHARP
        is_beginning = is_sharp or _sharpness(begins) >= _sharpness(holds)
        hint = _Hint(begins if is_beginning else holds, is_beginning)
        if "" in hint.pieces:
            raise ValueError(f"It would have to be looked for in every text: {self.written}")
        return hint

    @property
    def is_of_words(self) -> bool:
        """Whether its hint stands at the beginning of a word."""
        return self.hint.is_beginning and self.written.startswith((r"\b", r"(?<!\w)"))


class _Hint(NamedTuple):
    """Pieces of which a text needs one to match a line, and whether the line begins with it."""

    pieces: Pieces
    is_beginning: bool


class Told:
    """What a text may match: the marks of those rules, and where the hints of their lines stand."""

    __slots__ = ("_found", "_index", "_is_as_long", "_places", "_text", "marks")

    def __init__(
        self, text: str, low: str, index: _Index, found: Sequence[tuple[int, int, int]]
    ) -> None:
        self._text, self._index, self._found = text, index, found
        # A letter may become two small ones, and then places are not known.
        self._is_as_long = is_as_long = len(low) == len(text)
        self._places: dict[int, list[tuple[int, int]]] | None = None
        marks, inside = 0, index.inside
        for piece, start, _ in found:
            if start and is_as_long and low[start - 1].isalnum():
                marks |= inside[piece]
            else:
                marks |= index.marks[piece]
        self.marks = marks

    def __contains__(self, lines: Lines) -> bool:
        return self.marks & lines.mark != 0

    def first(self, lines: Lines, start: int, end: int) -> re.Match[str] | None:
        """The first place between two places; the line that is written first, of two there."""
        places = self._places
        if places is None:
            places = self._places = self._all_places()
        first, its_number = None, 0
        for at, number in places.get(lines.mark, ()):
            if at == _ANYWHERE:
                match = self._index.patterns[number].search(self._text, start, end)
            elif at < start:
                continue
            elif at > end or (first and first.start() < at):
                break
            else:
                match = self._index.patterns[number].match(self._text, at, end)
            if match and (first is None or (match.start(), number) < (first.start(), its_number)):
                first, its_number = match, number
        return first

    def _all_places(self) -> dict[int, list[tuple[int, int]]]:
        """Where lines may match, with their numbers, from left to right; by the rule's mark."""
        places: dict[int, list[tuple[int, int]]] = {}
        lines_of, is_as_long = self._index.lines_of, self._is_as_long
        for piece, start, _ in self._found:
            for mark, number, is_beginning in lines_of[piece]:
                place = (start if is_beginning and is_as_long else _ANYWHERE, number)
                if mark not in places:
                    places[mark] = [place]
                elif place not in places[mark]:
                    insort(places[mark], place)
        return places


class _Index(NamedTuple):
    """What is looked for: of each piece the marks of its rules, and its lines; and their patterns.

    `inside` leaves out the rules that ask for it at the beginning of a word. Of a line it tells the
    mark of its rule, its number, and whether the line begins with the piece.
    """

    search: ahocorasick_rs.AhoCorasick
    marks: list[int]
    inside: list[int]
    lines_of: list[list[tuple[int, int, bool]]]
    patterns: list[re.Pattern[str]]


def _indexed(lines: list[_Line], marks: list[int]) -> _Index:
    numbers: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        for piece in line.hint.pieces:
            numbers.setdefault(piece, []).append(number)

    def together(of: Iterable[int]) -> int:
        return reduce(or_, [marks[number] for number in of], 0)

    return _Index(
        ahocorasick_rs.AhoCorasick([*numbers], implementation=ahocorasick_rs.Implementation.DFA),
        [together(of) for of in numbers.values()],
        [
            together(n for n in of if not (lines[n].is_of_words and piece[0].isalnum()))
            for piece, of in numbers.items()
        ],
        [[(marks[n], n, lines[n].hint.is_beginning) for n in of] for of in numbers.values()],
        [re.compile(line.written, line.flags) for line in lines],
    )


def _lowered(text: str) -> str:
    """In small letters; those that a pattern takes for another one are that other one."""
    low = text.lower()
    if not low.isascii():
        for letter, alike in _ALIKE:
            low = low.replace(letter, alike)
    return low


_ALIKE = (("\u0131", "i"), ("\u017f", "s"), ("\u0307", ""))


# --- what a pattern hangs on --------------------------------------------------------------------


class _Needs(NamedTuple):
    """All ways to write it, if they are few; the sharpest of what stands in it; its two ends."""

    exact: Pieces | None
    holds: Pieces
    begins: Pieces
    ends: Pieces


_ANYTHING = _Needs(None, _NOTHING, _NOTHING, _NOTHING)


def _needs(parts: Iterable[tuple[Any, Any]]) -> _Needs:
    """What stands in a row."""
    held: list[Pieces] = []
    begins: Pieces | None = None
    is_exact = True
    now = _NOTHING
    for kind, told_of in parts:
        if kind in (kinds.AT, kinds.ASSERT_NOT):
            continue
        if kind is kinds.ASSERT:
            # What must stand behind stands in the text as well.
            held.append(_needs(told_of[1]).holds)
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
        held += [now, part.holds]
        now = part.ends if part.exact is None else part.exact
    sharpest = max([*held, now], key=_sharpness)
    if is_exact:
        return _Needs(None if held else now, sharpest, now, now)
    return _Needs(None, sharpest, begins or _NOTHING, now)


def _needs_of(kind: Any, told_of: Any) -> _Needs:
    if kind is kinds.LITERAL:
        return _just({_lowered(chr(told_of))})
    if kind is kinds.IN:
        return _one_letter(told_of)
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
    return _Needs(exact, exact, exact, exact)


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
    return part._replace(exact=None)


def _any_of(ways: Sequence[_Needs]) -> _Needs:
    holds, begins, ends = (frozenset().union(*of) for of in list(zip(*ways, strict=True))[1:])
    exact = [way.exact for way in ways if way.exact is not None]
    if len(exact) == len(ways) and len(holds) <= _MOST:
        return _just(holds)
    return _Needs(None, holds, begins, ends)


def _sharpness(pieces: Pieces) -> tuple[float, int]:
    """Many letters beside everyday words are rare, and few pieces are rarer than many."""
    return min(map(_letters, pieces), default=0), -len(pieces)


def _letters(piece: str) -> float:
    words = _WORD.findall(piece)
    return sum(len(word) for word in words if word not in _EVERYDAY) + len(piece) / 100


_WORD = re.compile(r"\w+|[^\w\s]")


def _pieces(ways: Pieces) -> Pieces:
    """The ways to write something in pieces that are not too long, none of which begins another."""
    pieces: list[str] = []
    for piece in sorted({way[:_LONGEST] for way in ways}):
        if not (pieces and piece.startswith(pieces[-1])):
            pieces.append(piece)
    return frozenset(pieces)
