"""Alarms over our own words: who sees them, how far they reach, and what somebody does about them.

They are raised by `watching`. An answer is written down with who gave it; it is no mark against
whoever wrote the words, and nothing is worked out of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from heard.channels import base
from heard.conversations.abilities import abilities_of
from heard.conversations.models import Act, Alarm, CheckedPost, Inbox, Notice
from heard.conversations.outbox.acting import act
from heard.events.diary import record
from heard.lib.statements import fetch
from heard.staff.models import User

MOST = 50

BENEATH = """
    SELECT a.id, count(DISTINCT c.contact_id) FROM alarm a
    JOIN message m ON m.id = a.message_id JOIN conversation own ON own.id = m.conversation_id
    JOIN conversation c ON c.root = own.root AND c.inbox_id = a.inbox_id
        AND c.contact_id IS NOT NULL AND c.last_at >= m.at
    WHERE a.id = ANY(%(ids)s) AND m.is_public GROUP BY 1
"""


class AlreadyAnsweredError(Exception):
    """Somebody else has answered this alarm in the meantime."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far words of ours went: who follows the account, if the place tells, and how many people
    have spoken in their thread since.
    """

    audience: int | None
    people: int


@dataclass(frozen=True, slots=True)
class Shown:
    """An alarm as its page shows it."""

    alarm: Alarm
    reach: Reach
    may_take_down: bool
    """Whether the place lets us take it down from here."""
    failed: str | None
    """Why it could not be taken down there; None if that was not tried, or did not fail."""
    was_checked: bool
    """Whether somebody had it written down that these words were checked before."""

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to look at it."""
        return not self.alarm.answer or self.failed is not None

    @property
    def spots(self) -> list[tuple[str, str]]:
        """Each sentence with the words it is about; without those once they were changed."""
        message = self.alarm.message
        changed = message.edited_at is not None and message.edited_at > self.alarm.raised_at
        words = "" if changed else message.text
        return [(it["says"], words[it["start"] : it["end"]]) for it in self.alarm.found]


def visible_to(user: User) -> QuerySet[Alarm]:
    """The alarms that this person answers for: those who lead what they see, keepers their own."""
    if user.is_owner:
        return Alarm.objects.all()
    if not user.leads:
        return Alarm.objects.filter(inbox__keeper=user)
    seen = list(Inbox.objects.visible_to(user).values_list("pk", flat=True))
    return Alarm.objects.filter(Q(inbox_id__in=seen) | Q(inbox__keeper=user))


def open_count(user: User) -> int:
    """How many of them nobody has answered, up to `MOST`."""
    return len(_open(visible_to(user)).values_list("pk", flat=True)[:MOST])


def newest(user: User, *, is_open: bool) -> list[Shown]:
    """The newest that are open, or that were answered: four queries."""
    found = visible_to(user)
    found = _open(found) if is_open else _tried(found).exclude(Q(answer="") | Q(is_stuck=True))
    rows = list(
        found.select_related("message__conversation", "inbox", "answered_by")
        .defer("message__search", "message__html")
        .order_by("-raised_at", "-pk")[:MOST]
    )
    return shown(rows)


def shown(rows: Sequence[Alarm]) -> list[Shown]:
    """Alarms with their reach and what can be done: three queries."""
    people = dict(fetch(BENEATH, {"ids": [row.pk for row in rows]}))
    messages = [row.message_id for row in rows]
    failed = dict(
        Act.objects.filter(
            message_id__in=messages, kind=base.Act.DELETE, state=Act.State.FAILED
        ).values_list("message_id", "reason")
    )
    checked = set(
        CheckedPost.objects.filter(message_id__in=messages).values_list("message_id", flat=True)
    )
    return [
        Shown(
            alarm=row,
            reach=Reach(_audience(row), people.get(row.pk, 0)),
            may_take_down=base.Act.DELETE
            in abilities_of(row.inbox, is_public=row.message.is_public).acts,
            failed=failed.get(row.message_id),
            was_checked=row.message_id in checked,
        )
        for row in rows
    ]


@transaction.atomic
def take_down(alarm: Alarm, *, by: User, now: datetime) -> None:
    """Take our words down at the place. Raises `acting.NotAllowedError` where it does not let us,
    `AlreadyAnsweredError` when somebody was faster.
    """
    _answer(alarm, Alarm.Answer.TAKEN_DOWN, word="", by=by, now=now)
    act(alarm.message, base.Act.DELETE, by=by, now=now)


@transaction.atomic
def answer_for(alarm: Alarm, *, by: User, now: datetime) -> None:
    """Somebody answers for it: in its thread, or with a post. Raises `AlreadyAnsweredError`."""
    _answer(alarm, Alarm.Answer.ANSWERED, word="", by=by, now=now)


@transaction.atomic
def call_fine(alarm: Alarm, *, word: str, by: User, now: datetime) -> None:
    """It is fine as it is, and why. Raises `ValueError` without a word, `AlreadyAnsweredError`."""
    if not word.strip():
        raise ValueError("say why it is fine")
    _answer(alarm, Alarm.Answer.FINE, word=word.strip()[:300], by=by, now=now)


def _answer(alarm: Alarm, answer: Alarm.Answer, *, word: str, by: User, now: datetime) -> None:
    changed = _open(Alarm.objects.filter(pk=alarm.pk)).update(
        answer=answer, word=word, answered_by=by, answered_at=now
    )
    if not changed:
        raise AlreadyAnsweredError
    alarm.refresh_from_db()
    conversation = alarm.message.conversation_id
    others = _open(Alarm.objects.filter(message__conversation=conversation))
    if not others.exists():
        told = Notice.objects.filter(conversation=conversation, kind="alarm.raised", read_at=None)
        told.update(read_at=now)
    record(
        "alarm.answered",
        subject="conversation",
        subject_id=conversation,
        at=now,
        actor_id=by.pk,
        data={"message": alarm.message_id, "answer": answer.value},
    )


def _open(alarms: QuerySet[Alarm]) -> QuerySet[Alarm]:
    """Those nobody has answered, and those that could not be taken down there."""
    return _tried(alarms).filter(Q(answer="") | Q(is_stuck=True))


def _tried(alarms: QuerySet[Alarm]) -> QuerySet[Alarm]:
    failed = Act.objects.filter(
        message=OuterRef("message"), kind=base.Act.DELETE, state=Act.State.FAILED
    )
    return alarms.annotate(is_stuck=Q(answer=Alarm.Answer.TAKEN_DOWN) & Exists(failed))


def _audience(alarm: Alarm) -> int | None:
    told = (alarm.message.extra or {}).get("audience")
    return told if isinstance(told, int) else None
