from __future__ import annotations

import pytest

from tests.think.looking import codes, only

STOPS = [
    ("health", "We moved it so that it suits your dialysis."),
    ("health", "Ihr Ultraschall ist auf morgen verlegt."),
    ("health", "Nos alegra que tu embarazo vaya bien."),
    ("money", "It was refused because your payments are overdue."),
    ("money", "Il y a deux impayés sur votre compte."),
    ("someone", "It was left with Mrs Stone, two doors down."),
    ("someone", "Your husband signed the form in May."),
    ("someone", "Su vecina lo tiene."),
    ("someone", "It belongs to Mr Ferris."),
    ("record", "Our records show that you opened it twice."),
    ("record", "Según su ficha ya vino en marzo."),
    ("whereabouts", "We put the keys under the blue pot."),
    ("whereabouts", "We know that you're at work until six."),
]
LEFT_ALONE = [
    "Your table is ready, see you soon.",
    "Our records are kept for ten years.",
    "We are open while you're out of town.",
    "Thank you, Mrs Stone, for telling us.",
    "You missed a great party.",
    "The new shop has a ramp and a lift.",
    "You are the best, thank you!",
    "Our team is trained to help you.",
    "If you ordered before 12 it leaves today.",
]


@pytest.mark.parametrize(("kind", "draft"), STOPS)
def test_what_strangers_should_not_learn_stops_a_public_reply(kind: str, draft: str) -> None:
    assert only(f"necessary.{kind}", draft, is_public=True).stops
    assert f"necessary.{kind}" not in codes(draft)


@pytest.mark.parametrize("draft", LEFT_ALONE)
def test_ordinary_sentences_are_left_alone(draft: str) -> None:
    assert not {code for code in codes(draft, is_public=True) if code.startswith("necessary.")}


def test_what_the_contact_said_there_is_no_secret() -> None:
    draft = "We are so sorry that your dialysis ran late."
    assert codes(draft, is_public=True) == {"necessary.health"}
    told = codes(draft, is_public=True, message="The van for my dialysis came late")
    assert "necessary.health" not in told


def test_health_that_is_nobodys_in_particular_only_warns() -> None:
    finding = only("necessary.health", "Cancer screening is on Mondays.", is_public=True)
    assert not finding.stops


def test_what_somebody_did_and_when_only_warns() -> None:
    draft = "You opened it 214 times since May."
    assert not only("necessary.record", draft, is_public=True).stops
    assert not codes(draft, is_public=True, message="I opened it 214 times!")
