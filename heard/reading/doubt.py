"""How sure the reader is: by how much its likeliest answer leads the next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heard.reading.house import House, sights_of
from heard.reading.reading import look, readings_of

HEADS = ("need", "stance", "mood")


def leads(texts: Sequence[str], house: House | None = None) -> list[float | None]:
    """The smallest lead among need, stance and mood, from 0 to 1; None for what is not read.

    As `house` has taught its heads, else as they ship.
    """
    taught = house.heads if house is not None else {}
    found: list[float | None] = []
    for seen in look(texts):
        own: list[float | None] = [None] * len(seen.languages)
        if seen.places:
            readings = readings_of(seen)
            part = texts[len(found) : len(found) + len(own)]
            sights = sights_of(seen, part, [readings[place].urgency for place in seen.places])
            smallest = np.ones(len(seen.places))
            for head in HEADS:
                logs = taught[head].logs(sights) if head in taught else sights.logs[head]
                best = np.sort(np.exp(logs), axis=1)
                smallest = np.minimum(smallest, best[:, -1] - best[:, -2])
            for place, lead in zip(seen.places, smallest.tolist(), strict=True):
                own[place] = lead
        found += own
    return found
