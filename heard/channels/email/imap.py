"""Hears a mailbox over IMAP (RFC 3501, IDLE: RFC 2177). Folders are opened for reading only, so
that nothing is ever marked, moved or deleted.

The cursor keeps, for each folder, its UIDVALIDITY, the last UID that was fetched, and the day.
Where a server has numbered a folder anew, the last days are fetched again: what is known stays.
"""

from __future__ import annotations

import contextlib
import imaplib
import json
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError, LoginError

from heard.channels.base import Account, Delivered, Fetched, PlaceError
from heard.channels.email import oauth, servers
from heard.channels.email.letter import ARRIVED, SENT, SIZE, UNREAD
from heard.channels.email.servers import READ_SECONDS, Server

INBOX = "INBOX"
MOST_AT_ONCE = 50
BYTES_AT_ONCE = 16 * 2**20
LARGEST = 40 * 2**20
CUT = 512 * 1024
"""A mail over `LARGEST` is not fetched whole, only its beginning."""

LONGEST_HISTORY_DAYS, MOST_HISTORY = 30, 2_000
RENUMBERED_DAYS = 3
QUIET_SECONDS = 25.0
ROUND_SECONDS = 240.0
"""After this time the folder of sent mails is looked at, and IDLE begins anew (at most 29 min)."""
UNPUSHED_SECONDS = 60.0

PASSING = (
    "[unavailable]", "[inuse]", "[limit]", "[serverbug]", "too many", "try again", "temporar",
    "socket error",
)  # fmt: skip
"""What servers say (RFC 5530), and the library, when they would let us in at another time."""

ERRORS = (IMAPClientError, OSError, EOFError, ValueError)
"""What the library and the line raise; `ValueError` for an answer that is none."""


@dataclass(slots=True)
class Place:
    """How far a folder has been read."""

    validity: int
    uid: int
    day: str


class _Line(imaplib.IMAP4):
    """A connection to the address that was checked."""

    def __init__(self, server: Server) -> None:
        self._server = server
        super().__init__(server.host, server.port, servers.CONNECT_SECONDS)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return servers.opened(self._server, seconds=timeout)


class _Client(IMAPClient):  # type: ignore[misc] # the library is not typed
    def __init__(self, server: Server) -> None:
        self._server = server
        super().__init__(
            server.host,
            server.port,
            ssl=server.security == "tls",
            timeout=SocketTimeout(servers.CONNECT_SECONDS, READ_SECONDS),
        )
        self.normalise_times = False

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 - the library's name
        return _Line(self._server)


class Mailbox:
    """One signed-in connection. Every method raises `PlaceError` for what server and line do."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.server = servers.server_of(account, "imap")
        sent = str(account.settings.get("sent_folder") or "").strip()
        inbox = str(account.settings.get("folder") or "").strip() or INBOX
        self.folders = tuple(dict.fromkeys(name for name in (inbox, sent) if name))
        self.sent = sent
        with self._asking():
            self.client = _Client(self.server)
        try:
            with self._asking():
                if self.server.security == "starttls":
                    self.client.starttls(self.server.context())
                self._sign_in()
                self.can_push = self.client.has_capability("IDLE")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Hang up, politely if the server still listens."""
        with contextlib.suppress(*ERRORS):
            self.client.socket().settimeout(3)
            self.client.logout()
        with contextlib.suppress(*ERRORS):
            self.client.shutdown()

    def new(self, cursor: str) -> Fetched:
        """What has come into the folders since the cursor, at most one batch of it."""
        places = _places(cursor)
        deliveries: list[Delivered] = []
        has_more = False
        for folder in self.folders:
            room = MOST_AT_ONCE - len(deliveries)
            if room <= 0:
                has_more = True
                break
            with self._asking(folder):
                found, is_rest = self._new_in(folder, places, room=room)
            deliveries += found
            has_more = has_more or is_rest
        return Fetched(tuple(deliveries), _cursor(places), has_more=has_more)

    def quiet(self, cursor: str) -> Iterator[Fetched]:
        """Empty answers as long as nothing new is told of, for a few minutes at most."""
        until = time.monotonic() + (ROUND_SECONDS if self.can_push else UNPUSHED_SECONDS)
        if not self.can_push:
            while time.monotonic() < until:
                time.sleep(min(QUIET_SECONDS, max(0.0, until - time.monotonic())))
                yield Fetched((), cursor)
            return
        with self._asking():
            opened = self.client.select_folder(self.folders[0], readonly=True)
            place = _places(cursor).get(self.folders[0])
            if place is not None and int(opened.get(b"UIDNEXT") or 0) - 1 > place.uid:
                return  # it came between the last look and this one: nobody will tell of it again
            self.client.idle()
        is_called = False
        try:
            while not is_called and time.monotonic() < until:
                began = time.monotonic()
                with self._asking():
                    said = self.client.idle_check(timeout=QUIET_SECONDS)
                if not said and time.monotonic() - began < QUIET_SECONDS / 2:
                    raise PlaceError(f"{self.server.host} has hung up.")
                is_called = any(_is_arrival(one) for one in said)
                if not is_called:
                    yield Fetched((), cursor)
        finally:
            with contextlib.suppress(*ERRORS):
                self.client.idle_done()

    def warnings(self) -> tuple[str, ...]:
        """What the health page should tell; folders that are not there are a `PlaceError`."""
        for folder in self.folders:
            with self._asking(folder):
                self.client.select_folder(folder, readonly=True)
        found = []
        if not self.can_push:
            found.append("This server cannot push: new mail is looked for every minute.")
        if not self.sent:
            name = self._sent_folder()
            found.append(
                "Answers written in another mail program are not heard: no folder of sent mails is "
                "set" + (f" (this server's is “{name}”)." if name else ".")
            )
        return tuple(found)

    def _sent_folder(self) -> str:
        with self._asking():
            return str(self.client.find_special_folder(b"\\Sent") or "")

    def _sign_in(self) -> None:
        user = servers.user_of(self.account)
        if oauth.sign_in_of(self.account) == "password":
            self.client.login(user, self.account.secrets.get("password", ""))
        else:
            try:
                self.client.oauth2_login(user, oauth.access_token(self.account))
            except LoginError:
                self.client.oauth2_login(user, oauth.access_token(self.account, is_forced=True))
        if self.client.has_capability("ID"):
            # Some large hosts shut the folders to programs that do not say who they are.
            with contextlib.suppress(*ERRORS):
                self.client.id_({"name": "heard"})

    def _new_in(
        self, folder: str, places: dict[str, Place], *, room: int
    ) -> tuple[list[Delivered], bool]:
        opened = self.client.select_folder(folder, readonly=True)
        validity = int(opened.get(b"UIDVALIDITY") or 0)
        next_uid = int(opened.get(b"UIDNEXT") or 0)
        place = places.get(folder)
        if place is None or place.validity != validity:
            place = self._begin(place, validity=validity, next_uid=next_uid)
            places[folder] = place
        if next_uid and place.uid >= next_uid - 1:
            return [], False
        waiting = sorted(
            uid for uid in self.client.search(["UID", f"{place.uid + 1}:*"]) if uid > place.uid
        )
        lot = self._lot(waiting[:room])
        found = list(self._fetched(folder, validity, lot))
        if lot:
            place.uid = lot[-1][0]
            place.day = datetime.now(UTC).date().isoformat()
        elif next_uid:
            place.uid = max(place.uid, next_uid - 1)
        return found, len(lot) < len(waiting)

    def _begin(self, known: Place | None, *, validity: int, next_uid: int) -> Place:
        """Where to begin: now, some days ago if wished, or where a renumbered folder broke off."""
        today = datetime.now(UTC).date()
        if known is not None:
            days = (today - _day(known.day)).days + RENUMBERED_DAYS
        else:
            wished = str(self.account.settings.get("days") or "0")
            days = int(wished) if wished.isdigit() else 0
        days = min(days, LONGEST_HISTORY_DAYS)
        if days:
            since = sorted(self.client.search(["SINCE", today - timedelta(days=days)]))
            uid = since[-MOST_HISTORY:][0] - 1 if since else next_uid - 1
        elif next_uid:
            uid = next_uid - 1
        else:
            uid = max(self.client.search(["ALL"]), default=0)
        return Place(validity, max(0, uid), today.isoformat())

    def _lot(self, uids: Sequence[int]) -> list[tuple[int, int]]:
        """UIDs and sizes of as many as fit into one batch, always at least one."""
        if not uids:
            return []
        told = self.client.fetch(uids, ["RFC822.SIZE"])
        lot: list[tuple[int, int]] = []
        left = BYTES_AT_ONCE
        for uid in uids:
            size = int(told.get(uid, {}).get(b"RFC822.SIZE") or 0)
            weight = CUT if size > LARGEST else size
            if lot and weight > left:
                break
            left -= weight
            lot.append((uid, size))
        return lot

    def _fetched(
        self, folder: str, validity: int, lot: Sequence[tuple[int, int]]
    ) -> Iterator[Delivered]:
        whole = [uid for uid, size in lot if size <= LARGEST]
        mails: dict[int, Any] = {}
        if whole:
            mails = self._fetch(whole, "BODY.PEEK[]")
        for uid, size in lot:
            if size > LARGEST:
                mails |= self._fetch([uid], f"BODY.PEEK[]<0.{CUT}>")
            said = mails.get(uid)
            if said is None:  # it was moved or deleted in the meantime
                continue
            headers = {"folder": folder, "uid": str(uid)}
            if folder == self.sent:
                headers[SENT] = "yes"
            if size > LARGEST:
                headers[SIZE] = str(size)
            if isinstance(said, str):
                headers[UNREAD], body = said, b""
            else:
                body = said.get(b"BODY[]") or said.get(b"BODY[]<0>") or b""
                arrived = said.get(b"INTERNALDATE")
                if isinstance(arrived, datetime) and arrived.tzinfo is not None:
                    headers[ARRIVED] = arrived.astimezone(UTC).isoformat()
            yield Delivered(
                body,
                headers,
                datetime.now(UTC),
                external_id=f"{folder[:120]}/{validity}/{uid}",
                method="IMAP",
            )

    def _fetch(self, uids: Sequence[int], what: str) -> dict[int, Any]:
        """Mails by UID; a sentence in place of one that the server cannot give."""
        try:
            found: dict[int, Any] = dict(self.client.fetch(uids, [what, "INTERNALDATE"]))
        except imaplib.IMAP4.abort:
            raise
        except IMAPClientError as error:
            if len(uids) == 1:
                return {uids[0]: f"The server cannot give this mail: {str(error)[:160]}"}
            found = {}
            for uid in uids:
                found |= self._fetch([uid], what)
        return found

    @contextlib.contextmanager
    def _asking(self, folder: str = "") -> Iterator[None]:
        host = self.server.host
        try:
            yield
        except LoginError as error:
            said = _words(error)
            is_passing = any(word in said.lower() for word in PASSING)
            raise PlaceError(
                f"{host} does not let us in: {said}", needs_person=not is_passing
            ) from error
        except (ssl.SSLError, OSError, EOFError, imaplib.IMAP4.abort) as error:
            raise servers.unreachable(host, error) from error
        except (IMAPClientError, ValueError) as error:
            where = f" the folder “{folder}”" if folder else ""
            raise PlaceError(
                f"{host} refused{where}: {_words(error)}", needs_person=bool(folder)
            ) from error


def heard_since(cursor: str, account: Account) -> Fetched:
    """One look into the mailbox."""
    mailbox = Mailbox(account)
    try:
        return mailbox.new(cursor)
    finally:
        mailbox.close()


def heard_live(cursor: str, account: Account) -> Iterator[Fetched]:
    """Whatever comes, as the server tells of it; ends only when it is closed or the line breaks."""
    mailbox = Mailbox(account)
    try:
        while True:
            found = mailbox.new(cursor)
            cursor = found.cursor
            yield found
            if not found.has_more:
                yield from mailbox.quiet(cursor)
    finally:
        mailbox.close()


def _is_arrival(said: Any) -> bool:
    return isinstance(said, tuple) and len(said) > 1 and said[1] in {b"EXISTS", b"RECENT"}


def _places(cursor: str) -> dict[str, Place]:
    """The cursor's folders; a cursor that cannot be read is none."""
    try:
        told = json.loads(cursor) if cursor else {}
        return {
            str(name): Place(int(one["validity"]), int(one["uid"]), str(one["day"]))
            for name, one in told.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _cursor(places: dict[str, Place]) -> str:
    return json.dumps(
        {
            name: {"validity": place.validity, "uid": place.uid, "day": place.day}
            for name, place in sorted(places.items())
        },
        ensure_ascii=False,
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return datetime.now(UTC).date()


def _words(error: Exception) -> str:
    """The server's words, without the library's brackets around bytes."""
    first = error.args[0] if error.args else ""
    said = first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)
    return " ".join(said.split())[:200] or type(error).__name__
