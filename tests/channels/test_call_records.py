"""Call records of three telephone systems are the same calls as if we had been there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from heard.channels.archives import ArchiveError, Item
from heard.channels.archives.calls import CallRecords
from heard.channels.base import Incoming, Kind, SetAside

PAYLOADS = Path(__file__).parent / "payloads" / "calls"


def records(name: str, system: str, **more: Any) -> list[Item]:
    archive = CallRecords(PAYLOADS / name, system, country="GB", **more)
    return list(archive.items())


def told(items: list[Item]) -> dict[str, Any]:
    """Outcome, hold and agent of each call, by the last digits of whoever is outside."""
    found: dict[str, Any] = {}
    for item in items:
        said = item.value
        if isinstance(said, Incoming) and said.extra["call"].get("outcome"):
            call = said.extra["call"]
            who = (said.to or said.sender)[-4:] + ("<" if call["is_outgoing"] else "")
            found[who] = (call["outcome"], call["hold_seconds"], call["agent"])
    return found


def asides(items: list[Item]) -> list[str]:
    return [item.value.reason for item in items if isinstance(item.value, SetAside)]


class TestAsterisk:
    def test_every_disposition(self) -> None:
        items = records("asterisk.csv", "asterisk")
        found = told(items)
        assert found["0001"] == ("answered", 120, "201")
        assert found["0002"] == ("abandoned", 1200, ""), "a queue that answers is nobody"
        assert found["0003"] == ("answered", 25, "202"), "two telephones rang, one call"
        assert found["0004"] == ("voicemail", 20, "")
        assert found["0002<"][0] == "answered"
        [withheld] = [call for who, call in found.items() if who not in
                      {"0001", "0002", "0003", "0004", "0002<"}]  # fmt: skip
        assert withheld[0] == "missed"
        assert asides(items) == ["it is a call between two of ours", "its date cannot be read"]

    def test_an_answered_call_is_a_call_and_our_answer(self) -> None:
        theirs, ours, *_ = (
            item.value for item in records("asterisk.csv", "asterisk") if item.value
        )
        assert isinstance(theirs, Incoming)
        assert isinstance(ours, Incoming)
        assert (theirs.sender, theirs.sender_name) == ("+442079460001", "Ann Archer")
        assert theirs.extra["call"]["queue"] == "support"
        assert (ours.kind, ours.author, ours.to) == (Kind.REPLY, "201", "+442079460001")
        assert ours.at == datetime(2026, 3, 4, 10, 2, tzinfo=UTC)

    def test_times_are_those_of_the_zone(self) -> None:
        item = records("asterisk.csv", "asterisk", zone=ZoneInfo("Europe/Berlin"))[0]
        assert isinstance(item.value, Incoming)
        assert item.value.at == datetime(2026, 3, 4, 9, 0, tzinfo=UTC)

    def test_columns_may_be_named_and_in_any_order(self, tmp_path: Path) -> None:
        file = tmp_path / "cdr.csv"
        file.write_text(
            "calldate,src,dst,duration,billsec,disposition,lastapp,dstchannel,linkedid\n"
            "2026-03-04 10:00:00,02079460001,201,40,30,ANSWERED,Dial,PJSIP/201-0001,77.1\n"
        )
        found = told(list(CallRecords(file, "asterisk", country="GB").items()))
        assert found == {"0001": ("answered", 10, "201")}


def test_freeswitch() -> None:
    found = told(records("freeswitch.csv", "freeswitch"))
    assert found == {
        "0001": ("answered", 30, "201"),
        "0002": ("missed", 300, ""),
        "0003": ("missed", 24, ""),
        "0004": ("voicemail", 5, ""),
        "0005": ("missed", 1, ""),
    }


def test_3cx_records() -> None:
    found = told(records("3cx.csv", "3cx"))
    assert found["0001"] == ("answered", 30, "Bo")
    assert found["0002"] == ("abandoned", 600, "")
    assert found["0003"] == ("voicemail", 20, "")
    assert found["0002<"][0] == "answered"


def test_3cx_reports() -> None:
    found = told(records("3cx-report.csv", "3cx"))
    assert found["0001"] == ("answered", 30, "Bo")
    assert found["0002"] == ("missed", 600, "")
    assert found["0003"] == ("voicemail", 20, "")
    assert found["0002<"][0] == "answered"


@pytest.mark.parametrize(
    ("name", "system"),
    [("asterisk.csv", "asterisk"), ("freeswitch.csv", "freeswitch"), ("3cx.csv", "3cx")],
)
def test_it_goes_on_from_wherever_it_was_left(name: str, system: str) -> None:
    whole = records(name, system)
    for position in {item.position for item in whole}:
        archive = CallRecords(PAYLOADS / name, system, country="GB")
        rest = list(archive.items(after=position))
        assert rest == [item for item in whole if item.position > position]


def test_a_file_that_is_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(ArchiveError, match="columns"):
        list(CallRecords(file, "asterisk").items())


def test_broken_lengths_are_set_aside(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text(
        "start,src,dst,duration,disposition\n2026-03-04 10:00:00,1,02079460001,x,BUSY\n"
    )
    assert asides(list(CallRecords(file, "asterisk", country="GB").items())) == [
        "its length cannot be read"
    ]
