"""Heat: words tell, of the draft and of what went before; nothing else does."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.think.second_eyes.heat import Temper, anger, heat, insults
from tests.think.test_real_replies import agents_on_networks

COOL = (
    "Hi Ann, I am so sorry about the delay. I have asked the driver and will write by five.",
    "Thank you for telling us, that should not have happened. We are sending a new one today.",
    "You should have received the letter by now; if not, tell us and we send it again.",
    "Yes, you're entitled to a refund, and we love your attitude.",
    "We shall assess the damage today, and write to you about it by five.",
    "We have had enough time to look at it, and you are right.",
    "",
)
ANGRY = (
    "How dare you say that about my colleague.",
    "As I already said, calm down.",
    "Thanks for nothing. Feel free to go elsewhere.",
    "You people are wasting our time.",
    "YOU SHOULD HAVE READ OUR MENU!!! We don't need customers like you.",
)
INSULTS = ("you are an idiot", "U r useless", "fuck off", "are you stupid or what")
NO_INSULTS = ("Your driver was late", "This is useless", "I feel stupid asking", "you are so kind")


@pytest.mark.parametrize("draft", COOL)
def test_a_calm_draft_is_cool(draft: str) -> None:
    assert not heat(draft, Temper()).signs


@pytest.mark.parametrize("draft", ANGRY)
def test_words_of_anger_make_a_draft_hot(draft: str) -> None:
    found = heat(draft, Temper())
    assert found.is_hot
    assert found.is_in_the_words
    assert found.signs[0].matched in draft


def test_one_sharp_word_is_no_heat_but_the_third_draft_of_them_is() -> None:
    sharp = "You should have told us."
    assert not heat(sharp, Temper()).is_hot
    assert not heat(sharp, Temper(earlier=(sharp, COOL[0], sharp))).is_hot
    assert not heat(sharp, Temper(earlier=(sharp,))).is_hot
    assert heat(sharp, Temper(earlier=(sharp, "You forgot to call."))).is_hot
    assert not heat(COOL[0], Temper(earlier=(sharp, sharp))).is_hot


def test_a_long_quarrel_warms_and_a_very_long_one_is_hot() -> None:
    long = Temper(exchanges=5, contact_is_unhappy=True)
    assert not heat(COOL[0], long).is_hot
    assert heat("You should have told us.", long).is_hot
    assert heat(COOL[0], Temper(exchanges=6, contact_is_unhappy=True)).is_hot
    assert not heat(COOL[0], Temper(exchanges=60)).is_hot


@pytest.mark.parametrize("text", INSULTS)
def test_who_was_insulted_after_answering_writes_a_hot_reply(text: str) -> None:
    assert insults(text)
    assert heat(COOL[0], Temper(answers=("Hm.", text))).is_hot


@pytest.mark.parametrize("text", NO_INSULTS)
def test_a_complaint_is_no_insult(text: str) -> None:
    assert not insults(text)


def test_who_is_too_close_writes_hot_replies_whatever_the_words() -> None:
    found = heat(COOL[0], Temper(is_too_close=True))
    assert found.is_hot
    assert not found.is_in_the_words


def test_what_a_draft_quotes_is_not_its_own_anger() -> None:
    assert anger("> how dare you\nI understand why you wrote that.") == (0, "")


@given(st.text(max_size=400), st.lists(st.text(max_size=100), max_size=3), st.integers(0, 9))
def test_heat_never_stumbles_and_is_the_same_again(
    draft: str, before: list[str], exchanges: int
) -> None:
    temper = Temper(earlier=tuple(before), answers=tuple(before), exchanges=exchanges)
    assert heat(draft, temper) == heat(draft, temper)
    assert heat("", temper).signs == ()


@given(st.sampled_from(ANGRY), st.text(max_size=60))
def test_more_words_never_cool_an_angry_draft(draft: str, more: str) -> None:
    plain = more.replace(">", "").replace('"', "").replace("`", "").replace("'", "")
    assert anger(f"{draft}\n\n{plain}")[0] >= anger(draft)[0]


def test_real_replies_that_are_called_kind_are_cool(shared: Path) -> None:
    file = shared / "data" / "care_labels" / "replies.jsonl.gz"
    if not file.is_file():
        pytest.skip("no labelled replies here")
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    kind = [row["reply"] for row in rows if row["labels"]["kind"] == ["1", "1"]]
    hot = [reply for reply in kind if heat(reply, Temper()).is_hot]
    assert kind
    assert len(hot) <= 0.01 * len(kind)


def test_hardly_a_reply_of_real_desks_is_hot(shared: Path) -> None:
    replies = [reply for _, reply in agents_on_networks(shared)]
    assert sum(heat(reply, Temper()).is_hot for reply in replies) <= 0.002 * len(replies)
