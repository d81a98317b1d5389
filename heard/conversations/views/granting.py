"""Signing in at a place's own page while an inbox is being connected, and coming back.

What was filled in waits in the session, sealed; whoever comes back with somebody else's answer,
too late, or twice is sent to begin again.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from heard.channels import granting
from heard.channels.base import PlaceError
from heard.conversations.inboxes.connecting import sign_in
from heard.conversations.models import Inbox
from heard.lib.sealing import seal, unseal
from heard.staff.access import StaffRequest

KEPT = "signing_in"
PATIENCE_SECONDS = 15 * 60


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who set out: for which inbox (a new one has no number), and what had been filled in."""

    kind: str
    inbox_id: int | None
    posted: QueryDict
    verifier: str


def address_of_return(request: StaffRequest) -> str:
    """Where places send people back to; their apps must know it."""
    return request.build_absolute_uri(reverse("settings_signed_in"))


def set_out(request: StaffRequest, row: Inbox, entered: dict[str, Any]) -> HttpResponse | None:
    """To the place's page; None where one does not sign in like this.

    Raises `PlaceError` where something that it needs is missing.
    """
    grant, _account = sign_in(row, entered)
    if grant is None:
        return None
    state, verifier = secrets.token_urlsafe(24), granting.new_verifier()
    request.session[KEPT] = {
        "kind": row.kind,
        "inbox": row.pk,
        "posted": seal(request.POST.urlencode()),
        "verifier": seal(verifier),
        "state": state,
        "at": timezone.now().timestamp(),
    }
    back = address_of_return(request)
    way = granting.way_of(grant, redirect=back, state=state, verifier=verifier)
    # A page of ours goes on to it: browsers let no form end at somebody else's address.
    page = {"there": way, "host": urlsplit(way).hostname}
    return render(request, "settings/leaving.html", page)


def come_back(request: StaffRequest) -> Waiting:
    """Who set out, once. Raises `PlaceError` where nobody did, or not with this answer."""
    kept = request.session.pop(KEPT, None)
    state = request.GET.get("state", "")
    now = timezone.now().timestamp()
    if (
        not isinstance(kept, dict)
        or not hmac.compare_digest(str(kept["state"]).encode(), state.encode())
        or now - kept["at"] > PATIENCE_SECONDS
    ):
        raise PlaceError(_("This sign-in was not begun here, or too long ago. Begin again."))
    posted = QueryDict(unseal(kept["posted"]), mutable=True)
    return Waiting(kept["kind"], kept["inbox"], posted, unseal(kept["verifier"]))


def key_for(request: StaffRequest, row: Inbox, waiting: Waiting, entered: dict[str, Any]) -> str:
    """The refresh token that the answer is worth. Raises `PlaceError` in words for people."""
    if refusal := request.GET.get("error", ""):
        words = request.GET.get("error_description") or refusal
        raise PlaceError(
            _("The place did not let us in: %(words)s") % {"words": " ".join(words.split())[:200]}
        )
    grant, account = sign_in(row, entered)
    if grant is None:
        raise PlaceError(_("This sign-in was not begun here, or too long ago. Begin again."))
    return granting.refresh_token(
        grant,
        code=request.GET.get("code", ""),
        redirect=address_of_return(request),
        verifier=waiting.verifier,
        account=account,
    )
