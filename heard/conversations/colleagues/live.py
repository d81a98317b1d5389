"""What an open page may hear: who is behind a session, and which events concern them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest

from heard.conversations.models import Inbox
from heard.staff.models import User


@dataclass(frozen=True, slots=True)
class Listener:
    """Somebody with an open page, and the inboxes they may see; None is all of them."""

    user_id: int
    inboxes: frozenset[int] | None

    def hears(self, payload: str) -> str | None:
        """The part of a notification that concerns them, None when nothing does."""
        said = json.loads(payload)
        inboxes = self.inboxes
        changed = [
            (conversation, inbox)
            for conversation, inbox in said["changed"]
            if inboxes is None or inbox in inboxes
        ]
        return json.dumps({**said, "changed": changed}) if changed else None


def listener_of(session_key: str) -> Listener | None:
    """Who is behind a session as of now, None when nobody is. Reads the database."""
    request: Any = HttpRequest()
    # From the database itself: a cache of this process would not hear of a sign-out.
    request.session = SessionStore(session_key)
    user = get_user(request)
    if not isinstance(user, User) or not user.is_active:
        return None
    if user.is_owner:
        return Listener(user_id=user.pk, inboxes=None)
    inboxes = Inbox.objects.visible_to(user).values_list("pk", flat=True)
    return Listener(user_id=user.pk, inboxes=frozenset(inboxes))
