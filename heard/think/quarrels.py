"""Does a post attack somebody, go on with a quarrel, or threaten: where nobody had asked us?

Reads English only; of others it says nothing. All of it concerns posts: a reply answers a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.language import may_be
from heard.think.warmth import sounds_glad
from heard.think.wording import one_of, own_words, phrase

_CUSTOMERS = (
    r"(?:customers?|guests?|clients?|patients?|passengers?|tenants?|diners?|visitors?|shoppers?"
    r"|subscribers?|reviewers?|buyers?|callers?)"
)
_RIVALS = r"(?:competit(?:ors?|ion)|rivals?)"
_OURS = r"(?:colleagues?|coworkers?|co-workers?|boss|manager|chef)"
_PEOPLE = rf"(?:{_CUSTOMERS}|{_RIVALS}|{_OURS})"
_NAMES = one_of(
    r"""
    (?:idiots?|idiotic|morons?|stupid|dumb|rude|entitled|ungrateful|nasty|clueless|ignorant)\b
    (?:pathetic|disgusting|ridiculous|spoil(?:t|ed)|crooks?|frauds?|fools?|clowns?|cheats?)\b
    (?:whin(?:y|ing|ers?)|liars?|lying|scammers?|thieves|thief|trolls?|losers?|cheapskates?)\b
    (?:garbage|trash|rubbish|scum|vile|dishonest)\b
    """
)
_BAD = r"(?:worst|awful|horrible|terrible|annoying)"
_ATTACK = phrase(
    rf"""
    (?:{_NAMES}|{_BAD}) (?:(?:little|old|bunch of|kind of) )?{_PEOPLE}\b
    {_PEOPLE} (?:who (?:\w+ )?)?(?:is|are|was|were|being|can be)(?: \w+){{0,3}}? (?!not\b){_NAMES}
    {_CUSTOMERS} from hell\b
    (?:a|another|such a|typical|the) (?-i:Karen)\b
    (?-i:Karens)\b
    """
)
_ATTACK_ON_NAMED = re.compile(
    rf"@[\w.-]+ (?:is|are|was) (?:(?:an?|such an?|just|nothing but) )*{_NAMES}", re.IGNORECASE
)
_ABOUT_CUSTOMER = phrase(
    rf"(?:an?|one|this|that|another|today's|our) (?:\w+ )?{_CUSTOMERS}"
    r" (?:(?:just|today|actually|literally|really|who) )*"
    r"(?:asked|complained|told|said|wanted|demanded|refused|left|threw|screamed|shouted|walked"
    r"|came in|called|wrote|thinks?|thought|expects?|expected|tried|cried|forgot|ordered)\b"
)
_THAN = r"(?:unlike|better than|cheaper than|worse than)(?: (?:our|the|those|all|any))*"
_COMPETITOR = phrase(
    rf"""
    {_THAN} {_RIVALS}\b
    {_THAN} other (?:shops?|places|restaurants?|hotels?|brands?|banks?|companies|providers)\b
    {_RIVALS} (?:\w+ ){{0,3}}(?:copy|copied|copies|steals?|stole|overcharges?|lies?|lied|cheats?)\b
    {_RIVALS} (?:\w+ ){{0,3}}(?:can't|cannot|overpriced|worse|junk|fail(?:s|ed)?)\b
    """
)
_RIVAL_BY_NAME = re.compile(
    r"\b(?:unlike|cheaper than|stay away from|don't (?:go|buy|eat|shop) (?:to|at|from))"
    r" (?-i:(?!Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)[A-Z][\w&'-]+)",
    re.IGNORECASE,
)
_QUARREL = phrase(
    r"""
    you know who you are\b
    some people (?:just |really )?(?:need|should|can't|don't|never|love to|have nothing)\b
    (?:shame on|how dare) \w+
    (?:we|i)(?:'ll| will)? set the record straight\b
    here(?:'s| is) the truth about\b
    (?:we|i)(?:'m|'re| am| are) (?:done|through) with (?:you|them|him|her|these)\b
    name and shame\b
    don't believe (?:a word|what) (?:\w+ ){0,3}(?:says?|said|writes?|wrote)\b
    to the person who (?:wrote|left|posted|gave|called)\b
    (?:fake|false|lying|dishonest) reviews?\b
    """
)
_THREAT = phrase(
    r"""
    see you in court\b
    (?:we|i)(?:'ll| will| are going to|'re going to) (?:sue|press charges|take legal action)\b
    (?:hear|hearing) from (?:our|my) (?:lawyers?|solicitors?|attorneys?)\b
    (?:our|my) (?:lawyers?|solicitors?|attorneys?) (?:will|are)\b
    (?:we|i) know where you (?:live|work)\b
    (?:you(?:'ll| will)|they(?:'ll| will)) (?:regret|pay for|be sorry)\b
    """
)
_WEARY = phrase(
    rf"""
    (?:sick|tired|fed up)(?: and tired)? (?:of|with) (?:\w+ ){{0,2}}(?:{_PEOPLE}|people|job)\b
    (?:i )?hate (?:my|this) (?:job|work|shift|boss|company|place)\b
    worst (?:shift|job|boss|company|employer)(?: \w+){{0,2}} ever\b
    can't stand (?:\w+ ){{0,2}}(?:{_PEOPLE}|people)\b
    nobody (?:here )?(?:cares|appreciates)\b
    another day (?:of|in) (?:hell|dealing|misery)\b
    """
)


def quarrels(draft: str, facts: Facts) -> Iterable[Finding]:  # noqa: ARG001 - as every concern
    """Attacks and threats are grave; tales of customers, rivals, quarrels and weariness warn."""
    if not may_be("en", draft):
        return
    text = own_words(draft)
    for pattern in (_ATTACK, _ATTACK_ON_NAMED):
        for match in pattern.finditer(text):
            says = "This attacks people in public; whoever reads it thinks of how we speak of them."
            yield _finding("kind.attack", Letter.KIND, Light.RED, says, match, draft)
    for match in _THREAT.finditer(text):
        says = "This threatens; whatever the matter is, it does not belong in a post."
        yield _finding("necessary.threat", Letter.NECESSARY, Light.RED, says, match, draft)
    for match in _QUARREL.finditer(text):
        says = (
            "This goes on with a quarrel; strangers see only that we quarrel. Silence may be best."
        )
        yield _finding("necessary.quarrel", Letter.NECESSARY, Light.AMBER, says, match, draft)
    for pattern in (_COMPETITOR, _RIVAL_BY_NAME):
        for match in pattern.finditer(text):
            says = "This speaks of a competitor; say what we do well, and leave them out."
            yield _finding(
                "necessary.competitor", Letter.NECESSARY, Light.AMBER, says, match, draft
            )
    if not sounds_glad(text):
        for match in _ABOUT_CUSTOMER.finditer(text):
            says = "This tells of a customer; would they be glad to find themselves here?"
            yield _finding(
                "necessary.about_customer", Letter.NECESSARY, Light.AMBER, says, match, draft
            )
    for match in _WEARY.finditer(text):
        says = "A stranger reads here how we feel about those we serve, or work with."
        yield _finding("inspiring.weary", Letter.INSPIRING, Light.AMBER, says, match, draft)


def _finding(
    code: str, letter: Letter, light: Light, says: str, match: re.Match[str], draft: str
) -> Finding:
    start, end = match.span()
    return Finding(
        code=code, letter=letter, light=light, says=says, matched=draft[start:end],
        start=start, end=end,
    )  # fmt: skip
