"""Statements of our own that are asked again and again.

PostgreSQL plans each of them once a connection, but those that say otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import psycopg
from django.db import OperationalError, connection
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


def fetch_planned_anew(
    statement: str, parameters: Mapping[str, Any] | Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    """As `fetch`, with a plan for what the tables hold at this moment.

    For looking up a long list in a table that grows: a plan that was made while it was empty goes
    on reading all of it for each entry, until PostgreSQL next counts the table, a minute later.
    """
    connection.ensure_connection()
    raw = connection.connection  # Django's may be another one, or none, when this has failed
    threshold, raw.prepare_threshold = raw.prepare_threshold, None
    try:
        return fetch(statement, parameters)
    finally:
        raw.prepare_threshold = threshold


def fetch_together(
    *statements: tuple[str, Mapping[str, Any] | Sequence[Any]],
) -> list[list[tuple[Any, ...]]]:
    """The rows of each statement, in one round trip: none of them may need what another finds."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    with (
        ExitStack() as open_cursors,
        connection.wrap_database_errors,
        connection.connection.pipeline(),
    ):
        cursors = []
        for statement, parameters in statements:
            cursor = open_cursors.enter_context(connection.cursor())
            cursor.cursor.format = Format.BINARY
            cursor.execute(statement, parameters)
            cursors.append(cursor)
        return [list(cursor.fetchall()) for cursor in cursors]


def at_once(statement: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
    """The first row of a statement, if any, in one round trip and with nothing around it.

    Django looks before each request whether its connection still lives, which for one small row
    costs more than the row. So it must be safe to run twice: when the connection turns out to be
    lost, and no transaction is open, it runs again on a new one.
    """
    try:
        return _first(statement, parameters)
    except OperationalError:
        if not connection.get_autocommit() or not _is_lost():
            raise
        connection.close()
        return _first(statement, parameters)


def _first(statement: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
    if connection.queries_logged:  # Django's own cursor is the one that logs
        with connection.cursor() as logging:
            logging.execute(statement, parameters)
            logged: tuple[Any, ...] | None = logging.fetchone()
            return logged
    if connection.connection is None:
        connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, parameters, prepare=True)
        return cursor.fetchone()


def _is_lost() -> bool:
    return connection.connection is None or bool(connection.connection.closed)
