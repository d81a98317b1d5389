"""Personal data that a draft would show: e-mail, phone, card, bank, order, birth, address, secret.

In public it stops; in private only what should never be written down is mentioned. What the house
says of itself (`Facts.our_details`, "call us at …", prices, opening hours) is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.hints import PERSONAL, Lines
from heard.think.privacy.belonging import digits_of, is_given_as_ours, is_our_detail
from heard.think.privacy.check_digits import is_card, is_iban
from heard.think.wording import as_begun, folded, one_of, phrase, sentence_around, set_of

_SHOWS = {
    "email": "it shows an e-mail address",
    "phone": "it shows a phone number",
    "card": "it shows a card number",
    "iban": "it shows a bank account",
    "order": "the number in it can open somebody's account with us",
    "birth": "it shows a date of birth",
    "address": "it shows where somebody lives",
    "secret": "it shows a secret",
    "ending": "it shows which card, account or phone somebody uses",
    "plate": "it shows the plate of a vehicle",
    "detail": "it shows what only we should know of this contact",
}
KINDS = frozenset(_SHOWS)


@dataclass(frozen=True, slots=True)
class Datum:
    """One piece of personal data in a text: its kind, its place, and what may stand there instead.

    `is_certain` is false where it may as well be something that anybody may read.
    """

    kind: str
    start: int
    end: int
    value: str
    instead: str
    is_certain: bool = True


def personal_data(draft: str, facts: Facts) -> Iterable[Finding]:
    """Findings for data of the contact, or of anyone, that strangers would read."""
    for datum in data_in(draft, facts):
        if facts.is_public:
            yield _shown(draft, datum)
        elif datum.kind in ("card", "secret"):
            yield _written_down(draft, datum)


def data_in(draft: str, facts: Facts) -> list[Datum]:
    """Personal data in the draft, without overlaps; the surest kinds take their place first."""
    text = folded(draft)
    digits, marks = _digits_in(text), PERSONAL.told(text).marks
    if not (digits or "@" in text or facts.contact_details or marks & _ORDER.mark):
        return []
    taken: list[Datum] = []
    for find in [
        find for least, mark, find in _FINDERS if least <= digits and mark & marks == mark
    ]:
        for datum in find(text, facts):
            if all(datum.end <= other.start or datum.start >= other.end for other in taken):
                taken.append(datum)
    return taken


def _digits_in(text: str) -> int:
    written = text.encode("utf-8", "replace")
    return len(written) - len(written.translate(None, b"0123456789"))


def _shown(draft: str, datum: Datum) -> Finding:
    matched = draft[datum.start : datum.end]
    certain = datum.is_certain
    return Finding(
        code=f"necessary.{datum.kind}",
        letter=Letter.NECESSARY,
        light=Light.RED if certain else Light.AMBER,
        says=f"Anybody can read this reply, and {_SHOWS[datum.kind]}."
        if certain
        else "Anybody can read this reply; is this a number of ours?",
        stops=certain,
        matched=matched,
        start=datum.start,
        end=datum.end,
        change=as_begun(matched, datum.instead) if certain else None,
    )


def _written_down(draft: str, datum: Datum) -> Finding:
    matched = draft[datum.start : datum.end]
    if datum.kind == "card":
        says = "A whole card number should not be written down; its last four digits are enough."
        change = f"the card ending in {datum.value[-4:]}"
    else:
        says = "A secret in a message stays there for whoever opens it later."
        change = datum.instead
    return Finding(
        code=f"necessary.{datum.kind}",
        letter=Letter.NECESSARY,
        light=Light.AMBER,
        says=says,
        matched=matched,
        start=datum.start,
        end=datum.end,
        change=as_begun(matched, change),
    )


def _begins(words: re.Pattern[str], text: str, place: int) -> int:
    """Where the words begin that end at `place`, which is there if there are none."""
    match = words.search(text, max(0, place - 60), place)
    return match.start() if match else place


# --- kinds, from the surest ---------------------------------------------------------------------

_CARD = re.compile(
    r"(?<![\w.+])(?:(?:your|the) )?(?:card (?:number )?)?(\d(?:[ -]?\d){12,18})(?!\w)",
    re.IGNORECASE,
)


def _cards(text: str, _facts: Facts) -> Iterator[Datum]:
    for match in _CARD.finditer(text):
        number = digits_of(match[1])
        if is_card(number):
            yield Datum("card", match.start(), match.end(), number, "your card")


_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{1,4}){3,8}(?!\w)", re.IGNORECASE)


_MASKED = re.compile(r"[A-Z]{2}\d{2}(?: ?\d{4}){2}[ \d]*[….*xX•]{1,}")


def _ibans(text: str, facts: Facts) -> Iterator[Datum]:
    for match in _IBAN.finditer(text):
        groups = match[0].split(" ")
        # The words behind may look like more of it.
        while groups and not is_iban("".join(groups)):
            groups.pop()
        value = " ".join(groups)
        if not value and _MASKED.match(text, match.start()):
            value = match[0]
        if value and not is_given_as_ours(text, match.start()) and not is_our_detail(value, facts):
            end = match.start() + len(value)
            yield Datum("iban", match.start(), end, value, "your bank account")


_EMAIL = re.compile(
    r"(?:\b(?:your|the) (?:e-?mail(?: address)?|address)[ :,]{1,3}(?:is )?)?"
    r"(?<![\w.+-])([\w.+-]{1,64})@((?:[\w-]{1,63}\.)+[a-z]{2,24})\b",
    re.IGNORECASE,
)
_AT = re.compile(r"@(?<=\w@)\w")
_ROLES = set_of(
    """
    info support help helpdesk contact hello hi service services customerservice customercare
    customer customers care sales press media office feedback team privacy legal dpo jobs careers
    orders booking bookings reservations reservation returns billing accounts complaints enquiries
    inquiries welcome mail kontakt hilfe kundenservice contacto ayuda aide assistance assistenza
    noreply no-reply webmaster
    """
)


def _emails(text: str, facts: Facts) -> Iterator[Datum]:
    if not _AT.search(text):
        return
    for match in _EMAIL.finditer(text):
        address = f"{match[1]}@{match[2]}"
        domain = match[2].casefold()
        is_ours = (
            match[1].casefold() in _ROLES
            or any(domain == own or domain.endswith(f".{own}") for own in facts.allowed_domains)
            or is_our_detail(address, facts)
            or is_given_as_ours(text, match.start())
        )
        if not is_ours:
            yield Datum("email", match.start(), match.end(), address, "your e-mail address")


_CODE = (
    r"(?:access|security|verification|door|gate|entry|street door|alarm|key ?safe|locker|unlock)"
)
_IS = (
    r"(?:'s)?(?:\s*[:=]\s*|\s+(?:is|es|ist|est|è|é|era|lautet|'s):?\s+|\s+(?=[\w-]*\d))"
    r"[\"']?(?P<value>(?!http)(?=[^\s\"']*\d)[^\s\"',]{3,40}?)(?=[\"']?[.,;!?]?(?:\s|$))"
    r"(?!\s+(?:characters?|digits?|letters?|days?|hours?|minutes?)\b)"
)
_SECRET = Lines(
    rf"(?:{_CODE} code|code for the (?:\w+ )?(?:door|gate|key ?safe|alarm|locker|box)"
    r"|password|passcode|pin|pin code|cvv|cvc|user ?name|user id|login"
    r"|(?:la |tu |su )?(?:clave|contraseña)(?: (?:provisional|temporal|nueva))?"
    r"|(?:tu |su |seu |o seu |il suo |il tuo )?(?:usuario|utilizador|nome utente|utente)"
    r"|(?:ihr |dein )?(?:passwort|kennwort|benutzername|türcode)"
    r"|(?:a |sua |a sua |tua )?(?:senha|palavra-passe|password)|mot de passe|identifiant"
    rf"|code d'entrée|codice (?:di accesso|del portone)){_IS}",
    rf"(?P<bare>{_CODE}){_IS}",
    before=r"\b",
    after="",
)
# "Gate 1947" is told to somebody who travels, unless there is talk of a code.
_OF_CODES = re.compile(r"code|\bpin\b", re.IGNORECASE)
_YOURS = re.compile(
    r"(?:\b(?:your|the|my|new|temporary|one-time|provisional|right|old) )*\Z", re.IGNORECASE
)


def _secrets(text: str, _facts: Facts) -> Iterator[Datum]:
    for match in _SECRET(text):
        # "PIN 4 digits", "code 12 of the house rules": only the sign or the verb makes it a secret.
        if "bare" not in match.groupdict() or _OF_CODES.search(text):
            instead = "the code that we send you privately"
            start = _begins(_YOURS, text, match.start())
            yield Datum("secret", start, match.end(), match["value"], instead)


_ORDER = Lines(
    r"\b(?:(?:your|the|my|this|our) )?(?P<noun>order|booking|reservation|confirmation|account"
    r"|customer|client|member(?:ship)?|loyalty|frequent flyer|invoice|tracking|parcel|shipment"
    r"|policy|passport|ticket|case|claim|contract|licen[cs]e|reference|pnr|record locator|imei"
    r"|patient|student|bestell(?:ung|nummer)|kundennummer|buchung(?:snummer)?|sendung(?:snummer)?"
    r"|rechnung(?:snummer)?|vertrag(?:snummer)?|vorgang(?:snummer)?|auftrag(?:snummer)?|paket"
    r"|commande|réservation|facture|dossier|colis|pedido|reserva|factura|envío|expediente|siniestro"
    r"|cliente|ordine|prenotazione|fattura|pratica|spedizione|encomenda|fatura|contrato|processo)\b"
    r"(?P<label>(?: ?(?:number|no\.?|nr\.?|id|code|ref\.?|reference|locator|nummer|numéro"
    r"|número|numero"
    r"|n\.º|n[°º]|nº|#)(?!\w))*)"
    r"(?P<sign>\s*(?:\bis\b|[:=#]|\())*\s*"
    r"(?P<value>[A-Z0-9](?:[A-Z0-9]|[-/](?=[A-Z0-9])){3,30})"
    r"(?![\w%])(?!\s?[%€$£])(?![.,:]\d)",
    before="",
    after="",
)
_A_QUANTITY = re.compile(
    r"\d{1,4}(?:st|nd|rd|th|s|h|hrs?|min|days?|pm|am|x|kg|km|[-/]\d{1,4}){1,2}", re.IGNORECASE
)
_LOCATOR = re.compile(r"[A-Z]{6}")
_LOCATORS = {"pnr", "record locator"}
_ORDER_INSTEAD = {"pnr": "your booking", "record locator": "your booking", "imei": "your phone"}


def _orders(text: str, facts: Facts) -> Iterator[Datum]:
    if not (_digits_in(text) or _LOCATOR.search(text)):
        return
    for match in _ORDER(text):
        value, noun = match["value"], match["noun"].lower()
        is_marked = bool(match["label"].strip() or match["sign"]) or noun in _LOCATORS
        # An airline's locator may be six capitals, as any shouted word may be.
        is_shouted = noun not in _LOCATORS and noun.upper() == match["noun"]
        if _opens_an_account(value, is_marked=is_marked, is_shouted=is_shouted) and (
            not is_our_detail(value, facts)
        ):
            instead = _ORDER_INSTEAD.get(noun, f"your {noun}")
            yield Datum("order", match.start(), match.end(), value, instead)


def _opens_an_account(value: str, *, is_marked: bool, is_shouted: bool) -> bool:
    if _A_QUANTITY.fullmatch(value):
        return False
    digits = len(digits_of(value))
    if digits == 0:
        return is_marked and not is_shouted and bool(_LOCATOR.fullmatch(value))
    if is_marked:
        return len(value) >= 5 or digits >= 4
    return digits >= 5 or (len(value) >= 6 and value.upper() == value)


_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_BIRTH = Lines(
    r"(?:(?:your|his|her|the) )?(?:date of birth|birth ?date|d\.?o\.?b\.?|birthday|born|geboren"
    r"|geburtsdatum|née? le|date de naissance|nacid[oa]|fecha de nacimiento|nat[oa] il"
    r"|data di nascita|nascid[oa]|data de nascimento)"
    r"(?: is| as| on| am| ist| el| em| a| è| es| est| em| é|:|,| \()*\s*"
    r"(\d{1,2}[./-]\d{1,2}[./-](?:19|20)?\d\d|(?:19|20)\d\d-\d\d-\d\d"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH},? (?:19|20)\d\d"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? (?:19|20)\d\d)\b\)?",
    before=r"\b",
    after="",
)


def _births(text: str, _facts: Facts) -> Iterator[Datum]:
    for match in _BIRTH(text):
        yield Datum("birth", match.start(), match.end(), match[1], "your date of birth")


# What follows the words "phone", "call you at" and so on may be written without a break.
_PLAIN_NUMBER = (
    r"(?:(?<=phone )|(?<=phone number )|(?<=mobile )|(?<=mobile number )|(?<=your number )"
    r"|(?<=tel\. )|(?<=tel: )|(?<=call you on )|(?<=call you at )|(?<=whatsapp )|(?<=number is ))"
    r"\d{7,12}"
)
# Seven digits may be anything, unless the words before say that somebody is called there.
_LOCAL_NUMBER = (
    r"(?:(?<=you on )|(?<=you at )|(?<=him on )|(?<=her on )|(?<=mobile )|(?<=mobile is )"
    r"|(?<=mobile, )"
    r"|(?<=number )|(?<=number, )|(?<=number is )|(?<=phone )|(?<=phone, )|(?<=tel\. )"
    r"|(?<=call to )|(?<=tel )|(?<=para o )|(?<=cellulare )|(?<=móvil )|(?<=celular )"
    r"|(?<=telemóvel )|(?<=portable )|(?<=contact \w{4} on )|(?<=contact \w{5} on )"
    r"|(?<=contact \w{6} on )|(?<=contact \w{7} on )|(?<=rang )|(?<=tried )|(?<=called ))"
    r"\d{3}[- ]\d{4}"
)
_NUMBER = one_of(
    rf"""
    \+\(?\d[\d ().\-/]{{6,20}}\d
    00[1-9]\d[\d ().\-/]{{6,18}}\d
    (?:1[ .-]?)?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])\d{{3}}[ .-]\d{{4}}
    \(?0\d{{1,5}}\)?[ ./-]{{1,3}}\d[\d ./-]{{4,12}}\d
    0\d{{9,10}}
    [6-9]\d\d[ -]\d{{3}}[ -]\d{{3}}
    {_LOCAL_NUMBER}
    {_PLAIN_NUMBER}
    """
)
_PHONE = re.compile(
    rf"{_NUMBER}"
    r"(?![\w%])(?![.,:-]\d)(?!\s?(?:[€$£%]|eur|usd|gbp|chf|kr|pln|people|views|km|kg)\b)",
    re.IGNORECASE,
)
_FREE_TO_CALL = re.compile(
    r"(?:\+?1[ .-]?)?\(?8(?:00|33|44|55|66|77|88)\b|0800|0808|00800|\+4[49] ?800"
)
_DATES_AND_HOURS = re.compile(
    r"\b\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d\d)\b|\b(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}\b"
    r"|^0?\d{1,2}\.\d\d ?[-/] ?\d{1,2}\.\d\d|^0\d ?- ?\d\d[ ,]"
)


_BEFORE_A_PHONE = re.compile(
    r"(?<![\w.,/#$€£+-])(?:(?:your|the) )?(?:(?:phone|mobile|cell|telephone) )?(?:number )?"
    r"(?:is |: )?\Z",
    re.IGNORECASE,
)
_BEGINS_A_PHONE = re.compile(r"[+(\d](?<![\w.,/#$€£+-][+(\d])")
# Seven digits with nothing between them that no number is written with.
_RINGS = re.compile(r"[0-9](?:[ ().\-/]*[0-9]){6}")


def _phones(text: str, facts: Facts) -> Iterator[Datum]:
    if not _RINGS.search(text):
        return
    end = 0
    for begin in _BEGINS_A_PHONE.finditer(text):
        place = begin.start()
        if place < end or not (match := _PHONE.match(text, place)):
            continue
        number, end = match[0], match.end()
        if not _may_ring(number, text[max(0, place - 12) : place]) or is_our_detail(number, facts):
            continue
        if not is_given_as_ours(text, place):
            start = _begins(_BEFORE_A_PHONE, text, place)
            yield Datum("phone", start, end, number, "your phone number")
        elif any(len(digits_of(detail)) >= 7 for detail in facts.our_details):
            # The house has said which numbers are its own, and this is none of them.
            yield Datum("phone", place, end, number, "", is_certain=False)


def _may_ring(number: str, before: str) -> bool:
    least = 9 if number.lstrip("(").startswith("0") else 7
    return (
        least <= len(digits_of(number)) <= 15
        and not _DATES_AND_HOURS.search(number)
        and not _FREE_TO_CALL.match(number)
        and "ISBN" not in before.upper()
    )


_STREETS = "|".join(
    sorted(
        set_of(
            """
            Street St Avenue Ave Road Rd Lane Ln Drive Dr Boulevard Blvd Court Ct Close
            Crescent Terrace Square Gardens Grove Mews Highway Parkway Way Place Walk Rise
            Row Hill View Green Park Quay Wharf Yard Croft Villas Cottages House Buildings
            Passage End
            """
        )
    )
)
_ADDRESS = Lines(
    r"""
    \d{1,5}[a-zA-Z]?,? (?:[A-Z][\w'.-]* ){1,3}(?:@@)\b
    (?:[Ff]lat) \d{1,4}[A-Za-z]?(?:,? [A-Z]\w+ (?:House|Court|Mews|Lodge|Point))?\b
    (?:[Aa]partment) \d{1,4}[A-Za-z]?(?:,? [A-Z]\w+ (?:House|Court|Mews|Lodge|Point))?\b
    (?:[Aa]pt\.?) \d{1,4}[A-Za-z]?(?:,? [A-Z]\w+ (?:House|Court|Mews|Lodge|Point))?\b
    (?:[Aa]ppartement) \d{1,4}[A-Za-z]?(?:,? [A-Z]\w+ (?:House|Court|Mews|Lodge|Point))?\b
    (?:[Ww]ohnung) \d{1,4}[A-Za-z]?(?:,? [A-Z]\w+ (?:House|Court|Mews|Lodge|Point))?\b
    (?:[Ii]nterno) \d{1,4}[A-Za-z]?(?:,? [A-Z]\w+ (?:House|Court|Mews|Lodge|Point))?\b
    (?:[Pp]iso) \d{1,4}[A-Za-z]?(?:,? [A-Z]\w+ (?:House|Court|Mews|Lodge|Point))?\b
    (?<!our )(?<!a )[Rr]oom \d{3,4}\b
    [A-ZÄÖÜ][a-zäöüß]+ \d{1,4}(?=,? (?:Hinterhaus|Vorderhaus|[Ii]nterno|[Pp]iso|3B))
    (?:su |sus )?(?:vecin[oa] del )?\d{1,3}[A-Z] de [A-Z]\w+ \d{1,4}
    (?:vive|vives|vivía) en [A-Z]\w+ \d{1,4}
    (?:via|viale|piazza|rua|calle) [A-Z]\w+(?: [A-Z]\w+)?,? \d{1,4}\b
    [A-ZÄÖÜ][\w-]*(?:straße|strasse|str\.|weg|gasse|platz|allee) ?\d{1,4} ?[a-z]?\b
    \d{1,4}(?: bis| ter)?,? (?:rue|avenue|boulevard|chemin|impasse|allée|quai)(?: [\w'-]+){1,5}
    (?:Calle|C/|Avenida|Plaza|Via|Viale|Piazza|Rua|Praça|Travessa)(?: [\w'.]+){1,4},? \d{1,4}\b
    """.replace("@@", _STREETS),
    before=r"(?<![\w.,$€£#/-])",
    after="",
    flags=re.RegexFlag.NOFLAG,
)
_LIVES_THERE = phrase(
    r"""
    (?:your|his|her|their) (?:\w+ )?(?:address|home|house|flat|apartment|place|door)\b
    you (?:live|moved)\b
    (?:deliver|ship|sen[dt]|post|dispatch|driver|courier|parcel|package|engineer|fitter|assessor)
    van\b
    address (?:we have|on file|is|as)\b
    (?:he|she|they)(?:'s|'re| is| are)? liv(?:es?|ing)\b
    (?:flat|apartment|room|locker) \d
    (?:you|you're|your|mr|mrs|ms|miss|is this) \b
    (?:left|signed|handed|neighbou?r|tenant|registered|account|called|attended|went out)
    here waiting\b
    (?:paket|zustell|geliefert|liegt|nachbar|wohn|bote|kurier)
    (?:livr|colis|habit|courrier|chez|domicile|locataire)
    (?:entreg|mensajer|paquete|repartidor|vive|vecin|domicilio|ficha)
    (?:consegna|corriere|pacco|abita|citofono|vicin)
    (?:encomenda|estafeta|entregue|mora|dívida|contrato|vizinh)
    """
)
_WE_ARE_THERE = phrase(
    r"""
    (?:our|visit us|find us|come by|we(?:'re| are) (?:at|in|on)|opening at|shop|store|showroom)\b
    (?:entrance)\b
    (?:uns|unser\w*|nous|notre|nos|nuestr\w+|estamos|ci trovate|siamo|nostr\w+|noss\w+)\b
    """
)


def _addresses(text: str, facts: Facts) -> Iterator[Datum]:
    for match in _ADDRESS(text):
        start, end = sentence_around(text, match.start())
        around = text[max(start, match.start() - 90) : min(end, match.end() + 40)]
        if (
            _LIVES_THERE.search(around)
            and not _WE_ARE_THERE.search(around)
            and not is_our_detail(match[0], facts)
        ):
            yield Datum("address", match.start(), match.end(), match[0], "your address")


_ENDING = Lines(
    r"(?:\b(?:your|the|his|her|a|ihr\w*|votre|su|tu|seu|sua|suo) )?"
    r"\b(?:cards?|accounts?|visa|mastercard|amex|mobile|phone|number|one|iban|karte|konto|carte"
    r"|compte|tarjeta|cuenta|carta|conto|cartão|conta)\b[^.!?\n]{0,30}?"
    r"\b(?:ending|ends|that ends|final|terminad[ao]|que termina|terminant|endet|endend|che finisce)"
    r"(?: (?:in|on|with|mit|auf|em|en|par|per|con|com))? ?:?\s*\d{3,4}\b",
    r"\b(?:sort code|sort-code|account at|account no|code)\W{0,3}\d\d-\d\d-\d\d\b",
    before="",
    after="",
)


def _endings(text: str, _facts: Facts) -> Iterator[Datum]:
    for match in _ENDING(text):
        yield Datum("ending", match.start(), match.end(), match[0], "your card")


_PLATE = Lines(
    r"\b(?:reg(?:istration)?(?: (?:number|plate|no\.?))?|number plate|plate|rego|kennzeichen|targa"
    r"|matr[íi]cula|immatriculé\w*|immatriculation)\b\W{0,3}(?:is |ist |es |est |è |é )?"
    r"(?-i:((?=[A-Z0-9 -]{0,8}\d)[A-Z0-9]{1,4}(?:[ -][A-Z0-9]{1,4}){0,2}))(?!\w)",
    before="",
    after="",
)


def _plates(text: str, _facts: Facts) -> Iterator[Datum]:
    for match in _PLATE(text):
        if len(match[1]) >= 4:
            yield Datum("plate", match.start(), match.end(), match[1], "your vehicle")


def _details(text: str, facts: Facts) -> Iterator[Datum]:
    for detail in facts.contact_details:
        known = re.escape(detail.strip())
        if len(known) < 5:
            continue  # so short a detail is also an ordinary word
        for match in re.finditer(rf"(?<!\w){known}(?!\w)", text, re.IGNORECASE):
            yield Datum("detail", match.start(), match.end(), match[0], "what we have on file")


# How many digits a text needs for it, and the mark of the lines that it may have to match.
_FINDERS: tuple[tuple[int, int, Callable[[str, Facts], Iterable[Datum]]], ...] = (
    (10, 0, _ibans),
    (13, 0, _cards),
    (0, 0, _emails),
    (1, _SECRET.mark, _secrets),
    (4, _BIRTH.mark, _births),
    (0, _ORDER.mark, _orders),
    (7, 0, _phones),
    (1, _ADDRESS.mark, _addresses),
    (3, _ENDING.mark, _endings),
    (1, _PLATE.mark, _plates),
    (0, 0, _details),
)
