"""Every page asks first who is there."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import timezone
from django_htmx.middleware import HtmxDetails

from heard.staff.access import (
    StaffRequest,
    leads_only,
    may_change,
    owner_only,
    staff_only,
)
from heard.staff.models import Role, User


@staff_only
def for_staff(request: StaffRequest) -> HttpResponse:
    return HttpResponse(timezone.get_current_timezone_name())


@leads_only
def for_leads(request: StaffRequest) -> HttpResponse:
    return HttpResponse("led")


@owner_only
def for_owner(request: StaffRequest) -> HttpResponse:
    return HttpResponse("owned")


def request_of(user: User | None, **headers: str) -> HttpRequest:
    request = RequestFactory().get("/inbox/?view=mine", headers=headers)
    request.user = user or AnonymousUser()
    request.htmx = HtmxDetails(request)  # type: ignore[attr-defined]
    return request


def test_a_stranger_is_led_to_the_door_and_back() -> None:
    answer = for_staff(request_of(None))
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/accounts/login/?next=%2Finbox%2F%3Fview%3Dmine"


def test_a_fragment_for_a_stranger_takes_its_whole_page_to_the_door() -> None:
    here = "http://testserver/ledger/"
    answer = for_staff(request_of(None, **{"HX-Request": "true", "HX-Current-URL": here}))
    assert answer.headers["HX-Redirect"] == "/accounts/login/?next=%2Fledger%2F"


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.OWNER, {for_staff, for_leads, for_owner}),
        (Role.MANAGER, {for_staff, for_leads}),
        (Role.AGENT, {for_staff}),
    ],
)
def test_each_role_reaches_its_own_pages(role: Role, may: set[object]) -> None:
    user = User(name="Ann", role=role)
    for view in (for_staff, for_leads, for_owner):
        if view in may:
            assert view(request_of(user)).status_code == 200
        else:
            with pytest.raises(PermissionDenied):
                view(request_of(user))


def test_a_page_is_told_in_the_time_zone_of_whoever_looks_and_kept_by_no_cache() -> None:
    answer = for_staff(request_of(User(name="Ann", timezone="Europe/Lisbon")))
    assert isinstance(answer, HttpResponse)
    assert answer.content == b"Europe/Lisbon"
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("actor", "person", "may"),
    [
        ("owner", "owner", True),
        ("owner", "agent", True),
        ("manager", "agent", True),
        ("manager", "manager", False),
        ("manager", "owner", False),
        ("agent", "agent", False),
    ],
)
def test_owners_change_everybody_and_managers_agents(actor: str, person: str, may: bool) -> None:
    assert may_change(User(role=actor), User(role=person)) is may
