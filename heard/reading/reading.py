"""The value that reading gives, and the one function that makes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Mood(StrEnum):
    """The feeling the writer expresses."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


class Need(StrEnum):
    """What an incoming message asks of us."""

    ANSWER = "answer"
    RECOGNITION = "recognition"
    NOTHING = "nothing"


class Stance(StrEnum):
    """Would this text move a stranger away from the company or towards it?"""

    AVOID = "avoid"
    RECOMMEND = "recommend"
    NEITHER = "neither"


class Urgency(StrEnum):
    """How much it presses."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Reading:
    """What one message says.

    `language` is an ISO 639-1 code, "" when it cannot be told. `mood` and the probabilities
    (negative, neutral, positive; sum 1) are None when the language is not read: *not read*, never
    *neutral*. `need` of a text that is not read is ANSWER, so that a person looks at it.
    `urgency_reason` names what was matched, for people.
    """

    language: str
    mood: Mood | None
    mood_probabilities: tuple[float, float, float] | None
    need: Need
    stance: Stance
    urgency: Urgency
    urgency_reason: str = ""


def read(texts: Sequence[str]) -> list[Reading]:
    """Read many texts at once, in order; never raises for any text."""
    raise NotImplementedError
