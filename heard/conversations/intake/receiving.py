"""Where everything arrives: `receive` puts a list of `Incoming` in order, in one transaction.

One message is a list of one; the number of statements is the same for one and for thousands. What
is known already is left alone, and the order of arrival makes no difference to the rows.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from heard.channels.base import Incoming, Kind
from heard.channels.texts import plain
from heard.conversations.checks.watching import watch_soon
from heard.conversations.clocks.settling import settle
from heard.conversations.intake import locking
from heard.conversations.intake.filing import (
    NOBODY,
    OF_ROOTS,
    Batch,
    Key,
    conversations_of,
    file,
    known_conversations,
    next_ids,
    people_of,
    read_all,
    up_of,
)
from heard.conversations.intake.merging import merge, write_heirs
from heard.conversations.intake.splitting import into_parts
from heard.conversations.intake.threading import (
    MOST_NAMESAKES,
    Known,
    Rooted,
    Threads,
    digest_of,
    name_of,
    rehang,
    told_apart,
)
from heard.conversations.models import Inbox
from heard.lib.statements import fetch_planned_anew
from heard.reading import Reading

REVIVED_AT_ONCE = 5_000

REVIVE = """
    UPDATE conversation c SET is_history = false
    WHERE c.id = ANY(%s) AND c.is_history AND EXISTS (
        SELECT FROM message m WHERE m.conversation_id = c.id AND m.at >= %s AND m.kind <> 'note'
    )
"""

NAMESAKES = """
    UPDATE message m SET extra = jsonb_set(coalesce(m.extra, '{}'), '{namesakes}',
        coalesce(m.extra->'namesakes', '[]') || x.digests::jsonb)
    FROM unnest(%s::text[], %s::text[]) AS x(name, digests)
    WHERE m.inbox_id = %s AND m.external_id = x.name
"""

LOCK_SPACE = locking.LOCK_SPACE


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a list of messages."""

    taken: int
    known: int
    conversations: tuple[int, ...] = ()
    filed: tuple[Incoming, ...] = ()
    """Those taken, by the names under which they were filed."""


@transaction.atomic
def receive(
    inbox: Inbox,
    items: Sequence[Incoming],
    *,
    now: datetime,
    readings: Sequence[Reading | None] | None = None,
    is_history: bool = False,
    alive_since: datetime | None = None,
    shares_inbox: bool = False,
) -> Received:
    """Put messages in order: contacts, conversations, messages, readings, clocks, diary.

    `readings` may be given, one for each item (None: not read, so it needs an answer); without them
    the texts are read here. `is_history` is for archives: nothing of it warns or notifies anybody,
    and its conversations come closed unless their last message is at or after `alive_since`.
    `shares_inbox` lets several importers work on one inbox at once; their threads must be disjoint:
    all messages of a root go to the same importer. Raises `ValueError` for an item without an
    external id or with a naive time.
    """
    items, readings = _first_of_each(items, readings)
    with connection.cursor() as cursor:
        lock = "pg_advisory_xact_lock_shared" if shares_inbox else "pg_advisory_xact_lock"
        cursor.execute(f"SELECT {lock}(%s, %s)", [LOCK_SPACE, inbox.pk])
        items, stored = _named(inbox, items)
        fresh = [
            n
            for n, item in enumerate(items)
            if (item.external_id, str(item.kind)) not in stored.digests
        ]
        if not fresh:
            return Received(taken=0, known=len(items))
        known = len(items) - len(fresh)
        items = [_worded(items[n]) for n in fresh]
        readings = read_all(items) if readings is None else [readings[n] for n in fresh]
        people = people_of(inbox, items)
        new = {
            item.external_id: Known(
                up=up_of(item),
                parent=item.parent,
                is_reply=item.kind is not Kind.INCOMING,
                contact=people.get(item.sender if item.kind is Kind.INCOMING else item.to, NOBODY)[
                    0
                ],
                called=stored.called.get(item.external_id, ""),
                digest=digest_of(item),
            )
            for item in items
        }
        threads = Threads(new, stored.messages, stored.namesakes)
        touched = _rehang(inbox, new, threads, now=now)
        keys = [(threads.root(i.external_id), threads.contact(i.external_id)) for i in items]
        known_parts = known_conversations(inbox, keys)
        conversations = {key: parts[0] for key, parts in known_parts.items()}
        fresh_keys = [key for key in dict.fromkeys(keys) if key not in conversations]
        conversations |= zip(fresh_keys, next_ids("conversation", len(fresh_keys)), strict=True)
        places = [conversations[key] for key in keys]
        split: dict[Key, tuple[int, ...]] = {
            key: parts for key, parts in known_parts.items() if len(parts) > 1
        }
        if split:
            places = into_parts(inbox, items, keys, places, split=split, stored=threads.stored)
        touched.update(set(places) - {conversations[key] for key in fresh_keys})
        batch = Batch(
            inbox=inbox,
            items=items,
            readings=readings,
            ids=next_ids("message", len(items)),
            conversations=places,
            people=people,
            is_history=is_history,
            alive_since=alive_since,
            now=now,
        )
        file(batch, fresh={conversations[key]: key for key in fresh_keys})
        if not is_history:
            cursor.execute(
                "UPDATE conversation SET is_history = false WHERE id = ANY(%s) AND is_history",
                [list(touched)],
            )
            cursor.execute("UPDATE inbox SET last_heard_at = %s WHERE id = %s", [now, inbox.pk])
        elif alive_since is not None and touched:
            cursor.execute(REVIVE, [list(touched), alive_since])
        settle(touched, now=now)
        ours = [pk for pk, item in zip(batch.ids, items, strict=True) if item.kind is Kind.REPLY]
        if ours and not is_history:
            watch_soon(ours, now=now)
    return Received(
        taken=len(items),
        known=known,
        conversations=tuple(sorted(set(places))),
        filed=tuple(items),
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
        failed: int = cursor.rowcount
        cursor.execute(
            """
            INSERT INTO stale_day (inbox_id, day)
            SELECT %(inbox)s, (at AT TIME ZONE %(zone)s)::date FROM (
                SELECT at FROM message WHERE inbox_id = %(inbox)s AND is_history
                UNION ALL SELECT started_at FROM clock WHERE inbox_id = %(inbox)s AND is_history
                UNION ALL SELECT failed_at FROM clock
                    WHERE inbox_id = %(inbox)s AND is_history AND failed_at IS NOT NULL
            ) AS moments GROUP BY 2
            """,
            {"inbox": inbox.pk, "zone": settings.TIME_ZONE},
        )
        cursor.execute(
            "UPDATE inbox SET last_heard_at = greatest(last_heard_at, (SELECT max(at) FROM message "
            "WHERE inbox_id = %(inbox)s)) WHERE id = %(inbox)s",
            {"inbox": inbox.pk},
        )
    return failed


def revive(inbox: Inbox, *, since: datetime, now: datetime) -> int:
    """Open what came closed from an archive and had its last message at or after `since`.

    For what was brought in without `alive_since`. Works in lots, each a transaction of its own, so
    that hundreds of thousands can be opened; what an interruption leaves closed is opened the next
    time.
    """
    opened = 0
    while ids := _revive_lot(inbox, since=since, now=now):
        opened += len(ids)
    return opened


@transaction.atomic
def _revive_lot(inbox: Inbox, *, since: datetime, now: datetime) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE conversation SET is_history = false WHERE id IN (
                SELECT id FROM conversation WHERE inbox_id = %s AND is_history AND last_at >= %s
                    AND incoming_count + reply_count > 0 LIMIT %s
            ) RETURNING id
            """,
            [inbox.pk, since, REVIVED_AT_ONCE],
        )
        ids = [row[0] for row in cursor]
    settle(ids, now=now)
    return ids


# Threads


@dataclass(slots=True)
class _Stored:
    """What is in the database of the messages of the list, and of those that it names."""

    digests: dict[tuple[str, str], str]
    """By name and kind; "" of a message whose name is its own."""
    messages: dict[str, Known]
    namesakes: dict[str, list[str]]
    """The further messages that are called by a name."""
    called: Mapping[str, str]
    """What others call those of the list that have a namesake."""


def _first_of_each(
    items: Sequence[Incoming], readings: Sequence[Reading | None] | None
) -> tuple[Sequence[Incoming], Sequence[Reading | None] | None]:
    """Leave out what stands twice in the list."""
    seen: dict[tuple[str, str, str], int] = {}
    for n, item in enumerate(items):
        if not item.external_id:
            raise ValueError("a message needs an external id")
        if item.at.tzinfo is None:
            raise ValueError(f"{item.external_id}: the time needs a time zone")
        apart = digest_of(item) if item.kind is Kind.INCOMING else ""
        seen.setdefault((item.external_id, str(item.kind), apart), n)
    if len(seen) == len(items):
        return items, readings
    kept = list(seen.values())
    return [items[n] for n in kept], None if readings is None else [readings[n] for n in kept]


def _worded(item: Incoming) -> Incoming:
    """A place may send HTML alone: what is read, searched and listed is made from it."""
    if item.text or not item.html:
        return item
    return item._replace(text=plain(item.html) or item.subject)


def _named(inbox: Inbox, items: Sequence[Incoming]) -> tuple[Sequence[Incoming], _Stored]:
    """The messages by the names they get, and what is stored of them and of those they name.

    One query; two where a name is that of several messages, and one to write down that it is.
    """
    names = {item.external_id for item in items}
    for item in items:
        names.update(name for name in (item.root, item.parent) if name)
    stored = _Stored({}, {}, {}, {})
    _look_up(inbox, names, stored)
    named, stored.called = told_apart(items, stored.digests)
    further = {*stored.called, *(one for many in stored.namesakes.values() for one in many)}
    if not further:
        return items, stored
    _look_up(inbox, further, stored)
    met: dict[str, str] = {}
    for name, called in stored.called.items():
        others = stored.namesakes.setdefault(called, [])
        if name not in others and len(others) < MOST_NAMESAKES:
            others.append(name)
            met[name] = called
    return _write_namesakes(inbox, named, met) if met else named, stored


def _look_up(inbox: Inbox, names: Iterable[str], stored: _Stored) -> None:
    """Add the messages of these names to what is known of the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT m.external_id, m.kind, m.up, m.parent, c.contact_id, c.root, c.id,
                coalesce(m.extra->>'digest', ''), m.extra->'namesakes'
            FROM message m JOIN conversation c ON c.id = m.conversation_id
            WHERE m.inbox_id = %s AND m.external_id = ANY(%s) AND m.external_id <> ''
            """,
            [inbox.pk, list(names)],
        )
        rows = cursor.fetchall()
    for name, kind, up, parent, contact, root, conversation, digest, namesakes in rows:
        stored.digests[name, kind] = digest
        stored.messages[name] = Known(
            up=up,
            parent=parent,
            is_reply=kind != "incoming",
            contact=contact,
            root=root,
            conversation=conversation,
            digest=digest,
        )
        if namesakes:
            stored.namesakes[name] = [name_of(name, digest=one) for one in _list(namesakes)]


def _list(told: object) -> list[str]:
    found = json.loads(told) if isinstance(told, str) else told
    return [str(one) for one in found] if isinstance(found, list) else []


def _write_namesakes(
    inbox: Inbox, items: Sequence[Incoming], met: Mapping[str, str]
) -> list[Incoming]:
    """Write down at the first message of a name that there are others, be it stored or new."""
    digests: dict[str, list[str]] = defaultdict(list)
    for name, called in met.items():
        digests[called].append(name.rpartition(" ")[2])
    with connection.cursor() as cursor:
        told = [json.dumps(found) for found in digests.values()]
        cursor.execute(NAMESAKES, [list(digests), told, inbox.pk])
    return [
        item._replace(extra={**item.extra, "namesakes": digests[item.external_id]})
        if item.external_id in digests
        else item
        for item in items
    ]


def _rehang(inbox: Inbox, new: Mapping[str, Known], threads: Threads, *, now: datetime) -> set[int]:
    """Move what waited for one of the new messages; returns the conversations that this touched.

    Conversations whose stand-in root has arrived get its true root; what people have merged stays
    merged, and what they have split stays split. Replies that did not know whom they answer are
    asked again.
    """
    moved = {name: threads.root(name) for name, it in new.items() if it.up}
    own = {
        (it.called, it.contact): threads.root(name)
        for name, it in new.items()
        if it.called and threads.own(it.called, by=it.contact) == [name]
    }
    roots = set(moved) | {threads.root(name) for name in new} | {name for name, _ in own}
    found = fetch_planned_anew(
        f"SELECT c.id, c.root, c.contact_id, c.part, c.merged_into_id FROM {OF_ROOTS} "
        "ORDER BY c.part, c.id",
        [list(roots), inbox.pk],
    )
    rows = [Rooted(*row) for row in found]
    moves = rehang(rows, moved, own)
    for pairs in moves.merges:
        merge(pairs, now=now)
    with connection.cursor() as cursor:
        if moves.forgotten:
            heirs = {row.id: row.merged_into for row in rows if row.merged_into}
            write_heirs([(pk, heirs[pk]) for pk in moves.forgotten if pk in heirs], now=now)
            cursor.execute(
                "DELETE FROM merging WHERE gone_id = ANY(%(ids)s)", {"ids": moves.forgotten}
            )
            cursor.execute(
                "DELETE FROM conversation WHERE id = ANY(%(ids)s)", {"ids": moves.forgotten}
            )
        if moves.renames:
            cursor.execute(
                "UPDATE conversation c SET root = x.root, part = x.part "
                "FROM unnest(%s::bigint[], %s::text[], %s::int[]) AS x(id, root, part) "
                "WHERE c.id = x.id",
                [list(column) for column in zip(*moves.renames, strict=True)],
            )
    merged = {pk for pairs in moves.merges for pk, _ in pairs}
    touched = {pk for pk, _, _ in moves.renames} | {pk for pairs in moves.merges for _, pk in pairs}
    homeless = sorted(
        {row.id for row in rows if row.contact is None and row.merged_into is None} - merged
    )
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
            SELECT m.id, m.external_id, m.up, m.parent, c.id, c.root, m.is_history
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
    again = Threads({**waiting, **new}, threads.stored, threads.namesakes)
    found = [(row, again.contact(row[1])) for row in rows]
    moves = [(row, contact) for row, contact in found if contact is not None]
    if not moves:
        return set()
    keys = [(row[5], contact) for row, contact in moves]
    targets = conversations_of(inbox, keys, is_history=all(row[6] for row, _ in moves))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE message m SET conversation_id = x.to_id "
            "FROM unnest(%s::bigint[], %s::bigint[]) AS x(id, to_id) WHERE m.id = x.id",
            [[row[0] for row, _ in moves], [targets[key] for key in keys]],
        )
    threads.learn(
        {
            row[1]: waiting[row[1]]._replace(contact=contact, conversation=targets[key])
            for (row, contact), key in zip(moves, keys, strict=True)
        }
    )
    return {row[4] for row, _ in moves} | set(targets.values())
