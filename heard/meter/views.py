"""The home page, its drawings, the rows behind its figures, and how the reader learns."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST
from procrastinate.exceptions import AlreadyEnqueued

from heard.conversations import showing
from heard.conversations.models import Inbox
from heard.conversations.queries import sight_of
from heard.conversations.readings import teaching
from heard.conversations.readings.correcting import CHOICES
from heard.conversations.showing import days
from heard.learning.models import Refit
from heard.learning.refitting import revert
from heard.meter import learning, worth
from heard.meter.drawing import drawing
from heard.meter.home import Home, home
from heard.meter.keepers import DAYS, keepers
from heard.meter.models import Drawing
from heard.meter.presence_map import MOST, SPANS, WHICH, count_there, presence_map, said_there
from heard.meter.report import Scope
from heard.meter.rows import FIGURES, PAGE_SIZE, count, rows
from heard.reading.house import LEAST_LABELS, LEAST_OF_A_CLASS
from heard.staff.access import StaffRequest, leads_only, staff_only
from heard.staff.models import User


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
    inboxes = tuple(int(it) for it in request.GET.getlist("inbox") if it.isdecimal())
    since, until = _day(request.GET.get("since")), _day(request.GET.get("until"))
    scope = Scope(inboxes or None, since, until)
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
        "query": urlencode(
            [(key, day) for key, day in dates.items() if day] + [("inbox", it) for it in inboxes]
        ),
    }
    return render(request, "meter/rows.html", context)


@staff_only
@require_GET
def presence_page(request: StaffRequest) -> HttpResponse:
    """The places where people speak about us, and where nobody of us answers."""
    now, days = timezone.now(), _span(request)
    sight = sight_of(request.user)
    context = {
        "map": presence_map(sight=sight, days=days, now=now),
        "most": MOST,
        "days": days,
        "spans": SPANS,
        "keepers": keepers(sight=sight, now=now) if request.user.leads else (),
        "kept_days": DAYS,
        **_kept_dates(now),
    }
    return render(request, "meter/presence.html", context)


@staff_only
@require_GET
def presence_rows(request: StaffRequest) -> HttpResponse:
    """What one figure of one place counts."""
    now, days, sight = timezone.now(), _span(request), sight_of(request.user)
    which, host = request.GET.get("which", "all"), request.GET.get("host", "")
    inbox = request.GET.get("inbox", "")
    door = sight.doors.get(int(inbox)) if inbox.isdecimal() else None
    if door is None or which not in WHICH:
        raise Http404
    try:
        page = said_there(
            door=door, host=host, which=which, days=days, now=now,
            after=request.GET.get("after", ""),
        )  # fmt: skip
    except ValueError as error:
        raise Http404(str(error)) from None
    explained = gettext("%(place)s, in the last %(days)s days") % {
        "place": f"{door.name}, {host}" if host else door.name,
        "days": days,
    }
    context = {
        "figure": {"title": WHICH[which][0], "explained": explained, "oldest_first": False},
        "page": page,
        "page_size": PAGE_SIZE,
        "counted": count_there(door=door, host=host, which=which, days=days, now=now),
        "days": "",
        "query": urlencode({"inbox": door.id, "host": host, "which": which, "days": days}),
    }
    return render(request, "meter/rows.html", context)


@staff_only
@require_GET
def keeper_page(request: StaffRequest, number: int) -> HttpResponse:
    """How somebody who keeps inboxes does: for themselves, and for those who lead."""
    person = get_object_or_404(User, pk=number)
    if person.pk != request.user.pk and not request.user.leads:
        raise PermissionDenied
    now, sight = timezone.now(), sight_of(request.user)
    [keeper] = keepers(sight=sight, now=now, only=person)
    doors = [sight.doors[inbox] for inbox in keeper.inboxes]
    context = {"keeper": keeper, "doors": doors, "kept_days": DAYS, **_kept_dates(now)}
    return render(request, "meter/keeper.html", context)


@leads_only
@require_GET
def reading_page(request: StaffRequest) -> HttpResponse:
    """What the reader has learnt from the house, head by head."""
    now, told = timezone.now(), learning.stories()
    context = {
        "stories": told,
        "drawings": {
            it.head: [
                drawing(kind, it.drawn(), now=now) for kind in ("learning", "learning-narrow")
            ]
            for it in told
            if it.refits
        },
        "least": LEAST_LABELS,
        "least_of_a_class": LEAST_OF_A_CLASS,
        "show": showing,
        "now": now,
    }
    return render(request, "meter/learning.html", context)


@leads_only
@require_POST
def learn_now(request: StaffRequest) -> HttpResponse:
    """Learn without waiting for the night."""
    with suppress(AlreadyEnqueued), transaction.atomic():
        teaching.learn_now.defer(by=request.user.pk)
    messages.success(request, gettext("The reader is learning; look again in a minute."))
    return redirect("settings_reading")


@leads_only
@require_POST
def revert_refit(request: StaffRequest, number: int) -> HttpResponse:
    """Read as before that refit."""
    refit = get_object_or_404(Refit.objects.defer("weights"), pk=number)
    try:
        before = revert(refit, by=request.user, now=timezone.now())
    except ValueError:
        messages.error(request, gettext("This refit is not in use any more."))
    else:
        said = gettext("Taken back: new messages are read as shipped.")
        if before:
            when = showing.exactly(before.at)
            said = gettext("Taken back: new messages are read by the refit of %s.") % when
        messages.success(request, said)
    return redirect("settings_reading")


@leads_only
@require_GET
def labels_page(request: StaffRequest, head: str) -> HttpResponse:
    """The words of people that a head learns from: those that this person may see."""
    if head not in CHOICES:
        raise Http404
    before = request.GET.get("before", "")
    sight = sight_of(request.user)
    found = learning.labels(
        head, sight=sight, before=int(before) if before.isdecimal() and len(before) < 18 else None
    )
    context = {
        "head": head,
        "labels": found[: learning.PAGE_SIZE],
        "more": found[learning.PAGE_SIZE - 1].id if len(found) > learning.PAGE_SIZE else None,
        "doors": sight.doors,
        "show": showing,
        "now": timezone.now(),
    }
    return render(request, "meter/labels.html", context)


@leads_only
@require_GET
def worth_page(request: StaffRequest) -> HttpResponse:
    """Whether replies that were changed after a finding fared better than those that were not."""
    found = worth.cases(list(sight_of(request.user).doors), now=timezone.now())
    context = {
        "comparisons": worth.comparisons(found),
        "is_capped": len(found) == worth.MOST,
        "most": worth.MOST,
        "least": worth.LEAST,
        "days": worth.WINDOW.days,
        "rated_within": worth.RATED_WITHIN.days,
        "show": showing,
    }
    return render(request, "meter/worth.html", context)


@leads_only
@require_GET
def worth_rows(request: StaffRequest) -> HttpResponse:
    """The conversations that one share of that page counts."""
    outcome, group = request.GET.get("outcome", ""), request.GET.get("group", "")
    if outcome not in worth.OUTCOMES or group not in worth.GROUPS:
        raise Http404
    now, sight = timezone.now(), sight_of(request.user)
    rows = worth.chosen(worth.cases(list(sight.doors), now=now), outcome=outcome, group=group)
    context = {
        "title": gettext("Changed after a finding")
        if group == "changed"
        else gettext("Sent as it was"),
        "outcome": outcome,
        "count": len(rows),
        "rows": rows[: worth.MOST_ROWS],
        "doors": sight.doors,
        "now": now,
        "show": showing,
    }
    return render(request, "meter/worth_rows.html", context)


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


def _kept_dates(now: datetime) -> dict[str, str]:
    """The days that the rates of keepers count, as addresses of their rows have them."""
    first = timezone.localtime(now - timedelta(days=DAYS)).date()
    return {"since": first.isoformat(), "until": timezone.localtime(now).date().isoformat()}


def _span(request: StaffRequest) -> int:
    asked = request.GET.get("days", "")
    return int(asked) if asked in {str(days) for days in SPANS} else SPANS[0]


def _day(text: str | None) -> date | None:
    try:
        return parse_date(text or "")
    except ValueError:
        return None
