"""The answer: checked, written, clocked and put into the outbox in one transaction."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from heard.channels.base import Abilities
from heard.channels.lengths import parts
from heard.conversations.abilities import Obstacle, abilities_of, obstacle, readers_of
from heard.conversations.drafting import settle_draft
from heard.conversations.facts import facts_of
from heard.conversations.models import Conversation, Draft, Message, Sending
from heard.conversations.sending import deliver
from heard.conversations.settling import settle
from heard.conversations.weighing import remember
from heard.events.diary import record
from heard.staff.models import User
from heard.think import Check, check

NUMBER = re.compile(r" \(\d{1,2}/\d{1,2}\)$")


class ReplyBlocked(Exception):  # noqa: N818 - not a fault, an answer
    """The check says that the draft must not leave, or warns of what nobody has overruled yet."""

    def __init__(self, found: Check) -> None:
        super().__init__("the check holds the reply back")
        self.check = found


class TooLateToUndo(Exception):  # noqa: N818 - not a fault, an answer
    """The reply is on its way or gone."""


class ReplyImpossible(Exception):  # noqa: N818 - not a fault, an answer
    """The place does not take a reply now; `obstacle` says why."""

    def __init__(self, found: Obstacle) -> None:
        super().__init__(found.value)
        self.obstacle = found


@dataclass(frozen=True, slots=True)
class Manner:
    """How a reply goes: to the person alone, in numbered parts, by an approved template.

    `copies` are the others who get it too, as far as the message that it answers names them.
    """

    is_private: bool = False
    is_split: bool = False
    template: str = ""
    copies: tuple[str, ...] = ()


PLAIN = Manner()
NOTHING_SHOWN: Mapping[str, str] = {}


@transaction.atomic
def reply(
    conversation: Conversation,
    *,
    text: str,
    author: User,
    now: datetime,
    overruled: Collection[str] = (),
    manner: Manner = PLAIN,
    shown: Mapping[str, str] = NOTHING_SHOWN,
) -> Message:
    """Queue a reply; it leaves after the seconds in which it can be undone. Returns its first part.

    `overruled` names the codes of warnings that the author has read and sends in spite of; the
    diary keeps them. `shown` are the findings that the author has seen, by code with their light.
    Raises `ReplyBlocked` when a finding stops it, or warns in red and is not
    overruled; `ReplyImpossible` when the place takes none.
    """
    inbox = conversation.inbox
    is_public = (inbox.is_public or conversation.is_public) and not manner.is_private
    able = abilities_of(inbox, is_public=is_public)
    against = obstacle(conversation, able, now=now, has_template=bool(manner.template))
    if against is not None:
        raise ReplyImpossible(against)
    facts = facts_of(
        conversation,
        author=author,
        now=now,
        is_private=manner.is_private,
        is_split=manner.is_split,
    )
    found = check(text, facts)
    held = [f for f in found.findings if f.stops or (f.light == "red" and f.code not in overruled)]
    if held:
        raise ReplyBlocked(found)
    leaves_at = now + timedelta(seconds=settings.UNDO_SECONDS)
    copies = _copies(conversation, able, manner.copies)
    texts = [text.strip()]
    if manner.is_split and able.length is not None:
        texts = parts(text, limit=able.length, unit=able.unit)
    written: list[Message] = []
    before: Sending | None = None
    for number, part in enumerate(texts):
        message = Message.objects.create(
            conversation=conversation,
            inbox=inbox,
            kind=Message.Kind.REPLY,
            text=part,
            author=author,
            author_name=author.name,
            at=now + timedelta(microseconds=number),
            is_public=is_public,
            up=conversation.root,
        )
        before = Sending.objects.create(
            message=message,
            not_before=leaves_at,
            updated_at=now,
            is_private=manner.is_private,
            template=manner.template,
            copies=copies,
            after=before,
        )
        written.append(message)
    remember(written[0], found, shown=shown, by=author, now=now)
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
            "message": written[0].pk,
            "overruled": sorted({f.code for f in found.findings} & set(overruled)),
            **settle_draft(written[0], by=author),
        },
    )
    settle([conversation.pk], now=now)
    first = written[0].sending
    deliver.configure(schedule_at=leaves_at).defer(sending_id=first.pk)
    return written[0]


@transaction.atomic
def undo(message: Message, *, by: User, now: datetime) -> str:
    """Take a reply back before it leaves and return its text, which becomes the draft again.

    Of a numbered thread all parts are taken back together.

    Raises `TooLateToUndo` when it has begun to leave.
    """
    taken = Sending.objects.select_for_update().filter(
        message=message, state=Sending.State.WAITING, try_count=0
    )
    if not taken.exists():
        raise TooLateToUndo
    conversation_id = message.conversation_id
    text = _unsplit(message)
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


def _copies(
    conversation: Conversation, able: Abilities, wanted: Collection[str]
) -> list[str] | None:
    """Those of the wanted whom the message that is answered names; nobody else gets our words."""
    if not wanted or not able.copies:
        return None
    answered = (
        conversation.messages.filter(kind=Message.Kind.INCOMING)
        .order_by("-at", "-id")
        .values_list("extra", "handle__address")
        .first()
    )
    told, sender = answered or ({}, "")
    readers = readers_of(conversation.inbox.kind, able, sender=sender or "", told=told or {})
    return [one for one in readers.copies if one in wanted] or None


def _unsplit(message: Message) -> str:
    """Remove a reply, or every part of a numbered thread; returns the words without numbers."""
    here = Sending.objects.filter(message=message).first()
    while here is not None and here.after is not None:
        here = here.after
    messages = []
    while here is not None:
        messages.append(here.message)
        here = Sending.objects.filter(after=here).select_related("message").first()
    written = messages or [message]
    texts = [NUMBER.sub("", it.text) if len(written) > 1 else it.text for it in written]
    Message.objects.filter(pk__in=[it.pk for it in written]).delete()
    return " ".join(texts)
