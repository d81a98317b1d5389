"""Statements of our own: rows as Django gives them, and a lost connection is made anew."""

from __future__ import annotations

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import OperationalError

from heard.lib.statements import at_once, fetch, fetch_planned_anew, fetch_together

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


@pytest.mark.django_db
def test_rows_in_binary_form_are_those_that_django_reads() -> None:
    statement = "SELECT now(), 1.5::float8, 'ä', ARRAY[1, 2], true, NULL, '{\"a\": [1]}'::json"
    with connection.cursor() as cursor:
        cursor.execute(statement)
        assert [tuple(row) for row in cursor.fetchall()] == fetch(statement)


@pytest.mark.django_db
def test_statements_sent_together_answer_each_for_itself() -> None:
    first, second = fetch_together(("SELECT %s::int", [1]), ("SELECT %(a)s::int, 3", {"a": 2}))
    assert (first, second) == ([(1,)], [(2, 3)])
    with pytest.raises(IntegrityError), transaction.atomic():
        fetch_together(("SELECT 1", []), ("INSERT INTO inbox (id, name) VALUES (1, NULL)", []))
    assert fetch("SELECT 1") == [(1,)]


@pytest.mark.django_db
def test_a_statement_planned_anew_keeps_no_plan_and_others_go_on_keeping_theirs() -> None:
    for _ in range(10):
        assert fetch_planned_anew("SELECT %s::int AS planned_anew", [4]) == [(4,)]
        assert fetch("SELECT %s::int AS planned_once", [4]) == [(4,)]
    kept = [row[0] for row in fetch("SELECT statement FROM pg_prepared_statements")]
    assert not [statement for statement in kept if "planned_anew" in statement]
    assert [statement for statement in kept if "planned_once" in statement]
