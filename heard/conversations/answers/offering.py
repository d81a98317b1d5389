"""The saved answers that somebody may choose in one conversation, the likeliest first."""

from __future__ import annotations

from heard.conversations.answers.filling import brand_of
from heard.conversations.models import Conversation, Inbox, Message
from heard.knowledge.choosing import Choice, choose
from heard.knowledge.models import SavedAnswer, SavedAnswerQuerySet
from heard.staff.models import User

MOST_CHOICES = 2_000


def choices(opened: Conversation, *, by: User, typed: str, limit: int) -> list[Choice]:
    """The saved answers that this person may choose here and that fit what was typed: 3 queries."""
    inbox = Inbox.objects.select_related("place").get(pk=opened.inbox_id)
    return choose(
        typed,
        [_choice(row) for row in saved_for(inbox, by=by)],
        language=language_of(opened),
        limit=limit,
    )


def saved_for(inbox: Inbox, *, by: User) -> SavedAnswerQuerySet:
    """The saved answers that this person may choose in an inbox, the most used first."""
    return (
        SavedAnswer.objects.visible_to(by)
        .in_use()
        .fitting(brand_id=brand_of(inbox), place_id=inbox.place_id, kind=inbox.kind)
        .order_by("-used_count", "pk")[:MOST_CHOICES]
    )


def language_of(opened: Conversation) -> str:
    """The language in which the contact wrote last; "" while it is not known."""
    said = opened.messages.filter(kind=Message.Kind.INCOMING).exclude(language="")
    return said.order_by("-at", "-pk").values_list("language", flat=True).first() or ""


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
