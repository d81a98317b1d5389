"""What the gaps of a saved answer are filled with in one conversation, as far as it is known.

And the other way: gaps where an earlier reply speaks of the one person it was for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.db.models.functions import Lower

from heard.contacts.models import Handle
from heard.conversations.clocks.hours import OpeningHours, Span
from heard.conversations.contact_page.privacy import private_page
from heard.conversations.models import Conversation, Inbox, Message
from heard.knowledge.gaps import NAMES, Filled, fill, gaps_in, with_gaps
from heard.knowledge.models import HouseFact
from heard.staff.models import User
from heard.think import Facts
from heard.think.contact import first_name
from heard.think.privacy.personal_data import data_in

LOOKED_AT = 5
MOST_HANDLES = 200
MOST_INBOXES = 500
ENGLISH = ("", "en")


def filled(text: str, conversation: Conversation, *, author: User, now: datetime) -> Filled:
    """The text with its gaps filled for this conversation, as `author` would say it now."""
    wanted = gaps_in(text)
    values = values_of(conversation, wanted, author=author, now=now) if wanted else {}
    return fill(text, values)


def values_of(
    conversation: Conversation, wanted: Collection[str], *, author: User, now: datetime
) -> dict[str, str]:
    """What is known of the gaps of these names. Four queries at most, whatever is asked.

    A gap that is none of ours is filled with the fact of the house that is about its name.
    """
    inbox = Inbox.objects.select_related("brand", "place__brand", "hours").get(
        pk=conversation.inbox_id
    )
    said = list(
        conversation.messages.filter(kind=Message.Kind.INCOMING)
        .order_by("-at", "-pk")
        .values_list("text", "language")[:LOOKED_AT]
    )
    language = said[0][1] if said else ""
    brand = inbox.brand or (inbox.place.brand if inbox.place else None)
    values = {
        "contact name": first_name(conversation.contact_name),
        "agent name": author.name.split(" ")[0] if author.name else "",
        "brand": brand.name if brand else "",
        "place": inbox.place.name if inbox.place else "",
        "inbox": inbox.name,
        "opening hours today": hours_today(inbox, now=now, language=language),
    }
    if "order" in wanted and not (inbox.is_public or conversation.is_public):
        values["order"] = _order_in([text for text, _ in said])
    if "private page link" in wanted:
        values["private page link"] = private_page(conversation)
    if others := [name for name in wanted if name not in NAMES]:
        values |= _facts(others, inbox, language=language, now=now)
    return values


def hours_today(inbox: Inbox, *, now: datetime, language: str) -> str:
    """When somebody is at the door today: `11:00–15:00, 17:00–22:00`; "" where it is not known.

    That it is closed can be said in English alone.
    """
    if inbox.hours is None:
        return ""
    hours = OpeningHours.from_json(
        {
            name: getattr(inbox.hours, name)
            for name in ("timezone", "week", "country", "subdivision", "closed", "extra")
        }
    )
    spans = hours.spans_on(now.astimezone(ZoneInfo(hours.timezone)).date())
    if not spans:
        return "closed" if language in ENGLISH else ""
    return ", ".join(_span(span) for span in spans)


def _span(span: Span) -> str:
    opens, closes = (f"{minutes // 60:02}:{minutes % 60:02}" for minutes in span)
    return f"{opens}–{closes}"


def brand_of(inbox: Inbox) -> int | None:
    """The brand of an inbox, or else of its place, which should have come along."""
    return inbox.brand_id or (inbox.place.brand_id if inbox.place else None)


def _order_in(texts: Collection[str]) -> str:
    """The order or booking number that was named last."""
    for text in texts:
        for datum in data_in(text, Facts()):
            if datum.kind == "order":
                return datum.value
    return ""


def _facts(names: Collection[str], inbox: Inbox, *, language: str, now: datetime) -> dict[str, str]:
    """What is still so of these names; the place's goes before the brand's, and that before all."""
    today = now.astimezone(ZoneInfo(inbox.place.timezone if inbox.place else "UTC")).date()
    known = (
        HouseFact.objects.valid_on(today)
        .about(brand_id=brand_of(inbox), place_id=inbox.place_id)
        .annotate(name=Lower("subject"))
        .filter(name__in=names, language__in=["", language])
    )
    rows = sorted(
        known, key=lambda it: (it.place_id is not None, it.brand_id is not None, it.language != "")
    )
    return {row.subject.casefold(): row.value for row in rows}


@dataclass(frozen=True, slots=True)
class Theirs:
    """A reply of ours and the one person it was for."""

    text: str
    author: str
    contact: int | None
    contact_name: str


def opened_up(replies: Sequence[Theirs]) -> list[str]:
    """These replies with gaps where they speak of the persons they were for: 2 queries."""
    if not replies:
        return []
    names, ours = _names({it.contact for it in replies if it.contact}), our_details()
    return [
        _with_gaps(it, names=[*names.get(it.contact or 0, ()), it.contact_name], ours=ours)
        for it in replies
    ]


def theirs(said: Message) -> Theirs:
    """A reply with whom it was for; its conversation should have come along."""
    opened = said.conversation
    return Theirs(said.text, said.author_name, opened.contact_id, opened.contact_name)


def our_details() -> tuple[str, ...]:
    """The addresses and numbers of the house that everybody may read: 1 query."""
    doors = (
        Inbox.objects.filter(~Q(address="") | Q(settings__has_key="our_details"))
        .order_by("pk")
        .only("address", "settings")[:MOST_INBOXES]
    )
    ours = [part for it in doors for part in (it.address, *it.settings.get("our_details", ()))]
    return tuple(dict.fromkeys(part for part in ours if part))


def _with_gaps(it: Theirs, *, names: Sequence[str], ours: Sequence[str]) -> str:
    return with_gaps(
        it.text,
        contact_names=names,
        agent_names=(it.author,),
        details=tuple(name for name in names if "@" in name or name.lstrip("+").isdigit()),
        our_details=ours,
    )


def _names(contacts: Collection[int]) -> dict[int, list[str]]:
    """The names and handles of these people: 1 query."""
    rows = (
        Handle.objects.filter(contact__in=contacts)
        .order_by("pk")
        .values_list("contact", "address", "name", "contact__name")[:MOST_HANDLES]
    )
    names: dict[int, list[str]] = {}
    for contact, *parts in rows:
        names.setdefault(contact, []).extend(part for part in parts if part)
    return names
