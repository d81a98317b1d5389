"""Child processes that are watched: started again when they die, logged, and never left behind.

A child leads a process group of its own. It is told to end when its parent dies (Linux), and what a
killed parent left all the same can be found by its mark and ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import logging
import logging.handlers
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

LOG_BYTES = 5_000_000
LOGS_KEPT = 2
FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 30.0
LIVED_WELL_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 0.02
SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
MARK = "HEARD_RUN"


class Child:
    """One watched process; what it writes goes to `log`, and line by line to `heed`."""

    def __init__(
        self,
        name: str,
        *,
        command: Sequence[str],
        log: Path,
        mark: str,
        heed: Callable[[str], None],
    ) -> None:
        self.name = name
        self.command = command
        self.mark = mark
        self.heed = heed
        self.log = log
        self.start_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._failures = 0
        self._unfinished = b""
        self._writer = _bounded_log(log)

    @property
    def is_alive(self) -> bool:
        """Whether its leading process still lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def output(self) -> int:
        """The descriptor to read its words from; -1 while it does not run."""
        return self._process.stdout.fileno() if self._process and self._process.stdout else -1

    def start(self) -> None:
        """Start the process now."""
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # glibc would keep an arena for each thread, 5 MB a process that nobody uses again.
            env={
                "MALLOC_ARENA_MAX": "1",
                **os.environ,
                MARK: self.mark,
                "PYTHONUNBUFFERED": "1",
            },
            preexec_fn=functools.partial(_die_with, os.getpid()),  # noqa: PLW1509 - one thread only
        )
        os.set_blocking(self.output, False)
        self._started_at = time.monotonic()

    def bury(self) -> tuple[str, float]:
        """After its death: end its whole group, and set when to start again.

        Returns how it ended, in words, and the seconds until then: none at first, half a second
        after an early death, doubled with each further one, at most thirty.
        """
        process = self._process
        if process is None:
            return "did not run", 0.0
        self.read()
        _signal_group(process.pid, signal.SIGKILL)
        lived = time.monotonic() - self._started_at
        self._failures = 0 if lived > LIVED_WELL_SECONDS else self._failures + 1
        delay = FIRST_DELAY_SECONDS * 2 ** (self._failures - 1) if self._failures else 0.0
        delay = min(delay, LONGEST_DELAY_SECONDS)
        self.start_at = time.monotonic() + delay
        code = process.wait()
        self._close()
        return (f"was killed (signal {-code})" if code < 0 else f"ended (code {code})"), delay

    def stop(self, *, patience_seconds: float, hurry: Callable[[], bool]) -> bool:
        """Ask it to end, and end it when it does not, or when `hurry()`. True if it went itself."""
        process = self._process
        if process is None:
            return True
        deadline = time.monotonic() + patience_seconds
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        while process.poll() is None and time.monotonic() < deadline and not hurry():
            self.read()
            time.sleep(LOOK_AGAIN_SECONDS)
        went = process.poll() is not None
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()
        self.read()
        self._close()
        return went

    def read(self) -> None:
        """Take what it has written so far to the log."""
        while self.output >= 0:
            try:
                chunk = os.read(self.output, 65_536)
            except BlockingIOError:
                return
            if not chunk:
                return
            *lines, self._unfinished = (self._unfinished + chunk).split(b"\n")
            for line in lines:
                words = line.decode(errors="replace").rstrip()
                self._writer.handle(logging.makeLogRecord({"msg": words}))
                self.heed(words)

    def _close(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None
        self._writer.close()


def end_marked(mark: str) -> int:
    """Kill every process that carries this mark, and say how many there were (Linux)."""
    wanted = f"{MARK}={mark}".encode()
    ended = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)
                ended += 1
    return ended


def end_with_parent() -> None:
    """Have this process told to end (SIGTERM) when the one that started it dies (Linux)."""
    if sys.platform == "linux":
        _libc().prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)


def _die_with(parent: int) -> None:
    end_with_parent()
    if os.getppid() != parent:  # it died before we asked to be told
        os._exit(1)


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _signal_group(leader: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


class _Log(logging.handlers.RotatingFileHandler):
    """A log that a full disk stops; the process goes on."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Let the line go."""


def _bounded_log(path: Path) -> logging.Handler:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = _Log(path, maxBytes=LOG_BYTES, backupCount=LOGS_KEPT, delay=True, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(message)s"))
    return handler
