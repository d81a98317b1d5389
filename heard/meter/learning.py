"""How the reader learns: each head's refits over time, and the labels behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from heard.conversations.queries import Sight
from heard.conversations.readings.correcting import CHOICES
from heard.learning.models import Refit
from heard.lib.statements import fetch
from heard.reading.house import ships_with

SHOWN = 60
"""So many refits of a head are drawn; the newest of them stand in the table."""
IN_TABLE = 12
PAGE_SIZE = 50

COUNTS = """
    SELECT c.head, count(DISTINCT c.message_id)
    FROM correction c JOIN message m ON m.id = c.message_id JOIN inbox i ON i.id = m.inbox_id
    WHERE m.text <> '' AND NOT m.is_automatic AND NOT i.is_sample GROUP BY 1
"""

LABELS = """
    SELECT c.id, c.was, c.now, c.at, coalesce(u.name, ''), left(m.text, 200), m.id,
        m.conversation_id, m.inbox_id
    FROM correction c JOIN message m ON m.id = c.message_id JOIN inbox i ON i.id = m.inbox_id
    LEFT JOIN staff_user u ON u.id = c.by_id
    WHERE c.head = %s AND m.inbox_id = ANY(%s) AND NOT i.is_sample AND c.id < %s
    ORDER BY c.id DESC LIMIT %s
"""
LAST_ID = 2**62


@dataclass(frozen=True, slots=True)
class HeadStory:
    """One head: what is used now, and how it came there, newest first."""

    head: str
    label_count: int
    refits: Sequence[Refit]

    @property
    def used(self) -> Refit | None:
        """The refit that new messages are read with; None while it is the head that ships."""
        active = next((it for it in self.refits if it.state == Refit.State.ACTIVE), None)
        return active if active and active.ships_with == ships_with() else None

    @property
    def outdated(self) -> Refit | None:
        """A refit of models that this version of heard does not ship with any more."""
        active = next((it for it in self.refits if it.state == Refit.State.ACTIVE), None)
        return active if active and active.ships_with != ships_with() else None

    @property
    def in_table(self) -> Sequence[Refit]:
        """The newest ones."""
        return self.refits[:IN_TABLE]

    def drawn(self) -> list[dict[str, Any]]:
        """The rows of its chart, oldest first."""
        return [
            {
                "at": it.at.isoformat(),
                "score": round(it.score, 4),
                "low": round(it.score_low, 4),
                "high": round(it.score_high, 4),
                "shipped": round(it.shipped_score, 4),
                "count": it.label_count,
                "is_used": it.state != Refit.State.ASIDE,
            }
            for it in reversed(self.refits)
        ]


def stories() -> list[HeadStory]:
    """All heads: two queries."""
    counts = dict(fetch(COUNTS, []))
    rows = Refit.objects.select_related("by").defer("weights").order_by("-at", "-pk")
    refits = list(rows[: SHOWN * len(CHOICES)])
    return [
        HeadStory(head, counts.get(head, 0), [it for it in refits if it.head == head][:SHOWN])
        for head in CHOICES
    ]


class GivenLabel(NamedTuple):
    """One word of a person on one message."""

    id: int
    was: str
    says: str
    at: datetime
    by: str
    text: str
    message_id: int
    conversation_id: int
    inbox_id: int


def labels(head: str, *, sight: Sight, before: int | None) -> list[GivenLabel]:
    """What people have said of a head, newest first, one more than a page: one query."""
    rows = fetch(LABELS, [head, list(sight.doors), before or LAST_ID, PAGE_SIZE + 1])
    return [GivenLabel(*row) for row in rows]
