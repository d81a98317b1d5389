"""How people outside are put into words: what they are to us, why, and why two may be one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.translation import gettext, gettext_lazy, ngettext

from heard.channels.base import Act
from heard.contacts.bonds import Reason, Recognised, Word
from heard.conversations.thanking import Because

BONDS: Mapping[str, Any] = {
    Word.FIRST_TIME: gettext_lazy("first time"),
    Word.REGULAR: gettext_lazy("regular"),
    Word.ADVOCATE: gettext_lazy("advocate"),
    Word.AT_RISK: gettext_lazy("at risk"),
}

PROOFS: Mapping[str, Any] = {
    "place": gettext_lazy("the place itself says so"),
    "address": gettext_lazy("the same verified address"),
    "private_link": gettext_lazy("a private link of theirs was opened"),
}

SIGNS: Mapping[str, Any] = {
    "same_name": gettext_lazy("the same rare name, %(value)s"),
    "same_word": gettext_lazy("the same word in the handle, %(value)s"),
    "wrote_email": gettext_lazy("one wrote the other's e-mail address, %(value)s"),
    "wrote_phone": gettext_lazy("one wrote the other's number, %(value)s"),
    "same_email": gettext_lazy("both wrote %(value)s"),
    "same_phone": gettext_lazy("both wrote the number %(value)s"),
    "went_private": gettext_lazy("one wrote on the page to which we had asked the other"),
    "same_signature": gettext_lazy("the same signature"),
}

THANKS: Mapping[str, Any] = {
    Act.SHARE: gettext_lazy("share it"),
    Act.LIKE: gettext_lazy("like it"),
    Act.THANK: gettext_lazy("thank them"),
}

DUE: Mapping[str, Any] = {
    Because.RECOMMENDS: gettext_lazy("they send others to us in public"),
    Because.ADVOCATE: gettext_lazy("they are an advocate of ours"),
    Because.FIRST_MENTION: gettext_lazy("they mention us for the first time"),
    Because.PRAISE: gettext_lazy("this is praise"),
}

PLEDGES: Mapping[str, Any] = {
    "kept": gettext_lazy("kept"),
    "late": gettext_lazy("kept late"),
    "withdrawn": gettext_lazy("withdrawn"),
    "open": gettext_lazy("open"),
    "broken": gettext_lazy("not kept"),
}


def bond(word: str) -> str:
    """What somebody is to us, in words; "" for whom no rule speaks."""
    return str(BONDS.get(word, ""))


def because(found: Recognised) -> str:
    """Why, in a sentence; "" for whom no rule speaks."""
    if not found.because:
        return ""
    reasons = gettext(" and ").join(_reason(reason) for reason in found.because)
    return gettext("Because %(reasons)s.") % {"reasons": reasons}


def rule(word: str) -> str:
    """The rule itself, for a list where the facts are not at hand."""
    return str(_RULES.get(word, ""))


def sign(name: str, value: str) -> str:
    """One sign that two may be one person."""
    return str(SIGNS.get(name, name)) % {"value": f"“{value}”"}


def proof(name: str) -> str:
    """What proved a join."""
    return str(PROOFS.get(name, name))


_RULES: Mapping[str, Any] = {
    Word.FIRST_TIME: gettext_lazy("Because this is their first conversation, begun this month."),
    Word.REGULAR: gettext_lazy("Because they spoke on three days or more within the last year."),
    Word.ADVOCATE: gettext_lazy(
        "Because they recommended us twice in public, or praised us three times, within a year."
    ),
    Word.AT_RISK: gettext_lazy(
        "Because within 90 days they warned others off, or we failed them, and they have not been"
        " happy since."
    ),
}


def _reason(reason: Reason) -> str:
    day = ""
    if reason.at is not None:
        day = date_format(timezone.localtime(reason.at), "j F Y")
    said = {"count": reason.count, "day": day}
    if reason.name == "warned":
        return gettext("they warned others off on %(day)s and have not been happy since") % said
    if reason.name == "failed":
        return gettext("we failed them %(count)s times in 90 days, the last time on %(day)s") % said
    if reason.name == "failed_unhappy":
        return gettext("we failed them on %(day)s and their last word was unhappy") % said
    if reason.name == "recommended":
        words = ngettext(
            "they recommended us in public on %(count)s day within a year",
            "they recommended us in public on %(count)s days within a year",
            reason.count,
        )
        return words % said
    if reason.name == "praised":
        return gettext("they praised us %(count)s times within a year") % said
    if reason.name == "first":
        return gettext("this is their first conversation, begun on %(day)s") % said
    return gettext("they spoke on %(count)s days within a year, the last time on %(day)s") % said
