"""Texts on a shelf, found again by what they mean and by the words they share with a question.

In memory alone, and bounded: the newest stay. Meaning is the cosine of two vectors, kept as one
byte a number; words are weighed as BM25 does (Robertson and Zaragoza 2009), a word counting once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from heard.knowledge.choosing import plain
from heard.reading.tokens import bounded

Vectors = NDArray[np.float32]
Codes = NDArray[np.int8]
Terms = NDArray[np.uint32]

MOST = 50_000
"""So many exchanges are kept, the newest: what is older was said of another house."""
SATURATION, LENGTH_SHARE = 1.2, 0.75
"""BM25's k1 and b, at their usual values."""
MEANING_SHARE = 0.35
"""How much of a likeness is meaning; the rest is words. Chosen by turns within the development part
of the dialogues of `bench/answers.py`, which asks with the other part."""
MOST_TERMS = 48
COMMON = 500
"""A word that so many texts have, and more than an eighth of them, tells none from another."""
LARGEST_TAIL = 40_000
BLOCK = 1_024
ROUNDED = 127.0

_WORD = re.compile(r"[^\W_]{3,}")
_ENDING = re.compile(r"(?<=\w{3})(?:ies|s)$")


@dataclass(frozen=True, slots=True)
class Hit:
    """One text of the shelf: how alike it is to the question, by both, by meaning, and by words."""

    id: int
    likeness: float
    meaning: float
    words: float


def terms_of(text: str) -> Terms:
    """The words of a text as numbers, each once; what is kept of them is no longer a text."""
    found = {_ENDING.sub("", word) for word in _WORD.findall(plain(bounded(text)))}
    numbers = sorted({crc32(word.encode()) for word in sorted(found)[:MOST_TERMS]})
    return np.array(numbers, dtype=np.uint32)


def rounded(vectors: Vectors) -> Codes:
    """Unit vectors at one byte a number; each is stretched so that its largest number is 127."""
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=1e-9)
    codes: Codes = np.rint(vectors * (ROUNDED / largest)).astype(np.int8)
    return codes


class Shelf:
    """As many texts as fit; what comes when it is full takes the place of the oldest."""

    def __init__(self, *, capacity: int, dimension: int) -> None:
        self.capacity = capacity
        self.dimension = dimension
        self._count = 0  # all that ever came: text n stands at n % capacity
        self._room = 0
        self._ids: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._groups: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._codes: Codes = np.zeros((0, dimension), dtype=np.int8)
        self._scales: Vectors = np.zeros(0, dtype=np.float32)
        self._lengths: Vectors = np.zeros(0, dtype=np.float32)
        self._terms: Terms = np.zeros(0, dtype=np.uint32)  # sorted
        self._owners: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._new_terms: list[Terms] = []  # not sorted in yet
        self._new_owners: list[NDArray[np.int64]] = []
        self._places: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._places)

    def put(
        self, ids: Sequence[int], groups: Sequence[int], codes: Codes, terms: Sequence[Terms]
    ) -> None:
        """Put texts on the shelf, the oldest first. `groups` say who may see them.

        One whose id stands here already is put anew.
        """
        if len(ids) > self.capacity:
            cut = len(ids) - self.capacity
            ids, groups, codes, terms = ids[cut:], groups[cut:], codes[cut:], terms[cut:]
        if not ids:
            return
        self.take_away(ids)
        self._grow(min(self.capacity, self._count + len(ids)))
        numbers = np.arange(self._count, self._count + len(ids), dtype=np.int64)
        places = numbers % self.capacity
        for pk in self._ids[places]:
            self._places.pop(int(pk), None)
        self._ids[places] = ids
        self._groups[places] = groups
        self._codes[places] = codes
        norms = np.linalg.norm(codes.astype(np.float32), axis=1)
        self._scales[places] = 1.0 / np.maximum(norms, 1.0)
        counts = np.array([len(one) for one in terms], dtype=np.float32)
        self._lengths[places] = counts
        self._places.update(zip(map(int, ids), map(int, places), strict=True))
        self._count += len(ids)
        self._new_terms.append(np.concatenate(terms))
        self._new_owners.append(np.repeat(numbers, counts.astype(np.int64)))
        if sum(map(len, self._new_terms)) > LARGEST_TAIL:
            self._sort_in()

    def take_away(self, ids: Collection[int]) -> None:
        """Take texts off the shelf; their numbers are gone, too."""
        places = [self._places.pop(pk) for pk in ids if pk in self._places]
        if places:
            self._ids[places] = 0
            self._groups[places] = -1
            self._codes[places] = 0
            self._lengths[places] = 0

    def search(
        self,
        vector: Vectors,
        terms: Terms,
        *,
        groups: Collection[int] | None,
        limit: int,
        meaning_share: float = MEANING_SHARE,
    ) -> list[Hit]:
        """The texts most alike to a question among those of these groups; None is all of them."""
        size = min(self._count, self.capacity)
        if not self._places:
            return []
        seen = self._ids[:size] != 0
        if groups is not None:
            seen &= np.isin(self._groups[:size], np.fromiter(groups, np.int64, len(groups)))
        meaning = self._meaning(vector, size)
        words = self._words(terms, size)
        likeness = meaning_share * meaning + (1 - meaning_share) * words
        likeness[~seen] = -np.inf
        best = np.argpartition(-likeness, min(limit, size - 1))[:limit]
        best = best[np.lexsort((-self._ids[best], -likeness[best]))]
        return [
            Hit(int(self._ids[n]), float(likeness[n]), float(meaning[n]), float(words[n]))
            for n in best
            if likeness[n] > 0
        ]

    def _meaning(self, vector: Vectors, size: int) -> Vectors:
        """The cosine of each text with the question, worked out by the block to stay in cache."""
        found = np.empty(size, dtype=np.float32)
        block = np.empty((BLOCK, self.dimension), dtype=np.float32)
        for start in range(0, size, BLOCK):
            end = min(start + BLOCK, size)
            block[: end - start] = self._codes[start:end]
            np.dot(block[: end - start], vector, out=found[start:end])
        found *= self._scales[:size]
        return found

    def _words(self, terms: Terms, size: int) -> Vectors:
        """The weight of the words that each text shares with the question, as a part of all."""
        weights = np.zeros(size, dtype=np.float32)
        count = len(self._places)
        lengths = self._lengths[:size]
        mean = max(float(lengths.sum()) / count, 1.0)
        known: list[float] = []
        unknown = 0
        oldest = self._count - self.capacity
        for term in terms:
            places = self._owners_of(term)
            if oldest > 0:
                places = places[places >= oldest] % self.capacity
            if len(places) > COMMON + count // 8:
                continue
            if not len(places):
                unknown += 1
                continue
            rarity = np.log(1 + max(count - len(places) + 0.5, 0.5) / (len(places) + 0.5))
            weights[places] += rarity
            known.append(float(rarity))
        # What nobody has said before counts as much as the rarest word that somebody has.
        whole = sum(known) + unknown * max(known, default=0.0)
        share = 1 + SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * lengths / mean)
        return (weights * (SATURATION + 1) / share / max(whole, 1e-9)).astype(np.float32)

    def _owners_of(self, term: np.uint32) -> NDArray[np.int64]:
        begins = np.searchsorted(self._terms, term, side="left")
        ends = np.searchsorted(self._terms, term, side="right")
        parts = [self._owners[begins:ends]]
        parts += [
            owners[terms == term]
            for terms, owners in zip(self._new_terms, self._new_owners, strict=True)
        ]
        return np.concatenate(parts)

    def _sort_in(self) -> None:
        """Sort in what is new, and leave out what is no longer here."""
        terms = np.concatenate([self._terms, *self._new_terms])
        owners = np.concatenate([self._owners, *self._new_owners])
        here = owners >= self._count - self.capacity
        here &= self._ids[owners % self.capacity] != 0
        terms, owners = terms[here], owners[here]
        order = np.argsort(terms, kind="stable")
        self._terms, self._owners = terms[order], owners[order]
        self._new_terms, self._new_owners = [], []

    def _grow(self, size: int) -> None:
        if size <= self._room:
            return
        room = min(self.capacity, max(size, 2 * self._room, 1_024))
        more = room - self._room
        self._ids = np.concatenate([self._ids, np.zeros(more, dtype=np.int64)])
        self._groups = np.concatenate([self._groups, np.full(more, -1, dtype=np.int64)])
        self._codes = np.concatenate([self._codes, np.zeros((more, self.dimension), np.int8)])
        self._scales = np.concatenate([self._scales, np.zeros(more, dtype=np.float32)])
        self._lengths = np.concatenate([self._lengths, np.zeros(more, dtype=np.float32)])
        self._room = room
