"""From a delivery to what it became: it is read once more, and nothing of that is kept."""

from __future__ import annotations

from heard.channels.base import CallEvent, Delivered, Incoming, NotUnderstoodError
from heard.channels.registry import channel_of
from heard.conversations.inboxes.accounts import account_of
from heard.conversations.models import Delivery, Message
from heard.lib.sealing import UnsealError

MOST = 1_000


def became(delivery: Delivery) -> list[Message]:
    """The messages that a delivery brought, oldest first; none when it cannot be read any more."""
    channel = channel_of(delivery.inbox.kind)
    if channel is None or delivery.state != Delivery.State.TAKEN:
        return []
    delivered = Delivered(bytes(delivery.body), delivery.headers, delivery.received_at)
    try:
        said = list(channel.parse(delivered, account_of(delivery.inbox)))
    except (NotUnderstoodError, UnsealError):
        return []
    names = [item.external_id for item in said if isinstance(item, Incoming) and item.external_id]
    names += sorted({item.call for item in said if isinstance(item, CallEvent)})
    found = Message.objects.filter(inbox_id=delivery.inbox_id, external_id__in=names[:MOST])
    return list(found.select_related("contact", "author").defer("search").order_by("at", "pk"))
