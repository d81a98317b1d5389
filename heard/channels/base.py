"""The values that cross the border between a place where customers speak and the house.

A channel turns whatever a vendor sends into `Incoming`, and hands `Outgoing` to the vendor. It
knows the vendor and nothing of the product: no database, no Django.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, NamedTuple, Protocol


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


NOTHING: Mapping[str, Any] = {}


class Incoming(NamedTuple):
    """One message as heard at a place, ours or theirs, in the house's words.

    A named tuple and not a dataclass: archives make millions of them, and hand them to other
    processes, at a third of the cost.

    `external_id` is unique within the inbox and kind. `at` is aware. `text` is plain text; `html`
    is what the place sent when it sent HTML (it is cleaned before anybody sees it). Beside `html`,
    `text` may be left empty: it is then made from it, if the message is new.

    Threads: `root` is the external id of the first message of the thread (or any other stable name
    of the thread) when the place says so; `parent` that of the message this one answers. Either may
    be empty and either may name something that has not arrived yet.

    For `Kind.REPLY` (what our side said there) `sender` is our account, `author` the person of ours
    if the place tells, and `to` the address of the person we answered when the place tells; empty
    means that the parents will show it.

    `need` is set where the place itself tells what is asked of us (a missed call needs an answer);
    empty leaves it to the reading. `token` is the secret of the private link by which the person
    comes back to the conversation, where the place is a page of ours.
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
    extra: Mapping[str, Any] = NOTHING
    token: str = ""


@dataclass(frozen=True, slots=True)
class SetAside:
    """Something in a delivery or an archive that could not be understood, kept with its reason."""

    where: str
    reason: str
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a place brought, as it came: raw body, and the headers worth keeping in lower case."""

    body: bytes
    headers: Mapping[str, str]
    at: datetime


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One reply on its way to a place. `idempotency_key` stays the same however often it is tried.

    `parent` and `answered` are the external id and the `extra` of the message that it answers;
    `link` is the private page of the conversation, where there is one.
    """

    idempotency_key: str
    to: str
    text: str
    root: str = ""
    parent: str = ""
    subject: str = ""
    author: str = ""
    at: datetime | None = None
    files: tuple[File, ...] = ()
    answered: Mapping[str, Any] = field(default_factory=dict)
    link: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the place said to an `Outgoing`.

    A `FAILED` one is tried again later unless it `is_final`; `retry_after_seconds` is the place's
    own wish. `UNKNOWN` is for what may have arrived: the request was sent and nothing came back.
    """

    state: SendState
    external_id: str = ""
    reason: str = ""
    retry_after_seconds: int | None = None
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that a channel asks the house to post."""

    to: str
    subject: str
    text: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Account:
    """One connected account: its inbox's settings, its secret unsealed, and the house's post."""

    name: str
    settings: Mapping[str, Any]
    secret: str = ""
    post: Callable[[Letter], None] | None = None


class RefusedError(Exception):
    """A delivery is not from whom it claims; the text says why, for whoever sends it."""


class NotUnderstoodError(Exception):
    """Nothing in a delivery could be understood; the text says why, for whoever looks after it."""


class Channel(Protocol):
    """A kind of place. A module of `heard.channels` is one: its functions are these."""

    @property
    def kind(self) -> str:
        """The word in the database and in commands."""

    @property
    def title(self) -> str:
        """The name that people read."""

    @property
    def is_hooked(self) -> bool:
        """Whether the place, or a program, delivers to an address of ours."""

    def authenticate(self, delivered: Delivered, account: Account) -> None:
        """Let a delivery pass that is proven to come from the place; else `RefusedError`."""

    def parse(self, delivered: Delivered, account: Account) -> Iterable[Incoming | SetAside]:
        """What a delivery says: the same bytes, the same values; else `NotUnderstoodError`."""

    def send(self, outgoing: Outgoing, account: Account) -> Receipt:
        """Hand a reply to the place."""

    def may_repeat(self, outgoing: Outgoing) -> bool:
        """Whether sending this again with the same key does no harm, if it had arrived before."""
