"""Writes a batch of new messages down: people, conversations, messages, clocks, diary.

Everything goes in by COPY or by one statement a table, however long the batch. The caller holds the
inbox's lock and has left out what is known.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from heard.channels.base import File, Incoming, Kind
from heard.conversations.abilities import windows_of
from heard.conversations.clocks.settling import follow, mark_stale, rules_of, tell
from heard.conversations.clocks.standing import Happening, What
from heard.conversations.files import attachments
from heard.conversations.models import Inbox
from heard.learning.taught import read
from heard.lib.statements import fetch_planned_anew
from heard.reading import Reading

Key = tuple[str, int | None]
"""What makes a conversation within an inbox: the thread's root, and the contact if there is one."""


class Person(NamedTuple):
    """A contact's id and name, and the handle under which we meet them here."""

    contact: int | None
    name: str = ""
    handle: int | None = None


NOBODY = Person(None)

OF_ROOTS = """
    unnest(%s::text[]) AS x(root) CROSS JOIN LATERAL (
        SELECT * FROM conversation WHERE root = x.root AND inbox_id + 0 = %s OFFSET 0
    ) AS c
"""
"""The conversations of these roots in an inbox, each looked up on its own and by nothing else.

The database believes for a while that an inbox which fills up quickly is empty, and would read all
of it for each root."""

MESSAGE_COLUMNS = (
    "id", "conversation_id", "inbox_id", "kind", "external_id", "parent", "up", "at", "contact_id",
    "handle_id", "author_name", "subject", "text", "html", "is_public", "is_automatic",
    "is_history", "extra", "language", "mood", "mood_negative", "mood_positive", "need", "stance",
    "urgency", "urgency_reason", "read_by", "need_by",
)  # fmt: skip

CONVERSATION_COLUMNS = (
    "status", "started_at", "last_at", "first_incoming_at", "last_incoming_at",
    "started_by_contact", "first_reply_seconds", "incoming_count", "reply_count", "need",
    "waiting_since", "due_at", "due_from", "due_kind", "promised_at", "first_mood", "last_mood",
    "is_turned", "is_urgent",
)  # fmt: skip

CLOCK_COLUMNS = (
    "message_id", "kind", "started_at", "due_at", "warn_assignee_at", "warn_manager_at", "next_at",
    "met_at", "met_by_id", "open_minutes", "ended_at", "is_paused", "failed_at", "fail",
    "sighting", "is_history",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Batch:
    """New messages of one inbox with all that is known about each; the sequences run in step."""

    inbox: Inbox
    items: Sequence[Incoming]
    readings: Sequence[Reading | None]
    ids: Sequence[int]
    conversations: Sequence[int]
    people: Mapping[str, Person]
    is_history: bool
    now: datetime
    alive_since: datetime | None = None


def file(batch: Batch, *, fresh: Mapping[int, Key]) -> None:
    """Write a batch. `fresh` are the conversations that begin with it; others are settled later.

    What follows for fresh conversations is worked out before they are written, so that no row is
    written twice.
    """
    pairs = zip(batch.items, batch.readings, strict=True)
    columns = [_reading_columns(item, reading) for item, reading in pairs]
    clocks = _write_conversations(batch, columns, fresh)
    _write_messages(batch, columns)
    _write_clocks(batch, clocks)
    files: list[tuple[int, File]] = [
        (pk, kept) for pk, item in zip(batch.ids, batch.items, strict=True) for kept in item.files
    ]
    if files:
        attachments.keep(files)
    _write_diary(batch)


def next_ids(table: str, count: int) -> list[int]:
    """Take `count` new ids from a table's sequence, rising; others may take some in between."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(s) FROM pg_get_serial_sequence(%s, 'id') s, generate_series(1, %s)",
            [table, count],
        )
        return [row[0] for row in cursor]


def up_of(item: Incoming) -> str:
    """Under which external id it hangs in its thread."""
    up = item.root or item.parent
    return "" if up == item.external_id else up


def read_all(items: Sequence[Incoming]) -> list[Reading | None]:
    """Read what people wrote; what we said ourselves, what machines say, and our own words for
    a telephone call are not read.
    """
    wanted = [
        n
        for n, item in enumerate(items)
        if item.kind is Kind.INCOMING and not item.is_automatic and not _is_call(item)
    ]
    found: list[Reading | None] = [None] * len(items)
    if not wanted:
        return found
    for n, reading in zip(wanted, read([items[n].text for n in wanted]), strict=True):
        found[n] = reading
    return found


def _is_call(item: Incoming) -> bool:
    told = item.extra.get("call")
    return isinstance(told, Mapping) and "outcome" in told


def people_of(inbox: Inbox, items: Sequence[Incoming]) -> dict[str, Person]:
    """The contact of each address that speaks or is spoken to, made where it is new."""
    names: dict[str, str] = {}
    for item in items:
        if item.kind is Kind.INCOMING:
            names[item.sender] = names.get(item.sender) or item.sender_name
        elif item.to:
            names.setdefault(item.to, "")
    if not names:
        return {}
    found = _known_people(inbox, names)
    strangers = sorted(names.keys() - found.keys())
    if strangers:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                WITH x AS (
                    SELECT address, name, nextval(pg_get_serial_sequence('contact', 'id')) AS id
                    FROM unnest(%s::text[], %s::text[]) AS x(address, name)
                ), made AS (
                    INSERT INTO contact (id, name) SELECT id, name FROM x RETURNING id
                ), handles AS (
                    INSERT INTO handle (contact_id, kind, address, name)
                    SELECT id, %s, address, name FROM x
                    ON CONFLICT (kind, address) DO NOTHING RETURNING id, address, contact_id
                )
                SELECT made.id, address, handles.id
                FROM made LEFT JOIN handles ON contact_id = made.id
                """,
                [strangers, [(names[who] or who)[:200] for who in strangers], inbox.kind],
            )
            made = cursor.fetchall()
            found |= {
                address: Person(pk, (names[address] or address)[:200], handle)
                for pk, address, handle in made
                if address is not None
            }
            if len(found) < len(names):
                # Handles are shared by all inboxes of a kind: another one met the same stranger.
                cursor.execute(
                    "DELETE FROM contact WHERE id = ANY(%s)",
                    [[pk for pk, address, _ in made if address is None]],
                )
                found |= _known_people(inbox, names)
    return found


def _known_people(inbox: Inbox, names: Mapping[str, str]) -> dict[str, Person]:
    """The contacts of the addresses that we know; one without a name gets the name we now hear."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT h.address, h.contact_id, k.name, h.id FROM handle h "
            "JOIN contact k ON k.id = h.contact_id WHERE h.kind = %s AND h.address = ANY(%s)",
            [inbox.kind, list(names)],
        )
        rows = cursor.fetchall()
        named = [(pk, names[who][:200]) for who, pk, name, _ in rows if name == who and names[who]]
        if named:
            cursor.execute(
                "UPDATE contact k SET name = x.name FROM unnest(%s::bigint[], %s::text[]) "
                "AS x(id, name) WHERE k.id = x.id AND k.name <> x.name",
                [[pk for pk, _ in named], [name for _, name in named]],
            )
    heard_now = dict(named)
    return {
        address: Person(pk, heard_now.get(pk, name), handle) for address, pk, name, handle in rows
    }


def known_conversations(inbox: Inbox, keys: Collection[Key]) -> dict[Key, tuple[int, ...]]:
    """The conversations of these roots and contacts that there are, or what they were merged into.

    Of a thread that people have split there are several, in the order of their parts.
    """
    wanted = set(keys)
    rows = fetch_planned_anew(
        f"SELECT c.root, c.contact_id, coalesce(c.merged_into_id, c.id) FROM {OF_ROOTS} "
        "ORDER BY c.part",
        [list({root for root, _ in wanted}), inbox.pk],
    )
    found: dict[Key, tuple[int, ...]] = {}
    for root, contact, pk in rows:
        if (root, contact) in wanted:
            found[root, contact] = (*found.get((root, contact), ()), pk)
    return found


def conversations_of(inbox: Inbox, keys: Iterable[Key], *, is_history: bool) -> dict[Key, int]:
    """The conversations of these roots and contacts, made where they are new."""
    wanted = sorted(set(keys), key=lambda key: (key[0], key[1] or 0))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO conversation (inbox_id, root, contact_id, is_history)
            SELECT %s, x.root, x.contact_id, %s
            FROM unnest(%s::text[], %s::bigint[]) AS x(root, contact_id)
            ON CONFLICT (inbox_id, root, contact_id, part) DO NOTHING
            """,
            [
                inbox.pk,
                is_history,
                [root for root, _ in wanted],
                [contact for _, contact in wanted],
            ],
        )
    return {key: parts[0] for key, parts in known_conversations(inbox, wanted).items()}


def _write_conversations(
    batch: Batch, columns: Sequence[tuple[Any, ...]], fresh: Mapping[int, Key]
) -> list[tuple[int, dict[str, Any]]]:
    """Copy fresh conversations in as they will stand; returns their clocks, to be written later."""
    happened: dict[int, list[Happening]] = {pk: [] for pk in fresh}
    at_row: dict[int, int] = {}
    notes: dict[int, Incoming] = {}
    for n, (pk, item, conversation) in enumerate(
        zip(batch.ids, batch.items, batch.conversations, strict=True)
    ):
        if conversation not in fresh:
            continue
        if item.kind is Kind.NOTE:
            notes[conversation] = item
            continue
        _, mood, _, _, need, _, urgency, _, _ = columns[n]
        what = What.INCOMING if item.kind is Kind.INCOMING else What.REPLY
        at_row[pk] = n
        happened[conversation].append(
            Happening(
                item.at,
                what,
                item.external_id,
                pk,
                None,
                need,
                mood,
                urgency == "high",
                item.is_automatic,
            )
        )
    if not fresh:
        return []
    rules = rules_of(batch.inbox)
    histories = frozenset(batch.ids) if batch.is_history else frozenset()
    names = {person.contact: person.name for person in batch.people.values()}
    clocks: list[tuple[int, dict[str, Any]]] = []
    stale: list[tuple[int, datetime]] = []
    alive: list[tuple[int, int]] = []
    told_until = max(item.at for item in batch.items)
    head = (
        "id",
        "inbox_id",
        "root",
        "contact_id",
        "is_history",
        "subject",
        "is_public",
        "contact_name",
        "preview",
        "last_kind",
        "closes_at",
    )
    windows = windows_of(batch.inbox.kind, hours=batch.inbox.settings.get("window_hours"))
    statement = f"COPY conversation ({', '.join((*head, *CONVERSATION_COLUMNS))}) FROM STDIN"
    with connection.cursor() as cursor, cursor.cursor.copy(statement) as copy:
        for conversation, (root, contact) in fresh.items():
            said = happened[conversation]
            is_history = batch.is_history and not (
                said and batch.alive_since is not None and max(said).at >= batch.alive_since
            )
            followed = follow(
                said,
                rules=rules,
                histories=histories,
                is_history=is_history,
                now=batch.now,
                told_until=told_until,
            )
            if not is_history:
                alive.append((conversation, batch.inbox.pk))
            clocks.extend((conversation, clock) for clock in followed.clocks)
            if not batch.is_history:
                stale.extend((batch.inbox.pk, moment) for moment in followed.moments)
            first, last = (
                (batch.items[at_row[end(said).row]] if said else notes[conversation])
                for end in (min, max)
            )
            columns_of = followed.conversation
            if not said:  # a note that came before what it is about
                columns_of |= {"started_at": first.at, "last_at": first.at}
            is_public = first.is_public or batch.inbox.is_public
            copy.write_row(
                (
                    conversation,
                    batch.inbox.pk,
                    root,
                    contact,
                    is_history,
                    first.subject[:300],
                    is_public,
                    names.get(contact, ""),
                    last.text[:160],
                    _last_kind(last),
                    _closing(columns_of["last_incoming_at"], windows[0 if is_public else 1]),
                    *[columns_of[name] for name in CONVERSATION_COLUMNS],
                )
            )
    mark_stale(stale)
    tell(alive)
    return clocks


def _last_kind(last: Incoming) -> str:
    """Which way it went; or that it only passes on or quotes what somebody else said."""
    if last.kind is Kind.INCOMING:
        if "shares" in last.extra:
            return "shared"
        if "quotes" in last.extra:
            return "quoted"
    return last.kind.value


def _closing(last_incoming_at: datetime | None, window: float | None) -> datetime | None:
    if last_incoming_at is None or window is None:
        return None
    return last_incoming_at + timedelta(seconds=window)


def _write_messages(batch: Batch, columns: Sequence[tuple[Any, ...]]) -> None:
    inbox, people, is_history = batch.inbox, batch.people, batch.is_history
    statement = f"COPY message ({', '.join(MESSAGE_COLUMNS)}) FROM STDIN"
    rows = zip(batch.ids, batch.conversations, batch.items, columns, strict=True)
    with connection.cursor() as cursor, cursor.cursor.copy(statement) as copy:
        for pk, conversation, item, read_columns in rows:
            is_incoming = item.kind is Kind.INCOMING
            person = people.get(item.sender if is_incoming else item.to, NOBODY)
            copy.write_row(
                (
                    pk,
                    conversation,
                    inbox.pk,
                    item.kind.value,
                    item.external_id,
                    item.parent,
                    up_of(item),
                    item.at,
                    person.contact if is_incoming else None,
                    person.handle,
                    item.author or ("" if is_incoming else item.sender_name),
                    item.subject[:300],
                    item.text,
                    item.html,
                    item.is_public or inbox.is_public,
                    item.is_automatic,
                    is_history,
                    json.dumps(dict(item.extra)) if item.extra else None,
                    *read_columns,
                    "place" if is_incoming and item.need and not item.is_automatic else "",
                )
            )


def _write_clocks(batch: Batch, clocks: Sequence[tuple[int, dict[str, Any]]]) -> None:
    if not clocks:
        return
    names = ("conversation_id", "inbox_id", "keeper_id", *CLOCK_COLUMNS)
    keeper = batch.inbox.keeper_id
    statement = f"COPY clock ({', '.join(names)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.cursor.copy(statement) as copy:
        for conversation, clock in clocks:
            copy.write_row(
                (
                    conversation,
                    batch.inbox.pk,
                    keeper if clock["failed_at"] else None,
                    *[clock[name] for name in CLOCK_COLUMNS],
                )
            )


def _reading_columns(item: Incoming, reading: Reading | None) -> tuple[Any, ...]:
    """Language to read_by; what was not read needs an answer, so that a person looks at it."""
    if item.kind is not Kind.INCOMING:
        return (item.language[:3], "", None, None, "", "", "", "", "")
    if item.is_automatic:
        return (item.language[:3], "", None, None, "nothing", "", "", "", "")
    if reading is None:
        return (item.language[:3], "", None, None, item.need or "answer", "", "", "", "")
    odds = reading.mood_probabilities
    return (
        reading.language or item.language[:3],
        reading.mood.value if reading.mood else "",
        odds[0] if odds else None,
        odds[2] if odds else None,
        item.need or reading.need.value,
        reading.stance.value,
        reading.urgency.value,
        reading.urgency_reason[:120],
        "model" if reading.mood else "",
    )


def _write_diary(batch: Batch) -> None:
    """One line for each live message; one for a whole batch of history."""
    with connection.cursor() as cursor:
        if batch.is_history:
            cursor.execute(
                "INSERT INTO event (at, name, subject, subject_id, data) "
                "VALUES (%s, 'history.taken', 'inbox', %s, %s)",
                [batch.now, batch.inbox.pk, json.dumps({"messages": len(batch.items)})],
            )
            return
        cursor.execute(
            """
            INSERT INTO event (at, name, subject, subject_id, data)
            SELECT %s, 'message.received', 'conversation', x.conversation,
                json_build_object('message', x.message)
            FROM unnest(%s::bigint[], %s::bigint[]) AS x(conversation, message)
            """,
            [batch.now, list(batch.conversations), list(batch.ids)],
        )
