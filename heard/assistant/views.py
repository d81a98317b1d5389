"""The settings of the assistant: tiers and their costs, a try, and the log of what left."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from heard.assistant import budget
from heard.assistant.forms import COSTS, KEPT, WHAT, WHERE, AssistantForm
from heard.assistant.minilm.reader import is_installed
from heard.assistant.models import Assistant, Consultation, arranged
from heard.assistant.trying import EXAMPLE, Tried, try_out
from heard.staff.access import StaffRequest, owner_only
from heard.staff.arranging import keep

ON_A_PAGE = 50


@owner_only
def assistant(request: StaffRequest) -> HttpResponse:
    """The tiers with what they cost, and where the server is."""
    row, now = arranged(), timezone.now()
    form = AssistantForm(request.POST or None, instance=row, now=now)
    if request.method == "POST" and form.is_valid():
        keep(form, by=request.user, now=now)
        messages.success(request, _("Kept."))
        return redirect("settings_assistant")
    return _page(request, row, form, status=422 if form.errors else 200)


@owner_only
@require_POST
def try_assistant(request: StaffRequest) -> HttpResponse:
    """Ask the server about a made-up message. Whoever set it up waits for it (decision 0013)."""
    now = timezone.now()
    tried = try_out(arranged(), by_id=request.user.pk, now=now)
    row = arranged()
    return _page(request, row, AssistantForm(instance=row, now=now), tried=tried)


@owner_only
@require_safe
def log(request: StaffRequest) -> HttpResponse:
    """Everything that left, newest first: when, why, the masked words, the answer, the cost."""
    rows = Consultation.objects.select_related("by").order_by("-pk")
    about = _number(request.GET.get("conversation", ""))
    before = _number(request.GET.get("before", ""))
    if about is not None:
        rows = rows.filter(conversation_id=about)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: ON_A_PAGE + 1])
    page = {
        "consultations": found[:ON_A_PAGE],
        "more": found[ON_A_PAGE - 1].pk if len(found) > ON_A_PAGE else None,
        "about": about,
        "assistant": arranged(),
    }
    return render(request, "assistant/log.html", page)


def _page(
    request: StaffRequest,
    row: Assistant,
    form: AssistantForm,
    *,
    tried: Tried | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    page: dict[str, Any] = {
        "form": form,
        "assistant": row,
        "groups": [
            (_("Where it is"), [form[name] for name in WHERE]),
            (_("What it may do"), [form[name] for name in WHAT]),
            (_("What it may cost in a day"), [form[name] for name in COSTS]),
            (_("What is remembered"), [form[name] for name in KEPT]),
        ],
        "spent": budget.spent_today(now=now),
        "is_left": budget.is_left(row, now=now),
        "is_resting": bool(row.rests_until and row.rests_until > now),
        "tried": tried,
        "has_minilm": is_installed(),
        "example": EXAMPLE,
    }
    return render(request, "assistant/settings.html", page, status=status)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
