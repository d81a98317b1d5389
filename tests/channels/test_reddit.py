"""What Reddit has of its own, with the recordings of its answers that PRAW ships."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heard.channels import reddit
from heard.channels.base import (
    Act,
    Acting,
    Deleted,
    Edited,
    Fetched,
    Incoming,
    Kind,
    PlaceError,
    SendState,
    SetAside,
)
from tests.channels.place import Place
from tests.channels.vendors import VENDORS, delivered, soon
from tests.servers import running

[REDDIT] = [vendor for vendor in VENDORS if vendor.kind == "reddit"]
EMPTY: dict[str, Any] = {"kind": "Listing", "data": {"after": None, "children": []}}
PATHS = ("message/inbox", "message/sent", "user/the_shop/comments", "r/example/comments",
         "r/example/new", "api/info")  # fmt: skip


def said(name: str) -> list[Any]:
    return list(reddit.parse(delivered(REDDIT.body(f"{name}.json")), REDDIT.account()))


def item(payload: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(REDDIT.body(f"{payload}.json"))["item"]
    return {**found, "data": {**found["data"], "created_utc": time.time() - 60, **more}}


def listing(*items: dict[str, Any], after: str | None = None) -> dict[str, Any]:
    return {"kind": "Listing", "data": {"after": after, "children": list(items)}}


def reddit_of(place: Place, **lists: dict[str, Any]) -> None:
    """Everything is empty, but what is given by the last word of its path."""
    REDDIT.prepares(place)
    place.answers(REDDIT.checks, REDDIT.known)
    for path in PATHS:
        place.answers(f"GET /{path}", lists.get(path.rpartition("/")[2], EMPTY))


def heard(fetched: Fetched) -> list[Any]:
    return [
        one for delivery in fetched.deliveries for one in reddit.parse(delivery, REDDIT.account())
    ]


def test_comments_posts_and_messages_are_read() -> None:
    [comment] = said("message")
    assert (comment.root, comment.parent, comment.is_public) == ("t3_p1", "t3_p1", True)
    assert comment.extra["url"].startswith("https://www.reddit.com/r/example/comments/p1/")
    [post] = said("post")
    assert (post.root, post.subject) == ("t3_p2", "Is The Shop any good?")
    assert post.extra["terms"] == ["The Shop"]
    [letter] = said("letter")
    assert (letter.root, letter.is_public, letter.subject) == ("t4_m1", False, "My order")
    [ours] = said("letter_own")
    assert (ours.kind, ours.to, ours.root) == (Kind.REPLY, "ann_lee", "t4_m1")
    assert said("moderators")[0].sender == "r/example"
    assert said("machine")[0].is_automatic
    assert isinstance(said("novelty")[0], SetAside)


class TestAsking:
    def test_what_is_new_is_brought_once_and_what_changed_again(self) -> None:
        with Place() as place:
            account = REDDIT.account(api_url=place.url)
            reddit_of(place, inbox=listing(item("message"), item("letter")))
            first = reddit.poll("", account)
            second = reddit.poll(first.cursor, account)
            changed = item("message", body="Changed.", edited=time.time() - 5)
            place.answers("GET /api/info", listing(changed))
            reddit.poll(second.cursor, account)
            third = reddit.poll(second.cursor, account)
            place.answers("GET /api/info", listing(item("deleted")))
            reddit.poll(third.cursor, account)
            fourth = reddit.poll(third.cursor, account)
            fifth = reddit.poll(fourth.cursor, account)
        assert {one.external_id for one in heard(first)} == {"t1_c1", "t4_m1"}
        assert second.deliveries == ()
        assert [one.text for one in heard(third) if isinstance(one, Edited)] == ["Changed."]
        assert [type(one) for one in heard(fourth)] == [Deleted]
        assert fifth.deliveries == ()
        infos = [one.query["id"] for one in place.asked if one.path == "/api/info"]
        assert set(infos) == {"t1_c1"}
        assert all(one.headers["user-agent"] == reddit.AGENT for one in place.asked)

    def test_pages_are_turned_until_what_was_heard_before(self) -> None:
        with Place() as place:
            account = REDDIT.account(api_url=place.url)
            reddit_of(place, inbox=listing(item("message")))
            cursor = reddit.poll("", account).cursor
        with Place() as place:
            account = REDDIT.account(api_url=place.url)
            newer = item("message", name="t1_c9", created_utc=time.time())
            place.answers("GET /message/inbox", listing(newer, after="t1_c9"))
            old = item("message", name="t1_c0", created_utc=time.time() - 9000)
            middle = item("message", name="t1_c8", created_utc=time.time() - 1)
            place.answers("GET /message/inbox", listing(middle, old, after="t1_c0"))
            reddit_of(place)
            names = {one.external_id for one in heard(reddit.poll(cursor, account))}
        assert {"t1_c9", "t1_c8"} <= names
        pages = [one.query for one in place.asked if one.path == "/message/inbox"]
        assert [page.get("after") for page in pages] == [None, "t1_c9"]
        assert all(page["mark"] == "false" for page in pages)

    def test_only_what_names_us_is_heard_in_subreddits_when_names_are_given(self) -> None:
        with Place() as place:
            other = item("post", name="t3_p3", title="Something else", selftext="")
            reddit_of(place, new=listing(item("post"), other))
            account = REDDIT.account(api_url=place.url, terms="The Shop")
            [post] = heard(reddit.poll("", account))
        assert (post.external_id, post.extra["terms"]) == ("t3_p2", ["The Shop"])

    def test_the_limit_is_shown_and_waited_for(self) -> None:
        with Place() as place:
            left = {"x-ratelimit-remaining": "4.0", "x-ratelimit-used": "96",
                    "x-ratelimit-reset": "40"}  # fmt: skip
            REDDIT.prepares(place)
            place.answers(REDDIT.checks, REDDIT.known)
            for path in PATHS:
                place.answers(f"GET /{path}", EMPTY, headers=left)
            fetched = reddit.poll("", REDDIT.account(api_url=place.url))
        assert fetched.quota is not None
        assert (fetched.quota.left, fetched.quota.of) == (4, 100)
        assert fetched.pause_seconds is not None
        assert 30 < fetched.pause_seconds < 45

    def test_a_sign_in_that_ended_needs_a_person(self) -> None:
        with Place() as place:
            place.answers("POST /api/v1/access_token", {"error": "invalid_grant"}, status=400)
            account = REDDIT.account(api_url=place.url)
            with pytest.raises(PlaceError) as trouble:
                reddit.poll("", account)
            assert trouble.value.needs_person
            assert reddit.send(REDDIT.reply, account).is_final


class TestRecordings:
    def test_every_inbox_that_was_recorded_is_understood(self) -> None:
        folder = Path(running("fixtures")["REDDIT_CASSETTES"])
        found: list[Any] = []
        for path in (
            *sorted(folder.glob("TestInbox.*.json")),
            folder / "TestMessage.test_reply.json",
        ):
            for one in json.loads(path.read_text())["interactions"]:
                if one["request"]["method"] != "GET" or "/message/" not in one["request"]["uri"]:
                    continue
                answer = json.loads(one["response"]["body"]["string"])
                for each in reddit._flat(answer.get("data")):
                    body = json.dumps({"me": "<USERNAME>", "item": each}).encode()
                    found += reddit.parse(delivered(body), REDDIT.account())
        assert len(found) > 300
        assert not [one for one in found if isinstance(one, SetAside)]
        messages = [one for one in found if isinstance(one, Incoming)]
        assert {one.kind for one in messages} == {Kind.INCOMING, Kind.REPLY}
        assert all(one.root for one in messages)

    def test_a_recorded_inbox_is_asked_for_page_by_page(self) -> None:
        folder = Path(running("fixtures")["REDDIT_CASSETTES"])
        recorded = json.loads((folder / "TestInbox.test_messages.json").read_text())
        with Place() as place:
            for one in recorded["interactions"]:
                if "/message/" in one["request"]["uri"]:
                    headers = {
                        name: values[0]
                        for name, values in one["response"]["headers"].items()
                        if name.startswith("x-ratelimit")
                    }
                    body = one["response"]["body"]["string"].encode()
                    place.answers("GET /message/inbox", body, headers=headers)
            place.answers("GET /message/inbox", EMPTY)
            reddit_of(place)
            account = REDDIT.account(api_url=place.url)
            since = json.dumps({"me": "the_shop", "since": {"message/inbox": 0}})
            fetched = reddit.poll(since, account)
            again = reddit.poll(fetched.cursor, account)
        assert len(fetched.deliveries) > 150
        assert again.deliveries == ()
        assert fetched.quota is not None
        assert fetched.quota.left == 9306


class TestSending:
    @pytest.mark.parametrize(
        ("errors", "more", "wait", "words"),
        [
            (
                ["RATELIMIT", "try again in 9 minutes", "ratelimit"],
                {"ratelimit": 540.0},
                540,
                "9 min",
            ),
            (["THREAD_LOCKED", "locked", "parent"], {}, None, "post is locked"),
            (["NEW_ONE", "No such luck", ""], {}, None, "No such luck"),
        ],
    )
    def test_a_refusal_that_comes_as_200_is_one(
        self, errors: list[str], more: dict[str, Any], wait: int | None, words: str
    ) -> None:
        with Place() as place:
            REDDIT.prepares(place)
            place.answers(REDDIT.call, {"json": {"errors": [errors], **more}})
            receipt = reddit.send(REDDIT.reply, REDDIT.account(api_url=place.url))
        assert (receipt.state, receipt.is_final) == (SendState.FAILED, wait is None)
        assert receipt.retry_after_seconds == wait
        assert words in receipt.reason

    def test_a_message_whose_name_reddit_keeps_is_found_among_those_sent(self) -> None:
        things = [{"kind": "t4", "data": {"name": "t4_zzzzzzzzzzzz"}}]
        letter = soon("On its way.", to="ann_lee", root="t4_m1", parent="t4_m1")
        with Place() as place:
            REDDIT.prepares(place)
            place.answers(REDDIT.call, {"json": {"errors": [], "data": {"things": things}}})
            place.answers("GET /message/sent", listing(item("letter_own")))
            receipt = reddit.send(letter, REDDIT.account(api_url=place.url))
        assert (receipt.state, receipt.external_id) == (SendState.SENT, "t4_m2")
        assert said("letter_own")[0].external_id == "t4_m2"

    def test_a_public_comment_is_not_answered_privately(self) -> None:
        receipt = reddit.send(replace(REDDIT.reply, is_private=True), REDDIT.account())
        assert receipt.is_final
        assert not reddit.may_repeat(REDDIT.reply)

    @pytest.mark.parametrize(
        ("act", "path", "of_ours", "fields"),
        [
            (Act.LIKE, "vote", False, {"id": "t1_c1", "dir": "1"}),
            (Act.EDIT, "editusertext", True, {"thing_id": "t1_c1", "text": "Better"}),
            (Act.DELETE, "del", True, {"id": "t1_c1"}),
        ],
    )
    def test_what_can_be_done_without_writing(
        self, act: Act, path: str, of_ours: bool, fields: dict[str, str]
    ) -> None:
        acting = Acting(act, "t1_c1", "key", text="Better", of_ours=of_ours)
        with Place() as place:
            REDDIT.prepares(place)
            place.answers(f"POST /api/{path}", {})
            account = REDDIT.account(api_url=place.url)
            assert reddit.act(acting, account).state is SendState.SENT
            assert place.asked[1].form() == {"api_type": "json", **fields}
            if of_ours:
                assert reddit.act(replace(acting, of_ours=False), account).is_final


def test_the_check_tells_which_rights_are_lacking_and_which_names_are_none() -> None:
    with Place() as place:
        place.answers("POST /api/v1/access_token", {"access_token": "t", "scope": "identity read"})
        place.answers(REDDIT.checks, REDDIT.known)
        checked = reddit.check(REDDIT.account(api_url=place.url, subreddits="r/example"))
    assert "submit" in checked.warnings[0]
    with pytest.raises(PlaceError, match="no name"):
        reddit.check(REDDIT.account(subreddits="what is this"))
