"""The values that cross the border between a place where customers speak and the house.

A channel turns whatever a vendor sends into `Incoming`, and hands `Outgoing` to the vendor. It knows
the vendor and nothing of the product: no database, no Django.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal


class Kind(StrEnum):
    """Which way a message went."""

    INCOMING = "incoming"
    REPLY = "reply"
    NOTE = "note"


class SendState(StrEnum):
    """What became of an `Outgoing`: only `SENT` is known to have arrived at the place."""

    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class File:
    """A file that came with a message, or goes with one."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message as heard at a place, ours or theirs, in the house's words.

    `external_id` is unique within the inbox and kind. `at` is aware. `text` is plain text; `html` is
    what the place sent when it sent HTML (it is cleaned before anybody sees it).

    Threads: `root` is the external id of the first message of the thread (or any other stable name
    of the thread) when the place says so; `parent` that of the message this one answers. Either may
    be empty and either may name something that has not arrived yet.

    For `Kind.REPLY` (what our side said there) `sender` is our account, `author` the person of ours
    if the place tells, and `to` the address of the person we answered when the place tells; empty
    means that the parents will show it.

    `need` is set where the place itself tells what is asked of us (a missed call needs an answer);
    empty leaves it to the reading.
    """

    external_id: str
    at: datetime
    text: str
    sender: str
    kind: Kind = Kind.INCOMING
    sender_name: str = ""
    root: str = ""
    parent: str = ""
    to: str = ""
    author: str = ""
    subject: str = ""
    html: str = ""
    language: str = ""
    is_public: bool = False
    is_automatic: bool = False
    need: Literal["", "answer", "recognition", "nothing"] = ""
    files: tuple[File, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SetAside:
    """Something in a delivery or an archive that could not be understood, kept with its reason."""

    where: str
    reason: str
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One reply on its way to a place. `idempotency_key` stays the same however often it is tried."""

    idempotency_key: str
    to: str
    text: str
    root: str = ""
    parent: str = ""
    subject: str = ""
    author: str = ""
    at: datetime | None = None
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the place said to an `Outgoing`."""

    state: SendState
    external_id: str = ""
    reason: str = ""
    retry_after_seconds: int | None = None
