"""Watched words are found as people write them, and only there."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.channels.terms import Terms, told_by


@pytest.mark.parametrize(
    ("term", "text", "is_found"),
    [
        ("Acme", "I love ACME!", True),
        ("Acme", "Acme's new shop", True),
        ("Acme", "acmes and pacme", False),
        ("Acme", "my_acme_thing", False),
        ("Acme", "", False),
        ("Blue Heron", "the blue\n heron hotel", True),
        ("Blue Heron", "blue-heron", True),
        ("Blue Heron", "Blue, heron", True),
        ("Blue Heron", "#BlueHeron is great", True),
        ("Blue Heron", "blueheron is great", False),
        ("Blue Heron", "bluish heron", False),
        ("#blueheron", "so #BlueHeron", True),
        ("#blueheron", "so blueheron", False),
        ("Café Müller", "the CAFE MULLER", True),
        ("Cafe Muller", "Café Müller", True),
        ("Cafe Muller", "Cafe\u0301 Mu\u0308ller", True),
        ("Straße", "STRASSE", True),
        ("Łódź", "in lodz today", True),
        ("Орёл", "ОРЕЛ", True),
        ("Άκμη", "ακμη!", True),
        ("Acme", "\uff21\uff23\uff2d\uff25", True),
        ("資生堂", "昨日資生堂で買った", True),
        ("ガス", "カス", False),
        ("हिन्दी", "यह हिन्दी है", True),
        ("हिन्दी", "यह हन्दा है", False),
        ("Пивбар", "в пивбаре", False),
        ("C++", "I write C++, daily", True),
        ("C++", "vitamin C daily", False),
        ("AT&T", "call at&t now", True),
        ("AT&T", "look at t now", False),
        ("Levi’s", "my levi's jeans", True),
        ("acme.com", "see https://www.acme.com/x?y", True),
        ("acme.com", "write to info@acme.com.", True),
        ("acme.com", "shop.ACME.com", True),
        ("acme.com", "acme.com.br", False),
        ("acme.com", "notacme.com or my-acme.com", False),
        ("acme.com", "acme community, acme com", False),
        ("https://www.acme.com/", "acme.com", True),
        ("müller.de", "muller.de", False),
        ("müller.de", "MÜLLER.de", True),
        ("@acme", "hey @Acme, hello", True),
        ("@acme", "hey @acme.", True),
        ("@acme", "hey acme", False),
        ("@acme", "@acme_fan @acme-x @acme.bsky.social", False),
        ("@acme", "@acme@mastodon.social", False),
        ("@acme", "mail@acme", False),
        ("@acme@mastodon.social", "@acme@mastodon.social", True),
        ("@acme.bsky.social", "(@acme.bsky.social)", True),
        ("@acme", "https://site.example/@acme", False),
    ],
)
def test_a_term_is_found_as_it_is_meant(term: str, text: str, is_found: bool) -> None:
    assert Terms([term]).found(text) == ((term,) if is_found else ())


def test_other_spellings_are_reported_as_the_first() -> None:
    terms = Terms(["Blue Heron = Blu Heron, Blue Herron", "Acme"])
    assert terms.found("acme or Blu Heron or blue herron") == ("Acme", "Blue Heron")


def test_settings_hold_a_term_a_line() -> None:
    terms = told_by({"terms": "Acme = Akme\n\n Blue  Heron ", "excluded": ["jobs"]})
    assert terms.spellings == ["Acme", "Akme", "Blue Heron"]
    assert terms.found("akme") == ("Acme",)
    assert terms.found("akme jobs") == ()
    assert not told_by({})


def test_a_term_inside_a_longer_one_is_found_beside_it() -> None:
    assert Terms(["Blue", "Blue Heron"]).found("Blue Heron") == ("Blue", "Blue Heron")


def test_an_excluded_word_ends_it() -> None:
    terms = Terms(["Apple"], excluded=["recipe", "@spam"])
    assert terms.found("An apple recipe") == ()
    assert terms.found("An apple for @spam") == ()
    assert terms.found("An apple by recipes") == ("Apple",)


def test_an_excluded_phrase_hides_only_what_it_covers() -> None:
    terms = Terms(["Apple"], excluded=["apple pie"])
    assert terms.found("I bake apple pie") == ()
    assert terms.found("Apple pie beside my Apple watch") == ("Apple",)


def test_nothing_to_listen_for_finds_nothing() -> None:
    for terms in (Terms([]), Terms(["", " = ,", "!!"]), Terms([], excluded=["x"])):
        assert not terms
        assert terms.found("x !!") == ()
        assert terms.found_in(["x"]) == [()]


@given(st.lists(st.text(max_size=30), max_size=6), st.lists(st.text(max_size=60), max_size=6))
def test_many_at_once_say_what_each_says_alone(names: list[str], texts: list[str]) -> None:
    terms = Terms([*names, "a", "b c", "@d", "e.fr", "日"], excluded=["z", "a b"])
    texts = [*texts, "a b c @d https://e.fr 日本", "z a"]
    assert terms.found_in(texts) == [terms.found(text) for text in texts]


def test_ten_thousand_terms_cost_little() -> None:
    """A loose guard against a slow path; bench/ has the figure."""
    rng = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(rng.choices(letters, k=rng.randint(3, 10))) for _ in range(30_000)]
    terms = Terms(rng.sample(words, 10_000))
    posts = [" ".join(rng.choices(words, k=25)) for _ in range(2_000)]
    started = time.process_time()
    terms.found_in(posts)
    assert time.process_time() - started < 1
