"""TikTok: messages to a business account. After the person's last message 48 hours are open.

Built to what TikTok's Business Messaging API is seen to do; TikTok grants it by application.
https://business-api.tiktok.com/portal/docs
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from heard.channels import asking, payloads, web
from heard.channels.asking import NO_BODY, Body, Trouble, failed
from heard.channels.base import (
    Abilities,
    Account,
    Checked,
    Delivered,
    File,
    Greeting,
    Heard,
    Incoming,
    Kind,
    Outgoing,
    PlaceError,
    Receipt,
    RefusedError,
    SetAside,
    Setting,
)
from heard.channels.dates import moment

kind = "tiktok"
title = "TikTok"
settings = (
    Setting(
        "business_id",
        "Business account id",
        help="The open id that TikTok answers when the account is connected to your app.",
    ),
    Setting("client_key", "App id", help="TikTok for Business → your app → App id."),
    Setting(
        "client_secret",
        "App secret",
        help="Beside the app id. It also proves that a delivery comes from TikTok.",
        is_secret=True,
    ),
    Setting("access_token", "Access token", help="Good for a day; renewed.", is_secret=True),
    Setting(
        "refresh_token",
        "Refresh token",
        help="Comes with the access token; by it heard asks for new ones.",
        is_secret=True,
    ),
)
LENGTH = 950
public = None
private = Abilities(length=LENGTH, window=timedelta(hours=48))
has_own_secret = False
heeds = ("tiktok-signature", "content-type")

API = "https://business-api.tiktok.com"
PATH = "open_api/v1.3"
TOLERANCE_SECONDS = 300
TOO_MANY = frozenset({40016, 40100, 40132, 40133})
SESSION_ENDED = frozenset({40102, 40104, 40105, 40110})
NO_RIGHT = frozenset({40001})
QUIET = frozenset({"im_mark_read_msg", "tiktok.ping", "im_referral_msg"})
"""Reading is told by time and not by message; the rest says nothing a person would answer."""


def authenticate(delivered: Delivered, account: Account) -> None:
    """Let in what is signed with the app secret over time and raw body, within five minutes."""
    secret = account.secrets.get("client_secret", "")
    given = delivered.headers.get("tiktok-signature", "")
    if not secret or not given:
        raise RefusedError("The header tiktok-signature is missing.")
    parts = dict(part.strip().partition("=")[::2] for part in given.split(",")[:10])
    signed_at, mark = parts.get("t", ""), parts.get("s", "")
    if not (signed_at.isascii() and signed_at.isdigit() and len(signed_at) < 12 and mark):
        raise RefusedError("The header tiktok-signature is not t=…,s=….")
    if abs(delivered.at.timestamp() - int(signed_at)) > TOLERANCE_SECONDS:
        raise RefusedError("The signature is more than five minutes from our clock.")
    content = f"{signed_at}.".encode() + delivered.body
    ours = hmac.digest(secret.encode(), content, "sha256").hex()
    if not hmac.compare_digest(mark.encode(), ours.encode()):
        raise RefusedError("The signature is not made with the app secret over these bytes.")


def confirm(delivered: Delivered, account: Account) -> Greeting:  # noqa: ARG001
    """TikTok takes nothing but 200 for an answer, and delivers again after all else."""
    return Greeting(b"OK")


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:
    """The message of a delivery; what belongs to another account is set aside."""
    said = payloads.read(delivered.body)
    ours = str(account.settings.get("business_id") or "")

    def understood(one: Any) -> Iterator[Heard]:
        return _event(one, ours=ours, heard_at=delivered.at)

    yield from payloads.each([said], where="event", understood=understood)


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Write into the conversation; a token that has ended is renewed first."""
    if len(outgoing.text) > LENGTH:
        return failed(f"The text is longer than {LENGTH} characters.", is_final=True)
    try:
        account = _fresh(account)
    except PlaceError as error:
        return failed(str(error), is_final=error.needs_person)
    message = {
        "business_id": account.settings.get("business_id"),
        "recipient_type": "CONVERSATION",
        "recipient": outgoing.root,
        "message_type": "TEXT",
        "text": {"body": outgoing.text},
    }
    return asking.handed(
        "POST",
        _url("business/message/send/", account),
        account=account,
        judge=judge,
        named=lambda said: said["data"]["message"]["message_id"],
        headers=_headers(account),
        body=asking.as_json(message),
    )


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """No: TikTok knows no key by which it would see the repetition."""
    return False


def fetch(source: str, account: Account) -> bytes:
    """The bytes of a picture; `source` names conversation, message and medium."""
    try:
        conversation, message, media = json.loads(source)
    except (ValueError, TypeError):
        raise PlaceError("This is no file of TikTok.", needs_person=True) from None
    account = _fresh(account)
    wanted = {
        "business_id": account.settings.get("business_id"),
        "conversation_id": conversation,
        "message_id": message,
        "media_id": media,
        "media_type": "IMAGE",
    }
    path = "business/message/media/download/"
    found = _asked("POST", path, account, body=asking.as_json(wanted))
    url = found.get("download_url")
    if not isinstance(url, str):
        raise PlaceError("TikTok no longer has this file.")
    return asking.wanted(
        "GET",
        url,
        account=account,
        judge=asking.plainly,
        limit_bytes=50 * 1024 * 1024,
        timeout_seconds=60,
    ).body


def check(account: Account) -> Checked:
    """Whose account it is, that TikTok delivers here, and until when the token is good."""
    account = _fresh(account)
    business = str(account.settings.get("business_id") or "")
    found = _asked(
        "GET",
        "business/get/",
        account,
        params={"business_id": business, "fields": '["username","display_name"]'},
    )
    warnings: list[str] = []
    try:
        _delivering(account, warnings)
    except PlaceError as error:
        warnings.append(f"The address of the inbox could not be given to TikTok: {error}")
    name = str(found.get("username") or found.get("display_name") or business)
    return Checked(
        f"@{name}", warnings=tuple(warnings), expires_at=moment(account.secrets.get("ends_at", ""))
    )


def judge(answer: web.Answer) -> Trouble | None:
    """What an answer means: TikTok tells it by a code in the body, mostly with status 200."""
    try:
        said = json.loads(answer.body)
        code, words = said.get("code"), str(said.get("message") or "")
    except (ValueError, AttributeError, RecursionError):
        code, words = None, ""
    quoted = f": “{' '.join(words.split())[:160]}”" if words else ""
    if answer.status == 429 or code in TOO_MANY:
        wish = answer.retry_after_seconds(now=datetime.now(UTC))
        return Trouble(f"TikTok asks us to slow down{quoted}.", retry_after_seconds=wish or 60)
    if answer.is_good and code == 0:
        return None
    if code in SESSION_ENDED or answer.status == 401:
        return Trouble(
            f"TikTok no longer knows the token: connect the account again{quoted}.",
            is_final=True,
            needs_person=True,
        )
    if code in NO_RIGHT or answer.status == 403:
        return Trouble(
            f"TikTok has not given the app the right to do this{quoted}.",
            is_final=True,
            needs_person=True,
        )
    if isinstance(code, int) and 50000 <= code < 60000:
        return Trouble(f"TikTok has trouble of its own{quoted}.")
    if not answer.is_good and code is None:
        return asking.plainly(answer)
    return Trouble(f"TikTok refused it ({code}{quoted}).", is_final=True)


def _event(event: Any, *, ours: str, heard_at: datetime) -> Iterator[Heard]:
    what = event["event"]
    if what in QUIET:
        return
    whose = payloads.name_of(event["user_openid"], "user_openid")
    if whose != ours:
        reason = f"This belongs to another account ({whose}); this inbox hears only {ours}."
        yield SetAside(where=f"account {whose}", reason=reason)
        return
    if what not in {"im_receive_msg", "im_send_msg"}:
        raise ValueError(f"events of the kind “{str(what)[:60]}” are not known here")
    content = event["content"]
    message = json.loads(content) if isinstance(content, str) else content
    which = Kind.REPLY if what == "im_send_msg" else Kind.INCOMING
    sender = payloads.name_of(message["from_user"]["id"], "from_user.id")
    other = (message.get("to_user") or {}).get("id") if which is Kind.REPLY else None
    files = tuple(_files(message))
    about = message.get("referenced_message_info") or {}
    yield Incoming(
        external_id=payloads.name_of(message["message_id"], "message_id"),
        at=payloads.at(message["timestamp"], heard_at=heard_at),
        text=_words(message) or ("" if files else "(A kind of message that only the app shows.)"),
        sender=sender,
        kind=which,
        sender_name=payloads.words(message.get("from")),
        root=payloads.name_of(message["conversation_id"], "conversation_id"),
        parent=str(about.get("referenced_message_id") or ""),
        to=str(other or ""),
        files=files,
        extra={"follows": True} if message.get("is_follower") is True else {},
    )


def _words(message: Mapping[str, Any]) -> str:
    what = message.get("type")
    if what == "text":
        return payloads.words(message["text"].get("body"))
    if what == "share_post":
        post = message["share_post"]
        return payloads.words(post.get("embed_url")) or payloads.words(post.get("video_id"))
    return ""


def _files(message: Mapping[str, Any]) -> Iterator[File]:
    if message.get("type") == "image":
        names = (message["conversation_id"], message["message_id"], message["image"]["media_id"])
        source = json.dumps([payloads.name_of(name) for name in names])
        yield File("picture.jpg", "image/jpeg", b"", source=source)


def _fresh(account: Account) -> Account:
    """The account with a token that is good: renewed where we know that it has ended.

    Raises `PlaceError`.
    """
    ends_at = moment(account.secrets.get("ends_at", ""))
    now = datetime.now(UTC)
    if ends_at is not None and now < ends_at - timedelta(minutes=10):
        return account
    if ends_at is None and account.renew is None:
        return account
    if not account.secrets.get("refresh_token"):
        return account
    asked = {
        "client_id": account.settings.get("client_key"),
        "client_secret": account.secrets.get("client_secret"),
        "grant_type": "refresh_token",
        "refresh_token": account.secrets["refresh_token"],
    }
    path = "tt_user/oauth2/refresh_token/"
    found = _asked("POST", path, account, body=asking.as_json(asked))
    try:
        ends_at = now + timedelta(seconds=int(found["expires_in"]))
        fresh = {
            "access_token": str(found["access_token"]),
            "refresh_token": str(found.get("refresh_token") or account.secrets["refresh_token"]),
            "ends_at": ends_at.isoformat(),
        }
    except (KeyError, TypeError, ValueError):
        raise PlaceError("TikTok did not hand out a new token.") from None
    if account.renew is not None:
        account.renew(fresh)
    return replace(account, secrets={**account.secrets, **fresh})


def _url(path: str, account: Account) -> str:
    return f"{str(account.settings.get('api_url') or API).rstrip('/')}/{PATH}/{path}"


def _headers(account: Account) -> dict[str, str]:
    return {"access-token": account.secrets.get("access_token", "")}


def _asked(
    method: str,
    path: str,
    account: Account,
    *,
    params: Mapping[str, str] | None = None,
    body: Body = NO_BODY,
) -> dict[str, Any]:
    said = asking.wanted(
        method,
        _url(path, account),
        account=account,
        judge=judge,
        headers=_headers(account),
        params=params,
        body=body,
    ).json()
    data = said.get("data")
    return data if isinstance(data, dict) else {}


def _delivering(account: Account, warnings: list[str]) -> None:
    """Give TikTok the inbox's address where the app has none; an app has one for all accounts."""
    own = {
        "app_id": str(account.settings.get("client_key") or ""),
        "secret": account.secrets.get("client_secret", ""),
    }
    about = {**own, "event_type": "DIRECT_MESSAGE"}
    found = _asked("GET", "business/webhook/list/", account, params=about)
    address = found.get("callback_url")
    if not address:
        body = asking.as_json({**about, "callback_url": account.hook})
        _asked("POST", "business/webhook/update/", account, body=body)
    elif address != account.hook:
        warnings.append("TikTok delivers to another address: an app has one for all its accounts.")
