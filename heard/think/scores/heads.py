"""The heads behind the scores: from a draft's words and figures to four probabilities.

Logistic regressions over hashed words, pairs and pieces of words, and what shape follows a word (a
name, a number), each the weightier the rarer it is; and over the named figures.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import as_file, files
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from heard.reading import embed
from heard.reading.heads import unpacked
from heard.think.privacy.asking import names_a_private_way
from heard.think.scores.figures import FIGURES, Seen, figures
from heard.think.wording import bare

HEADS = ("kind", "helpful", "personal", "private")
_PRIVATE = HEADS.index("private")
_WAY = FIGURES.index("names a private way")
BUCKETS = 1 << 16
# How much the words of a draft count beside its figures, and pairs and pieces beside a word.
WORDS_COUNT = 3.0
_PAIRS_COUNT, _LETTERS_COUNT = 0.5, 0.4
_TOKEN = re.compile(r"[^\W\d_]+|\d+|[?!]+|[^\w\s]")
_LETTERS = (3, 4, 5)
_LONGEST_SPELT = 16
_LONGEST_READ = 4_000
MODEL = "heads.npz"


@dataclass(frozen=True, slots=True)
class HeadsModel:
    """Weights per bucket, figure and direction of meaning, a column for each of `HEADS`.

    And how rare a bucket is.
    """

    rareness: NDArray[np.float16]
    weights: NDArray[np.float16]
    dense: NDArray[np.float32]
    meaning: NDArray[np.float32]
    bias: NDArray[np.float32]

    @classmethod
    def loaded(cls) -> HeadsModel:
        """The model that ships with the package."""
        with (
            as_file(files("heard.think.models") / MODEL) as path,
            np.load(path, allow_pickle=False) as arrays,
        ):
            weights = unpacked(arrays["weights"], arrays["scale"])
            return cls(
                arrays["rareness"], weights, arrays["dense"], arrays["meaning"], arrays["bias"]
            )


def probabilities(seen: Seen) -> dict[str, float]:
    """How likely the draft is kind, helpful, personal, and better in private; 0 to 1 each."""
    model = _model()
    places, counts = words(seen.draft)
    counts = levelled(counts * model.rareness[places])
    logits = counts @ model.weights[places] + figures(seen) @ model.dense
    logits += embed([bare(seen.draft)])[0] @ model.meaning + model.bias
    chances = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    return dict(zip(HEADS, map(float, chances), strict=True))


def private_chance(draft: str) -> float:
    """How likely a public draft is better in private, 0 to 1; it needs no check of the draft."""
    model = _model()
    places, counts = words(draft)
    counts = levelled(counts * model.rareness[places])
    said = bare(draft)
    logit = counts @ model.weights[places, _PRIVATE] + embed([said])[0] @ model.meaning[:, _PRIVATE]
    logit += names_a_private_way(said) * model.dense[_WAY, _PRIVATE] + model.bias[_PRIVATE]
    return float(1 / (1 + np.exp(-np.clip(logit, -30, 30))))


@cache
def _model() -> HeadsModel:
    return HeadsModel.loaded()


@lru_cache(maxsize=16)
def words(draft: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The buckets of a draft's words, and how much each counts by itself."""
    told = _TOKEN.findall(bare(draft[:_LONGEST_READ]))
    plain = [_shape(word) if word.isdigit() else word.casefold() for word in told]
    found: dict[int, float] = {}
    for word in plain:
        _put(found, word, 1.0)
    for pair in zip(["^", *plain], [*plain, "$"], strict=True):
        _put(found, " ".join(pair), _PAIRS_COUNT)
    for place in range(1, len(told)):
        shape = _shape(told[place])
        if shape and told[place - 1] not in ".!?":
            _put(found, f"{plain[place - 1]} >{shape}", 1.0)
            if place > 1:
                _put(found, f"{plain[place - 2]} {plain[place - 1]} >{shape}", 1.0)
    for word in dict.fromkeys(word for word in plain if word[0].isalpha()):
        for bucket in _pieces(word[:_LONGEST_SPELT]):
            if found.get(bucket, 0.0) < _LETTERS_COUNT:
                found[bucket] = _LETTERS_COUNT
    places = np.fromiter(found, dtype=np.int64, count=len(found))
    return places, np.fromiter(found.values(), dtype=np.float32, count=len(found))


def levelled(counts: NDArray[np.float32]) -> NDArray[np.float32]:
    """The counts of one draft, so that a long one weighs as much as a short one."""
    level: NDArray[np.float32] = counts * (WORDS_COUNT / max(1e-6, float(np.linalg.norm(counts))))
    return level


def _shape(word: str) -> str:
    """That of a number, and of a word with a capital; "" of others."""
    if word.isdigit():
        return "0" * min(4, len(word))
    if not word[0].isupper():
        return ""
    return "Xx" if word[1:].islower() else "XX"


def _put(found: dict[int, float], feature: str, count: float) -> None:
    bucket = _bucket(feature)
    found[bucket] = max(found.get(bucket, 0.0), count)


@lru_cache(maxsize=4096)
def _pieces(word: str) -> tuple[int, ...]:
    """The buckets of a word's pieces; most words of a draft stood in the one before."""
    spelt = f"<{word}>"
    return tuple(
        _bucket(f"~{spelt[place : place + size]}")
        for size in _LETTERS
        for place in range(len(spelt) - size + 1)
    )


def _bucket(feature: str) -> int:
    return crc32(feature.encode("utf-8", "surrogatepass")) % BUCKETS
