"""The watch on our own words: what was said in our name directly at a place is checked, too.

Posts of ours, and answers that somebody typed at the place itself, are heard like everything else.
They are checked by the lot after they were taken in; what does harm raises an alarm.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from procrastinate.types import JSONValue

from heard.contacts.models import Handle
from heard.conversations.checks.facts import facts_of_post
from heard.conversations.clocks.sweeping import leads
from heard.conversations.models import Alarm, CheckedPost, Message, Notice
from heard.events.diary import record_many
from heard.events.models import Event
from heard.lib.jobs import jobs
from heard.think import Check, Finding, check, check_post
from heard.think.harm import harms

LOT = 1_000
SETTLED = timedelta(seconds=5)
"""By then the echo of a reply that we sent ourselves has been joined to it."""
MOST_HANDLES = 20_000
MATCHED_WITHIN = timedelta(days=14)
"""So long after it was checked a post is told by its words when it comes up at the place."""

ANSWERED = """
    SELECT r.id, said.text, said.language FROM message r CROSS JOIN LATERAL (
        SELECT text, language FROM message
        WHERE conversation_id = r.conversation_id AND kind = 'incoming' AND at <= r.at
        ORDER BY at DESC, id DESC LIMIT 1
    ) said
    WHERE r.id = ANY(%s)
"""


def watch_soon(messages: Collection[int], *, now: datetime) -> None:
    """Queue the check of these messages of ours, in the transaction that took them in."""
    ids: list[JSONValue] = [*sorted(messages)]
    for start in range(0, len(ids), LOT):
        watch.configure(schedule_at=now + SETTLED).defer(message_ids=ids[start : start + LOT])


@jobs.task(name="watch", queue="default")
def watch(*, message_ids: list[int]) -> None:
    """Check one lot. A second run finds the alarms raised, and raises none."""
    look(message_ids, now=timezone.now())


@transaction.atomic
def look(message_ids: Sequence[int], *, now: datetime) -> list[Alarm]:
    """Check what was said at the places themselves, and raise alarms; returns the new ones.

    The number of statements is the same for one message and for a lot, but for five an inbox.
    Messages that heard sent, archives and programs are left alone. An alarm that nobody has
    answered ends when its words are gone from the place, or changed for the better there.
    """
    rows = list(_said_there(message_ids))
    alarms = {it.message_id: it for it in Alarm.objects.filter(message_id__in=message_ids)}
    checked = _checked([row for row in rows if row.deleted_at is None], now=now)
    raised: list[Alarm] = []
    for row in rows:
        found = harms(checked[row.pk], is_public=row.is_public) if row.pk in checked else ()
        alarm = alarms.get(row.pk)
        if found and alarm is None:
            raised.append(_alarm(row, found, now=now))
        elif alarm is not None and not alarm.answer and not found:
            alarm.answer, alarm.answered_at = Alarm.Answer.GONE, now
            alarm.save(update_fields=["answer", "answered_at"])
    Alarm.objects.bulk_create(raised)
    _tell(raised, now=now)
    _match(rows)
    return raised


def _said_there(message_ids: Sequence[int]) -> QuerySet[Message]:
    """Replies of ours that did not go through heard, and are neither history nor a program's."""
    return (
        Message.objects.filter(
            pk__in=message_ids,
            kind=Message.Kind.REPLY,
            author=None,
            sending=None,
            is_automatic=False,
            is_history=False,
            emptied_at=None,
        )
        .select_related("conversation", "inbox")
        .defer("search", "html")
        .order_by("pk")
    )


def _checked(rows: Sequence[Message], *, now: datetime) -> dict[int, Check]:
    """The check of each message by what the house knows of it."""
    if not rows:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(ANSWERED, [[row.pk for row in rows]])
        answered = {pk: (text, language) for pk, text, language in cursor}
    asked = {row.conversation.contact_id for row in rows if row.is_public}
    contacts = {contact for contact in asked if contact is not None}
    details: dict[int, list[tuple[str, str]]] = {}
    for contact, kind, address in Handle.objects.filter(contact_id__in=contacts).values_list(
        "contact_id", "kind", "address"
    )[:MOST_HANDLES]:
        details.setdefault(contact, []).append((kind, address))
    houses = {
        inbox.pk: facts_of_post(inbox, timezone=settings.TIME_ZONE, now=now)
        for inbox in {row.inbox_id: row.inbox for row in rows}.values()
    }
    checked: dict[int, Check] = {}
    for row in rows:
        facts = replace(houses[row.inbox_id], is_public=row.is_public, now=row.at, max_length=None)
        if row.pk not in answered:
            checked[row.pk] = check_post(row.text, facts, in_our_name=True)
            continue
        message, language = answered[row.pk]
        known = details.get(row.conversation.contact_id or 0, ())
        elsewhere = tuple(address for kind, address in known if kind != row.inbox.kind)
        checked[row.pk] = check(
            row.text,
            replace(
                facts,
                message=message,
                contact_language=language,
                contact_name=row.conversation.contact_name,
                contact_details=elsewhere,
            ),
        )
    return checked


def _alarm(row: Message, found: Sequence[Finding], *, now: datetime) -> Alarm:
    told = [
        {"code": it.code, "says": it.says, "start": it.start, "end": it.end} for it in found[:20]
    ]
    return Alarm(message=row, inbox_id=row.inbox_id, found=told, raised_at=now)


def _tell(raised: Sequence[Alarm], *, now: datetime) -> None:
    """Tell the keeper and those who lead, once a conversation; and write it into the diary."""
    if not raised:
        return
    leading = leads({alarm.inbox_id for alarm in raised})
    first = {alarm.message.conversation_id: alarm for alarm in reversed(raised)}
    Notice.objects.bulk_create(
        Notice(
            user_id=person,
            conversation_id=conversation,
            kind="alarm.raised",
            text=alarm.found[0]["says"][:300],
            at=now,
        )
        for conversation, alarm in sorted(first.items())
        for person in sorted({*leading[alarm.inbox_id], *_keeper(alarm)})
    )
    record_many(
        Event(
            name="alarm.raised",
            subject="conversation",
            subject_id=alarm.message.conversation_id,
            at=now,
            data={"message": alarm.message_id, "codes": [it["code"] for it in alarm.found]},
        )
        for alarm in raised
    )


def _keeper(alarm: Alarm) -> tuple[int, ...]:
    keeper = alarm.message.inbox.keeper_id
    return () if keeper is None else (keeper,)


def _match(rows: Sequence[Message]) -> None:
    """Join posts to what somebody had written down of them before, by their very words."""
    posts = [row for row in rows if row.conversation.contact_id is None]
    if not posts:
        return
    waiting = CheckedPost.objects.filter(
        inbox_id__in={row.inbox_id for row in posts},
        message=None,
        at__gt=min(row.at for row in posts) - MATCHED_WITHIN,
    )
    by_words = {(it.inbox_id, _words(it.text)): it for it in waiting.order_by("at", "pk")[:LOT]}
    for row in posts:
        kept = by_words.get((row.inbox_id, _words(row.text)))
        if kept is not None and row.at - MATCHED_WITHIN < kept.at <= row.at:
            CheckedPost.objects.filter(pk=kept.pk, message=None).update(message=row)


def _words(text: str) -> str:
    return " ".join(text.split()).casefold()
