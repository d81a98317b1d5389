"""Requests whose answer strangers would read: "reply with your name and postcode".

Told by the sentence: it asks to be given something, names personal data, and says to put it where
everybody reads. The words of six languages are in `in_the_open.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from heard.think.hints import PERSONAL, Lines, marks_of
from heard.think.wording import sentences, table

_LONGEST = 600  # characters of a sentence that are looked at


@dataclass(frozen=True, slots=True)
class Request:
    """Where a draft asks for data in the open, and what it may say instead."""

    start: int
    end: int
    instead: str


@dataclass(frozen=True, slots=True)
class _Tongue:
    """How one language says it: the open place, answering there, giving, and the data."""

    place: Lines
    answer: Lines
    give: Lines
    data: Lines
    in_private: str
    write_in_private: str


_TOLD: dict[str, dict[str, str]] = table("privacy/in_the_open.toml")
_TONGUES = {
    name: _Tongue(
        place=Lines(words["place"]),
        answer=Lines(words["answer"]),
        give=Lines(words["give"]),
        data=Lines(words["data"]),
        in_private=words["in_private"],
        write_in_private=words["write_in_private"],
    )
    for name, words in _TOLD.items()
}
IN_PRIVATE = {name: tongue.in_private for name, tongue in _TONGUES.items()}
_DATA = marks_of(tongue.data for tongue in _TONGUES.values())
_OPEN = _DATA | marks_of(
    lines for tongue in _TONGUES.values() for lines in (tongue.place, tongue.answer, tongue.give)
)
PLACES = frozenset(lines for tongue in _TONGUES.values() for lines in (tongue.place, tongue.answer))
"""Without a word of these no open place is named."""
_NOT_SO = Lines(
    r"do not|don't|never|avoid|rather than|instead of|without|no need|needn't|nothing",
    r"nicht|kein\w*|niemals|ohne|ne \w+(?:-\w+)? (?:pas|jamais)|sans|jamais|nunca|sin",
    r"no (?:\w+ )?(?:publi|compart|env|pong|dej|hace)\w*|non|niente|senza|não|sem",
    before=r"\b",
    after=r"\b",
)
_PRIVATELY = Lines(
    r"priva[dt]|privé|\bd\.?m'?s?\b|\bpm\b|\bMP\b|\bMD\b|direct|direkt|inbox|mensaje directo",
    r"\b(?:by|via|in|through|over) (?:(?:an?|our|live|the) )?(?:e-?mail|chat|phone|link)\b",
    r"\b(?:e-?mail|call|ring|message|text|whatsapp) (?:us|me)\b|https?:|[\w.]@\w",
    before="",
    after="",
)
_THAT = re.compile(
    r"\b(?:it|them|that|these|those|lo|la|los|le|les|o|a|os|es|sie|das|li)\b", re.IGNORECASE
)


def may_ask_in_the_open(marks: int) -> bool:
    """Whether a text of these marks has the words without which it asks for nothing in the open."""
    return bool(marks & _DATA and (_may_demand(marks) or _open_in(marks & _OPEN)))


@lru_cache(maxsize=256)
def _open_in(marks: int) -> tuple[str, ...]:
    """The languages in which it may be asked for data in the open."""
    return tuple(
        name
        for name, tongue in _TONGUES.items()
        if marks & tongue.data.mark
        and (marks & tongue.answer.mark or (marks & tongue.place.mark and marks & tongue.give.mark))
    )


def _may_demand(marks: int) -> bool:
    return bool(marks & _DEMAND.mark and marks & _TONGUES["en"].data.mark)


def requests_in_the_open(text: str, *, names_a_private_way: bool) -> Iterator[Request]:
    """Requests in a text of own words; at most one of a sentence.

    Where no open place is named and no private way either, two kinds of data make a request, or one
    that opens an account.
    """
    marks = PERSONAL.told(text).marks
    open_in = _open_in(marks & _OPEN)
    demands = not names_a_private_way and _may_demand(marks)
    if not open_in and not demands:
        return
    places = sentences(text)
    for number, (start, stop) in enumerate(places):
        before = places[number - 1] if number else None
        end = min(stop, start + _LONGEST)
        for name in open_in:
            found = _in_sentence(text, start, end, before, _TONGUES[name])
            if found:
                yield found
                break
        else:
            if demands:
                yield from _demanded(text, start, end)


_DEMAND = Lines(
    r"(?:^\W*|[.!?:;,]\s*|\b(?:please|kindly|just|and|then|so) )"
    r"(?:send|share|give|provide|tell|post|confirm|drop|pop|leave|state|paste|include|upload"
    r"|verify)\b(?! (?:you|him|them)\b)",
    r"\b(?:can|could|would) you\b",
    r"\b(?:we|i)(?:'d|'ll| will| would)? (?:need|require)\b",
    r"\bmay (?:i|we) have\b",
    before="",
    after="",
)
_OPENS_AN_ACCOUNT = Lines(
    r"\b(?:passwords?|pins?\b(?! down)|passcode|cvv|bank (?:statement|details)|iban|passport"
    r"|sort code|ssn|\d+-digit (?:code|number)|(?:long|card) number|your id\b)",
    before="",
    after="",
)


def _demanded(text: str, start: int, end: int) -> Iterator[Request]:
    demand = _DEMAND.search(text, start, end)
    if not demand or _NOT_SO.search(text, start, end) or _PRIVATELY.search(text, start, end):
        return
    data = list(_TONGUES["en"].data(text, demand.end(), end))
    sharp = _OPENS_AN_ACCOUNT.search(text, demand.end(), end)
    if len({mark[0].lower() for mark in data}) >= 2 or sharp:
        last = max(mark.end() for mark in (*data, *([sharp] if sharp else [])))
        first = next(at for at in range(demand.start(), last) if text[at].isalpha())
        yield Request(first, last, f"{text[first:last]} in a private message")


def _in_sentence(
    text: str, start: int, end: int, before: tuple[int, int] | None, tongue: _Tongue
) -> Request | None:
    answer = tongue.answer.search(text, start, end)
    place = answer or tongue.place.search(text, start, end)
    if not place:
        return None
    give = answer or tongue.give.search(text, start, end)
    if not give or _NOT_SO.search(text, start, end) or _PRIVATELY.search(text, start, end):
        return None
    data = list(tongue.data(text, start, end))
    if not data and not (before and _asked_before(text, start, end, before, tongue)):
        return None
    marks = [place, give, *data]
    first, last = min(mark.start() for mark in marks), max(mark.end() for mark in marks)
    instead = tongue.write_in_private if answer else tongue.in_private
    if text[place.start()].isupper():
        instead = instead[0].upper() + instead[1:]
    return Request(first, last, text[first : place.start()] + instead + text[place.end() : last])


def _asked_before(
    text: str, start: int, end: int, before: tuple[int, int], tongue: _Tongue
) -> bool:
    """Whether the sentence before names the data, and this one only where to put it."""
    asked = text[before[0] : before[1]][-_LONGEST:]
    return bool(
        asked.rstrip().endswith("?")
        and tongue.data.search(text, max(before[0], before[1] - _LONGEST), before[1])
        and _THAT.search(text, start, end)
    )
