"""The parts of the house: brands, places and teams."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Model, Prefetch
from django.forms import ModelForm
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from heard.staff.access import StaffRequest, leads_only
from heard.staff.arranging import keep, remove
from heard.staff.forms import BrandForm, PlaceForm, TeamForm
from heard.staff.models import Brand, Place, Team, User


@leads_only
def house(request: StaffRequest) -> HttpResponse:
    """Brands and places."""
    page = {
        "brands": Brand.objects.order_by("name"),
        "places": Place.objects.select_related("brand").order_by("name"),
        "has_sample": request.user.is_owner and User.objects.filter(is_sample=True).exists(),
    }
    return render(request, "settings/house.html", page)


@leads_only
def teams(request: StaffRequest) -> HttpResponse:
    """People who answer together."""
    members = Prefetch("members", User.objects.filter(is_active=True).order_by("name"))
    page = {"teams": Team.objects.prefetch_related(members).order_by("name")}
    return render(request, "settings/teams.html", page)


@leads_only
def brand(request: StaffRequest, number: int | None = None) -> HttpResponse:
    """One brand, or a new one."""
    row = get_object_or_404(Brand, pk=number) if number else None
    form = BrandForm(request.POST or None, instance=row)
    return _one(request, form, row=row, noun=_("brand"), back="settings_house")


@leads_only
def place(request: StaffRequest, number: int | None = None) -> HttpResponse:
    """One place, or a new one."""
    row = get_object_or_404(Place, pk=number) if number else None
    start = {"timezone": request.user.timezone}
    form = PlaceForm(request.POST or None, instance=row, initial=None if row else start)
    return _one(request, form, row=row, noun=_("place"), back="settings_house")


@leads_only
def team(request: StaffRequest, number: int | None = None) -> HttpResponse:
    """One team, or a new one."""
    row = get_object_or_404(Team, pk=number) if number else None
    form = TeamForm(request.POST or None, instance=row)
    return _one(request, form, row=row, noun=_("team"), back="settings_teams")


def _one(
    request: StaffRequest, form: ModelForm[Any], *, row: Model | None, noun: str, back: str
) -> HttpResponse:
    """Show the form of one part; keep it, or remove it when that button was pressed."""
    now = timezone.now()
    if request.method == "POST" and "remove" in request.POST and row is not None:
        remove(row, by=request.user, now=now)
        messages.success(request, _("Removed."))
        return redirect(back)
    if request.method == "POST" and form.is_valid():
        keep(form, by=request.user, now=now)
        messages.success(request, _("Kept."))
        return redirect(back)
    page = {"form": form, "row": row, "noun": noun, "back": back}
    return render(request, "settings/part.html", page, status=422 if form.errors else 200)
