"""The data folder of an installation: its private files, and the locks that lie in it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO


def make_home(folder: Path) -> None:
    """Make the data folder of an installation when it is missing.

    Root's database runs as another user, who must be able to pass through (not to look around).
    """
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            folder.chmod(0o711)


def kept_secret(path: Path, *, make: Callable[[], str]) -> str:
    """The secret in `path`; on first use what `make` returns, written with mode 0600.

    Several processes may ask for the first time at once: all of them get the same secret.
    """
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        write_private(draft, text=make())
        try:
            path.hardlink_to(draft)  # unlike a rename, this never replaces another's secret
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return path.read_text(encoding="ascii").strip()


def write_private(path: Path, *, text: str) -> None:
    """Write a new file of mode 0600. Raises `FileExistsError`."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


class HeldError(Exception):
    """Somebody else holds the lock. The text is what they wrote into it."""


def home_lock(home: Path, name: str) -> Path:
    """The lock file `name` of this data folder. The kernel forgets a lock with its process."""
    make_home(home)
    (home / "locks").mkdir(mode=0o700, exist_ok=True)
    return home / "locks" / name


@contextlib.contextmanager
def hold(home: Path, name: str, *, note: str) -> Iterator[TextIO]:
    """Hold the lock `name` alone within the block. Raises `HeldError` at once when it is taken."""
    with home_lock(home, name).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise HeldError(lock.read()) from None
        lock.truncate(0)
        lock.write(note)
        lock.flush()
        yield lock


def is_held(home: Path, name: str) -> bool:
    """Whether somebody holds this lock now."""
    with home_lock(home, name).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
