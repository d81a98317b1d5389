"""The database of this installation: have it serve, and see whether it is of this program's level.

No Django is set up for it, so that a start that finds all in order stays quick.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import psycopg
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

from heard import environment
from heard.lib import postgres
from heard.lib.spoken import SpokenError

OLDEST_VERSION = 15
CONNECT_SECONDS = 5


class DatabaseError(SpokenError):
    """The database cannot be used as it is. The text says why, and what to do."""


@contextlib.contextmanager
def serving() -> Iterator[None]:
    """Have the database answer within the block; an embedded one is left as it was found."""
    if environment.uses_embedded_database():
        with postgres.running(environment.prepare_home()):
            yield
    else:
        with connect() as reached:
            version = reached.info.server_version // 10_000
        if version < OLDEST_VERSION:
            raise DatabaseError(
                f"DATABASE_URL leads to PostgreSQL {version};"
                f" heard needs PostgreSQL {OLDEST_VERSION} or newer."
            )
        yield


def connect() -> psycopg.Connection:
    """One connection of psycopg's own. Raises `DatabaseError` with the reason in plain words."""
    url = environment.database_url()
    try:
        return psycopg.connect(
            url, connect_timeout=CONNECT_SECONDS, application_name="heard", autocommit=True
        )
    except psycopg.OperationalError as error:
        raise DatabaseError(explain(error)) from error
    except psycopg.ProgrammingError as error:
        raise DatabaseError(f"DATABASE_URL cannot be read: {first_line(error)}.") from error


def explain(error: Exception) -> str:
    """What a database that does not answer, or is full, means, and what to do about it."""
    said = str(error)
    if "No space left on device" in said or isinstance(error, psycopg.errors.DiskFull):
        return (
            "The disk of the database is full; free some space and try again:"
            " nothing that was saved is lost."
        )
    if isinstance(error, psycopg.errors.TooManyConnections) or "too many clients" in said:
        return (
            "The database has no connection left;"
            " end other programs that use it, or raise max_connections."
        )
    if environment.uses_embedded_database():
        if "password authentication failed" in said:
            return (
                f"The password in {environment.home() / 'postgres-password'} is not the one the"
                " running database knows; end everything of heard and start it again."
            )
        return f"The embedded database does not answer ({first_line(error)}); try `heard doctor`."
    if "password authentication failed" in said or "no password supplied" in said:
        return f"{_server()} refuses the user and password that DATABASE_URL gives; correct them."
    if "does not exist" in said:
        return (
            f"{_server()} answers, but not as DATABASE_URL expects ({first_line(error)});"
            " create the user and the database it names, or correct it."
        )
    return (
        f"{_server()}, which DATABASE_URL names, does not answer ({first_line(error)});"
        " is it running, and is the address right?"
    )


def first_line(error: Exception) -> str:
    """The telling part of a message of PostgreSQL's."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].removeprefix("connection failed: ").rstrip(".?") if lines else "no reason given"


def is_current() -> bool:
    """Whether the tables are those of this program: one query, no migration is loaded."""
    with connect() as reached:
        row = reached.execute(
            "SELECT obj_description(to_regclass('django_migrations'), 'pg_class')"
        ).fetchone()
    return row is not None and row[0] == level()


def is_prepared() -> bool:
    """Whether any heard has made its tables here."""
    with connect() as reached:
        row = reached.execute("SELECT to_regclass('django_migrations')").fetchone()
    return row is not None and row[0] is not None


def level() -> str:
    """A digest of the names of all migrations of this program."""
    names = []
    for app in settings.INSTALLED_APPS:
        spec = importlib.util.find_spec(app)
        for folder in spec.submodule_search_locations or [] if spec else []:
            names += [f"{app}.{file.stem}" for file in Path(folder, "migrations").glob("*.py")]
    return "heard level " + hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:16]


def _server() -> str:
    parts = conninfo_to_dict(environment.database_url())
    host, port = parts.get("host", "localhost"), parts.get("port", 5432)
    return f"The PostgreSQL server at {host}:{port}"
