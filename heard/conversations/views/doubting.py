"""Answering the suggestion of another reader: taken, which is a correction, or refused."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from heard.conversations import doubting
from heard.conversations.models import SecondReading
from heard.conversations.views.conversation import done, found_message
from heard.staff.access import StaffRequest, staff_only


@staff_only
@require_POST
def second_reading(request: StaffRequest, number: int) -> HttpResponse:
    """Take it, or leave the reading as it is."""
    second = get_object_or_404(SecondReading, pk=number)
    _, opened, sight = found_message(request, second.message_id)
    answer, now = request.POST.get("answer", ""), timezone.now()
    if answer == "take":
        is_done = doubting.take(second, by=request.user, now=now)
    elif answer == "refuse":
        is_done = doubting.refuse(second, by=request.user, now=now)
    else:
        raise Http404
    opened.refresh_from_db()
    said = gettext("Noted.") if is_done else gettext("Somebody has answered this already.")
    return done(request, opened, sight=sight, notice=said)
