"""What is of one flood is folded into one line of the lists, and taken apart again where it is not.

Folding hides no clock and answers nobody: it is how lists show conversations, and as how many
voices the meter counts them. Each deed is one transaction.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import connection, transaction

from heard.conversations.clocks.settling import FLOOD_OF, mark_stale, tell
from heard.conversations.models import Conversation, Flood, Flooded
from heard.events.diary import record
from heard.staff.models import User

HOMES = """
    SELECT id, inbox_id FROM conversation
    WHERE id IN (SELECT conversation_id FROM message WHERE id = ANY(%s)) ORDER BY id FOR UPDATE
"""

FOLD = f"""
    UPDATE conversation c SET flood_id = x.flood_id FROM (
        SELECT o.id, {FLOOD_OF.format(conversation="o.id")} AS flood_id
        FROM conversation o WHERE o.id = ANY(%s)
    ) x WHERE c.id = x.id AND c.flood_id IS DISTINCT FROM x.flood_id RETURNING c.id, c.inbox_id
"""

STAYED = """
    SELECT DISTINCT ON (c.flood_id, c.inbox_id) c.id, c.inbox_id FROM conversation c
    WHERE c.flood_id IN (SELECT flood_id FROM flooded WHERE message_id = ANY(%s))
        AND c.status = 'open'
"""
"""One of those of the same flood in each inbox: the line that stands for them has changed, too."""

VOICES = """
    SELECT inbox_id, at FROM message
    WHERE id = ANY(%s) AND is_public AND stance IN ('avoid', 'recommend')
"""


@transaction.atomic
def fold(messages: Collection[int]) -> None:
    """Bring lists and voices into line after these messages have joined a flood or left it."""
    if not messages:
        return
    ids = sorted(messages)
    with connection.cursor() as cursor:
        # Whoever takes in what is said next in one of them waits, or is waited for and then seen.
        cursor.execute(HOMES, [ids])
        homes = [row[0] for row in cursor]
        cursor.execute(FOLD, [homes])
        changed = cursor.fetchall()
        cursor.execute(STAYED, [ids])
        changed = sorted({*changed, *cursor.fetchall()})
        cursor.execute(VOICES, [ids])
        stale = cursor.fetchall()
    mark_stale(stale)
    tell(changed)


@transaction.atomic
def take_out(conversation: Conversation, *, by: User, now: datetime) -> None:
    """Say that this one is not the same as the others: it is shown and counted by itself."""
    rows = Flooded.objects.filter(message__conversation=conversation, taken_out_at=None)
    ids = list(rows.values_list("pk", flat=True))
    rows.update(taken_out_at=now)
    record(
        "conversation.taken_out",
        subject="conversation",
        subject_id=conversation.pk,
        at=now,
        actor_id=by.pk,
        data={"flood": conversation.flood_id},
    )
    fold(ids)
    conversation.refresh_from_db()


@transaction.atomic
def dissolve(flood: Flood, *, inboxes: Collection[int], by: User, now: datetime) -> None:
    """Say that none of these inboxes' messages are the same. Once all are out, none joins later."""
    rows = Flooded.objects.filter(flood=flood, taken_out_at=None)
    ids = list(rows.filter(message__inbox__in=inboxes).values_list("pk", flat=True))
    rows.filter(message__inbox__in=inboxes).update(taken_out_at=now)
    if not rows.exists():
        flood.dissolved_at = now
        flood.save(update_fields=["dissolved_at"])
    _written(flood, "flood.dissolved", count=len(ids), by=by, now=now)
    fold(ids)


@transaction.atomic
def fold_again(flood: Flood, *, inboxes: Collection[int], by: User, now: datetime) -> None:
    """They are the same after all: whatever was taken out in these inboxes is put back."""
    rows = Flooded.objects.filter(
        flood=flood, taken_out_at__isnull=False, message__inbox__in=inboxes
    )
    ids = list(rows.values_list("pk", flat=True))
    rows.update(taken_out_at=None)
    flood.dissolved_at = None
    flood.save(update_fields=["dissolved_at"])
    _written(flood, "flood.folded_again", count=len(ids), by=by, now=now)
    fold(ids)


def _written(flood: Flood, name: str, *, count: int, by: User, now: datetime) -> None:
    record(
        name,
        subject="flood",
        subject_id=flood.pk,
        at=now,
        actor_id=by.pk,
        data={"messages": count},
    )
