"""Every kind of place that heard speaks with. A module is loaded when somebody asks for it.

Other packages add theirs by an entry point of the group `heard.channels`, named like the kind and
pointing to a module that keeps to `base.Channel` (examples/ has one).
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
from collections.abc import Iterator
from typing import cast

from heard.channels.base import Channel

GROUP = "heard.channels"

MODULES = {
    "bluesky": "heard.channels.bluesky",
    "mastodon": "heard.channels.mastodon",
    "contact_page": "heard.channels.contact_page",
    "widget": "heard.channels.widget",
    "comment_card": "heard.channels.comment_card",
    "hook": "heard.channels.hook",
    "matrix": "heard.channels.matrix",
    "xmpp": "heard.channels.xmpp",
    "email": "heard.channels.email",
    "phone": "heard.channels.phone",
    "twilio_voice": "heard.channels.twilio_voice",
    "wordpress": "heard.channels.wordpress",
    "hackernews": "heard.channels.hackernews",
    "webmention": "heard.channels.webmention",
    "feeds": "heard.channels.feeds",
    "facebook": "heard.channels.meta.facebook",
    "messenger": "heard.channels.meta.messenger",
    "instagram": "heard.channels.meta.instagram",
    "whatsapp": "heard.channels.meta.whatsapp",
    "telegram": "heard.channels.telegram",
    "x": "heard.channels.x",
    "line": "heard.channels.line",
    "sms": "heard.channels.sms",
    "slack": "heard.channels.slack",
    "reddit": "heard.channels.reddit",
    "discord": "heard.channels.discord",
    "tiktok": "heard.channels.tiktok",
    "youtube": "heard.channels.youtube",
    "google_play": "heard.channels.google_play",
    "app_store": "heard.channels.app_store",
    "google_business": "heard.channels.google_business",
    "trustpilot": "heard.channels.trustpilot",
    "yelp": "heard.channels.yelp",
    "foursquare": "heard.channels.foursquare",
}


def kinds() -> list[str]:
    """The kinds of all channels: ours first, in our order, then those of others by name."""
    return [*MODULES, *sorted(_others().keys() - MODULES.keys())]


def channels() -> Iterator[Channel]:
    """Every channel; those of others that cannot be loaded are left out (doctor names them)."""
    for kind in kinds():
        channel = channel_of(kind)
        if channel is not None:
            yield channel


def channel_of(kind: str) -> Channel | None:
    """The channel of an inbox's kind; None for archives, which only hold history."""
    if kind in MODULES:
        return cast("Channel", importlib.import_module(MODULES[kind]))
    entry = _others().get(kind)
    if entry is None:
        return None
    try:
        return cast("Channel", entry.load())
    except Exception:  # noqa: BLE001 - somebody else's package must not stop the house
        return None


@functools.cache
def _others() -> dict[str, importlib.metadata.EntryPoint]:
    """The entry points of other packages, by kind; ours go before theirs."""
    found = importlib.metadata.entry_points(group=GROUP)
    return {entry.name: entry for entry in found if entry.name not in MODULES}
