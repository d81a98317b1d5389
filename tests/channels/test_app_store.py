"""What the App Store has of its own, besides what `test_vendor_contract` asks of all."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from heard.channels import app_store
from heard.channels.base import Edited, Incoming, Kind, PlaceError, Quota
from tests.channels.place import Place
from tests.channels.vendors import APPLE_KEY, NOW, VENDORS, delivered, pem

[VENDOR] = [vendor for vendor in VENDORS if vendor.kind == "app_store"]
LIST = "GET /v1/apps/682658836/customerReviews"


def said(name: str) -> list[Any]:
    return list(app_store.parse(delivered(VENDOR.body(f"{name}.json")), VENDOR.account()))


def review(name: str, *, days_ago: int = 1, body: str = "Good", stars: int = 4) -> Any:
    at = (datetime.now(UTC) - timedelta(days=days_ago)).isoformat()
    return {
        "type": "customerReviews",
        "id": name,
        "attributes": {"rating": stars, "title": "T", "body": body, "createdDate": at},
        "relationships": {"response": {}},
    }


def heard(place: Place, turns: int) -> list[list[Any]]:
    account = VENDOR.account(api_url=place.url)
    cursor = ""
    brought: list[list[Any]] = []
    for _ in range(turns):
        fetched = app_store.poll(cursor, account)
        cursor = fetched.cursor
        brought.append([h for one in fetched.deliveries for h in app_store.parse(one, account)])
    return brought


def test_a_review_has_its_title_stars_and_country_and_our_answer_is_a_reply() -> None:
    theirs, ours = said("answered")
    assert theirs.text == "Crashes\n\nIt closes whenever I pay."
    assert (theirs.extra["rating"], theirs.extra["territory"], theirs.need) == (1, "USA", "answer")
    assert theirs.extra["url"] == "https://apps.apple.com/app/id682658836?see-all=reviews"
    assert (theirs.sender_name, theirs.is_public) == ("annlee", True)
    assert (ours.kind, ours.parent, ours.to) == (Kind.REPLY, theirs.external_id, theirs.sender)
    [stars] = said("stars")
    assert (stars.text, stars.need) == ("5 of 5, no words", "recognition")


def test_changed_stars_are_told_beneath_the_words_when_it_was_found_out() -> None:
    _, changed = said("edited")
    assert isinstance(changed, Edited)
    assert changed.text.endswith("It stays open now.")
    assert changed.extra == {"rating": 4}
    assert changed.at == NOW


def test_what_is_new_changed_or_answered_is_brought_once() -> None:
    one, other = review("A"), review("B")
    worse = review("A", body="Bad", stars=1)
    answered = {**other, "relationships": {"response": {"data": {"id": "r1"}}}}
    response = {
        "type": "customerReviewResponses",
        "id": "r1",
        "attributes": {"responseBody": "Thanks!", "lastModifiedDate": "2026-11-22T01:00:00Z"},
    }
    with Place() as place:
        place.answers(LIST, {"data": [one, other]})
        place.answers(LIST, {"data": [one, other]})
        place.answers(LIST, {"data": [worse, other]})
        place.answers(LIST, {"data": [worse, answered], "included": [response]})
        first, second, third, fourth = heard(place, 4)
    assert [message.external_id for message in first] == ["A", "B"]
    assert second == []
    assert [type(message) for message in third] == [Incoming, Edited]
    assert [message.kind for message in fourth] == [Kind.INCOMING, Kind.REPLY]


def test_the_first_look_goes_back_thirty_days_and_no_further_later() -> None:
    old = review("old", days_ago=40)
    after = {"links": {"next": "https://elsewhere.example/v1/x?cursor=two&limit=200"}}
    with Place() as place:
        place.answers(LIST, {"data": [review("A")], **after})
        place.answers(LIST, {"data": [review("B", days_ago=29), old], **after})
        place.answers(LIST, {"data": [review("C"), review("A"), old]})
        first, second = heard(place, 2)
    assert [message.external_id for message in first] == ["A", "B"]
    assert [message.external_id for message in second] == ["C"]
    assert [asked.query.get("cursor") for asked in place.asked] == [None, "two", None]
    assert place.asked[0].query["include"] == "response"


def test_what_may_still_be_asked_is_shown() -> None:
    header = {"x-rate-limit": "user-hour-lim:3500;user-hour-rem:500;"}
    with Place() as place:
        place.answers(LIST, {"data": []}, headers=header)
        place.answers(VENDOR.checks, VENDOR.known, headers=header)
        account = VENDOR.account(api_url=place.url)
        assert app_store.poll("", account).quota == Quota(500, 3500)
        assert app_store.check(account).quota == Quota(500, 3500)
        place.answers(LIST, {"data": []}, headers={"x-rate-limit": "soon"})


@pytest.mark.parametrize("is_flat", [False, True])
def test_a_token_is_short_and_proven_by_the_key(*, is_flat: bool) -> None:
    key = pem(APPLE_KEY)
    account = replace(VENDOR.account(), secrets={"key": key.replace("\n", "") if is_flat else key})
    with Place() as place:
        place.answers(VENDOR.checks, VENDOR.known)
        app_store.check(replace(account, settings={**account.settings, "api_url": place.url}))
    token = place.asked[0].headers["authorization"].removeprefix("Bearer ")
    head, claims, proof = (
        base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")
    )
    assert len(proof) == 64
    pair = (int.from_bytes(proof[:32], "big"), int.from_bytes(proof[32:], "big"))
    content = token.rpartition(".")[0].encode()
    APPLE_KEY.public_key().verify(
        utils.encode_dss_signature(*pair), content, ec.ECDSA(hashes.SHA256())
    )
    assert json.loads(head) == {"alg": "ES256", "typ": "JWT", "kid": "2X9R4HXF34"}
    told = json.loads(claims)
    assert (told["iss"], told["aud"]) == ("made-up-issuer", "appstoreconnect-v1")
    assert 0 < told["exp"] - told["iat"] <= 20 * 60


def test_an_individual_key_stands_for_its_user() -> None:
    with Place() as place:
        place.answers(VENDOR.checks, VENDOR.known)
        app_store.check(VENDOR.account(api_url=place.url, issuer_id=""))
    claims = place.asked[0].headers["authorization"].split(".")[1]
    told = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert told["sub"] == "user"
    assert "iss" not in told


@pytest.mark.parametrize(
    "key", ["", "AuthKey", pem(ec.generate_private_key(ec.SECP384R1()))], ids=["none", "no", "p384"]
)
def test_a_key_that_is_none_needs_a_person(key: str) -> None:
    account = replace(VENDOR.account(), secrets={"key": key})
    with pytest.raises(PlaceError) as trouble:
        app_store.check(account)
    assert trouble.value.needs_person
    assert app_store.send(VENDOR.reply, account).is_final


def test_an_answer_names_its_review_and_what_apple_does_not_take_is_final() -> None:
    said = {"errors": [{"status": "409", "code": "STATE_ERROR", "detail": "Not in this state."}]}
    with Place() as place:
        place.answers(VENDOR.call, said, status=409)
        receipt = app_store.send(VENDOR.reply, VENDOR.account(api_url=place.url))
    data = place.asked[0].json()["data"]
    assert data["relationships"]["review"]["data"]["id"] == VENDOR.heard_as
    assert receipt.is_final
    assert "Not in this state" in receipt.reason
