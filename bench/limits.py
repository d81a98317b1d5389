"""What the machine allows: rows PostgreSQL takes, commits and round trips, with nothing of ours."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime

import psycopg

from bench.house import House

ROWS = 100_000
TABLE = """
    DROP TABLE IF EXISTS limit_row;
    CREATE TABLE limit_row (
        id bigserial PRIMARY KEY, channel int, external_id text, contact int, at timestamptz,
        kind text, text text, UNIQUE (channel, external_id)
    );
    CREATE INDEX ON limit_row (at);
    CREATE INDEX ON limit_row (contact)
"""


def measure(house: House) -> dict[str, float]:
    """Rows a second by COPY, commits a second one by one, and a round trip in milliseconds."""
    with house.database() as database:
        database.execute(TABLE)
        copied = copy(database)
        committed = commit(database)
        asked = ask(database)
        database.execute("DROP TABLE limit_row")
    return {"copied": copied, "committed": committed, "asked_ms": asked}


def copy(database: psycopg.Connection[tuple[object, ...]]) -> float:
    """Short messages into a table with a primary key, a unique key and two indexes."""
    now, text = datetime.now(UTC), "Where is my order? It should have come on Monday. " * 3
    began = time.monotonic()
    with (
        database.cursor() as cursor,
        cursor.copy("COPY limit_row (channel, external_id, contact, at, kind, text) FROM STDIN")
        as into,
    ):  # fmt: skip
        for n in range(ROWS):
            into.write_row((1, f"m{n}", n % 5_000, now, "incoming", text))
    return ROWS / (time.monotonic() - began)


def commit(database: psycopg.Connection[tuple[object, ...]], *, seconds: float = 2) -> float:
    """One row, one commit, over one connection."""
    began, count = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        database.execute(
            "INSERT INTO limit_row (channel, external_id, at, text) VALUES (2, %s, now(), 'x')",
            [str(count)],
        )
        count += 1
    return count / (time.monotonic() - began)


def ask(database: psycopg.Connection[tuple[object, ...]]) -> float:
    """`SELECT 1` and its answer."""
    took = []
    for _ in range(2_000):
        began = time.perf_counter()
        database.execute("SELECT 1").fetchone()
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took)
