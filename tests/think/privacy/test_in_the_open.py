from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.think.privacy.in_the_open import requests_in_the_open
from tests.think.looking import codes, mended, only

CODE = "necessary.asks_in_public"
ASKED = [
    "Sorry! Reply to this post with your full name and we will look.",
    "Just comment your membership e-mail and we will sort it.",
    "Pop your surname and postcode underneath and I will chase it.",
    "Tell us in the comments which room you are in, your surname and your mobile.",
    "What is the e-mail on your account? Just drop it below.",
    "Tweet us your address and we will send one.",
    "Please post a screenshot of your bank statement so we can match it.",
    "Give us your surname and date of birth and we will look.",
    "Nennen Sie uns bitte in einem Kommentar Ihre Anschrift.",
    "Schreib uns hier deinen Namen und die Handynummer.",
    "Indiquez-nous ci-dessous votre nom et votre adresse.",
    "Il nous faut votre date de naissance, en réponse à ce message.",
    "Déjanos aquí tu teléfono y tu correo.",
    "Responda a este comentario con su DNI.",
    "Ci lasci qui sotto nome e cellulare.",
    "Risponda a questa recensione con il numero e l'intestatario.",
    "Deixe aqui o seu nome completo e telefone.",
    "Responde aqui com seu CPF.",
]
NOT_ASKED = [
    "Please don't post your phone number here.",
    "Tell us in the comments which dish you liked best!",
    "Reply with a photo of the garden, we love those.",
    "Never put your address in a comment.",
    "We will post the new opening hours here.",
    "Your name is on the list below.",
    "Send us your surname in a private message, not here.",
    "Schreiben Sie uns bitte eine private Nachricht mit Ihrer Adresse, nicht hier.",
    "Ne mettez pas votre numéro ici.",
    "No publique su teléfono aquí.",
    "Non scriva qui il suo numero.",
    "Não coloque aqui o seu telefone.",
    "Here is our address: 12 Baker Street.",
    "The form asks for your name and address: https://example.com/form",
]


@pytest.mark.parametrize("draft", ASKED)
def test_asking_where_everybody_reads_stops(draft: str) -> None:
    assert only(CODE, draft, is_public=True).stops
    assert CODE not in codes(draft)
    mended(CODE, draft, is_public=True)


@pytest.mark.parametrize("draft", NOT_ASKED)
def test_what_asks_for_nothing_there_is_left_alone(draft: str) -> None:
    assert CODE not in codes(draft, is_public=True)


@pytest.mark.parametrize(
    ("draft", "changed"),
    [
        (
            "Reply to this post with your full name.",
            "Send us a private message with your full name.",
        ),
        ("Pop your surname underneath.", "Pop your surname in a private message."),
        ("Déjanos aquí tu teléfono.", "Déjanos en un mensaje privado tu teléfono."),
        ("Ci lasci qui sotto il cellulare.", "Ci lasci in un messaggio privato il cellulare."),
        ("Deixe aqui o telefone.", "Deixe em mensagem privada o telefone."),
        ("Donnez-nous ici votre adresse.", "Donnez-nous en message privé votre adresse."),
        (
            "Nennen Sie uns im Kommentar Ihre Adresse.",
            "Nennen Sie uns in einer privaten Nachricht Ihre Adresse.",
        ),
    ],
)
def test_the_change_offers_the_private_way(draft: str, changed: str) -> None:
    assert mended(CODE, draft, is_public=True) == changed


@given(st.text(max_size=200), st.booleans())
def test_no_text_breaks_it(text: str, names: bool) -> None:
    for request in requests_in_the_open(text, names_a_private_way=names):
        assert 0 <= request.start < request.end <= len(text)
