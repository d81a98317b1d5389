"""The linear heads: from features to probabilities of mood, need and stance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from heard.reading import features
from heard.reading.models import load
from heard.reading.tone import Lexicon

# The heads and their classes, in the order of the columns of the weights.
CLASSES: dict[str, tuple[str, ...]] = {
    "mood": ("negative", "neutral", "positive"),
    "need": ("answer", "recognition", "nothing"),
    "stance": ("avoid", "recommend", "neither"),
}
COLUMNS_OF = {head: slice(3 * place, 3 * place + 3) for place, head in enumerate(CLASSES)}
"""Where the figures of each head stand in a row of logits."""
_LEAST = 1e-6
WIDTH = sum(map(len, CLASSES.values()))
COLUMNS = WIDTH + 1


@dataclass(frozen=True, slots=True)
class HeadsModel:
    """Weights per bucket and per counted figure, and the lexicon that the tone is read with."""

    weights: NDArray[np.float16]
    dense: NDArray[np.float32]
    bias: NDArray[np.float32]
    lexicon: Lexicon

    @classmethod
    def loaded(cls, name: str = "heads") -> HeadsModel:
        """A model that ships with the package: `heads` for English, or `heads_abroad`."""
        arrays = load(name)
        words = bytes(arrays["lexicon"]).decode("utf-8").split("\n")
        valences = dict(zip(words, (arrays["valences"] / 10.0).tolist(), strict=True))
        lexicons = {"heads": Lexicon.english, "heads_abroad": Lexicon.abroad}
        return cls(
            weights=unpacked(arrays["weights"], arrays["scale"]),
            dense=arrays["dense"],
            bias=arrays["bias"],
            lexicon=lexicons[name](valences),
        )

    def token_rows(self, tokens: Sequence[str]) -> NDArray[np.float32]:
        """What each token adds to the heads by itself, and to the square of the text's length."""
        found = list(map(features.buckets, tokens))
        sizes = np.array(list(map(len, found)))
        starts = np.cumsum(sizes) - sizes
        strength = np.full((sizes.sum(), 1), features.LETTERS_COUNT, dtype=np.float32)
        strength[starts] = 1.0
        weights = self.weights[list(chain.from_iterable(found))] * strength
        sums = np.add.reduceat(weights, starts)
        return np.hstack([sums, np.add.reduceat(strength**2, starts)])

    def logits(
        self, found: features.Features, *, token_sums: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """One row of `WIDTH` figures per text; `token_sums` are the summed rows of its tokens."""
        pairs = self.weights[features.pair_buckets(found.hashes)].astype(np.float32)
        sums = np.add.reduceat(pairs, found.cut.starts) * features.PAIRS_COUNT
        sums += token_sums[:, :WIDTH]
        squares = token_sums[:, WIDTH] + found.cut.lengths * features.PAIRS_COUNT**2
        logits: NDArray[np.float32] = (
            sums / np.sqrt(squares)[:, None] + found.dense @ self.dense + self.bias
        )
        return logits


def packed(weights: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """A byte for each weight, finer near zero, and the largest weight of every column."""
    largest = np.abs(weights).max(axis=0)
    bytes_ = np.rint(np.sign(weights) * np.sqrt(np.abs(weights) / largest) * 127)
    return bytes_.astype(np.int8), largest.astype(np.float32)


def unpacked(weights: NDArray[np.int8], largest: NDArray[np.float32]) -> NDArray[np.float16]:
    """What `packed` put away."""
    share = weights.astype(np.float32) / 127
    found: NDArray[np.float16] = (share * np.abs(share) * largest).astype(np.float16)
    return found


def log_probabilities(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logits with each head's logarithms of probabilities in the place of its own figures."""
    found = np.empty_like(logits)
    for own in COLUMNS_OF.values():
        raised = logits[:, own] - logits[:, own].max(axis=1, keepdims=True)
        found[:, own] = raised - np.log(np.exp(raised).sum(axis=1, keepdims=True))
    return found


def probabilities(logits: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Per head one row of probabilities per text, summing to 1.

    Who is angry hardly sends others to us, and who is glad hardly warns them: the stance is what
    its own head says times the probability that the mood allows it.
    """
    logs = log_probabilities(logits)
    found = {head: np.exp(logs[:, own]) for head, own in COLUMNS_OF.items()}
    negative, _, positive = found["mood"].T
    allowed = np.stack([1 - positive, 1 - negative, np.ones_like(negative)], axis=1)
    found["stance"] *= np.maximum(allowed, _LEAST)
    found["stance"] /= found["stance"].sum(axis=1, keepdims=True)
    return found
