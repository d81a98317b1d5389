"""Writing into the diary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from heard.events.models import Event


def record(
    name: str,
    *,
    subject: str,
    subject_id: int | None,
    at: datetime,
    actor_id: int | None = None,
    data: Mapping[str, Any] | None = None,
) -> Event:
    """Write one deed down, in the caller's transaction."""
    return Event.objects.create(
        name=name,
        subject=subject,
        subject_id=subject_id,
        at=at,
        actor_id=actor_id,
        data=dict(data or {}),
    )


def record_many(events: Iterable[Event]) -> None:
    """Write many deeds down in one statement."""
    Event.objects.bulk_create(events)
