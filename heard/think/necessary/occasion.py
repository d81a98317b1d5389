"""Is this the moment, the place and the person for an answer? Silence can be the better one.

Everything here warns: whoever answers sees more than a thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import takewhile

from heard.think.contact import has_feeling, is_negative, is_upset
from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.helpful.answering import leads_on
from heard.think.helpful.questions import questions_of
from heard.think.helpful.substance import substance
from heard.think.inspiring.warmth import sounds_glad
from heard.think.kind.shouting import shouting
from heard.think.kind.tone import tone
from heard.think.privacy.asking import names_private_way
from heard.think.tongues import tongue_of
from heard.think.wording import folded, is_empty, lowered, own_words, sentences, spoken, table

_LONGEST_BESIDE = 160
_LONG_IN_PUBLIC = 45  # words
_LONG_TO_WHO_IS_CONTENT = 12


def occasion(draft: str, facts: Facts) -> Iterable[Finding]:
    """Findings for an answer that came already, or that belongs elsewhere, or to nobody."""
    if is_empty(draft):
        return
    yield from _answered(draft, facts)
    yield from _settled(draft, facts)
    yield from _for_another_house(draft, facts)
    if facts.is_public:
        yield from _better_in_private(draft, facts)
    yield from _quarrel(draft, facts)


def _answered(draft: str, facts: Facts) -> Iterator[Finding]:
    """A colleague has answered since the message came."""
    for turn in takewhile(lambda turn: turn.is_ours, facts.thread):
        is_colleague = turn.by not in ("", facts.agent_name)
        if is_colleague and substance(turn.text) and not leads_on(turn.text):
            says = f"{turn.by} has answered this already."
            yield _finding("necessary.answered", says, draft, beside=_quoted(turn.text))
            return


_TOLD = table("necessary/occasion.toml")
_SETTLED, _UNSETTLED, _PERSONAL_MATTER = (
    spoken(_TOLD[what]) for what in ("settled", "unsettled", "personal")
)
_NOT = re.compile(r"n't\b")


def _settled(draft: str, facts: Facts) -> Iterator[Finding]:
    """They say that it is settled, and we answered before: a glad word is enough, or none."""
    message = lowered(folded(facts.message))
    match = _SETTLED.search(message) if facts.earlier_replies else None
    if match is None or questions_of(facts.message) or is_negative(facts):
        return
    is_long = len(re.findall(r"\w+", draft)) > _LONG_TO_WHO_IS_CONTENT
    around = next(message[start:end] for start, end in sentences(message) if match.start() < end)
    is_open = _UNSETTLED.search(around) or _NOT.search(around)
    if is_long and not sounds_glad(draft) and not is_open:
        says = "They say that it is settled; a short word is enough, or none."
        yield _finding("necessary.settled", says, draft, beside=_quoted(around))


_TO = (
    r"(?i:dear|hello|hi|hey|to|(?:sehr geehrte|liebe)s|hallo|guten tag|moin|bonjour|chère?s?"
    r"|estimad[oa]s?|hola|buen[oa]s(?: días| tardes)?|olá|oi|bom dia|boa tarde|car[oaie]"
    r"|prezad[oa]s?|gentile|buongiorno|salve|ciao|spettabile)"
)
_DESK = (
    r"(?i:team|support|customer (?:service|care)|staff|crew|kundenservice|kundendienst"
    r"|service client|servicio al cliente|atención al cliente|apoio ao cliente|suporte"
    r"|servizio clienti)"
)
_OF_DESK = (
    r"(?i:(?:l'|el |o |a |à )?(?:équipe|equipo|equipa|equipe|team|staff|service client"
    r"|atención al cliente|apoio ao cliente|servizio clienti)(?: (?:de|da|do|di|del|della)| d')?)"
)
_HOUSE = r"[A-ZÀ-ÖØ-Þ][\w&'.-]*(?: [A-ZÀ-ÖØ-Þ][\w&'.-]*){0,3}"
_TO_A_HOUSE = re.compile(
    rf"\A\W*{_TO},? (?i:the )?(?:(?P<before>{_HOUSE})[ -]{_DESK}\b|{_OF_DESK} ?(?P<after>{_HOUSE}))"
)


def _for_another_house(draft: str, facts: Facts) -> Iterator[Finding]:
    """The message names another house, and ours nowhere."""
    if not facts.our_names or not facts.message:
        return
    own = [_plain(name) for name in facts.our_names if len(_plain(name)) >= 3]
    message = _plain(facts.message)
    if any(name in message for name in own) or facts.earlier_replies:
        return
    written_to = _TO_A_HOUSE.match(folded(facts.message))
    named = (written_to["before"] or written_to["after"]) if written_to else ""
    if named and not any(_plain(named) in name for name in own):
        says = f"They wrote to {named}; is this message for us?"
        yield _finding("necessary.another_house", says, draft)


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def _better_in_private(draft: str, facts: Facts) -> Iterator[Finding]:
    """Somebody is upset about a matter of their own, and it is gone through before everybody."""
    text = own_words(draft)
    if (
        len(re.findall(r"\w+", text)) < _LONG_IN_PUBLIC
        or not is_upset(facts)
        or not _PERSONAL_MATTER.search(lowered(folded(facts.message)))
        or names_private_way(text, facts)
    ):
        return
    change = None
    if facts.private_way:
        gap = "" if not draft or draft[-1].isspace() else " "
        change = gap + _in_private(draft, facts)
    yield Finding(
        code="necessary.better_in_private",
        letter=Letter.NECESSARY,
        light=Light.AMBER,
        says="They are upset about a matter of their own; that is better talked over in private.",
        start=len(draft),
        end=len(draft),
        change=change,
    )


_ADDRESS = re.compile(r"https?://\S+|[\w.+-]+@[\w.-]+\w")


def _in_private(draft: str, facts: Facts) -> str:
    """The private way in the draft's language; only English goes on with the words before it."""
    language = tongue_of(draft, facts)
    address = _ADDRESS.search(facts.private_way)
    way = address[0] if address and language != "en" else facts.private_way
    said: str = _TOLD["in_private"][language]
    return said.format(way=way)


_TURNS = 8


def _quarrel(draft: str, facts: Facts) -> Iterator[Finding]:
    """Both sides have been heated again and again, and nothing new is asked."""
    if not facts.thread or questions_of(facts.message):
        return
    theirs = [turn.text for turn in facts.thread[:_TURNS] if not turn.is_ours][:3]
    ours = [turn.text for turn in facts.thread[:_TURNS] if turn.is_ours][:3]
    if (
        len(theirs) == 3
        and has_feeling(theirs[0])
        and sum(map(has_feeling, theirs)) >= 2
        and sum(map(_was_sharp, ours)) >= 2
    ):
        says = (
            "This has become a quarrel, and nothing new is asked;"
            " silence, or a colleague, may serve better."
        )
        yield _finding("necessary.quarrel", says, draft)


def _was_sharp(text: str) -> bool:
    """Whether an earlier reply of ours had something of Kind to be found."""
    return any(True for concern in (tone, shouting) for _ in concern(text, Facts()))


def _quoted(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_BESIDE else f"{text[: _LONGEST_BESIDE - 1]}…"


def _finding(code: str, says: str, draft: str, *, beside: str = "") -> Finding:
    return Finding(
        code=code,
        letter=Letter.NECESSARY,
        light=Light.AMBER,
        says=says,
        start=len(draft),
        end=len(draft),
        beside=beside,
    )
