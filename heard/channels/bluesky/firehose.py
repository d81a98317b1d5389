"""Posts that name the company, found in the stream of all posts of the network.

Two streams tell the same: the firehose itself (binary frames signed by each server, atproto.com
/specs/sync) and Jetstream (JSON, smaller). Frames without a post are passed over undecoded.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

import libipld

from heard.channels import sockets
from heard.channels.base import Account, PlaceError
from heard.channels.bluesky.posts import POST, searched_in
from heard.channels.terms import Terms

STREAMS = {
    "firehose": "wss://bsky.network/xrpc/com.atproto.sync.subscribeRepos",
    "jetstream": "wss://jetstream2.us-east.bsky.network/subscribe",
}
BATCH, MANY = 64, 500
SLICE_SECONDS = 0.25
"""So long posts are gathered before they are looked through: on a quiet stream somebody waits."""
_POST_PATH = re.compile(rb"dpath.{1,2}app\.bsky\.feed\.post/", re.DOTALL)
"""How an operation on a post begins in a frame: the key "path" (DAG-CBOR knows one spelling)."""
_ERROR = b"\xa1bop\x20"


class Seen(NamedTuple):
    """What happened to one post somewhere; `record` is None when it was deleted."""

    uri: str
    action: str
    at: str
    cid: str
    record: Any


class Found(NamedTuple):
    """A post that names us, and by what; or one that we know and that is gone (no terms)."""

    seen: Seen
    terms: tuple[str, ...]


class StreamError(Exception):
    """The stream said why it ends; the text is the name of its error."""


def in_frame(frame: bytes) -> tuple[list[Seen], int | None]:
    """The posts in one frame of the firehose, and its number. Raises `StreamError`.

    A frame that cannot be understood holds nothing: there are bad servers, and the stream goes on.
    """
    if _POST_PATH.search(frame) is None:
        if frame.startswith(_ERROR):
            raise StreamError(_error_in(frame))
        return [], None
    try:
        _, commit = libipld.decode_dag_cbor_multi(frame)
        seq, found = int(commit["seq"]), []
        for operation in commit["ops"]:
            path = operation["path"]
            if not path.startswith("app.bsky.feed.post/"):
                continue
            cid, action, record = operation["cid"], operation["action"], None
            if action != "delete":
                record = _block(commit["blocks"], cid)
                if not isinstance(record, dict):
                    continue
            uri = f"at://{commit['repo']}/{path}"
            found.append(Seen(uri, action, commit["time"], cid, record))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return [], None
    return found, seq


def in_message(message: str | bytes) -> tuple[list[Seen], int | None]:
    """The same for one message of Jetstream, whose numbers are microseconds."""
    try:
        said = json.loads(message)
        number = int(said["time_us"])
        commit = said.get("commit")
        if not commit or commit["collection"] != POST:
            return [], number
        record = commit.get("record")
        action = str(commit["operation"])
        if action != "delete" and not isinstance(record, dict):
            return [], number
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(number / 1_000_000))
        uri = f"at://{said['did']}/{POST}/{commit['rkey']}"
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError):
        return [], None
    return [Seen(uri, action, at, str(commit.get("cid") or ""), record)], number


def matched(posts: Sequence[Seen], *, terms: Terms, knows: Callable[[str], bool]) -> list[Found]:
    """Those that name us, and those gone that we know."""
    told = terms.found_in(
        ["" if post.record is None else searched_in(post.record) for post in posts]
    )
    return [
        Found(post, names)
        for post, names in zip(posts, told, strict=True)
        if names or (post.record is None and knows(post.uri))
    ]


def plain(value: Any) -> Any:
    """A decoded record as JSON would have it: content hashes are {"$link": …}."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, bytes):
        return {"$link": cid_text(value)}
    return value


def cid_text(cid: bytes | str | None) -> str:
    """A content hash as text; empty for what is none."""
    with contextlib.suppress(ValueError, TypeError):
        return libipld.encode_cid(cid) if cid else ""
    return ""


class Stream:
    """An open line to a stream; `position` is where to go on after it broke."""

    def __init__(
        self, account: Account, *, terms: Terms, position: int | None, knows: Callable[[str], bool]
    ) -> None:
        self.name = str(account.settings.get("stream") or "none")
        self.url = str(account.settings.get("stream_url") or STREAMS[self.name]).strip()
        self.position = position
        self._account, self._terms, self._knows = account, terms, knows
        self._held = contextlib.ExitStack()
        self._reads = in_frame if self.name == "firehose" else in_message

    def __enter__(self) -> Self:
        """Connect. Raises `PlaceError` and the errors of `web`."""
        asked = [("wantedCollections", POST)] if self.name == "jetstream" else []
        if self.position is not None:
            asked.append(("cursor", str(self.position)))
        url = self.url + (f"?{urlencode(asked)}" if asked else "")
        self._line = self._held.enter_context(
            sockets.opened(url, allow_private=self._account.allow_private)
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def read(self, seconds: float) -> list[Found]:
        """What comes within this time, or as soon as something is found or the line breaks.

        Raises `PlaceError` if it broke before anything came.
        """
        until = time.monotonic() + seconds
        posts: list[Seen] = []
        found: list[Found] = []
        try:
            while not found and (left := until - time.monotonic()) > 0:
                for frame in sockets.frames(self._line, seconds=min(SLICE_SECONDS, left)):
                    seen, number = self._reads(frame)
                    posts += seen
                    if len(posts) >= BATCH:
                        found += self._matched(posts)
                        posts.clear()
                    if number is not None:
                        self.position = number
                    if len(found) >= MANY:
                        break
                found += self._matched(posts)
                posts.clear()
        except StreamError as error:
            if str(error) != "FutureCursor":
                raise PlaceError(f"The stream ended ({error}).") from None
            self.position = None  # the place has begun its stream anew, and so do we
            self.__exit__()
            self.__enter__()
        except PlaceError:
            if not posts and not found:
                raise
        return found + self._matched(posts)

    def _matched(self, posts: Sequence[Seen]) -> list[Found]:
        return matched(posts, terms=self._terms, knows=self._knows) if posts else []


def _block(archive: bytes, cid: bytes) -> Any:
    """The one block of a CAR that has this name; the tree around it is not decoded.

    A CAR is a header and blocks, each after its length as a varint (ipld.io/specs/transport/car).
    """
    at, end = 0, len(archive)
    while at < end:
        size = archive[at]
        at += 1
        if size > 0x7F:
            size, shift = size & 0x7F, 7
            while (byte := archive[at]) > 0x7F:
                size |= (byte & 0x7F) << shift
                at, shift = at + 1, shift + 7
            size |= byte << shift
            at += 1
        if archive.startswith(cid, at):
            return libipld.decode_dag_cbor(archive[at + len(cid) : at + size])
        at += size
    return None


def _error_in(frame: bytes) -> str:
    try:
        return str(libipld.decode_dag_cbor_multi(frame)[1].get("error") or "no reason given")
    except (ValueError, LookupError, AttributeError):
        return "no reason given"
