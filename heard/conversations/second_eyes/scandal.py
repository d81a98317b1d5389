"""The flag for a scandal: while it flies, no reply it is about leaves unseen by a second person."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from heard.conversations.models import Inbox, ScandalFlag
from heard.events.diary import record
from heard.staff.models import Brand, User


@transaction.atomic
def raise_flag(
    *,
    word: str,
    until: datetime,
    by: User,
    now: datetime,
    brand: Brand | None = None,
    inbox: Inbox | None = None,
) -> ScandalFlag:
    """Let it fly over a brand, an inbox, or (with neither) the house, until a moment.

    What rests already is asked about when it has cooled. Raises `ValueError` when that moment has
    passed, or nothing is said of what it is about.
    """
    if until <= now or not word.strip():
        raise ValueError("a flag says what it is about, and flies until a moment to come")
    flag = ScandalFlag.objects.create(
        word=word.strip()[:200], until=until, raised_at=now, raised_by=by, brand=brand, inbox=inbox
    )
    _write_down("flag.raised", flag, by=by, now=now)
    return flag


@transaction.atomic
def lower_flag(flag: ScandalFlag, *, by: User, now: datetime) -> None:
    """It is over. What waits for somebody goes on waiting."""
    if flag.until > now:
        flag.until = now
        flag.save(update_fields=["until"])
        _write_down("flag.lowered", flag, by=by, now=now)


def _write_down(name: str, flag: ScandalFlag, *, by: User, now: datetime) -> None:
    record(
        name,
        subject="flag",
        subject_id=flag.pk,
        at=now,
        actor_id=by.pk,
        data={"word": flag.word, "until": flag.until.isoformat()},
    )
