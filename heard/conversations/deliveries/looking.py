"""Looks where a delivery only pointed to, and keeps what is there as a delivery of its own.

By a job, so that nobody's page delays intake; patiently. What cannot be had sets the delivery aside
with its reason: taking it in again looks again.
"""

from __future__ import annotations

import logging
import random
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from heard.channels import web
from heard.channels.base import Looking, PlaceError
from heard.channels.registry import channel_of
from heard.conversations.deliveries.journal import keep_fetched
from heard.conversations.inboxes.accounts import account_of
from heard.conversations.models import Delivery
from heard.conversations.outbox.sending import wait_seconds
from heard.lib.jobs import jobs
from heard.lib.sealing import UnsealError

log = logging.getLogger(__name__)

TRIES = 6


@jobs.task(name="look_elsewhere", queue="fetching")
def look_elsewhere(*, delivery_id: int, source: str, try_count: int = 0) -> None:
    """Look there once. A second run keeps the same again, of which nothing comes."""
    delivery = Delivery.objects.select_related("inbox").filter(pk=delivery_id).first()
    channel = channel_of(delivery.inbox.kind) if delivery else None
    if delivery is None or not isinstance(channel, Looking):
        return
    try:
        found = channel.look(source, account_of(delivery.inbox))
    except (web.NotReachedError, web.NoAnswerError) as error:
        reason = f"The place could not be reached: {error}."
        _again(delivery, source, PlaceError(reason), try_count=try_count + 1)
    except PlaceError as error:
        _again(delivery, source, error, try_count=try_count + 1)
    except (web.ForbiddenAddressError, web.TooLongError) as error:
        _set_aside(delivery, f"The place was not asked: {error}.")
    except UnsealError:
        _set_aside(delivery, "The secret of this inbox was sealed with another key.")
    except Exception as error:  # one channel's fault must not stop the others
        log.exception("channel %s broke while looking elsewhere", delivery.inbox.kind)
        _set_aside(delivery, f"The channel broke on it: {type(error).__name__}: {error}")
    else:
        with transaction.atomic():
            keep_fetched(delivery.inbox_id, found, now=timezone.now())


def _again(delivery: Delivery, source: str, error: PlaceError, *, try_count: int) -> None:
    """Look later: after 5 seconds, 20, 80 …, and not sooner than the place wishes."""
    if error.needs_person or try_count >= TRIES:
        _set_aside(delivery, str(error))
        return
    wish = error.retry_after_seconds
    wait = wait_seconds(try_count, wish=int(wish) if wish else None, chance=random.random())
    at = timezone.now() + timedelta(seconds=wait)
    look_elsewhere.configure(schedule_at=at).defer(
        delivery_id=delivery.pk, source=source, try_count=try_count
    )


def _set_aside(delivery: Delivery, reason: str) -> None:
    Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.TAKEN).update(
        state=Delivery.State.SET_ASIDE, reason=reason.replace("\x00", "")[:300]
    )
