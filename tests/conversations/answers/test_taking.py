"""Saved answers in the composer: offered by scope and language, filled in, made of a reply."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from heard.contacts.models import Handle
from heard.conversations.models import Conversation, Inbox
from heard.conversations.outbox.replying import reply
from heard.knowledge import saving
from heard.knowledge.models import HouseFact, SavedAnswer
from heard.staff.models import Place, User
from tests import make
from tests.conversations.asking import ask, browser, read_as

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
WEEK = [[["09:00", "12:00"], ["13:00", "17:00"]]] * 7


def answer(text: str = "We are open.", **fields: Any) -> SavedAnswer:
    row = SavedAnswer(**({"short": "hours", "title": "Opening hours", "text": text} | fields))
    return saving.keep(row, by=None, now=make.NOON)


@pytest.fixture
def bo() -> User:
    return make.user(name="Bo Lind")


@pytest.fixture
def shop() -> Inbox:
    place = Place.objects.create(name="Harbour", brand=make.brand(name="Tide"))
    return make.inbox(name="Shop mail", kind="email", place=place)


def offered(client: Client, opened: Conversation, typed: str = "") -> str:
    address = reverse("answer_choices", args=[opened.pk])
    return client.get(address, {"q": typed}, headers=HTMX).content.decode()


def taken(client: Client, opened: Conversation, row: SavedAnswer) -> str:
    return client.post(reverse("take_answer", args=[opened.pk, row.pk])).content.decode()


def test_only_what_fits_the_inbox_is_offered(shop: Inbox, bo: User) -> None:
    opened, client = ask(shop), browser(bo)
    answer(short="a", title="For all")
    answer(short="b", title="For the harbour", place=shop.place)
    answer(short="c", title="For the brand", brand=shop.place.brand if shop.place else None)
    answer(short="d", title="For mail", kinds=["email"])
    answer(short="e", title="For the hill", place=Place.objects.create(name="Hill"))
    answer(short="f", title="For chats", kinds=["widget"])
    answer(short="g", title="For another team", team=make.team())
    saving.put_away(answer(short="h", title="Put away"), by=None, now=make.NOON)
    saving.propose(SavedAnswer(short="i", title="Proposed", text="x"), by=bo, now=make.NOON)
    page = offered(client, opened)
    assert [title for title in ("For all", "the harbour", "the brand", "For mail") if title in page]
    assert page.count("data-take") == 4
    assert "No saved answer is called that" in offered(client, opened, "zebra")


def test_the_language_of_the_contact_goes_first(shop: Inbox, bo: User) -> None:
    opened = ask(shop, "Wann habt ihr offen?", reading=read_as(language="de"))
    answer(title="Hours", language="en")
    answer(title="Zeiten", language="de")
    page = offered(browser(bo), opened, "hours")
    assert page.index("Zeiten") < page.index("Hours")


def test_offering_costs_the_same_few_queries_however_many_there_are(shop: Inbox, bo: User) -> None:
    opened, client = ask(shop), browser(bo)
    counts = []
    for more in (1, 30):
        for number in range(more):
            answer(short=f"s{more}-{number}")
        with CaptureQueriesContext(
            connection,
        ) as captured:
            offered(client, opened)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 7


def test_gaps_are_filled_with_what_is_known_here(shop: Inbox, bo: User) -> None:
    shop.hours = make.hours(timezone="UTC", week=WEEK)
    shop.save()
    opened = ask(shop, "Where is order QD48213?", sender_name="Mira Sand")
    HouseFact.objects.create(subject="Day ticket", value="€ 12", said_at=make.NOON)
    last_day = make.NOON.date()
    HouseFact.objects.create(
        subject="Parking", value="free", valid_until=last_day, said_at=make.NOON
    )
    HouseFact.objects.create(subject="Day ticket", value="€ 9", place=shop.place, said_at=make.NOON)
    text = (
        "{contact name}, {order} is at {place} ({brand}): {opening hours today}; {day ticket}."
        " {agent name}, {inbox}, {parking}"
    )
    assert taken(browser(bo), opened, answer(text)) == (
        "Mira, QD48213 is at Harbour (Tide): 09:00–12:00, 13:00–17:00; € 9."
        " Bo, Shop mail, {parking}"
    )


def test_an_order_number_is_never_put_where_strangers_read_along(bo: User) -> None:
    square = make.inbox(kind="forum", is_public=True)
    opened = ask(square, "Where is order QD48213?", is_public=True)
    assert taken(browser(bo), opened, answer("{order} is on its way.")) == "{order} is on its way."


def test_the_private_page_of_the_house_is_put_in(shop: Inbox, bo: User) -> None:
    door = make.inbox(kind="contact_page")
    said = taken(browser(bo), ask(shop), answer("Write here: {private page link}"))
    assert f"/ask/{door.slug}/?about=" in said
    assert said.startswith(f"Write here: {settings.PUBLIC_URL or 'http'}")


def test_closed_is_said_in_english_alone(shop: Inbox, bo: User) -> None:
    row = answer("{opening hours today}")
    english = ask(shop)
    german = ask(shop, "Wann habt ihr offen?", sender="eva", reading=read_as(language="de"))
    shop.hours = make.hours(timezone="UTC", week=[[]] * 7)
    shop.save()
    assert taken(browser(bo), english, row) == "closed"
    assert taken(browser(bo), german, row) == "{opening hours today}"


def test_what_one_may_not_see_is_not_there(shop: Inbox, bo: User) -> None:
    hidden = ask(make.inbox(teams=(make.team(),)))
    row, client = answer(team=make.team()), browser(bo)
    everybody = answer(short="all")
    assert client.get(reverse("answer_choices", args=[hidden.pk])).status_code == 404
    take = reverse("take_answer", args=[hidden.pk, everybody.pk])
    assert client.post(take).status_code == 404
    assert client.post(reverse("take_answer", args=[ask(shop).pk, row.pk])).status_code == 404


def test_an_agent_proposes_a_reply_and_a_manager_takes_it_over(shop: Inbox, bo: User) -> None:
    opened = ask(shop, sender_name="Mira Sand")
    Handle.objects.filter(contact=opened.contact_id or 0).update(name="mira.sand")
    words = "Hello Mira, order 48213 left today; thank you for asking. Bo Lind"
    said = reply(opened, text=words, author=bo, now=make.NOON)
    client, told, stranger = browser(bo), make.manager(), make.manager(teams=(make.team(),))
    shop.teams.set([make.team(name="Shop team")])
    told.teams.set(shop.teams.all())
    bo.teams.set(shop.teams.all())
    address = reverse("propose_answer", args=[said.pk])
    page = client.get(address, headers=HTMX).content.decode()
    kept = "Hello {contact name}, {order} left today; thank you for asking. {agent name}"
    assert kept in page
    answered = client.post(address, {"title": "Left today", "text": kept}, headers=HTMX)
    assert "Proposed" in answered.headers["HX-Trigger"]
    row = SavedAnswer.objects.get()
    assert (row.is_proposed, row.said_by, row.language) == (True, bo, "en")
    notices = browser(told).get(reverse("notices")).content.decode()
    assert "Left today: proposed as a saved answer" in notices
    assert "Left today" not in browser(stranger).get(reverse("notices")).content.decode()
    assert "Left today" not in offered(client, opened)
    ann = make.manager()
    manager = browser(ann)
    assert "proposed" in manager.get(reverse("settings_answers")).content.decode()
    form = {"title": "Left today", "short": "left", "text": kept}
    manager.post(reverse("settings_answer", args=[row.pk]), form)
    assert "Left today" in offered(client, opened)


def test_a_manager_keeps_a_reply_at_once_and_nobody_takes_anothers(shop: Inbox, bo: User) -> None:
    ann = make.manager()
    opened = ask(shop)
    said = reply(opened, text="It left us today, thank you.", author=ann, now=make.NOON)
    address = reverse("propose_answer", args=[said.pk])
    assert browser(bo).get(address).status_code == 404
    form = {"title": "Where is my order?", "text": "It left us today."}
    assert browser(ann).post(address, form).status_code == 302
    row = SavedAnswer.objects.in_use().get()
    assert row.short == "where-is-my"
    assert browser(ann).post(address, {"title": "", "text": "x"}).status_code == 422
