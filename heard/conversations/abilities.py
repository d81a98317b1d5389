"""What a place lets us do to a conversation, known before anybody writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from heard.channels.base import Abilities, Act, Outgoing, Readdressed
from heard.channels.registry import channel_of
from heard.conversations.models import Conversation, Inbox, Message

MUTE = Abilities(replies=False)
"""History only: nothing can be sent there."""


def abilities_of(inbox: Inbox, *, is_public: bool) -> Abilities:
    """What is possible on this side of the inbox; its own settings may shorten a message.

    The made-up places of the sample company allow what the real ones do.
    """
    side = side_of(inbox.kind, is_public=is_public, is_sample=inbox.is_sample)
    found = inbox.settings.get("length")
    return replace(side, length=found) if isinstance(found, int) else side


def side_of(kind: str, *, is_public: bool, is_sample: bool = False) -> Abilities:
    """What one side of a kind of place allows, whatever an account found out about itself."""
    channel = channel_of(kind)
    if channel is None:
        return Abilities(acts=frozenset({Act.LIKE, Act.SHARE})) if is_sample else MUTE
    side = channel.public if is_public else channel.private
    return side or channel.private or channel.public or MUTE


class Obstacle(StrEnum):
    """Why a reply cannot leave now."""

    MUTE = "mute"
    """The place takes none."""
    BY_LINK = "by_link"
    """It must be written there, by hand."""
    CLOSED = "closed"
    """The time in which the place lets us write is over."""
    OPTED_OUT = "opted_out"
    """The person has forbidden us to write."""


def obstacle(
    conversation: Conversation, able: Abilities, *, now: datetime, has_template: bool = False
) -> Obstacle | None:
    """What stands against a reply in this conversation at this moment, known before it is written.

    With a template one may write after the time is over, where the place has templates.
    """
    if able.by_link:
        return Obstacle.BY_LINK
    if not able.replies:
        return Obstacle.MUTE
    if able.opts_out and has_opted_out(conversation):
        return Obstacle.OPTED_OUT
    is_over = conversation.closes_at is not None and conversation.closes_at <= now
    if is_over and not (able.templates and has_template):
        return Obstacle.CLOSED
    return None


def has_opted_out(conversation: Conversation) -> bool:
    """Whether the person forbids us to write to where they last wrote from: two queries."""
    said = conversation.messages.filter(kind=Message.Kind.INCOMING).order_by("-at", "-id")
    handle = said.values_list("handle_id", flat=True).first()
    if handle is None:
        return False
    chosen = said.filter(handle_id=handle, extra__has_key="opted")
    return chosen.values_list("extra__opted", flat=True).first() == "out"


@dataclass(frozen=True, slots=True)
class Readers:
    """Where a reply goes, and who may get a copy of it."""

    to: str
    """"" where the place needs no address, or has none of this person."""
    instead_of: str = ""
    """The address they wrote from, where they asked for answers at another."""
    refused: str = ""
    """The address they asked for, where it is not believed."""
    copies: tuple[str, ...] = ()
    ticked: tuple[str, ...] = ()
    """Those of them who get it unless somebody decides otherwise."""


MOST_COPIES = 10
"""Who wrote to more people than this meant a crowd, and no circle."""


def readers_of(kind: str, able: Abilities, *, sender: str, told: Mapping[str, Any]) -> Readers:
    """Who will read a reply to a message with this `extra`, written from this address.

    Whoever stood in copy of a mail expects to stay in copy; not so the readers of a mailing list, a
    crowd, and those whom a forged mail names.
    """
    channel = channel_of(kind)
    wish, to = told.get("reply_to"), sender
    if isinstance(channel, Readdressed):
        to = channel.reader_of(Outgoing("", to=sender, text="", answered=told))
    refused = wish if isinstance(wish, str) and wish not in {to, sender} else ""
    named = told.get("cc") if able.copies else None
    others = [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
    copies = tuple(one for one in dict.fromkeys(others) if one not in {to, sender})
    trust = told.get("trust")
    is_forged = (
        isinstance(trust, Mapping)
        and bool(trust)
        and (trust.get("dmarc") == "fail" or told.get("is_proven") is False)
    )
    is_circle = not (told.get("list") or is_forged or len(copies) > MOST_COPIES)
    return Readers(
        to,
        instead_of=sender if to != sender else "",
        refused=refused,
        copies=copies,
        ticked=copies if is_circle else (),
    )


def ceiling_of(kind: str) -> timedelta | None:
    """For how long the rules of a place let us keep what was said there; None is for ever."""
    channel = channel_of(kind)
    sides = (channel.public, channel.private) if channel is not None else ()
    return min((side.keeps for side in sides if side and side.keeps), default=None)


def kept_for(inbox: Inbox) -> timedelta | None:
    """For how long this inbox keeps contents: what it is set to, and never longer than it may."""
    hours = inbox.settings.get("keep")
    wish = timedelta(hours=hours) if isinstance(hours, int) and hours > 0 else None
    return min((it for it in (wish, ceiling_of(inbox.kind)) if it), default=None)


def windows_of(kind: str, *, hours: float | None = None) -> tuple[float | None, float | None]:
    """Seconds for which we may write after the contact's last message: in public, in private.

    `hours` is what the place grants this account in private, where that is not the usual.
    """
    channel = channel_of(kind)
    if channel is None:
        return None, None
    public, private = (
        side.window.total_seconds() if side is not None and side.window is not None else None
        for side in (channel.public, channel.private)
    )
    return public, private if hours is None or private is None else hours * 3600
