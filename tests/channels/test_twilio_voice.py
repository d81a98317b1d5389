"""Twilio Voice: proven by its signature, and one call out of many callbacks in any order."""

from __future__ import annotations

import hashlib
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from heard.channels import twilio_voice as twilio
from heard.channels.base import (
    Account,
    CallEvent,
    Channel,
    Confirmed,
    Delivered,
    Fetching,
    Hooked,
    NotUnderstoodError,
    Outgoing,
    PlaceError,
    RefusedError,
    SendState,
)
from heard.channels.phone.course import Course, course_of
from heard.channels.web import TooLongError
from tests.channels.place import Place

TOKEN = "12345678901234567890123456789012"
SID = "AC00000000000000000000000000000001"
HOOK = "https://care.example/hooks/abc/"
TEN = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
ANN, SHOP = "+442079460000", "+442079460999"


def account(**settings: Any) -> Account:
    return Account(
        "Twilio",
        {"account_sid": SID, **settings},
        secrets={"auth_token": TOKEN},
        hook=HOOK,
        allow_private=True,
    )


def callback(second: float = 0, **told: str) -> Delivered:
    """A callback as Twilio posts it, `second` after ten o'clock, signed by its own library."""
    at = TEN + timedelta(seconds=second)
    base = {"AccountSid": SID, "ApiVersion": "2010-04-01", "CallSid": "CA1"}
    form = base | {"From": ANN, "To": SHOP, "Direction": "inbound"} | told
    mark = RequestValidator(TOKEN).compute_signature(HOOK, form)
    return Delivered(urlencode(form).encode(), {"x-twilio-signature": mark}, at, url=HOOK)


def stamp(second: float) -> str:
    return (TEN + timedelta(seconds=second)).strftime("%a, %d %b %Y %H:%M:%S +0000")


def events(*said: Delivered) -> list[CallEvent]:
    found = []
    for one in said:
        twilio.authenticate(one, account())
        found += [it for it in twilio.parse(one, account()) if isinstance(it, CallEvent)]
    return found


def call(*said: Delivered) -> Course:
    return course_of(events(*said))


def leg(second: float, status: str, **told: str) -> Delivered:
    """The second leg, to a colleague."""
    return callback(
        second,
        CallSid="CA2",
        ParentCallSid="CA1",
        From=SHOP,
        To="client:bo",
        Direction="outbound-dial",
        CallStatus=status,
        Timestamp=stamp(second),
        **told,
    )


def test_it_keeps_to_the_contract() -> None:
    channel = cast("Channel", twilio)
    assert isinstance(twilio, Hooked)
    assert isinstance(twilio, Confirmed)
    assert isinstance(twilio, Fetching)
    assert (channel.public, channel.private and channel.private.replies) == (None, False)


class TestSignatures:
    def test_the_example_of_the_documents(self) -> None:
        """https://www.twilio.com/docs/usage/webhooks/webhooks-security"""
        url = "https://example.com/myapp.php?foo=1&bar=2"
        form = {
            "CallSid": "CA1234567890ABCDE",
            "Caller": "+12349013030",
            "Digits": "1234",
            "From": "+12349013030",
            "To": "+18005551212",
        }
        delivered = Delivered(urlencode(form).encode(), {}, TEN, url=url)
        made = twilio.signature(url, delivered, token="12345")
        assert made == RequestValidator("12345").compute_signature(url, form)

    @given(
        st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=12), max_size=6),
        st.sampled_from(["", "?a=1", "?a=1&b=%20x"]),
        st.sampled_from(
            ["https://care.example", "https://care.example:443", "https://c.example:81"]
        ),
    )
    def test_we_agree_with_twilios_own_library(
        self, form: dict[str, str], query: str, host: str
    ) -> None:
        url = f"{host}/hooks/abc/{query}"
        mark = RequestValidator(TOKEN).compute_signature(url, form)
        given_ = Delivered(urlencode(form).encode(), {"x-twilio-signature": mark}, TEN, url=url)
        twilio.authenticate(given_, account())
        assert RequestValidator(TOKEN).validate(
            url, form, twilio.signature(url, given_, token=TOKEN)
        )

    def test_a_value_twice_is_signed_once_and_other_values_after_one_another(self) -> None:
        body = b"A=2&A=1&A=2&B="
        mark = RequestValidator(TOKEN).compute_signature(HOOK, _Many(A=["2", "1", "2"], B=[""]))
        twilio.authenticate(Delivered(body, {"x-twilio-signature": mark}, TEN, url=HOOK), account())

    def test_with_a_port_and_without(self) -> None:
        form = {"CallSid": "CA1"}
        for url, called in (
            ("https://care.example:443/x", "https://care.example/x"),
            ("https://care.example/x", "https://care.example:443/x"),
        ):
            mark = RequestValidator(TOKEN).compute_signature(url, form)
            body = urlencode(form).encode()
            twilio.authenticate(
                Delivered(body, {"x-twilio-signature": mark}, TEN, url=called), account()
            )

    def test_bad_missing_and_changed_ones_are_refused(self) -> None:
        good = callback(CallStatus="ringing")
        wrongs = [
            Delivered(good.body, {}, TEN, url=HOOK),
            Delivered(good.body + b"&x=1", good.headers, TEN, url=HOOK),
            Delivered(good.body, good.headers, TEN, url=HOOK + "?x=1"),
            Delivered(good.body, {"x-twilio-signature": "ü"}, TEN, url=HOOK),
        ]
        for wrong in wrongs:
            with pytest.raises(RefusedError):
                twilio.authenticate(wrong, account())
        with pytest.raises(RefusedError):
            twilio.authenticate(good, Account("x", {}, secrets={}))
        with pytest.raises(RefusedError):
            twilio.authenticate(good, Account("x", {}, secrets={"auth_token": "other"}))

    def test_json_is_proven_by_its_digest_in_the_address(self) -> None:
        body = json.dumps({"CallSid": "CA1"}).encode()
        url = f"{HOOK}?bodySHA256={hashlib.sha256(body).hexdigest()}"
        mark = RequestValidator(TOKEN).compute_signature(url, {})
        good = Delivered(body, {"x-twilio-signature": mark}, TEN, url=url)
        twilio.authenticate(good, account())
        with pytest.raises(RefusedError):
            twilio.authenticate(Delivered(body + b" ", good.headers, TEN, url=url), account())


class _Many(dict[str, list[str]]):
    """As web frameworks hand several values of one name to Twilio's library."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


ANSWERED = (
    callback(0, CallStatus="ringing", Timestamp=stamp(0), CallerName="ANN ARCHER"),
    callback(1, CallStatus="in-progress", Timestamp=stamp(1)),
    callback(61, CallStatus="in-progress", QueueSid="QU1", QueueTime="60", QueuePosition="1"),
    callback(91, CallStatus="in-progress", QueueSid="QU1", QueueTime="90", DequeingCallSid="CA7"),
    callback(391, CallStatus="completed", CallDuration="390", Timestamp=stamp(391)),
    callback(391, CallStatus="completed", QueueSid="QU1", QueueTime="90", QueueResult="bridged"),
)
VOICEMAIL = (
    callback(0, CallStatus="ringing", Timestamp=stamp(0)),
    callback(41, CallStatus="in-progress", QueueSid="QU1", QueueTime="40", QueueResult="leave"),
    callback(
        75,
        RecordingSid="RE1",
        RecordingUrl=f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Recordings/RE1",
        RecordingStatus="completed",
        RecordingDuration="30",
        RecordingSource="RecordVerb",
        RecordingStartTime=stamp(45),
    ),
    callback(76, CallStatus="completed", CallDuration="76", Timestamp=stamp(75)),
    callback(
        99,
        CallStatus="completed",
        TranscriptionSid="TR1",
        TranscriptionStatus="completed",
        TranscriptionText="My soup is cold.",
        RecordingSid="RE1",
        RecordingUrl=f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Recordings/RE1",
    ),
)


class TestCalls:
    def test_the_time_in_the_queue_is_the_hold(self) -> None:
        found = call(*ANSWERED)
        assert (found.outcome, found.caller, found.caller_name) == ("answered", ANN, "ANN ARCHER")
        assert found.hold_seconds == 90
        assert found.talk_seconds == 300

    def test_a_running_script_is_not_an_answer(self) -> None:
        found = call(*ANSWERED[:2])
        assert (found.answered_at, found.need) == (None, "answer")

    def test_who_waits_in_the_queue_is_on_hold_now(self) -> None:
        found = call(*ANSWERED[:3])
        assert (found.outcome, found.hold_since) == ("waiting", TEN + timedelta(seconds=1))

    def test_who_hangs_up_in_the_queue_has_given_up(self) -> None:
        found = call(
            ANSWERED[0],
            callback(
                1200, CallStatus="completed", QueueSid="Q", QueueTime="1190", QueueResult="hangup"
            ),
            callback(1201, CallStatus="completed", Timestamp=stamp(1200)),
        )
        assert (found.outcome, found.hold_seconds) == ("abandoned", 1190)

    def test_a_second_leg_that_is_taken_is_the_answer(self) -> None:
        found = call(
            ANSWERED[0],
            leg(2, "ringing"),
            leg(22, "in-progress"),
            leg(82, "completed", CallDuration="60"),
            callback(83, CallStatus="completed", Timestamp=stamp(83)),
        )
        assert (found.outcome, found.agent, found.caller) == ("answered", "bo", ANN)
        assert found.hold_seconds == 22

    def test_a_second_leg_that_nobody_takes_is_none(self) -> None:
        found = call(
            ANSWERED[0],
            leg(2, "ringing"),
            leg(32, "no-answer"),
            callback(33, CallStatus="completed", Timestamp=stamp(33)),
        )
        assert (found.outcome, found.need) == ("missed", "answer")

    def test_the_end_of_a_dial_tells_of_its_answer_too(self) -> None:
        end = callback(100, CallStatus="in-progress", DialCallStatus="completed",
                       DialCallSid="CA2", DialCallDuration="80")  # fmt: skip
        found = call(ANSWERED[0], end)
        assert found.answered_at == TEN + timedelta(seconds=20)
        nobody = callback(100, DialCallStatus="no-answer", DialCallSid="CA2")
        assert call(ANSWERED[0], nobody).answered_at is None

    def test_a_voicemail_with_its_recording_and_its_words(self) -> None:
        found = call(*VOICEMAIL)
        assert (found.outcome, found.need, found.hold_seconds) == ("voicemail", "answer", 44)
        [said] = found.recordings
        assert (said.seconds, said.text, said.written_by) == (30, "My soup is cold.", "Twilio")
        assert said.file is not None
        assert said.file.source.endswith("/Recordings/RE1.mp3")

    def test_our_own_calls(self) -> None:
        ours = {"Direction": "outbound-api", "From": SHOP, "To": ANN}
        found = call(
            callback(0, CallStatus="initiated", Timestamp=stamp(0), **ours),
            callback(9, CallStatus="in-progress", Timestamp=stamp(9), **ours),
            callback(69, CallStatus="completed", CallDuration="60", Timestamp=stamp(69), **ours),
        )
        assert (found.is_outgoing, found.caller, found.talk_seconds) == (True, ANN, 60)
        missed = call(callback(30, CallStatus="no-answer", Timestamp=stamp(30), **ours))
        assert missed.answered_at is None

    @pytest.mark.parametrize("story", [ANSWERED, VOICEMAIL], ids=["answered", "voicemail"])
    def test_everything_twice_and_out_of_order_is_the_same_call(
        self, story: tuple[Delivered, ...]
    ) -> None:
        whole = call(*story)
        for seed in range(60):
            mixed = [*story, *story]
            random.Random(seed).shuffle(mixed)
            assert call(*mixed) == whole

    def test_a_withheld_number_is_none(self) -> None:
        [said, *_] = events(callback(0, From="+266696687", CallStatus="ringing"))
        assert said.caller == ""

    def test_what_says_nothing_of_a_call_is_not_an_error(self) -> None:
        quiet = callback(0, CallSid="", MessageSid="SM1")
        assert list(twilio.parse(quiet, account())) == []
        absent = callback(0, RecordingSid="RE1", RecordingUrl="", RecordingStatus="absent")
        assert events(absent) == []
        failed = callback(0, TranscriptionSid="TR1", TranscriptionStatus="failed")
        assert events(failed) == []

    def test_what_is_cut_off_is_not_understood(self) -> None:
        for body in (b"", b"CallS", b'{"CallSid": "CA1"}', b"\xff\xfe"):
            with pytest.raises(NotUnderstoodError):
                list(twilio.parse(Delivered(body, {}, TEN, url=HOOK), account()))


class TestTheAnswerToTwilio:
    def test_is_twiml_that_ends_or_goes_on(self) -> None:
        said = twilio.confirm(ANSWERED[0], account())
        assert (said.content_type, said.status) == ("text/xml", 200)
        assert said.body.endswith(b"<Response></Response>")
        said = twilio.confirm(ANSWERED[0], account(next_url="https://x.example/?a=1&b=<2"))
        assert b"<Redirect>https://x.example/?a=1&amp;b=&lt;2</Redirect>" in said.body


class TestAsking:
    def test_the_account_is_asked_for_before_it_is_saved(self) -> None:
        with Place() as place:
            path = f"GET /2010-04-01/Accounts/{SID}.json"
            place.answers(path, {"friendly_name": "Corner Shop", "status": "active"})
            place.answers(path, {"friendly_name": "Corner Shop", "status": "suspended"})
            place.answers(path, {"code": 20003, "message": "Authenticate"}, status=401)
            place.answers(path, {}, status=429, headers={"retry-after": "9"})
            here = account(api_url=place.url)
            assert twilio.check(here).account == "Corner Shop"
            assert "suspended" in twilio.check(here).warnings[0]
            with pytest.raises(PlaceError) as refused:
                twilio.check(here)
            assert refused.value.needs_person
            with pytest.raises(PlaceError) as slower:
                twilio.check(here)
            assert slower.value.retry_after_seconds == 9
            assert place.asked[0].headers["authorization"].startswith("Basic ")
        with pytest.raises(PlaceError, match="AC"):
            twilio.check(account(account_sid="../x"))

    def test_recordings_are_fetched_with_our_credentials_and_from_twilio_alone(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Place() as place, Place() as other:
            place.answers("GET /RE1.mp3", b"ID3sound", headers={"content-type": "audio/mpeg"})
            place.answers("GET /gone.mp3", {}, status=404)
            here = account(api_url=place.url)
            assert twilio.fetch(f"{place.url}/RE1.mp3", here) == b"ID3sound"
            assert place.asked[0].headers["authorization"].startswith("Basic ")
            with pytest.raises(PlaceError):
                twilio.fetch(f"{place.url}/gone.mp3", here)
            monkeypatch.setattr("heard.channels.twilio.FILE_BYTES", 4)
            with pytest.raises(TooLongError):
                twilio.fetch(f"{place.url}/RE1.mp3", here)
            elsewhere = other.url.replace("127.0.0.1", "localhost")
            for source in (f"{elsewhere}/RE1.mp3", "https://api.twilio.com.evil.example/x"):
                with pytest.raises(PlaceError, match="not Twilio"):
                    twilio.fetch(source, here)
            assert not other.asked

    def test_nothing_is_written_to_a_telephone(self) -> None:
        receipt = twilio.send(Outgoing("k", ANN, "Hello"), account())
        assert (receipt.state, receipt.is_final) == (SendState.FAILED, True)
