"""Settings of second pairs of eyes: which replies need them, and the flags that are up."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from heard.conversations import showing
from heard.conversations.forms import FlagForm, SecondEyesForm
from heard.conversations.models import Inbox, ScandalFlag
from heard.conversations.second_eyes import scandal
from heard.conversations.second_eyes.precautions import rules_now
from heard.staff.access import StaffRequest, leads_only
from heard.staff.arranging import keep


@leads_only
def second_eyes(request: StaffRequest) -> HttpResponse:
    """The rules, and the flags; keeping the rules."""
    form = SecondEyesForm(request.POST or None, instance=rules_now())
    if request.method == "POST" and form.is_valid():
        keep(form, by=request.user, now=timezone.now())
        messages.success(request, _("Kept."))
        return redirect("settings_second_eyes")
    return _page(request, form, FlagForm(inboxes=Inbox.objects.visible_to(request.user)))


@leads_only
@require_POST
def raise_flag(request: StaffRequest) -> HttpResponse:
    """Let a flag fly."""
    flag = FlagForm(request.POST, inboxes=Inbox.objects.visible_to(request.user))
    if not flag.is_valid():
        return _page(request, SecondEyesForm(instance=rules_now()), flag)
    filled = flag.cleaned_data
    scandal.raise_flag(
        word=filled["word"],
        until=filled["until"],
        brand=filled["where"][0],
        inbox=filled["where"][1],
        by=request.user,
        now=timezone.now(),
    )
    messages.success(request, _("The flag is up."))
    return redirect("settings_second_eyes")


@leads_only
@require_POST
def lower_flag(request: StaffRequest, number: int) -> HttpResponse:
    """Take it down."""
    flag = get_object_or_404(ScandalFlag.objects.filter(_over_theirs(request)), pk=number)
    scandal.lower_flag(flag, by=request.user, now=timezone.now())
    messages.success(request, _("The flag is down."))
    return redirect("settings_second_eyes")


def _over_theirs(request: StaffRequest) -> Q:
    """Flags over inboxes that this person may see, over brands, and over the house."""
    inboxes = list(Inbox.objects.visible_to(request.user).values_list("pk", flat=True))
    return Q(inbox=None) | Q(inbox__in=inboxes)


def _page(request: StaffRequest, form: SecondEyesForm, flag: FlagForm) -> HttpResponse:
    now = timezone.now()
    flags = ScandalFlag.objects.filter(_over_theirs(request), until__gt=now)
    page = {
        "form": form,
        "flag": flag,
        "flags": flags.select_related("brand", "inbox", "raised_by").order_by("until"),
        "show": showing,
        "now": now,
    }
    status = 422 if form.errors or flag.errors else 200
    return render(request, "settings/second_eyes.html", page, status=status)
