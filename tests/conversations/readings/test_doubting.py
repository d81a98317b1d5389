"""What the reader is unsure of is shown to the server; its answer is a suggestion and no more."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from heard.assistant.models import Assistant, Consultation, arranged
from heard.channels.base import Edited, Kind
from heard.conversations.intake.changing import change
from heard.conversations.intake.receiving import receive
from heard.conversations.models import (
    Clock,
    Conversation,
    Correction,
    Doubted,
    Inbox,
    Message,
    SecondReading,
)
from heard.conversations.readings import doubting
from heard.events.models import Event
from heard.reading.doubt import leads
from tests import make
from tests.assistant.far_side import CALL, arrange, said
from tests.channels.place import Place

pytestmark = pytest.mark.django_db
UNREAD = "Dzień dobry, gdzie jest moja paczka? Czekam już trzy tygodnie i nikt nie odpowiada."
SURE = "The waiter was rude, the food was cold and we will never come back. Avoid this place!"
WARNS = {"need": "answer", "stance": "avoid", "mood": "negative"}
LATER = make.NOON + timedelta(minutes=1)


@pytest.fixture
def assistant() -> Assistant:
    return arrange(reads=True, reads_since=make.NOON - timedelta(minutes=1))


def take_in(box: Inbox, *texts: str, **fields: Any) -> list[Message]:
    receive(box, [make.incoming(text, **fields) for text in texts], now=make.NOON)
    taken = Message.objects.filter(text__in=texts).order_by("pk")
    taken.update(heard_at=make.NOON)
    return list(taken)


def answered(box: Inbox, answer: Any = WARNS, text: str = UNREAD) -> SecondReading:
    """One message in doubt, to which the server has said this."""
    with Place() as place:
        Assistant.objects.update(url=f"{place.url}/v1")
        place.answers(CALL, said(answer))
        [message] = take_in(box, text)
        doubting.doubt(arranged(), now=LATER)
        doubting.ask_about(arranged(), now=LATER)
    return SecondReading.objects.get(message=message)


def test_the_reader_knows_what_it_is_unsure_of() -> None:
    unread, sure = leads([UNREAD, SURE])
    assert unread is None
    assert sure is not None
    assert sure > 0.15


def test_only_unsure_and_fresh_words_of_people_are_asked_about(assistant: Assistant) -> None:
    box = make.inbox()
    [old] = take_in(box, UNREAD)
    Message.objects.update(heard_at=make.NOON - timedelta(hours=1))
    take_in(box, SURE)
    take_in(box, UNREAD + " 1", is_automatic=True)
    take_in(box, UNREAD + " 2", kind=Kind.REPLY)
    receive(box, [make.incoming(UNREAD + " 3")], now=make.NOON, is_history=True)
    [wanted] = take_in(box, UNREAD + " 4")
    [stale] = take_in(box, UNREAD + " 5")
    Message.objects.filter(pk=stale.pk).update(heard_at=make.NOON - timedelta(days=3))
    assert doubting.doubt(assistant, now=LATER) > 0
    assert [it.message_id for it in SecondReading.objects.all()] == [wanted.pk]
    doubting.doubt(assistant, now=LATER)
    assert SecondReading.objects.count() == 1
    assert not SecondReading.objects.filter(message=old).exists()


def test_while_the_tier_is_off_nothing_is_looked_at_and_nothing_leaves() -> None:
    arrange(reads=False)
    take_in(make.inbox(), UNREAD)
    doubting.read_again(timestamp=0)
    assert not Doubted.objects.exists()
    assert not SecondReading.objects.exists()


def test_a_suggestion_changes_neither_reading_nor_clock_nor_diary(assistant: Assistant) -> None:
    box = make.inbox()
    second = answered(box, {"need": "nothing", "stance": "neither", "mood": "neutral"})
    assert second.state == "open"
    message = second.message
    message.refresh_from_db()
    assert (message.need, message.mood, message.read_by) == ("answer", "", "")
    assert Clock.objects.filter(conversation=message.conversation, ended_at=None).exists()
    assert not Correction.objects.exists()
    assert not Event.objects.filter(name__startswith="second_reading").exists()


def test_taking_it_is_a_correction_by_that_person(client: Client, assistant: Assistant) -> None:
    second = answered(make.inbox(), {"need": "nothing", "stance": "neither", "mood": "neutral"})
    ann = make.user()
    client.force_login(ann)
    opened = reverse("conversation", args=[second.message.conversation_id])
    page = client.get(opened).content.decode()
    assert "The server suggests" in page
    assert "needs nothing, neutral" in page
    client.post(reverse("second_reading", args=[second.pk]), {"answer": "take"})
    message = Message.objects.get(pk=second.message_id)
    assert (message.need, message.mood, message.read_by) == ("nothing", "neutral", "person")
    assert set(Correction.objects.values_list("head", "now", "by")) == {
        ("need", "nothing", ann.pk),
        ("mood", "neutral", ann.pk),
    }
    second.refresh_from_db()
    assert (second.state, second.by_id) == ("taken", ann.pk)
    assert "The server suggests" not in client.get(opened).content.decode()
    again = client.post(
        reverse("second_reading", args=[second.pk]),
        {"answer": "refuse"},
        headers={"hx-request": "true"},
    )
    assert "already" in again.headers["HX-Trigger"]


def test_refusing_it_leaves_the_reading(client: Client, assistant: Assistant) -> None:
    second = answered(make.inbox())
    client.force_login(make.user())
    client.post(reverse("second_reading", args=[second.pk]), {"answer": "refuse"})
    second.refresh_from_db()
    message = Message.objects.get(pk=second.message_id)
    assert (second.state, message.stance, message.read_by) == ("refused", "neither", "")
    assert Event.objects.filter(name="second_reading.refused").exists()


def test_who_may_not_see_the_conversation_finds_no_suggestion(
    client: Client, assistant: Assistant
) -> None:
    second = answered(make.inbox(teams=(make.team(),)))
    client.force_login(make.user())
    address = reverse("second_reading", args=[second.pk])
    assert client.post(address, {"answer": "take"}).status_code == 404
    second.refresh_from_db()
    assert second.state == "open"


def test_what_it_reads_the_same_is_not_shown(assistant: Assistant) -> None:
    text = "hmm okay then"
    arranged_to = Assistant.objects.filter(pk=1)
    arranged_to.update(unsure_below=1.0)
    box = make.inbox()
    [message] = take_in(box, text)
    same = {head: getattr(message, head) for head in ("need", "stance", "mood")}
    with Place() as place:
        arranged_to.update(url=f"{place.url}/v1")
        place.answers(CALL, said(same))
        doubting.doubt(arranged(), now=LATER)
        doubting.ask_about(arranged(), now=LATER)
    assert SecondReading.objects.get().state == "same"


def test_how_suggestions_fared_is_counted_and_leads_to_their_rows(
    client: Client, assistant: Assistant, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ann = make.user()
    client.force_login(ann)
    page = reverse("second_readings")
    assert "Nobody has answered a suggestion yet" in client.get(page).content.decode()
    second = answered(make.inbox())
    hidden = answered(make.inbox(teams=(make.team(),)), text=UNREAD + " Tajne.")
    doubting.take(second, by=ann, now=LATER)
    with django_assert_max_num_queries(8):
        shown = client.get(page, {"state": "taken"}).content.decode()
    assert "Of 1 suggestion that colleagues answered, 1 was taken (100 %, between 21" in shown
    assert f"#m{second.message_id}" in shown
    assert hidden.state == "open"
    assert "Tajne" not in client.get(page).content.decode()


def test_nonsense_is_no_suggestion(assistant: Assistant) -> None:
    second = answered(make.inbox(), "As a language model I like parcels.")
    assert second.state == "none"
    assert "cannot be used" in second.reason


def test_names_and_handles_of_the_conversation_do_not_leave(assistant: Assistant) -> None:
    box = make.inbox()
    text = f"Zofia Kowalska tutaj (zofia.k@poczta.example, +48 601 234 567). {UNREAD}"
    with Place() as place:
        Assistant.objects.update(url=f"{place.url}/v1")
        place.answers(CALL, said(WARNS))
        take_in(box, text, sender="zofia.k@poczta.example", sender_name="Zofia Kowalska")
        doubting.doubt(arranged(), now=LATER)
        doubting.ask_about(arranged(), now=LATER)
        body = json.dumps(place.asked[0].json(), ensure_ascii=False)
    for detail in ("Zofia", "Kowalska", "zofia.k", "poczta", "601"):
        assert detail not in body
        assert detail not in Consultation.objects.get().sent


def test_a_spent_budget_and_a_server_in_trouble_leave_the_rest_waiting(
    assistant: Assistant,
) -> None:
    box = make.inbox()
    with Place() as place:
        Assistant.objects.update(url=f"{place.url}/v1", calls_a_day=1)
        place.answers(CALL, said(WARNS))
        take_in(box, UNREAD + " a", UNREAD + " b", UNREAD + " c")
        doubting.doubt(arranged(), now=LATER)
        assert doubting.ask_about(arranged(), now=LATER) == 1
        assert doubting.ask_about(arranged(), now=LATER) == 0
        assert len(place.asked) == 1
        Assistant.objects.update(calls_a_day=100)
        place._answers.clear()
        place.answers(CALL, {}, status=401)
        assert doubting.ask_about(arranged(), now=LATER) == 0
    assert SecondReading.objects.filter(state="waiting").count() == 2
    assert doubting.ask_about(arranged(), now=LATER + doubting.FRESH * 2) == 0
    assert not SecondReading.objects.filter(state="waiting").exists()


def test_new_words_are_asked_about_again(assistant: Assistant) -> None:
    second = answered(make.inbox())
    message = Message.objects.select_related("inbox").get(pk=second.message_id)
    edited = Edited(message.external_id, LATER, UNREAD + " Proszę o odpowiedź!")
    change(message.inbox, [edited], now=LATER)
    second.refresh_from_db()
    assert (second.state, second.stance) == ("waiting", "")


def test_a_thread_with_suggestions_costs_no_more_queries(
    client: Client, assistant: Assistant, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    second = answered(make.inbox())
    client.force_login(make.user())
    opened = reverse("conversation", args=[second.message.conversation_id])
    client.get(opened)
    before = Conversation.objects.count()
    with django_assert_max_num_queries(12):
        client.get(opened)
    assert before == 1
