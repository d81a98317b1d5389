"""What people read when they type a command, and when something is in the way."""

from __future__ import annotations

import errno
import json
import socket
from pathlib import Path

import psycopg
import pytest
from django.core.management.base import CommandError

from heard import cli, environment
from heard.lib import postgres
from heard.lib.private import hold
from tests.house.conftest import Heard


def sentence(done: object) -> str:
    """The one line of an error; anything longer would be a traceback."""
    assert done.returncode == 1, done  # type: ignore[attr-defined]
    lines = done.stderr.strip().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 1, lines
    return str(lines[0])


def test_heard_alone_lists_what_there_is(heard: Heard, tmp_path: Path) -> None:
    done = heard(home=tmp_path)
    assert done.returncode == 0
    assert "  run " in done.stdout
    assert "  backup " in done.stdout


def test_a_mistyped_command_is_met_with_the_right_one(heard: Heard, house: Path) -> None:
    assert "did you mean `heard backup`?" in sentence(heard("bakcup", home=house))


def test_a_setting_that_is_no_number_is_named(heard: Heard, house: Path) -> None:
    done = heard("run", home=house, HEARD_PORT="eighty")
    assert sentence(done) == "heard: HEARD_PORT must be a whole number, not 'eighty'."


def test_a_port_that_cannot_be_is_named(heard: Heard, house: Path) -> None:
    said = sentence(heard("run", home=house, HEARD_PORT="99999"))
    assert said == "heard: HEARD_PORT must be between 1 and 65535, not 99999."


def test_a_taken_port_is_named_with_a_way_out(heard: Heard, house: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = sentence(heard("run", home=house, HEARD_PORT=str(port)))
    assert f"Port {port} is taken by another program" in said
    assert "HEARD_PORT=" in said


def test_a_database_that_does_not_answer_is_named(heard: Heard, house: Path) -> None:
    url = "postgresql://ann:secret@127.0.0.1:1/heard"
    said = sentence(heard("migrate", home=house, DATABASE_URL=url))
    assert "127.0.0.1:1, which DATABASE_URL names, does not answer" in said
    assert "secret" not in said


def test_an_address_of_another_kind_of_database_is_refused(heard: Heard, house: Path) -> None:
    said = sentence(heard("migrate", home=house, DATABASE_URL="mysql://ann@localhost/heard"))
    assert "DATABASE_URL must look like postgresql://" in said


def test_a_database_without_such_a_user_says_so(heard: Heard, house: Path) -> None:
    with postgres.running(house):
        url = postgres.database_url(house).replace("//heard:", "//bo:")
        said = sentence(heard("migrate", home=house, DATABASE_URL=url))
    assert "DATABASE_URL" in said


def test_a_data_folder_that_cannot_be_made_is_named(heard: Heard, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = sentence(heard("run", home=tmp_path / "file" / "house"))
    assert f"The data folder {tmp_path}/file/house cannot be made" in said


def test_a_database_newer_than_the_program_is_left_alone(heard: Heard, house: Path) -> None:
    assert heard("migrate", home=house).returncode == 0
    with postgres.running(house):
        with psycopg.connect(postgres.database_url(house)) as connection:
            connection.execute(
                "INSERT INTO django_migrations (app, name, applied)"
                " VALUES ('staff', '9999_from_the_future', now())"
            )
        for command in ("migrate", "doctor"):
            done = heard(command, home=house)
            assert done.returncode == 1
            assert "newer than this program (it has seen staff.9999" in done.stdout + done.stderr
        with psycopg.connect(postgres.database_url(house)) as connection:
            connection.execute("DELETE FROM django_migrations WHERE name LIKE '9999%'")


def test_heard_runs_once_in_a_data_folder(heard: Heard, house: Path) -> None:
    with hold(house, "run", note="process 1"):
        said = sentence(heard("run", home=house))
    assert f"heard is already running in {house} (process 1)" in said


def test_the_doctor_speaks_to_programs_too(heard: Heard, house: Path) -> None:
    done = heard("doctor", "--json", home=house)
    opinions = {one["about"]: one for one in json.loads(done.stdout)}
    assert opinions["database"]["state"] == "good"
    assert opinions["admission"]["state"] == "good"
    assert opinions["secrets"]["state"] == "good"


def test_the_doctor_finds_what_is_wrong(heard: Heard, house: Path) -> None:
    (house / "secret-key").chmod(0o644)
    done = heard(
        "doctor",
        home=house,
        HEARD_TIMEZONE="Europe/Nowhere",
        EMAIL_URL="smtp://127.0.0.1:1",
        HEARD_URL="heard.example.org",
    )
    (house / "secret-key").chmod(0o600)
    assert done.returncode == 1
    for told in ("chmod 600", "Europe/Nowhere", "does not take mail", "HEARD_URL must begin"):
        assert told in done.stdout


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/srv/x"), "The disk is full"),
        (psycopg.errors.DiskFull("could not extend file"), "The disk of the database is full"),
        (
            PermissionError(errno.EACCES, "Permission denied", "/srv/x"),
            "/srv/x: Permission denied.",
        ),
        (psycopg.errors.UndefinedTable("relation"), "run `heard migrate`"),
        (CommandError("There is no inbox Kitchen."), "There is no inbox Kitchen."),
        (ValueError("odd"), "HEARD_DEBUG=1"),
    ],
)
def test_errors_become_sentences(error: Exception, told: str) -> None:
    assert told in cli.plainly(error)


def test_settings_may_stand_in_a_file_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "heard.env").write_text(
        "# ports\nHEARD_PORT=8100\nexport HEARD_TIMEZONE='Europe/Berlin'\nHEARD_DEBUG=yes\n"
    )
    monkeypatch.setenv("HEARD_HOME", str(tmp_path))
    monkeypatch.setenv("HEARD_DEBUG", "no")
    monkeypatch.delenv("HEARD_PORT", raising=False)
    assert environment.port() == 8100
    assert environment.text("HEARD_TIMEZONE", "UTC") == "Europe/Berlin"
    assert environment.flag("HEARD_DEBUG", default=True) is False


def test_the_secret_key_is_made_once_and_kept_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEARD_HOME", str(tmp_path / "new"))
    first = environment.secret_key()
    assert environment.secret_key() == first
    assert len(first) > 50
    assert (tmp_path / "new" / "secret-key").stat().st_mode & 0o077 == 0
