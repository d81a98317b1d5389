"""How those who keep inboxes do: recognition and answers given in time, of all that were due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from heard.conversations.queries import Sight
from heard.lib.shares import wilson
from heard.lib.statements import fetch
from heard.staff.models import User

DAYS = 90

KEPT = """
    SELECT i.keeper_id, k.kind = 'recognition', count(*),
        count(*) FILTER (WHERE k.met_at <= k.due_at)
    FROM inbox i JOIN clock k ON k.inbox_id = i.id AND k.started_at >= %(since)s
    WHERE i.keeper_id IS NOT NULL AND i.id = ANY(%(inboxes)s)
        AND (%(keeper)s::bigint IS NULL OR i.keeper_id = %(keeper)s)
        AND k.kind IN ('recognition', 'first_response', 'next_response')
        AND (k.met_at IS NOT NULL OR k.failed_at IS NOT NULL)
    GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many in time."""

    in_time: int = 0
    count: int = 0

    @property
    def share(self) -> float | None:
        """The share in time; None when nothing was due."""
        return self.in_time / self.count if self.count else None

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """Wilson's 95 % interval of that share."""
        return wilson(self.in_time, self.count)


@dataclass(frozen=True, slots=True)
class Keeper:
    """Somebody who keeps inboxes: their two rates, by the inboxes that the reader may see."""

    person: User
    inboxes: tuple[int, ...]
    recognition: Rate
    answers: Rate


def keepers(*, sight: Sight, now: datetime, only: User | None = None) -> list[Keeper]:
    """All keepers, or one, over the last `DAYS` days: two or three queries.

    A need counts once it was met or its time has passed; one met late was not in time.
    """
    kept = {
        row[0]: tuple(row[1])
        for row in fetch(
            "SELECT keeper_id, array_agg(id ORDER BY id) FROM inbox WHERE keeper_id IS NOT NULL "
            "AND id = ANY(%(inboxes)s) AND (%(keeper)s::bigint IS NULL OR keeper_id = %(keeper)s) "
            "GROUP BY 1",
            {"inboxes": list(sight.doors), "keeper": only.pk if only else None},
        )
    }
    rates = {
        (keeper, is_recognition): Rate(in_time, count)
        for keeper, is_recognition, count, in_time in fetch(
            KEPT,
            {
                "since": now - timedelta(days=DAYS),
                "inboxes": list(sight.doors),
                "keeper": only.pk if only else None,
            },
        )
    }
    people = [only] if only else User.objects.filter(pk__in=kept).order_by("name")
    return [
        Keeper(
            person,
            kept.get(person.pk, ()),
            recognition=rates.get((person.pk, True), Rate()),
            answers=rates.get((person.pk, False), Rate()),
        )
        for person in people
    ]
