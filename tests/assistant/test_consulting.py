"""The way to the server: masked, budgeted, remembered, written down, and calm when it fails."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from pytest_django.fixtures import Settings

from heard.assistant import budget
from heard.assistant.asking import json_in
from heard.assistant.consulting import (
    Consulted,
    NoSuggestion,
    Question,
    consult,
)
from heard.assistant.forgetting import forget
from heard.assistant.masking import Mask
from heard.assistant.models import Assistant, Consultation, Spent
from heard.assistant.second_reading import Suggested, parsed, question
from heard.reading import Mood, Need, Stance
from tests.assistant.far_side import CALL, arrange, said
from tests.channels.place import Place
from tests.make import NOON

pytestmark = pytest.mark.django_db
GOOD = {"need": "answer", "stance": "avoid", "mood": "negative"}
ANGRY = Suggested(Need.ANSWER, Stance.AVOID, Mood.NEGATIVE)


def ask(assistant: Assistant, text: str = "Never again!", **options: Any) -> Consulted[Suggested]:
    waits: list[float] = options.pop("waits", [])
    asked: Question[Suggested] = question(text, conversation_id=7)
    options = {"mask": Mask(), "now": NOON, "wait": waits.append, **options}
    return consult(assistant, asked, **options)


def outcomes() -> list[str]:
    return list(Consultation.objects.order_by("pk").values_list("outcome", flat=True))


def test_an_answer_is_read_paid_and_written_down() -> None:
    with Place() as place:
        assistant = arrange(place, price_in=Decimal(2), price_out=Decimal(10))
        place.answers(CALL, said(GOOD))
        assert ask(assistant).found == ANGRY
        [asked] = place.asked
    assert asked.headers["authorization"] == "Bearer sk-secret"
    assert asked.json()["model"] == "small"
    assert asked.json()["response_format"]["type"] == "json_schema"
    row = Consultation.objects.get()
    assert (row.outcome, row.tokens_in, row.tokens_out) == ("answered", 120, 20)
    assert row.money == Decimal("0.000440")
    assert (row.sent, row.conversation_id, row.purpose) == ("Never again!", 7, "reading")
    spent = Spent.objects.get()
    assert (spent.calls, spent.tokens, spent.money) == (1, 140, Decimal("0.000440"))


def test_what_leaves_is_masked_in_the_request_and_in_the_log() -> None:
    text = "I am Ann Smith, call 086 123 4567 or ann@mail.example. Never again!"
    with Place() as place:
        assistant = arrange(place)
        place.answers(CALL, said(GOOD))
        ask(assistant, text, mask=Mask(names=["Ann Smith"], details=["ann@mail.example"]))
        body = place.asked[0].body.decode()
    for detail in ("Ann", "Smith", "4567", "mail.example"):
        assert detail not in body
        assert detail not in Consultation.objects.get().sent


def test_the_same_masked_words_are_asked_once() -> None:
    with Place() as place:
        assistant = arrange(place)
        place.answers(CALL, said(GOOD))
        ask(assistant, "I am Ann. Never again!", mask=Mask(names=["Ann"]))
        again = ask(assistant, "I am Bob. Never again!", mask=Mask(names=["Bob"]))
        assert len(place.asked) == 1
        assert again.found == ANGRY
        assert Spent.objects.get().calls == 1
        later = NOON + timedelta(days=assistant.keep_days, seconds=1)
        ask(assistant, "I am Bob. Never again!", mask=Mask(names=["Bob"]), now=later)
        assert len(place.asked) == 2
    assert outcomes() == ["answered", "remembered", "answered"]


@pytest.mark.parametrize(
    "answer",
    [
        "I am a helpful assistant",
        "",
        "{}",
        "[]",
        '{"need": "answer"}',
        '{"need": "answer", "stance": "maybe", "mood": "negative"}',
        '{"need": "nothing", "stance": "recommend", "mood": "negative"}',
        '{"need": ["answer"], "stance": {}, "mood": null}',
        '{"need": "answer", "stance": "avo',
        "{" * 3000,
    ],
)
def test_nonsense_is_no_suggestion_and_is_written_down(answer: str) -> None:
    with Place() as place:
        assistant = arrange(place)
        place.answers(CALL, said(answer))
        with pytest.raises(NoSuggestion):
            ask(assistant)
    row = Consultation.objects.get()
    assert (row.outcome, row.answer) == ("unusable", answer)


def test_an_answer_may_stand_among_other_words() -> None:
    assert parsed(f"Sure! {{x}} ```json\n{json.dumps(GOOD)}\n``` Anything else?") == ANGRY
    assert json_in("{'a'} {\"a\": 1} {}") == {"a": 1}


def test_a_busy_server_is_asked_again_after_as_long_as_it_says() -> None:
    waits: list[float] = []
    with Place() as place:
        assistant = arrange(place)
        place.answers(CALL, {"error": {"message": "slow down"}}, status=429)
        place.answers(CALL, {}, status=503, headers={"retry-after": "7"})
        place.answers(CALL, said(GOOD))
        assert ask(assistant, waits=waits).found == ANGRY
    assert waits == [1.0, 7]
    assert outcomes() == ["busy", "busy", "answered"]
    assert "slow down" in Consultation.objects.earliest("pk").reason
    spent = Spent.objects.get()
    assert (spent.calls, spent.tokens) == (3, 140)


def test_after_trouble_the_server_rests_longer_each_time_and_nobody_asks_it_meanwhile() -> None:
    with Place() as place:
        assistant = arrange(place)
        place.answers(CALL, {"error": {"message": "bad key"}}, status=401)
        with pytest.raises(NoSuggestion, match="refuses the key: bad key"):
            ask(assistant)
        assistant.refresh_from_db()
        assert assistant.rests_until == NOON + timedelta(minutes=1)
        with pytest.raises(NoSuggestion, match="rests after trouble"):
            ask(assistant)
        assert len(place.asked) == 1
        with pytest.raises(NoSuggestion):
            ask(assistant, now=NOON + timedelta(minutes=2))
        assistant.refresh_from_db()
        assert assistant.rests_until == NOON + timedelta(minutes=4)
        place._answers.clear()
        place.answers(CALL, said(GOOD))
        ask(assistant, now=NOON + timedelta(minutes=5))
        assistant.refresh_from_db()
        assert assistant.trouble == ""
        assert assistant.trouble_count == 0


def test_a_line_that_breaks_and_one_that_is_silent_keep_what_was_set_aside() -> None:
    with Place() as place:
        assistant = arrange(place)
        place.breaks_off(CALL)
        with pytest.raises(NoSuggestion, match="gave no answer"):
            ask(assistant, tries=1)
    assert Spent.objects.get().tokens > 140  # nobody knows whether the work was done
    with pytest.raises(NoSuggestion, match="not reached"):
        ask(assistant, "Another", tries=1, is_patient=True)
    assert outcomes() == ["unanswered", "unreached"]


def test_a_server_that_says_nothing_in_time_is_given_up() -> None:
    import socket

    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        assistant = arrange(url=f"http://127.0.0.1:{deaf.getsockname()[1]}/v1", timeout_seconds=1)
        with pytest.raises(NoSuggestion, match="ReadTimeout"):
            ask(assistant, tries=1)


@pytest.mark.parametrize(
    "body", [b"<html>", b"[1]", b'{"choices": []}', b'{"choices": [{"message": {}}]}', b"\xff"]
)
def test_what_is_no_chat_completion_is_no_answer(body: bytes) -> None:
    with Place() as place:
        assistant = arrange(place)
        place.answers(CALL, body)
        with pytest.raises(NoSuggestion, match="no answer"):
            ask(assistant, tries=1)
    assert outcomes() == ["unanswered"]


def test_a_server_that_knows_no_schema_is_asked_without_one_from_then_on() -> None:
    with Place() as place:
        assistant = arrange(place)
        refusal = {"error": {"message": "unknown field response_format"}}
        place.answers(CALL, refusal, status=400)
        place.answers(CALL, said(GOOD))
        assert ask(assistant).found == ANGRY
        assert "response_format" not in place.asked[1].json()
        assistant.refresh_from_db()
        assert not assistant.takes_schema


def test_a_private_address_is_asked_only_where_an_owner_allows_it() -> None:
    with Place() as place:
        assistant = arrange(place, allow_private=False)
        place.answers(CALL, said(GOOD))
        with pytest.raises(NoSuggestion, match="must not be asked there"):
            ask(assistant)
        assert not place.asked


def test_a_key_sealed_by_another_house_is_said_and_nothing_leaves() -> None:
    with Place() as place:
        assistant = arrange(place)
        with override_settings(SECRET_KEY="another"), pytest.raises(NoSuggestion, match="sealed"):
            ask(assistant)
        assert not place.asked


@pytest.mark.parametrize(
    "limits",
    [
        {"calls_a_day": 0},
        {"tokens_a_day": 10},
        {"money_a_day": 0, "price_in": 1},
        {"money_a_day": Decimal("0.01"), "price_out": 900_000},
    ],
)
def test_nothing_leaves_when_the_budget_is_spent(limits: dict[str, Any]) -> None:
    with Place() as place:
        assistant = arrange(place, **limits)
        with pytest.raises(NoSuggestion, match="budget"):
            ask(assistant)
        assert not place.asked
    assert outcomes() == ["spent"]


def test_a_server_that_counts_no_tokens_is_charged_what_was_set_aside() -> None:
    with Place() as place:
        assistant = arrange(place)
        place.answers(CALL, said(GOOD, tokens=None))
        ask(assistant)
    row = Consultation.objects.get()
    assert row.tokens_in > 500
    assert Spent.objects.get().tokens == row.tokens_in + row.tokens_out


def test_the_day_begins_at_midnight_where_the_house_stands(settings: Settings) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    late = datetime(2026, 3, 4, 10, 59, tzinfo=UTC)  # 23:59 there
    assert str(budget.day_of(late)) == "2026-03-04"
    assert str(budget.day_of(late + timedelta(minutes=1))) == "2026-03-05"
    assistant = Assistant(calls_a_day=1)
    assert budget.set_aside(assistant, tokens_in=1, tokens_out=1, now=late)
    assert not budget.set_aside(assistant, tokens_in=1, tokens_out=1, now=late)
    assert budget.set_aside(assistant, tokens_in=1, tokens_out=1, now=late + timedelta(minutes=1))


@pytest.mark.django_db(transaction=True)
def test_two_workers_cannot_both_take_the_last_of_the_day() -> None:
    assistant = Assistant(calls_a_day=10, tokens_a_day=1_000_000)
    taken: list[bool] = []

    def take() -> None:
        for _ in range(5):
            kept = budget.set_aside(assistant, tokens_in=10, tokens_out=10, now=NOON)
            taken.append(kept is not None)
        connection.close()

    workers = [threading.Thread(target=take) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(taken) == 10
    assert Spent.objects.get().calls == 10


def test_the_log_is_kept_for_its_days() -> None:
    arrange(keep_days=30)
    common = {"purpose": "reading", "model": "m", "digest": "d", "outcome": "answered"}
    for days in (29, 31):
        Consultation.objects.create(at=NOON - timedelta(days=days), **common)
    assert forget(now=NOON) == 1
    assert Consultation.objects.get().at == NOON - timedelta(days=29)
