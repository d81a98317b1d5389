"""Somebody leaves the house: the door is shut, and what they had goes back to everybody."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from heard.conversations.handling import hand_back
from heard.staff.access import StaffRequest, leads_only
from heard.staff.inviting import LastOwnerError, dismiss
from heard.staff.views.people import changeable


@leads_only
@require_POST
def dismiss_person(request: StaffRequest, number: int) -> HttpResponse:
    """Shut the door to somebody, and say how much of theirs waits for somebody else now."""
    somebody, now = changeable(request, number), timezone.now()
    try:
        with transaction.atomic():
            dismiss(somebody, by=request.user, now=now)
            back = hand_back(somebody, by=request.user, now=now)
    except LastOwnerError:
        messages.error(request, _("The house needs an owner: make somebody else owner first."))
        return redirect("settings_person", number)
    said = [_("%(name)s cannot sign in any more.") % {"name": somebody}]
    if back.conversations:
        words = ngettext(
            "%(count)s conversation of theirs waits for somebody else now.",
            "%(count)s conversations of theirs wait for somebody else now.",
            back.conversations,
        )
        said.append(words % {"count": f"{back.conversations:,}"})
    if back.inboxes:
        words = ngettext(
            "%(count)s inbox has no keeper now.",
            "%(count)s inboxes have no keeper now.",
            back.inboxes,
        )
        said.append(words % {"count": back.inboxes})
    messages.success(request, " ".join(said))
    return redirect("settings_people")
