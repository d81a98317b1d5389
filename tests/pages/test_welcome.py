"""The first start: one owner, by the link from the terminal; own company or the sample."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from heard import environment
from heard.conversations.clocks.hours import OpeningHours
from heard.conversations.models import Hours, Inbox, Policy
from heard.staff.entrance import claim_link
from heard.staff.models import Brand, Role, User
from tests import make

pytestmark = pytest.mark.django_db

OWN = {
    "company": "Maple & Rye",
    "name": "Ada Lindqvist",
    "email": "Ada@maple.example",
    "password": "rye bread at seven",
    "timezone": "Europe/Copenhagen",
    "weekdays": "9-12:30, 14-18",
    "saturday": "10-16",
    "sunday": "",
    "first_response_minutes": "2 h",
}


def address(end: str = "") -> str:
    return claim_link().removeprefix(environment.public_url()) + end


def test_without_an_owner_every_way_leads_to_the_terminal(client: Client) -> None:
    assert client.get(reverse("account_login")).headers["Location"] == reverse("welcome_closed")
    assert "heard signin_link" in client.get(reverse("welcome_closed")).content.decode()


@pytest.mark.parametrize("end", ["", "own/", "sample/"])
def test_nobody_else_on_the_network_claims_the_house(client: Client, end: str) -> None:
    send = client.post if end else client.get
    assert send(f"/welcome/0123456789abcdef/{end}", OWN).status_code == 403
    assert not User.objects.exists()


def test_own_company_is_founded_and_its_owner_let_in(client: Client) -> None:
    page = client.get(address()).content.decode()
    assert "Your own company" in page
    assert "The sample company" in page
    assert client.post(address("own/"), OWN).status_code == 302
    ada = User.objects.get()
    assert (ada.email, ada.role, ada.timezone) == ("ada@maple.example", "owner", OWN["timezone"])
    assert ada.check_password(OWN["password"])
    assert client.session["_auth_user_id"] == str(ada.pk)
    hours, policy, inbox = Hours.objects.get(), Policy.objects.get(), Inbox.objects.get()
    assert policy.first_response_minutes == 120
    assert OpeningHours.from_json({"timezone": hours.timezone, "week": hours.week})
    assert hours.week[0] == [["09:00", "12:30"], ["14:00", "18:00"]]
    assert hours.week[6] == []
    assert (inbox.kind, inbox.slug, inbox.keeper) == ("contact_page", "maple-rye", ada)
    assert inbox.brand == Brand.objects.get(name="Maple & Rye")
    assert client.get(reverse("contact_page", args=[inbox.slug])).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "short"},
        {"password": "ada@maple.example"},
        {"weekdays": "nine to five"},
        {"weekdays": "9-12, 11-14"},
        {"weekdays": "", "saturday": ""},
        {"first_response_minutes": "soon"},
        {"timezone": "Mars/Olympus"},
        {"company": ""},
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_made(client: Client, wrong: dict[str, str]) -> None:
    answer = client.post(address("own/"), {**OWN, **wrong})
    assert answer.status_code == 422
    assert 'class="error"' in answer.content.decode() or "form-errors" in answer.content.decode()
    assert not User.objects.exists()


def test_a_claimed_house_cannot_be_claimed_again(client: Client) -> None:
    link, own = address(), address("own/")
    make.owner()
    assert client.get(link).headers["Location"] == "/"
    assert client.post(own, OWN).status_code == 403
    assert User.objects.count() == 1


def test_the_sample_company_lets_in_as_its_owner_and_goes_with_one_click(client: Client) -> None:
    answer = client.post(address("sample/"))
    assert answer.headers["Location"] == reverse("welcome_sample_progress")
    owner = User.objects.get(role=Role.OWNER)
    assert client.session["_auth_user_id"] == str(owner.pk)
    page = client.get(reverse("welcome_sample_progress")).content.decode()
    assert "inboxes have told their story" in page
    Inbox.objects.update(last_heard_at=make.NOON)
    fragment = client.get(reverse("welcome_sample_progress"), headers={"HX-Request": "true"})
    assert fragment.headers["HX-Redirect"] == "/"
    assert "Remove the sample company" in client.get(reverse("settings_house")).content.decode()
    gone = client.post(reverse("welcome_remove_sample"))
    assert "/welcome/" in gone.headers["Location"]
    assert not Inbox.objects.exists()
    assert not User.objects.exists()


def test_only_an_owner_removes_the_sample_and_only_when_it_is_here(client: Client) -> None:
    client.force_login(make.manager())
    assert client.post(reverse("welcome_remove_sample")).status_code == 403
    client.force_login(make.owner())
    assert client.post(reverse("welcome_remove_sample")).status_code == 404
