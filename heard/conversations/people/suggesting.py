"""Looks for contacts who may be one person, and keeps the likely pairs for people to decide.

Every look starts from contacts who have just spoken and finds others through indexes: by name, by
the word of a handle, by what they let slip. It costs by who spoke, not by how many are known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from heard.contacts.likeness import (
    COMMON,
    GENERIC,
    PAGE_KIND,
    PHONE_KINDS,
    SUGGESTED_FROM,
    Portrait,
    likely,
    traces_in,
)
from heard.contacts.models import Contact, Likeness
from heard.conversations.queries import Sight
from heard.events.diary import record
from heard.lib.statements import fetch
from heard.staff.models import User

WORD = "lower(split_part(ltrim({0}.address, '@'), '@', 1))"
SHOWN = 50

# Each branch takes at most so many of one kind of sign: what more people share says nothing. They
# are looked for once for each contact, whatever the planner thinks of tables that have just grown.
CANDIDATES = f"""
    WITH near AS MATERIALIZED (
    SELECT k.id AS one, o.id AS other FROM contact k CROSS JOIN LATERAL (
        (SELECT s.id FROM contact s
            WHERE lower(s.name) = lower(k.name) AND k.name <> '' LIMIT {COMMON + 2})
        UNION ALL
        (SELECT w.contact_id FROM handle h JOIN handle w ON {WORD.format("w")} = {WORD.format("h")}
            WHERE h.contact_id = k.id AND w.kind <> h.kind
                AND {WORD.format("h")} <> ALL(%(generic)s) LIMIT {COMMON})
        UNION ALL
        (SELECT w.contact_id FROM trace t JOIN handle w ON w.kind = ANY(%(mail)s)
            AND w.address = t.value
            WHERE t.contact_id = k.id AND t.sort = 'email' LIMIT {COMMON})
        UNION ALL
        (SELECT w.contact_id FROM trace t JOIN handle w ON w.kind = ANY(%(phones)s)
            AND w.address = t.value
            WHERE t.contact_id = k.id AND t.sort = 'phone' LIMIT {COMMON})
        UNION ALL
        (SELECT t.contact_id FROM handle h JOIN trace t ON t.value = lower(h.address)
            AND t.sort = CASE h.kind WHEN 'email' THEN 'email' WHEN %(page)s THEN 'page'
                ELSE 'phone' END
            WHERE h.contact_id = k.id LIMIT {COMMON})
        UNION ALL
        (SELECT o.contact_id FROM trace t JOIN trace o ON o.sort = t.sort AND o.value = t.value
            WHERE t.contact_id = k.id LIMIT {COMMON})
    ) o
    WHERE k.id = ANY(%(contacts)s) AND o.id <> k.id AND k.into_id IS NULL AND NOT k.is_ours
    )
    SELECT DISTINCT least(one, other), greatest(one, other) FROM near
    JOIN contact p ON p.id = near.other
    WHERE p.into_id IS NULL AND NOT p.is_ours
"""

PORTRAITS = """
    SELECT k.id, k.name,
        (SELECT json_agg(json_build_array(h.kind, h.address)) FROM handle h
            WHERE h.contact_id = k.id),
        (SELECT json_agg(json_build_array(t.sort, t.value)) FROM trace t
            WHERE t.contact_id = k.id OR t.contact_id IN
                (SELECT id FROM contact g WHERE g.into_id = k.id)),
        (SELECT count(*) FROM (SELECT FROM contact s
            WHERE lower(s.name) = lower(k.name) AND s.into_id IS NULL LIMIT %(most)s) x)
    FROM contact k WHERE k.id = ANY(%(contacts)s)
"""

SUGGESTED = """
    SELECT l.id, l.score, l.reasons, l.one_id, a.name, l.other_id, b.name,
        (SELECT json_agg(json_build_array(h.kind, h.address) ORDER BY h.id) FROM handle h
            WHERE h.contact_id = a.id),
        (SELECT json_agg(json_build_array(h.kind, h.address) ORDER BY h.id) FROM handle h
            WHERE h.contact_id = b.id)
    FROM likeness l JOIN contact a ON a.id = l.one_id JOIN contact b ON b.id = l.other_id
    WHERE l.dismissed_at IS NULL AND a.into_id IS NULL AND b.into_id IS NULL
        AND (%(contact)s::bigint IS NULL OR %(contact)s IN (l.one_id, l.other_id))
        AND (%(inboxes)s::bigint[] IS NULL OR (
            EXISTS (SELECT FROM conversation c WHERE c.contact_id = l.one_id
                AND c.inbox_id = ANY(%(inboxes)s))
            AND EXISTS (SELECT FROM conversation c WHERE c.contact_id = l.other_id
                AND c.inbox_id = ANY(%(inboxes)s))))
    ORDER BY l.score DESC, l.id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Half:
    """One of the two of a suggestion."""

    id: int
    name: str
    handles: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Two who may be one, how likely, and why: the sign's name and what it rests on."""

    id: int
    score: float
    reasons: tuple[tuple[str, str], ...]
    one: Half
    other: Half

    def beside(self, contact: int) -> Half:
        """The one of the two who is not this contact."""
        return self.other if self.one.id == contact else self.one


@transaction.atomic
def note_traces(said: Iterable[tuple[int, str, Mapping[str, Any]]]) -> None:
    """Keep what contacts let slip in their words; each is contact, text and what the place told.

    Not of a mail whose sender was looked at and is not proven: it may be somebody else's words.
    """
    rows: set[tuple[int, str, str]] = set()
    for contact, text, extra in said:
        if extra.get("trust") and extra.get("is_proven") is False:
            continue
        rows |= {(contact, sort, value) for sort, value in traces_in(text)}
        typed = extra.get("unverified_email")
        if isinstance(typed, str) and 3 < len(typed) <= 120:
            rows.add((contact, "email", typed.lower()))
    if not rows:
        return
    columns = [list(column) for column in zip(*sorted(rows), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO trace (contact_id, sort, value) "
            "SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[]) ON CONFLICT DO NOTHING",
            columns,
        )


@transaction.atomic
def suggest(contacts: Collection[int], *, now: datetime) -> int:
    """Look for others who may be one of these contacts; returns how many pairs are likely.

    A pair that was dismissed stays dismissed; one that is known gets its new score.
    """
    parameters = {
        "contacts": sorted(set(contacts)),
        "mail": ["email"],
        "phones": sorted(PHONE_KINDS),
        "generic": sorted(GENERIC),
        "page": PAGE_KIND,
    }
    pairs = fetch(CANDIDATES, parameters)
    if not pairs:
        return 0
    people = {pk for pair in pairs for pk in pair}
    portraits: dict[int, Portrait] = {}
    shared: dict[str, int] = defaultdict(int)
    for pk, name, handles, traces, count in fetch(
        PORTRAITS, {"contacts": sorted(people), "most": COMMON + 1}
    ):
        portraits[pk] = Portrait(name, _pairs(handles), _pairs(traces))
        shared[name.strip().lower()] = count
    found = []
    for one, other in pairs:
        if one not in portraits or other not in portraits:
            continue
        likeness = likely(portraits[one], portraits[other], shared_by=shared)
        if likeness.score >= SUGGESTED_FROM:
            found.append(
                Likeness(
                    one_id=one,
                    other_id=other,
                    score=likeness.score,
                    reasons=[list(reason) for reason in likeness.reasons],
                    found_at=now,
                )
            )
    Likeness.objects.bulk_create(
        found,
        update_conflicts=True,
        unique_fields=["one", "other"],
        update_fields=["score", "reasons"],
    )
    return len(found)


@transaction.atomic
def dismiss(likeness: Likeness, *, by: User, now: datetime) -> None:
    """They are two: never suggest that again."""
    likeness.dismissed_at, likeness.dismissed_by = now, by
    likeness.save(update_fields=["dismissed_at", "dismissed_by"])
    for subject in (likeness.one_id, likeness.other_id):
        record(
            "contact.told_apart",
            subject="contact",
            subject_id=subject,
            at=now,
            actor_id=by.pk,
            data={"likeness": likeness.pk},
        )


def suggestions(
    sight: Sight, *, contact: Contact | None = None, limit: int = SHOWN
) -> list[Suggestion]:
    """The likely pairs both of whom this person may see, the likeliest first: one query."""
    rows = fetch(
        SUGGESTED,
        {
            "contact": contact.pk if contact else None,
            "inboxes": sight.inboxes,
            "limit": limit,
        },
    )
    return [
        Suggestion(
            pk,
            score,
            tuple((sign, value) for sign, value in reasons),
            Half(one, name, _ordered(handles)),
            Half(other, other_name, _ordered(others)),
        )
        for pk, score, reasons, one, name, other, other_name, handles, others in rows
    ]


def _pairs(rows: Sequence[Sequence[str]] | None) -> frozenset[tuple[str, str]]:
    return frozenset(_ordered(rows))


def _ordered(rows: Sequence[Sequence[str]] | None) -> tuple[tuple[str, str], ...]:
    return tuple((kind, address) for kind, address in rows or ())
