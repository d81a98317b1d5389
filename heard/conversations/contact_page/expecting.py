"""When somebody who asks will hear from us: by promise, and by what recent weeks have shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from heard.conversations.clocks.hours import due_at, is_open, opens_next
from heard.conversations.clocks.settling import rules_of
from heard.conversations.models import Inbox

ENOUGH = 20
RECENT = 200
FEW = 10
PACE_SINCE = timedelta(days=90)
SETTLED_AFTER = timedelta(days=1)
"""A question younger than this says nothing yet about how long answers take."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """When an answer comes. Moments are in the inbox's own time zone.

    `median_seconds` is the wait that half of the recent questions did not exceed, counting those
    that were never answered; empty with fewer than 20 answers, or if half had none at all.
    """

    is_open: bool
    opens_at: datetime | None
    due_at: datetime | None
    median_seconds: float | None
    now: datetime


def expectation(inbox: Inbox, *, now: datetime) -> Expectation:
    """What somebody who writes to this inbox now may expect: one query."""
    targets, hours = rules_of(inbox)
    zone = ZoneInfo(inbox.hours.timezone if inbox.hours else settings.TIME_ZONE)
    here = now.astimezone(zone)
    open_now = is_open(now, hours=hours)
    try:
        opens_at = None if open_now else opens_next(now, hours=hours).astimezone(zone)
        due = (
            due_at(now, minutes=targets.first_response, hours=hours).astimezone(zone)
            if targets.first_response is not None
            else None
        )
    except ValueError:  # these hours never open again
        opens_at = due = None
    return Expectation(open_now, opens_at, due, _median_seconds(inbox, now=now), here)


def _median_seconds(inbox: Inbox, *, now: datetime) -> float | None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FILTER (WHERE wait IS NOT NULL),
                percentile_disc(0.5) WITHIN GROUP (ORDER BY coalesce(wait, 'Infinity'))
            FROM (
                SELECT first_reply_seconds AS wait FROM conversation
                WHERE inbox_id = %s AND started_at < %s AND started_by_contact
                    AND (first_reply_seconds IS NOT NULL OR waiting_since IS NOT NULL)
                ORDER BY started_at DESC LIMIT %s
            ) recent
            """,
            [inbox.pk, now - SETTLED_AFTER, RECENT],
        )
        answered, median = cursor.fetchone()
    if answered < ENOUGH or median == float("inf"):
        return None
    return float(median)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast first answers have been: of the last questions whose time is up, answered or not.

    `median_minutes` is opening-hours time, questions never answered count as endless: empty if
    those are half. `share_in_time` is what was answered within what was promised then, 0 to 1.
    """

    count: int
    median_minutes: float | None
    share_in_time: float


def pace(inbox: Inbox, *, now: datetime) -> Pace | None:
    """What the last 200 questions of 90 days show; None while there are fewer than 10."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*), avg((met_at IS NOT NULL AND met_at <= due_at)::int),
                percentile_disc(0.5) WITHIN GROUP (ORDER BY coalesce(open_minutes, 'Infinity'))
            FROM (
                SELECT met_at, due_at, open_minutes FROM clock
                WHERE inbox_id = %s AND started_at >= %s AND kind = 'first_response'
                    AND due_at <= %s AND ended_at IS NULL AND NOT is_history
                ORDER BY started_at DESC LIMIT %s
            ) recent
            """,
            [inbox.pk, now - PACE_SINCE, now, RECENT],
        )
        count, share, median = cursor.fetchone()
    if count < FEW:
        return None
    return Pace(count, None if median == float("inf") else float(median), float(share))
