"""What somebody is to us: first time, regular, advocate or at risk. Written rules, no rows.

`recognise` says which, and because of what. docs/people.md tells the same rules to people.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class Word(StrEnum):
    """What a contact is to us; empty for whom no rule speaks."""

    NONE = ""
    FIRST_TIME = "first_time"
    REGULAR = "regular"
    ADVOCATE = "advocate"
    AT_RISK = "at_risk"


YEAR = timedelta(days=365)
RECENT = timedelta(days=90)
NEW = timedelta(days=30)
SILENT = timedelta(days=180)

REGULAR_VISITS = 3
ADVOCATE_RECOMMENDATIONS = 2
ADVOCATE_PRAISE = 3
RISKY_FAILS = 2


@dataclass(frozen=True, slots=True)
class Facts:
    """What was heard of a contact: `…_count` within the last year, fails within 90 days."""

    first_at: datetime
    last_at: datetime
    conversations: int = 1
    messages: int = 1
    visit_count: int = 1
    praise_count: int = 0
    recommend_count: int = 0
    avoid_count: int = 0
    fail_count: int = 0
    recommended_at: datetime | None = None
    warned_at: datetime | None = None
    failed_at: datetime | None = None
    pleased_at: datetime | None = None
    last_mood: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that made the rule speak: its name, with the number and the moment it rests on."""

    name: str
    count: int = 0
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recognised:
    """What somebody is to us, and because of what."""

    word: Word
    because: tuple[Reason, ...] = field(default=())


def recognise(facts: Facts, *, now: datetime) -> Recognised:
    """What somebody is to us. The first rule that speaks is heard: risk, praise, newness, habit.

    *At risk*: in the last 90 days they warned others off, or we failed them twice, or we failed
    them and their last word was unhappy; and they have not been happy since.
    *Advocate*: in the last year they recommended us twice in public, or praised us three times,
    and have not warned others off since.
    *First time*: one conversation, begun within the last 30 days.
    *Regular*: spoke on three days or more within the last year, the last within 180 days.
    """
    for rule in (_at_risk, _advocate, _first_time, _regular):
        found = rule(facts, now)
        if found is not None:
            return found
    return Recognised(Word.NONE)


def together(those: Iterable[Facts]) -> Facts | None:
    """The facts of several inboxes as those of one; None of none."""
    facts = list(those)
    if not facts:
        return None
    newest = max(facts, key=lambda it: it.last_at)
    return Facts(
        first_at=min(it.first_at for it in facts),
        last_at=newest.last_at,
        conversations=sum(it.conversations for it in facts),
        messages=sum(it.messages for it in facts),
        visit_count=sum(it.visit_count for it in facts),
        praise_count=sum(it.praise_count for it in facts),
        recommend_count=sum(it.recommend_count for it in facts),
        avoid_count=sum(it.avoid_count for it in facts),
        fail_count=sum(it.fail_count for it in facts),
        recommended_at=_latest(it.recommended_at for it in facts),
        warned_at=_latest(it.warned_at for it in facts),
        failed_at=_latest(it.failed_at for it in facts),
        pleased_at=_latest(it.pleased_at for it in facts),
        last_mood=newest.last_mood,
    )


def _at_risk(facts: Facts, now: datetime) -> Recognised | None:
    """Not after what made them happy again."""
    since = now - RECENT

    def stands(moment: datetime | None) -> bool:
        return (
            moment is not None
            and moment >= since
            and (facts.pleased_at is None or facts.pleased_at < moment)
        )

    reasons = []
    if facts.avoid_count and stands(facts.warned_at):
        reasons.append(Reason("warned", facts.avoid_count, facts.warned_at))
    if facts.fail_count and stands(facts.failed_at):
        if facts.fail_count >= RISKY_FAILS:
            reasons.append(Reason("failed", facts.fail_count, facts.failed_at))
        elif facts.last_mood == "negative":
            reasons.append(Reason("failed_unhappy", facts.fail_count, facts.failed_at))
    return Recognised(Word.AT_RISK, tuple(reasons)) if reasons else None


def _advocate(facts: Facts, now: datetime) -> Recognised | None:
    praised_at = _latest((facts.recommended_at, facts.pleased_at))
    if facts.warned_at and facts.warned_at > now - YEAR and facts.warned_at > (praised_at or now):
        return None
    reasons = []
    if facts.recommend_count >= ADVOCATE_RECOMMENDATIONS:
        reasons.append(Reason("recommended", facts.recommend_count, facts.recommended_at))
    if facts.praise_count >= ADVOCATE_PRAISE:
        reasons.append(Reason("praised", facts.praise_count, facts.pleased_at))
    return Recognised(Word.ADVOCATE, tuple(reasons)) if reasons else None


def _first_time(facts: Facts, now: datetime) -> Recognised | None:
    if facts.conversations > 1 or facts.first_at < now - NEW:
        return None
    return Recognised(Word.FIRST_TIME, (Reason("first", 1, facts.first_at),))


def _regular(facts: Facts, now: datetime) -> Recognised | None:
    if facts.visit_count < REGULAR_VISITS or facts.last_at < now - SILENT:
        return None
    return Recognised(Word.REGULAR, (Reason("visits", facts.visit_count, facts.last_at),))


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)
