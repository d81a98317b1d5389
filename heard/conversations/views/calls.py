"""The book of calls, and who is on hold just now."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_safe

from heard.channels.phone.course import span
from heard.conversations import showing
from heard.conversations.calls import callbook
from heard.conversations.calls.callbook import SHOWN, Filters
from heard.conversations.calls.holding import on_hold
from heard.conversations.calls.taking import KINDS
from heard.conversations.queries import Sight, sight_of
from heard.staff.access import StaffRequest, staff_only


@staff_only
@require_safe
def calls_page(request: StaffRequest) -> HttpResponse:
    """Every call with its hold and its end, and the figures over them."""
    now, sight = timezone.now(), sight_of(request.user)
    filters = _filters(request, sight, now_days=callbook.last_weeks(sight, now=now))
    try:
        page = callbook.page(filters, sight=sight, after=request.GET.get("after", "")[:60])
    except ValueError as error:
        raise Http404(str(error)) from None

    def address(**changes: object) -> str:
        """This page with other filters; what is empty is left out."""
        asked = {
            "since": filters.since,
            "until": filters.until,
            "inbox": filters.inbox or "",
            "shown": filters.shown,
            "held": filters.held or "",
        } | changes
        return "?" + urlencode({name: value for name, value in asked.items() if value != ""})

    context = {
        "filters": filters,
        "page": page,
        "figures": callbook.figures(filters, sight=sight),
        "doors": [door for door in sight.doors.values() if door.kind in KINDS],
        "waiting": on_hold(sight, now=now),
        "address": address,
        "span": span,
        "show": showing,
        "now": now,
    }
    return render(request, "conversations/calls.html", context)


@staff_only
@require_safe
def holding(request: StaffRequest) -> HttpResponse:
    """Who is on hold, for a page that is open."""
    now = timezone.now()
    waiting = on_hold(sight_of(request.user), now=now)
    context = {"waiting": waiting, "now": now, "show": showing}
    return render(request, "conversations/_holding.html", context)


def _filters(request: StaffRequest, sight: Sight, *, now_days: tuple[date, date]) -> Filters:
    asked = request.GET
    inbox = asked.get("inbox", "")
    chosen = int(inbox) if inbox.isdecimal() and len(inbox) < 18 else None
    if chosen is not None and chosen not in sight.doors:
        raise Http404
    since, until = now_days
    return Filters(
        since=_day(asked.get("since")) or since,
        until=_day(asked.get("until")) or until,
        inbox=chosen,
        shown=asked.get("shown", "") if asked.get("shown") in SHOWN else "",
        held=_number(asked.get("held", "")),
    )


def _day(text: str | None) -> date | None:
    try:
        day = parse_date(text or "")
    except ValueError:
        return None
    return day if day and 1980 <= day.year < 2100 else None


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if 0 <= number < 1e7 else 0.0
