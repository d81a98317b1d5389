"""Opens what mail programs wrap words in: winmail.dat of Outlook, and calendar invitations."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from heard.channels.base import File
from heard.channels.email.mime import text_of
from heard.channels.texts import repair

TNEF_TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
LARGEST_WRAPPED = 30 * 2**20
LARGEST_CALENDAR = 512 * 1024
MOST_EVENTS = 5
METHODS = {
    "REQUEST": "Invitation", "CANCEL": "Cancelled", "REPLY": "Answer to an invitation",
    "COUNTER": "Another time is proposed", "REFRESH": "Asks for the invitation again",
}  # fmt: skip


class Unwrapped:
    """What was in a winmail.dat: a body as text and as HTML, and files."""

    def __init__(self, text: str = "", html: str = "", files: tuple[File, ...] = ()) -> None:
        self.text = text
        self.html = html
        self.files = files


def unwrapped(content: bytes) -> Unwrapped | None:
    """What a winmail.dat holds; None if it cannot be opened."""
    from tnefparse import TNEF  # noqa: PLC0415 - few mails need it

    if len(content) > LARGEST_WRAPPED:
        return None
    logging.getLogger("tnefparse").setLevel(logging.CRITICAL)
    try:
        opened = TNEF(content)
        files = tuple(_files(opened))
        text, html = _said(getattr(opened, "body", None)), _said(getattr(opened, "htmlbody", None))
    except Exception:  # noqa: BLE001 - its reader raises whatever damaged bytes lead it to
        return None
    return Unwrapped(text, html, files) if text or html or files else None


def calendar_text(content: bytes, *, charset: str = "") -> str:
    """An invitation (RFC 5545) in lines that people read; "" if it cannot be read."""
    from icalendar import Calendar  # noqa: PLC0415 - few mails need it

    if len(content) > LARGEST_CALENDAR:
        return ""
    try:
        calendar = Calendar.from_ical(text_of(content, charset or "utf-8"))
        events = [
            part for part in calendar.walk() if part.name in {"VEVENT", "VTODO"}
        ][:MOST_EVENTS]  # fmt: skip
        method = str(calendar.get("METHOD", "")).upper()
        return "\n\n".join("\n".join(_event_lines(event, method)) for event in events)
    except Exception:  # noqa: BLE001 - its reader raises whatever damaged lines lead it to
        return ""


def _files(opened: Any) -> Iterator[File]:
    for attached in opened.attachments:
        content = bytes(attached.data or b"")
        if content:
            name = _said(attached.long_filename()).strip("\x00 ")
            yield File(name=name[-200:] or "file", content_type=_type_of(name), content=content)


def _type_of(name: str) -> str:
    import mimetypes  # noqa: PLC0415 - reads the machine's own lists

    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _said(body: Any) -> str:
    if isinstance(body, bytes):
        return text_of(body).strip("\x00")
    return repair(str(body)).strip("\x00") if body else ""


def _event_lines(event: Any, method: str) -> Iterator[str]:
    title = repair(str(event.get("SUMMARY", ""))).strip()
    yield f"{METHODS.get(method, 'Calendar')}: {title}".rstrip(": ")
    begin, end = (_moment(event.get(name)) for name in ("DTSTART", "DTEND"))
    if begin:
        yield f"When: {begin} – {end}" if end and end != begin else f"When: {begin}"
    if event.get("RRULE"):
        yield "Repeats: " + repair(event["RRULE"].to_ical().decode("utf-8", "replace"))
    if place := repair(str(event.get("LOCATION", ""))).strip():
        yield f"Where: {place}"
    if who := _person(event.get("ORGANIZER")):
        yield f"Organizer: {who}"
    yield from _guests(event)
    if words := repair(str(event.get("DESCRIPTION", ""))).strip():
        yield ""
        yield words


def _guests(event: Any) -> Iterator[str]:
    guests = event.get("ATTENDEE") or []
    guests = guests if isinstance(guests, list) else [guests]
    for guest in guests[:20]:
        answer = str(guest.params.get("PARTSTAT", "")).lower().replace("-", " ")
        yield f"Guest: {_person(guest)}" + (f" ({answer})" if answer else "")


def _person(value: Any) -> str:
    if not value:
        return ""
    address = str(value).removeprefix("mailto:").removeprefix("MAILTO:")
    name = str(value.params.get("CN", "")) if hasattr(value, "params") else ""
    return repair(f"{name} <{address}>" if name and name != address else address)


def _moment(value: Any) -> str:
    at = getattr(value, "dt", None)
    if isinstance(at, datetime):
        zone = at.tzname() if at.tzinfo else ""
        return f"{at:%Y-%m-%d %H:%M}" + (f" {zone}" if zone else "")
    return at.isoformat() if isinstance(at, date) else ""
