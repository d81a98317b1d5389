"""Single statements for the hot path: planned once a connection, one round trip, nothing around it.

Django looks before each request whether its connection still lives, and writes every parameter into
the text of the statement; for one small row that costs more than the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper


def at_once(statement: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
    """The first row that a statement gives, if any.

    It must be safe to run twice: when the connection turns out to be lost, and no transaction is
    open, it runs again on a new one.
    """
    database = connections[DEFAULT_DB_ALIAS]
    try:
        return _first(database, statement, parameters)
    except OperationalError:
        is_lost = database.connection is None or database.connection.closed
        if not database.get_autocommit() or not is_lost:
            raise
        database.close()
        return _first(database, statement, parameters)


def _first(
    database: BaseDatabaseWrapper, statement: str, parameters: Sequence[Any]
) -> tuple[Any, ...] | None:
    row: tuple[Any, ...] | None
    if database.queries_logged:  # Django's own cursor is the one that logs
        with database.cursor() as logging:
            logging.execute(statement, parameters)
            row = logging.fetchone()
            return row
    if database.connection is None:
        database.ensure_connection()
    with database.wrap_database_errors, psycopg.Cursor(database.connection) as cursor:
        cursor.execute(statement, parameters, prepare=True)
        row = cursor.fetchone()
        return row
