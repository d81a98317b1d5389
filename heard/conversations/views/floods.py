"""A flood: its page, and what is done with all of it, or with one that does not belong to it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from heard.channels.base import Act
from heard.conversations import queries, showing
from heard.conversations.floods import folding
from heard.conversations.floods.handling import (
    RESOLVED_AT_ONCE,
    acknowledge_all,
    resolve_all,
    sum_up,
    thanks_due,
    words_of,
)
from heard.conversations.models import Flood, Flooded
from heard.conversations.queries import VIEWS, Filters, Sight, sight_of
from heard.conversations.views.conversation import DEFAULT_VIEW, done, found
from heard.conversations.views.inbox import context_query, filters_of, hears_calls, page_context
from heard.staff.access import StaffRequest, staff_only


@staff_only
@require_safe
def flood(request: StaffRequest, number: int) -> HttpResponse:
    """What was said, by how many, how it stands with them, and each of them, page by page."""
    opened, sight = _found(request, number)
    if request.htmx and request.htmx.target == "more-alike":
        context = _context(request, opened, sight=sight, now=timezone.now())
        return render(request, "conversations/_flooded.html", context)
    if request.htmx and not request.htmx.history_restore_request:
        return _pane(request, opened, sight=sight)
    context = page_context(request) | _context(request, opened, sight=sight, now=timezone.now())
    context |= {"views": VIEWS, "counts": None, "hears_calls": hears_calls(sight), "thread": None}
    return render(request, "conversations/inbox.html", context)


@staff_only
@require_POST
def resolve(request: StaffRequest, number: int) -> HttpResponse:
    """Call all that is open done."""
    opened, sight = _found(request, number)
    settled = resolve_all(opened, inboxes=sight.doors, by=request.user, now=timezone.now())
    said = ngettext(
        "One conversation is done.", "%(num)s conversations are done.", settled.count
    ) % {"num": f"{settled.count:,}"}
    return _done(request, opened, sight=sight, notice=said)


@staff_only
@require_POST
def acknowledge(request: StaffRequest, number: int) -> HttpResponse:
    """Like or thank whoever deserves it."""
    opened, sight = _found(request, number)
    kind = request.POST.get("kind", "")
    if kind not in {Act.LIKE, Act.THANK}:
        raise Http404
    settled = acknowledge_all(
        opened, Act(kind), inboxes=sight.doors, by=request.user, now=timezone.now()
    )
    said = ngettext("One was acknowledged.", "%(num)s were acknowledged.", settled.count) % {
        "num": f"{settled.count:,}"
    }
    if not settled.is_all:
        said += " " + gettext("There are more: press it again.")
    return _done(request, opened, sight=sight, notice=said)


@staff_only
@require_POST
def dissolve(request: StaffRequest, number: int) -> HttpResponse:
    """They are not the same: each stands by itself again."""
    opened, sight = _found(request, number)
    folding.dissolve(opened, inboxes=sight.doors, by=request.user, now=timezone.now())
    said = gettext("Each stands by itself now, and counts as a voice of its own.")
    return _done(request, opened, sight=sight, notice=said)


@staff_only
@require_POST
def fold_again(request: StaffRequest, number: int) -> HttpResponse:
    """They are the same after all."""
    opened, sight = _found(request, number)
    folding.fold_again(opened, inboxes=sight.doors, by=request.user, now=timezone.now())
    return _done(request, opened, sight=sight, notice=gettext("They stand in one line again."))


@staff_only
@require_POST
def leave(request: StaffRequest, number: int) -> HttpResponse:
    """This conversation is not the same as the others."""
    opened, sight = found(request, number)
    left = opened.flood_id
    if left is None:
        raise Http404
    folding.take_out(opened, by=request.user, now=timezone.now())
    said = gettext("It stands by itself now.")
    if "from-flood" in request.POST:
        return _done(request, get_object_or_404(Flood, pk=left), sight=sight, notice=said)
    return done(request, opened, sight=sight, notice=said)


def _found(request: StaffRequest, number: int) -> tuple[Flood, Sight]:
    """A flood of which this person may see anything; else it is not there."""
    sight = sight_of(request.user)
    mine = Flooded.objects.filter(message__inbox__in=list(sight.doors))
    return get_object_or_404(Flood.objects.filter(pk__in=mine.values("flood")), pk=number), sight


def _context(
    request: StaffRequest, opened: Flood, *, sight: Sight, now: datetime
) -> dict[str, Any]:
    """What the pane of a flood shows: seven queries."""
    view = VIEWS.get(request.GET.get("view", ""), VIEWS[DEFAULT_VIEW])
    filters = filters_of(request.GET, sight=sight)
    try:
        page = queries.page(
            VIEWS["all"],
            sight=sight,
            filters=Filters(flood=opened.pk),
            now=now,
            after=request.GET.get("from", ""),
        )
    except ValueError as error:
        raise Http404(str(error)) from None
    left = Flooded.objects.filter(flood=opened, message__inbox__in=list(sight.doors))
    return {
        "flood": opened,
        "members": page,
        "sum": sum_up(opened, sight=sight, now=now),
        "words": words_of(opened, sight=sight),
        "left": left.exclude(taken_out_at=None).count(),
        "thanks": thanks_due(opened, inboxes=sight.doors),
        "most_at_once": RESOLVED_AT_ONCE,
        "view": view,
        "context_query": context_query(view, filters),
        "now": now,
        "show": showing,
    }


def _pane(request: StaffRequest, opened: Flood, *, sight: Sight) -> HttpResponse:
    context = _context(request, opened, sight=sight, now=timezone.now())
    return render(request, "conversations/_flood.html", context)


def _done(request: StaffRequest, opened: Flood, *, sight: Sight, notice: str) -> HttpResponse:
    """After a deed: the pane again and word to the page, or without JavaScript the page again."""
    if not request.htmx:
        messages.success(request, notice)
        query = request.GET.urlencode()
        address = reverse("flood", args=[opened.pk])
        return HttpResponseRedirect(f"{address}?{query}" if query else address)
    response = _pane(request, opened, sight=sight)
    response.headers["HX-Push-Url"] = "false"
    response.headers["HX-Trigger"] = json.dumps({"notice": {"text": notice}, "heard:done": {}})
    return response
