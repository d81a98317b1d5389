"""Call records of Asterisk, FreeSWITCH and 3CX: CSV files, with a line of column names or without.

A call may have several records, one for each telephone that rang. They are put together before
the call is told, where its last record stands. Calls between two of ours are left out.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from heard.channels.archives.archive import (
    ArchiveError,
    Item,
    Spread,
    digest,
    identifier,
)
from heard.channels.archives.opening import Broken, Source
from heard.channels.base import CallEvent
from heard.channels.dates import moment
from heard.channels.phone.course import course_of, messages_of
from heard.channels.phone.numbers import LONGEST_EXTENSION, e164, named
from heard.channels.texts import repair

ASTERISK = (
    "accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp",
    "lastdata", "start", "answer", "end", "duration", "billsec", "disposition", "amaflags",
    "uniqueid", "userfield",
)  # fmt: skip
"""The order of cdr_csv's Master.csv, which has no line of names."""

FREESWITCH = (
    "caller_id_name", "caller_id_number", "destination_number", "context", "start_stamp",
    "answer_stamp", "end_stamp", "duration", "billsec", "hangup_cause", "uuid", "bleg_uuid",
    "accountcode", "read_codec", "write_codec",
)  # fmt: skip
"""The order of mod_cdr_csv's own template "example"."""

THREE_CX = (
    "historyid", "callid", "duration", "time-start", "time-answered", "time-end",
    "reason-terminated", "from-no", "to-no", "from-dn", "to-dn", "dial-no", "reason-changed",
    "final-number", "final-dn", "bill-code", "bill-rate", "bill-cost", "bill-name", "chain",
    "from-type", "to-type", "final-type", "from-dispname", "to-dispname", "final-dispname",
    "missed-queue-calls",
)  # fmt: skip
"""The order in which 3CX lists the fields of its CDR output. Its call reports have names."""

THREE_CX_REPORT = frozenset({"call time", "status", "ringing", "talking"})

MAILBOXES = re.compile(r"voice\s?mail|vmail|\*9[78]", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"^(.*?)\s*\(([^()]*)\)\s*$")
_AGENT = re.compile(r"^[A-Za-z]+/(?:[^/]*/)?([^-@/]+)")
_SPAN = re.compile(r"(?:(\d+)\.)?(?:(\d+):)?(\d{1,2}):(\d\d)(?:\.\d+)?")

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Record:
    """One record, in words that all three share. `answer_at` is when a person took it."""

    call: str
    start: datetime
    end: datetime
    caller: str
    dialled: str
    name: str = ""
    answer_at: datetime | None = None
    agent: str = ""
    queue: str = ""
    queued_at: datetime | None = None
    voicemail_seconds: float | None = None
    reason: str = ""


@dataclass
class CallRecords:
    """One file of call records; `zone` is where its times were written."""

    file: Path
    system: str
    zone: tzinfo = UTC
    country: str = ""
    channel: str = field(default="phone", init=False)
    spread: Spread = field(default=Spread.BY_ROOT, init=False)

    def __post_init__(self) -> None:
        self._source = Source(self.file)

    @property
    def files(self) -> tuple[Path, ...]:
        """The one file."""
        return (self.file,)

    def share(self) -> float:
        """How much has been read, of the pass that is under way, from 0 to 1."""
        return self._source.read / self._source.size if self._source.size else 1.0

    def items(self, *, after: int = 0) -> Iterator[Item]:
        """Every call, at its last record. The file is read twice: to count, and to tell."""
        left = Counter(
            hash(record.call) for _, record in self._records() if isinstance(record, _Record)
        )
        held: dict[str, list[CallEvent]] = defaultdict(list)
        for position, record in self._records():
            if not isinstance(record, _Record):
                if position > after:
                    value = record.at(f"{self.file.name}, record {position}")
                    yield Item("", value, position)
                continue
            held[record.call] += _events(record, position, country=self.country)
            left[hash(record.call)] -= 1
            if left[hash(record.call)]:
                continue
            course = course_of(_until_the_last_end(held.pop(record.call)))
            if position > after:
                for message in messages_of(course):
                    yield Item("", message, position)

    def _records(self) -> Iterator[tuple[int, _Record | Broken]]:
        names, read, needed = SYSTEMS[self.system]
        with self._source.rows() as (first, rows):
            known = {name.lower() for name in first}
            if self.system == "3cx" and known >= THREE_CX_REPORT:
                header, read, begin = [name.lower() for name in first], _three_cx_report, 1
            elif len(known & {*names, "calldate", "linkedid"}) >= 3:
                header, begin = [name.lower() for name in first], 1
            else:
                header, begin = [*names], 0
                if len(first) < needed:
                    raise ArchiveError(
                        f"{self.file.name} has {len(first)} columns; call records of"
                        f" {self.system} have {needed} or more, or a line of names above them."
                    )
            if not begin:
                yield 1, self._record(first, header, read)
            for position, row in enumerate(rows, start=begin + 1):
                if isinstance(row, Broken):
                    yield position, row
                else:
                    yield position, self._record(row, header, read)

    def _record(
        self, row: Sequence[str], header: Sequence[str], read: Callable[[Row, tzinfo], _Record]
    ) -> _Record | Broken:
        fields = {name: repair(value).strip() for name, value in zip(header, row, strict=False)}
        try:
            record = read(fields, self.zone)
            _direction(record, country=self.country)
        except _NotReadError as error:
            return Broken(str(error), ",".join(row))
        return record


class _NotReadError(Exception):
    """Why a record is no call of a customer, in words that are the same for all of its kind."""


def _events(record: _Record, position: int, *, country: str) -> list[CallEvent]:
    """What one record says happened. Its events bear its number, so that none hides another."""
    is_outgoing = _direction(record, country=country)
    theirs, ours = (
        (record.dialled, record.caller) if is_outgoing else (record.caller, record.dialled)
    )

    def event(what: Any, at: datetime, **more: Any) -> CallEvent:
        return CallEvent(
            **{
                "external_id": f"{position:012}:{what}",
                "call": record.call,
                "at": at,
                "what": what,
                "caller": e164(theirs, country=country),
                "caller_name": "" if is_outgoing else record.name[:200],
                "called": e164(ours, country=country),
                "is_outgoing": is_outgoing,
                **more,
            }
        )

    told = [event("ringing", record.start)]
    if record.queued_at is not None:
        told.append(event("queued", record.queued_at, queue=record.queue[:120]))
    if record.answer_at is not None:
        told.append(event("answered", record.answer_at, agent=record.agent[:200]))
    if record.voicemail_seconds is not None:
        told.append(event("voicemail", record.end, seconds=record.voicemail_seconds))
    told.append(event("hung_up", record.end, reason=record.reason))
    return told


def _until_the_last_end(events: list[CallEvent]) -> list[CallEvent]:
    """A record ends when its telephone stops ringing; the call does with the last of them."""
    *_, last = sorted(it.at for it in events if it.what == "hung_up")
    return [it for it in events if it.what != "hung_up" or it.at == last]


def _direction(record: _Record, *, country: str) -> bool:
    """Whether we called. Extensions are ours; everything else, and nothing, is a customer's."""
    from_us, to_us = _is_ours(record.caller, country), _is_ours(record.dialled, country)
    if from_us and to_us:
        raise _NotReadError("it is a call between two of ours")
    return from_us


def _is_ours(number: str, country: str) -> bool:
    plain = e164(number, country=country)
    is_long = len(re.sub(r"\D", "", plain)) > LONGEST_EXTENSION
    return bool(plain) and not plain.startswith("+") and not is_long


# Asterisk


def _asterisk(row: Row, zone: tzinfo) -> _Record:
    start = _at(row.get("start") or row.get("calldate", ""), zone)
    long = _seconds(row.get("duration", ""))
    talked = _seconds(row.get("billsec", ""))
    end = moment(row.get("end", ""), zone=zone) or start + timedelta(seconds=long)
    answer = moment(row.get("answer", ""), zone=zone) or end - timedelta(seconds=talked)
    app, state = row.get("lastapp", "").lower(), row.get("disposition", "").upper()
    name, from_clid = named(row.get("clid", ""))
    agent = _AGENT.match(row.get("dstchannel", ""))
    is_up = state == "ANSWERED"
    is_mailbox = is_up and app == "voicemail"
    # Asterisk answers a call for its menus and queues; only a second channel is a person.
    is_taken = is_up and bool(row.get("dstchannel")) and not is_mailbox
    caller = row.get("src", "")
    return _Record(
        call=_call(row.get("linkedid") or row.get("uniqueid", ""), row),
        start=start,
        end=end,
        caller=caller or ("" if from_clid == row.get("clid") else from_clid),
        dialled=row.get("dst", ""),
        name=name if name != caller else "",
        answer_at=answer if is_taken else None,
        agent=agent[1] if agent and is_taken else "",
        queue=row.get("lastdata", "").partition(",")[0] if app == "queue" else "",
        queued_at=start if app == "queue" else None,
        voicemail_seconds=talked if is_mailbox else None,
        reason={"BUSY": "busy", "FAILED": "the call failed", "CONGESTION": "the call failed"}.get(
            state, ""
        ),
    )


# FreeSWITCH


def _freeswitch(row: Row, zone: tzinfo) -> _Record:
    start = _at(row.get("start_stamp", ""), zone)
    talked = _seconds(row.get("billsec", ""))
    end = moment(row.get("end_stamp", ""), zone=zone) or start + timedelta(
        seconds=_seconds(row.get("duration", ""))
    )
    answer = moment(row.get("answer_stamp", ""), zone=zone)
    dialled, caller = row.get("destination_number", ""), row.get("caller_id_number", "")
    is_mailbox = answer is not None and bool(MAILBOXES.search(dialled))
    # A menu or a queue answers too; only a second leg is a person.
    is_taken = answer is not None and bool(row.get("bleg_uuid")) and not is_mailbox
    name = row.get("caller_id_name", "")
    return _Record(
        call=_call(row.get("uuid", ""), row),
        start=start,
        end=end,
        caller=caller,
        dialled="" if is_mailbox else dialled,
        name=name if name != caller else "",
        answer_at=answer if is_taken else None,
        agent=dialled if is_taken and len(dialled) <= LONGEST_EXTENSION else "",
        voicemail_seconds=talked if is_mailbox else None,
        reason={"USER_BUSY": "busy", "CALL_REJECTED": "rejected"}.get(
            row.get("hangup_cause", "").upper(), ""
        ),
    )


# 3CX


def _three_cx(row: Row, zone: tzinfo) -> _Record:
    start = _at(row.get("time-start", ""), zone)
    end = moment(row.get("time-end", ""), zone=zone) or start + timedelta(
        seconds=_seconds(row.get("duration", ""))
    )
    answer = moment(row.get("time-answered", ""), zone=zone)
    last = " ".join(row.get(name, "") for name in ("final-type", "final-dn", "to-type", "to-no"))
    is_mailbox = answer is not None and bool(MAILBOXES.search(last))
    why = row.get("reason-terminated", "").lower()
    return _Record(
        call=_call(row.get("callid") or row.get("historyid", ""), row),
        start=start,
        end=end,
        caller=_three_cx_number(row.get("from-no", "")),
        dialled=_three_cx_number(row.get("dial-no") or row.get("to-no", "")),
        name=row.get("from-dispname", ""),
        answer_at=None if is_mailbox else answer,
        agent="" if is_mailbox else row.get("final-dispname") or row.get("final-dn", ""),
        queue=row.get("to-dispname", "") if row.get("to-type", "").lower() == "queue" else "",
        queued_at=start if row.get("to-type", "").lower() == "queue" else None,
        voicemail_seconds=(end - answer).total_seconds() if is_mailbox and answer else None,
        reason="busy" if "busy" in why else "",
    )


def _three_cx_report(row: Row, zone: tzinfo) -> _Record:
    start = _at(row["call time"], zone)
    rang, talked = _seconds(row["ringing"]), _seconds(row["talking"])
    caller_name, caller = _bracketed(row.get("from") or row.get("caller id", ""))
    dialled_name, dialled = _bracketed(row.get("to") or row.get("destination", ""))
    is_up = row["status"].lower() == "answered"
    is_mailbox = is_up and bool(MAILBOXES.search(f"{dialled_name} {dialled}"))
    answer = start + timedelta(seconds=rang)
    return _Record(
        call=_call(row.get("call id", ""), row),
        start=start,
        end=answer + timedelta(seconds=talked),
        caller=caller,
        dialled="" if is_mailbox else dialled,
        name=caller_name,
        answer_at=answer if is_up and not is_mailbox else None,
        agent=dialled_name if is_up and not is_mailbox else "",
        voicemail_seconds=talked if is_mailbox else None,
    )


def _three_cx_number(text: str) -> str:
    return text.removeprefix("Ext.").strip()


def _bracketed(text: str) -> tuple[str, str]:
    """ "Ann (+44…)" as name and number."""
    found = _IN_BRACKETS.match(text)
    return (found[1].strip(), _three_cx_number(found[2])) if found else ("", _three_cx_number(text))


SYSTEMS: dict[str, tuple[tuple[str, ...], Callable[[Row, tzinfo], _Record], int]] = {
    "asterisk": (ASTERISK, _asterisk, 15),
    "freeswitch": (FREESWITCH, _freeswitch, 12),
    "3cx": (THREE_CX, _three_cx, 9),
}
"""By name: the columns where no line names them, how a record is read, the fewest columns."""


def _at(text: str, zone: tzinfo) -> datetime:
    at = moment(text, zone=zone)
    if at is None:
        raise _NotReadError("its date cannot be read")
    return at


def _seconds(text: str) -> float:
    """Seconds, or hours, minutes and seconds, or days before them."""
    if found := _SPAN.fullmatch(text):
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return days * 86_400.0 + hours * 3600 + minutes * 60 + seconds
    try:
        number = float(text or 0)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e7:
        raise _NotReadError("its length cannot be read")
    return number


def _call(name: str, row: Row) -> str:
    return identifier(name) or digest(*row.values())
