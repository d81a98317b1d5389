"""Coming in: the sign-in page before there is an owner, and the one-time link."""

from __future__ import annotations

from allauth.account import views as allauth_views
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from heard.staff.entrance import LinkRefusedError, guest, is_claimed, use_up


def sign_in(request: HttpRequest) -> HttpResponseBase:
    """The door; a house without an owner sends to its terminal first."""
    if request.method == "GET" and not is_claimed():
        return redirect("welcome_closed")
    response: HttpResponseBase = allauth_views.login(request)
    return response


@never_cache
@require_http_methods(["GET", "POST"])
def signin_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show whom the link lets in; pressing the button does it, so that no preview uses it up."""
    now = timezone.now()
    try:
        one = guest(token, now=now)
        if request.method == "GET":
            return render(request, "account/link.html", {"person": one.user})
        use_up(one, now=now)
    except LinkRefusedError:
        return render(request, "account/link_refused.html", status=403)
    # Whoever has no password yet is asked to choose one.
    page = "/" if one.user.has_usable_password() else reverse("account_set_password")
    record_authentication(request, one.user, method="link")
    response: HttpResponse = perform_login(request, Login(user=one.user, redirect_url=page))
    return response
