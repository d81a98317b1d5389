"""A real PostgreSQL for every test that asks for rows: `DATABASE_URL`'s, else a throw-away one."""

from __future__ import annotations

import atexit
import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from tests.home import HOME
from tests.prepared import prepare

SERVER_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "3s",  # what tests roll back is swept away at once
}
SERVERS_USED = re.compile(r"^from tests\.(servers|channels\.test_\w+) import", re.MULTILINE)
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


# Nothing here is judged by a watch: the first example loads models, and machines are busy.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores: who walks through pages waits half of the time."""
    return (os.cpu_count() or 1) + 1


def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """While the processes look for all tests, the database that they copy is made."""
    if not config.option.file_or_dir and not os.environ.get("DATABASE_URL"):
        making = subprocess.Popen([sys.executable, "-m", "tests.prepared"], cwd=config.rootpath)
        atexit.register(making.wait)


class ByFile(LoadFileScheduling):  # type: ignore[misc]
    """Processes share the tests file by file; files that need real servers stay together."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "servers" if _needs_servers(file) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    return ByFile(config, log)


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)


@functools.cache
def _needs_servers(file: str) -> bool:
    """Whether a file of tests uses `tests.servers`, or something of a file that does."""
    return SERVERS_USED.search((Path(__file__).parents[1] / file).read_text()) is not None


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
) -> Iterator[None]:
    """Start the throw-away server when no other was named; its tables are there already."""
    from django.db import connection

    from heard.lib import postgres
    from heard.lib.cluster import DATABASE

    if os.environ.get("DATABASE_URL"):
        yield
        return
    prepare(HOME)
    postgres.start(HOME, settings=SERVER_SETTINGS)
    connection.settings_dict["TEST"]["TEMPLATE"] = DATABASE
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
