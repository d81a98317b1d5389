"""Data folders of their own, and the command as people type it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from heard.lib import postgres
from tests.prepared import prepare

Heard = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def house() -> Iterator[Path]:
    """A data folder with a prepared database that no server runs on."""
    folder = Path(tempfile.mkdtemp(prefix="heard-house-"))
    prepare(folder)
    yield folder
    postgres.remove(folder)
    shutil.rmtree(folder)


@pytest.fixture
def empty_house() -> Iterator[Path]:
    """A data folder in which nothing has been made."""
    folder = Path(tempfile.mkdtemp(prefix="heard-empty-"))
    yield folder
    postgres.remove(folder)
    shutil.rmtree(folder)


@pytest.fixture
def heard() -> Heard:
    """Run `heard` as a process, in a given data folder and environment."""

    def run(*words: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return subprocess.run(
            [sys.executable, "-m", "heard.cli", *words],
            env={**kept, "HEARD_HOME": str(home), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return run
