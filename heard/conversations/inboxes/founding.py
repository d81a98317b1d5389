"""A house begins: its first owner, its opening hours, what it promises, and its first inbox."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from heard.channels import contact_page
from heard.conversations.inboxes.arranging import free_slug
from heard.conversations.models import Hours, Inbox, Policy
from heard.events.diary import record
from heard.staff.entrance import is_claimed
from heard.staff.models import Brand, Role, User

LOCK = 8_201_001


class ClaimedError(Exception):
    """Somebody else has become the owner first."""


@transaction.atomic
def found(
    company: str,
    *,
    owner: Mapping[str, str],
    timezone: str,
    week: list[Any],
    first_response_minutes: int,
    now: datetime,
) -> User:
    """Make everything a company needs to be asked its first question; returns the owner.

    `owner` has `name`, `email` and `password`; `week` is as `hours.from_json` reads it. Raises
    `ClaimedError` when the house has an owner already.
    """
    user = _claim(owner, timezone=timezone, now=now)
    brand = Brand.objects.create(name=company)
    hours = Hours.objects.create(name=_("Our opening hours"), timezone=timezone, week=week)
    policy = Policy.objects.create(
        name=_("What we promise"),
        first_response_minutes=first_response_minutes,
        next_response_minutes=first_response_minutes,
    )
    Inbox.objects.create(
        name=_("Ask %(company)s") % {"company": company},
        kind=contact_page.kind,
        slug=free_slug(company),
        brand=brand,
        keeper=user,
        hours=hours,
        policy=policy,
        created_at=now,
    )
    return user


def _claim(owner: Mapping[str, str], *, timezone: str, now: datetime) -> User:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    if is_claimed():
        raise ClaimedError
    user = User.objects.create_user(**owner, role=Role.OWNER, timezone=timezone)
    record("house.claimed", subject="user", subject_id=user.pk, at=now, actor_id=user.pk)
    return user
