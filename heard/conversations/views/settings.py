"""Settings of answering: inboxes, SLA policies and opening hours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import Count, ProtectedError
from django.forms import ModelForm
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from heard.channels import contact_page, widget
from heard.channels.base import Hooked, PlaceError
from heard.channels.registry import channel_of, channels
from heard.conversations.clocks.spans import length
from heard.conversations.deliveries.listening import is_asked
from heard.conversations.forms import HoursForm, InboxForm, PlaceForm, PolicyForm, form_of
from heard.conversations.inboxes.arranging import free_slug, renew_secret
from heard.conversations.inboxes.connecting import MissingError, check, connect, disconnect, pause
from heard.conversations.inboxes.health import health_of
from heard.conversations.models import Hours, Inbox, Policy
from heard.conversations.showing import span_words
from heard.conversations.views import granting
from heard.conversations.views import widget as widget_views
from heard.staff.access import StaffRequest, leads_only
from heard.staff.arranging import keep, remove

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
        .select_related("keeper", "policy", "hours", "place", "listening")
        .order_by("name")
    )
    page = {"inboxes": [(row, health_of(row, now=timezone.now())) for row in rows]}
    return render(request, "settings/inboxes.html", page)


@leads_only
def kinds(request: StaffRequest) -> HttpResponse:
    """Every kind of place that an inbox can be connected to."""
    return render(request, "settings/kinds.html", {"channels": list(channels())})


@leads_only
def new_inbox(request: StaffRequest, kind: str) -> HttpResponse:
    """Open an inbox; where the place asks for credentials, they are tried first."""
    row = _opened(request, kind)
    form = form_of(kind)(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        if away := _set_out(request, row, form):
            return away
        if not _kept(request, row, form):
            return _inbox_page(request, row, form)
        channel = channel_of(kind)
        if isinstance(channel, Hooked) and channel.has_own_secret:
            return _show_secret(request, row)
        messages.success(request, _("The door is open."))
        return redirect("settings_inbox", row.pk)
    return _inbox_page(request, row, form)


@leads_only
def inbox(request: StaffRequest, number: int) -> HttpResponse:
    """One inbox."""
    row = get_object_or_404(Inbox.objects.visible_to(request.user), pk=number)
    form = form_of(row.kind)(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        if away := _set_out(request, row, form):
            return away
        if _kept(request, row, form):
            messages.success(request, _("Kept."))
            return redirect("settings_inboxes")
    return _inbox_page(request, row, form)


@leads_only
@require_safe
def signed_in(request: StaffRequest) -> HttpResponse:
    """Back from the place's own page: what it gave is tried and kept as if it had been typed."""
    try:
        waiting = granting.come_back(request)
    except PlaceError as error:
        messages.error(request, str(error))
        return redirect("settings_inboxes")
    if waiting.inbox_id is None:
        row = _opened(request, waiting.kind)
    else:
        row = get_object_or_404(Inbox.objects.visible_to(request.user), pk=waiting.inbox_id)
    form = form_of(row.kind)(waiting.posted, instance=row)
    if form.is_valid() and isinstance(form, PlaceForm):
        try:
            key = granting.key_for(request, row, waiting, form.entered())
        except PlaceError as error:
            form.add_error(None, str(error))
        else:
            waiting.posted["place_refresh_token"] = key
            form = form_of(row.kind)(waiting.posted, instance=row)
            if form.is_valid() and _kept(request, row, form):
                messages.success(request, _("The door is open."))
                return redirect("settings_inbox", row.pk)
    return _inbox_page(request, row, form)


@leads_only
@require_POST
def inbox_check(request: StaffRequest, number: int) -> HttpResponse:
    """Ask the place how it stands, now."""
    row = get_object_or_404(Inbox.objects.visible_to(request.user), pk=number)
    try:
        checked = check(row, now=timezone.now())
    except PlaceError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The place knows us as %(who)s.") % {"who": checked.account})
    return redirect("settings_inbox", row.pk)


@leads_only
@require_POST
def inbox_pause(request: StaffRequest, number: int) -> HttpResponse:
    """Stop listening to an inbox, or go on."""
    row = get_object_or_404(Inbox.objects.visible_to(request.user), pk=number)
    is_paused = row.settings.get("is_paused") is not True
    pause(row, is_paused=is_paused, by=request.user, now=timezone.now())
    return redirect("settings_inbox", row.pk)


@leads_only
@require_http_methods(["GET", "HEAD", "POST"])
def inbox_removal(request: StaffRequest, number: int) -> HttpResponse:
    """Remove an inbox and everything that was heard in it, after its name has been typed."""
    row = get_object_or_404(Inbox.objects.visible_to(request.user), pk=number)
    page = {"inbox": row, "count": row.conversation_set.count(), "mistyped": False}
    if request.method == "POST":
        if request.POST.get("name", "").strip() == row.name:
            disconnect(row, by=request.user, now=timezone.now())
            messages.success(request, _("It is being taken down."))
            return redirect("settings_inboxes")
        page["mistyped"] = True
    status = 422 if page["mistyped"] else 200
    return render(request, "settings/removal.html", page, status=status)


@leads_only
@require_POST
def inbox_secret(request: StaffRequest, number: int) -> HttpResponse:
    """A new signing secret for an inbox that programs deliver to; the old one ends."""
    row = get_object_or_404(Inbox.objects.visible_to(request.user), pk=number)
    channel = channel_of(row.kind)
    if not isinstance(channel, Hooked) or not channel.has_own_secret:
        raise Http404
    return _show_secret(request, row)


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


def _opened(request: StaffRequest, kind: str) -> Inbox:
    """An inbox that is not kept yet, with good values for what is not asked first."""
    if channel_of(kind) is None:
        raise Http404
    row = Inbox(kind=kind, created_at=timezone.now(), is_public=False)
    row.policy = Policy.objects.order_by("pk").first() or Policy.objects.create(
        name=_("What we promise")
    )
    row.hours = Hours.objects.order_by("pk").first()
    row.keeper = request.user
    return row


def _set_out(request: StaffRequest, row: Inbox, form: InboxForm) -> HttpResponse | None:
    """To the place's page, if one wants to sign in there; to the form if it cannot be yet."""
    if "sign-in" not in request.POST or not isinstance(form, PlaceForm):
        return None
    try:
        return granting.set_out(request, row, form.entered())
    except PlaceError as error:
        form.add_error(None, str(error))
        return _inbox_page(request, row, form)


def _kept(request: StaffRequest, row: Inbox, form: InboxForm) -> bool:
    """Keep what was filled in; what the place says against it stands beside the form."""
    row.slug = row.slug or free_slug(row.name)
    now = timezone.now()
    if not isinstance(form, PlaceForm):
        keep(form, by=request.user, now=now)
        return True
    form.save(commit=False)
    try:
        connect(row, form.entered(), by=request.user, now=now)
    except (MissingError, PlaceError) as error:
        form.add_error(None, str(error))
        return False
    form.save_m2m()
    return True


def _inbox_page(request: StaffRequest, row: Inbox, form: InboxForm) -> HttpResponse:
    channel = channel_of(row.kind)
    base = request.build_absolute_uri("/").rstrip("/")
    page: dict[str, Any] = {
        "form": form,
        "inbox": row if row.pk else None,
        "kind": row.kind,
        "channel_of_it": channel,
        "is_asked": is_asked(channel),
        "span": span_words,
        "has_own_secret": isinstance(channel, Hooked) and channel.has_own_secret,
        "health": health_of(row, now=timezone.now()) if row.pk else None,
        "title": channel.title if channel else row.kind,
        "address": "",
        "snippet": "",
        "comes_back_to": granting.address_of_return(request),
    }
    if row.pk and row.kind == contact_page.kind:
        page["address"] = base + reverse("contact_page", args=[row.slug])
        script = base + reverse("contact_page_script", args=[row.slug])
        page["snippet"] = f'<script src="{script}" async></script>'
    if row.pk and row.kind == widget.kind:
        page["address"] = base + reverse("widget_preview", args=[row.slug])
        page["snippet"] = widget_views.snippet(request, row)
    if row.pk and isinstance(channel, Hooked):
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
