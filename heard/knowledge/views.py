"""The facts of the house, among the settings."""

from __future__ import annotations

from dataclasses import asdict

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from heard.knowledge.forms import HouseFactForm
from heard.knowledge.keeping import keep_fact, take_in_sheet
from heard.knowledge.models import HouseFact
from heard.knowledge.sheets import LARGEST, SheetError, lines_of, sheet_of
from heard.staff.access import StaffRequest, leads_only
from heard.staff.arranging import remove

PAGE = 200


@leads_only
@require_safe
def facts(request: StaffRequest) -> HttpResponse:
    """What the house says is so; a word narrows it down."""
    return _facts_page(request)


@leads_only
def fact(request: StaffRequest, number: int | None = None) -> HttpResponse:
    """One fact, or a new one."""
    row = get_object_or_404(HouseFact, pk=number) if number else None
    now = timezone.now()
    if request.method == "POST" and "remove" in request.POST and row is not None:
        remove(row, by=request.user, now=now)
        messages.success(request, _("Removed."))
        return redirect("settings_facts")
    form = HouseFactForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        keep_fact(form, by=request.user, now=now)
        messages.success(request, _("Kept."))
        return redirect("settings_facts")
    page = {"form": form, "row": row}
    return render(request, "knowledge/fact.html", page, status=422 if form.errors else 200)


@leads_only
@require_safe
def facts_csv(_request: StaffRequest) -> StreamingHttpResponse:
    """All facts as a sheet."""
    rows = HouseFact.objects.select_related("brand", "place").order_by("subject", "pk")
    response = StreamingHttpResponse(sheet_of(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="facts-{timezone.localdate()}.csv"'
    return response


@leads_only
@require_POST
def import_facts(request: StaffRequest) -> HttpResponse:
    """Take in a sheet, whole or not at all."""
    sheet = request.FILES.get("sheet")
    try:
        raw = sheet.read(LARGEST + 1) if isinstance(sheet, UploadedFile) else b""
        taken = take_in_sheet(lines_of(raw), by=request.user, now=timezone.now())
    except SheetError as error:
        return _facts_page(request, wrong=error.sentences)
    says = _("%(new)d new, %(changed)d changed, %(same)d as they were.")
    messages.success(request, says % asdict(taken))
    return redirect("settings_facts")


def _facts_page(request: StaffRequest, *, wrong: list[str] | None = None) -> HttpResponse:
    words = request.GET.get("q", "").strip()[:80]
    rows = HouseFact.objects.select_related("brand", "place", "said_by").order_by("subject", "pk")
    for word in words.split():
        rows = rows.filter(
            Q(subject__icontains=word) | Q(words__icontains=word) | Q(value__icontains=word)
        )
    found = list(rows[: PAGE + 1])
    page = {
        "facts": found[:PAGE],
        "has_more": len(found) > PAGE,
        "words": words,
        "wrong": wrong or [],
        "today": timezone.localdate(),
    }
    return render(request, "knowledge/facts.html", page, status=422 if wrong else 200)
