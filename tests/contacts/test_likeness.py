"""Signs that two contacts are one person, weighed."""

from __future__ import annotations

import pytest

from heard.contacts.likeness import SUGGESTED_FROM, Portrait, digits, likely, traces_in

Pairs = set[tuple[str, str]]


def portrait(name: str, handles: Pairs, traces: Pairs | None = None) -> Portrait:
    return Portrait(name, frozenset(handles), frozenset(traces or set()))


ANN = portrait("Ann Miller", {("email", "lampfan77@garden.example")})


@pytest.mark.parametrize(
    ("other", "shared", "signs"),
    [
        (portrait("lampfan77", {("bluesky", "@lampfan77")}), 1, ["same_word"]),
        (portrait("Ann Miller", {("mastodon", "annie@far.example")}), 2, ["same_name"]),
        (
            portrait("A.", {("chat", "x1")}, {("email", "lampfan77@garden.example")}),
            1,
            ["wrote_email"],
        ),
    ],
)
def test_a_strong_sign_is_enough(other: Portrait, shared: int, signs: list[str]) -> None:
    found = likely(ANN, other, shared_by={"ann miller": shared})
    assert found.score >= SUGGESTED_FROM
    assert [sign for sign, _ in found.reasons] == signs
    assert likely(other, ANN, shared_by={"ann miller": shared}) == found


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        (portrait("Ann Miller", {("mastodon", "annie@far.example")}), 6),
        (portrait("Ann", {("mastodon", "other@far.example")}), 1),
        (portrait("Bo Lind", {("mastodon", "bo@far.example")}), 1),
        (portrait("Ann Miller", {("email", "ann@far.example")}), 2),
    ],
)
def test_a_weak_sign_is_not(other: Portrait, shared: int) -> None:
    assert likely(ANN, other, shared_by={"ann miller": shared}).score < SUGGESTED_FROM


def test_words_that_are_anybodys_say_nothing() -> None:
    one = portrait("One", {("email", "info@one.example")})
    other = portrait("Other", {("bluesky", "info")})
    assert likely(one, other, shared_by={}).reasons == ()


def test_several_signs_say_more_than_each() -> None:
    one = portrait("Ann Miller", {("phone", "+49 89 123456")}, {("signature", "ann, lamps & co")})
    by_number = portrait("Ann", {("chat", "c")}, {("phone", "+4989123456")})
    both = portrait(
        "Ann Miller", {("chat", "c")}, {("phone", "+4989123456"), ("signature", "ann, lamps & co")}
    )
    shared = {"ann miller": 2}
    assert (
        likely(one, both, shared_by=shared).score > likely(one, by_number, shared_by=shared).score
    )
    assert [sign for sign, _ in likely(one, both, shared_by=shared).reasons] == [
        "wrote_phone", "same_signature", "same_name",
    ]  # fmt: skip


def test_traces_are_found_in_words() -> None:
    text = (
        "Call me at +49 (0)89 123-456 or 0049 89 123456, mail Ann.M@Garden.example.\n"
        "Order 2026-11-22 of 12345678.\n-- \nAnn Miller\nLamps & Co"
    )
    assert traces_in(text) == {
        ("phone", "+4989123456"),
        ("email", "ann.m@garden.example"),
        ("signature", "ann miller lamps & co"),
    }
    assert traces_in("Nothing here, @ann and 12:30 to 14:00.") == set()
    assert digits("0049 89/12 34") == "+49891234"
