"""Telephone: an exchange tells what happens to its calls, or leaves records of them in a folder.

docs/channels/phone.md describes the events. What is wrong in one does not stop the others.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from heard.channels import signing
from heard.channels.base import (
    Abilities,
    Account,
    CallEvent,
    Checked,
    Delivered,
    Fetched,
    File,
    NotUnderstoodError,
    Outgoing,
    PlaceError,
    Receipt,
    SendState,
    SetAside,
    Setting,
)
from heard.channels.dates import moment
from heard.channels.phone import records
from heard.channels.phone.course import ORDER
from heard.channels.phone.numbers import e164, is_country, named
from heard.channels.texts import repair

kind = "phone"
title = "Telephone"
HOLD_TARGET_SECONDS = 120
COUNTRY = Setting(
    "country",
    "Country of your numbers",
    help="Two letters, such as DE or US. Numbers without a country code are dialled there.",
    is_needed=False,
)
HOLD_TARGET = Setting(
    "hold_target_seconds",
    "How long anybody may be on hold, in seconds",
    help="Whoever answers for this inbox is told when somebody waits longer than this.",
    is_needed=False,
    default=str(HOLD_TARGET_SECONDS),
    form="number",
)
settings = (COUNTRY, HOLD_TARGET, *(records.SETTINGS if records.folder() else ()))
"""Records are asked for only where the operator has named a folder for them."""
public = None
private = Abilities(replies=False)
has_own_secret = True
heeds = ("webhook-id", "webhook-timestamp", "webhook-signature", "content-type")
every_seconds = 5.0

EVENT_LIMIT = 1000
UNWRITTEN = "A call cannot be answered in writing: call back, and promise when."


def authenticate(delivered: Delivered, account: Account) -> None:
    """Let in what is signed with the secret of the inbox."""
    signing.verify(
        delivered.body, headers=delivered.headers, secret=account.secret, now=delivered.at
    )


def parse(delivered: Delivered, account: Account) -> Iterator[CallEvent | SetAside]:
    """One event, those under `events`, or a record that `poll` has found."""
    try:
        said = json.loads(delivered.body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise NotUnderstoodError(f"This is not JSON: {error}") from None
    country = country_of(account)
    if isinstance(said, dict) and records.ENVELOPE in said:
        yield from records.events(said[records.ENVELOPE], account.settings, country=country)
        return
    if isinstance(said, dict) and "events" in said:
        said = said["events"]
        if not isinstance(said, list):
            raise NotUnderstoodError("“events” must be a list.")
    else:
        said = [said]
    if len(said) > EVENT_LIMIT:
        raise NotUnderstoodError(f"{len(said)} events; at most {EVENT_LIMIT} may come at once.")
    for number, one in enumerate(said, start=1):
        try:
            yield event(one, heard_at=delivered.at, country=country)
        except (ValueError, RecursionError) as error:
            raw = json.dumps(one) if len(said) > 1 else ""
            yield SetAside(where=f"event {number}", reason=str(error)[:300], raw=raw)


def event(told: Any, *, heard_at: datetime, country: str = "") -> CallEvent:
    """One documented event as a value. Raises `ValueError` that says what is wrong with it."""
    if not isinstance(told, dict):
        raise ValueError("an event is an object with call, event and from")
    what = told.get("event")
    if what not in ORDER:
        raise ValueError(f"“event” is one of {', '.join(ORDER)}")
    call = _name(told, "call")
    if not call:
        raise ValueError("“call” is missing")
    direction = told.get("direction") or "in"
    if direction not in ("in", "out"):
        raise ValueError("“direction” is in or out")
    theirs, ours = ("from", "to") if direction == "in" else ("to", "from")
    caller, caller_name = _party(told.get(theirs), name=theirs, country=country)
    called, _ = _party(told.get(ours), name=ours, country=country)
    text = _text(told, "text", limit=100_000)
    if what == "transcript" and not text:
        raise ValueError("a transcript has a “text”")
    at = _moment(told.get("at"), heard_at=heard_at)
    given_at = told.get("at") not in (None, "")
    return CallEvent(
        external_id=_name(told, "id") or (f"{what}:{at.isoformat()}" if given_at else what),
        call=call,
        at=at,
        what=what,
        caller=caller,
        caller_name=caller_name,
        called=called,
        queue=_text(told, "queue", limit=120),
        agent=_text(told, "agent", limit=200),
        is_outgoing=direction == "out",
        seconds=_seconds(told, "seconds"),
        hold_seconds=_seconds(told, "hold_seconds"),
        reason=_text(told, "reason", limit=100),
        file=_file(told.get("recording")),
        text=text,
        written_by=_text(told, "written_by", limit=100),
    )


def poll(cursor: str, account: Account) -> Fetched:
    """New call records and recordings in the folder of `HEARD_CALL_RECORDS`; at first from now on.

    Raises `PlaceError` when what the inbox names is not there.
    """
    return records.poll(cursor, account.settings)


def send(outgoing: Outgoing, account: Account) -> Receipt:  # noqa: ARG001
    """Nothing can be written to a telephone."""
    return Receipt(SendState.FAILED, reason=UNWRITTEN, is_final=True)


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """Yes: nothing is ever sent."""
    return True


def check(account: Account) -> Checked:
    """There is nobody to ask but the folder of records, if one is used."""
    check_settings(account.settings)
    records.check(account.settings)
    return Checked(account=account.name)


def check_settings(settings: Mapping[str, Any]) -> None:
    """Whether country and target can be used; else `PlaceError`."""
    country = str(settings.get("country") or "").strip()
    if country and not is_country(country):
        raise PlaceError(f"{country} is no country's two letters.", needs_person=True)
    target = str(settings.get("hold_target_seconds") or HOLD_TARGET_SECONDS).strip()
    if not target.isdecimal() or not 1 <= int(target[:9]) <= 24 * 3600:
        raise PlaceError(
            "How long somebody may be on hold is a number of seconds.", needs_person=True
        )


def country_of(account: Account) -> str:
    """The country in which numbers without a country code are dialled; "" if none is set."""
    return str(account.settings.get("country") or "").strip().upper()


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _text(told: Mapping[str, Any], name: str, *, limit: int) -> str:
    value = told.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"“{name}” is text")
    return repair(value).strip()[:limit]


def _name(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"“{name}” is text")
    value = repair(value).strip()
    if len(value) > 200:
        raise ValueError(f"“{name}” has at most 200 characters")
    return value


def _party(value: Any, *, name: str, country: str) -> tuple[str, str]:
    """Number and name of one end: an object of both, or one text as exchanges write it."""
    if value is None:
        return "", ""
    if isinstance(value, str):
        spoken, dialled = named(value)
        value = {"number": dialled, "name": spoken}
    if not isinstance(value, dict):
        raise ValueError(f"“{name}” is an object with number and name")
    number: Any = value.get("number")
    if isinstance(number, int) and not isinstance(number, bool):
        number = str(number)
    if number is not None and not isinstance(number, str):
        raise ValueError(f"“{name}.number” is text")
    return e164(repair(number or ""), country=country), _text(value, "name", limit=200)


def _seconds(told: Mapping[str, Any], name: str) -> float | None:
    value = told.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 864_000:
        raise ValueError(f"“{name}” is a number of seconds")
    return float(value)


def _moment(value: Any, *, heard_at: datetime) -> datetime:
    """When it happened: never after it was heard, whatever the sender's clock shows."""
    if value is None or value == "":
        return heard_at
    at = moment(str(value)) if isinstance(value, int | float | str) else None
    if at is None:
        raise ValueError("“at” is no date that can be read; write 2026-11-22T10:00:00Z")
    return min(at, heard_at)


def _file(value: Any) -> File | None:
    """A recording given as bytes, or as an address where it is fetched."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ValueError("“recording” is an object with base64 or url")
    content, source = b"", ""
    if "base64" in value:
        try:
            content = base64.b64decode(str(value["base64"]).encode("ascii"), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("the recording is not base64") from None
    else:
        source = _text(value, "url", limit=2000)
    if not content and not source:
        raise ValueError("the recording has neither base64 nor url")
    name = _text(value, "name", limit=200) or urlsplit(source).path.rpartition("/")[2]
    return File(
        name=name or "recording",
        content_type=_text(value, "content_type", limit=120).lower() or records.sound_of(name),
        content=content,
        source=source,
    )
