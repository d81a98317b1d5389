"""What YouTube has of its own, besides what `test_vendor_contract` asks of all."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from heard.channels import youtube
from heard.channels.base import Act, Acting, Incoming, Kind, PlaceError, SendState
from tests.channels.place import Place
from tests.channels.vendors import VENDORS, delivered

[YOUTUBE] = [vendor for vendor in VENDORS if vendor.kind == "youtube"]
LIST, ANSWERS = "GET /youtube/v3/commentThreads", "GET /youtube/v3/comments"
NOBODY: dict[str, Any] = {"items": []}


def said(name: str) -> list[Any]:
    return list(youtube.parse(delivered(YOUTUBE.body(f"{name}.json")), YOUTUBE.account()))


def thread(name: str, *, minutes_ago: int, answers: int = 0, shown: int = 0) -> dict[str, Any]:
    at = (datetime.now(UTC) - timedelta(minutes=minutes_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def comment(one: str) -> dict[str, Any]:
        return {
            "id": one,
            "snippet": {
                "textDisplay": "hi", "authorChannelId": {"value": "UCann"}, "videoId": "v",
                "publishedAt": at, "updatedAt": at,
            },
        }  # fmt: skip

    return {
        "id": name,
        "snippet": {"topLevelComment": comment(name), "totalReplyCount": answers},
        "replies": {"comments": [comment(f"{name}.{n}") for n in range(shown)]},
    }


def start(place: Place) -> None:
    YOUTUBE.prepares(place)
    channel = {"items": [{"id": "UCshop", "snippet": {"title": "The Shop"}}]}
    place.answers("GET /youtube/v3/channels", channel)


def test_a_thread_has_its_answers_and_ours_are_replies() -> None:
    first, ours, theirs = said("answered")
    assert (first.root, first.parent, first.is_public) == ("Ugx1", "", True)
    assert first.extra["url"] == "https://www.youtube.com/watch?v=vid1&lc=Ugx1"
    assert (ours.kind, ours.parent, ours.root) == (Kind.REPLY, "Ugx1", "Ugx1")
    assert (theirs.kind, theirs.sender_name) == (Kind.INCOMING, "@annlee")
    [held] = said("held")
    assert (held.is_public, held.extra["held"]) == (False, True)


def test_what_is_new_or_changed_is_brought_and_units_are_counted() -> None:
    quiet, talked = thread("A", minutes_ago=30), thread("B", minutes_ago=50)
    more = thread("B", minutes_ago=50, answers=3, shown=1)
    with Place() as place:
        start(place)
        old = thread("Z", minutes_ago=60 * 24 * 8)
        for threads in ([quiet, talked, old], [quiet, talked, old], [quiet, more, old]):
            place.answers(LIST, {"items": threads})
            place.answers(LIST, NOBODY)
        answers = [thread(f"B.{n}", minutes_ago=9)["snippet"]["topLevelComment"] for n in range(3)]
        place.answers(ANSWERS, {"items": answers})
        account = YOUTUBE.account(api_url=place.url)
        first = youtube.poll("", account)
        second = youtube.poll(first.cursor, account)
        third = youtube.poll(second.cursor, account)
    assert [one.external_id.split("/")[0] for one in first.deliveries] == ["A", "B"]
    assert second.deliveries == ()
    [changed] = third.deliveries
    heard = [one for one in youtube.parse(changed, account) if isinstance(one, Incoming)]
    assert [one.external_id for one in heard] == ["B", "B.0", "B.1", "B.2"]
    assert json.loads(third.cursor)["units"] == 1 + 2 + 2 + 3
    assert third.quota is not None
    assert (third.quota.left, third.quota.of) == (8000 - 8, 10_000)
    held = [one.query.get("moderationStatus") for one in place.asked if "Threads" in one.path]
    assert held == [None, "heldForReview"] * 3


def test_pages_are_followed_back_to_the_last_time() -> None:
    with Place() as place:
        start(place)
        place.answers(LIST, {"items": [thread("C", minutes_ago=1)], "nextPageToken": "two"})
        place.answers(LIST, {"items": [thread("B", minutes_ago=3)], "nextPageToken": "three"})
        place.answers(LIST, {"items": [thread("A", minutes_ago=10)], "nextPageToken": "four"})
        place.answers(LIST, NOBODY)
        since = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
        cursor = json.dumps({"seen": {}, "turn": 0, "since": since, "channel": "UCshop"})
        fetched = youtube.poll(cursor, YOUTUBE.account(api_url=place.url))
    pages = [one.query.get("pageToken") for one in place.asked if "Threads" in one.path]
    assert pages == [None, "two", "three", None]
    assert len(fetched.deliveries) == 3


def test_the_units_for_asking_end_before_those_for_answers() -> None:
    day = f"{datetime.now(UTC).astimezone(youtube.PACIFIC):%Y-%m-%d}"
    cursor = json.dumps({"seen": {}, "turn": 0, "day": day, "units": 8000})
    with pytest.raises(PlaceError, match="8,000 of 10,000") as trouble:
        youtube.poll(cursor, YOUTUBE.account())
    assert not trouble.value.needs_person
    assert 0 < (trouble.value.retry_after_seconds or 0) <= 25 * 3600


def test_a_spent_day_waits_for_midnight_in_california() -> None:
    spent = {"error": {"code": 403, "errors": [{"reason": "quotaExceeded"}]}}
    with Place() as place:
        YOUTUBE.prepares(place)
        place.answers(YOUTUBE.call, spent, status=403)
        receipt = youtube.send(YOUTUBE.reply, YOUTUBE.account(api_url=place.url))
    assert (receipt.state, receipt.is_final) == (SendState.FAILED, False)
    assert 0 <= (receipt.retry_after_seconds or 0) <= 25 * 3600


def test_a_sign_in_that_was_taken_back_needs_a_person() -> None:
    with Place() as place:
        ended = {"error": "invalid_grant", "error_description": "Token has been revoked."}
        place.answers("POST /token", ended, status=400)
        account = YOUTUBE.account(api_url=place.url)
        receipt = youtube.send(YOUTUBE.reply, account)
        with pytest.raises(PlaceError) as trouble:
            youtube.poll("", account)
    assert receipt.is_final
    assert trouble.value.needs_person
    assert "sign in again" in receipt.reason


def test_an_answer_goes_beneath_the_first_comment() -> None:
    with Place() as place:
        YOUTUBE.prepares(place)
        place.answers(YOUTUBE.call, YOUTUBE.taken)
        youtube.send(YOUTUBE.reply, YOUTUBE.account(api_url=place.url))
    assert place.asked[1].json()["snippet"]["parentId"] == "Ugx1"
    assert place.asked[1].headers["authorization"] == "Bearer tok"
    assert place.asked[0].form()["grant_type"] == "refresh_token"


def test_moderation_and_our_own_comments() -> None:
    gone = {"error": {"code": 404, "errors": [{"reason": "commentNotFound"}]}}
    with Place() as place:
        YOUTUBE.prepares(place)
        place.answers("POST /youtube/v3/comments/setModerationStatus", b"", status=204)
        place.answers("PUT /youtube/v3/comments", {"id": "Ugx1.r1"})
        place.answers("DELETE /youtube/v3/comments", gone, status=404)
        account = YOUTUBE.account(api_url=place.url)
        receipts = [
            youtube.act(Acting(Act.APPROVE, "Ugx2", "k"), account),
            youtube.act(Acting(Act.SPAM, "Ugx2", "k"), account),
            youtube.act(Acting(Act.EDIT, "Ugx1.r1", "k", text="better", of_ours=True), account),
            youtube.act(Acting(Act.DELETE, "Ugx1.r1", "k", of_ours=True), account),
        ]
        refused = youtube.act(Acting(Act.LIKE, "Ugx1", "k"), account)
    assert {receipt.state for receipt in receipts} == {SendState.SENT}
    asked = [one.query.get("moderationStatus") for one in place.asked if "setMod" in one.path]
    assert asked == ["published", "rejected"]
    assert refused.is_final


def test_the_check_tells_the_channel() -> None:
    with Place() as place:
        start(place)
        checked = youtube.check(YOUTUBE.account(api_url=place.url))
    assert (checked.account, checked.found) == ("The Shop", {"channel_id": "UCshop"})
    with Place() as place:
        YOUTUBE.prepares(place)
        place.answers("GET /youtube/v3/channels", {"pageInfo": {"totalResults": 0}})
        with pytest.raises(PlaceError, match="no YouTube channel"):
            youtube.check(YOUTUBE.account(api_url=place.url))
