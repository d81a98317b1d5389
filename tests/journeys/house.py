"""A house of its own for one walk: `heard run` on free ports, in a folder that goes afterwards."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

from heard.lib import postgres
from heard.lib.cluster import locate
from tests.prepared import prepare

PATIENCE_SECONDS = 240


class House:
    """Everything that `heard run` starts; `told` are further settings of its environment.

    Its database is prepared already, unless it begins `from_nothing`.
    """

    def __init__(self, *, from_nothing: bool = False, **told: str) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="heard-walk-"))
        if not from_nothing:
            prepare(self.home)
            # What a power failure would take may be lost.
            (locate(self.home).data / "own.conf").write_text(
                "fsync = off\nfull_page_writes = off\n"
            )
        self.port, self.live_port = free_port(), free_port()
        self.url = f"http://localhost:{self.port}"
        self.log = self.home / "run.log"
        outside = {k: v for k, v in os.environ.items() if not k.startswith("HEARD_")}
        outside.pop("DATABASE_URL", None)
        self.environment = outside | {
            "HEARD_HOME": str(self.home),
            "HEARD_PORT": str(self.port),
            "HEARD_LIVE_PORT": str(self.live_port),
            "HEARD_UNDO_SECONDS": "2",
            **({} if from_nothing else {"HEARD_WEB": "1"}),  # one person looks at one window
            **told,
        }
        self._run: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start it and wait for its first page; returns the link that the terminal shows."""
        with self.log.open("ab") as log:
            self._run = subprocess.Popen(
                [heard(), "run"], env=self.environment, stdout=log, stderr=log
            )
        ends = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends:
            said = self.log.read_text()
            if self._run.poll() is not None:
                raise AssertionError(said)
            link = re.search(r"https?://\S+/welcome/\S+", said)
            if link:
                with suppress(OSError), urlopen(link.group(0), timeout=5) as page:
                    if page.status == 200:
                        return link.group(0)
            time.sleep(0.2)
        raise AssertionError(f"heard did not start: {self.log.read_text()}")

    def restart(self) -> None:
        """Ctrl-C, start it again, and wait for its pages."""
        assert self._run is not None
        self._run.send_signal(signal.SIGINT)
        self._run.wait(60)
        with self.log.open("ab") as log:
            self._run = subprocess.Popen(
                [heard(), "run"], env=self.environment, stdout=log, stderr=log
            )
        ends = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends:
            with suppress(OSError), urlopen(self.url, timeout=5) as page:
                if page.status == 200:
                    return
            time.sleep(0.2)
        raise AssertionError(f"heard did not start again: {self.log.read_text()}")

    def command(self, *words: str) -> str:
        """Run `heard …` beside it."""
        done = subprocess.run(
            [heard(), *words], env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def end(self) -> None:
        """Ctrl-C, and nothing of it stays."""
        if self._run is not None and self._run.poll() is None:
            self._run.send_signal(signal.SIGINT)
            try:
                self._run.wait(60)
            except subprocess.TimeoutExpired:
                self._run.kill()
        postgres.remove(self.home)
        shutil.rmtree(self.home, ignore_errors=True)


def heard() -> str:
    """The command of the environment that runs the tests."""
    return str(Path(sys.executable).with_name("heard"))


def free_port() -> int:
    """A port that nobody uses just now."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
