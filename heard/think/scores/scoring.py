"""Figures between 0 and 1 that put drafts in an order; the lights never depend on them.

What the rules have matched is said in findings; these are what small trained heads make of a draft
(`heads.py`). docs/think.md tells what they see, and how right they are.
"""

from __future__ import annotations

from dataclasses import dataclass

from heard.think.findings import Check, Facts
from heard.think.privacy.codes import PRIVATE_CODES
from heard.think.scores.figures import Seen
from heard.think.scores.heads import probabilities
from heard.think.wording import is_empty

# From here on a draft is said to belong in private, where drafts are counted by their score.
PRIVATE_FROM = 0.33


@dataclass(frozen=True, slots=True)
class Scores:
    """How kind, helpful and personal a draft is, and how surely it belongs in private: 0 to 1."""

    kind: float
    helpful: float
    personal: float
    private: float


def scores(draft: str, facts: Facts, *, found: Check) -> Scores:
    """The figures of a draft whose check is `found`."""
    if is_empty(draft):
        return Scores(kind=0.0, helpful=0.0, personal=0.0, private=0.0)
    chances = probabilities(Seen(draft, facts, found))
    return Scores(
        kind=round(chances["kind"], 3),
        helpful=round(chances["helpful"], 3),
        personal=round(chances["personal"], 3),
        private=_private(found, chances["private"] if facts.is_public else 0.0),
    )


def _private(found: Check, chance: float) -> float:
    """What a rule has matched is at least this sure, whatever the head makes of the words."""
    least = max(
        (
            1.0 if finding.stops else 0.5
            for finding in found.findings
            if finding.code in PRIVATE_CODES
        ),
        default=0.0,
    )
    return round(max(least, chance), 3)
