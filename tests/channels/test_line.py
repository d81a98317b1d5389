"""What LINE has of its own, with the example events that its SDK ships."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heard.channels import line
from heard.channels.base import Deleted, Edited, Incoming, SendState, SetAside
from tests.channels.place import Place
from tests.channels.vendors import SECRET, VENDORS, delivered, soon
from tests.servers import running

[LINE] = [vendor for vendor in VENDORS if vendor.kind == "line"]


def said(name: str) -> list[Any]:
    return list(line.parse(delivered(LINE.body(f"{name}.json")), LINE.account()))


def test_all_that_people_send_is_heard() -> None:
    found = {one.external_id: one for one in said("many") if isinstance(one, Incoming)}
    group = found["4002"]
    assert (group.sender, group.root, group.parent) == ("Uann", "Cgroup", "4001")
    assert group.extra == {"quote_token": "q2"}
    assert found["4003"].files[0].source == "4003"
    assert found["4004"].files[0].name == "invoice.pdf"
    assert found["4005"].text == "(Sticker: Thanks, Love)"
    assert found["4006"].text == "Hill Street\nHill Street 1\ngeo:35.6,139.7"
    assert found["4007"].files[0].source == "https://cdn.example/1.jpg"
    assert found["4008"].sender == "unnamed/Rroom"
    assert [one.text for one in found.values() if "pressed" in one.extra] == ["action=refund"]
    assert [one.where for one in said("many") if isinstance(one, SetAside)] == ["events 10"]
    assert said("trial") == []


def test_the_examples_of_the_sdk_are_understood() -> None:
    body = Path(running("fixtures")["LINE_WEBHOOKS"]).read_bytes()
    mark = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
    proof = {"x-line-signature": base64.b64encode(mark).decode()}
    line.authenticate(delivered(body, headers=proof), LINE.account())
    found = list(line.parse(delivered(body), LINE.account()))
    events = json.loads(body)["events"]
    messages = [one for one in found if isinstance(one, Incoming)]
    assert len(messages) == sum(one["type"] in {"message", "postback"} for one in events)
    assert {type(one) for one in found} == {Incoming, Edited, Deleted, SetAside}
    [odd] = [one for one in found if isinstance(one, SetAside)]
    assert "not known" in odd.reason
    assert any(one.text == "Hello, world" and one.sender.startswith("U206d") for one in messages)


def test_trying_again_says_nothing_twice() -> None:
    before = {"message": "The retry key is already accepted", "sentMessages": [{"id": "461"}]}
    with Place() as place:
        place.answers(LINE.call, {"message": "internal"}, status=500)
        place.answers(LINE.call, before, status=409)
        account = LINE.account(api_url=place.url)
        first, second = line.send(LINE.reply, account), line.send(LINE.reply, account)
    assert (first.state, line.may_repeat(LINE.reply)) == (SendState.UNKNOWN, True)
    assert (second.state, second.external_id) == (SendState.SENT, "461")
    keys = [one.headers["x-line-retry-key"] for one in place.asked]
    assert keys[0] == keys[1]
    assert str(uuid.UUID(keys[0])) == keys[0]


def test_an_answer_in_a_group_goes_to_the_group_and_quotes() -> None:
    with Place() as place:
        place.answers(LINE.call, LINE.taken)
        outgoing = soon(to="Uann", root="Cgroup", answered={"quote_token": "q2"})
        line.send(outgoing, LINE.account(api_url=place.url))
    assert place.asked[0].json()["to"] == "Cgroup"
    assert place.asked[0].json()["messages"][0]["quoteToken"] == "q2"
    assert line.send(replace(LINE.reply, text="🍎" * 2501), LINE.account()).is_final


def test_a_month_that_is_used_up_needs_a_person() -> None:
    with Place() as place:
        place.answers(LINE.call, {"message": "You have reached your monthly limit."}, status=429)
        receipt = line.send(LINE.reply, LINE.account(api_url=place.url))
    assert receipt.is_final
    assert "used up" in receipt.reason


@pytest.mark.parametrize(
    ("endpoint", "status", "words"),
    [
        ({"message": "Not found"}, 404, "Switch on"),
        ({"endpoint": "https://other.example/", "active": True}, 200, "another address"),
        ({"endpoint": "https://care.example/hooks/x/", "active": False}, 200, "Switch on"),
        ({"endpoint": "https://care.example/hooks/x/", "active": True}, 200, ""),
    ],
)
def test_the_check_tells_what_stands_in_the_way(endpoint: Any, status: int, words: str) -> None:
    with Place() as place:
        place.answers("GET /v2/bot/info", {"displayName": "The Shop", "basicId": "@216ru"})
        place.answers("GET /v2/bot/channel/webhook/endpoint", endpoint, status=status)
        place.answers("PUT /v2/bot/channel/webhook/endpoint", {})
        place.answers("GET /v2/bot/message/quota", {"type": "limited", "value": 1000})
        place.answers("GET /v2/bot/message/quota/consumption", {"totalUsage": 400})
        checked = line.check(LINE.account(api_url=place.url))
    assert checked.account == "The Shop @216ru"
    assert checked.quota is not None
    assert (checked.quota.left, checked.quota.of) == (600, 1000)
    assert words in " ".join(checked.warnings)
    assert bool(words) == bool(checked.warnings)
    puts = [one.json() for one in place.asked if one.method == "PUT"]
    assert puts == ([{"endpoint": "https://care.example/hooks/x/"}] if status == 404 else [])


def test_files_are_fetched_where_they_are() -> None:
    with Place() as place:
        place.answers("GET /v2/bot/message/4003/content", b"\xff\xd8")
        place.answers("GET /1.jpg", b"outside")
        account = LINE.account(api_url=place.url)
        assert line.fetch("4003", account) == b"\xff\xd8"
        assert line.fetch(f"{place.url}/1.jpg", account) == b"outside"
    assert "authorization" in place.asked[0].headers
    assert "authorization" not in place.asked[1].headers
