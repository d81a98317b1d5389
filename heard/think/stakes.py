"""Stakes: what a reply puts at risk if it is wrong: words of law, and money given back."""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal, InvalidOperation

from heard.think.wording import folded, own_words, sentences

_LAW = re.compile(
    r"\b(?:"
    r"lawyers?|solicitors?|barristers?|attorneys?(?! general)|law ?suits?|legal (?:action|advice"
    r"|department|team|proceedings|claim|matter|grounds|steps)|legally|litigation|liab(?:le|ility)"
    r"|negligen(?:ce|t)"
    r"|su(?:e|ed|ing) (?:you|us|them|him|her)|small claims|(?:in|to) court\b|ombudsman|tribunal"
    r"|without prejudice|admission of (?:fault|guilt|liability)|defamation|libel|slander|gdpr"
    r"|subpoena"
    r"|anwalt|anwälte|anwältin|rechtsanwalt|klage|gericht|haftung|haften"
    r"|avocat|tribunal|poursuites|en justice|responsabilité"
    r"|abogad[oa]s?|demanda(?:r|ré|remos)?|juzgado|tribunales"
    r"|avvocat[oi]|querela|advogad[oa]s?|processo judicial"
    r")\b",
    re.IGNORECASE,
)

_GIVEN_BACK = re.compile(
    r"\b(?:refund\w*|reimburs\w*|compensat\w*|repay\w*|pay(?:ing)? (?:you )?back|paid back"
    r"|money back"
    r"|credit(?:ed|ing)?|voucher|goodwill|erstatt\w*|rückerstatt\w*|gutschrift|rembours\w*|avoir"
    r"|reembols\w*|devol\w*|rimbors\w*)\b",
    re.IGNORECASE,
)
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
