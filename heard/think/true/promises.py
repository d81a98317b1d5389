"""What a draft promises, and until when: with a date it becomes a clock, without one a wish."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.true.moments import Moment, local, moment_in
from heard.think.wording import one_of, own_words, phrase, sentences


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that we say we will do, with its place in the draft.

    `is_owed` tells what the contact waits for (a call, an answer, money) from work behind the
    scenes ("we will look into it"), which needs no date of its own. `is_dated` is true as soon as
    a time is named; `at` is that time, None when it cannot be known (no `now`).
    """

    start: int
    end: int
    is_owed: bool
    is_dated: bool
    at: datetime | None


def promises(draft: str, facts: Facts) -> Iterable[Finding]:
    """Findings for promises without a date, and for dates that have passed."""
    for promise in promises_in(draft, facts):
        matched = draft[promise.start : promise.end]
        if promise.is_owed and not promise.is_dated:
            code, says = (
                "true.promise_without_date",
                "A promise without a date cannot be kept in time.",
            )
            change = f"{_AT_ITS_END.sub('', matched)} by {_next_working_day(facts)} at 5 pm"
        elif _is_past(promise.at, facts):
            code, says = "true.promise_past", "The time that this promises has passed already."
            change = None
        else:
            continue
        yield Finding(
            code=code,
            letter=Letter.TRUE,
            light=Light.AMBER,
            says=says,
            matched=matched,
            start=promise.start,
            end=promise.end,
            change=change,
        )


def promises_in(draft: str, facts: Facts) -> list[Promise]:
    """At most one promise a sentence; one that waits for the contact counts only when dated."""
    text = own_words(draft)
    if not _FUTURE.search(text):
        return []
    found = []
    for start, end in sentences(text):
        match = _PROMISE.search(text, start, end)
        if match is None or _NO_PROMISE.search(text, start, match.end()):
            continue
        is_owed = bool(match["owed"] or match["awaited"])
        dated = _dated(text, (start, end), match, facts)
        if dated is not None:
            first, last, at = dated
            found.append(Promise(first, last, is_owed=is_owed, is_dated=True, at=at))
        elif is_owed and not _waits_for_the_contact(text, start, end):
            soon = _SOON_AFTER.match(text, match.end(), end)
            last = soon.end() if soon else match.end()
            found.append(Promise(match.start(), last, is_owed=True, is_dated=False, at=None))
    return found


_WHO = one_of(
    r"""
    i
    we
    (?:my|our|a|an|the|one of our) (?:\w+ ){0,3}?(?:colleagues?|team|manager|agents?|staff|office)
    (?:my|our|a|an|the) (?:\w+ ){0,3}?(?:specialists?|technician|supervisor|department|engineers?)
    (?:my|our|a|an|the) (?:\w+ ){0,3}?(?:driver|expert|kitchen|chef|plumber|fitter|courier)
    someone
    somebody
    he
    she
    they
    """
)
_WILL = one_of(
    r"""
    (?:'ll| will| shall| promise to)
    (?:'m| am|'re| are| is) going to
    """
)
_HOW = (
    r"(?: (?:also|then|definitely|certainly|personally|gladly|of course|be sure to|make sure to"
    r"|surely|now|try to|always))*"
)
_SEND = r"(?:send|post|ship|mail|courier)"
_OWED = one_of(
    rf"""
    call(?: you)?(?: back)?
    (?:ring|phone) (?:you(?: back)?|back)
    (?:get|come|circle|report|write) back(?: to you)?
    be (?:back )?in (?:touch|contact)(?: with you)?
    (?:contact|reach|e-?mail|message|text|update) you
    reach out(?: to you)?
    (?:reply|respond)(?: to you)?
    answer you(?:r \w+)?
    write (?:to )?you
    follow up(?: with you)?
    let you know(?! (?:if|whether)\b)
    keep you (?:updated|posted|informed)
    {_SEND} you (?:(?:a|an|the|your|another|more|further|new|full|detailed) )*\w+
    {_SEND} (?:it|them|this|that|out)(?: to you| out)?
    {_SEND} (?:(?:a|an|the|your|another|new|full|replacement) )+\w+(?! to (?!you\b))
    refund (?:you|it|this|the|your)(?: \w+)?
    (?:reimburse|compensate) you
    credit (?:you|your)(?: account)?
    pay you back
    replace (?:it|this|that|them|your \w+|the \w+)
    (?:get|have) (?:an answer|an update|news)(?: for you)?
    give you (?:a (?:call|ring|refund)|an (?:update|answer)|news)
    """
)
_WORK = one_of(
    r"""
    (?:look into|check|investigate|fix|repair|resolve|solve|find out|sort|arrange|book|deliver)
    (?:clean|finish|process|have|speak|talk|discuss|ask|review|visit|come|bring|collect|do|get|call)
    (?:send|refund|replace|let you know|post|return|complete|confirm|reopen|start|publish)
    be (?:there|ready|with you|done|fixed)\b
    """
)
_PROMISE = phrase(
    rf"""
    {_WHO}(?: (?-i:[A-Z]\w+))?{_WILL}{_HOW} (?:(?P<owed>{_OWED})|{_WORK})\b
    you(?:'ll| will| should) (?P<awaited>hear (?:back )?from (?:us|me|him|her|them|our \w+))\b
    you(?:'ll| will| should) (?:receive|get|have) (?:a|an|your|the|another) (?:\w+ )?\w+\b
    (?:your|the|its) (?:\w+ )?\w+(?:'ll| will) (?:be|arrive|reach)\b(?: (?:[a-z]+ed|sent|ready)\b)?
    """
)
_FUTURE = re.compile(r"'ll\b|\b(?:will|shall|should|going to|promise)\b", re.IGNORECASE)
_NO_PROMISE = phrase(
    r"""
    (?:hope|if only|whether|said|told you|thought|ensure|sure) (?:that )?(?:i|we|you)\b
    who will\b
    """
)
_ON_CONDITION = phrase(
    r"""
    (?:if|once|when|whenever|unless|after|until|as soon as|so that|so) (?:you|your|there|any)\b
    """
)
_REQUEST = phrase(
    r"""
    (?:please|kindly|just|c(?:an|ould) you) (?:\w+ )?(?:send|share|provide|give|message|e-?mail)\b
    (?:please|kindly|just|c(?:an|ould) you) (?:\w+ )?(?:let|tell|reply|call|fill|follow|confirm)\b
    (?:dm|message|e-?mail|send|tell|share|give|drop|let) (?:us|me)\b
    """
)
_SOON = one_of(
    r"""
    (?:(?:very|quite|really|as|the) )*soon(?:est)?(?: as (?:possible|we can|i can)\b|\b(?! as\b))
    (?:as soon as|once|when) (?:we|i|they|it|he|she|there|this|that)\b[^.!?,;\n]{0,80}
    shortly\b
    asap\b
    in due course\b
    in a (?:bit|moment|minute|while)\b
    later\b
    at (?:our|my|the) earliest (?:convenience|opportunity)\b
    when(?:ever)? (?:possible|we can|i can)\b
    (?:promptly|immediately)\b
    """
)
_SOON_AFTER = re.compile(
    rf"(?: you)?(?: (?:(?:about|on|with|regarding|by|via) \w+(?: \w+)?|here|there))?,? ?{_SOON}",
    re.IGNORECASE,
)
_AT_ITS_END = re.compile(rf",? ?{_SOON}$", re.IGNORECASE)


def _dated(
    text: str, sentence: tuple[int, int], match: re.Match[str], facts: Facts
) -> tuple[int, int, datetime | None] | None:
    """Place of promise and date together, and the date; in "By Friday we will" it comes first."""
    start, end = sentence
    for first, last in ((match.start(), end), (start, match.start())):
        moment = _moment(text[first:last], facts)
        if moment is not None:
            places = (*match.span(), first + moment.start, first + moment.end)
            return min(places), max(places), moment.at
    return None


def _moment(text: str, facts: Facts) -> Moment | None:
    return moment_in(text, now=facts.now, timezone=facts.timezone)


def _waits_for_the_contact(text: str, start: int, end: int) -> bool:
    return bool(_ON_CONDITION.search(text, start, end) or _REQUEST.search(text, 0, end))


def _is_past(at: datetime | None, facts: Facts) -> bool:
    return at is not None and facts.now is not None and at <= local(facts.now, facts.timezone)


def _next_working_day(facts: Facts) -> str:
    if facts.now is None:
        return "tomorrow"
    return "Monday" if local(facts.now, facts.timezone).weekday() in (4, 5) else "tomorrow"
