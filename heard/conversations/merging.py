"""Two conversations that turn out to be one."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

MOVED = ("resolution", "acknowledgement", "sighting", "promise", "notice")
DROPPED = ("clock", "draft", "presence")  # worked out again, or of the moment


def merge(pairs: Sequence[tuple[int, int]]) -> None:
    """Move everything of the first conversation of each pair into the second, and remove the first.

    The caller settles the second ones afterwards.
    """
    parameters = [[gone for gone, _ in pairs], [kept for _, kept in pairs]]
    with connection.cursor() as cursor:
        for table in ("message", *MOVED):
            cursor.execute(
                f"UPDATE {table} t SET conversation_id = x.kept FROM "
                "unnest(%s::bigint[], %s::bigint[]) AS x(gone, kept) "
                "WHERE t.conversation_id = x.gone",
                parameters,
            )
        cursor.execute(
            """
            UPDATE conversation c SET assignee_id = coalesce(c.assignee_id, g.assignee_id),
                team_id = coalesce(c.team_id, g.team_id),
                is_history = c.is_history AND g.is_history,
                token = CASE WHEN c.token = '' THEN g.token ELSE c.token END
            FROM unnest(%s::bigint[], %s::bigint[]) AS x(gone, kept), conversation g
            WHERE c.id = x.kept AND g.id = x.gone
            """,
            parameters,
        )
        cursor.execute(
            "UPDATE event e SET subject_id = x.kept FROM unnest(%s::bigint[], %s::bigint[]) "
            "AS x(gone, kept) WHERE e.subject = 'conversation' AND e.subject_id = x.gone",
            parameters,
        )
        for table in DROPPED:
            cursor.execute(
                f"DELETE FROM {table} WHERE conversation_id = ANY(%s)",
                [parameters[0]],
            )
        cursor.execute("DELETE FROM conversation WHERE id = ANY(%s)", [parameters[0]])
