"""Fetches the files that are still at the place where the message was written.

Each is asked for by a job of its own queue, so that a slow place delays nobody; patiently, within
the limit of size, never from inside the house. What could not be had says why, and can be asked for
again.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from heard.channels import asking, web
from heard.channels.base import Fetching, PlaceError
from heard.channels.registry import channel_of
from heard.conversations.clocks.settling import tell
from heard.conversations.files import attachments
from heard.conversations.inboxes.accounts import account_of
from heard.conversations.models import Attachment, Inbox
from heard.conversations.outbox.sending import wait_seconds
from heard.events.diary import record
from heard.lib.jobs import jobs
from heard.lib.sealing import UnsealError
from heard.staff.models import User

TRIES = 6
PATIENCE_SECONDS = 30.0
VAGUE = frozenset({"", "application/octet-stream", "binary/octet-stream"})
"""Content types that say nothing: the place's own word is better."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the place gave."""

    content: bytes
    content_type: str = ""


class CannotError(Exception):
    """It will not be had by asking again; the text says why."""


@jobs.task(name="fetch_attachment", queue="fetching")
def fetch_attachment(*, attachment_id: int) -> None:
    """Fetch one file that waits. A second run finds it here and stops."""
    rows = Attachment.objects.filter(pk=attachment_id, state=Attachment.State.WAITING)
    wanted = rows.select_related("message__inbox").first()
    if wanted is None:
        return
    now = timezone.now()
    try:
        found = _ask(wanted, wanted.message.inbox)
    except web.TooLongError:
        _end(wanted, Attachment.State.TOO_LARGE, reason="")
    except (CannotError, web.ForbiddenAddressError, UnsealError) as error:
        reason = str(error) or "The secret of this inbox was sealed with another key."
        _end(wanted, Attachment.State.FAILED, reason=reason)
    except PlaceError as error:
        _again(wanted, reason=str(error), wish=error.retry_after_seconds, now=now)
    except (web.NotReachedError, web.NoAnswerError) as error:
        _again(wanted, reason=f"The place could not be reached: {error}.", wish=None, now=now)
    else:
        _keep(wanted, found)


@transaction.atomic
def fetch_again(attachment: Attachment, *, by: User, now: datetime) -> None:
    """Ask for a file again, because a person has decided so; nothing if it does not fail."""
    changed = Attachment.objects.filter(pk=attachment.pk, state=Attachment.State.FAILED).update(
        state=Attachment.State.WAITING, reason="", try_count=0
    )
    if not changed:
        return
    message = attachment.message
    record(
        "attachment.asked_again",
        subject="conversation",
        subject_id=message.conversation_id,
        at=now,
        actor_id=by.pk,
        data={"attachment": attachment.pk},
    )
    attachments.fetch_later([attachment.pk])
    tell([(message.conversation_id, message.inbox_id)])


def _ask(wanted: Attachment, inbox: Inbox) -> Found:
    """The bytes, from the channel or from the address itself."""
    channel = channel_of(inbox.kind)
    account = account_of(inbox)
    limit = settings.ATTACHMENT_LIMIT_BYTES
    if isinstance(channel, Fetching):
        content = channel.fetch(wanted.source, account)
        if len(content) > limit:
            raise web.TooLongError
        return Found(content)
    answer = web.ask(
        "GET",
        wanted.source,
        allow_private=account.allow_private,
        follows=True,
        limit_bytes=limit,
        timeout_seconds=PATIENCE_SECONDS,
    )
    if answer.status in {404, 410}:
        raise CannotError("It is no longer at the place.")
    if not answer.is_good:
        raise asking.refusal(answer)
    content_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == "text/html" and wanted.content_type not in {*VAGUE, "text/html"}:
        raise CannotError("The place gave a web page instead of the file.")
    return Found(answer.body, content_type)


@transaction.atomic
def _keep(wanted: Attachment, found: Found) -> None:
    digest = hashlib.sha256(found.content).hexdigest()
    attachments.put({digest: found.content})
    is_vague = wanted.content_type in VAGUE and found.content_type
    changed = Attachment.objects.filter(pk=wanted.pk, state=Attachment.State.WAITING).update(
        state=Attachment.State.KEPT,
        digest=digest,
        size=len(found.content),
        content_type=found.content_type[:120] if is_vague else wanted.content_type,
        reason="",
    )
    if changed:
        _tell(wanted)


def _again(wanted: Attachment, *, reason: str, wish: float | None, now: datetime) -> None:
    """Ask later: after 5 seconds, 20, 80 …, and not sooner than the place wishes."""
    tries = wanted.try_count + 1
    if tries >= TRIES:
        _end(wanted, Attachment.State.FAILED, reason=reason)
        return
    wait = wait_seconds(tries, wish=int(wish) if wish else None, chance=random.random())
    with transaction.atomic():
        changed = Attachment.objects.filter(
            pk=wanted.pk, state=Attachment.State.WAITING, try_count=wanted.try_count
        ).update(try_count=tries, reason=reason[:300])
        if changed:
            at = now + timedelta(seconds=wait)
            fetch_attachment.configure(schedule_at=at).defer(attachment_id=wanted.pk)
            _tell(wanted)


@transaction.atomic
def _end(wanted: Attachment, state: Attachment.State, *, reason: str) -> None:
    changed = Attachment.objects.filter(pk=wanted.pk, state=Attachment.State.WAITING).update(
        state=state, reason=reason[:300]
    )
    if changed:
        _tell(wanted)


def _tell(wanted: Attachment) -> None:
    message = wanted.message
    tell([(message.conversation_id, message.inbox_id)])
