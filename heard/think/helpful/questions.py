"""What a message asks, question by question.

Questions are found with and without their mark, in English, German, French, Spanish, Italian and
Portuguese, as far as their first words tell (`questions.toml`). What only vents ("Are you
serious?") asks nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from heard.think.true.subjects import content_of
from heard.think.wording import one_of, own_words, sentences, spelt, table

MOST = 6
_LONGEST = 140
_LEAST_WORDS_UNMARKED = 3


class Answer(StrEnum):
    """What would answer a question."""

    AMOUNT = "amount"
    WHEN = "when"
    WHERE = "where"
    WHO = "who"
    REASON = "reason"
    WAY = "way"
    YES_OR_NO = "yes or no"
    ANYTHING = "anything"


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a message: its words, what would answer it, and the stems it is about."""

    text: str
    answer: Answer
    about: frozenset[str]


_TOLD = table("helpful/questions.toml")
_SAID: dict[str, str] = _TOLD["parts"]


def _of(told: Mapping[str, str]) -> str:
    """The lines of all languages, as one pattern."""
    words = "|".join(spelt(one_of(lines), language) for language, lines in told.items())
    for name, part in _SAID.items():
        words = words.replace(f"{{{name}}}", part)
    return f"(?:{words})"


# How a question begins, by what answers it; the first that fits.
_BEGINS = {
    Answer(answer): re.compile(rf"{_of(told)}(?!\w)", re.IGNORECASE)
    for answer, told in _TOLD["begins"].items()
}
_LED_IN = re.compile(
    r"(?:[\W_]|@\w+|__\w+__|\b(?:hi|hello|hey|dear|so|and|but|also|ok|okay|please|well|um|just|then"
    r"|or|excuse me|sorry|hallo|und|aber|bitte|bonjour|et|mais|alors|hola|y(?! a-)|pero|ciao|e|ma"
    r"|olá|oi|mas|guten (?:tag|morgen|abend)|moin|servus|oh|ach|bonsoir|salut|por favor|bom dia"
    r"|buen[oa]s(?: días| tardes)?|boa (?:tarde|noite)|buon(?:giorno|asera)|salve|scusate|scusi)"
    r"(?=[\s,!.:]))*",
    re.IGNORECASE,
)
# A question that is put into a request or a plain sentence; what follows is the question.
_INDIRECT = re.compile(
    _of(_TOLD["indirect"]) + r"(?: me| us| know)?[\s,:]*(?:(?:if|whether|about|ob|si|se)\b\s*)?",
    re.IGNORECASE,
)
_ONLY_A_WORD = re.compile(
    r"[\W_]*(?:really|seriously|right|ok|okay|huh|eh|what|why|how|hello|anyone|anybody|no|yes|wtf"
    r"|you know|is it|isn't it|don't you|ready|guess what|pardon|sorry|and|so|or|echt|wirklich"
    r"|ernsthaft|oder|nicht wahr|ne|gell|vraiment|sérieux|hein|non|en serio|verdad|no|eh|davvero"
    r"|sul serio|vero|sério|né|certo|viu)?"
    r"[\W_]*",
    re.IGNORECASE,
)
_VENTS = re.compile(_of(_TOLD["vents"]), re.IGNORECASE)
_INVERTED = re.compile(_of(_TOLD["inverted"]), re.IGNORECASE)
_GOES_ON = re.compile(r"[^,]*(?:,|!|…|\.\.\.|\bthen\b|\bbut\b)")
_PARTS = re.compile(r"[,;:–—]\s+|\s-\s|\b(?:and|but|so|or|und|aber|oder|et|mais|y|pero|e|ma)\b")
_AND = re.compile(r",?\s(?:and|or|und|oder|et|ou|y|o|e)\s|,\s", re.IGNORECASE)
_OF_ASKING = content_of(
    "when what where who why how which much many long time know tell let please can could would"
    " will does did any update news idea wann was wo wer warum wie kann können quand où qui comment"
    " cuándo dónde quién cómo puedo quando dove chi come posso onde quem hello help get there"
)


@lru_cache(maxsize=64)
def questions_of(message: str) -> tuple[Question, ...]:
    """The questions of a message in their order, each once, six at most."""
    text = own_words(message)
    found: dict[str, Question] = {}
    for first, last in sentences(text):
        is_marked = text[first:last].rstrip(")\"'! ").endswith("?")
        for start, end in _parts(text, first, last):
            said = message[start:end].strip(" ,\n")
            question = _question(text[start:end].strip(), said=said, is_marked=is_marked)
            if question is not None:
                found.setdefault(question.text.casefold(), question)
    return tuple(found.values())[:MOST]


def _parts(text: str, first: int, last: int) -> list[tuple[int, int]]:
    """A sentence in which several things are asked ("When do you open, and is there parking?")."""
    cuts = [
        match.span()
        for match in _AND.finditer(text, first, last)
        if _answer_to(_without_lead(text[match.end() : last])) not in (None, Answer.ANYTHING)
        and _answer_to(_without_lead(text[first : match.start()])) is not None
        and not _only_leads_in(text[first : match.start()])
    ]
    starts, ends = [end for _, end in cuts], [start for start, _ in cuts]
    return list(zip([first, *starts], [*ends, last], strict=True))


def _only_leads_in(text: str) -> bool:
    """Whether nothing is asked yet ("Can you tell me, where …")."""
    indirect = _INDIRECT.search(text)
    return indirect is not None and not text[indirect.end() :].strip()


def _question(sentence: str, *, said: str, is_marked: bool) -> Question | None:
    if _ONLY_A_WORD.fullmatch(sentence) or _VENTS.search(sentence):
        return None
    indirect = _INDIRECT.search(sentence)
    body = _without_lead(sentence[indirect.end() :] if indirect else sentence)
    answer = _answer_to(body)
    if answer is None and is_marked:
        # "The parcel is broken, what now?" asks in a later part.
        kinds = [kind for part in _PARTS.split(body) if (kind := _answer_to(_without_lead(part)))]
        answer = kinds[-1] if kinds else Answer.ANYTHING
    about = content_of(body) - _OF_ASKING
    is_asked = is_marked or (bool(about) and _asks_unmarked(body, answer, indirect is not None))
    if not is_asked:
        return None
    lead = _LED_IN.match(said)
    if lead and any(map(str.isalpha, lead[0])) and len(said[lead.end() :].split()) > 1:
        said = said[lead.end() :]
    text = said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…"
    return Question(text, answer or Answer.ANYTHING, about)


def _without_lead(text: str) -> str:
    match = _LED_IN.match(text)
    return text[match.end() :] if match else text


def _answer_to(text: str) -> Answer | None:
    return next((answer for answer, begins in _BEGINS.items() if begins.match(text)), None)


def _asks_unmarked(body: str, answer: Answer | None, is_indirect: bool) -> bool:  # noqa: FBT001
    """Whether words stand in the order of a question, or in a request to be told."""
    if is_indirect:
        return answer not in (None, Answer.ANYTHING, Answer.YES_OR_NO)
    is_long = len(body.split()) >= _LEAST_WORDS_UNMARKED
    return is_long and bool(_INVERTED.match(body)) and not _GOES_ON.match(body)
