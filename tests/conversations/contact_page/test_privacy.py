"""A public question is taken to a page of ours: its address opens nothing, both sides know."""

from __future__ import annotations

import re
from datetime import timedelta
from time import time
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from heard.contacts.models import Contact, Handle, Joining, Likeness
from heard.conversations.contact_page.linking import mailed_link
from heard.conversations.contact_page.privacy import PROVES_FOR, conversation_about, private_page
from heard.conversations.models import Conversation, Message, Sending
from heard.conversations.outbox.sending import deliver, private_link
from heard.conversations.people import joining, meeting
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
    assert there.extra is not None
    assert there.extra["continues"] == opened.pk
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


def asked(opened: Conversation) -> str:
    """A link to our page, as an agent puts it into an answer."""
    return private_page(opened)


def answered(
    opened: Conversation, text: str, *, is_private: bool = True, state: str = "sent", **also: Any
) -> None:
    """An answer of ours that has left."""
    said = Message.objects.create(
        conversation=opened,
        inbox=opened.inbox,
        kind="reply",
        text=f"Please write to us here: {text}",
        at=timezone.now(),
        is_public=opened.inbox.is_public and not is_private,
    )
    now = timezone.now()
    Sending.objects.create(
        message=said, state=state, is_private=is_private, not_before=now, updated_at=now, **also
    )


def wrote(link: str, *, email: str = "") -> str:
    """Somebody writes by this link; returns the name of their thread."""
    before = set(Message.objects.values_list("pk", flat=True))
    form = {"text": "My order is 4711.", "key": "", "website": "", "email": email}
    assert Client().post(link[link.index("/ask/") :], form).status_code == 302
    [said] = Message.objects.exclude(pk__in=before)
    while meeting.look(now=timezone.now()):
        pass
    return said.conversation.root


def owner_of(kind: str, address: str) -> Contact:
    return Handle.objects.select_related("contact").get(kind=kind, address=address).contact


@pytest.fixture
def toot() -> Conversation:
    make.inbox(kind="contact_page", slug="shop")
    box = make.inbox(kind="mastodon", is_public=True)
    return make.conversation(box, text="Where is my refund?", sender="@ann", is_public=True)


def test_who_writes_by_a_link_that_only_they_were_sent_is_the_same_person(
    toot: Conversation,
) -> None:
    link = asked(toot)
    answered(toot, link)
    thread = wrote(link, email="ann@garden.example")
    ann = owner_of("mastodon", "@ann")
    assert owner_of("contact_page", thread) == ann
    joined = Joining.objects.get()
    assert (joined.proof, joined.by) == ("private_link", None)
    assert not Handle.objects.filter(kind="email").exists()


def test_a_link_that_stood_in_public_is_only_a_reason_to_ask(toot: Conversation) -> None:
    link = asked(toot)
    answered(toot, link, is_private=False)
    wrote(link)
    assert not Joining.objects.exists()
    assert Likeness.objects.get().reasons == [["went_private", ""]]


def test_a_link_that_was_sent_in_private_and_stood_in_public_too_proves_nothing(
    toot: Conversation,
) -> None:
    link = asked(toot)
    answered(toot, link)
    other = make.conversation(toot.inbox, sender="@bo", is_public=True)
    answered(other, link, is_private=False)
    wrote(link)
    assert not Joining.objects.exists()


@pytest.mark.parametrize("state", ["waiting", "failed", "unknown"])
def test_a_link_that_did_not_surely_arrive_proves_nothing(toot: Conversation, state: str) -> None:
    link = asked(toot)
    answered(toot, link, state=state)
    wrote(link)
    assert not Joining.objects.exists()


def test_a_link_that_was_sent_to_two_proves_nothing(toot: Conversation) -> None:
    link = asked(toot)
    answered(toot, link)
    answered(make.conversation(toot.inbox, sender="@bo", is_public=True), link)
    wrote(link)
    assert not Joining.objects.exists()


def test_a_link_proves_once(toot: Conversation) -> None:
    link = asked(toot)
    answered(toot, link)
    first, second = wrote(link), wrote(link)
    ann = owner_of("mastodon", "@ann")
    assert owner_of("contact_page", first) == ann
    assert owner_of("contact_page", second) != ann


def test_one_link_proves_nothing_for_another(toot: Conversation) -> None:
    answered(toot, asked(toot))
    wrote(asked(toot))
    assert not Joining.objects.exists()


def test_an_old_link_proves_nothing_and_still_leads_to_the_page(
    toot: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = asked(toot).rpartition("=")[2]
    assert conversation_about(token) == (toot.pk, token)
    made = time()
    for days, about in ((PROVES_FOR.days + 1, (toot.pk, "")), (91, None)):
        later = made + timedelta(days=days).total_seconds()
        monkeypatch.setattr("django.core.signing.time.time", lambda later=later: later)
        assert conversation_about(token) == about


def test_a_private_conversation_that_may_be_a_room_proves_nothing() -> None:
    make.inbox(kind="contact_page", slug="shop")
    room = make.conversation(make.inbox(kind="matrix"), sender="@ann:far.example")
    link = asked(room)
    answered(room, link, is_private=False)
    wrote(link)
    assert not Joining.objects.exists()


@pytest.mark.parametrize(
    ("extra", "copies", "is_proof"),
    [
        ({}, None, True),
        ({"reply_to": "eve@evil.example"}, None, False),
        ({}, ["eve@evil.example"], False),
    ],
)
def test_a_link_by_mail_is_proof_if_it_went_to_the_address_alone(
    extra: dict[str, Any], copies: list[str] | None, is_proof: bool
) -> None:
    make.inbox(kind="contact_page", slug="shop")
    box = make.inbox(kind="email")
    mailed = make.conversation(box, sender="ann@garden.example", extra=extra)
    link = asked(mailed)
    answered(mailed, link, is_private=False, copies=copies)
    thread = wrote(link)
    ann = owner_of("email", "ann@garden.example")
    assert (owner_of("contact_page", thread) == ann) is is_proof


def mailed_page(opened: Conversation, *, address: str) -> str:
    """The path of the private page as it is mailed to an address."""
    link = mailed_link(private_link(opened), opened, address=address)
    return link[link.index("/ask/") :]


def test_who_says_on_the_page_that_was_mailed_to_them_that_they_wrote_it_is_who_has_that_address(
    toot: Conversation,
) -> None:
    old = make.conversation(make.inbox(kind="email"), sender="ann@garden.example").contact
    link = asked(toot)
    answered(toot, link)
    wrote(link, email="Ann@garden.example")
    opened = Conversation.objects.get(inbox__kind="contact_page")
    path = mailed_page(opened, address="Ann@garden.example")
    visitor = Client()
    page = visitor.get(path).content.decode()
    assert "Yes, I wrote them" in page
    assert "Yes, I wrote them" not in visitor.get(path.partition("?")[0]).content.decode()
    assert owner_of("email", "ann@garden.example") == old  # to open it says nothing
    assert visitor.post(path, {"theirs": "1"}).status_code == 302
    ann = owner_of("email", "ann@garden.example")
    assert owner_of("mastodon", "@ann") == ann
    assert set(Joining.objects.values_list("proof", flat=True)) == {"private_link"}
    assert "Yes, I wrote them" not in visitor.get(path).content.decode()
    joining.undo(Joining.objects.latest("pk"), by=make.owner(), now=timezone.now())
    assert owner_of("email", "ann@garden.example") != owner_of("mastodon", "@ann")


def test_nobody_can_say_so_without_the_link_that_was_mailed(toot: Conversation) -> None:
    make.conversation(make.inbox(kind="email"), sender="ann@garden.example")
    wrote(asked(toot), email="ann@garden.example")
    wrote(asked(toot), email="eve@evil.example")
    mine, other = Conversation.objects.filter(inbox__kind="contact_page").order_by("pk")
    forged = "ann@garden.example"
    to_eve = mailed_page(other, address="eve@evil.example").partition("?")[2]
    path = mailed_page(mine, address=forged).partition("?")[0]
    for query in ("", f"?mailed={forged}", f"?{to_eve}"):
        Client().post(f"{path}{query}", {"theirs": "1"})
    assert not Joining.objects.exists()
    assert owner_of("email", forged) != mine.contact


def test_the_answer_that_is_mailed_carries_the_link_that_proves_its_address(
    toot: Conversation,
) -> None:
    wrote(asked(toot), email="ann@garden.example")
    opened = Conversation.objects.get(inbox__kind="contact_page")
    answered(opened, "Here it is.", is_private=False, state="waiting")
    waiting = Sending.objects.get(message__conversation=opened)
    Sending.objects.update(not_before=timezone.now() - timedelta(minutes=1))
    deliver(sending_id=waiting.pk)
    [letter] = mail.outbox
    found = re.search(r"(/ask/thread/\S+mailed=\S+)", str(letter.body))
    assert found is not None
    assert "Yes, I wrote them" in Client().get(found[1]).content.decode()


def test_a_join_by_proof_that_somebody_undid_stays_undone(toot: Conversation) -> None:
    link = asked(toot)
    answered(toot, link)
    thread = wrote(link)
    joining.undo(Joining.objects.get(), by=make.owner(), now=timezone.now())
    make.conversation(toot.inbox, sender="@bo")
    while meeting.look(now=timezone.now()):
        pass
    assert owner_of("contact_page", thread) != owner_of("mastodon", "@ann")


def test_the_composer_offers_a_link_where_it_can_be_sent_in_private(
    toot: Conversation, client: Client
) -> None:
    client.force_login(make.owner())
    page = client.get(reverse("conversation", args=[toot.pk])).content.decode()
    assert "Put in a link to a page of ours" in page


def test_what_we_did_not_make_leads_nowhere(client: Client) -> None:
    page = make.inbox(kind="contact_page", slug="shop")
    assert conversation_about("1:abc") is None
    client.post(
        "/ask/shop/?about=17:forged:xx", {"text": "Hello", "key": "", "website": "", "email": ""}
    )
    assert all("continues" not in (m.extra or {}) for m in Message.objects.filter(inbox=page))
