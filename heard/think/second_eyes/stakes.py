"""Stakes: what a reply puts at risk if it is wrong: words of law, and money given back.

The words of six languages are in `stakes.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal, InvalidOperation

from heard.think.wording import folded, one_of, own_words, sentences, spelt, table

_TOLD = table("second_eyes/stakes.toml")


def _words(what: str) -> re.Pattern[str]:
    """Any of the words of any language, whole."""
    words = "|".join(spelt(one_of(lines), language) for language, lines in _TOLD[what].items())
    return re.compile(rf"\b(?:{words})\b", re.IGNORECASE)


_LAW, _GIVEN_BACK = _words("law"), _words("given_back")
_NUMBER = r"\d{1,3}(?:[.,' ]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?"
_MARK = r"[€$£¥₹]|(?:EUR|USD|GBP|CHF|AUD|CAD|JPY|INR|BRL|euros?|dollars?|pounds?|francs?|reais)\b"
_MONEY = re.compile(rf"(?:{_MARK})\s?({_NUMBER})|({_NUMBER})\s?(?:{_MARK})", re.IGNORECASE)


def legal_words(text: str, also: Collection[str] = ()) -> str:
    """The first word of law in a text, or of those the house has added; "" when there is none."""
    match = _LAW.search(folded(text))
    if match:
        return match[0]
    low = folded(text).casefold()
    return next((word for word in also if word and word.casefold() in low), "")


def refund(text: str) -> Decimal | None:
    """The largest sum of money in a sentence that gives something back; None when there is none."""
    own = own_words(text)
    sums = [
        amount
        for start, end in sentences(own)
        if _GIVEN_BACK.search(own, start, end)
        for match in _MONEY.finditer(own, start, end)
        if (amount := _amount(match[1] or match[2])) is not None
    ]
    return max(sums, default=None)


def _amount(digits: str) -> Decimal | None:
    """What a number means, with a point or a comma before the pence."""
    plain = re.sub(r"[' ]", "", digits)
    pence = re.search(r"[.,](\d{1,2})$", plain)
    whole = re.sub(r"[.,]", "", plain[: pence.start()] if pence else plain)
    try:
        return Decimal(f"{whole}.{pence[1] if pence else 0}")
    except InvalidOperation:
        return None
