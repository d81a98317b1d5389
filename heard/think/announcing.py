"""Does a post of the house claim what nobody here can show, and does it say what readers can do?

Reads English only; of others it says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.language import may_be
from heard.think.moments import moment_in
from heard.think.wording import own_words, phrase

_LEAST_WORDS = 8
"""Shorter ones are a line under a picture, which tells the rest."""

_MOST = r"(?:best|finest|cheapest|safest|healthiest|greenest|fastest|biggest|lowest)"
_BOAST = phrase(
    rf"""
    {_MOST} (?:\w+ ){{0,3}}(?:in|on) (?:the )?(?:world|town|city|country|market|planet|region)\b
    (?:number (?:one|1)|no\.? ?1|nr\.? ?1)\b
    (?:guaranteed|risk[- ]free|never fails|always works|works every time)\b
    (?:nobody|no one) else (?:offers|does|has|makes|gives|can)\b
    (?:clinically|scientifically|medically) (?:proven|tested|shown)\b
    (?:no|without) side effects\b
    (?:cures?|heals?) (?:\w+ ){{0,2}}(?:pain|disease|cancer|illness|anxiety|allerg\w+|diabetes)\b
    (?:climate|carbon)[- ](?:neutral|positive|free)\b
    (?:100|hundred) ?(?:%|per ?cent) (?:safe|natural|organic|free|effective|sustainable|secure)
    """
)
_NEWS = phrase(
    r"""
    (?:sale|offers?|discount|voucher|tickets?|workshop|tasting|event|concert|party)\b
    (?:launch(?:es|ing)?|re-?open\w*|closed|closing|new (?:menu|shop|place|product))\b
    open(?:s|ing)? (?:again|our|a new|soon)\b
    (?:we(?:'re| are) hiring|looking for (?:a|new|somebody|staff|people)|join our team|vacancy)\b
    (?:recall(?:ing|ed)?|outage|out of order|delay(?:s|ed)?|cancell?ed|shortage|disruption)\b
    (?:introducing|announc(?:e|ing)|proud to present|available now)\b
    """
)
_WAY = re.compile(
    r"https?:|www\.|\w\.(?:com|org|net|[a-z]{2})(?=[/\s.,!?]|$)|\d|@\w|#\w|\?"
    r"|\b(?:today|tonight|tomorrow|now|come|visit|drop (?:in|by)|stop by|book|reserve|call|phone"
    r"|ring|order|try|taste|ask|write|message|dm|e-?mail|tell us|let us know|reply|comment|join|see"
    r"|find us|find out|read|watch|apply|sign up|check|bring|return|click|tap|swipe|link in|follow"
    r"|share|vote|please|stay tuned|instead|every (?:mon|tues|wednes|thurs|fri|satur|sun)day)\b",
    re.IGNORECASE,
)


def announcing(draft: str, facts: Facts) -> Iterable[Finding]:
    """Warnings for claims not known here, and for news with which a reader can do nothing."""
    if not may_be("en", draft):
        return
    text = own_words(draft)
    for match in _BOAST.finditer(text):
        yield Finding(
            code="true.boast",
            letter=Letter.TRUE,
            light=Light.AMBER,
            says="Nothing known here shows this; say what you can show, or who says it.",
            matched=draft[match.start() : match.end()],
            start=match.start(),
            end=match.end(),
        )
    is_long = len(re.findall(r"\w+", text)) >= _LEAST_WORDS
    if (
        is_long
        and _NEWS.search(text)
        and not _WAY.search(text)
        and moment_in(text, now=facts.now) is None
    ):
        yield Finding(
            code="helpful.no_way",
            letter=Letter.HELPFUL,
            light=Light.AMBER,
            says="This is news, but a reader cannot do anything with it: say when, where, or how.",
            start=len(draft),
            end=len(draft),
        )
