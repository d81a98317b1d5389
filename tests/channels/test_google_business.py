"""What Google Business has of its own, besides what `test_vendor_contract` asks of all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from heard.channels import google_business
from heard.channels.base import Edited, Incoming, Kind, PlaceError, Progress, SendState
from heard.channels.reviews import answer_name
from tests.channels.place import Place
from tests.channels.vendors import BAKERY, VENDORS, delivered

[VENDOR] = [vendor for vendor in VENDORS if vendor.kind == "google_business"]
LIST = f"GET /v4/{BAKERY}/reviews"
TOKEN = ("POST /token", {"access_token": "tok"})


def said(name: str) -> list[Any]:
    return list(google_business.parse(delivered(VENDOR.body(f"{name}.json")), VENDOR.account()))


def ago(hours: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def review(name: str, *, hours: float = 2, stars: str = "FOUR", words: str = "Good") -> Any:
    return {
        "name": f"{BAKERY}/reviews/{name}",
        "starRating": stars,
        "comment": words,
        "createTime": ago(hours),
        "updateTime": ago(hours),
    }


def heard(place: Place, turns: int, **settings: Any) -> list[list[Any]]:
    account = VENDOR.account(api_url=place.url, **settings)
    cursor = ""
    brought: list[list[Any]] = []
    for _ in range(turns):
        fetched = google_business.poll(cursor, account)
        cursor = fetched.cursor
        brought.append(
            [h for one in fetched.deliveries for h in google_business.parse(one, account)]
        )
    return brought


def test_a_review_has_its_stars_and_our_answer_is_a_reply() -> None:
    theirs, ours = said("answered")
    assert (theirs.extra["rating"], theirs.need, theirs.sender_name) == (2, "answer", "Ann Lee")
    assert (ours.kind, ours.parent, ours.sender) == (Kind.REPLY, theirs.external_id, BAKERY)
    [stars] = said("stars")
    assert (stars.text, stars.need, stars.sender_name) == (
        "5 of 5, no words",
        "recognition",
        "",
    )
    _, changed = said("edited")
    assert isinstance(changed, Edited)
    assert changed.extra == {"rating": 5}


def test_an_answer_that_google_refuses_is_told_and_stops_no_clock() -> None:
    theirs, refused = said("refused")
    assert theirs.text == "Sehr gut!"
    assert isinstance(refused, Progress)
    assert (refused.state, refused.external_id) == (
        "failed",
        answer_name(theirs.external_id, "Call 555!"),
    )
    assert "SPAM" in refused.reason


@pytest.mark.parametrize(
    ("shown", "written"),
    [
        ("Good", "Good"),
        ("Gut\n\n(Translated by Google)\nGood", "Gut"),
        ("(Translated by Google) Good\n\n(Original)\nGut", "Gut"),
        ("(Translated by Google) Good", "Good"),
    ],
)
def test_what_google_translated_is_read_as_it_was_written(shown: str, written: str) -> None:
    assert google_business.as_written(shown) == written


def test_what_is_new_changed_or_answered_is_brought_once() -> None:
    one, other = review("A"), review("B")
    worse = {**one, "starRating": "ONE", "updateTime": ago(1)}
    reply = {"comment": "Thanks!", "updateTime": ago(0.5)}
    with Place() as place:
        place.answers(*TOKEN)
        place.answers(LIST, {"reviews": [one, other]})
        place.answers(LIST, {"reviews": [one, other]})
        place.answers(LIST, {"reviews": [worse, other]})
        place.answers(LIST, {"reviews": [worse, {**other, "reviewReply": reply}]})
        first, second, third, fourth = heard(place, 4)
    assert [message.text for message in first] == ["Good", "Good"]
    assert second == []
    assert [type(message) for message in third] == [Incoming, Edited]
    assert (third[1].extra, third[1].need) == ({"rating": 1}, "answer")
    assert [message.kind for message in fourth] == [Kind.INCOMING, Kind.REPLY]


def test_every_place_is_asked_and_the_first_look_is_thirty_days() -> None:
    other = "accounts/1/locations/3"
    old = review("old", hours=24 * 40)
    with Place() as place:
        place.answers(*TOKEN)
        place.answers(LIST, {"reviews": [review("A")], "nextPageToken": "two"})
        place.answers(LIST, {"reviews": [review("B", hours=20), old], "nextPageToken": "three"})
        place.answers(LIST, {"reviews": [review("A"), old]})
        there = {**review("C"), "name": f"{other}/reviews/C"}
        place.answers(f"GET /v4/{other}/reviews", {"reviews": [there]})
        [first] = heard(place, 1, locations=f"{BAKERY}\n\n/{other}/")
    assert [message.external_id.rpartition("/")[2] for message in first] == ["A", "B", "C"]
    lists = [asked for asked in place.asked if asked.method == "GET"]
    assert [asked.query.get("pageToken") for asked in lists] == [None, "two", None]
    assert lists[0].query["orderBy"] == "updateTime desc"
    assert place.asked[0].form()["grant_type"] == "refresh_token"


def test_a_late_answer_to_an_old_review_is_heard() -> None:
    old = review("old", hours=24 * 40)
    answered = {**old, "reviewReply": {"comment": "Sorry!", "updateTime": ago(1)}}
    with Place() as place:
        place.answers(*TOKEN)
        place.answers(LIST, {"reviews": [old]})
        place.answers(LIST, {"reviews": [answered]})
        first, second = heard(place, 2)
    assert first == []
    assert [message.kind for message in second] == [Kind.INCOMING, Kind.REPLY]


@pytest.mark.parametrize(
    "places", [[], "", ["bakery"], ["accounts/1/locations/2/../3"], [f"accounts/1/locations/{n}"
    for n in range(51)]],
)  # fmt: skip
def test_what_is_no_place_is_said_in_words(places: Any) -> None:
    with Place() as place:
        place.answers(*TOKEN)
        with pytest.raises(PlaceError) as trouble:
            google_business.check(VENDOR.account(api_url=place.url, locations=places))
    assert trouble.value.needs_person


def test_only_reviews_are_answered_and_length_counts_bytes() -> None:
    with Place() as place:
        account = VENDOR.account(api_url=place.url)
        strange = replace(VENDOR.reply, root="accounts/1/../../x")
        long = replace(VENDOR.reply, text="ü" * 2049)
        receipts = [google_business.send(one, account) for one in (strange, long)]
    assert {(one.state, one.is_final) for one in receipts} == {(SendState.FAILED, True)}
    assert place.asked == []


def test_a_sign_in_that_was_taken_back_needs_a_person() -> None:
    with Place() as place:
        ended = {"error": "invalid_grant", "error_description": "Token has been revoked."}
        place.answers("POST /token", ended, status=400)
        with pytest.raises(PlaceError, match="has been revoked") as trouble:
            google_business.poll("", VENDOR.account(api_url=place.url))
    assert trouble.value.needs_person
