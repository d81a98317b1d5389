"""Asking people into the house, changing what they may do, and letting them go."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from heard.events.diary import record
from heard.staff.models import Role, Team, User


class LastOwnerError(Exception):
    """A house cannot be without an owner."""


@transaction.atomic
def invite(
    email: str,
    *,
    name: str,
    role: str,
    teams: Iterable[Team],
    timezone: str,
    by: User,
    now: datetime,
) -> User:
    """Make the account of a colleague; they come in by a one-time link and choose a password."""
    person = User.objects.create_user(email, name=name, role=role, timezone=timezone)
    person.teams.set(teams)
    _write("user.invited", person, by=by, now=now, role=role)
    return person


@transaction.atomic
def change(person: User, *, teams: Iterable[Team], by: User, now: datetime) -> None:
    """Keep what was changed about a colleague. Raises `LastOwnerError`."""
    _lock_owners()
    person.save()
    person.teams.set(teams)
    _check_owners()
    _write("user.changed", person, by=by, now=now, role=person.role)


@transaction.atomic
def dismiss(person: User, *, by: User, now: datetime) -> None:
    """Nobody comes in by this account any more, nor stays in. Raises `LastOwnerError`."""
    _lock_owners()
    person.is_active = False
    person.save(update_fields=["is_active"])
    _check_owners()
    _write("user.dismissed", person, by=by, now=now)


@transaction.atomic
def readmit(person: User, *, by: User, now: datetime) -> None:
    """The account works again, with its old password and keys."""
    person.is_active = True
    person.save(update_fields=["is_active"])
    _write("user.readmitted", person, by=by, now=now)


def _lock_owners() -> None:
    """Two owners who dismiss each other at once must not both succeed."""
    list(User.objects.select_for_update().filter(role=Role.OWNER).values_list("pk", flat=True))


def _check_owners() -> None:
    if not User.objects.filter(role=Role.OWNER, is_active=True).exists():
        raise LastOwnerError


def _write(name: str, person: User, *, by: User, now: datetime, **data: str) -> None:
    record(name, subject="user", subject_id=person.pk, at=now, actor_id=by.pk, data=data)
