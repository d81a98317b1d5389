"""The person of a conversation: what colleagues note about them, and who else they are."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from heard.contacts.models import Contact
from heard.contacts.noting import LONGEST_NOTE, write_note
from heard.conversations.models import Conversation, Inbox, Message
from heard.conversations.people.joining import join
from heard.events.models import Event
from heard.meter.rollups import differences
from heard.reading import Stance
from heard.staff.models import User
from tests import make
from tests.conversations.asking import ask, browser, read_as

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
AFTER = make.NOON + timedelta(minutes=5)


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


def two_of_them(box: Inbox) -> tuple[Conversation, Conversation]:
    """The same person by telephone book and by nickname, under one post and elsewhere."""
    known = ask(box, sender="ann@garden.example", sender_name="Ann Miller", root="post")
    also = ask(box, sender="annie99", sender_name="annie99", root="post", at=AFTER)
    return known, also


def test_two_contacts_become_one_person(bo: User, opened: Conversation) -> None:
    box = make.inbox(kind="mastodon", is_public=True)
    known, also = two_of_them(box)
    elsewhere = ask(make.inbox(kind="mastodon"), sender="annie99", sender_name="annie99")
    assert known.contact is not None
    assert also.contact is not None
    write_note(also.contact, text="Likes lamps.", instead_of="", by=bo, now=make.NOON)
    owner = browser(make.owner(name="Olga"))
    offered = owner.get(f"/conversations/{known.pk}/contact/same/?who=annie", headers=HTMX)
    assert "annie99" in offered.content.decode()
    answer = owner.post(
        f"/conversations/{known.pk}/contact/same/", {"contact": also.contact.pk}, headers=HTMX
    )
    assert answer.status_code == 200
    assert "They are one person now." in answer.headers["HX-Trigger"]
    ann = Contact.objects.get(pk=known.contact.pk)
    assert (ann.name, ann.note) == ("Ann Miller", "Likes lamps.")
    assert set(ann.handles.values_list("address", flat=True)) == {"ann@garden.example", "annie99"}
    assert Contact.objects.get(pk=also.contact.pk).into == ann
    rows = Conversation.objects.filter(contact=ann, merged_into=None).order_by("pk")
    assert [row.pk for row in rows] == [known.pk, elsewhere.pk]
    assert rows[0].incoming_count == 2
    assert rows[1].contact_name == "Ann Miller"
    assert set(Message.objects.exclude(conversation=opened).values_list("contact", flat=True)) == {
        ann.pk
    }
    event = Event.objects.get(name="contact.joined")
    assert event.data["handles"] == [["mastodon", "annie99"]]
    assert Event.objects.get(name="contact.noted").subject_id == ann.pk
    again = ask(box, sender="annie99", root="another post")
    assert again.contact == ann


def test_who_spoke_twice_has_one_voice_once_they_are_one_person(bo: User) -> None:
    box = make.inbox(kind="mastodon", is_public=True)
    warns = replace(read_as(mood="negative"), stance=Stance.AVOID)
    fields: dict[str, Any] = {"is_public": True, "reading": warns}
    known, also = (ask(box, "Stay away.", sender=who, **fields) for who in ("ann", "annie"))
    Conversation.objects.update(is_history=True)
    assert differences() == []
    assert known.contact is not None
    assert also.contact is not None
    join(also.contact, into=known.contact, by=bo, now=make.NOON)
    assert differences() == []


def test_whom_one_may_not_see_is_neither_offered_nor_joined(opened: Conversation, bo: User) -> None:
    hidden = ask(make.inbox(teams=(make.team(),)), sender="secret", sender_name="Ann Hidden")
    assert hidden.contact is not None
    client = browser(bo)
    address = reverse("same_person", args=[opened.pk])
    assert "Hidden" not in client.get(f"{address}?who=Ann", headers=HTMX).content.decode()
    for chosen in (hidden.contact.pk, opened.contact_id, "nobody", ""):
        assert client.post(address, {"contact": str(chosen)}).status_code == 404
    assert Contact.objects.count() == 2
