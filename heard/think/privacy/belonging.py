"""Whose is a number or an address in a reply: ours, for everybody to use, or somebody's own?"""

from __future__ import annotations

import re

from heard.think.findings import Facts
from heard.think.wording import one_of, phrase, sentence_around

_OURS = phrase(
    r"""
    (?:us|our|ours)\b
    (?:hotline|helpline|switchboard|reception|desk|team|department|office|airport)\b
    (?:location|store|shop|branch|restaurant|hotel|agency|embassy)\b
    customer (?:service|relations|care|support)\b
    (?:call|dial|phone|ring|contact|reach|text|fax|e-?mail|write|visit)\b(?! (?:you|him|her)\b)
    (?:send|forward|drop|mail|report|address)\b(?! (?:you|him|her)\b)(?= )
    (?:mand[aie]|mande|mandar|envi[ae]r?|envíe\w*|envía\w*|escrib[aei]\w*|scriv[aei]\w*|contatt\w+)\b
    (?:schreib(?:en|t)?|schicken|senden|mailen|melden|écri[rv]\w*|envoy(?:er|ez)|contact(?:er|ez|e|ar))\b
    """
)
_REACH = one_of(
    r"""
    (?:call|contact|reach|text|e-?mail|phone)(?:ed|ing)?
    (?:ring|rang|writ(?:e|ten|ing)|wrote|sen[dt]|sending)
    (?:deliver|ship)(?:ed|ing)?
    """
)
_THEIRS = phrase(
    rf"""
    (?<!be )(?:sent|mailed|emailed|e-mailed|wrote|written|texted)(?: \w+)? to\b
    (?:belongs to|account)(?= ?\(?\S+@)
    {_REACH} (?:(?:it|this|them|that|one) )?(?:to )?(?:you|him|her)\b
    (?:your|his|her) (?:\w+ )?(?:phone|mobile|cell|number|e-?mail|address|line|home|account)\b
    (?:i|we)(?:'ll|'ve| will| have| can| tried to)?(?: \w+)? {_REACH}\b
    """
)


def is_given_as_ours(text: str, start: int) -> bool:
    """Whether the words before `start` say that this is how to reach us: "call us at"."""
    sentence, _ = sentence_around(text, start)
    here = text[max(sentence, start - 90) : start]
    return bool(_OURS.search(text[max(0, start - 120) : start])) and not _THEIRS.search(here)


def is_our_detail(value: str, facts: Facts) -> bool:
    """Whether the house has said that anybody may read this."""
    digits = digits_of(value)
    for detail in facts.our_details:
        if value.casefold() in detail.casefold():
            return True
        # The same number is written with and without its country code.
        if len(digits) >= 7 and digits_of(detail)[-7:] == digits[-7:]:
            return True
    return False


def digits_of(text: str) -> str:
    """The digits 0 to 9 of a text."""
    return re.sub(r"[^0-9]", "", text)
