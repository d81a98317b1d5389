"""What we do to a message at its place besides answering: like, share, approve, take down, edit.

Every act is a row before it leaves, and doing it twice is doing it once; so a place that does not
answer is simply asked again, and nothing is ever unknown.
"""

from __future__ import annotations

import logging
import random
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from heard.channels import base
from heard.channels.base import Acted, Receipt, SendState
from heard.channels.registry import channel_of
from heard.conversations.abilities import abilities_of
from heard.conversations.clocks.settling import tell
from heard.conversations.handling import acknowledge
from heard.conversations.inboxes.accounts import account_of
from heard.conversations.models import Acknowledgement, Act, Message, Notice
from heard.conversations.outbox.replying import may_say_instead
from heard.conversations.outbox.sending import TRIES, wait_seconds
from heard.conversations.readings.correcting import correct
from heard.events.diary import record
from heard.lib.jobs import jobs
from heard.lib.sealing import UnsealError
from heard.staff.models import User

log = logging.getLogger(__name__)


class NotAllowedError(Exception):
    """The place does not allow this act on this message."""


@transaction.atomic
def act(message: Message, kind: base.Act, *, by: User, now: datetime, text: str = "") -> None:
    """Do something to a message, here and, where the place allows it, there.

    Recognition (like, share, thank) counts here whatever the place allows. Raises `NotAllowedError`
    for anything else that it does not; other words go through the door of replies and raise what
    `replying.may_say_instead` raises.
    """
    able = abilities_of(message.inbox, is_public=message.is_public)
    is_recognition = kind.value in Acknowledgement.Kind.values
    if kind not in able.acts and not is_recognition:
        raise NotAllowedError
    if kind is base.Act.EDIT:
        may_say_instead(message, text=text, by=by, now=now)
    if is_recognition:
        acknowledge(message, kind=kind.value, by=by, now=now)
    else:
        record(
            f"message.{kind}",
            subject="conversation",
            subject_id=message.conversation_id,
            at=now,
            actor_id=by.pk,
            data={"message": message.pk},
        )
    if kind is base.Act.SPAM:
        correct(message, head="need", to="nothing", by=by, now=now)
    if kind in able.acts and isinstance(channel_of(message.inbox.kind), Acted):
        row, is_new = _row(message, kind, text=text, by=by, now=now)
        if is_new:
            carry_out.configure(schedule_at=now).defer(act_id=row.pk)
    tell([(message.conversation_id, message.inbox_id)])


@jobs.task(name="carry_out", queue="outgoing")
def carry_out(*, act_id: int) -> None:
    """Do one act at its place. A second run finds it done and stops."""
    now = timezone.now()
    row = (
        Act.objects.select_related("message__inbox", "message__conversation")
        .filter(pk=act_id, state=Act.State.WAITING)
        .first()
    )
    if row is not None and not row.message.inbox.is_sample:
        _write(row, _at_the_place(row), now=now)
    elif row is not None:
        _write(row, Receipt(SendState.SENT), now=now)


def take_up_acts(*, now: datetime) -> int:
    """Queue again what a killed worker or a lost job has left; returns how many acts that were."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE act SET updated_at = %(now)s WHERE state = 'waiting' "
            "AND not_before < %(late)s AND updated_at < %(late)s RETURNING id",
            {"now": now, "late": now - timedelta(minutes=1)},
        )
        ids = [row[0] for row in cursor]
    for pk in ids:
        carry_out.configure(schedule_at=now).defer(act_id=pk)
    return len(ids)


def _row(
    message: Message, kind: base.Act, *, text: str, by: User, now: datetime
) -> tuple[Act, bool]:
    fresh = {"not_before": now, "by": by, "at": now, "updated_at": now}
    if kind is base.Act.EDIT:
        return Act.objects.create(message=message, kind=kind.value, text=text, **fresh), True
    row, is_new = Act.objects.get_or_create(message=message, kind=kind.value, defaults=fresh)
    if not is_new and row.state == Act.State.FAILED:
        row.state, row.try_count, row.reason = Act.State.WAITING, 0, ""
        row.not_before = row.updated_at = now
        row.save()
        return row, True
    return row, is_new


def _at_the_place(row: Act) -> Receipt:
    """Ask the channel to do it; whatever it does, there is a receipt."""
    message = row.message
    channel = channel_of(message.inbox.kind)
    if not isinstance(channel, Acted):
        return Receipt(SendState.FAILED, reason="The place does not take this.", is_final=True)
    acting = base.Acting(
        act=base.Act(row.kind),
        external_id=message.external_id,
        idempotency_key=f"act_{row.pk}_{int(row.at.timestamp() * 1000)}",
        root=message.conversation.root,
        text=row.text,
        of_ours=message.kind == Message.Kind.REPLY,
        extra=message.extra or {},
    )
    try:
        return channel.act(acting, account_of(message.inbox))
    except UnsealError:
        reason = "The secret of this inbox was sealed with another key; enter it again."
        return Receipt(SendState.FAILED, reason=reason, is_final=True)
    except Exception as error:  # one channel's fault must not leave an act without a receipt
        log.exception("channel %s broke on %s", channel.kind, row)
        return Receipt(SendState.FAILED, reason=f"The channel broke ({type(error).__name__}).")


@transaction.atomic
def _write(row: Act, receipt: Receipt, *, now: datetime) -> None:
    row.try_count += 1
    row.updated_at, row.reason = now, receipt.reason[:300]
    message = row.message
    if receipt.state is SendState.SENT:
        row.state = Act.State.DONE
        if row.kind == base.Act.EDIT:
            Message.objects.filter(pk=message.pk).update(text=row.text, html="", edited_at=row.at)
        elif row.kind == base.Act.DELETE:
            Message.objects.filter(pk=message.pk).update(deleted_at=row.at)
    elif receipt.is_final or row.try_count >= TRIES:
        row.state = Act.State.FAILED
        _tell_of_failure(row, now=now)
    else:
        wish = receipt.retry_after_seconds
        wait = wait_seconds(row.try_count, wish=wish, chance=random.random())
        row.not_before = now + timedelta(seconds=wait)
        carry_out.configure(schedule_at=row.not_before).defer(act_id=row.pk)
    row.save()
    tell([(message.conversation_id, message.inbox_id)])


def _tell_of_failure(row: Act, *, now: datetime) -> None:
    message = row.message
    record(
        "act.failed",
        subject="conversation",
        subject_id=message.conversation_id,
        at=now,
        data={"message": message.pk, "act": row.kind, "reason": row.reason},
    )
    if row.by_id is not None:
        Notice.objects.create(
            user_id=row.by_id,
            conversation_id=message.conversation_id,
            kind="act.failed",
            text=row.reason,
            at=now,
        )
