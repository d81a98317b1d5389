"""Is the draft in the language of the contact? Short drafts are given the benefit of the doubt."""

from __future__ import annotations

from collections.abc import Iterable

from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.tongues import language_of

_NAMES = {
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "nl": "Dutch",
    "pt": "Portuguese",
}


def language(draft: str, facts: Facts) -> Iterable[Finding]:
    """One warning where a long enough draft is surely in another language than the contact's."""
    wanted = facts.contact_language.casefold().split("-")[0].split("_")[0]
    if not wanted:
        return
    written = language_of(draft)
    if written and written != wanted:
        is_in, is_for = _NAMES.get(written, f"“{written}”"), _NAMES.get(wanted, f"“{wanted}”")
        yield Finding(
            code="helpful.language",
            letter=Letter.HELPFUL,
            light=Light.AMBER,
            says=f"This is in {is_in}; the contact writes {is_for}.",
            matched=draft,
            end=len(draft),
        )
