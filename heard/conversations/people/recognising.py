"""Counts what was heard of contacts, inbox by inbox, and keeps what they are to us by that.

The rules are those of `contacts.bonds`. Rows of `Bond` follow from messages and clocks alone; to
count somebody again does no harm.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import astuple, fields
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from heard.contacts.bonds import RECENT, YEAR, Facts, Recognised, Word, recognise, together
from heard.lib.statements import fetch

COUNTED_AT_ONCE = 1_000
AGES = timedelta(days=1)
FAILED_LATELY = timedelta(days=1)

COLUMNS = tuple(field.name for field in fields(Facts))

COUNT = f"""
    WITH said AS (
        SELECT m.contact_id, m.inbox_id, min(m.at) AS first_at, max(m.at) AS last_at,
            count(DISTINCT m.conversation_id) AS conversations, count(*) AS messages,
            count(DISTINCT x.day) FILTER (WHERE x.is_recent) AS visit_count,
            count(*) FILTER (WHERE x.is_recent AND m.mood = 'positive'
                AND m.need = 'recognition') AS praise_count,
            count(DISTINCT x.day) FILTER (WHERE x.is_recent AND m.is_public
                AND m.stance = 'recommend') AS recommend_count,
            count(DISTINCT x.day) FILTER (WHERE x.is_recent AND m.is_public
                AND m.stance = 'avoid') AS avoid_count,
            max(m.at) FILTER (WHERE m.is_public AND m.stance = 'recommend') AS recommended_at,
            max(m.at) FILTER (WHERE m.is_public AND m.stance = 'avoid') AS warned_at,
            max(m.at) FILTER (WHERE m.mood = 'positive' OR m.need = 'recognition') AS pleased_at,
            coalesce((array_agg(m.mood ORDER BY m.at DESC, m.id DESC)
                FILTER (WHERE m.mood <> ''))[1], '') AS last_mood
        FROM message m CROSS JOIN LATERAL (
            SELECT (m.at AT TIME ZONE %(zone)s)::date AS day, m.at > %(year)s AS is_recent
        ) x
        WHERE m.contact_id = ANY(%(contacts)s) AND m.kind = 'incoming' AND NOT m.is_automatic
        GROUP BY 1, 2
    ), failed AS (
        SELECT c.contact_id, c.inbox_id, count(*) AS fail_count, max(k.failed_at) AS failed_at
        FROM conversation c JOIN clock k ON k.conversation_id = c.id
        WHERE c.contact_id = ANY(%(contacts)s) AND k.failed_at > %(recent)s AND k.fail = 'service'
        GROUP BY 1, 2
    )
    SELECT contact_id, inbox_id, (SELECT is_ours FROM contact WHERE id = contact_id),
        {", ".join("coalesce(fail_count, 0)" if name == "fail_count" else name for name in COLUMNS)}
    FROM said LEFT JOIN failed USING (contact_id, inbox_id)
"""

TO_COUNT_AGAIN = """
    (SELECT contact_id FROM bond WHERE word <> '' AND counted_at < %(aged)s
        ORDER BY counted_at LIMIT %(limit)s)
    UNION
    (SELECT c.contact_id FROM clock k JOIN conversation c ON c.id = k.conversation_id
        JOIN bond b ON b.contact_id = c.contact_id AND b.inbox_id = k.inbox_id
        WHERE k.failed_at > %(lately)s AND k.fail = 'service'
            AND (b.failed_at IS NULL OR b.failed_at < k.failed_at)
        LIMIT %(limit)s)
"""


@transaction.atomic
def count(contacts: Collection[int], *, now: datetime) -> None:
    """Count these contacts anew and keep what they are to us: four statements a thousand."""
    ids = sorted(set(contacts))
    for start in range(0, len(ids), COUNTED_AT_ONCE):
        _count(ids[start : start + COUNTED_AT_ONCE], now=now)


def to_count_again(*, now: datetime) -> list[int]:
    """Whom time or a fail may have changed since they were counted, as many as go at once."""
    rows = fetch(
        TO_COUNT_AGAIN,
        {"aged": now - AGES, "lately": now - FAILED_LATELY, "limit": COUNTED_AT_ONCE},
    )
    return [row[0] for row in rows]


def facts_of(contact: int, *, inboxes: Sequence[int] | None) -> Facts | None:
    """What was heard of a contact in these inboxes (None: in all); None if nothing was."""
    rows = fetch(
        f"SELECT {', '.join(COLUMNS)} FROM bond WHERE contact_id = %(contact)s "
        "AND (%(inboxes)s::bigint[] IS NULL OR inbox_id = ANY(%(inboxes)s))",
        {"contact": contact, "inboxes": inboxes},
    )
    return together(Facts(*row) for row in rows)


def recognised(contact: int, *, inboxes: Sequence[int] | None, now: datetime) -> Recognised:
    """What a contact is to us by what was heard in these inboxes, and because of what."""
    facts = facts_of(contact, inboxes=inboxes)
    return recognise(facts, now=now) if facts else Recognised(Word.NONE)


def _count(contacts: list[int], *, now: datetime) -> None:
    rows = fetch(
        COUNT,
        {
            "contacts": contacts,
            "zone": settings.TIME_ZONE,
            "year": now - YEAR,
            "recent": now - RECENT,
        },
    )
    facts: dict[int, list[Facts]] = defaultdict(list)
    ours: set[int] = set()
    bonds: list[tuple[Any, ...]] = []
    for contact, inbox, is_ours, *columns in rows:
        counted = Facts(*columns)
        facts[contact].append(counted)
        if is_ours:
            ours.add(contact)
        word = Word.NONE if is_ours else recognise(counted, now=now).word
        bonds.append((contact, inbox, word.value, now, *astuple(counted)))
    words = {
        pk: recognise(all_of_them, now=now).word.value if pk not in ours else ""
        for pk, all_told in facts.items()
        if (all_of_them := together(all_told)) is not None
    }
    names = ("contact_id", "inbox_id", "word", "counted_at", *COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM contact WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [contacts]
        )
        cursor.execute("DELETE FROM bond WHERE contact_id = ANY(%s)", [contacts])
        with cursor.cursor.copy(f"COPY bond ({', '.join(names)}) FROM STDIN") as copy:
            for bond in bonds:
                copy.write_row(bond)
        cursor.execute(
            "UPDATE contact k SET bond = x.word FROM unnest(%s::bigint[], %s::text[]) "
            "AS x(id, word) WHERE k.id = x.id AND k.bond <> x.word",
            [contacts, [words.get(pk, "") for pk in contacts]],
        )
