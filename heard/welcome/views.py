"""The pages of the first start."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from heard.conversations.founding import ClaimedError, found
from heard.staff.entrance import is_claimed, may_claim
from heard.welcome.forms import OwnCompany

BACKEND = settings.AUTHENTICATION_BACKENDS[0]


@never_cache
@require_GET
def closed(request: HttpRequest) -> HttpResponse:
    """Without the link from the terminal nobody begins here."""
    if is_claimed():
        return redirect("/")
    return render(request, "welcome/closed.html")


@never_cache
@require_GET
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """The two ways to begin, side by side."""
    if is_claimed():
        return redirect("/")
    if not may_claim(token):
        return render(request, "welcome/closed.html", status=403)
    form = OwnCompany(initial={"timezone": settings.TIME_ZONE})
    return render(request, "welcome/welcome.html", {"form": form, "token": token})


@never_cache
@require_POST
@sensitive_post_parameters("password")
def own_company(request: HttpRequest, token: str) -> HttpResponse:
    """Found the company, and lead its owner to the inbox."""
    if not may_claim(token):
        return render(request, "welcome/closed.html", status=403)
    form = OwnCompany(request.POST)
    if not form.is_valid():
        page = {"form": form, "token": token}
        return render(request, "welcome/welcome.html", page, status=422)
    filled = form.cleaned_data
    try:
        owner = found(
            filled["company"],
            owner={name: filled[name] for name in ("name", "email", "password")},
            timezone=filled["timezone"],
            week=filled["week"],
            first_response_minutes=filled["first_response_minutes"],
            now=timezone.now(),
        )
    except ClaimedError:
        return redirect("/")
    login(request, owner, backend=BACKEND)
    messages.success(request, _("The table is laid. Your contact page is the first inbox."))
    return redirect("settings_inboxes")
