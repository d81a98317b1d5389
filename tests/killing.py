"""Doing something in another process that is killed in the middle of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from django.db import connection

PROGRAM = """
import importlib, time, django
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = {database!r}
module = importlib.import_module({module!r})
def stuck(*given, **named):
    print("there", flush=True)
    time.sleep(120)
setattr(module, {name!r}, stuck)
{deed}
"""


def killed_at(module: str, name: str, *, deed: str) -> None:
    """Run `deed` in a process of its own, kill that when it calls `module.name`.

    Returns when PostgreSQL has taken back what was not committed. Rows must be committed before.
    """
    worker = subprocess.Popen(
        [
            sys.executable,
            "-c",
            PROGRAM.format(
                database=connection.settings_dict["NAME"], module=module, name=name, deed=deed
            ),
        ],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "heard.settings"},
        stdout=subprocess.PIPE,
    )
    assert worker.stdout is not None
    said = worker.stdout.readline()
    worker.kill()
    worker.wait()
    worker.stdout.close()
    assert said == b"there\n"
    with connection.cursor() as cursor:
        for _ in range(1_000):
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
            )
            if cursor.fetchone()[0] == 0:
                return
            time.sleep(0.01)
    raise AssertionError("a dead process still works in the database")
