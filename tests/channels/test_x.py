"""What X has of its own, besides what `test_vendor_contract` asks of all."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from heard.channels import x
from heard.channels.base import (
    Account,
    Acknowledged,
    Act,
    Acting,
    Delivered,
    Incoming,
    Kind,
    PlaceError,
    Progress,
    RefusedError,
    SendState,
    SetAside,
)
from tests.channels.place import Place
from tests.channels.vendors import NOW, SECRET, VENDORS, delivered, soon

[X] = [vendor for vendor in VENDORS if vendor.kind == "x"]


def said(name: str) -> list[Any]:
    return list(x.parse(delivered(X.body(f"{name}.json")), X.account()))


def by_id(name: str) -> dict[str, Incoming]:
    return {one.external_id: one for one in said(name) if isinstance(one, Incoming)}


def crc(token: str, method: str = "GET") -> Delivered:
    return Delivered(b"", {}, NOW, url=f"https://care.example/?crc_token={token}", method=method)


def test_the_challenge_is_answered() -> None:
    greeting = x.greet(crc("Zm9v-bar_1"), X.account())
    assert greeting is not None
    mark = hmac.new(SECRET.encode(), b"Zm9v-bar_1", hashlib.sha256).digest()
    answer = json.loads(greeting.body)
    assert answer == {"response_token": "sha256=" + base64.b64encode(mark).decode()}
    assert greeting.content_type == "application/json"
    assert x.greet(crc("x", "POST"), X.account()) is None


@pytest.mark.parametrize("token", ["", "%7B%22for_user_id%22%3A1%7D", "a b", "x" * 201, "%0A"])
def test_nobody_has_a_delivery_signed_by_calling_it_a_challenge(token: str) -> None:
    with pytest.raises(RefusedError):
        x.greet(crc(token), X.account())


def test_requests_are_signed_as_in_the_vendors_own_example() -> None:
    account = Account(
        "n",
        {},
        secrets={
            "api_key": "xvz1evFS4wEEPTGEFPHBog",
            "api_secret": "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
            "access_token": "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
            "access_secret": "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
        },
    )
    header = x.signed(
        "POST",
        "https://api.twitter.com/1.1/statuses/update.json",
        {
            "status": "Hello Ladies + Gentlemen, a signed OAuth request!",
            "include_entities": "true",
        },
        account,
        nonce="kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg",
        at=datetime.fromtimestamp(1318622958, UTC),
    )
    assert 'oauth_signature="hCtSmYh%2BiHYCEqBWrE7C7hYmtUk%3D"' in header


def test_answers_reposts_and_quotes_are_what_they_are() -> None:
    found = by_id("posts")
    answer, repost, quoting = (found[f"19000{n}"] for n in (3, 4, 5))
    assert (answer.parent, answer.root, answer.sender_name) == ("190002", "", "Ann Lee (@annlee)")
    assert answer.extra["audience"] == 812
    assert (repost.need, repost.extra["shares"]) == ("recognition", "180000")
    assert (quoting.need, quoting.extra["quotes"], quoting.parent) == ("", "180000", "180000")
    assert found["190007"].text == "Cut off here, but this is all of it @shop"
    assert found["190007"].files[0].source == "https://pbs.example/p.jpg"
    acts = [(one.external_id, one.act) for one in said("posts") if isinstance(one, Acknowledged)]
    assert acts == [("170000", Act.SHARE), ("170000", Act.LIKE)]
    assert by_id("message")["190001"].text == "@shop is the oven & the lamp in stock?"
    own = by_id("own")["190002"]
    assert (own.kind, own.parent, own.to) == (Kind.REPLY, "190001", "7771")


def test_direct_messages_stand_apart_from_posts_of_the_same_person() -> None:
    found = by_id("chats")
    theirs, ours = found["dm/150001"], found["dm/150002"]
    assert (theirs.sender, theirs.root, theirs.is_public) == ("7771", "dm/7771", False)
    assert (ours.kind, ours.to, ours.root) == (Kind.REPLY, "7771", "dm/7771")
    assert found["dm/150003"].files[0].source == "https://ton.example/1.jpg"
    [read] = said("read")
    assert (type(read), read.external_id, read.state) == (Progress, "dm/150002", "read")
    asked = by_id("asked_chat")["dm/150009"]
    assert (asked.root, asked.sender_name) == ("dm/7771", "Ann Lee")


def test_what_was_asked_for_says_the_same_as_what_is_delivered() -> None:
    mention = by_id("asked_mention")["190011"]
    assert (mention.root, mention.parent) == ("190001", "190002")
    assert mention.extra["quotes"] == "180000"
    assert mention.language == ""
    assert mention.files[0].source == "https://pbs.example/q.jpg"
    own = by_id("asked_own")["190012"]
    assert (own.kind, own.to, own.parent) == (Kind.REPLY, "7771", "190011")


def test_other_accounts_and_lost_rights_are_set_aside() -> None:
    [other], [revoked] = said("other_account"), said("revoked")
    assert isinstance(other, SetAside)
    assert other.reason == "This belongs to another account (999); this inbox hears 4242."
    assert "took the app's rights away" in revoked.reason


def mentions(*ids: int, next_token: str = "") -> dict[str, Any]:
    return {
        "data": [
            {"id": str(n), "text": "@shop hi", "author_id": "7771", "conversation_id": str(n),
             "created_at": "2026-11-22T10:00:00.000Z"}
            for n in ids
        ],
        "includes": {"users": [{"id": "7771", "name": "Ann", "username": "ann"}]},
        "meta": {"result_count": len(ids), **({"next_token": next_token} if next_token else {})},
    }  # fmt: skip


NOTHING: dict[str, Any] = {"meta": {"result_count": 0}}


def test_pages_are_followed_back_to_where_we_were_and_money_is_counted() -> None:
    with Place() as place:
        place.answers("GET /2/users/4242/mentions", mentions(30, 20))
        place.answers("GET /2/users/4242/mentions", mentions(60, 50, next_token="older"))
        place.answers("GET /2/users/4242/mentions", mentions(40))
        place.answers("GET /2/users/4242/mentions", NOTHING)
        place.answers("GET /2/dm_events", NOTHING)
        place.answers("GET /2/users/4242/tweets", NOTHING)
        account = X.account(api_url=place.url, arrives="asked")
        first = x.poll("", account)
        second = x.poll(first.cursor, account)
        third = x.poll(second.cursor, account)
        fourth = x.poll(third.cursor, account)
    asked = [one.query for one in place.asked if one.path.endswith("mentions")]
    assert [one["max_results"] for one in asked] == ["5", "100", "100", "100"]
    assert [one.get("since_id") for one in asked] == [None, "30", "30", "60"]
    assert [one.get("pagination_token") for one in asked] == [None, None, "older", None]
    assert [second.has_more, third.has_more, fourth.has_more] == [True, False, False]
    assert [one.external_id for one in second.deliveries] == ["post/60", "post/50"]
    spent = json.loads(fourth.cursor)["usd"]
    assert spent == pytest.approx(5 * 0.005 + 3 * 0.010)
    assert fourth.quota is not None
    assert (fourth.quota.left, fourth.quota.of) == (int((20 - spent) / 0.015), 1333)
    heard = list(x.parse(first.deliveries[0], account))
    assert heard == list(x.parse(first.deliveries[0], account))
    assert place.asked[0].headers["authorization"].startswith("OAuth oauth_consumer_key=")


def test_messages_that_were_read_before_are_neither_brought_nor_counted_again() -> None:
    chat = {
        "data": [{"id": "9", "text": "hi", "sender_id": "7771", "event_type": "MessageCreate",
                  "dm_conversation_id": "4242-7771", "created_at": "2026-11-22T10:00:00.000Z"}],
        "includes": {"users": [{"id": "7771", "name": "Ann", "username": "ann"}]},
        "meta": {},
    }  # fmt: skip
    with Place() as place:
        for path in ("mentions", "tweets"):
            place.answers(f"GET /2/users/4242/{path}", NOTHING)
        place.answers("GET /2/dm_events", chat)
        account = X.account(api_url=place.url, arrives="asked")
        fetched = x.poll("", account)
        again = x.poll(x.poll(fetched.cursor, account).cursor, account)
    assert [one.external_id for one in fetched.deliveries] == ["dm/9"]
    assert again.deliveries == ()
    assert json.loads(again.cursor)["usd"] == pytest.approx(0.011)
    assert sum(one.path == "/2/dm_events" for one in place.asked) == 2


def test_a_spent_budget_stops_the_asking_and_says_so_in_money() -> None:
    month = f"{datetime.now(UTC):%Y-%m}"
    account = X.account(arrives="asked", budget=3)
    with pytest.raises(PlaceError, match=r"\$3\.02 of \$3\.00") as trouble:
        x.poll(json.dumps({"month": month, "usd": 3.02}), account)
    assert trouble.value.needs_person
    with Place() as place:
        for path in ("users/4242/mentions", "users/4242/tweets", "dm_events"):
            place.answers(f"GET /2/{path}", NOTHING)
        account = X.account(api_url=place.url, arrives="asked", budget=3)
        fetched = x.poll(json.dumps({"month": "2020-01", "usd": 3.02}), account)
    assert json.loads(fetched.cursor)["usd"] == 0
    assert x.poll("c", X.account()).pause_seconds == x.IDLE_SECONDS


def test_the_check_shows_what_was_spent() -> None:
    with Place() as place:
        place.answers("GET /2/users/me", {"data": {"id": "4242", "username": "shop"}})
        place.answers("POST /oauth2/token", {"access_token": "app"})
        place.answers("GET /2/usage/tweets", {"data": {"project_usage": "400"}})
        checked = x.check(X.account(api_url=place.url, arrives="asked"))
    assert checked.account == "@shop"
    assert checked.found == {"user_id": "4242", "username": "shop"}
    assert "$2.00 of $20.00" in checked.warnings[0]
    assert place.asked[2].headers["authorization"] == "Bearer app"


def test_delivery_is_arranged_when_it_is_not_yet() -> None:
    with Place() as place:
        place.answers("GET /2/users/me", {"data": {"id": "4242", "username": "shop"}})
        place.answers("POST /oauth2/token", {"access_token": "app"})
        place.answers("GET /2/webhooks", {"data": []})
        place.answers("POST /2/webhooks", {"data": {"id": "77", "valid": True}})
        place.answers(
            "POST /2/account_activity/webhooks/77/subscriptions/all", {"data": {"subscribed": True}}
        )
        assert x.check(X.account(api_url=place.url)).warnings == ()
    with Place() as place:
        place.answers("GET /2/users/me", {"data": {"id": "4242", "username": "shop"}})
        place.answers("POST /oauth2/token", {"access_token": "app"})
        place.answers("GET /2/webhooks", {"title": "CRC failed"}, status=400)
        [warning] = x.check(X.account(api_url=place.url)).warnings
    assert "does not deliver here yet" in warning


def test_messages_go_to_the_person_and_posts_beneath_the_question() -> None:
    with Place() as place:
        chat = {"data": {"dm_conversation_id": "4242-7771", "dm_event_id": "150010"}}
        place.answers("POST /2/dm_conversations/with/7771/messages", chat)
        place.answers("POST /2/tweets", X.taken)
        account = X.account(api_url=place.url)
        message = x.send(soon(to="7771", root="dm/7771", parent="dm/150001"), account)
        private = x.send(replace(X.reply, is_private=True), account)
        x.send(X.reply, account)
        long = x.send(replace(X.reply, text="語" * 141), account)
    assert (message.external_id, private.external_id) == ("dm/150010", "dm/150010")
    assert place.asked[2].json()["reply"] == {"in_reply_to_tweet_id": "190001"}
    assert long.is_final
    assert not x.may_repeat(X.reply)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (403, {"detail": "You are not allowed to create a Tweet with duplicate content."}, "twice"),
        (402, {"title": "CreditsDepleted", "detail": "no credits"}, "credits at X are used up"),
        (403, {"detail": "Your client app is not configured with permission"}, "permission"),
    ],
)
def test_refusals_are_told_in_words(status: int, body: Any, words: str) -> None:
    with Place() as place:
        place.answers(X.call, body, status=status)
        receipt = x.send(X.reply, X.account(api_url=place.url))
    assert receipt.is_final
    assert words in receipt.reason


def test_the_reset_that_x_names_is_waited_for() -> None:
    reset = str(int(datetime.now(UTC).timestamp()) + 100)
    with Place() as place:
        place.answers(X.call, {}, status=429, headers={"x-rate-limit-reset": reset})
        receipt = x.send(X.reply, X.account(api_url=place.url))
    assert receipt.retry_after_seconds is not None
    assert 95 <= receipt.retry_after_seconds <= 102


def test_acts_at_x() -> None:
    with Place() as place:
        place.answers("POST /2/users/4242/likes", {"data": {"liked": True}})
        again = {"detail": "You have already retweeted this Tweet."}
        place.answers("POST /2/users/4242/retweets", again, status=403)
        place.answers("DELETE /2/tweets/190002", {"title": "Not Found"}, status=404)
        account = X.account(api_url=place.url)
        receipts = [
            x.act(Acting(Act.LIKE, "190001", "k"), account),
            x.act(Acting(Act.SHARE, "190001", "k"), account),
            x.act(Acting(Act.DELETE, "190002", "k", of_ours=True), account),
        ]
        theirs = x.act(Acting(Act.DELETE, "190001", "k"), account)
        chat = x.act(Acting(Act.LIKE, "dm/1", "k"), account)
    assert {receipt.state for receipt in receipts} == {SendState.SENT}
    assert theirs.is_final
    assert chat.is_final
