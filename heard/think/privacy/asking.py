"""Asking a contact for personal data where strangers read the answer, or for a secret anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable

from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.hints import PERSONAL, Lines, marks_of
from heard.think.privacy.in_the_open import (
    IN_PRIVATE,
    PLACES,
    may_ask_in_the_open,
    requests_in_the_open,
)
from heard.think.wording import one_of, own_words, sentence_around


def asking(draft: str, facts: Facts) -> Iterable[Finding]:
    """Findings for requests that no reply, or no public reply, should make."""
    text = own_words(draft)
    may = PERSONAL.told(text)
    if _SECRET_REQUEST in may and _NAMES_SECRETS in may:
        yield from _for_a_secret(draft, text)
    if facts.is_public and (
        (_REQUEST in may and _NAMES_DATA in may)
        or may.marks & _ELSEWHERE_TOO
        or may_ask_in_the_open(may.marks)
    ):
        yield from _in_public(draft, facts, text)


def _for_a_secret(draft: str, text: str) -> Iterable[Finding]:
    for match in _SECRET_REQUEST(text):
        yield Finding(
            code="necessary.asks_secret",
            letter=Letter.NECESSARY,
            light=Light.RED,
            says="Nobody of ours should ask for a password, a PIN or a whole card number.",
            stops=True,
            matched=draft[match.start() : match.end()],
            start=match.start(),
            end=match.end(),
        )


_NUMBERS = one_of(
    r"""
    (?:order|booking|reservation|confirmation|ticket|tracking|policy|invoice|contract)[ -]@@\b
    (?:account|customer|client|member(?:ship)?|loyalty|frequent flyer|passport|card|bank|id)[ -]@@\b
    (?:case|claim|phone|mobile|cell|telephone|contact|pnr|reference)[ -]@@\b
    (?:record locator|booking ref(?:erence)?s?|pnr|iban|imei)\b
    """.replace("@@", r"(?:number|no\b\.?|id|code|reference|ref|details|data)s?")
)
_ADDRESS = (
    r"(?:(?:e-?mail|home|postal|delivery|billing|street|shipping|full|current|registered) )*address"
)
_DATA = one_of(
    rf"""
    {_NUMBERS}
    {_ADDRESS}(?:es)?\b
    (?:e-?mail|date of birth|birth ?date|full name|post ?code|zip(?: code)?)\b
    (?:personal|contact|account|payment|booking|order|card) (?:details|information|info|data)\b
    """
)
_MORE = rf"(?:(?:,|,? (?:and|or|&)) (?:your )?{_DATA})*"
_SECRETS = (
    r"(?:password|passcode|pin(?: code| number)?|cvv|cvc|(?:security|verification|one-time) code"
    r"|(?:full|whole) card number)\b"
)
# Up to six words, none of which turns the request into another ("tell us if your e-mail …").
_BETWEEN = (
    r"(?:(?!(?:if|when|whether|how|which|once|that|after|so|where|on|in|to|about)\b)"
    r"(?!(?<!us )(?<!me )with\b)"
    r"[\w'/&-]+,? (?:(?:and|or|&) )?){0,6}?"
)
_TELL = (
    r"(?:send|share|give|provide|tell|post|(?:reply|respond|answer|comment) with|confirm"
    r"|let (?:us|me) (?:know|have)|drop (?:us|me))"
)
_PUT = r"(?:comment|leave|state|include|add|write|type|verify|put|enter)"
_ASKED = r"(?<!you )(?<!we )(?<!will )(?<!'ll )(?<!not )(?<!n't )(?<!never )(?<!to )"
_OPENING = one_of(
    rf"""
    {_ASKED}(?:{_TELL}|(?P<put>{_PUT}))
    (?:could|can|would|will) you(?: please)?(?: \w+)? {_TELL}
    (?:may|can|could) (?:i|we)(?: please)? (?:have|get)
    (?:we|i)(?:'d| would)?(?: will|'ll)?(?: also)? (?:need|require)
    """
)
_BEGINS = r"\b"
_REQUEST = Lines(
    rf"""
    {_OPENING} {_BETWEEN}(?:your {_BETWEEN}{_DATA}|(?:the|a|an) {_BETWEEN}{_NUMBERS}){_MORE}
    what(?:'s| is| was| are) (?:your {_BETWEEN}{_DATA}|the {_BETWEEN}{_NUMBERS}){_MORE}
    """,
    before=_BEGINS,
    after="",
)
_SECRET_REQUEST = Lines(
    rf"(?:{_ASKED}{_TELL}|may (?:i|we) have|what(?:'s| is)) {_BETWEEN}your {_BETWEEN}{_SECRETS}",
    before=_BEGINS,
    after="",
)
# A request names what it asks for.
_NAMES_DATA = Lines(_DATA, _NUMBERS, before="", after="")
_NAMES_SECRETS = Lines(_SECRETS, before="", after="")
# What is asked for most, in the languages that contacts of a house may write in besides:
# the verb, "your", and the data.
_ELSEWHERE = (
    (
        "de",
        r"(?:schicken|senden|nennen|teilen|geben|schreiben) sie",
        r"ihre?n?",
        r"(?:[\w-]+ )?\w*(?:nummer|adresse|anschrift|geburtsdatum|iban)",
    ),
    (
        "fr",
        r"(?:envoyez|donnez|communiquez|indiquez|transmettez|précisez)[- ](?:nous|moi)",
        r"votre",
        r"(?:numéro|adresse|date de naissance|n°|e-?mail|iban)",
    ),
    (
        "es",
        r"(?:envíe|envía|mande|manda|indique|indica|facilite|facilita|comparta|comparte)(?:nos|me)",
        r"(?:su|tu)",
        r"(?:número|teléfono|dirección|correo|fecha de nacimiento|dni|iban)",
    ),
    (
        "pt",
        r"(?:envie|mande|informe|passe|indique)(?:-nos|-me)?",
        r"(?:seu|sua)",
        r"(?:número|telefone|endereço|e-?mail|morada|data de nascimento|cpf|nif|iban)",
    ),
    (
        "it",
        r"(?:invii?|mandi|comunichi|indichi|invia|manda|fornisc[ai])(?:ci|mi)?",
        r"(?:suo|sua|tuo|tua)",
        r"(?:numero|telefono|indirizzo|e-?mail|data di nascita|iban)",
    ),
)
_REQUESTS_ELSEWHERE = {
    language: Lines(rf"{verb} [^.!?\n]{{0,40}}?\b{your} {data}\b", before=_BEGINS, after="")
    for language, verb, your, data in _ELSEWHERE
}
_PRIVATE = Lines(
    r"""
    \bd\.?m'?s?\b
    \bdirect(?:ly)?[ -]messag
    \bprivate
    \bpm (?:us|me|with)\b
    \b(?:inbox|messenger|form)\b
    \b(?:by|via|in|through|over) (?:(?:an?|our|live|the) )?(?:e-?mail|chat|phone|message|link)\b
    \b(?:e-?mail|call|ring|message|text|whatsapp) (?:us|me)\b
    \b(?:log(?:ging)?|sign(?:ing)?) in\b
    \bhere:? ?https?:
    \bwhen you (?:call|phone|visit|write|arrive|check)\b
    \bat the (?:desk|airport|counter|gate)\b
    \bwithout (?:sharing|posting|revealing)\b
    priva[dt]
    direktnachricht
    mensaje directo
    message privé
    \bM[PD]\b
    messaggio
    mensagem
    """,
    before="",
    after="",
)
_IN_THE_OPEN = Lines(
    r"""
    (?:right )?here(?! ?:? ?https?:)\b
    below\b
    in (?:the |a )?(?:comments?|thread|repl(?:y|ies))\b
    publicly\b
    """,
    before=_BEGINS,
    after="",
)
_ELSEWHERE_TOO = marks_of(_REQUESTS_ELSEWHERE.values())
_OPEN_PLACES = marks_of({_IN_THE_OPEN, *PLACES})


def _in_public(draft: str, facts: Facts, text: str) -> Iterable[Finding]:
    names_a_way = names_private_way(text, facts)
    if names_a_way and not PERSONAL.told(text).marks & _OPEN_PLACES:
        return
    found = list(_asked(draft, text, facts, names_a_way=names_a_way))
    way = f" {facts.private_way}" if facts.private_way else ""
    for request in requests_in_the_open(text, names_a_private_way=names_a_way):
        if _is_apart(request.start, request.end, found):
            found.append(_public(draft, request.start, request.end, request.instead + way))
    if not names_a_way:
        for language, lines in _REQUESTS_ELSEWHERE.items():
            for match in lines(text):
                start, end = match.span()
                if _is_apart(start, end, found):
                    change = f"{draft[start:end]} {IN_PRIVATE[language]}{way}"
                    found.append(_public(draft, start, end, change))
    yield from found


def _is_apart(start: int, end: int, found: Iterable[Finding]) -> bool:
    return all(end <= one.start or start >= one.end for one in found)


def _public(draft: str, start: int, end: int, change: str) -> Finding:
    return Finding(
        code="necessary.asks_in_public",
        letter=Letter.NECESSARY,
        light=Light.RED,
        says="Anybody could read the answer; ask for it in a private message.",
        stops=True,
        matched=draft[start:end],
        start=start,
        end=end,
        change=change,
    )


def _asked(draft: str, text: str, facts: Facts, *, names_a_way: bool) -> Iterable[Finding]:
    for match in _REQUEST(text):
        start, end = match.span()
        _, stop = sentence_around(text, start)
        open_place = _IN_THE_OPEN.search(text, end, min(stop, end + 40))
        asked = draft[start:end]
        if open_place:
            asked = draft[start : open_place.start()].rstrip()
            end = open_place.end()
        elif names_a_way or match.groupdict().get("put"):
            continue
        yield _public(draft, start, end, _asked_in_private(asked, facts))


def names_private_way(text: str, facts: Facts) -> bool:
    """Whether a draft leads to a place where strangers read nothing."""
    return bool(_PRIVATE.search(text)) or _names_our_way(text, facts)


def names_a_private_way(text: str) -> bool:
    """Whether a text tells of a way that strangers do not read: a message, a form, a call."""
    return bool(_PRIVATE.search(text))


def _names_our_way(text: str, facts: Facts) -> bool:
    return bool(facts.private_way) and facts.private_way in text


_WHAT = re.compile(r"what\S* (?:(?:is|was|are) )?", re.IGNORECASE)


def _asked_in_private(asked: str, facts: Facts) -> str:
    way = f"in a private message {facts.private_way}".rstrip()
    question = _WHAT.match(asked)
    if question:
        could = "Could" if asked[0].isupper() else "could"
        return f"{could} you send us {asked[question.end() :]} {way}"
    return f"{asked} {way}"
