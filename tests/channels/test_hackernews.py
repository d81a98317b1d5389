"""Hacker News: what names us is found once, however the search finds it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from heard.channels import hackernews
from heard.channels.base import (
    Account,
    Delivered,
    Edited,
    Heard,
    Incoming,
    Kind,
    NotUnderstoodError,
    Outgoing,
    PlaceError,
    SendState,
    SetAside,
)
from tests.channels.place import Place

PAYLOADS = Path(__file__).parent / "payloads" / "hackernews"
SEARCH = "GET /search_by_date"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def place() -> Iterator[Place]:
    with Place() as place:
        yield place


def account_at(place: Place, **settings: Any) -> Account:
    settings = {"terms": "Blue Heron", "api_url": place.url, **settings}
    return Account(name="HN", settings=settings, allow_private=True)


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def heard(cursor: str, account: Account) -> tuple[list[Heard], str]:
    fetched = hackernews.poll(cursor, account)
    said = [one for each in fetched.deliveries for one in hackernews.parse(each, account)]
    assert said == [one for each in fetched.deliveries for one in hackernews.parse(each, account)]
    return said, fetched.cursor


def test_stories_and_comments_that_name_us_are_heard_once(place: Place) -> None:
    place.answers(SEARCH, payload("found"))
    account = account_at(place)
    said, cursor = heard("", account)
    story, comment = said
    assert isinstance(story, Incoming)
    assert isinstance(comment, Incoming)
    assert (story.external_id, story.root, story.parent) == ("41000001", "41000001", "")
    assert story.text == "Show HN: Blue Heron, a quiet inbox\n\nhttps://blueheron.example/"
    assert (comment.root, comment.parent) == ("41000001", "41000002")
    assert comment.text == "I'd ask blue heron's people.\n\nThey never answer & that <b>hurts</b>."
    assert comment.extra == {
        "url": "https://news.ycombinator.com/item?id=41000003",
        "terms": ["Blue Heron"],
    }
    assert comment.is_public
    assert place.asked[0].query["query"] == '"Blue Heron"'
    assert place.asked[0].query["numericFilters"].startswith("created_at_i>=")
    assert heard(cursor, account)[0] == []


def test_an_edited_comment_is_followed(place: Place) -> None:
    first, then = payload("found"), payload("found")
    then["hits"][1]["comment_text"] = "Blue Heron did answer."
    place.answers(SEARCH, first)
    place.answers(SEARCH, then)
    account = account_at(place)
    _, cursor = heard("", account)
    said, _ = heard(cursor, account)
    assert [one.text for one in said if isinstance(one, Edited)] == ["Blue Heron did answer."]
    assert len(said) == 2


def test_what_the_search_finds_by_half_a_word_is_left(place: Place) -> None:
    found = payload("found")
    for hit in found["hits"]:
        hit.update(title="Blueberries", url="", comment_text="blue herons")
    place.answers(SEARCH, found)
    assert heard("", account_at(place))[0] == []


def test_a_hundred_are_followed_by_the_next_page(place: Place) -> None:
    (story, _) = payload("found")["hits"]
    hits = [{**story, "objectID": str(number)} for number in range(1, 102)]
    place.answers(SEARCH, {"hits": hits[:100]})
    place.answers(SEARCH, {"hits": hits[100:]})
    assert len(heard("", account_at(place))[0]) == 101
    assert [one.query["page"] for one in place.asked] == ["0", "1"]


def test_our_people_are_replies_and_answers_to_them_are_heard(place: Place) -> None:
    place.answers(SEARCH, {"hits": []})
    place.answers(SEARCH, payload("ours"))
    place.answers(SEARCH, payload("answers"))
    ours, answer = heard("", account_at(place, ours="bo_of_heron"))[0]
    assert isinstance(ours, Incoming)
    assert isinstance(answer, Incoming)
    assert (ours.kind, ours.author) == (Kind.REPLY, "bo_of_heron")
    assert (answer.kind, answer.parent) == (Kind.INCOMING, ours.external_id)
    assert place.asked[2].query["tags"] == "comment,(story_41000001)"


def test_one_bad_hit_is_set_aside_and_a_broken_body_is_not_understood(place: Place) -> None:
    account = account_at(place)
    body = json.dumps({"items": [{"hit": {"objectID": "1"}}, 7]}).encode()
    said = list(hackernews.parse(Delivered(body, {}, NOW), account))
    assert [type(one) for one in said] == [SetAside, SetAside]
    with pytest.raises(NotUnderstoodError):
        list(hackernews.parse(Delivered(body[:-3], {}, NOW), account))


def test_a_limit_is_kept_and_nonsense_is_no_answer(place: Place) -> None:
    place.answers(SEARCH, {}, status=429, headers={"retry-after": "120"})
    place.answers(SEARCH, {"hits": "none"})
    with pytest.raises(PlaceError) as slow:
        hackernews.poll("", account_at(place))
    assert slow.value.retry_after_seconds == 120
    with pytest.raises(PlaceError):
        hackernews.poll("", account_at(place))


def test_answers_are_pasted_by_people(place: Place) -> None:
    receipt = hackernews.send(Outgoing("k", "ann", "Hello"), account_at(place))
    assert (receipt.state, receipt.is_final) == (SendState.FAILED, True)
    assert hackernews.public.by_link
    assert not place.asked


def test_connecting_needs_a_name(place: Place) -> None:
    place.answers(SEARCH, {"hits": []})
    assert hackernews.check(account_at(place)).account == "Hacker News"
    with pytest.raises(PlaceError) as empty:
        hackernews.check(account_at(place, terms=""))
    assert empty.value.needs_person
