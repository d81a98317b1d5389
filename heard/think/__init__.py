"""May this go out? Is it True, Helpful, Inspiring, Necessary, Kind; pure and quick.

`check(draft, facts)` gives findings, five lights and the promise that the draft makes. No database.
"""

from heard.think.checking import check
from heard.think.findings import (
    Asked,
    Check,
    Facts,
    Finding,
    Known,
    Letter,
    Light,
    Opening,
    Turn,
)

__all__ = [
    "Asked",
    "Check",
    "Facts",
    "Finding",
    "Known",
    "Letter",
    "Light",
    "Opening",
    "Turn",
    "check",
]
