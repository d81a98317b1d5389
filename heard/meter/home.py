"""What an owner reads in ten seconds, for the inboxes that a person may see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from heard.meter.report import (
    RESPONSE_LOOK,
    Alike,
    Meter,
    Scope,
    alike,
    look,
    meter_of,
    sums_of,
)
from heard.meter.rollups import FLOODS, SPEAKER, freshen
from heard.meter.spreads import Percentiles, percentiles

WEEKS = 12
COUNTED_TO = 1_000
QUIET_AFTER = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody who waits, or an unanswered thing in public."""

    conversation: int
    name: str
    preview: str
    kind: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Queue:
    """How many (counted up to a thousand) and the first of them."""

    count: int
    first: tuple[Waiting, ...]

    @property
    def shown(self) -> str:
        """The number for people."""
        return f"{COUNTED_TO:,}+" if self.count > COUNTED_TO else f"{self.count:,}"


@dataclass(frozen=True, slots=True)
class Week:
    """The figures of seven days."""

    scope: Scope
    incoming: int
    decided: int
    """First-response clocks that were met or have fallen due: what a share may be taken of."""
    within: int
    response: Percentiles
    service_fails: int
    recognition_fails: int

    @property
    def share_within(self) -> float | None:
        """Answered within the target, of all that is decided."""
        return self.within / self.decided if self.decided else None


@dataclass(frozen=True, slots=True)
class MeterWeek:
    """The meter of one week, by its Monday."""

    monday: date
    meter: Meter


@dataclass(frozen=True, slots=True)
class Home:
    """The whole page."""

    today: date
    as_of: date
    waiting: Queue
    exposed: Queue
    this_week: Week
    last_week: Week
    weeks: tuple[MeterWeek, ...]
    meter: Meter
    alike: Alike
    negative: int
    turned: int
    has_messages: bool

    @property
    def is_history(self) -> bool:
        """Nothing was heard for weeks: the figures are those of the last days there were."""
        return self.as_of < self.today


def home(inboxes: tuple[int, ...] | None, *, now: datetime) -> Home:
    """Read everything for the page; `inboxes` are those that may be seen, None means all."""
    freshen()
    today = now.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    last = _last_day(inboxes)
    as_of = last if last and last < today - QUIET_AFTER else today
    this_week = Scope(inboxes, as_of - timedelta(days=6), as_of)
    last_week = Scope(inboxes, as_of - timedelta(days=13), as_of - timedelta(days=7))
    monday = as_of - timedelta(days=as_of.weekday())
    since = monday - timedelta(weeks=WEEKS - 1)
    weeks = _meter_weeks(Scope(inboxes, since, as_of))
    over = sums_of(Scope(inboxes, since, as_of))[0]
    return Home(
        today=today,
        as_of=as_of,
        waiting=_queue(inboxes, "c.waiting_since IS NOT NULL", now=now),
        exposed=_queue(
            inboxes, "c.is_public AND c.need = 'answer' AND c.due_at <= %(now)s", now=now
        ),
        this_week=_week(this_week),
        last_week=_week(last_week),
        weeks=tuple(weeks),
        meter=_together(week.meter for week in weeks),
        alike=alike(Scope(inboxes, since, as_of)),
        negative=over["negative"],
        turned=over["turned"],
        has_messages=last is not None,
    )


def _last_day(inboxes: tuple[int, ...] | None) -> date | None:
    where, parameters = _inboxes("inbox_id", inboxes)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT max(day) FROM day_figures WHERE incoming + reply > 0 AND {where}", parameters
        )
        found: date | None = cursor.fetchone()[0]
    return found


def _queue(inboxes: tuple[int, ...] | None, condition: str, *, now: datetime) -> Queue:
    where, parameters = _inboxes("c.inbox_id", inboxes)
    waits = f"c.status = 'open' AND c.waiting_since IS NOT NULL AND {condition} AND {where}"
    parameters |= {"now": now, "limit": COUNTED_TO + 1}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM (SELECT FROM conversation c WHERE {waits} LIMIT %(limit)s) x",
            parameters,
        )
        count = cursor.fetchone()[0]
        cursor.execute(
            f"""
            SELECT c.id, c.contact_name, c.preview, i.kind, c.waiting_since
            FROM conversation c JOIN inbox i ON i.id = c.inbox_id WHERE {waits}
            ORDER BY c.waiting_since, c.id LIMIT 5
            """,
            parameters,
        )
        first = tuple(Waiting(*row) for row in cursor)
    return Queue(count, first)


def _week(scope: Scope) -> Week:
    sums, _, responses = sums_of(scope)
    return Week(
        scope=scope,
        incoming=sums["incoming"],
        decided=sums["response_met"] + sums["response_missed"],
        within=sums["response_within"],
        response=percentiles(responses, look(RESPONSE_LOOK, scope)),
        service_fails=sums["service_unanswered"] + sums["service_late"],
        recognition_fails=sums["recognition_unanswered"] + sums["recognition_late"],
    )


def _meter_weeks(scope: Scope) -> list[MeterWeek]:
    """The meter week by week; over some but not all inboxes voices are counted from the rows."""
    if scope.inboxes is None:
        statement = """
            SELECT date_trunc('week', day)::date, sum(recommend)::int, sum(avoid)::int
            FROM day_figures WHERE inbox_id IS NULL AND day BETWEEN %(since)s AND %(until)s
            GROUP BY 1
        """
        parameters: dict[str, Any] = {"since": scope.since, "until": scope.until}
    else:
        where, parameters = scope.where("m.at", inbox="m.inbox_id")
        parameters["zone"] = settings.TIME_ZONE
        statement = f"""
            SELECT date_trunc('week', day)::date, count(*) FILTER (WHERE stance = 'recommend'),
                count(*) FILTER (WHERE stance = 'avoid')
            FROM (
                SELECT DISTINCT {SPEAKER.format("m")}, (m.at AT TIME ZONE %(zone)s)::date AS day,
                    m.stance
                FROM message m JOIN contact k ON k.id = m.contact_id {FLOODS.format("m")}
                WHERE m.kind = 'incoming' AND m.is_public AND NOT k.is_ours
                    AND m.stance IN ('avoid', 'recommend') AND {where}
            ) AS voices GROUP BY 1
        """
    voices: dict[date, tuple[int, int]] = defaultdict(lambda: (0, 0))
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        voices |= {monday: (recommend, avoid) for monday, recommend, avoid in cursor}
    if scope.since is None:
        return []
    mondays = [scope.since + timedelta(weeks=n) for n in range(WEEKS)]
    return [MeterWeek(monday, meter_of(*voices[monday])) for monday in mondays]


def _together(meters: Iterable[Meter]) -> Meter:
    found = list(meters)
    return meter_of(sum(m.recommend for m in found), sum(m.avoid for m in found))


def _inboxes(column: str, inboxes: tuple[int, ...] | None) -> tuple[str, dict[str, Any]]:
    if inboxes is None:
        return f"{column} IS NOT NULL", {}
    return f"{column} = ANY(%(inboxes)s)", {"inboxes": list(inboxes)}
