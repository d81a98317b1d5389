"""The words that a company listens for, found in what people write: names, domains, handles.

A name is found as whole words whatever its case, accents, hyphens and line breaks, and as one
hashtag; a domain (with everything under it) and an @handle only exactly. One pass over a text
finds all of them, be they ten or ten thousand.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ahocorasick_rs
import regex


class Terms:
    """A list of watched terms, ready to be found.

    `watched` has one term an item, as people typed it: "Blue Heron", "blueheron.example",
    "@blueheron". Other spellings of it stand behind "=", parted by commas ("Blue Heron = Blu Heron,
    Blue Herron") and are reported as the first.

    A text with an `excluded` word counts for nothing; but an excluded phrase with a watched term in
    it ("apple pie", where "apple" is watched) only hides the places that it covers.
    """

    def __init__(self, watched: Iterable[str], *, excluded: Iterable[str] = ()) -> None:
        self._patterns: list[_Pattern] = []
        self.spellings: list[str] = []
        """Every spelling that is looked for, for places that can be asked for one at a time."""
        for line in watched:
            term, _, others = line.partition("=")
            for spelling in (term, *others.split(",")):
                if meant := _patterns(spelling, term=term.strip()):
                    self._patterns += meant
                    self.spellings.append(" ".join(spelling.split()))
        named = _automaton(self._patterns)
        for phrase in excluded:
            for pattern in _patterns(phrase, term=""):
                inside = named is not None and named.find_matches_as_indexes(_padded(pattern.words))
                hides = bool(inside) and pattern.exact is None
                self._patterns.append(
                    _Pattern(pattern.term, pattern.words, pattern.exact, _HIDES if hides else _ENDS)
                )
        self._automaton = _automaton(self._patterns)

    def __bool__(self) -> bool:
        """Whether there is anything to listen for."""
        return any(pattern.use == _NAMES for pattern in self._patterns)

    def found(self, text: str) -> tuple[str, ...]:
        """The terms in a text, as they were first typed, in the order of their first appearance."""
        if self._automaton is None:
            return ()
        matches = self._automaton.find_matches_as_indexes(_padded(_words(text)), overlapping=True)
        return self._told(text, matches) if matches else ()

    def found_in(self, texts: Sequence[str]) -> list[tuple[str, ...]]:
        """What `found` says of each text, for many at once at half the cost."""
        told: list[tuple[str, ...]] = [()] * len(texts)
        if self._automaton is None or not texts:
            return told
        lines = [_padded(_words(text)) for text in texts]
        starts = list(itertools.accumulate((len(line) + 1 for line in lines), initial=0))
        matches = self._automaton.find_matches_as_indexes("\n".join(lines), overlapping=True)
        for number, of_text in itertools.groupby(
            matches, key=lambda match: bisect.bisect_right(starts, match[1]) - 1
        ):
            told[number] = self._told(texts[number], list(of_text))
        return told

    def _told(self, text: str, matches: list[tuple[int, int, int]]) -> tuple[str, ...]:
        stands: dict[int, bool] = {}
        named: list[tuple[int, int, str]] = []
        hidden: list[tuple[int, int]] = []
        for index, start, end in matches:
            pattern = self._patterns[index]
            if index not in stands:
                stands[index] = pattern.exact is None or pattern.exact.stands_in(text)
            if not stands[index]:
                continue
            if pattern.use == _ENDS:
                return ()
            if pattern.use == _HIDES:
                hidden.append((start, end))
            else:
                named.append((start, end, pattern.term))
        if hidden:
            named = [
                one for one in named if not any(a <= one[0] and one[1] <= b for a, b in hidden)
            ]
        return tuple(dict.fromkeys(term for _, _, term in sorted(named)))


def told_by(settings: Mapping[str, Any]) -> Terms:
    """The terms in an inbox's settings `terms` and `excluded`, each one a line or a list."""
    return _told_by(lines(settings.get("terms")), lines(settings.get("excluded")))


def lines(value: Any) -> tuple[str, ...]:
    """The lines of a setting of that form, without empty ones."""
    found = value.splitlines() if isinstance(value, str) else value or ()
    return tuple(str(one).strip() for one in found if str(one).strip())


@functools.lru_cache(maxsize=64)
def _told_by(watched: tuple[str, ...], excluded: tuple[str, ...]) -> Terms:
    return Terms(watched, excluded=excluded)


_NAMES, _HIDES, _ENDS = "names", "hides", "ends"


@dataclass(frozen=True, slots=True)
class _Exact:
    """A spelling that must stand in the text as it is, signs included, where its words do."""

    spelling: re.Pattern[str]
    folds_accents: bool

    def stands_in(self, text: str) -> bool:
        folded = _without_accents(text.casefold()) if self.folds_accents else text.casefold()
        return self.spelling.search(folded) is not None


@dataclass(frozen=True, slots=True)
class _Pattern:
    """Words to look for, and the exact spelling to insist on where words alone say too little."""

    term: str
    words: str
    exact: _Exact | None = None
    use: str = _NAMES


def _patterns(spelling: str, *, term: str) -> list[_Pattern]:
    """How one spelling is looked for; nothing for one without any letter or digit."""
    spelling = " ".join(spelling.split())
    words = _words(spelling)
    if not words:
        return []
    if spelling.startswith("@") and " " not in spelling:
        handle = rf"(?<![\w.@/-]){re.escape(spelling.casefold())}(?![\w@-]|\.\w)"
        return [_Pattern(term, words, _Exact(re.compile(handle), folds_accents=False))]
    if domain := _domain(spelling):
        exact = rf"(?<![\w-]){re.escape(domain)}(?![\w-]|\.\w)"
        return [_Pattern(term, _words(domain), _Exact(re.compile(exact), folds_accents=False))]
    folded = _without_accents(spelling.casefold())
    tag = words.replace(" ", "")
    if spelling.startswith("#"):
        return [_Pattern(term, tag, _tagged(tag))]
    if folded.replace("-", " ") != words:  # "C++", "AT&T": their words alone are other words
        exact = r"\s+".join(re.escape(word) for word in folded.split())
        starts = r"(?<!\w)" if folded[0].isalnum() else ""
        ends = r"(?!\w)" if folded[-1].isalnum() else ""
        return [_Pattern(term, words, _Exact(re.compile(starts + exact + ends), True))]
    if " " in words:
        return [_Pattern(term, words), _Pattern(term, tag, _tagged(tag))]
    return [_Pattern(term, words)]


def _tagged(tag: str) -> _Exact:
    return _Exact(re.compile(rf"#{re.escape(tag)}(?!\w)"), folds_accents=True)


_DOMAIN = re.compile(
    r"(?:https?://)?(?:www\.)?((?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_]{2,})/?", re.IGNORECASE
)


def _domain(spelling: str) -> str:
    """The domain that a spelling is, however much of an address stands around it; else nothing."""
    match = _DOMAIN.fullmatch(spelling)
    return match[1].casefold() if match else ""


# Han, kana, Thai, Lao, Khmer, Burmese: written without spaces, so words have no visible borders.
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}ー]")


def _automaton(patterns: Sequence[_Pattern]) -> ahocorasick_rs.AhoCorasick | None:
    if not patterns:
        return None
    bounded = []
    for pattern in patterns:
        before = "" if _UNSPACED.match(pattern.words[0]) else " "
        after = "" if _UNSPACED.match(pattern.words[-1]) else " "
        bounded.append(f"{before}{pattern.words}{after}")
    return ahocorasick_rs.AhoCorasick(
        bounded, implementation=ahocorasick_rs.Implementation.ContiguousNFA
    )


def _padded(words: str) -> str:
    return f" {words} "


class _Letters(dict[int, str]):
    """What each code point is as part of a word, for `str.translate`; learned as it is met."""

    def __missing__(self, code: int) -> str:
        if len(self) > _LETTERS_KEPT:
            self.clear()
        folded = _without_accents(chr(code).casefold())
        self[code] = said = _BETWEEN_WORDS.sub(" ", folded)
        return said


_LETTERS_KEPT = 20_000
_BETWEEN_WORDS = regex.compile(r"[^\w\p{M}]")
_letters = _Letters()


def _words(text: str) -> str:
    """The words of a text in small letters without accents, each parted by one space."""
    return " ".join(text.translate(_letters).split())


def _folded_letters() -> dict[str, str]:
    """Letters of Europe's alphabets with a sign on them, and wide ones, as what they are without.

    Elsewhere the signs are letters of their own (か and が), and stay.
    """
    folded = {"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "ё": "е", "’": "'"}
    for first, last in ((0xC0, 0x24F), (0x370, 0x3FF), (0x1E00, 0x1FFF), (0xFF01, 0xFF5E)):
        for letter in map(chr, range(first, last + 1)):
            parts = unicodedata.normalize("NFKD", letter)
            bare = "".join(part for part in parts if not unicodedata.combining(part))
            if bare and bare != letter:
                folded.setdefault(letter, bare.casefold())
    return folded | dict.fromkeys(map(chr, range(0x300, 0x370)), "")


_FOLDED = _folded_letters()
_FOLDABLE = re.compile(f"[{re.escape(''.join(_FOLDED))}]")


def _without_accents(text: str) -> str:
    return text if text.isascii() else _FOLDABLE.sub(lambda match: _FOLDED[match[0]], text)
