"""May this go out? Is it True, Helpful, Inspiring, Necessary, Kind; pure and quick.

`check(draft, facts)` gives findings, five lights and the promise that the draft makes; `check_post`
the same of what answers nobody. No database.

Each letter has its room: `true`, `helpful`, `inspiring`, `necessary`, `kind`; `privacy` is the
grave part of Necessary. `posts` answer nobody, `second_eyes` tell heat and stakes, `scores` are
what trained heads make of a draft.
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
from heard.think.posts.posting import check_post

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
    "check_post",
]
