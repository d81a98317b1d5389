"""Counts days anew: those marked stale before anybody reads, or all of them to compare.

The rows stay the truth. Whoever changes them marks the days that change (`settling.mark_stale`);
`freshen` counts those days again in a fixed number of statements, however many they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction

from heard.meter import spreads

LOCK = (0x68_65_61_72, -1)
FEW_DAYS = 200

COUNTED = (
    "incoming", "reply", "conversations", "started_by_contact", "answered", "negative", "turned",
    "response_clocks", "response_met", "response_within", "response_missed", "service_unanswered",
    "service_late", "recognition_unanswered", "recognition_late", "recommend", "avoid",
)  # fmt: skip

FIGURES = {
    "message": """
        SELECT w.inbox_id, w.day, count(*) FILTER (WHERE t.kind = 'incoming') AS incoming,
            count(*) FILTER (WHERE t.kind = 'reply') AS reply,
            count(DISTINCT {speaker}) FILTER (WHERE {voice} AND t.stance = 'recommend')
                AS recommend,
            count(DISTINCT {speaker}) FILTER (WHERE {voice} AND t.stance = 'avoid') AS avoid
        FROM {wanted} JOIN message t ON {inbox} AND {at} {floods} GROUP BY 1, 2
    """,
    "conversation": """
        SELECT w.inbox_id, w.day, count(*) FILTER (WHERE t.contact_id IS NOT NULL) AS conversations,
            count(*) FILTER (WHERE t.started_by_contact) AS started_by_contact,
            count(*) FILTER (WHERE t.started_by_contact AND t.first_reply_seconds IS NOT NULL)
                AS answered,
            count(*) FILTER (WHERE t.is_turned IS NOT NULL) AS negative,
            count(*) FILTER (WHERE t.is_turned) AS turned
        FROM {wanted} JOIN conversation t ON {inbox} AND {started_at} GROUP BY 1, 2
    """,
    "clock": """
        SELECT w.inbox_id, w.day, count(*) AS response_clocks, count(t.met_at) AS response_met,
            count(*) FILTER (WHERE t.met_at <= t.due_at) AS response_within,
            count(*) FILTER (WHERE t.met_at IS NULL AND t.failed_at IS NOT NULL)
                AS response_missed
        FROM {wanted} JOIN clock t ON {inbox} AND {started_at} WHERE t.kind = 'first_response'
        GROUP BY 1, 2
    """,
    "fail": """
        SELECT w.inbox_id, w.day,
            count(*) FILTER (WHERE t.fail = 'service' AND t.met_at IS NULL) AS service_unanswered,
            count(*) FILTER (WHERE t.fail = 'service' AND t.met_at IS NOT NULL) AS service_late,
            count(*) FILTER (WHERE t.fail = 'recognition' AND t.met_at IS NULL)
                AS recognition_unanswered,
            count(*) FILTER (WHERE t.fail = 'recognition' AND t.met_at IS NOT NULL)
                AS recognition_late
        FROM {wanted} JOIN clock t ON {inbox} AND {failed_at} GROUP BY 1, 2
    """,
}

VOICES = """
    SELECT NULL::bigint AS inbox_id, w.day,
        count(DISTINCT {speaker}) FILTER (WHERE t.stance = 'recommend') AS recommend,
        count(DISTINCT {speaker}) FILTER (WHERE t.stance = 'avoid') AS avoid
    FROM (SELECT DISTINCT day, low, high FROM wanted) w JOIN message t ON {at} {floods}
    WHERE {voice} GROUP BY 2
"""

VOICE = """t.kind = 'incoming' AND t.is_public AND t.stance IN ('avoid', 'recommend')
    AND NOT EXISTS (SELECT FROM contact k WHERE k.id = t.contact_id AND k.is_ours)"""

FLOODS = "LEFT JOIN flooded a ON a.message_id = {0}.id AND a.taken_out_at IS NULL"
SPEAKER = "CASE WHEN {0}.contact_id IS NOT NULL THEN coalesce(-a.flood_id, {0}.contact_id) END"
"""Whose voice a message is: its contact's, or that of its flood, which is one however many say it.

Both are for a message called {0}; floods have numbers below zero, so that none is a contact."""

SPREADS = {
    "first_reply_spread": """
        SELECT w.inbox_id, w.day,
            width_bucket(t.first_reply_seconds, %(bounds)s::float8[]) - 1 AS bucket, count(*)
        FROM {wanted} JOIN conversation t ON {inbox} AND {started_at}
        WHERE t.started_by_contact AND t.first_reply_seconds IS NOT NULL GROUP BY 1, 2, 3
    """,
    "response_spread": """
        SELECT w.inbox_id, w.day,
            width_bucket(extract(epoch FROM t.met_at - t.started_at)::float8,
                %(bounds)s::float8[]) - 1 AS bucket, count(*)
        FROM {wanted} JOIN clock t ON {inbox} AND {started_at}
        WHERE t.kind = 'first_response' AND t.met_at IS NOT NULL GROUP BY 1, 2, 3
    """,
}

Day = tuple[int | None, date]


@transaction.atomic
def freshen() -> int:
    """Count the stale days again; returns how many there were. Two callers do not count twice."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM stale_day)")
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", LOCK)
        # Days marked again while we count stay marked: they are other rows then.
        cursor.execute("DELETE FROM stale_day RETURNING inbox_id, day")
        stale = sorted({(inbox, day) for inbox, day in cursor})  # a day may stand there many times
        counted = _count(stale)
        cursor.execute(
            "DELETE FROM day_figures d USING unnest(%s::bigint[], %s::date[]) AS w(inbox_id, day) "
            "WHERE d.day = w.day AND (d.inbox_id = w.inbox_id OR d.inbox_id IS NULL)",
            [[inbox for inbox, _ in stale], [day for _, day in stale]],
        )
        _write(counted)
    return len(stale)


@transaction.atomic
def rebuild() -> int:
    """Count every day of every inbox anew; returns how many rows that made."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", LOCK)
        cursor.execute("DELETE FROM stale_day")
        cursor.execute("DELETE FROM day_figures")
    counted = _count(_every_day())
    _write(counted)
    return len(counted)


@transaction.atomic
def differences() -> list[str]:
    """Compare what is kept with what the rows say; one line for each figure that differs."""
    freshen()
    counted = _count(_every_day())
    with connection.cursor() as cursor:
        columns = (*COUNTED, *SPREADS)
        cursor.execute(f"SELECT inbox_id, day, {', '.join(columns)} FROM day_figures")
        kept = {
            (row[0], row[1]): {
                name: bytes(value) if isinstance(value, memoryview | bytes) else value
                for name, value in zip(columns, row[2:], strict=True)
                if value
            }
            for row in cursor
        }
    found: list[str] = []
    for key in sorted(kept.keys() | counted.keys(), key=lambda key: (key[1], key[0] or 0)):
        is_, should = kept.get(key, {}), counted.get(key, {})
        found.extend(
            f"{key[1]} inbox {key[0] or 'all'}: {name}"
            for name in columns
            if (is_.get(name) or 0) != (should.get(name) or 0)
        )
    return found


def _every_day() -> list[tuple[int, date]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT inbox_id, (at AT TIME ZONE %(zone)s)::date FROM (
                SELECT inbox_id, at FROM message
                UNION ALL SELECT inbox_id, started_at FROM clock
                UNION ALL SELECT inbox_id, failed_at FROM clock WHERE failed_at IS NOT NULL
            ) AS moments
            """,
            {"zone": settings.TIME_ZONE},
        )
        return [(inbox, day) for inbox, day in cursor]


def _count(days: Sequence[tuple[int, date]]) -> dict[Day, dict[str, Any]]:
    """The figures of these days from the rows; what is zero is left out."""
    found: dict[Day, dict[str, Any]] = defaultdict(dict)
    if not days:
        return found
    zone = ZoneInfo(settings.TIME_ZONE)
    bounds = {day: _bounds(day, zone) for _, day in days}
    parameters = {
        "inboxes": [inbox for inbox, _ in days],
        "days": [day for _, day in days],
        "lows": [bounds[day][0] for _, day in days],
        "highs": [bounds[day][1] for _, day in days],
        "zone": settings.TIME_ZONE,
        "first": min(low for low, _ in bounds.values()),
        "last": max(high for _, high in bounds.values()),
        "bounds": spreads.BOUNDS.tolist(),
    }
    words = _words(is_few=len(days) <= FEW_DAYS)
    buckets: dict[tuple[Day, str], list[tuple[int, int]]] = defaultdict(list)
    with connection.cursor() as cursor:
        if len(days) > FEW_DAYS:
            # The planner does not know how many days there are, and would try each with each row.
            cursor.execute("SET LOCAL enable_nestloop = off; SET LOCAL enable_mergejoin = off")
        for statement in (*FIGURES.values(), VOICES):
            cursor.execute(WANTED + statement.format(**words), parameters)
            names = [column.name for column in cursor.description][2:]
            for inbox, day, *values in cursor:
                found[inbox, day] |= {n: v for n, v in zip(names, values, strict=True) if v}
        for name, statement in SPREADS.items():
            cursor.execute(WANTED + statement.format(**words), parameters)
            for inbox, day, bucket, count in cursor:
                buckets[(inbox, day), name].append((bucket, count))
        cursor.execute("SET LOCAL enable_nestloop = on; SET LOCAL enable_mergejoin = on")
    for (day_key, name), counts in buckets.items():
        found[day_key][name] = spreads.pack(counts)
    return {key: figures for key, figures in found.items() if figures}


WANTED = """
    WITH wanted AS MATERIALIZED (
        SELECT * FROM unnest(%(inboxes)s::bigint[], %(days)s::date[], %(lows)s::timestamptz[],
            %(highs)s::timestamptz[]) AS x(inbox_id, day, low, high)
    )
"""


def _words(*, is_few: bool) -> dict[str, str]:
    """How rows are matched to days: a few days each by its range, many by reading once through."""
    words = {
        "voice": VOICE,
        "floods": FLOODS.format("t"),
        "speaker": SPEAKER.format("t"),
        "wanted": "wanted w",
        "inbox": "t.inbox_id = w.inbox_id",
    }
    for column in ("at", "started_at", "failed_at"):
        words[column] = (
            f"t.{column} >= w.low AND t.{column} < w.high"
            if is_few
            else f"(t.{column} AT TIME ZONE %(zone)s)::date = w.day "
            f"AND t.{column} >= %(first)s AND t.{column} < %(last)s"
        )
    return words


def _bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return (
        datetime.combine(day, time(), zone),
        datetime.combine(day + timedelta(days=1), time(), zone),
    )


def _write(counted: dict[Day, dict[str, Any]]) -> None:
    columns = (*COUNTED, *SPREADS)
    statement = f"COPY day_figures (inbox_id, day, {', '.join(columns)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.cursor.copy(statement) as copy:
        for (inbox, day), figures in counted.items():
            copy.write_row(
                (
                    inbox,
                    day,
                    *[figures.get(name, 0) for name in COUNTED],
                    *[figures.get(name, b"") for name in SPREADS],
                )
            )
