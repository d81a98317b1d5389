"""Does the draft move the contact on, or does it only comfort, refuse or send away?

Reads English drafts only; of others it says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from heard.reading import Need
from heard.think.contact import is_pleased, questions_in, reading_of
from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.language import may_be
from heard.think.necessity import is_empty
from heard.think.substance import substance
from heard.think.wording import own_words, phrase


def helpfulness(draft: str, facts: Facts) -> Iterable[Finding]:
    """At most one finding; every one is a warning."""
    if is_empty(draft) or not may_be("en", draft):
        return
    said = substance(draft)
    if not said:
        yield from _only_kind(draft, facts)
    elif facts.message.strip() and not is_pleased(facts) and _only_sends_away(draft, said):
        says = "This only sends away; give the link, the number or the name that gets them further."
        yield _warning("helpful.sends_away", says, draft)
    else:
        yield from _dead_end(draft)


def _only_kind(draft: str, facts: Facts) -> Iterable[Finding]:
    questions = questions_in(facts.message)
    if questions:
        asked = questions[0] if len(questions[0]) <= 80 else f"{questions[0][:79]}…"
        says = f"They asked “{asked}”, and nothing here answers it."
        yield _warning("helpful.no_answer", says, draft)
    elif facts.message.strip() and reading_of(facts.message).need is Need.ANSWER:
        says = "This is kind, but does not say what happens next."
        yield _warning("helpful.no_step", says, draft)


_ELSEWHERE = (
    r"(?:(?:contact|call|phone|ring|consult|visit|ask|reach out to|refer to|write to|e-?mail"
    r"|(?:speak|talk|check) (?:to|with)) (?!us\b|me\b)"
    r"|(?:check|see) (?:our|the) (?:web ?site|site|faqs?|help (?:page|center|centre)|app store)\b)"
)
_AWAY = re.compile(
    r"\b(?:(?:please|kindly|try to|you(?: will|'ll)? (?:need to|have to|must|should|can|could|may))"
    rf" )+(?:\w+ )?{_ELSEWHERE}|^(?:\W*(?:@\w+|__\w+__))*\W*{_ELSEWHERE}",
    re.IGNORECASE,
)
_WAY = re.compile(
    r"https?:|www\.|\w\.(?:com|org|net|[a-z]{2})(?=[/\s.,]|$)|\d|@\w|[>→›:]"
    r"|\b(?:dm|direct message|private message|us|me|here|because|so|settings|menu|tap|click|select"
    r"|reply|account|app)\b",
    re.IGNORECASE,
)


def _only_sends_away(draft: str, said: tuple[str, ...]) -> bool:
    text = re.sub(r"__\w+__|^\s*@\w+", "", draft)
    return len(said) <= 2 and all(_AWAY.search(part) for part in said) and not _WAY.search(text)


_HELP = r"(?:help|assist)(?: you)?(?: (?:with|in) (?:\w+ )?\w+)?(?=[.!,]|\s*$)"
_REFUSAL = phrase(
    rf"""
    there(?:'s| is) (?:\w+ )?nothing (?:(?:more|else) )?(?:that )?(?:we|i) can (?:do|say|offer)\b
    (?:we|i) can(?:'t|not| not) {_HELP}
    (?:we|i)(?: are| am|'re|'m) unable to {_HELP}
    (?:that(?:'s| is) )?not (?:our|my) (?:department|responsibility|job)\b
    (?:we|i) don't do that\b
    """
)
_WAY_ON = re.compile(
    r"\b(?:but|however|instead|you (?:can|could|may)|we can|what (?:we|i) can|alternatively|though"
    r"|please|try|recommend|suggest|(?:we|i)(?:'ll| will)|let us|once|until|unless|if you)\b"
    r"|https?:|\?",
    re.IGNORECASE,
)


def _dead_end(draft: str) -> Iterable[Finding]:
    text = own_words(draft)
    match = _REFUSAL.search(text)
    if match and not _WAY_ON.search(text[: match.start()] + text[match.end() :]):
        yield Finding(
            code="helpful.dead_end",
            letter=Letter.HELPFUL,
            light=Light.AMBER,
            says="This closes the door; say what they can do instead, or who can.",
            matched=draft[match.start() : match.end()],
            start=match.start(),
            end=match.end(),
        )


def _warning(code: str, says: str, draft: str) -> Finding:
    return Finding(
        code=code,
        letter=Letter.HELPFUL,
        light=Light.AMBER,
        says=says,
        start=len(draft),
        end=len(draft),
    )
