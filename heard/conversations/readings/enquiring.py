"""Asks people about the readings of which the reader is least sure: a few a day, never twice.

What they say is a label like every correction. Enquiries nobody took up go after a week.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, zip_longest
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from heard.conversations.models import Enquiry
from heard.conversations.queries import Sight
from heard.learning.taught import house
from heard.lib.statements import fetch
from heard.reading.house import worth_asking

A_DAY = 12
A_DAY_EACH = 3
"""So many are open in the house at a time, and so many one person is asked about a day."""

RECENT = timedelta(days=7)
LOOKED_AT = 2_000

CANDIDATES = """
    SELECT m.id, m.inbox_id, m.text FROM message m JOIN inbox i ON i.id = m.inbox_id
    WHERE NOT i.is_sample AND m.kind = 'incoming' AND m.read_by = 'model' AND m.at > %s
        AND m.text <> '' AND m.need_by = '' AND m.deleted_at IS NULL AND NOT m.is_automatic
        AND NOT EXISTS (SELECT FROM enquiry d WHERE d.message_id = m.id)
    ORDER BY m.at DESC, m.id DESC LIMIT %s
"""

OPEN = """d.answered_at IS NULL AND d.asked_at > %(recent)s
        AND (SELECT count(*) FROM enquiry WHERE by_id = %(me)s AND answered_at >= %(midnight)s)
            < %(a_day_each)s"""
"""Of enquiries `d`: those that a person may be asked about now, with the parameters `open_to`."""

NEXT = f"""
    SELECT d.id, d.head, CASE d.head WHEN 'need' THEN m.need WHEN 'mood' THEN m.mood
        WHEN 'stance' THEN m.stance ELSE m.urgency END, left(m.text, 300), m.id, m.conversation_id,
        m.inbox_id, m.author_name
    FROM enquiry d JOIN message m ON m.id = d.message_id
    WHERE {OPEN} AND m.inbox_id = ANY(%(doors)s) AND m.text <> '' AND m.deleted_at IS NULL
    ORDER BY d.asked_at DESC, d.id LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """One enquiry as its line shows it; `says` is what the head says now."""

    id: int
    head: str
    says: str
    text: str
    message_id: int
    conversation_id: int
    inbox_id: int
    author: str


@transaction.atomic
def ask(*, now: datetime) -> int:
    """Find what to ask about among the newest messages; returns how much is new.

    Inboxes take turns, so that everybody finds something among what they may see.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM enquiry WHERE answered_at IS NULL AND asked_at <= %s", [now - RECENT]
        )
        cursor.execute(CANDIDATES, [now - RECENT, LOOKED_AT])
        rows = cursor.fetchall()
    wanted = A_DAY - Enquiry.objects.filter(answered_at=None).count()
    if wanted <= 0 or not rows:
        return 0
    by_inbox: dict[int, list[Enquiry]] = defaultdict(list)
    for place, head in worth_asking(house(), [row[2] for row in rows], most=3 * A_DAY):
        message, inbox, _ = rows[place]
        by_inbox[inbox].append(Enquiry(message_id=message, head=head, asked_at=now))
    turns = chain.from_iterable(zip_longest(*by_inbox.values()))
    chosen = [one for one in turns if one is not None][:wanted]
    return len(Enquiry.objects.bulk_create(chosen, ignore_conflicts=True))


def next_enquiry(*, sight: Sight, now: datetime) -> Asked | None:
    """What this person is asked next, if anything is left for today: one query."""
    rows = fetch(NEXT, open_to(sight.user_id, now=now) | {"doors": list(sight.doors)})
    return Asked(*rows[0]) if rows else None


def open_to(user_id: int, *, now: datetime) -> dict[str, Any]:
    """What the condition `OPEN` wants to know of a person and a moment."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "recent": now - RECENT,
        "me": user_id,
        "midnight": midnight,
        "a_day_each": A_DAY_EACH,
    }


def dismiss(enquiry: Enquiry, *, sight: Sight, now: datetime) -> None:
    """Not now: nobody is asked about it again."""
    Enquiry.objects.filter(pk=enquiry.pk, answered_at=None).update(
        answered_at=now, by=sight.user_id, is_dismissed=True
    )
