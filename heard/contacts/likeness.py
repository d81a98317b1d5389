"""How likely two contacts are one person, and why. A judgement without rows, and never a proof."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

SUGGESTED_FROM = 0.5
"""Below this nobody is bothered with it."""

PHONE_KINDS = frozenset({"phone", "voicemail", "sms", "whatsapp", "signal"})
"""Kinds whose handles are telephone numbers that the network itself vouches for."""

PAGE_KIND = "contact_page"
"""Where somebody writes whom we asked in public to go on in private."""

LONGEST_TRACE = 120
COMMON = 20
"""A name or word that more contacts than this share says nothing."""

GENERIC = frozenset(
    {
        "info", "mail", "email", "hello", "hallo", "contact", "kontakt", "support", "admin",
        "office", "sales", "service", "guest", "test", "noreply", "customer", "official",
        "anonymous", "unknown", "private", "withheld",
    }
)  # fmt: skip
PHONE = re.compile(r"(?<![\w@./-])(?:\+|00)\d[\d ()/.\-]{6,18}\d(?!\w)")
EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+", re.ASCII)
SIGNATURE = re.compile(r"^-- ?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Portrait:
    """What is known of a contact: name, handles as (kind, address), traces as (sort, value)."""

    name: str
    handles: frozenset[tuple[str, str]]
    traces: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Likely:
    """From 0 to 1, and each sign with what it rests on."""

    score: float
    reasons: tuple[tuple[str, str], ...]


def likely(one: Portrait, other: Portrait, *, shared_by: Mapping[str, int]) -> Likely:
    """Weigh all signs that two are one person.

    `shared_by` says how many contacts bear a name (in lower case). Signs are taken as independent:
    the score is the chance that not all of them mislead. Two handles of one kind speak against.
    """
    signs = {**_told(one, other), **_told(other, one)}
    for sort, value in one.traces & other.traces:
        if (f"wrote_{sort}", value) not in signs:
            signs[f"same_{sort}", value if sort != "signature" else ""] = 0.75
    for word in _words(one) & _words(other):
        if _kinds(one, word).isdisjoint(_kinds(other, word)) and is_telling(word):
            signs["same_word", word] = 0.65 if len(word) >= 9 or _has_digit(word) else 0.5
    name = one.name.strip().lower()
    if name and name == other.name.strip().lower() and not _is_address(name, one, other):
        weight = _name_weight(name, shared_by.get(name, 2))
        if weight:
            signs["same_name", one.name.strip()] = weight
    doubt = 1.0
    for weight in signs.values():
        doubt *= 1 - weight
    score = 1 - doubt
    if {kind for kind, _ in one.handles} & {kind for kind, _ in other.handles}:
        score *= 0.85
    strongest_first = sorted(signs, key=lambda sign: (-signs[sign], sign))
    return Likely(round(score, 3), tuple(strongest_first))


def traces_in(text: str) -> set[tuple[str, str]]:
    """What a message lets slip of its author: telephone numbers, addresses, the signature."""
    found = {("phone", digits(number)) for number in PHONE.findall(text)}
    found |= {("email", address.lower().strip(".")) for address in EMAIL.findall(text)}
    parts = SIGNATURE.split(text)
    if len(parts) > 1:
        signature = " ".join(parts[-1].lower().split())[:LONGEST_TRACE]
        if len(signature) >= 12:
            found.add(("signature", signature))
    return {(sort, value) for sort, value in found if len(value) <= LONGEST_TRACE}


def digits(number: str) -> str:
    """A telephone number as networks write it: "+" and digits; 00 is +."""
    plain = re.sub(r"[^\d+]", "", number.replace("(0)", ""))
    return f"+{plain[2:]}" if plain.startswith("00") else plain


def word_of(address: str) -> str:
    """What a person chose in an address: before the @ of a mail, of a handle without its server."""
    return address.lstrip("@").split("@")[0].lower()


def is_telling(word: str) -> bool:
    """Whether a word of a handle is anybody's in particular."""
    return len(word) >= 5 and word not in GENERIC and not word.startswith("+")


def _told(one: Portrait, other: Portrait) -> dict[tuple[str, str], float]:
    """What one let slip that is a handle of the other's."""
    signs: dict[tuple[str, str], float] = {}
    for sort, value in one.traces:
        if sort in {"email", "phone"} and value in _addresses(other, sort):
            signs[f"wrote_{sort}", value] = 0.8
        elif sort == "page" and (PAGE_KIND, value) in other.handles:
            signs["went_private", ""] = 0.6
    return signs


def _addresses(portrait: Portrait, sort: str) -> set[str]:
    if sort == "email":
        return {address.lower() for kind, address in portrait.handles if kind == "email"}
    return {digits(address) for kind, address in portrait.handles if kind in PHONE_KINDS}


def _words(portrait: Portrait) -> set[str]:
    return {word_of(address) for _, address in portrait.handles}


def _kinds(portrait: Portrait, word: str) -> set[str]:
    return {kind for kind, address in portrait.handles if word_of(address) == word}


def _is_address(name: str, *portraits: Portrait) -> bool:
    """A name that is only the handle again tells nothing new."""
    return any(
        name.lstrip("@") in (word_of(address), address.lower().lstrip("@"))
        for portrait in portraits
        for _, address in portrait.handles
    )


def _name_weight(name: str, shared_by: int) -> float:
    """A rare full name says much, a common one little, a first name next to nothing."""
    is_full = len(name.split()) > 1
    if shared_by > COMMON or name in GENERIC or (not is_full and shared_by > 2):
        return 0.0
    if not is_full:
        return 0.2
    return 0.5 if shared_by <= 2 else 0.35 if shared_by <= 5 else 0.15


def _has_digit(word: str) -> bool:
    return any(letter.isdigit() for letter in word)
