"""Who is on hold right now, and who is told when it takes too long.

Hold is a clock of its own: it runs in seconds and at all hours, belongs to a call and not to a
message, and is over when somebody answers or the caller gives up.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from heard.channels.phone import HOLD_TARGET_SECONDS
from heard.channels.phone.course import span
from heard.conversations.clocks.settling import tell
from heard.conversations.clocks.sweeping import leads
from heard.conversations.models import Notice
from heard.conversations.queries import Door, Sight
from heard.lib.statements import fetch

LONGEST = timedelta(hours=4)
"""Nobody holds the line longer: the end of such a call was never told to us."""
MOST = 50

TARGET = f"""CASE WHEN i.settings->>'hold_target_seconds' ~ '^[0-9]{{1,6}}$'
    THEN (i.settings->>'hold_target_seconds')::float8 ELSE {HOLD_TARGET_SECONDS} END"""

NOW = f"""
    SELECT k.id, c.id, c.contact_name, k.inbox_id, k.queue,
        k.hold_since - make_interval(secs => k.hold_seconds), {TARGET}
    FROM call k JOIN inbox i ON i.id = k.inbox_id
        JOIN message m ON m.id = k.message_id JOIN conversation c ON c.id = m.conversation_id
    WHERE k.hold_since > %(earliest)s
        AND (%(inboxes)s::bigint[] IS NULL OR k.inbox_id = ANY(%(inboxes)s))
    ORDER BY 6, k.id LIMIT {MOST}
"""

ALARM = f"""
    UPDATE call k SET alarmed_at = %(now)s FROM inbox i, message m
    WHERE i.id = k.inbox_id AND m.id = k.message_id AND k.alarmed_at IS NULL
        AND k.hold_since > %(earliest)s
        AND k.hold_since - make_interval(secs => k.hold_seconds)
            <= %(now)s - make_interval(secs => {TARGET})
    RETURNING k.id, m.conversation_id, k.inbox_id, i.keeper_id, {TARGET}
"""


@dataclass(frozen=True, slots=True)
class OnHold:
    """Somebody who waits on the telephone. `since` leaves out the time in which we talked."""

    call: int
    conversation: int
    name: str
    door: Door
    queue: str
    since: datetime
    target_seconds: float

    def seconds(self, now: datetime) -> float:
        """How long by now."""
        return max(0.0, (now - self.since).total_seconds())

    def is_too_long(self, now: datetime) -> bool:
        """Whether it has passed what the inbox allows."""
        return self.seconds(now) >= self.target_seconds


def on_hold(sight: Sight, *, now: datetime) -> tuple[OnHold, ...]:
    """Who waits in the inboxes that this person may see, longest first: one query."""
    rows = fetch(NOW, {"earliest": now - LONGEST, "inboxes": sight.inboxes})
    return tuple(
        OnHold(call, conversation, name, sight.doors[inbox], queue, since, target)
        for call, conversation, name, inbox, queue, since, target in rows
        if inbox in sight.doors
    )


@transaction.atomic
def alarm(now: datetime) -> int:
    """Tell the keeper, else those who lead, of each hold that has become too long; how many.

    Each call is told of once. Costs one look at a small index when nobody waits.
    """
    with connection.cursor() as cursor:
        cursor.execute(ALARM, {"now": now, "earliest": now - LONGEST})
        rows = cursor.fetchall()
        if not rows:
            return 0
        cursor.executemany(
            "INSERT INTO event (at, name, subject, subject_id, data)"
            " VALUES (%s, 'call.on_hold', 'conversation', %s, %s)",
            [
                (now, conversation, json.dumps({"call": call, "target_seconds": target}))
                for call, conversation, _, _, target in rows
            ],
        )
    without_keeper = {inbox for _, _, inbox, keeper, _ in rows if keeper is None}
    leading = leads(without_keeper) if without_keeper else {}
    Notice.objects.bulk_create(
        Notice(
            user_id=person,
            conversation_id=conversation,
            kind="call.on_hold",
            text=span(target),
            at=now,
        )
        for _, conversation, inbox, keeper, target in rows
        for person in ([keeper] if keeper is not None else leading.get(inbox, []))
    )
    tell([(conversation, inbox) for _, conversation, inbox, _, _ in rows])
    return len(rows)
