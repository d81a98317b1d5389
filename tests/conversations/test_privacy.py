"""A public question is taken to a page of ours: its address opens nothing, both sides know."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from heard.conversations.models import Conversation, Message
from heard.conversations.privacy import conversation_about, private_page
from tests import make

pytestmark = pytest.mark.django_db


def public() -> Conversation:
    return make.conversation(make.inbox(kind="forum", is_public=True), text="Where is my refund?")


def test_without_a_contact_page_nobody_can_be_asked_to_one(client: Client) -> None:
    opened = public()
    client.force_login(make.owner())
    assert private_page(opened) == ""
    assert client.get(reverse("private_page", args=[opened.pk])).status_code == 404


def test_somebody_is_asked_to_our_page_goes_on_there_and_both_conversations_say_so(
    client: Client,
) -> None:
    opened, page = public(), make.inbox(kind="contact_page", slug="shop")
    agent = make.owner()
    client.force_login(agent)
    words = client.get(reverse("private_page", args=[opened.pk])).content.decode()
    address = re.search(r"http\S+", words)
    assert address is not None
    assert "/ask/shop/?about=" in address.group()
    stranger = Client()
    path = address.group()[address.group().index("/ask/") :]
    empty = stranger.get(path).content.decode()
    assert "Where is my refund?" not in empty
    key = re.search(r'name="key" value="([^"]+)"', empty)
    assert key is not None
    written = {"text": "My order is 4711.", "key": key[1], "website": "", "email": ""}
    assert stranger.post(path, written).status_code == 302
    there = Message.objects.get(inbox=page)
    assert there.extra == {"continues": opened.pk}
    assert there.contact != opened.contact
    beside = client.get(reverse("conversation", args=[opened.pk])).content.decode()
    assert "They went on in private" in beside
    lead = re.search(r'href="(/private/[^"]+)"', beside)
    assert lead is not None
    assert client.get(lead[1]).headers["Location"] == reverse(
        "conversation", args=[there.conversation_id]
    )
    private = client.get(reverse("conversation", args=[there.conversation_id])).content.decode()
    assert reverse("conversation", args=[opened.pk]) in private
    assert "Nobody has proven" in private


def test_what_we_did_not_make_leads_nowhere(client: Client) -> None:
    page = make.inbox(kind="contact_page", slug="shop")
    assert conversation_about("1:abc") is None
    client.post(
        "/ask/shop/?about=17:forged:xx", {"text": "Hello", "key": "", "website": "", "email": ""}
    )
    assert all("continues" not in (m.extra or {}) for m in Message.objects.filter(inbox=page))
