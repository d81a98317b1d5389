from __future__ import annotations

import pytest

from heard.think.helpful.substance import substance
from tests.think.looking import codes, findings

QUESTION = "Where is my order? It should have been here on Monday."


@pytest.mark.parametrize(
    "draft",
    [
        "We are so sorry to hear that, Ann.",
        "Thank you for reaching out! We appreciate your patience.",
        "Hi Ann! Sorry about this. Have a nice day!",
        "We understand how frustrating this is. Let us know if you need anything else.",
    ],
)
def test_kind_words_alone_answer_no_question(draft: str) -> None:
    assert "helpful.no_answer" in codes(draft, message=QUESTION)
    assert not substance(draft)


@pytest.mark.parametrize(
    "draft",
    [
        "Sorry, Ann! It left us on Friday and comes today.",
        "Thank you for asking. We close at ten.",
        "Hi Ann, what is the name on it?",
        "Sorry! Please send us a DM.",
        "Yes.",
        "It is on its way.",
        "Hi, Max, each case is read by two people before we answer.",
        "Very sorry for the delay, but the driver has lost his keys.",
        "Es tut uns leid, die Bestellung ist unterwegs.",
    ],
)
def test_an_answer_a_question_or_a_step_is_help(draft: str) -> None:
    assert not {code for code in codes(draft, message=QUESTION) if code.startswith("helpful.")}


def test_the_question_is_quoted() -> None:
    found = findings("Thank you for writing to us!", message=f"Hello. {QUESTION}")
    assert "“Where is my order?”" in found[0].says


@pytest.mark.parametrize(
    "draft",
    [
        "Please contact the airline.",
        "You will need to speak to the manager of the place.",
        "Sorry! Please check our website.",
        "Kindly refer to the insurance company.",
    ],
)
def test_only_sending_away_is_noticed(draft: str) -> None:
    assert "helpful.sends_away" in codes(draft, message=QUESTION)


@pytest.mark.parametrize(
    "draft",
    [
        "Please contact the airline at 404-555-0123.",
        "Please check our website: https://example.com/orders",
        "Please contact us again when it has come.",
        "Please ask the waiter for Ann, because she keeps the keys.",
        "It left today. Please ask the porter to take it in for you.",
    ],
)
def test_sending_on_with_a_way_is_help(draft: str) -> None:
    assert "helpful.sends_away" not in codes(draft, message=QUESTION)


def test_a_closed_door_is_noticed_and_an_open_one_is_not() -> None:
    assert "helpful.dead_end" in codes("There is nothing we can do.", message=QUESTION)
    assert "helpful.dead_end" in codes("The shop is closed. We cannot help you with this.")
    assert "helpful.dead_end" not in codes("We cannot help with this, but the bank can.")
