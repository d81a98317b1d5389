"""Opening inboxes, and giving them new signing secrets."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.text import slugify

from heard.channels.signing import new_secret
from heard.conversations.models import Inbox
from heard.events.diary import record
from heard.lib.sealing import seal
from heard.staff.models import User


def free_slug(name: str) -> str:
    """A word for the address of a new inbox that no other has."""
    word = slugify(name)[:100] or "inbox"
    taken = set(Inbox.objects.filter(slug__startswith=word).values_list("slug", flat=True))
    number = next(n for n in range(1, len(taken) + 2) if _numbered(word, n) not in taken)
    return _numbered(word, number)


@transaction.atomic
def renew_secret(inbox: Inbox, *, by: User, now: datetime) -> str:
    """A new signing secret, which ends the old one; it is returned this once and kept sealed."""
    secret = new_secret()
    inbox.secret = seal(secret)
    inbox.save(update_fields=["secret"])
    record("inbox.secret_renewed", subject="inbox", subject_id=inbox.pk, at=now, actor_id=by.pk)
    return secret


def _numbered(word: str, number: int) -> str:
    return word if number == 1 else f"{word}-{number}"
