"""`heard run`: database, pages, live events, worker and listening, started and ended as one.

Whatever part dies is started again. What a killed run left behind, the next one ends or takes over.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import http.client
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from heard import database, environment
from heard.lib import postgres, processes
from heard.lib.cluster import EmbeddedDatabaseError
from heard.lib.private import HeldError, hold, home_lock
from heard.lib.processes import Child
from heard.lib.spoken import SpokenError

WORTH_SHOWING = re.compile(r"\b(WARNING|ERROR|CRITICAL)\b")
# Strangers ask for pages that never were; that is no news.
NOT_WORTH_SHOWING = re.compile(r" (Not Found|Forbidden|Method Not Allowed)\b")
PATIENCE_SECONDS = 10.0
FIRST_PAGE_PATIENCE_SECONDS = 120.0
ENDING = "ending"
ENDING_PATIENCE_SECONDS = 30.0
BEAT_SECONDS = 0.2
DATABASE_BEAT_SECONDS = 1.0


HEARD = (sys.executable, "-m", "heard.cli")


class CannotRunError(SpokenError):
    """heard cannot start here. The text says why, and what to do."""


def run(arguments: Sequence[str]) -> int:
    """The command: start everything, stay until Ctrl-C or SIGTERM, end everything."""
    parser = argparse.ArgumentParser(prog="heard run", description=run.__doc__)
    parser.add_argument("--link", action="store_true", help="print a sign-in link for the owner")
    options = parser.parse_args(arguments)
    home = environment.prepare_home()
    if "MAKELEVEL" in os.environ:  # nobody would end us after a killed `make run`
        processes.end_with_parent()
    with only_one(home):
        if processes.end_marked(str(home)):
            _say("Ended what an interrupted run had left.")
        for port in (environment.port(), environment.live_port()):
            refuse_taken(environment.host(), port)
        _say("heard is starting …")
        with database.serving():
            if not database.is_current():
                _say("Preparing the database …")
                _heard("migrate", "--quiet")
            Run(home, with_link=options.link).stay()
    _say("heard has ended.")
    return 0


@contextlib.contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the right to run heard in this data folder.

    Waits for one that is just ending. Raises `CannotRunError` when another runs.
    """
    with contextlib.ExitStack() as stack:
        deadline = time.monotonic() + ENDING_PATIENCE_SECONDS
        while True:
            try:
                stack.enter_context(hold(home, "run", note=f"process {os.getpid()}"))
                break
            except HeldError as holder:
                if ENDING in str(holder) and time.monotonic() < deadline:
                    time.sleep(BEAT_SECONDS)
                    continue
                raise CannotRunError(
                    f"heard is already running in {home} ({holder}), at"
                    f" {environment.public_url()}; end it there, or choose another HEARD_HOME."
                ) from None
        yield


def refuse_taken(host: str, port: int) -> None:
    """Raise `CannotRunError` when somebody else listens at this port already."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        raise CannotRunError(f"HEARD_HOST is no address of this machine: {host}.") from None
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what has ended may linger
        try:
            probe.bind(address)
        except OSError as error:
            name = "HEARD_PORT" if port == environment.port() else "HEARD_LIVE_PORT"
            if error.errno == errno.EADDRINUSE:
                raise CannotRunError(
                    f"Port {port} is taken by another program; end that one, or choose another"
                    f" port: {name}={port + 10} heard run"
                ) from None
            if error.errno == errno.EACCES:
                raise CannotRunError(
                    f"Port {port} is reserved for root; choose one above 1023 with {name}."
                ) from None
            raise CannotRunError(
                f"heard cannot listen at {host}:{port} ({error.strerror}); correct HEARD_HOST."
            ) from None


class Run:
    """The parts that run, and the loop that watches them."""

    def __init__(self, home: Path, *, with_link: bool) -> None:
        self.home = home
        self.with_link = with_link
        self.stops_asked = 0
        self.children: list[Child] = []
        self.selector = selectors.DefaultSelector()
        self.database_seen_at = 0.0

    def stay(self) -> None:
        """Start the parts one after the other, watch them until a signal, end them in order."""
        with self._signals_heard():
            try:
                self._start("web", command=_web())
                if self._wait_for_the_first_page():
                    self._start("live", command=_live())
                    self._start("worker", command=[*HEARD, "worker"])
                    self._start("listen", command=[*HEARD, "listen"])
                    self._greet()
                while not self.stops_asked:
                    self._watch()
            finally:
                self._end()

    def _start(self, name: str, *, command: Sequence[str]) -> None:
        child = Child(
            name,
            command=command,
            log=self.home / "logs" / f"{name}.log",
            mark=str(self.home),
            heed=lambda line: _show(name, line),
        )
        self.children.append(child)
        child.start()
        self.selector.register(child.output, selectors.EVENT_READ, child)

    def _watch(self) -> None:
        """One beat: take the children's words, start the dead again, look after the database."""
        for key, _ in self.selector.select(BEAT_SECONDS):
            if isinstance(key.data, Child):
                key.data.read()
        now = time.monotonic()
        for child in self.children:
            if child.output >= 0 and not child.is_alive:
                self.selector.unregister(child.output)
                ending, delay = child.bury()
                _say(f"{child.name} {ending}; starting it again in {delay:.1f} s ({child.log}).")
            elif child.output < 0 and now >= child.start_at:
                child.start()
                self.selector.register(child.output, selectors.EVENT_READ, child)
        if now - self.database_seen_at > DATABASE_BEAT_SECONDS:
            self.database_seen_at = now
            self._look_after_the_database()

    def _look_after_the_database(self) -> None:
        if environment.uses_embedded_database() and postgres.state(self.home) == "stopped":
            _say("The database has ended; starting it again.")
            try:
                postgres.revive(self.home)
            except EmbeddedDatabaseError as error:
                _say(str(error))

    def _wait_for_the_first_page(self) -> bool:
        """Watch until a page is served; False when asked to stop before."""
        deadline = time.monotonic() + FIRST_PAGE_PATIENCE_SECONDS
        while not self.stops_asked:
            if answers(environment.host(), environment.port()):
                return True
            if time.monotonic() > deadline:
                raise CannotRunError(
                    f"The pages do not come up; {self.home / 'logs' / 'web.log'} says why."
                )
            self._watch()
        return False

    def _greet(self) -> None:
        _say(f"heard is at {environment.public_url()}")
        arguments = ["--always"] if self.with_link else []
        try:
            _say(_heard("signin_link", *arguments).rstrip())
        except CannotRunError as error:
            _say(str(error))
        if not self.stops_asked:
            _say(f"Everything of it is in {self.home}. Ctrl-C ends it.")

    def _end(self) -> None:
        for child in self.children:
            if child.output >= 0:
                self.selector.unregister(child.output)
            patience = PATIENCE_SECONDS
            if not child.stop(patience_seconds=patience, hurry=lambda: self.stops_asked > 1):
                _say(f"{child.name} did not end by itself and was ended.")
        self.selector.close()

    @contextlib.contextmanager
    def _signals_heard(self) -> Iterator[None]:
        """Count requests to stop; the loop wakes by a byte in a socket, whatever it waits for."""
        here, there = socket.socketpair()
        with here, there:
            here.setblocking(False)
            there.setblocking(False)
            self.selector.register(here, selectors.EVENT_READ)
            before = signal.set_wakeup_fd(there.fileno())
            signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            handlers = [signal.signal(number, self._ask_to_stop) for number in signals]
            try:
                yield
            finally:
                signal.set_wakeup_fd(before)
                for number, handler in zip(signals, handlers, strict=True):
                    signal.signal(number, handler)

    def _ask_to_stop(self, *_: object) -> None:
        self.stops_asked += 1
        home_lock(self.home, "run").write_text(f"process {os.getpid()}, {ENDING}")
        _say("Ending …" if self.stops_asked == 1 else "Ending at once …")


def answers(host: str, port: int) -> bool:
    """Whether somebody answers HTTP there, whatever the answer."""
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - to reach ourselves
    connection = http.client.HTTPConnection(near, port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def is_worth_showing(line: str) -> bool:
    """Whether a line of a log belongs before the eyes of whoever runs heard."""
    return bool(WORTH_SHOWING.search(line)) and not NOT_WORTH_SHOWING.search(line)


def _web() -> list[str]:
    # One thread a process: two would fight for the interpreter, and a page cost a fifth more.
    # Files and exports are handed out bit by bit beside it, mails are sent by the worker.
    threads = ["--blocking-threads", "1", "--workers", str(environment.number("HEARD_WEB", 2))]
    return _granian("wsgi", "heard.wsgi:application", environment.port(), *threads)


def _live() -> list[str]:
    return _granian("asgi", "heard.live:application", environment.live_port(), "--workers", "1")


def _granian(interface: str, target: str, port: int, *arguments: str) -> list[str]:
    program = [sys.executable, "-m", "granian", "--interface", interface, "--no-ws"]
    place = ["--host", environment.host(), "--port", str(port), "--http", "1"]
    care = ["--respawn-failed-workers", "--workers-kill-timeout", "3", "--log-level", "warning"]
    return [*program, *place, *care, *arguments, target]


def _heard(*arguments: str) -> str:
    """Run one of our own commands to its end; what it printed."""
    done = subprocess.run([*HEARD, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRunError(
            done.stderr.strip().removeprefix("heard: ") or f"heard {arguments[0]} failed."
        )
    return done.stdout


def _show(name: str, line: str) -> None:
    if is_worth_showing(line):
        _say(f"{name}: {line}")


def _say(line: str) -> None:
    print(line, flush=True)
