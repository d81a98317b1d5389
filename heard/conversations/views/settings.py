"""Settings of answering: inboxes, SLA policies and opening hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Count, ProtectedError
from django.forms import ModelForm
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from heard.channels import contact_page, hook
from heard.channels.registry import channel_of
from heard.conversations.arranging import free_slug, renew_secret
from heard.conversations.forms import FORMS, HoursForm, InboxForm, PolicyForm
from heard.conversations.models import Hours, Inbox, Policy
from heard.conversations.spans import length
from heard.staff.access import StaffRequest, leads_only
from heard.staff.arranging import keep, remove

QUIET = timedelta(days=14)
DAY_MINUTES = 1440


@dataclass(frozen=True, slots=True)
class OpenSpan:
    """A stretch of a drawn day, in percent of it."""

    start: float
    length: float


@leads_only
def inboxes(request: StaffRequest) -> HttpResponse:
    """Every inbox that this person may see, and when it was last heard."""
    rows = (
        Inbox.objects.visible_to(request.user)
        .select_related("keeper", "policy", "hours", "place")
        .order_by("name")
    )
    page = {"inboxes": rows, "quiet_since": timezone.now() - QUIET, "live_kinds": set(FORMS)}
    return render(request, "settings/inboxes.html", page)


@leads_only
def new_inbox(request: StaffRequest, kind: str) -> HttpResponse:
    """Open an inbox of a kind that needs no account anywhere."""
    if kind not in FORMS:
        raise Http404
    row = Inbox(kind=kind, created_at=timezone.now(), is_public=False)
    row.policy = Policy.objects.order_by("pk").first() or Policy.objects.create(
        name=_("What we promise")
    )
    row.hours = Hours.objects.order_by("pk").first()
    row.keeper = request.user
    form = FORMS[kind](request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        row.slug = row.slug or free_slug(row.name)
        keep(form, by=request.user, now=timezone.now())
        if kind == hook.kind:
            return _show_secret(request, row)
        messages.success(request, _("The door is open."))
        return redirect("settings_inbox", row.pk)
    return _inbox_page(request, row, form)


@leads_only
def inbox(request: StaffRequest, number: int) -> HttpResponse:
    """One inbox."""
    row = get_object_or_404(Inbox.objects.visible_to(request.user), pk=number)
    form = FORMS.get(row.kind, InboxForm)(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        keep(form, by=request.user, now=timezone.now())
        messages.success(request, _("Kept."))
        return redirect("settings_inboxes")
    return _inbox_page(request, row, form)


@leads_only
@require_POST
def inbox_secret(request: StaffRequest, number: int) -> HttpResponse:
    """A new signing secret for a hook; the old one ends."""
    rows = Inbox.objects.visible_to(request.user).filter(kind=hook.kind)
    return _show_secret(request, get_object_or_404(rows, pk=number))


@leads_only
def policies(request: StaffRequest) -> HttpResponse:
    """What we promise."""
    rows = Policy.objects.annotate(inbox_count=Count("inbox")).order_by("name")
    return render(request, "settings/policies.html", {"policies": rows, "length": length})


@leads_only
def policy(request: StaffRequest, number: int | None = None) -> HttpResponse:
    """One SLA policy, or a new one."""
    row = get_object_or_404(Policy, pk=number) if number else None
    form = PolicyForm(request.POST or None, instance=row)
    intro = _("What is changed here counts for what arrives from now on.")
    return _part(request, form, row, noun=_("SLA policy"), back="settings_policies", intro=intro)


@leads_only
def hours(request: StaffRequest) -> HttpResponse:
    """When somebody is at the door."""
    rows = Hours.objects.annotate(inbox_count=Count("inbox")).order_by("name")
    page = {"rows": [(row, drawn(row)) for row in rows]}
    return render(request, "settings/hours.html", page)


@leads_only
def one_hours(request: StaffRequest, number: int | None = None) -> HttpResponse:
    """One set of opening hours, or a new one."""
    row = get_object_or_404(Hours, pk=number) if number else None
    start = row or Hours(timezone=request.user.timezone, week=[[]] * 7)
    form = HoursForm(request.POST or None, instance=start)
    return _part(
        request,
        form,
        row,
        noun=_("opening hours"),
        back="settings_hours",
        template="settings/one_hours.html",
        days=form.days,
    )


def drawn(row: Hours) -> list[list[OpenSpan]]:
    """The week as a picture: seven days with their open stretches."""
    return [
        [
            OpenSpan(
                round(_minute(opens) * 100 / DAY_MINUTES, 2),
                round((_minute(closes) - _minute(opens)) * 100 / DAY_MINUTES, 2),
            )
            for opens, closes in day
        ]
        for day in row.week
    ]


def _minute(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _inbox_page(request: StaffRequest, row: Inbox, form: InboxForm) -> HttpResponse:
    channel = channel_of(row.kind)
    base = request.build_absolute_uri("/").rstrip("/")
    page: dict[str, Any] = {
        "form": form,
        "inbox": row if row.pk else None,
        "kind": row.kind,
        "title": channel.title if channel else row.kind,
        "address": "",
        "snippet": "",
    }
    if row.pk and row.kind == contact_page.kind:
        page["address"] = base + reverse("contact_page", args=[row.slug])
        script = base + reverse("contact_page_script", args=[row.slug])
        page["snippet"] = f'<script src="{script}" async></script>'
    if row.pk and row.kind == hook.kind:
        page["address"] = base + reverse("hook", args=[row.token])
    return render(request, "settings/inbox.html", page, status=422 if form.errors else 200)


def _show_secret(request: StaffRequest, row: Inbox) -> HttpResponse:
    secret = renew_secret(row, by=request.user, now=timezone.now())
    address = request.build_absolute_uri(reverse("hook", args=[row.token]))
    page = {"inbox": row, "secret": secret, "address": address}
    return render(request, "settings/secret.html", page)


def _part(
    request: StaffRequest,
    form: ModelForm[Any],
    row: Policy | Hours | None,
    *,
    noun: str,
    back: str,
    template: str = "settings/part.html",
    **page: Any,
) -> HttpResponse:
    """Show one policy or set of hours; keep it, or remove it when that button was pressed."""
    now = timezone.now()
    if request.method == "POST" and "remove" in request.POST and row is not None:
        try:
            remove(row, by=request.user, now=now)
        except ProtectedError:
            messages.error(request, _("An inbox still counts by it: give that one another first."))
            return redirect(request.path)
        messages.success(request, _("Removed."))
        return redirect(back)
    if request.method == "POST" and form.is_valid():
        keep(form, by=request.user, now=now)
        messages.success(request, _("Kept."))
        return redirect(back)
    page |= {"form": form, "row": row, "noun": noun, "back": back}
    return render(request, template, page, status=422 if form.errors else 200)
