"""Where a conversation stands follows from what happened in it, in whatever order we hear."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.conversations.clocks.hours import ALWAYS
from heard.conversations.clocks.standing import Happening, Standing, Targets, What, stand

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TARGETS = Targets(first_response=60, next_response=120, recognition=240, resolution=600)
ASKS, PRAISES, REPLIES, AUTOMATIC, LIKES, RESOLVES, THANKS = range(7)


def at(minutes: float) -> datetime:
    return MONDAY + timedelta(minutes=minutes)


def happened(*deeds: tuple[int, float], **more: Any) -> list[Happening]:
    """What happened as (deed, minutes after nine); rows are numbered from 1 in this order."""
    kinds: dict[int, tuple[What, dict[str, Any]]] = {
        ASKS: (What.INCOMING, {"need": "answer"}),
        PRAISES: (What.INCOMING, {"need": "recognition"}),
        THANKS: (What.INCOMING, {"need": "nothing"}),
        REPLIES: (What.REPLY, {"by": 7}),
        AUTOMATIC: (What.REPLY, {"is_automatic": True}),
        LIKES: (What.ACKNOWLEDGEMENT, {"by": 7}),
        RESOLVES: (What.RESOLUTION, {"by": 7}),
    }
    found: list[Happening] = []
    for row, (deed, minutes) in enumerate(deeds, start=1):
        what, fields = kinds[deed]
        found.append(Happening(at(minutes), what, f"#{row}", row, **{**fields, **more}))
    return found


def standing(*deeds: tuple[int, float]) -> Standing:
    return stand(happened(*deeds), targets=TARGETS, hours=ALWAYS)


def clocks(*deeds: tuple[int, float]) -> list[tuple[str, float, float | None]]:
    """Kind, due and met of each clock but the one of resolution, in minutes after nine."""
    return [
        (clock.kind, _minutes(clock.due_at), _minutes(clock.met_at) if clock.met_at else None)
        for clock in standing(*deeds).clocks
        if clock.kind != "resolution"
    ]


def _minutes(moment: datetime) -> float:
    return (moment - MONDAY).total_seconds() / 60


@pytest.mark.parametrize(
    ("deeds", "expected"),
    [
        pytest.param([(THANKS, 0)], [], id="nothing is owed for nothing"),
        pytest.param([(ASKS, 0)], [("first_response", 60, None)], id="a question starts a clock"),
        pytest.param(
            [(ASKS, 0), (ASKS, 10), (THANKS, 20)],
            [("first_response", 60, None)],
            id="asking again does not start it anew",
        ),
        pytest.param(
            [(ASKS, 0), (AUTOMATIC, 1)],
            [("first_response", 60, None)],
            id="an automatic reply meets nothing",
        ),
        pytest.param(
            [(ASKS, 0), (AUTOMATIC, 1), (REPLIES, 5), (ASKS, 10)],
            [("first_response", 60, 5), ("next_response", 130, None)],
            id="after a reply the next is a next response",
        ),
        pytest.param(
            [(ASKS, 0), (AUTOMATIC, 1), (RESOLVES, 2), (ASKS, 10)],
            [("first_response", 60, None)],
            id="only a person's reply makes the next one a next response",
        ),
        pytest.param(
            [(REPLIES, 0), (ASKS, 5)],
            [("next_response", 125, None)],
            id="who was written to first has been replied to",
        ),
        pytest.param(
            [(ASKS, 0), (LIKES, 5)], [("first_response", 60, None)], id="a like is no answer"
        ),
        pytest.param([(PRAISES, 0), (LIKES, 5)], [("recognition", 240, 5)], id="a like recognises"),
        pytest.param(
            [(PRAISES, 0), (REPLIES, 5)], [("recognition", 240, 5)], id="a reply recognises"
        ),
        pytest.param(
            [(PRAISES, 0), (AUTOMATIC, 5)],
            [("recognition", 240, None)],
            id="a machine does not recognise",
        ),
        pytest.param(
            [(PRAISES, 0), (ASKS, 1), (REPLIES, 5)],
            [("recognition", 240, 5), ("first_response", 61, 5)],
            id="one reply meets both",
        ),
        pytest.param(
            [(ASKS, 0), (REPLIES, 90)], [("first_response", 60, 90)], id="late is met all the same"
        ),
        pytest.param(
            [(ASKS, 0), (RESOLVES, 5)],
            [("first_response", 60, None)],
            id="to resolve is not to answer",
        ),
        pytest.param(
            [(ASKS, 0), (RESOLVES, 5), (ASKS, 30), (REPLIES, 40)],
            [("first_response", 60, 40)],
            id="who asks again after that still waits since the first time",
        ),
    ],
)
def test_clocks_start_and_are_met(
    deeds: list[tuple[int, float]], expected: list[tuple[str, float, float | None]]
) -> None:
    assert clocks(*deeds) == expected


def test_a_resolution_clock_rests_while_we_wait_for_the_contact() -> None:
    (clock,) = (it for it in standing((ASKS, 0), (REPLIES, 100)).clocks if it.kind == "resolution")
    assert (clock.is_paused, clock.used_minutes) == (True, 100)
    told = standing((ASKS, 0), (REPLIES, 100), (ASKS, 1000))
    (clock,) = (it for it in told.clocks if it.kind == "resolution")
    assert (clock.is_paused, clock.due_at) == (False, at(1500))
    told = standing((ASKS, 0), (REPLIES, 100), (ASKS, 1000), (RESOLVES, 1050))
    (clock,) = (it for it in told.clocks if it.kind == "resolution")
    assert (clock.met_at, clock.open_minutes) == (at(1050), 150)


def test_what_was_resolved_while_it_rested_counts_only_what_was_used() -> None:
    told = standing((ASKS, 0), (REPLIES, 100), (RESOLVES, 900))
    (clock,) = (it for it in told.clocks if it.kind == "resolution")
    assert (clock.is_paused, clock.met_at, clock.open_minutes) == (False, at(900), 100)


def test_a_need_after_the_end_opens_it_again_with_clocks_of_its_own() -> None:
    done = standing((ASKS, 0), (REPLIES, 10), (RESOLVES, 20))
    assert not done.is_open
    again = standing((ASKS, 0), (REPLIES, 10), (RESOLVES, 20), (ASKS, 30))
    assert again.is_open
    assert [clock.kind for clock in again.clocks] == [
        "first_response", "resolution", "next_response", "resolution",
    ]  # fmt: skip
    assert again.waiting_since == at(30)


@pytest.mark.parametrize(
    ("deeds", "is_open", "need"),
    [
        ([(THANKS, 0)], False, "nothing"),
        ([(ASKS, 0)], True, "answer"),
        ([(ASKS, 0), (REPLIES, 1)], True, "nothing"),
        ([(ASKS, 0), (REPLIES, 1), (THANKS, 2)], True, "nothing"),
        ([(ASKS, 0), (REPLIES, 1), (RESOLVES, 2), (THANKS, 3)], False, "nothing"),
        ([(PRAISES, 0)], True, "recognition"),
        ([(PRAISES, 0), (LIKES, 1)], False, "nothing"),
        ([(PRAISES, 0), (ASKS, 1), (LIKES, 2)], True, "answer"),
    ],
)
def test_it_is_open_while_somebody_has_to_act(
    deeds: list[tuple[int, float]], is_open: bool, need: str
) -> None:
    told = standing(*deeds)
    assert (told.is_open, told.need) == (is_open, need)


def test_a_kind_of_clock_that_is_not_promised_does_not_run() -> None:
    targets = Targets(first_response=None, next_response=None, recognition=None, resolution=None)
    told = stand(happened((ASKS, 0), (PRAISES, 1)), targets=targets, hours=ALWAYS)
    assert told.clocks == []
    assert (told.is_open, told.need, told.waiting_since) == (True, "answer", at(0))


def test_the_first_reply_counts_from_the_first_word_whatever_was_read_in_it() -> None:
    told = standing((THANKS, 0), (AUTOMATIC, 1), (REPLIES, 5), (REPLIES, 9))
    assert told.first_reply_seconds == 300
    assert standing((REPLIES, 0), (ASKS, 5)).first_reply_seconds is None
    assert not standing((REPLIES, 0), (ASKS, 5)).started_by_contact


@pytest.mark.parametrize(
    ("moods", "is_turned"),
    [
        (["positive", "-", "positive"], None),
        (["negative", "-"], False),
        (["negative", "positive"], False),
        (["negative", "-", "positive"], True),
        (["negative", "-", "positive", "negative"], False),
    ],
)
def test_turned_round_began_badly_and_ended_well_after_a_reply(
    moods: list[str], is_turned: bool | None
) -> None:
    said = [
        Happening(at(n), What.REPLY if mood == "-" else What.INCOMING, f"#{n}", n, mood=mood)
        for n, mood in enumerate(moods)
    ]
    assert stand(said, targets=TARGETS, hours=ALWAYS).is_turned is is_turned


DEEDS = st.lists(
    st.tuples(st.integers(ASKS, THANKS), st.integers(0, 40).map(lambda n: n * 15.0)), max_size=12
)


@given(DEEDS, st.randoms(use_true_random=False))
def test_the_order_in_which_things_reach_us_does_not_matter(
    deeds: list[tuple[int, float]], random: Any
) -> None:
    things = happened(*deeds)
    told = stand(things, targets=TARGETS, hours=ALWAYS)
    random.shuffle(things)
    assert stand(things, targets=TARGETS, hours=ALWAYS) == told


@given(DEEDS)
def test_clocks_hold_what_is_promised_of_them(deeds: list[tuple[int, float]]) -> None:
    things = happened(*deeds)
    told = stand(things, targets=TARGETS, hours=ALWAYS)
    replies = {it.at for it in things if it.what is What.REPLY and not it.is_automatic}
    likes = {it.at for it in things if it.what is What.ACKNOWLEDGEMENT}
    ends = {it.at for it in things if it.what is What.RESOLUTION}
    asked = {it.row for it in things if it.need == "answer"}
    for clock in told.clocks:
        assert clock.met_at is None or clock.met_at >= clock.started_at
        assert clock.due_at >= clock.started_at
        if clock.kind in ("first_response", "next_response"):
            assert clock.message in asked
            assert clock.met_at is None or clock.met_at in replies
            assert not any(reply < clock.started_at for reply in replies) or (
                clock.kind == "next_response"
            )
        elif clock.kind == "recognition":
            assert clock.met_at is None or clock.met_at in replies | likes
        else:
            assert clock.met_at is None or clock.met_at in ends
    for slot in ({"first_response", "next_response"}, {"recognition"}, {"resolution"}):
        mine = sorted(
            (clock for clock in told.clocks if clock.kind in slot), key=lambda it: it.started_at
        )
        for before, after in pairwise(mine):
            assert before.met_at is not None
            assert before.met_at <= after.started_at
    waits = told.waiting_since is not None
    assert waits == (told.need != "nothing")
