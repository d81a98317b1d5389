"""Two contacts that turn out to be one person: everything of the one becomes the other's."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from heard.contacts.models import Contact, Handle
from heard.conversations.intake import LOCK_SPACE
from heard.conversations.merging import merge
from heard.conversations.models import Conversation, Inbox
from heard.conversations.settling import mark_stale, settle
from heard.events.diary import record
from heard.events.models import Event
from heard.staff.models import User

SETTLED_AT_ONCE = 500

TWINS = """
    SELECT g.id, k.id FROM conversation g
    JOIN conversation k ON k.inbox_id = g.inbox_id AND k.root = g.root
    WHERE g.contact_id = %s AND k.contact_id = %s
"""
VOICES = """
    SELECT inbox_id, at FROM message
    WHERE contact_id = %s AND is_public AND stance IN ('avoid', 'recommend')
"""


@transaction.atomic
def join(gone: Contact, *, into: Contact, by: User, now: datetime) -> None:
    """Let one contact become another: handles, conversations, messages, note, diary.

    It cannot be taken back; the diary keeps which handles came. Raises `ValueError` for one and the
    same, and `Contact.DoesNotExist` when one of them was joined meanwhile.
    """
    if gone.pk == into.pk:
        raise ValueError("a contact cannot be joined with itself")
    _hold_doors(gone, into)
    known = Contact.objects.select_for_update().order_by("pk").in_bulk([gone.pk, into.pk])
    if len(known) < 2:
        raise Contact.DoesNotExist
    gone, into = known[gone.pk], known[into.pk]
    came = list(gone.handles.order_by("pk").values_list("kind", "address"))
    addresses = {address for _, address in came} | set(
        into.handles.values_list("address", flat=True)
    )
    with connection.cursor() as cursor:
        cursor.execute(VOICES, [gone.pk])
        mark_stale(cursor.fetchall())
        cursor.execute(TWINS, [gone.pk, into.pk])
        twins = [(int(one), int(other)) for one, other in cursor.fetchall()]
        cursor.execute(
            "UPDATE message SET contact_id = %s WHERE contact_id = %s", [into.pk, gone.pk]
        )
    if twins:
        merge(twins)
    Handle.objects.filter(contact=gone).update(contact=into)
    Conversation.objects.filter(contact=gone).update(contact=into)
    Event.objects.filter(subject="contact", subject_id=gone.pk).update(subject_id=into.pk)
    into.name = _better(into.name, gone.name, addresses=addresses)
    into.note = "\n".join(filter(None, (into.note, gone.note)))
    into.language = into.language or gone.language
    into.is_ours = into.is_ours or gone.is_ours
    into.save()
    record(
        "contact.joined",
        subject="contact",
        subject_id=into.pk,
        at=now,
        actor_id=by.pk,
        data={"contact": gone.pk, "name": gone.name, "handles": [list(pair) for pair in came]},
    )
    gone.delete()
    theirs = list(into.conversations.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(theirs), SETTLED_AT_ONCE):
        settle(theirs[start : start + SETTLED_AT_ONCE], now=now)


def _hold_doors(*contacts: Contact) -> None:
    """Wait for intake where these are known: it looks people up before it writes."""
    kinds = Handle.objects.filter(contact__in=contacts).values("kind")
    doors = Inbox.objects.filter(kind__in=kinds).order_by("pk").values_list("pk", flat=True)
    with connection.cursor() as cursor:
        for door in doors:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, door])


def _better(one: str, other: str, *, addresses: set[str]) -> str:
    """The name of the two that is more than an address; the first if both are."""
    return next((name for name in (one, other) if name and name not in addresses), one or other)
