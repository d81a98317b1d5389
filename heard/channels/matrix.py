"""Matrix rooms and private chats: heard by /sync, answered by events with a transaction id.

What people say in one room is one conversation per person. Spoken to by the Matrix client-server
API v1.11; nothing is missed between two connections, because the sync token is the cursor.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

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
    Unit,
)
from heard.channels.texts import plain, repair

kind = "matrix"
title = "Matrix"
settings = (
    Setting(
        "homeserver",
        "Homeserver",
        help="Where the account lives, like matrix.example.org. The part of its name after the "
        "colon will do.",
    ),
    Setting(
        "access_token",
        "Access token",
        help="In Element: All settings, Help & About, Access token. Better: sign in once for heard "
        "alone, so that signing out elsewhere does not end it.",
        is_secret=True,
    ),
    Setting(
        "rooms",
        "Rooms to listen to",
        help="Ids (!abc:example.org) or addresses (#help:example.org), one a line. Empty: every "
        "room that the account is in.",
        is_needed=False,
        form="lines",
    ),
    Setting(
        "accepts_invitations",
        "Accept invitations",
        help="Without it nobody can begin a private chat with the account.",
        is_needed=False,
        default="yes",
        form="yes",
    ),
)
LENGTH_BYTES = 30_000
"""An event has at most 65,536 bytes of JSON, in which quotation marks count twice."""
ACTS = frozenset({Act.LIKE, Act.EDIT, Act.DELETE})
public = Abilities(private_reply=True, acts=ACTS, files=True, length=LENGTH_BYTES, unit=Unit.BYTES)
private = Abilities(
    acts=ACTS,
    files=True,
    length=LENGTH_BYTES,
    unit=Unit.BYTES,
    tells=frozenset({"read"}),
)

API = "/_matrix/client/v3"
WAIT_MILLISECONDS = 25_000
SYNC_LIMIT_BYTES = 64 * 1024 * 1024
FILE_LIMIT_BYTES = 100 * 1024 * 1024
PAGE, PAGES = 100, 50
"""A gap in a room is filled with at most PAGES times PAGE events."""
BEFORE_WE_CAME = timedelta(days=7)
"""How far back a private chat is heard that we were invited to: it was written to us."""
MESSAGE, ENCRYPTED, STICKER = "m.room.message", "m.room.encrypted", "m.sticker"
REDACTION, REACTION, MEMBER = "m.room.redaction", "m.reaction", "m.room.member"
SAID = frozenset({MESSAGE, ENCRYPTED, STICKER})
PART = "heard.part"
"""Marks the files of a reply of ours: the house has them already."""
FILES = frozenset({"m.image", "m.file", "m.audio", "m.video"})
ROOM_STATE = ("m.room.name", "m.room.join_rules", "m.room.history_visibility")
FILTER = {
    "presence": {"types": []},
    "account_data": {"types": []},
    "room": {
        "account_data": {"types": []},
        "ephemeral": {"types": ["m.receipt"]},
        "state": {
            "types": [*ROOM_STATE, MEMBER],
            "lazy_load_members": True,
            "include_redundant_members": True,
        },
        "timeline": {
            "types": [MESSAGE, ENCRYPTED, STICKER, REDACTION, REACTION, *ROOM_STATE, MEMBER],
            "limit": PAGE,
            "lazy_load_members": True,
        },
    },
}
LIKE_SIGN = "👍"
CANNOT_READ = (
    "This message is encrypted end to end: heard cannot read it. Open the room with the account's "
    "own Matrix client to read and answer it."
)
QUOTE = re.compile(r"\A(?:>[^\n]*\n)+\n?")
HTML_QUOTE = re.compile(r"<mx-reply>.*?</mx-reply>", re.DOTALL)


# What comes


def listen(cursor: str, account: Account) -> Iterator[Fetched]:
    """Every room's news by long poll; at first from now on.

    Of a private chat that we are invited to later, the last seven days are heard.
    """
    line = _Line(account)
    yield from line.fetched(cursor)


class _Line:
    """One listening: what is known of the rooms, so that each delivery can tell it."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.me = str(_asked(account, "GET", "/account/whoami")["user_id"])
        self.rooms: dict[str, dict[str, Any]] = {}
        self.only: set[str] = set()
        for room in _lines(account.settings.get("rooms")):
            self.only |= {room, self._entered(room)}

    def fetched(self, cursor: str) -> Iterator[Fetched]:
        is_first = True
        while True:
            said = self._sync(cursor, is_quick=is_first)
            now = datetime.now(UTC)
            deliveries = []
            for room_id, news in said.get("rooms", {}).get("join", {}).items():
                delivered = self._room(room_id, news, since=cursor, now=now)
                if delivered is not None:
                    deliveries.append(delivered)
            joined = self._invited(said.get("rooms", {}).get("invite", {}))
            cursor, is_first = str(said["next_batch"]), False
            yield Fetched(tuple(deliveries), cursor, has_more=joined)

    def _sync(self, cursor: str, *, is_quick: bool) -> Mapping[str, Any]:
        asked = json.loads(json.dumps(FILTER))
        params = {"timeout": str(0 if is_quick else WAIT_MILLISECONDS)}
        if cursor:
            params |= {"since": cursor}
        else:
            asked["room"]["timeline"]["limit"] = 1
        params["filter"] = json.dumps(asked)
        answer: Mapping[str, Any] = _asked(
            self.account,
            "GET",
            "/sync",
            params=params,
            timeout_seconds=WAIT_MILLISECONDS / 1000 + 60,
            limit_bytes=SYNC_LIMIT_BYTES,
        )
        return answer

    def _join(self, room: str) -> str:
        """Enter a room that the setting names; the id of what may be an address."""
        return str(
            _asked(self.account, "POST", f"/join/{quote(room, safe='')}", data={})["room_id"]
        )

    def _entered(self, room: str) -> str:
        """One room that may not be entered (yet) does not close the others; `check` names it."""
        try:
            return self._join(room)
        except PlaceError as error:
            if error.needs_person:
                return room
            raise

    def _invited(self, invitations: Mapping[str, Any]) -> bool:
        """Accept invitations where the settings say so; whether any was."""
        accepts = _is_yes(self.account.settings.get("accepts_invitations", "yes"))
        joined = False
        for room_id in invitations:
            if not accepts or (
                self.only
                and room_id not in self.only
                and not _is_direct(self.me, invitations[room_id])
            ):
                continue
            try:
                self._join(room_id)
            except PlaceError as error:
                if error.needs_person:  # taken back, or not for us: others must not wait
                    continue
                raise  # it is told only once: from the same cursor it comes again
            if self.only:
                self.only.add(room_id)
            joined = True
        return joined

    def _room(
        self, room_id: str, news: Mapping[str, Any], *, since: str, now: datetime
    ) -> Delivered | None:
        """What one room brought, with all that reading it needs; None when that is nothing."""
        if not since or (self.only and room_id not in self.only):
            return None
        timeline = news.get("timeline", {})
        events = list(timeline.get("events", ()))
        room = self.rooms.get(room_id)
        if room is None:
            room = self.rooms[room_id] = self._asked_about(room_id)
        known = [*news.get("state", {}).get("events", ()), *events]
        for event in known:
            _learn(room, event)
        is_new = any(self._is_our_coming(event) for event in known) and not _is_public(room)
        oldest = (now - BEFORE_WE_CAME).timestamp() * 1000
        if timeline.get("limited") and timeline.get("prev_batch"):
            start, end = str(timeline["prev_batch"]), "" if is_new else since
            events = [*self._missed(room_id, start, end, oldest=oldest), *events]
        if is_new:
            events = [event for event in events if _number(event["origin_server_ts"]) >= oldest]
        elif _is_public(room):
            events = self._since_we_came(events)
        kept = [event for event in events if event.get("type") in {*SAID, REDACTION, REACTION}]
        receipts = [
            event
            for event in news.get("ephemeral", {}).get("events", ())
            if event.get("type") == "m.receipt"
        ]
        receipts = [] if _is_public(room) else receipts
        if not kept and not receipts:
            return None
        senders = {str(event.get("sender")) for event in kept}
        body = json.dumps(
            {
                "me": self.me,
                "room": room_id,
                "room_name": room.get("name", ""),
                "is_public": _is_public(room),
                "other": self._other(room),
                "audience": len(room["names"]),
                "names": {who: room["names"][who] for who in senders if who in room["names"]},
                "about": self._about(room_id, kept),
                "events": kept,
                "receipts": receipts,
            },
            ensure_ascii=False,
        ).encode(errors="surrogatepass")
        named = "".join(sorted(str(event.get("event_id")) for event in kept))
        name = hashlib.sha256(named.encode()).hexdigest() if kept else ""
        delivered = Delivered(body, {}, now, external_id=name and f"{room_id}:{name[:40]}"[-200:])
        # Likes of others, say, are news that say nothing to us.
        return delivered if next(parse(delivered, self.account), None) is not None else None

    def _asked_about(self, room_id: str) -> dict[str, Any]:
        """What a room is, asked when it first has news: who is in it, and who may read it."""
        path = f"/rooms/{quote(room_id, safe='')}"
        room: dict[str, Any] = {"names": {}}
        for sort in ROOM_STATE:
            answer = _answer(self.account, "GET", f"{API}{path}/state/{sort}")
            if answer.is_good:
                _learn(room, {"type": sort, "content": answer.json()})
            elif answer.status != 404:
                raise _refusal(answer)
        joined = _asked(self.account, "GET", f"{path}/joined_members", limit_bytes=SYNC_LIMIT_BYTES)
        for who, person in joined["joined"].items():
            room["names"][str(who)] = str(person.get("display_name") or "")
        return room

    def _since_we_came(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Leave out the past that a public room brings when we enter it."""
        comings = [n for n, event in enumerate(events) if self._is_our_coming(event)]
        return events[comings[-1] :] if comings else events

    def _is_our_coming(self, event: Mapping[str, Any]) -> bool:
        return (
            event.get("type") == MEMBER
            and event.get("state_key") == self.me
            and (event.get("content") or {}).get("membership") == "join"
            and _before(event) != "join"
        )

    def _missed(self, room_id: str, start: str, end: str, *, oldest: float) -> list[dict[str, Any]]:
        """What did not fit into this sync: back to the last one, or for as long as is kind."""
        found: list[dict[str, Any]] = []
        params = {
            "dir": "b",
            "limit": str(PAGE),
            "filter": json.dumps({"types": FILTER["room"]["timeline"]["types"]}),  # type: ignore[index]
        }
        if end:
            params["to"] = end
        for _ in range(PAGES):
            said = _asked(
                self.account,
                "GET",
                f"/rooms/{quote(room_id, safe='')}/messages",
                params={**params, "from": start},
            )
            page = list(said.get("chunk", ()))
            found += page
            start = said.get("end", "")
            if not start or (not end and page and _number(page[-1]["origin_server_ts"]) < oldest):
                break
        return found[::-1]

    def _other(self, room: Mapping[str, Any]) -> str:
        """The one person besides us in a private chat of two; else nobody."""
        others = [str(who) for who in room["names"] if who != self.me]
        return others[0] if len(others) == 1 and not _is_public(room) else ""

    def _about(self, room_id: str, events: list[dict[str, Any]]) -> dict[str, str]:
        """Who wrote what was taken back: the place tells only who took it."""
        senders = {str(event.get("event_id")): str(event.get("sender")) for event in events}
        found = {}
        for event in events:
            if event.get("type") != REDACTION:
                continue
            target = _redacted(event)
            if target in senders:
                found[target] = senders[target]
                continue
            try:
                said = _asked(
                    self.account,
                    "GET",
                    f"/rooms/{quote(room_id, safe='')}/event/{quote(target, safe='')}",
                )
            except PlaceError as error:
                if error.needs_person and "M_UNKNOWN_TOKEN" in str(error):
                    raise
                continue
            if said.get("type") in SAID:
                found[target] = str(said.get("sender"))
        return found


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:  # noqa: ARG001
    """What one room brought: messages, edits, what was taken back, likes of ours, what was read."""
    try:
        said = json.loads(delivered.body)
        me, room, events = str(said["me"]), str(said["room"]), list(said["events"])
        receipts = list(said.get("receipts", ()))
        dict(said["about"]), dict(said["names"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotUnderstoodError(f"This is not what a Matrix server says: {error!r}") from None
    for number, event in enumerate(events, start=1):
        try:
            yield from _heard(event, said, me=me, room=room, heard_at=delivered.at)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            yield SetAside(f"event {number}", f"not understood: {error!r}"[:300], json.dumps(event))
    for number, receipt in enumerate(receipts, start=1):
        try:
            yield from _read(receipt, me=me, heard_at=delivered.at)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            where = f"receipt {number}"
            yield SetAside(where, f"not understood: {error!r}"[:300], json.dumps(receipt))


def _heard(
    event: Mapping[str, Any], said: Mapping[str, Any], *, me: str, room: str, heard_at: datetime
) -> Iterator[Heard]:
    sort, content = event["type"], event.get("content") or {}
    sender, at = str(event["sender"]), _moment(event, heard_at)
    relation = content.get("m.relates_to") or {}
    if sort == REDACTION:
        target = _redacted(event)
        if target in said["about"]:
            yield Deleted(target, at, kind=_kind(said["about"][target], me))
    elif sort == REACTION:
        if sender == me and relation.get("rel_type") == "m.annotation":
            yield Acknowledged(str(relation["event_id"]), at, Act.LIKE)
    elif sort == MESSAGE and relation.get("rel_type") == "m.replace":
        new = content["m.new_content"]
        text, html = _words(new)
        yield Edited(str(relation["event_id"]), at, text, html=html, kind=_kind(sender, me))
    elif sort in SAID and content and not (sender == me and content.get(PART)):
        # Without content it was taken back before we heard it.
        yield _message(event, said, content, relation, me=me, room=room, at=at)


def _message(
    event: Mapping[str, Any],
    said: Mapping[str, Any],
    content: Mapping[str, Any],
    relation: Mapping[str, Any],
    *,
    me: str,
    room: str,
    at: datetime,
) -> Incoming:
    sender, event_id = str(event["sender"]), str(event["event_id"])
    which = _kind(sender, me)
    is_encrypted = event["type"] == ENCRYPTED
    files = () if is_encrypted else _files(event["type"], content)
    text, html = (CANNOT_READ, "") if is_encrypted else _words(content)
    if files and text == files[0].name:
        text, html = "", ""
    extra: dict[str, Any] = {
        "room": room,
        "url": f"https://matrix.to/#/{quote(room, safe='!:')}/{quote(event_id, safe='$')}",
    }
    if said.get("room_name"):
        extra["room_name"] = repair(str(said["room_name"]))
    if is_encrypted:
        extra["encrypted"] = True
    thread = relation.get("event_id") if relation.get("rel_type") == "m.thread" else None
    if thread:
        extra["thread"] = str(thread)
    if said["is_public"] and said.get("audience"):
        extra["audience"] = int(said["audience"])
    answers = (relation.get("m.in_reply_to") or {}).get("event_id")
    parent = str(answers or thread or "")
    to = ""
    if which is Kind.REPLY and not parent:
        to = _spoken_to(content, me=me) or str(said.get("other") or "")
    return Incoming(
        external_id=event_id,
        at=at,
        text=text,
        sender=sender,
        kind=which,
        sender_name=repair(said["names"].get(sender) or sender.partition(":")[0].lstrip("@"))[:200],
        root=room,
        parent=parent,
        to=to,
        html=html,
        is_public=bool(said["is_public"]),
        is_automatic=content.get("msgtype") == "m.notice",
        need="answer" if is_encrypted and which is Kind.INCOMING else "",
        files=files,
        extra=extra,
    )


def _words(content: Mapping[str, Any]) -> tuple[str, str]:
    """Text and HTML without what older clients quote of the message that is answered."""
    body = content.get("body")
    text = repair(body) if isinstance(body, str) else ""
    html = ""
    if content.get("format") == "org.matrix.custom.html":
        formatted = content.get("formatted_body")
        html = HTML_QUOTE.sub("", repair(formatted)) if isinstance(formatted, str) else ""
    if (content.get("m.relates_to") or {}).get("m.in_reply_to") and text.startswith("> "):
        text = QUOTE.sub("", text)
    if content.get("msgtype") == "m.location" and content.get("geo_uri"):
        text = f"{text}\n{content['geo_uri']}".strip()
    if content.get("msgtype") == "m.emote":
        text, html = f"* {text}", ""
    if not text.strip() and html:
        text = plain(html)
    return text.strip(), html


def _files(sort: str, content: Mapping[str, Any]) -> tuple[File, ...]:
    """The file of an event, still at the place; named beside a caption, or by the body."""
    source = content.get("url")
    if not isinstance(source, str) or not source.startswith("mxc://"):
        return ()
    if sort != STICKER and content.get("msgtype") not in FILES:
        return ()
    info = content.get("info") or {}
    name = repair(str(content.get("filename") or content.get("body") or "file"))
    content_type = repair(str(info.get("mimetype") or "application/octet-stream"))
    return (File(name=name[:200], content_type=content_type[:120], content=b"", source=source),)


def _spoken_to(content: Mapping[str, Any], *, me: str) -> str:
    """Whom somebody of ours named, if that is one person."""
    named = (content.get("m.mentions") or {}).get("user_ids") or ()
    others = [str(who) for who in named if who != me]
    return others[0] if len(others) == 1 else ""


def _read(receipt: Mapping[str, Any], *, me: str, heard_at: datetime) -> Iterator[Progress]:
    for event_id, kinds in receipt["content"].items():
        for who, when in (kinds.get("m.read") or {}).items():
            if who != me:
                at = _moment({"origin_server_ts": when.get("ts")}, heard_at)
                yield Progress(str(event_id), at, "read")


# What leaves


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Say it in the room, in its thread, as an answer; files follow as events of their own."""
    if outgoing.answered.get("encrypted") and not outgoing.is_private:
        return asking.failed(
            "The room is encrypted end to end: answer with the account's own Matrix client.",
            is_final=True,
        )
    room = str(outgoing.answered.get("room") or outgoing.root)
    if outgoing.is_private:
        try:
            room = _private_room(outgoing.to, account)
        except PlaceError as error:
            return _no_room(error)
    if not room.startswith("!"):
        return asking.failed("It is not known in which room to answer.", is_final=True)
    content: dict[str, Any] = {"msgtype": "m.text", "body": outgoing.text, "m.mentions": {}}
    if outgoing.parent and not outgoing.is_private:
        content["m.relates_to"] = _answering(outgoing)
        if outgoing.to.startswith("@"):
            content["m.mentions"] = {"user_ids": [outgoing.to]}
    sent = _put(account, room, MESSAGE, content, key=outgoing.idempotency_key)
    if sent.state is not SendState.SENT:
        return sent
    for number, file in enumerate(outgoing.files, start=1):
        part = _send_file(file, outgoing, account, room=room, number=number)
        if part.state is not SendState.SENT:
            # The words are there, under the same key: the next try finds them and goes on here.
            return Receipt(
                part.state,
                external_id=sent.external_id,
                reason=f"The words arrived; “{file.name}” did not: {part.reason}",
                retry_after_seconds=part.retry_after_seconds,
                is_final=part.is_final,
            )
    return sent


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """Yes: the same transaction id of the same token is the same event."""
    return True


def act(acting: Acting, account: Account) -> Receipt:
    """Like by a reaction; change or take back what we said."""
    room = str(acting.extra.get("room") or acting.root)
    if not room.startswith("!"):
        return asking.failed("It is not known in which room that is.", is_final=True)
    if acting.act is Act.LIKE:
        content: dict[str, Any] = {
            "m.relates_to": {
                "rel_type": "m.annotation",
                "event_id": acting.external_id,
                "key": LIKE_SIGN,
            }
        }
        return _put(
            account, room, REACTION, content, key=acting.idempotency_key,
            done_too=("M_DUPLICATE_ANNOTATION",),
        )  # fmt: skip
    if acting.act is Act.EDIT and acting.of_ours:
        new = {"msgtype": "m.text", "body": acting.text, "m.mentions": {}}
        content = {
            **new,
            "body": f"* {acting.text}",
            "m.new_content": new,
            "m.relates_to": {"rel_type": "m.replace", "event_id": acting.external_id},
        }
        return _put(account, room, MESSAGE, content, key=acting.idempotency_key)
    if acting.act is Act.DELETE and acting.of_ours:
        path = (
            f"/rooms/{quote(room, safe='')}/redact/{quote(acting.external_id, safe='')}"
            f"/{quote(acting.idempotency_key, safe='')}"
        )
        return _handed(account, "PUT", path, data={})
    return asking.failed("Matrix does not let us do that.", is_final=True)


def fetch(source: str, account: Account) -> bytes:
    """The bytes of an mxc:// address, by the authenticated media API, else by the older one."""
    server, _, media = source.removeprefix("mxc://").partition("/")
    if not source.startswith("mxc://") or not server or not media:
        raise PlaceError("That is no address of a file at Matrix.", needs_person=True)
    where = f"{quote(server, safe=':')}/{quote(media, safe='')}"
    addresses = (
        f"/_matrix/client/v1/media/download/{where}",
        f"/_matrix/media/v3/download/{where}",
    )
    for address in addresses:
        answer = _answer(account, "GET", address, limit_bytes=FILE_LIMIT_BYTES, follows=True)
        if answer.is_good:
            return answer.body
        if answer.status not in {404, 405}:
            break
    raise _refusal(answer)


def check(account: Account) -> Checked:
    """Find the server behind a domain, and ask it who we are."""
    base = _discovered(account)
    found = {"base_url": base}
    here = Account(
        name=account.name,
        settings={**account.settings, **found},
        secrets=account.secrets,
        allow_private=account.allow_private,
    )
    said = _asked(here, "GET", "/account/whoami")
    me = str(said["user_id"])
    warnings = []
    for room in _lines(account.settings.get("rooms")):
        try:
            _asked(here, "POST", f"/join/{quote(room, safe='')}", data={})
        except PlaceError as error:
            warnings.append(f"{room} cannot be entered: {error}")
    return Checked(me, found={**found, "user_id": me}, warnings=tuple(warnings))


def _answering(outgoing: Outgoing) -> dict[str, Any]:
    """The relation to what is answered; within a thread, as its clients show it."""
    thread = outgoing.answered.get("thread")
    answer = {"m.in_reply_to": {"event_id": outgoing.parent}}
    if not thread:
        return answer
    return {"rel_type": "m.thread", "event_id": str(thread), "is_falling_back": False, **answer}


def _send_file(
    file: File, outgoing: Outgoing, account: Account, *, room: str, number: int
) -> Receipt:
    try:
        answer = _answer(
            account,
            "POST",
            "/_matrix/media/v3/upload",
            params={"filename": file.name},
            body=file.content,
            content_type=file.content_type,
            timeout_seconds=120,
        )
        if not answer.is_good:
            return _refused(answer)
        source = str(answer.json()["content_uri"])
    except (PlaceError, KeyError, TypeError) as error:
        return asking.failed(str(error))
    sort = file.content_type.partition("/")[0]
    content: dict[str, Any] = {
        "msgtype": f"m.{sort}" if f"m.{sort}" in FILES else "m.file",
        "body": file.name,
        "filename": file.name,
        "url": source,
        "info": {"mimetype": file.content_type, "size": len(file.content)},
        PART: number,
    }
    if outgoing.answered.get("thread") and not outgoing.is_private:
        content["m.relates_to"] = _answering(outgoing)
    return _put(account, room, MESSAGE, content, key=f"{outgoing.idempotency_key}.{number}")


def _private_room(who: str, account: Account) -> str:
    """The room of two that we share with somebody; a new one where there is none."""
    me = str(_asked(account, "GET", "/account/whoami")["user_id"])
    path = f"/user/{quote(me, safe='')}/account_data/m.direct"
    answer = _answer(account, "GET", f"{API}{path}")
    if answer.status not in {200, 404}:
        raise _refusal(answer)
    known = answer.json() if answer.is_good else {}
    joined = set(_asked(account, "GET", "/joined_rooms")["joined_rooms"])
    for room in known.get(who, ()):
        if room in joined:
            return str(room)
    made = _asked(
        account,
        "POST",
        "/createRoom",
        data={"invite": [who], "is_direct": True, "preset": "trusted_private_chat"},
    )
    room = str(made["room_id"])
    _asked(account, "PUT", path, data={**known, who: [*known.get(who, ()), room]})
    return room


def _no_room(error: PlaceError) -> Receipt:
    wish = error.retry_after_seconds
    return Receipt(
        SendState.FAILED,
        reason=str(error),
        is_final=error.needs_person,
        retry_after_seconds=None if wish is None else int(wish),
    )


# The line


def _put(
    account: Account,
    room: str,
    sort: str,
    content: Mapping[str, Any],
    *,
    key: str,
    done_too: tuple[str, ...] = (),
) -> Receipt:
    path = f"/rooms/{quote(room, safe='')}/send/{sort}/{quote(key, safe='')}"
    return _handed(account, "PUT", path, data=content, done_too=done_too)


def _handed(
    account: Account, method: str, path: str, *, data: Any, done_too: tuple[str, ...] = ()
) -> Receipt:
    """Hand an event over once; the name of the event is in the answer."""
    try:
        answer = _ask(account, method, f"{API}{path}", data=data)
    except web.ForbiddenAddressError as error:
        return asking.failed(f"It was not sent: {error}.", is_final=True)
    except web.NotReachedError as error:
        return asking.failed(f"The server could not be reached: {error}.")
    except (web.NoAnswerError, web.TooLongError) as error:
        return Receipt(
            SendState.UNKNOWN, reason=f"The server did not say whether it took it ({error})."
        )
    if answer.is_good:
        try:
            return Receipt(SendState.SENT, external_id=str(answer.json()["event_id"]))
        except (PlaceError, KeyError, TypeError):
            return Receipt(SendState.UNKNOWN, reason="The server did not name what it took.")
    if _said(answer)[0] in done_too:
        return Receipt(SendState.SENT)
    return _refused(answer)


def _refused(answer: web.Answer) -> Receipt:
    error = _refusal(answer)
    wish = error.retry_after_seconds
    return Receipt(
        SendState.FAILED,
        reason=str(error),
        retry_after_seconds=None if wish is None else int(wish + 0.999),
        is_final=error.needs_person,
    )


def _refusal(answer: web.Answer) -> PlaceError:
    """What a bad answer means; Matrix says how long to wait in the body (spec, 2.6.1)."""
    code, words, wish = _said(answer)
    told = ", ".join(part for part in (code, words) if part) or "no words"
    if answer.status == 429 or code == "M_LIMIT_EXCEEDED":
        header = answer.retry_after_seconds(now=datetime.now(UTC))
        return PlaceError(
            "The server asks us to slow down.", retry_after_seconds=wish or header or 30
        )
    if code in {"M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"} or answer.status == 401:
        return PlaceError(
            f"The access token no longer opens the account ({told}): enter a new one.",
            needs_person=True,
        )
    return PlaceError(
        f"The server answered {answer.status} ({told}).",
        needs_person=answer.status < 500 and answer.status not in asking.PASSING,
    )


def _said(answer: web.Answer) -> tuple[str, str, float]:
    """The server's code, its words, and the seconds that it asks us to wait."""
    try:
        said = json.loads(answer.body)
        wish = said.get("retry_after_ms")
        seconds = wish / 1000 if isinstance(wish, int | float) else 0.0
        words = " ".join(str(said.get("error", "")).split())[:160]
        return str(said.get("errcode", "")), words, max(0.0, min(seconds, 24 * 3600))
    except (ValueError, RecursionError, AttributeError):
        return "", "", 0.0


def _asked(
    account: Account,
    method: str,
    path: str,
    *,
    params: Mapping[str, str] | None = None,
    data: Any = None,
    timeout_seconds: float = 20,
    limit_bytes: int = asking.LIMIT_BYTES,
) -> Any:
    """Ask the server. Raises `PlaceError` for every answer but a good one."""
    answer = _answer(
        account,
        method,
        f"{API}{path}",
        params=params,
        data=data,
        timeout_seconds=timeout_seconds,
        limit_bytes=limit_bytes,
    )
    if not answer.is_good:
        raise _refusal(answer)
    return answer.json()


def _answer(account: Account, method: str, path: str, **wishes: Any) -> web.Answer:
    try:
        return _ask(account, method, path, **wishes)
    except web.ForbiddenAddressError as error:
        raise PlaceError(f"The server was not asked: {error}.", needs_person=True) from error
    except web.NotReachedError as error:
        raise PlaceError(f"The server could not be reached: {error}.") from error
    except web.NoAnswerError as error:
        raise PlaceError(f"The server broke off ({error}).") from error
    except web.TooLongError as error:
        raise PlaceError(f"The server answered {error}.") from error


def _ask(
    account: Account,
    method: str,
    path: str,
    *,
    params: Mapping[str, str] | None = None,
    data: Any = None,
    body: bytes | None = None,
    content_type: str = "application/json",
    timeout_seconds: float = 20,
    limit_bytes: int = asking.LIMIT_BYTES,
    follows: bool = False,
) -> web.Answer:
    headers = {"authorization": f"Bearer {account.secrets.get('access_token', '')}"}
    if data is not None:
        body = json.dumps(data, ensure_ascii=False).encode(errors="replace")
    if body is not None:
        headers["content-type"] = content_type
    return web.ask(
        method,
        _base(account) + path,
        body=body,
        headers=headers,
        params=params,
        allow_private=account.allow_private,
        follows=follows,
        limit_bytes=limit_bytes,
        timeout_seconds=timeout_seconds,
    )


def _base(account: Account) -> str:
    """The server's address: what `check` found, else what was typed."""
    return str(account.settings.get("base_url") or _typed(account))


def _typed(account: Account) -> str:
    typed = str(account.settings.get("homeserver", "")).strip().rstrip("/")
    return typed if "://" in typed else f"https://{typed}"


def _discovered(account: Account) -> str:
    """Where the server of a domain is (spec, 2.3.1); the domain itself where it does not say."""
    typed = _typed(account)
    try:
        answer = web.ask(
            "GET",
            f"{typed}/.well-known/matrix/client",
            allow_private=account.allow_private,
            follows=True,
            is_cut=True,
        )
        base = str(answer.json()["m.homeserver"]["base_url"]).rstrip("/")
    except (
        web.ForbiddenAddressError, web.NotReachedError, web.NoAnswerError, PlaceError,
        KeyError, TypeError,
    ):  # fmt: skip
        return typed
    return base if answer.is_good and "://" in base else typed


# Small things


def _learn(room: dict[str, Any], event: Mapping[str, Any]) -> None:
    """Keep what a state event tells of a room."""
    content = event.get("content") or {}
    match event.get("type"):
        case "m.room.name":
            room["name"] = str(content.get("name") or "")
        case "m.room.join_rules":
            room["rule"] = content.get("join_rule")
        case "m.room.history_visibility":
            room["history"] = content.get("history_visibility")
        case "m.room.member" if content.get("membership") == "join":
            room["names"][str(event.get("state_key"))] = str(content.get("displayname") or "")
        case "m.room.member":
            room["names"].pop(str(event.get("state_key")), None)


def _kind(sender: str, me: str) -> Kind:
    return Kind.REPLY if sender == me else Kind.INCOMING


def _redacted(event: Mapping[str, Any]) -> str:
    """What a redaction takes back; room version 11 moved its name into the content."""
    return str(event.get("redacts") or (event.get("content") or {}).get("redacts") or "")


def _before(event: Mapping[str, Any]) -> str:
    """What a membership was before this event."""
    before = (event.get("unsigned") or {}).get("prev_content") or {}
    return str(before.get("membership") or "")


def _is_public(room: Mapping[str, Any]) -> bool:
    return room.get("rule") == "public" or room.get("history") == "world_readable"


def _is_direct(me: str, invitation: Mapping[str, Any]) -> bool:
    return any(
        event.get("type") == MEMBER
        and event.get("state_key") == me
        and (event.get("content") or {}).get("is_direct") is True
        for event in (invitation.get("invite_state") or {}).get("events", ())
    )


def _moment(event: Mapping[str, Any], heard_at: datetime) -> datetime:
    """When the sender's server says it was; never after we heard it."""
    try:
        at = datetime.fromtimestamp(_number(event.get("origin_server_ts")) / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return heard_at
    return min(at, heard_at) if at.year > 1970 else heard_at


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _lines(value: Any) -> list[str]:
    """What was typed one a line, or kept as a list."""
    parts = value if isinstance(value, list) else str(value or "").split()
    return [str(part).strip() for part in parts if str(part).strip()]


def _is_yes(value: Any) -> bool:
    return str(value).strip().lower() in {"yes", "true", "on", "1"}
