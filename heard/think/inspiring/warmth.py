"""Would a stranger think better of us? A name, a greeting, thanks for praise, and that we heard.

All of it warns at most, and only where the want of it is felt: in a letter, not in a tweet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from heard.think.contact import first_name, is_pleased, is_upset, questions_in
from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.tongues import tongue_of
from heard.think.wording import folded, is_empty, lowered, spoken, table

_LETTER_TO = 25
_LETTER_FROM = 30  # words; shorter ones are messages, and greet nobody among friends either
_TOLD = table("inspiring/warmth.toml")
_GREETING, _NOBODY, _HEARD, _GLAD_WORD = (
    spoken({language: told[what] for language, told in _TOLD.items()})
    for what in ("greets", "nobody", "heard", "glad")
)
_GLAD_SIGN = re.compile("[❤💙💚💛🧡💜🖤🤍♥😊😀😃😄😁🙂🤗🥰😍🙏👍🎉🙌👏😎💪✨🥳]")


def warmth(draft: str, facts: Facts) -> Iterable[Finding]:
    """Findings for a missing greeting, a curt word, a "dear customer", and unheard feelings."""
    if is_empty(draft):
        return
    text = lowered(folded(draft))
    words = re.findall(r"\w+", text)
    name = first_name(facts.contact_name)
    nobody = _NOBODY.search(text)
    if nobody:
        yield _nameless(draft, nobody, name, facts)
    elif _wants_greeting(text, words, facts, name):
        says = "A letter begins with a greeting, best with a name."
        hello = f"{_greeting(draft, facts, name)},\n\n"
        yield _missing("inspiring.greeting", Letter.INSPIRING, says, hello)
    if is_pleased(facts):
        # An apology means that whoever writes has understood the praise as the sarcasm it may be.
        if not sounds_glad(draft) and not shows_that_we_heard(draft):
            says = "They said something kind; thank them for it."
            thanks = _TOLD[tongue_of(draft, facts)]["thanks"]
            yield _missing("inspiring.thanks", Letter.INSPIRING, says, thanks)
    elif (
        is_upset(facts)
        and len(words) >= 8
        and not facts.earlier_replies
        and not shows_that_we_heard(draft)
    ):
        says = "They are upset, and nothing here shows that we heard it."
        sorry = _TOLD[tongue_of(draft, facts)]["sorry"]
        yield _missing("kind.unheard", Letter.KIND, says, sorry)
    if (
        len(words) < 4
        and not sounds_glad(draft)
        and (is_upset(facts) or questions_in(facts.message))
    ):
        says = "This is curt; one whole sentence would sound as if we cared."
        yield Finding(
            "inspiring.curt", Letter.INSPIRING, Light.AMBER, says, matched=draft, end=len(draft)
        )


def shows_that_we_heard(text: str) -> bool:
    """Whether there is a word of apology, thanks or understanding."""
    return bool(_HEARD.search(lowered(folded(text))))


def sounds_glad(text: str) -> bool:
    """Whether there is a word, or an emoji, of pleasure or thanks."""
    return bool(_GLAD_SIGN.search(text) or _GLAD_WORD.search(lowered(folded(text))))


def _wants_greeting(text: str, words: list[str], facts: Facts, name: str) -> bool:
    if facts.is_public or facts.earlier_replies or len(words) < _LETTER_FROM:
        return False
    # Only who writes a letter expects one: a line of chat is answered with a line.
    length = len(facts.message.split())
    if 0 < length < _LETTER_TO and not _GREETING.search(lowered(facts.message[:80])):
        return False
    opening = text[:80]
    return not _GREETING.search(opening) and not (name and name.casefold() in opening.casefold())


def _greeting(draft: str, facts: Facts, name: str) -> str:
    return f"{_TOLD[tongue_of(draft, facts)]['greeting']} {name}".rstrip()


def _nameless(draft: str, match: re.Match[str], name: str, facts: Facts) -> Finding:
    return Finding(
        code="inspiring.nameless",
        letter=Letter.INSPIRING,
        light=Light.AMBER,
        says="This could be to anybody; greet the person.",
        matched=draft[match.start() : match.end()],
        start=match.start(),
        end=match.end(),
        change=_greeting(draft, facts, name),
    )


def _missing(code: str, letter: Letter, says: str, change: str) -> Finding:
    return Finding(code=code, letter=letter, light=Light.AMBER, says=says, change=change)
