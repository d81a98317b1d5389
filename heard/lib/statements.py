"""Statements of our own that pages ask again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from django.db import connection
from psycopg.pq import Format


def fetch(
    statement: str, parameters: Mapping[str, Any] | Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    """All rows of a statement, in PostgreSQL's binary form: no time or number is spelt out.

    Moments come in UTC. Raises what Django's cursor raises.
    """
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def fetch_together(
    *statements: tuple[str, Mapping[str, Any] | Sequence[Any]],
) -> list[list[tuple[Any, ...]]]:
    """The rows of each statement, in one round trip: none of them may need what another finds."""
    connection.ensure_connection()
    with ExitStack() as open_cursors, connection.connection.pipeline():
        cursors = []
        for statement, parameters in statements:
            cursor = open_cursors.enter_context(connection.cursor())
            cursor.cursor.format = Format.BINARY
            cursor.execute(statement, parameters)
            cursors.append(cursor)
        return [list(cursor.fetchall()) for cursor in cursors]
