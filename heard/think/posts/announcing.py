"""Does a post of the house claim what nobody here can show, and does it say what readers can do?

Its words are in `announcing.toml`, in six languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.hints import TONE, Lines
from heard.think.true.moments import moment_in
from heard.think.wording import low_words, spelt, table

_LEAST_WORDS = 8
"""Shorter ones are a line under a picture, which tells the rest."""

_TOLD = table("posts/announcing.toml")
_BOAST, _NEWS, _WAY = (
    Lines(
        *(spelt(lines, language) for language, lines in _TOLD[what].items()),
        before=r"\b",
        after="",
        flags=re.NOFLAG,
        book=TONE,
    )
    for what in ("boast", "news", "way")
)
_LINK = re.compile(r"https?:|www\.|\w\.(?:com|org|net|[a-z]{2})(?=[/\s.,!?]|$)|\d|@\w|#\w|\?")


def announcing(draft: str, facts: Facts) -> Iterable[Finding]:
    """Warnings for claims not known here, and for news with which a reader can do nothing."""
    text = low_words(draft)
    for match in _BOAST(text):
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
        and not _LINK.search(text)
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
