"""What the heads see of a text: counted figures, and hashed words, pairs and pieces of spelling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heard.reading import tone
from heard.reading.cues import BY_GATE, CUES, Found, find
from heard.reading.tokens import (
    CODE,
    LINK,
    NAME,
    NUMBER,
    START,
    Cut,
    TokenRows,
    TokenTable,
    hashed,
    plain,
)
from heard.reading.words import CLASSES

# Half of the buckets are for what a token is by itself, half for pairs of neighbours.
BUCKETS = 1 << 17
# Of how much count pieces of spelling and pairs of words are beside a word.
LETTERS_COUNT, PAIRS_COUNT = 0.4, 0.5
_LETTERS = (3, 4, 5)
_LONGEST_SPELT = 16
_PAIR = np.uint32(0x9E3779B1), np.uint32(0x85EBCA77)

_SIGNS = ("?", "!", "...", "$", LINK, NAME, NUMBER, CODE, "#", "capitals", "emoji")
COUNTED: tuple[str, ...] = (*CLASSES, *_SIGNS)
DENSE: tuple[str, ...] = (
    "compound",
    "positive",
    "negative",
    "length",
    *COUNTED,
    *(f"cue: {cue.name}" for cue in CUES),
)
_COUNTS = slice(4, 4 + len(COUNTED))
_CUE_PLACE = {cue.name: len(DENSE) - len(CUES) + place for place, cue in enumerate(CUES)}


def token_counts(token: str) -> NDArray[np.float32]:
    """To which of `COUNTED` a token belongs."""
    word = plain(token)
    letter = token[0]
    signs = (
        "?" in token,
        "!" in token,
        letter in ".…",
        letter in "$€£",
        token == LINK,
        token == NAME,
        token == NUMBER,
        token == CODE,
        letter == "#",
        len(token) > 1 and token.isupper(),
        not token.isascii() and not letter.isalpha(),
    )
    return np.array([*(word in words for words in CLASSES.values()), *signs], dtype=np.float32)


def buckets(token: str) -> list[int]:
    """The hashed features of one token by itself: the word, and pieces of its spelling."""
    if token == START:
        return []
    word = plain(token)
    found = [hashed(word) % BUCKETS]
    if word[0].isalpha() and len(word) <= _LONGEST_SPELT:
        found += [hashed("~" + piece) % BUCKETS for piece in _pieces(f"<{word}>")]
    return found


def _pieces(word: str) -> Iterator[str]:
    for size in _LETTERS:
        for place in range(len(word) - size + 1):
            yield word[place : place + size]


def pair_buckets(hashes: NDArray[np.uint32]) -> NDArray[np.int64]:
    """The bucket of each token with its right neighbour; the last one with START."""
    right = np.append(hashes[1:], np.uint32(hashed(START)))
    mixed = hashes * _PAIR[0] + right * _PAIR[1]
    mixed ^= mixed >> np.uint32(15)
    return BUCKETS + (mixed % np.uint32(BUCKETS)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Features:
    """What was found in a batch of texts; an item or a row of `dense` (by `DENSE`) per text.

    `hashes` are those of the tokens in the order of `cut.numbers`.
    """

    cut: Cut
    dense: NDArray[np.float32]
    hashes: NDArray[np.uint32]
    cues: list[list[Found]]

    def counted(self, name: str) -> NDArray[np.float32]:
        """One column of the counted figures."""
        return self.dense[:, DENSE.index(name)]


class Extractor:
    """Finds features by the batch; remembers every token it met.

    `learn(tokens)` is called with the tokens not met before, in the order of their numbers.
    """

    def __init__(
        self, valences: Mapping[str, float], *, learn: Callable[[Sequence[str]], None]
    ) -> None:
        self._valences = valences
        self._also_learn = learn
        self._tone = TokenRows(width=tone.COLUMNS)
        self._counts = TokenRows(width=len(COUNTED))
        self._hashes = TokenRows(width=1, dtype=np.uint32)
        self._gates = TokenRows(width=1, dtype=np.int32)
        self._table = TokenTable(self._learn)

    @property
    def tokens_met(self) -> int:
        """How many distinct tokens are remembered."""
        return len(self._table)

    def _learn(self, tokens: Sequence[str]) -> None:
        self._tone.add(tone.token_rows(tokens, self._valences))
        self._counts.add(np.stack([token_counts(token) for token in tokens]))
        self._hashes.add(np.array([[hashed(plain(token))] for token in tokens], dtype=np.uint32))
        self._gates.add(np.array([[plain(token) in BY_GATE] for token in tokens], dtype=np.int32))
        self._also_learn(tokens)

    def extract(self, texts: Sequence[str]) -> Features:
        """The features of a batch of texts, in order."""
        cut = self._table.cut(texts)
        gates = self._gates.summed(cut)[:, 0].tolist()
        cues = [
            list(find(map(plain, tokens))) if gate else []
            for tokens, gate in zip(cut.tokens, gates, strict=True)
        ]
        values = np.zeros((len(texts), len(DENSE)), dtype=np.float32)
        values[:, :3] = tone.tone(cut, self._tone.of(cut))
        values[:, 1:3] = np.log1p(values[:, 1:3])
        values[:, 3] = np.log1p(cut.lengths - 1) / 4
        values[:, _COUNTS] = np.log1p(self._counts.summed(cut))
        for row, found in zip(values, cues, strict=True):
            for each in found:
                row[_CUE_PLACE[each.cue.name]] = 1.0
        return Features(cut, values, self._hashes.of(cut)[:, 0], cues)
