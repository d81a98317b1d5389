"""Mails and mailboxes for the tests of this channel."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from heard.channels import email as channel
from heard.channels.base import Account, Delivered, Incoming, Outgoing

PAYLOADS = Path(__file__).parents[1] / "payloads" / "email"
NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
HOOK = "https://heard.test/hooks/a-secret-of-the-inbox/"


def account(**settings: Any) -> Account:
    secrets = settings.pop("secrets", {})
    renew = settings.pop("renew", None)
    return Account(
        name="Support",
        settings={"address": "support@care.test", "allow_private": True, **settings},
        hook=HOOK,
        secrets=secrets,
        renew=renew,
        allow_private=True,
    )


def raw(name: str) -> bytes:
    return (PAYLOADS / f"{name}.eml").read_bytes()


def heard(body: bytes | str, place: Account | None = None, **headers: str) -> list[Any]:
    content = body.encode() if isinstance(body, str) else body
    return list(channel.parse(Delivered(content, headers, NOW), place or account()))


def only(body: bytes | str, place: Account | None = None, **headers: str) -> Incoming:
    (message,) = heard(body, place, **headers)
    assert isinstance(message, Incoming), message
    return message


def letter(*headers: str, body: str = "Where is it?") -> str:
    """A plain mail: the headers given, and the usual ones that are not."""
    given = {header.partition(":")[0].lower() for header in headers}
    usual = [
        "From: Ann <ann@example.org>",
        "To: support@care.test",
        "Subject: A question",
        "Date: Sun, 22 Nov 2026 12:00:00 +0000",
        "Message-ID: <1@example.org>",
        "Content-Type: text/plain; charset=utf-8",
    ]
    lines = [*headers, *(line for line in usual if line.partition(":")[0].lower() not in given)]
    return "\r\n".join(lines) + "\r\n\r\n" + body.replace("\n", "\r\n") + "\r\n"


def answer(**fields: Any) -> Outgoing:
    fields = {
        "idempotency_key": "reply_7_1",
        "to": "ann@example.org",
        "text": "It left us on Friday.",
        "root": "1@example.org",
        "parent": "1@example.org",
        "subject": "A question",
        "at": NOW,
        **fields,
    }
    return Outgoing(**fields)
