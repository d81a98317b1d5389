"""How sure the shipped reader is: by how much its likeliest answer leads the next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heard.reading.reading import look

HEADS = ("need", "stance", "mood")


def leads(texts: Sequence[str]) -> list[float | None]:
    """The smallest lead among need, stance and mood, from 0 to 1; None for what is not read."""
    found: list[float | None] = []
    for seen in look(texts):
        own: list[float | None] = [None] * len(seen.languages)
        if seen.places:
            smallest = np.ones(len(seen.places))
            for head in HEADS:
                best = np.sort(seen.probabilities[head], axis=1)
                smallest = np.minimum(smallest, best[:, -1] - best[:, -2])
            for place, lead in zip(seen.places, smallest.tolist(), strict=True):
                own[place] = lead
        found += own
    return found
