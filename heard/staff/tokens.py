"""Keys for programs: made for one person, shown once, kept as a digest, revoked at once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction

from heard.events.diary import record
from heard.staff.models import ApiToken, Scope, User

PREFIX = "heard_"
NOTED_EVERY = timedelta(hours=1)
"""How exactly the last use is kept: to write down each one would cost more than it tells."""


@transaction.atomic
def issue(
    user: User, *, name: str, scopes: Collection[str], by: User | None, now: datetime
) -> tuple[ApiToken, str]:
    """A new token and its text, which is told this once. Raises `ValueError` for unknown scopes."""
    wanted = sorted({Scope(scope).value for scope in scopes})
    if not wanted:
        raise ValueError("a token needs a scope")
    text = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=name,
        digest=_digest(text),
        beginning=text[: len(PREFIX) + 4],
        scopes=wanted,
        created_at=now,
    )
    _write_down("token.issued", token, by=by, now=now)
    return token, text


@transaction.atomic
def revoke(token: ApiToken, *, by: User | None, now: datetime) -> None:
    """It opens nothing any more."""
    token.revoked_at = now
    token.save(update_fields=["revoked_at"])
    _write_down("token.revoked", token, by=by, now=now)


def token_of(text: str, *, now: datetime) -> ApiToken | None:
    """The token with this text, if it is good and its person still at work."""
    token = (
        ApiToken.objects.select_related("user")
        .filter(digest=_digest(text), revoked_at=None, user__is_active=True)
        .first()
    )
    if token and (token.last_used_at is None or now - token.last_used_at >= NOTED_EVERY):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def _digest(text: str) -> str:
    """256 random bits need no slow hash."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _write_down(name: str, token: ApiToken, *, by: User | None, now: datetime) -> None:
    record(
        name,
        subject="user",
        subject_id=token.user_id,
        at=now,
        actor_id=by.pk if by else None,
        data={"token": token.pk, "name": token.name, "scopes": token.scopes},
    )
