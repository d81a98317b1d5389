"""What a channel may know of an inbox: its settings, its secrets unsealed, the house's post."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

from heard import environment
from heard.channels.base import Account, Letter
from heard.conversations.models import Inbox
from heard.lib.sealing import seal, unseal


def account_of(inbox: Inbox) -> Account:
    """The account behind an inbox. Raises `UnsealError` if its secret cannot be opened."""
    secrets = secrets_of(inbox)
    return Account(
        name=inbox.name,
        settings=inbox.settings,
        secret=secrets.get("signing_secret", ""),
        post=_post,
        secrets=secrets,
        renew=functools.partial(_renew, inbox.pk),
        hook=hook_of(inbox),
        allow_private=inbox.settings.get("allow_private") is True,
    )


def secrets_of(inbox: Inbox) -> dict[str, str]:
    """The secrets of an inbox by name; `signing_secret` is the one that the house made.

    Raises `UnsealError`.
    """
    kept = unseal(inbox.secret) if inbox.secret else ""
    if not kept.startswith("{"):  # as inboxes of the first months have it
        return {"signing_secret": kept} if kept else {}
    found: dict[str, str] = json.loads(kept)
    return found


def hook_of(inbox: Inbox) -> str:
    """The address at which places and programs deliver to this inbox, as the outside knows it."""
    return f"{environment.public_url()}/hooks/{inbox.token}/"


@transaction.atomic
def _renew(inbox_id: int, secrets: Mapping[str, str]) -> None:
    """Keep the secrets that a place has put in the stead of others; the rest stay as they are."""
    inbox = Inbox.objects.select_for_update().get(pk=inbox_id)
    inbox.secret = seal(json.dumps(secrets_of(inbox) | dict(secrets)))
    inbox.save(update_fields=["secret"])


def _post(letter: Letter) -> None:
    """Mail from the house; its Message-ID stays the same however often it is tried."""
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">") or "localhost"
    EmailMessage(
        subject=" ".join(letter.subject.split()),
        body=letter.text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[letter.to],
        headers={"Message-ID": f"<{letter.message_id}@{domain}>"},
    ).send()
