"""Two conversations that turn out to be one: by their thread for good, by a person until undone."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from heard.contacts.models import Joining
from heard.conversations.clocks.settling import settle, tell
from heard.conversations.intake.locking import hold_door
from heard.conversations.models import Conversation, Merging
from heard.events.diary import record, record_many
from heard.events.models import Event
from heard.lib.statements import fetch
from heard.staff.models import User

MOVED = ("resolution", "acknowledgement", "sighting", "promise", "notice", "drafted", "review")
DROPPED = ("clock", "draft", "presence", "too_close")  # worked out again, or of the moment
COPIED = {"sighting": ("user_id", "at"), "resolution": ("at", "by_id")}
"""What is true of both when one becomes two again: seen was all of it, and called done."""


ONE_REVIEW_EACH = """
    UPDATE review r SET state = 'returned', word = 'merged:', ended_at = now() FROM (
        SELECT v.id, row_number() OVER (
            PARTITION BY coalesce(x.kept, v.conversation_id), v.author_id ORDER BY v.id DESC
        ) AS place
        FROM review v
        LEFT JOIN unnest(%(gone)s::bigint[], %(kept)s::bigint[]) AS x(gone, kept)
            ON x.gone = v.conversation_id
        WHERE v.state IN ('resting', 'asked') AND v.conversation_id = ANY(%(gone)s || %(kept)s)
    ) waiting WHERE r.id = waiting.id AND waiting.place > 1
"""
"""Of two replies of one author that wait in what becomes one, the older goes back to them."""

STAND_BACK = """
    INSERT INTO too_close (conversation_id, user_id, at)
    SELECT x.kept, t.user_id, t.at FROM too_close t
    JOIN unnest(%(gone)s::bigint[], %(kept)s::bigint[]) AS x(gone, kept)
        ON x.gone = t.conversation_id
    ON CONFLICT DO NOTHING
"""


HEIR = """
    WITH RECURSIVE went AS (
        SELECT %s::bigint AS id
        UNION SELECT (e.data->>'into')::bigint FROM went JOIN event e ON e.subject = 'conversation'
            AND e.subject_id = went.id AND e.name = 'conversation.removed'
    )
    SELECT c.id FROM went JOIN conversation c ON c.id = went.id
"""


class CannotMergeError(ValueError):
    """The two are not of one contact and one inbox, or one of them is gone; the code says which."""


@dataclass(frozen=True, slots=True)
class Undone:
    """What came of undoing a merge: the conversation that is there again, and the one that kept."""

    gone: int
    kept: int


def merge(pairs: Sequence[tuple[int, int]], *, now: datetime) -> None:
    """Move everything of the first conversation of each pair into the second, and remove the first.

    The caller settles the second ones afterwards. What people merged into the first is in the
    second from now on. Where each went is written down: see `heir_of`.
    """
    parameters = [[gone for gone, _ in pairs], [kept for _, kept in pairs]]
    with connection.cursor() as cursor:
        for statement in (ONE_REVIEW_EACH, STAND_BACK):
            cursor.execute(statement, {"gone": parameters[0], "kept": parameters[1]})
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
        for table, column in (
            ("conversation", "merged_into_id"),
            ("merging", "kept_id"),
            ("splitting", "source_id"),
        ):
            cursor.execute(
                f"UPDATE {table} t SET {column} = x.kept FROM unnest(%s::bigint[], %s::bigint[]) "
                f"AS x(gone, kept) WHERE t.{column} = x.gone",
                parameters,
            )
        cursor.execute("DELETE FROM splitting WHERE part_id = ANY(%s)", [parameters[0]])
        for table in DROPPED:
            cursor.execute(
                f"DELETE FROM {table} WHERE conversation_id = ANY(%s)",
                [parameters[0]],
            )
        cursor.execute("DELETE FROM conversation WHERE id = ANY(%s)", [parameters[0]])
    write_heirs(pairs, now=now)


def write_heirs(pairs: Sequence[tuple[int, int]], *, now: datetime) -> None:
    """Write down into which conversation each went whose row is no longer there."""
    record_many(
        Event(
            name="conversation.removed",
            subject="conversation",
            subject_id=gone,
            at=now,
            data={"into": kept},
        )
        for gone, kept in pairs
    )


def heir_of(conversation: int) -> int | None:
    """The conversation that has what was said in one that was removed; None if nothing has."""
    found = fetch(HEIR, [conversation])
    return found[0][0] if found else None


@transaction.atomic
def unite(gone: Conversation, *, into: Conversation, by: User, now: datetime) -> Merging:
    """Make two conversations of one contact in one inbox one, until somebody undoes it.

    Raises `CannotMergeError` with "same", "inbox", "contact" or "gone".
    """
    hold_door(into.inbox_id)
    locked = Conversation.objects.select_for_update().order_by("pk").in_bulk([gone.pk, into.pk])
    if gone.pk == into.pk:
        raise CannotMergeError("same")
    if len(locked) < 2 or any(one.merged_into_id for one in locked.values()):
        raise CannotMergeError("gone")
    gone, into = locked[gone.pk], locked[into.pk]
    if gone.inbox_id != into.inbox_id:
        raise CannotMergeError("inbox")
    if gone.contact_id != into.contact_id or gone.contact_id is None:
        raise CannotMergeError("contact")
    merging = put_into(gone.pk, into.pk, by=by, now=now)
    record(
        "conversation.merged",
        subject="conversation",
        subject_id=into.pk,
        at=now,
        actor_id=by.pk,
        data={"merging": merging.pk, "gone": gone.pk, "preview": gone.preview[:80]},
    )
    settle([into.pk], now=now)
    return merging


@transaction.atomic
def undo(merging: Merging, *, by: User, now: datetime) -> Undone:
    """Make two of one again: what came, goes back, and what has come to its thread since.

    Raises `CannotMergeError` with "undone" when that has been done already.
    """
    hold_door(merging.kept.inbox_id)
    merging = Merging.objects.select_for_update().get(pk=merging.pk)
    if merging.undone_at is not None:
        raise CannotMergeError("undone")
    holder = where_now(merging.kept_id)
    more = _since(merging, holder)
    take_back(merging, more=more, now=now)
    for subject in (merging.gone_id, holder):
        record(
            "conversation.unmerged",
            subject="conversation",
            subject_id=subject,
            at=now,
            actor_id=by.pk,
            data={"merging": merging.pk, "gone": merging.gone_id, "kept": holder},
        )
    settle([merging.gone_id, holder], now=now)
    return Undone(merging.gone_id, holder)


def put_into(
    gone: int, kept: int, *, by: User | None, now: datetime, joining: Joining | None = None
) -> Merging:
    """Move everything of one conversation into another and write down what it takes to undo it.

    The emptied row stays, and leads there. The caller settles `kept`.
    """
    with connection.cursor() as cursor:
        for statement in (ONE_REVIEW_EACH, STAND_BACK):
            cursor.execute(statement, {"gone": [gone], "kept": [kept]})
        moved = {
            table: _ids(cursor, table, "conversation_id", gone) for table in ("message", *MOVED)
        }
        cursor.execute(
            "SELECT id FROM event WHERE subject = 'conversation' AND subject_id = %s", [gone]
        )
        moved["event"] = [row[0] for row in cursor]
        cursor.execute(
            "SELECT id FROM draft d WHERE conversation_id = %s AND NOT EXISTS (SELECT FROM draft o "
            "WHERE o.conversation_id = %s AND o.author_id = d.author_id)",
            [gone, kept],
        )
        moved["draft"] = [row[0] for row in cursor]
        clocks = clocks_of(gone, kept)
        columns = ("assignee_id", "team_id", "is_history", "inbox_id")
        before = Conversation.objects.values(*columns).get(pk=kept)
        for table in ("message", *MOVED, "draft"):
            _move(table, moved[table], to=kept)
        cursor.execute(
            "UPDATE event SET subject_id = %s WHERE id = ANY(%s)", [kept, moved["event"]]
        )
        cursor.execute("DELETE FROM clock WHERE conversation_id = %s", [gone])
        cursor.execute("DELETE FROM presence WHERE conversation_id = %s", [gone])
        _insert_clocks(clocks, to={gone: kept})
        cursor.execute(
            """
            UPDATE conversation c SET assignee_id = coalesce(c.assignee_id, g.assignee_id),
                team_id = coalesce(c.team_id, g.team_id), is_history = c.is_history AND g.is_history
            FROM conversation g WHERE c.id = %s AND g.id = %s
            """,
            [kept, gone],
        )
        cursor.execute(
            """
            UPDATE conversation SET merged_into_id = %(kept)s, status = 'resolved',
                started_at = NULL, last_at = NULL, first_incoming_at = NULL,
                last_incoming_at = NULL, started_by_contact = false, first_reply_seconds = NULL,
                incoming_count = 0, reply_count = 0, need = 'nothing', waiting_since = NULL,
                due_at = NULL, due_from = NULL, due_kind = '', promised_at = NULL,
                closes_at = NULL, is_turned = NULL, is_urgent = false
            WHERE id = %(gone)s
            """,
            {"kept": kept, "gone": gone},
        )
        cursor.execute(
            "UPDATE conversation SET merged_into_id = %s WHERE merged_into_id = %s", [kept, gone]
        )
    tell([(gone, before["inbox_id"])])
    return Merging.objects.create(
        gone_id=gone,
        kept_id=kept,
        joining=joining,
        at=now,
        by=by,
        moved=moved,
        before={
            "assignee": before["assignee_id"],
            "team": before["team_id"],
            "is_history": before["is_history"],
        },
        clocks=clocks,
    )


def take_back(merging: Merging, *, more: Collection[int], now: datetime) -> None:
    """Give the conversation that went its rows again, and the messages `more`; mark it undone.

    The caller settles both.
    """
    gone, holder = merging.gone_id, where_now(merging.kept_id)
    moved: dict[str, list[int]] = merging.moved
    with connection.cursor() as cursor:
        said = [*moved["message"], *more]
        _move("message", said, to=gone, only_from=holder)
        for table in (*MOVED, "draft"):
            _move(table, moved.get(table, []), to=gone, only_from=holder)
        cursor.execute(
            "UPDATE event SET subject_id = %s WHERE id = ANY(%s) AND subject_id = %s",
            [gone, moved["event"], holder],
        )
        follow_messages(cursor, said, to=gone)
        # What was done in the one that stayed at the very moment of the merge came before it.
        copy_deeds(cursor, source=holder, to=gone, since=merging.at + timedelta.resolution)
        cursor.execute(
            "UPDATE conversation SET merged_into_id = NULL, is_history = is_history AND NOT EXISTS "
            "(SELECT FROM message WHERE id = ANY(%s) AND NOT is_history AND kind <> 'note') "
            "WHERE id = %s",
            [list(more), gone],
        )
        before = merging.before
        if holder == merging.kept_id:
            cursor.execute(
                """
                UPDATE conversation c SET
                    assignee_id = CASE WHEN %(assignee)s::bigint IS NULL
                        AND c.assignee_id = g.assignee_id THEN NULL ELSE c.assignee_id END,
                    team_id = CASE WHEN %(team)s::bigint IS NULL
                        AND c.team_id = g.team_id THEN NULL ELSE c.team_id END,
                    is_history = %(is_history)s AND NOT EXISTS (SELECT FROM message m
                        WHERE m.conversation_id = c.id AND NOT m.is_history AND m.kind <> 'note')
                FROM conversation g WHERE c.id = %(kept)s AND g.id = %(gone)s
                """,
                {**before, "kept": holder, "gone": gone},
            )
        _give_back_tombstones(cursor, gone)
        restore_clocks(cursor, merging.clocks, among=(gone, holder))
    merging.undone_at = now
    merging.save(update_fields=["undone_at"])


def where_now(conversation: int) -> int:
    """The conversation that holds what this one held: itself, or what it was merged into."""
    into = Conversation.objects.values_list("merged_into_id", flat=True).get(pk=conversation)
    return into or conversation


def clocks_of(*conversations: int) -> list[dict[str, Any]]:
    """The clocks of conversations as they stand, to be put back by `restore_clocks`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(jsonb_agg(to_jsonb(k) ORDER BY k.id), '[]') FROM clock k "
            "WHERE conversation_id = ANY(%s)",
            [list(conversations)],
        )
        found = cursor.fetchone()[0]
    return list(json.loads(found) if isinstance(found, str) else found)


def restore_clocks(
    cursor: Any, clocks: Sequence[Mapping[str, Any]], *, among: Collection[int]
) -> None:
    """Let what the sweep had found stand again, where the message or promise of a clock is now.

    Clocks that are as they were stay; `settle` then brings all of them into line.
    """
    cursor.execute(
        """
        UPDATE clock k SET conversation_id = coalesce(m.conversation_id, p.conversation_id)
        FROM clock o LEFT JOIN message m ON m.id = o.message_id
            LEFT JOIN promise p ON p.id = o.promise_id
        WHERE k.id = o.id AND k.conversation_id = ANY(%(among)s)
            AND coalesce(m.conversation_id, p.conversation_id) <> k.conversation_id
        """,
        {"among": list(among)},
    )
    cursor.execute(
        """
        INSERT INTO clock
        SELECT (jsonb_populate_record(r, jsonb_build_object('conversation_id',
            coalesce(m.conversation_id, p.conversation_id)))).*
        FROM jsonb_populate_recordset(NULL::clock, %(clocks)s::jsonb) r
        LEFT JOIN message m ON m.id = r.message_id LEFT JOIN promise p ON p.id = r.promise_id
        WHERE coalesce(m.conversation_id, p.conversation_id) = ANY(%(among)s)
        ON CONFLICT DO NOTHING
        """,
        {"clocks": json.dumps(list(clocks)), "among": list(among)},
    )


def follow_messages(cursor: Any, messages: Collection[int], *, to: int) -> None:
    """Let what hangs on messages go where they went."""
    cursor.execute(
        "UPDATE acknowledgement SET conversation_id = %s WHERE message_id = ANY(%s)",
        [to, list(messages)],
    )


def copy_deeds(cursor: Any, *, source: int, to: int, since: datetime) -> None:
    """What was seen and called done since a moment holds for both of what is two now."""
    for table, columns in COPIED.items():
        names = ", ".join(columns)
        cursor.execute(
            f"INSERT INTO {table} (conversation_id, {names}) SELECT %(to)s, {names} FROM {table} "
            "WHERE conversation_id = %(source)s AND at >= %(since)s",
            {"to": to, "source": source, "since": since},
        )


def _since(merging: Merging, holder: int) -> list[int]:
    """The messages that came since the merge and hang, however deep, in the thread that went."""
    gone = Conversation.objects.only("root").get(pk=merging.gone_id)
    moved = set(merging.moved["message"])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, external_id, up, parent FROM message WHERE conversation_id = %s "
            "ORDER BY at, id",
            [holder],
        )
        rows = cursor.fetchall()
        cursor.execute("SELECT root FROM conversation WHERE id = %s", [holder])
        kept_root = cursor.fetchone()[0]
    names = {external for pk, external, _, _ in rows if pk in moved and external}
    if gone.root != kept_root:
        names.add(gone.root)
    more: list[int] = []
    while True:
        found = [
            (pk, external)
            for pk, external, up, parent in rows
            if pk not in moved and (parent or up) in names
        ]
        if not found:
            return more
        more.extend(pk for pk, _ in found)
        moved.update(pk for pk, _ in found)
        names.update(external for _, external in found if external)


def _ids(cursor: Any, table: str, column: str, value: int) -> list[int]:
    cursor.execute(f"SELECT id FROM {table} WHERE {column} = %s ORDER BY id", [value])
    return [row[0] for row in cursor]


def _move(table: str, ids: Collection[int], *, to: int, only_from: int | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET conversation_id = %(to)s WHERE id = ANY(%(ids)s) "
            "AND (%(from)s::bigint IS NULL OR conversation_id = %(from)s)",
            {"to": to, "ids": list(ids), "from": only_from},
        )


def _insert_clocks(clocks: Sequence[Mapping[str, Any]], *, to: Mapping[int, int]) -> None:
    """Put the clocks of one conversation into another; its own stay as they are."""
    moved = [
        {**clock, "conversation_id": to[clock["conversation_id"]]}
        for clock in clocks
        if clock["conversation_id"] in to
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO clock SELECT * FROM jsonb_populate_recordset(NULL::clock, %s::jsonb) "
            "ON CONFLICT DO NOTHING",
            [json.dumps(moved)],
        )


def _give_back_tombstones(cursor: Any, gone: int) -> None:
    """What had been merged into the one that is back, leads to it again."""
    cursor.execute(
        "UPDATE conversation c SET merged_into_id = %(gone)s FROM merging m "
        "WHERE m.gone_id = c.id AND m.kept_id = %(gone)s AND m.undone_at IS NULL "
        "AND c.merged_into_id IS NOT NULL",
        {"gone": gone},
    )
