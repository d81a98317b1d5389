"""The vendors that `test_vendor_contract` goes through. A row is all that a kind must add.

Its payloads are in `payloads/<kind>/`, written after the vendor's documents. Ids, tokens and words
in them are made up. Every JSON file there is parsed twice, shaken and cut by the contract test.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from heard.channels.base import Account, Delivered, Outgoing
from tests.channels.place import Place

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PAYLOADS = Path(__file__).parent / "payloads"
SECRET = "made-up-secret-of-the-app"

Sign = Callable[[bytes, datetime], Mapping[str, str]]
"""The headers that prove a body, signed at that moment."""


@dataclass(frozen=True)
class Said:
    """An answer of the place."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Vendor:
    """One kind. What is None the vendor does not have, and its tests are left out.

    `message` brings the incoming message `heard_as`; `edited` and `deleted` name it too, or the one
    in `changed_as` and `deleted_as`. `echo` brings our own reply under the id `sent_as` that
    sending it had answered with `taken`.
    """

    kind: str
    settings: Mapping[str, Any]
    secrets: Mapping[str, str]
    heard_as: str
    reply: Outgoing
    call: str
    taken: Any
    sent_as: str
    expired: Said
    checks: str
    known: Any
    """What the place answers to `checks` when it lets us in as `account_name`."""
    account_name: str
    sign: Sign | None = None
    proof: str = ""
    """The header with the signature."""
    is_over_bytes: bool = True
    is_dated: bool = False
    """Whether the signature covers a time, so that an old delivery can be refused."""
    secret: str = ""
    message: str = "message.json"
    edited: str | None = None
    deleted: str | None = None
    changed_as: str = ""
    deleted_as: str = ""
    echo: str | None = None
    limited: Said = Said(429, {"error": {"message": "slow"}}, {"retry-after": "17"})
    wait_seconds: int = 17
    before: Mapping[str, Any] = field(default_factory=dict)
    """What the place answers to calls that go before, such as for a token."""

    def prepares(self, place: Place) -> None:
        """Let the place answer what is asked before anything is handed over."""
        for call, body in self.before.items():
            place.answers(call, body)

    def account(self, **settings: Any) -> Account:
        return Account(
            name="Shop",
            settings={**self.settings, **settings},
            secret=self.secret,
            secrets=self.secrets,
            hook="https://care.example/hooks/x/",
            allow_private=True,
        )

    def payloads(self) -> list[Path]:
        return sorted((PAYLOADS / self.kind).glob("*.json"))

    def body(self, name: str) -> bytes:
        return (PAYLOADS / self.kind / name).read_bytes()


def delivered(
    body: bytes, *, headers: Mapping[str, str] | None = None, at: datetime = NOW
) -> Delivered:
    return Delivered(body, dict(headers or {}), at, url="https://care.example/hooks/x/")


def meta(body: bytes, at: datetime) -> Mapping[str, str]:
    mark = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {"x-hub-signature-256": f"sha256={mark}"}


def in_base64(header: str, prefix: str = "") -> Sign:
    def sign(body: bytes, at: datetime) -> Mapping[str, str]:
        mark = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
        return {header: prefix + base64.b64encode(mark).decode()}

    return sign


def soon(text: str = "We are looking into it.", **more: Any) -> Outgoing:
    return Outgoing(idempotency_key="8f3c6f0e-6a1b-4a7c-9b59-1f1f5d2c7a01", text=text, **more)


META_SECRETS = {"token": "tok", "app_secret": SECRET, "verify_token": "handshake"}
META_EXPIRED = Said(
    401,
    {
        "error": {
            "message": "Error validating access token: Session has expired",
            "type": "OAuthException",
            "code": 190,
            "error_subcode": 463,
        }
    },
)
META_LIMITED = Said(
    400,
    {"error": {"message": "(#4) Application request limit reached", "code": 4}},
    {"retry-after": "17"},
)


def pem(key: Any) -> str:
    content: bytes = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return content.decode()


GOOGLE_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
GOOGLE_FILE = {
    "type": "service_account",
    "private_key_id": "kid1",
    "private_key": pem(GOOGLE_KEY),
    "client_email": "heard@made-up.iam.gserviceaccount.com",
}
APPLE_KEY = ec.generate_private_key(ec.SECP256R1())
GOOGLE_LIMITED = Said(
    429,
    {"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}},
    {"retry-after": "17"},
)
GOOGLE_EXPIRED = Said(
    401,
    {"error": {"code": 401, "message": "Invalid Credentials", "status": "UNAUTHENTICATED"}},
)


def tiktok(body: bytes, at: datetime) -> Mapping[str, str]:
    seconds = int(at.timestamp())
    content = f"{seconds}.".encode() + body
    mark = hmac.new(SECRET.encode(), content, hashlib.sha256).hexdigest()
    return {"tiktok-signature": f"t={seconds},s={mark}"}


def trustpilot(body: bytes, at: datetime) -> Mapping[str, str]:
    return {"authorization": f"Basic {base64.b64encode(f'heard:{SECRET}'.encode()).decode()}"}


def telegram(body: bytes, at: datetime) -> Mapping[str, str]:
    mark = hmac.new(b"5550:made-up", b"heard delivers", hashlib.sha256).hexdigest()
    return {"x-telegram-bot-api-secret-token": mark}


BAKERY = "accounts/1/locations/2"
PLAY = "/androidpublisher/v3/applications/com.example.shop/reviews"


def slack(body: bytes, at: datetime) -> Mapping[str, str]:
    seconds = str(int(at.timestamp()))
    content = f"v0:{seconds}:".encode() + body
    mark = hmac.new(SECRET.encode(), content, hashlib.sha256).hexdigest()
    return {"x-slack-signature": f"v0={mark}", "x-slack-request-timestamp": seconds}


VENDORS = [
    Vendor(
        kind="facebook",
        settings={"page_id": "1000200030004"},
        secrets=META_SECRETS,
        sign=meta,
        proof="x-hub-signature-256",
        heard_as="5001_9001",
        edited="comment_edited.json",
        deleted="comment_removed.json",
        reply=soon(
            to="7771", root="1000200030004_5001", parent="5001_9001", answered={"item": "comment"}
        ),
        call="POST /5001_9001/comments",
        taken={"id": "5001_9002"},
        sent_as="5001_9002",
        echo="own_comment.json",
        limited=META_LIMITED,
        expired=META_EXPIRED,
        checks="GET /me",
        known={"id": "1000200030004", "name": "The Shop"},
        account_name="The Shop",
    ),
    Vendor(
        kind="messenger",
        settings={"page_id": "1000200030004"},
        secrets=META_SECRETS,
        sign=meta,
        proof="x-hub-signature-256",
        heard_as="m_AAA111",
        edited="edited.json",
        deleted="unsent.json",
        reply=soon(to="7771", root="7771", parent="m_AAA111"),
        call="POST /me/messages",
        taken={"recipient_id": "7771", "message_id": "m_BBB222"},
        sent_as="m_BBB222",
        echo="echo.json",
        limited=META_LIMITED,
        expired=META_EXPIRED,
        checks="GET /me",
        known={"id": "1000200030004", "name": "The Shop"},
        account_name="The Shop",
    ),
    Vendor(
        kind="instagram",
        settings={
            "account_id": "17840000000000001",
            "signed_in_with": "instagram",
            "username": "shop",
        },
        secrets=META_SECRETS,
        sign=meta,
        proof="x-hub-signature-256",
        message="comment.json",
        heard_as="17900000000000001",
        edited="message_edited.json",
        deleted="message_unsent.json",
        changed_as="aWdfZAG1fMESSAGE1",
        reply=soon(
            to="4441",
            root="18000000000000001",
            parent="17900000000000001",
            answered={"item": "comment", "media_id": "18000000000000001"},
        ),
        call="POST /17900000000000001/replies",
        taken={"id": "17900000000000002"},
        sent_as="17900000000000002",
        echo="own_comment.json",
        limited=META_LIMITED,
        expired=META_EXPIRED,
        checks="GET /me",
        known={"user_id": "17840000000000001", "username": "shop"},
        account_name="@shop",
    ),
    Vendor(
        kind="whatsapp",
        settings={"phone_number_id": "106540352242922", "business_account_id": "102290129340398"},
        secrets=META_SECRETS,
        sign=meta,
        proof="x-hub-signature-256",
        heard_as="wamid.IN1",
        edited="edited.json",
        deleted="revoked.json",
        reply=soon(to="16505551234", root="16505551234", parent="wamid.IN1"),
        call="POST /106540352242922/messages",
        taken={"messaging_product": "whatsapp", "messages": [{"id": "wamid.OUT1"}]},
        sent_as="wamid.OUT1",
        echo="phone_echo.json",
        limited=Said(
            429,
            {"error": {"message": "(#130429) Rate limit hit", "code": 130429}},
            {"retry-after": "17"},
        ),
        expired=META_EXPIRED,
        checks="GET /106540352242922",
        known={"verified_name": "The Shop", "display_phone_number": "+1 555"},
        account_name="The Shop +1 555",
    ),
    Vendor(
        kind="telegram",
        settings={"arrives": "delivered"},
        secrets={"token": "5550:made-up"},
        sign=telegram,
        proof="x-telegram-bot-api-secret-token",
        is_over_bytes=False,
        heard_as="7771/11",
        edited="edited.json",
        deleted="business_deleted.json",
        deleted_as="business/7771/21",
        reply=soon(
            to="7771",
            root="business/7771",
            parent="business/7771/21",
            answered={"business_connection_id": "con1"},
        ),
        call="POST /bot5550:made-up/sendMessage",
        taken={"ok": True, "result": {"message_id": 23, "chat": {"id": 7771}}},
        sent_as="business/7771/23",
        echo="business_bot.json",
        limited=Said(
            429,
            {
                "ok": False,
                "error_code": 429,
                "description": "Too Many Requests: retry after 17",
                "parameters": {"retry_after": 17},
            },
        ),
        expired=Said(401, {"ok": False, "error_code": 401, "description": "Unauthorized"}),
        checks="POST /bot5550:made-up/getMe",
        known={"ok": True, "result": {"id": 5550, "username": "shop_bot"}},
        account_name="@shop_bot",
        before={
            "POST /bot5550:made-up/getWebhookInfo": {"ok": True, "result": {"url": ""}},
            "POST /bot5550:made-up/setWebhook": {"ok": True, "result": True},
        },
    ),
    Vendor(
        kind="x",
        settings={"arrives": "delivered", "budget": 20},
        secrets={
            "api_key": "key",
            "api_secret": SECRET,
            "access_token": "4242-made-up",
            "access_secret": "shh",
        },
        sign=in_base64("x-twitter-webhooks-signature", "sha256="),
        proof="x-twitter-webhooks-signature",
        heard_as="190001",
        edited="edited.json",
        deleted="deleted.json",
        reply=soon(to="7771", root="190001", parent="190001"),
        call="POST /2/tweets",
        taken={"data": {"id": "190002", "text": "We are looking into it."}},
        sent_as="190002",
        echo="own.json",
        limited=Said(429, {"title": "Too Many Requests", "status": 429}, {"retry-after": "17"}),
        expired=Said(401, {"title": "Unauthorized", "status": 401, "detail": "Unauthorized"}),
        checks="GET /2/users/me",
        known={"data": {"id": "4242", "username": "shop"}},
        account_name="@shop",
    ),
    Vendor(
        kind="line",
        settings={},
        secrets={"channel_secret": SECRET, "token": "tok"},
        sign=in_base64("x-line-signature"),
        proof="x-line-signature",
        heard_as="4001",
        edited="edited.json",
        deleted="unsent.json",
        reply=soon(to="Uann", root="Uann", parent="4001"),
        call="POST /v2/bot/message/push",
        taken={"sentMessages": [{"id": "461230966842064897", "quoteToken": "q"}]},
        sent_as="461230966842064897",
        limited=Said(
            429,
            {"message": "The API rate limit has been exceeded. Try again later."},
            {"retry-after": "17"},
        ),
        expired=Said(401, {"message": "Authentication failed. Confirm that the access token"}),
        checks="GET /v2/bot/info",
        known={"displayName": "The Shop", "basicId": "@216ru"},
        account_name="The Shop @216ru",
    ),
    Vendor(
        kind="slack",
        settings={"user_id": "U0BOT", "team_url": "https://the-shop.slack.com/", "ours": "U0STAFF"},
        secrets={"token": "xoxb-made-up", "app_secret": SECRET},
        sign=slack,
        proof="x-slack-signature",
        is_dated=True,
        heard_as="C0HELP/1795341600.000100",
        edited="edited.json",
        deleted="deleted.json",
        reply=soon(to="U0ANN", root="C0HELP/1795341600.000100", parent="C0HELP/1795341600.000100"),
        call="POST /api/chat.postMessage",
        taken={"ok": True, "channel": "C0HELP", "ts": "1795341720.000300", "message": {}},
        sent_as="C0HELP/1795341720.000300",
        echo="own.json",
        limited=Said(429, {"ok": False, "error": "ratelimited"}, {"retry-after": "17"}),
        expired=Said(200, {"ok": False, "error": "token_revoked"}),
        checks="POST /api/auth.test",
        known={
            "ok": True,
            "url": "https://the-shop.slack.com/",
            "team": "The Shop",
            "user": "heard",
            "team_id": "T0SHOP",
            "user_id": "U0BOT",
        },
        account_name="heard in The Shop",
    ),
    Vendor(
        kind="reddit",
        settings={"client_id": "app", "subreddits": "example"},
        secrets={"client_secret": "shh", "refresh_token": "ref"},
        heard_as="t1_c1",
        edited="edited.json",
        deleted="deleted.json",
        reply=soon(to="ann_lee", root="t3_p1", parent="t1_c1"),
        call="POST /api/comment",
        taken={
            "json": {"errors": [], "data": {"things": [{"kind": "t1", "data": {"name": "t1_c2"}}]}}
        },
        sent_as="t1_c2",
        echo="own.json",
        limited=Said(429, {"message": "Too Many Requests", "error": 429}, {"retry-after": "17"}),
        expired=Said(401, {"message": "Unauthorized", "error": 401}),
        checks="GET /api/v1/me",
        known={"name": "the_shop"},
        account_name="u/the_shop",
        before={"POST /api/v1/access_token": {"access_token": "tok", "scope": "*"}},
    ),
    Vendor(
        kind="discord",
        settings={"channels": "100000000000000001"},
        secrets={"token": "made-up"},
        heard_as="100000000000000001/200000000000000001",
        edited="edited.json",
        deleted="deleted.json",
        reply=soon(
            to="700000000000000001",
            root="100000000000000001/200000000000000001",
            parent="100000000000000001/200000000000000001",
        ),
        call="POST /channels/100000000000000001/messages",
        taken={"id": "200000000000000002", "channel_id": "100000000000000001"},
        sent_as="100000000000000001/200000000000000002",
        echo="own.json",
        limited=Said(429, {"message": "You are being rate limited.", "retry_after": 16.4}),
        expired=Said(401, {"message": "401: Unauthorized", "code": 0}),
        checks="GET /users/@me",
        known={"id": "300000000000000001", "username": "shop"},
        account_name="shop",
    ),
    Vendor(
        kind="tiktok",
        settings={"business_id": "biz1", "client_key": "app1"},
        secrets={"client_secret": SECRET, "access_token": "tok", "refresh_token": "ref"},
        sign=tiktok,
        proof="tiktok-signature",
        is_dated=True,
        heard_as="msg1==",
        reply=soon(to="ttann", root="conv/1==", parent="msg1=="),
        call="POST /open_api/v1.3/business/message/send/",
        taken={"code": 0, "message": "OK", "data": {"message": {"message_id": "msg2=="}}},
        sent_as="msg2==",
        echo="own.json",
        limited=Said(
            200,
            {"code": 40100, "message": "Requests made too frequently"},
            {"retry-after": "17"},
        ),
        expired=Said(200, {"code": 40105, "message": "Access token is incorrect or revoked"}),
        checks="GET /open_api/v1.3/business/get/",
        known={"code": 0, "message": "OK", "data": {"username": "shop"}},
        account_name="@shop",
        before={
            "POST /open_api/v1.3/tt_user/oauth2/refresh_token/": {
                "code": 0,
                "data": {"access_token": "new", "refresh_token": "ref", "expires_in": 86400},
            }
        },
    ),
    Vendor(
        kind="youtube",
        settings={"client_id": "app", "units": 10_000, "channel_id": "UCshop"},
        secrets={"client_secret": "shh", "refresh_token": "ref"},
        heard_as="Ugx1",
        edited="edited.json",
        reply=soon(to="UCann", root="Ugx1", parent="Ugx1"),
        call="POST /youtube/v3/comments",
        taken={"kind": "youtube#comment", "id": "Ugx1.r1", "snippet": {}},
        sent_as="Ugx1.r1",
        echo="answered.json",
        limited=Said(
            403,
            {"error": {"code": 403, "errors": [{"reason": "rateLimitExceeded"}]}},
            {"retry-after": "17"},
        ),
        expired=Said(
            401,
            {
                "error": {
                    "code": 401,
                    "message": "Invalid Credentials",
                    "errors": [{"reason": "authError"}],
                }
            },
        ),
        checks="GET /youtube/v3/channels",
        known={"items": [{"id": "UCshop", "snippet": {"title": "The Shop"}}]},
        account_name="The Shop",
        before={"POST /token": {"access_token": "tok", "expires_in": 3599}},
    ),
    Vendor(
        kind="google_play",
        settings={"package": "com.example.shop"},
        secrets={"key": json.dumps(GOOGLE_FILE)},
        heard_as="gp:AOqpTOE1",
        edited="edited.json",
        reply=soon(to="gp:AOqpTOE1", root="gp:AOqpTOE1", parent="gp:AOqpTOE1"),
        call=f"POST {PLAY}/gp%3AAOqpTOE1:reply",
        taken={"result": {"replyText": "We are looking into it.", "lastEdited": {"seconds": "1"}}},
        sent_as="gp:AOqpTOE1/answer/50ad076a505bdbd2",
        echo="answered.json",
        limited=GOOGLE_LIMITED,
        expired=GOOGLE_EXPIRED,
        checks=f"GET {PLAY}",
        known={"reviews": []},
        account_name="com.example.shop",
        before={"POST /token": {"access_token": "tok", "expires_in": 3599}},
    ),
    Vendor(
        kind="app_store",
        settings={"app_id": "682658836", "key_id": "2X9R4HXF34", "issuer_id": "made-up-issuer"},
        secrets={"key": pem(APPLE_KEY)},
        heard_as="00000028-b08c-0014-729e-fbd500000000",
        edited="edited.json",
        reply=soon(
            to="00000028-b08c-0014-729e-fbd500000000",
            root="00000028-b08c-0014-729e-fbd500000000",
            parent="00000028-b08c-0014-729e-fbd500000000",
        ),
        call="POST /v1/customerReviewResponses",
        taken={
            "data": {
                "type": "customerReviewResponses",
                "id": "made-up-response",
                "attributes": {
                    "responseBody": "We are looking into it.",
                    "lastModifiedDate": "2026-11-22T03:00:00-08:00",
                    "state": "PENDING_PUBLISH",
                },
            }
        },
        sent_as="00000028-b08c-0014-729e-fbd500000000/answer/50ad076a505bdbd2",
        echo="answered.json",
        limited=Said(
            429,
            {"errors": [{"status": "429", "code": "RATE_LIMIT_EXCEEDED", "title": "Too many"}]},
            {"retry-after": "17"},
        ),
        expired=Said(
            401,
            {
                "errors": [
                    {
                        "status": "401",
                        "code": "NOT_AUTHORIZED",
                        "title": "Authentication credentials are missing or invalid.",
                    }
                ]
            },
        ),
        checks="GET /v1/apps/682658836",
        known={"data": {"type": "apps", "id": "682658836", "attributes": {"name": "The Shop"}}},
        account_name="The Shop",
    ),
    Vendor(
        kind="google_business",
        settings={"client_id": "app", "locations": [BAKERY]},
        secrets={"client_secret": "shh", "refresh_token": "ref"},
        heard_as=f"{BAKERY}/reviews/AbFvOqk1",
        edited="edited.json",
        reply=soon(
            to=f"{BAKERY}/reviews/AbFvOqk1",
            root=f"{BAKERY}/reviews/AbFvOqk1",
            parent=f"{BAKERY}/reviews/AbFvOqk1",
        ),
        call=f"PUT /v4/{BAKERY}/reviews/AbFvOqk1/reply",
        taken={"comment": "We are looking into it.", "updateTime": "2026-11-22T11:00:00Z"},
        sent_as=f"{BAKERY}/reviews/AbFvOqk1/answer/50ad076a505bdbd2",
        echo="answered.json",
        limited=GOOGLE_LIMITED,
        expired=GOOGLE_EXPIRED,
        checks="GET /v1/locations/2",
        known={"title": "The Bakery"},
        account_name="The Bakery",
        before={
            "POST /token": {"access_token": "tok", "expires_in": 3599},
            f"GET /v4/{BAKERY}/reviews": {"reviews": []},
        },
    ),
    Vendor(
        kind="trustpilot",
        settings={"business_unit_id": "46d6a890000064000500e0c3", "business_user_id": "bu1"},
        secrets={"api_key": "key", "api_secret": "shh", "word": SECRET},
        sign=trustpilot,
        proof="authorization",
        is_over_bytes=False,
        heard_as="53bffd360000640002975387",
        edited="edited.json",
        deleted="deleted.json",
        deleted_as="53bffd360000640002975388",
        reply=soon(
            to="53bffc3900006400017e5db8",
            root="53bffd360000640002975387",
            parent="53bffd360000640002975387",
        ),
        call="POST /v1/private/reviews/53bffd360000640002975387/reply",
        taken=b"",
        sent_as="53bffd360000640002975387/answer/50ad076a505bdbd2",
        echo="answered.json",
        limited=Said(429, {"message": "Too many requests"}, {"retry-after": "17"}),
        expired=Said(401, {"message": "Unknown API key"}),
        checks="GET /v1/business-units/46d6a890000064000500e0c3",
        known={"id": "46d6a890000064000500e0c3", "displayName": "The Shop"},
        account_name="The Shop",
        before={
            "POST /v1/oauth/oauth-business-users-for-applications/accesstoken": {
                "access_token": "tok",
                "expires_in": "359999",
            },
            "GET /v1/private/business-units/46d6a890000064000500e0c3/reviews": {"reviews": []},
        },
    ),
]


def salted(value: Any) -> Any:
    """The same with a field in every object that no document knows."""
    if isinstance(value, dict):
        return {"zz_of_tomorrow": {"deep": [1, None]}, **{k: salted(v) for k, v in value.items()}}
    if isinstance(value, list):
        return [salted(one) for one in value]
    return value


def shaken(value: Any) -> list[Any]:
    """The same again and again, each time with one thing in it of the wrong shape, or gone."""
    found: list[Any] = []
    if isinstance(value, dict):
        for key, inner in value.items():
            found.append({k: v for k, v in value.items() if k != key})
            for wrong in (None, 7, "", [], {}, [None], {"a": 1}, True, -1e30, "\ud800"):
                found.append({**value, key: wrong})  # noqa: PERF401 - read as pairs
            found += [{**value, key: other} for other in shaken(inner)]
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            found += [[*value[:n], other, *value[n + 1 :]] for other in [*shaken(inner), None, 3]]
    return found


def as_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()
