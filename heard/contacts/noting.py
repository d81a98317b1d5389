"""What colleagues should know about a person: one note a contact, written by all of them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from heard.contacts.models import Contact
from heard.events.diary import record
from heard.staff.models import User

LONGEST_NOTE = 1_000


class NotedMeanwhile(Exception):  # noqa: N818 - not a fault, an answer
    """Somebody else has changed the note since it was opened; `note` is what it says now."""

    def __init__(self, note: str) -> None:
        super().__init__("the note was changed meanwhile")
        self.note = note


@transaction.atomic
def write_note(contact: Contact, *, text: str, instead_of: str, by: User, now: datetime) -> None:
    """Keep the note about a person; an empty one takes it away.

    Raises `ValueError` beyond `LONGEST_NOTE` characters, and `NotedMeanwhile` unless the note still
    says `instead_of`. The diary keeps who and when, not the words.
    """
    text = text.strip()
    if len(text) > LONGEST_NOTE:
        raise ValueError("the note is too long")
    known = Contact.objects.select_for_update().get(pk=contact.pk)
    contact.note = known.note
    if known.note == text:
        return
    if known.note != instead_of:
        raise NotedMeanwhile(known.note)
    contact.note = text
    contact.save(update_fields=["note"])
    record(
        "contact.noted",
        subject="contact",
        subject_id=contact.pk,
        at=now,
        actor_id=by.pk,
        data={"characters": len(text)},
    )
