"""What is left of a reply when greetings, thanks, apologies and wishes are taken away.

The formulas of six languages are in `substance.toml`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from heard.think.wording import one_of, own_words, sentences, spelt, table

_TOLD = table("helpful/substance.toml")
_PARTS: dict[str, str] = _TOLD.pop("parts")


def _of(what: str) -> str:
    """The lines of all languages, as one pattern."""
    words = "|".join(
        spelt(one_of(told[what]), language) for language, told in _TOLD.items() if what in told
    )
    for name, part in _PARTS.items():
        words = words.replace(f"{{{name}}}", part)
    return f"(?:{words})"


_NAME = (
    r"(?:there|all|team|frau|herrn?|familie|dr\.?|madame|monsieur|mme|m\.|señora?|sra?\.?|don|doña"
    r"|dona|seu|senhora?|signora?|sig\.(?:ra)?|customer|kund(?:e|in)|gast|client[ea]?|ospite"
    r"|(?-i:[A-ZÀ-ÖØ-Þ])[\w.'-]*)"
)
# What a sentence opens with before it comes to the matter: whom it is to, and small words.
_LED_IN = re.compile(
    rf"[\s¡¿@#*^/|~>-]*(?:(?:__\w+__|@\w+|{_of('small')}|{_of('greets')}(?:,? {_NAME}){{0,4}})"
    r"(?:[\s,!.:¡-]+|$))*",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(
    r"[,;:–—]\s+|\s(?:-|but|and|however|while|because|aber|jedoch|mais|pero|mas|ma|però)\s",
    re.IGNORECASE,
)
_FORMULA = re.compile(_of("formulas"), re.IGNORECASE)
_GOES_ON = re.compile(rf"\s*{_of('goes_on')}", re.IGNORECASE)
_SOMETHING = re.compile(rf"[?@]|https?:|\d{{2,}}|\b{_of('something')}", re.IGNORECASE)
_BARE_ANSWER = re.compile(
    r"\d|\b(?:yes|no|ja|nein|oui|non|sí|sim|não|sì)\b|^\W*si\b", re.IGNORECASE
)
_HAS_WORDS = re.compile(r"[^\W\d_]{2,}.*?[^\W\d_]{2,}", re.DOTALL)


@lru_cache(maxsize=16)
def substance(draft: str) -> tuple[str, ...]:
    """The sentences of a draft that say, ask or announce something."""
    text = own_words(draft)
    parts = (text[start:end] for start, end in sentences(text))
    return tuple(part.strip() for part in parts if _says_something(part))


def _says_something(sentence: str) -> bool:
    matter = _LED_IN.sub("", sentence, count=1)
    after_formula = False
    for clause in _CLAUSE_END.split(matter):
        # "Vielen Dank, dass Sie uns schreiben": the second clause only completes the first.
        goes_on = _GOES_ON.match(clause) if after_formula else None
        formula = goes_on or _FORMULA.match(clause)
        if _is_substantial(clause, formula):
            return True
        after_formula = formula is not None
    return False


def _is_substantial(clause: str, formula: re.Match[str] | None) -> bool:
    if not _HAS_WORDS.search(clause):
        return bool(_BARE_ANSWER.search(clause))
    return formula is None or bool(_SOMETHING.search(clause, formula.end()))
