"""Stakes: words of law, and money that is given back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.think.second_eyes.stakes import legal_words, refund


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Please talk to our solicitor.", "solicitor"),
        ("We will take legal action.", "legal action"),
        ("I will see you in court.", "in court"),
        ("Unser Anwalt meldet sich.", "Anwalt"),
        ("Das ist Sache unserer Rechtsanwältin.", "Rechtsanwältin"),
        ("Wir sehen uns vor Gericht.", "vor Gericht"),
        ("Nous allons porter plainte.", "porter plainte"),
        ("Voyez avec notre avocate.", "avocate"),
        ("Tomaremos acciones legales.", "acciones legales"),
        ("Vou ao Procon.", "Procon"),
        ("Seguiremos pela via judicial.", "via judicial"),
        ("Procederemo per vie legali.", "vie legali"),
        ("Das Gericht war leider kalt.", ""),
        ("Hay mucha demanda en verano.", ""),
        ("Ab Sonntag gilt die ora legale.", ""),
        ("O processo demora dois dias.", ""),
        ("The tennis court is open.", ""),
        ("The legal age is eighteen.", ""),
        ("I will issue a new one.", ""),
        ("Sue will call you back.", ""),
    ],
)
def test_words_of_law_are_seen(text: str, word: str) -> None:
    assert legal_words(text) == word


def test_a_house_adds_words_of_its_own() -> None:
    assert legal_words("Ask the Bauamt.", also=["bauamt"]) == "bauamt"
    assert legal_words("Ask the Bauamt.", also=[""]) == ""


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("We refund £1,250.00 to your card.", Decimal("1250.00")),
        ("We refund 12,50 € tomorrow.", Decimal("12.50")),
        ("You get 20 USD credit, and a refund of $300.", Decimal("300.0")),
        ("Wir erstatten 1.200 EUR.", Decimal("1200.0")),
        ("Wir schreiben Ihnen 40 Euro gut.", Decimal("40.0")),
        ("Nous vous remboursons 1 200 €.", Decimal("1200.0")),
        ("Le devolvemos 61,20 € el jueves.", Decimal("61.20")),
        ("O estorno de R$ 80 cai amanhã.", Decimal("80.0")),
        ("Fazemos o estorno de 80 reais.", Decimal("80.0")),
        ("Le rimborsiamo 12 euro.", Decimal("12.0")),
        ("Vous devez avoir 30 € en poche.", None),
        ("El abono cuesta 30 €.", None),
        ("It costs 400 euros. We refund you tomorrow.", None),
        ("Your refund is on its way.", None),
        ("The order 4711 is refunded.", None),
    ],
)
def test_what_is_given_back_is_read_where_it_is_given_back(
    text: str, amount: Decimal | None
) -> None:
    assert refund(text) == amount


@given(st.text(max_size=300))
def test_nothing_makes_it_stumble(text: str) -> None:
    refund(text)
    legal_words(text)


@given(st.integers(1, 999_999))
def test_every_whole_sum_is_read(amount: int) -> None:
    assert refund(f"We refund €{amount:,} today.") == amount
    assert refund(f"We refund {amount} EUR today.") == amount
