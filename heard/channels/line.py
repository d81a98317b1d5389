"""LINE: what people write to an official account, alone, in groups and in rooms.

The person must have added the account. Answers are sent with a retry key, so that trying again
says nothing twice. https://developers.line.biz/en/reference/messaging-api/
"""

from __future__ import annotations

import base64
import hmac
import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from heard.channels import asking, lengths, payloads, web
from heard.channels.asking import NO_BODY, Body, Trouble, failed
from heard.channels.base import (
    Abilities,
    Account,
    Checked,
    Deleted,
    Delivered,
    Edited,
    File,
    Greeting,
    Heard,
    Incoming,
    Outgoing,
    PlaceError,
    Quota,
    Receipt,
    RefusedError,
    Setting,
    Unit,
)

kind = "line"
title = "LINE"
settings = (
    Setting(
        "channel_secret",
        "Channel secret",
        help="LINE Developers Console → your Messaging API channel → Basic settings.",
        is_secret=True,
    ),
    Setting(
        "token",
        "Channel access token (long-lived)",
        help="The same channel → Messaging API → Issue.",
        is_secret=True,
    ),
)
LENGTH = 5000
public = None
private = Abilities(length=LENGTH, unit=Unit.UTF16)
has_own_secret = False
heeds = ("x-line-signature", "content-type")

API, DATA = "https://api.line.me", "https://api-data.line.me"
JAPAN = timezone(timedelta(hours=9))
"""LINE's months begin in Japan."""
QUIET = frozenset(
    {"follow", "unfollow", "join", "leave", "memberJoined", "memberLeft", "beacon", "accountLink"}
    | {"videoPlayComplete", "membership", "module", "activated", "deactivated", "botSuspended"}
    | {"botResumed", "delivery"}
)
"""Events that say nothing a person would answer."""
MEDIA = {
    "image": ("picture.jpg", "image/jpeg"),
    "video": ("video.mp4", "video/mp4"),
    "audio": ("sound.m4a", "audio/mp4"),
    "file": ("file", "application/octet-stream"),
}


def authenticate(delivered: Delivered, account: Account) -> None:
    """Let in what is signed with the channel secret over the raw body; else `RefusedError`."""
    secret = account.secrets.get("channel_secret", "")
    given = delivered.headers.get("x-line-signature", "")
    if not secret or not given:
        raise RefusedError("The header x-line-signature is missing.")
    ours = base64.b64encode(hmac.digest(secret.encode(), delivered.body, "sha256"))
    if not hmac.compare_digest(given.encode(), ours):
        raise RefusedError("The signature is not made with the channel secret over these bytes.")


def confirm(delivered: Delivered, account: Account) -> Greeting:  # noqa: ARG001
    """LINE takes nothing but 200 for an answer, and delivers again after all else."""
    return Greeting(b"OK")


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:  # noqa: ARG001
    """What the events of a delivery say; LINE's own trial of the address has none."""
    said = payloads.read(delivered.body)

    def understood(event: Any) -> Iterator[Heard]:
        return _event(event, heard_at=delivered.at)

    yield from payloads.each(said.get("events"), where="events", understood=understood)


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Write to the person, group or room. What LINE has taken before, it takes once."""
    if lengths.length(outgoing.text, Unit.UTF16) > LENGTH:
        return failed(f"The text is longer than {LENGTH} characters.", is_final=True)
    message = {"type": "text", "text": outgoing.text}
    if token := outgoing.answered.get("quote_token"):
        message["quoteToken"] = str(token)
    key = str(uuid.uuid5(uuid.NAMESPACE_OID, outgoing.idempotency_key))

    def judged(answer: web.Answer) -> Trouble | None:
        return None if answer.status == 409 else judge(answer)

    return asking.handed(
        "POST",
        f"{_api(account)}/v2/bot/message/push",
        account=account,
        judge=judged,
        named=lambda said: said["sentMessages"][0]["id"],
        headers={**_headers(account), "x-line-retry-key": key},
        body=asking.as_json({"to": outgoing.root or outgoing.to, "messages": [message]}),
    )


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """Yes: LINE sees the retry key, for 24 hours."""
    return True


def fetch(source: str, account: Account) -> bytes:
    """The bytes of a message that is a file; LINE keeps them for a while only."""
    if source.startswith(("https://", "http://")):  # where another service keeps it
        headers, url = {}, source
    else:
        headers, url = _headers(account), f"{_data(account)}/v2/bot/message/{source}/content"
    return asking.wanted(
        "GET",
        url,
        account=account,
        judge=asking.plainly,
        headers=headers,
        limit_bytes=100 * 1024 * 1024,
        timeout_seconds=60,
    ).body


def check(account: Account) -> Checked:
    """Whose account it is, whether LINE delivers here, and what is left of the month's messages."""
    bot = _asked("GET", "v2/bot/info", account)
    warnings: list[str] = []
    try:
        _delivering(account, warnings)
    except PlaceError as error:
        warnings.append(f"The address of the inbox could not be given to LINE: {error}")
    name = f"{bot.get('displayName') or ''} {bot.get('basicId') or ''}".strip()
    return Checked(name, warnings=tuple(warnings), quota=_quota(account))


def judge(answer: web.Answer) -> Trouble | None:
    """What an answer of the Messaging API means."""
    if answer.is_good:
        return None
    try:
        words = str(json.loads(answer.body).get("message") or "")
    except (ValueError, AttributeError, RecursionError):
        words = ""
    quoted = f": “{' '.join(words.split())[:160]}”" if words else ""
    if answer.status == 401:
        return Trouble(
            f"LINE no longer knows the access token: issue a new one and put it in{quoted}.",
            is_final=True,
            needs_person=True,
        )
    if answer.status == 429 and "monthly limit" in words.lower():
        return Trouble(
            "The month's messages of this LINE account are used up: change its plan, or answer in"
            " LINE's own manager.",
            is_final=True,
            needs_person=True,
        )
    if answer.status >= 500:
        # LINE says itself that such a message may have arrived; the retry key settles it.
        return Trouble(f"LINE has trouble of its own{quoted}.", is_unknown=True)
    return asking.plainly(answer)


def _event(event: Any, *, heard_at: datetime) -> Iterator[Heard]:
    what = event["type"]
    if what in QUIET:
        return
    at = payloads.at(event["timestamp"], heard_at=heard_at)
    if what == "unsend":
        yield Deleted(payloads.name_of(event["unsend"]["messageId"], "messageId"), at)
        return
    if what == "messageEdited":
        message = event["message"]
        yield Edited(payloads.name_of(message["id"]), at, _words(message))
        return
    sender, root = _who(event["source"])
    if what == "postback":
        data = payloads.words(event["postback"].get("data"))
        yield Incoming(
            external_id=payloads.name_of(event["webhookEventId"], "webhookEventId"),
            at=at,
            text=data or "(A button was pressed.)",
            sender=sender,
            root=root,
            extra={"pressed": data},
        )
        return
    if what != "message":
        raise ValueError("an event of a kind that is not known here")
    message = event["message"]
    files = tuple(_files(message))
    extra: dict[str, Any] = {}
    if root != sender and message.get("quoteToken"):
        extra["quote_token"] = str(message["quoteToken"])
    yield Incoming(
        external_id=payloads.name_of(message["id"]),
        at=at,
        text=_words(message) or ("" if files else "(A kind of message that only the app shows.)"),
        sender=sender,
        root=root,
        parent=str(message.get("quotedMessageId") or ""),
        files=files,
        extra=extra,
    )


def _who(source: Mapping[str, Any]) -> tuple[str, str]:
    """Who wrote, and where: the person alone, a group or a room."""
    place = source.get("groupId") or source.get("roomId") or source["userId"]
    root = payloads.name_of(place, "source")
    return payloads.name_of(source.get("userId") or f"unnamed/{root}"[:300], "userId"), root


def _words(message: Mapping[str, Any]) -> str:
    what = message["type"]
    if what == "text":
        return payloads.words(message.get("text"))
    if what == "location":
        names = (payloads.words(message.get(part)) for part in ("title", "address"))
        point = f"geo:{message['latitude']},{message['longitude']}"
        return "\n".join(part for part in (*names, point) if part)
    if what == "sticker":
        words = message.get("keywords")
        named = ", ".join(payloads.words(one) for one in words[:3]) if words else ""
        return payloads.words(message.get("text")) or f"(Sticker: {named or 'without words'})"
    return ""


def _files(message: Mapping[str, Any]) -> Iterator[File]:
    if message["type"] not in MEDIA:
        return
    name, content_type = MEDIA[message["type"]]
    keeper = message.get("contentProvider") or {}
    source = keeper.get("originalContentUrl") if keeper.get("type") == "external" else None
    yield File(
        payloads.words(message.get("fileName"))[:200] or name,
        content_type,
        b"",
        source=str(source or payloads.name_of(message["id"])),
    )


def _api(account: Account) -> str:
    return str(account.settings.get("api_url") or API).rstrip("/")


def _data(account: Account) -> str:
    return str(account.settings.get("api_url") or DATA).rstrip("/")


def _headers(account: Account) -> dict[str, str]:
    return {"authorization": f"Bearer {account.secrets.get('token', '')}"}


def _asked(method: str, path: str, account: Account, body: Body = NO_BODY) -> Any:
    return asking.wanted(
        method,
        f"{_api(account)}/{path}",
        account=account,
        judge=judge,
        headers=_headers(account),
        body=body,
    ).json()


def _delivering(account: Account, warnings: list[str]) -> None:
    """Give LINE the inbox's address where it has none; say what else stands in the way."""
    path = "v2/bot/channel/webhook/endpoint"
    try:
        now = _asked("GET", path, account)
    except PlaceError as error:
        if error.needs_person:
            raise
        now = {}  # LINE answers 404 while no address is set
    if not now.get("endpoint"):
        _asked("PUT", path, account, asking.as_json({"endpoint": account.hook}))
        warnings.append("Switch on “Use webhook” in the LINE Developers Console (Messaging API).")
    elif now["endpoint"] != account.hook:
        warnings.append("LINE delivers to another address: change it in the console to this one.")
    elif now.get("active") is False:
        warnings.append("Switch on “Use webhook” in the LINE Developers Console (Messaging API).")


def _quota(account: Account) -> Quota | None:
    """What is left of the month's messages; None where the plan has no limit or LINE is silent."""
    try:
        limit = _asked("GET", "v2/bot/message/quota", account)
        used = _asked("GET", "v2/bot/message/quota/consumption", account)
        of, spent = int(limit["value"]), int(used["totalUsage"])
    except (PlaceError, KeyError, TypeError, ValueError):
        return None
    later = datetime.now(JAPAN).replace(day=1) + timedelta(days=32)
    month = later.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Quota(max(0, of - spent), of, month.astimezone(UTC))
