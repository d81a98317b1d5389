"""Floods are sifted out in the background: the same words, said again and again.

New messages are passed once, in lots, and held against the newest that came before them; how far
that has come is kept in the transaction of the lot. Taking messages in costs nothing more for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db import connection, transaction

from heard.conversations.floods.folding import fold
from heard.conversations.models import Sifted
from heard.lib.jobs import jobs
from heard.lib.statements import fetch
from heard.reading import likeness
from heard.reading.likeness import SHORT, SHORTEST, Prints, founders, prints

LOT = 4_000
LOTS_A_RUN = 25
AGAIN = 200
"""So many ids are looked at twice: a message may be committed after one with a higher id."""
KNOWN = 20_000
"""So many of the newest messages are held against what is new."""
SPAN = timedelta(days=7)
"""What is said so long after the last copy is no copy."""
LONGEST_TEXT = 8_000

FEWEST = 3
"""So many alike are a flood."""
FEWEST_SHORT = 20
"""So many of few words, which must be the very same."""

SAID = """
    SELECT m.id, m.at, left(m.text, %(longest)s) FROM message m
    WHERE m.id > %(first)s AND m.id <= %(last)s AND m.kind = 'incoming' AND NOT m.is_automatic
        AND m.text <> '' AND NOT coalesce(m.extra ? 'call', false)
        AND NOT EXISTS (SELECT FROM print p WHERE p.message_id = m.id)
        AND NOT EXISTS (SELECT FROM flooded f WHERE f.message_id = m.id)
    ORDER BY m.id
"""

NEWEST = """
    SELECT message_id, at, founder, size, signature FROM print
    ORDER BY message_id DESC LIMIT %(most)s
"""

GOING_ON = """
    SELECT first, last_at, first, size, signature FROM flood
    WHERE last_at > %(since)s ORDER BY last_at DESC LIMIT %(most)s
"""

BEGIN = """
    INSERT INTO flood (first, size, signature, started_at, last_at)
    SELECT * FROM unnest(%s::bigint[], %s::int[], %s::bytea[], %s::timestamptz[], %s::timestamptz[])
    ON CONFLICT (first) DO NOTHING
"""

JOIN = """
    WITH joined AS (
        INSERT INTO flooded (message_id, flood_id)
        SELECT m.id, f.id FROM unnest(%(messages)s::bigint[], %(firsts)s::bigint[]) AS x(id, first)
        JOIN message m ON m.id = x.id
        JOIN flood f ON f.first = x.first AND f.dissolved_at IS NULL
        ON CONFLICT (message_id) DO NOTHING RETURNING message_id, flood_id
    ), latest AS (
        UPDATE flood f SET last_at = greatest(f.last_at, x.at) FROM (
            SELECT j.flood_id, max(m.at) AS at FROM joined j JOIN message m ON m.id = j.message_id
            GROUP BY 1
        ) x WHERE f.id = x.flood_id
    )
    SELECT message_id FROM joined
"""

PRUNE = """
    DELETE FROM print WHERE message_id < (
        SELECT message_id FROM print ORDER BY message_id DESC OFFSET %(most)s LIMIT 1
    )
"""


@jobs.periodic(cron="* * * * *")
@jobs.task(name="sift", queue="background", queueing_lock="sift")
def sift(timestamp: int) -> None:  # noqa: ARG001 - given to every periodic job
    """Look for floods among what has been said since the last time."""
    for _ in range(LOTS_A_RUN):
        if not look():
            break


@transaction.atomic
def look(*, lot: int = LOT) -> int:
    """Look at the next lot of messages; returns how many new ids there were."""
    Sifted.objects.get_or_create(pk=1)
    sifted = Sifted.objects.select_for_update().get(pk=1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM message")
        last = min(sifted.up_to + lot, cursor.fetchone()[0])
    fresh: int = last - sifted.up_to
    if fresh <= 0:
        return 0
    first = max(0, sifted.up_to - AGAIN)
    said = fetch(SAID, {"first": first, "last": last, "longest": LONGEST_TEXT})
    if said:
        _compare([row[:2] for row in said], prints([row[2] for row in said]))
    Sifted.objects.filter(pk=1).update(up_to=last)
    return fresh


@dataclass(frozen=True, slots=True)
class _Known:
    """What is held against each other, the earliest first: message, moment, founder, print."""

    ids: list[int]
    moments: list[datetime]
    founders: list[int]
    """Rows, not messages."""
    prints: Prints
    floods: int
    """So many of the rows, the first, are of floods that go on."""


def _compare(said: Sequence[tuple[int, datetime]], new: Prints) -> None:
    """Find of what each is a copy, keep their prints, and let floods begin and grow."""
    known = _known(since=min(at for _, at in said) - SPAN)
    ids = [*known.ids, *(pk for pk, _ in said)]
    moments = [*known.moments, *(at for _, at in said)]
    together = known.prints.and_(new)
    begun_by = founders(
        together,
        known.founders,
        moments=np.array([at.timestamp() for at in moments]),
        span=SPAN.total_seconds(),
    ).tolist()
    _keep(said, new, [ids[row] for row in begun_by[len(known.ids) :]])
    members: dict[int, list[int]] = defaultdict(list)
    touched = set(begun_by[len(known.ids) :])
    for row, founder in enumerate(begun_by):
        # Who is of a flood already need not be told so again.
        if founder in touched and (row >= len(known.ids) or founder >= known.floods):
            members[founder].append(row)
    floods = {
        founder: rows
        for founder, rows in members.items()
        if founder < known.floods or len(rows) >= _fewest(together.sizes[founder])
    }
    if floods:
        _let_flow(floods, ids=ids, moments=moments, told=together)


def _fewest(size: int) -> int:
    return FEWEST_SHORT if size < SHORT else FEWEST


def _known(*, since: datetime) -> _Known:
    """The first of each flood that goes on, and the newest messages."""
    rows = fetch(GOING_ON, {"since": since, "most": KNOWN})
    begun = {row[0]: place for place, row in enumerate(rows)}
    rows += reversed(fetch(NEWEST, {"most": KNOWN}))
    places = {row[0]: place for place, row in reversed(list(enumerate(rows)))}
    return _Known(
        ids=[row[0] for row in rows],
        moments=[row[1] for row in rows],
        founders=[begun.get(row[2], places.get(row[2], place)) for place, row in enumerate(rows)],
        prints=likeness.kept([row[4] for row in rows], [row[3] for row in rows]),
        floods=len(begun),
    )


def _keep(said: Sequence[tuple[int, datetime]], new: Prints, begun_by: Sequence[int]) -> None:
    statement = "COPY print (message_id, at, founder, size, signature) FROM STDIN"
    with connection.cursor() as cursor:
        with cursor.cursor.copy(statement) as copy:
            for row, ((pk, at), founder) in enumerate(zip(said, begun_by, strict=True)):
                size = int(new.sizes[row])
                if size >= SHORTEST:
                    copy.write_row((pk, at, founder, size, new.signatures[row].tobytes()))
        cursor.execute(PRUNE, {"most": KNOWN})


def _let_flow(
    floods: dict[int, list[int]],
    *,
    ids: Sequence[int],
    moments: Sequence[datetime],
    told: Prints,
) -> None:
    begun = [
        (
            ids[founder],
            int(told.sizes[founder]),
            told.signatures[founder].tobytes(),
            min(moments[row] for row in rows),
            max(moments[row] for row in rows),
        )
        for founder, rows in floods.items()
    ]
    members = [(ids[row], ids[founder]) for founder, rows in floods.items() for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(BEGIN, [list(column) for column in zip(*begun, strict=True)])
        cursor.execute(
            JOIN,
            {
                "messages": [message for message, _ in members],
                "firsts": [first for _, first in members],
            },
        )
        joined = [row[0] for row in cursor]
    fold(joined)
