"""A person outside as one person of the house may know them: every word, in one line of time.

Everything is read through the inboxes that the reader may see; what they may not see is neither
shown nor counted. Of whoever has more than `MOST_CONVERSATIONS` conversations the newest count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from heard.contacts.bonds import Facts, Recognised, Word, recognise
from heard.contacts.models import Contact, Handle, Joining
from heard.conversations.people.recognising import facts_of
from heard.conversations.queries import Door, Sight, from_key, key_of
from heard.lib.statements import fetch

PAGE_SIZE = 40
MOST_CONVERSATIONS = 1_000
MOODS_DRAWN = 80
PROMISES_SHOWN = 50
LONGEST_TEXT = 1_200

THEIRS = f"""
    SELECT c.id FROM conversation c
    WHERE c.contact_id = %(contact)s AND c.last_at IS NOT NULL
        AND c.inbox_id = ANY(%(inboxes)s)
    ORDER BY c.last_at DESC LIMIT {MOST_CONVERSATIONS}
"""

WORDS = f"""
    SELECT x.id, x.kind, x.at, left(x.text, {LONGEST_TEXT}), x.mood, x.need, x.stance, x.is_public,
        x.inbox_id, x.conversation_id, c.subject,
        CASE WHEN x.kind = 'incoming' THEN '' ELSE coalesce(nullif(x.author_name, ''), u.name, '')
            END
    FROM ({THEIRS}) their CROSS JOIN LATERAL (
        SELECT * FROM message m WHERE m.conversation_id = their.id
            AND (%(at)s::timestamptz IS NULL OR (m.at, m.id) < (%(at)s, %(id)s))
        ORDER BY m.at DESC, m.id DESC LIMIT {PAGE_SIZE + 1}
    ) x
    JOIN conversation c ON c.id = x.conversation_id
    LEFT JOIN staff_user u ON u.id = x.author_id
    ORDER BY x.at DESC, x.id DESC LIMIT {PAGE_SIZE + 1}
"""

MOODS = f"""
    SELECT x.at, x.mood, x.id, x.conversation_id FROM ({THEIRS}) their CROSS JOIN LATERAL (
        SELECT m.at, m.mood, m.id, m.conversation_id FROM message m
        WHERE m.conversation_id = their.id AND m.kind = 'incoming' AND m.mood <> ''
        ORDER BY m.at DESC LIMIT {MOODS_DRAWN}
    ) x ORDER BY x.at DESC, x.id DESC LIMIT {MOODS_DRAWN}
"""

PROMISES = f"""
    SELECT p.id, p.conversation_id, p.text, p.made_at, p.due_at, p.kept_at, p.withdrawn_at,
        coalesce(u.name, '')
    FROM ({THEIRS}) their JOIN promise p ON p.conversation_id = their.id
    LEFT JOIN staff_user u ON u.id = p.made_by_id
    ORDER BY p.made_at DESC LIMIT {PROMISES_SHOWN}
"""

KNOWN_BY = f"""
    SELECT u.id, u.name, count(*), max(m.at)
    FROM ({THEIRS}) their JOIN message m ON m.conversation_id = their.id AND m.kind = 'reply'
    JOIN staff_user u ON u.id = m.author_id
    GROUP BY u.id, u.name ORDER BY count(*) DESC, u.name LIMIT 12
"""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One message in the line of time."""

    id: int
    kind: str
    at: datetime
    text: str
    mood: str
    need: str
    stance: str
    is_public: bool
    door: Door
    conversation: int
    subject: str
    author: str


@dataclass(frozen=True, slots=True)
class Words:
    """Some of them, the newest first; `after` leads to the next, "" at the end."""

    spoken: tuple[Spoken, ...]
    after: str = ""


@dataclass(frozen=True, slots=True)
class MoodPoint:
    """What one message felt like; `x` and `y` are where it is drawn, from 0 to 1."""

    at: datetime
    mood: str
    conversation: int
    message: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Pledge:
    """Something we said we would do for them."""

    id: int
    conversation: int
    text: str
    made_at: datetime
    due_at: datetime
    kept_at: datetime | None
    withdrawn_at: datetime | None
    by: str

    def state(self, now: datetime) -> str:
        """What became of it: "kept", "late", "withdrawn", "open" or "broken"."""
        if self.kept_at is not None:
            return "kept" if self.kept_at <= self.due_at else "late"
        if self.withdrawn_at is not None:
            return "withdrawn"
        return "open" if self.due_at > now else "broken"


@dataclass(frozen=True, slots=True)
class Knower:
    """Somebody of the house who has answered them."""

    id: int
    name: str
    replies: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Address:
    """One handle, and the join it came by, if it did."""

    id: int
    kind: str
    address: str
    joining: Joining | None


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """All but the words themselves."""

    contact: Contact
    facts: Facts | None
    recognised: Recognised
    moods: tuple[MoodPoint, ...]
    promises: tuple[Pledge, ...]
    known_by: tuple[Knower, ...]
    addresses: tuple[Address, ...]
    joinings: tuple[Joining, ...]
    """The newest first; those undone among them."""


def acquaintance(contact: Contact, *, sight: Sight, now: datetime) -> Acquaintance:
    """What the page of a contact shows besides the words: eight queries."""
    parameters = {"contact": contact.pk, "inboxes": list(sight.doors)}
    facts = facts_of(contact.pk, inboxes=sight.inboxes)
    joinings = tuple(
        Joining.objects.filter(kept=contact).select_related("gone", "by").order_by("-at", "-pk")
    )
    kinds = {door.kind for door in sight.doors.values()}
    handles = [
        (pk, kind, address)
        for pk, kind, address in Handle.objects.filter(
            Q(contact=contact) | Q(pk__in=[pk for one in joinings for pk in one.handles])
        )
        .order_by("pk")
        .values_list("pk", "kind", "address")
        if sight.is_everything or kind in kinds
    ]
    seen = {pk for pk, _, _ in handles}
    joinings = tuple(one for one in joinings if sight.is_everything or seen & set(one.handles))
    theirs = set(contact.handles.values_list("pk", flat=True))
    came = {pk: one for one in joinings if one.undone_at is None for pk in one.handles}
    return Acquaintance(
        contact=contact,
        facts=facts,
        recognised=recognise(facts, now=now) if facts else Recognised(Word.NONE),
        moods=_drawn(fetch(MOODS, parameters)),
        promises=tuple(Pledge(*row) for row in fetch(PROMISES, parameters)),
        known_by=tuple(Knower(*row) for row in fetch(KNOWN_BY, parameters)),
        addresses=tuple(
            Address(pk, kind, address, came.get(pk))
            for pk, kind, address in handles
            if pk in theirs
        ),
        joinings=joinings,
    )


def words(contact: Contact, *, sight: Sight, after: str = "") -> Words:
    """What was said with them that follows `after`: one query. Raises `ValueError` for no place."""
    at, pk = from_key(after) if after else (None, None)
    rows = fetch(WORDS, {"contact": contact.pk, "inboxes": list(sight.doors), "at": at, "id": pk})
    spoken = tuple(_spoken(row, sight) for row in rows[:PAGE_SIZE])
    more = len(rows) > PAGE_SIZE
    return Words(spoken, key_of(spoken[-1].at, row_id=spoken[-1].id) if more else "")


def is_known_to(contact: Contact, *, sight: Sight) -> bool:
    """Whether this person may see any conversation of theirs; an owner sees everybody."""
    if sight.is_everything:
        return True
    [[known]] = fetch(
        "SELECT EXISTS (SELECT FROM conversation WHERE contact_id = %(contact)s "
        "AND inbox_id = ANY(%(inboxes)s))",
        {"contact": contact.pk, "inboxes": list(sight.doors)},
    )
    return bool(known)


def _spoken(row: Sequence[Any], sight: Sight) -> Spoken:
    pk, kind, at, text, mood, need, stance, is_public, inbox, conversation, subject, author = row
    return Spoken(
        pk, kind, at, text, mood, need, stance, is_public, sight.doors[inbox], conversation,
        subject, author,
    )  # fmt: skip


def _drawn(rows: Sequence[Sequence[Any]]) -> tuple[MoodPoint, ...]:
    """Places on the picture: time to the right, happy up. The oldest first."""
    if not rows:
        return ()
    first, last = rows[-1][0], rows[0][0]
    span = (last - first).total_seconds() or 1.0
    heights = {"positive": 0.0, "neutral": 0.5, "negative": 1.0}
    return tuple(
        MoodPoint(
            at, mood, conversation, message,
            x=round((at - first).total_seconds() / span, 4) if len(rows) > 1 else 0.5,
            y=heights.get(mood, 0.5),
        )
        for at, mood, message, conversation in reversed(rows)
    )  # fmt: skip
