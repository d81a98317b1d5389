"""Files the messages of an archive, lot by lot.

A lot and the note of how far it came are one transaction: whatever is killed, nothing is counted
twice and nothing is passed over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import psycopg
from django.db import Error, connection, transaction

from heard.channels.base import Incoming, SetAside
from heard.conversations.archives.lots import Filed, Lot, Task
from heard.conversations.intake.receiving import receive
from heard.conversations.models import Inbox

DEADLOCK_TRIES = 5

REFUSALS = (
    ValueError,
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,
)
"""Errors that are about the messages, and not about the state of the database."""


class Here:
    """One importer, in this process: for small archives."""

    count = 1

    def __init__(self, task: Task) -> None:
        self._task = task

    def give(self, number: int, lot: Lot) -> Filed:
        """File it at once."""
        return file(lot, number=number, task=self._task)

    def finish(self) -> Filed:
        """Nothing is ever left to do."""
        return Filed()


def file(lot: Lot, *, number: int, task: Task) -> Filed:
    """File one lot and note it, in one transaction; what the database refuses is set aside."""
    for attempt in range(1, DEADLOCK_TRIES + 1):
        try:
            with transaction.atomic():
                filed = Filed()
                inboxes = Inbox.objects.select_related("policy", "hours").in_bulk(lot.messages)
                for inbox, messages in lot.messages.items():
                    filed = filed.plus(_receive(inboxes[inbox], messages, task=task))
                advance(task.run, str(number), lot.position, filed, now=task.now)
        except (Error, psycopg.Error) as error:
            # Two importers may meet the same two strangers in opposite order.
            is_deadlock = isinstance(_cause(error), psycopg.errors.DeadlockDetected)
            if not is_deadlock or attempt == DEADLOCK_TRIES:
                raise
        else:
            return filed
    raise AssertionError("unreachable")


def advance(run: int, who: str, position: int, filed: Filed, *, now: datetime) -> None:
    """Note in the run that `who` has come to a position, and what was filed on the way."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE import_run r SET options = x.options, updated_at = %(now)s,
                taken_count = r.taken_count + %(taken)s, known_count = r.known_count + %(known)s,
                set_aside_count = r.set_aside_count + %(refused)s,
                position = (
                    SELECT min(at::bigint)
                    FROM jsonb_each_text(x.options->'positions') AS p(who, at)
                )
            FROM (
                SELECT id, jsonb_set(options, ARRAY['positions', %(who)s], to_jsonb(%(at)s::bigint))
                    AS options
                FROM import_run WHERE id = %(run)s FOR UPDATE
            ) x
            WHERE r.id = x.id
            """,
            {"run": run, "who": who, "at": position, "now": now, **filed._asdict()},
        )


def keep_aside(
    asides: Sequence[tuple[int, SetAside]], *, run: int, digest: str, now: datetime
) -> None:
    """Store what could not be understood, by the id of its inbox; what is there already stays."""
    rows = {
        (inbox, _name(aside, digest=digest)): (aside.where[:200], aside.reason[:300], aside.raw)
        for inbox, aside in asides
    }
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO delivery (inbox_id, external_id, run_id, received_at, "where", reason, body,
                state)
            SELECT x.inbox_id, x.external_id, %s, %s, x.at, x.reason, convert_to(x.raw, 'UTF8'),
                'set_aside'
            FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[])
                AS x(inbox_id, external_id, at, reason, raw)
            ON CONFLICT (inbox_id, external_id) WHERE external_id <> ''
                DO UPDATE SET run_id = excluded.run_id
            """,
            [
                run,
                now,
                [inbox for inbox, _ in rows],
                [name for _, name in rows],
                *(list(column) for column in zip(*rows.values(), strict=True)),
            ],
        )


def _name(aside: SetAside, *, digest: str) -> str:
    """The same each time the same archive is read."""
    whole = f"{digest}\n{aside.where}\n{aside.reason}\n{aside.raw}"
    return f"archive:{hashlib.sha256(whole.encode()).hexdigest()[:40]}"


def _receive(inbox: Inbox, messages: Sequence[Incoming], *, task: Task) -> Filed:
    """Receive them together; if that fails, in halves, until what is refused stands alone."""
    try:
        received = receive(
            inbox,
            messages,
            now=task.now,
            readings=None if task.is_read else [None] * len(messages),
            is_history=True,
            alive_since=task.alive_since,
            shares_inbox=task.shares_inbox,
        )
    except (Error, psycopg.Error, ValueError) as error:
        if not isinstance(_cause(error), REFUSALS):
            raise
        if len(messages) == 1:
            one = messages[0]
            aside = SetAside(
                where=f"message {one.external_id}",
                reason=f"it could not be stored: {str(error).splitlines()[0]}"[:200],
                raw=(one.text or one.html)[:4_000],
            )
            keep_aside([(inbox.pk, aside)], run=task.run, digest=task.digest, now=task.now)
            return Filed(refused=1)
        half = len(messages) // 2
        first = _receive(inbox, messages[:half], task=task)
        return first.plus(_receive(inbox, messages[half:], task=task))
    # What stands twice in the lot is known the second time.
    return Filed(taken=received.taken, known=len(messages) - received.taken)


def _cause(error: Exception) -> BaseException:
    """What psycopg said; Django wraps it, except while rows are copied in."""
    return error.__cause__ or error if isinstance(error, Error) else error
