"""Nothing known of a person leaves the house, and all of it comes back with the answer."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heard.assistant.masking import Mask

PLACEHOLDERS = re.compile(r"\[[A-Z]+ \d+\]")
NAMES = ["Ann Smith", "Zoë Müller-Lüdenscheidt", "Søren Kierkegård", "Li Wu", "王小明", "Will May",
         "José Ángel", "O'Neill", "Владимир Путник", "J. R. Hartley", "ANNA", "Ng"]  # fmt: skip
HANDLES = ["@ann_smith", "ann.smith@mail.example", "+353 86 123 4567", "@zoe@social.example",
           "wu1984", "t3_xyz", "https://ann.example/me", "kim", "U04ABCDEF"]  # fmt: skip


def bare(text: str) -> str:
    """Letters and digits as anybody would read them, without placeholders."""
    text = PLACEHOLDERS.sub(" | ", text)
    plain = "".join(
        letter
        for character in text
        for letter in unicodedata.normalize("NFKD", character)
        if not unicodedata.combining(letter) and unicodedata.category(letter) != "Cf"
    )
    return plain.casefold()


def words_in(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", bare(text))


@st.composite
def dressed(draw: st.DrawFn, detail: str) -> str:
    """The same detail as people write it."""
    how = draw(st.sampled_from(["as it is", "lower", "upper", "decomposed", "soft", "owner"]))
    return {
        "as it is": detail,
        "lower": detail.lower(),
        "upper": detail.upper() if detail.upper().lower() == detail.lower() else detail,
        "decomposed": unicodedata.normalize("NFD", detail),
        "soft": "\u00ad".join(detail),
        "owner": f"{detail}'s",
    }[how]


@st.composite
def letters(draw: st.DrawFn) -> tuple[list[str], list[str], str]:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    handles = draw(st.lists(st.sampled_from(HANDLES), max_size=4, unique=True))
    around = st.text(max_size=30)
    parts = [draw(around)]
    for detail in draw(st.lists(st.sampled_from(names + handles), min_size=1, max_size=6)):
        gap = draw(st.sampled_from([" ", "\n", ", ", "(", "; ", " – "]))
        parts += [gap, draw(dressed(detail)), draw(st.sampled_from([" ", ".", ",", ")", "\n"]))]
        parts.append(draw(around))
    return names, handles, "".join(parts)


@settings(max_examples=400, deadline=None)
@given(letters())
def test_no_known_detail_leaves(letter: tuple[list[str], list[str], str]) -> None:
    names, handles, text = letter
    left = Mask(names=names, details=handles).hide(text)
    said = words_in(left)
    for name in names:
        for word in words_in(name):
            if len(word) > 1:
                assert word not in said
    squeezed = "".join(letter for letter in bare(left) if letter.isalnum() or letter == "|")
    for detail in (*names, *handles):
        known = "".join(letter for letter in bare(detail) if letter.isalnum())
        if len(known) >= 4:
            assert known not in squeezed


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=200), letters().map(lambda it: it[2])))
def test_what_was_hidden_comes_back_as_it_was(text: str) -> None:
    mask = Mask(names=NAMES, details=HANDLES)
    assert mask.restore(mask.hide(text)) == text


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("Call me on 086 123 4567, please", "Call me on [NUMBER 1], please"),
        ("My card is 4111 1111 1111 1111.", "My card is [NUMBER 1]."),
        ("Order AB-12345 never came", "[NUMBER 1] never came"),
        ("write to bob@mail.example", "write to [EMAIL 1]"),
        ("see https://shop.example/me?token=1 and www.x.example", "see [LINK 1] and [LINK 2]"),
        ("thanks @bob!", "thanks [USER 1]!"),
        ("My name is Bob Stone and", "My name is [NAME 1] and"),
        ("It never came.\nKind regards,\nBob Stone", "It never came.\nKind regards,\n[NAME 1]"),
        ("I paid [NAME 1] 12.50", "I paid [TEXT 1] 12.50"),
        ("Open until 6 pm on 24 May?", "Open until 6 pm on 24 May?"),
        ("DE89 3704 0044 0532 0130 00 is mine", "[NUMBER 1] is mine"),
    ],
)
def test_what_looks_like_personal_data_is_hidden_though_nobody_knew_it(
    said: str, left: str
) -> None:
    assert Mask().hide(said) == left


def test_two_people_who_say_the_same_make_the_same_request() -> None:
    ann, bob = Mask(names=["Ann Smith"]), Mask(names=["Bob Stone"])
    assert ann.hide("I am Ann Smith. Ann!") == bob.hide("I am Bob Stone. Bob!")


def test_an_answer_may_spell_a_placeholder_its_own_way() -> None:
    mask = Mask(names=["Ann"])
    assert mask.hide("I am Ann") == "I am [NAME 1]"
    assert mask.restore("Dear [name_1] and [ Name 1 ], not [NAME 2]") == (
        "Dear Ann and Ann, not [NAME 2]"
    )
