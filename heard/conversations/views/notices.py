"""What heard has told the person who is signed in, until they have read it."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST, require_safe

from heard.conversations import showing
from heard.conversations.colleagues import noticing
from heard.conversations.queries import sight_of
from heard.staff.access import StaffRequest, staff_only


@staff_only
@require_safe
def notices(request: StaffRequest) -> HttpResponse:
    """The unread ones, newest first."""
    context = {
        "notices": noticing.unread(request.user, sight=sight_of(request.user)),
        "most": noticing.MOST,
        "words": noticing.words,
        "show": showing,
        "now": timezone.now(),
    }
    return render(request, "conversations/notices.html", context)


@staff_only
@require_POST
def read_notices(request: StaffRequest) -> HttpResponse:
    """Everything up to the newest that was shown is read; what came since stays."""
    try:
        up_to = parse_datetime(request.POST.get("up_to", ""))
    except ValueError:
        up_to = None
    if up_to is not None and timezone.is_aware(up_to):
        noticing.read(request.user, up_to=up_to, now=timezone.now())
    return HttpResponseRedirect(reverse("notices"))
