"""Yelp: three reviews at a time, in Pacific time, answered by link."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from heard.channels import yelp
from heard.channels.base import (
    Account,
    Edited,
    Incoming,
    NotUnderstoodError,
    Outgoing,
    PlaceError,
    Quota,
    SendState,
    SetAside,
)
from tests.channels.place import Place
from tests.channels.vendors import as_bytes, delivered, salted, shaken

PAYLOADS = sorted((Path(__file__).parent / "payloads" / "yelp").glob("*.json"))
PLACE, LIST = "GET /v3/businesses/the-shop", "GET /v3/businesses/the-shop/reviews"
HEADERS = {
    "ratelimit-remaining": "12.0",
    "ratelimit-dailylimit": "300",
    "ratelimit-resettime": "2030-01-01T00:00:00+00:00",
}


def account(place: Place | None = None, **settings: Any) -> Account:
    url = {"api_url": place.url} if place else {}
    return Account(
        "Shop",
        {"business": "the-shop", **url, **settings},
        secrets={"api_key": "key"},
        allow_private=True,
    )


def said(name: str) -> list[Any]:
    [path] = [path for path in PAYLOADS if path.stem == name]
    return list(yelp.parse(delivered(path.read_bytes()), account()))


def review(name: str, *, days_ago: float = 1, text: str = "Good", stars: int = 4) -> Any:
    at = datetime.now(UTC).astimezone(ZoneInfo("America/Los_Angeles")) - timedelta(days=days_ago)
    return {
        "id": name, "rating": stars, "text": text, "user": {"id": "u", "name": "Ann"},
        "time_created": at.strftime("%Y-%m-%d %H:%M:%S"), "url": "https://yelp.example/x",
    }  # fmt: skip


def test_a_review_has_stars_and_page_and_says_that_it_was_cut() -> None:
    [theirs] = said("review")
    assert theirs.at == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert (theirs.extra["rating"], theirs.extra["cut"], theirs.need) == (2, True, "answer")
    assert theirs.extra["url"].endswith("hrid=xAG4O7l-t1ubbwVAlPnDKg")
    assert (theirs.sender, theirs.sender_name, theirs.is_public) == (
        "W8UK02IDdRS2GL_66fuq6w",
        "Ann L.",
        True,
    )


def test_changed_stars_are_told_beneath_the_words() -> None:
    _, changed = said("changed")
    assert isinstance(changed, Edited)
    assert changed.text == "They made it good."
    assert changed.extra == {"rating": 5}


def test_what_is_new_or_changed_is_brought_once_and_nothing_that_is_old() -> None:
    turns = [
        [review("A"), review("old", days_ago=40)],
        [review("B", days_ago=0), review("A"), review("old", days_ago=40)],
        [review("B", days_ago=0, text="Bad", stars=1), review("A")],
    ]
    brought: list[list[Any]] = []
    cursor = ""
    with Place() as place:
        for turn in turns:
            place.answers(LIST, {"reviews": turn, "total": 9}, headers=HEADERS)
        for _ in turns:
            fetched = yelp.poll(cursor, account(place))
            cursor = fetched.cursor
            heard = [h for one in fetched.deliveries for h in yelp.parse(one, account())]
            assert heard == [h for one in fetched.deliveries for h in yelp.parse(one, account())]
            brought.append(heard)
    assert [[type(one) for one in turn] for turn in brought] == [
        [Incoming],
        [Incoming],
        [Incoming, Edited],
    ]
    assert [brought[0][0].external_id, brought[1][0].external_id] == ["A", "B"]
    assert (brought[2][1].extra, brought[2][1].need) == ({"rating": 1}, "answer")
    assert fetched.quota == Quota(12, 300, datetime(2030, 1, 1, tzinfo=UTC))
    assert place.asked[0].query == {"sort_by": "newest"}
    assert place.asked[0].headers["authorization"] == "Bearer key"


def test_fields_of_tomorrow_change_nothing_and_a_body_that_breaks_off_is_not_understood() -> None:
    for path in PAYLOADS:
        body = path.read_bytes().rstrip()
        plain = list(yelp.parse(delivered(body), account()))
        strange = as_bytes(salted(json.loads(body)))
        assert list(yelp.parse(delivered(strange), account())) == plain
        for cut in (0, 1, len(body) // 2, len(body) - 1):
            with pytest.raises(NotUnderstoodError):
                list(yelp.parse(delivered(body[:cut]), account()))


def test_anything_of_the_wrong_shape_is_set_aside() -> None:
    for path in PAYLOADS:
        for value in shaken(json.loads(path.read_bytes())):
            try:
                heard = list(yelp.parse(delivered(as_bytes(value)), account()))
            except NotUnderstoodError:
                continue
            for one in heard:
                assert isinstance(one, Incoming | Edited | SetAside)


def test_the_check_tells_the_name_and_what_is_left_of_the_day() -> None:
    with Place() as place:
        place.answers(PLACE, {"id": "x", "name": "The Shop"})
        place.answers(LIST, {"reviews": []}, headers=HEADERS)
        checked = yelp.check(account(place))
    assert (checked.account, checked.quota and checked.quota.left) == ("The Shop", 12)


@pytest.mark.parametrize(
    ("status", "code", "headers", "needs_person", "wait"),
    [
        (429, "TOO_MANY_REQUESTS_PER_SECOND", {"retry-after": "17"}, False, 17),
        (429, "ACCESS_LIMIT_REACHED", {**HEADERS, "ratelimit-remaining": "0"}, False, 24 * 3600),
        (401, "TOKEN_INVALID", {}, True, None),
        (403, "AUTHORIZATION_ERROR", {}, True, None),
        (404, "BUSINESS_NOT_FOUND", {}, True, None),
        (500, "INTERNAL_ERROR", {}, False, None),
    ],
)
def test_what_yelp_refuses_is_said_in_words(
    status: int, code: str, headers: dict[str, str], wait: int | None, *, needs_person: bool
) -> None:
    body = {"error": {"code": code, "description": "Something about it."}}
    with Place() as place:
        place.answers(LIST, body, status=status, headers=headers)
        with pytest.raises(PlaceError) as trouble:
            yelp.poll("", account(place))
    assert trouble.value.needs_person == needs_person
    assert trouble.value.retry_after_seconds == wait


@pytest.mark.parametrize("name", ["", "a b", "the-shop/../x", "x?y"])
def test_what_is_no_name_of_a_place_needs_a_person(name: str) -> None:
    with pytest.raises(PlaceError) as trouble:
        yelp.poll("", account(business=name))
    assert trouble.value.needs_person


def test_answers_are_pasted_there() -> None:
    assert yelp.public.by_link
    assert not yelp.public.replies
    receipt = yelp.send(Outgoing("k", "u", "Thank you"), account())
    assert (receipt.state, receipt.is_final) == (SendState.FAILED, True)


def test_it_asks_nobody_inside_the_house() -> None:
    with pytest.raises(PlaceError) as trouble:
        yelp.poll("", Account("Shop", {"business": "x", "api_url": "http://127.0.0.1:9"}))
    assert trouble.value.needs_person
