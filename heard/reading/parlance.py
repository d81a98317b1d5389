"""How people talk in a house: what words, and pairs of neighbouring words, say by its labels.

Each speaks by the logarithm of how much oftener it stands in texts of a kind than texts are of that
kind, as in naive Bayes; what all of a text say together is something that a regression may weigh
(Wang and Manning, 2012). While it is weighed a text must not hear itself: a name that one complaint
mentions would else seem to tell complaints. So each text that is learnt from hears what the others
say, those of its group left out, too.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heard.reading.features import pair_hashes

LEAST_TEXTS = 2
"""What stands in fewer texts says nothing of others, and is not kept."""
# How many texts of the usual mixture each word is taken to have stood in besides. Chosen on our own
# corpus and on GoEmotions, by heads that had learnt from neither.
_USUAL = 5.0
_PAIR = np.uint64(1 << 32)
_ROW = np.uint64(33)

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Uses:
    """Which words and pairs stand in texts: their numbers, text after text, each once.

    The number of a word is its hash; those of pairs begin at 2 ** 32. `lengths` says how many
    numbers each text has.
    """

    numbers: NDArray[np.uint64]
    lengths: Places

    @classmethod
    def found_in(cls, words: Sequence[NDArray[np.uint32]]) -> Uses:
        """Those of texts, given the hashes of the tokens of each."""
        if not words:
            return cls(np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64))
        row = np.repeat(np.arange(len(words), dtype=np.uint64), [len(each) for each in words])
        hashes = np.concatenate(words)
        own = (row << _ROW) | hashes
        pairs = (row << _ROW) | _PAIR | pair_hashes(hashes)
        found = np.unique(np.concatenate([own, pairs]))
        lengths = np.bincount((found >> _ROW).astype(np.int64), minlength=len(words))
        return cls(found & ((np.uint64(1) << _ROW) - np.uint64(1)), lengths)

    @classmethod
    def joined(cls, parts: Sequence[Uses]) -> Uses:
        """Those of several batches, in order."""
        numbers = np.concatenate([part.numbers for part in parts])
        return cls(numbers, np.concatenate([part.lengths for part in parts]))

    def of(self, rows: NDArray[np.bool_] | Places) -> Uses:
        """Those of some of the texts."""
        chosen = np.arange(len(self.lengths))[rows]
        lengths = self.lengths[chosen]
        starts = (np.cumsum(self.lengths) - self.lengths)[chosen]
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return Uses(self.numbers[np.repeat(starts, lengths) + within], lengths)

    @property
    def rows(self) -> Places:
        """To which text each number belongs."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)


@dataclass(frozen=True, slots=True)
class Parlance:
    """What words and pairs say: a row of logarithms, one for each kind, by their sorted numbers."""

    numbers: NDArray[np.uint64]
    says: NDArray[np.float32]

    def heard_in(self, uses: Uses) -> Floats:
        """What is said in each text, by words and by pairs: twice as many columns as kinds."""
        if not len(self.numbers):
            return np.zeros((len(uses.lengths), 2 * self.says.shape[1]))
        place = np.minimum(np.searchsorted(self.numbers, uses.numbers), len(self.numbers) - 1)
        is_known = self.numbers[place] == uses.numbers
        return _summed(uses, is_known, self.says[place[is_known]].astype(np.float64))


def learnt(
    uses: Uses, truth: Places, groups: Sequence[Hashable], *, kinds: int
) -> tuple[Parlance, Floats]:
    """What is said by labels, and what each text of them hears from those of other groups."""
    names, column = np.unique(uses.numbers, return_inverse=True)
    is_common = np.bincount(column, minlength=len(names)) >= LEAST_TEXTS
    is_kept = is_common[column]
    column = (np.cumsum(is_common) - 1)[column[is_kept]]
    row = uses.rows[is_kept]
    width = int(is_common.sum())
    counts = _counts(column * kinds + truth[row], width, kinds)
    sizes = np.bincount(truth, minlength=kinds).astype(np.float64)
    says = _ratios(counts, sizes)
    place_of = {group: place for place, group in enumerate(dict.fromkeys(groups))}
    group = np.array([place_of[each] for each in groups], dtype=np.int64)
    # How often each word stands in the texts of each group, and of how many texts that is.
    _, own = np.unique(group[row] * max(width, 1) + column, return_inverse=True)
    of_group = _counts(own * kinds + truth[row], int(own.max(initial=-1)) + 1, kinds)[own]
    group_sizes = _counts(group * kinds + truth, len(place_of), kinds)[group]
    others = _ratios(counts[column] - of_group, (sizes - group_sizes)[row])
    return Parlance(names[is_common], says.astype(np.float32)), _summed(uses, is_kept, others)


def _counts(cells: Places, rows: int, kinds: int) -> Floats:
    found = np.bincount(cells, minlength=rows * kinds).astype(np.float64)
    return found.reshape(rows, kinds)


def _ratios(counts: Floats, sizes: Floats) -> Floats:
    """How much oftener than usual, for each word (a row) and kind; `sizes` are texts of kinds."""
    usual = (sizes + 0.5) / (sizes + 0.5).sum(axis=-1, keepdims=True)
    shares = (counts + _USUAL * usual) / (counts.sum(axis=1, keepdims=True) + _USUAL)
    return np.asarray(np.log(shares / usual))


def _summed(uses: Uses, is_heard: NDArray[np.bool_], said: Floats) -> Floats:
    """Per text the sums of what those numbers say that are heard, over the root of how many stand.

    Words first, then pairs.
    """
    count, kinds = len(uses.lengths), said.shape[1]
    row, is_pair = uses.rows, uses.numbers >= _PAIR
    heard_row, heard_pair = row[is_heard], is_pair[is_heard]
    parts = []
    for kind in (False, True):
        size = np.bincount(row[is_pair == kind], minlength=count)
        own, rows = said[heard_pair == kind], heard_row[heard_pair == kind]
        sums = [np.bincount(rows, own[:, place], minlength=count) for place in range(kinds)]
        parts.append(np.stack(sums, axis=1) / np.sqrt(np.maximum(size, 1))[:, None])
    return np.hstack(parts)
