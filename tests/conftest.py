"""A real PostgreSQL for every test that asks for rows: `DATABASE_URL`'s, else a throw-away one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from tests.home import HOME

SERVER_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "3s",  # what tests roll back is swept away at once
}
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Processes share the tests file by file; files that need real servers stay together."""
    waiting = _who_need_servers({item.module for item in items})
    for item in items:
        is_waiting = item.module.__name__ in waiting
        item.add_marker(pytest.mark.xdist_group("servers" if is_waiting else item.location[0]))


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)


def _who_need_servers(modules: Iterable[ModuleType]) -> set[str]:
    """The modules that use `tests.servers`, or something of a module that does."""
    found, before = {"tests.servers"}, 0
    while before < len(found):
        before = len(found)
        for module in modules:
            used = {getattr(thing, "__module__", "") for thing in vars(module).values()}
            if found & used:
                found.add(module.__name__)
    return found


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
) -> Iterator[None]:
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
