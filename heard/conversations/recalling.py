"""What the house has said before that may be said again: saved answers, and its earlier replies."""

from __future__ import annotations

from django.db.models import Q

from heard.contacts.models import Handle
from heard.conversations.models import Conversation, Inbox, Message
from heard.knowledge.choosing import Choice, choose
from heard.knowledge.gaps import with_gaps
from heard.knowledge.models import SavedAnswer, SavedAnswerQuerySet
from heard.staff.models import User

MOST_CHOICES = 2_000
MOST_HANDLES = 50
MOST_INBOXES = 500


def choices(opened: Conversation, *, by: User, typed: str, limit: int) -> list[Choice]:
    """The saved answers that this person may choose here and that fit what was typed: 3 queries."""
    inbox = Inbox.objects.select_related("place").get(pk=opened.inbox_id)
    rows = saved_for(inbox, by=by)[:MOST_CHOICES]
    return choose(
        typed,
        [_choice(row) for row in rows],
        language=language_of(opened),
        limit=limit,
    )


def saved_for(inbox: Inbox, *, by: User) -> SavedAnswerQuerySet:
    """The saved answers that this person may choose in an inbox, the most used first."""
    return (
        SavedAnswer.objects.visible_to(by)
        .in_use()
        .fitting(brand_id=brand_of(inbox), place_id=inbox.place_id, kind=inbox.kind)
        .order_by("-used_count", "pk")
    )


def brand_of(inbox: Inbox) -> int | None:
    """The brand of an inbox, or else of its place."""
    return inbox.brand_id or (inbox.place.brand_id if inbox.place else None)


def language_of(opened: Conversation) -> str:
    """The language in which the contact wrote last; "" while it is not known."""
    said = opened.messages.filter(kind=Message.Kind.INCOMING).exclude(language="")
    return said.order_by("-at", "-pk").values_list("language", flat=True).first() or ""


def opened_up(said: Message) -> str:
    """A reply of ours with gaps where it speaks of the one person it was for: 2 queries."""
    opened = said.conversation
    known = Handle.objects.filter(contact=opened.contact_id or 0).order_by("pk")
    parts = known.values_list("address", "name", "contact__name")[:MOST_HANDLES]
    names = {part for row in parts for part in row if part} | {opened.contact_name}
    return with_gaps(
        said.text,
        contact_names=names,
        agent_names=(said.author_name,),
        details=tuple(name for name in names if "@" in name or name.lstrip("+").isdigit()),
        our_details=our_details(),
    )


def our_details() -> tuple[str, ...]:
    """The addresses and numbers of the house that everybody may read: 1 query."""
    doors = (
        Inbox.objects.filter(~Q(address="") | Q(settings__has_key="our_details"))
        .order_by("pk")
        .only("address", "settings")[:MOST_INBOXES]
    )
    ours = [part for it in doors for part in (it.address, *it.settings.get("our_details", ()))]
    return tuple(dict.fromkeys(part for part in ours if part))


def _choice(row: SavedAnswer) -> Choice:
    near = (row.place_id, row.brand_id, row.team_id, row.kinds)
    return Choice(
        id=row.pk,
        short=row.short,
        title=row.title,
        text=row.text,
        language=row.language,
        nearness=sum(bool(scope) for scope in near),
        used_count=row.used_count,
    )
