"""A flood as one person may see it, and what can be done with all of it at once.

Whatever is done, is done in each conversation and written down there; only what is open is touched,
and only in inboxes that this person may see. Clocks run on, each for itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from heard.channels.base import Act
from heard.conversations.abilities import side_of
from heard.conversations.clocks.settling import settle
from heard.conversations.models import Conversation, Flood, Message, Resolution
from heard.conversations.outbox.acting import act
from heard.conversations.queries import COUNT_CAP, Count, Sight
from heard.conversations.thanking import due
from heard.events.diary import record_many
from heard.events.models import Event
from heard.lib.statements import fetch
from heard.staff.models import User

RESOLVED_AT_ONCE = 1_000
ACKNOWLEDGED_AT_ONCE = 200

SUMMED = """
    SELECT count(*), count(*) FILTER (WHERE status = 'open'),
        count(*) FILTER (WHERE status = 'open' AND waiting_since IS NOT NULL),
        count(*) FILTER (WHERE status = 'open' AND due_at <= %(now)s),
        count(DISTINCT contact_id)
    FROM (SELECT status, waiting_since, due_at, contact_id FROM conversation
        WHERE flood_id = %(flood)s AND inbox_id = ANY(%(inboxes)s) AND merged_into_id IS NULL
        LIMIT %(most)s) c
"""

LATEST = """
    SELECT f.id, f.started_at, f.last_at, s.*, coalesce(w.words, '')
    FROM flood f CROSS JOIN LATERAL (
        SELECT count(*) AS all, count(*) FILTER (WHERE status = 'open'),
            count(*) FILTER (WHERE status = 'open' AND waiting_since IS NOT NULL),
            count(*) FILTER (WHERE status = 'open' AND due_at <= %(now)s),
            count(DISTINCT contact_id)
        FROM (SELECT status, waiting_since, due_at, contact_id FROM conversation
            WHERE flood_id = f.id AND inbox_id = ANY(%(inboxes)s) AND merged_into_id IS NULL
            LIMIT %(most)s) c
    ) s LEFT JOIN LATERAL (
        SELECT left(m.text, 600) AS words FROM conversation c
        JOIN message m ON m.conversation_id = c.id
        WHERE c.flood_id = f.id AND c.inbox_id = ANY(%(inboxes)s) AND m.kind = 'incoming'
            AND m.text <> '' ORDER BY c.last_at DESC, c.id DESC, m.at LIMIT 1
    ) w ON true
    WHERE s.all > 0 ORDER BY f.last_at DESC, f.id DESC LIMIT %(limit)s
"""

WORDS = """
    SELECT left(m.text, 600) FROM conversation c JOIN message m ON m.conversation_id = c.id
    WHERE c.flood_id = %(flood)s AND c.inbox_id = ANY(%(inboxes)s) AND m.kind = 'incoming'
        AND m.text <> '' ORDER BY c.last_at DESC, c.id DESC, m.at LIMIT 1
"""

LAST = """
    SELECT c.id, m.id, m.need, m.mood, m.stance, m.is_public, i.kind, i.is_sample
    FROM conversation c JOIN inbox i ON i.id = c.inbox_id CROSS JOIN LATERAL (
        SELECT * FROM message WHERE conversation_id = c.id AND kind = 'incoming'
        ORDER BY at DESC, id DESC LIMIT 1
    ) m
    WHERE c.flood_id = %(flood)s AND c.status = 'open' AND c.inbox_id = ANY(%(inboxes)s)
        AND c.merged_into_id IS NULL AND m.deleted_at IS NULL
        AND NOT EXISTS (SELECT FROM acknowledgement a WHERE a.message_id = m.id)
    ORDER BY c.last_at, c.id LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Sum:
    """How many conversations of a flood somebody may see, and how they stand; capped."""

    all: Count
    open: Count
    waiting: Count
    failing: Count
    people: Count


@dataclass(frozen=True, slots=True)
class Standing:
    """A flood in which somebody may see something: since when, how it stands, and its words."""

    id: int
    started_at: datetime
    last_at: datetime
    sum: Sum
    words: str


@dataclass(frozen=True, slots=True)
class Done:
    """How many were done, and whether there are more to do."""

    count: int
    is_all: bool


def sum_up(flood: Flood, *, sight: Sight, now: datetime) -> Sum:
    """Count them: one query."""
    [numbers] = fetch(
        SUMMED,
        {"flood": flood.pk, "inboxes": list(sight.doors), "now": now, "most": COUNT_CAP + 1},
    )
    return Sum(*map(Count, numbers))


def latest(*, sight: Sight, now: datetime, limit: int) -> list[Standing]:
    """The floods that stand, the latest first: one query."""
    asked = {"inboxes": list(sight.doors), "now": now, "most": COUNT_CAP + 1, "limit": limit}
    return [
        Standing(pk, started, last, Sum(*map(Count, numbers)), words)
        for pk, started, last, *numbers, words in fetch(LATEST, asked)
    ]


def words_of(flood: Flood, *, sight: Sight) -> str:
    """What is said in it, as one of them says it: one query."""
    found = fetch(WORDS, {"flood": flood.pk, "inboxes": list(sight.doors)})
    return found[0][0] if found else ""


@transaction.atomic
def resolve_all(flood: Flood, *, inboxes: Collection[int], by: User, now: datetime) -> Done:
    """Call everything open of a flood done, the longest waiting first, as far as goes at once."""
    rows = Conversation.objects.filter(
        flood=flood, inbox__in=inboxes, merged_into=None, status=Conversation.Status.OPEN
    )
    found = list(
        rows.order_by("pk")
        .select_for_update(of=("self",))
        .values_list("pk", flat=True)[: RESOLVED_AT_ONCE + 1]
    )
    ids = found[:RESOLVED_AT_ONCE]
    Resolution.objects.bulk_create([Resolution(conversation_id=pk, at=now, by=by) for pk in ids])
    record_many(
        Event(
            name="conversation.resolved",
            subject="conversation",
            subject_id=pk,
            at=now,
            actor_id=by.pk,
            data={"flood": flood.pk},
        )
        for pk in ids
    )
    settle(ids, now=now)
    return Done(len(ids), is_all=len(found) == len(ids))


def thanks_due(flood: Flood, *, inboxes: Collection[int]) -> tuple[Act, ...]:
    """What recognition the last words of each deserve, as far as their places allow: one query."""
    found: set[Act] = set()
    for _, _, acts in _deserving(flood, inboxes=inboxes, most=ACKNOWLEDGED_AT_ONCE):
        found.update(acts)
    return tuple(kind for kind in (Act.LIKE, Act.THANK) if kind in found)


def acknowledge_all(
    flood: Flood, kind: Act, *, inboxes: Collection[int], by: User, now: datetime
) -> Done:
    """Like or thank whoever of a flood deserves it, as far as goes at once; the rest is untouched.

    Each is a transaction of its own, and done once however often it is asked for.
    """
    most = ACKNOWLEDGED_AT_ONCE
    deserving = _deserving(flood, inboxes=inboxes, most=most + 1)
    wanted = [message for _, message, acts in deserving if kind in acts]
    messages = Message.objects.select_related("inbox", "conversation").defer("search")
    for message in messages.filter(pk__in=wanted[:most]).order_by("pk"):
        act(message, kind, by=by, now=now)
    return Done(min(len(wanted), most), is_all=len(deserving) <= most)


def _deserving(
    flood: Flood, *, inboxes: Collection[int], most: int
) -> Sequence[tuple[int, int, tuple[Act, ...]]]:
    """Open conversations, their last words, and what recognition those deserve."""
    rows = fetch(LAST, {"flood": flood.pk, "inboxes": list(inboxes), "most": most})
    found = []
    for conversation, message, need, mood, stance, is_public, kind, is_sample in rows:
        deserved = due(
            need=need,
            mood=mood,
            stance=stance,
            bond="",
            is_public=is_public,
            possible=side_of(kind, is_public=is_public, is_sample=is_sample).acts,
            given=(),
        )
        if deserved is not None:
            found.append((conversation, message, deserved.acts))
    return found
