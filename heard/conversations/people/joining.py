"""Two contacts who turn out to be one person, and what it takes to find out that they are not.

A join moves rows and keeps both people: whoever went stays as a row that leads to the other. Each
message knows the handle it came under, so what arrives after a join finds back as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from heard.contacts.models import Contact, Handle, Joining
from heard.conversations.clocks.settling import mark_stale, settle
from heard.conversations.intake.locking import hold_doors
from heard.conversations.intake.merging import (
    copy_deeds,
    follow_messages,
    put_into,
    take_back,
    where_now,
)
from heard.conversations.models import Conversation, Inbox, Merging
from heard.conversations.people import recognising
from heard.events.diary import record
from heard.events.models import Event
from heard.staff.models import User

SETTLED_AT_ONCE = 500
KEPT_FIELDS = ("name", "note", "language", "is_ours")

# A twin has the same place in the same thread: the two become one conversation.
TWINS = """
    SELECT g.id, k.id, g.merged_into_id FROM conversation g
    JOIN conversation k ON k.inbox_id = g.inbox_id AND k.root = g.root AND k.part = g.part
    WHERE g.contact_id = %s AND k.contact_id = %s AND g.part = 0
"""
VOICES = """
    SELECT inbox_id, at FROM message
    WHERE contact_id = %s AND is_public AND stance IN ('avoid', 'recommend')
"""
STAMP = """
    UPDATE message m SET handle_id = single.id FROM inbox i, (
        SELECT min(id) AS id, kind FROM handle WHERE contact_id = %(contact)s
        GROUP BY kind HAVING count(*) = 1
    ) single
    WHERE m.contact_id = %(contact)s AND m.handle_id IS NULL AND i.id = m.inbox_id
        AND single.kind = i.kind
"""


class CannotUndoError(ValueError):
    """The join has been undone already."""


@transaction.atomic
def join(
    gone: Contact,
    *,
    into: Contact,
    by: User | None,
    now: datetime,
    proof: str = "",
    reasons: Sequence[Any] = (),
) -> Joining:
    """Let one contact become another: handles, conversations, messages, note, diary.

    `into` survives. `proof` names what proved it where no person decided. Raises `ValueError` for
    one and the same, and `Contact.DoesNotExist` when one of them was joined meanwhile.
    """
    if gone.pk == into.pk:
        raise ValueError("a contact cannot be joined with itself")
    _hold_doors(gone, into)
    known = Contact.objects.select_for_update().order_by("pk").in_bulk([gone.pk, into.pk])
    if len(known) < 2 or any(one.into_id for one in known.values()):
        raise Contact.DoesNotExist
    gone, into = known[gone.pk], known[into.pk]
    came = list(gone.handles.order_by("pk").values_list("pk", "kind", "address"))
    addresses = {address for _, _, address in came} | set(
        into.handles.values_list("address", flat=True)
    )
    events = Event.objects.filter(subject="contact", subject_id=gone.pk)
    moved_events = list(events.values_list("pk", flat=True))
    joining = Joining.objects.create(
        gone=gone,
        kept=into,
        at=now,
        by=by,
        proof=proof,
        reasons=list(reasons),
        handles=[pk for pk, _, _ in came],
        before={name: getattr(into, name) for name in KEPT_FIELDS},
    )
    conversations = _take_over(gone, into=into, joining=joining, by=by, now=now)
    events.update(subject_id=into.pk)
    Handle.objects.filter(contact=gone).update(contact=into)
    Contact.objects.filter(into=gone).update(into=into)
    into.name = _better(into.name, gone.name, addresses=addresses)
    into.note = "\n".join(filter(None, (into.note, gone.note)))
    into.language = into.language or gone.language
    into.is_ours = into.is_ours or gone.is_ours
    into.save(update_fields=KEPT_FIELDS)
    gone.into = into
    gone.save(update_fields=["into"])
    joining.moved = {"conversations": conversations, "events": moved_events}
    joining.before |= {f"joined_{name}": getattr(into, name) for name in KEPT_FIELDS}
    joining.save(update_fields=["moved", "before"])
    record(
        "contact.joined",
        subject="contact",
        subject_id=into.pk,
        at=now,
        actor_id=by.pk if by else None,
        data={
            "joining": joining.pk,
            "contact": gone.pk,
            "name": gone.name,
            "handles": [[kind, address] for _, kind, address in came],
            "proof": proof,
        },
    )
    _settle(into.conversations.order_by("pk").values_list("pk", flat=True), now=now)
    recognising.count([gone.pk, into.pk], now=now)
    return joining


@transaction.atomic
def undo(joining: Joining, *, by: User, now: datetime) -> Contact:
    """Make two people of one again; returns who is there again.

    What had come with them goes back, and what has come under their handles since. Raises
    `CannotUndoError` when that has been done.
    """
    kept = Contact.objects.get(pk=joining.kept_id)
    holder = kept.into or kept
    _hold_doors(holder)
    joining = Joining.objects.select_for_update().get(pk=joining.pk)
    if joining.undone_at is not None:
        raise CannotUndoError
    gone = Contact.objects.select_for_update().get(pk=joining.gone_id)
    holder = Contact.objects.select_for_update().get(pk=kept.into_id or kept.pk)
    theirs = list(
        Handle.objects.filter(pk__in=joining.handles, contact=holder).values_list("pk", flat=True)
    )
    Handle.objects.filter(pk__in=theirs).update(contact=gone)
    gone.into = None
    gone.save(update_fields=["into"])
    inside = Joining.objects.filter(kept=gone, undone_at=None).values("gone")
    Contact.objects.filter(pk__in=inside, into__isnull=False).update(into=gone)
    _forget_later(joining, theirs)
    touched = _give_back(joining, gone, holder=holder, handles=theirs, now=now)
    events = Event.objects.filter(pk__in=joining.moved["events"], subject_id=holder.pk)
    events.update(subject_id=gone.pk)
    for contact in {kept.pk: kept, holder.pk: holder}.values():
        _as_before(contact, joining)
    joining.undone_at, joining.undone_by = now, by
    joining.save(update_fields=["undone_at", "undone_by"])
    for subject in (gone.pk, holder.pk):
        record(
            "contact.parted",
            subject="contact",
            subject_id=subject,
            at=now,
            actor_id=by.pk,
            data={"joining": joining.pk, "gone": gone.pk, "kept": holder.pk},
        )
    with connection.cursor() as cursor:
        cursor.execute(VOICES, [gone.pk])
        mark_stale(cursor.fetchall())
    everything = Conversation.objects.filter(contact__in=[gone, holder], merged_into=None)
    _settle([*everything.order_by("pk").values_list("pk", flat=True), *touched], now=now)
    recognising.count([gone.pk, holder.pk], now=now)
    return gone


# There


def _take_over(
    gone: Contact, *, into: Contact, joining: Joining, by: User | None, now: datetime
) -> list[int]:
    """Move messages and conversations; returns the conversations that came whole."""
    with connection.cursor() as cursor:
        for contact in (gone, into):
            cursor.execute(STAMP, {"contact": contact.pk})
        cursor.execute(VOICES, [gone.pk])
        mark_stale(cursor.fetchall())
        cursor.execute(TWINS, [gone.pk, into.pk])
        twins = cursor.fetchall()
        cursor.execute(
            "UPDATE message SET contact_id = %s WHERE contact_id = %s", [into.pk, gone.pk]
        )
    for theirs, ours, merged_into in twins:
        holder = where_now(ours)
        if merged_into is None and theirs != holder:
            put_into(theirs, holder, by=by, now=now, joining=joining)
    staying = {theirs for theirs, _, _ in twins}
    moving = Conversation.objects.filter(contact=gone).exclude(pk__in=staying)
    rows = list(moving.order_by("pk").values_list("pk", "inbox_id", "root", "part"))
    for pk, inbox, root, part in rows:
        number = part if not part else _free_part(inbox, root, contact=into)
        Conversation.objects.filter(pk=pk).update(contact=into, part=number)
    return [pk for pk, _, _, _ in rows]


# And back again


def _give_back(
    joining: Joining, gone: Contact, *, holder: Contact, handles: Collection[int], now: datetime
) -> list[int]:
    """Give somebody their conversations and messages again; returns what was touched."""
    touched: list[int] = []
    for merging in Merging.objects.filter(joining=joining, undone_at=None).order_by("-pk"):
        kept = where_now(merging.kept_id)
        more = [pk for pk in _under(kept, handles) if pk not in set(merging.moved["message"])]
        take_back(merging, more=more, now=now)
        touched += [merging.gone_id, kept]
    came = set(joining.moved["conversations"])
    spoken = _conversations_with(handles, holder=holder)
    for pk in sorted(came | spoken):
        row = Conversation.objects.filter(pk=pk, contact=holder).first()
        if row is None:
            continue
        here = _stamps(pk)
        if pk in came or here <= set(handles):
            part, strangers = row.part, here - set(handles)
            _hand_over(row, to=gone)
            if strangers:
                touched.append(_move_out(row, strangers, to=holder, part=part, now=now))
        else:
            touched.append(_move_out(row, handles, to=gone, part=row.part, now=now))
        touched.append(pk)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE message m SET contact_id = %(gone)s FROM conversation c
            WHERE c.id = m.conversation_id AND m.contact_id = %(holder)s
                AND (m.handle_id = ANY(%(handles)s)
                    OR (m.handle_id IS NULL AND c.contact_id = %(gone)s))
            """,
            {"gone": gone.pk, "holder": holder.pk, "handles": list(handles)},
        )
    return touched


def _under(conversation: int, handles: Collection[int]) -> list[int]:
    """The messages of a conversation under these handles, and our replies that answer them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT m.id FROM message m LEFT JOIN LATERAL (
                SELECT a.handle_id FROM message a
                WHERE a.conversation_id = m.conversation_id AND a.kind = 'incoming'
                    AND (a.at <= m.at OR a.external_id = m.parent) AND m.kind = 'reply'
                ORDER BY a.external_id = m.parent DESC, a.at DESC, a.id DESC LIMIT 1
            ) answered ON m.handle_id IS NULL
            WHERE m.conversation_id = %(conversation)s
                AND coalesce(m.handle_id, answered.handle_id) = ANY(%(handles)s)
            """,
            {"conversation": conversation, "handles": list(handles)},
        )
        return [row[0] for row in cursor]


def _conversations_with(handles: Collection[int], *, holder: Contact) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT m.conversation_id FROM message m "
            "JOIN conversation c ON c.id = m.conversation_id "
            "WHERE c.contact_id = %s AND m.handle_id = ANY(%s)",
            [holder.pk, list(handles)],
        )
        return {row[0] for row in cursor}


def _stamps(conversation: int) -> set[int]:
    """The handles under which anything was said in a conversation."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT handle_id FROM message "
            "WHERE conversation_id = %s AND handle_id IS NOT NULL",
            [conversation],
        )
        return {row[0] for row in cursor}


def _hand_over(row: Conversation, *, to: Contact) -> None:
    """Let a whole conversation be somebody's; beside one in the same place it is another part."""
    taken = Conversation.objects.filter(
        inbox_id=row.inbox_id, root=row.root, contact=to, part=row.part
    )
    if taken.exists():
        row.part = _free_part(row.inbox_id, row.root, contact=to)
    row.contact = to
    row.save(update_fields=["contact", "part"])


def _move_out(
    row: Conversation, handles: Collection[int], *, to: Contact, part: int, now: datetime
) -> int:
    """Move what was said under these handles to a conversation of whose they are; its id."""
    target, is_new = Conversation.objects.get_or_create(
        inbox_id=row.inbox_id,
        root=row.root,
        contact=to,
        part=part,
        defaults={
            "token": row.token,
            "is_history": row.is_history,
            "assignee_id": row.assignee_id,
            "team_id": row.team_id,
        },
    )
    holder = target.merged_into_id or target.pk
    moving = _under(row.pk, handles)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE message SET conversation_id = %s WHERE id = ANY(%s)", [holder, moving]
        )
        follow_messages(cursor, moving, to=holder)
        cursor.execute(
            "UPDATE clock SET conversation_id = %s WHERE message_id = ANY(%s)", [holder, moving]
        )
        if is_new:
            cursor.execute("SELECT min(at) FROM message WHERE id = ANY(%s)", [moving])
            since = cursor.fetchone()[0] or now
            copy_deeds(cursor, source=row.pk, to=holder, since=since)
    return holder


def _forget_later(joining: Joining, handles: Collection[int]) -> None:
    """A later join no longer has the handles that now are somebody else's."""
    later = Joining.objects.filter(undone_at=None, pk__gt=joining.pk)
    for other in later.filter(kept_id__in=_chain(joining)):
        other.handles = [pk for pk in other.handles if pk not in handles]
        other.save(update_fields=["handles"])


def _chain(joining: Joining) -> list[int]:
    """Into whom the survivor of a join was joined since, one after the other."""
    chain = []
    here: int | None = joining.kept_id
    while here is not None:
        chain.append(here)
        here = (
            Joining.objects.filter(gone=here, undone_at=None)
            .values_list("kept_id", flat=True)
            .first()
        )
    return chain


def _as_before(contact: Contact, joining: Joining) -> None:
    """Take back what a join changed in the survivor, where nobody has changed it since."""
    changed = []
    for name in KEPT_FIELDS:
        if getattr(contact, name) == joining.before[f"joined_{name}"]:
            setattr(contact, name, joining.before[name])
            changed.append(name)
    contact.save(update_fields=changed)


def _free_part(inbox: int, root: str, *, contact: Contact) -> int:
    taken = Conversation.objects.filter(inbox_id=inbox, root=root, contact=contact)
    return int(taken.aggregate(last=Max("part"))["last"] or 0) + 1


def _settle(conversations: Iterable[int], *, now: datetime) -> None:
    ids = list(dict.fromkeys(conversations))
    for start in range(0, len(ids), SETTLED_AT_ONCE):
        settle(ids[start : start + SETTLED_AT_ONCE], now=now)


def _hold_doors(*contacts: Contact) -> None:
    """Wait for intake where these are known: it looks people up before it writes."""
    kinds = Handle.objects.filter(contact__in=contacts).values("kind")
    hold_doors(Inbox.objects.filter(kind__in=kinds).values_list("pk", flat=True))


def _better(one: str, other: str, *, addresses: set[str]) -> str:
    """The name of the two that is more than an address; the first if both are."""
    return next((name for name in (one, other) if name and name not in addresses), one or other)
