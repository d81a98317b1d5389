"""The pages of the first start, and the end of the sample company."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from heard.conversations.inboxes.founding import ClaimedError, found
from heard.sample import loading
from heard.staff.access import StaffRequest, owner_only, staff_only
from heard.staff.entrance import claim_link, is_claimed, may_claim
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


@never_cache
@require_POST
def sample_company(request: HttpRequest, token: str) -> HttpResponse:
    """Open the sample company, and let in whoever asked as its owner."""
    if not may_claim(token):
        return render(request, "welcome/closed.html", status=403)
    now = timezone.now()
    with transaction.atomic():
        owner = loading.begin(now)
        loading.load_sample.defer(now=now.isoformat())
    login(request, owner, backend=BACKEND)
    return redirect("welcome_sample_progress")


@staff_only
@require_GET
def sample_progress(request: StaffRequest) -> HttpResponse:
    """How many of the sixty days have passed; leads on when all have."""
    stage = loading.progress()
    if stage is None or stage.is_done:
        return HttpResponse(headers={"HX-Redirect": "/"}) if request.htmx else redirect("/")
    fragment = "welcome/_progress.html"
    return render(request, fragment if request.htmx else "welcome/progress.html", {"stage": stage})


@owner_only
@require_POST
def remove_sample(request: StaffRequest) -> HttpResponse:
    """Take the sample company out again; a house that is empty then begins anew."""
    if not loading.remove(timezone.now()):
        raise Http404
    if not is_claimed():
        return redirect(claim_link(request.build_absolute_uri("/")))
    messages.success(request, _("The sample company is gone. What is left is yours."))
    return redirect("settings_house")
