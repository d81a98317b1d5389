"""What the house answered before is suggested again: like questions, good answers, no names."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from heard.conversations.answers import recalling, remembering
from heard.conversations.models import Conversation, Exchange, Inbox, Message, Taking
from heard.conversations.outbox.replying import reply, undo
from heard.knowledge import saving
from heard.knowledge.models import SavedAnswer
from heard.staff.models import User
from tests import make
from tests.conversations.asking import ask, browser, read_as, say

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
DOGS = "Dogs are very welcome, Mira: there is a bowl of water at the door of the terrace."
PARKING = "You park behind the house, in Mill Lane, without paying anything after six."


@pytest.fixture(autouse=True)
def _fresh_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test begins in a process that has read nothing."""
    monkeypatch.setattr(recalling, "_memory", recalling._Memory())


@pytest.fixture
def bo() -> User:
    return make.user(name="Bo Lind")


@pytest.fixture
def box() -> Inbox:
    return make.inbox(name="Bar mail", kind="email")


def remember_all() -> None:
    """As the job does, an hour later."""
    while remembering.remember(now=timezone.now() + timedelta(hours=1)):
        pass


def answered(box: Inbox, question: str, words: str, **fields: Any) -> Conversation:
    """A question that was answered at another time."""
    told = {"sender": "mira", "sender_name": "Mira Sand", "root": None} | fields
    told = {name: value for name, value in told.items() if value is not None}
    opened = ask(box, question, **told)
    author = make.user(name="Imogen Quince")
    reply(opened, text=words, author=author, now=make.NOON + timedelta(hours=1))
    return opened


def suggested(client: Client, opened: Conversation) -> str:
    address = reverse("suggestions", args=[opened.pk])
    return client.get(address, headers=HTMX).content.decode()


def test_what_was_said_to_the_like_is_suggested_without_names(box: Inbox, bo: User) -> None:
    earlier = answered(box, "May I bring my dog to the terrace?", DOGS)
    answered(box, "Where do we park the car at night?", PARKING, sender="zoe")
    remember_all()
    opened, client = ask(box, "May our dog come to the terrace?", sender="otto"), browser(bo)
    page = suggested(client, opened)
    assert "Dogs are very welcome, {contact name}: there is a bowl" in page
    assert "Mira" not in page
    assert "Mill Lane" not in page
    assert f"/conversations/{earlier.pk}/#m" in page
    assert "both say" in page
    assert "terrace" in page.split("both say")[1]
    message = Message.objects.get(kind="reply", conversation=earlier)
    words = client.post(reverse("take_reply", args=[opened.pk, message.pk])).content.decode()
    assert words.startswith("Dogs are very welcome, {contact name}")


def test_nothing_is_suggested_where_nothing_is_like_it(box: Inbox, bo: User) -> None:
    answered(box, "May I bring my dog to the terrace?", DOGS)
    remember_all()
    opened = ask(box, "Is the invoice for March ready?", sender="otto")
    assert suggested(browser(bo), opened).strip() == ""


def test_what_one_may_not_see_is_neither_suggested_nor_taken(box: Inbox, bo: User) -> None:
    hidden = make.inbox(teams=(make.team(),))
    earlier = answered(hidden, "May I bring my dog to the terrace?", DOGS)
    remember_all()
    opened = ask(box, "May I bring my dog to the terrace?", sender="otto")
    assert "Dogs" not in suggested(browser(bo), opened)
    assert "Dogs" in suggested(browser(make.owner()), opened)
    message = Message.objects.get(kind="reply", conversation=earlier)
    take = reverse("take_reply", args=[opened.pk, message.pk])
    assert browser(bo).post(take).status_code == 404


def test_an_answer_that_turned_somebody_round_goes_first(box: Inbox, bo: User) -> None:
    asked = "The soup was cold and the waiter rude at table nine"
    cold = answered(box, asked, "That should not be, and we will look into our kitchen at once.")
    warm = answered(
        box, asked, "Come back on us, we would love to make up for that evening.", sender="zoe"
    )
    Conversation.objects.filter(pk=warm.pk).update(is_turned=True)
    Conversation.objects.filter(pk=cold.pk).update(is_turned=False)
    remember_all()
    page = suggested(browser(bo), ask(box, f"{asked}!", sender="otto"))
    assert page.index("Come back on us") < page.index("That should not be")
    assert "it turned them round" in page


def test_the_same_answer_to_many_is_one_suggestion_that_counts_more(box: Inbox, bo: User) -> None:
    for number in range(3):
        answered(box, f"Is the terrace open on day {number}?", PARKING, sender=f"s{number}")
    answered(box, "Is the terrace open?", "No terrace today, we are sorry: rain.", sender="last")
    remember_all()
    page = suggested(browser(bo), ask(box, "Is the terrace open?", sender="otto"))
    assert page.count("data-suggestion") == 2
    assert "3 times" in page


def test_another_language_is_not_suggested(box: Inbox, bo: User) -> None:
    answered(box, "Hund Terrasse erlaubt?", DOGS, reading=read_as(language="de"))
    remember_all()
    opened = ask(box, "Hund Terrasse?", sender="otto", reading=read_as(language="en"))
    assert "Dogs" not in suggested(browser(bo), opened)


def test_a_saved_answer_is_suggested_by_its_words_and_where_it_was_used(
    box: Inbox, bo: User
) -> None:
    row = SavedAnswer(
        short="dogs", title="Dogs on the terrace", text="Dogs are welcome, {contact name}."
    )
    saving.keep(row, by=None, now=make.NOON)
    client = browser(bo)
    opened = ask(box, "Dogs on the terrace?", sender="mira", sender_name="Mira Sand")
    assert "/dogs" in suggested(client, opened)
    words = client.post(reverse("take_answer", args=[opened.pk, row.pk])).content.decode()
    now = timezone.now()
    said = reply(opened, text=words, author=bo, now=now + timedelta(seconds=1))
    remember_all()
    row.refresh_from_db()
    assert (row.used_count, Taking.objects.get().message) == (1, said)
    assert Exchange.objects.get().answer == row
    again = ask(box, "Will four-legged friends be let onto the terrace?", sender="otto")
    page = suggested(client, again)
    assert page.count("data-suggestion") == 1
    assert "/dogs" in page


def test_what_was_taken_and_then_written_anew_is_not_counted(box: Inbox, bo: User) -> None:
    row = saving.keep(
        SavedAnswer(short="dogs", title="Dogs", text="Dogs are welcome here at any hour."),
        by=None,
        now=make.NOON,
    )
    opened = ask(box, "Dogs?", sender="mira")
    browser(bo).post(reverse("take_answer", args=[opened.pk, row.pk]))
    words = "I will ask Bettina about the cake and ring you this evening."
    reply(opened, text=words, author=bo, now=timezone.now() + timedelta(seconds=1))
    remember_all()
    row.refresh_from_db()
    assert row.used_count == 0
    assert Taking.objects.get().message is None


def test_a_reply_is_kept_once_it_can_no_longer_be_undone(box: Inbox, bo: User) -> None:
    opened = ask(box, "May I bring my dog to the terrace?")
    said = reply(opened, text=DOGS, author=bo, now=timezone.now())
    remembering.remember(now=timezone.now())
    assert not Exchange.objects.exists()
    undo(said, by=bo, now=timezone.now())
    reply(opened, text=DOGS, author=bo, now=timezone.now())
    remember_all()
    remember_all()
    assert Exchange.objects.count() == 1


def test_only_the_newest_are_kept(box: Inbox, bo: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "MOST", 2)
    for number in range(4):
        answered(box, f"May I bring my dog number {number}?", DOGS, sender=f"s{number}")
    remember_all()
    newest = Message.objects.filter(kind="reply").order_by("-pk").values_list("pk", flat=True)[:2]
    assert set(Exchange.objects.values_list("reply", flat=True)) == set(newest)


def test_what_goes_while_a_process_runs_is_no_longer_suggested(box: Inbox, bo: User) -> None:
    earlier = answered(box, "May I bring my dog to the terrace?", DOGS)
    remember_all()
    opened, client = ask(box, "May I bring my dog?", sender="otto"), browser(bo)
    assert "Dogs" in suggested(client, opened)
    Message.objects.filter(conversation=earlier, kind="reply").update(emptied_at=make.NOON)
    assert "Dogs" not in suggested(client, opened)
    Conversation.objects.filter(pk=earlier.pk).delete()
    assert not Exchange.objects.exists()
    assert "Dogs" not in suggested(client, opened)


def test_suggesting_costs_the_same_few_queries_however_much_was_said(box: Inbox, bo: User) -> None:
    client, counts = browser(bo), []
    opened = ask(box, "May I bring my dog to the terrace?", sender="otto")
    for lot in (2, 12):
        for number in range(lot):
            answered(box, f"A dog on the terrace, {lot}?", DOGS, sender=f"s{lot}-{number}")
        remember_all()
        suggested(client, opened)
        with CaptureQueriesContext(connection) as captured:
            suggested(client, opened)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 14


def test_the_command_makes_everything_anew(box: Inbox, bo: User) -> None:
    answered(box, "May I bring my dog to the terrace?", DOGS)
    Message.objects.update(heard_at=make.NOON)
    remember_all()
    Exchange.objects.update(terms=b"")
    said = StringIO()
    call_command("answers", "renew", stdout=said)
    assert "1 exchange is kept" in said.getvalue()
    assert bytes(Exchange.objects.get().terms)


def test_several_messages_before_a_reply_are_one_question(box: Inbox, bo: User) -> None:
    first = make.incoming("May I bring my dog?", sender="mira", at=make.NOON)
    second = make.incoming(
        "To the terrace, I mean.",
        sender="mira",
        parent=first.external_id,
        at=make.NOON + timedelta(minutes=1),
    )
    opened = say(box, first, second)
    reply(opened, text=DOGS, author=bo, now=make.NOON + timedelta(hours=1))
    reply(
        opened, text="And a biscuit will be waiting.", author=bo, now=make.NOON + timedelta(hours=2)
    )
    remember_all()
    assert Exchange.objects.count() == 1


def test_how_an_answer_fared_leads_to_the_replies_one_may_see(box: Inbox, bo: User) -> None:
    row = saving.keep(
        SavedAnswer(short="soup", title="Cold soup", text="Come back on us for a warm soup."),
        by=None,
        now=make.NOON,
    )
    hidden = make.inbox(teams=(make.team(),))
    owner = make.owner()
    for place, sender, is_turned in (
        (box, "mira", True),
        (box, "otto", False),
        (hidden, "x", True),
    ):
        opened = ask(place, "The soup was cold, I am angry", sender=sender, sender_name=sender)
        browser(owner).post(reverse("take_answer", args=[opened.pk, row.pk]))
        reply(opened, text=row.text, author=owner, now=timezone.now() + timedelta(seconds=1))
        Conversation.objects.filter(pk=opened.pk).update(is_turned=bool(is_turned))
    remember_all()
    address = reverse("settings_answer_uses", args=[row.pk])
    page = browser(make.manager()).get(address).content.decode()
    assert "Used for 2 replies." in page
    assert "1 turned round (50 %, probably between 9 and 91 %)" in page
    assert page.count("row-title") == 2
    assert "Used for 3 replies." in browser(owner).get(address).content.decode()
    assert (
        "used 2 times" in browser(make.manager()).get(reverse("settings_answers")).content.decode()
    )
    other = saving.keep(
        SavedAnswer(short="tea", title="Tea", text="There is tea."), by=None, now=make.NOON
    )
    page = browser(owner).get(reverse("settings_answer", args=[other.pk])).content.decode()
    assert "Not used yet." in page
