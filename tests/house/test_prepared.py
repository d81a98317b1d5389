"""One small statement, at once: prepared, and on a new connection when the old one is lost."""

from __future__ import annotations

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import OperationalError

from heard.lib.prepared import at_once

ENDED = "SELECT pg_terminate_backend(%s)"


def cut_the_line() -> None:
    connection.ensure_connection()
    parameters = connection.get_connection_params()
    for name in ("cursor_factory", "context"):
        parameters.pop(name, None)
    with psycopg.connect(**parameters, autocommit=True) as other:
        other.execute(ENDED, [connection.connection.info.backend_pid])


@pytest.mark.django_db
def test_a_statement_gives_its_first_row_or_nothing() -> None:
    assert at_once("SELECT %s::int + 1, %s::text", [1, "two"]) == (2, "two")
    assert at_once("SELECT 1 WHERE %s", [False]) is None


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_lost_is_made_anew() -> None:
    cut_the_line()
    assert at_once("SELECT 1", []) == (1,)


@pytest.mark.django_db(transaction=True)
def test_within_a_transaction_nothing_is_done_twice() -> None:
    transaction.set_autocommit(False)
    cut_the_line()
    with pytest.raises(OperationalError):
        at_once("SELECT 1", [])
    connection.close()


@pytest.mark.django_db
def test_what_the_database_refuses_is_told_in_djangos_words() -> None:
    statement = "INSERT INTO inbox (id, name) VALUES (%s, NULL)"
    with pytest.raises(IntegrityError), transaction.atomic():
        at_once(statement, [1])
