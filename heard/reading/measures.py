"""How right a classifier is, in the field's own measures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Figures = NDArray[np.float64]


def accuracy(truth: Sequence[str], said: Sequence[str]) -> float:
    """The share of texts on which both agree."""
    return sum(map(str.__eq__, truth, said)) / len(truth)


def macro_recall(truth: Sequence[str], said: Sequence[str]) -> float:
    """The mean over the true classes of the share of each that was found."""
    return float(np.mean([_counts(truth, said, kind)[0] for kind in sorted(set(truth))]))


def macro_f1(truth: Sequence[str], said: Sequence[str]) -> float:
    """The mean over the true classes of the harmonic mean of precision and recall."""
    return float(np.mean([_counts(truth, said, kind)[1] for kind in sorted(set(truth))]))


def _counts(truth: Sequence[str], said: Sequence[str], kind: str) -> tuple[float, float]:
    """Recall and F1 of one class."""
    right = sum(real == kind == told for real, told in zip(truth, said, strict=True))
    real, told = truth.count(kind), said.count(kind)
    return right / real, 2 * right / (real + told)


def area(truth: Sequence[bool], figures: Figures) -> float:
    """The area under the ROC curve: how often a true text has the higher figure, ties half."""
    is_true = np.asarray(truth, dtype=bool)
    _, place, times = np.unique(figures, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(times) - (times - 1) / 2)[place]
    true, false = int(is_true.sum()), int((~is_true).sum())
    if not true or not false:
        return float("nan")
    return float((ranks[is_true].sum() - true * (true + 1) / 2) / (true * false))


def reliability(
    chances: Figures, truth: NDArray[np.int64], *, bins: int = 10
) -> list[tuple[float, float, int]]:
    """Per bin of the likeliest class: how sure it was, how often it was right, of how many."""
    said, surety = chances.argmax(axis=1), chances.max(axis=1)
    place = np.minimum((surety * bins).astype(int), bins - 1)
    right = said == truth
    return [
        (float(surety[own].mean()), float(right[own].mean()), int(own.sum()))
        for own in (place == which for which in np.unique(place))
    ]


def calibration_error(chances: Figures, truth: NDArray[np.int64], *, bins: int = 10) -> float:
    """Expected calibration error of the likeliest class, in equal bins (Guo et al. 2017)."""
    found = reliability(chances, truth, bins=bins)
    return sum(abs(right - sure) * count for sure, right, count in found) / len(truth)


def honest_error(chances: Figures, *, bins: int = 10, draws: int = 400) -> tuple[float, float]:
    """The calibration error that honest probabilities show by chance alone on so many texts.

    Its mean, and what it stays under in 95 of 100 draws: the fewer texts, the more. The likeliest
    class is taken to be right as often as it says.
    """
    surety = chances.max(axis=1)
    place = np.minimum((surety * bins).astype(int), bins - 1)
    lucky = np.random.default_rng(0).random((draws, len(surety))) < surety
    missed = np.zeros(draws)
    for which in np.unique(place):
        own = place == which
        missed += np.abs(lucky[:, own].sum(axis=1) - surety[own].sum())
    errors = missed / len(surety)
    return float(errors.mean()), float(np.quantile(errors, 0.95))
