"""The report: the figures of ARCHITECTURE.md, section 5, for some inboxes and a span of days."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db import connection

from heard.lib.shares import wilson
from heard.lib.statements import fetch
from heard.meter import spreads
from heard.meter.rollups import COUNTED, FLOODS, SPEAKER, SPREADS, freshen

Counts = npt.NDArray[np.int64]

FIRST_REPLY_LOOK = """
    SELECT first_reply_seconds FROM conversation
    WHERE first_reply_seconds >= %(low)s AND first_reply_seconds < %(high)s
        AND started_by_contact AND {scope}
    ORDER BY first_reply_seconds OFFSET %(skip)s LIMIT 2
"""

RESPONSE_LOOK = """
    SELECT extract(epoch FROM met_at - started_at)::float8 AS seconds FROM clock
    WHERE kind = 'first_response' AND met_at IS NOT NULL
        AND extract(epoch FROM met_at - started_at)::float8 >= %(low)s
        AND extract(epoch FROM met_at - started_at)::float8 < %(high)s AND {scope}
    ORDER BY extract(epoch FROM met_at - started_at)::float8 OFFSET %(skip)s LIMIT 2
"""


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages by the moment they were said."""

    incoming: int
    reply: int


@dataclass(frozen=True, slots=True)
class Conversations:
    """Conversations with a contact, by the moment they began."""

    total: int


@dataclass(frozen=True, slots=True)
class FirstReply:
    """Who wrote when: from the first incoming message to the first later reply, wall-clock.

    Only conversations that the contact began; no reading has a part in it.
    """

    started_by_contact: int
    answered: int
    unanswered: int
    median_minutes: float | None
    p90_minutes: float | None


@dataclass(frozen=True, slots=True)
class FirstResponse:
    """First-response clocks by the moment they started."""

    count: int
    within_target: int
    answered: int
    unanswered: int
    median_minutes: float | None
    p90_minutes: float | None


@dataclass(frozen=True, slots=True)
class FailCount:
    """Fails by the moment they fell due: not answered until now, or late."""

    unanswered: int
    late: int


@dataclass(frozen=True, slots=True)
class Fails:
    """Fails of both kinds."""

    service: FailCount
    recognition: FailCount


@dataclass(frozen=True, slots=True)
class Meter:
    """Avoid against recommend, one voice a person, day and stance; Wilson's 95 % interval.

    What is of one flood, the same words said many times, is one voice whoever says it.
    """

    recommend: int
    avoid: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Alike:
    """So many public messages that took a side were of floods; as so many voices they count."""

    messages: int
    voices: int


@dataclass(frozen=True, slots=True)
class TurnedRound:
    """Of the conversations that began negative, those that ended positive or thankful."""

    count: int
    turned: int
    share: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of a report; `docs/report.md` explains each."""

    messages: Messages
    contacts: int
    conversations: Conversations
    first_reply: FirstReply
    first_response: FirstResponse
    fails: Fails
    meter: Meter
    alike: Alike
    turned_round: TurnedRound

    def as_dict(self) -> dict[str, Any]:
        """Nested plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which inboxes (None: all) and which days (both ends included; None: no bound)."""

    inboxes: tuple[int, ...] | None = None
    since: date | None = None
    until: date | None = None

    @property
    def moments(self) -> tuple[datetime | None, datetime | None]:
        """The first moment, and the first one after, in the company's time zone."""
        zone = ZoneInfo(settings.TIME_ZONE)
        first = datetime.combine(self.since, time(), zone) if self.since else None
        until = self.until if self.until != date.max else None  # after it there is no day
        after = datetime.combine(until + timedelta(days=1), time(), zone) if until else None
        return first, after

    def where(self, column: str, *, inbox: str = "inbox_id") -> tuple[str, dict[str, Any]]:
        """The condition on rows whose moment lies in `column`, and its parameters."""
        first, after = self.moments
        parts = ["true"]
        parameters: dict[str, Any] = {}
        if self.inboxes is not None:
            parts.append(f"{inbox} = ANY(%(inboxes)s)")
            parameters["inboxes"] = list(self.inboxes)
        if first is not None:
            parts.append(f"{column} >= %(first)s")
            parameters["first"] = first
        if after is not None:
            parts.append(f"{column} < %(after)s")
            parameters["after"] = after
        return " AND ".join(parts), parameters


def report(scope: Scope) -> Report:
    """Count what changed, and read the figures: a fixed number of statements at any size."""
    freshen()
    sums, first_replies, responses = sums_of(scope)
    recommend, avoid = _voices(scope, sums)
    first_reply = spreads.percentiles(first_replies, look(FIRST_REPLY_LOOK, scope))
    response = spreads.percentiles(responses, look(RESPONSE_LOOK, scope))
    return Report(
        messages=Messages(sums["incoming"], sums["reply"]),
        contacts=_contacts(scope),
        conversations=Conversations(sums["conversations"]),
        first_reply=FirstReply(
            started_by_contact=sums["started_by_contact"],
            answered=sums["answered"],
            unanswered=sums["started_by_contact"] - sums["answered"],
            median_minutes=first_reply.median_minutes,
            p90_minutes=first_reply.p90_minutes,
        ),
        first_response=FirstResponse(
            count=sums["response_clocks"],
            within_target=sums["response_within"],
            answered=sums["response_met"],
            unanswered=sums["response_clocks"] - sums["response_met"],
            median_minutes=response.median_minutes,
            p90_minutes=response.p90_minutes,
        ),
        fails=Fails(
            service=FailCount(sums["service_unanswered"], sums["service_late"]),
            recognition=FailCount(sums["recognition_unanswered"], sums["recognition_late"]),
        ),
        meter=meter_of(recommend, avoid),
        alike=alike(scope),
        turned_round=TurnedRound(
            sums["negative"], sums["turned"], _share(sums["turned"], sums["negative"])
        ),
    )


def meter_of(recommend: int, avoid: int) -> Meter:
    """The share of those who recommend, with its interval."""
    low, high = wilson(recommend, recommend + avoid)
    return Meter(recommend, avoid, _share(recommend, recommend + avoid), low, high)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _days(scope: Scope) -> tuple[str, dict[str, Any]]:
    parts = ["true"]
    parameters: dict[str, Any] = {}
    if scope.since is not None:
        parts.append("day >= %(since)s")
        parameters["since"] = scope.since
    if scope.until is not None:
        parts.append("day <= %(until)s")
        parameters["until"] = scope.until
    return " AND ".join(parts), parameters


def sums_of(scope: Scope) -> tuple[dict[str, int], Counts, Counts]:
    """The counts of a scope, and how its first replies and responses spread: one statement."""
    where, parameters = _days(scope)
    if scope.inboxes is None:
        where += " AND inbox_id IS NOT NULL"
    else:
        where += " AND inbox_id = ANY(%(inboxes)s)"
        parameters["inboxes"] = list(scope.inboxes)
    columns = [f"coalesce(sum({name}), 0)" for name in COUNTED]
    columns += [f"string_agg({name}, ''::bytea)" for name in SPREADS]
    [found] = fetch(f"SELECT {', '.join(columns)} FROM day_figures WHERE {where}", parameters)
    *counts, first_replies, responses = found
    sums = dict(zip(COUNTED, map(int, counts), strict=True))
    return sums, spreads.add([first_replies or b""]), spreads.add([responses or b""])


def _voices(scope: Scope, sums: dict[str, int]) -> tuple[int, int]:
    """One voice a person, day and stance over all the inboxes that are asked for."""
    if scope.inboxes is not None and len(scope.inboxes) == 1:
        return sums["recommend"], sums["avoid"]
    with connection.cursor() as cursor:
        if scope.inboxes is None:
            where, parameters = _days(scope)
            cursor.execute(
                "SELECT coalesce(sum(recommend), 0), coalesce(sum(avoid), 0) FROM day_figures "
                f"WHERE inbox_id IS NULL AND {where}",
                parameters,
            )
        else:
            where, parameters = scope.where("m.at", inbox="m.inbox_id")
            cursor.execute(
                f"""
                SELECT count(*) FILTER (WHERE stance = 'recommend'),
                    count(*) FILTER (WHERE stance = 'avoid')
                FROM (
                    SELECT DISTINCT {SPEAKER.format("m")}, (m.at AT TIME ZONE %(zone)s)::date,
                        m.stance
                    FROM message m JOIN contact k ON k.id = m.contact_id {FLOODS.format("m")}
                    WHERE m.kind = 'incoming' AND m.is_public AND NOT k.is_ours
                        AND m.stance IN ('avoid', 'recommend') AND {where}
                ) AS voices
                """,
                {**parameters, "zone": settings.TIME_ZONE},
            )
        recommend, avoid = cursor.fetchone()
    return int(recommend), int(avoid)


def alike(scope: Scope) -> Alike:
    """What floods there are in the meter of a scope: one query over what is of floods alone."""
    where, parameters = scope.where("m.at", inbox="m.inbox_id")
    [found] = fetch(
        f"""
        SELECT count(*), count(DISTINCT (a.flood_id, (m.at AT TIME ZONE %(zone)s)::date, m.stance))
        FROM flooded a JOIN message m ON m.id = a.message_id JOIN contact k ON k.id = m.contact_id
        WHERE a.taken_out_at IS NULL AND m.kind = 'incoming' AND m.is_public AND NOT k.is_ours
            AND m.stance IN ('avoid', 'recommend') AND {where}
        """,
        {**parameters, "zone": settings.TIME_ZONE},
    )
    return Alike(*found)


def _contacts(scope: Scope) -> int:
    """People with a conversation that began in the scope."""
    where, parameters = scope.where("started_at")
    if not parameters:
        statement = "SELECT count(*) FROM contact"
    else:
        statement = f"SELECT count(DISTINCT contact_id) FROM conversation WHERE {where}"
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.fetchone()[0])


def look(statement: str, scope: Scope) -> spreads.Look:
    """How `spreads` looks at the rows of one bucket: by the index of the duration."""
    where, parameters = scope.where("started_at")

    def look_within(low: float, high: float | None, skip: int) -> Sequence[float]:
        with connection.cursor() as cursor:
            cursor.execute(
                statement.format(scope=where),
                {**parameters, "low": low, "high": high or math.inf, "skip": skip},
            )
            return [row[0] for row in cursor]

    return look_within
