"""The lines of the ledger for other programs: CSV for spreadsheets, JSON for the rest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from heard.conversations.fails.ledger import Fail
from heard.lib.spreadsheets import as_lines

COLUMNS = (
    "id", "failed_at", "fail", "outcome", "sighting", "clock", "started_at", "met_at",
    "overdue_minutes", "inbox", "keeper", "contact", "conversation", "is_history",
)  # fmt: skip


def values_of(fail: Fail) -> dict[str, Any]:
    """One fail under the names of `COLUMNS`; moments in UTC, `keeper` "" when it is not told."""
    return {
        "id": fail.id,
        "failed_at": _moment(fail.failed_at),
        "fail": fail.fail,
        "outcome": fail.outcome,
        "sighting": fail.sighting,
        "clock": fail.clock,
        "started_at": _moment(fail.started_at),
        "met_at": _moment(fail.met_at),
        "overdue_minutes": round(fail.overdue.total_seconds() / 60, 1),
        "inbox": fail.inbox,
        "keeper": fail.keeper,
        "contact": fail.contact,
        "conversation": fail.conversation_id,
        "is_history": fail.is_history,
    }


def as_csv(fails: Iterable[Fail]) -> Iterator[str]:
    """A heading and a line for each; no cell of ours is run by a spreadsheet."""
    return as_lines(COLUMNS, (values_of(fail).values() for fail in fails))


def as_json(fails: Iterable[Fail]) -> Iterator[str]:
    """One array, an object on each line."""
    before = "[\n"
    for fail in fails:
        yield before + json.dumps(values_of(fail), ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _moment(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None
