"""Shares of small counts, with how sure they are."""

from __future__ import annotations

import math

Z_95 = 1.959963984540054
"""The 97.5 % point of the normal distribution: 95 % lie within it on both sides."""


def wilson(hits: int, count: int) -> tuple[float | None, float | None]:
    """Wilson's 95 % score interval of a share; None for no trials.

    E. B. Wilson, "Probable Inference", JASA 22 (1927).
    """
    if not count:
        return None, None
    share, spread = hits / count, Z_95 * Z_95 / count
    centre = (share + spread / 2) / (1 + spread)
    half = Z_95 * math.sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def newcombe(
    hits: int, count: int, other_hits: int, other_count: int
) -> tuple[float | None, float | None]:
    """The 95 % interval of a share less another share; None without trials on either side.

    R. G. Newcombe, "Interval estimation for the difference between independent proportions",
    Statistics in Medicine 17 (1998), method 10: from the Wilson intervals of both.
    """
    low, high = wilson(hits, count)
    other_low, other_high = wilson(other_hits, other_count)
    if low is None or high is None or other_low is None or other_high is None:
        return None, None
    share, other = hits / count, other_hits / other_count
    return (
        max(-1.0, share - other - math.hypot(share - low, other_high - other)),
        min(1.0, share - other + math.hypot(high - share, other - other_low)),
    )
