"""What Trustpilot has of its own, besides what `test_vendor_contract` asks of all."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from heard.channels import trustpilot
from heard.channels.base import (
    Act,
    Acting,
    Deleted,
    Edited,
    Incoming,
    Kind,
    PlaceError,
    RefusedError,
    SendState,
    SetAside,
)
from tests.channels.place import Place
from tests.channels.vendors import SECRET, VENDORS, delivered

[VENDOR] = [vendor for vendor in VENDORS if vendor.kind == "trustpilot"]
[SIGN_IN, LIST] = VENDOR.before


def said(name: str) -> list[Any]:
    return list(trustpilot.parse(delivered(VENDOR.body(f"{name}.json")), VENDOR.account()))


def review(name: str, *, days_ago: int = 1, text: str = "Good", stars: int = 4, **more: Any) -> Any:
    at = (datetime.now(UTC) - timedelta(days=days_ago)).isoformat()
    person = {"id": f"c{name}", "displayName": "Ann"}
    return {"id": name, "text": text, "stars": stars, "createdAt": at, "consumer": person, **more}


def heard(place: Place, turns: int) -> list[list[Any]]:
    account = VENDOR.account(api_url=place.url)
    cursor = ""
    brought: list[list[Any]] = []
    for _ in range(turns):
        fetched = trustpilot.poll(cursor, account)
        cursor = fetched.cursor
        brought.append([h for one in fetched.deliveries for h in trustpilot.parse(one, account)])
    return brought


def test_a_review_has_stars_order_and_page_and_the_person_is_known_again() -> None:
    [theirs] = said("message")
    assert theirs.text == "It never came\n\nThree weeks, and no parcel."
    assert (theirs.extra["rating"], theirs.extra["order"], theirs.need) == (
        1,
        "ABC-123-xyz",
        "answer",
    )
    assert theirs.extra["url"].endswith("/reviews/53bffd360000640002975387")
    again, ours = said("answered")
    assert (again.sender, again.sender_name) == (theirs.sender, "Ann Lee")
    assert (ours.kind, ours.parent, ours.to) == (Kind.REPLY, theirs.external_id, theirs.sender)


def test_what_is_changed_and_taken_back_is_followed_and_products_are_set_aside() -> None:
    _, changed = said("edited")
    assert isinstance(changed, Edited)
    assert changed.at == datetime(2026, 11, 22, 10, 45, tzinfo=UTC)
    written, gone = said("deleted")
    assert (written.text, type(gone)) == ("Nice people there.", Deleted)
    [product] = said("product")
    assert isinstance(product, SetAside)
    assert "product-review-created" in product.reason


def test_the_word_may_stand_in_the_address_or_be_its_password() -> None:
    account = VENDOR.account()
    for url in (f"https://care.example/hooks/x/?word={SECRET}", f"/hooks/x/?a=1&word={SECRET}"):
        trustpilot.authenticate(replace(delivered(b"{}"), url=url), account)
    pair = base64.b64encode(f"anybody:{SECRET}".encode()).decode()
    trustpilot.authenticate(delivered(b"{}", headers={"authorization": f"basic {pair}"}), account)
    for url in ("", "/hooks/x/?word=", f"/hooks/x/?word={SECRET}x", f"/hooks/x/?other={SECRET}"):
        with pytest.raises(RefusedError):
            trustpilot.authenticate(replace(delivered(b"{}"), url=url), account)


def test_a_short_word_opens_nothing_and_the_check_says_so() -> None:
    secrets = {**VENDOR.secrets, "word": "short"}
    account = replace(VENDOR.account(business_user_id=""), secrets=secrets)
    with pytest.raises(RefusedError):
        trustpilot.authenticate(replace(delivered(b"{}"), url="/?word=short"), account)
    with Place() as place:
        VENDOR.prepares(place)
        place.answers(VENDOR.checks, VENDOR.known)
        settings = {**account.settings, "api_url": place.url}
        checked = trustpilot.check(replace(account, settings=settings))
    assert len(checked.warnings) == 2
    receipt = trustpilot.send(VENDOR.reply, account)
    assert (receipt.state, receipt.is_final) == (SendState.FAILED, True)


def test_what_is_new_changed_or_answered_is_brought_once() -> None:
    one, other = review("A"), review("B")
    worse = review("A", text="Bad", stars=1)
    reply = {"text": "Thanks!", "createdAt": "2026-11-22T01:00:00Z"}
    with Place() as place:
        place.answers(SIGN_IN, {"access_token": "tok"})
        for turn in ([one, other], [one, other], [worse, other],
                     [worse, {**other, "companyReply": reply}]):  # fmt: skip
            place.answers(LIST, {"reviews": [*turn, review("old", days_ago=40)]})
        first, second, third, fourth = heard(place, 4)
    assert [message.external_id for message in first] == ["A", "B"]
    assert second == []
    assert [type(message) for message in third] == [Incoming, Edited]
    assert (third[1].extra, third[1].need) == ({"rating": 1}, "answer")
    assert [message.kind for message in fourth] == [Kind.INCOMING, Kind.REPLY]
    asked = place.asked[1]
    assert (asked.query["orderBy"], asked.headers["authorization"]) == (
        "createdat.desc",
        "Bearer tok",
    )
    assert place.asked[0].form() == {"grant_type": "client_credentials"}


def test_a_delivered_review_that_is_found_again_is_the_same_message() -> None:
    with Place() as place:
        place.answers(SIGN_IN, {"access_token": "tok"})
        found = {"id": VENDOR.heard_as, "text": "x", "stars": 1, "consumer": {"id": "c"},
                 "createdAt": datetime.now(UTC).isoformat()}  # fmt: skip
        place.answers(LIST, {"reviews": [found]})
        [[message]] = heard(place, 1)
    assert message.external_id == said("message")[0].external_id


def test_an_answer_is_given_in_the_name_of_the_user_and_can_be_taken_back() -> None:
    call = "DELETE /v1/private/reviews/53bffd360000640002975387/reply"
    ours = Acting(Act.DELETE, VENDOR.sent_as, "k", of_ours=True)
    with Place() as place:
        VENDOR.prepares(place)
        place.answers(VENDOR.call, b"", status=201)
        place.answers(call, b"", status=204)
        place.answers(call, {"message": "There is no reply"}, status=404)
        account = VENDOR.account(api_url=place.url)
        assert trustpilot.send(VENDOR.reply, account).external_id == VENDOR.sent_as
        done = [trustpilot.act(ours, account).state for _ in range(2)]
        theirs = trustpilot.act(replace(ours, of_ours=False), account)
    assert place.asked[1].json()["authorBusinessUserId"] == "bu1"
    assert done == [SendState.SENT, SendState.SENT]
    assert theirs.is_final


def test_a_key_that_ended_needs_a_person() -> None:
    with Place() as place:
        place.answers(SIGN_IN, {"message": "Unknown API key"}, status=401)
        account = VENDOR.account(api_url=place.url)
        with pytest.raises(PlaceError) as trouble:
            trustpilot.poll("", account)
        assert trouble.value.needs_person
        assert trustpilot.send(VENDOR.reply, account).is_final
