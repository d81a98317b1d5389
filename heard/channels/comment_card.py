"""The comment card on the table: a guest scans its code, says how it was, or calls somebody.

Nobody signs in. What a guest leaves as an address is nobody's proof: it is used for nothing but to
mail the answers of this one conversation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from heard.channels import contact_page
from heard.channels.base import (
    Abilities,
    Account,
    Checked,
    Delivered,
    Incoming,
    NotUnderstoodError,
    Outgoing,
    PlaceError,
    Receipt,
    SetAside,
    Setting,
)
from heard.channels.texts import repair

kind = "comment_card"
title = "Comment card"
settings = (
    Setting(
        "tables",
        "Where cards lie",
        help="One a line: a table, a room, a counter. Table 1 … Table 40 is forty of them.",
        default="Table 1 … Table 10",
        form="lines",
    ),
    Setting(
        "words",
        "What stands on the card",
        help="A short sentence for guests, above the code.",
        default="How was it? Tell us, or call somebody to you.",
    ),
    Setting(
        "help_minutes",
        "Somebody is there within minutes",
        help="Guests can call somebody to their table; this is how long it may take. Without a"
        " number there is no such button.",
        is_needed=False,
        default="5",
        form="number",
    ),
)
public = None
private = Abilities()

Need = Literal["", "answer", "recognition", "nothing"]
RATINGS = (1, 2, 3, 4, 5)
BAD = 2
"""Up to here somebody has to answer, words or not."""
GOOD = 4
"""From here on words that ask nothing are praise."""
MOST_TABLES = 1000
NAME_LENGTH = 60
RANGE = re.compile(r"(.*?)(\d{1,6})\s*(?:…|\.{2,3}|–|—|-)\s*(.*?)(\d{1,6})")


def written(
    *,
    message_id: str,
    thread: str,
    table: str,
    text: str = "",
    rating: int | None = None,
    is_call: bool = False,
    name: str = "",
    email: str = "",
) -> bytes:
    """What a guest left on the page of a card, as the body of a delivery, for `parse`."""
    return json.dumps(
        {
            "id": message_id,
            "thread": thread,
            "table": table,
            "text": text,
            "rating": rating,
            "call": is_call,
            "name": name,
            "email": email,
        }
    ).encode()


def parse(delivered: Delivered, account: Account) -> Iterator[Incoming | SetAside]:  # noqa: ARG001
    """What a guest said. Each thread is a person of its own until somebody proves otherwise.

    A call needs an answer, and so does a bad card; praise needs recognition; a face without words
    needs nothing else. All other words are read.
    """
    try:
        said = json.loads(delivered.body)
        table, words, name = (repair(said[key]).strip() for key in ("table", "text", "name"))
        email, rating, is_call = repair(said["email"]), said["rating"], said["call"] is True
        if rating is not None and rating not in RATINGS:
            raise ValueError("a rating is 1 to 5")
        extra: dict[str, Any] = {"table": table}
        extra |= {"rating": rating} if rating else {}
        extra |= {"help": True} if is_call else {}
        extra |= {"unverified_email": email} if email else {}
        yield Incoming(
            external_id=said["id"],
            at=delivered.at,
            text=_text(table, words, rating, is_call=is_call),
            sender=said["thread"],
            sender_name=f"{table} · {name}" if name else table,
            root=said["thread"],
            subject=table,
            need=_need(words, rating, is_call=is_call),
            extra=extra,
            token=delivered.headers.get("token", ""),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotUnderstoodError(f"This was not written by the page: {error!r}") from None


def _text(table: str, words: str, rating: int | None, *, is_call: bool) -> str:
    if is_call:
        call = f"Somebody is wanted at {table}, urgently."
        return f"{call}\n{words}" if words else call
    if words:
        return words
    if rating is None:
        raise ValueError("neither words nor a rating")
    return f"{rating} of 5, no words"


def _need(words: str, rating: int | None, *, is_call: bool) -> Need:
    if is_call or (rating is not None and rating <= BAD):
        return "answer"
    if not words:
        return "nothing"
    is_asking = "?" in words or "？" in words or "؟" in words
    return "recognition" if rating is not None and rating >= GOOD and not is_asking else ""


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """The answer stands on the guest's page by itself; it is mailed too if they left an address."""
    return contact_page.send(outgoing, account)


def may_repeat(outgoing: Outgoing) -> bool:
    """A page shows the answer once however often it is put there; a mail would come twice."""
    return contact_page.may_repeat(outgoing)


def check(account: Account) -> Checked:
    """The page is our own; the list of tables must name some."""
    try:
        names = tables(account.settings.get("tables") or ())
    except ValueError as error:
        raise PlaceError(str(error)) from None
    return Checked(account=f"{account.name} ({len(names)})")


def tables(lines: Iterable[str]) -> list[str]:
    """The names that the lines stand for, each once and in order.

    "Table 1 … Table 40", "Table 1 – 40" and "01-12" are ranges. Raises `ValueError`, in words for
    people, for none at all, too many, or a name that is too long for a card.
    """
    names: dict[str, None] = {}
    for line in lines:
        names.update(dict.fromkeys(_expanded(" ".join(line.split()))))
    names.pop("", None)
    if not names:
        raise ValueError("Name at least one table.")
    if len(names) > MOST_TABLES:
        raise ValueError(f"These are {len(names)} tables; at most {MOST_TABLES} have room here.")
    long = next((name for name in names if len(name) > NAME_LENGTH), None)
    if long:
        raise ValueError(f"“{long}” is too long for a card ({NAME_LENGTH} letters).")
    return list(names)


def _expanded(line: str) -> list[str]:
    found = RANGE.fullmatch(line)
    if found is None:
        return [line]
    before, first, again, last = found.groups()
    if again not in ("", before) or not int(first) < int(last):
        return [line]
    if int(last) - int(first) >= MOST_TABLES:
        raise ValueError(f"{line}: at most {MOST_TABLES} tables have room here.")
    width = len(first) if first.startswith("0") else 0
    return [f"{before}{number:0{width}}" for number in range(int(first), int(last) + 1)]
