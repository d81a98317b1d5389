"""What people do with a conversation besides answering it. Each deed is one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from heard.conversations.clocks.settling import settle, tell
from heard.conversations.models import (
    Acknowledgement,
    Conversation,
    Inbox,
    Message,
    Promise,
    Resolution,
)
from heard.events.diary import record, record_many
from heard.events.models import Event
from heard.staff.models import Team, User

SEEN_AGAIN_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class HandedBack:
    """How much came back from somebody who left: conversations that are not done, and inboxes."""

    conversations: int
    inboxes: int


def see(conversation: Conversation, *, by: User, now: datetime) -> None:
    """Somebody opened it. Opening it again within a minute is not written down."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH told AS (
                UPDATE notice SET read_at = %(now)s
                WHERE conversation_id = %(pk)s AND user_id = %(me)s AND read_at IS NULL
            )
            INSERT INTO sighting (conversation_id, user_id, at) SELECT %(pk)s, %(me)s, %(now)s
            WHERE NOT EXISTS (
                SELECT FROM sighting WHERE conversation_id = %(pk)s AND user_id = %(me)s
                    AND at > %(before)s AND at <= %(now)s
            )
            """,
            {"pk": conversation.pk, "me": by.pk, "now": now, "before": now - SEEN_AGAIN_AFTER},
        )


@transaction.atomic
def assign(
    conversation: Conversation,
    *,
    to: User | None,
    by: User | None,
    now: datetime,
    team: Team | None = None,
) -> None:
    """Give it to a person, a team or nobody."""
    conversation.assignee, conversation.team = to, team
    conversation.save(update_fields=["assignee", "team"])
    record(
        "conversation.assigned",
        subject="conversation",
        subject_id=conversation.pk,
        at=now,
        actor_id=by.pk if by else None,
        data={"to": to.name if to else "", "team": team.name if team else ""},
    )
    tell([(conversation.pk, conversation.inbox_id)])


@transaction.atomic
def note(conversation: Conversation, *, text: str, author: User, now: datetime) -> Message:
    """Write something for colleagues. It never leaves the house. Raises `ValueError` when empty."""
    if not text.strip():
        raise ValueError("a note needs words")
    written = Message.objects.create(
        conversation=conversation,
        inbox_id=conversation.inbox_id,
        kind=Message.Kind.NOTE,
        text=text.strip(),
        author=author,
        author_name=author.name,
        at=now,
    )
    record(
        "note.written",
        subject="conversation",
        subject_id=conversation.pk,
        at=now,
        actor_id=author.pk,
        data={"message": written.pk},
    )
    tell([(conversation.pk, conversation.inbox_id)])
    return written


@transaction.atomic
def snooze(conversation: Conversation, *, until: datetime, by: User, now: datetime) -> None:
    """Put it away until a moment; thanks do not wake it, a new question does.

    Raises `ValueError` when the moment has passed.
    """
    if until <= now:
        raise ValueError("the moment has passed")
    conversation.snoozed_at, conversation.snoozed_until = now, until
    conversation.save(update_fields=["snoozed_at", "snoozed_until"])
    _written(
        conversation, "conversation.snoozed", by=by, now=now, data={"until": until.isoformat()}
    )


@transaction.atomic
def wake(conversation: Conversation, *, by: User | None, now: datetime) -> None:
    """Bring a snoozed conversation back now."""
    conversation.snoozed_at = conversation.snoozed_until = None
    conversation.save(update_fields=["snoozed_at", "snoozed_until"])
    _written(conversation, "conversation.woken", by=by, now=now)


@transaction.atomic
def resolve(conversation: Conversation, *, by: User | None, now: datetime) -> None:
    """Call it done. A clock that waits for an answer still runs: done is not answered."""
    Resolution.objects.create(conversation=conversation, at=now, by=by)
    conversation.snoozed_at = conversation.snoozed_until = None
    conversation.save(update_fields=["snoozed_at", "snoozed_until"])
    _written(conversation, "conversation.resolved", by=by, now=now)


@transaction.atomic
def reopen(conversation: Conversation, *, by: User, now: datetime) -> None:
    """Take back every resolution since the last message."""
    taken_back = Resolution.objects.filter(conversation=conversation)
    if conversation.last_incoming_at is not None:
        taken_back = taken_back.filter(at__gte=conversation.last_incoming_at)
    taken_back.delete()
    conversation.is_history = False
    conversation.save(update_fields=["is_history"])
    _written(conversation, "conversation.reopened", by=by, now=now)


@transaction.atomic
def acknowledge(message: Message, *, kind: str, by: User, now: datetime) -> Acknowledgement:
    """Like, share or thank: recognition without words. Doing it twice is doing it once."""
    done, is_new = Acknowledgement.objects.get_or_create(
        message=message,
        kind=Acknowledgement.Kind(kind),
        defaults={"conversation_id": message.conversation_id, "by": by, "at": now},
    )
    if is_new:
        _written(
            message.conversation,
            "message.acknowledged",
            by=by,
            now=now,
            data={"message": message.pk, "kind": kind},
        )
    return done


@transaction.atomic
def promise(
    conversation: Conversation, *, text: str, due_at: datetime, by: User, now: datetime
) -> Promise:
    """Write down what we said we would do, and until when.

    Raises `ValueError` if that moment has passed.
    """
    if due_at <= now:
        raise ValueError("a promise needs a moment that is still to come")
    made = Promise.objects.create(
        conversation=conversation, text=text.strip()[:200], due_at=due_at, made_at=now, made_by=by
    )
    _written(
        conversation,
        "promise.made",
        by=by,
        now=now,
        data={"promise": made.pk, "text": made.text, "due_at": due_at.isoformat()},
    )
    return made


@transaction.atomic
def keep_promise(made: Promise, *, by: User, now: datetime) -> None:
    """We did what we said."""
    made.kept_at = now
    made.save(update_fields=["kept_at"])
    _written(made.conversation, "promise.kept", by=by, now=now, data={"promise": made.pk})


@transaction.atomic
def withdraw_promise(made: Promise, *, by: User, now: datetime) -> None:
    """Take a promise back. After its time it stays a fail."""
    made.withdrawn_at = now
    made.save(update_fields=["withdrawn_at"])
    _written(made.conversation, "promise.withdrawn", by=by, now=now, data={"promise": made.pk})


@transaction.atomic
def hand_back(person: User, *, by: User, now: datetime) -> HandedBack:
    """Give to everybody what somebody has who leaves; their teams keep it. Six statements at most.

    What is done goes too, or it would come back to nobody when the contact writes again.
    """
    theirs = list(
        Conversation.objects.filter(assignee=person)
        .select_for_update(of=("self",))
        .values_list("pk", "inbox_id", "status", "team__name")
    )
    Conversation.objects.filter(assignee=person).update(assignee=None)
    kept = list(Inbox.objects.filter(keeper=person).values_list("pk", flat=True))
    Inbox.objects.filter(keeper=person).update(keeper=None)
    record_many(
        [
            Event(
                name="conversation.assigned",
                subject="conversation",
                subject_id=pk,
                at=now,
                actor_id=by.pk,
                data={"to": "", "team": team or "", "from": person.name},
            )
            for pk, _, _, team in theirs
        ]
        + [
            Event(
                name="inbox.changed",
                subject="inbox",
                subject_id=pk,
                at=now,
                actor_id=by.pk,
                data={"fields": ["keeper"]},
            )
            for pk in kept
        ]
    )
    unresolved = [row[:2] for row in theirs if row[2] != Conversation.Status.RESOLVED]
    tell(unresolved)
    return HandedBack(conversations=len(unresolved), inboxes=len(kept))


def _written(
    conversation: Conversation,
    name: str,
    *,
    by: User | None,
    now: datetime,
    data: dict[str, object] | None = None,
) -> None:
    record(
        name,
        subject="conversation",
        subject_id=conversation.pk,
        at=now,
        actor_id=by.pk if by else None,
        data=data,
    )
    settle([conversation.pk], now=now)
    conversation.refresh_from_db()
