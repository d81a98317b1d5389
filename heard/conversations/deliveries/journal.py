"""The journal: a delivery is stored raw before it is understood, and can be taken in again.

The rows themselves are the queue: there is no job for each. Waiting ones are taken in by the
hundred, in the order in which they came; what cannot be understood is set aside with its reason,
and one bad delivery never stops the others, not even one that ends the program that reads it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import Error, InterfaceError, OperationalError, connection, transaction
from procrastinate.exceptions import AlreadyEnqueued

from heard.channels.base import (
    Account,
    Acknowledged,
    CallEvent,
    Channel,
    Deleted,
    Delivered,
    Edited,
    Elsewhere,
    Incoming,
    NotUnderstoodError,
    Progress,
    SetAside,
)
from heard.channels.registry import channel_of
from heard.conversations.calls import taking
from heard.conversations.inboxes.accounts import account_of
from heard.conversations.inboxes.health import heard_late
from heard.conversations.intake.changing import Told, apply, change
from heard.conversations.intake.receiving import LOCK_SPACE, receive
from heard.conversations.models import Delivery, Inbox
from heard.conversations.outbox.acknowledging import acknowledge
from heard.events.diary import record
from heard.lib.jobs import jobs
from heard.lib.limits import seconds_to_wait
from heard.lib.sealing import UnsealError
from heard.lib.statements import at_once, fetch
from heard.staff.models import User

log = logging.getLogger(__name__)

TOPIC = "heard_deliveries"
"""What PostgreSQL calls out when a delivery waits."""

CALL_SECONDS = 0.5
"""A process calls at most this often: every call makes the commits of all others queue up. Whoever
listens goes on looking for longer than this after it was called."""

BATCH = 500
BATCH_BYTES = 2 * 1024 * 1024
CRASHES = 3
"""A delivery that was being read when the program ended this often is set aside."""

SUSPECTS = 25
"""So many come together of those that were being read when a program ended; those for which that
happened twice come alone."""

LOOK_AGAIN_SECONDS = 60
"""The same source is not looked at more often than this."""

KEEP = """
    INSERT INTO delivery (inbox_id, external_id, received_at, headers, body)
    VALUES (%s, %s, %s, %s::jsonb, %b)
    ON CONFLICT (inbox_id, external_id) WHERE external_id <> '' DO NOTHING RETURNING id
"""
STORE = """
    INSERT INTO delivery (inbox_id, external_id, received_at, headers, body)
    VALUES (%s, %s, %s, %s::jsonb, %s)
    ON CONFLICT (inbox_id, external_id) WHERE external_id <> '' DO NOTHING
"""
CALL = f"WITH kept AS ({KEEP}) SELECT id, pg_notify('{TOPIC}', '') FROM kept"
KEPT = "SELECT id FROM delivery WHERE inbox_id = %s AND external_id = %s"

READING_LOCK_SPACE = LOCK_SPACE + 2

_last_call = 0.0


class WaitsAlreadyError(Exception):
    """The delivery has not been taken in yet: there is nothing to repeat."""


class NotKeptError(Exception):
    """What the delivery held is not kept any longer: there is nothing to read again."""


class FromAnArchiveError(Exception):
    """A part of an archive is read again by importing the archive again."""


@dataclass(frozen=True, slots=True)
class _Raw:
    """A locked delivery that waits."""

    id: int
    inbox: int
    external_id: str
    delivered: Delivered
    crashes: int


def keep(
    inbox_id: int,
    *,
    body: bytes,
    headers: Mapping[str, str],
    external_id: str,
    now: datetime,
) -> int:
    """Store what arrived and return its id: that of the first one when it is brought again.

    One statement, for the hot path. `external_id` is the sender's own name for the delivery;
    without one nothing can be recognised as a repetition.
    """
    global _last_call  # noqa: PLW0603 - one moment for the whole process
    if len(external_id) > 200:
        external_id = hashlib.sha256(external_id.encode()).hexdigest()
    moment = time.monotonic()
    is_calling = moment - _last_call >= CALL_SECONDS
    row = at_once(
        CALL if is_calling else KEEP,
        [inbox_id, external_id, now, json.dumps(dict(headers)), body],
    )
    if row is None:
        row = at_once(KEPT, [inbox_id, external_id])
    elif is_calling:
        _last_call = moment
    assert row is not None  # deliveries go only with their inbox
    return int(row[0])


def keep_fetched(inbox_id: int, fetched: Sequence[Delivered], *, now: datetime) -> int:
    """Store what was found at a place, in the caller's transaction; returns how much is new.

    The same bytes under the same name are kept once; changed ones are a delivery of their own.
    """
    rows = [
        (
            inbox_id,
            _versioned(one) if one.external_id else "",
            now,
            json.dumps(dict(one.headers)),
            one.body,
        )
        for one in fetched
    ]
    with connection.cursor() as cursor:
        cursor.executemany(STORE, rows)
        fresh: int = max(cursor.rowcount, 0)
        if fresh:
            cursor.execute("SELECT pg_notify(%s, '')", [TOPIC])
    return fresh


def _versioned(one: Delivered) -> str:
    digest = hashlib.sha256(one.body).hexdigest()[:16]
    name = one.external_id
    if len(name) > 180:
        name = hashlib.sha256(name.encode()).hexdigest()
    return f"{name}#{digest}"


def take_in(*, now: datetime, only: int | None = None) -> int:
    """Take in one batch of waiting deliveries; returns how many were looked at, 0 when none wait.

    `only` takes that one alone, at once. Safe to run in any number of processes side by side.
    """
    if only is not None:
        with transaction.atomic():
            return _take_in(_locked([only], is_patient=True), now=now)
    looked_at = 0
    for is_suspect in (False, True):  # both each time: new ones that keep coming hold up no suspect
        with contextlib.ExitStack() as until_done:
            with _beginning(is_suspect=is_suspect) as may_begin:
                batch = _begin(is_suspect=is_suspect) if may_begin else []
                if not batch:
                    continue
                until_done.enter_context(transaction.atomic())
                raws = _locked(batch)
            _take_in(raws, now=now)
            looked_at += len(batch)
    return looked_at


@transaction.atomic
def take_again(delivery: Delivery, *, by: User, now: datetime) -> None:
    """Let a delivery that was set aside, or taken in before, be taken in again.

    What is known already is left alone. Raises `WaitsAlreadyError`, `NotKeptError` and
    `FromAnArchiveError`.
    """
    if delivery.run_id is not None:
        raise FromAnArchiveError
    if delivery.is_emptied:
        raise NotKeptError
    changed = (
        Delivery.objects.filter(pk=delivery.pk)
        .exclude(state=Delivery.State.WAITING)
        .update(state=Delivery.State.WAITING, reason="", try_count=0)
    )
    if not changed:
        raise WaitsAlreadyError
    record(
        "delivery.repeated",
        subject="delivery",
        subject_id=delivery.pk,
        at=now,
        actor_id=by.pk,
        data={"state": delivery.state, "reason": delivery.reason},
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [TOPIC])


@transaction.atomic
def take_all_again(inbox: Inbox | None, *, by: User | None, now: datetime) -> int:
    """Let everything that was set aside (in one inbox) be read again; returns how much that is."""
    aside = Delivery.objects.filter(state=Delivery.State.SET_ASIDE, run=None)
    aside = aside.exclude(body=b"", headers={})
    if inbox is not None:
        aside = aside.filter(inbox=inbox)
    count = aside.update(state=Delivery.State.WAITING, reason="", try_count=0)
    if count:
        record(
            "deliveries.repeated",
            subject="inbox",
            subject_id=inbox.pk if inbox else None,
            at=now,
            actor_id=by.pk if by else None,
            data={"count": count},
        )
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [TOPIC])
    return count


# Which


@contextlib.contextmanager
def _beginning(*, is_suspect: bool) -> Iterator[bool]:
    """Between counting an attempt and holding its rows nobody may take the count for a crash."""
    kind = "pg_try_advisory_lock" if is_suspect else "pg_advisory_lock_shared"
    release = "pg_advisory_unlock" if is_suspect else "pg_advisory_unlock_shared"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {kind}(%s, 0)", [READING_LOCK_SPACE])
        may_begin = cursor.fetchone()[0] is not False
    try:
        yield may_begin
    finally:
        if may_begin:
            # A connection that broke has let go already.
            with contextlib.suppress(Error), connection.cursor() as cursor:
                cursor.execute(f"SELECT {release}(%s, 0)", [READING_LOCK_SPACE])


@transaction.atomic
def _begin(*, is_suspect: bool) -> list[int]:
    """Choose what to read, and count the attempt before it is made: a crash cannot count itself.

    New ones come together; of suspects a small lot, in which none is suspected twice.
    """
    condition, limit = ("try_count > 0", SUSPECTS) if is_suspect else ("try_count = 0", BATCH)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, octet_length(body), try_count FROM delivery "
            f"WHERE state = 'waiting' AND {condition} "
            "ORDER BY try_count, id LIMIT %s FOR UPDATE SKIP LOCKED",
            [limit],
        )
        chosen: list[int] = []
        room = BATCH_BYTES
        for pk, size, try_count in cursor.fetchall():
            if chosen and (size > room or try_count > 1):
                break
            chosen.append(pk)
            room -= size
        if chosen:
            cursor.execute(
                "UPDATE delivery SET try_count = try_count + 1 WHERE id = ANY(%s)", [chosen]
            )
    return chosen


def _locked(batch: Sequence[int], *, is_patient: bool = False) -> list[_Raw]:
    """Those of the batch that still wait and that nobody else reads, held until this commits.

    The patient wait until whoever reads them has done so.
    """
    lock = "FOR UPDATE" if is_patient else "FOR UPDATE SKIP LOCKED"
    rows = fetch(
        f"""
        SELECT id, inbox_id, external_id, headers, body, received_at, try_count FROM delivery
        WHERE id = ANY(%s) AND state = 'waiting' ORDER BY id {lock}
        """,
        [list(batch)],
    )
    return [
        _Raw(
            id=pk,
            inbox=inbox,
            external_id=external_id,
            delivered=Delivered(
                body,
                headers if isinstance(headers, dict) else json.loads(headers),
                received_at,
                external_id=external_id.rpartition("#")[0] or external_id,
            ),
            crashes=max(0, try_count - 1),
        )
        for pk, inbox, external_id, headers, body, received_at, try_count in rows
    ]


def _take_in(raws: Sequence[_Raw], *, now: datetime) -> int:
    waiting: dict[int, list[_Raw]] = defaultdict(list)
    for raw in raws:
        if raw.crashes >= CRASHES:
            _set_aside(raw.id, "heard has ended three times while reading this.")
        else:
            waiting[raw.inbox].append(raw)
    for inbox in Inbox.objects.filter(pk__in=waiting).select_related("policy", "hours"):
        _take_in_one_inbox(inbox, waiting[inbox.pk], now=now)
    return len(raws)


# What they say


def _take_in_one_inbox(inbox: Inbox, raws: Sequence[_Raw], *, now: datetime) -> None:
    """Read the deliveries of one inbox and receive what they say together; alone if that fails."""
    understood = []
    channel = channel_of(inbox.kind)
    try:
        account = account_of(inbox)
    except UnsealError:
        account = None
    for raw in raws:
        said = _read(raw, channel, account)
        if said.reason:
            _set_aside(raw.id, said.reason)
        elif said.aside and not (said.items or said.told or said.calls or said.elsewhere):
            _set_aside(raw.id, said.aside[0].reason)
        else:
            understood.append((raw, said))
    if not understood:
        return
    try:
        _receive(inbox, [said for _, said in understood], now=now)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("a batch for inbox %s was not taken in; one by one now", inbox.pk)
        understood = [entry for entry in understood if _received_alone(inbox, entry, now=now)]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE delivery d SET state = 'taken', reason = '', message_count = x.count
            FROM unnest(%s::bigint[], %s::int[]) AS x(id, count) WHERE d.id = x.id
            """,
            [
                [raw.id for raw, _ in understood],
                [len(said.items) + len(said.calls) for _, said in understood],
            ],
        )
    for raw, said in understood:
        if said.aside:
            _keep_apart(raw, said.aside)
    sources = {one.source: raw.id for raw, said in understood for one in said.elsewhere}
    _look_elsewhere(inbox, sources, now=now)


def _look_elsewhere(inbox: Inbox, sources: Mapping[str, int], *, now: datetime) -> None:
    """Have these sources looked at, for one delivery each, however many point there.

    What was looked at a moment ago is looked at again, a little later, and once only.
    """
    for source, delivery in sorted(sources.items()):  # in order, so that none wait in a circle
        key = f"look:{inbox.pk}:{hashlib.sha256(source.encode()).hexdigest()}"
        wait = seconds_to_wait(key, limit=1, seconds=LOOK_AGAIN_SECONDS)
        with contextlib.suppress(AlreadyEnqueued), transaction.atomic():
            jobs.configure_task(
                "look_elsewhere",
                queue="fetching",
                queueing_lock=key,
                schedule_at=now + timedelta(seconds=wait) if wait else None,
            ).defer(delivery_id=delivery, source=source)


@dataclass(slots=True)
class _Said:
    """What a delivery says: messages, what is told of others, of calls, where more is said, and
    what could not be understood.

    `reason` is why nothing of it could; a delivery may also say nothing at all.
    """

    items: list[Incoming] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    calls: list[CallEvent] = field(default_factory=list)
    elsewhere: list[Elsewhere] = field(default_factory=list)
    aside: list[SetAside] = field(default_factory=list)
    reason: str = ""


def _read(raw: _Raw, channel: Channel | None, account: Account | None) -> _Said:
    """What a delivery says."""
    if channel is None:
        return _Said(reason="Nothing can be delivered to an inbox of this kind.")
    if account is None:
        return _Said(reason="The secret of this inbox was sealed with another key; enter it again.")
    read = _Said()
    try:
        for said in channel.parse(raw.delivered, account):
            if isinstance(said, Incoming):
                read.items.append(said)
            elif isinstance(said, SetAside):
                read.aside.append(said)
            elif isinstance(said, Edited | Deleted | Progress | Acknowledged):
                read.told.append(said)
            elif isinstance(said, CallEvent):
                read.calls.append(said)
            elif isinstance(said, Elsewhere):
                read.elsewhere.append(said)
    except NotUnderstoodError as error:
        return _Said(reason=str(error))
    except Exception as error:  # one channel's fault must not stop the others
        log.exception("channel %s broke on delivery %s", channel.kind, raw.id)
        return _Said(reason=f"The channel broke on it: {type(error).__name__}: {error}")
    return read


@transaction.atomic
def _receive(inbox: Inbox, said: Sequence[_Said], *, now: datetime) -> None:
    """File messages first, then what is told about them and about those that are here already."""
    items = [item for one in said for item in one.items]
    if items:
        _receive_messages(inbox, items, now=now)
    told = [one for each in said for one in each.told]
    if told:
        change(inbox, told, now=now)
    rung = [one for each in said for one in each.calls]
    if rung:
        taking.take(inbox, rung, now=now)
        heard_late(inbox, max(one.at for one in rung), now=now)


def _receive_messages(inbox: Inbox, items: Sequence[Incoming], *, now: datetime) -> None:
    received = receive(inbox, items, now=now)
    if received.taken:
        apply(inbox, {item.external_id for item in items}, now=now)
        acknowledge(inbox, received.filed, now=now)
        heard_late(inbox, max(item.at for item in items), now=now)
    secret = [item for item in items if item.token]
    if secret:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                UPDATE conversation c SET token = x.token
                FROM unnest(%s::text[], %s::text[]) AS x(external_id, token)
                JOIN message m ON m.inbox_id = %s AND m.external_id = x.external_id
                    AND m.kind = 'incoming'
                WHERE c.id = m.conversation_id AND c.token = ''
                """,
                [
                    [item.external_id for item in secret],
                    [item.token for item in secret],
                    inbox.pk,
                ],
            )


def _received_alone(inbox: Inbox, entry: tuple[_Raw, _Said], *, now: datetime) -> bool:
    raw, said = entry
    try:
        _receive(inbox, [said], now=now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("delivery %s was not taken in", raw.id)
        _set_aside(raw.id, f"It could not be stored: {type(error).__name__}: {error}")
        return False
    return True


def _set_aside(pk: int, reason: str) -> None:
    Delivery.objects.filter(pk=pk).update(
        state=Delivery.State.SET_ASIDE, reason=reason.replace("\x00", "")[:300]
    )


def _keep_apart(raw: _Raw, aside: Sequence[SetAside]) -> None:
    """Keep the parts of a delivery that could not be understood as deliveries of their own."""
    Delivery.objects.bulk_create(
        (
            Delivery(
                inbox_id=raw.inbox,
                external_id=f"{raw.id}/{part.where}"[:200],
                received_at=raw.delivered.at,
                headers=dict(raw.delivered.headers),
                body=part.raw.encode(errors="surrogatepass"),
                where=part.where[:200],
                state=Delivery.State.SET_ASIDE,
                reason=part.reason[:300],
                try_count=0,
                message_count=0,
            )
            for part in aside
        ),
        ignore_conflicts=True,
    )
