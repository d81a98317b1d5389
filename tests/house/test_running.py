"""`heard run` as its user meets it: it comes up, survives being killed, leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from heard import running
from heard.lib import cluster, postgres, processes
from heard.lib.private import is_held
from heard.lib.processes import Child
from tests.house.conftest import Heard

PATIENCE_SECONDS = 90.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "this took too long"
        time.sleep(0.05)


class Terminal:
    """`heard run` in a terminal of its own."""

    def __init__(self, home: Path, *, output: Path) -> None:
        self.home = home
        self.port = free_port()
        self.output = output
        ports = {"HEARD_PORT": str(self.port), "HEARD_LIVE_PORT": str(free_port())}
        kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        with output.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "heard.cli", "run"],
                env={**kept, "HEARD_HOME": str(home), **ports},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self.wait_for("Ctrl-C ends it")

    def wait_for(self, words: str) -> None:
        eventually(lambda: words in self.text or self.process.poll() is not None)
        assert words in self.text, self.text

    @property
    def text(self) -> str:
        return self.output.read_text()

    def answers(self) -> bool:
        return running.answers("127.0.0.1", self.port)

    def end(self) -> None:
        self.process.terminate()
        assert self.process.wait(PATIENCE_SECONDS) == 0
        assert "heard has ended." in self.text


def marked(home: Path) -> list[int]:
    wanted = f"{processes.MARK}={home}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def process_of(home: Path, *, words: str) -> int:
    """The leader of a group whose command line has these words."""
    for number in sorted(marked(home)):
        command = Path(f"/proc/{number}/cmdline").read_bytes().decode()
        if words in command and os.getpgid(number) == number:
            return number
    raise AssertionError(words)


@pytest.mark.journey
def test_heard_survives_every_kill_and_ends_cleanly(
    heard: Heard, house: Path, tmp_path: Path
) -> None:
    terminal = Terminal(house, output=tmp_path / "first")
    assert terminal.answers()

    second = heard("run", home=house, HEARD_PORT=str(free_port()))
    assert "heard is already running" in second.stderr

    os.kill(process_of(house, words="heard.wsgi"), signal.SIGKILL)
    terminal.wait_for("web was killed (signal 9)")
    eventually(terminal.answers)

    data = cluster.locate(house).data
    os.kill(int((data / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
    terminal.wait_for("The database has ended; starting it again.")
    eventually(lambda: postgres.is_running(house))

    terminal.process.kill()
    terminal.process.wait()
    again = Terminal(house, output=tmp_path / "again")
    assert again.answers()

    again.end()
    assert postgres.state(house) == "stopped"
    assert not is_held(house, "run")
    assert not marked(house)


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Callable[[str], Child]]:
    made = []

    def start(program: str) -> Child:
        one = Child(
            "one",
            command=[sys.executable, "-c", program],
            log=tmp_path / "one.log",
            mark=str(tmp_path),
            heed=heard_lines.append,
        )
        made.append(one)
        one.start()
        return one

    heard_lines: list[str] = []
    yield start
    for one in made:
        one.stop(patience_seconds=5, hurry=lambda: True)


def test_what_a_child_says_is_kept(child: Callable[[str], Child], tmp_path: Path) -> None:
    one = child("print('soup'); print('bread')")
    eventually(lambda: not one.is_alive)
    ending, delay = one.bury()
    assert ending == "ended (code 0)"
    assert delay == processes.FIRST_DELAY_SECONDS
    assert (tmp_path / "one.log").read_text() == "soup\nbread\n"


def test_a_child_that_keeps_dying_is_started_less_and_less_often(
    child: Callable[[str], Child],
) -> None:
    one = child("raise SystemExit(3)")
    delays = []
    for _ in range(3):
        eventually(lambda: not one.is_alive)
        delays.append(one.bury()[1])
        one.start()
    assert delays == [0.5, 1.0, 2.0]


def test_a_child_that_will_not_end_is_ended(child: Callable[[str], Child], tmp_path: Path) -> None:
    one = child(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('deaf'); time.sleep(60)"
    )
    log = tmp_path / "one.log"
    while not log.exists():
        one.read()
    assert one.stop(patience_seconds=0.1, hurry=lambda: False) is False
    assert not marked(tmp_path)


def test_what_a_killed_parent_left_is_found_and_ended(tmp_path: Path) -> None:
    left = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"],
        env={**os.environ, processes.MARK: str(tmp_path)},
    )
    eventually(lambda: marked(tmp_path) == [left.pid])
    assert processes.end_marked(str(tmp_path)) == 1
    assert left.wait() == -signal.SIGKILL


def test_only_warnings_and_worse_are_worth_showing() -> None:
    shown = [
        line
        for line in (
            "2026-03-04 12:00:00,000 INFO heard: soup",
            "2026-03-04 12:00:00,000 WARNING django.request: Not Found: /wp-login.php",
            "2026-03-04 12:00:00,000 ERROR django.request: Internal Server Error: /",
            "[WARNING] the soup is cold",
        )
        if running.is_worth_showing(line)
    ]
    assert [re.findall(r"ERROR|cold", line)[0] for line in shown] == ["ERROR", "cold"]
