from __future__ import annotations

import pytest

from tests.think.looking import codes, mended

LETTER = (
    "The lamp that you ordered was broken on the way to you because we packed it badly. "
    "A new one leaves today in a better box, and you may keep the old one for its parts."
)


def test_a_letter_wants_a_greeting_and_a_message_does_not() -> None:
    assert codes(LETTER) == {"inspiring.greeting"}
    assert mended("inspiring.greeting", LETTER, contact_name="Ann Lee").startswith("Hello Ann,\n\n")
    assert not codes(LETTER, is_public=True)
    assert not codes(LETTER, earlier_replies=("Hello Ann!",))
    assert not codes("A new lamp leaves today.")
    assert not codes("Dear Ann, " + LETTER)
    assert not codes("Ann, " + LETTER, contact_name="Ann Lee")


@pytest.mark.parametrize("draft", ["Dear customer, it is here.", "Dear Sir or Madam, it is here."])
def test_nobody_is_called_customer(draft: str) -> None:
    assert mended("inspiring.nameless", draft, contact_name="Ann Lee") == "Hello Ann, it is here."
    assert mended("inspiring.nameless", draft, contact_name="shop_77") == "Hello, it is here."


def test_somebody_upset_is_heard_first() -> None:
    draft = "The lamp was sent on Friday and should be with you today."
    assert codes(draft, contact_is_upset=True) == {"kind.unheard"}
    assert not codes(draft, contact_is_upset=False)
    assert not codes(draft, contact_is_upset=True, earlier_replies=("Sorry!",))
    better = mended("kind.unheard", draft, contact_is_upset=True)
    assert better == f"I am sorry about this. {draft}"


@pytest.mark.parametrize(
    "draft",
    [
        "We can see how frustrating this is; the lamp was sent on Friday.",
        "Das tut mir leid, die Lampe wurde am Freitag verschickt und kommt heute.",
        "Oh no! The lamp was sent on Friday and should be there.",
        "That is not the experience we want; the lamp left on Friday.",
    ],
)
def test_many_words_show_that_we_heard(draft: str) -> None:
    assert "kind.unheard" not in codes(draft, contact_is_upset=True)


def test_a_curt_word_to_a_question_is_noticed() -> None:
    asked = "Could you tell me whether the lamp comes in blue?"
    assert "inspiring.curt" in codes("No.", message=asked)
    assert "inspiring.curt" not in codes("Sure, thanks!", message=asked)
    assert "inspiring.curt" not in codes("It does, in two shades.", message=asked)
    assert "inspiring.curt" not in codes("No.", message="")


def test_praise_is_thanked_for() -> None:
    praise = "I love this place, the best soup and the friendliest people in town. Thank you!"
    assert "inspiring.thanks" in codes("We open at nine tomorrow morning.", message=praise)
    assert not codes("You are very welcome, come again!", message=praise)
    assert "inspiring.thanks" not in codes("Sorry about the wait you had.", message=praise)


def test_a_line_of_chat_wants_no_greeting() -> None:
    assert not codes(LETTER, message="where is my lamp")
    assert codes(LETTER, message="Dear shop, where is my lamp?") >= {"inspiring.greeting"}
