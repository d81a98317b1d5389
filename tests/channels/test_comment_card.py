"""The comment card promises: a face is a message, a bad one and a call need an answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from heard.channels import comment_card
from heard.channels.base import (
    Account,
    Channel,
    Delivered,
    Incoming,
    NotUnderstoodError,
    Outgoing,
    PlaceError,
    SendState,
)
from heard.channels.registry import channel_of

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
ACCOUNT = Account("Cards", {"tables": ["Table 1 … Table 3"]})


def heard(**said: Any) -> Incoming:
    body = comment_card.written(**{"message_id": "c1", "thread": "t1", "table": "Table 7", **said})
    [item] = comment_card.parse(Delivered(body, {"token": "secret"}, AT), ACCOUNT)
    assert isinstance(item, Incoming)
    return item


@pytest.mark.parametrize(
    ("said", "need"),
    [
        ({"rating": 5}, "nothing"),
        ({"rating": 3}, "nothing"),
        ({"rating": 2}, "answer"),
        ({"rating": 1, "text": "Cold soup."}, "answer"),
        ({"rating": 3, "text": "It was fine."}, ""),
        ({"text": "It was fine."}, ""),
        ({"rating": 5, "text": "Lovely soup."}, "recognition"),
        ({"rating": 4, "text": "Lovely! May I have the recipe?"}, ""),
        ({"is_call": True}, "answer"),
    ],
)
def test_what_is_asked_of_us_follows_from_face_and_words(said: dict[str, Any], need: str) -> None:
    assert heard(**said).need == need


def test_a_face_without_words_is_a_message() -> None:
    item = heard(rating=3)
    assert (item.text, item.extra) == ("3 of 5, no words", {"table": "Table 7", "rating": 3})
    assert (item.sender_name, item.subject, item.token) == ("Table 7", "Table 7", "secret")


def test_a_call_says_where_and_what_for() -> None:
    item = heard(is_call=True, text="The bill, please.", name="Ann")
    assert item.text == "Somebody is wanted at Table 7, urgently.\nThe bill, please."
    assert item.sender_name == "Table 7 · Ann"
    assert item.extra["help"] is True


def test_the_same_bytes_are_the_same_values() -> None:
    assert heard(rating=5, text="Lovely.") == heard(rating=5, text="Lovely.")


@pytest.mark.parametrize(
    "change",
    [
        {"rating": 6},
        {"rating": "5"},
        {"text": None},
        {"table": 7},
        {"rating": None, "text": ""},
        {"id": ...},
    ],
)
def test_what_the_page_did_not_write_is_not_understood(change: dict[str, Any]) -> None:
    said = json.loads(comment_card.written(message_id="c", thread="t", table="T", text="x"))
    said = {name: value for name, value in (said | change).items() if value is not ...}
    with pytest.raises(NotUnderstoodError):
        list(comment_card.parse(Delivered(json.dumps(said).encode(), {}, AT), ACCOUNT))


@pytest.mark.parametrize("cut", [0, 1, 20, -1])
def test_a_truncated_body_is_not_understood(cut: int) -> None:
    body = comment_card.written(message_id="c", thread="t", table="T", text="x")[:cut]
    with pytest.raises(NotUnderstoodError):
        list(comment_card.parse(Delivered(body, {}, AT), ACCOUNT))


def test_an_unknown_field_is_ignored() -> None:
    body = comment_card.written(message_id="c", thread="t", table="T", text="x")
    more = json.dumps({**json.loads(body), "colour": "red"}).encode()
    assert list(comment_card.parse(Delivered(more, {}, AT), ACCOUNT)) == list(
        comment_card.parse(Delivered(body, {}, AT), ACCOUNT)
    )


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        (["Table 1 … Table 3"], ["Table 1", "Table 2", "Table 3"]),
        (["Table 8 - 10", "Bar"], ["Table 8", "Table 9", "Table 10", "Bar"]),
        (["01..03"], ["01", "02", "03"]),
        (["卓1…卓2", "卓2"], ["卓1", "卓2"]),
        (["Suite 3-1", "  Bar   two "], ["Suite 3-1", "Bar two"]),
        (["North 1 – South 3"], ["North 1 – South 3"]),
    ],
)
def test_lists_of_tables_are_written_as_people_write_them(
    lines: list[str], names: list[str]
) -> None:
    assert comment_card.tables(lines) == names


@pytest.mark.parametrize("lines", [[], ["", " "], ["Table 1 … 9999"], ["x" * 61]])
def test_a_list_that_cannot_be_printed_is_refused_in_words(lines: list[str]) -> None:
    with pytest.raises(PlaceError):
        comment_card.check(Account("Cards", {"tables": lines}))


def test_an_answer_stands_on_the_page_and_is_mailed_only_where_an_address_was_left() -> None:
    posted: list[Any] = []
    account = Account("Cards", {}, post=posted.append)
    quiet = Outgoing("r1", to="t1", text="Sorry.", answered={"rating": 1})
    assert comment_card.send(quiet, account).state is SendState.SENT
    assert comment_card.may_repeat(quiet)
    assert not posted
    mailed = Outgoing(
        "r2", to="t1", text="Sorry.", answered={"unverified_email": "a@b.example"}, link="https://x"
    )
    assert comment_card.send(mailed, account).state is SendState.SENT
    assert not comment_card.may_repeat(mailed)
    assert "https://x" in posted[0].text


def test_it_is_a_channel() -> None:
    channel: Channel | None = channel_of("comment_card")
    assert channel is not None
    assert channel.title == "Comment card"
