"""Where people speak about us in public, and whether anybody of us answers there.

A place is an inbox, and for what is heard all over the web, the site in the message's own address.
Everything is counted from messages; of more than `MOST` in the days asked for, the newest count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from heard.conversations.queries import COUNT_CAP, Count, Door, Sight, from_key, key_of
from heard.lib.shares import wilson
from heard.lib.statements import fetch
from heard.meter.rows import PAGE_SIZE, Behind, Page

MOST = 50_000
SPANS = (30, 90)

HEARD = f"""
    SELECT m.id, m.at, m.inbox_id, m.conversation_id, m.contact_id, m.need, m.text,
        coalesce(lower(substring(m.extra->>'url' from '^https?://(?:www[.])?([^/:?#]+)')), '')
            AS host
    FROM message m
    WHERE m.kind = 'incoming' AND m.is_public AND m.at >= %(since)s AND NOT m.is_automatic
        AND m.inbox_id = ANY(%(inboxes)s)
        AND NOT EXISTS (SELECT FROM contact k WHERE k.id = m.contact_id AND k.is_ours)
    ORDER BY m.at DESC, m.id DESC LIMIT {MOST}
"""

ANSWERED = """
    EXISTS (SELECT FROM message r WHERE r.conversation_id = h.conversation_id AND r.kind = 'reply'
        AND r.at >= h.at AND NOT r.is_automatic)
    OR (h.need = 'recognition' AND EXISTS (
        SELECT FROM acknowledgement a WHERE a.message_id = h.id))
"""

PLACES = f"""
    SELECT h.inbox_id, h.host, count(*), count(DISTINCT h.contact_id),
        count(*) FILTER (WHERE h.need IN ('answer', 'recognition')),
        count(*) FILTER (WHERE h.need IN ('answer', 'recognition') AND ({ANSWERED})),
        max(h.at)
    FROM ({HEARD}) h GROUP BY 1, 2
"""

WHICH: Mapping[str, tuple[Any, str]] = {
    "all": (_("What people said about us"), "true"),
    "needs": (
        _("What asked for an answer or for recognition"),
        "h.need IN ('answer', 'recognition')",
    ),
    "answered": (
        _("What we answered or recognised"),
        f"h.need IN ('answer', 'recognition') AND ({ANSWERED})",
    ),
    "unanswered": (
        _("What nobody of us answered"),
        f"h.need IN ('answer', 'recognition') AND NOT ({ANSWERED})",
    ),
}


@dataclass(frozen=True, slots=True)
class Spoken:
    """One place: how much was said, by how many, and how much of what asked for us was answered."""

    door: Door
    host: str
    messages: int
    people: int
    needs: int
    answered: int
    last_at: datetime

    @property
    def unanswered(self) -> int:
        """How much of what asked for us got nothing."""
        return self.needs - self.answered

    @property
    def share(self) -> float | None:
        """The share that was answered; None where nothing asked for us."""
        return self.answered / self.needs if self.needs else None

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """Wilson's 95 % interval of that share."""
        return wilson(self.answered, self.needs)

    @property
    def is_absent(self) -> bool:
        """People ask or praise here, and nobody of us has ever answered."""
        return self.needs > 0 and self.answered == 0


@dataclass(frozen=True, slots=True)
class PresenceMap:
    """All places of some days, those where most goes unanswered first."""

    places: tuple[Spoken, ...]
    is_cut: bool

    @property
    def absent(self) -> tuple[Spoken, ...]:
        """Where nobody of us answers."""
        return tuple(place for place in self.places if place.is_absent)

    @property
    def most(self) -> int:
        """The largest number of messages at one place, to draw the others by."""
        return max((place.messages for place in self.places), default=0)


def presence_map(*, sight: Sight, days: int, now: datetime) -> PresenceMap:
    """Where people have spoken in the last `days`: one query."""
    parameters = {"since": now - timedelta(days=days), "inboxes": list(sight.doors)}
    places = [
        Spoken(sight.doors[inbox], host, *counted)
        for inbox, host, *counted in fetch(PLACES, parameters)
    ]
    places.sort(key=lambda it: (-it.unanswered, -it.messages, it.door.name, it.host))
    return PresenceMap(tuple(places), sum(it.messages for it in places) >= MOST)


def said_there(
    *, door: Door, host: str, which: str, days: int, now: datetime, after: str = ""
) -> Page:
    """What a figure of a place counts, the newest first, that follows `after`: one query.

    Raises `ValueError` for no place in the list, `KeyError` for no such figure.
    """
    at, pk = from_key(after) if after else (None, None)
    found = fetch(
        f"""
        SELECT h.id, h.at, h.conversation_id, c.contact_name, left(h.text, 200)
        FROM ({HEARD}) h JOIN conversation c ON c.id = h.conversation_id
        WHERE h.host = %(host)s AND ({WHICH[which][1]})
            AND (%(at)s::timestamptz IS NULL OR (h.at, h.id) < (%(at)s, %(id)s))
        ORDER BY h.at DESC, h.id DESC LIMIT {PAGE_SIZE + 1}
        """,
        _of(door, host, days=days, now=now) | {"at": at, "id": pk},
    )
    rows = tuple(
        Behind(pk, at, conversation, door, name, text, None, "")
        for pk, at, conversation, name, text in found[:PAGE_SIZE]
    )
    more = len(found) > PAGE_SIZE
    return Page(rows, key_of(rows[-1].at, row_id=rows[-1].id) if more else "")


def count_there(*, door: Door, host: str, which: str, days: int, now: datetime) -> Count:
    """How many there are, up to the cap: one query."""
    [[number]] = fetch(
        f"SELECT count(*) FROM (SELECT FROM ({HEARD}) h WHERE h.host = %(host)s "
        f"AND ({WHICH[which][1]}) LIMIT {COUNT_CAP + 1}) x",
        _of(door, host, days=days, now=now),
    )
    return Count(number)


def _of(door: Door, host: str, *, days: int, now: datetime) -> dict[str, Any]:
    return {"since": now - timedelta(days=days), "inboxes": [door.id], "host": host}
