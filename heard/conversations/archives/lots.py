"""What goes to and fro between the reader of an archive and those who file it.

Django-free, as far as it is imported: a new process must know these values before Django is set up.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from heard.channels.base import Incoming


class Lot(NamedTuple):
    """The messages up to a position that fall to one importer, by the id of their inbox."""

    position: int
    messages: Mapping[int, list[Incoming]]

    def packed(self) -> bytes:
        """For the way to another process: by columns, which costs half of what rows do."""
        columns = {inbox: tuple(zip(*rows, strict=True)) for inbox, rows in self.messages.items()}
        return pickle.dumps((self.position, columns), pickle.HIGHEST_PROTOCOL)

    @classmethod
    def unpacked(cls, packed: bytes) -> Lot:
        """What `packed` has packed."""
        position, columns = pickle.loads(packed)  # noqa: S301 - from our own process
        return cls(
            position,
            {
                inbox: [Incoming(*row) for row in zip(*rows, strict=True)]
                for inbox, rows in columns.items()
            },
        )


class Filed(NamedTuple):
    """What became of a lot."""

    taken: int = 0
    known: int = 0
    refused: int = 0

    def plus(self, other: Filed) -> Filed:
        """Both together."""
        return Filed(*(a + b for a, b in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class Task:
    """What all importers of a run need to know; what `receive` is given with each lot."""

    run: int
    digest: str
    is_read: bool
    shares_inbox: bool
    now: datetime
    alive_since: datetime | None = None


class Importers(Protocol):
    """Whoever files lots; each has a number, and takes its own lots in order."""

    count: int

    def give(self, number: int, lot: Lot) -> Filed:
        """Hand over a lot, waiting for room; returns what has been filed meanwhile."""

    def finish(self) -> Filed:
        """Wait until everything handed over is filed; returns the rest of it."""
