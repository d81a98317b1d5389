"""How Meta delivers: a handshake by GET, then signed JSON with one entry for each account.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from heard.channels import payloads
from heard.channels.base import (
    Account,
    Delivered,
    Greeting,
    Heard,
    NotUnderstoodError,
    RefusedError,
    SetAside,
    Setting,
)

HEEDS = ("x-hub-signature-256", "content-type")

APP_SECRET = Setting(
    "app_secret",
    "App secret",
    help="In the Meta app dashboard: App settings → Basic → App secret → Show. It proves that a"
    " delivery comes from Meta.",
    is_secret=True,
)
VERIFY_TOKEN = Setting(
    "verify_token",
    "Verify token",
    help="Any long word of your own. Type the same word beside the callback address at Meta.",
    is_secret=True,
)


def greet(delivered: Delivered, account: Account) -> Greeting | None:
    """The challenge back to Meta, for whoever knows the verify token; None for deliveries."""
    if delivered.method != "GET":
        return None
    asked = parse_qs(urlsplit(delivered.url).query)
    if asked.get("hub.mode") != ["subscribe"]:
        raise RefusedError("This address takes deliveries of Meta, and its handshake.")
    wanted = account.secrets.get("verify_token", "")
    given = asked.get("hub.verify_token", [""])[0]
    if not wanted or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise RefusedError("The verify token is not the one of this inbox.")
    return Greeting(body=asked.get("hub.challenge", [""])[0].encode())


def authenticate(delivered: Delivered, account: Account) -> None:
    """Let in what is signed with the app secret over the raw body; else `RefusedError`."""
    secret = account.secrets.get("app_secret", "")
    if not secret:
        raise RefusedError("This inbox has no app secret: nothing can be proven.")
    given = delivered.headers.get("x-hub-signature-256", "")
    if not given:
        raise RefusedError("The header x-hub-signature-256 is missing.")
    ours = "sha256=" + hmac.digest(secret.encode(), delivered.body, "sha256").hex()
    if not hmac.compare_digest(given.encode(), ours.encode()):
        raise RefusedError("The signature is not made with the app secret over these bytes.")


def confirm(delivered: Delivered, account: Account) -> Greeting:  # noqa: ARG001
    """Meta takes nothing but 200 for an answer, and delivers again after all else."""
    return Greeting(b"EVENT_RECEIVED")


def entries(
    delivered: Delivered,
    *,
    what: str,
    ours: str,
    whose: str,
    understood: Callable[[dict[str, Any]], Iterable[Heard]],
) -> Iterator[Heard]:
    """What the entries of our account say; those of other accounts are set aside.

    `what` is Meta's name for this sort of account, `whose` ours for people. Raises
    `NotUnderstoodError` when the delivery is about something else.
    """
    said = payloads.read(delivered.body)
    if said.get("object") != what:
        raise NotUnderstoodError(
            f"This is about {str(said.get('object'))[:60]!r}; this inbox hears {what!r}."
        )

    def ours_only(entry: Any) -> Iterable[Heard]:
        name = payloads.name_of(entry["id"], "entry.id")
        if name == ours:
            yield from understood(entry)
        else:
            yield SetAside(
                where=f"entry of {name}",
                reason=f"This belongs to another {whose} ({name}); this inbox hears only {ours}.",
            )

    if not isinstance(said.get("entry"), list):
        raise NotUnderstoodError("“entry” is not a list.")
    yield from payloads.each(said["entry"], where="entry", understood=ours_only)
