"""The home page, and its drawings."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from heard.conversations.models import Inbox
from heard.meter.drawing import drawing
from heard.meter.home import Home, home
from heard.meter.models import Drawing
from heard.staff.access import StaffRequest, staff_only


@staff_only
@require_GET
def home_page(request: StaffRequest) -> HttpResponse:
    """What an owner reads in ten seconds; others read the same of what they may see."""
    now = timezone.now()
    inboxes = None
    if not request.user.is_owner:
        seen = Inbox.objects.visible_to(request.user)
        inboxes = tuple(seen.values_list("pk", flat=True))
    found = home(inboxes, now=now)
    context = {"home": found, "now": now, "drawings": _drawings(found, now=now)}
    return render(request, "meter/home.html", context)


@staff_only
@require_GET
def picture(request: StaffRequest, key: str) -> HttpResponse:
    """One drawing as a fragment: the picture, or again the question for it."""
    return render(request, "meter/_drawing.html", {"it": get_object_or_404(Drawing, key=key)})


def _drawings(found: Home, *, now: datetime) -> list[Drawing]:
    """The meter over the weeks, wide and narrow; none while there are no voices."""
    if found.meter.share is None:
        return []
    rows = [
        {"week": week.monday.isoformat(), "count": week.meter.recommend + week.meter.avoid}
        | {name: asdict(week.meter)[name] for name in ("share", "low", "high")}
        for week in found.weeks
    ]
    return [drawing(kind, rows, now=now) for kind in ("meter", "meter-narrow")]
