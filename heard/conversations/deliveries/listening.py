"""Hears the places that must be asked: a thread for each inbox, so that none waits for another.

What a place brings and the cursor behind it are stored in one transaction; the worker takes it in
from there. One process listens for the house: it holds a lock for each inbox, which dies with it,
so a second process (on another machine) stands by and takes over. While no worker lives, what
arrives is taken in from here.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import random
import signal
import threading
from collections.abc import Generator, Iterator
from datetime import datetime
from types import FrameType
from typing import cast

import psycopg
from django.core.exceptions import ObjectDoesNotExist
from django.db import Error, InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from heard.channels import web
from heard.channels.base import (
    Account,
    Channel,
    Fetched,
    Hastened,
    Listened,
    PlaceError,
    Polled,
)
from heard.channels.registry import channel_of
from heard.conversations.deliveries.journal import keep_fetched
from heard.conversations.deliveries.working import stand_in
from heard.conversations.inboxes import health
from heard.conversations.inboxes.accounts import account_of
from heard.conversations.intake.receiving import LOCK_SPACE
from heard.conversations.models import Inbox, Listening
from heard.lib.sealing import UnsealError

log = logging.getLogger(__name__)

LISTENING_LOCK_SPACE = LOCK_SPACE + 3
LOOK_SECONDS = 2.0
"""How often the process looks for inboxes that are new, changed or gone."""
NEEDS_PERSON_SECONDS = 600.0
"""A place that does not let us in is asked again so rarely: somebody may have mended it there."""
CALMING = 1.5
"""How much longer the wait gets with every question that brings nothing."""
ENDING_SECONDS = 8.0


class OvertakenError(Exception):
    """Somebody else has moved the cursor: begin again from where it stands."""


def listen() -> None:
    """Listen to every inbox that must be asked, until SIGTERM or SIGINT."""
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    standing_in = threading.Thread(target=stand_in, args=[stop], name="standing in")
    standing_in.start()
    try:
        House().stay(stop)
    finally:  # whatever ended it: a process that only stands in would never be started again
        stop.set()
        standing_in.join()


class House:
    """All inboxes that are listened to by this process."""

    def __init__(self) -> None:
        self.ears: dict[int, Ear] = {}

    def stay(self, stop: threading.Event) -> None:
        """Keep an ear at every inbox until told to stop; a lost database lets go of all of them."""
        while not stop.is_set():
            try:
                while not stop.is_set():
                    self.look()
                    stop.wait(LOOK_SECONDS)
            except (OperationalError, InterfaceError, psycopg.OperationalError) as error:
                log.warning("listening lost the database: %s", error)
                self.leave()
                stop.wait(1)
            finally:
                connection.close()
        self.leave()

    def look(self) -> None:
        """Begin with inboxes that are new, begin again with changed ones, leave those that went."""
        wanted = {inbox.pk: inbox for inbox in _to_be_heard()}
        for pk, ear in list(self.ears.items()):
            inbox = wanted.get(pk)
            if inbox is None or ear.version != _version(inbox) or not ear.is_alive():
                ear.leave()
                if not ear.is_alive():  # else it is looked at again: a place may take its time
                    del self.ears[pk]
                    _let_go(pk)
        for pk, inbox in wanted.items():
            if pk not in self.ears and _is_ours(pk):
                self.ears[pk] = Ear(inbox)
                self.ears[pk].start()

    def leave(self) -> None:
        """Leave all, and wait a little for those who are in the middle of something."""
        for ear in self.ears.values():
            ear.leave()
        for ear in self.ears.values():
            ear.join(ENDING_SECONDS / max(1, len(self.ears)))
        self.ears.clear()


class Ear(threading.Thread):
    """Listens to one inbox until it is told to leave."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__(name=f"inbox {inbox.pk}", daemon=True)
        self.inbox = inbox
        self.version = _version(inbox)
        self._left = threading.Event()

    def leave(self) -> None:
        """Stop at the next opportunity."""
        self._left.set()

    def run(self) -> None:
        """Hear, and after trouble hear again, later and later."""
        while not self._left.is_set():
            try:
                wait = self._hear()
            except OvertakenError:
                wait = 1.0
            except ObjectDoesNotExist:  # the inbox has been removed while we listened
                return
            except (OperationalError, InterfaceError) as error:
                log.warning("inbox %s lost the database: %s", self.inbox.pk, error)
                wait = 2.0
            finally:
                connection.close()
            self._left.wait(wait)

    def _hear(self) -> float:
        """Hear until something goes wrong; the seconds to wait before beginning again."""
        self.inbox = Inbox.objects.get(pk=self.inbox.pk)
        row = health.row_of(self.inbox, now=timezone.now())
        until = (row.next_at - timezone.now()).total_seconds() if row.next_at else 0.0
        if until > 0 and self._left.wait(until):
            return 0.0
        channel = channel_of(self.inbox.kind)
        try:
            if channel is None:
                raise PlaceError(f"Nobody knows the kind {self.inbox.kind}.", needs_person=True)
            self._follow(channel, account_of(self.inbox), row.cursor)
        except UnsealError:
            reason = "The secret of this inbox was sealed with another key; enter it again."
            return self._trouble(PlaceError(reason, needs_person=True))
        except PlaceError as error:
            return self._trouble(error)
        except (web.NotReachedError, web.NoAnswerError) as error:
            return self._trouble(PlaceError(f"The place could not be reached: {error}."))
        except web.ForbiddenAddressError as error:
            return self._trouble(
                PlaceError(f"The place was not asked: {error}.", needs_person=True)
            )
        except (OvertakenError, ObjectDoesNotExist, Error):
            raise
        except Exception as error:  # one channel's fault must not stop the others
            log.exception("channel %s broke while listening", self.inbox.kind)
            return self._trouble(PlaceError(f"The channel broke ({type(error).__name__})."))
        return 0.0

    def _follow(self, channel: Channel, account: Account, cursor: str) -> None:
        """Store whatever comes, as it comes."""
        coming = (
            channel.listen(cursor, account)
            if isinstance(channel, Listened)
            else self._asked(channel, account, cursor)
        )
        with contextlib.closing(cast("Generator[Fetched]", coming)):
            for fetched in coming:
                store(self.inbox, fetched, before=cursor, now=timezone.now())
                cursor = fetched.cursor
                if self._left.is_set():
                    return
                if not fetched.deliveries:
                    connection.close()

    def _asked(self, channel: Channel, account: Account, cursor: str) -> Iterator[Fetched]:
        """Ask again and again, politely: sooner while something comes, where the place allows."""
        assert isinstance(channel, Polled)
        every, busy = _rhythm(self.inbox, channel)
        pause = every
        while True:
            fetched = channel.poll(cursor, account)
            yield fetched
            cursor = fetched.cursor
            pause = busy if fetched.deliveries else min(pause * CALMING, every)
            connection.close()
            wait = 0.0 if fetched.has_more else pause
            if self._left.wait(max(wait, fetched.pause_seconds or 0.0)):
                return

    def _trouble(self, error: PlaceError) -> float:
        """Write down what went wrong, and how long to wait."""
        row = Listening.objects.get(inbox=self.inbox)
        wish = error.retry_after_seconds
        if error.needs_person:
            wish = max(wish or 0.0, NEEDS_PERSON_SECONDS)
        wait = health.wait_seconds(row.error_count + 1, wish=wish, chance=random.random())
        health.went_wrong(
            self.inbox, str(error), needs_person=error.needs_person, wait=wait, now=timezone.now()
        )
        return wait


@transaction.atomic
def store(inbox: Inbox, fetched: Fetched, *, before: str, now: datetime) -> int:
    """Keep what was brought, and the cursor behind it; returns how much is new.

    Raises `OvertakenError` when the cursor is not where it was `before`: then nothing is kept, and
    whoever is ahead brings it.
    """
    fresh = keep_fetched(inbox.pk, fetched.deliveries, now=now) if fetched.deliveries else 0
    if fetched.cursor != before:
        moved = Listening.objects.filter(inbox=inbox, cursor=before).update(cursor=fetched.cursor)
        if not moved:
            raise OvertakenError
    health.went_well(inbox, fetched, now=now)
    return fresh


def is_asked(channel: Channel | None) -> bool:
    """Whether inboxes of this kind are listened to by us, and not only delivered to."""
    return isinstance(channel, Polled | Listened)


def _to_be_heard() -> Iterator[Inbox]:
    for inbox in Inbox.objects.filter(is_sample=False).order_by("pk"):
        if is_asked(channel_of(inbox.kind)) and inbox.settings.get("is_paused") is not True:
            yield inbox


def _is_ours(inbox_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LISTENING_LOCK_SPACE, inbox_id])
        return bool(cursor.fetchone()[0])


def _let_go(inbox_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LISTENING_LOCK_SPACE, inbox_id])


def _version(inbox: Inbox) -> str:
    """Changes when the inbox must be listened to in another way.

    Not with its secrets as such: a place may renew them with every answer.
    """
    said = json.dumps([inbox.kind, inbox.settings], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def _rhythm(inbox: Inbox, channel: Polled) -> tuple[float, float]:
    """Seconds between two questions, and after one that brought something.

    What somebody has chosen for the inbox is kept to either way.
    """
    chosen = inbox.settings.get("every_seconds")
    if isinstance(chosen, int | float):
        every = max(float(chosen), 1.0)
        return every, every
    every = channel.every_seconds
    return every, min(channel.busy_seconds, every) if isinstance(channel, Hastened) else every
