"""The outbox: each reply is handed to its channel once, or it is shown why not.

*waiting* -> *sending* -> *sent*, *failed* or *unknown*. While a reply is being sent its worker
holds a lock that dies with it, so what a killed worker left behind is known at once: it is tried
again where repeating does no harm, and becomes *unknown*, which asks a person, where it might.
"""

from __future__ import annotations

import contextlib
import logging
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, connection, transaction
from django.urls import reverse
from django.utils import timezone

from heard import environment
from heard.channels import comment_card
from heard.channels.base import Channel, File, Named, Outgoing, Receipt, SendState
from heard.channels.registry import channel_of
from heard.conversations.abilities import has_opted_out, side_of
from heard.conversations.clocks.settling import settle, tell
from heard.conversations.contact_page.linking import mailed_link
from heard.conversations.files import attachments
from heard.conversations.inboxes.accounts import account_of
from heard.conversations.intake.changing import apply
from heard.conversations.intake.receiving import LOCK_SPACE
from heard.conversations.models import Conversation, Inbox, Message, Notice, Sending
from heard.events.diary import record
from heard.lib.jobs import jobs
from heard.lib.sealing import UnsealError
from heard.lib.stores import MissingError, StoreError
from heard.staff.models import User

log = logging.getLogger(__name__)

TRIES = 8
REFERENCES = 20
"""So many messages of a conversation a place is told of, for its own threads."""
FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 2 * 3600.0
OVERDUE_AFTER = timedelta(seconds=30)
"""A waiting reply whose job has been lost is given a new one after this time."""

HOURLY_CAP = 500
"""Replies that may leave an inbox within an hour, when its keeper has not said otherwise."""
HELD_SECONDS = 300.0

SENDING_LOCK_SPACE = LOCK_SPACE + 1


class NotInThatStateError(Exception):
    """The deed does not fit what has become of the reply in the meantime."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """A reply that is ours to send, now."""

    sending: Sending
    message: Message
    conversation: Conversation
    inbox: Inbox
    outgoing: Outgoing


@jobs.task(name="deliver", queue="outgoing")
def deliver(*, sending_id: int) -> None:
    """Hand one queued reply to its channel. A second run finds it gone and stops."""
    with _only_worker(sending_id) as is_ours:
        is_let = is_ours and not _held_by_cap(sending_id, now=timezone.now())
        claim = _claim(sending_id, now=timezone.now()) if is_let else None
        if claim is not None:
            receipt = _hand_over(claim)
            _write(claim, receipt, now=timezone.now())


@transaction.atomic
def retry(sending: Sending, *, by: User, now: datetime) -> None:
    """Send it again, because a person has decided so. Raises `NotInThatStateError` unless it stands
    at *failed* or *unknown* and its words are still kept.
    """
    if sending.message.emptied_at is not None:
        raise NotInThatStateError
    _turn(sending, to=Sending.State.WAITING, not_before=now, try_count=1, now=now)
    _write_down("reply.retried", sending.message, now=now, by=by)
    deliver.configure(schedule_at=now).defer(sending_id=sending.pk)


@transaction.atomic
def mark_sent(sending: Sending, *, by: User, now: datetime) -> None:
    """It did arrive, a person says. Raises `NotInThatStateError` unless *failed* or *unknown*."""
    _turn(sending, to=Sending.State.SENT, not_before=now, try_count=sending.try_count, now=now)
    _write_down("reply.marked_sent", sending.message, now=now, by=by)


def recover(*, now: datetime) -> int:
    """Take up what killed workers and lost jobs have left; returns how many replies that were.

    Costs one look at a small index when there is nothing to do. Safe to run anywhere, any time.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT s.id, s.state FROM sending s
            WHERE (s.state = 'sending') OR (s.state = 'waiting' AND s.not_before < %(overdue)s
                AND s.updated_at < %(overdue)s AND NOT EXISTS (
                    SELECT FROM sending b WHERE b.id = s.after_id AND b.state <> 'sent'))
            ORDER BY s.id LIMIT 1000
            """,
            {"overdue": now - OVERDUE_AFTER},
        )
        rows = cursor.fetchall()
    taken_up = 0
    for pk, _ in rows:
        with _only_worker(pk) as is_ours:
            if is_ours:
                taken_up += _take_up(pk, now=now)
    return taken_up


def private_link(conversation: Conversation) -> str:
    """The address of the contact's own page of this conversation; empty where there is none."""
    if not conversation.token:
        return ""
    is_card = conversation.inbox.kind == comment_card.kind
    page = "card_said" if is_card else "contact_thread"
    return environment.public_url() + reverse(page, args=[conversation.token])


def wait_seconds(try_count: int, *, wish: int | None, chance: float) -> float:
    """Seconds until the next try: 5, 20, 80 … up to two hours, a quarter more or less by chance.

    The place's own wish is never undercut. `chance` is between 0 and 1.
    """
    wait = min(FIRST_WAIT_SECONDS * 4.0 ** max(0, try_count - 1), LONGEST_WAIT_SECONDS)
    return max(wait * (0.75 + chance / 2), float(wish or 0))


# One try


@contextlib.contextmanager
def _only_worker(sending_id: int) -> Iterator[bool]:
    """Hold the lock of one reply as long as this connection lives; False when another holds it."""
    key = [SENDING_LOCK_SPACE, sending_id % 2**31]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours:
            # A connection that broke has let go of the lock already.
            with contextlib.suppress(Error), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)


@transaction.atomic
def _held_by_cap(sending_id: int, *, now: datetime) -> bool:
    """Whether this inbox has sent as many replies within an hour as it may: then it waits.

    An accident (a loop, a script) is thereby stopped after hundreds and not tens of thousands. The
    keeper is told when it begins.
    """
    sending = Sending.objects.select_related("message__inbox").filter(pk=sending_id).first()
    if sending is None or sending.state != Sending.State.WAITING:
        return False
    inbox = sending.message.inbox
    cap = int(inbox.settings.get("hourly_cap") or HOURLY_CAP)
    latest = Sending.objects.filter(
        updated_at__gt=now - timedelta(hours=1), message__inbox=inbox
    ).exclude(state__in=[Sending.State.WAITING, Sending.State.FAILED])
    if len(latest.values_list("pk", flat=True)[:cap]) < cap:
        return False
    reason = f"{cap} replies have left this inbox within an hour; the rest waits."
    not_before = now + timedelta(seconds=HELD_SECONDS)
    Sending.objects.filter(pk=sending_id).update(
        not_before=not_before, reason=reason, updated_at=now
    )
    deliver.configure(schedule_at=not_before).defer(sending_id=sending_id)
    recently = Notice.objects.filter(
        inbox=inbox, kind="inbox.capped", at__gt=now - timedelta(hours=1)
    )
    if inbox.keeper_id is not None and not recently.exists():
        Notice.objects.create(
            user_id=inbox.keeper_id, inbox=inbox, kind="inbox.capped", text=str(cap), at=now
        )
    tell([(sending.message.conversation_id, inbox.pk)])
    return True


@transaction.atomic
def _claim(sending_id: int, *, now: datetime) -> _Claim | None:
    """Mark it as being sent. None when it is not waiting, not yet due, undone, or not a reply."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE sending s SET state = 'sending', try_count = s.try_count + 1, updated_at = %s
            FROM message m
            WHERE s.id = %s AND s.state = 'waiting' AND s.not_before <= now()
                AND m.id = s.message_id AND m.kind = 'reply'
                AND NOT EXISTS (SELECT FROM sending b WHERE b.id = s.after_id AND b.state <> 'sent')
            """,
            [now, sending_id],
        )
        if cursor.rowcount == 0:
            return None
    sending = Sending.objects.select_related(
        "message__conversation__contact", "message__inbox", "message__author"
    ).get(pk=sending_id)
    message = sending.message
    conversation, inbox = message.conversation, message.inbox
    tell([(conversation.pk, inbox.pk)])
    return _Claim(sending, message, conversation, inbox, _outgoing(message))


def _outgoing(message: Message) -> Outgoing:
    conversation, sending = message.conversation, message.sending
    said = list(
        conversation.messages.exclude(kind=Message.Kind.NOTE)
        .exclude(external_id="")
        .filter(at__lte=message.at)
        .exclude(pk=message.pk)
        .order_by("-at", "-id")
        .values("external_id", "extra", "kind", "handle__address", "handle__kind")[:REFERENCES]
    )
    answered = next((one for one in said if one["kind"] == Message.Kind.INCOMING), None)
    ours = next((one for one in said if one["kind"] == Message.Kind.REPLY), None)
    part_before = sending.after.message.external_id if sending.after else ""
    return Outgoing(
        idempotency_key=f"reply_{message.pk}_{int(message.at.timestamp() * 1000)}",
        to=_address(conversation, answered),
        text=message.text,
        root=conversation.root,
        parent=part_before or (answered["external_id"] if answered else ""),
        subject=conversation.subject,
        author=message.author_name,
        at=message.at,
        answered=(answered["extra"] or {}) if answered else {},
        link=_link(conversation, answered),
        is_private=sending.is_private,
        replaces=ours["external_id"] if ours else "",
        references=tuple(one["external_id"] for one in reversed(said)),
        template=sending.template,
        is_automatic=message.is_automatic,
        copies=tuple(sending.copies or ()),
    )


def _link(conversation: Conversation, answered: Mapping[str, Any] | None) -> str:
    """The private link, marked with the address to which it is going to be mailed."""
    link = private_link(conversation)
    address = str(((answered or {}).get("extra") or {}).get("unverified_email") or "")
    if not link or not address or conversation.inbox.kind == comment_card.kind:
        return link
    return mailed_link(link, conversation, address=address)


def _files(message: Message) -> tuple[File, ...]:
    """The files of a reply. Raises `StoreError`, which is `MissingError` when one is gone."""
    return tuple(
        File(kept.name, kept.content_type, attachments.content(kept.digest))
        for kept in message.attachments.exclude(digest="")
    )


def _address(conversation: Conversation, answered: Mapping[str, Any] | None) -> str:
    """Where the person wrote from; a person may have several addresses of a kind."""
    kind = conversation.inbox.kind
    if answered is not None and answered["handle__kind"] == kind:
        return str(answered["handle__address"])
    contact = conversation.contact
    handle = contact.handles.filter(kind=kind).order_by("id").first() if contact else None
    return handle.address if handle else ""


def _hand_over(claim: _Claim) -> Receipt:
    """Ask the channel to send it; whatever it does, there is a receipt."""
    channel = channel_of(claim.inbox.kind)
    if claim.inbox.is_sample and (channel is None or channel.settings):
        return Receipt(SendState.SENT)  # the places of the sample company are made up like itself
    if channel is None:
        return _final(f"{claim.inbox.name} only holds history: nothing can be sent there.")
    if side_of(claim.inbox.kind, is_public=False).opts_out and has_opted_out(claim.conversation):
        return _final("They have written STOP in the meantime: we may not write to them here.")
    try:
        account = account_of(claim.inbox)
    except UnsealError:
        return _final("The secret of this inbox was sealed with another key; enter it again.")
    try:
        outgoing = replace(claim.outgoing, files=_files(claim.message))
        if isinstance(channel, Named):
            with transaction.atomic():
                name = channel.name_of(outgoing, account)
                _name(claim.message, name, now=timezone.now())
        receipt = channel.send(outgoing, account)
    except MissingError:
        return _final("A file of this reply is no longer in the store of attachments.")
    except StoreError as error:
        return Receipt(SendState.FAILED, reason=str(error))
    except Exception as error:  # one channel's fault must not leave a reply without a receipt
        log.exception("channel %s broke while sending %s", channel.kind, claim.sending)
        receipt = Receipt(
            SendState.UNKNOWN, reason=f"The channel broke while sending ({type(error).__name__})."
        )
    if receipt.state is SendState.UNKNOWN and channel.may_repeat(claim.outgoing):
        return Receipt(SendState.FAILED, reason=receipt.reason)
    return receipt


def _final(reason: str) -> Receipt:
    return Receipt(SendState.FAILED, reason=reason, is_final=True)


@transaction.atomic
def _write(claim: _Claim, receipt: Receipt, *, now: datetime) -> None:
    """Write down what the place said, and what follows from it."""
    sending, message = claim.sending, claim.message
    state, not_before = Sending.State(receipt.state.value), sending.not_before
    if receipt.state is SendState.FAILED and not receipt.is_final and sending.try_count < TRIES:
        wait = wait_seconds(
            sending.try_count, wish=receipt.retry_after_seconds, chance=random.random()
        )
        state, not_before = Sending.State.WAITING, now + timedelta(seconds=wait)
    # What recovery has made of it in the meantime knows less than this receipt.
    updated = Sending.objects.filter(
        pk=sending.pk,
        try_count=sending.try_count,
        state__in=[Sending.State.SENDING, Sending.State.UNKNOWN],
    ).update(state=state, not_before=not_before, reason=receipt.reason[:300], updated_at=now)
    if not updated:
        return
    if receipt.external_id:
        _name(message, receipt.external_id, now=now)
    if state == Sending.State.WAITING:
        deliver.configure(schedule_at=not_before).defer(sending_id=sending.pk)
    else:
        if state == Sending.State.SENT:
            _go_on(sending, now=now)
        else:
            reason = "It waits for the part before it, which has not arrived."
            Sending.objects.filter(after=sending).update(reason=reason)
        _write_down(f"reply.{state.value}", message, now=now, reason=receipt.reason)
    tell([(message.conversation_id, message.inbox_id)])


def _go_on(sending: Sending, *, now: datetime) -> None:
    """Let the next part of a numbered thread leave."""
    following = Sending.objects.filter(after=sending, state=Sending.State.WAITING).first()
    if following is not None:
        deliver.configure(schedule_at=now).defer(sending_id=following.pk)


def _name(message: Message, external_id: str, *, now: datetime) -> None:
    """Keep the name that the place gave our reply, also when the place told us of it before."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, message.inbox_id])
    echo = Message.objects.filter(
        inbox_id=message.inbox_id, external_id=external_id, kind=Message.Kind.REPLY
    ).exclude(pk=message.pk)
    touched = set(echo.values_list("conversation_id", flat=True))
    echo.delete()
    Message.objects.filter(pk=message.pk).update(external_id=external_id)
    settle(touched, now=now)
    apply(message.inbox, [external_id], now=now)


# What a killed worker left


@transaction.atomic
def _take_up(sending_id: int, *, now: datetime) -> int:
    """Put one abandoned reply right; the caller holds its lock."""
    sending = (
        Sending.objects.select_related(
            "message__conversation__contact", "message__inbox", "message__author"
        )
        .filter(pk=sending_id)
        .first()
    )
    if sending is None:
        return 0
    message = sending.message
    if sending.state == Sending.State.SENDING:
        channel = channel_of(message.inbox.kind)
        if channel is not None and _may_repeat(channel, message):
            sending.state = Sending.State.WAITING
        else:
            sending.state = Sending.State.UNKNOWN
            sending.reason = "heard was interrupted while sending: look whether it has arrived."
    elif sending.state != Sending.State.WAITING or sending.updated_at >= now - OVERDUE_AFTER:
        return 0
    sending.updated_at = now
    sending.save(update_fields=["state", "reason", "updated_at"])
    if sending.state == Sending.State.WAITING:
        deliver.configure(schedule_at=now).defer(sending_id=sending.pk)
    else:
        _write_down("reply.unknown", message, now=now, reason=sending.reason)
    tell([(message.conversation_id, message.inbox_id)])
    return 1


def _may_repeat(channel: Channel, message: Message) -> bool:
    return channel.may_repeat(_outgoing(message))


# What people learn


def _turn(
    sending: Sending, *, to: Sending.State, not_before: datetime, try_count: int, now: datetime
) -> None:
    changed = Sending.objects.filter(
        pk=sending.pk, state__in=[Sending.State.FAILED, Sending.State.UNKNOWN]
    ).update(state=to, not_before=not_before, try_count=try_count, reason="", updated_at=now)
    if not changed:
        raise NotInThatStateError
    sending.refresh_from_db()
    tell([(sending.message.conversation_id, sending.message.inbox_id)])


def _write_down(
    name: str, message: Message, *, now: datetime, by: User | None = None, reason: str = ""
) -> None:
    """Into the diary; and to the author and the keeper, if somebody must look at it."""
    record(
        name,
        subject="conversation",
        subject_id=message.conversation_id,
        at=now,
        actor_id=by.pk if by else None,
        data={"message": message.pk} | ({"reason": reason} if reason else {}),
    )
    if name in {"reply.failed", "reply.unknown"}:
        people = {pk for pk in (message.author_id, message.inbox.keeper_id) if pk is not None}
        Notice.objects.bulk_create(
            Notice(
                user_id=person,
                conversation_id=message.conversation_id,
                kind=name,
                text=reason[:300],
                at=now,
            )
            for person in sorted(people)
        )
