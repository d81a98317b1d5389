"""Dates as places write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heard.channels.dates import EARLIEST, LATEST, moment

TEN_PAST = datetime(2017, 10, 31, 22, 10, 47, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "Tue Oct 31 22:10:47 +0000 2017",
        "2017-10-31 22:10:47 +0000",
        "2017-10-31T22:10:47Z",
        "2017-10-31T22:10:47.000+00:00",
        "2017-10-31 15:10:47 -0700",
        "Tue, 31 Oct 2017 22:10:47 GMT",
        "Tue, 31 Oct 2017 23:10:47 +0100 (CET)",
        "31-Oct-17 22:10:47",
        "31st October 2017, 10:10:47 p.m.",
        "October 31, 2017 at 10:10:47 PM",
        "Tue Oct 31 22:10:47 UTC 2017",
        "31.10.2017 22:10:47",
        "2017/10/31 22:10:47",
        "31/10/2017 22:10:47",
        "10/31/2017 22:10:47",
        "20171031T221047",
        "1509487847",
        "1509487847.0",
        "1509487847000",
        " 2017-10-31 22:10:47 UTC ",
    ],
)
def test_one_moment_in_many_spellings(written: str) -> None:
    assert moment(written) == TEN_PAST


@pytest.mark.parametrize(
    "written",
    [
        "",
        "yesterday",
        "3/4/2017",
        "2017-02-30",
        "31 Oct 2017 22:10 IST",
        "0001-01-01",
        "nan",
        "9999-12-31T23:59:59-14:00",
        "13:00 pm 1.1.2017",
        "12345678",
        "9" * 30,
        "1. 1. 2017 25:00",
    ],
)
def test_what_is_no_date_or_may_be_two_is_not_read(written: str) -> None:
    assert moment(written) is None


def test_a_date_that_may_be_two_days_is_read_by_its_format() -> None:
    assert moment("3/4/2017", formats=["%d/%m/%Y"]) == datetime(2017, 4, 3, tzinfo=UTC)
    assert moment("3/4/2017", formats=["%Y", "%m/%d/%Y"]) == datetime(2017, 3, 4, tzinfo=UTC)


def test_a_date_without_an_offset_is_of_the_zone_it_was_written_in() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert moment("2017-10-31 23:10:47", zone=berlin) == TEN_PAST
    assert moment("31.07.2017 00:10", zone=berlin) == datetime(2017, 7, 30, 22, 10, tzinfo=UTC)
    assert moment("31.10.2017 22:10:47 UTC", zone=berlin) == TEN_PAST


@given(
    st.integers(int(EARLIEST.timestamp()), int(LATEST.timestamp()) - 1),
    st.integers(-12 * 60, 14 * 60),
)
def test_what_is_written_is_what_is_read(seconds: int, minutes: int) -> None:
    at = datetime.fromtimestamp(seconds, timezone(timedelta(minutes=minutes)))
    for spelling in (
        "%a %b %d %H:%M:%S %z %Y",
        "%Y-%m-%d %H:%M:%S %z",
        "%a, %d %b %Y %H:%M:%S %z",
        "%d.%m.%Y %H:%M:%S %z",
        "%B %d, %Y %I:%M:%S %p %z",
    ):
        assert moment(at.strftime(spelling)) == at
    assert moment(at.isoformat()) == at


@given(st.text() | st.from_regex(r"\A[0-9A-Za-z:., +/-]{5,40}\Z"))
@example("Tue Oct 31 22:10:47 +0000 -017")
@example("٣١.١٠.٢٠١٧")
def test_any_text_gives_a_sane_moment_or_none(text: str) -> None:
    at = moment(text)
    assert at is None or (EARLIEST <= at < LATEST and at.tzinfo is UTC)
