"""Keeps conversations and clocks true to what happened: the one place that writes what follows.

Whoever adds a message, a reading, a resolution, an acknowledgement or a promise calls `settle` with
the conversations it touched, in the same transaction. The number of statements does not grow with
them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction

from heard.conversations.abilities import windows_of
from heard.conversations.clocks.hours import ALWAYS, OpeningHours, due_at
from heard.conversations.clocks.standing import (
    Happening,
    RunningClock,
    Standing,
    Targets,
    What,
    stand,
)
from heard.conversations.models import Inbox

Rules = tuple[Targets, OpeningHours]

NO_CLOCKS: Mapping[Any, Any] = MappingProxyType({})

CONVERSATIONS = """
    SELECT c.id, c.inbox_id, c.is_history, c.snoozed_at, c.snoozed_until, i.kind,
        (i.settings ->> 'window_hours')::float8
    FROM conversation c JOIN inbox i ON i.id = c.inbox_id
    WHERE c.id = ANY(%s) AND c.merged_into_id IS NULL ORDER BY c.id FOR UPDATE OF c
"""

MESSAGES = """
    SELECT conversation_id, id, at, kind, external_id, author_id, need, mood,
           urgency = 'high', is_automatic, is_history, deleted_at
    FROM message WHERE conversation_id = ANY(%s) AND kind <> 'note'
"""

DEEDS = """
    SELECT conversation_id, 2 AS what, at, id, by_id FROM acknowledgement
    WHERE conversation_id = ANY(%(ids)s)
    UNION ALL
    SELECT conversation_id, 3, at, id, by_id FROM resolution WHERE conversation_id = ANY(%(ids)s)
"""

CLOCKS = """
    SELECT conversation_id, id, kind, message_id, promise_id, due_at, next_at, failed_at
    FROM clock WHERE conversation_id = ANY(%s)
"""

PROMISES = """
    SELECT conversation_id, id, made_at, due_at, kept_at, withdrawn_at, made_by_id
    FROM promise WHERE conversation_id = ANY(%s)
"""

EMPTY = """
    DELETE FROM conversation c WHERE c.id = ANY(%s)
        AND NOT EXISTS (SELECT FROM review r WHERE r.conversation_id = c.id)
"""

WRITE_CLOCKS = """
    INSERT INTO clock (conversation_id, inbox_id, message_id, promise_id, kind, started_at, due_at,
        warn_assignee_at, warn_manager_at, next_at, met_at, met_by_id, open_minutes, ended_at,
        is_paused, failed_at, fail, sighting, keeper_id, is_history)
    SELECT x.conversation_id, x.inbox_id, x.message_id, x.promise_id, x.kind, x.started_at,
        x.due_at, x.warn_assignee_at, x.warn_manager_at, x.next_at, x.met_at, x.met_by_id,
        x.open_minutes, x.ended_at, x.is_paused, x.failed_at, x.fail, x.sighting,
        CASE WHEN x.failed_at IS NULL THEN NULL ELSE i.keeper_id END, x.is_history
    FROM json_to_recordset(%s::json) AS x(conversation_id bigint, inbox_id bigint,
        message_id bigint, promise_id bigint, kind text, started_at timestamptz, due_at timestamptz,
        warn_assignee_at timestamptz, warn_manager_at timestamptz, next_at timestamptz,
        met_at timestamptz, met_by_id bigint, open_minutes float8, ended_at timestamptz,
        is_paused bool, failed_at timestamptz, fail text, sighting text, is_history bool)
    JOIN inbox i ON i.id = x.inbox_id
    ON CONFLICT (conversation_id, kind, message_id, promise_id) DO UPDATE SET
        started_at = excluded.started_at, due_at = excluded.due_at,
        warn_assignee_at = excluded.warn_assignee_at, warn_manager_at = excluded.warn_manager_at,
        next_at = excluded.next_at, met_at = excluded.met_at, met_by_id = excluded.met_by_id,
        open_minutes = excluded.open_minutes, ended_at = excluded.ended_at,
        is_paused = excluded.is_paused, is_history = excluded.is_history,
        failed_at = CASE WHEN excluded.failed_at IS NULL OR excluded.is_history
            THEN excluded.failed_at ELSE coalesce(clock.failed_at, excluded.failed_at) END,
        fail = excluded.fail,
        sighting = CASE WHEN excluded.failed_at IS NULL THEN ''
            WHEN clock.failed_at IS NULL THEN excluded.sighting ELSE clock.sighting END,
        keeper_id = coalesce(clock.keeper_id, excluded.keeper_id)
"""

FLOOD_OF = """
    (SELECT CASE WHEN count(*) = count(f.flood_id) AND count(DISTINCT f.flood_id) = 1
        THEN min(f.flood_id) END
    FROM message m LEFT JOIN flooded f ON f.message_id = m.id AND f.taken_out_at IS NULL
    WHERE m.conversation_id = {conversation} AND m.kind = 'incoming')
"""
"""The flood of which all is that the contact said there; null as soon as anything else is said."""

WRITE_CONVERSATIONS = f"""
    UPDATE conversation c SET
        status = x.status, started_at = x.started_at, last_at = x.last_at,
        first_incoming_at = x.first_incoming_at, last_incoming_at = x.last_incoming_at,
        started_by_contact = x.started_by_contact, first_reply_seconds = x.first_reply_seconds,
        incoming_count = x.incoming_count, reply_count = x.reply_count, need = x.need,
        waiting_since = x.waiting_since, due_at = x.due_at, due_from = x.due_from,
        due_kind = x.due_kind, promised_at = x.promised_at, first_mood = x.first_mood,
        last_mood = x.last_mood, is_turned = x.is_turned, is_urgent = x.is_urgent,
        snoozed_until = CASE WHEN x.status = 'snoozed' THEN c.snoozed_until END,
        snoozed_at = CASE WHEN x.status = 'snoozed' THEN c.snoozed_at END,
        contact_name = coalesce(k.name, ''),
        preview = coalesce(m.preview, ''), last_kind = coalesce(m.kind, ''),
        subject = coalesce(f.subject, ''), is_public = coalesce(f.is_public, false),
        closes_at = x.last_incoming_at + make_interval(
            secs => CASE WHEN f.is_public THEN x.public_window ELSE x.private_window END),
        flood_id = CASE WHEN c.flood_id IS NOT NULL
            THEN {FLOOD_OF.format(conversation="c.id")} END
    FROM json_to_recordset(%s::json) AS x(id bigint, status text, started_at timestamptz,
        last_at timestamptz, first_incoming_at timestamptz, last_incoming_at timestamptz,
        started_by_contact bool, first_reply_seconds float8, incoming_count int, reply_count int,
        need text, waiting_since timestamptz, due_at timestamptz, due_from timestamptz,
        due_kind text, promised_at timestamptz, first_mood text, last_mood text, is_turned bool,
        is_urgent bool, first_id bigint, last_id bigint, public_window float8,
        private_window float8)
    JOIN conversation o ON o.id = x.id
    LEFT JOIN contact k ON k.id = o.contact_id
    LEFT JOIN LATERAL (
        SELECT left(text, 160) AS preview, CASE
            WHEN kind = 'incoming' AND extra ? 'shares' THEN 'shared'
            WHEN kind = 'incoming' AND extra ? 'quotes' THEN 'quoted' ELSE kind END AS kind
        FROM message WHERE id = x.last_id
    ) m ON true
    LEFT JOIN LATERAL (SELECT subject, is_public FROM message WHERE id = x.first_id) f ON true
    WHERE c.id = x.id
"""


@transaction.atomic(savepoint=False)
def settle(conversations: Collection[int], *, now: datetime) -> None:
    """Bring these conversations and their clocks into line with what happened in them.

    Empty conversations are removed. Days whose figures change are marked stale, and whoever watches
    the inbox is told on commit.
    """
    ids = sorted(set(conversations))
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(CONVERSATIONS, [ids])
        rows = cursor.fetchall()
        happened, ends, histories = _happenings(ids)
        clocks: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        cursor.execute(CLOCKS, [ids])
        for clock in cursor.fetchall():
            clocks[clock[0]].append(clock)
        promises: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        cursor.execute(PROMISES, [ids])
        for promise in cursor.fetchall():
            promises[promise[0]].append(promise)
    rules = _rules({row[1] for row in rows})
    settled: list[dict[str, Any]] = []
    stale: list[tuple[int, datetime]] = []
    wanted: list[dict[str, Any]] = []
    vanished: list[int] = []
    empty: list[int] = []
    windows = {row[5:]: windows_of(row[5], hours=row[6]) for row in rows}
    for pk, inbox, is_history, snoozed_at, snoozed_until, *place in rows:
        if pk not in happened and not promises[pk]:
            empty.append(pk)
            continue
        before = {(row[2], row[3], row[4]): row for row in clocks[pk]}
        followed = follow(
            happened.get(pk, []),
            rules=rules[inbox],
            histories=histories,
            is_history=is_history,
            now=now,
            promises=promises[pk],
            before=before,
            snoozed=(snoozed_at, snoozed_until),
        )
        for row in followed.clocks:
            row["conversation_id"], row["inbox_id"] = pk, inbox
            before.pop((row["kind"], row["message_id"], row["promise_id"]), None)
        vanished.extend(clock[1] for clock in before.values())
        wanted.extend(followed.clocks)
        first, last = ends.get(pk, (None, None))
        ends_of = {"id": pk, "first_id": first, "last_id": last}
        ends_of |= zip(("public_window", "private_window"), windows[tuple(place)], strict=True)
        settled.append(followed.conversation | ends_of)
        if not is_history:  # its days are marked when its archive is finished
            stale.extend((inbox, moment) for moment in followed.moments)
    with connection.cursor() as cursor:
        if vanished:
            cursor.execute("DELETE FROM clock WHERE id = ANY(%s)", [vanished])
        if wanted:
            cursor.execute(WRITE_CLOCKS, [_json(wanted)])
        if settled:
            cursor.execute(WRITE_CONVERSATIONS, [_json(settled)])
        if empty:
            cursor.execute(EMPTY, [empty])
    mark_stale(stale)
    tell([(row[0], row[1]) for row in rows if not row[2]])


@dataclass(frozen=True, slots=True)
class Followed:
    """What follows for one conversation: its columns, its clocks, and the moments that count."""

    conversation: dict[str, Any]
    clocks: list[dict[str, Any]]
    moments: list[datetime]


def follow(
    happened: Sequence[Happening],
    *,
    rules: Rules,
    histories: Container[int],
    is_history: bool,
    now: datetime,
    promises: Sequence[tuple[Any, ...]] = (),
    before: Mapping[tuple[str, int | None, int | None], tuple[Any, ...]] = NO_CLOCKS,
    snoozed: tuple[datetime | None, datetime | None] = (None, None),
    told_until: datetime | None = None,
) -> Followed:
    """Work out one conversation. `histories` are the message ids that came from an archive.

    `told_until` is a moment up to which the archive is known to tell: what was due by then and is
    unmet has failed, and `receiving.close_books` need not come back for it. `before` are the clocks
    there are, as `CLOCKS` gives them: what the sweep has recorded stays.
    """
    targets, hours = rules
    standing = stand(happened, targets=targets, hours=hours)
    rows = _clock_rows(
        standing,
        promises=promises,
        before=before,
        targets=targets,
        hours=hours,
        histories=histories,
        is_history=is_history,
        judged_at=told_until if is_history else now,
        now=now,
    )
    moments = [it.at for it in happened]
    moments.extend(row["started_at"] for row in rows)
    moments.extend(row["failed_at"] for row in rows if row["failed_at"])
    conversation = _conversation_row(
        standing, rows, is_history=is_history, snoozed=snoozed, now=now
    )
    return Followed(conversation, rows, moments)


def mark_stale(moments: Iterable[tuple[int, datetime]]) -> None:
    """Mark the days of these moments (inbox id, moment), whose figures must be counted again."""
    zone = ZoneInfo(settings.TIME_ZONE)
    pairs = sorted({(inbox, moment.astimezone(zone).date()) for inbox, moment in moments})
    if not pairs:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO stale_day (inbox_id, day) SELECT * FROM unnest(%s::bigint[], %s::date[])",
            [[inbox for inbox, _ in pairs], [day for _, day in pairs]],
        )


def tell(changed: Sequence[tuple[int, int]], *, what: str = "conversation") -> None:
    """Tell open inboxes, on commit, which conversations (id, inbox id) have changed."""
    with connection.cursor() as cursor:
        for start in range(0, len(changed), 200):
            payload = {"what": what, "changed": changed[start : start + 200]}
            cursor.execute("SELECT pg_notify('heard', %s)", [json.dumps(payload)])


def rules_of(inbox: Inbox) -> Rules:
    """What this inbox promises, and in which hours."""
    policy = inbox.policy
    targets = Targets(
        first_response=policy.first_response_minutes,
        next_response=policy.next_response_minutes,
        recognition=policy.recognition_minutes,
        resolution=policy.resolution_minutes,
        warn_assignee_percent=policy.warn_assignee_percent,
        warn_manager_percent=policy.warn_manager_percent,
    )
    return targets, opening_hours(inbox)


def opening_hours(inbox: Inbox) -> OpeningHours:
    """When somebody is at the door of this inbox."""
    if inbox.hours is None:
        return ALWAYS
    return OpeningHours.from_json(
        {
            "timezone": inbox.hours.timezone,
            "week": inbox.hours.week,
            "country": inbox.hours.country,
            "subdivision": inbox.hours.subdivision,
            "closed": inbox.hours.closed,
            "extra": inbox.hours.extra,
        }
    )


def _rules(inboxes: set[int]) -> dict[int, Rules]:
    rows = Inbox.objects.select_related("policy", "hours").filter(pk__in=inboxes)
    return {inbox.pk: rules_of(inbox) for inbox in rows}


def _happenings(
    ids: list[int],
) -> tuple[dict[int, list[Happening]], dict[int, tuple[int, int]], set[int]]:
    """What happened in each conversation, its first and last message, and which are history."""
    happened: dict[int, list[Happening]] = defaultdict(list)
    ends: dict[int, tuple[int, int]] = {}
    histories: set[int] = set()
    withdrawn: list[tuple[int, Happening]] = []
    with connection.cursor() as cursor:
        cursor.execute(MESSAGES, [ids])
        for pk, row, at, kind, external, author, need, mood, urgent, automatic, old, gone in cursor:
            what = What.INCOMING if kind == "incoming" else What.REPLY
            happened[pk].append(
                Happening(
                    at, what, external or f"#{row:020}", row, author, need, mood, urgent, automatic
                )
            )
            if old:
                histories.add(row)
            if gone is not None and what is What.INCOMING:
                withdrawn.append((pk, Happening(gone, What.WITHDRAWAL, f"#{row:020}", row)))
        for pk, said in happened.items():
            ends[pk] = (min(said).row, max(said).row)
        for pk, withdrawal in withdrawn:
            happened[pk].append(withdrawal)
        cursor.execute(DEEDS, {"ids": ids})
        for pk, what_code, at, row, by in cursor:
            if pk in happened:
                happened[pk].append(Happening(at, What(what_code), f"#{row:020}", row, by))
    return happened, ends, histories


def _clock_rows(
    standing: Standing,
    *,
    promises: Sequence[tuple[Any, ...]],
    before: Mapping[tuple[str, int | None, int | None], tuple[Any, ...]],
    targets: Targets,
    hours: OpeningHours,
    histories: Container[int],
    is_history: bool,
    judged_at: datetime | None,
    now: datetime,
) -> list[dict[str, Any]]:
    """The clocks of one conversation as rows, keeping what the sweep has already recorded."""
    rows = [
        _message_clock(
            clock,
            known=before.get((clock.kind, clock.message, None)),
            targets=targets,
            hours=hours,
            is_silent=clock.message in histories,
            is_history=is_history,
            judged_at=judged_at,
            now=now,
        )
        for clock in standing.clocks
    ]
    for _, pk, made_at, due, kept_at, withdrawn_at, by in promises:
        known = before.get(("promise", None, pk))
        ended = withdrawn_at if withdrawn_at and withdrawn_at <= due else None
        row = _row("promise", started_at=made_at, due=due, met_at=kept_at, met_by=by)
        row |= {"promise_id": pk, "ended_at": ended}
        span = due - made_at
        row["warn_assignee_at"] = made_at + span * targets.warn_assignee_percent / 100
        row["warn_manager_at"] = made_at + span * targets.warn_manager_percent / 100
        _run(row, known=known, is_silent=False, is_history=False, judged_at=now, now=now)
        rows.append(row)
    return rows


def _message_clock(
    clock: RunningClock,
    *,
    known: tuple[Any, ...] | None,
    targets: Targets,
    hours: OpeningHours,
    is_silent: bool,
    is_history: bool,
    judged_at: datetime | None,
    now: datetime,
) -> dict[str, Any]:
    if known is not None and clock.kind != "resolution":
        # What was promised when the clock started holds, whatever the policy says by now.
        clock.due_at = known[5]
    elif known is not None and is_silent and (clock.is_paused or known[7] != clock.due_at):
        known = (*known[:7], None)  # a later part of the archive may tell that it paused in time
    row = _row(
        clock.kind,
        started_at=clock.started_at,
        due=clock.due_at,
        met_at=clock.met_at,
        met_by=clock.met_by,
    )
    row |= {
        "message_id": clock.message,
        "open_minutes": clock.open_minutes,
        "ended_at": clock.ended_at,
        "is_paused": clock.is_paused,
        "is_history": is_silent,
    }
    if not is_history and clock.met_at is None:
        for name, percent in (
            ("warn_assignee_at", targets.warn_assignee_percent),
            ("warn_manager_at", targets.warn_manager_percent),
        ):
            share = clock.minutes * percent / 100 - clock.used_minutes
            since = clock.resumed_at or clock.started_at
            row[name] = due_at(since, minutes=max(0.0, share), hours=hours)
    _run(
        row,
        known=known,
        is_silent=is_silent,
        is_history=is_history,
        judged_at=judged_at,
        overran_at=clock.overran_at if is_silent else None,
        now=now,
    )
    return row


def _row(
    kind: str, *, started_at: datetime, due: datetime, met_at: datetime | None, met_by: int | None
) -> dict[str, Any]:
    return {
        "kind": kind,
        "message_id": None,
        "promise_id": None,
        "started_at": started_at,
        "due_at": due,
        "warn_assignee_at": None,
        "warn_manager_at": None,
        "next_at": None,
        "met_at": met_at,
        "met_by_id": met_by,
        "open_minutes": None,
        "ended_at": None,
        "is_paused": False,
        "failed_at": None,
        "fail": "",
        "sighting": "",
        "is_history": False,
    }


def _run(
    row: dict[str, Any],
    *,
    known: tuple[Any, ...] | None,
    is_silent: bool,
    is_history: bool,
    judged_at: datetime | None,
    now: datetime,
    overran_at: datetime | None = None,
) -> None:
    """Decide when the sweep must look at this clock, and whether it has failed already.

    A live clock fails in the sweep, which also finds out who had seen it. What came from an archive
    fails here and without a word: its sighting is not known. An unmet clock of closed history fails
    as far as its archive is known to tell; of the rest `receiving.close_books` judges, because only
    when the archive is finished its last moment is known.
    """
    due, met_at = row["due_at"], row["met_at"]
    is_late = (met_at is not None and met_at > due) or (
        met_at is None and judged_at is not None and due <= judged_at and not row["is_paused"]
    )
    known_due, known_next, known_failed = known[5:] if known else (None, None, None)
    if row["ended_at"] is not None and row["ended_at"] <= due:
        return
    if known_failed is not None and (met_at is None or met_at > due) and due <= now:
        row["failed_at"] = known_failed
    elif is_silent and is_late:
        row["failed_at"], row["sighting"] = due, "unknown"
    elif is_late:
        row["next_at"] = due
    elif met_at is None and not is_history and not row["is_paused"]:
        if known is not None and known_due == due and known_next is not None:
            row["next_at"] = known_next
        else:
            warnings = (row["warn_assignee_at"], row["warn_manager_at"])
            row["next_at"] = next(
                (at for at in warnings if at and (not is_silent or at > now)), due
            )
    if overran_at is not None:
        row["failed_at"], row["sighting"], row["next_at"] = overran_at, "unknown", None
    if row["failed_at"] is not None:
        row["fail"] = "recognition" if row["kind"] == "recognition" else "service"


def _conversation_row(
    standing: Standing,
    clocks: Sequence[dict[str, Any]],
    *,
    is_history: bool,
    snoozed: tuple[datetime | None, datetime | None],
    now: datetime,
) -> dict[str, Any]:
    snoozed_at, snoozed_until = snoozed
    running = [
        clock
        for clock in clocks
        if clock["met_at"] is None and clock["ended_at"] is None and not clock["is_paused"]
    ]
    promised = min((c["due_at"] for c in running if c["kind"] == "promise"), default=None)
    status = "open" if (standing.is_open or promised) and not is_history else "resolved"
    if status == "open" and snoozed_until is not None and snoozed_until > now:
        asked = standing.last_asked_at
        if asked is None or snoozed_at is None or asked <= snoozed_at:
            status = "snoozed"
    first_due = None if is_history else min(running, key=_due, default=None)
    return {
        "status": status,
        "started_at": standing.started_at,
        "last_at": standing.last_at,
        "first_incoming_at": standing.first_incoming_at,
        "last_incoming_at": standing.last_incoming_at,
        "started_by_contact": standing.started_by_contact,
        "first_reply_seconds": standing.first_reply_seconds,
        "incoming_count": standing.incoming_count,
        "reply_count": standing.reply_count,
        "need": standing.need,
        "waiting_since": None if is_history else standing.waiting_since,
        "due_at": first_due["due_at"] if first_due else None,
        "due_from": first_due["started_at"] if first_due else None,
        "due_kind": first_due["kind"] if first_due else "",
        "promised_at": promised,
        "first_mood": standing.first_mood,
        "last_mood": standing.last_mood,
        "is_turned": standing.is_turned,
        "is_urgent": standing.is_urgent,
    }


def _due(clock: dict[str, Any]) -> datetime:
    moment: datetime = clock["due_at"]
    return moment


def _json(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, default=_moment)


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
