"""One's own keys for programs: made, shown once, revoked."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from heard.staff.access import StaffRequest, staff_only
from heard.staff.forms import Key
from heard.staff.models import Scope
from heard.staff.tokens import issue, revoke


@staff_only
def keys(request: StaffRequest) -> HttpResponse:
    """The keys that are good, and a new one; its text is shown this once."""
    form = Key(request.POST or None)
    if request.method == "POST" and form.is_valid():
        token, text = issue(
            request.user,
            name=form.cleaned_data["name"],
            scopes=form.cleaned_data["scopes"],
            by=request.user,
            now=timezone.now(),
        )
        return render(request, "settings/key.html", {"token": token, "text": text})
    page = {
        "form": form,
        "tokens": request.user.api_tokens.filter(revoked_at=None).order_by("-created_at"),
        "scopes": dict(Scope.choices),
    }
    return render(request, "settings/keys.html", page, status=422 if form.errors else 200)


@staff_only
@require_POST
def revoke_key(request: StaffRequest, number: int) -> HttpResponse:
    """From now on it opens nothing."""
    token = get_object_or_404(request.user.api_tokens.filter(revoked_at=None), pk=number)
    revoke(token, by=request.user, now=timezone.now())
    messages.success(request, _("This key opens nothing any more."))
    return redirect("settings_keys")
