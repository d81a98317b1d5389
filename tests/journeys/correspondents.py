"""Customers with programs of their own, who speak at real places and read what is answered there.

Each says what connecting its inbox takes, speaks as a customer does, and looks whether the answer
has arrived, and how often. Guests and callers speak to the house itself.
"""

from __future__ import annotations

import asyncio
import http.client
import imaplib
import json
import random
import re
import smtplib
import threading
import time
import uuid
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

import httpx
import slixmpp

from heard.channels import signing


class Correspondent(Protocol):
    """A customer at one place."""

    @property
    def kind(self) -> str:
        """Of the inbox."""

    @property
    def settings(self) -> Mapping[str, str]:
        """What connecting takes."""

    @property
    def secrets(self) -> Mapping[str, str]:
        """What is not for every eye."""

    def say(self, text: str) -> None:
        """Write to the company."""

    def answers(self, text: str) -> int:
        """How often this answer can be read at the place."""


@dataclass
class Mailer:
    """Writes mails, and reads the mailbox."""

    server: Mapping[str, str]
    kind: str = "email"

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "address": self.server["USER"],
            "imap_host": self.server["HOST"],
            "imap_port": self.server["PORT"],
            "imap_security": "none",
            "smtp_host": self.server["HOST"],
            "smtp_port": self.server["SMTP_PORT"],
            "smtp_security": "none",
        }

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"password": self.server["PASSWORD"]}

    def say(self, text: str, *, picture: bytes = b"") -> None:
        mail = EmailMessage()
        mail["From"] = f"Cora <{self.server['CUSTOMER_USER']}>"
        mail["To"] = self.server["USER"]
        mail["Subject"] = "A question"
        mail["Message-ID"] = f"<{uuid.uuid4()}@example.test>"
        mail.set_content(text)
        if picture:
            mail.add_attachment(picture, maintype="image", subtype="png", filename="parcel.png")
        with smtplib.SMTP(self.server["HOST"], int(self.server["SMTP_PORT"])) as line:
            line.login(self.server["CUSTOMER_USER"], self.server["PASSWORD"])
            line.send_message(mail)

    def answers(self, text: str) -> int:
        with imaplib.IMAP4(self.server["HOST"], int(self.server["PORT"])) as box:
            box.login(self.server["CUSTOMER_USER"], self.server["PASSWORD"])
            box.select("INBOX", readonly=True)
            _, found = box.search(None, "TEXT", f'"{text}"')
            return len(found[0].split())


@dataclass
class Reader:
    """Reads the company's blog and comments on it."""

    server: Mapping[str, str]
    kind: str = "wordpress"
    post: int = 0

    @property
    def settings(self) -> Mapping[str, str]:
        return {"site": self.server["URL"], "user": self.server["USER"], "every_seconds": "1"}

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"password": self.server["TOKEN"]}

    def say(self, text: str) -> None:
        if not self.post:
            posted = httpx.post(
                f"{self.server['API_URL'].rstrip('/')}/posts",
                auth=(self.server["USER"], self.server["TOKEN"]),
                json={"title": "News of the house", "content": "We bake.", "status": "publish"},
            )
            self.post = posted.raise_for_status().json()["id"]
        comment = {
            "post": self.post,
            "author_name": "Cora",
            "author_email": "cora@example.test",
            "content": text,
        }
        httpx.post(
            f"{self.server['API_URL'].rstrip('/')}/comments", json=comment
        ).raise_for_status()

    def answers(self, text: str) -> int:
        found = httpx.get(
            f"{self.server['API_URL'].rstrip('/')}/comments",
            params={"search": text, "per_page": 50},
        )
        return len([c for c in found.json() if text in c["content"]["rendered"]])


@dataclass
class Poster:
    """Posts at Bluesky and mentions the company."""

    server: Mapping[str, str]
    kind: str = "bluesky"
    session: dict[str, Any] = field(default_factory=dict)
    posts: list[str] = field(default_factory=list)

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "handle": self.server["USER"],
            "service": self.server["URL"],
            "stream": "firehose",
            "stream_url": self.server["FIREHOSE_URL"],
            "terms": f"@{self.server['USER']}",
        }

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"password": self.server["PASSWORD"]}

    def _ask(self, name: str, **said: Any) -> Any:
        headers = {}
        if self.session:
            headers["authorization"] = f"Bearer {self.session['accessJwt']}"
        answer = httpx.post(f"{self.server['URL']}/xrpc/{name}", json=said, headers=headers)
        return answer.raise_for_status().json()

    def log_in_as_company(self) -> None:
        """From here on whoever speaks is the company itself."""
        self._log_in(self.server["USER"])

    def say_alone(self, text: str) -> None:
        """A post that answers nobody."""
        record = {
            "$type": "app.bsky.feed.post",
            "text": text,
            "createdAt": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        }
        self._make(record)

    def stands(self, uri: str) -> bool:
        """Whether a post is still in its repository."""
        repo, collection, key = uri.removeprefix("at://").split("/")
        answer = httpx.get(
            f"{self.server['URL']}/xrpc/com.atproto.repo.getRecord",
            params={"repo": repo, "collection": collection, "rkey": key},
        )
        return answer.status_code == 200

    def _log_in(self, who: str) -> None:
        self.session = self._ask(
            "com.atproto.server.createSession", identifier=who, password=self.server["PASSWORD"]
        )

    def _make(self, record: dict[str, Any]) -> None:
        made = self._ask(
            "com.atproto.repo.createRecord",
            repo=self.session["did"],
            collection="app.bsky.feed.post",
            record=record,
        )
        self.posts.append(made["uri"])

    def say(self, text: str) -> None:
        if not self.session:
            self._log_in(self.server["CUSTOMER_USER"])
        company = httpx.get(
            f"{self.server['URL']}/xrpc/com.atproto.identity.resolveHandle",
            params={"handle": self.server["USER"]},
        ).json()["did"]
        handle = f"@{self.server['USER']}"
        record = {
            "$type": "app.bsky.feed.post",
            "text": f"{handle} {text}",
            "createdAt": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
            "facets": [
                {
                    "index": {"byteStart": 0, "byteEnd": len(handle.encode())},
                    "features": [{"$type": "app.bsky.richtext.facet#mention", "did": company}],
                }
            ],
        }
        self._make(record)

    def answers(self, text: str) -> int:
        count = 0
        for uri in self.posts:
            thread = httpx.get(
                f"{self.server['APPVIEW_URL']}/xrpc/app.bsky.feed.getPostThread",
                params={"uri": uri},
            ).json()
            replies = thread.get("thread", {}).get("replies", [])
            count += sum(text in one["post"]["record"]["text"] for one in replies)
        return count


@dataclass
class Chatter:
    """Talks to the company in a private Matrix room."""

    server: Mapping[str, str]
    kind: str = "matrix"
    room: str = ""

    @property
    def settings(self) -> Mapping[str, str]:
        return {"homeserver": self.server["URL"], "accepts_invitations": "yes"}

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"access_token": self.server["TOKEN"]}

    def _ask(self, method: str, path: str, **said: Any) -> Any:
        answer = httpx.request(
            method,
            f"{self.server['URL']}/_matrix/client/v3/{path}",
            headers={"authorization": f"Bearer {self.server['CUSTOMER_TOKEN']}"},
            timeout=30,
            **said,
        )
        return answer.raise_for_status().json()

    def say(self, text: str) -> None:
        if not self.room:
            invite = {"is_direct": True, "preset": "trusted_private_chat"}
            self.room = self._ask(
                "POST", "createRoom", json={**invite, "invite": [self.server["USER"]]}
            )["room_id"]
        self._ask(
            "PUT",
            f"rooms/{quote(self.room)}/send/m.room.message/{uuid.uuid4()}",
            json={"msgtype": "m.text", "body": text},
        )

    def answers(self, text: str) -> int:
        found = self._ask(
            "GET", f"rooms/{quote(self.room)}/messages", params={"dir": "b", "limit": "100"}
        )
        said = [one for one in found["chunk"] if one["sender"] == self.server["USER"]]
        return sum(text in str(one["content"].get("body", "")) for one in said)


@dataclass
class Talker:
    """Chats with the company over XMPP, by a client that stays signed in."""

    server: Mapping[str, str]
    kind: str = "xmpp"
    client: Any = None
    heard: list[str] = field(default_factory=list)

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "jid": self.server["USER"],
            "host": self.server["HOST"],
            "port": self.server["PORT"],
        }

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"password": self.server["PASSWORD"]}

    def say(self, text: str) -> None:
        """Raises `RuntimeError` where the server does not say that it took it."""
        if self.client is None:
            self._sign_in()
        self._done(self._said(text))

    def answers(self, text: str) -> int:
        return sum(text in one for one in self.heard)

    def leave(self) -> None:
        """Sign out."""
        if self.client is not None:
            self._done(self._left())
            self.client.loop.call_soon_threadsafe(self.client.loop.stop)
            self.client = None

    def _done(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self.client.loop).result(30)

    def _sign_in(self) -> None:
        loop = asyncio.new_event_loop()
        jid = f"{self.server['CUSTOMER_USER']}/walk"
        client = slixmpp.ClientXMPP(jid, self.server["PASSWORD"], loop=loop)
        client.register_plugin("xep_0199")
        client.plugin["feature_mechanisms"].unencrypted_scram = True
        client.enable_direct_tls, client.enable_plaintext = False, True
        inside = threading.Event()

        def begin(_: Any) -> None:
            client.send_presence()
            inside.set()

        client.add_event_handler("session_start", begin)
        client.add_event_handler("message", lambda said: self.heard.append(str(said["body"])))
        loop.call_soon(lambda: client.connect(self.server["HOST"], int(self.server["PORT"])))
        threading.Thread(target=loop.run_forever, daemon=True).start()
        if not inside.wait(20):
            raise RuntimeError("Prosody did not let the customer in")
        self.client = client

    async def _said(self, text: str) -> None:
        """The server takes stanzas in their order: once it answers a ping, it has the message."""
        message = self.client.make_message(mto=self.server["USER"], mbody=text, mtype="chat")
        message["id"] = str(uuid.uuid4())
        message.send()
        try:
            await self.client.plugin["xep_0199"].send_ping(
                self.server["CUSTOMER_USER"].partition("@")[2], timeout=20
            )
        except slixmpp.exceptions.XMPPError as error:
            raise RuntimeError("Prosody does not answer") from error

    async def _left(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.client.disconnect(wait=1.0), 3)


@dataclass
class Guest:
    """Guests at tables of the house, each with a telephone of their own and a card before them."""

    cards: Sequence[str]
    """The addresses behind the codes."""

    def say(self, text: str) -> None:
        """Fill in a card, and press Send until it is taken; now and then once too often."""
        card = urlsplit(random.choice(self.cards))
        # Guests are told apart by their network address, of which loopback has many.
        whence = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
        status, page = 0, b""
        while not status:
            status, page = _asked(card.netloc, "GET", card.path, whence=whence)
        keys = re.findall(rb'name="key" value="([^"]+)"', page)
        if not keys:
            raise RuntimeError(f"the card does not open ({status})")
        filled = {"rating": random.choice("12345"), "text": text, "key": keys[-1].decode()}
        form = {"content-type": "application/x-www-form-urlencoded"}
        body = urlencode(filled).encode()
        presses = 2 if random.random() < 0.1 else 1
        while presses:
            status = _asked(card.netloc, "POST", card.path, body, form, whence=whence)[0]
            if status not in {0, 302}:
                raise RuntimeError(f"the card was not taken ({status})")
            presses -= status == 302


@dataclass
class Caller:
    """People who call and hang up on hold, as their exchange tells it by the signed hook."""

    address: str
    secret: str

    def say(self, text: str) -> None:
        """One call, named by the last word; some of it told again, and in any order."""
        call, now = text.rsplit(" ", 1)[-1], datetime.now(UTC)
        number = f"+442079460{random.randint(0, 999):03}"
        told: list[dict[str, Any]] = [
            {"event": "ringing", "from": {"number": number, "name": "Cora"}},
            {"event": "queued", "queue": "Parcels"},
            {"event": "hung_up"},
        ]
        events = [
            {"id": f"{call}-{place}", "call": call, "at": at.isoformat(), **one}
            for place, one in enumerate(told)
            for at in [now - timedelta(seconds=8 - 4 * place)]
        ]
        random.shuffle(events)
        self._tell({"events": events}, name=call)
        if random.random() < 0.1:
            self._tell(events[0], name=f"{call}-again")

    def _tell(self, said: Any, *, name: str) -> None:
        """Post until it is taken."""
        to, body = urlsplit(self.address), json.dumps(said).encode()
        status = 0
        while status != 202:
            headers = signing.signed(
                body, secret=self.secret, message_id=name, at=datetime.now(UTC)
            )
            status = _asked(to.netloc, "POST", to.path, body, headers)[0]


def _asked(
    place: str,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    whence: str = "127.0.0.1",
) -> tuple[int, bytes]:
    """Ask the house; 0 after a moment where it does not answer just now, or not well."""
    host, _, port = place.partition(":")
    line = http.client.HTTPConnection(host, int(port), timeout=10, source_address=(whence, 0))
    try:
        line.request(method, path, body or None, dict(headers or {}))
        answer = line.getresponse()
        said = answer.read()
        if answer.status < 500:
            return answer.status, said
    except (OSError, http.client.HTTPException):
        pass
    finally:
        line.close()
    time.sleep(0.3)
    return 0, b""
