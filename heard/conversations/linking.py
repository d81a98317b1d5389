"""What the holder of a private link may read: their own thread, whatever became of it in the house.

A thread may have been split, or merged with another of the same person. The answers are for both;
but what was written by another link is shown there alone, should the two be two people after all.
"""

from __future__ import annotations

from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from heard.conversations.models import Conversation, Merging, Message

CAME = RawSQL(
    """
    EXISTS (SELECT FROM merging g WHERE g.undone_at IS NULL
        AND g.kept_id = message.conversation_id AND g.moved->'message' @> to_jsonb(message.id))
    """,
    (),
    output_field=BooleanField(),
)


def readable(conversation: Conversation) -> QuerySet[Message]:
    """The messages, never a note: one query, two for what was merged into another."""
    family = Conversation.objects.filter(
        inbox_id=conversation.inbox_id,
        root=conversation.root,
        contact=conversation.contact_id,
    )
    places = family.annotate(place=Coalesce("merged_into_id", "id")).values("place")
    said = Message.objects.filter(conversation__in=places).exclude(kind=Message.Kind.NOTE)
    if conversation.merged_into_id is None:
        others = Conversation.objects.filter(merged_into=conversation.pk)
        return (
            said.alias(came=CAME)
            .filter(came=False)
            .exclude(kind=Message.Kind.INCOMING, up__in=others.values("root"))
        )
    own = Q(up=conversation.root) | Q(external_id=conversation.root)
    readable = own & Q(kind=Message.Kind.INCOMING)
    for it in Merging.objects.filter(gone=conversation, undone_at=None):
        readable |= Q(pk__in=it.moved["message"]) | Q(kind=Message.Kind.REPLY, at__gte=it.at)
    return said.filter(readable)
