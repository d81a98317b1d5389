"""A call is what its events say, in whatever order and however often they come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heard.channels.base import CallEvent, File, Kind
from heard.channels.phone.course import ORDER, Course, Outcome, course_of, messages_of, span

TEN = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
ANN = "+442079460000"


def it(what: Any, second: float = 0, **fields: Any) -> CallEvent:
    at = TEN + timedelta(seconds=second)
    return CallEvent(
        **{"external_id": f"{what}{second}", "call": "c1", "at": at, "what": what, **fields}
    )


def course(*events: CallEvent) -> Course:
    return course_of(events)


def text(*events: CallEvent) -> str:
    return messages_of(course(*events))[0].text


class TestHold:
    def test_is_from_the_queue_to_the_answer(self) -> None:
        found = course(
            it("ringing", 0, caller=ANN),
            it("queued", 10, queue="Support"),
            it("answered", 130, agent="Bo"),
            it("hung_up", 430),
        )
        assert (found.outcome, found.hold_seconds, found.talk_seconds) == ("answered", 120, 300)
        assert (found.need, found.hold_since) == ("nothing", None)

    def test_without_a_queue_is_the_time_of_ringing(self) -> None:
        assert course(it("ringing", 0), it("answered", 12), it("hung_up", 60)).hold_seconds == 12

    def test_goes_on_while_nobody_answers(self) -> None:
        found = course(it("ringing", 0), it("queued", 10))
        assert (found.outcome, found.hold_since) == ("waiting", TEN + timedelta(seconds=10))
        assert found.need == "answer"

    def test_counts_what_the_queue_had_counted_when_it_told_us(self) -> None:
        found = course(it("queued", 60, hold_seconds=45))
        assert found.hold_since == found.queued_at == TEN + timedelta(seconds=15)

    def test_is_taken_from_the_place_where_it_measures(self) -> None:
        found = course(it("queued", 0), it("answered", 500, hold_seconds=90), it("hung_up", 400))
        assert (found.outcome, found.hold_seconds) == ("answered", 90)
        assert found.answered_at == TEN + timedelta(seconds=90)

    def test_adds_up_over_every_wait_of_a_call(self) -> None:
        found = course(
            it("queued", 0),
            it("answered", 60, agent="Bo"),
            it("held", 100),
            it("resumed", 130),
            it("transferred", 200, queue="Billing"),
            it("answered", 320, agent="Cy"),
            it("hung_up", 400),
        )
        assert found.hold_seconds == 60 + 30 + 120
        assert (found.agent, found.queue) == ("Cy", "Billing")

    def test_of_a_call_of_ours_is_not_counted(self) -> None:
        found = course(it("ringing", 0, is_outgoing=True), it("answered", 20))
        assert (found.hold_seconds, found.hold_since) == (0, None)


class TestWhatIsOwed:
    def test_who_hangs_up_in_the_queue_is_owed_a_call_from_that_moment(self) -> None:
        [said] = messages_of(
            course(
                it("queued", 0, caller=ANN, queue="Support"),
                it("hung_up", 1200),
            )
        )
        assert (said.need, said.at) == ("answer", TEN + timedelta(seconds=1200))
        assert said.text == (
            "Called, and hung up after 20 min on hold in the queue Support. Nobody had answered."
        )
        assert (said.sender, said.root) == (ANN, f"calls:{ANN}")

    def test_whom_nobody_answered_too(self) -> None:
        assert text(it("ringing", 0), it("hung_up", 24)) == "Called for 24 s. Nobody answered."
        busy = text(it("ringing", 0), it("hung_up", 0, reason="busy"))
        assert busy == "Called. Nobody answered (busy)."

    def test_an_answered_call_is_a_call_and_our_answer_and_owes_nothing(self) -> None:
        theirs, ours = messages_of(
            course(
                it("queued", 0, caller=ANN, caller_name="Ann"),
                it("answered", 40, agent="Bo"),
                it("hung_up", 340),
            )
        )
        assert (theirs.need, theirs.at, theirs.sender_name) == ("nothing", TEN, "Ann")
        assert theirs.text == "Called, and talked with Bo for 5 min after 40 s on hold."
        assert (ours.kind, ours.to, ours.author) == (Kind.REPLY, ANN, "Bo")
        assert ours.at == TEN + timedelta(seconds=40)
        assert ours.text == "Answered the phone after 40 s, and talked for 5 min."

    def test_who_hangs_up_while_we_had_put_them_on_hold_is_owed_a_call(self) -> None:
        call = (it("ringing", 0), it("answered", 5, agent="Bo"), it("held", 60), it("hung_up", 300))
        theirs, ours = messages_of(course(*call))
        assert course(*call).outcome is Outcome.ABANDONED
        assert theirs.need == "answer"
        assert theirs.at > ours.at, "the answer of before must not meet the clock"

    def test_a_voicemail_is_an_answer_owed_with_its_recording_and_its_words(self) -> None:
        sound = File("v.wav", "audio/wav", b"RIFF")
        events = (
            it("queued", 0, caller=ANN),
            it("voicemail", 154, seconds=34, file=sound, external_id="v"),
            it("hung_up", 154),
        )
        [said] = messages_of(course(*events))
        assert (said.need, said.files) == ("answer", (sound,))
        assert said.text == (
            "Left a voicemail of 34 s after 2 min on hold. Its words have not been written down."
        )
        words = it("transcript", 200, external_id="v:t", text="My soup is cold.", written_by="w1")
        [said] = messages_of(course(*events, words))
        assert said.text == "Left a voicemail of 34 s after 2 min on hold.\n\nMy soup is cold."
        assert said.extra["call"]["written_by"] == "w1"

    def test_a_call_of_ours_is_a_reply_and_an_attempt_meets_no_clock(self) -> None:
        ours = {"is_outgoing": True, "caller": ANN, "agent": "Bo"}
        [said] = messages_of(course(it("ringing", 0, **ours), it("hung_up", 30)))
        assert (said.kind, said.to, said.is_automatic) == (Kind.REPLY, ANN, True)
        assert said.text == "Tried to call; nobody answered."
        [said] = messages_of(
            course(it("ringing", 0, **ours), it("answered", 9), it("hung_up", 309))
        )
        assert (said.is_automatic, said.at) == (False, TEN + timedelta(seconds=9))
        assert said.text == "Called, and talked for 5 min."

    def test_callers_without_a_number_are_nobody_else(self) -> None:
        [said] = messages_of(course(it("queued")))
        [other] = messages_of(course_of([replace(it("queued"), call="c2")]))
        assert said.sender_name == "Unknown caller"
        assert said.sender != other.sender


numbers = st.sampled_from(["", ANN, "+4930901820"])
events = st.builds(
    CallEvent,
    external_id=st.sampled_from([f"e{n}" for n in range(8)]),
    call=st.just("c1"),
    at=st.integers(0, 30).map(lambda n: TEN + timedelta(seconds=n)),
    what=st.sampled_from(ORDER),
    caller=numbers,
    queue=st.sampled_from(["", "Support", "Billing"]),
    agent=st.sampled_from(["", "Bo", "Cy"]),
    is_outgoing=st.just(False) | st.booleans(),
    seconds=st.none() | st.floats(0, 20),
    hold_seconds=st.none() | st.floats(0, 20),
    file=st.none() | st.builds(File, st.just("v.wav"), st.just("audio/wav"), st.binary(max_size=2)),
    text=st.sampled_from(["", "My soup is cold."]),
)


@settings(max_examples=400)
@given(st.lists(events, min_size=1, max_size=9), st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_give_the_same_call(
    told: list[CallEvent], random: Any
) -> None:
    whole = course_of(told)
    again = [*told, *random.choices(told, k=len(told))]
    random.shuffle(again)
    assert course_of(again) == whole
    assert messages_of(course_of(again)) == messages_of(whole)


@given(st.lists(events, min_size=1, max_size=9))
def test_whatever_is_told_there_is_a_message_and_no_time_runs_backwards(
    told: list[CallEvent],
) -> None:
    found = course_of(told)
    assert found.hold_seconds >= 0
    assert found.talk_seconds is None or found.talk_seconds >= 0
    first, *answers = messages_of(found)
    assert first.text
    assert first.external_id == "c1"
    assert all(answer.external_id != "c1" for answer in answers)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.6, "60 s"),
        (119, "119 s"),
        (120, "2 min"),
        (3600, "1 h"),
        (3900, "1 h 5 min"),
    ],
)
def test_spans_in_words(seconds: float, words: str) -> None:
    assert span(seconds) == words
