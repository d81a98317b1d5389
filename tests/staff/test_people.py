"""Colleagues are invited, changed, let go and readmitted by those who lead."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from heard.events.models import Event
from heard.staff.models import Brand, Place, Role, Team, User
from tests import make

pytestmark = pytest.mark.django_db


def filled(**fields: object) -> dict[str, object]:
    return {
        "name": "Cleo Okafor",
        "email": "Cleo@house.example",
        "role": "agent",
        "timezone": "Europe/Berlin",
        **fields,
    }


def test_an_invited_colleague_comes_in_by_the_link_that_is_shown(client: Client) -> None:
    ann = make.owner()
    client.force_login(ann)
    kitchen = make.team(name="Kitchen")
    page = client.post(reverse("settings_invite"), filled(teams=[kitchen.pk]))
    cleo = User.objects.get(email="cleo@house.example")
    assert list(cleo.teams.all()) == [kitchen]
    assert Event.objects.get(name="user.invited").actor_id == ann.pk
    link = re.search(r"/accounts/link/[^<\"]+", page.content.decode())
    assert link is not None
    guest = Client()
    guest.post(link.group())
    assert guest.session["_auth_user_id"] == str(cleo.pk)


def test_two_people_cannot_have_one_address(client: Client) -> None:
    client.force_login(make.owner(email="cleo@house.example"))
    page = client.post(reverse("settings_invite"), filled())
    assert page.status_code == 422
    assert "has this address already" in page.content.decode()


def test_a_manager_invites_agents_only(client: Client) -> None:
    client.force_login(make.manager())
    assert client.post(reverse("settings_invite"), filled(role="owner")).status_code == 422
    assert client.post(reverse("settings_invite"), filled()).status_code == 200
    assert User.objects.get(email="cleo@house.example").role == Role.AGENT


@pytest.mark.parametrize("role", [Role.OWNER, Role.MANAGER])
@pytest.mark.parametrize(
    "name", ["settings_person", "settings_person_link", "settings_dismiss", "settings_readmit"]
)
def test_a_manager_cannot_touch_those_who_lead(client: Client, role: Role, name: str) -> None:
    client.force_login(make.manager())
    other = make.user(role)
    assert client.post(reverse(name, args=[other.pk]), filled()).status_code == 403
    other.refresh_from_db()
    assert other.is_active


def test_who_is_dismissed_is_out_at_once_and_can_be_readmitted(client: Client) -> None:
    bo = make.user()
    inside = Client()
    inside.force_login(bo)
    assert inside.get(reverse("settings_profile")).status_code == 200
    client.force_login(make.owner())
    client.post(reverse("settings_dismiss", args=[bo.pk]))
    assert inside.get(reverse("settings_profile")).status_code == 302
    client.post(reverse("settings_readmit", args=[bo.pk]))
    bo.refresh_from_db()
    assert bo.is_active
    assert set(Event.objects.values_list("name", flat=True)) == {
        "user.dismissed",
        "user.readmitted",
    }


def test_the_last_owner_stays_owner(client: Client) -> None:
    ann = make.owner(email="ann@house.example")
    client.force_login(ann)
    address = reverse("settings_person", args=[ann.pk])
    page = client.post(address, filled(email=ann.email, role="agent"))
    assert page.status_code == 422
    assert "The house needs an owner" in page.content.decode()
    client.post(reverse("settings_dismiss", args=[ann.pk]))
    ann.refresh_from_db()
    assert ann.role == Role.OWNER
    assert ann.is_active
    make.owner()
    client.post(address, filled(email=ann.email, role="agent"))
    ann.refresh_from_db()
    assert ann.role == Role.AGENT


def test_the_list_of_people_costs_the_same_however_many_there_are(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(make.owner())
    for _ in range(12):
        make.user(teams=(make.team(), make.team()))
    with django_assert_max_num_queries(4):
        client.get(reverse("settings_people"))


def test_everybody_changes_their_own_name(client: Client) -> None:
    bo = make.user()
    client.force_login(bo)
    assert client.get(reverse("settings")).headers["Location"] == reverse("settings_profile")
    client.post(reverse("settings_profile"), {"name": "Bo A.", "timezone": "Asia/Tokyo"})
    bo.refresh_from_db()
    assert (bo.name, bo.timezone, bo.role) == ("Bo A.", "Asia/Tokyo", Role.AGENT)


def test_brands_places_and_teams_are_added_changed_and_removed(client: Client) -> None:
    client.force_login(make.manager())
    bo = make.user()
    client.post(reverse("settings_new_brand"), {"name": "Maple"})
    brand = Brand.objects.get()
    place = {"name": "Harbour", "brand": brand.pk, "timezone": "UTC"}
    client.post(reverse("settings_new_place"), place)
    assert Place.objects.get().brand == brand
    client.post(reverse("settings_new_team"), {"name": "Kitchen", "members": [bo.pk]})
    team = Team.objects.get()
    assert list(team.members.all()) == [bo]
    client.post(reverse("settings_team", args=[team.pk]), {"name": "Bar"})
    assert not team.members.exists()
    client.post(reverse("settings_brand", args=[brand.pk]), {"remove": "1"})
    assert not Brand.objects.exists()
    assert Event.objects.filter(name="team.changed", subject_id=team.pk).exists()
