"""Several importers beside each other, each a process with a database connection of its own.

The reader of the archive hands them lots; they answer with what became of each. When the reader
dies they end, and when one of them dies the reader stops: the archive can always be gone on with.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
import threading
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkContext, SpawnContext
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from types import TracebackType
from typing import Self

import django
import psycopg
from django.apps import apps
from django.conf import settings
from django.db import Error, connection

from heard.conversations.archives.lots import Filed, Lot, Task
from heard.lib.processes import end_with_parent
from heard.lib.spoken import SpokenError

END = b""
"""No more lots will come."""

WAITING_LOTS = 2
"""A process has one lot in hand and one waiting; more would only take memory."""


_inherited: list[object] = []
"""Connections of the process that this one is a copy of: kept, because to let go is to close."""


class Beside:
    """Several importers, each a process with a database connection of its own."""

    def __init__(self, task: Task, *, count: int) -> None:
        self.count = count
        self._task = task
        self._lines: list[Connection] = []
        self.processes: list[BaseProcess] = []
        self._waiting = [0] * count

    def __enter__(self) -> Self:
        database = str(connection.settings_dict["NAME"])
        # Ctrl-C reaches the whole group; they end when this process tells them to, between lots.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        context = _ways()
        try:
            for number in range(self.count):
                ours, theirs = context.Pipe()
                process = context.Process(
                    target=serve, args=(theirs, number, self._task, database), daemon=True
                )
                process.start()
                theirs.close()
                self._lines.append(ours)
                self.processes.append(process)
        finally:
            signal.signal(signal.SIGINT, before)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            for line in self._lines:
                line.send_bytes(END)
            for process in self.processes:
                process.join()
        except (OSError, KeyboardInterrupt):
            for process in self.processes:
                process.terminate()

    def give(self, number: int, lot: Lot) -> Filed:
        """Hand over a lot, waiting for room; returns what has been filed meanwhile."""
        filed = self._collect(seconds=0)
        while self._waiting[number] >= WAITING_LOTS:
            filed = filed.plus(self._collect(seconds=None))
        try:
            self._lines[number].send_bytes(lot.packed())
        except OSError as error:
            raise ImporterEndedError from error
        self._waiting[number] += 1
        return filed

    def finish(self) -> Filed:
        """Wait until everything handed over is filed; returns the rest of it."""
        filed = Filed()
        while any(self._waiting):
            filed = filed.plus(self._collect(seconds=None))
        return filed

    def _collect(self, *, seconds: float | None) -> Filed:
        busy = [line for line, count in zip(self._lines, self._waiting, strict=True) if count]
        filed = Filed()
        for line in wait(busy, seconds) if busy else ():
            assert isinstance(line, Connection)
            try:
                said = line.recv()
            except (EOFError, OSError) as error:
                raise ImporterEndedError from error
            if isinstance(said, str):
                raise ImporterEndedError(said)
            self._waiting[self._lines.index(line)] -= 1
            filed = filed.plus(said)
        return filed


class ImporterEndedError(SpokenError):
    """An importer had to give up: the database went away, or somebody ended it."""

    def __str__(self) -> str:
        why = str(self.args[0]) if self.args else "one of its processes ended"
        return f"The import has stopped: {why}. The same command goes on from there."


def serve(line: Connection, number: int, task: Task, database: str) -> None:
    """An importer's life: file what comes down the line until told that nothing more will."""
    end_with_parent()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if apps.ready:
        _inherited.append(connection.connection)
        connection.connection = None
    else:
        settings.DATABASES["default"]["NAME"] = database
        django.setup()
    from heard.conversations.archives.importers import file  # noqa: PLC0415 - its models need Django set up

    lots: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_take_down, args=(line, lots), daemon=True).start()
    try:
        while packed := lots.get():
            line.send(file(Lot.unpacked(packed), number=number, task=task))
    except BrokenPipeError:
        pass  # whoever started us is gone, and with it the import
    except (Error, psycopg.Error) as error:
        line.send(str(error).splitlines()[0])
    finally:
        connection.close()


def _ways() -> SpawnContext | ForkContext:
    """How to start a process: as a copy of this one where that is safe, which spares a second."""
    if sys.platform == "linux" and threading.active_count() == 1:
        return multiprocessing.get_context("fork")
    return multiprocessing.get_context("spawn")


def _take_down(line: Connection, lots: SimpleQueue[bytes]) -> None:
    """Empty the line at once, so that whoever speaks never waits for a lot to be filed."""
    try:
        while True:
            lots.put(line.recv_bytes())
    except (EOFError, OSError):
        lots.put(END)
