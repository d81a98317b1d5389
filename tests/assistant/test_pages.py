"""The settings of the assistant: all off, arranged by owners alone, tried out, and its log."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from heard.assistant.models import Assistant, Consultation, arranged
from heard.events.models import Event
from heard.lib.sealing import unseal
from tests import make
from tests.assistant.far_side import CALL, arrange, said
from tests.channels.place import Place

pytestmark = pytest.mark.django_db
FILLED: dict[str, Any] = {
    "url": "https://models.example/v1/",
    "model": "small",
    "new_key": "sk-secret",
    "timeout_seconds": "30",
    "unsure_below": "0.25",
    "calls_a_day": "200",
    "tokens_a_day": "100000",
    "money_a_day": "1",
    "price_in": "0.5",
    "price_out": "1.5",
    "currency": "EUR",
    "keep_days": "30",
}


def test_everything_is_off_until_an_owner_switches_it_on(client: Client) -> None:
    client.force_login(make.owner())
    page = client.get(reverse("settings_assistant")).content.decode()
    assert "All of it is off" in page
    row = arranged()
    assert (row.reads, row.drafts, row.is_reachable) == (False, False, False)


@pytest.mark.parametrize("name", ["settings_assistant", "settings_assistant_log"])
def test_only_owners_come_in(client: Client, name: str) -> None:
    client.force_login(make.manager())
    assert client.get(reverse(name)).status_code == 403


def test_an_owner_arranges_it_and_the_key_is_sealed_and_never_shown(client: Client) -> None:
    client.force_login(make.owner())
    page = reverse("settings_assistant")
    client.post(page, {**FILLED, "reads": "on"})
    row = Assistant.objects.get()
    assert (row.url, row.reads) == ("https://models.example/v1", True)
    assert row.reads_since is not None
    assert "sk-secret" not in row.key
    assert unseal(row.key) == "sk-secret"
    shown = client.get(page).content.decode()
    assert "sk-secret" not in shown
    assert row.key not in shown
    client.post(page, {**FILLED, "new_key": "", "model": "large"})
    row.refresh_from_db()
    assert (unseal(row.key), row.model, row.reads) == ("sk-secret", "large", False)
    told = Event.objects.filter(name__startswith="assistant.").latest("pk")
    assert "sk-secret" not in str(told.data)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://models.example/v1"},
        {"url": "ftp://models.example/v1"},
        {"url": "https://name:word@models.example/v1"},
        {"url": "", "reads": "on"},
        {"model": "", "drafts": "on"},
        {"unsure_below": "2"},
        {"timeout_seconds": "0"},
        {"money_a_day": "-1"},
    ],
)
def test_what_cannot_be_is_said(client: Client, wrong: dict[str, str]) -> None:
    client.force_login(make.owner())
    answer = client.post(reverse("settings_assistant"), {**FILLED, **wrong})
    assert answer.status_code == 422
    assert not Assistant.objects.exists()


def test_a_try_shows_what_left_and_what_came_back(client: Client) -> None:
    client.force_login(make.owner())
    with Place() as place:
        arrange(place)
        place.answers(CALL, said({"need": "answer", "stance": "avoid", "mood": "negative"}))
        page = client.post(reverse("settings_assistant_test")).content.decode()
        assert "It works. It says: answer, avoid, negative." in page
        assert "[NAME 1]" in page
        assert "Ann Example" not in place.asked[0].body.decode()
        place._answers.clear()
        place.answers(CALL, {"error": "no such key"}, status=401)
        Consultation.objects.all().delete()
        page = client.post(reverse("settings_assistant_test")).content.decode()
        assert "The server refuses the key: no such key." in page


def test_the_log_is_read_by_the_page(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ann = make.owner()
    client.force_login(ann)
    page = reverse("settings_assistant_log")
    assert "Nothing has left the house" in client.get(page).content.decode()
    common = {"purpose": "reading", "model": "m", "digest": "d", "outcome": "answered"}
    Consultation.objects.bulk_create(
        Consultation(at=make.NOON, sent=f"words {n}.", conversation_id=n % 2, by=ann, **common)
        for n in range(120)
    )
    with django_assert_max_num_queries(8):
        first = client.get(page).content.decode()
    assert "words 119." in first
    assert "words 69." not in first
    oldest = Consultation.objects.order_by("-pk")[49].pk
    assert f"before={oldest}" in first
    assert "words 69." in client.get(page, {"before": oldest}).content.decode()
    about = client.get(page, {"conversation": 1}).content.decode()
    assert "words 118." not in about
    assert client.get(page, {"before": "x", "conversation": "9" * 40}).status_code == 200
