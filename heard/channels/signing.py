"""Signatures as Standard Webhooks 1.0 has them, for what comes in and for what goes out.

A secret text may hold several secrets, newest first, parted by spaces: while one replaces another,
both are accepted and both sign.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime

from heard.channels.base import RefusedError

TOLERANCE_SECONDS = 300
PREFIX = "whsec_"


def new_secret() -> str:
    """A signing secret as people copy it: `whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signed(body: bytes, *, secret: str, message_id: str, at: datetime) -> dict[str, str]:
    """The three headers that prove a body to whoever shares the secret."""
    timestamp = str(int(at.timestamp()))
    content = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_mark(key, content)}" for key in _keys(secret)),
    }


def verify(body: bytes, *, headers: Mapping[str, str], secret: str, now: datetime) -> None:
    """Raise `RefusedError` unless one signature is ours and not older than five minutes.

    Header names are in lower case. Without a usable secret nothing passes.
    """
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    if not (message_id and timestamp and given):
        raise RefusedError(
            "The headers webhook-id, webhook-timestamp and webhook-signature are needed."
        )
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        raise RefusedError("The header webhook-timestamp is not a number of seconds since 1970.")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        raise RefusedError("The header webhook-timestamp is more than five minutes from our clock.")
    content = f"{message_id}.{timestamp}.".encode() + body
    marks = [_mark(key, content).encode() for key in _keys(secret)]
    for one in given.split(" ")[:10]:
        version, _, mark = one.partition(",")
        if version == "v1" and any(
            [hmac.compare_digest(mark.encode(), ours) for ours in marks]  # noqa: C419 - all, always
        ):
            return
    raise RefusedError("The signature is not made with the secret of this inbox over these bytes.")


def _mark(key: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode()


@functools.lru_cache(maxsize=1000)
def _keys(secret: str) -> tuple[bytes, ...]:
    """The keys of a secret text; what is no key signs nothing and lets nothing in."""
    keys = []
    for word in secret.split():
        try:
            key = base64.b64decode(word.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            continue
        if len(key) >= 16:
            keys.append(key)
    return tuple(keys)
