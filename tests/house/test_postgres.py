"""The embedded server: who may come in, how it survives, and who stops it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.lib import cluster, postgres, tuning
from heard.lib.cluster import EmbeddedDatabaseError

GIGABYTE = 1024**3
HOLD = """
import sys
from pathlib import Path
from heard.lib import postgres
with postgres.running(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.readline()
"""


def holder(home: Path) -> subprocess.Popen[str]:
    """Another process that uses the server until it is told to leave."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def server_process(home: Path) -> int:
    pid_file = cluster.locate(home).data / "postmaster.pid"
    return int(pid_file.read_text().splitlines()[0])


def count(home: Path, query: str) -> int:
    with psycopg.connect(postgres.database_url(home)) as connection:
        row = connection.execute(query).fetchone()
    assert row
    return int(row[0])


def test_nobody_comes_in_without_the_password(house: Path) -> None:
    url = postgres.database_url(house)
    secret = urlsplit(url).password or ""
    with postgres.running(house):
        for attempt in (
            url.replace(secret, "wrong"),
            url.replace(f":{secret}", ""),
            url.replace("//heard:", "//postgres:"),
        ):
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(attempt)
        psycopg.connect(url).close()


def test_the_rules_of_admission_know_no_trust(house: Path) -> None:
    rules = (cluster.locate(house).data / "pg_hba.conf").read_text()
    ways = [line.split() for line in rules.splitlines() if line and not line.startswith("#")]
    assert ways == [["local", "all", "heard", "scram-sha-256"]]


def test_the_server_listens_at_no_network_address(house: Path) -> None:
    with postgres.running(house), psycopg.connect(postgres.database_url(house)) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW data_checksums").fetchone() == ("on",)
        mine = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = 'heard'")
        assert mine.fetchone() == (False,)


def test_the_password_is_for_its_owner_alone(house: Path) -> None:
    assert stat.S_IMODE((house / "postgres-password").stat().st_mode) == 0o600
    assert stat.S_IMODE(cluster.locate(house).data.stat().st_mode) == 0o700
    assert stat.S_IMODE(cluster.locate(house).sockets.stat().st_mode) == 0o700


def test_the_extensions_heard_needs_can_be_made_by_its_role(house: Path) -> None:
    url = postgres.database_url(house)
    with postgres.running(house), psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE fresh")
        with psycopg.connect(url, dbname="fresh") as fresh:
            fresh.execute("CREATE EXTENSION unaccent")
            fresh.execute("CREATE EXTENSION pg_trgm")
            assert fresh.execute("SELECT unaccent('crème')").fetchone() == ("creme",)
        connection.execute("DROP DATABASE fresh")


def test_a_stopped_server_is_stopped_again_after_use(house: Path) -> None:
    with postgres.running(house):
        assert postgres.is_running(house)
    assert postgres.state(house) == "stopped"


def test_a_server_started_to_stay_stays(house: Path) -> None:
    postgres.start(house)
    with postgres.running(house):
        pass
    assert postgres.is_running(house)
    postgres.stop(house)
    assert postgres.state(house) == "stopped"


def test_whoever_leaves_last_stops_the_server(house: Path) -> None:
    with postgres.running(house):
        other = holder(house)
    assert postgres.is_running(house)
    other.communicate("go\n")
    assert postgres.state(house) == "stopped"


def test_a_killed_user_counts_as_gone(house: Path) -> None:
    other = holder(house)
    other.kill()
    other.communicate()
    assert postgres.is_running(house)
    with postgres.running(house):
        pass
    assert postgres.state(house) == "stopped"


def test_what_was_saved_survives_a_killed_server(house: Path) -> None:
    with postgres.running(house):
        with psycopg.connect(postgres.database_url(house)) as connection:
            connection.execute("CREATE TABLE saved AS SELECT generate_series(1, 1000) AS number")
        os.kill(server_process(house), signal.SIGKILL)
        while postgres.state(house) != "stopped":
            time.sleep(0.01)
        postgres.revive(house)
        with postgres.running(house):
            assert count(house, "SELECT count(*) FROM saved") == 1000
    assert postgres.state(house) == "stopped"


def test_a_process_number_that_is_now_somebody_elses_does_not_matter(house: Path) -> None:
    stale = cluster.locate(house).data / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n/elsewhere\n1\n5432\n\n\n\nready\n")
    assert postgres.state(house) == "stopped"
    with postgres.running(house):
        assert postgres.is_running(house)


def test_there_are_never_two_servers_on_one_folder(house: Path) -> None:
    with postgres.running(house):
        first = server_process(house)
        postgres.start(house)
        postgres.revive(house)
        assert server_process(house) == first
    postgres.stop(house)


def test_a_lost_password_is_replaced_at_the_next_start(house: Path) -> None:
    (house / "postgres-password").unlink()
    with postgres.running(house):
        assert count(house, "SELECT 1") == 1


def test_data_of_another_version_are_refused_in_one_sentence(house: Path) -> None:
    version = cluster.locate(house).data / "PG_VERSION"
    ours = version.read_text()
    version.write_text("16\n")
    try:
        with pytest.raises(EmbeddedDatabaseError, match="is of PostgreSQL 16, and this heard"):
            postgres.start(house)
    finally:
        version.write_text(ours)


def test_an_interrupted_beginning_is_begun_again(empty_house: Path) -> None:
    half = cluster.locate(empty_house).folder / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    postgres.start(empty_house, settings={"fsync": "off"})
    assert count(empty_house, "SELECT 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root meets folders its server cannot pass")
def test_roots_closed_folder_leads_to_a_place_the_server_can_reach(empty_house: Path) -> None:
    empty_house.chmod(0o700)
    postgres.start(empty_house, settings={"fsync": "off"})
    link = empty_house / "postgres"
    assert link.is_symlink()
    assert link.readlink().parent == cluster.SYSTEM_FOLDER
    assert cluster.locate(empty_house).data.stat().st_uid != 0


@given(
    memory=st.integers(min_value=256 * 1024**2, max_value=4096 * GIGABYTE),
    free=st.integers(min_value=0, max_value=10**15),
)
def test_tuning_fits_every_machine(memory: int, free: int) -> None:
    chosen = tuning.tuning(memory_bytes=memory, free_bytes=free)

    def megabytes(name: str) -> int:
        return int(chosen[name].removesuffix("MB"))

    assert megabytes("shared_buffers") <= min(2048, max(32, memory // 8 // 1024**2))
    assert megabytes("maintenance_work_mem") * 3 < memory // 1024**2
    assert 256 <= megabytes("max_wal_size") <= 8192
    assert (chosen["fsync"], chosen["synchronous_commit"]) == ("on", "on")
