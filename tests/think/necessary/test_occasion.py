"""Is this the moment, the place and the person for an answer?"""

from __future__ import annotations

from typing import Any

import pytest

from heard.think import Light, Turn
from tests.think.looking import codes, findings, mended, only

ASKED = Turn(is_ours=False, text="Where is my lamp?")
LONG = (
    "I have looked at what happened to it: the depot had the wrong street, the driver turned round"
    " twice, and the label came off on the way back. It stood in the yard over the weekend, and was"
    " found this morning by Maria, who has packed it anew and written the right street on it."
)


def answered(text: str, by: str) -> dict[str, Any]:
    turns = (Turn(is_ours=True, text=text, by=by), ASKED)
    return {"message": ASKED.text, "thread": turns, "agent_name": "Ann Lee"}


def test_what_a_colleague_has_answered_since_is_told_with_their_words() -> None:
    facts = answered("It left our house on Monday.", "Bo Lind")
    found = only("necessary.answered", "Hello, it left on Monday.", **facts)
    assert found.says == "Bo Lind has answered this already."
    assert found.beside == "It left our house on Monday."
    assert found.light is Light.AMBER


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("It left our house on Monday.", "Ann Lee"),
        ("It left our house on Monday.", ""),
        ("Thank you for your patience!", "Bo Lind"),
        ("Which lamp is it?", "Bo Lind"),
        ("I will ask the depot.", "Bo Lind"),
    ],
)
def test_ones_own_words_and_promises_of_others_are_no_answer_yet(text: str, by: str) -> None:
    assert "necessary.answered" not in codes("It left on Monday.", **answered(text, by))


def test_an_answer_before_the_message_is_none_to_it() -> None:
    turns = (ASKED, Turn(is_ours=True, text="It left on Monday.", by="Bo Lind"))
    facts = {"message": ASKED.text, "thread": turns, "agent_name": "Ann Lee"}
    assert "necessary.answered" not in codes("It left on Monday.", **facts)


@pytest.mark.parametrize(
    "message",
    ["It works now, cheers", "Never mind, found it", "Hat sich erledigt", "All sorted now"],
)
def test_who_says_that_it_is_settled_needs_no_long_answer(message: str) -> None:
    facts: dict[str, Any] = {"message": message, "earlier_replies": ("Please press the button.",)}
    assert "necessary.settled" in codes(LONG, **facts)
    assert "necessary.settled" not in codes("You are welcome, have a good evening!", **facts)
    assert "necessary.settled" not in codes(LONG, message=message)


@pytest.mark.parametrize(
    "message",
    ["It works now, but where is the plug?", "It's not resolved", "I hope it is fixed soon"],
)
def test_what_only_sounds_settled_is_not(message: str) -> None:
    assert "necessary.settled" not in codes(LONG, message=message, earlier_replies=("Hello.",))


def test_a_message_to_another_house_is_noticed() -> None:
    facts: dict[str, Any] = {"message": "Dear Oak Hotel team, where is my lamp?"}
    found = only("necessary.another_house", "It left.", our_names=("Maple Hotel",), **facts)
    assert found.says == "They wrote to Oak Hotel; is this message for us?"
    assert "necessary.another_house" not in codes("It left.", our_names=("Oak Hotels",), **facts)
    assert "necessary.another_house" not in codes("It left.", **facts)


@pytest.mark.parametrize(
    "message",
    [
        "Dear team, where is it?",
        "Dear Maple team, unlike Oak you answer",
        "Hello Ann, where is it?",
    ],
)
def test_a_message_to_us_or_to_nobody_is_ours(message: str) -> None:
    assert "necessary.another_house" not in codes("It left.", message=message, our_names=("Maple",))


def test_an_upset_persons_own_matter_is_better_talked_over_in_private() -> None:
    facts: dict[str, Any] = {
        "message": "My order is ruined, this is unacceptable!",
        "is_public": True,
        "contact_is_upset": True,
        "private_way": "at https://care.example/ask/shop",
    }
    changed = mended("necessary.better_in_private", LONG, **facts)
    assert changed.endswith(" Please write to us in private at https://care.example/ask/shop.")
    for other in ({"is_public": False}, {"contact_is_upset": False}, {"message": "Awful people"}):
        assert "necessary.better_in_private" not in codes(LONG, **{**facts, **other})
    assert "necessary.better_in_private" not in codes("I am so sorry, it left today.", **facts)


HEATED = "You are useless, this is ridiculous!!"
SHARP = "As I already said, you should have read the terms."


def quarrel(message: str) -> tuple[Turn, ...]:
    said = (message, SHARP, HEATED, SHARP, HEATED)
    return tuple(Turn(is_ours=text == SHARP, text=text) for text in said)


def test_a_quarrel_in_which_nothing_new_is_asked_needs_silence() -> None:
    assert "necessary.quarrel" in codes(
        "We see it otherwise.", message=HEATED, thread=quarrel(HEATED)
    )


@pytest.mark.parametrize("message", ["Where is my refund, you fools?", "Thank you, all good."])
def test_a_question_or_a_calm_word_is_answered(message: str) -> None:
    assert "necessary.quarrel" not in codes("Hello.", message=message, thread=quarrel(message))


def test_one_sided_anger_is_no_quarrel() -> None:
    kind = "I am sorry, and a new one leaves today."
    said = (HEATED, kind, HEATED, kind, HEATED)
    thread = tuple(Turn(is_ours=text == kind, text=text) for text in said)
    assert "necessary.quarrel" not in codes("It left.", message=HEATED, thread=thread)


def test_none_of_it_stops_a_reply() -> None:
    for finding in findings("We see it otherwise.", message=HEATED, thread=quarrel(HEATED)):
        assert not finding.stops
