"""Figures between 0 and 1 that put drafts in an order; the lights never depend on them.

Each is a plain sum of what the concerns found, so that it can be explained. docs/think.md has them.
"""

from __future__ import annotations

from dataclasses import dataclass

from heard.think.contact import first_name, is_negative, is_pleased, is_upset, words_shared
from heard.think.disclosures import DISCLOSED
from heard.think.findings import Check, Facts, Finding, Letter, Light
from heard.think.links import links_in
from heard.think.necessity import is_empty
from heard.think.personal_data import KINDS
from heard.think.substance import substance
from heard.think.warmth import shows_that_we_heard, sounds_glad
from heard.think.wording import folded

PRIVATE_CODES = frozenset(
    {
        "necessary.asks_in_public",
        "necessary.asks_secret",
        *(f"necessary.{kind}" for kind in KINDS | DISCLOSED),
    }
)

# From here on a draft is said to belong in private, where drafts are counted by their score.
PRIVATE_FROM = 0.5


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
    return Scores(
        kind=_kind(draft, facts, found),
        helpful=_helpful(draft, facts, found),
        personal=_personal(draft, facts, found),
        private=_private(found),
    )


def _kind(draft: str, facts: Facts, found: Check) -> float:
    score = 0.6
    if shows_that_we_heard(draft):
        score += 0.2
    elif is_upset(facts) or is_negative(facts):
        score -= 0.2
    if sounds_glad(draft) or is_pleased(facts):
        score += 0.1
    return _bounded(score - _weight(found, Letter.KIND))


def _helpful(draft: str, facts: Facts, found: Check) -> float:
    said = substance(draft)
    score = 0.2 + (0.3 if said else 0.0)
    if any("?" in part for part in said):
        score += 0.2  # a question of ours is a next step
    if any(links_in(draft)) or any(letter.isdigit() for part in said for letter in part):
        score += 0.1
    if said and words_shared(draft, facts.message):
        score += 0.1
    return _bounded(score - _weight(found, Letter.HELPFUL))


def _personal(draft: str, facts: Facts, found: Check) -> float:
    score = 0.3 + 0.15 * min(3, len(words_shared(draft, facts.message)))
    name = first_name(facts.contact_name)
    if name and name.casefold() in folded(draft).casefold():
        score += 0.1
    if substance(draft):
        score += 0.1
    return _bounded(score - _weight(found, Letter.INSPIRING))


def _private(found: Check) -> float:
    private = [finding for finding in found.findings if finding.code in PRIVATE_CODES]
    return max((1.0 if finding.stops else 0.5 for finding in private), default=0.0)


def _weight(found: Check, letter: Letter) -> float:
    return sum(_gravity(finding) for finding in found.findings if finding.letter is letter)


def _gravity(finding: Finding) -> float:
    return 0.5 if finding.light is Light.RED else 0.25


def _bounded(score: float) -> float:
    return round(min(1.0, max(0.0, score)), 2)
