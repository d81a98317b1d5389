"""Where thanks are due, and why."""

from __future__ import annotations

from typing import Any

import pytest

from heard.channels.base import Act
from heard.conversations.thanking import Because, due

PRAISE: dict[str, Any] = {
    "need": "recognition", "mood": "positive", "stance": "neither", "bond": "",
    "is_public": True, "possible": {Act.LIKE, Act.SHARE}, "given": (),
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "acts", "because"),
    [
        ({}, (Act.LIKE, Act.THANK), (Because.PRAISE,)),
        ({"possible": ()}, (Act.THANK,), (Because.PRAISE,)),
        (
            {"stance": "recommend"},
            (Act.SHARE, Act.LIKE, Act.THANK),
            (Because.RECOMMENDS, Because.PRAISE),
        ),
        ({"stance": "recommend", "is_public": False}, (Act.LIKE, Act.THANK), (Because.PRAISE,)),
        (
            {"bond": "advocate", "mood": "neutral"},
            (Act.LIKE, Act.THANK),
            (Because.ADVOCATE,),
        ),
        (
            {"bond": "first_time", "mood": "neutral"},
            (Act.LIKE, Act.THANK),
            (Because.FIRST_MENTION,),
        ),
    ],
)
def test_thanks_are_due(
    changed: dict[str, Any], acts: tuple[Act, ...], because: tuple[Because, ...]
) -> None:
    found = due(**PRAISE | changed)
    assert found is not None
    assert (found.acts, found.because) == (acts, because)


@pytest.mark.parametrize(
    "changed",
    [
        {"given": ("like",)},
        {"mood": "negative"},
        {"need": "answer"},
        {"mood": "neutral"},
        {"need": "nothing", "bond": "advocate"},
    ],
)
def test_thanks_are_not_due(changed: dict[str, Any]) -> None:
    assert due(**PRAISE | changed) is None
