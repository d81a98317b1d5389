"""Does a post attack somebody, go on with a quarrel, or threaten: where nobody had asked us?

Its words are in `quarrels.toml`, in six languages. All of it concerns posts: a reply answers a
person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain

from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.hints import TONE, Lines
from heard.think.inspiring.warmth import sounds_glad
from heard.think.wording import low_words, one_of, own_words, spelt, table

_TOLD = table("posts/quarrels.toml")
_PARTS: dict[str, dict[str, str]] = _TOLD.pop("parts")


def _lines(what: str) -> Lines:
    """The lines of one kind, in all languages."""
    written = []
    for language, lines in _TOLD[what].items():
        words = lines
        for name, part in _PARTS[language].items():
            words = words.replace(f"{{{name}}}", one_of(part))
        written.append(spelt(words, language))
    return Lines(*written, before=r"\b", after="", flags=re.NOFLAG, book=TONE)


_ATTACK, _THREAT, _QUARREL, _COMPETITOR, _ABOUT_CUSTOMER, _WEARY = map(
    _lines, ("attack", "threat", "quarrel", "competitor", "about_customer", "weary")
)
# Where letters are large or small as they stand.
_KAREN = re.compile(r"\b(?:(?i:an?|another|such a|typical|the) Karen|Karens)\b")
_ATTACK_ON_NAMED = re.compile(
    rf"@[\w.-]+ (?:is|are|was) (?:(?:an?|such an?|just|nothing but) )*"
    rf"{one_of(_PARTS['en']['NAMES'])}",
    re.IGNORECASE,
)
_RIVAL_BY_NAME = re.compile(
    r"\b(?i:unlike|cheaper than|stay away from|don't (?:go|buy|eat|shop) (?:to|at|from))"
    r" (?!Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)[A-Z][\w&'-]+"
)


def quarrels(draft: str, facts: Facts) -> Iterable[Finding]:  # noqa: ARG001 - as every concern
    """Attacks and threats are grave; tales of customers, rivals, quarrels and weariness warn."""
    text, low = own_words(draft), low_words(draft)
    attacks = (_ATTACK(low), _KAREN.finditer(text), _ATTACK_ON_NAMED.finditer(text))
    for match in chain(*attacks):
        says = "This attacks people in public; whoever reads it thinks of how we speak of them."
        yield _finding("kind.attack", Letter.KIND, Light.RED, says, match, draft)
    for match in _THREAT(low):
        says = "This threatens; whatever the matter is, it does not belong in a post."
        yield _finding("necessary.threat", Letter.NECESSARY, Light.RED, says, match, draft)
    for match in _QUARREL(low):
        says = (
            "This goes on with a quarrel; strangers see only that we quarrel. Silence may be best."
        )
        yield _finding("necessary.quarrel", Letter.NECESSARY, Light.AMBER, says, match, draft)
    for match in chain(_COMPETITOR(low), _RIVAL_BY_NAME.finditer(text)):
        says = "This speaks of a competitor; say what we do well, and leave them out."
        yield _finding("necessary.competitor", Letter.NECESSARY, Light.AMBER, says, match, draft)
    if not sounds_glad(text):
        for match in _ABOUT_CUSTOMER(low):
            says = "This tells of a customer; would they be glad to find themselves here?"
            yield _finding(
                "necessary.about_customer", Letter.NECESSARY, Light.AMBER, says, match, draft
            )
    for match in _WEARY(low):
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
