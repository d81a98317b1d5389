"""One's own profile."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from heard.staff.access import StaffRequest, staff_only
from heard.staff.arranging import keep
from heard.staff.forms import Profile


@staff_only
def settings_home(request: StaffRequest) -> HttpResponse:
    """Where *Settings* leads: the people for those who lead, their own profile for others."""
    return redirect("settings_people" if request.user.leads else "settings_profile")


@staff_only
def profile(request: StaffRequest) -> HttpResponse:
    """Name, time zone, and the ways to sign in."""
    form = Profile(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        keep(form, by=request.user, now=timezone.now())
        messages.success(request, _("Kept."))
        return redirect("settings_profile")
    status = 422 if form.errors else 200
    return render(request, "settings/profile.html", {"form": form}, status=status)
