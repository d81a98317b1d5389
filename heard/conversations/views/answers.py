"""Saved answers among the settings: written, proposed, taken over, put away, carried in and out."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from heard.conversations.answers.faring import fared, uses
from heard.conversations.answers.filling import filled
from heard.conversations.models import Conversation
from heard.conversations.queries import sight_of
from heard.knowledge import carrying, saving
from heard.knowledge.forms import SavedAnswerForm
from heard.knowledge.gaps import GAPS
from heard.knowledge.models import SavedAnswer
from heard.staff.access import StaffRequest, leads_only

PAGE = 200
LARGEST = 1024 * 1024  # bytes of a file
TRIED_ON = 12
LONGEST_TRIED = 5_000


@leads_only
@require_safe
def answers(request: StaffRequest) -> HttpResponse:
    """All saved answers that this person may see; a word narrows them down."""
    return _answers_page(request)


@leads_only
@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: StaffRequest, number: int | None = None) -> HttpResponse:
    """One saved answer, or a new one. What was proposed is taken over by keeping it."""
    mine = SavedAnswer.objects.visible_to(request.user).select_related("said_by")
    row = get_object_or_404(mine, pk=number) if number else None
    form = SavedAnswerForm(request.POST or None, instance=row, by=request.user)
    if request.method == "POST" and form.is_valid():
        saving.keep(form.save(commit=False), by=request.user, now=timezone.now())
        messages.success(request, _("Kept."))
        return redirect("settings_answers")
    wordings = row.wordings.select_related("by").order_by("-at", "-pk") if row else []
    page: dict[str, Any] = {"form": form, "row": row, "wordings": wordings, "gaps": GAPS}
    page |= {"tried_on": _lately(request)}
    told = fared([row.pk], sight=sight_of(request.user)) if row else {}
    page |= {"fared": told.get(row.pk) if row else None}
    return render(request, "settings/answer.html", page, status=422 if form.errors else 200)


@leads_only
@require_safe
def answer_uses(request: StaffRequest, number: int) -> HttpResponse:
    """The replies that a saved answer was used for, and how they fared."""
    row = get_object_or_404(SavedAnswer.objects.visible_to(request.user), pk=number)
    sight = sight_of(request.user)
    page = {
        "row": row,
        "fared": fared([row.pk], sight=sight).get(row.pk),
        "uses": uses(row.pk, sight=sight, limit=PAGE),
    }
    return render(request, "settings/answer_uses.html", page)


@leads_only
@require_POST
def answer_archive(request: StaffRequest, number: int) -> HttpResponse:
    """Put a saved answer away, or bring it back."""
    row = get_object_or_404(SavedAnswer.objects.visible_to(request.user), pk=number)
    now = timezone.now()
    if row.archived_at is None:
        saving.put_away(row, by=request.user, now=now)
        messages.success(request, _("Put away. It can be brought back."))
        return redirect("settings_answers")
    try:
        with transaction.atomic():
            saving.bring_back(row, by=request.user, now=now)
    except IntegrityError:
        taken = _("Another answer has its short name now: give one of them another name first.")
        messages.error(request, taken)
    else:
        messages.success(request, _("It can be chosen again."))
    return redirect("settings_answer", row.pk)


@leads_only
@require_POST
def try_answer(request: StaffRequest) -> HttpResponse:
    """The words as they would be said in a conversation of one's choice, nothing kept."""
    chosen = request.POST.get("conversation", "")
    mine = Conversation.objects.visible_to(request.user)
    opened = get_object_or_404(mine, pk=int(chosen) if chosen.isdecimal() else 0)
    text = request.POST.get("text", "")[:LONGEST_TRIED].replace("\r\n", "\n")
    found = filled(text, opened, author=request.user, now=timezone.now())
    page = {"found": found, "conversation": opened}
    return render(request, "settings/_answer_tried.html", page)


@leads_only
@require_safe
def answers_file(request: StaffRequest, form: str) -> StreamingHttpResponse:
    """All that can be chosen, as CSV or JSON."""
    rows = (
        SavedAnswer.objects.visible_to(request.user)
        .in_use()
        .select_related("brand", "place", "team")
        .order_by("short", "pk")
    )
    lines = carrying.as_csv(rows) if form == "csv" else [carrying.as_json(rows)]
    kind = "text/csv" if form == "csv" else "application/json"
    response = StreamingHttpResponse(lines, content_type=f"{kind}; charset=utf-8")
    name = f"answers-{timezone.localdate()}.{form}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@leads_only
@require_POST
def import_answers(request: StaffRequest) -> HttpResponse:
    """Take in a file of answers; what cannot be kept is said line by line."""
    file = request.FILES.get("file")
    raw = file.read(LARGEST + 1) if isinstance(file, UploadedFile) else b""
    try:
        if len(raw) > LARGEST:
            raise carrying.UnreadableError(_("That file is too large: one megabyte is the most."))
        rows = carrying.read(raw.decode("utf-8-sig", "replace"))
    except carrying.UnreadableError as wrong:
        return _answers_page(request, wrong=[str(wrong)])
    found = carrying.bring_in(rows, by=request.user, now=timezone.now())
    says = _("%(added)d new, %(changed)d changed, %(same)d as they were.")
    told = says % {"added": found.added, "changed": found.changed, "same": found.same}
    messages.success(request, told)
    if found.refused:
        return _answers_page(request, wrong=list(found.refused[:10]))
    return redirect("settings_answers")


def _answers_page(request: StaffRequest, *, wrong: list[str] | None = None) -> HttpResponse:
    words = request.GET.get("q", "").strip()[:80]
    is_away = "away" in request.GET
    rows = (
        SavedAnswer.objects.visible_to(request.user)
        .filter(archived_at__isnull=not is_away)
        .select_related("brand", "place", "team", "said_by")
        .order_by("-is_proposed", "short", "pk")
    )
    for word in words.split():
        rows = rows.filter(
            Q(short__icontains=word) | Q(title__icontains=word) | Q(text__icontains=word)
        )
    found = list(rows[: PAGE + 1])
    page = {
        "answers": found[:PAGE],
        "fared": fared([row.pk for row in found], sight=sight_of(request.user)),
        "has_more": len(found) > PAGE,
        "words": words,
        "is_away": is_away,
        "wrong": wrong or [],
    }
    return render(request, "settings/answers.html", page, status=422 if wrong else 200)


def _lately(request: StaffRequest) -> list[tuple[int, str]]:
    """The conversations that were last written in: id, and who it is about what."""
    rows = (
        Conversation.objects.visible_to(request.user)
        .filter(last_incoming_at__isnull=False)
        .select_related("inbox")
        .order_by("-last_at", "-pk")[:TRIED_ON]
    )
    return [
        (row.pk, f"{row.contact_name or _('Somebody')}, {row.inbox.name}: {row.preview[:60]}")
        for row in rows
    ]
