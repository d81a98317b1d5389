from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.think import Facts, check
from heard.think.true.moments import moment_in
from tests.think.looking import codes, mended, only

NOW = datetime(2026, 3, 11, 10, 30, tzinfo=UTC)  # a Wednesday

WHEN = [
    ("by Friday", "Fri 13 Mar 18:00"),
    ("on Friday at 3 pm", "Fri 13 Mar 15:00"),
    ("next Friday", "Fri 20 Mar 18:00"),
    ("by mon", "Mon 16 Mar 18:00"),
    ("first thing Monday", "Mon 16 Mar 10:00"),
    ("on Wednesday at 9 am", "Wed 18 Mar 09:00"),
    ("by Wednesday", "Wed 11 Mar 18:00"),
    ("tomorrow", "Thu 12 Mar 18:00"),
    ("tomorrow morning", "Thu 12 Mar 12:00"),
    ("tomorrow at 9:30", "Thu 12 Mar 09:30"),
    ("at 3pm tomorrow", "Thu 12 Mar 15:00"),
    ("in the morning", "Thu 12 Mar 12:00"),
    ("the day after tomorrow", "Fri 13 Mar 18:00"),
    ("today", "Wed 11 Mar 18:00"),
    ("this afternoon", "Wed 11 Mar 18:00"),
    ("tonight", "Wed 11 Mar 22:00"),
    ("by noon on Friday", "Fri 13 Mar 12:00"),
    ("by 3 p.m.", "Wed 11 Mar 15:00"),
    ("by 9:15", "Thu 12 Mar 09:15"),
    ("by 4 o'clock", "Wed 11 Mar 16:00"),
    ("by EOD", "Wed 11 Mar 18:00"),
    ("by end of day Friday", "Fri 13 Mar 18:00"),
    ("within 2 hours", "Wed 11 Mar 12:30"),
    ("within the next two hours", "Wed 11 Mar 12:30"),
    ("within half an hour", "Wed 11 Mar 11:00"),
    ("in 20 minutes", "Wed 11 Mar 10:50"),
    ("within 24 hours", "Thu 12 Mar 10:30"),
    ("within 48 hrs", "Fri 13 Mar 10:30"),
    ("in a couple of days", "Fri 13 Mar 18:00"),
    ("within 3-5 business days", "Wed 18 Mar 18:00"),
    ("within 2 weeks", "Wed 25 Mar 18:00"),
    ("two weeks from now", "Wed 25 Mar 18:00"),
    ("this week", "Fri 13 Mar 18:00"),
    ("by the end of the week", "Fri 13 Mar 18:00"),
    ("next week", "Fri 20 Mar 18:00"),
    ("early next week", "Tue 17 Mar 18:00"),
    ("this weekend", "Sun 15 Mar 18:00"),
    ("by the end of the month", "Tue 31 Mar 18:00"),
    ("next month", "Thu 30 Apr 18:00"),
    ("on 12 March", "Thu 12 Mar 18:00"),
    ("on March 12th at 5 pm", "Thu 12 Mar 17:00"),
    ("by the 15th", "Sun 15 Mar 18:00"),
    ("by the 9th", "Thu 09 Apr 18:00"),
    ("by 13/04", "Mon 13 Apr 18:00"),
    ("by 4/13", "Mon 13 Apr 18:00"),
    ("on 24.12.", "Thu 24 Dec 18:00"),
    ("on 2026-05-01", "Fri 01 May 18:00"),
]


@pytest.mark.parametrize(("words", "expected"), WHEN)
def test_a_named_time_becomes_a_moment(words: str, expected: str) -> None:
    moment = moment_in(f"We will call {words} about it", now=NOW)
    assert moment is not None
    assert moment.at is not None
    assert moment.at.strftime("%a %d %b %H:%M") == expected
    assert moment.at.tzinfo is not None


@pytest.mark.parametrize(
    "words",
    ["soon", "shortly", "24/7", "1/2", "in a minute", "as last Friday", "from Monday", "later"],
)
def test_what_names_no_time_gives_none(words: str) -> None:
    assert moment_in(f"We are there {words}", now=NOW) is None


def test_a_day_ends_where_the_house_stands() -> None:
    moment = moment_in("by Friday", now=NOW, timezone="America/New_York")
    assert moment is not None
    assert moment.at == datetime(2026, 3, 13, 18, tzinfo=ZoneInfo("America/New_York"))


def test_hours_are_counted_through_the_change_to_summer_time() -> None:
    night = datetime(2026, 3, 29, 1, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    moment = moment_in("within 2 hours", now=night, timezone="Europe/Berlin")
    assert moment is not None
    assert moment.at is not None
    assert moment.at - night.astimezone(UTC) == timedelta(hours=2)
    assert moment.at.hour == 4


@pytest.mark.parametrize("words", ["on 31 February", "by 3/4", "on 3/4/2026"])
def test_a_day_that_nobody_can_know_is_a_date_without_a_moment(words: str) -> None:
    moment = moment_in(words, now=NOW)
    assert moment is not None
    assert moment.at is None


@given(
    st.sampled_from([words for words, _ in WHEN]),
    st.integers(0, 90 * 365 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "no/where"]),
)
def test_a_promised_time_lies_ahead(words: str, now: datetime, timezone: str) -> None:
    moment = moment_in(words, now=now, timezone=timezone)
    assert moment is not None
    dated = any(part.isdigit() or part[:1].isdigit() for part in words.split())
    if moment.at is not None and not (dated or "noon" in words or "tonight" in words):
        assert moment.at > now


OWED = [
    "I will call you back",
    "We'll get back to you soon.",
    "Our manager will contact you shortly.",
    "We’ll refund you the full amount.",
    "I'll send you a new one as soon as possible.",
    "You will hear from us.",
    "Someone will be in touch in due course.",
    "We'll keep you posted.",
    "My colleague Ann will let you know.",
    "I'm going to replace the lamp for you.",
    "We will follow up with you there shortly.",
    "We'll update you as soon as we hear from them.",
]

NOT_OWED = [
    "Send us a DM and we'll get back to you.",
    "Once you reply, we will call you back.",
    "If you give us the size, we'll send you a new one.",
    "Please tell us the colour. We'll send you one.",
    "We will look into this.",
    "We'll pass it on to the kitchen.",
    "We hope we will call you a friend one day.",
    "We will not call you back.",
    "You will find it in the menu.",
    "We'll be here all day.",
    "I called you back.",
    "You can call us back.",
]


@pytest.mark.parametrize("draft", OWED)
def test_a_promise_without_a_date_warns_and_offers_one(draft: str) -> None:
    finding = only("true.promise_without_date", draft, now=NOW)
    assert not finding.stops
    assert "by tomorrow at 5 pm" in mended("true.promise_without_date", draft, now=NOW)


@pytest.mark.parametrize("draft", NOT_OWED)
def test_what_is_not_owed_needs_no_date(draft: str) -> None:
    assert "true.promise_without_date" not in codes(draft, now=NOW)


def test_soon_makes_room_for_the_date() -> None:
    assert (
        mended("true.promise_without_date", "We'll get back to you soon, Ann.", now=NOW)
        == "We'll get back to you by tomorrow at 5 pm, Ann."
    )
    friday = NOW + timedelta(days=2)
    assert (
        mended("true.promise_without_date", "I will call you back as soon as I can.", now=friday)
        == "I will call you back by Monday at 5 pm."
    )


@pytest.mark.parametrize(
    ("draft", "words", "expected"),
    [
        ("I will call you on Friday.", "I will call you on Friday", "Fri 13 Mar 18:00"),
        ("We'll look into it within 2 hours.", None, "Wed 11 Mar 12:30"),
        ("By Friday we will have fixed it.", "By Friday we will have", "Fri 13 Mar 18:00"),
        ("Your refund will arrive by the 20th.", None, "Fri 20 Mar 18:00"),
        ("We deliver. You will hear from us tomorrow at 9 am.", None, "Thu 12 Mar 09:00"),
        ("If you send it, we'll refund you by Friday.", None, "Fri 13 Mar 18:00"),
    ],
)
def test_a_dated_promise_is_offered_as_a_clock(
    draft: str, words: str | None, expected: str
) -> None:
    found = check(draft, Facts(now=NOW))
    assert found.promise_at is not None
    assert found.promise_at.strftime("%a %d %b %H:%M") == expected
    assert not found.findings
    assert found.promise_text in draft
    if words:
        assert found.promise_text == words


def test_without_a_clock_a_date_is_still_a_date() -> None:
    found = check("I will call you on Friday.", Facts())
    assert (found.promise_at, found.promise_text) == (None, "I will call you on Friday")
    assert not found.findings


def test_a_promise_for_a_time_that_has_passed_is_noticed() -> None:
    assert "true.promise_past" in codes("I will call you today at 9 am.", now=NOW)
    assert "true.promise_past" not in codes("I will call you today at 11 am.", now=NOW)


def test_opening_hours_are_no_promise() -> None:
    assert check("We will be open from 9:30 am on Monday.", Facts(now=NOW)).promise_text == ""
