"""Who looks at a conversation or types in it just now, told to everybody who has it open."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction

from heard.conversations.clocks.settling import tell
from heard.conversations.models import Conversation
from heard.conversations.queries import PRESENT_SECONDS
from heard.staff.models import User


@transaction.atomic
def be_present(conversation: Conversation, *, by: User, is_typing: bool, now: datetime) -> None:
    """Note that somebody is here; colleagues hear of it when it is news."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH before AS (
                SELECT is_typing, at FROM presence
                WHERE conversation_id = %(pk)s AND user_id = %(me)s
            ), written AS (
                INSERT INTO presence (conversation_id, user_id, at, is_typing)
                VALUES (%(pk)s, %(me)s, %(now)s, %(typing)s)
                ON CONFLICT (conversation_id, user_id)
                    DO UPDATE SET at = excluded.at, is_typing = excluded.is_typing
            )
            SELECT is_typing FROM before WHERE at > %(lately)s
            """,
            {
                "pk": conversation.pk,
                "me": by.pk,
                "now": now,
                "typing": is_typing,
                "lately": now - timedelta(seconds=PRESENT_SECONDS),
            },
        )
        before = cursor.fetchone()
    if before is None or before[0] != is_typing:
        tell([(conversation.pk, conversation.inbox_id)], what="presence")


@transaction.atomic
def leave(conversation: Conversation, *, by: User, now: datetime) -> None:
    """Note that somebody has gone, and forget who went without a word."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM presence WHERE (conversation_id = %s AND user_id = %s) OR "
            "(user_id = %s AND at < %s)",
            [conversation.pk, by.pk, by.pk, now - timedelta(seconds=PRESENT_SECONDS)],
        )
        has_left = cursor.rowcount > 0
    if has_left:
        tell([(conversation.pk, conversation.inbox_id)], what="presence")
