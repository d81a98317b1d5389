"""Gaps in a saved answer, `{contact name}`: which there are, filling them, and making them.

A gap that nobody could fill stays as it is, and the check of a draft stops at it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from heard.think import Facts
from heard.think.privacy.belonging import is_given_as_ours, is_our_detail
from heard.think.privacy.personal_data import data_in
from heard.think.wording import set_of

_GAP = re.compile(r"\$?\{\{?\s*([^\W\d_][\w .-]{0,40}?)\s*\}?\}")
_APART = re.compile(r"[\s._-]+")


@dataclass(frozen=True, slots=True)
class Gap:
    """One gap: its name, what fills it, and what else people and other programs call it."""

    name: str
    says: Any
    also: tuple[str, ...] = ()


GAPS = (
    Gap(
        "contact name",
        _("the name to greet them by, where it is a person's name"),
        (
            "name",
            "first name",
            "customer",
            "customer name",
            "contact",
            "contact first name",
            "ticket requester first name",
            "ticket requester name",
        ),
    ),
    Gap(
        "agent name",
        _("your name, as colleagues call you"),
        ("agent", "my name", "your name", "agent first name", "current user name", "user name"),
    ),
    Gap("brand", _("the brand of the inbox"), ("company", "company name", "account name")),
    Gap("place", _("the shop, hotel, restaurant … of the inbox"), ("shop", "store", "location")),
    Gap("inbox", _("the name of the inbox"), ("inbox name",)),
    Gap(
        "opening hours today",
        _("when somebody is at the door today, by the opening hours of the inbox"),
        ("hours today", "today hours", "opening hours"),
    ),
    Gap(
        "private page link",
        _("the address of a page of ours where only we read what they write"),
        ("private page", "private link", "contact page"),
    ),
    Gap(
        "order",
        _("the order or booking number that they named last; never where strangers read along"),
        ("order number", "booking", "booking number", "order id"),
    ),
)
NAMES = tuple(gap.name for gap in GAPS)
_CALLED = {known: gap.name for gap in GAPS for known in (gap.name, *gap.also)}


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its gaps filled as far as is known; `missing` names those that are still open."""

    text: str
    missing: tuple[str, ...]


def name_of(gap: str) -> str:
    """The one name of a gap, however it was written: `Contact.Name` is `contact name`."""
    plain = _APART.sub(" ", gap).strip().casefold()
    return _CALLED.get(plain, plain)


def gaps_in(text: str) -> tuple[str, ...]:
    """The names of the gaps in a text, each once, in their order."""
    return tuple(dict.fromkeys(name_of(found[1]) for found in _GAP.finditer(text)))


def fill(text: str, values: Mapping[str, str]) -> Filled:
    """Put what is known into the gaps, once: what is put in is not looked at again.

    What stays open is written the way that the check of a draft knows: `{opening hours today}`.
    """
    missing: list[str] = []

    def known(found: re.Match[str]) -> str:
        name = name_of(found[1])
        if value := values.get(name, ""):
            return value
        missing.append(name)
        return f"{{{name}}}"

    return Filled(_GAP.sub(known, text), tuple(dict.fromkeys(missing)))


def in_our_words(text: str) -> str:
    """The same text with every gap under its one name, as it is kept."""
    return _GAP.sub(lambda found: f"{{{name_of(found[1])}}}", text)


def without_gaps(text: str) -> str:
    """The words alone."""
    return _GAP.sub(" ", text)


# --- making gaps: what an earlier reply says of somebody else ------------------------------------

_OF_KIND = {
    "email": "their e-mail",
    "phone": "their phone",
    "card": "their card",
    "iban": "their account",
    "birth": "their birthday",
    "address": "their address",
    "secret": "secret",
    "detail": "their details",
    "order": "order",
}
# Whoever is greeted, and a long run of digits: no list of ours knows every name and number.
_GREETED = re.compile(
    r"\b(?P<greeting>(?:Dear|Hi|Hello|Hey|Hiya|Good (?:morning|afternoon|evening|day)|Thanks"
    r"|Thank you|Sorry|Happy birthday|Hallo|Liebe[rs]?|Guten (?:Tag|Morgen|Abend)|Bonjour|Cher"
    r"|Chère|Merci|Hola|Gracias|Ciao|Gentile|Grazie|Olá|Caro|Cara|Obrigad[oa])"
    r",?(?:[ ]+(?:Mr|Mrs|Ms|Miss|Mx|Dr|Herr|Frau|M|Mme|Sr|Sra|Señora?|Signora?|Senhora?)\b\.?)?)"
    r"[ ]+(?!(?:Sir|Madam|Customer|All|Team|Guest|Both|Everybody|Everyone|There|Gast|Client)\b)"
    r"(?P<name>[A-ZÀ-ÖØ-Þ][\w'’-]+(?:[ ][A-ZÀ-ÖØ-Þ][\w'’-]+){0,2})(?=[ ]?[,.!:;–—\n]|$)"
)
_NUMBER = re.compile(r"(?<![\w/.,:€£$-])#?(?=[\w-]*\d)[A-Z0-9]+(?:-[A-Z0-9]+)*(?![\w/]|[.,:-]\d)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}-\d{1,2}-\d{2,4}")
_LINK = re.compile(r"https?://[^\s<>\"')\]]+")
_TOKEN = re.compile(r"(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{16,}")
LEAST_DIGITS = 4
SHORTEST_NAME = 2
_WORDS_TOO = set_of("An As At Be By Do El He If In Is It La Le Me My No Of On Or So To Up Us We")
"""Short names that are words as well: they are left where they stand alone."""


def with_gaps(
    text: str,
    *,
    contact_names: Collection[str],
    agent_names: Collection[str] = (),
    details: Collection[str] = (),
    our_details: Collection[str] = (),
) -> str:
    """An earlier reply with gaps where it speaks of the one person it was for, or of its writer.

    `contact_names` are the names and handles of that person, `details` what else we know of them;
    `our_details` are for everybody and stay. It would rather take too much than leave a name.
    """
    text = _LINK.sub(lambda link: _kept_link(link[0]), text)
    facts = Facts(contact_details=tuple(details), our_details=tuple(our_details))
    data = [(it.start, it.end, _OF_KIND[it.kind]) for it in data_in(text, facts)]
    data += [
        (found.start(), found.end(), "order")
        for found in _NUMBER.finditer(text)
        if _is_of_them(text, found, facts)
    ]
    links = [found.span() for found in _LINK.finditer(text)]
    taken: list[tuple[int, int, str]] = []
    for start, end, name in data:
        outside = all(end <= a or start >= b for a, b in links)
        if outside and all(end <= a or start >= b for a, b, _ in taken):
            taken.append((start, end, name))
    for start, end, name in sorted(taken, reverse=True):
        text = f"{text[:start]}{{{name}}}{text[end:]}"
    text = _without_names(text, contact_names, gap="contact name")
    text = _GREETED.sub(lambda found: f"{found['greeting']} {{contact name}}", text)
    return _without_names(text, agent_names, gap="agent name")


def _kept_link(link: str) -> str:
    """A link for everybody stays; one with a secret in it leads to one person's own page."""
    tail = "." if link.endswith(".") else ""
    return f"{{private page link}}{tail}" if _TOKEN.search(link.partition("//")[2]) else link


def _is_of_them(text: str, found: re.Match[str], facts: Facts) -> bool:
    digits = sum(letter.isdigit() for letter in found[0])
    if digits < LEAST_DIGITS or _DATE.fullmatch(found[0]):
        return False
    is_year = digits == LEAST_DIGITS and found[0].isdigit() and found[0][:2] in ("19", "20")
    return (
        not is_year
        and not is_our_detail(found[0], facts)
        and not is_given_as_ours(text, found.start())
    )


def _without_names(text: str, names: Iterable[str], *, gap: str) -> str:
    """The whole names first, then each of their words that is written as a name is."""
    whole = sorted({name.strip() for name in names if name.strip()}, key=len, reverse=True)
    for name in whole:
        if len(name) >= SHORTEST_NAME:
            whole_name = re.compile(rf"(?<![\w{{])@?{re.escape(name)}(?!\w)", re.IGNORECASE)
            text = whole_name.sub(f"{{{gap}}}", text)
    for word in sorted({word for name in whole for word in name.split() if _is_name(word)}):
        text = re.sub(rf"(?<!\w)@?{re.escape(word)}(?!\w)", f"{{{gap}}}", text)
    return re.sub(rf"\{{{gap}\}}(?:[ ]\{{{gap}\}})+", f"{{{gap}}}", text)


def _is_name(word: str) -> bool:
    word = word.strip(".,'’-")
    is_long = len(word) >= SHORTEST_NAME and word not in _WORDS_TOO
    return is_long and word[0].isupper() and word.isalpha()
