"""Contents that are kept for a time alone: then the words, names and files go, and the row stays.

How long is a setting of the inbox, and never longer than its place's rules allow. Clocks, readings
and marks stay, so that no figure changes. Counted from when a message was heard.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, connection, transaction
from django.utils import timezone

from heard.assistant import forgetting as assistant
from heard.conversations.abilities import kept_for
from heard.conversations.clocks.settling import tell
from heard.conversations.files import tidying
from heard.conversations.models import Attachment, Forgotten, Inbox
from heard.conversations.search import vocabulary
from heard.lib.jobs import jobs
from heard.lib.stores import StoreError

log = logging.getLogger(__name__)

AHEAD = timedelta(minutes=15)
"""So long before its time something goes: the next look may be too late."""
WALKED = 2_000
LOT = 500

KEPT_FACTS = ("url", "rating", "audience", "shares", "quotes", "opted")
"""What a place told of a message that is nobody's words and stays."""

STEP = """
    SELECT m.id, m.inbox_id = %(inbox)s, m.heard_at < %(before)s AND coalesce(s.state, '')
        NOT IN ('waiting', 'sending')
    FROM message m LEFT JOIN sending s ON s.message_id = m.id AND m.inbox_id = %(inbox)s
    WHERE m.id > %(after)s ORDER BY m.id LIMIT %(limit)s
"""

STEP_OF_DELIVERIES = """
    SELECT id, inbox_id = %(inbox)s, received_at < %(before)s
        AND (inbox_id <> %(inbox)s OR state <> 'waiting')
    FROM delivery WHERE id > %(after)s ORDER BY id LIMIT %(limit)s
"""

SAID_AGAIN = """
    SELECT m.id FROM change g JOIN message m ON m.inbox_id = g.inbox_id
        AND m.external_id = g.external_id AND m.external_id <> '' AND m.kind = g.kind
    WHERE g.inbox_id = %(inbox)s AND g.what = 'edited' AND (g.text <> '' OR g.html <> '')
        AND g.heard_at < %(before)s AND m.id <= %(up_to)s
    ORDER BY m.id LIMIT %(limit)s
"""

NEVER_SAID = """
    DELETE FROM change g WHERE g.inbox_id = %(inbox)s AND (g.text <> '' OR g.html <> '')
        AND g.what IN ('written', 'edited') AND g.heard_at < %(before)s AND NOT EXISTS (
            SELECT FROM message m WHERE m.inbox_id = g.inbox_id AND m.kind = g.kind
                AND m.external_id = g.external_id AND m.external_id <> '')
"""

FACTS = """
    (SELECT jsonb_object_agg(key, value) FROM jsonb_each({told})
        WHERE key = ANY(%(facts)s))
"""

EMPTY_CHANGES = f"""
    UPDATE change g SET text = '', html = '', told = coalesce(g.told, '{{}}')
        || jsonb_build_object('is_emptied', true,
            'extra', coalesce({FACTS.format(told="coalesce(g.told -> 'extra', '{}')")}, '{{}}'))
    FROM message m
    WHERE m.id = ANY(%(ids)s) AND m.external_id <> '' AND g.inbox_id = m.inbox_id
        AND g.external_id = m.external_id AND g.kind = m.kind AND g.what IN ('written', 'edited')
"""

EMPTY_MESSAGES = f"""
    UPDATE message m SET text = '', html = '', subject = '', urgency_reason = '',
        author_name = CASE WHEN m.kind = 'incoming' THEN '' ELSE m.author_name END,
        emptied_at = %(now)s,
        extra = nullif(
            coalesce({FACTS.format(told="coalesce(m.extra, '{}')")}, '{{}}')
            || CASE WHEN jsonb_typeof(m.extra -> 'call') = 'object'
                THEN jsonb_build_object('call', (m.extra -> 'call') - %(call_words)s::text[])
                ELSE '{{}}' END,
            '{{}}')
    WHERE m.id = ANY(%(ids)s)
"""

EMPTY_CALLS = """
    UPDATE call k SET caller_name = '', events = coalesce(
        (SELECT jsonb_object_agg(key, value - %(call_words)s::text[]) FROM jsonb_each(k.events)),
        '{}')
    WHERE k.message_id = ANY(%(ids)s)
"""
CALL_WORDS = ["caller_name", "text", "file"]

EMPTY_CONVERSATIONS = """
    UPDATE conversation c SET
        preview = CASE WHEN l.emptied_at IS NULL THEN c.preview ELSE '' END,
        subject = CASE WHEN f.emptied_at IS NULL THEN c.subject ELSE '' END
    FROM conversation o
    LEFT JOIN LATERAL (SELECT emptied_at FROM message WHERE conversation_id = o.id
        AND kind <> 'note' ORDER BY at DESC, id DESC LIMIT 1) l ON true
    LEFT JOIN LATERAL (SELECT emptied_at FROM message WHERE conversation_id = o.id
        AND kind <> 'note' ORDER BY at, id LIMIT 1) f ON true
    WHERE c.id = ANY(%(conversations)s) AND o.id = c.id
"""

OVER = """
    ({at} < %(before)s OR NOT EXISTS (SELECT FROM message m
        WHERE m.conversation_id = {conversation} AND m.emptied_at IS NULL))
"""
"""Older than may be kept, or of a conversation of which nothing is kept."""

AROUND = (
    f"""
    DELETE FROM draft d WHERE d.conversation_id = ANY(%(conversations)s)
        AND {OVER.format(at="d.updated_at", conversation="d.conversation_id")}
    """,
    """
    UPDATE drafted d SET text = '', state = 'left' WHERE d.text <> ''
        AND d.conversation_id = ANY(%(conversations)s)
    """,
    f"""
    DELETE FROM review r WHERE r.conversation_id = ANY(%(conversations)s)
        AND r.state NOT IN ('resting', 'asked')
        AND {OVER.format(at="r.at", conversation="r.conversation_id")}
    """,
    f"""
    UPDATE promise p SET text = '' WHERE p.conversation_id = ANY(%(conversations)s)
        AND {OVER.format(at="p.made_at", conversation="p.conversation_id")}
    """,
    f"""
    UPDATE notice n SET text = '' WHERE n.conversation_id = ANY(%(conversations)s)
        AND n.kind = 'help.called' AND {OVER.format(at="n.at", conversation="n.conversation_id")}
    """,
    f"""
    UPDATE event e SET data = e.data - %(event_words)s::text[]
    WHERE e.subject = 'conversation' AND e.subject_id = ANY(%(conversations)s)
        AND e.data ?| %(event_words)s::text[]
        AND {OVER.format(at="e.at", conversation="e.subject_id")}
    """,
    "DELETE FROM print p WHERE p.message_id = ANY(%(ids)s)",
    "DELETE FROM exchange WHERE reply_id = ANY(%(ids)s) OR question_id = ANY(%(ids)s)",
    "UPDATE act a SET text = '' WHERE a.message_id = ANY(%(ids)s) AND a.state <> 'waiting'",
)
EVENT_WORDS = ["text", "preview"]

SPEECHLESS = """
    SELECT DISTINCT m.contact_id FROM message m
    WHERE m.id = ANY(%(ids)s) AND m.contact_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM message o WHERE o.contact_id = m.contact_id AND o.emptied_at IS NULL)
"""

NAMELESS = (
    """
    UPDATE contact k SET name = coalesce((SELECT left(h.address, 200) FROM handle h
        WHERE h.contact_id = k.id OR h.contact_id = k.into_id ORDER BY h.id LIMIT 1), '')
    WHERE k.id = ANY(%(people)s) OR k.into_id = ANY(%(people)s)
    """,
    "UPDATE handle SET name = '' WHERE contact_id = ANY(%(people)s)",
    "DELETE FROM trace WHERE contact_id = ANY(%(people)s) AND sort <> 'page'",
    "DELETE FROM likeness WHERE one_id = ANY(%(people)s) OR other_id = ANY(%(people)s)",
    """
    UPDATE joining SET reasons = '[]', before = CASE WHEN before ? 'name'
        THEN jsonb_set(before, '{name}', '""') ELSE before END
    WHERE kept_id = ANY(%(people)s)
    """,
    """
    UPDATE conversation c SET contact_name = k.name FROM contact k
    WHERE c.contact_id = ANY(%(people)s) AND k.id = c.contact_id
    """,
)

EMPTY_DELIVERIES = """
    UPDATE delivery SET body = '', headers = '{}', "where" = '',
        reason = CASE WHEN reason = '' THEN '' ELSE %(reason)s END
    WHERE id = ANY(%(ids)s)
"""
REASON = "What it held is not kept any longer."


@jobs.periodic(cron="*/10 * * * *")
@jobs.task(name="forget_contents", queue="background", queueing_lock="forget_contents")
def forget_contents(timestamp: int) -> None:  # noqa: ARG001 - given to every periodic job
    """Empty, in every inbox that keeps contents for a time alone, what its time is up for."""
    now = timezone.now()
    for inbox in Inbox.objects.order_by("pk"):
        try:
            forget(inbox, now=now)
        except (Error, StoreError):  # one inbox's fault must not keep the others' contents
            log.exception("%s could not be emptied; it is tried again", inbox)


def forget(inbox: Inbox, *, now: datetime) -> int:
    """Empty what this inbox has kept for long enough; returns how many messages that were.

    Works in lots, each a transaction of its own. Every row is walked past once, ever: what an
    interruption leaves is emptied the next time.
    """
    limit = kept_for(inbox)
    if limit is None:
        return 0
    before = now - max(limit - AHEAD, limit / 2)
    emptied = 0
    while (count := _next_messages(inbox, before=before, now=now)) is not None:
        emptied += count
    while count := _said_again(inbox, before=before, now=now):
        emptied += count
    with connection.cursor() as cursor:
        cursor.execute(NEVER_SAID, {"inbox": inbox.pk, "before": before})
    while _next_deliveries(inbox, before=before):
        pass
    return emptied


def _next_messages(inbox: Inbox, *, before: datetime, now: datetime) -> int | None:
    """Walk on by a step and empty what is ours; None when the walk has come to its end."""
    with transaction.atomic():
        row, _ = Forgotten.objects.select_for_update().get_or_create(inbox=inbox)
        walked = _step(STEP, inbox, after=row.message, before=before)
        if not walked:
            return None
        ids = [pk for pk, is_ours in walked if is_ours]
        digests = _empty(ids, before=before, now=now)
        row.message = walked[-1][0]
        row.save(update_fields=["message"])
    tidying.remove(digests, now=now)
    return len(ids)


def _said_again(inbox: Inbox, *, before: datetime, now: datetime) -> int:
    """Empty what was edited, and thereby heard again, after the walk had passed it."""
    with transaction.atomic(), connection.cursor() as cursor:
        row, _ = Forgotten.objects.select_for_update().get_or_create(inbox=inbox)
        cursor.execute(
            SAID_AGAIN,
            {"inbox": inbox.pk, "before": before, "up_to": row.message, "limit": LOT},
        )
        ids = [pk for (pk,) in cursor.fetchall()]
        digests = _empty(ids, before=before, now=now)
    tidying.remove(digests, now=now)
    return len(ids)


@transaction.atomic
def _next_deliveries(inbox: Inbox, *, before: datetime) -> int:
    """Walk on past deliveries by a step, emptying ours; returns how many were walked past."""
    row, _ = Forgotten.objects.select_for_update().get_or_create(inbox=inbox)
    walked = _step(STEP_OF_DELIVERIES, inbox, after=row.delivery, before=before)
    if walked:
        ids = [pk for pk, is_ours in walked if is_ours]
        with connection.cursor() as cursor:
            cursor.execute(EMPTY_DELIVERIES, {"ids": ids, "reason": REASON})
        row.delivery = walked[-1][0]
        row.save(update_fields=["delivery"])
    return len(walked)


def _step(
    statement: str, inbox: Inbox, *, after: int, before: datetime
) -> Sequence[tuple[int, bool]]:
    """The next rows of all inboxes, by id and whether they are this one's.

    They end before the first that is too young, since ids rise with time, or after a lot of ours.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            statement, {"inbox": inbox.pk, "before": before, "after": after, "limit": WALKED}
        )
        rows = cursor.fetchall()
    walked: list[tuple[int, bool]] = []
    ours = 0
    for pk, is_ours, is_ripe in rows:
        if not is_ripe or ours == LOT:
            break
        ours += is_ours
        walked.append((pk, is_ours))
    return walked


def _empty(ids: Collection[int], *, before: datetime, now: datetime) -> list[str]:
    """Take words, names and files from these messages and from what was made of them.

    Returns the digests of the files, whose bytes go once this is committed.
    """
    if not ids:
        return []
    told: dict[str, Any] = {
        "ids": sorted(ids),
        "before": before,
        "now": now,
        "facts": list(KEPT_FACTS),
        "call_words": CALL_WORDS,
        "event_words": EVENT_WORDS,
    }
    vocabulary.unlearn(sorted(ids))
    files = Attachment.objects.filter(message_id__in=ids)
    digests = sorted(set(files.exclude(digest="").values_list("digest", flat=True)))
    files.delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conversation_id, inbox_id FROM message WHERE id = ANY(%(ids)s) "
            "ORDER BY id FOR UPDATE",
            told,
        )
        touched = sorted(set(cursor.fetchall()))
        cursor.execute(EMPTY_CHANGES, told)
        cursor.execute(EMPTY_MESSAGES, told)
        cursor.execute(EMPTY_CALLS, told)
        told["conversations"] = [conversation for conversation, _ in touched]
        cursor.execute(EMPTY_CONVERSATIONS, told)
        for statement in AROUND:
            cursor.execute(statement, told)
        assistant.empty(told["conversations"])
        cursor.execute(SPEECHLESS, told)
        told["people"] = [pk for (pk,) in cursor.fetchall()]
        if told["people"]:
            for statement in NAMELESS:
                cursor.execute(statement, told)
    tell(touched)
    return digests
