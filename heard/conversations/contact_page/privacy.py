"""Taking a conversation private where the place has no private side: by a page of ours.

A link that stands in public opens nothing but an empty page, and who writes there is nobody's
proof: both conversations name each other, and that it is one person is only suggested. A link that
we sent to one handle alone proves that who first writes by it reads what is sent to that handle.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from django.core import signing
from django.urls import reverse

from heard import environment
from heard.channels import contact_page
from heard.channels.base import Outgoing, Readdressed
from heard.channels.registry import channel_of
from heard.contacts.models import Handle, Trace
from heard.conversations.checks.facts import nearest_page
from heard.conversations.models import Conversation, Message, Sending
from heard.events.diary import record
from heard.events.models import Event

SALT = "taken-private"
LIFE_SECONDS = 90 * 86_400
PROVES_FOR = timedelta(days=14)
"""A link proves something only so long after it was made; later it still leads to the page."""

ALONE = frozenset({"email", "sms", "whatsapp", "messenger", "instagram"})
"""Where whatever we answer reaches one person alone. Elsewhere a private conversation may be a
room, and only what was sent as private (`Sending.is_private`) did."""


class About(NamedTuple):
    """Which conversation a link was made for, and the link's own name; "" if it proves nothing."""

    conversation: int
    link: str


def private_page(conversation: Conversation) -> str:
    """The address of the nearest contact page, which remembers where it came from; "" if none.

    Each time another one, so that it can be told where each was sent.
    """
    page = nearest_page(conversation.inbox)
    if page is None:
        return ""
    about = signing.dumps([conversation.pk, secrets.token_urlsafe(12)], salt=SALT, compress=True)
    return f"{environment.public_url()}{reverse(contact_page.kind, args=[page.slug])}?about={about}"


def conversation_about(token: str) -> About | None:
    """Which conversation such an address was made for; None for what we did not make."""
    try:
        found = signing.loads(token, salt=SALT, max_age=LIFE_SECONDS)
    except signing.BadSignature:
        return None
    match found:
        case int(conversation):
            return About(conversation, "")
        case [int(conversation), str()]:
            return About(conversation, token if _is_young(token) else "")
    return None


def _is_young(token: str) -> bool:
    try:
        signing.loads(token, salt=SALT, max_age=PROVES_FOR)
    except signing.BadSignature:
        return False
    return True


def went_private(about: int, *, thread: str, now: datetime, link: str = "") -> None:
    """Write down in the conversation that somebody went on in private.

    That it is the same person is only likely: `suggesting` weighs it. `link` is what they came by.
    """
    opened = Conversation.objects.filter(pk=about).first()
    if opened is not None:
        if opened.contact_id is not None:
            Trace.objects.get_or_create(contact_id=opened.contact_id, sort="page", value=thread)
        record(
            "conversation.went_private",
            subject="conversation",
            subject_id=about,
            at=now,
            data={"thread": thread} | ({"link": link} if link else {}),
        )


def sent_alone(about: int, *, link: str, thread: str) -> Handle | None:
    """The handle to which alone we sent this link, if who wrote by it first wrote this thread.

    None where that is not certain: it stood in public too, in a room, went to several people or to
    another address than the person wrote from, or has not arrived.
    """
    uses = Event.objects.filter(
        subject="conversation", subject_id=about, name="conversation.went_private", data__link=link
    )
    first = uses.order_by("id").first()
    if not link or first is None or first.data.get("thread") != thread:
        return None
    sayings = list(
        Message.objects.filter(at__gte=first.at - PROVES_FOR - timedelta(days=1))
        .filter(kind=Message.Kind.REPLY, text__contains=link)
        .select_related("inbox", "conversation", "sending")
        .order_by("id")[:10]
    )
    readers = {_reader(said, about=about) for said in sayings}
    return readers.pop() if len(readers) == 1 else None


def _reader(said: Message, *, about: int) -> Handle | None:
    """Who alone has read a reply of ours, if one person alone has."""
    sending: Sending | None = getattr(said, "sending", None)
    if sending is None or sending.state != Sending.State.SENT or said.is_public:
        return None
    if about not in {said.conversation_id, *_merged_into(said)} or sending.copies:
        return None
    if not sending.is_private and said.inbox.kind not in ALONE:
        return None
    answered = (
        said.conversation.messages.filter(kind=Message.Kind.INCOMING, at__lte=said.at)
        .exclude(external_id="")
        .select_related("handle")
        .order_by("-at", "-id")
        .first()
    )
    handle = answered.handle if answered else None
    if answered is None or handle is None or handle.kind != said.inbox.kind:
        return None
    channel = channel_of(handle.kind)
    if isinstance(channel, Readdressed):
        asked = Outgoing("", to=handle.address, text="", answered=answered.extra or {})
        if channel.reader_of(asked) != handle.address:
            return None
    return handle


def _merged_into(said: Message) -> list[int]:
    """The conversations that are in the one of this message now."""
    merged = Conversation.objects.filter(merged_into=said.conversation_id)
    return list(merged.values_list("pk", flat=True))
