"""What a message asks, question by question.

Questions are found with and without their mark, in English, German, French, Spanish, Italian and
Portuguese, as far as their first words tell. What only vents ("Are you serious?") asks nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from heard.think.subjects import content_of
from heard.think.wording import one_of, own_words, sentences

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


_AUXILIARY = (
    r"(?:is|are|was|were|do|does|did|can|could|will|would|should|shall|may|have|has|had|am"
    r"|(?:is|are|do|does|can|wo|did|have|has)n't)"
)
_SOMEBODY = (
    r"(?:i|we|you|he|she|it|they|there|this|that|these|those|the|my|our|your|any\w*|some\w*)"
)
_ICH = r"(?:ich|sie|ihr|es|wir|man|das|der|die|mein\w*|noch|dort|da)"
# How a question begins, by what answers it; the first that fits.
_BEGINS = {
    answer: re.compile(rf"{one_of(lines)}(?!\w)", re.IGNORECASE)
    for answer, lines in {
        Answer.AMOUNT: r"""
            how (?:much|many|expensive|big|large|heavy|tall)
            what(?:'s| is| are| does| do)? (?:(?:the|it|that|your) )?(?:price|cost|fee|charge)s?
            was kosten|was kostet|wie ?viele?|wie teuer|combien(?! de temps)|quel est le prix
            cuánt[oa]s?(?! tiempo)|cuanto cuesta|quant[oaie](?! temp)
            qual é o preço|qual è il prezzo
        """,
        Answer.WHEN: r"""
            when|what time|what day|what date|how (?:long|soon|late|early|often)
            (?:by|until|since) when|any eta
            (?:ab |bis |seit )?wann|wie lange|um wie ?viel uhr
            quand|à quelle heure|combien de temps|(?:hasta |desde )?cu[aá]ndo|a qué hora
            cuánto tiempo|quando|a che ora|quanto tempo|a que horas|até quando
        """,
        Answer.WHERE: r"""
            where|which (?:address|link|page|shop|store|place|gate|desk|website)
            what(?:'s| is) (?:the|your) (?:address|link|website|url)
            wo|wohin|woher|où|a?dónde|dove|a?onde
        """,
        Answer.WHO: r"""
            whom?|whose|an wen|wer|wem|à qui|qui|(?:a )?quién|(?:a )?chi|(?:a )?quem
        """,
        Answer.REASON: r"""
            why|how come|what(?:'s| is) the reason|warum|wieso|weshalb|pourquoi|por qu[eé]|perché
        """,
        Answer.WAY: rf"""
            how (?:{_AUXILIARY}|to)|what (?:do|should|can|must) (?:i|we)
            wie (?:kann|komme|mache|geht|funktioniert|bekomme|soll)|was (?:soll|muss|kann) ich
            comment|que dois-je|c[oó]mo (?:puedo|hago|se|posso|faço|faz)|come (?:posso|faccio|si)
        """,
        Answer.YES_OR_NO: rf"""
            {_AUXILIARY} {_SOMEBODY}
            (?:ist|sind|kann|können|könnte[nt]?|haben|hat|gibt|wird|werden|darf|muss) {_ICH}
            est-ce que|est-ce qu'\w+|avez-vous|pouvez-vous|pourriez-vous|puis-je|peut-on|y a-t-il
            faut-il|êtes-vous|puedo|pueden?|podrían?|tienen|hay|es posible|se puede
            posso|potete|avete|c'è|ci sono|è possibile|si può|podem|pode|têm|há|é possível
        """,
        Answer.ANYTHING: r"""
            what|which|any (?:news|updates?|chance|idea|word)
            was|welche[rsmn]?|que|quel(?:le)?s?|qu'est-ce|qué|cuál|(?:che )?cosa|qual[e]?|o que
        """,
    }.items()
}
_LED_IN = re.compile(
    r"(?:[\W_]|@\w+|__\w+__|\b(?:hi|hello|hey|dear|so|and|but|also|ok|okay|please|well|um|just|then"
    r"|or|excuse me|sorry|hallo|und|aber|bitte|bonjour|et|mais|alors|hola|y|pero|ciao|e|ma|olá|oi"
    r"|mas)(?=[\s,!.:]))*",
    re.IGNORECASE,
)
# A question that is put into a request or a plain sentence; what follows is the question.
_INDIRECT = re.compile(
    one_of(
        r"""
        \b(?:can|could|would|will) (?:you|someone|anyone)(?: please)? (?:tell|let|advise|confirm)\b
        \b(?:please|pls|kindly) (?:tell|let|advise|confirm|explain)\b
        \b(?:do|does|did) (?:you|anyone|anybody) know\b
        \bi(?:'d| would)(?: also)? like to know\b|\bi (?:want|need|wanted) to know\b|\bany idea\b
        \b(?:(?:i(?:'m| am|'ve been| was) )|just )?wondering\b|\bi wonder\b
        \bkönnen sie mir (?:bitte )?sagen\b|\bich (?:wüsste|würde) gern\w*|\bich möchte wissen\b
        \bpouvez-vous me dire\b|\bj'aimerais savoir\b|\bje voudrais savoir\b
        \b(?:quisiera|me gustaría) saber\b|\bme pueden decir\b|\bvorrei sapere\b|\bmi sapete dire\b
        \bgostaria de saber\b|\bpodem dizer-me\b
        """
    )
    + r"(?: me| us| know)?[\s,:]*(?:(?:if|whether|about|ob|si|se)\b\s*)?",
    re.IGNORECASE,
)
_ONLY_A_WORD = re.compile(
    r"[\W_]*(?:really|seriously|right|ok|okay|huh|eh|what|why|how|hello|anyone|anybody|no|yes|wtf"
    r"|you know|is it|isn't it|don't you|ready|guess what|pardon|sorry|and|so|or|echt|wirklich"
    r"|ernsthaft|oder|nicht wahr|vraiment|sérieux|en serio|verdad|davvero|sul serio|sério|né)?"
    r"[\W_]*",
    re.IGNORECASE,
)
_VENTS = re.compile(
    one_of(
        r"""
        \bwtf\b|\bwhat the (?:hell|heck|fuck)\b|\bthe hell\b|\bhow dare\b|\bis this a joke\b
        \b(?:is|are|was|were) (?:you|it|they|this|that) (?:serious|kidding|joking|for real|a joke)\b
        \bkidding me\b|\bhow hard (?:is|can)\b|\bwho (?:do you think|cares|knew|does that)\b
        \bwhat (?:kind|sort) of\b|\bdo you (?:even|really|think)\b|\bwhat(?:'s| is) the point\b
        \bhow many (?:more )?times\b|\bhow (?:can|could) (?:you|they|anyone|a|an|this|that)\b
        \bwhat(?:'s| is) wrong with\b|\bwhy (?:even|bother)\b|\b(?:will you ever|will you learn)\b
        \bhow (?:is|was) (?:this|that|it) (?:even|possible|ok|okay|acceptable|legal|fair)\b
        \bwhy (?:do|did|would|should|am|are) (?:i|we|you|they) (?:even|still|always|ever|bother)\b
        \bwas soll (?:das|der)\b|\bist das (?:euer|ihr) ernst\b|\bvous vous (?:moquez|fichez)\b
        \bes (?:una )?broma\b|\bno les da vergüenza\b|\bstate scherzando\b|\bvi pare\b|\bé piada\b
        """
    ),
    re.IGNORECASE,
)
# In the order of a question, so that it is one without its mark too.
_INVERTED = re.compile(
    one_of(
        r"""
        (?:when|where|why|how(?: \w+)?|what(?: \w+)?|who|which \w+) (?:is|are|was|were|do|does)\b
        (?:when|where|why|how(?: \w+)?|what(?: \w+)?|who) (?:did|can|could|will|would|should)\b
        (?:when|where|why|how(?: \w+)?|what(?: \w+)?|who) (?:am|has|have)\b
        (?:is there|are there|can i|could i|can you|could you|do you|may i|can we|do i need)\b
        (?:wann|wo|wie|warum|wieso) (?:ist|sind|kann|kommt|wird|bekomme|soll|haben|geht)\b
        (?:gibt es|kann ich|haben sie|können sie)\b
        (?:est-ce que|avez-vous|pouvez-vous|puis-je)\b
        (?:quand|où|comment|combien) (?:est|sera|puis)\b
        (?:cuándo|dónde|cómo|cuánto) (?:puedo|puede|es|está|llega|cuesta)\b
        (?:quando|dove|onde|come|como|quanto) (?:posso|è|é|arriva|trovo|chega|fica|costa|custa)\b
        """
    ),
    re.IGNORECASE,
)
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
    ]
    starts, ends = [end for _, end in cuts], [start for start, _ in cuts]
    return list(zip([first, *starts], [*ends, last], strict=True))


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
