"""Every kind of place that heard speaks with."""

from __future__ import annotations

from heard.channels import contact_page, hook
from heard.channels.base import Channel

CHANNELS: tuple[Channel, ...] = (contact_page, hook)

_by_kind = {channel.kind: channel for channel in CHANNELS}


def channel_of(kind: str) -> Channel | None:
    """The channel of an inbox's kind; None for archives, which only hold history."""
    return _by_kind.get(kind)
