"""Statements of our own that pages ask again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
