"""What a place lets us do to a conversation, known before anybody writes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from heard.channels.base import Abilities, Act
from heard.channels.registry import channel_of
from heard.conversations.models import Conversation, Inbox

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
    is_over = conversation.closes_at is not None and conversation.closes_at <= now
    if is_over and not (able.templates and has_template):
        return Obstacle.CLOSED
    return None


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
