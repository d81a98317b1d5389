"""Opening inboxes, and giving them new signing secrets."""

from __future__ import annotations

import json
from datetime import datetime

from django.db import transaction
from django.utils.text import slugify

from heard.channels.registry import channel_of
from heard.channels.signing import new_secret
from heard.conversations.inboxes.accounts import secrets_of
from heard.conversations.models import Hours, Inbox, Policy
from heard.events.diary import record
from heard.lib.sealing import seal
from heard.staff.models import User


def free_slug(name: str) -> str:
    """A word for the address of a new inbox that no other has."""
    word = slugify(name)[:100] or "inbox"
    taken = set(Inbox.objects.filter(slug__startswith=word).values_list("slug", flat=True))
    number = next(n for n in range(1, len(taken) + 2) if _numbered(word, n) not in taken)
    return _numbered(word, number)


def new_inbox(kind: str, *, name: str, keeper: User | None, now: datetime) -> Inbox:
    """An inbox with the first policy and hours of the house, not kept yet: `connect` does that."""
    policy = Policy.objects.order_by("pk").first() or Policy.objects.create(name=name)
    channel = channel_of(kind)
    return Inbox(
        kind=kind,
        name=name,
        slug=free_slug(name),
        keeper=keeper,
        policy=policy,
        hours=Hours.objects.order_by("pk").first(),
        created_at=now,
        is_public=channel is not None and channel.private is None,
    )


@transaction.atomic
def renew_secret(inbox: Inbox, *, by: User | None, now: datetime, keeps_old: bool = False) -> str:
    """A new signing secret; it is returned this once and kept sealed.

    It ends the old one, or with `keeps_old` lets the newest of them count until the next renewal.
    """
    secret, secrets = new_secret(), secrets_of(inbox)
    old = secrets.get("signing_secret", "").split()[:1] if keeps_old else []
    inbox.secret = seal(json.dumps(secrets | {"signing_secret": " ".join([secret, *old])}))
    inbox.save(update_fields=["secret"])
    _write_down("inbox.secret_renewed", inbox, by=by, now=now)
    return secret


def _write_down(name: str, inbox: Inbox, *, by: User | None, now: datetime) -> None:
    record(name, subject="inbox", subject_id=inbox.pk, at=now, actor_id=by.pk if by else None)


def _numbered(word: str, number: int) -> str:
    return word if number == 1 else f"{word}-{number}"
