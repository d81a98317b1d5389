"""The home page, its drawings, and the rows behind its figures."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET

from heard.conversations.models import Inbox
from heard.conversations.queries import sight_of
from heard.conversations.showing import days
from heard.meter.drawing import drawing
from heard.meter.home import Home, home
from heard.meter.models import Drawing
from heard.meter.report import Scope
from heard.meter.rows import FIGURES, PAGE_SIZE, count, rows
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
def figure_page(request: StaffRequest, name: str) -> HttpResponse:
    """Everything that one figure counts, page by page: three queries."""
    if name not in FIGURES:
        raise Http404
    figure, now, sight = FIGURES[name], timezone.now(), sight_of(request.user)
    scope = Scope(None, _day(request.GET.get("since")), _day(request.GET.get("until")))
    try:
        page = rows(figure, scope, sight=sight, now=now, after=request.GET.get("after", ""))
    except ValueError as error:
        raise Http404(str(error)) from None
    dates = {"since": scope.since, "until": scope.until}
    context = {
        "figure": figure,
        "page": page,
        "page_size": PAGE_SIZE,
        "counted": count(figure, scope, sight=sight, now=now),
        "days": days(scope.since, scope.until) if scope.since and scope.until else "",
        "query": urlencode({key: day for key, day in dates.items() if day}),
    }
    return render(request, "meter/rows.html", context)


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


def _day(text: str | None) -> date | None:
    try:
        return parse_date(text or "")
    except ValueError:
        return None
