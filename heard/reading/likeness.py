"""Which texts are near-duplicates of each other: copies with some words changed.

Each text is a set of words, and two texts are as alike as their sets overlap (Jaccard: what both
have, of all that either has). MinHash estimates that from a print of `PLACES` bytes a text: under
each of 128 permutations of all words, the least word of either set is the same one exactly as often
as the sets overlap (Broder, "On the resemblance and containment of documents", 1997). Of each least
word only a byte is kept, so that one in 256 agrees by chance (Li and König, "b-Bit Minwise
Hashing", 2010). Texts that share a whole *band* of `BAND` bytes are looked at more closely
(Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", 2014, chapter 3).

The arithmetic. A copy with a fifth of its n words replaced keeps 0.8 n and brings 0.2 n new ones:
0.8 / 1.2 = 0.667 alike; one from which a fifth was deleted 0.8, with a fifth put in 0.83. A band of
four agrees with s^4 and one of 32 bands with 1 - (1 - s^4)^32: 0.999 of those at 0.667, 1 in 300 of
those at 0.1, 1 in 5,000 at 0.05, which is where two messages about one shop lie. What is looked at
more closely is alike if `ALIKE` of the bytes agree: at 0.667 the estimate has a standard deviation
of 0.042, so 2.8 of them lie between and 0.997 pass. Of ten words two may be replaced before that is
undercut; people who mean the same write shorter texts than that with half of the words in common,
so these must have all of them: see `SHORT`.

Words alone are used, not pairs of words: a fifth of the words takes more than a third of the pairs,
and pairs would cost twice the time to tell the same texts apart. Names that are spoken to and links
do not count, or whoever answers the same post would be alike. In scripts that set no spaces each
character is a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from heard.reading.tokens import bounded, hashed

PLACES = 128
BAND = 4
BANDS = PLACES // BAND

ALIKE = 0.55
KIN = 0.35
"""So alike must a text be to the first of those that it joins by way of another: copies of copies
drift, and without this a chain could lead anywhere."""

SHORT = 10
"""Texts of fewer different words are alike only if they have the very same."""
SHORTEST = 5
"""Texts of fewer different words are never alike: everybody says "thank you very much"."""

MOST_SHARING = 64
"""So many texts, the first that came, stand for all that share a band."""

_CHUNK_WORDS = 4_096
_MOST_WORDS_KNOWN = 300_000
_MIX = np.uint32(0x9E3779B1)
_PAIRS_AT_ONCE = 200_000

_WORD = re.compile(
    r"https?://\S+|www\.\S+|@\w+"
    r"|[\w\u0300-\u036f\u064b-\u0652\u0900-\u0963]+(?:['’]\w+)*"
)
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


def _permutations() -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Linear permutations of all 32-bit numbers: `x * odd + any`, always the same ones."""
    chosen = np.random.default_rng(1997).integers(0, 1 << 32, (2, PLACES), dtype=np.uint32)
    return chosen[0] | np.uint32(1), chosen[1]


_FACTORS, _SHIFTS = _permutations()


@dataclass(frozen=True, slots=True)
class Prints:
    """The prints of some texts, a row each, and how many different words each has."""

    signatures: NDArray[np.uint8]
    sizes: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.sizes)

    def and_(self, others: Self) -> Self:
        """These, and after them others."""
        return type(self)(
            np.concatenate([self.signatures, others.signatures]),
            np.concatenate([self.sizes, others.sizes]),
        )

    @property
    def is_short(self) -> NDArray[np.bool_]:
        """Which of them are alike only to the very same words."""
        return self.sizes < SHORT


def prints(texts: Sequence[str]) -> Prints:
    """The print of each text. Order, repetition, case and punctuation do not change it."""
    found = [_words_of(text) for text in texts]
    sizes = np.fromiter(map(len, found), dtype=np.int32, count=len(found))
    signatures = np.zeros((len(found), PLACES), dtype=np.uint8)
    spoken = np.flatnonzero(sizes)
    ends = np.cumsum(sizes[spoken])
    first = 0
    while first < len(spoken):
        before = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + _CHUNK_WORDS)))
        rows = spoken[first:last]
        words = np.fromiter(
            (word for row in rows for word in found[row]),
            dtype=np.uint32,
            count=int(ends[last - 1]) - before,
        )
        starts = ends[first:last] - sizes[rows] - before
        least = np.minimum.reduceat(words[:, None] * _FACTORS + _SHIFTS, starts, axis=0)
        signatures[rows] = (least * _MIX) >> np.uint32(24)
        first = last
    return Prints(signatures, sizes)


def likeness(ones: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The estimated share of words that the texts of two prints have in common, row by row.

    What agrees by chance, one byte in 256, is taken off: it may be a little below zero.
    """
    agreeing = np.count_nonzero(ones == others, axis=1) / PLACES
    shares: NDArray[np.float64] = (agreeing - 1 / 256) / (1 - 1 / 256)
    return shares


def pairs(texts: Prints, *, since: int = 0) -> NDArray[np.int64]:
    """Which are alike: rows of (later, earlier), of all whose later one is at `since` or after."""
    found = _sharing_a_band(texts, since=since)
    is_alike = np.zeros(len(found), dtype=bool)
    short = texts.is_short
    for first in range(0, len(found), _PAIRS_AT_ONCE):
        later, earlier = found[first : first + _PAIRS_AT_ONCE].T
        shares = likeness(texts.signatures[later], texts.signatures[earlier])
        strict = short[later] & short[earlier]
        same = (shares >= 1) & (texts.sizes[later] == texts.sizes[earlier])
        is_alike[first : first + _PAIRS_AT_ONCE] = np.where(strict, same, shares >= ALIKE)
    return found[is_alike]


def founders(
    texts: Prints,
    known: Sequence[int] | NDArray[np.int64],
    *,
    moments: NDArray[np.float64],
    span: float,
) -> NDArray[np.int64]:
    """For each text the first of those it is a copy of, or itself.

    The founders of the first `len(known)` texts are given and stay. Texts are in the order in which
    they came; two that were said more than `span` apart (in the unit of `moments`) are no copies.
    A text joins where it is most alike, if it is also `KIN` to whoever began there.
    """
    since = len(known)
    found = [*map(int, known), *range(since, len(texts))]
    alike = pairs(texts, since=since)
    alike = alike[np.abs(moments[alike[:, 0]] - moments[alike[:, 1]]) <= span]
    shares = likeness(texts.signatures[alike[:, 0]], texts.signatures[alike[:, 1]])
    for one, other in alike[np.lexsort((alike[:, 1], -shares, alike[:, 0]))].tolist():
        begun_by = found[other]
        if found[one] != one:
            continue  # it has joined where it is most alike
        if begun_by == other or _likeness_of(texts, one, begun_by) >= KIN:
            found[one] = begun_by
    return np.array(found, dtype=np.int64)


def _likeness_of(texts: Prints, one: int, other: int) -> float:
    rows = texts.signatures
    return float(likeness(rows[one : one + 1], rows[other : other + 1])[0])


class _Words(dict[str, int]):
    """The numbers of the words met so far; 0 is what does not count."""

    def __missing__(self, piece: str) -> int:
        first = piece[0]
        counts = first != "@" and not piece.startswith(("http://", "https://", "www."))
        number = self[piece] = hashed(piece.lower().replace("’", "'")) or 1 if counts else 0
        return number


_words = _Words()


def _words_of(text: str) -> set[int]:
    if len(_words) > _MOST_WORDS_KNOWN:
        _words.clear()
    text = bounded(text)
    if not text.isascii():
        text = _UNSPACED.sub(r" \g<0> ", text)
    found = set(map(_words.__getitem__, _WORD.findall(text)))
    found.discard(0)
    return found


def _sharing_a_band(texts: Prints, *, since: int) -> NDArray[np.int64]:
    """Rows of (later, earlier) that share a band, each once, the later one at `since` or after."""
    rows = np.flatnonzero(texts.sizes >= SHORTEST)
    keys = np.ascontiguousarray(texts.signatures[rows]).view(np.uint32)
    count = np.uint64(len(texts) + 1)
    found: list[NDArray[np.uint64]] = []
    for band in range(BANDS):
        order = np.argsort(keys[:, band], kind="stable")
        band_keys, members = keys[order, band], rows[order]
        starts = np.flatnonzero(np.concatenate([[True], band_keys[1:] != band_keys[:-1]]))
        sizes = np.diff(starts, append=len(members))
        first = np.repeat(starts, sizes)
        place = np.arange(len(members)) - first
        # Each with the first that share the band, and none with itself or what comes later.
        many = np.where(members >= since, np.minimum(place, MOST_SHARING), 0)
        later = np.repeat(members, many)
        within = np.arange(len(later)) - np.repeat(np.cumsum(many) - many, many)
        earlier = members[np.repeat(first, many) + within]
        found.append(later.astype(np.uint64) * count + earlier.astype(np.uint64))
    unique = np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.uint64)
    return np.stack([unique // count, unique % count], axis=1).astype(np.int64)


def kept(signatures: Iterable[bytes], sizes: Iterable[int]) -> Prints:
    """Prints as they were kept, by `bytes` of each row."""
    joined = b"".join(signatures)
    rows = np.frombuffer(joined, dtype=np.uint8).reshape(-1, PLACES)
    return Prints(rows, np.fromiter(sizes, dtype=np.int32, count=len(rows)))
