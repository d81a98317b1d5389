"""Fitting the heads on MiniLM's frozen embeddings: `python -m heard.assistant.minilm.training`.

It learns from what the shipped reader learns from; nothing of a set that is only for tests. The
arguments are the folder of public data and the file to write.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heard.reading.heads import CLASSES

Shares = dict[str, tuple[float, ...] | None]
Known = tuple[str, float, Shares]

_LEVELLED = {"mood": 1.0, "need": 0.5, "stance": 0.8}
"""How far the classes of a head are levelled: 1 makes each count the same."""
_OWN, _ELSEWHERE = 1 / 8, 0.35
_SHARE_FROM_ELSEWHERE = 0.22
_STRENGTH, _ROUNDS = 3.0, 400


def examples_from(data: Path) -> Iterator[Known]:
    """Text, weight and shares of the classes per head; of what is not ours a part, by chance."""
    from heard.reading.training.examples import examples  # noqa: PLC0415 - needs the training data

    chance = random.Random(1)
    for example in examples(data):
        shares = {head: getattr(example, head) for head in CLASSES}
        if example.is_own:
            yield example.text, example.weight * _OWN, shares
        elif chance.random() < _SHARE_FROM_ELSEWHERE:
            yield example.text, _ELSEWHERE, shares


def fit(known: list[Known], embedded: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """The arrays of `heads.npz`."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - for training alone

    found: dict[str, NDArray[np.float32]] = {}
    for head in CLASSES:
        rows = [
            (place, kind, weight * share)
            for place, (_, weight, shares) in enumerate(known)
            for kind, share in enumerate(shares[head] or ())
            if share
        ]
        places, kinds = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
        weights = np.array([row[2] for row in rows])
        sizes = np.bincount(kinds, weights=weights)
        weights *= ((sizes.sum() / len(sizes) / sizes) ** _LEVELLED[head])[kinds]
        fitted = LogisticRegression(C=_STRENGTH, max_iter=_ROUNDS).fit(
            embedded[places], kinds, sample_weight=weights
        )
        found[f"{head}_weights"] = fitted.coef_.T.astype(np.float32)
        found[f"{head}_bias"] = fitted.intercept_.astype(np.float32)
    return found


def main(arguments: list[str]) -> None:
    """Embed, fit, write."""
    import django  # noqa: PLC0415

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "heard.settings")
    django.setup()
    from heard.assistant.minilm.reader import SPREAD, embed  # noqa: PLC0415 - after the settings

    data, target = map(Path, arguments)
    known = list(examples_from(data))
    arrays: Any = fit(known, embed([text for text, *_ in known]) * np.float32(SPREAD))
    np.savez(target, **arrays)


if __name__ == "__main__":
    main(sys.argv[1:])
