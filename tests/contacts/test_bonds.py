"""What somebody is to us: each written rule at its edges."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from heard.contacts.bonds import Facts, Word, recognise, together

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def days(count: float) -> datetime:
    return NOW - timedelta(days=count)


KNOWN = Facts(first_at=days(400), last_at=days(1), conversations=2, visit_count=2)


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({}, Word.NONE),
        ({"conversations": 1, "first_at": days(29)}, Word.FIRST_TIME),
        ({"conversations": 1, "first_at": days(31)}, Word.NONE),
        ({"conversations": 2, "first_at": days(1)}, Word.NONE),
        ({"visit_count": 3}, Word.REGULAR),
        ({"visit_count": 3, "last_at": days(181)}, Word.NONE),
        ({"recommend_count": 2, "recommended_at": days(3)}, Word.ADVOCATE),
        ({"recommend_count": 1, "recommended_at": days(3)}, Word.NONE),
        ({"praise_count": 3, "pleased_at": days(3)}, Word.ADVOCATE),
        ({"praise_count": 2, "pleased_at": days(3)}, Word.NONE),
        (
            {"recommend_count": 3, "recommended_at": days(200), "warned_at": days(150)},
            Word.NONE,
        ),
        ({"recommend_count": 3, "recommended_at": days(90), "warned_at": days(150)}, Word.ADVOCATE),
        ({"avoid_count": 1, "warned_at": days(89)}, Word.AT_RISK),
        ({"avoid_count": 1, "warned_at": days(91)}, Word.NONE),
        ({"avoid_count": 1, "warned_at": days(20), "pleased_at": days(10)}, Word.NONE),
        ({"avoid_count": 1, "warned_at": days(10), "pleased_at": days(20)}, Word.AT_RISK),
        ({"fail_count": 1, "failed_at": days(5)}, Word.NONE),
        ({"fail_count": 1, "failed_at": days(5), "last_mood": "negative"}, Word.AT_RISK),
        ({"fail_count": 2, "failed_at": days(5)}, Word.AT_RISK),
        ({"fail_count": 2, "failed_at": days(5), "pleased_at": days(4)}, Word.NONE),
        ({"fail_count": 2, "failed_at": days(5), "recommend_count": 5}, Word.AT_RISK),
    ],
)
def test_a_rule_speaks_at_its_edge(changed: dict[str, Any], word: Word) -> None:
    found = recognise(replace(KNOWN, **changed), now=NOW)
    assert found.word is word
    assert bool(found.because) is (word is not Word.NONE)


def test_several_inboxes_are_one_story() -> None:
    here = replace(KNOWN, last_at=days(9), last_mood="negative", praise_count=1)
    there = replace(KNOWN, first_at=days(500), last_at=days(3), last_mood="positive")
    both = together([here, there])
    assert both is not None
    assert (both.first_at, both.last_at, both.last_mood) == (days(500), days(3), "positive")
    assert (both.conversations, both.visit_count, both.praise_count) == (4, 4, 1)
    assert together([]) is None
