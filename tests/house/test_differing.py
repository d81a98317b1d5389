"""What is different between two texts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from heard.lib.differing import differences


def test_words_are_told_apart() -> None:
    told = differences("We will call you at five.", "We shall call you at five, Ann.")
    assert [(it.how, it.text) for it in told] == [
        ("same", "We"),
        ("gone", " will"),
        ("new", " shall"),
        ("same", " call you at five"),
        ("new", ", Ann"),
        ("same", "."),
    ]


@given(st.text(max_size=200), st.text(max_size=200))
def test_the_pieces_are_both_texts(before: str, after: str) -> None:
    pieces = differences(before, after)
    assert "".join(it.text for it in pieces if it.how != "new") == before
    assert "".join(it.text for it in pieces if it.how != "gone") == after


def test_long_texts_are_compared_by_lines() -> None:
    before = "one two three\n" * 2000
    after = before + "four\n"
    assert [it.how for it in differences(before, after)] == ["same", "new"]
