"""A person's word against a reading: kept, and from then on that message's reading is theirs."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from heard.conversations.clocks.settling import settle
from heard.conversations.models import Correction, Enquiry, Message
from heard.events.diary import record
from heard.reading import Mood, Need, Stance, Urgency
from heard.staff.models import User

CHOICES: dict[str, tuple[str, ...]] = {
    "need": tuple(Need),
    "mood": tuple(Mood),
    "stance": tuple(Stance),
    "urgency": tuple(Urgency),
}


@transaction.atomic
def correct(message: Message, *, head: str, to: str, by: User, now: datetime) -> Correction | None:
    """Set one head of a message's reading by hand; None when somebody has said so already.

    To say what the reading says confirms it: it is a label like any other.
    Raises `ValueError` for a head or a value that there is not, and for a message of ours.
    """
    if to not in CHOICES.get(head, ()):
        raise ValueError(f"{head} cannot be {to}")
    if message.kind != Message.Kind.INCOMING:
        raise ValueError("only incoming messages are read")
    was = str(getattr(message, head))
    said = message.corrections.filter(head=head)
    if was == to and message.read_by == "person" and said.exists():
        return None
    setattr(message, head, to)
    message.read_by = "person"
    message.save(update_fields=[head, "read_by"])
    correction = Correction.objects.create(
        message=message, head=head, was=was, now=to, by=by, at=now
    )
    Enquiry.objects.filter(message=message, head=head, answered_at=None).update(
        answered_at=now, by=by
    )
    record(
        "reading.confirmed" if was == to else "reading.corrected",
        subject="conversation",
        subject_id=message.conversation_id,
        at=now,
        actor_id=by.pk,
        data={"message": message.pk, "head": head, "was": was, "now": to},
    )
    settle([message.conversation_id], now=now)
    return correction
