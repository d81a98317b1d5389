"""The inbox: a view's page, its list alone, more of it, and the rows that have changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from heard.conversations import queries, showing
from heard.conversations.calls.taking import KINDS
from heard.conversations.queries import VIEWS, Filters, Sight, View, sight_of
from heard.lib.headers import live_url
from heard.staff.access import StaffRequest, staff_only

FIRST_VIEW = "waiting"
MOST_ROWS_ASKED = 200


@staff_only
@require_safe
def front(request: StaffRequest) -> HttpResponse:
    """Lead to where this person was last."""
    name = request.COOKIES.get("view", "")
    return HttpResponseRedirect(reverse("inbox_view", args=[name if name in VIEWS else FIRST_VIEW]))


@staff_only
@require_safe
def inbox(request: StaffRequest, name: str) -> HttpResponse:
    """One view of the inbox; for htmx its list, or the rows after a place in it."""
    view, sight, now = _view(name), sight_of(request.user), timezone.now()
    context = list_context(request, view=view, sight=sight, now=now)
    if request.htmx.target == "more":
        return render(request, "conversations/_rows.html", context)
    if request.htmx:
        response = render(request, "conversations/_list_and_views.html", context)
    else:
        context |= page_context(request) | {"thread": None}
        response = render(request, "conversations/inbox.html", context)
    response.set_cookie("view", view.name, max_age=60 * 60 * 24 * 90, samesite="Lax")
    return response


@staff_only
@require_safe
def rows(request: StaffRequest, name: str) -> HttpResponse:
    """Those of `ids` that stand in the view now, and the counts, for a page that is open.

    With `top` also the first rows of the view, for a page that has heard nothing for a while.
    """
    view, sight, now = _view(name), sight_of(request.user), timezone.now()
    ids = [int(part) for part in request.GET.get("ids", "").split(",") if part.isdecimal()]
    filters = filters_of(request.GET, sight=sight)
    found = queries.some(view, ids=ids[:MOST_ROWS_ASKED], sight=sight, filters=filters, now=now)
    if "top" in request.GET:
        known = {row.id for row in found}
        newest = queries.page(view, sight=sight, filters=filters, now=now).rows
        found += tuple(row for row in newest if row.id not in known)
    context = {
        "view": view,
        "rows": found,
        "counts": queries.counts(sight, now=now),
        "context_query": context_query(view, filters),
        "now": now,
        "show": showing,
        "me": request.user.pk,
    }
    return render(request, "conversations/_changed.html", context)


@staff_only
@require_safe
def filters(request: StaffRequest, name: str) -> HttpResponse:
    """What a view can be narrowed by: for htmx the form alone."""
    view, sight = _view(name), sight_of(request.user)
    chosen = filters_of(request.GET, sight=sight)
    context = {
        "view": view,
        "filters": chosen,
        "filter_query": urlencode(chosen.query()),
        "choices": queries.choices(sight),
        "doors": sight.doors,
        "show": showing,
    }
    template = "conversations/_filters.html" if request.htmx else "conversations/filters.html"
    return render(request, template, context)


def list_context(
    request: StaffRequest, *, view: View, sight: Sight, now: datetime
) -> dict[str, Any]:
    """What the three panes need for the list: two queries."""
    filters = filters_of(request.GET, sight=sight)
    try:
        page, counts = queries.page_and_counts(
            view, sight=sight, filters=filters, now=now, after=request.GET.get("after", "")
        )
    except ValueError as error:
        raise Http404(str(error)) from None
    return {
        "view": view,
        "views": VIEWS,
        "hears_calls": hears_calls(sight),
        "rows": page.rows,
        "after": page.after,
        "counts": counts,
        "filters": filters,
        "filter_query": urlencode(filters.query()),
        "context_query": context_query(view, filters),
        "current": _number(request.GET.get("beside")),
        "now": now,
        "show": showing,
        "me": request.user.pk,
    }


def hears_calls(sight: Sight) -> bool:
    """Whether one of the inboxes that this person may see is a telephone."""
    return any(door.kind in KINDS for door in sight.doors.values())


def page_context(request: StaffRequest) -> dict[str, Any]:
    """What only a whole page needs."""
    return {"live_url": live_url(request)}


def filters_of(asked: Mapping[str, str], *, sight: Sight) -> Filters:
    """The filters in an address. An inbox that this person may not see is not found."""
    filters = Filters(
        inbox=_number(asked.get("inbox")),
        kind=asked.get("kind", "")[:30],
        need=asked.get("need", "") if asked.get("need") in showing.NEEDS else "",
        team=_number(asked.get("team")),
        assignee=_number(asked.get("assignee")),
        flood=_number(asked.get("flood")),
    )
    if filters.inbox is not None and filters.inbox not in sight.doors:
        raise Http404
    return filters


def context_query(view: View, filters: Filters) -> str:
    """Which list a conversation was opened from, for its address."""
    return urlencode({"view": view.name, **filters.query()})


def _view(name: str) -> View:
    if name not in VIEWS:
        raise Http404
    return VIEWS[name]


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 18 else None
