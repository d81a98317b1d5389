"""What is left of a reply when greetings, thanks, apologies and wishes are taken away."""

from __future__ import annotations

import re
from functools import lru_cache

from heard.think.wording import one_of, own_words, sentences

_VERY = r"(?:(?:so|very|really|truly|terribly|extremely|do|certainly|most|more than|always) )*"
_WE = r"(?:we|i)(?:'re| are|'m| am)?"
# What a sentence opens with before it comes to the matter: whom it is to, and small words.
_LED_IN = re.compile(
    r"[\s@#*^/|~>-]*(?:(?:__\w+__|@\w+|and|but|so|well|oh|again|please|ah|no+|ok(?:ay)?"
    r"|(?:hi|hello|hey|dear|good (?:morning|day|afternoon|evening))"
    r"(?:,? (?-i:[A-Z]\w+)| there| all)?)(?:[\s,!.:-]+|$))*",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[,;:–—]\s+|\s(?:-|but|and|however|while|because)\s", re.IGNORECASE)
_FORMULA = re.compile(
    one_of(
        rf"""
        (?:greetings|take care|enjoy)\b
        (?:(?:many|big|a big) )?thank(?:s| you)
        (?:{_WE} {_VERY})?(?:appreciate|value|regret|love hearing)
        (?:{_WE} )?{_VERY}(?:sorry|apologetic|glad|delighted|thrilled|happy to hear)
        (?:(?:please )?accept )?(?:our|my) (?:\w+ )?apolog
        (?:{_WE} (?:\w+ )?)?apologi
        {_WE} (?:\w+ ){{0,2}}(?:understand|hear you|know (?:how|that|this)|feel your)\b
        (?:{_WE} )?(?:\w+ )?(?:hope (?:you|to|this|that|we|your|for)|wish you|look forward)\b
        {_WE} (?:can't wait|can imagine|would never want)\b
        have a (?:\w+ )+(?:day|one|night|weekend|evening|week|time|flight|trip)
        (?:you(?:'re| are) )?{_VERY}welcome
        (?:my|our) pleasure
        (?:no problem|anytime|cheers|regards|sincerely|yours)\b
        (?:best|kind|warm)(?:est)? (?:regards|wishes)
        (?:feel free|(?:don't|do not) hesitate|give us a shout)\b
        (?:let us know|reach out|contact us|message us)\b[^.!?]*\b(?:if|anything|any)\b
        if you (?:have|need) (?:any|further|more|anything)\b
        (?:your|this) (?:\w+ ){{0,2}}(?:is|are) {_VERY}(?:important|valuable|appreciated)
        (?:this|that)(?:'s| is| was) (?:\w+ )?(?:not|never) (?:\w+ ){{0,3}}(?:experience|acceptable)
        (?:what|that)(?:'s| is)? (?:a )?(?:great|lovely|wonderful|awesome|terrible|awful|sad)\b
        """
    ),
    re.IGNORECASE,
)
_SOMETHING = re.compile(
    r"[?@]|https?:|\d{2,}|\b(?:dm|direct message|because|have you|let us|follow|try|will be)\b"
    r"|\b(?:don't|can't|cannot|do not|won't|no longer|unable)\b"
    r"|\b(?:you (?:can|could|may)|we can|please (?!accept|be\b)\w+)\b"
    r"|\b(?:we|i)(?:'ll| will|'ve| have)\b"
    r"|\b(?:we|i)(?:'d| would) (?:like|love|recommend|suggest|advise)\b",
    re.IGNORECASE,
)
_BARE_ANSWER = re.compile(r"\d|\b(?:yes|no)\b", re.IGNORECASE)
_HAS_WORDS = re.compile(r"[^\W\d_]{2,}.*?[^\W\d_]{2,}", re.DOTALL)


@lru_cache(maxsize=16)
def substance(draft: str) -> tuple[str, ...]:
    """The sentences of an English draft that say, ask or announce something."""
    text = own_words(draft)
    parts = (text[start:end] for start, end in sentences(text))
    return tuple(part.strip() for part in parts if _says_something(part))


def _says_something(sentence: str) -> bool:
    matter = _LED_IN.sub("", sentence, count=1)
    return any(_is_substantial(clause) for clause in _CLAUSE_END.split(matter))


def _is_substantial(clause: str) -> bool:
    if not _HAS_WORDS.search(clause):
        return bool(_BARE_ANSWER.search(clause))
    formula = _FORMULA.match(clause)
    return formula is None or bool(_SOMETHING.search(clause, formula.end()))
