"""What the check may know of a reply: the message, the person it goes to, and the house itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from heard.channels import contact_page
from heard.channels.base import Unit
from heard.contacts.models import Handle
from heard.conversations.abilities import abilities_of
from heard.conversations.checks.weighing import softened
from heard.conversations.clocks.settling import opening_hours
from heard.conversations.models import Conversation, Correction, Inbox, Message
from heard.knowledge.telling import known_of, texts_of
from heard.reading import Mood, Stance
from heard.staff.models import User
from heard.think import Facts, Known, Opening, Turn
from heard.think.true.claims import Sort, claims_in
from heard.think.true.moments import local

SAID = 20
EARLIER_REPLIES = 5
MOST_INBOXES = 500
MOST_HANDLES = 50
DAYS_AHEAD = 30


def facts_of(
    conversation: Conversation,
    *,
    author: User,
    now: datetime,
    is_private: bool = False,
    is_split: bool = False,
) -> Facts:
    """What is known of a reply in this conversation: five queries, seven where anybody reads it.

    `is_private`: it goes to the person alone, though what it answers is public. `is_split`: in as
    many numbered parts as it needs.
    """
    mood_corrected = Correction.objects.filter(message=OuterRef("pk"), head="mood")
    said = list(
        conversation.messages.exclude(kind=Message.Kind.NOTE)
        .annotate(mood_is_corrected=Exists(mood_corrected))
        .only(
            "conversation", "kind", "text", "language", "is_public", "mood", "stance", "author_name"
        )
        .order_by("-at", "-id")[:SAID]
    )
    incoming = next((one for one in said if one.kind == Message.Kind.INCOMING), None)
    inbox = Inbox.objects.select_related("hours", "brand", "place__brand").get(
        pk=conversation.inbox_id
    )
    is_public = (inbox.is_public or bool(incoming and incoming.is_public)) and not is_private
    able = abilities_of(inbox, is_public=is_public)
    language = incoming.language if incoming else ""
    known = _known_here(inbox, language=language, today=local(now, author.timezone).date())
    details: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    way = ""
    if is_public:
        details = _kept_from_strangers(conversation, said)
        ours, way = house_of(inbox)
    domains = tuple(inbox.settings.get("link_domains", ()))
    own_host = urlsplit(settings.PUBLIC_URL).hostname
    return Facts(
        message=incoming.text if incoming else "",
        is_public=is_public,
        contact_name=conversation.contact_name,
        contact_language=language,
        contact_details=details,
        contact_is_upset=_is_upset(incoming) if incoming else None,
        agent_name=author.name,
        earlier_replies=tuple(one.text for one in said if one.kind == Message.Kind.REPLY)[
            :EARLIER_REPLIES
        ],
        thread=tuple(
            Turn(
                is_ours=one.kind == Message.Kind.REPLY,
                text=one.text,
                by=one.author_name if one.kind == Message.Kind.REPLY else "",
            )
            for one in said
        ),
        known=known,
        saved_answers=texts_of(
            brand_id=_brand(inbox), place_id=inbox.place_id, kind=inbox.kind, by=author
        ),
        opening=_opening(inbox, today=local(now, author.timezone).date()),
        our_names=_names(inbox),
        our_details=(*ours, *_to_be_given(known)),
        private_way=way,
        allowed_domains=(*domains, own_host) if domains and own_host else domains,
        max_length=None if is_split else inbox.settings.get("max_length", able.length),
        unit=Unit.CHARACTERS if "max_length" in inbox.settings else able.unit,
        now=now,
        timezone=author.timezone,
        softened=softened(),
    )


def facts_of_post(inbox: Inbox, *, timezone: str, now: datetime) -> Facts:
    """What is known of words that answer nobody, said in the name of the house at this place where
    everybody reads: five queries.
    """
    inbox = Inbox.objects.select_related("hours", "brand", "place__brand").get(pk=inbox.pk)
    able = abilities_of(inbox, is_public=True)
    today = local(now, timezone).date()
    known = _known_here(inbox, language="", today=today)
    ours, way = house_of(inbox)
    domains = tuple(inbox.settings.get("link_domains", ()))
    own_host = urlsplit(settings.PUBLIC_URL).hostname
    return Facts(
        is_public=True,
        known=known,
        opening=_opening(inbox, today=today),
        our_names=_names(inbox),
        our_details=(*ours, *_to_be_given(known)),
        private_way=way,
        allowed_domains=(*domains, own_host) if domains and own_host else domains,
        max_length=inbox.settings.get("max_length", able.length),
        unit=Unit.CHARACTERS if "max_length" in inbox.settings else able.unit,
        now=now,
        timezone=timezone,
        softened=softened(),
    )


def _known_here(inbox: Inbox, *, language: str, today: date) -> tuple[Known, ...]:
    spoken = language.partition("-")[0]
    return known_of(brand_id=_brand(inbox), place_id=inbox.place_id, language=spoken, today=today)


def _brand(inbox: Inbox) -> int | None:
    return inbox.brand_id or (inbox.place.brand_id if inbox.place else None)


def _to_be_given(known: Iterable[Known]) -> Iterator[str]:
    """Numbers and addresses among the facts: whoever writes them down wants them to be found."""
    for fact in known:
        if any(claim.sort in (Sort.PHONE, Sort.EMAIL) for claim in claims_in(fact.value)):
            yield fact.value


def _opening(inbox: Inbox, *, today: date) -> Opening | None:
    """The opening hours of the inbox; None where every hour counts."""
    if inbox.hours is None:
        return None
    hours = opening_hours(inbox)
    days = [today + timedelta(days=ahead) for ahead in range(-1, DAYS_AHEAD)]
    spans = [(day, hours.spans_on(day)) for day in days]
    return Opening(
        hours.week, tuple((day, span) for day, span in spans if span != hours.week[day.weekday()])
    )


def _names(inbox: Inbox) -> tuple[str, ...]:
    """What the house is called where this inbox is."""
    brands = (inbox.brand, inbox.place.brand if inbox.place else None)
    parts = (inbox.name, inbox.address, inbox.place, *brands)
    return tuple(dict.fromkeys(str(part) for part in parts if part))


def _is_upset(said: Message) -> bool | None:
    """As a person set it right; a warning to others tells by itself, the rest is for the words."""
    is_negative = said.mood == Mood.NEGATIVE
    if getattr(said, "mood_is_corrected", False):
        return is_negative
    return True if is_negative and said.stance == Stance.AVOID else None


def _kept_from_strangers(conversation: Conversation, said: Iterable[Message]) -> tuple[str, ...]:
    """Handles and full names of the contact that the place of this conversation does not show."""
    if conversation.contact_id is None:
        return ()
    here = conversation.inbox.kind
    known = list(
        Handle.objects.filter(contact_id=conversation.contact_id)
        .order_by("pk")
        .values_list("kind", "address", "name", "contact__name")[:MOST_HANDLES]
    )
    shown = [one.author_name.casefold() for one in said if one.kind == Message.Kind.INCOMING]
    shown += [part.casefold() for kind, *parts, _ in known if kind == here for part in parts]
    names = {name for _, _, *both in known for name in both if " " in name}
    details = [address for kind, address, *_ in known if kind != here]
    details += sorted(name for name in names if not any(name.casefold() in it for it in shown))
    return tuple(details)


def house_of(inbox: Inbox) -> tuple[tuple[str, ...], str]:
    """What of ours anybody may read, and where a private message reaches us: the nearest door."""
    doors = list(
        Inbox.objects.filter(
            ~Q(address="") | Q(kind=contact_page.kind) | Q(settings__has_key="our_details")
        )
        .order_by("pk")
        .only("kind", "slug", "address", "settings", "is_public", "place", "brand")[:MOST_INBOXES]
    )
    ours = [door.address for door in doors if door.address]
    ours += [detail for door in doors for detail in door.settings.get("our_details", ())]
    ways = [(_distance(door, inbox), n, _way(door)) for n, door in enumerate(doors) if _way(door)]
    return tuple(dict.fromkeys(ours)), min(ways)[2] if ways else ""


def nearest_page(inbox: Inbox) -> Inbox | None:
    """The contact page that stands nearest to an inbox, if there is one."""
    pages = Inbox.objects.filter(kind=contact_page.kind).order_by("pk")[:MOST_INBOXES]
    return min(pages, key=lambda page: _distance(page, inbox), default=None)


def _distance(door: Inbox, inbox: Inbox) -> int:
    """How far a door is from an inbox: of the same place, of the same brand, or of the house."""
    if inbox.place_id and door.place_id == inbox.place_id:
        return 0
    return 1 if inbox.brand_id and door.brand_id == inbox.brand_id else 2


def _way(door: Inbox) -> str:
    """How a private message comes to this door, "" if none does that strangers could use."""
    if door.is_public:
        return ""
    if door.kind == contact_page.kind and settings.PUBLIC_URL:
        return f"at {settings.PUBLIC_URL}{reverse('contact_page', args=[door.slug])}"
    return f"by e-mail to {door.address}" if "@" in door.address.strip("@") else ""
