"""The sweep: finds the clocks that have something to say, and writes down what they say.

It costs by what fell due, not by what exists: a partial index holds the moments at which a running
clock must be looked at. Every step is one statement for all of them. It waits for nobody: whoever
settles holds a conversation and then wants its clocks, so a conversation that is held is left for
the next sweep.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from heard.conversations.clocks.settling import mark_stale, settle, tell
from heard.conversations.models import Inbox
from heard.staff.models import Role, User

AT_ONCE = 5_000

LOOK = """
    WITH ripe AS (
        SELECT k.id FROM clock k JOIN conversation c ON c.id = k.conversation_id
        WHERE k.next_at <= %(now)s
        ORDER BY k.next_at LIMIT %(limit)s FOR NO KEY UPDATE OF k, c SKIP LOCKED
    ), looked AS (
        SELECT k.id, k.due_at <= %(now)s AS is_due, k.warn_manager_at,
            coalesce(c.assignee_id, i.keeper_id) AS keeper_id,
            CASE WHEN k.is_history THEN 'unknown'
                WHEN EXISTS (SELECT FROM sighting s WHERE s.conversation_id = k.conversation_id
                    AND s.at BETWEEN k.started_at AND k.due_at) THEN 'seen'
                ELSE 'unseen' END AS sighting
        FROM ripe JOIN clock k USING (id)
        JOIN conversation c ON c.id = k.conversation_id JOIN inbox i ON i.id = k.inbox_id
    )
    UPDATE clock k SET
        failed_at = CASE WHEN l.is_due THEN k.due_at END,
        fail = CASE WHEN NOT l.is_due THEN ''
            WHEN k.kind = 'recognition' THEN 'recognition' ELSE 'service' END,
        sighting = CASE WHEN l.is_due THEN l.sighting ELSE '' END,
        keeper_id = CASE WHEN l.is_due THEN l.keeper_id END,
        next_at = CASE WHEN l.is_due THEN NULL
            WHEN k.warn_manager_at > %(now)s THEN k.warn_manager_at ELSE k.due_at END
    FROM looked l WHERE k.id = l.id
    RETURNING k.id, k.conversation_id, k.inbox_id, k.kind, k.started_at, k.due_at, l.keeper_id,
        CASE WHEN l.is_due THEN 'failed'
            WHEN k.warn_manager_at <= %(now)s THEN 'warned_manager' ELSE 'warned_assignee' END,
        k.is_history
"""

WAKE = """
    SELECT id FROM conversation WHERE status = 'snoozed' AND snoozed_until <= %s LIMIT %s
    FOR UPDATE SKIP LOCKED
"""


@dataclass(frozen=True, slots=True)
class Swept:
    """How many clocks failed and warned, and how many conversations woke."""

    failed: int = 0
    warned: int = 0
    woken: int = 0

    @property
    def is_full(self) -> bool:
        """Whether there may be more: sweep again at once."""
        return max(self.failed + self.warned, self.woken) >= AT_ONCE


@transaction.atomic
def sweep(now: datetime) -> Swept:
    """Look at the clocks whose moment has come, at most `AT_ONCE`, and wake what slept long enough.

    A warning goes to the assignee first, else the keeper; later, and when a clock fails, to those
    who lead as well. Clocks of history say nothing to anybody.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOOK, {"now": now, "limit": AT_ONCE})
        looked = cursor.fetchall()
        cursor.execute(WAKE, [now, AT_ONCE])
        sleepers = [row[0] for row in cursor]
    failed = [row for row in looked if row[7] == "failed"]
    if looked:
        mark_stale((row[2], moment) for row in failed for moment in (row[4], row[5]))
        live = [row for row in looked if not row[8]]
        _write_diary(live, now=now)
        _notify(live, now=now)
        tell(sorted({(row[1], row[2]) for row in looked}))
    settle(sleepers, now=now)
    return Swept(failed=len(failed), warned=len(looked) - len(failed), woken=len(sleepers))


Looked = tuple[int, int, int, str, datetime, datetime, int | None, str, bool]


def _write_diary(looked: list[Looked], *, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO event (at, name, subject, subject_id, data)
            SELECT %s, x.name, 'conversation', x.conversation,
                json_build_object('clock', x.clock, 'kind', x.kind)
            FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::text[])
                AS x(name, conversation, clock, kind)
            """,
            [
                now,
                ["clock.failed" if row[7] == "failed" else "clock.warned" for row in looked],
                [row[1] for row in looked],
                [row[0] for row in looked],
                [row[3] for row in looked],
            ],
        )


def _notify(looked: list[Looked], *, now: datetime) -> None:
    """One notice for each person and clock: the keeper first, those who lead when it gets late."""
    leading = leads({row[2] for row in looked})
    notices: set[tuple[int, int, str, str]] = set()
    for _, conversation, inbox, kind, _, _, keeper, what, _ in looked:
        hearers = set() if what == "warned_assignee" and keeper else set(leading.get(inbox, ()))
        if keeper is not None:
            hearers.add(keeper)
        name = "clock.failed" if what == "failed" else "clock.warned"
        notices.update((hearer, conversation, name, kind) for hearer in hearers)
    rows = sorted(notices)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO notice (user_id, conversation_id, kind, text, at)
            SELECT x.person, x.conversation, x.kind, x.text, %s
            FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[])
                AS x(person, conversation, kind, text)
            """,
            [now, *([row[n] for row in rows] for n in range(4))],
        )


def leads(inboxes: set[int]) -> dict[int, list[int]]:
    """Owners and managers at work who may see each inbox."""
    people = User.objects.filter(is_active=True)
    owners = list(people.filter(role=Role.OWNER).values_list("pk", flat=True))
    managers = list(people.filter(role=Role.MANAGER).values_list("pk", "teams"))
    found = {inbox: set(owners) for inbox in inboxes}
    for inbox, team in Inbox.objects.filter(pk__in=inboxes).values_list("pk", "teams"):
        found[inbox].update(pk for pk, theirs in managers if team is None or theirs == team)
    return {inbox: sorted(hearers) for inbox, hearers in found.items()}
