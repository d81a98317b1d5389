"""`heard migrate`: bring the database to the level of this program, never back from a newer one."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import django
from django.core.management import call_command
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.migrations.loader import MigrationLoader

from heard import database

UPGRADE_LOCK = 7_238_421_365  # any number, as long as it is always the same
LOOK_AGAIN_SECONDS = 0.5


def migrate(arguments: Sequence[str]) -> int:
    """Bring the database to the level of this program; refuse one that is newer."""
    parser = argparse.ArgumentParser(prog="heard migrate", description=migrate.__doc__)
    parser.add_argument("--quiet", action="store_true", help="say nothing when all goes well")
    quiet = parser.parse_args(arguments).quiet
    with database.serving():
        django.setup()
        bring_up(verbosity=0 if quiet else 1)
    return 0


def bring_up(*, verbosity: int = 0) -> None:
    """Apply what is not applied yet; several processes may ask at once. Needs Django set up.

    Raises `DatabaseError` when the database is newer than the program.
    """
    with connection.cursor() as cursor:
        # Waiting inside the database would hold up an index that is built concurrently.
        while not _got_lock(cursor):
            time.sleep(LOOK_AGAIN_SECONDS)
        try:
            refuse_newer()
            call_command("migrate", interactive=False, verbosity=verbosity)
            cursor.execute(f"COMMENT ON TABLE django_migrations IS '{database.level()}'")
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [UPGRADE_LOCK])


def refuse_newer() -> None:
    """Raise `DatabaseError` when migrations were applied that this program does not know."""
    unknown = unknown_migrations(list(applied_migrations()))
    if unknown:
        raise database.DatabaseError(
            f"The database is newer than this program (it has seen {unknown[0]});"
            " run the newer heard again, or restore a backup of the time of this one."
        )


def applied_migrations() -> list[tuple[str, str]]:
    """What the database has seen, as (app, name)."""
    return sorted(MigrationLoader(connection).applied_migrations or {})


def unknown_migrations(seen: list[tuple[str, str]]) -> list[str]:
    """Of these, what this program does not have although it has the app, as `app.name`."""
    loader = MigrationLoader(None)
    known = {*loader.disk_migrations}
    for migration in loader.disk_migrations.values():
        known.update((app, name) for app, name in migration.replaces)
    return sorted(
        f"{app}.{name}"
        for app, name in seen
        if app in loader.migrated_apps and (app, name) not in known
    )


def unapplied_migrations() -> list[str]:
    """Migrations of this program that the database has not seen, as `app.name`."""
    loader = MigrationLoader(connection)
    applied = loader.applied_migrations or {}
    return sorted(f"{app}.{name}" for app, name in loader.graph.nodes if (app, name) not in applied)


def _got_lock(cursor: CursorWrapper) -> bool:
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [UPGRADE_LOCK])
    row = cursor.fetchone()
    return row is not None and bool(row[0])
