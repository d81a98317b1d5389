"""What the check knows of a reply, seen through the composer: the contact, the house, the mood."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.fixtures import Settings

from heard.contacts.models import Contact, Handle
from heard.conversations.checks.facts import facts_of
from heard.conversations.models import Conversation, Inbox, Message
from heard.conversations.outbox.replying import reply
from heard.conversations.readings.correcting import correct
from heard.knowledge.models import HouseFact
from heard.staff.models import Place, User
from heard.think import Turn
from tests import make
from tests.conversations.asking import ask, browser, read_as

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def square() -> Inbox:
    """A place where everybody reads along."""
    return make.inbox(name="Square", kind="forum", is_public=True)


@pytest.fixture
def bo() -> User:
    return make.user(name="Bo Lind")


def check(client: Client, opened: Conversation, draft: str) -> str:
    """What the composer says to a draft."""
    address = reverse("save_draft", args=[opened.pk])
    return client.post(address, {"kind": "reply", "text": draft}, headers=HTMX).content.decode()


def ann(opened: Conversation, *handles: tuple[str, str, str], name: str = "") -> Contact:
    """The contact of a conversation, with more handles and perhaps a name."""
    contact = opened.contact
    assert contact is not None
    Handle.objects.bulk_create(
        [Handle(contact=contact, kind=k, address=a, name=n) for k, a, n in handles]
    )
    if name:
        Contact.objects.filter(pk=contact.pk).update(name=name)
    return contact


def test_the_contacts_own_address_and_full_name_are_found_in_public(
    square: Inbox, bo: User
) -> None:
    opened, client = ask(square, sender="annie_99", sender_name="annie"), browser(bo)
    draft = "Hello Annie, we have written to info@annsgarden.example, dear Ann Sophie Miller."
    assert "what only we should know" not in check(client, opened, draft)
    ann(opened, ("email", "info@annsgarden.example", "Ann Sophie Miller"), name="Ann Sophie Miller")
    said = check(client, opened, draft)
    assert said.count("it shows what only we should know of this contact") == 2
    assert "data-stopped" in said


def test_what_the_place_shows_of_the_contact_is_no_secret_there(square: Inbox, bo: User) -> None:
    opened = ask(square, sender="annmiller", sender_name="Ann Miller")
    ann(opened, name="Ann Miller")
    said = check(browser(bo), opened, "Hello @annmiller, Ann Miller is a name to remember!")
    assert "what only we should know" not in said


def test_in_private_the_contacts_address_may_be_written(bo: User) -> None:
    opened = ask(make.inbox(kind="email"), sender="ann@garden.example")
    ann(opened, ("phone", "+353861234567", ""))
    said = check(browser(bo), opened, "Hello, we will ring +353861234567 on Friday at 10:00.")
    assert "Anybody can read" not in said


def test_our_own_number_and_address_are_not_personal_data(square: Inbox, bo: User) -> None:
    opened, client = ask(square), browser(bo)
    draft = "Maria is in until five: 021 427 1234, maria.lund@heards.example."
    said = check(client, opened, draft)
    assert "it shows a phone number" in said
    assert "it shows an e-mail address" in said
    make.inbox(kind="email", address="maria.lund@heards.example")
    square.settings = {"our_details": ["+353 21 427 1234"]}
    square.save()
    assert "Anybody can read" not in check(client, opened, draft)


def test_who_asks_in_public_is_shown_the_private_door(
    square: Inbox, bo: User, settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://care.example"
    opened, client = ask(square), browser(bo)
    draft = "Could you send us your booking number here?"
    assert "https://care.example" not in check(client, opened, draft)
    far, near = make.inbox(slug="far"), make.inbox(slug="near", kind="hook")
    assert "at https://care.example/ask/far/" in check(client, opened, "Send us your order number.")
    near.kind, near.place = "contact_page", far.place
    near.brand = square.brand = make.brand()
    near.save()
    square.save()
    said = check(client, opened, "Please send us your booking number.")
    assert "in a private message at https://care.example/ask/near/" in said
    taken = (
        "Please send us your booking number in a private message at https://care.example/ask/near/"
    )
    assert "Anybody could read" not in check(client, opened, taken)


def test_a_link_to_our_own_door_is_always_allowed(
    square: Inbox, bo: User, settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://care.example"
    square.settings = {"link_domains": ["heards.example"]}
    square.save()
    opened, client = ask(square), browser(bo)
    assert "data-stopped" in check(client, opened, "See https://elsewhere.example/menu.")
    own = check(client, opened, "Write to us at https://care.example/ask/near/ instead.")
    assert "care.example" not in own


def test_whoever_corrects_the_mood_corrects_the_check(bo: User) -> None:
    box, client = make.inbox(kind="letters"), browser(bo)
    opened = ask(box, "The lamp is still dark.", reading=read_as())
    draft = "The lamp comes with the courier on Friday at 10:00 and we will fit it for you."
    assert "nothing here shows that we heard it" not in check(client, opened, draft)
    said = Message.objects.get()
    correct(said, head="need", to="nothing", by=bo, now=make.NOON)
    assert facts_of(opened, author=bo, now=make.NOON).contact_is_upset is None
    correct(said, head="mood", to="negative", by=bo, now=make.NOON)
    assert "nothing here shows that we heard it" in check(client, opened, draft)
    correct(said, head="mood", to="neutral", by=bo, now=make.NOON)
    assert "nothing here shows that we heard it" not in check(client, opened, draft)


def test_the_facts_cost_five_queries_and_in_public_seven(square: Inbox, bo: User) -> None:
    for box, ceiling in ((make.inbox(kind="email"), 5), (square, 7)):
        opened = Conversation.objects.select_related("inbox").get(pk=ask(box).pk)
        ann(opened, *((f"kind{n}", f"ann{box.pk}", "Ann Miller") for n in range(9)))
        for number in range(5):
            fact(f"Subject {box.pk} {number}", "€ 5")
            make.inbox(address=f"door{Inbox.objects.count()}@heards.example")
        with CaptureQueriesContext(connection) as queries:
            facts_of(opened, author=bo, now=make.NOON)
        assert len(queries) == ceiling


def fact(subject: str, value: str, **fields: Any) -> HouseFact:
    return HouseFact.objects.create(subject=subject, value=value, said_at=make.NOON, **fields)


def test_a_price_that_the_house_knows_otherwise_is_told_while_typing(bo: User) -> None:
    opened = ask(make.inbox(kind="email"), "How much is a day ticket? Is there parking?")
    fact("Day ticket", "€ 12.50", words="ticket")
    said = check(browser(bo), opened, "Hello, the ticket is € 15.")
    assert "We know it otherwise" in said
    assert 'data-change="€ 12.50"' in said
    assert '<q class="beside">Day ticket: € 12.50</q>' in said
    assert said.count("taken-up") == 1
    assert "still open" in said


def test_the_nearest_fact_holds_and_the_old_one_does_not(bo: User) -> None:
    harbour = Place.objects.create(name="Harbour", brand=make.brand())
    box = make.inbox(kind="email", place=harbour)
    facts: list[tuple[str, str, dict[str, Any]]] = [
        ("Ticket", "€ 1", {}),
        ("Ticket", "€ 2", {"brand": harbour.brand}),
        ("ticket", "€ 3", {"place": harbour}),
        ("Ticket", "€ 4", {"place": Place.objects.create(name="Hill")}),
        ("Towel", "€ 5", {}),
        ("Towel", "€ 6", {"language": "en"}),
        ("Towel", "€ 7", {"language": "de"}),
        ("Parking", "€ 8", {"valid_until": date(2026, 3, 3)}),
    ]
    for subject, value, fields in facts:
        fact(subject, value, **fields)
    opened = ask(box, "How much is it, and when do you open?")
    Message.objects.update(language="en")
    known = facts_of(opened, author=bo, now=make.NOON).known
    assert {one.subject.lower(): one.value for one in known} == {"ticket": "€ 3", "towel": "€ 6"}


def test_the_opening_hours_of_the_inbox_are_known_with_their_holidays(bo: User) -> None:
    week = [[["09:00", "17:00"]]] * 5 + [[], []]
    open_hours = make.hours(week=week, timezone="Europe/Berlin", closed=["2026-03-05"])
    opened = ask(make.inbox(kind="email", hours=open_hours))
    told = facts_of(opened, author=bo, now=make.NOON).opening
    assert told is not None
    assert told.week[0] == ((540, 1020),)
    assert told.days == ((date(2026, 3, 5), ()),)
    said = check(browser(bo), opened, "Hello, we are open until 20:00 on Friday.")
    assert 'data-change="17:00"' in said


def test_a_number_that_is_a_fact_may_be_given_in_public(square: Inbox, bo: User) -> None:
    opened, client = ask(square), browser(bo)
    draft = "Maria is in until five: 021 427 1234."
    assert "it shows a phone number" in check(client, opened, draft)
    fact("Maria's desk", "+353 21 427 1234")
    assert "it shows a phone number" not in check(client, opened, draft)


def test_all_that_was_said_is_known_newest_first(bo: User) -> None:
    opened = ask(make.inbox(kind="email"), "Where is it?")
    later = make.NOON + timedelta(hours=1)
    reply(opened, text="Hello, it left on Monday.", author=bo, now=later)
    assert facts_of(opened, author=bo, now=later).thread == (
        Turn(is_ours=True, text="Hello, it left on Monday.", by="Bo Lind"),
        Turn(is_ours=False, text="Where is it?"),
    )


def test_the_details_of_the_house_are_kept_with_an_inbox(client: Client, square: Inbox) -> None:
    client.force_login(make.owner())
    address = reverse("settings_inbox", args=[square.pk])
    filled = {
        "name": "Square",
        "policy": square.policy_id,
        "is_public": "on",
        "our_details": " +353 21 427 1234\r\n\r\n12 Quay Street, Cork ",
    }
    assert client.post(address, filled).status_code == 302
    square.refresh_from_db()
    assert square.settings == {"our_details": ["+353 21 427 1234", "12 Quay Street, Cork"]}
    assert "12 Quay Street, Cork" in client.get(address).content.decode()
    client.post(address, filled | {"our_details": ""})
    square.refresh_from_db()
    assert square.settings == {}


def test_where_links_may_lead_and_how_long_a_reply_may_be_are_asked_for(
    client: Client, square: Inbox
) -> None:
    client.force_login(make.owner())
    address = reverse("settings_inbox", args=[square.pk])
    filled = {"name": "Square", "policy": square.policy_id, "is_public": "on"}
    narrow = {"link_domains": "https://www.care.example/menu\nheards.example", "max_length": "280"}
    assert client.post(address, filled | narrow).status_code == 302
    square.refresh_from_db()
    assert square.settings == {
        "link_domains": ["www.care.example", "heards.example"],
        "max_length": 280,
    }
    opened = ask(square)
    assert "data-stopped" in check(client, opened, "See https://elsewhere.example/menu.")
    assert "data-stopped" not in check(client, opened, "See https://heards.example/menu.")
    refused = client.post(address, filled | {"link_domains": "nonsense"})
    assert "nonsense is no domain." in refused.content.decode()
    client.post(address, filled)
    square.refresh_from_db()
    assert square.settings == {}
