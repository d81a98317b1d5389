"""The book of calls: each with its hold and its end, and the figures over them.

A figure is taken over exactly the rows that its link leads to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from heard.conversations.models import Call
from heard.conversations.queries import Door, Sight
from heard.lib.shares import wilson
from heard.lib.statements import fetch

PAGE_SIZE = 50
DAYS = 28
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

OVER = "k.outcome NOT IN ('ringing', 'waiting', 'talking', 'held')"
SHOWN: dict[str, str] = {
    "": "true",
    "incoming": f"NOT k.is_outgoing AND {OVER}",
    "lost": "NOT k.is_outgoing AND k.outcome IN ('abandoned', 'missed')",
    "answered": "NOT k.is_outgoing AND k.outcome = 'answered'",
    "voicemail": "NOT k.is_outgoing AND k.outcome = 'voicemail'",
    "outgoing": "k.is_outgoing",
}
"""Which calls: all, those of customers that are over, those whom nobody answered …"""


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for. Days are those of the company."""

    since: date
    until: date
    inbox: int | None = None
    shown: str = ""
    held: float = 0.0
    """Only those on hold at least so many seconds."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One call as a line of the book."""

    id: int
    conversation: int | None
    name: str
    door: Door
    called: str
    queue: str
    agent: str
    outcome: str
    is_outgoing: bool
    started_at: datetime
    hold_seconds: float
    talk_seconds: float | None
    has_recording: bool
    hold_since: datetime | None

    @property
    def outcome_words(self) -> str:
        """What became of it."""
        return str(Call.Outcome(self.outcome).label)


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines, the newest first; `after` leads on."""

    rows: tuple[Rung, ...]
    after: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Of customers' calls that are over: how long they were on hold, and whom nobody answered."""

    count: int
    median: float | None
    p90: float | None
    at_least_median: int
    at_least_p90: int
    lost: int
    answered: int
    voicemail: int

    @property
    def share_lost(self) -> float | None:
        """Hung up or left ringing, of all."""
        return self.lost / self.count if self.count else None

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """Wilson's 95 % interval of that share."""
        return wilson(self.lost, self.count)


FROM = """
    FROM call k LEFT JOIN message m ON m.id = k.message_id
        LEFT JOIN conversation c ON c.id = m.conversation_id
"""
LINES = """
    SELECT k.id, c.id, coalesce(nullif(c.contact_name, ''), k.caller_name, k.caller), k.inbox_id,
        k.called, k.queue, k.agent, k.outcome, k.is_outgoing, k.started_at, k.hold_seconds,
        k.talk_seconds, k.recording_id IS NOT NULL, k.hold_since
    {source} WHERE {condition} AND (k.started_at, k.id) < (%(before)s, %(before_id)s)
    ORDER BY k.started_at DESC, k.id DESC LIMIT {limit}
"""
FIGURES = """
    WITH asked AS (SELECT k.hold_seconds, k.outcome {source} WHERE {condition}), middle AS (
        SELECT count(*) AS count,
            percentile_disc(0.5) WITHIN GROUP (ORDER BY hold_seconds) AS median,
            percentile_disc(0.9) WITHIN GROUP (ORDER BY hold_seconds) AS p90 FROM asked
    )
    SELECT x.count, x.median, x.p90,
        (SELECT count(*) FROM asked WHERE hold_seconds >= x.median),
        (SELECT count(*) FROM asked WHERE hold_seconds >= x.p90),
        (SELECT count(*) FROM asked WHERE outcome IN ('abandoned', 'missed')),
        (SELECT count(*) FROM asked WHERE outcome = 'answered'),
        (SELECT count(*) FROM asked WHERE outcome = 'voicemail')
    FROM middle x
"""


def last_weeks(sight: Sight, *, now: datetime) -> tuple[date, date]:
    """The four weeks up to today, or up to the last call there was."""
    newest = fetch(
        "SELECT max(k.started_at) FROM call k"
        " WHERE %(inboxes)s::bigint[] IS NULL OR k.inbox_id = ANY(%(inboxes)s)",
        {"inboxes": sight.inboxes},
    )[0][0]
    zone = ZoneInfo(settings.TIME_ZONE)
    today = now.astimezone(zone).date()
    if newest is not None and newest < now - timedelta(days=DAYS):
        today = newest.astimezone(zone).date()
    return today - timedelta(days=DAYS - 1), today


def page(filters: Filters, *, sight: Sight, after: str = "") -> Page:
    """The calls that are asked for, newest first. Raises `ValueError` for no place in the book."""
    condition, parameters = _asked(filters, sight=sight)
    before, before_id = _place(after)
    rows = fetch(
        LINES.format(source=FROM, condition=condition, limit=PAGE_SIZE + 1),
        {**parameters, "before": before, "before_id": before_id},
    )
    lines = [_line(row, sight=sight) for row in rows[:PAGE_SIZE]]
    last = lines[-1] if len(rows) > PAGE_SIZE else None
    return Page(tuple(lines), f"{_micros(last.started_at)}.{last.id}" if last else "")


def figures(filters: Filters, *, sight: Sight) -> Figures:
    """The figures of these days and this inbox, over all customers' calls that are over."""
    condition, parameters = _asked(
        Filters(**{**asdict(filters), "shown": "incoming", "held": 0.0}), sight=sight
    )
    [row] = fetch(FIGURES.format(source=FROM, condition=condition), parameters)
    return Figures(*row)


def _asked(filters: Filters, *, sight: Sight) -> tuple[str, dict[str, Any]]:
    zone = ZoneInfo(settings.TIME_ZONE)
    condition = (
        f"{SHOWN[filters.shown]} AND k.started_at >= %(since)s AND k.started_at < %(until)s"
        " AND k.hold_seconds >= %(held)s AND (%(inbox)s::bigint IS NULL OR k.inbox_id = %(inbox)s)"
        " AND (%(inboxes)s::bigint[] IS NULL OR k.inbox_id = ANY(%(inboxes)s))"
    )
    return condition, {
        "since": datetime(*filters.since.timetuple()[:3], tzinfo=zone),
        "until": datetime(*(filters.until + timedelta(days=1)).timetuple()[:3], tzinfo=zone),
        "held": filters.held,
        "inbox": filters.inbox,
        "inboxes": sight.inboxes,
    }


def _line(row: Sequence[Any], *, sight: Sight) -> Rung:
    pk, conversation, name, inbox, *rest = row
    return Rung(pk, conversation, name, sight.doors[inbox], *rest)


def _place(after: str) -> tuple[datetime, int]:
    if not after:
        return datetime(9999, 1, 1, tzinfo=UTC), 0
    micros, _, number = after.partition(".")
    if not (micros.isdecimal() and number.isdecimal() and len(after) < 40):
        raise ValueError("no such place in the book")
    return EPOCH + timedelta(microseconds=int(micros)), int(number)


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)
