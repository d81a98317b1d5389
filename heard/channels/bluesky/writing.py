"""Records that we write at Bluesky, and the names under which a second try finds the first.

A record's name is made from what it is for, so writing it twice is writing it once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from heard.channels.base import Outgoing
from heard.channels.bluesky.posts import POST, key_of

SIGNS = "234567abcdefghijklmnopqrstuvwxyz"
FALLBACK_MICROSECONDS = 1_700_000_000_000_000
_LINK = re.compile(rb"https?://[^\s<>\"]+")
_MENTION = re.compile(
    rb"(?<![\w@./-])@((?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]{2,})"
)
_TAG = re.compile("(?<![\\w#/&])#((?=\\w*[^\\W\\d_])\\w{1,64})")


def tid(microseconds: int, *, clock: int) -> str:
    """A record key of the kind that Bluesky sorts by time (atproto.com/specs/tid)."""
    number = ((microseconds & (2**53 - 1)) << 10) | (clock & 1023)
    return "".join(SIGNS[(number >> shift) & 31] for shift in range(60, -1, -5))


def moment_of(key: str) -> int | None:
    """The microseconds in a key of that kind; None if it is another."""
    if len(key) != 13 or any(sign not in SIGNS for sign in key):
        return None
    number = 0
    for sign in key:
        number = number * 32 + SIGNS.index(sign)
    return number >> 10


def key_for(outgoing: Outgoing) -> tuple[str, datetime]:
    """The name of a reply's record, and when it says that it was written: the same at every try."""
    chance = int.from_bytes(hashlib.sha256(outgoing.idempotency_key.encode()).digest()[:8])
    if outgoing.at is None:
        microseconds = FALLBACK_MICROSECONDS + chance % 10**13
    else:
        microseconds = int(outgoing.at.timestamp() * 1000) * 1000 + chance % 1000
    at = datetime.fromtimestamp(microseconds / 1_000_000, UTC)
    return tid(microseconds, clock=chance >> 16), outgoing.at or at


def key_about(subject: str) -> str:
    """The name of our one like, or our one repost, of a post: it sorts with the post itself."""
    chance = int.from_bytes(hashlib.sha256(subject.encode()).digest()[:2])
    return tid(moment_of(key_of(subject)) or FALLBACK_MICROSECONDS, clock=chance)


def post(
    text: str,
    *,
    at: datetime,
    root: Mapping[str, str],
    parent: Mapping[str, str],
    images: list[dict[str, Any]],
    did_of: Callable[[str], str],
) -> dict[str, Any]:
    """The record of a reply. `did_of` tells whom a handle names, "" if nobody."""
    record: dict[str, Any] = {
        "$type": POST,
        "text": text,
        "createdAt": stamp(at),
        "reply": {"root": dict(root), "parent": dict(parent)},
    }
    if found := list(facets(text, did_of=did_of)):
        record["facets"] = found
    if images:
        record["embed"] = {"$type": "app.bsky.embed.images", "images": images}
    return record


def stamp(at: datetime) -> str:
    """A moment as records write it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def facets(text: str, *, did_of: Callable[[str], str]) -> Iterator[dict[str, Any]]:
    """Links, mentions and hashtags of a text, by the bytes at which they stand."""
    raw = text.encode()
    taken: list[tuple[int, int]] = []
    for match in _LINK.finditer(raw):
        link = _without_end(match[0])
        taken.append((match.start(), match.start() + len(link)))
        yield _facet(*taken[-1], "link", uri=link.decode(errors="replace"))
    for match in _MENTION.finditer(raw):
        is_free = not any(start <= match.start() < end for start, end in taken)
        if is_free and (did := did_of(match[1].decode().lower())):
            yield _facet(match.start(), match.end(), "mention", did=did)
    for tag in _TAG.finditer(text):
        start = len(text[: tag.start()].encode())
        if not any(first <= start < end for first, end in taken):
            yield _facet(start, start + len(tag[0].encode()), "tag", tag=tag[1])


def _facet(start: int, end: int, kind: str, **told: str) -> dict[str, Any]:
    return {
        "index": {"byteStart": start, "byteEnd": end},
        "features": [{"$type": f"app.bsky.richtext.facet#{kind}", **told}],
    }


def _without_end(link: bytes) -> bytes:
    """The link without the signs of the sentence around it."""
    link = link.rstrip(b".,;:!?'")
    if link.endswith(b")") and b"(" not in link:
        link = link[:-1]
    return link
