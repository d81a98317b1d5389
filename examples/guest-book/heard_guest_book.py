"""A guest book on the web that speaks JSON: read page by page, answered under each entry.

GET  {url}/entries?after=ID   {"entries": [{"id", "at", "name", "text", "page", "answers"}]}
POST {url}/entries/ID/answers {"text", "author"}  with Idempotency-Key
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from heard.channels import asking
from heard.channels.base import (
    Abilities,
    Account,
    Checked,
    Delivered,
    Fetched,
    Heard,
    Incoming,
    Kind,
    NotUnderstoodError,
    Outgoing,
    Receipt,
    SetAside,
    Setting,
)

kind = "guest_book"
title = "Guest book"
settings = (
    Setting("url", "Address of the guest book", help="As https://hotel.example/guest-book."),
    Setting("key", "Key", help="The guest book shows it on its own settings page.", is_secret=True),
)
public = Abilities(length=2000, one_reply=True)
private = None
every_seconds = 60.0


def check(account: Account) -> Checked:
    """Ask the guest book for its name."""
    said = asking.wanted("GET", _url(account), account=account, headers=_key(account)).json()
    return Checked(account=str(said.get("name") or account.name))


def poll(cursor: str, account: Account) -> Fetched:
    """The entries after the cursor, which is the last one's id; at first from the beginning."""
    answer = asking.wanted(
        "GET",
        f"{_url(account)}/entries",
        account=account,
        headers=_key(account),
        params={"after": cursor},
    )
    entries = answer.json()["entries"]
    now = datetime.now().astimezone()
    return Fetched(
        deliveries=tuple(
            Delivered(json.dumps(entry).encode(), {}, now, external_id=str(entry["id"]))
            for entry in entries
        ),
        cursor=str(entries[-1]["id"]) if entries else cursor,
        has_more=bool(entries),
    )


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:
    """One entry, and what the hotel has answered under it."""
    try:
        entry = json.loads(delivered.body)
    except ValueError as error:
        raise NotUnderstoodError(f"This is not JSON: {error}") from None
    if not isinstance(entry, dict):
        raise NotUnderstoodError("An entry is an object.")
    try:
        yield Incoming(
            external_id=str(entry["id"]),
            at=datetime.fromisoformat(entry["at"]),
            text=str(entry["text"]),
            sender=str(entry["name"]),
            sender_name=str(entry["name"]),
            is_public=True,
            extra={"url": str(entry["page"])} if entry.get("page") else {},
        )
    except (KeyError, TypeError, ValueError) as error:
        yield SetAside(where="entry", reason=f"This is no whole entry: {error!r}")
        return
    for number, answer in enumerate(entry.get("answers") or (), start=1):
        try:
            yield _answer(entry, answer, account)
        except (KeyError, TypeError, ValueError) as error:
            yield SetAside(where=f"answer {number}", reason=f"This is no whole answer: {error!r}")


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Answer under the entry. The guest book takes the key: sent twice is there once."""
    return asking.handed(
        "POST",
        f"{_url(account)}/entries/{outgoing.parent}/answers",
        account=account,
        headers={**_key(account), "idempotency-key": outgoing.idempotency_key},
        body=asking.as_json({"text": outgoing.text, "author": outgoing.author}),
        named=lambda said: str(said["id"]),
    )


def may_repeat(outgoing: Outgoing) -> bool:
    """Yes: the guest book knows the key again."""
    return True


def _answer(entry: dict[str, Any], answer: dict[str, Any], account: Account) -> Incoming:
    return Incoming(
        external_id=str(answer["id"]),
        at=datetime.fromisoformat(answer["at"]),
        text=str(answer["text"]),
        sender=account.name,
        kind=Kind.REPLY,
        author=str(answer.get("author") or ""),
        root=str(entry["id"]),
        parent=str(entry["id"]),
        to=str(entry["name"]),
        is_public=True,
    )


def _url(account: Account) -> str:
    return str(account.settings["url"]).rstrip("/")


def _key(account: Account) -> dict[str, str]:
    return {"authorization": f"Bearer {account.secrets['key']}"}
