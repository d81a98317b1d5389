"""Telephone calls: what a channel tells of them becomes one row and its words in a thread.

`take` keeps every event and works the call out anew, so that nothing depends on their order or on
how often they come. The words in the thread are brought into line with what is known by then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from heard.channels.base import CallEvent, File, Incoming, Kind
from heard.channels.phone.course import UNKNOWN, Course, course_of, messages_of
from heard.contacts.models import Contact
from heard.conversations.clocks.settling import settle
from heard.conversations.files import attachments
from heard.conversations.intake.receiving import LOCK_SPACE, receive
from heard.conversations.models import Attachment, Call, Inbox, Message
from heard.learning.taught import read
from heard.lib.jobs import jobs
from heard.reading import Reading

PHONE = "phone"
KINDS = frozenset({PHONE, "twilio_voice"})
"""The kinds of inboxes whose messages are calls."""

Name = tuple[str, str]
"""External id and kind of a message."""

COLUMNS = (
    "caller", "caller_name", "called", "queue", "agent", "is_outgoing", "outcome", "started_at",
    "queued_at", "answered_at", "ended_at", "hold_seconds", "hold_since", "talk_seconds",
)  # fmt: skip

CORRECTED = (
    "text", "at", "is_automatic", "extra", "author_name", "need", "language", "mood", "stance",
    "urgency", "urgency_reason", "read_by",
)  # fmt: skip
"""What of a message follows from its call."""

KEEP_HISTORY = """
    INSERT INTO call (inbox_id, external_id, message_id, caller, caller_name, called, queue, agent,
        is_outgoing, is_history, outcome, started_at, queued_at, answered_at, ended_at,
        hold_seconds, talk_seconds, events)
    SELECT m.inbox_id, m.external_id, m.id, coalesce(x.caller, ''), coalesce(x.caller_name, ''),
        coalesce(x.called, ''), coalesce(x.queue, ''), coalesce(x.agent, ''),
        coalesce(x.is_outgoing, false), true, x.outcome, x.started_at, x.queued_at, x.answered_at,
        x.ended_at, coalesce(x.hold_seconds, 0), x.talk_seconds, '{}'::jsonb
    FROM message m, jsonb_to_record(m.extra->'call') AS x(caller text, caller_name text,
        called text, queue text, agent text, is_outgoing bool, outcome text,
        started_at timestamptz, queued_at timestamptz, answered_at timestamptz,
        ended_at timestamptz, hold_seconds float8, talk_seconds float8)
    WHERE m.inbox_id = %s AND m.is_history AND x.outcome IS NOT NULL
    ON CONFLICT (inbox_id, external_id) DO NOTHING
"""


@dataclass(slots=True)
class _Known:
    """A call as it is known now, beside the row of before and what has just been told of it."""

    row: Call | None
    events: dict[str, Any]
    course: Course
    files: dict[str, File]
    """Files that are new, by the event that brought them."""
    messages: tuple[Incoming, ...]
    message: Message | None = None
    """Where the call stands in its thread, once it does."""


@transaction.atomic
def take(inbox: Inbox, events: Sequence[CallEvent], *, now: datetime) -> int:
    """Take in what was told of calls; returns how many calls changed by it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, inbox.pk])
        cursor.execute("UPDATE inbox SET last_heard_at = %s WHERE id = %s", [now, inbox.pk])
    calls = _known(inbox, events)
    if not calls:
        return 0
    there = _messages(inbox, calls)
    aside = _put_aside(calls, there)
    _file(inbox, calls, there, now=now)
    touched = {pk for call in calls for pk in _correct(call, there)}
    touched |= _attach(inbox, calls, there, aside)
    settle(touched, now=now)
    _forget_strangers(aside, inbox=inbox)
    _write(inbox, calls)
    _write_down_later(inbox, calls)
    return len(calls)


def take_text(call: Call, *, event: str, text: str, written_by: str, now: datetime) -> None:
    """What a recording says has been written down; `event` is the one that told of it."""
    said = CallEvent(
        external_id=f"{event}:text",
        call=call.external_id,
        at=now,
        what="transcript",
        text=text,
        written_by=written_by,
    )
    take(call.inbox, [said], now=now)


def keep_history(inbox: Inbox) -> int:
    """Make the rows of calls whose messages came from an archive; returns how many are new."""
    with connection.cursor() as cursor:
        cursor.execute(KEEP_HISTORY, [inbox.pk])
        made: int = cursor.rowcount
    return made


# What is known


def _known(inbox: Inbox, events: Iterable[CallEvent]) -> list[_Known]:
    """The calls that these events change, as they stand with them."""
    by_call: dict[str, list[CallEvent]] = defaultdict(list)
    for event in events:
        by_call[event.call].append(event)
    rows = {
        row.external_id: row
        for row in Call.objects.select_for_update().filter(
            inbox=inbox, external_id__in=list(by_call)
        )
    }
    found = []
    for name, told in sorted(by_call.items()):
        row = rows.get(name)
        before: dict[str, Any] = row.events if row is not None else {}
        merged = _kept([*(_event(name, key, kept) for key, kept in before.items()), *told])
        if merged == before and row is not None:
            continue
        course = course_of(_event(name, key, kept) for key, kept in merged.items())
        files = {
            event.external_id: event.file
            for event in told
            if event.file is not None
            and (event.file.content or event.file.source)
            and not before.get(event.external_id, {}).get("file")
        }
        messages = messages_of(course)
        if inbox.kind != PHONE:  # whoever has this number is the same person on any telephone
            messages = tuple(_linked(it, course) for it in messages)
        found.append(_Known(row, merged, course, files, messages))
    return found


def _linked(item: Incoming, course: Course) -> Incoming:
    if item.kind is not Kind.INCOMING or not course.caller.startswith("+"):
        return item
    return item._replace(extra={**item.extra, "links": {PHONE: course.caller}})


def _kept(events: Iterable[CallEvent]) -> dict[str, Any]:
    """Events as their call keeps them, by name; of two with one name the fuller."""
    kept: dict[str, Any] = {}
    for event in events:
        said = _said(event)
        other = kept.get(event.external_id)
        if other is None or _fullness(said) > _fullness(other):
            kept[event.external_id] = said
    return kept


def _fullness(said: Mapping[str, Any]) -> tuple[bool, int, str]:
    words = repr(sorted(said.items(), key=lambda pair: pair[0]))
    return "file" in said, len(words), words


def _said(event: CallEvent) -> dict[str, Any]:
    """An event as JSON: what it tells, without the bytes."""
    said: dict[str, Any] = {"what": event.what, "at": event.at.isoformat()}
    for name in ("caller", "caller_name", "called", "queue", "agent", "reason", "text"):
        if value := getattr(event, name):
            said[name] = value
    for name in ("seconds", "hold_seconds"):
        if (value := getattr(event, name)) is not None:
            said[name] = value
    if event.is_outgoing:
        said["is_outgoing"] = True
    if event.written_by:
        said["written_by"] = event.written_by
    if event.file is not None:
        said["file"] = [event.file.name, event.file.content_type, event.file.source]
    return said


def _event(call: str, name: str, said: Mapping[str, Any]) -> CallEvent:
    """The event again, its file without bytes."""
    told = dict(said)
    file = told.pop("file", None)
    return CallEvent(
        external_id=name,
        call=call,
        at=datetime.fromisoformat(told.pop("at")),
        file=File(file[0], file[1], b"", source=file[2]) if file else None,
        **told,
    )


# What stands in the thread


def _messages(inbox: Inbox, calls: Sequence[_Known]) -> dict[Name, Message]:
    names = [name for call in calls for name in (call.course.call, f"{call.course.call}:answer")]
    rows = Message.objects.select_for_update(of=("self",)).filter(
        inbox=inbox, external_id__in=names
    )
    return {(row.external_id, row.kind): row for row in rows.defer("search")}


def _put_aside(calls: Sequence[_Known], there: dict[Name, Message]) -> dict[str, list[Message]]:
    """Take their names from messages that stand with the wrong person, or the wrong way round.

    They are filed anew under these names. Returns them by call.
    """
    wrong: dict[str, list[Message]] = {}
    for call in calls:
        course = call.course
        wanted = {(it.external_id, str(it.kind)) for it in call.messages}
        present = [name for name in there if name[0] in {course.call, f"{course.call}:answer"}]
        is_elsewhere = call.row is not None and _person(call.row) != course.person
        rows = [there.pop(name) for name in present if is_elsewhere or name not in wanted]
        if rows:
            wrong[course.call] = rows
    ids = [row.pk for rows in wrong.values() for row in rows]
    if ids:
        Message.objects.filter(pk__in=ids).update(external_id="")
    return wrong


def _file(
    inbox: Inbox, calls: Sequence[_Known], there: Mapping[Name, Message], *, now: datetime
) -> None:
    """Receive the messages that are not there yet, with the files that came just now."""
    items = [
        it._replace(files=tuple(call.files.values()) if it is call.messages[0] else ())
        for call in calls
        for it in call.messages
        if (it.external_id, str(it.kind)) not in there
    ]
    if items:
        receive(inbox, items, now=now, readings=[_reading(it) for it in items])


def _correct(call: _Known, there: Mapping[Name, Message]) -> set[int]:
    """Let the messages that were there say what is known now; returns their conversations."""
    touched = set()
    for it in call.messages:
        row = there.get((it.external_id, str(it.kind)))
        if row is None:
            continue
        row.text, row.at, row.is_automatic = it.text, it.at, it.is_automatic
        row.extra = {**(row.extra or {}), **it.extra}
        row.author_name = it.author[:200]
        reading = _reading(it)
        if it.kind is Kind.INCOMING and row.read_by != "person":
            row.need = it.need
            if reading is not None:
                row.language, row.mood = (
                    reading.language,
                    reading.mood.value if reading.mood else "",
                )
                row.stance, row.urgency = reading.stance.value, reading.urgency.value
                row.urgency_reason = reading.urgency_reason[:120]
                row.read_by = "model" if reading.mood else ""
        row.save(update_fields=list(CORRECTED))
        touched.add(row.conversation_id)
    return touched


def _read_anew(row: Message, reading: Reading) -> None:
    row.language = reading.language
    row.mood = reading.mood.value if reading.mood else ""
    row.stance, row.urgency = reading.stance.value, reading.urgency.value
    row.urgency_reason = reading.urgency_reason[:120]
    row.read_by = "model" if reading.mood else ""


def _reading(item: Incoming) -> Reading | None:
    """What a caller says to a machine is read like everything that people write."""
    said = item.text.partition("\n\n")[2]
    return read([said])[0] if said and item.kind is Kind.INCOMING else None


def _attach(
    inbox: Inbox,
    calls: Sequence[_Known],
    there: Mapping[Name, Message],
    aside: Mapping[str, list[Message]],
) -> set[int]:
    """Bring files to the message of their call, and remove what was put aside.

    Returns the conversations that lost a message.
    """
    now_there = _messages(inbox, calls)
    late: list[tuple[int, File]] = []
    touched: set[int] = set()
    for call in calls:
        first = call.messages[0]
        message = now_there[first.external_id, str(first.kind)]
        if (first.external_id, str(first.kind)) in there:
            late.extend((message.pk, file) for file in call.files.values())
        for row in aside.get(call.course.call, ()):
            row.attachments.update(message=message)
            touched.add(row.conversation_id)
            row.delete()
        call.message = message
    if late:
        attachments.keep(late)
    return touched


def _forget_strangers(calls: Iterable[str], *, inbox: Inbox) -> None:
    """Nobody stays behind under a call's name once its number is known."""
    names = [f"{UNKNOWN}{call}" for call in calls]
    if not names:
        return
    nobody = Contact.objects.filter(
        handles__kind=inbox.kind, handles__address__in=names, conversations=None
    )
    for contact in nobody:
        if contact.handles.count() == 1:
            contact.delete()


# The rows


def _write(inbox: Inbox, calls: Sequence[_Known]) -> None:
    """Write the rows, each with its message and the last recording."""
    recordings = {
        paper.message_id: paper.pk
        for paper in Attachment.objects.filter(
            message__in=[call.message for call in calls if call.message]
        ).order_by("pk")
    }
    rows = [_row(inbox, call, recordings) for call in calls]
    Call.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["inbox", "external_id"],
        update_fields=[*COLUMNS, "message", "recording", "events"],
    )


def _write_down_later(inbox: Inbox, calls: Sequence[_Known]) -> None:
    """Queue the transcription of voicemails whose recording has just come."""
    names = [
        call.course.call
        for call in calls
        if any(call.events[event]["what"] == "voicemail" for event in call.files)
    ]
    if not (names and settings.TRANSCRIPTION_URL):
        return
    later = jobs.configure_task("write_down_call", queue="fetching")
    for call in Call.objects.filter(inbox=inbox, external_id__in=names).only("pk"):
        later.defer(call_id=call.pk)


def _row(inbox: Inbox, call: _Known, recordings: Mapping[int, int]) -> Call:
    course = call.course
    message = call.message
    return Call(
        inbox=inbox,
        external_id=course.call,
        message=message,
        recording_id=recordings.get(message.pk) if message else None,
        events=call.events,
        caller=course.caller,
        caller_name=course.caller_name,
        called=course.called,
        queue=course.queue,
        agent=course.agent,
        is_outgoing=course.is_outgoing,
        outcome=course.outcome.value,
        started_at=course.started_at,
        queued_at=course.queued_at,
        answered_at=course.answered_at,
        ended_at=course.ended_at,
        hold_seconds=course.hold_seconds,
        hold_since=course.hold_since,
        talk_seconds=course.talk_seconds,
        is_history=call.row is not None and call.row.is_history,
    )


def _person(row: Call) -> str:
    return row.caller or f"{UNKNOWN}{row.external_id}"
