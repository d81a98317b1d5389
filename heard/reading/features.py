"""What the heads see of a text: counted figures, and hashed words, pairs and pieces of spelling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

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
    is_sign,
    plain,
)
from heard.reading.words import CLASSES

# Half of the buckets are for what a token is by itself, half for pairs of neighbours.
BUCKETS = 1 << 17
# Of how much count pieces of spelling and pairs of words are beside a word.
LETTERS_COUNT, PAIRS_COUNT = 0.4, 0.5
_LETTERS = (3, 4, 5)
_LONGEST_SPELT = 16
_SPELLING = 1  # where the sums of pieces begin, so that `the` in `bathe` is not the word `the`
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


_CLASSES_OF: dict[str, list[int]] = {}
for _place, _words in enumerate(CLASSES.values()):
    for _word in _words:
        _CLASSES_OF.setdefault(_word, []).append(_place)
_SIGN_OF = {token: COUNTED.index(token) for token in (LINK, NAME, NUMBER, CODE)} | {
    "#": COUNTED.index("#"),
    "…": COUNTED.index("..."),
    **dict.fromkeys("$€£", COUNTED.index("$")),
}
_CAPITALS, _EMOJI = COUNTED.index("capitals"), COUNTED.index("emoji")


def token_counts(tokens: Sequence[str]) -> NDArray[np.float32]:
    """To which of `COUNTED` each token belongs."""
    rows = np.zeros((len(tokens), len(COUNTED)), dtype=np.float32)
    for row, token in zip(rows, tokens, strict=True):
        row[_CLASSES_OF.get(plain(token), [])] = 1.0
        if token.isalpha():
            row[_CAPITALS] = len(token) > 1 and token.isupper()
        elif token in _SIGN_OF:
            row[_SIGN_OF[token]] = 1.0
        elif token[0] in "?!.":
            row[[COUNTED.index(sign) for sign in ("?", "!") if sign in token]] = 1.0
            row[COUNTED.index("...")] = token[0] == "."
        else:
            row[_EMOJI] = is_sign(token)
    return rows


def buckets(token: str) -> list[int]:
    """The hashed features of one token by itself: first the word, then pieces of its spelling."""
    spelt = plain(token).encode("utf-8", "surrogatepass")
    found = [crc32(spelt) % BUCKETS]
    if token[0].isalpha() and len(spelt) <= _LONGEST_SPELT:
        spelt = b"<" + spelt + b">"
        found += [
            crc32(spelt[place : place + size], _SPELLING) % BUCKETS
            for size in _LETTERS
            for place in range(len(spelt) - size + 1)
        ]
    return found


def pair_buckets(hashes: NDArray[np.uint32]) -> NDArray[np.int64]:
    """The bucket of each token with its right neighbour; the last one with START."""
    return BUCKETS + (pair_hashes(hashes) % np.uint32(BUCKETS)).astype(np.int64)


def pair_hashes(hashes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The hash of each token with its right neighbour; the last one with START."""
    right = np.append(hashes[1:], np.uint32(hashed(START)))
    mixed: NDArray[np.uint32] = hashes * _PAIR[0] + right * _PAIR[1]
    mixed ^= mixed >> np.uint32(15)
    return mixed


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
    """Finds features by the batch; the table remembers every token it met."""

    def __init__(self, table: TokenTable, lexicon: tone.Lexicon) -> None:
        self._tone = TokenRows(
            table,
            width=tone.COLUMNS,
            rows_for=lambda tokens: tone.token_rows(tokens, lexicon),
        )
        self._counts = TokenRows(table, width=len(COUNTED), rows_for=token_counts)
        self._marks = TokenRows(table, width=2, rows_for=_token_marks, dtype=np.uint32)

    def extract(self, cut: Cut) -> Features:
        """The features of a batch of texts, in order."""
        hashes, is_gate = self._marks.of(cut).T
        gates = np.add.reduceat(is_gate, cut.starts).tolist()
        cues = [
            list(find(map(plain, tokens))) if gate else []
            for tokens, gate in zip(cut.tokens, gates, strict=True)
        ]
        values = np.zeros((len(cut.tokens), len(DENSE)), dtype=np.float32)
        values[:, :3] = tone.tone(cut, self._tone.of(cut))
        values[:, 1:3] = np.log1p(values[:, 1:3])
        values[:, 3] = np.log1p(cut.lengths - 1) / 4
        values[:, _COUNTS] = np.log1p(self._counts.summed(cut))
        for row, found in zip(values, cues, strict=True):
            for each in found:
                row[_CUE_PLACE[each.cue.name]] = 1.0
        return Features(cut, values, hashes, cues)


def _token_marks(tokens: Sequence[str]) -> NDArray[np.uint32]:
    """The hash of each token, and whether a cue may hang on it."""
    words = map(plain, tokens)
    return np.array([(hashed(word), word in BY_GATE) for word in words], dtype=np.uint32)
