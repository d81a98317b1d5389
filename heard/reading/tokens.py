"""Cutting texts into tokens, and the table in which each distinct token is understood only once.

Everything a token says by itself (its hash, its language, its valence) is worked out when it is
first met; a batch of texts is then nothing but arrays of token numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import DTypeLike, NDArray

from heard.reading.scripts import language_of_script

LONGEST_READ = 2_000
HEAD, TAIL = 1_500, 500
LONGEST_WORD = 40

START = "<start>"
LINK, NAME, NUMBER, CODE = "<link>", "<name>", "<number>", "<code>"

# Marks that belong to letters, which `\w` leaves out: accents set apart, Arabic and Indic vowels.
_LETTER = r"[\w\u0300-\u036f\u064b-\u0652\u0900-\u0963\u0966-\u097f\u200c]"
_EMOJI = "\U0001f000-\U0001faff\u2600-\u27bf\u2b50\u2b55\u203c\u2049\u231a-\u23ff\u2190-\u21ff"
_TOKEN = re.compile(
    r"https?://\S+|www\.\S+"
    r"|@\w+"
    rf"|{_LETTER}{{1,{LONGEST_WORD}}}(?:['’]{_LETTER}{{1,{LONGEST_WORD}}})*"
    r"|[:;=][-'^o]?[)(\]\[dDpP/\\|*3oO@]+|[(\[][-']?[:;=]|<3|</3|\^_*\^"
    r"|[!?]+|\.{2,}|…|[$€£#]"
    rf"|[{_EMOJI}]"
)
_DIGIT = re.compile("[0-9]")
_STRETCHED = re.compile(r"(\w)\1{2,}")


# A closing formula and the name below it: thanks that are only manners thank nobody.
_CLOSING = re.compile(
    r"\n\s*(?:(?:many|best|kind|kindest|warm|warmest|with|my) )*"
    r"(?:thanks|thank you|regards|wishes|greetings|yours(?: \w+)?|sincerely|cheers)"
    r"(?: in advance| and (?:best|kind) regards)?[ ,.!]*\r?\n\s*[^\n]{1,40}(?:\n[^\n]{1,40})?\s*\Z",
    re.IGNORECASE,
)
LONGEST_CLOSING = 160


def word_set(text: str) -> frozenset[str]:
    """Words written one after the other."""
    return frozenset(text.split())


_ORDINALS = word_set("1st 2nd 3rd 4th 5th 6th 7th 8th 9th 10th 2x 3x 4x 24h 48h")


@dataclass(frozen=True, slots=True)
class Cut:
    """A batch of texts: text `i` is `tokens[i]`, and as numbers `numbers[starts[i]:starts[i + 1]]`.

    In numbers every text begins with the START token, so no text is empty.
    """

    tokens: list[list[str]]
    numbers: NDArray[np.int32]
    starts: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens per text, START included."""
        return np.diff(self.starts, append=len(self.numbers))


def bounded(text: str) -> str:
    """The part of a text that is read: without its closing, of a long one beginning and end."""
    if "\n" in text:
        text = _without_closing(text)
    if len(text) <= LONGEST_READ:
        return text
    return f"{text[:HEAD]} {text[-TAIL:]}"


def _without_closing(text: str) -> str:
    last = max(0, len(text) - LONGEST_CLOSING)
    closing = _CLOSING.search(text, last)
    if closing is None:
        return text
    return text[: closing.start()].rstrip() or text


def words(text: str) -> list[str]:
    """The tokens of one text in their plain form."""
    return list(map(plain, _TOKEN.findall(bounded(text))))


@lru_cache(maxsize=1 << 15)
def plain(token: str) -> str:
    """The form of a token that carries its meaning: no case, no stretching, one apostrophe."""
    lower = token.lower().replace("’", "'")
    return _STRETCHED.sub(r"\1\1", lower)


def is_sign(token: str) -> bool:
    """Whether a token is an emoji or an emoticon."""
    first = token[0]
    return not first.isalnum() and (first >= "\u2190" or first in ":;=(^<") and token[-1] != ">"


def hashed(word: str) -> int:
    """A stable 32-bit number for any word, lone surrogates included."""
    return crc32(word.encode("utf-8", "surrogatepass"))


class TokenTable(dict[str, int]):
    """The tokens met so far, numbered in order; 0 is START."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[str] = []
        self._number(START)

    def __missing__(self, token: str) -> int:
        form = _stand_in(token)
        if form is not None:
            return self[form] if form in self else self._number(form)
        return self._number(token)

    def _number(self, token: str) -> int:
        self.tokens.append(token)
        number = self[token] = len(self)
        return number

    def cut(self, texts: Sequence[str]) -> Cut:
        """Cut texts into token numbers."""
        return self._cut([_TOKEN.findall(bounded(text)) for text in texts])

    def part(self, cut: Cut, places: Sequence[int]) -> Cut:
        """Some of the texts of a batch."""
        if len(places) == len(cut.tokens):
            return cut
        ends = np.append(cut.starts[1:], len(cut.numbers))
        numbers = [cut.numbers[cut.starts[place] : ends[place]] for place in places]
        lengths = np.fromiter(map(len, numbers), dtype=np.int64, count=len(numbers))
        return Cut(
            [cut.tokens[place] for place in places],
            np.concatenate(numbers),
            np.cumsum(lengths) - lengths,
        )

    def _cut(self, tokens: list[list[str]]) -> Cut:
        number = self.__getitem__
        flat = [[0, *map(number, found)] for found in tokens]
        lengths = np.fromiter(map(len, flat), dtype=np.int64, count=len(flat))
        numbers = np.fromiter(chain.from_iterable(flat), dtype=np.int32, count=int(lengths.sum()))
        return Cut(tokens, numbers, np.cumsum(lengths) - lengths)


class TokenRows:
    """Figures that belong to tokens: a row each, worked out when a token is first asked about."""

    def __init__(
        self,
        table: TokenTable,
        *,
        width: int,
        rows_for: Callable[[Sequence[str]], NDArray[Any]],
        dtype: DTypeLike = np.float32,
    ) -> None:
        self._table = table
        self._rows_for = rows_for
        self._rows = np.zeros((1024, width), dtype=dtype)
        self._is_known = np.zeros(1024, dtype=bool)

    def of(self, cut: Cut) -> NDArray[Any]:
        """The row of every token of a batch."""
        self._make_room(len(self._table))
        new = np.unique(cut.numbers[~self._is_known[cut.numbers]])
        if len(new):
            tokens = self._table.tokens
            self._rows[new] = self._rows_for([tokens[number] for number in new])
            self._is_known[new] = True
        return self._rows[cut.numbers]

    def summed(self, cut: Cut) -> NDArray[Any]:
        """The sum of the rows of each text."""
        return np.add.reduceat(self.of(cut), cut.starts)

    def _make_room(self, count: int) -> None:
        extra = count - len(self._rows)
        if extra > 0:
            extra = max(extra, len(self._rows))
            self._rows = np.pad(self._rows, ((0, extra), (0, 0)))
            self._is_known = np.pad(self._is_known, (0, extra))


def _stand_in(token: str) -> str | None:
    """What stands for tokens of which there is no end: links, names, numbers, foreign scripts."""
    first = token[0]
    if first == "@":
        return NAME
    if token.startswith(("http://", "https://", "www.")):
        return LINK
    if token.isascii():
        if token.isalpha():
            return None
        if token.isdigit():
            return NUMBER
        if _DIGIT.search(token) is None:
            return None
        return None if token.lower() in _ORDINALS else CODE
    language = language_of_script(token)
    return f"<{language}>" if language else None
