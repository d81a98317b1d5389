"""One conversation that turns out to be two: split from a message on, until somebody undoes it.

Both are parts of one thread. What arrives later goes to the part of what it answers; where a place
does not say what is answered, to the part that had begun by then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Max

from heard.channels.base import Incoming
from heard.conversations.clocks.settling import settle, tell
from heard.conversations.intake.filing import Key
from heard.conversations.intake.locking import hold_door
from heard.conversations.intake.merging import (
    clocks_of,
    copy_deeds,
    follow_messages,
    merge,
    restore_clocks,
    where_now,
)
from heard.conversations.intake.threading import Known
from heard.conversations.models import Conversation, Inbox, Message, Splitting
from heard.events.diary import record
from heard.staff.models import User


class CannotSplitError(ValueError):
    """It does not go; the code says why: "first", "elsewhere" or "merged"."""


@transaction.atomic
def split(conversation: Conversation, *, start: Message, by: User, now: datetime) -> Conversation:
    """Give what was said from a message onwards a conversation of its own; returns that.

    Raises `CannotSplitError` with "first" when nothing would be left, and with "elsewhere" when
    the message is not, or no longer, in the conversation.
    """
    hold_door(conversation.inbox_id)
    source = Conversation.objects.select_for_update().get(pk=conversation.pk)
    said = Message.objects.filter(conversation=source).defer("search").order_by("at", "pk")
    start = said.filter(pk=start.pk).first() or _elsewhere()
    first = said.exclude(kind=Message.Kind.NOTE).first()
    if first is None or (start.at, start.pk) <= (first.at, first.pk):
        raise CannotSplitError("first")
    moving = [
        pk
        for pk, at in said.filter(at__gte=start.at).values_list("pk", "at")
        if (at, pk) >= (start.at, start.pk)
    ]
    clocks = clocks_of(source.pk)
    part = Conversation.objects.create(
        inbox_id=source.inbox_id,
        contact_id=source.contact_id,
        root=source.root,
        part=_next_part(source),
        token=source.token,
        is_history=source.is_history,
        assignee_id=source.assignee_id,
        team_id=source.team_id,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE message SET conversation_id = %s WHERE id = ANY(%s)", [part.pk, moving]
        )
        follow_messages(cursor, moving, to=part.pk)
        cursor.execute(
            "UPDATE promise SET conversation_id = %s WHERE conversation_id = %s AND made_at >= %s",
            [part.pk, source.pk, start.at],
        )
        copy_deeds(cursor, source=source.pk, to=part.pk, since=start.at)
        restore_clocks(cursor, (), among=(source.pk, part.pk))
    splitting = Splitting.objects.create(
        source=source, part=part, from_at=start.at, at=now, by=by, clocks=clocks
    )
    for subject in (source.pk, part.pk):
        record(
            "conversation.split",
            subject="conversation",
            subject_id=subject,
            at=now,
            actor_id=by.pk,
            data={"splitting": splitting.pk, "source": source.pk, "part": part.pk},
        )
    settle([source.pk, part.pk], now=now)
    part.refresh_from_db()
    return part


@transaction.atomic
def undo(splitting: Splitting, *, by: User, now: datetime) -> int:
    """Put a part back to where it was split from, with all that came since; returns the whole's id.

    Raises `CannotSplitError` with "merged" while the part is merged into something else.
    """
    inbox = splitting.part.inbox_id
    hold_door(inbox)
    splitting = Splitting.objects.select_for_update().get(pk=splitting.pk)
    part, whole = splitting.part_id, where_now(splitting.source_id)
    if where_now(part) != part or whole == part:
        raise CannotSplitError("merged")
    with connection.cursor() as cursor:
        for table, columns in (("sighting", ("user_id", "at")), ("resolution", ("by_id", "at"))):
            same = " AND ".join(f"o.{name} IS NOT DISTINCT FROM t.{name}" for name in columns)
            cursor.execute(
                f"DELETE FROM {table} t USING {table} o WHERE t.conversation_id = %s "
                f"AND o.conversation_id = %s AND {same}",
                [part, whole],
            )
        cursor.execute(
            "UPDATE draft d SET conversation_id = %(whole)s WHERE conversation_id = %(part)s "
            "AND NOT EXISTS (SELECT FROM draft o WHERE o.conversation_id = %(whole)s "
            "AND o.author_id = d.author_id)",
            {"whole": whole, "part": part},
        )
        cursor.execute(
            "UPDATE clock SET conversation_id = %s WHERE conversation_id = %s", [whole, part]
        )
    merge([(part, whole)], now=now)
    with connection.cursor() as cursor:
        restore_clocks(cursor, splitting.clocks, among=(whole,))
    record(
        "conversation.rejoined",
        subject="conversation",
        subject_id=whole,
        at=now,
        actor_id=by.pk,
        data={"part": part},
    )
    settle([whole], now=now)
    tell([(part, inbox)])
    return whole


def into_parts(
    inbox: Inbox,
    items: Sequence[Incoming],
    keys: Sequence[Key],
    places: Sequence[int],
    *,
    split: Mapping[Key, Sequence[int]],
    stored: Mapping[str, Known],
) -> list[int]:
    """Where new messages of threads belong that people have split: one query.

    `places` is where they would be without; `split` has the parts of each thread that has several.
    """
    begun: dict[Key, list[tuple[datetime, int]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.root, c.contact_id, s.from_at, coalesce(c.merged_into_id, c.id)
            FROM conversation c JOIN splitting s ON s.part_id = c.id
            WHERE c.inbox_id = %s AND c.root = ANY(%s) ORDER BY s.from_at
            """,
            [inbox.pk, sorted({root for root, _ in split})],
        )
        for root, contact, from_at, part in cursor:
            begun[root, contact].append((from_at, part))
    above = {item.external_id: item.parent for item in items}
    found: list[int] = []
    for item, key, place in zip(items, keys, places, strict=True):
        if key not in split:
            found.append(place)
            continue
        answered = _answered(item.parent, above=above, stored=stored, among=split[key])
        if answered is None:
            since = [part for from_at, part in begun[key] if from_at <= item.at]
            answered = since[-1] if since else place
        found.append(answered)
    return found


def parts_of(conversation: Conversation) -> list[int]:
    """The conversations in which the thread of this one is now, itself first: one query."""
    family = (
        Conversation.objects.filter(
            inbox_id=conversation.inbox_id,
            root=conversation.root,
            contact=conversation.contact_id,
        )
        .order_by("part")
        .values_list("pk", "merged_into_id")
    )
    return list(dict.fromkeys(into or pk for pk, into in family))


def _answered(
    parent: str, *, above: Mapping[str, str], stored: Mapping[str, Known], among: Sequence[int]
) -> int | None:
    """The part of the nearest message above that is in the database; None if there is none."""
    met: set[str] = set()
    while parent and parent not in met:
        met.add(parent)
        known = stored.get(parent)
        if known is not None:
            return known.conversation if known.conversation in among else None
        parent = above.get(parent, "")
    return None


def _next_part(source: Conversation) -> int:
    family = Conversation.objects.filter(
        inbox_id=source.inbox_id, root=source.root, contact=source.contact_id
    )
    return int(family.aggregate(last=Max("part"))["last"]) + 1


def _elsewhere() -> Message:
    raise CannotSplitError("elsewhere")
