"""The rows behind a figure: what home counts can be read one by one, as far as one may see.

Each figure is a condition on one table, the same that the roll-ups count by. Inbox by inbox the
newest rows are taken and then the newest of those, so that a page costs its rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from heard.conversations.queries import COUNT_CAP, Count, Door, Sight, from_key, key_of
from heard.lib.statements import fetch
from heard.meter.report import Scope

PAGE_SIZE = 50
VOICE = "t.kind = 'incoming' AND t.is_public AND NOT k.is_ours AND t.stance = "
ALIKE = (
    "CASE WHEN EXISTS (SELECT FROM flooded a WHERE a.message_id = t.id "
    "AND a.taken_out_at IS NULL) THEN 'alike' ELSE '' END"
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure by its name: from which table `t`, under which condition, by which moment."""

    title: Any
    explained: Any
    table: str
    condition: str
    at: str
    words: str = "c.preview"
    minutes: str = "NULL::float8"
    verdict: str = "''"
    oldest_first: bool = False


TALK = (
    "message t JOIN conversation c ON c.id = t.conversation_id "
    "JOIN contact k ON k.id = t.contact_id"
)

FIGURES: dict[str, Figure] = {
    "responses": Figure(
        _("How soon people were answered"),
        _("Every first answer that was due, by when somebody asked for it."),
        table="clock t JOIN conversation c ON c.id = t.conversation_id "
        "JOIN message q ON q.id = t.message_id",
        condition="t.kind = 'first_response' AND (t.met_at IS NOT NULL OR t.failed_at IS NOT NULL)",
        verdict="CASE WHEN t.met_at <= t.due_at THEN 'within' "
        "WHEN t.met_at IS NOT NULL THEN 'late' ELSE 'unanswered' END",
        at="t.started_at",
        words="left(q.text, 200)",
        minutes="extract(epoch FROM t.met_at - t.started_at)::float8 / 60",
    ),
    "recognition": Figure(
        _("How soon kind words were recognised"),
        _("Every praise, thanks or mention that was due an acknowledgement, by when it was said."),
        table="clock t JOIN conversation c ON c.id = t.conversation_id "
        "JOIN message q ON q.id = t.message_id",
        condition="t.kind = 'recognition' AND (t.met_at IS NOT NULL OR t.failed_at IS NOT NULL)",
        verdict="CASE WHEN t.met_at <= t.due_at THEN 'within' "
        "WHEN t.met_at IS NOT NULL THEN 'late' ELSE 'unanswered' END",
        at="t.started_at",
        words="left(q.text, 200)",
        minutes="extract(epoch FROM t.met_at - t.started_at)::float8 / 60",
    ),
    "answers": Figure(
        _("How soon every question was answered"),
        _("Every answer that was due, first or further, by when somebody asked for it."),
        table="clock t JOIN conversation c ON c.id = t.conversation_id "
        "JOIN message q ON q.id = t.message_id",
        condition="t.kind IN ('first_response', 'next_response') "
        "AND (t.met_at IS NOT NULL OR t.failed_at IS NOT NULL)",
        verdict="CASE WHEN t.met_at <= t.due_at THEN 'within' "
        "WHEN t.met_at IS NOT NULL THEN 'late' ELSE 'unanswered' END",
        at="t.started_at",
        words="left(q.text, 200)",
        minutes="extract(epoch FROM t.met_at - t.started_at)::float8 / 60",
    ),
    "turned": Figure(
        _("What began angry or sad"),
        _("Conversations whose first message was unhappy, and how they ended."),
        table="conversation t JOIN conversation c ON c.id = t.id",
        condition="t.is_turned IS NOT NULL",
        at="t.started_at",
        verdict="CASE WHEN t.is_turned THEN 'turned' ELSE 'not_turned' END",
    ),
    "recommend": Figure(
        _("Who said: go there"),
        _(
            "What people said in public that sends others to you. "
            "A person or a flood counts once a day."
        ),
        table=TALK,
        condition=VOICE + "'recommend'",
        verdict=ALIKE,
        at="t.at",
        words="left(t.text, 200)",
    ),
    "avoid": Figure(
        _("Who said: avoid them"),
        _(
            "What people said in public that warns others off. "
            "A person or a flood counts once a day."
        ),
        table=TALK,
        condition=VOICE + "'avoid'",
        verdict=ALIKE,
        at="t.at",
        words="left(t.text, 200)",
    ),
    "exposed": Figure(
        _("Unanswered where everybody can see it"),
        _("Questions in public whose time has passed, the longest wait first."),
        table="conversation t JOIN conversation c ON c.id = t.id",
        condition="t.status = 'open' AND t.waiting_since IS NOT NULL AND t.is_public "
        "AND t.need = 'answer' AND t.due_at <= %(now)s",
        at="t.waiting_since",
        minutes="extract(epoch FROM %(now)s::timestamptz - t.waiting_since)::float8 / 60",
        oldest_first=True,
    ),
}


@dataclass(frozen=True, slots=True)
class Behind:
    """One row that a figure counts."""

    id: int
    at: datetime
    conversation: int
    door: Door
    name: str
    words: str
    minutes: float | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some of them; `after` leads to the next, "" at the end."""

    rows: tuple[Behind, ...]
    after: str = ""


def rows(figure: Figure, scope: Scope, *, sight: Sight, now: datetime, after: str = "") -> Page:
    """The rows that follow `after`: one query. Raises `ValueError` for no place in the list."""
    conditions, parameters = _conditions(figure, scope, sight=sight, now=now)
    way, beyond = ("ASC", ">") if figure.oldest_first else ("DESC", "<")
    if after:
        parameters["at"], parameters["id"] = from_key(after)
        conditions.append(f"({figure.at}, t.id) {beyond} (%(at)s, %(id)s)")
    found = fetch(
        f"""
        SELECT x.* FROM unnest(%(inboxes)s::bigint[]) AS door(id) CROSS JOIN LATERAL (
            SELECT t.id, {figure.at} AS at, c.id AS conversation, t.inbox_id, c.contact_name,
                {figure.words}, {figure.minutes}, {figure.verdict}
            FROM {figure.table} WHERE t.inbox_id = door.id AND {" AND ".join(conditions)}
            ORDER BY {figure.at} {way}, t.id {way} LIMIT {PAGE_SIZE + 1}
        ) x ORDER BY x.at {way}, x.id {way} LIMIT {PAGE_SIZE + 1}
        """,
        parameters,
    )
    behind = tuple(
        Behind(pk, at, conversation, sight.doors[inbox], *said)
        for pk, at, conversation, inbox, *said in found[:PAGE_SIZE]
    )
    more = len(found) > PAGE_SIZE
    return Page(behind, key_of(behind[-1].at, row_id=behind[-1].id) if more else "")


def count(figure: Figure, scope: Scope, *, sight: Sight, now: datetime) -> Count:
    """How many there are, up to the cap: one query."""
    conditions, parameters = _conditions(figure, scope, sight=sight, now=now)
    [[number]] = fetch(
        f"""
        SELECT count(*) FROM (SELECT FROM {figure.table} WHERE t.inbox_id = ANY(%(inboxes)s)
            AND {" AND ".join(conditions)} LIMIT {COUNT_CAP + 1}) x
        """,
        parameters,
    )
    return Count(number)


def _conditions(
    figure: Figure, scope: Scope, *, sight: Sight, now: datetime
) -> tuple[list[str], dict[str, Any]]:
    within, parameters = Scope(None, scope.since, scope.until).where(figure.at)
    asked = set(sight.doors) if scope.inboxes is None else set(sight.doors) & set(scope.inboxes)
    return [figure.condition, within], {**parameters, "now": now, "inboxes": sorted(asked)}
