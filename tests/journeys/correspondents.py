"""Customers with programs of their own, who speak at real places and read what is answered there.

Each says what connecting its inbox takes, speaks as a customer does, and looks whether the answer
has arrived, and how often.
"""

from __future__ import annotations

import imaplib
import smtplib
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, Protocol
from urllib.parse import quote

import httpx


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

    def say(self, text: str) -> None:
        mail = EmailMessage()
        mail["From"] = f"Cora <{self.server['CUSTOMER_USER']}>"
        mail["To"] = self.server["USER"]
        mail["Subject"] = "A question"
        mail["Message-ID"] = f"<{uuid.uuid4()}@example.test>"
        mail.set_content(text)
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

    def say(self, text: str) -> None:
        if not self.session:
            self.session = self._ask(
                "com.atproto.server.createSession",
                identifier=self.server["CUSTOMER_USER"],
                password=self.server["PASSWORD"],
            )
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
        made = self._ask(
            "com.atproto.repo.createRecord",
            repo=self.session["did"],
            collection="app.bsky.feed.post",
            record=record,
        )
        self.posts.append(made["uri"])

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
