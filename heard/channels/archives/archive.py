"""What every archive promises: a stream of items in the same order each time, and where it stands.

An archive is a file, or a few, that hold years of messages. Nothing in it can make its parser
raise: what cannot be understood becomes a `SetAside` with a reason that is the same for all of its
kind, so that reasons can be counted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

from heard.channels.base import Incoming, SetAside
from heard.channels.texts import repair
from heard.lib.spoken import SpokenError

LONGEST_RAW = 4_000
LONGEST_ID = 200


class ArchiveError(SpokenError):
    """The archive as a whole cannot be read; the message says why and what would help."""


class Item(NamedTuple):
    """One message of an archive, or one thing in it that was set aside.

    `inbox` is the name of the account it belongs to, "" where the archive holds only one.
    `position` counts records from 1; items of one record share it. Whoever has filed all items up
    to a position may go on with `items(after=position)`.
    """

    inbox: str
    value: Incoming | SetAside
    position: int


class Spread(StrEnum):
    """How the messages of an archive may be dealt out to several who file at the same time."""

    BY_ROOT = "root"
    """Each message names the true root of its thread."""
    BY_INBOX = "inbox"
    NOT = "not"


class Archive(Protocol):
    """One archive on disk."""

    @property
    def channel(self) -> str:
        """The kind of place the people in it have their handles at: "email", "forum", "twitter"."""

    @property
    def spread(self) -> Spread:
        """How its messages may be dealt out."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files it reads, in order."""

    def items(self, *, after: int = 0) -> Iterator[Item]:
        """Everything behind the position `after`; an `ArchiveError` before the first item."""

    def share(self) -> float:
        """How much of the archive has been read, from 0 to 1."""


def set_aside(where: str, reason: str, *, raw: str = "") -> SetAside:
    """A `SetAside` that a database can keep: its raw text is repaired and cut short."""
    return SetAside(where=where, reason=reason, raw=repair(raw[:LONGEST_RAW]))


def identifier(text: str) -> str:
    """An id as an index can keep it: repaired, stripped, a digest in place of a monstrous one."""
    text = text.strip()
    if not text:
        return ""
    if not (text.isascii() and text.isprintable()):
        text = repair(text).strip()
    return text if len(text) <= LONGEST_ID else digest(text)


def digest(*parts: str) -> str:
    """A stable name for something that came without one."""
    whole = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return f"sha256:{hashlib.sha256(whole).hexdigest()[:40]}"


def language_of(locale: str) -> str:
    """The ISO 639 code in a locale, which is "pt" in "pt-BR"; "" for what is none."""
    if not locale:
        return ""
    language = locale.strip().replace("_", "-").partition("-")[0].lower()
    return language if language.isascii() and language.isalpha() and len(language) < 4 else ""
