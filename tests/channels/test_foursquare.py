"""Foursquare: tips without a name, read once an hour, answered by link."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from heard.channels import foursquare
from heard.channels.base import (
    Account,
    Edited,
    Incoming,
    NotUnderstoodError,
    Outgoing,
    PlaceError,
    SendState,
    SetAside,
)
from tests.channels.place import Place
from tests.channels.vendors import as_bytes, delivered, salted, shaken

PAYLOADS = sorted((Path(__file__).parent / "payloads" / "foursquare").glob("*.json"))
ID = "5a187743ccad6b307315e6fe"
PLACE, TIPS = f"GET /places/{ID}", f"GET /places/{ID}/tips"


def account(there: Place | None = None, **settings: Any) -> Account:
    url = {"api_url": there.url} if there else {}
    return Account(
        "Shop",
        {"place": ID, **url, **settings},
        secrets={"service_key": "key"},
        allow_private=True,
    )


def said(name: str) -> list[Any]:
    [path] = [path for path in PAYLOADS if path.stem == name]
    return list(foursquare.parse(delivered(path.read_bytes()), account()))


def tip(name: str, *, days_ago: float = 1, text: str = "Good") -> Any:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    return {"fsq_tip_id": name, "created_at": at.isoformat(), "text": text}


def test_a_tip_is_public_has_its_page_and_is_a_person_of_its_own() -> None:
    [theirs] = said("tip")
    assert theirs.at == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert (theirs.sender, theirs.root) == (theirs.external_id, theirs.external_id)
    assert (theirs.is_public, theirs.language, theirs.need) == (True, "en", "")
    assert theirs.extra == {
        "agreed": 12,
        "url": "https://foursquare.com/item/5bf8d0c5a4b51b002c1f0001",
    }


def test_a_changed_tip_is_followed_and_strange_links_are_not() -> None:
    theirs, changed = said("changed")
    assert isinstance(changed, Edited)
    assert changed.text == "They do open on Sundays."
    assert theirs.extra["url"] == f"https://foursquare.com/v/{ID}"


def test_what_is_new_or_changed_is_brought_once_and_nothing_that_is_old() -> None:
    old = tip("old", days_ago=100)
    turns = [
        [tip("A"), old, {"text": "no id"}],
        [tip("B", days_ago=0), tip("A"), old],
        [tip("B", days_ago=0, text="Bad"), tip("A"), old],
    ]
    brought: list[list[Any]] = []
    cursor = ""
    with Place() as place:
        for turn in turns:
            place.answers(TIPS, turn)
        for _ in turns:
            fetched = foursquare.poll(cursor, account(place))
            cursor = fetched.cursor
            heard = [h for one in fetched.deliveries for h in foursquare.parse(one, account())]
            again = [h for one in fetched.deliveries for h in foursquare.parse(one, account())]
            assert heard == again
            brought.append(heard)
    assert [[type(one) for one in turn] for turn in brought] == [
        [Incoming],
        [Incoming],
        [Incoming, Edited],
    ]
    assert [brought[0][0].external_id, brought[1][0].external_id] == ["A", "B"]
    asked = place.asked[0]
    assert (asked.query["sort"], asked.query["limit"]) == ("NEWEST", "50")
    assert asked.headers["authorization"] == "Bearer key"
    assert asked.headers["x-places-api-version"] == "2025-06-17"


def test_fields_of_tomorrow_change_nothing_and_a_body_that_breaks_off_is_not_understood() -> None:
    for path in PAYLOADS:
        body = path.read_bytes().rstrip()
        plain = list(foursquare.parse(delivered(body), account()))
        strange = as_bytes(salted(json.loads(body)))
        assert list(foursquare.parse(delivered(strange), account())) == plain
        for cut in (0, 1, len(body) // 2, len(body) - 1):
            with pytest.raises(NotUnderstoodError):
                list(foursquare.parse(delivered(body[:cut]), account()))


def test_anything_of_the_wrong_shape_is_set_aside() -> None:
    for path in PAYLOADS:
        for value in shaken(json.loads(path.read_bytes())):
            for one in foursquare.parse(delivered(as_bytes(value)), account()):
                assert isinstance(one, Incoming | Edited | SetAside)


def test_the_check_tells_the_name() -> None:
    with Place() as place:
        place.answers(PLACE, {"name": "The Shop"})
        place.answers(TIPS, [])
        assert foursquare.check(account(place)).account == "The Shop"


@pytest.mark.parametrize(
    ("status", "headers", "needs_person", "wait"),
    [
        (429, {"retry-after": "17"}, False, 17),
        (429, {}, False, 3600),
        (401, {}, True, None),
        (404, {}, True, None),
        (500, {}, False, None),
    ],
)
def test_what_foursquare_refuses_is_said_in_words(
    status: int, headers: dict[str, str], wait: int | None, *, needs_person: bool
) -> None:
    with Place() as place:
        place.answers(TIPS, {"message": "About it."}, status=status, headers=headers)
        with pytest.raises(PlaceError) as trouble:
            foursquare.poll("", account(place))
    assert trouble.value.needs_person == needs_person
    assert trouble.value.retry_after_seconds == wait


@pytest.mark.parametrize("name", ["", "the shop", "../../../x1234567890"])
def test_what_is_no_id_of_a_place_needs_a_person(name: str) -> None:
    with pytest.raises(PlaceError) as trouble:
        foursquare.poll("", account(place=name))
    assert trouble.value.needs_person


def test_answers_are_given_there() -> None:
    assert foursquare.public.by_link
    assert not foursquare.public.replies
    receipt = foursquare.send(Outgoing("k", "u", "Thank you"), account())
    assert (receipt.state, receipt.is_final) == (SendState.FAILED, True)


def test_it_asks_nobody_inside_the_house() -> None:
    with pytest.raises(PlaceError) as trouble:
        foursquare.poll("", Account("Shop", {"place": ID, "api_url": "http://127.0.0.1:9"}))
    assert trouble.value.needs_person
