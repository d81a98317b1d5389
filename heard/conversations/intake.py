"""Where everything arrives: `receive` puts a list of `Incoming` in order, in one transaction.

One message is a list of one; the number of statements is the same for one and for thousands. What
is known already is left alone, and the order of arrival makes no difference to the rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from heard.channels.base import File, Incoming, Kind
from heard.conversations import attachments
from heard.conversations.merging import merge
from heard.conversations.models import Inbox
from heard.conversations.settling import settle
from heard.conversations.threading import Known, Threads
from heard.reading import Reading, read

Key = tuple[str, int | None]
"""What makes a conversation within an inbox: the thread's root, and the contact if there is one."""

LOCK_SPACE = 0x68_65_61_72  # advisory locks of ours begin with "hear"

MESSAGE_COLUMNS = (
    "id", "conversation_id", "inbox_id", "kind", "external_id", "parent", "up", "at", "contact_id",
    "author_name", "subject", "text", "html", "is_public", "is_automatic", "is_history", "extra",
    "language", "mood", "mood_negative", "mood_positive", "need", "stance", "urgency",
    "urgency_reason", "read_by",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a list of messages."""

    taken: int
    known: int
    conversations: tuple[int, ...] = ()


@transaction.atomic
def receive(
    inbox: Inbox,
    items: Sequence[Incoming],
    *,
    now: datetime,
    readings: Sequence[Reading | None] | None = None,
    is_history: bool = False,
    shares_inbox: bool = False,
) -> Received:
    """Put messages in order: contacts, conversations, messages, readings, clocks, diary.

    `readings` may be given, one for each item (None: not read, so it needs an answer); without them
    the texts are read here. `is_history` is for archives: nothing of it warns or notifies anybody.
    `shares_inbox` lets several importers work on one inbox at once; their threads must be disjoint:
    all messages of a root go to the same importer. Raises `ValueError` for an item without an
    external id or with a naive time.
    """
    items, readings = _first_of_each(items, readings)
    with connection.cursor() as cursor:
        lock = "pg_advisory_xact_lock_shared" if shares_inbox else "pg_advisory_xact_lock"
        cursor.execute(f"SELECT {lock}(%s, %s)", [LOCK_SPACE, inbox.pk])
        stored = _stored(inbox, items)
        fresh = [
            n
            for n, item in enumerate(items)
            if (item.external_id, str(item.kind)) not in stored.keys
        ]
        if not fresh:
            return Received(taken=0, known=len(items))
        known = len(items) - len(fresh)
        if readings is None:
            readings = _read([items[n] for n in fresh])
        else:
            readings = [readings[n] for n in fresh]
        items = [items[n] for n in fresh]
        contacts = _contacts(inbox, items)
        new = {
            item.external_id: Known(
                up=_up(item),
                parent=item.parent,
                is_reply=item.kind is Kind.REPLY,
                contact=contacts.get(item.to if item.kind is Kind.REPLY else item.sender),
            )
            for item in items
        }
        threads = Threads(new, stored.messages)
        touched = _rehang(inbox, new, threads)
        keys = [(threads.root(i.external_id), threads.contact(i.external_id)) for i in items]
        conversations = _conversations(
            inbox,
            zip(keys, (item.at for item in items), strict=True),
            is_history=is_history,
        )
        first_id = _write_messages(
            inbox,
            items,
            readings,
            conversations=[conversations[key] for key in keys],
            contacts=contacts,
            is_history=is_history,
        )
        _keep_files(items, first_id=first_id)
        touched.update(conversations.values())
        if not is_history:
            cursor.execute(
                "UPDATE conversation SET is_history = false WHERE id = ANY(%s) AND is_history",
                [list(touched)],
            )
        settle(touched, now=now)
        _write_diary(inbox, items, keys, conversations, now=now, is_history=is_history)
        if not is_history:
            cursor.execute("UPDATE inbox SET last_heard_at = %s WHERE id = %s", [now, inbox.pk])
    return Received(
        taken=len(items), known=known, conversations=tuple(sorted(set(conversations.values())))
    )


@transaction.atomic
def close_books(inbox: Inbox) -> int:
    """Fail what an archive left unanswered: due before its last moment, and unmet.

    Returns how many fell, and marks the inbox's days to be counted. Only when an archive is
    finished is its last moment known; what became of it later nobody can say.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE clock k SET failed_at = k.due_at, sighting = 'unknown', keeper_id = i.keeper_id,
                fail = CASE WHEN k.kind = 'recognition' THEN 'recognition' ELSE 'service' END
            FROM conversation c, inbox i
            WHERE k.inbox_id = %(inbox)s AND c.id = k.conversation_id AND i.id = k.inbox_id
                AND c.is_history AND k.is_history AND k.met_at IS NULL AND k.failed_at IS NULL
                AND NOT k.is_paused
                AND k.due_at <= (
                    SELECT max(at) FROM message WHERE inbox_id = %(inbox)s AND is_history
                )
            """,
            {"inbox": inbox.pk},
        )
        failed = cursor.rowcount
        cursor.execute(
            """
            INSERT INTO stale_day (inbox_id, day)
            SELECT %(inbox)s, (at AT TIME ZONE %(zone)s)::date FROM (
                SELECT at FROM message WHERE inbox_id = %(inbox)s AND is_history
                UNION ALL SELECT started_at FROM clock WHERE inbox_id = %(inbox)s AND is_history
                UNION ALL SELECT failed_at FROM clock
                    WHERE inbox_id = %(inbox)s AND is_history AND failed_at IS NOT NULL
            ) AS moments GROUP BY 2
            ON CONFLICT DO NOTHING
            """,
            {"inbox": inbox.pk, "zone": settings.TIME_ZONE},
        )
        cursor.execute(
            "UPDATE inbox SET last_heard_at = greatest(last_heard_at, (SELECT max(at) FROM message "
            "WHERE inbox_id = %(inbox)s)) WHERE id = %(inbox)s",
            {"inbox": inbox.pk},
        )
    return failed


@transaction.atomic
def revive(inbox: Inbox, *, since: datetime, now: datetime) -> int:
    """Open what came closed from an archive and had its last message at or after `since`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE conversation SET is_history = false "
            "WHERE inbox_id = %s AND is_history AND last_at >= %s RETURNING id",
            [inbox.pk, since],
        )
        ids = [row[0] for row in cursor]
    settle(ids, now=now)
    return len(ids)


# Threads


@dataclass(frozen=True, slots=True)
class _Stored:
    keys: frozenset[tuple[str, str]]
    messages: Mapping[str, Known]


def _up(item: Incoming) -> str:
    up = item.root or item.parent
    return "" if up == item.external_id else up


def _first_of_each(
    items: Sequence[Incoming], readings: Sequence[Reading | None] | None
) -> tuple[Sequence[Incoming], Sequence[Reading | None] | None]:
    """Leave out what stands twice in the list."""
    seen: dict[tuple[str, str], int] = {}
    for n, item in enumerate(items):
        if not item.external_id:
            raise ValueError("a message needs an external id")
        if item.at.tzinfo is None:
            raise ValueError(f"{item.external_id}: the time needs a time zone")
        seen.setdefault((item.external_id, str(item.kind)), n)
    if len(seen) == len(items):
        return items, readings
    kept = list(seen.values())
    return [items[n] for n in kept], None if readings is None else [readings[n] for n in kept]


def _stored(inbox: Inbox, items: Sequence[Incoming]) -> _Stored:
    """The messages of the list, and those it names, that are in the database."""
    names = {item.external_id for item in items}
    for item in items:
        names.update(name for name in (item.root, item.parent) if name)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT m.external_id, m.kind, m.up, m.parent, c.contact_id, c.root
            FROM message m JOIN conversation c ON c.id = m.conversation_id
            WHERE m.inbox_id = %s AND m.external_id = ANY(%s) AND m.external_id <> ''
            """,
            [inbox.pk, list(names)],
        )
        rows = cursor.fetchall()
    return _Stored(
        keys=frozenset((row[0], row[1]) for row in rows),
        messages={
            name: Known(up=up, parent=parent, is_reply=kind == "reply", contact=contact, root=root)
            for name, kind, up, parent, contact, root in rows
        },
    )


def _rehang(inbox: Inbox, new: Mapping[str, Known], threads: Threads) -> set[int]:
    """Move what waited for one of the new messages; returns the conversations that this touched.

    Conversations whose stand-in root has arrived get its true root. Replies that did not know whom
    they answer are asked again.
    """
    moved = {name: threads.root(name) for name, it in new.items() if it.up}
    roots = set(moved) | {threads.root(name) for name in new}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, root, contact_id FROM conversation WHERE inbox_id = %s AND root = ANY(%s)",
            [inbox.pk, list(roots)],
        )
        rows = cursor.fetchall()
    merges: list[tuple[int, int]] = []
    renames: list[tuple[int, str]] = []
    by_key = {(root, contact): pk for pk, root, contact in rows}
    for pk, root, contact in rows:
        target = moved.get(root, root)
        if target == root:
            continue
        kept = by_key.setdefault((target, contact), pk)
        if kept == pk:
            renames.append((pk, target))
        else:
            merges.append((pk, kept))
    touched = {pk for pk, _ in renames} | {pk for _, pk in merges}
    with connection.cursor() as cursor:
        if renames:
            cursor.execute(
                "UPDATE conversation c SET root = x.root FROM unnest(%s::bigint[], %s::text[]) "
                "AS x(id, root) WHERE c.id = x.id",
                [[pk for pk, _ in renames], [root for _, root in renames]],
            )
    if merges:
        merge(merges)
    homeless = sorted({by_key[key] for key in by_key if key[1] is None} - {pk for pk, _ in merges})
    touched |= _ask_again(inbox, homeless, new, threads)
    return touched


def _ask_again(
    inbox: Inbox, homeless: Sequence[int], new: Mapping[str, Known], threads: Threads
) -> set[int]:
    """Give replies to the conversation of whom they answer, now that it is known."""
    if not homeless:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT m.id, m.external_id, m.up, m.parent, c.id, c.root, c.is_history, m.at
            FROM message m JOIN conversation c ON c.id = m.conversation_id
            WHERE m.conversation_id = ANY(%s)
            """,
            [list(homeless)],
        )
        rows = cursor.fetchall()
    waiting = {
        row[1]: Known(up=row[2], parent=row[3], is_reply=True, contact=None, root=row[5])
        for row in rows
    }
    again = Threads({**waiting, **new}, threads.stored)
    found = [(row, again.contact(row[1])) for row in rows]
    moves = [(row, contact) for row, contact in found if contact is not None]
    if not moves:
        return set()
    keys = [(row[5], contact) for row, contact in moves]
    targets = _conversations(
        inbox,
        zip(keys, (row[7] for row, _ in moves), strict=True),
        is_history=all(row[6] for row, _ in moves),
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE message m SET conversation_id = x.to_id "
            "FROM unnest(%s::bigint[], %s::bigint[]) AS x(id, to_id) WHERE m.id = x.id",
            [[row[0] for row, _ in moves], [targets[key] for key in keys]],
        )
    return {row[4] for row, _ in moves} | set(targets.values())


# Rows


def _read(items: Sequence[Incoming]) -> list[Reading | None]:
    """Read what people wrote; what we said ourselves is not read."""
    wanted = [
        n for n, item in enumerate(items) if item.kind is Kind.INCOMING and not item.is_automatic
    ]
    found: list[Reading | None] = [None] * len(items)
    for n, reading in zip(wanted, read([items[n].text for n in wanted]), strict=True):
        found[n] = reading
    return found


def _contacts(inbox: Inbox, items: Sequence[Incoming]) -> dict[str, int]:
    """The contact of each address that speaks or is spoken to, made where it is new."""
    names: dict[str, str] = {}
    for item in items:
        if item.kind is not Kind.REPLY:
            names[item.sender] = names.get(item.sender) or item.sender_name
        elif item.to:
            names.setdefault(item.to, "")
    if not names:
        return {}
    found = _known_contacts(inbox, names)
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
                    ON CONFLICT (kind, address) DO NOTHING RETURNING address, contact_id
                )
                SELECT id, address FROM made LEFT JOIN handles ON contact_id = id
                """,
                [strangers, [(names[who] or who)[:200] for who in strangers], inbox.kind],
            )
            made = cursor.fetchall()
            found |= {address: pk for pk, address in made if address is not None}
            if len(found) < len(names):
                # Handles are shared by all inboxes of a kind: another one met the same stranger.
                cursor.execute(
                    "DELETE FROM contact WHERE id = ANY(%s)",
                    [[pk for pk, address in made if address is None]],
                )
                found |= _known_contacts(inbox, names)
    return found


def _known_contacts(inbox: Inbox, names: Mapping[str, str]) -> dict[str, int]:
    """The contacts of the addresses that we know; one without a name gets the name we now hear."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT h.address, h.contact_id, k.name FROM handle h "
            "JOIN contact k ON k.id = h.contact_id WHERE h.kind = %s AND h.address = ANY(%s)",
            [inbox.kind, list(names)],
        )
        rows = cursor.fetchall()
        named = [(pk, names[who][:200]) for who, pk, name in rows if name == who and names[who]]
        if named:
            cursor.execute(
                "UPDATE contact k SET name = x.name FROM unnest(%s::bigint[], %s::text[]) "
                "AS x(id, name) WHERE k.id = x.id AND k.name <> x.name",
                [[pk for pk, _ in named], [name for _, name in named]],
            )
    return {address: pk for address, pk, _ in rows}


def _conversations(
    inbox: Inbox, said: Iterable[tuple[Key, datetime]], *, is_history: bool
) -> dict[Key, int]:
    """The conversation of each root and contact, made where it is new.

    A new one gets the times that `settle` will find again, so that its update touches no index.
    """
    spans: dict[Key, tuple[datetime, datetime]] = {}
    for key, at in said:
        first, last = spans.get(key, (at, at))
        spans[key] = (min(first, at), max(last, at))
    wanted = sorted(spans, key=lambda key: (key[0], key[1] or 0))
    parameters = {
        "inbox": inbox.pk,
        "roots": [root for root, _ in wanted],
        "contacts": [contact for _, contact in wanted],
        "firsts": [spans[key][0] for key in wanted],
        "lasts": [spans[key][1] for key in wanted],
        "is_history": is_history,
        "status": "resolved" if is_history else "open",
    }
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO conversation
                (inbox_id, root, contact_id, started_at, last_at, is_history, status)
            SELECT %(inbox)s, x.root, x.contact, x.first, x.last, %(is_history)s, %(status)s
            FROM unnest(%(roots)s::text[], %(contacts)s::bigint[], %(firsts)s::timestamptz[],
                %(lasts)s::timestamptz[]) AS x(root, contact, first, last)
            ON CONFLICT (inbox_id, root, contact_id) DO NOTHING
            RETURNING root, contact_id, id
            """,
            parameters,
        )
        found = {(root, contact): pk for root, contact, pk in cursor}
        if len(found) < len(wanted):
            cursor.execute(
                """
                SELECT c.root, c.contact_id, c.id FROM conversation c
                JOIN unnest(%(roots)s::text[], %(contacts)s::bigint[]) AS x(root, contact_id)
                    ON c.root = x.root AND c.contact_id IS NOT DISTINCT FROM x.contact_id
                WHERE c.inbox_id = %(inbox)s
                """,
                parameters,
            )
            found |= {(root, contact): pk for root, contact, pk in cursor}
    return found


def _write_messages(
    inbox: Inbox,
    items: Sequence[Incoming],
    readings: Sequence[Reading | None],
    *,
    conversations: Sequence[int],
    contacts: Mapping[str, int],
    is_history: bool,
) -> int:
    """Copy the messages in; their ids follow each other, the first is returned."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(s, nextval(s) + %s) - %s FROM pg_get_serial_sequence('message', 'id') s",
            [len(items) - 1, len(items) - 1],
        )
        first_id = int(cursor.fetchone()[0])
        statement = f"COPY message ({', '.join(MESSAGE_COLUMNS)}) FROM STDIN"
        with cursor.cursor.copy(statement) as copy:
            for n, (item, reading, conversation) in enumerate(
                zip(items, readings, conversations, strict=True)
            ):
                copy.write_row(
                    (
                        first_id + n,
                        conversation,
                        inbox.pk,
                        item.kind.value,
                        item.external_id,
                        item.parent,
                        _up(item),
                        item.at,
                        contacts.get(item.sender) if item.kind is Kind.INCOMING else None,
                        item.author or (item.sender_name if item.kind is Kind.REPLY else ""),
                        item.subject[:300],
                        item.text,
                        item.html,
                        item.is_public or inbox.is_public,
                        item.is_automatic,
                        is_history,
                        json.dumps(dict(item.extra)) if item.extra else None,
                        *_reading_columns(item, reading),
                    )
                )
    return first_id


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


def _keep_files(items: Sequence[Incoming], *, first_id: int) -> None:
    files: list[tuple[int, File]] = [
        (first_id + n, file) for n, item in enumerate(items) for file in item.files
    ]
    if files:
        attachments.keep(files)


def _write_diary(
    inbox: Inbox,
    items: Sequence[Incoming],
    keys: Sequence[Key],
    conversations: Mapping[Key, int],
    *,
    now: datetime,
    is_history: bool,
) -> None:
    """One line for each live message; one for a whole batch of history."""
    with connection.cursor() as cursor:
        if is_history:
            cursor.execute(
                "INSERT INTO event (at, name, subject, subject_id, data) "
                "VALUES (%s, 'history.taken', 'inbox', %s, %s)",
                [now, inbox.pk, json.dumps({"messages": len(items)})],
            )
            return
        cursor.execute(
            """
            INSERT INTO event (at, name, subject, subject_id, data)
            SELECT %s, 'message.received', 'conversation', x.id,
                json_build_object('external_id', x.external_id)
            FROM unnest(%s::bigint[], %s::text[]) AS x(id, external_id)
            """,
            [now, [conversations[key] for key in keys], [item.external_id for item in items]],
        )
