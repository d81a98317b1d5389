"""Colleagues: who they are, what they may do, and how they come in."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.mail import EmailMessage
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from heard.staff.access import StaffRequest, leads_only, may_change
from heard.staff.entrance import INVITATION_LIFE, one_time_link
from heard.staff.forms import Person
from heard.staff.inviting import LastOwnerError, change, invite, readmit
from heard.staff.letters import post
from heard.staff.models import User


@leads_only
def people(request: StaffRequest) -> HttpResponse:
    """Everybody of the house."""
    everybody = User.objects.prefetch_related("teams").order_by("-is_active", "name", "pk")
    return render(request, "settings/people.html", {"people": everybody, "may_change": may_change})


@leads_only
def invite_person(request: StaffRequest) -> HttpResponse:
    """Ask somebody in, and show the link for them."""
    start = {"timezone": request.user.timezone}
    form = Person(request.POST or None, by=request.user, initial=start)
    if request.method == "POST" and form.is_valid():
        filled = form.cleaned_data
        person = invite(
            filled["email"],
            name=filled["name"],
            role=filled["role"],
            teams=filled["teams"],
            timezone=filled["timezone"],
            by=request.user,
            now=timezone.now(),
        )
        return _show_link(request, person)
    status = 422 if form.errors else 200
    return render(request, "settings/person.html", {"form": form, "person": None}, status=status)


@leads_only
def person(request: StaffRequest, number: int) -> HttpResponse:
    """One colleague."""
    somebody = changeable(request, number)
    form = Person(request.POST or None, instance=somebody, by=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            change(
                form.save(commit=False),
                teams=form.cleaned_data["teams"],
                by=request.user,
                now=timezone.now(),
            )
        except LastOwnerError:
            form.add_error("role", _("The house needs an owner: make somebody else owner first."))
        else:
            messages.success(request, _("Kept."))
            return redirect("settings_people")
    status = 422 if form.errors else 200
    page = {"form": form, "person": User.objects.get(pk=somebody.pk)}
    return render(request, "settings/person.html", page, status=status)


@leads_only
@require_POST
def new_link(request: StaffRequest, number: int) -> HttpResponse:
    """A fresh one-time link for somebody who lost theirs."""
    return _show_link(request, changeable(request, number))


@leads_only
@require_POST
def readmit_person(request: StaffRequest, number: int) -> HttpResponse:
    """Open the door to somebody again."""
    somebody = changeable(request, number)
    readmit(somebody, by=request.user, now=timezone.now())
    messages.success(request, _("%(name)s can sign in again.") % {"name": somebody})
    return redirect("settings_person", number)


def changeable(request: StaffRequest, number: int) -> User:
    """A colleague whose account this person may change, else a 403."""
    somebody = get_object_or_404(User, pk=number)
    if not may_change(request.user, somebody):
        raise PermissionDenied
    return somebody


def _show_link(request: StaffRequest, person: User) -> HttpResponse:
    """The link is shown this once, and mailed where mail leaves the house."""
    now = timezone.now()
    shown = one_time_link(
        person, now=now, life=INVITATION_LIFE, base=request.build_absolute_uri("/")
    )
    page = {"person": person, "link": shown, "mailed": False, "days": INVITATION_LIFE.days}
    if settings.EMAIL_URL.scheme.startswith("smtp"):
        mailed = one_time_link(person, now=now, life=INVITATION_LIFE)
        words = {"person": person, "link": mailed, "by": request.user}
        text = render_to_string("staff/invitation.txt", words)
        post(EmailMessage(_("Come in: your link to heard"), text, to=[person.email]))
        page["mailed"] = True
    return render(request, "settings/link.html", page)
