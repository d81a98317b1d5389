"""What the holder of a private link may read: their own thread, whatever became of it in the house.

A thread may have been split, or merged with another of the same person. The answers are for both;
but what was written by another link is shown there alone, should the two be two people after all.
Whoever comes by a link that was mailed to an address may say that the words there are theirs.
"""

from __future__ import annotations

from datetime import timedelta

from django.core import signing
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


MAILED = "mailed-to"
MAILED_FOR = timedelta(days=30)


def mailed_link(link: str, conversation: Conversation, *, address: str) -> str:
    """The private link as it is mailed to an address: it tells that it was."""
    about = signing.dumps([conversation.pk, address.lower()], salt=MAILED, compress=True)
    return f"{link}?mailed={about}"


def mailed_address(token: str, conversation: Conversation) -> str:
    """The address to which this link was mailed within 30 days; "" if it does not say so."""
    try:
        found = signing.loads(token, salt=MAILED, max_age=MAILED_FOR)
    except signing.BadSignature:
        return ""
    match found:
        case [conversation.pk, str(address)]:
            return address
    return ""


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
