"""The values that cross the border between a place where customers speak and the house.

A channel turns whatever a vendor sends into `Incoming`, and hands `Outgoing` to the vendor. It
knows the vendor and nothing of the product: no database, no Django.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable


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


class Unit(StrEnum):
    """In what a place counts the length of a message; `lengths` counts it."""

    CHARACTERS = "characters"
    GRAPHEMES = "graphemes"
    WEIGHTED = "weighted"
    """As X does: most scripts outside Europe count double, every link counts 23."""
    UTF16 = "utf16"
    BYTES = "bytes"


class Act(StrEnum):
    """What can be done to a message at its place without writing: done twice is done once."""

    LIKE = "like"
    SHARE = "share"
    THANK = "thank"
    APPROVE = "approve"
    SPAM = "spam"
    EDIT = "edit"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Abilities:
    """What one side of a place, its public or its private one, lets us do, before we try.

    `length` is in `unit`; None is without limit. After the contact's last message `window` is how
    long we may write; None is for ever. `one_reply`: a second reply replaces the first.
    `private_reply`: the author of a public message can be written to privately. `by_link`: no reply
    goes through the place's API; people open the message there and paste it. `tells` are the states
    that it reports of what we send: "delivered", "read".
    """

    replies: bool = True
    by_link: bool = False
    one_reply: bool = False
    private_reply: bool = False
    acts: frozenset[Act] = frozenset()
    files: bool = False
    length: int | None = None
    unit: Unit = Unit.CHARACTERS
    window: timedelta | None = None
    templates: bool = False
    """Outside the window, approved templates may still be sent."""
    tells: frozenset[str] = frozenset()
    opts_out: bool = False
    """People can forbid us to write to them, and allow it again: `opted` in `Incoming.extra`."""
    copies: bool = False
    """A reply may go to others as well: `Outgoing.copies`."""
    keeps: timedelta | None = None
    """How long the vendor's rules let us keep what was said there, from when we heard it; the
    module names the rule beside it. None is for ever."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that connecting an inbox asks for. `name` is what `heard inbox add --set` takes.

    Secrets are sealed, come back in `Account.secrets` and are never shown again. `is_rare` ones are
    folded away on the page; `when` shows one only if another has one of these values.
    """

    name: str
    label: str
    help: str = ""
    is_secret: bool = False
    is_needed: bool = True
    default: str = ""
    form: Literal["text", "number", "lines", "yes"] = "text"
    choices: tuple[tuple[str, str], ...] = ()
    is_rare: bool = False
    when: tuple[str, tuple[str, ...]] | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A file that came with a message, or goes with one.

    With `source` the bytes are still at the place: the house asks the channel's `fetch` for them
    later, or gets the address itself if the channel has no `fetch`. `content_id` names an image
    that stands inside the HTML (RFC 2392, without brackets).
    """

    name: str
    content_type: str
    content: bytes
    source: str = ""
    content_id: str = ""


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

    `need` is set where the place itself tells what is asked of us (a missed call needs an answer):
    no reading changes it, not even after an edit; empty leaves it to the reading. `token` is the
    secret of the private link by which the person comes back to the conversation, where the place
    is a page of ours.

    `extra` keeps what else the place tells. The house knows these names in it: `url` (where people
    see the message), `audience` (how many people can), `rating` (1 to 5), `trust` (what proves the
    sender, by name), `shares` and `quotes` (the external id of what is passed on), `terms` (the
    watched words that were found), `links` (other addresses of the same person, by kind, that the
    place itself vouches for), `opted` ("out" where the person forbids us to write, "in" where they
    allow it again), `reply_to` (where answers are wanted), `cc` (who else was written to) and
    `list` (the mailing list it came through), `is_proven` (whether the sender is, where anybody can
    write in anybody's name), `digest` (tells apart messages of one external id, where the place
    cannot promise that it is one message's: the house calls the later one by id, a space, digest).
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
class Edited:
    """A message was changed at the place after it was written; what it said before is kept.

    One that says what the message says already changes nothing. `extra` is what else is told of it
    now, by the names of `Incoming.extra`: what it names is replaced, None takes a name away, all
    other names stay. `need` is what the place says now of what is asked of us; None leaves standing
    what it had said, "" takes it back. `language` is for words that tell none themselves.
    """

    external_id: str
    at: datetime
    text: str
    html: str = ""
    kind: Kind = Kind.INCOMING
    extra: Mapping[str, Any] = field(default_factory=dict)
    need: Literal["", "answer", "recognition", "nothing"] | None = None
    language: str = ""


@dataclass(frozen=True, slots=True)
class Deleted:
    """A message was taken back at the place. We keep the words; the public no longer sees them."""

    external_id: str
    at: datetime
    kind: Kind = Kind.INCOMING


@dataclass(frozen=True, slots=True)
class Progress:
    """What the place says of a reply of ours, by the name that it gave it."""

    external_id: str
    at: datetime
    state: Literal["delivered", "read", "failed"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Somebody of ours liked, shared or thanked for a message directly at the place."""

    external_id: str
    at: datetime
    act: Act


@dataclass(frozen=True, slots=True)
class CallEvent:
    """Something that happened to a telephone call. A call is put together from its events.

    `external_id` is unique among the events of `call`, which is the place's name for the call; all
    else may be told by any event or by none. `caller` is the person outside, whoever dialled
    (E.164 where it is a number, "" while it is not known), `called` our own number. `agent` is who
    of ours answered or was handed the call. `seconds` is how long a recording is, `hold_seconds`
    how long the person waited as the place measured it. `text` is what was said in a recording,
    written down; `written_by` the machine that did it, "" for a person.
    """

    external_id: str
    call: str
    at: datetime
    what: Literal[
        "ringing", "queued", "answered", "held", "resumed", "transferred", "hung_up", "recording",
        "voicemail", "transcript",
    ]  # fmt: skip
    caller: str = ""
    caller_name: str = ""
    called: str = ""
    queue: str = ""
    agent: str = ""
    is_outgoing: bool = False
    seconds: float | None = None
    hold_seconds: float | None = None
    reason: str = ""
    file: File | None = None
    text: str = ""
    written_by: str = ""


@dataclass(frozen=True, slots=True)
class SetAside:
    """Something in a delivery or an archive that could not be understood, kept with its reason."""

    where: str
    reason: str
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What a delivery only points to. The house has the channel `look` there, with patience.

    `source` says where, in the channel's own words of at most 4,000 characters.
    """

    source: str


Heard = Incoming | Edited | Deleted | Progress | Acknowledged | CallEvent | Elsewhere | SetAside
"""What a delivery can say. Any of it may come twice, and before what it is about."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a place brought, as it came: raw body, and the headers worth keeping in lower case.

    `external_id` is the place's own name for the delivery, where it has one. `url` is the address
    that was called, as the outside knows it, with its query; `method` how.
    """

    body: bytes
    headers: Mapping[str, str]
    at: datetime
    external_id: str = ""
    url: str = ""
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a place wants to hear at once in answer to a request that brings no message."""

    body: bytes
    content_type: str = "text/plain"
    status: int = 200


class Ration(NamedTuple):
    """How much of one sort may be delivered: at most `most` within `seconds`."""

    sort: str
    most: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Quota:
    """How many more times we may ask, of how many, and from when on there are new ones."""

    left: int
    of: int | None = None
    renewed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was found at a place, raw, for `parse`; and where to go on, in the channel's own words.

    The house keeps both in one transaction. `has_more` asks to be called again at once,
    `pause_seconds` not before that time.
    """

    deliveries: tuple[Delivered, ...]
    cursor: str
    has_more: bool = False
    pause_seconds: float | None = None
    quota: Quota | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What a place says of our account: its name there, and what it let us find out about itself.

    `found` is kept among the inbox's settings (the account's id, the length of a message …).
    `warnings` are for the health page; `expires_at` is when the credentials do.
    """

    account: str
    found: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    expires_at: datetime | None = None
    quota: Quota | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One reply on its way to a place. `idempotency_key` stays the same however often it is tried.

    `parent` and `answered` are the external id and the `extra` of the message that it answers;
    `link` is the private page of the conversation, where there is one. `is_private`: to the person
    alone, though what it answers is public. `replaces` is the name of our earlier reply at a place
    that takes only one.
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
    is_private: bool = False
    replaces: str = ""
    references: tuple[str, ...] = ()
    """The external ids of the conversation so far, oldest first."""
    template: str = ""
    """The name of an approved template, whose blanks `text` fills, a line each."""
    is_automatic: bool = False
    """A program of ours says it; where a place has a way to say so, it must be said."""
    copies: tuple[str, ...] = ()
    """The addresses of others who get it too, where the place has copies."""


@dataclass(frozen=True, slots=True)
class Acting:
    """One act on its way to a place. `text` is for an edit; `of_ours` tells whose message it is."""

    act: Act
    external_id: str
    idempotency_key: str
    root: str = ""
    text: str = ""
    of_ours: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


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
    """One connected account: its inbox's settings, its secrets unsealed, and the house's post.

    `secret` is the signing secret that the house made; `secrets` are what connecting asked for.
    `renew` keeps secrets that the place has replaced (a refreshed token). `hook` is the address at
    which the place finds us; `allow_private` lets addresses inside the house be asked.
    """

    name: str
    settings: Mapping[str, Any]
    secret: str = ""
    post: Callable[[Letter], None] | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)
    renew: Callable[[Mapping[str, str]], None] | None = None
    hook: str = ""
    allow_private: bool = False


class RefusedError(Exception):
    """A delivery is not from whom it claims; the text says why, for whoever sends it."""


class NotUnderstoodError(Exception):
    """Nothing in a delivery could be understood; the text says why, for whoever looks after it."""


class PlaceError(Exception):
    """A place could not be asked, or refused; the text says why in words for people.

    `needs_person`: nothing changes until somebody does something (a token expired, a right is
    missing). `retry_after_seconds` is the place's own wish.
    """

    def __init__(
        self, reason: str, *, needs_person: bool = False, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(reason)
        self.needs_person = needs_person
        self.retry_after_seconds = retry_after_seconds


class Channel(Protocol):
    """A kind of place. A module of `heard.channels` is one: its names are these.

    `public` and `private` say what each side of the place allows, None where it has no such side.
    What a place can do besides is told by the further protocols below that its module fulfils.
    """

    @property
    def kind(self) -> str:
        """The word in the database and in commands."""

    @property
    def title(self) -> str:
        """The name that people read."""

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What connecting an inbox asks for."""

    @property
    def public(self) -> Abilities | None:
        """What is possible where everybody reads."""

    @property
    def private(self) -> Abilities | None:
        """What is possible where only the person reads."""

    def parse(self, delivered: Delivered, account: Account) -> Iterable[Heard]:
        """What a delivery says: the same bytes, the same values; else `NotUnderstoodError`."""

    def send(self, outgoing: Outgoing, account: Account) -> Receipt:
        """Hand a reply to the place. Never raises for what the place or the line does."""

    def may_repeat(self, outgoing: Outgoing) -> bool:
        """Whether sending this again with the same key does no harm, if it had arrived before."""

    def check(self, account: Account) -> Checked:
        """Ask the place whether the credentials open it; else `PlaceError`."""


@runtime_checkable
class Hooked(Channel, Protocol):
    """A place, or a program, delivers to an address of ours."""

    @property
    def has_own_secret(self) -> bool:
        """Whether we make the signing secret and show it once; else connecting asks for one."""

    @property
    def heeds(self) -> tuple[str, ...]:
        """The headers it needs, in lower case; others are dropped.

        `parse` finds them again, without those that prove the sender, and the query as "query".
        """

    def authenticate(self, delivered: Delivered, account: Account) -> None:
        """Let a delivery pass that is proven to come from the place; else `RefusedError`."""


@runtime_checkable
class Rationed(Hooked, Protocol):
    """A place where anybody may deliver, and where what is delivered makes us work."""

    def rations(self, delivered: Delivered, account: Account) -> Iterable[Ration]:
        """Of which sorts a delivery is, the narrowest first: asked once it is authentic.

        The house counts it, and puts off what exceeds one of them (429, Retry-After).
        """


@runtime_checkable
class Greeted(Channel, Protocol):
    """A place that wants an answer at once to some requests: a handshake, a challenge."""

    def greet(self, delivered: Delivered, account: Account) -> Greeting | None:
        """The answer to a request that brings no message, proven or provable; None for others.

        Raises `RefusedError` for a handshake that is not meant for this inbox. Asked before
        `authenticate`: what it answers must give nothing away that needs a signature.
        """


@runtime_checkable
class Confirmed(Hooked, Protocol):
    """A place that wants words of its own after each delivery, in place of our 202."""

    def confirm(self, delivered: Delivered, account: Account) -> Greeting:
        """What to say once the delivery is proven and kept."""


@runtime_checkable
class Polled(Channel, Protocol):
    """A place that must be asked."""

    @property
    def every_seconds(self) -> float:
        """How long to wait between two questions when nothing else is said."""

    def poll(self, cursor: str, account: Account) -> Fetched:
        """What is new since the cursor ("" at first: then from now on, or as far back as is kind).

        Raises `PlaceError`, and those of `web`.
        """


@runtime_checkable
class Hastened(Polled, Protocol):
    """A place that may be asked sooner while people speak there.

    Only for places whose limits allow it: the house asks so often after something new, then later
    and later until it is back at `every_seconds`.
    """

    @property
    def busy_seconds(self) -> float:
        """How long to wait after a question that brought something."""


@runtime_checkable
class Listened(Channel, Protocol):
    """A place that keeps a line open to us."""

    def listen(self, cursor: str, account: Account) -> Iterator[Fetched]:
        """Whatever comes, as it comes, for ever; at least every 30 seconds, if only empty.

        It is closed when the house ends. Raises as `poll` does.
        """


@dataclass(frozen=True, slots=True)
class Grant:
    """How a place lets somebody in at a page of its own (OAuth 2.0, RFC 6749 section 4.1)."""

    authorize_url: str
    token_url: str
    client_id: str
    client_secret: str
    scope: str
    more: Mapping[str, str] = field(default_factory=dict)
    """What the place wants in the first address besides, such as that it shall be for long."""
    is_basic: bool = False
    """Whether client id and secret go into the header and not into the form (section 2.3.1)."""


@runtime_checkable
class Granted(Channel, Protocol):
    """A place where somebody signs in once, which gives the secret `refresh_token`."""

    def grant(self, account: Account) -> Grant | None:
        """Where and as which app to sign in; None where this account does it otherwise.

        Raises `PlaceError` in words for people where something that it needs is missing.
        """


@runtime_checkable
class Named(Channel, Protocol):
    """A place that takes the name of a reply from us."""

    def name_of(self, outgoing: Outgoing, account: Account) -> str:
        """The external id that the reply will have there.

        The house writes it down before the reply leaves: whatever happens then, its echo is known.
        """


@runtime_checkable
class Readdressed(Channel, Protocol):
    """A place where people can ask for answers at another address than they write from."""

    def reader_of(self, outgoing: Outgoing) -> str:
        """The address to which this reply would really go."""


@runtime_checkable
class Composed(Channel, Protocol):
    """A place with a page where people write a post, which takes the words from its address."""

    def composing(self, text: str, settings: Mapping[str, Any]) -> str:
        """The address of that page with these words in it, for an inbox with these settings."""


@runtime_checkable
class Acted(Channel, Protocol):
    """A place where messages can be liked, shared, approved …: `Abilities.acts` says which."""

    def act(self, acting: Acting, account: Account) -> Receipt:
        """Do it. Done twice is done once. Never raises for what the place or the line does."""


@runtime_checkable
class Acknowledging(Channel, Protocol):
    """A place where it is good manners to say at once that a message has come."""

    def acknowledgement(self, incoming: Incoming, account: Account) -> str:
        """What to say, if the inbox asks for it and nothing speaks against it; else nothing.

        Never to a program, a list or a forgery, and only where a thread begins.
        """


@runtime_checkable
class Fetching(Channel, Protocol):
    """A place that keeps the files of its messages until they are asked for."""

    def fetch(self, source: str, account: Account) -> bytes:
        """The bytes of a `File.source`. Raises as `poll` does."""


@runtime_checkable
class Looking(Channel, Protocol):
    """A place whose deliveries may only say where something was said: `Elsewhere`."""

    def look(self, source: str, account: Account) -> tuple[Delivered, ...]:
        """What is there, raw: the house keeps it as a delivery of its own, for `parse`.

        Raises as `poll` does; without `needs_person` the house looks again later.
        """
