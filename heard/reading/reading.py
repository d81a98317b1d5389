"""The value that reading gives, and the one function that makes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from threading import Lock

import numpy as np

from heard.reading.cues import UNHURRIED, URGENT, Found
from heard.reading.heads import HeadsModel
from heard.reading.languages import LanguageModel
from heard.reading.reader import Reader, Seen
from heard.reading.tokens import plain


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


_LOCK = Lock()
_MOODS, _NEEDS, _STANCES = tuple(Mood), tuple(Need), tuple(Stance)
_NOTHING, _NEGATIVE = _NEEDS.index(Need.NOTHING), _MOODS.index(Mood.NEGATIVE)
_WITHOUT_NOTHING = np.array([need is not Need.NOTHING for need in _NEEDS])
# How sure the head has to be before a message is left without a clock, and how much surer when
# it sounds unhappy.
_SURE_OF_NOTHING, _SURER_OF_THE_UNHAPPY = 0.3, 0.3
_PRESSING = frozenset(cue.name for cue in URGENT)


def read(texts: Sequence[str]) -> list[Reading]:
    """Read many texts at once, in order; never raises for any text.

    Of a long text the beginning and the end are read (`tokens.LONGEST_READ` characters). The
    languages of `languages.READ` are read, and texts that are nothing but emoji; others are named.
    """
    return [reading for seen in look(texts) for reading in readings_of(seen)]


def look(texts: Sequence[str], *, only_read: bool = True) -> list[Seen]:
    """What the models say of many texts, by the batch, before it is made into readings.

    With `only_read` false also texts in languages that are not read, as if they were English.
    """
    with _LOCK:
        return list(_reader().batches(texts, only_read=only_read))


def forget() -> None:
    """Let go of every word met so far; texts are read as before, at first a little slower."""
    plain.cache_clear()
    with _LOCK:
        _reader().forget()


@cache
def _reader() -> Reader:
    return Reader(HeadsModel.loaded(), HeadsModel.loaded("heads_abroad"), LanguageModel.loaded())


def readings_of(seen: Seen) -> list[Reading]:
    """The readings that the shipped models make of what they saw of a batch."""
    readings = [_not_read(language) for language in seen.languages]
    if not seen.places:
        return readings
    mood, need, stance = (seen.probabilities[head] for head in ("mood", "need", "stance"))
    unsure = need[:, _NOTHING] < _SURE_OF_NOTHING + _SURER_OF_THE_UNHAPPY * mood[:, _NEGATIVE]
    need = np.where(unsure[:, None], need * _WITHOUT_NOTHING, need)
    for place, cues, moods, mood_place, need_place, stance_place in zip(
        seen.places,
        seen.cues,
        mood.tolist(),
        mood.argmax(axis=1).tolist(),
        need.argmax(axis=1).tolist(),
        stance.argmax(axis=1).tolist(),
        strict=True,
    ):
        presses = [found for found in cues if found.cue.name in _PRESSING]
        stood = _STANCES[stance_place]
        asked = _asked(_NEEDS[need_place], stood, tells_harm=bool(presses) and moods[0] >= 0.5)
        urgency, reason = _urgency(asked, presses, cues)
        readings[place] = Reading(
            seen.languages[place],
            _MOODS[mood_place],
            (moods[0], moods[1], moods[2]),
            asked,
            stood,
            urgency,
            reason,
        )
    return readings


def _asked(need: Need, stance: Stance, *, tells_harm: bool) -> Need:
    """The need that fits the stance: who warns others is owed an answer, who sends them thanks."""
    if stance is Stance.AVOID or (tells_harm and need is Need.NOTHING):
        return Need.ANSWER
    if stance is Stance.RECOMMEND and need is Need.NOTHING:
        return Need.RECOGNITION
    return need


@cache
def _not_read(language: str) -> Reading:
    return Reading(language, None, None, Need.ANSWER, Stance.NEITHER, Urgency.NORMAL)


def _urgency(need: Need, presses: Sequence[Found], cues: Sequence[Found]) -> tuple[Urgency, str]:
    if need is not Need.ANSWER:
        return Urgency.LOW, ""
    if unhurried := [found for found in cues if found.cue is UNHURRIED]:
        presses = [found for found in presses if found.cue.name != "deadline"]
        if not presses:
            return Urgency.LOW, _reason(unhurried)
    if presses:
        return Urgency.HIGH, _reason(presses)
    return Urgency.NORMAL, ""


def _reason(cues: Iterable[Found]) -> str:
    return "; ".join(f"{found.cue.reason} (“{found.words}”)" for found in cues)
