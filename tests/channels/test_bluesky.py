"""Bluesky as its documents describe it: sessions, polling, threads, limits, streams."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import json
import threading
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import libipld
import pytest
from websockets.sync.server import ServerConnection, serve

from heard.channels import bluesky
from heard.channels.base import (
    Account,
    Acknowledged,
    Act,
    Acted,
    Acting,
    Deleted,
    Delivered,
    Edited,
    Fetched,
    Fetching,
    File,
    Heard,
    Incoming,
    Kind,
    Listened,
    NotUnderstoodError,
    Outgoing,
    PlaceError,
    Polled,
    SendState,
)
from heard.channels.bluesky import firehose, hearing, posts, session, writing
from heard.channels.terms import Terms
from tests.channels.place import Place

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PAYLOADS = Path(__file__).parent / "payloads" / "bluesky"
MINE = "at://did:plc:acme/app.bsky.feed.post/3n2wjymksqc2b"
THEIRS = "at://did:plc:anna/app.bsky.feed.post/3n2wjyminfk2b"
XRPC = "/xrpc/"


def token(seconds: float = 7200, *, scope: str = "com.atproto.appPass") -> str:
    """A token as the place makes them, as far as we look into it."""
    claims = json.dumps({"exp": time.time() + seconds, "scope": scope}).encode()
    return f"h.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.s"


def opened(place: Place, **other: Any) -> dict[str, Any]:
    return {
        "did": "did:plc:acme",
        "handle": "acme.example",
        "accessJwt": token(),
        "refreshJwt": token(),
        "didDoc": {
            "service": [{"type": "AtprotoPersonalDataServer", "serviceEndpoint": place.url}]
        },
        **other,
    }


@pytest.fixture(autouse=True)
def _no_session() -> Iterator[None]:
    session.forget()
    yield
    session.forget()


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posts, "now", lambda: NOW)


@pytest.fixture
def place() -> Iterator[Place]:
    with Place() as place:
        place.answers(f"POST {XRPC}com.atproto.server.createSession", opened(place))
        place.answers(
            f"GET {XRPC}app.bsky.notification.listNotifications",
            json.loads((PAYLOADS / "notifications.json").read_text()),
            headers={
                "ratelimit-limit": "3000",
                "ratelimit-remaining": "2990",
                "ratelimit-reset": str(int(NOW.timestamp()) + 300),
            },
        )
        place.answers(f"GET {XRPC}com.atproto.sync.getLatestCommit", {"cid": "c", "rev": "3r1"})
        place.answers(f"GET {XRPC}com.atproto.repo.listRecords", {"records": []})
        place.answers(
            f"GET {XRPC}app.bsky.actor.getProfiles",
            {
                "profiles": [
                    {
                        "did": "did:plc:anna",
                        "handle": "anna.example",
                        "displayName": "Anna Berg",
                        "followersCount": 41,
                    }
                ]
            },
        )
        yield place


def account_at(place: Place, **settings: Any) -> Account:
    return Account(
        name="Bluesky",
        settings={"handle": "@acme.example", "service": place.url, **settings},
        secrets={"password": "abcd-efgh"},
        allow_private=True,
    )


def heard(fetched: Fetched, account: Account) -> list[Heard]:
    return [one for delivered in fetched.deliveries for one in bluesky.parse(delivered, account)]


def said(fetched: Fetched, account: Account) -> dict[str, Incoming]:
    return {one.external_id: one for one in heard(fetched, account) if isinstance(one, Incoming)}


def calls(place: Place, method: str) -> int:
    return sum(one.path == f"{XRPC}{method}" for one in place.asked)


def test_it_is_polled_and_listened_to_acts_and_fetches() -> None:
    assert isinstance(bluesky, Polled)
    assert isinstance(bluesky, Listened)
    assert isinstance(bluesky, Acted)
    assert isinstance(bluesky, Fetching)


def test_mentions_replies_quotes_and_reposts_are_heard_as_what_they_are(place: Place) -> None:
    account = account_at(place)
    fetched = bluesky.poll("", account)
    found = said(fetched, account)
    assert len(found) == 4  # a like says nothing; what makes no sense is left out
    mention = found[THEIRS]
    assert mention.text == "Hé @acme.example where is my order? https://acme.example/orders/7"
    assert (mention.sender, mention.sender_name) == ("did:plc:anna", "Anna Berg")
    assert (mention.root, mention.parent) == (THEIRS, "")
    assert (mention.language, mention.is_public, mention.is_automatic) == ("en", True, False)
    assert mention.at == NOW - timedelta(minutes=6)
    assert mention.extra["audience"] == 41
    assert mention.extra["cid"].startswith("bafyreico")
    assert mention.extra["url"] == "https://bsky.app/profile/did:plc:anna/post/3n2wjyminfk2b"
    reply = found["at://did:plc:anna/app.bsky.feed.post/3n2wjympcc22b"]
    assert (reply.root, reply.parent, reply.extra["root"]["cid"]) == (MINE, MINE, "bafyown")
    quote = found["at://did:plc:bob/app.bsky.feed.post/3n2wjymrtds2b"]
    assert quote.extra["quotes"] == MINE
    assert quote.is_automatic
    assert quote.files[0].name == "Two cups on a table"
    assert quote.files[0].source.startswith("did:plc:bob/bafkrei")
    repost = found["at://did:plc:anna/app.bsky.feed.repost/3n2wjymtvqs2b"]
    assert (repost.need, repost.extra["shares"], repost.parent) == ("nothing", MINE, MINE)
    assert fetched.quota is not None
    assert (fetched.quota.left, fetched.quota.of) == (2990, 3000)


def test_everything_delivered_twice_and_out_of_order_says_the_same(place: Place) -> None:
    account = account_at(place)
    first, again = bluesky.poll("", account), bluesky.poll("", account)
    assert said(first, account) == said(again, account)
    backwards = [one for d in reversed(first.deliveries) for one in bluesky.parse(d, account)]
    assert {one.external_id for one in backwards if isinstance(one, Incoming)} == set(
        said(first, account)
    )
    for one, other in zip(first.deliveries, again.deliveries, strict=True):
        assert (one.external_id, one.body) == (other.external_id, other.body)


def test_looking_again_from_the_cursor_brings_nothing_twice(place: Place) -> None:
    account = account_at(place)
    first = bluesky.poll("", account)
    assert bluesky.poll(first.cursor, account).deliveries == ()


def test_a_long_list_is_followed_to_its_end_and_not_beyond_the_first_day(place: Place) -> None:
    listed = f"GET {XRPC}app.bsky.notification.listNotifications"
    page = json.loads((PAYLOADS / "notifications.json").read_text())
    old = json.loads(json.dumps(page).replace("2026-11-22T11", "2026-11-20T11"))
    with Place() as other:
        other.answers(f"POST {XRPC}com.atproto.server.createSession", opened(other))
        other.answers(listed, {**page, "notifications": page["notifications"][:3], "cursor": "2"})
        other.answers(listed, {**page, "notifications": page["notifications"][3:5], "cursor": "3"})
        other.answers(listed, {**old, "notifications": old["notifications"][:5], "cursor": "4"})
        for name in ("com.atproto.sync.getLatestCommit", "com.atproto.repo.listRecords",
                     "app.bsky.actor.getProfiles"):  # fmt: skip
            other.answers(f"GET {XRPC}{name}", {"rev": "1", "records": [], "profiles": []})
        account = account_at(other)
        fetched = bluesky.poll("", account)
        assert len(said(fetched, account)) == 4
        assert [a.query.get("cursor") for a in other.asked if "listNotif" in a.path] == [
            None, "2", "3",
        ]  # fmt: skip
        assert not fetched.has_more


def test_a_busy_account_is_read_again_a_little_way_and_now_and_then_a_long_one(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = f"GET {XRPC}app.bsky.notification.listNotifications"
    page = json.loads((PAYLOADS / "notifications.json").read_text())["notifications"]
    fresh, stale = (
        [{**one, "indexedAt": f"2026-11-22T11:{minute}:00.000Z"} for one in page]
        for minute in (59, 30)
    )
    place._answers[listed].clear()
    place.answers(listed, {"notifications": fresh})
    cursor = bluesky.poll("", account_at(place)).cursor
    for name in ("near", "far", "near again"):
        monkeypatch.setattr(hearing, "WIDE_SECONDS", 0.0 if name == "far" else 600.0)
        place._answers[listed].clear()
        place.answers(listed, {"notifications": fresh, "cursor": "2"})
        place.answers(listed, {"notifications": stale, "cursor": "3"})
        place.answers(listed, {"notifications": []})
        before = len(place.asked)
        cursor = bluesky.poll(cursor, account_at(place)).cursor
        pages = [a for a in place.asked[before:] if "listNotif" in a.path]
        assert len(pages) == (3 if name == "far" else 2), name


def test_what_our_people_do_there_is_heard_too(place: Place) -> None:
    records = f"GET {XRPC}com.atproto.repo.listRecords"
    place._answers[records].clear()
    at = "2026-11-22T11:59:00.000Z"
    reply = {"root": {"uri": THEIRS, "cid": "a"}, "parent": {"uri": THEIRS, "cid": "a"}}
    mine = "at://did:plc:acme/app.bsky.feed"
    place.answers(
        records,
        {
            "records": [
                {"uri": f"{mine}.post/3a", "cid": "b",
                 "value": {"text": "On its way!", "createdAt": at, "reply": reply}},
                {"uri": f"{mine}.post/3b", "cid": "c",
                 "value": {"text": "We open a shop.", "createdAt": at}},
                {"uri": f"{mine}.post/3c", "cid": "d",
                 "value": {"text": "Long ago", "createdAt": "2025-01-01T00:00:00Z"}},
                {"uri": f"{mine}.post/3d", "cid": "d", "value": "nonsense"},
            ]
        },
    )  # fmt: skip
    subject = {"subject": {"uri": THEIRS, "cid": "a"}, "createdAt": at}
    place.answers(records, {"records": [{"uri": f"{mine}.repost/3e", "value": subject}]})
    place.answers(records, {"records": [{"uri": f"{mine}.like/3f", "value": subject}]})
    account = account_at(place)
    fetched = bluesky.poll("", account)
    found = said(fetched, account)
    ours = found[f"{mine}.post/3a"]
    assert (ours.kind, ours.to, ours.parent, ours.root) == (
        Kind.REPLY, "did:plc:anna", THEIRS, THEIRS,
    )  # fmt: skip
    assert found[f"{mine}.post/3b"].kind is Kind.REPLY
    assert f"{mine}.post/3c" not in found
    acts = [one for one in heard(fetched, account) if isinstance(one, Acknowledged)]
    assert {(one.act, one.external_id) for one in acts} == {
        (Act.LIKE, THEIRS), (Act.SHARE, THEIRS),
    }  # fmt: skip
    before = calls(place, "com.atproto.repo.listRecords")
    bluesky.poll(fetched.cursor, account)
    assert calls(place, "com.atproto.repo.listRecords") == before  # nothing changed: one call less


def test_a_post_that_is_gone_is_told_and_one_that_a_block_hides_is_not(place: Place) -> None:
    account = account_at(place)
    first = bluesky.poll("", account)
    state = json.loads(first.cursor)
    assert THEIRS in state["followed"]
    hidden = "at://did:plc:bob/app.bsky.feed.post/3n2wjymrtds2b"
    shown = [uri for uri in state["followed"] if uri not in {THEIRS, hidden}]
    state["gone_at"] = 1.0
    place.answers(f"GET {XRPC}app.bsky.feed.getPosts", {"posts": [{"uri": uri} for uri in shown]})
    record = f"GET {XRPC}com.atproto.repo.getRecord"
    # asked in the order in which they were heard, newest notification first
    place.answers(record, {"uri": hidden, "value": {}})
    place.answers(record, {"error": "RecordNotFound", "message": "no"}, status=400)
    fetched = bluesky.poll(json.dumps(state), account)
    assert heard(fetched, account) == [Deleted(THEIRS, at=NOW)]
    assert THEIRS not in json.loads(fetched.cursor)["followed"]


def test_names_are_searched_politely_and_false_ones_left_out(place: Place) -> None:
    search = f"GET {XRPC}app.bsky.feed.searchPosts"

    def view(key: str, text: str) -> dict[str, Any]:
        return {
            "uri": f"at://did:plc:carl/app.bsky.feed.post/{key}",
            "cid": "e",
            "author": {"did": "did:plc:carl", "handle": "carl.example"},
            "record": {"text": text, "createdAt": "2026-11-22T11:50:00Z"},
            "indexedAt": "2026-11-22T11:50:00.000Z",
        }

    place.answers(
        search,
        {"posts": [view("3a", "A night in the Blue Heron"), view("3b", "a heron, blue"),
                   view("3c", "the blue heron nests here, birdwatching")]},
    )  # fmt: skip
    account = account_at(place, terms="Blue Heron = Blu Heron", excluded="birdwatching")
    fetched = bluesky.poll("", account)
    named = [one for one in said(fetched, account).values() if one.sender == "did:plc:carl"]
    assert [(one.text, one.extra["terms"]) for one in named] == [
        ("A night in the Blue Heron", ["Blue Heron"])
    ]
    assert [a.query["q"] for a in place.asked if "search" in a.path] == [
        '"Blue Heron"', '"Blu Heron"',
    ]  # fmt: skip
    bluesky.poll(fetched.cursor, account)
    assert calls(place, "app.bsky.feed.searchPosts") == 2  # not again within the minute


def test_one_session_serves_many_polls_and_is_kept(place: Place) -> None:
    kept: dict[str, str] = {}
    account = dataclasses.replace(account_at(place), renew=kept.update)
    for _ in range(3):
        bluesky.poll("", account)
    assert calls(place, "com.atproto.server.createSession") == 1
    session.forget()  # another process, with what the house kept
    later = dataclasses.replace(account, secrets={**account.secrets, **kept})
    bluesky.poll("", later)
    assert calls(place, "com.atproto.server.createSession") == 1
    changed = dataclasses.replace(later, secrets={**later.secrets, "password": "other"})
    bluesky.poll("", changed)
    assert calls(place, "com.atproto.server.createSession") == 2


def test_an_ended_token_is_renewed_once_and_the_new_one_kept(place: Place) -> None:
    kept: dict[str, str] = {}
    account = dataclasses.replace(account_at(place), renew=kept.update)
    bluesky.poll("", account)
    listed = f"GET {XRPC}app.bsky.notification.listNotifications"
    told = place._answers[listed].pop()
    place.answers(listed, {"error": "ExpiredToken", "message": "Token has expired"}, status=400)
    place._answers[listed].append(told)
    place.answers(
        f"POST {XRPC}com.atproto.server.refreshSession", opened(place, accessJwt=token(7201))
    )
    bluesky.poll("", account)
    assert calls(place, "com.atproto.server.refreshSession") == 1
    assert calls(place, "com.atproto.server.createSession") == 1
    assert json.loads(kept["session"])["access"] == place.asked[-1].headers["authorization"][7:]


def test_a_token_about_to_end_is_renewed_before_it_is_used(place: Place) -> None:
    place._answers.clear()
    place.answers(f"POST {XRPC}com.atproto.server.createSession", opened(place, accessJwt=token(5)))
    place.answers(f"POST {XRPC}com.atproto.server.refreshSession", opened(place))
    place.answers(f"GET {XRPC}com.atproto.server.getSession", {"handle": "acme.example"})
    account = account_at(place)
    bluesky.check(account)
    bluesky.check(account)
    assert calls(place, "com.atproto.server.refreshSession") == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("AuthenticationRequired", "does not know this handle"),
        ("AuthFactorTokenRequired", "app password"),
        ("AccountTakedown", "switched off"),
    ],
)
def test_a_refused_password_needs_a_person(error: str, words: str) -> None:
    with Place() as place:
        place.answers(f"POST {XRPC}com.atproto.server.createSession", {"error": error}, status=401)
        with pytest.raises(PlaceError, match=words) as refused:
            bluesky.check(account_at(place))
        assert refused.value.needs_person


def test_check_names_the_account_and_warns_of_the_main_password(place: Place) -> None:
    place._answers.clear()
    place.answers(
        f"POST {XRPC}com.atproto.server.createSession",
        opened(place, accessJwt=token(scope="com.atproto.access")),
    )
    place.answers(f"GET {XRPC}com.atproto.server.getSession", {"handle": "acme.example"})
    checked = bluesky.check(account_at(place))
    assert checked.account == "@acme.example"
    assert checked.found == {"did": "did:plc:acme"}
    assert "app password" in checked.warnings[0].lower()


def test_a_rate_limit_is_waited_for_as_its_headers_say(place: Place) -> None:
    listed = f"GET {XRPC}app.bsky.notification.listNotifications"
    place._answers[listed].clear()
    place.answers(
        listed,
        {"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"},
        status=429,
        headers={
            "ratelimit-remaining": "0",
            "ratelimit-reset": str(int(datetime.now(UTC).timestamp()) + 100),
        },
    )
    with pytest.raises(PlaceError, match="slow down") as slow:
        bluesky.poll("", account_at(place))
    assert slow.value.retry_after_seconds is not None
    assert 90 < slow.value.retry_after_seconds <= 100


def test_few_calls_left_are_kept_for_answers(place: Place) -> None:
    listed = f"GET {XRPC}app.bsky.notification.listNotifications"
    few = {"ratelimit-remaining": "7", "ratelimit-reset": str(int(NOW.timestamp()) + 200)}
    place._answers[listed].clear()
    place.answers(listed, {"notifications": []}, headers=few)
    assert bluesky.poll("", account_at(place)).pause_seconds == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"what": "post"}', b'{"what": "post", "uri": "at://x/y/z", "record": 3}',
     b'{"what": "sung", "uri": "at://x/y/z"}', b'{"what":"post","uri":7}', b"\xff" * 9],
)  # fmt: skip
def test_a_truncated_delivery_is_not_understood(body: bytes) -> None:
    account = Account(name="x", settings={})
    with pytest.raises(NotUnderstoodError):
        list(bluesky.parse(Delivered(body=body, headers={}, at=NOW), account))


def thread(**viewer: Any) -> dict[str, Any]:
    root = {"uri": MINE, "cid": "bafyroot"}
    return {
        "thread": {
            "$type": "app.bsky.feed.defs#threadViewPost",
            "post": {
                "uri": THEIRS,
                "cid": "bafytheirs",
                "author": {"did": "did:plc:anna"},
                "record": {"text": "?", "reply": {"root": root, "parent": root}},
                "viewer": viewer,
            },
        }
    }


THREAD = f"GET {XRPC}app.bsky.feed.getPostThread"
PUT = f"POST {XRPC}com.atproto.repo.putRecord"
REPLY = Outgoing(
    idempotency_key="reply_7_1",
    to="did:plc:anna",
    text="Café @anna.example: see (https://acme.example/a?b=1), #Danke 👩‍👧",
    parent=THEIRS,
    root=MINE,
    at=NOW,
)


def test_a_reply_stands_in_the_thread_with_its_links_names_and_tags(place: Place) -> None:
    place.answers(THREAD, thread())
    place.answers(f"GET {XRPC}com.atproto.identity.resolveHandle", {"did": "did:plc:anna"})
    place.answers(f"POST {XRPC}com.atproto.repo.uploadBlob", {"blob": {"$type": "blob"}})
    place.answers(PUT, {"uri": "at://did:plc:acme/app.bsky.feed.post/x", "cid": "c"})
    image = File(name="Our new shop.png", content_type="image/png", content=b"png")
    receipt = bluesky.send(dataclasses.replace(REPLY, files=(image,)), account_at(place))
    put = place.asked[-1].json()
    assert receipt.state is SendState.SENT
    assert receipt.external_id == f"at://did:plc:acme/app.bsky.feed.post/{put['rkey']}"
    assert put["swapRecord"] is None
    record = put["record"]
    assert record["reply"] == {
        "root": {"uri": MINE, "cid": "bafyroot"},
        "parent": {"uri": THEIRS, "cid": "bafytheirs"},
    }
    assert record["createdAt"] == "2026-11-22T12:00:00.000Z"
    assert record["embed"]["images"] == [{"alt": "Our new shop", "image": {"$type": "blob"}}]
    raw = record["text"].encode()
    shown = {
        facet["features"][0]["$type"].partition("#")[2]: raw[
            facet["index"]["byteStart"] : facet["index"]["byteEnd"]
        ].decode()
        for facet in record["facets"]
    }
    assert shown == {
        "link": "https://acme.example/a?b=1", "mention": "@anna.example", "tag": "#Danke",
    }  # fmt: skip


def test_a_second_try_writes_the_same_record(place: Place) -> None:
    place.answers(THREAD, thread())
    place.answers(f"GET {XRPC}com.atproto.identity.resolveHandle", {}, status=400)
    place.answers(PUT, {"uri": "x", "cid": "c"})
    place.answers(PUT, {"error": "InvalidSwap", "message": "Record was at bafy"}, status=400)
    account = account_at(place)
    first, second = bluesky.send(REPLY, account), bluesky.send(REPLY, account)
    assert first == second
    assert first.state is SendState.SENT
    assert place.asked[-1].body == next(a for a in place.asked if "put" in a.path).body
    other = bluesky.send(dataclasses.replace(REPLY, idempotency_key="reply_8_1"), account)
    assert other.external_id != first.external_id
    assert bluesky.may_repeat(REPLY)


def test_names_of_records_sort_by_time_and_are_what_the_place_demands() -> None:
    key, at = writing.key_for(REPLY)
    later, _ = writing.key_for(dataclasses.replace(REPLY, at=NOW + timedelta(seconds=1)))
    undated, _ = writing.key_for(dataclasses.replace(REPLY, at=None))
    assert key < later
    assert at == NOW
    assert {len(key), len(undated)} == {13}
    assert key[0] in "234567abcdefghij"
    moment = writing.moment_of(key)
    assert moment is not None
    assert 0 <= moment - NOW.timestamp() * 1_000_000 < 1000


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": "NotFound", "message": "Post not found"}, "no longer there"),
        ({"thread": {"$type": "app.bsky.feed.defs#blockedPost", "blocked": True}}, "blocked"),
        ({"thread": {"$type": "app.bsky.feed.defs#notFoundPost"}}, "no longer there"),
        (thread(replyDisabled=True), "only some people"),
    ],
)
def test_what_cannot_be_answered_any_more_says_why(
    place: Place, answer: dict[str, Any], words: str
) -> None:
    place.answers(THREAD, answer, status=400 if "error" in answer else 200)
    receipt = bluesky.send(REPLY, account_at(place))
    assert receipt.state is SendState.FAILED
    assert receipt.is_final
    assert words in receipt.reason


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"text": "👩‍👧" * 301}, "300"),
        ({"text": "👩‍👧‍👧" * 290}, "300"),
        ({"is_private": True}, "private"),
        ({"parent": ""}, "no post"),
        ({"files": (File("a.pdf", "application/pdf", b"x"),)}, "pictures"),
        ({"files": (File("a.png", "image/png", b"x"),) * 5}, "4 pictures"),
        ({"files": (File("a.png", "image/png", b"x" * 1_000_001),)}, "1 MB"),
    ],
)
def test_what_the_place_cannot_take_is_refused_before_it_is_asked(
    place: Place, change: dict[str, Any], words: str
) -> None:
    receipt = bluesky.send(dataclasses.replace(REPLY, **change), account_at(place))
    assert receipt.is_final
    assert words in receipt.reason
    assert place.asked == []


def test_a_line_that_breaks_while_writing_leaves_it_unknown(place: Place) -> None:
    place.answers(THREAD, thread())
    place.answers(f"GET {XRPC}com.atproto.identity.resolveHandle", {}, status=400)
    place.breaks_off(PUT)
    assert bluesky.send(REPLY, account_at(place)).state is SendState.UNKNOWN


def test_a_line_that_breaks_before_writing_leaves_it_unsent(place: Place) -> None:
    place.breaks_off(THREAD)
    receipt = bluesky.send(REPLY, account_at(place))
    assert (receipt.state, receipt.is_final) == (SendState.FAILED, False)


def test_a_rate_limit_on_writing_is_told_with_its_wait(place: Place) -> None:
    place.answers(THREAD, thread())
    place.answers(f"GET {XRPC}com.atproto.identity.resolveHandle", {}, status=400)
    place.answers(PUT, {"error": "RateLimitExceeded"}, status=429, headers={"retry-after": "17"})
    receipt = bluesky.send(REPLY, account_at(place))
    assert (receipt.state, receipt.retry_after_seconds, receipt.is_final) == (
        SendState.FAILED, 17, False,
    )  # fmt: skip


def test_a_like_and_a_repost_done_twice_are_done_once(place: Place) -> None:
    place.answers(THREAD, thread())
    place.answers(PUT, {"uri": "x", "cid": "c"})
    place.answers(PUT, {"error": "InvalidSwap"}, status=400)
    account = account_at(place)
    liking = Acting(Act.LIKE, THEIRS, idempotency_key="a")
    first = bluesky.act(liking, account)
    assert first.state is SendState.SENT
    assert "/app.bsky.feed.like/" in first.external_id
    assert bluesky.act(dataclasses.replace(liking, idempotency_key="b"), account) == first
    assert place.asked[-1].json()["record"]["subject"] == {"uri": THEIRS, "cid": "bafytheirs"}
    sharing = bluesky.act(Acting(Act.SHARE, THEIRS, idempotency_key="c"), account)
    assert "/app.bsky.feed.repost/" in sharing.external_id


def test_what_our_people_liked_there_already_is_not_liked_again(place: Place) -> None:
    there = "at://did:plc:acme/app.bsky.feed.like/3x"
    place.answers(THREAD, thread(like=there))
    receipt = bluesky.act(Acting(Act.LIKE, THEIRS, idempotency_key="a"), account_at(place))
    assert (receipt.state, receipt.external_id) == (SendState.SENT, there)
    assert calls(place, "com.atproto.repo.putRecord") == 0


def test_only_our_own_posts_are_deleted(place: Place) -> None:
    place.answers(f"POST {XRPC}com.atproto.repo.deleteRecord", {})
    account = account_at(place)
    gone = bluesky.act(Acting(Act.DELETE, MINE, idempotency_key="a", of_ours=True), account)
    assert gone.state is SendState.SENT
    assert place.asked[-1].json()["rkey"] == "3n2wjymksqc2b"
    refused = bluesky.act(Acting(Act.DELETE, THEIRS, idempotency_key="a"), account)
    assert refused.is_final
    assert bluesky.act(Acting(Act.EDIT, MINE, idempotency_key="a"), account).is_final


def test_a_picture_is_fetched_from_where_its_author_keeps_it(place: Place) -> None:
    place.answers(
        "GET /did:plc:anna",
        {"service": [{"type": "AtprotoPersonalDataServer", "serviceEndpoint": place.url}]},
    )
    place.answers(f"GET {XRPC}com.atproto.sync.getBlob", b"\x89PNG")
    account = account_at(place, plc_url=place.url)
    assert bluesky.fetch("did:plc:anna/bafkrei", account) == b"\x89PNG"
    assert place.asked[-1].query == {"did": "did:plc:anna", "cid": "bafkrei"}


def cid_of(block: bytes) -> bytes:
    return b"\x01\x71\x12\x20" + hashlib.sha256(block).digest()


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def frame(
    record: dict[str, Any], *, action: str = "create", key: str = "3k", seq: int = 5
) -> bytes:
    """A frame of the firehose (com.atproto.sync.subscribeRepos#commit), as servers write it."""
    block = libipld.encode_dag_cbor(record)
    cid = cid_of(block)
    other = libipld.encode_dag_cbor({"e": ["x" * 300]})
    header = libipld.encode_dag_cbor({"roots": [], "version": 1})
    archive = b"".join(
        varint(len(part)) + part for part in (header, cid_of(other) + other, cid + block)
    )
    operation = {
        "action": action,
        "path": f"app.bsky.feed.post/{key}",
        "cid": None if action == "delete" else cid,
    }
    commit = {
        "seq": seq,
        "repo": "did:plc:anna",
        "time": "2026-11-22T11:59:00.000Z",
        "blocks": archive,
        "ops": [operation],
    }
    return bytes(
        libipld.encode_dag_cbor({"op": 1, "t": "#commit"}) + libipld.encode_dag_cbor(commit)
    )


def test_a_frame_is_read_without_its_tree_and_others_are_passed_over() -> None:
    record = {"$type": "app.bsky.feed.post", "text": "hello " * 40, "createdAt": "x"}
    seen, number = firehose.in_frame(frame(record))
    assert number == 5
    assert seen[0].uri == "at://did:plc:anna/app.bsky.feed.post/3k"
    assert seen[0].record == record
    gone, _ = firehose.in_frame(frame({}, action="delete"))
    assert (gone[0].record, gone[0].action) == (None, "delete")
    for broken in (b"", b"\x00", frame(record)[:-40], frame(record)[:200], b"\xff" * 50):
        assert firehose.in_frame(broken)[0] == []
    like = frame(record).replace(b"app.bsky.feed.post/", b"app.bsky.feed.like/")
    assert firehose.in_frame(like) == ([], None)


def test_a_stream_that_ends_says_why() -> None:
    error = libipld.encode_dag_cbor({"op": -1}) + libipld.encode_dag_cbor(
        {"error": "ConsumerTooSlow", "message": "no"}
    )
    with pytest.raises(firehose.StreamError, match="ConsumerTooSlow"):
        firehose.in_frame(error)


def test_jetstream_tells_the_same() -> None:
    said = {
        "did": "did:plc:anna",
        "time_us": 1795348740000000,
        "kind": "commit",
        "commit": {
            "rev": "r", "operation": "create", "collection": "app.bsky.feed.post", "rkey": "3k",
            "cid": "bafy", "record": {"text": "the Blue Heron"},
        },
    }  # fmt: skip
    seen, number = firehose.in_message(json.dumps(said))
    assert number == 1795348740000000
    assert seen[0].uri == "at://did:plc:anna/app.bsky.feed.post/3k"
    terms = Terms(["Blue Heron"])
    assert firehose.matched(seen, terms=terms, knows=lambda _: False)[0].terms == ("Blue Heron",)
    for broken in ("", "[]", "{}", '{"time_us": "x"}', json.dumps({**said, "commit": 7})):
        assert firehose.in_message(broken)[0] == []


def test_names_are_found_in_links_and_descriptions_too() -> None:
    record = {
        "text": "look here: blueheron.exa...",
        "facets": [
            {
                "index": {"byteStart": 11, "byteEnd": 27},
                "features": [
                    {"$type": "app.bsky.richtext.facet#link", "uri": "https://blueheron.example/x"}
                ],
            },
            {"index": "nonsense"},
        ],
        "embed": {"images": [{"alt": "The Blue Heron by night", "image": {"ref": {"$link": "b"}}}]},
    }
    terms = Terms(["Blue Heron", "blueheron.example"])
    assert set(terms.found(posts.searched_in(record))) == {"Blue Heron", "blueheron.example"}


def test_an_edit_in_the_stream_is_told_as_one() -> None:
    delivered = posts.kept(
        "post", at=NOW, name="n", own="did:plc:acme", uri=THEIRS, is_edit=True,
        record={"text": "where is my red order?"}, author={}, seen_at="2026-11-22T11:59:00Z",
    )  # fmt: skip
    account = Account(name="x", settings={})
    assert list(bluesky.parse(delivered, account)) == [
        Edited(THEIRS, at=NOW - timedelta(minutes=1), text="where is my red order?")
    ]


def test_a_post_is_believed_when_it_says_when_it_was_written_but_not_years_ago() -> None:
    account = Account(name="x", settings={})

    def at(created: str) -> datetime:
        delivered = posts.kept(
            "post", at=NOW, name="n", own="o", uri=THEIRS, author={}, seen_at=NOW.isoformat(),
            record={"text": "x", "createdAt": created},
        )  # fmt: skip
        (one,) = bluesky.parse(delivered, account)
        assert isinstance(one, Incoming)
        return one.at

    assert at("2026-11-22T11:00:00Z") == NOW - timedelta(hours=1)
    assert at("2019-01-01T00:00:00Z") == NOW
    assert at("2031-01-01T00:00:00Z") == NOW
    assert at("yesterday") == NOW


def test_jetstream_is_read_from_where_it_was(place: Place) -> None:
    def event(number: int, text: str) -> str:
        commit = {
            "operation": "create", "collection": "app.bsky.feed.post", "rkey": f"3k{number}",
            "cid": "bafy", "record": {"text": text, "createdAt": "2026-11-22T11:59:30Z"},
        }  # fmt: skip
        return json.dumps(
            {"did": "did:plc:anna", "time_us": number, "kind": "commit", "commit": commit}
        )

    asked: list[str] = []

    def say(line: ServerConnection) -> None:
        assert line.request is not None
        asked.append(line.request.path)
        line.send(event(1795348770000000, "nothing of yours"))
        line.send(event(1795348770000001, "A night in the Blue Heron"))
        line.send('{"time_us": 1795348770000002, "kind": "identity", "did": "did:plc:x"}')

    with serve(say, "localhost", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"ws://localhost:{server.socket.getsockname()[1]}/subscribe"
        account = account_at(place, stream="jetstream", stream_url=url, terms="Blue Heron")
        cursor, found = "", list[Heard]()
        for _ in range(2):
            ear = cast("Generator[Fetched]", bluesky.listen(cursor, account))
            with contextlib.closing(ear):
                for fetched in (next(ear), next(ear)):
                    found += heard(fetched, account)
                    cursor = fetched.cursor
                with pytest.raises(PlaceError, match="broke off"):
                    next(ear)
        server.shutdown()
        thread.join(5)
    named = [one for one in found if isinstance(one, Incoming) and "terms" in one.extra]
    assert [one.text for one in named] == ["A night in the Blue Heron"] * 2
    assert named[0] == named[1]
    assert named[0].extra["audience"] == 41
    wanted = "/subscribe?wantedCollections=app.bsky.feed.post"
    assert asked == [wanted, f"{wanted}&cursor=1795348770000002"]


def test_a_post_on_a_quiet_stream_is_told_at_once(place: Place) -> None:
    def say(line: ServerConnection) -> None:
        commit = {
            "operation": "create", "collection": "app.bsky.feed.post", "rkey": "3k1",
            "cid": "bafy", "record": {"text": "Tea at the Blue Heron"},
        }  # fmt: skip
        told = {"did": "did:plc:anna", "time_us": 1795348770000001, "commit": commit}
        line.send(json.dumps(told))
        over.wait(10)

    over = threading.Event()
    with serve(say, "localhost", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"ws://localhost:{server.socket.getsockname()[1]}/subscribe"
        account = account_at(place, stream="jetstream", stream_url=url, terms="Blue Heron")
        names = Terms(["Blue Heron"])
        with firehose.Stream(account, terms=names, position=None, knows=lambda _: False) as stream:
            began = time.monotonic()
            assert len(stream.read(8)) == 1
            assert time.monotonic() - began < 4
            over.set()
        server.shutdown()
        thread.join(5)


def test_half_a_character_stops_nothing() -> None:
    delivered = posts.kept(
        "post", at=NOW, name="n", own="o", uri=THEIRS, author={}, record={"text": "a\ud83d b\x00"}
    )
    (one,) = bluesky.parse(delivered, Account(name="x", settings={}))
    assert isinstance(one, Incoming)
    assert one.text == "a? b"
