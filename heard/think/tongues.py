"""In which language a draft is, as far as it can be told, and in which to add a word to it."""

from __future__ import annotations

import re
from functools import lru_cache

from heard.reading import read
from heard.think.findings import Facts
from heard.think.links import links_in
from heard.think.wording import own_words

SPOKEN = ("en", "de", "fr", "es", "pt", "it")
"""Languages in which the rules about words are worded."""
_LEAST_WORDS = 5


@lru_cache(maxsize=16)
def language_of(draft: str) -> str:
    """ISO 639-1 code; "" when the draft is too short to tell, or cannot be told."""
    text = own_words(draft)
    for link in links_in(draft):
        text = text[: link.start] + " " * (link.end - link.start) + text[link.end :]
    words = re.findall(r"[^\W\d_]{2,}", text)
    if len(words) < _LEAST_WORDS and text.isascii():
        return ""
    return read([text])[0].language if words else ""


def may_be(code: str, draft: str) -> bool:
    """Whether nothing speaks against the draft being in that language."""
    return language_of(draft) in ("", code)


def tongue_of(draft: str, facts: Facts) -> str:
    """In which of the `SPOKEN` languages to add a word to a draft: its own, or the contact's."""
    contacts = facts.contact_language.casefold()[:2]
    for code in (language_of(draft), contacts, language_of(facts.message)):
        if code in SPOKEN:
            return code
    return SPOKEN[0]
