"""Who may come to a page: every view begins with one of these.

Somebody unknown is led to the sign-in; somebody whose role does not reach gets a 403.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django_htmx.middleware import HtmxDetails

from heard.staff.models import User

P = ParamSpec("P")


class StaffRequest(HttpRequest):
    """A request of somebody of the house who is signed in."""

    user: User
    htmx: HtmxDetails


View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
StaffView = Callable[Concatenate[StaffRequest, P], HttpResponseBase]


def staff_only(view: StaffView[P]) -> View[P]:
    """Let in everybody of the house."""
    return _guarded(view, may=lambda _: True)


def leads_only(view: StaffView[P]) -> View[P]:
    """Let in owners and managers."""
    return _guarded(view, may=lambda user: user.leads)


def owner_only(view: StaffView[P]) -> View[P]:
    """Let in owners."""
    return _guarded(view, may=lambda user: user.is_owner)


def may_change(actor: User, person: User) -> bool:
    """Whether `actor` may change the account of `person`: owners everybody's, managers agents'."""
    return actor.is_owner or (actor.leads and not person.leads)


def _guarded(view: StaffView[P], *, may: Callable[[User], bool]) -> View[P]:
    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _to_the_door(cast(StaffRequest, request))
        person = cast(StaffRequest, request)
        if not may(person.user):
            raise PermissionDenied
        with timezone.override(person.user.timezone):
            response = view(person, *args, **kwargs)
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response

    return cast(View[P], guarded)


def _to_the_door(request: StaffRequest) -> HttpResponse:
    """Lead to the sign-in, and back afterwards; a fragment takes its whole page there."""
    page = request.htmx.current_url_abs_path if request.htmx else request.get_full_path()
    came_from = urlsplit(page or "/")
    query = urlencode({"next": came_from._replace(scheme="", netloc="").geturl()})
    door = f"{resolve_url(settings.LOGIN_URL)}?{query}"
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": door})
    return HttpResponse(status=302, headers={"Location": door})
