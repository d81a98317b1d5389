"""XMPP: private chats and rooms of one account, heard live and from the server's archive.

The archive's ids (XEP-0313, XEP-0359) are the cursor, so that nothing is missed between two
connections. slixmpp speaks the protocol, in an event loop that belongs to one listening or sending;
every stanza is delivered as it came, and `parse` alone says what it means.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Coroutine, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape as xml_text

from heard.channels import asking, web
from heard.channels.base import (
    Abilities,
    Account,
    Acknowledged,
    Act,
    Acting,
    Checked,
    Deleted,
    Delivered,
    Edited,
    Fetched,
    File,
    Heard,
    Incoming,
    Kind,
    NotUnderstoodError,
    Outgoing,
    PlaceError,
    Progress,
    Receipt,
    SendState,
    SetAside,
    Setting,
)
from heard.channels.dates import moment
from heard.channels.texts import repair

kind = "xmpp"
title = "XMPP"
settings = (
    Setting("jid", "Address", help="The account's own, like care@example.org."),
    Setting("password", "Password", is_secret=True),
    Setting(
        "rooms",
        "Rooms to sit in",
        help="Addresses like help@rooms.example.org, one a line. Empty: private chats alone.",
        is_needed=False,
        form="lines",
    ),
    Setting(
        "nick",
        "Name in rooms",
        help="Empty: the part of the address before the @.",
        is_needed=False,
    ),
    Setting(
        "host",
        "Server",
        help="Only if it is found neither by the address's domain nor by its SRV record.",
        is_needed=False,
    ),
    Setting("port", "Port", is_needed=False, form="number", help="5222 unless you know better."),
)
public = Abilities(acts=frozenset({Act.EDIT}), length=10_000)
private = Abilities(
    acts=frozenset({Act.LIKE, Act.EDIT, Act.DELETE}),
    length=10_000,
    tells=frozenset({"delivered", "read"}),
)

PORT = 5222
PATIENCE_SECONDS = 20.0
QUIET_SECONDS = 20.0
PAGE = 100
REMEMBERED = 2000
SURE_LENGTH = 16
"""A message's own name of at least so many characters is no counter, and can be relied on."""
FILE_LIMIT_BYTES = 100 * 1024 * 1024
OTHER_NICK = " (heard)"
"""Added to the name in a room where the server lets nobody be there twice under one."""

CLIENT = frozenset({"", "jabber:client"})
MAM = "urn:xmpp:mam:2"
CARBONS = "urn:xmpp:carbons:2"
FORWARD = "urn:xmpp:forward:0"
DELAY = "urn:xmpp:delay"
SID = "urn:xmpp:sid:0"
CORRECT = "urn:xmpp:message-correct:0"
RETRACT = "urn:xmpp:message-retract:1"
RECEIPTS = "urn:xmpp:receipts"
MARKERS = "urn:xmpp:chat-markers:0"
REPLY = "urn:xmpp:reply:0"
REACTIONS = "urn:xmpp:reactions:0"
OCCUPANT = "urn:xmpp:occupant-id:0"
MUC_OWNER = "http://jabber.org/protocol/muc#owner"
MUC_USER = "http://jabber.org/protocol/muc#user"
OOB = "jabber:x:oob"
RSM = "http://jabber.org/protocol/rsm"
ENCRYPTED = frozenset({"eu.siacs.conversations.axolotl", "urn:xmpp:omemo:2", "jabber:x:encrypted"})
CANNOT_READ = (
    "This message is encrypted end to end: heard cannot read it. Open the chat with the account's "
    "own client, or ask the person to switch encryption off."
)
LIKE_SIGN = "👍"

T = TypeVar("T")


# What comes


def listen(cursor: str, account: Account) -> Iterator[Fetched]:
    """Private chats and rooms as they come; at first from now on, later from the archive's cursor.

    What the server kept for the account while none of its clients was there comes at once.
    Where a server keeps no archive, what is said while we are away is lost, and `check` warns.
    """
    with _Line(account) as line:
        yield from line.fetched(cursor)


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:  # noqa: ARG001
    """What one stanza says: a message, a correction, what was taken back, a receipt, a like."""
    try:
        said = json.loads(delivered.body)
        me, xml = str(said["me"]), str(said["xml"])
        if "<!" in xml:  # no stanza has a document type (RFC 6120, 11.1): nothing to expand
            raise ValueError("a document type")
        stanza = ET.fromstring(xml)  # noqa: S314 - see above
        rooms = dict(said.get("rooms") or {})
    except (ValueError, KeyError, TypeError, RecursionError, ET.ParseError) as error:
        raise NotUnderstoodError(f"This is no stanza: {error!r}") from None
    try:
        message, stamp = _unwrapped(stanza, me, rooms)
        at = moment(stamp) if stamp else None
        at = min(at, delivered.at) if at else delivered.at
        yield from _Stanza(message, said, me=me, rooms=rooms, at=at).heard()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        yield SetAside("stanza", f"not understood: {error!r}"[:300], xml)


def _unwrapped(stanza: ET.Element, me: str, rooms: Mapping[str, Any]) -> tuple[ET.Element, str]:
    """The message inside a copy or an archive's result, and when it was said.

    Only our own server may pass on what others said: anybody can write the wrapping.
    """
    trusted = _bare(stanza.get("from", me)) == me
    delay = _child(stanza, "delay", DELAY)
    stamp = delay.get("stamp", "") if delay is not None else ""
    for name, space in (("sent", CARBONS), ("received", CARBONS), ("result", MAM)):
        wrapping = _child(stanza, name, space)
        if wrapping is None:
            continue
        if not trusted and not (space == MAM and stanza.get("from") in rooms):
            raise ValueError("passed on by somebody who may not")
        forwarded = _child(wrapping, "forwarded", FORWARD)
        inner = None if forwarded is None else _child(forwarded, "message")
        if inner is None:
            raise ValueError("nothing is in it")
        delay = _child(forwarded, "delay", DELAY)  # type: ignore[arg-type]
        return inner, delay.get("stamp", "") if delay is not None else stamp
    return stanza, stamp


class _Stanza:
    """One message stanza, and who is who in it."""

    def __init__(
        self,
        message: ET.Element,
        said: Mapping[str, Any],
        *,
        me: str,
        rooms: Mapping[str, Any],
        at: datetime,
    ) -> None:
        self.message, self.said, self.me, self.at = message, said, me, at
        self.sort = message.get("type", "normal")
        who, whom = message.get("from", me), message.get("to", me)
        bare, _, nick = who.partition("/")
        self.room = bare if bare in rooms else ""
        self.is_group = self.sort == "groupchat"
        self.nick = nick if self.room else ""
        self.is_ours = bare == me or (self.is_group and nick in rooms.get(bare, {}).get("ours", ()))
        self.is_public = self.is_group and bool(rooms.get(bare, {}).get("is_public"))
        whom = whom if _bare(whom) in rooms else _bare(whom)
        who = who if self.room else bare
        self.speaker = who if self.is_group or not self.is_ours else me
        """Whose names the message's names are: in a room every occupant has names of their own."""
        self.peer = bare if self.is_group else (whom if self.is_ours else who)

    def heard(self) -> Iterator[Heard]:
        """What it says; nothing for what only machines tell each other."""
        if self.sort == "error":
            yield from self._refused()
            return
        named = self.message.get("id", "")
        which = Kind.REPLY if self.is_ours else Kind.INCOMING
        if (retracted := self._child("retract", RETRACT)) is not None:
            yield Deleted(self._meant(retracted.get("id", "")), self.at, which)
            return
        if (reactions := self._child("reactions", REACTIONS)) is not None:
            if self.is_ours and len(reactions):
                meant = f"{self.peer}|{reactions.get('id', '')}"
                yield Acknowledged(meant, self.at, Act.LIKE)
            return
        yield from self._progress()
        text = self._text()
        if not text:
            return
        replaced = self._child("replace", CORRECT)
        target = replaced.get("id", "") if replaced is not None else ""
        if target and len(target) >= SURE_LENGTH:
            yield Edited(f"{self.speaker}|{target}", self.at, text, kind=which)
        elif name := self._name(named):
            yield self._incoming(name, text, which)

    def _incoming(self, name: str, text: str, which: Kind) -> Incoming:
        extra: dict[str, Any] = {"url": f"xmpp:{self.peer}", "type": self.sort}
        if self.nick:
            extra["nick"] = self.nick
        is_encrypted = any(child.tag[1:].partition("}")[0] in ENCRYPTED for child in self.message)
        if is_encrypted:
            text, extra["encrypted"] = CANNOT_READ, True
        if self.is_group and not self.is_ours and (real := self._real()):
            extra["links"] = {"xmpp": real}
        files = self._files()
        if files and text == files[0].source:
            text = ""
        nick = self._child("nick", "http://jabber.org/protocol/nick")
        called = (nick.text if nick is not None else "") or self.nick
        called = called or (self.me if self.is_ours else self.peer).partition("@")[0]
        answered = self._child("reply", REPLY)
        parent = self._meant(answered.get("id", "")) if answered is not None else ""
        to = ""
        if which is Kind.REPLY:
            to = self._spoken_to(text) if self.is_group else self.peer
        return Incoming(
            external_id=name,
            at=self.at,
            text=text,
            sender=self._sender(),
            kind=which,
            sender_name=repair(called)[:200],
            root=self.peer,
            parent=parent,
            to=to,
            is_public=self.is_public,
            need="answer" if is_encrypted and which is Kind.INCOMING else "",
            files=files,
            extra=extra,
        )

    def _text(self) -> str:
        body = self._child("body")
        return repair(body.text or "").strip() if body is not None else ""

    def _name(self, named: str) -> str:
        """The message's name in the house, the same from whichever way it came.

        Clients name their messages; a name that may be a counter is not relied on where the
        archive has given a better one.
        """
        origin = self._child("origin-id", SID)
        own = (origin.get("id", "") if origin is not None else "") or named
        if (origin is not None and own) or len(own) >= SURE_LENGTH or self.is_ours:
            return f"{self.speaker}|{own}"[:300] if own else ""
        archived = str(self.said.get("archive_id") or "")
        return f"{self.peer}#{archived}"[:300] if archived else f"{self.speaker}|{own}|{self.at}"

    def _meant(self, name: str) -> str:
        """The message that another one names: in rooms by the archive's id, else by its own."""
        known: Mapping[str, str] = self.said.get("known") or {}
        if name in known:
            return known[name]
        if self.is_group:
            return f"{self.peer}#{name}"
        answered = self._child("reply", REPLY)
        whose = _bare(answered.get("to", "")) if answered is not None else ""
        return f"{whose or self.speaker}|{name}"

    def _sender(self) -> str:
        """The person; in a room by the name that lasts there (XEP-0421), whatever the nick."""
        if not self.is_group or self.is_ours:
            return self.me if self.is_ours else self.speaker
        occupant = self._child("occupant-id", OCCUPANT)
        lasting = occupant.get("id", "") if occupant is not None else ""
        return (f"{self.room}#{lasting}" if lasting else self._real() or self.speaker)[:320]

    def _real(self) -> str:
        """Somebody's own address, where the room shows it."""
        user = self._child("x", MUC_USER)
        item = _child(user, "item", MUC_USER) if user is not None else None
        real = item.get("jid", "") if item is not None else ""
        return _bare(real or str((self.said.get("real") or {}).get(self.nick, "")))

    def _spoken_to(self, text: str) -> str:
        """Whom somebody of ours named at the beginning, as is the custom in rooms."""
        return str((self.said.get("people") or {}).get(text.partition(":")[0], ""))

    def _progress(self) -> Iterator[Progress]:
        if self.is_group or self.is_ours:
            return
        states = (("received", RECEIPTS, "delivered"), ("displayed", MARKERS, "read"))
        for name, space, state in states:
            told = self._child(name, space)
            if told is not None and told.get("id"):
                yield Progress(f"{self.me}|{told.get('id')}", self.at, state)  # type: ignore[arg-type]

    def _refused(self) -> Iterator[Progress]:
        error = self._child("error")
        named = self.message.get("id", "")
        if not named or error is None or self.is_ours:
            return
        words = [child.text or child.tag.rpartition("}")[2] for child in error]
        reason = "; ".join(repair(word) for word in words if word)[:200]
        yield Progress(f"{self.me}|{named}", self.at, "failed", reason or "The server refused it.")

    def _files(self) -> tuple[File, ...]:
        found = self._child("x", OOB)
        url = _child(found, "url", OOB) if found is not None else None
        source = (url.text or "").strip() if url is not None else ""
        if not source.startswith(("https://", "http://")):
            return ()
        name = unquote(PurePosixPath(urlsplit(source).path).name) or "file"
        return (File(repair(name)[:200], "application/octet-stream", b"", source),)

    def _child(self, name: str, space: str = "") -> ET.Element | None:
        return _child(self.message, name, space)


# What leaves


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Say it to the person, or in the room by name; not again where the room's archive has it."""
    try:
        with _Line(account) as line:
            return line.say(outgoing)
    except PlaceError as error:  # before anything was said
        return _not_sent(error)


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """No: servers do not know a key again, and not every room keeps an archive."""
    return False


def act(acting: Acting, account: Account) -> Receipt:
    """Like by a reaction; correct or take back what we said."""
    speaker, _, name = acting.external_id.partition("|")
    if not name or (acting.act is not Act.LIKE and not acting.of_ours):
        return asking.failed("That cannot be done to this message.", is_final=True)
    peer = acting.root or speaker
    is_group = acting.extra.get("type") == "groupchat" or peer in _rooms(account)
    if is_group and acting.act is not Act.EDIT:
        return asking.failed("In rooms messages can only be corrected.", is_final=True)
    try:
        with _Line(account) as line:
            return line.do(acting, name, peer=peer, is_group=is_group)
    except PlaceError as error:
        return _not_sent(error)


def fetch(source: str, account: Account) -> bytes:
    """The bytes of a file that somebody has put on their server (XEP-0363, XEP-0066)."""
    try:
        answer = web.ask(
            "GET",
            source,
            allow_private=account.allow_private,
            follows=True,
            limit_bytes=FILE_LIMIT_BYTES,
            timeout_seconds=60,
        )
    except web.ForbiddenAddressError as error:
        raise PlaceError(f"The file was not fetched: {error}.", needs_person=True) from error
    except (web.NotReachedError, web.NoAnswerError, web.TooLongError) as error:
        raise PlaceError(f"The file could not be fetched: {error}.") from error
    if not answer.is_good:
        raise asking.refusal(answer)
    return answer.body


def check(account: Account) -> Checked:
    """Sign in, look whether there is an archive, and whether the rooms let us in."""
    with _Line(account) as line:
        return Checked(line.me, warnings=tuple(line.warnings()))


def _not_sent(error: PlaceError) -> Receipt:
    return asking.failed(str(error), is_final=error.needs_person)


# The line


class _Line:
    """One connection, in an event loop of its own: signed in on entry, gone on exit."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.me = _bare(_sound(str(account.settings.get("jid", "")).strip()))
        self.nick = str(account.settings.get("nick") or self.me.partition("@")[0])
        self.rooms: dict[str, dict[str, Any]] = {}
        self.live: list[str] = []
        self.archived: list[str] = []
        self.real: dict[str, dict[str, str]] = {}
        self.people: dict[str, dict[str, str]] = {}
        self.known: dict[str, str] = {}
        self.entering: dict[str, asyncio.Future[str]] = {}
        self.has_archive = True
        self.made: list[str] = []
        self.is_over = False

    def __enter__(self) -> _Line:
        import slixmpp  # noqa: PLC0415 - heavy, and only those who use it need it

        self.loop = asyncio.new_event_loop()
        self.news = asyncio.Event()
        self.client: Any = slixmpp.ClientXMPP(
            self.me, self.account.secrets.get("password", ""), loop=self.loop
        )
        try:
            self._run(self._sign_in(), PATIENCE_SECONDS * 2)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        async def leave() -> None:
            self.client.cancel_connection_attempt()
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self.client.disconnect(wait=1.0), 3)

        with contextlib.suppress(Exception):
            self.loop.run_until_complete(leave())
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        with contextlib.suppress(Exception):
            self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.close()

    def fetched(self, cursor: str) -> Iterator[Fetched]:
        """What the archives have since the cursor, then what comes."""
        kept = json.loads(cursor) if cursor else {}
        at = kept.get("at") or datetime.now(UTC).isoformat()
        archives: dict[str, str] = dict(kept.get("archives") or {})
        self._run(self._be_there(), PATIENCE_SECONDS)
        for room in _rooms(self.account):
            self._enter_if_open(room)
        for archive in [self.me, *self.rooms]:
            if archive not in archives:
                archives[archive] = self._run(self._newest(archive), PATIENCE_SECONDS)
                if cursor or archives[archive]:
                    continue
            yield from self._missed(archive, archives, at)
        yield Fetched((), _cursor(archives, datetime.now(UTC)))
        while True:
            stanzas = self._run(self._heard(), QUIET_SECONDS + PATIENCE_SECONDS)
            now = datetime.now(UTC)
            deliveries = self._delivered(stanzas, archives, now)
            yield Fetched(deliveries, _cursor(archives, now))

    def _missed(self, archive: str, archives: dict[str, str], at: str) -> Iterator[Fetched]:
        """Page by page what an archive has after the last that we know of it."""
        is_more = True
        since: datetime | None = None if archives[archive] else moment(at)
        while is_more:
            try:
                is_more, last = self._run(
                    self._page(archive, after=archives[archive], since=since), PATIENCE_SECONDS
                )
            except _ForgottenError:  # the archive has thrown away what we knew
                archives[archive], since = "", moment(at)
                continue
            stanzas, self.archived = self.archived, []
            now = datetime.now(UTC)
            deliveries = self._delivered(stanzas, archives, now)
            archives[archive] = last or archives[archive]
            since = None if last else since
            is_more = is_more and bool(last)
            if deliveries:
                # The moment stays that of the beginning until everything has been read.
                yield Fetched(deliveries, json.dumps({"at": at, "archives": archives}), is_more)

    def _delivered(
        self, stanzas: list[str], archives: dict[str, str], now: datetime
    ) -> tuple[Delivered, ...]:
        found = []
        for xml in stanzas:
            archive, archive_id = _archived(xml, self.me)
            if archive_id:
                archives[archive] = archive_id
            said = {
                "me": self.me,
                "xml": xml,
                "archive_id": archive_id,
                "rooms": {name: room for name, room in self.rooms.items() if name in xml},
                "real": {n: j for n, j in self.real.get(archive, {}).items() if n in xml},
                "people": {n: who for n, who in self.people.get(archive, {}).items() if n in xml},
                "known": {a: name for a, name in self.known.items() if a in xml},
            }
            body = json.dumps(said, ensure_ascii=False).encode(errors="replace")
            name = f"{archive}|{archive_id}"[:200] if archive_id else ""
            delivered = Delivered(body, {}, now, external_id=name)
            items = list(parse(delivered, self.account))
            for item in items:
                if isinstance(item, Incoming) and archive_id:
                    self.known[archive_id] = item.external_id
                if isinstance(item, Incoming) and "nick" in item.extra:
                    self.people.setdefault(archive, {})[item.extra["nick"]] = item.sender
            if items:
                found.append(delivered)
        while len(self.known) > REMEMBERED:
            del self.known[next(iter(self.known))]
        return tuple(found)

    def say(self, outgoing: Outgoing) -> Receipt:
        """Say one reply. Raises `PlaceError` for what happens before it is said."""
        peer, nick = outgoing.root or outgoing.to, self.nick
        is_group = outgoing.answered.get("type") == "groupchat" or peer in _rooms(self.account)
        _sound(peer)
        text = outgoing.text
        if is_group:
            nick = self._run(self._enter(peer), PATIENCE_SECONDS)
            if called := outgoing.answered.get("nick"):
                text = f"{called}: {text}"
        key = outgoing.idempotency_key
        name = f"{peer}/{nick}|{key}" if is_group else f"{self.me}|{key}"
        if is_group and self._run(self._has(peer, key), PATIENCE_SECONDS):
            return Receipt(SendState.SENT, external_id=name)
        message = self._message(peer, text, key=key, is_group=is_group)
        return self._hand_over(message, name)

    def do(self, acting: Acting, name: str, *, peer: str, is_group: bool) -> Receipt:
        """Like, correct or take back. Raises `PlaceError` for what happens before."""
        if is_group:
            self._run(self._enter(peer), PATIENCE_SECONDS)
        text = acting.text if acting.act is Act.EDIT else ""
        message = self._message(peer, text, key=acting.idempotency_key, is_group=is_group)
        if acting.act is Act.LIKE:
            reactions = ET.SubElement(message.xml, f"{{{REACTIONS}}}reactions", {"id": name})
            ET.SubElement(reactions, f"{{{REACTIONS}}}reaction").text = LIKE_SIGN
        elif acting.act is Act.EDIT:
            ET.SubElement(message.xml, f"{{{CORRECT}}}replace", {"id": name})
        else:
            ET.SubElement(message.xml, f"{{{RETRACT}}}retract", {"id": name})
        ET.SubElement(message.xml, "{urn:xmpp:hints}store")
        return self._hand_over(message, "")

    def _message(self, peer: str, text: str, *, key: str, is_group: bool) -> Any:
        sort = "groupchat" if is_group else "chat"
        message = self.client.make_message(mto=peer, mbody=text or None, mtype=sort)
        message["id"] = key
        ET.SubElement(message.xml, f"{{{SID}}}origin-id", {"id": key})
        if text and not is_group:
            ET.SubElement(message.xml, f"{{{RECEIPTS}}}request")
            ET.SubElement(message.xml, f"{{{MARKERS}}}markable")
        return message

    def _hand_over(self, message: Any, name: str) -> Receipt:
        """Send, and ask the server for a sign of life: it takes stanzas in their order."""
        try:
            self._run(self._sent(message), PATIENCE_SECONDS)
        except PlaceError as error:
            return Receipt(
                SendState.UNKNOWN,
                reason=f"The server did not say whether it took it ({error}).",
            )
        refusal = next(
            (found for xml in self.live if (found := _refusal(xml, message["id"]))), None
        )
        return refusal or Receipt(SendState.SENT, external_id=name)

    def warnings(self) -> Iterator[str]:
        """What a person should know: no archive, a room that is shut, a line in the clear."""
        try:
            self._run(self._newest(self.me), PATIENCE_SECONDS)
            if not self.has_archive:
                yield "The server keeps no archive: what is said while heard is away is lost."
        except PlaceError as error:
            yield f"The archive could not be read: {error}"
        for room in _rooms(self.account):
            try:
                self._run(self._enter(room), PATIENCE_SECONDS)
            except PlaceError as error:
                yield f"{room} cannot be entered: {error}"
            if room in self.made:
                yield f"There was no room {room}: it was made, and is empty."
        if not self._is_sealed():
            yield "The line to the server is not encrypted."

    # In the loop

    async def _sign_in(self) -> None:
        client = self.client
        for plugin in ("xep_0030", "xep_0045", "xep_0199", "xep_0280", "xep_0313"):
            client.register_plugin(plugin)
        client.enable_direct_tls = False
        client.enable_plaintext = self.account.allow_private
        if self.account.allow_private:
            client.plugin["feature_mechanisms"].unencrypted_scram = True
        host, port = await self._address()
        ended: asyncio.Future[str] = self.loop.create_future()

        def end(why: str) -> None:
            if not ended.done():
                ended.set_result(why)

        client.add_event_handler("session_start", lambda _: end(""))
        client.add_event_handler("failed_all_auth", lambda _: end("auth"))
        client.add_event_handler("ssl_invalid_chain", lambda _: end("certificate"))
        client.add_event_handler("connection_failed", lambda why: end(f"failed: {why}"))
        client.add_event_handler("disconnected", lambda _: self._over(end))
        client.add_filter("in", self._hear)
        client.connect(host=host, port=port)
        why = await ended
        if not (self.account.allow_private or self._is_sealed()) and why in {"", "auth"}:
            raise PlaceError("The server offers no encryption.", needs_person=True)
        if why == "auth":
            raise PlaceError(
                "The server does not let us in: the address or the password is wrong.",
                needs_person=True,
            )
        if why == "certificate":
            raise PlaceError("The server's certificate is not its own.", needs_person=True)
        if why:
            raise PlaceError(f"The server could not be reached ({why}).")

    async def _address(self) -> tuple[str, int]:
        """Where the server is: as typed, as its SRV record says (RFC 6120, 3.2), or its domain."""
        domain = self.me.partition("@")[2]
        host = str(self.account.settings.get("host") or "")
        port = int(self.account.settings.get("port") or PORT)
        if not host:
            host = domain
            with contextlib.suppress(Exception):
                for service, name, _, found in await self.client.get_dns_records(domain):
                    if service == "xmpp-client":
                        host, port = name, int(found)
                        break
        try:
            return web.checked_address(host, port, allow_private=self.account.allow_private), port
        except web.ForbiddenAddressError as error:
            raise PlaceError(f"The server was not asked: {error}.", needs_person=True) from error
        except web.NotReachedError as error:
            raise PlaceError(f"The server could not be reached: {error}.") from error

    def _over(self, end: Any) -> None:
        self.is_over = True
        self.news.set()
        self.loop.call_later(0.3, end, "it closed the line")  # the reason, if any, comes after it

    def _hear(self, stanza: Any) -> Any:
        """Keep every message as it came; learn from presences who is who in a room."""
        if stanza.name == "message":
            xml = str(stanza)
            is_archived = stanza.xml.find(f"{{{MAM}}}result") is not None
            (self.archived if is_archived else self.live).append(xml)
            self.news.set()
        elif stanza.name == "presence":
            room, _, nick = stanza.xml.get("from", "").partition("/")
            self._let_in(room, stanza.xml)
            item = stanza.xml.find(f"{{{MUC_USER}}}x/{{{MUC_USER}}}item")
            if nick and item is not None and item.get("jid"):
                self.real.setdefault(room, {})[nick] = _bare(item.get("jid", ""))
        return stanza

    def _let_in(self, room: str, presence: ET.Element) -> None:
        """Whether a presence is the answer to our coming into a room (XEP-0045, 7.2)."""
        waiting = self.entering.get(room)
        if waiting is None or waiting.done():
            return
        error = _child(presence, "error")
        if presence.get("type") == "error":
            told = [] if error is None else [one.tag.rpartition("}")[2] for one in error]
            waiting.set_result((told or ["refused"])[0])
        codes = presence.findall(f"{{{MUC_USER}}}x/{{{MUC_USER}}}status")
        found = {code.get("code") for code in codes}
        if "201" in found:  # there was none: nobody else may come in before it is settled (10.1.2)
            self.client.send_raw(
                f'<iq type="set" id="settle-{len(self.made)}" to="{xml_text(room)}">'
                f'<query xmlns="{MUC_OWNER}"><x xmlns="jabber:x:data" type="submit"/></query></iq>'
            )
            self.made.append(room)
        if "110" in found and not waiting.done():
            waiting.set_result("")

    async def _be_there(self) -> None:
        """Be seen, and hear what other clients of the account say (XEP-0280)."""
        self.client.send_presence()
        with contextlib.suppress(Exception):  # a server without copies is poorer, not broken
            await self.client.plugin["xep_0280"].enable(timeout=PATIENCE_SECONDS)

    def _enter_if_open(self, room: str) -> None:
        """One room that is shut does not close the others; `check` names it."""
        with contextlib.suppress(PlaceError):
            self._run(self._enter(room), PATIENCE_SECONDS)

    async def _enter(self, room: str) -> str:
        """Be in a room, without its past; returns the name that we have there."""
        nick = self.nick
        for nick in (self.nick, self.nick + OTHER_NICK):
            refusal = await self._refusal_of(room, nick)
            if not refusal:
                break
            if refusal != "conflict" or nick != self.nick:
                raise PlaceError(f"The room does not let us in ({refusal}).", needs_person=True)
        self.rooms[room] = {
            "is_public": await self._is_open(room),
            "ours": [self.nick, self.nick + OTHER_NICK],
        }
        return nick

    async def _refusal_of(self, room: str, nick: str) -> str:
        """Go in under this name; why we may not, or nothing."""
        from slixmpp.jid import JID  # noqa: PLC0415 - as above

        self.entering[room] = self.loop.create_future()
        muc = self.client.plugin["xep_0045"]
        muc.make_join_stanza(JID(room), nick, maxstanzas=0).send()
        try:
            return await self.entering[room]
        finally:
            del self.entering[room]

    async def _is_open(self, room: str) -> bool:
        """Whether anybody may come in and read."""
        try:
            said = await self.client.plugin["xep_0030"].get_info(jid=room, timeout=5)
        except Exception:  # noqa: BLE001 - whatever it is, the careful answer is the same
            return False
        features = set(said["disco_info"]["features"])
        return "muc_open" in features and "muc_passwordprotected" not in features

    async def _newest(self, archive: str) -> str:
        """The archive's newest id; empty where it has none yet, or there is no archive."""
        found = await self._ask_archive(archive, {"max": 1, "before": ""})
        self.archived.clear()
        self.has_archive = found is not None
        return "" if found is None else found[1]

    async def _page(self, archive: str, *, after: str, since: datetime | None) -> tuple[bool, str]:
        """Whether there is more, and the last id of a page; what it holds comes by `_hear`."""
        wishes: dict[str, Any] = {"max": PAGE} | ({"after": after} if after else {})
        found = await self._ask_archive(archive, wishes, since=since)
        return found or (False, "")

    async def _ask_archive(
        self,
        archive: str,
        wishes: Mapping[str, Any],
        *,
        since: datetime | None = None,
    ) -> tuple[bool, str] | None:
        from slixmpp.exceptions import IqError, IqTimeout  # noqa: PLC0415 - as above
        from slixmpp.jid import JID  # noqa: PLC0415

        try:
            answer = await self.client.plugin["xep_0313"].retrieve(
                jid=None if archive == self.me else JID(archive),
                start=since,
                rsm=dict(wishes),
                timeout=int(PATIENCE_SECONDS),
            )
        except IqTimeout as error:
            raise PlaceError("The archive does not answer.") from error
        except IqError as error:
            if error.condition == "item-not-found" and wishes.get("after"):
                raise _ForgottenError from error
            return None
        end = answer.xml.find(f"{{{MAM}}}fin")
        if end is None:
            return None
        last = end.findtext(f"{{{RSM}}}set/{{{RSM}}}last", "")
        return end.get("complete") != "true", last

    async def _has(self, room: str, key: str) -> bool:
        """Whether a room's archive holds what we are about to say: then it was said before.

        (Our own archive proves nothing: it also keeps what never reached anybody.)
        """
        await self._ask_archive(room, {"max": 50, "before": ""})
        stanzas, self.archived = self.archived, []
        return any(f'id="{key}"' in xml for xml in stanzas)

    async def _sent(self, message: Any) -> None:
        from slixmpp.exceptions import IqError, IqTimeout  # noqa: PLC0415 - as above

        self.live.clear()
        message.send()
        try:
            await self.client.plugin["xep_0199"].ping(
                self.me.partition("@")[2], timeout=int(PATIENCE_SECONDS)
            )
        except IqError:
            pass  # a server that does not know pings has answered all the same
        except IqTimeout as error:
            raise PlaceError("no answer in time") from error
        if self.is_over:
            raise PlaceError("the line was closed")

    async def _heard(self) -> list[str]:
        """The next stanzas; nothing after a while, if the server is still there."""
        if not self.live:
            self.news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.news.wait(), QUIET_SECONDS)
        if self.is_over:
            raise PlaceError("The server closed the line.")
        if not self.live:
            await self._sign_of_life()
        stanzas, self.live = self.live, []
        return stanzas

    async def _sign_of_life(self) -> None:
        from slixmpp.exceptions import IqError, IqTimeout  # noqa: PLC0415 - as above

        try:
            await self.client.plugin["xep_0199"].ping(
                self.me.partition("@")[2], timeout=int(PATIENCE_SECONDS)
            )
        except IqError:
            pass
        except IqTimeout as error:
            raise PlaceError("The server no longer answers.") from error

    def _run(self, doing: Coroutine[Any, Any, T], seconds: float) -> T:
        async def bounded() -> T:
            return await asyncio.wait_for(doing, seconds)

        try:
            return self.loop.run_until_complete(bounded())
        except TimeoutError as error:
            raise PlaceError("The server does not answer.") from error
        except (OSError, ssl.SSLError) as error:
            raise PlaceError(f"The line broke ({type(error).__name__}).") from error

    def _is_sealed(self) -> bool:
        line = self.client.transport
        return line is not None and line.get_extra_info("ssl_object") is not None


class _ForgottenError(Exception):
    """The archive no longer knows the id after which we asked."""


# Small things


def _cursor(archives: Mapping[str, str], at: datetime) -> str:
    return json.dumps({"at": at.isoformat(), "archives": archives})


def _archived(xml: str, me: str) -> tuple[str, str]:
    """In whose archive a stanza is, and under which id there; only what the archive itself says."""
    stanza = ET.fromstring(xml)  # noqa: S314 - from slixmpp's own parser
    result = _child(stanza, "result", MAM)
    if result is not None:
        return _bare(stanza.get("from") or me), result.get("id", "")
    room = _bare(stanza.get("from", ""))
    archive = room if stanza.get("type") == "groupchat" else me
    messages = [stanza, *stanza.iter("{jabber:client}message")]
    for message in messages:
        for child in message:
            if child.tag == f"{{{SID}}}stanza-id" and child.get("by") == archive:
                return archive, child.get("id", "")
    return archive, ""


def _refusal(xml: str, key: str) -> Receipt | None:
    """What a stanza says against the message of this key, if it does."""
    stanza = ET.fromstring(xml)  # noqa: S314 - from slixmpp's own parser
    if stanza.get("type") != "error" or stanza.get("id") != key:
        return None
    error = _child(stanza, "error")
    told = [] if error is None else [one.text or one.tag.rpartition("}")[2] for one in error]
    is_passing = error is not None and error.get("type") == "wait"
    return asking.failed(f"The server refused it ({', '.join(told)}).", is_final=not is_passing)


def _child(element: ET.Element, name: str, space: str = "") -> ET.Element | None:
    """The first child of that name; without a namespace in that of the stream."""
    for child in element:
        found, _, local = child.tag.rpartition("}")
        if local == name and (found[1:] == space if space else found[1:] in CLIENT):
            return child
    return None


def _sound(jid: str) -> str:
    """The address, if it is one of somebody. Raises `PlaceError`."""
    from slixmpp.jid import JID, InvalidJID  # noqa: PLC0415 - as above

    try:
        if JID(jid).local and JID(jid).domain:
            return jid
    except InvalidJID:
        pass
    raise PlaceError(f"“{jid}” is no address like care@example.org.", needs_person=True)


def _bare(jid: str) -> str:
    return jid.partition("/")[0].lower()


def _rooms(account: Account) -> list[str]:
    value = account.settings.get("rooms")
    parts = value if isinstance(value, list) else str(value or "").split()
    return [_bare(str(part).strip()) for part in parts if str(part).strip()]
