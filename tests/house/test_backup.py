"""Everything in one file and back: the same rows, the same files, or nothing changed at all."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from heard.lib import archive, postgres
from tests.house.conftest import Heard

CHECKOUT = Path(__file__).parents[2]
INHABIT = """
import django
django.setup()
from heard.channels.base import File, Kind
from heard.conversations.files import attachments
from tests import make
make.owner()
kitchen = make.inbox()
for number in range(20):
    talk = make.conversation(kitchen, kind=Kind.REPLY, sender="house", to=f"ann{number}")
    message = talk.messages.first()
    attachments.keep([(message.pk, File("menu.txt", "text/plain", b"soup %d" % number))])
"""
Rows = dict[str, list[str]]


def everything(url: str) -> Rows:
    """Every row of every table as text, in order, and every sequence."""
    rows = {}
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT relname, relkind::text FROM pg_class WHERE relkind IN ('r', 'S')"
            " AND relnamespace = 'public'::regnamespace ORDER BY 1"
        ).fetchall()
        for name, kind in found:
            column = sql.SQL("last_value::text" if kind == "S" else "t::text")
            query = sql.SQL("SELECT {} FROM {} t ORDER BY 1").format(column, sql.Identifier(name))
            rows[name] = [row[0] for row in connection.execute(query)]
    return rows


def files(home: Path) -> dict[str, bytes]:
    found = (path for path in (home / "attachments").rglob("*") if path.is_file())
    return {str(path.relative_to(home)): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def inhabited(house: Path) -> Iterator[Path]:
    """A data folder with people, messages and files in it, whose server runs."""
    postgres.start(house, settings={"fsync": "off"})
    environment = {**os.environ, "HEARD_HOME": str(house), "PYTHONPATH": str(CHECKOUT)}
    environment["DJANGO_SETTINGS_MODULE"] = "heard.settings"
    environment.pop("DATABASE_URL", None)
    for words in (["-m", "heard.cli", "migrate", "--quiet"], ["-c", INHABIT]):
        subprocess.run([sys.executable, *words], env=environment, check=True, cwd=CHECKOUT)
    settings = house / "heard.env"
    settings.write_text("HEARD_PORT=8100\n")
    settings.chmod(0o600)
    yield house
    settings.unlink()
    postgres.stop(house)


@pytest.fixture(scope="module")
def saved(inhabited: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it."""
    file = tmp_path_factory.mktemp("backups") / "today.heard"
    subprocess.run(
        [sys.executable, "-m", "heard.cli", "backup", str(file)],
        env={**os.environ, "HEARD_HOME": str(inhabited)},
        check=True,
    )
    return file


def test_a_restored_backup_has_equal_rows_and_files(
    heard: Heard, inhabited: Path, saved: Path, empty_house: Path
) -> None:
    postgres.start(empty_house, settings={"fsync": "off"})
    done = heard("restore", str(saved), home=empty_house)
    assert done.returncode == 0, done.stderr
    before = everything(postgres.database_url(inhabited))
    assert len(before["message"]) == 20
    assert everything(postgres.database_url(empty_house)) == before
    assert len(files(inhabited)) == 20
    assert files(empty_house) == files(inhabited)
    for name in ("secret-key", "heard.env"):
        assert (empty_house / name).read_text() == (inhabited / name).read_text()

    again = heard("restore", str(saved), home=empty_house)
    assert "There is something in this installation already" in again.stderr
    with psycopg.connect(postgres.database_url(empty_house)) as connection:
        connection.execute("DELETE FROM attachment")
        connection.execute("CREATE TABLE later (number int)")
    shutil.rmtree(empty_house / "attachments")
    assert heard("restore", "--replace", str(saved), home=empty_house).returncode == 0
    assert everything(postgres.database_url(empty_house)) == before
    assert files(empty_house) == files(inhabited)
    postgres.stop(empty_house)


def test_a_backup_is_for_its_owner_alone(saved: Path) -> None:
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_a_backup_replaces_no_file(heard: Heard, inhabited: Path, saved: Path) -> None:
    done = heard("backup", str(saved), home=inhabited)
    assert done.returncode == 1
    assert "choose another name" in done.stderr


def test_a_failed_restore_leaves_everything_as_it_was(
    heard: Heard, inhabited: Path, saved: Path, tmp_path: Path
) -> None:
    before, kept = everything(postgres.database_url(inhabited)), files(inhabited)
    short = tmp_path / "short.heard"
    short.write_bytes(saved.read_bytes()[:-20_000])
    spoilt = tmp_path / "spoilt.heard"
    content = archive.extract(saved, to=_folder(tmp_path / "content"))
    (tmp_path / "content" / "database.dump").write_bytes(b"PGDMP and nothing more")
    parts = [("database.dump", tmp_path / "content" / "database.dump")]
    archive.write(spoilt, parts=parts, facts=content)
    future = tmp_path / "future.heard"
    archive.write(future, parts=parts, facts={**content, "migrations": [["staff", "9999_later"]]})
    for file, told in ((short, "damaged"), (spoilt, "as it was"), (future, "newer than this")):
        done = heard("restore", "--replace", str(file), home=inhabited)
        assert done.returncode == 1
        assert told in done.stderr
        assert everything(postgres.database_url(inhabited)) == before
        assert files(inhabited) == kept
    assert not list(inhabited.glob(".restoring*"))


def test_an_archive_that_reaches_outside_is_refused(tmp_path: Path) -> None:
    evil = tmp_path / "evil.heard"
    (tmp_path / "file").write_text("x")
    with tarfile.open(evil, "w") as tar:
        tar.add(tmp_path / "file", arcname="../outside")
    with pytest.raises(archive.ArchiveError, match="outside"):
        archive.extract(evil, to=_folder(tmp_path / "in"))
    assert not (tmp_path / "outside").exists()


def test_a_restore_waits_for_no_running_heard(heard: Heard, inhabited: Path, saved: Path) -> None:
    from heard.lib.private import hold

    with hold(inhabited, "run", note="process 1"):
        done = heard("restore", "--replace", str(saved), home=inhabited)
    assert "heard is at work" in done.stderr


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
