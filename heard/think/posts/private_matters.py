"""Does a post tell what is private to somebody else, or what the house has not told itself?

Health, family, love, money, the law, and who had to go: news of these belongs to the person whom it
is about. Reads English only; of others it says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.tongues import may_be
from heard.think.wording import one_of, own_words, phrase

# Whom it is about; whoever writes may tell of themselves.
_WHO = (
    r"(?:(?-i:\b(?!I\b)[A-Z][a-z]+(?: [A-Z][a-z]+)?)"
    r"|\b(?:he|she)(?:'s)?"
    r"|\b(?:our|a|one of our|the|my|his|her|their|this|that) (?:old |young |former |new )?"
    r"(?:colleague|boss|manager|chef|waiter|waitress|cook|neighbou?r|intern|trainee|guest|customer"
    r"|client|patient|wife|husband|son|daughter|partner|mother|father|driver|nurse|teacher)s?)"
)
_MATTER = one_of(
    r"""
    (?:pregnan(?:t|cy)|miscarriage|chemo(?:therapy)?|diagnosed|hiv(?:[- ]positive)?|in rehab)\b
    cancer\b(?! (?:awareness|research|charity|fund|care|society|trust|uk))
    (?:an alcoholic|drunk again|overdosed|depressed|suicidal|killed (?:him|her)self|mentally ill)\b
    (?:in (?:a |the )?hospital|hospitali[sz]ed|on sick leave|burnt out|burned out)\b
    (?:(?:getting )?divorced|divorce|having an affair|an affair|cheat(?:ed|ing) on|slept with)\b
    (?:arrested|in (?:jail|prison)|convicted|evicted|bankrupt|in debt|broke again)\b
    (?:got|was|were|been|been|getting) (?:fired|sacked|dismissed|laid off|let go)\b(?! up\b)
    (?:is|was|came out as) (?:gay|lesbian|transgender|bisexual)\b
    (?:salary|earns (?:only )?\W?\d)
    """
)
_PRIVATE = re.compile(rf"{_WHO}[^.!?\n]{{0,50}}?\b{_MATTER}", re.IGNORECASE)
_CONSENTED = re.compile(
    r"\b(?:asked (?:us|me) to|with (?:his|her|their) (?:permission|consent|blessing)"
    r"|wants you to know|in memory of|rest in peace|condolences)\b",
    re.IGNORECASE,
)
_INSIDE = phrase(
    r"""
    (?:strictly )?confidential\b
    (?:don't tell|do not tell) (?:anyone|anybody|my boss|the boss)\b
    (?:hasn't|has not|not)(?: been)? (?:announced|made public|official) yet\b
    (?:before|until) it(?:'s| is) (?:official|announced)\b
    (?:just )?between (?:us|you and me)\b
    internal (?:memo|e-?mails?|mails?|meeting|figures|numbers|documents?|chat|slides)\b
    (?:our|the company's) (?:turnover|losses|layoffs|lay-offs|redundancies|insolvency)\b
    """
)


def private_matters(draft: str, facts: Facts) -> Iterable[Finding]:  # noqa: ARG001
    """News of somebody's private matters is grave; what seems to be the house's own warns."""
    if not may_be("en", draft):
        return
    text = own_words(draft)
    if not _CONSENTED.search(text):
        for match in _PRIVATE.finditer(text):
            says = "This is private to somebody; only they may tell it, or say that you may."
            yield _finding("necessary.private_matter", Light.RED, says, match, draft)
    for match in _INSIDE.finditer(text):
        says = "This sounds like something the house has not told yet; ask before you do."
        yield _finding("necessary.inside", Light.AMBER, says, match, draft)


def _finding(code: str, light: Light, says: str, match: re.Match[str], draft: str) -> Finding:
    return Finding(
        code=code,
        letter=Letter.NECESSARY,
        light=light,
        says=says,
        matched=draft[match.start() : match.end()],
        start=match.start(),
        end=match.end(),
    )
