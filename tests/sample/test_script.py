"""The written part of the sample company is read as it was meant, or refused with its line."""

from __future__ import annotations

from random import Random

import pytest

from heard.sample import script
from heard.sample.people import AddressBook, first_name
from heard.sample.script import Aside, read_aside, scenes, seconds, stories
from heard.sample.wording import ways


def test_there_are_more_than_sixty_stories_each_with_its_own_name() -> None:
    slugs = [story.slug for story in stories()]
    assert len(slugs) > 60
    assert len(set(slugs)) == len(slugs)


def test_every_question_and_complaint_has_an_answer_that_fits() -> None:
    for scene in scenes():
        for asked in scene.asked:
            assert asked.mark not in "?!" or scene.replies_to(asked), (scene.title, asked.text)


def test_every_bound_reply_is_bound_to_something() -> None:
    for scene in scenes():
        bonds = {asked.tag for asked in scene.asked} | {asked.mark for asked in scene.asked}
        assert {reply.tag for reply in scene.replies if reply.tag} <= bonds, scene.title


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Hello", (Aside(), "Hello")),
        ("(stars 4) Good", (Aside(stars=4), "Good")),
        ("(hold 3m20s, need answer) Hm", (Aside(hold_seconds=200, need="answer"), "Hm")),
        ("(subject Order, again) Hm", (Aside(subject="Order, again"), "Hm")),
        ("(automatic) We are closed", (Aside(is_automatic=True), "We are closed")),
        ("(sic) stays", (Aside(), "(sic) stays")),
    ],
)
def test_what_stands_in_brackets_is_taken_off(raw: str, expected: tuple[Aside, str]) -> None:
    assert read_aside(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "w7 Wed 09:12 nowhere Marta: Hello",
        "w7 Wed 09:12 mail Marta says hello",
        "w7 Wed 09:12 mail > Nobody: Hello",
        "w7 Wed 09:12 mail ! Luca dances",
        "w7 Wed 09:12 mail ! Luca assigns Nobody",
    ],
)
def test_a_line_that_follows_no_rule_is_refused_with_its_place(raw: str) -> None:
    with pytest.raises(ValueError, match=r"story\.txt:3"):
        script._line("story.txt:3", raw, inbox="")


def test_lengths_of_time() -> None:
    assert (seconds("2h40m"), seconds("3m20s"), seconds("45s")) == (9600, 200, 45)


def test_ways_of_writing_are_counted() -> None:
    assert (ways("plain"), ways("[a|b] and [c|d|e]"), ways("the {dish}")) == (1, 6, 3)


def test_a_telephone_is_one_number_for_calls_and_texts() -> None:
    book = AddressBook()
    numbers = [book.address("Ann Noakes", kind=kind) for kind in ("phone", "sms", "chat")]
    assert len(set(numbers)) == 1


def test_a_thousand_people_have_a_thousand_numbers() -> None:
    book = AddressBook()
    names = [f"Person {Random(n).random()}" for n in range(1500)]
    assert len({book.address(name, kind="sms") for name in names}) == 1500


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Marta Lindqvist", "Marta"),
        ("Dr Helen Strang", "Helen"),
        ("Table 6", ""),
        ("Milo's mum, Abigail Stott", "Abigail"),
    ],
)
def test_how_people_are_addressed(name: str, first: str) -> None:
    assert first_name(name) == first
