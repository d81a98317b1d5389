"""The answer: checked, written, clocked and put into the outbox in one transaction."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from heard.conversations.facts import facts_of
from heard.conversations.models import Conversation, Draft, Message, Sending
from heard.conversations.sending import deliver
from heard.conversations.settling import settle
from heard.events.diary import record
from heard.staff.models import User
from heard.think import Check, check


class ReplyBlocked(Exception):  # noqa: N818 - not a fault, an answer
    """The check says that the draft must not leave, or warns of what nobody has overruled yet."""

    def __init__(self, found: Check) -> None:
        super().__init__("the check holds the reply back")
        self.check = found


class TooLateToUndo(Exception):  # noqa: N818 - not a fault, an answer
    """The reply is on its way or gone."""


@transaction.atomic
def reply(
    conversation: Conversation,
    *,
    text: str,
    author: User,
    now: datetime,
    overruled: Collection[str] = (),
) -> Message:
    """Queue a reply; it leaves after the seconds in which it can be undone.

    `overruled` names the codes of warnings that the author has read and sends in spite of; the
    diary keeps them. Raises `ReplyBlocked` when a finding stops it, or warns in red and is not
    overruled.
    """
    found = check(text, facts_of(conversation, author=author, now=now))
    held = [f for f in found.findings if f.stops or (f.light == "red" and f.code not in overruled)]
    if held:
        raise ReplyBlocked(found)
    inbox = conversation.inbox
    message = Message.objects.create(
        conversation=conversation,
        inbox=inbox,
        kind=Message.Kind.REPLY,
        text=text.strip(),
        author=author,
        author_name=author.name,
        at=now,
        is_public=inbox.is_public,
        up=conversation.root,
    )
    leaves_at = now + timedelta(seconds=settings.UNDO_SECONDS)
    sending = Sending.objects.create(message=message, not_before=leaves_at, updated_at=now)
    Draft.objects.filter(conversation=conversation, author=author).delete()
    if conversation.assignee_id is None:
        conversation.assignee = author
        conversation.save(update_fields=["assignee"])
    record(
        "reply.queued",
        subject="conversation",
        subject_id=conversation.pk,
        at=now,
        actor_id=author.pk,
        data={
            "message": message.pk,
            "overruled": sorted({f.code for f in found.findings} & set(overruled)),
        },
    )
    settle([conversation.pk], now=now)
    deliver.configure(schedule_at=leaves_at).defer(sending_id=sending.pk)
    return message


@transaction.atomic
def undo(message: Message, *, by: User, now: datetime) -> str:
    """Take a reply back before it leaves and return its text, which becomes the draft again.

    Raises `TooLateToUndo` when it has begun to leave.
    """
    taken = Sending.objects.select_for_update().filter(
        message=message, state=Sending.State.WAITING, try_count=0
    )
    if not taken.exists():
        raise TooLateToUndo
    conversation_id, text = message.conversation_id, message.text
    message.delete()
    Draft.objects.update_or_create(
        conversation_id=conversation_id,
        author=by,
        defaults={"text": text, "kind": Message.Kind.REPLY, "updated_at": now},
    )
    record(
        "reply.undone",
        subject="conversation",
        subject_id=conversation_id,
        at=now,
        actor_id=by.pk,
    )
    settle([conversation_id], now=now)
    return text
