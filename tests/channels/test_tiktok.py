"""What TikTok has of its own, besides what `test_vendor_contract` asks of all."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from heard.channels import tiktok
from heard.channels.base import Incoming, Kind, PlaceError, SendState
from tests.channels.place import Place
from tests.channels.vendors import VENDORS, delivered

[TIKTOK] = [vendor for vendor in VENDORS if vendor.kind == "tiktok"]
API = "/open_api/v1.3"


def said(name: str) -> list[Any]:
    return list(tiktok.parse(delivered(TIKTOK.body(f"{name}.json")), TIKTOK.account()))


def one(name: str) -> Incoming:
    [message] = said(name)
    assert isinstance(message, Incoming)
    return message


def test_all_that_people_send_is_heard() -> None:
    message = one("message")
    assert (message.sender, message.sender_name, message.root) == ("ttann", "ann.l", "conv/1==")
    own = one("own")
    assert (own.kind, own.to, own.root) == (Kind.REPLY, "ttann", "conv/1==")
    picture = one("image")
    assert json.loads(picture.files[0].source) == ["conv/1==", "msg3==", "med1"]
    assert picture.parent == "msg2=="
    assert one("share").text == "https://www.tiktok.com/player/v1/77"
    assert one("sticker").text == "(A kind of message that only the app shows.)"
    assert said("read") == []
    [other] = said("other_account")
    assert other.reason == "This belongs to another account (biz2); this inbox hears only biz1."


def test_a_picture_is_fetched_in_two_steps() -> None:
    with Place() as place:
        place.answers(
            f"POST {API}/business/message/media/download/",
            {"code": 0, "data": {"download_url": f"{place.url}/p.jpg"}},
        )
        place.answers("GET /p.jpg", b"\xff\xd8")
        account = TIKTOK.account(api_url=place.url)
        assert tiktok.fetch(one("image").files[0].source, account) == b"\xff\xd8"
        with pytest.raises(PlaceError):
            tiktok.fetch("what", account)
    assert "access-token" not in place.asked[1].headers


def test_a_token_that_ends_is_renewed_first_and_kept() -> None:
    kept: dict[str, str] = {}
    fresh = {"access_token": "new", "refresh_token": "newer", "expires_in": 86400}
    with Place() as place:
        place.answers(f"POST {API}/tt_user/oauth2/refresh_token/", {"code": 0, "data": fresh})
        place.answers(TIKTOK.call, TIKTOK.taken)
        ended = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        account = TIKTOK.account(api_url=place.url)
        account = replace(account, renew=kept.update, secrets={**account.secrets, "ends_at": ended})
        receipt = tiktok.send(TIKTOK.reply, account)
        again = replace(account, secrets={**account.secrets, **kept})
        tiktok.send(TIKTOK.reply, again)
    assert receipt.state is SendState.SENT
    assert (kept["access_token"], kept["refresh_token"]) == ("new", "newer")
    assert [one.headers.get("access-token") for one in place.asked] == ["tok", "new", "new"]


def test_a_refresh_that_is_refused_needs_a_person() -> None:
    with Place() as place:
        refused = {"code": 40105, "message": "refresh token is invalid"}
        place.answers(f"POST {API}/tt_user/oauth2/refresh_token/", refused)
        account = replace(TIKTOK.account(api_url=place.url), renew=lambda _: None)
        receipt = tiktok.send(TIKTOK.reply, account)
    assert receipt.is_final
    assert "connect the account again" in receipt.reason


def test_the_check_gives_tiktok_the_address_once() -> None:
    with Place() as place:
        place.answers(f"GET {API}/business/get/", {"code": 0, "data": {"username": "shop"}})
        place.answers(f"GET {API}/business/webhook/list/", {"code": 0, "data": {}})
        other = {"code": 0, "data": {"callback_url": "https://other.example/"}}
        place.answers(f"GET {API}/business/webhook/list/", other)
        place.answers(f"POST {API}/business/webhook/update/", {"code": 0, "data": {}})
        account = TIKTOK.account(api_url=place.url)
        first, second = tiktok.check(account), tiktok.check(account)
    assert (first.account, first.warnings) == ("@shop", ())
    assert "another address" in second.warnings[0]
    [told] = [one.json() for one in place.asked if one.method == "POST"]
    assert told["callback_url"] == "https://care.example/hooks/x/"


@pytest.mark.parametrize(
    ("body", "is_final"),
    [
        ({"code": 51010, "message": "internal"}, False),
        ({"code": 40002, "message": "The messaging window is closed"}, True),
        ({"code": 40001, "message": "No permission"}, True),
    ],
)
def test_codes_in_the_body_are_heeded(body: Any, is_final: bool) -> None:
    with Place() as place:
        place.answers(TIKTOK.call, body)
        receipt = tiktok.send(TIKTOK.reply, TIKTOK.account(api_url=place.url))
    assert (receipt.state, receipt.is_final) == (SendState.FAILED, is_final)
    assert body["message"] in receipt.reason
