"""The sample company: alive at any hour, the same for the same moment, and nobody is a copy."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise

import pytest

from heard.channels.base import Kind
from heard.sample.company import BY_KEY, STAFF
from heard.sample.events import events
from heard.sample.happenings import Deed, Happening, Said

SUNDAY_AFTERNOON = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)
MOMENTS = (
    SUNDAY_AFTERNOON,
    datetime(2026, 10, 25, 1, 30, tzinfo=UTC),  # the hour that comes twice
    datetime(2027, 1, 1, 0, 5, tzinfo=UTC),
    datetime(2026, 6, 15, 3, 0, tzinfo=UTC),  # a Monday night
    datetime(2028, 2, 29, 20, 0, tzinfo=UTC),
)


@cache
def life(now: datetime) -> list[Happening]:
    return events(now)


def said(now: datetime) -> list[Said]:
    return [it for it in life(now) if isinstance(it, Said)]


def test_the_same_moment_gives_the_same_life() -> None:
    assert events(SUNDAY_AFTERNOON) == life(SUNDAY_AFTERNOON)


@pytest.mark.parametrize("now", MOMENTS)
def test_about_three_thousand_messages_in_about_sixty_days(now: datetime) -> None:
    happened = life(now)
    assert 2_600 <= len(said(now)) <= 3_300
    assert timedelta(days=55) < happened[-1].at - happened[0].at <= timedelta(days=63)
    assert all(before.at <= after.at <= now for before, after in pairwise(happened))


@pytest.mark.parametrize("now", MOMENTS)
def test_the_last_hours_are_lively_whatever_the_hour(now: datetime) -> None:
    fresh = [it for it in said(now) if it.at > now - timedelta(hours=12)]
    assert len([it for it in fresh if it.message.kind is Kind.INCOMING]) >= 30
    assert any(it.at > now - timedelta(minutes=10) for it in fresh)
    assert len({it.inbox for it in fresh}) >= 12


@pytest.mark.parametrize("now", MOMENTS)
def test_what_is_done_is_done_about_something_said_before(now: datetime) -> None:
    heard: dict[tuple[str, str], datetime] = {}
    for it in life(now):
        if isinstance(it, Said):
            assert (it.inbox, it.message.external_id) not in heard
            heard[it.inbox, it.message.external_id] = it.at
            if it.message.kind is Kind.REPLY:
                assert heard[it.inbox, it.message.parent] < it.at
        else:
            assert heard[it.inbox, it.message] <= it.at
            assert it.by in STAFF


def test_some_things_wait_are_promised_and_sleep_right_now() -> None:
    deeds = [it for it in life(SUNDAY_AFTERNOON) if isinstance(it, Deed)]
    kept = {(it.inbox, it.message) for it in deeds if it.verb == "keeps"}
    promised = [it for it in deeds if it.verb == "promises" and (it.inbox, it.message) not in kept]
    assert any(it.until and it.until > SUNDAY_AFTERNOON for it in promised)
    assert any(it.until and it.until < SUNDAY_AFTERNOON for it in promised)
    assert (
        sum(it.verb == "snoozes" and it.until > SUNDAY_AFTERNOON for it in deeds if it.until) >= 2
    )


def test_nobody_writes_what_another_wrote() -> None:
    texts = Counter(
        it.message.text
        for it in said(SUNDAY_AFTERNOON)
        if it.message.kind is Kind.INCOMING and len(it.message.text) > 60
    )
    again = [text for text, count in texts.items() if count > 1]
    assert [text for text in again if "goose liver" not in text] == []  # but for the campaign


def test_we_hardly_ever_answer_in_the_same_words_twice() -> None:
    replies = [
        it.message.text
        for it in said(SUNDAY_AFTERNOON)
        if it.message.kind is Kind.REPLY and not it.message.is_automatic
    ]
    assert len(set(replies)) > 0.97 * len(replies)


def test_no_gap_and_no_choice_is_left_open() -> None:
    for it in said(SUNDAY_AFTERNOON):
        assert not re.search(r"[{}|]", it.message.text), it.message.text


def test_every_inbox_is_spoken_to() -> None:
    assert {it.inbox for it in said(SUNDAY_AFTERNOON)} == set(BY_KEY)


def test_an_address_belongs_to_one_person() -> None:
    people: dict[tuple[str, str], str] = {}
    for it in said(SUNDAY_AFTERNOON):
        message = it.message
        if message.kind is Kind.INCOMING:
            key = BY_KEY[it.inbox].kind, message.sender
            assert people.setdefault(key, message.sender_name) == message.sender_name


def test_life_goes_on_from_one_day_to_the_next() -> None:
    a_week_ago = {
        it.message.external_id: it.message.text
        for it in said(SUNDAY_AFTERNOON - timedelta(days=1))
        if it.message.external_id.startswith("day-")
    }
    today = {
        it.message.external_id: it.message.text
        for it in said(SUNDAY_AFTERNOON)
        if it.message.external_id.startswith("day-")
    }
    assert a_week_ago.items() <= today.items()
