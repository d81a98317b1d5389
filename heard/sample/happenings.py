"""What happens at the sample company: something is said, or a colleague does something."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from heard.channels.base import Incoming, Kind
from heard.sample.company import STAFF, Inbox
from heard.sample.script import NO_ASIDE, Aside


@dataclass(frozen=True, slots=True)
class Said:
    """A message by a contact, or a reply or note of ours; `by` is the key of the colleague."""

    inbox: str
    message: Incoming
    by: str = ""

    @property
    def at(self) -> datetime:
        """When it was said."""
        return self.message.at


@dataclass(frozen=True, slots=True)
class Deed:
    """What a colleague did about the conversation in which `message` (external id) was said.

    `verb` is one of `script.VERBS`. `text` is whom it was assigned to, the words of a promise, or
    the correction (`need=nothing`); `until` ends a snooze or a promise.
    """

    at: datetime
    inbox: str
    verb: str
    by: str
    message: str
    text: str = ""
    until: datetime | None = None


Happening = Said | Deed


def say(
    inbox: Inbox,
    kind: Kind,
    *,
    at: datetime,
    text: str,
    external_id: str,
    sender: str,
    sender_name: str,
    root: str = "",
    parent: str = "",
    subject: str = "",
    aside: Aside = NO_ASIDE,
    followers: int | None = None,
    by: str = "",
) -> Said:
    """Something said there. Of a reply or note, `sender` and `sender_name` are whom it is about."""
    extra: dict[str, Any] = {
        "rating": aside.stars,
        "hold_seconds": aside.hold_seconds,
        "audience": aside.followers if aside.followers is not None else followers,
    }
    is_ours = kind is not Kind.INCOMING
    message = Incoming(
        external_id=external_id,
        at=at,
        text=text,
        sender=inbox.address or inbox.name if is_ours else sender,
        kind=kind,
        sender_name="" if is_ours else sender_name,
        root=root,
        parent=parent,
        to=sender if is_ours else "",
        author=STAFF[by].name if is_ours else "",
        subject=subject,
        is_public=inbox.is_public and kind is not Kind.NOTE,
        is_automatic=aside.is_automatic,
        need="answer" if aside.need == "answer" else "",
        extra={name: value for name, value in extra.items() if value is not None and not is_ours},
    )
    return Said(inbox.key, message, by)
