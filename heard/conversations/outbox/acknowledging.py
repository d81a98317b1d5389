"""Acknowledges by itself, where an inbox asks for it, that a person's first message has come.

At most once in a conversation, and once a day for each person, so that two programs can never keep
each other going. It goes through the outbox like every reply, and meets no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from heard.channels.base import Acknowledging, Incoming
from heard.channels.registry import channel_of
from heard.conversations.clocks.settling import settle
from heard.conversations.inboxes.accounts import account_of
from heard.conversations.models import Inbox, Message, Sending
from heard.conversations.outbox.sending import deliver
from heard.events.diary import record

NEWS = timedelta(hours=1)
"""Older messages are past acknowledging: they come from a mailbox that is read for the first time,
or from deliveries that are taken in again."""

REST = timedelta(days=1)


@transaction.atomic
def acknowledge(inbox: Inbox, items: Sequence[Incoming], *, now: datetime) -> int:
    """Queue what the channel wants said at once to these; returns how many. No rows without."""
    channel = channel_of(inbox.kind)
    if not isinstance(channel, Acknowledging):
        return 0
    account = account_of(inbox)
    wanted: dict[str, str] = {}
    for item in items:
        if now - item.at <= NEWS and (text := channel.acknowledgement(item, account)):
            wanted[item.external_id] = text
    if not wanted:
        return 0
    begun = (
        Message.objects.filter(
            inbox=inbox, kind=Message.Kind.INCOMING, external_id__in=wanted, is_history=False,
            conversation__contact__isnull=False,
        )
        .exclude(conversation__messages__kind=Message.Kind.REPLY)
        .select_related("conversation")
        .order_by("id")
    )  # fmt: skip
    found = {
        message.conversation.contact_id: message
        for message in reversed(begun)
        if message.conversation.contact_id is not None
    }
    answered = Message.objects.filter(
        inbox=inbox, kind=Message.Kind.REPLY, is_automatic=True, at__gt=now - REST,
        conversation__contact_id__in=found,
    ).values_list("conversation__contact_id", flat=True)  # fmt: skip
    for contact in answered:
        found.pop(contact, None)
    for message in found.values():
        _queue(message, text=wanted[message.external_id], now=now)
    settle([message.conversation_id for message in found.values()], now=now)
    return len(found)


def _queue(message: Message, *, text: str, now: datetime) -> None:
    said = Message.objects.create(
        conversation=message.conversation,
        inbox_id=message.inbox_id,
        kind=Message.Kind.REPLY,
        text=text,
        at=now,
        is_public=message.is_public,
        is_automatic=True,
        up=message.conversation.root,
        parent=message.external_id,
    )
    sending = Sending.objects.create(message=said, not_before=now, updated_at=now)
    record(
        "reply.queued",
        subject="conversation",
        subject_id=message.conversation_id,
        at=now,
        data={"message": said.pk, "overruled": []},
    )
    deliver.configure(schedule_at=now).defer(sending_id=sending.pk)
