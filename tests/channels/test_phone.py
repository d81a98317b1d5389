"""The telephone: events that exchanges post, and records that a SIP server leaves in a folder."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.channels import phone, signing
from heard.channels.base import (
    Account,
    CallEvent,
    Channel,
    Delivered,
    Hooked,
    NotUnderstoodError,
    Outgoing,
    PlaceError,
    Polled,
    RefusedError,
    SendState,
    SetAside,
)
from heard.channels.phone import records
from heard.channels.phone.course import course_of
from heard.channels.phone.numbers import e164, named
from tests.servers import running

PAYLOADS = Path(__file__).parent / "payloads" / "phone"
AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def account(**settings: Any) -> Account:
    return Account("Switchboard", {"country": "GB", **settings}, secret=SECRET)


def parsed(body: bytes, **settings: Any) -> list[CallEvent | SetAside]:
    return list(phone.parse(Delivered(body, {}, AT), account(**settings)))


def one(**fields: Any) -> CallEvent | SetAside:
    [found] = parsed(json.dumps({"call": "7", "event": "queued", **fields}).encode())
    return found


def test_it_keeps_to_the_contract() -> None:
    channel: Channel = phone
    assert isinstance(phone, Hooked)
    assert isinstance(phone, Polled)
    assert (channel.public, channel.private and channel.private.replies) == (None, False)


class TestEvents:
    def test_a_whole_call(self) -> None:
        said = parsed((PAYLOADS / "one_call.json").read_bytes())
        events = [one for one in said if isinstance(one, CallEvent)]
        assert len(events) == len(said) == 7
        call = course_of(events)
        assert (call.caller, call.caller_name) == ("+442079460000", "Ann Archer")
        assert (call.called, call.agent, call.queue) == ("+442079460999", "Bo", "Support")
        assert (call.hold_seconds, call.talk_seconds) == (150, 270)
        [recording] = call.recordings
        assert recording.file is not None
        assert recording.file.source == "https://pbx.example/recordings/7.mp3"
        assert (recording.file.name, recording.file.content_type) == ("7.mp3", "audio/mpeg")

    def test_an_event_without_id_is_recognised_by_what_it_says_and_when(self) -> None:
        first, second = one(at="2026-11-22T10:00:00Z"), one(at="2026-11-22T10:00:00Z")
        assert first == second
        assert one(at="2026-11-22T10:00:01Z") != first
        without = one(event="hung_up")
        assert isinstance(without, CallEvent)
        assert (without.external_id, without.at) == ("hung_up", AT)

    def test_our_own_calls_are_with_whom_we_call(self) -> None:
        found = one(direction="out", **{"from": "1234", "to": "020 7946 0000"})
        assert isinstance(found, CallEvent)
        assert (found.caller, found.called, found.is_outgoing) == ("+442079460000", "1234", True)

    def test_a_caller_who_withholds_their_number_has_none(self) -> None:
        for number in ("anonymous", "", "Restricted", None, "sip:anonymous@anonymous.invalid"):
            found = one(**{"from": {"number": number}})
            assert isinstance(found, CallEvent)
            assert found.caller == ""

    def test_no_clock_of_a_sender_runs_ahead_of_ours(self) -> None:
        found = one(at="2099-01-01T00:00:00Z")
        assert isinstance(found, CallEvent)
        assert found.at == AT

    @pytest.mark.parametrize(
        ("wrong", "reason"),
        [
            ({"event": "sneezed"}, "event"),
            ({"event": None}, "event"),
            ({"call": None}, "call"),
            ({"call": ["7"]}, "call"),
            ({"call": "x" * 201}, "call"),
            ({"from": 5}, "from"),
            ({"from": {"number": [1]}}, "number"),
            ({"at": "soon"}, "at"),
            ({"direction": "up"}, "direction"),
            ({"seconds": "5"}, "seconds"),
            ({"hold_seconds": -1}, "hold_seconds"),
            ({"recording": "x"}, "recording"),
            ({"recording": {}}, "recording"),
            ({"recording": {"base64": "%"}}, "base64"),
            ({"event": "transcript"}, "text"),
        ],
    )
    def test_what_is_wrong_is_named(self, wrong: dict[str, Any], reason: str) -> None:
        found = one(**wrong)
        assert isinstance(found, SetAside)
        assert reason in found.reason

    def test_one_wrong_event_does_not_stop_the_others(self) -> None:
        good = {"call": "7", "event": "queued"}
        said = parsed(json.dumps({"events": [good, {"event": "x"}, 5, good]}).encode())
        assert [type(one) for one in said] == [CallEvent, SetAside, SetAside, CallEvent]

    def test_what_is_cut_off_or_too_much_is_not_understood(self) -> None:
        whole = (PAYLOADS / "one_call.json").read_bytes()
        for body in (whole[:-20], b"", b"\xff", b'{"events": {}}', b'{"call": NaN}'):
            with pytest.raises(NotUnderstoodError):
                parsed(body)
        with pytest.raises(NotUnderstoodError):
            parsed(json.dumps({"events": [{}] * 1001}).encode())

    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            "call",
                            "event",
                            "from",
                            "to",
                            "at",
                            "recording",
                            "events",
                            "sip",
                            "line",
                            "number",
                            "seconds",
                            "base64",
                            "url",
                        ]
                    ),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=8,
        )
    )
    def test_nothing_that_is_json_breaks_it(self, said: Any) -> None:
        with contextlib.suppress(NotUnderstoodError):
            parsed(json.dumps(said).encode())

    def test_signatures_good_bad_missing_and_replayed(self) -> None:
        body = b"{}"
        headers = signing.signed(body, secret=SECRET, message_id="1", at=AT)
        phone.authenticate(Delivered(body, headers, AT), account())
        for delivered in (
            Delivered(b"[]", headers, AT),
            Delivered(body, {}, AT),
            Delivered(body, headers, AT + timedelta(minutes=6)),
        ):
            with pytest.raises(RefusedError):
                phone.authenticate(delivered, account())

    def test_nothing_is_written_to_a_telephone(self) -> None:
        receipt = phone.send(Outgoing("k", "+442079460000", "Hello"), account())
        assert (receipt.state, receipt.is_final) == (SendState.FAILED, True)
        assert "call back" in receipt.reason

    def test_what_cannot_be_used_is_said_before_it_is_saved(self) -> None:
        assert phone.check(account()).account == "Switchboard"
        for wrong in ({"country": "Atlantis"}, {"hold_target_seconds": "soon"}):
            with pytest.raises(PlaceError):
                phone.check(account(**wrong))


@pytest.mark.parametrize(
    ("written", "country", "number"),
    [
        ("020 7946 0000", "GB", "+442079460000"),
        ("+44 (0)20 7946 0000", "", "+442079460000"),
        ("0049 30 901820", "", "+4930901820"),
        ("0049 30 901820", "DE", "+4930901820"),
        ("tel:+1-202-555-0100;phone-context=x", "", "+12025550100"),
        ("sip:+442079460000@pbx.example:5060", "", "+442079460000"),
        ("1000", "DE", "1000"),
        ("sip:Bo@pbx.example", "DE", "bo"),
        ("client:bo", "", "bo"),
        ("+266696687", "", ""),
    ],
)
def test_numbers_have_one_spelling(written: str, country: str, number: str) -> None:
    assert e164(written, country=country) == number


def test_names_beside_numbers() -> None:
    assert named('"Ann" <+44>') == ("Ann", "+44")
    assert named("Ann <200>") == ("Ann", "200")
    assert named("200") == ("", "200")


CDR = (
    " 2(1) NOTICE: acc [acc_cdr.c:395]: log_write_cdr(): start_time={start:.3f};"
    " end_time={end:.3f}; duration=9.016; src_user=02079460000; dst_user={to}; callid={call}\n"
)
REFUSED = (
    " 1(1) NOTICE: acc [acc.c:287]: acc_log_request(): ACC: transaction answered:"
    " timestamp={at:.0f};method=INVITE;from_tag=a;to_tag=b;call_id={call};code={code};"
    "reason=Busy Here;"
    "src_user=02079460000;dst_user=sales;src_ip=127.0.0.1\n"
)


class TestRecords:
    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        folder = tmp_path / "calls"
        (folder / "rec").mkdir(parents=True)
        (folder / "acc.log").write_text("begun\n")
        monkeypatch.setenv("HEARD_CALL_RECORDS", str(folder))
        return folder

    HERE: ClassVar = {"records": "acc.log", "recordings": "rec", "voicemail": "voicemail"}

    def poll(self, cursor: str, **settings: Any) -> tuple[list[CallEvent], str]:
        found = phone.poll(cursor, account(**{**self.HERE, **settings}))
        said = [
            one
            for delivered in found.deliveries
            for one in phone.parse(delivered, account(**{**self.HERE, **settings}))
        ]
        assert all(isinstance(one, CallEvent) for one in said), said
        return [one for one in said if isinstance(one, CallEvent)], found.cursor

    def write(self, folder: Path, text: str) -> None:
        with (folder / "acc.log").open("a") as log:
            log.write(text)

    def test_begin_from_now_on_and_are_read_once(self, folder: Path) -> None:
        now = time.time()
        self.write(folder, CDR.format(start=now - 99, end=now - 90, to="bo", call="old"))
        events, cursor = self.poll("")
        assert not events
        self.write(folder, CDR.format(start=now - 9, end=now, to="bo", call="c1"))
        events, cursor = self.poll(cursor)
        call = course_of(events)
        assert (call.call, call.outcome, call.agent) == ("c1", "answered", "bo")
        assert call.caller == "+442079460000"
        assert self.poll(cursor)[0] == []

    def test_half_a_line_waits_for_its_end_and_a_rotated_log_begins_anew(
        self, folder: Path
    ) -> None:
        _, cursor = self.poll("")
        now = time.time()
        line = CDR.format(start=now - 9, end=now, to="bo", call="c1")
        self.write(folder, line[:60])
        events, cursor = self.poll(cursor)
        assert not events
        self.write(folder, line[60:])
        events, cursor = self.poll(cursor)
        assert {event.call for event in events} == {"c1"}
        (folder / "acc.log").rename(folder / "acc.log.1")
        (folder / "acc.log").write_text(CDR.format(start=now, end=now + 1, to="bo", call="c2"))
        events, _ = self.poll(cursor)
        assert {event.call for event in events} == {"c2"}

    def test_a_refused_call_is_one_that_nobody_answered(self, folder: Path) -> None:
        _, cursor = self.poll("")
        self.write(folder, REFUSED.format(at=time.time(), call="c1", code=486))
        self.write(folder, REFUSED.format(at=time.time(), call="c2", code=407))
        self.write(folder, "log_write_cdr(): nonsense\n")
        found = phone.poll(cursor, account(**self.HERE))
        said = [one for body in found.deliveries for one in phone.parse(body, account(**self.HERE))]
        call = course_of([one for one in said if isinstance(one, CallEvent)])
        assert (call.call, call.outcome, call.reason) == ("c1", "missed", "busy here")
        assert [one.reason for one in said if isinstance(one, SetAside)] == [
            "The call record lacks its call id or its times."
        ]

    def test_a_recording_belongs_to_the_call_that_ended_with_it(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, cursor = self.poll("", recording_names="*-dec.wav")
        now = time.time()
        for name in ("a-dec.wav", "a-enc.wav", "a-dec.txt"):
            (folder / "rec" / name).write_bytes(b"RIFF" + name.encode())
        assert not self.poll(cursor, recording_names="*-dec.wav")[0], "it is still written to"
        monkeypatch.setattr(records, "SETTLED_SECONDS", 0)
        events, cursor = self.poll(cursor, recording_names="*-dec.wav")
        assert not events, "the record of its call has not been written yet"
        self.write(folder, CDR.format(start=now - 9, end=now + 0.2, to="voicemail", call="c1"))
        events, cursor = self.poll(cursor, recording_names="*-dec.wav")
        call = course_of(events)
        assert (call.outcome, call.caller) == ("voicemail", "+442079460000")
        [recording] = call.recordings
        assert recording.file is not None
        assert (recording.file.name, recording.file.content) == ("a-dec.wav", b"RIFFa-dec.wav")
        assert self.poll(cursor, recording_names="*-dec.wav")[0] == []

    def test_nothing_outside_of_the_operators_folder_is_ever_read(
        self, folder: Path, tmp_path: Path
    ) -> None:
        secret = tmp_path / "secret.log"
        secret.write_text("no")
        (folder / "link.log").symlink_to(secret)
        (folder / "out").symlink_to(tmp_path)
        for name in ("../secret.log", str(secret), "link.log", "out/secret.log", "..", ".", "a\0b"):
            for settings in ({"records": name}, {"records": "acc.log", "recordings": name}):
                with pytest.raises(PlaceError):
                    phone.check(account(**settings))
                with pytest.raises(PlaceError):
                    phone.poll("", account(**settings))
        (folder / "rec" / "x.wav").symlink_to(secret)
        _, cursor = self.poll("")
        assert "x.wav" not in cursor

    def test_without_such_a_folder_nothing_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("HEARD_CALL_RECORDS", raising=False)
        found = phone.poll("", account(records="/etc/passwd"))
        assert (found.deliveries, found.pause_seconds) == ((), 3600)
        with pytest.raises(PlaceError, match="HEARD_CALL_RECORDS"):
            phone.check(account(records="/etc/passwd"))

    def test_what_is_not_there_asks_for_a_person(self, folder: Path) -> None:
        with pytest.raises(PlaceError) as error:
            phone.check(account(records="none.log"))
        assert error.value.needs_person


@pytest.mark.journey
def test_a_real_call_is_heard_with_its_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kamailio and baresip on loopback, called by sipp with real speech packets."""
    server = running("phone")
    sipp = shutil.which("sipp")
    if sipp is None:
        pytest.skip("sipp, which makes the call, is not installed")
    log, recordings = Path(server["CDR_LOG"]), Path(server["RECORDINGS"])
    folder = log.parent
    monkeypatch.setenv("HEARD_CALL_RECORDS", str(folder))
    here = account(
        records=log.name,
        recordings=str(recordings.relative_to(folder)),
        recording_names="*-dec.wav",
    )
    assert phone.check(here)
    cursor = phone.poll("", here).cursor
    (tmp_path / "pcap").symlink_to("/usr/share/sip-tester")
    subprocess.run(
        [sipp, "-sn", "uac_pcap", "-s", "voicemail", "-m", "1", "-i", "127.0.0.1", "-mi",
         "127.0.0.1", "-p", "15998", f"{server['HOST']}:{server['PORT']}"],
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, timeout=90, check=True,
    )  # fmt: skip
    events: list[CallEvent] = []
    for _ in range(15):
        found = phone.poll(cursor, here)
        cursor = found.cursor
        for delivered in found.deliveries:
            events += [one for one in phone.parse(delivered, here) if isinstance(one, CallEvent)]
        if any(event.file for event in events):
            break
        time.sleep(1)
    call = course_of(events)
    assert (call.outcome, call.caller) == ("voicemail", "sipp")
    [recording] = call.recordings
    assert recording.file is not None
    assert recording.file.content[:4] == b"RIFF"
    assert len(recording.file.content) > 50_000
    assert 5 < (recording.seconds or 0) < 30
