"""Folders and files that nobody but their owner may read."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path


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
