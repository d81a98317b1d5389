"""A real PostgreSQL for every test that asks for rows: `DATABASE_URL`'s, else a throw-away one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.home import HOME

SERVER_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session", autouse=True)
def _home() -> Iterator[None]:
    yield
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> Iterator[None]:
    """Start the throw-away server when no other was named."""
    from heard.lib import postgres

    if os.environ.get("DATABASE_URL"):
        yield
        return
    postgres.start(HOME, settings=SERVER_SETTINGS)
    yield
    postgres.stop(HOME)
    postgres.remove(HOME)


@pytest.fixture
def now() -> datetime:
    """A Wednesday at noon."""
    return NOW


@pytest.fixture
def shared() -> Path:
    """The folder of real data beside the checkout; tests that need it are skipped without it."""
    named = os.environ.get("HEARD_SHARED")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("real data is not here: set HEARD_SHARED to the folder that holds data/")
    return folder
