"""Signing in at the place itself: there and back once, by whoever set out, with a lasting key."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from heard.conversations.inboxes.accounts import account_of
from heard.conversations.inboxes.arranging import new_inbox
from heard.conversations.models import Inbox
from tests import make
from tests.channels.place import Place
from tests.make import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Iterator[Place]:
    with Place() as place:
        yield place


@pytest.fixture
def inbox(place: Place) -> Inbox:
    inbox = new_inbox("reddit", name="Reddit", keeper=None, now=NOON)
    inbox.settings = {"api_url": place.url, "allow_private": True}
    inbox.save()
    return inbox


@pytest.fixture
def owner(client: Client) -> Client:
    client.force_login(make.owner())
    return client


def filled(inbox: Inbox, **more: str) -> dict[str, str]:
    about = {"policy": str(inbox.policy_id), "priority": "0", "quiet_hours": ""}
    place = {"place_client_id": "app", "place_client_secret": "hush", "allow_private": "on"}
    return {"name": inbox.name, **about, **place, **more}


def set_out(owner: Client, inbox: Inbox) -> dict[str, str]:
    """Fill in the form and go; what the address of the place's page asks for."""
    page = owner.post(
        reverse("settings_inbox", args=[inbox.pk]), filled(inbox, **{"sign-in": "there"})
    )
    assert page.status_code == 200
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page.content.decode())
    assert found, page.content.decode()
    way = urlsplit(unescape(found[1]))
    assert way.path == "/api/v1/authorize"
    return {name: values[0] for name, values in parse_qs(way.query).items()}


def test_who_signs_in_there_comes_back_with_a_key_that_is_tried_and_sealed(
    owner: Client, inbox: Inbox, place: Place
) -> None:
    place.answers("POST /api/v1/access_token", {"refresh_token": "for-long", "access_token": "t"})
    place.answers("GET /api/v1/me", {"name": "shop"})
    asked = set_out(owner, inbox)
    assert asked["client_id"] == "app"
    assert asked["duration"] == "permanent"
    assert "submit" in asked["scope"].split()
    assert asked["redirect_uri"] == "http://testserver" + reverse("settings_signed_in")

    back = owner.get(reverse("settings_signed_in"), {"state": asked["state"], "code": "c0de"})
    assert back.status_code == 302
    assert back["Location"] == reverse("settings_inbox", args=[inbox.pk])
    first = place.asked[0]
    assert first.headers["authorization"] == "Basic " + base64.b64encode(b"app:hush").decode()
    form = first.form()
    assert (form["grant_type"], form["code"]) == ("authorization_code", "c0de")
    assert form["redirect_uri"] == asked["redirect_uri"]
    challenge = hashlib.sha256(form["code_verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(challenge).rstrip(b"=").decode() == asked["code_challenge"]

    inbox.refresh_from_db()
    assert account_of(inbox).secrets == {"client_secret": "hush", "refresh_token": "for-long"}
    assert "for-long" not in inbox.secret + str(inbox.settings)
    assert inbox.listening.account == "u/shop"

    again = owner.get(reverse("settings_signed_in"), {"state": asked["state"], "code": "c0de"})
    assert again["Location"] == reverse("settings_inboxes")  # an answer counts once
    assert len(place.asked) == 3


def test_an_answer_that_nobody_here_asked_for_is_refused(
    owner: Client, inbox: Inbox, place: Place
) -> None:
    asked = set_out(owner, inbox)
    stranger = owner.get(reverse("settings_signed_in"), {"state": "guessed", "code": "evil"})
    assert stranger["Location"] == reverse("settings_inboxes")
    late = owner.get(reverse("settings_signed_in"), {"state": asked["state"], "code": "c0de"})
    assert late["Location"] == reverse("settings_inboxes")  # the guess has ended the sign-in
    assert not place.asked
    assert not account_of(Inbox.objects.get()).secrets


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"error": "access_denied"}, "did not let us in: access_denied"),
        ({"error": "x", "error_description": "Not today."}, "did not let us in: Not today."),
        ({"code": "old"}, "answered 400"),
    ],
)
def test_a_refusal_is_told_beside_what_had_been_filled_in(
    owner: Client, inbox: Inbox, place: Place, given: dict[str, str], said: str
) -> None:
    place.answers("POST /api/v1/access_token", {"error": "invalid_grant"}, status=400)
    asked = set_out(owner, inbox)
    page = owner.get(reverse("settings_signed_in"), {"state": asked["state"], **given})
    assert page.status_code == 422
    assert said in page.content.decode()
    assert 'value="app"' in page.content.decode()
    assert "hush" not in page.content.decode()
    again = reverse("settings_inbox", args=[inbox.pk])
    assert f'<form class="form" method="post" action="{again}">' in page.content.decode()
    assert not account_of(Inbox.objects.get()).secrets


def test_a_key_for_this_once_alone_is_not_enough(owner: Client, inbox: Inbox, place: Place) -> None:
    place.answers("POST /api/v1/access_token", {"access_token": "for an hour"})
    asked = set_out(owner, inbox)
    page = owner.get(reverse("settings_signed_in"), {"state": asked["state"], "code": "c"})
    assert "no refresh token" in page.content.decode()


def test_what_the_place_needs_first_is_said_before_anybody_leaves(
    owner: Client, inbox: Inbox
) -> None:
    page = owner.post(
        reverse("settings_inbox", args=[inbox.pk]),
        filled(inbox, place_client_id="app", place_client_secret="", **{"sign-in": "there"}),
    )
    assert page.status_code == 422


def test_without_signing_in_the_form_says_what_is_missing(owner: Client, inbox: Inbox) -> None:
    page = owner.post(reverse("settings_inbox", args=[inbox.pk]), filled(inbox))
    assert page.status_code == 422
    assert "Refresh token is missing" in page.content.decode()


def test_whoever_signs_in_by_password_goes_nowhere(owner: Client) -> None:
    inbox = new_inbox("email", name="Mail", keeper=None, now=NOON)
    inbox.settings = {"allow_private": True}
    inbox.save()
    with Place() as place:
        port = place.url.rpartition(":")[2]
        page = owner.post(
            reverse("settings_inbox", args=[inbox.pk]),
            {
                **filled(inbox, **{"sign-in": "there"}),
                "place_address": "care@shop.example",
                "place_sign_in": "password",
                "place_password": "hush",
                "place_imap_host": "127.0.0.1",
                "place_imap_port": port,
                "place_smtp_host": "127.0.0.1",
            },
        )
    assert page.status_code == 422  # the place was tried, and no page of theirs opened
    assert 'http-equiv="refresh"' not in page.content.decode()


def test_only_places_where_one_signs_in_offer_it(owner: Client) -> None:
    for kind, is_offered in (("reddit", True), ("youtube", True), ("email", True), ("x", False)):
        page = owner.get(reverse("settings_new_inbox", args=[kind])).content.decode()
        assert ('name="sign-in"' in page) is is_offered, kind
        assert (reverse("settings_signed_in") in page) is is_offered, kind
