"""The database of a house that has just been prepared: made once for all processes of a run.

Whoever needs one gets a copy in a moment, where `initdb` and all migrations take half a minute.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from heard.lib import cluster, postgres

FOLDER_VARIABLE = "HEARD_TESTS_PREPARED"


def _folder() -> Path:
    """Where it lies: the first process of a run makes the folder and removes it in the end."""
    if FOLDER_VARIABLE not in os.environ:
        folder = os.environ[FOLDER_VARIABLE] = tempfile.mkdtemp(prefix="heard-prepared-")
        atexit.register(_remove, Path(folder))
    return Path(os.environ[FOLDER_VARIABLE])


def _remove(folder: Path) -> None:
    if (folder / "house").exists():
        postgres.remove(folder / "house")
    shutil.rmtree(folder, ignore_errors=True)


FOLDER = _folder()


def made() -> Path:
    """The data folder that is copied; makes it, or waits for who is making it."""
    model, mark = FOLDER / "house", FOLDER / "made"
    with (FOLDER / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists():
            _make(model)
            mark.touch()
    return model


def prepare(home: Path) -> None:
    """Put a database as `heard migrate` leaves it into a data folder that has none."""
    model = made()
    if not (home / "postgres-password").exists():  # another one is told to it at its next start
        shutil.copy(model / "postgres-password", home)
    copy = cluster.locate(home).folder
    subprocess.run(["cp", "-a", str(cluster.locate(model).folder), str(copy)], check=True)
    if copy != home / "postgres":
        (home / "postgres").symlink_to(copy)


def _make(model: Path) -> None:
    told = {name: value for name, value in os.environ.items() if not name.startswith("HEARD_")}
    told.pop("DATABASE_URL", None)
    postgres.start(model, settings={"fsync": "off"})
    try:
        subprocess.run(
            [sys.executable, "-m", "heard.cli", "migrate", "--quiet"],
            env=told | {"HEARD_HOME": str(model)},
            check=True,
        )
    finally:
        postgres.stop(model)


if __name__ == "__main__":
    made()
