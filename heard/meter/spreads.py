"""Exact percentiles of very many durations, from counts in buckets and a look at one bucket.

A day's durations are counted in buckets whose bounds grow by a hundredth. Adding days up says in
which bucket the wanted one lies, and at which place in it; only its rows are then looked at. Most
buckets of a day are empty, so a day is kept as its other buckets with their counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BOUNDS: npt.NDArray[np.float64] = np.concatenate([[0.0], np.round(1.01 ** np.arange(0, 2060), 3)])
"""Lower bounds in seconds: 0, 1, 1.01, 1.02 ... about 25 years; the last has all above."""

PAIR = np.dtype([("bucket", "<u2"), ("count", "<i4")])

COUNT = len(BOUNDS)

Look = Callable[[float, float | None, int], Sequence[float]]
"""Gives the two values (fewer at the end) that follow `skip` smaller ones within [low, high)."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Median and 90th percentile in minutes, by linear interpolation; None of nothing."""

    count: int
    median_minutes: float | None
    p90_minutes: float | None


def pack(buckets: Iterable[tuple[int, int]]) -> bytes:
    """Counts of buckets (bucket, count) as they are stored: one after the other, lowest first."""
    return np.array(sorted(buckets), dtype=PAIR).tobytes()


def add(packed: Iterable[bytes]) -> npt.NDArray[np.int64]:
    """The counts of many days together."""
    total = np.zeros(COUNT, dtype=np.int64)
    pairs = np.frombuffer(b"".join(packed), dtype=PAIR)
    np.add.at(total, pairs["bucket"], pairs["count"])
    return total


def percentiles(counts: npt.NDArray[np.int64], look: Look) -> Percentiles:
    """The exact percentiles (as `percentile_cont` gives them) of what the buckets count."""
    total = int(counts.sum())
    if not total:
        return Percentiles(0, None, None)
    median, p90 = (_at(share, counts, total, look) for share in (0.5, 0.9))
    return Percentiles(total, median / 60, p90 / 60)


def _at(share: float, counts: npt.NDArray[np.int64], total: int, look: Look) -> float:
    place = share * (total - 1)
    lower = int(place)
    first = _value(lower, counts, look, with_next=place > lower)
    if len(first) == 1:
        if place == lower:
            return first[0]
        first = [first[0], _value(lower + 1, counts, look, with_next=False)[0]]
    return first[0] + (first[1] - first[0]) * (place - lower)


def _value(
    place: int, counts: npt.NDArray[np.int64], look: Look, *, with_next: bool
) -> list[float]:
    upto = np.cumsum(counts)
    bucket = int(np.searchsorted(upto, place, side="right"))
    before = int(upto[bucket - 1]) if bucket else 0
    high = float(BOUNDS[bucket + 1]) if bucket + 1 < COUNT else None
    found = [float(value) for value in look(float(BOUNDS[bucket]), high, place - before)]
    return found[: 2 if with_next else 1]
