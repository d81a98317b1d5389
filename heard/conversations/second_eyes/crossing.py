"""Words that crossed: somebody else has answered, or writes an answer, since one began to write.

What one knew is told by `Known`: the newest reply when one began, and when that was. A draft keeps
it, and the composer says it; the older of the two counts.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from heard.conversations.models import Conversation, Draft, Message, Review
from heard.staff.models import User

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """The newest reply there was when somebody began to write, and when they began."""

    newest: int
    at: datetime

    def __str__(self) -> str:
        return f"{self.newest}-{(self.at - EPOCH) // timedelta(microseconds=1)}"


@dataclass(frozen=True, slots=True)
class Crossing:
    """Words of somebody else that one did not know of: a "reply", a "review" that waits, a "draft".

    To know of them is to name their `key`; a draft that is sent becomes a reply with another one.
    """

    key: str
    what: str
    who: str
    at: datetime
    text: str


def known_from(told: str) -> Known | None:
    """What a composer says, as `str(Known)` wrote it; None for anything else."""
    newest, _, at = told.partition("-")
    try:
        return Known(int(newest), EPOCH + timedelta(microseconds=int(at)))
    except (ValueError, OverflowError):
        return None


def known_now(conversation: Conversation, *, now: datetime) -> Known:
    """What can be known at this moment."""
    return Known(newest_reply(conversation), now)


def newest_reply(conversation: Conversation) -> int:
    """The id of the newest reply; 0 before there is one."""
    replies = conversation.messages.filter(kind=Message.Kind.REPLY)
    return replies.order_by("-id").values_list("pk", flat=True).first() or 0


def crossings(
    conversation: Conversation,
    *,
    author: User,
    told: Known | None,
    knowing: Collection[str] = (),
) -> list[Crossing]:
    """What others have said or begun since the author began, but for what they are `knowing` of.

    Without anything to compare with, nothing has crossed.
    """
    draft = Draft.objects.filter(conversation=conversation, author=author).first()
    begun = [told] if told else []
    if draft is not None and draft.begun_at is not None:
        begun.append(Known(draft.newest, draft.begun_at))
    if not begun:
        return []
    newest, since = min(it.newest for it in begun), min(it.at for it in begun)
    replies = conversation.messages.filter(kind=Message.Kind.REPLY, pk__gt=newest).exclude(
        author=author
    )
    found = [
        Crossing(f"m{it.pk}", "reply", it.author_name, it.at, it.text)
        for it in replies.exclude(is_automatic=True).order_by("at", "pk")
    ]
    waiting = Review.objects.filter(
        conversation=conversation,
        state__in=[Review.State.RESTING, Review.State.ASKED],
        at__gt=since,
    ).exclude(author=author)
    found += [
        Crossing(f"r{it.pk}", "review", it.author.name, it.at, it.text)
        for it in waiting.select_related("author").order_by("pk")
    ]
    drafts = Draft.objects.filter(
        conversation=conversation, kind=Message.Kind.REPLY, updated_at__gt=since
    ).exclude(author=author)
    found += [
        Crossing(f"d{it.pk}", "draft", it.author.name, it.updated_at, it.text)
        for it in drafts.select_related("author").order_by("pk")
    ]
    return [it for it in found if it.key not in knowing]
