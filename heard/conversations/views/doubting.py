"""Suggested readings: all of them with how they fared, and answering one."""

from __future__ import annotations

from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from heard.conversations import showing
from heard.conversations.models import SecondReading
from heard.conversations.queries import sight_of
from heard.conversations.readings import doubting
from heard.conversations.views.conversation import done, found_message
from heard.lib.shares import wilson
from heard.staff.access import StaffRequest, staff_only

ON_A_PAGE = 50


@staff_only
@require_safe
def second_readings(request: StaffRequest) -> HttpResponse:
    """What other readers said of unsure messages, newest first; counts by what became of it."""
    doors = list(sight_of(request.user).doors)
    mine = SecondReading.objects.filter(message__inbox_id__in=doors)
    counts = dict(mine.values_list("state").annotate(count=Count("pk")))
    state, before = request.GET.get("state", "open"), request.GET.get("before", "")
    rows = mine.filter(state=state).select_related("message", "by")
    if before.isascii() and before.isdigit() and len(before) < 16:
        rows = rows.filter(pk__lt=int(before))
    fields = ("conversation_id", "text", "need", "stance", "mood", "author_name")
    rows = rows.only(
        "tier", "state", "need", "stance", "mood", "reason", "at", "by__name", "by__email",
        *(f"message__{field}" for field in fields),
    )  # fmt: skip
    found = list(rows.order_by("-pk")[: ON_A_PAGE + 1])
    taken, refused = counts.get("taken", 0), counts.get("refused", 0)
    page = {
        "rows": found[:ON_A_PAGE],
        "more": found[ON_A_PAGE - 1].pk if len(found) > ON_A_PAGE else None,
        "states": [
            (name, label, counts.get(name, 0)) for name, label in SecondReading.State.choices
        ],
        "state": state,
        "answered": taken + refused,
        "taken": taken,
        "sure": wilson(taken, taken + refused),
        "show": showing,
    }
    return render(request, "conversations/second_readings.html", page)


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
