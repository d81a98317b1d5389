"""Dated support dialogues on Twitter, one JSON object a line, as IBM published them.

One inbox per company. A dialogue ends with the answer that the company gave together with a help
page; it stands apart from the other messages, and is a reply like the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from heard.channels.archives.archive import Item, Spread, identifier, set_aside
from heard.channels.archives.opening import Broken, Source
from heard.channels.base import NOTHING, Incoming, Kind, SetAside
from heard.channels.dates import moment
from heard.channels.texts import repair, without_entities

_TWITTER_EPOCH_MS = 1_288_834_974_657


@dataclass
class Dialogues:
    """Dialogues between people and companies. Everything in them is public."""

    file: Path
    channel: str = field(default="twitter", init=False)
    spread: Spread = field(default=Spread.BY_INBOX, init=False)

    def __post_init__(self) -> None:
        self._source = Source(self.file)

    @property
    def files(self) -> tuple[Path, ...]:
        """The one file."""
        return (self.file,)

    def share(self) -> float:
        """How much has been read, from 0 to 1."""
        return self._source.read / self._source.size if self._source.size else 1.0

    def items(self, *, after: int = 0) -> Iterator[Item]:
        """Every message of every dialogue; a position is a line."""
        with self._source.objects() as lines:
            for position, line in enumerate(lines, start=1):
                if position <= after:
                    continue
                where = f"{self.file.name}, line {position}"
                if isinstance(line, Broken):
                    yield Item("", line.at(where), position)
                    continue
                company = identifier(_text(_part(line, "dialogHeader"), "company"))
                for value in _messages(line, company, where):
                    yield Item(company, value, position)


def _messages(
    dialogue: Mapping[str, Any], company: str, where: str
) -> Iterator[Incoming | SetAside]:
    messages = dialogue.get("dialogContent")
    if not company or not isinstance(messages, list) or not messages:
        yield set_aside(where, "it is not a dialogue with a company", raw=repr(dialogue)[:4_000])
        return
    root = parent = asker = ""
    last_at = None
    for message in messages:
        value = _message(message, company, where, root=root, parent=parent, asker=asker)
        yield value
        if isinstance(value, Incoming):
            root, parent, last_at = value.root, value.external_id, value.at
            asker = value.sender if value.kind is Kind.INCOMING else asker
    last = _part(dialogue, "agentURL")
    if last and last_at:
        ends_at = _end(_part(dialogue, "dialogHeader"), tweet=_text(last, "tweet_ID"))
        yield _message(
            {
                "agent": company,
                "tweet_ID": last.get("tweet_ID"),
                "message": last.get("url_utterance"),
                "datetime": max(ends_at or last_at, last_at).isoformat(),
            },
            company,
            where,
            root=root,
            parent=parent,
            asker=asker,
            extra={"help_page": repair(_text(last, "url"))},
        )


def _message(
    message: object,
    company: str,
    where: str,
    *,
    root: str,
    parent: str,
    asker: str,
    extra: Mapping[str, Any] = NOTHING,
) -> Incoming | SetAside:
    if not isinstance(message, dict):
        return set_aside(where, "a message is not a JSON object", raw=repr(message)[:4_000])
    # The speaker stands under "agent", "client", or, where others joined in, "client1" and so on.
    role = next((key for key in message if key.startswith(("agent", "client"))), "")
    sender = identifier(_text(message, role))
    number = identifier(_text(message, "tweet_ID"))
    at = moment(_text(message, "datetime"))
    text = repair(without_entities(_text(message, "message"))).strip()
    is_reply = role.startswith("agent")
    problem = (
        "a message has no id"
        if not number
        else "nobody is named as the author of a message"
        if not sender
        else "the date of a message cannot be read"
        if at is None
        else "a message has no text"
        if not text
        else "another company than the one asked said it"
        if is_reply and sender.lower() != company.lower()
        else ""
    )
    if problem or at is None:
        return set_aside(where, problem, raw=repr(message)[:4_000])
    return Incoming(
        external_id=number,
        at=at,
        text=text,
        sender=sender,
        kind=Kind.REPLY if is_reply else Kind.INCOMING,
        root=root or number,
        parent=parent,
        to=asker if is_reply else "",
        is_public=True,
        extra=extra,
    )


def _end(header: Mapping[str, Any], *, tweet: str) -> datetime | None:
    """When the last answer was given: by the tweet's own number, else by the dialogue's length.

    The length leaves out whole days, so it is asked last.
    """
    begins_at = moment(_text(header, "conversationDateTime"))
    if tweet.isascii() and tweet.isdigit() and len(tweet) < 20:
        counted = datetime.fromtimestamp(((int(tweet) >> 22) + _TWITTER_EPOCH_MS) // 1000, UTC)
        if begins_at and begins_at <= counted <= begins_at + timedelta(days=365):
            return counted
    hours, _, rest = _text(header, "duration").partition(":")
    minutes, _, seconds = rest.partition(":")
    try:
        length = timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds))
        return begins_at + length if begins_at else None
    except (ValueError, OverflowError):
        return None


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}


def _text(whole: Mapping[str, Any], name: str) -> str:
    value = whole.get(name)
    return value if isinstance(value, str) else "" if value is None else str(value)
