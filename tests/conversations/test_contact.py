"""The person of a conversation: what colleagues note about them."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client
from django.urls import reverse

from heard.contacts.models import Contact
from heard.contacts.noting import LONGEST_NOTE
from heard.conversations.models import Conversation
from heard.events.models import Event
from heard.staff.models import User
from tests import make
from tests.conversations.inboxes import ask, browser

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def opened() -> Conversation:
    return ask(make.inbox(teams=(make.team(name="Bar"),)), sender_name="Ann")


@pytest.fixture
def bo(opened: Conversation) -> User:
    return make.user(name="Bo Lind", teams=(opened.inbox.teams.get(),))


def note_of(opened: Conversation) -> str:
    assert opened.contact is not None
    return Contact.objects.get(pk=opened.contact.pk).note


def test_a_note_about_a_person_is_written_in_its_place(opened: Conversation, bo: User) -> None:
    client = browser(bo)
    pane = client.get(reverse("conversation", args=[opened.pk])).content.decode()
    assert "Add a note about this person" in pane
    address = reverse("contact_note", args=[opened.pk])
    form = client.get(f"{address}?edit", headers=HTMX).content.decode()
    assert "<textarea" in form
    assert "<html" not in form
    kept = client.post(address, {"note": " Eats no nuts.\r\nAlways. ", "was": ""}, headers=HTMX)
    assert "Change the note" in kept.content.decode()
    assert note_of(opened) == "Eats no nuts.\nAlways."
    event = Event.objects.get(name="contact.noted")
    assert (event.subject_id, event.actor_id) == (opened.contact_id, bo.pk)
    assert "nuts" not in str(event.data)
    client.post(address, {"note": "", "was": "Eats no nuts.\r\nAlways."}, headers=HTMX)
    assert note_of(opened) == ""


def test_without_javascript_the_note_has_a_page(opened: Conversation, bo: User) -> None:
    client = browser(bo)
    address = reverse("contact_note", args=[opened.pk])
    assert "<textarea" in client.get(address).content.decode()
    answer = client.post(address, {"note": "A regular.", "was": ""})
    assert answer.headers["Location"] == reverse("conversation", args=[opened.pk])
    assert "A regular." in client.get(answer.headers["Location"]).content.decode()


def test_a_note_that_is_too_long_is_given_back(opened: Conversation, bo: User) -> None:
    address = reverse("contact_note", args=[opened.pk])
    words = "x" * (LONGEST_NOTE + 1)
    answer = browser(bo).post(address, {"note": words, "was": ""}, headers=HTMX)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert note_of(opened) == ""


def test_what_somebody_wrote_meanwhile_is_shown_first(opened: Conversation, bo: User) -> None:
    client = browser(bo)
    address = reverse("contact_note", args=[opened.pk])
    client.post(address, {"note": "Eats no nuts.", "was": ""}, headers=HTMX)
    second = client.post(address, {"note": "Likes nuts.", "was": ""}, headers=HTMX)
    assert second.status_code == 422
    said = html.unescape(second.content.decode())
    assert "Meanwhile somebody wrote: “Eats no nuts.”" in said
    was = re.search(r'name="was" value="([^"]*)"', said)
    assert was is not None
    client.post(address, {"note": "Likes nuts.", "was": was[1]}, headers=HTMX)
    assert note_of(opened) == "Likes nuts."


def test_whoever_may_not_see_the_conversation_does_not_see_its_note(
    opened: Conversation, client: Client
) -> None:
    address = reverse("contact_note", args=[opened.pk])
    client.force_login(make.user(teams=(make.team(),)))
    assert client.get(address).status_code == 404
    assert client.post(address, {"note": "hello", "was": ""}).status_code == 404
    assert note_of(opened) == ""
