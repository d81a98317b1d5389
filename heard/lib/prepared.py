"""Single statements for the hot path: planned once a connection, one round trip, nothing around it.

Django looks before each request whether its connection still lives, and writes every parameter into
the text of the statement; for one small row that costs more than the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import OperationalError, connection


def at_once(statement: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
    """The first row that a statement gives, if any.

    It must be safe to run twice: when the connection turns out to be lost, and no transaction is
    open, it runs again on a new one.
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
    raw = connection.connection
    with connection.wrap_database_errors, psycopg.Cursor(raw) as cursor:
        cursor.execute(statement, parameters, prepare=True)
        return cursor.fetchone()


def _is_lost() -> bool:
    return connection.connection is None or bool(connection.connection.closed)
