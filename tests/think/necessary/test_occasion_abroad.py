"""Scenes in which a reply is not needed, or not here, in several languages."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.channels.base import Unit
from heard.channels.lengths import length
from heard.think import Facts, Turn, check
from heard.think.necessary.saying import UNITS
from heard.think.tongues import SPOKEN
from heard.think.wording import table
from tests.think.looking import codes, only

STALLS = {
    "en": ("We are still looking into it.", "Thank you for your patience, bear with us."),
    "de": ("Wir prüfen es noch.", "Vielen Dank für Ihre Geduld, wir arbeiten daran."),
    "fr": ("Nous y travaillons.", "Merci de votre patience, c'est en cours de vérification."),
    "es": ("Seguimos trabajando en ello.", "Gracias por su paciencia, estamos en ello."),
    "pt": ("Continuamos a verificar.", "Agradecemos a sua paciência, estamos a analisar."),
    "it": ("Ci stiamo lavorando.", "Grazie per la pazienza, stiamo ancora verificando."),
}
NEWS = {
    "en": "Thank you for your patience! The refund of £20 was paid, and the lamp is yours to keep.",
    "de": "Danke für Ihre Geduld! Das Depot hat die Lampe gefunden und packt sie neu ein.",
    "fr": "Merci de votre patience ! Le dépôt a retrouvé la lampe et la remballe.",
    "es": "Gracias por su paciencia. El almacén encontró la lámpara y la embala de nuevo.",
    "pt": "Obrigado pela paciência! O armazém encontrou o candeeiro e está a embalá-lo.",
    "it": "Grazie per la pazienza! Il magazzino ha trovato la lampada e la imballa.",
}
DATED = {
    "en": "We are still working on it and will write tomorrow.",
    "de": "Wir arbeiten noch daran und schreiben Ihnen morgen.",
    "fr": "Nous y travaillons et vous écrivons demain.",
    "es": "Seguimos trabajando en ello y le escribimos mañana.",
    "pt": "Continuamos a verificar e escrevemos amanhã.",
    "it": "Ci stiamo lavorando e le scriviamo domani.",
}


@pytest.mark.parametrize("language", SPOKEN)
def test_a_third_reply_without_news_is_noticed_in_every_language(language: str) -> None:
    first, second = STALLS[language]
    third = f"{first} {second}"
    assert "necessary.no_news" in codes(third, earlier_replies=(second, first))
    assert "necessary.no_news" not in codes(third, earlier_replies=(second,))
    assert "necessary.no_news" not in codes(third, earlier_replies=(NEWS[language], first))


@pytest.mark.parametrize("language", SPOKEN)
def test_news_and_dates_are_no_stalling_in_any_language(language: str) -> None:
    for reply in (NEWS[language], DATED[language]):
        assert "necessary.no_news" not in codes(reply, earlier_replies=STALLS[language])


SETTLED = [
    "Hat sich inzwischen erledigt, danke",
    "Ist heute angekommen, alles gut",
    "C'est bon, ça marche maintenant",
    "Ya me llegó, muchas gracias",
    "Já chegou, obrigada",
    "Deu certo aqui",
    "Tutto risolto, grazie",
    "È arrivato stamattina",
]
UNSETTLED = [
    "Es ist noch nicht gelöst",
    "Ich hoffe, dass es bald klappt",
    "Ce n'est pas réglé",
    "No está resuelto",
    "Ainda não está resolvido",
    "Non è ancora risolto",
]
LONG = (
    "Der Fahrer hatte die falsche Straße, hat zweimal gewendet, und das Etikett ging auf dem Weg "
    "zurück ab; sie stand über das Wochenende im Hof und wurde am Montag neu verpackt."
)


@pytest.mark.parametrize("message", SETTLED)
def test_who_says_that_it_is_settled_is_heard_in_every_language(message: str) -> None:
    assert "necessary.settled" in codes(LONG, message=message, earlier_replies=("Moin.",))


@pytest.mark.parametrize("message", UNSETTLED)
def test_what_is_not_settled_is_left_open_in_every_language(message: str) -> None:
    assert "necessary.settled" not in codes(LONG, message=message, earlier_replies=("Moin.",))


def answered(text: str) -> dict[str, Any]:
    asked = Turn(is_ours=False, text="Wo ist meine Lampe?")
    turns = (Turn(is_ours=True, text=text, by="Bo Lind"), asked)
    return {"message": asked.text, "thread": turns, "agent_name": "Ann Lee"}


@pytest.mark.parametrize(
    "text",
    [
        "Sie ist am Montag bei uns losgegangen.",
        "Elle est partie lundi de chez nous.",
        "Salió el lunes de nuestro almacén.",
        "Saiu na segunda do nosso armazém.",
        "È partita lunedì dal nostro magazzino.",
    ],
)
def test_a_colleagues_answer_is_told_in_every_language(text: str) -> None:
    assert only("necessary.answered", "Hallo.", **answered(text)).beside == text


@pytest.mark.parametrize(
    "text",
    [
        "Vielen Dank für Ihre Nachricht, wir melden uns.",
        "Merci pour votre patience !",
        "¡Hola! Gracias por su mensaje.",
        "Obrigado pelo seu contacto, vamos verificar.",
        "Grazie per la segnalazione, verifichiamo subito.",
        "Können Sie uns die Nummer nennen?",
    ],
)
def test_a_mere_acknowledgement_is_no_answer_in_any_language(text: str) -> None:
    assert "necessary.answered" not in codes("Sie ging am Montag los.", **answered(text))


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("Guten Tag Eichenhof-Team, ist noch ein Zimmer frei?", "Eichenhof"),
        ("Bonjour l'équipe Chêne Doré, avez-vous une chambre ?", "Chêne Doré"),
        ("Hola equipo de Roble Azul, ¿tienen habitación?", "Roble Azul"),
        ("Olá equipa do Carvalho, têm quarto?", "Carvalho"),
        ("Buongiorno staff della Quercia, avete una camera?", "Quercia"),
    ],
)
def test_another_house_is_named_in_every_language(message: str, named: str) -> None:
    found = only("necessary.another_house", "Hallo.", message=message, our_names=("Maple Inn",))
    assert named in found.says
    assert "necessary.another_house" not in codes("Hallo.", message=message, our_names=(named,))


UPSET = {
    "en": "You charged my card twice and nobody answers, this is a disgrace!!",
    "de": "Ihr habt meine Rechnung doppelt abgebucht, das ist eine Frechheit!!",
    "fr": "Vous avez débité ma carte deux fois, c'est une honte !!",
    "es": "Han cobrado mi tarjeta dos veces, es una vergüenza!!",
    "pt": "Cobraram o meu cartão duas vezes, é uma vergonha!!",
    "it": "Avete addebitato la mia carta due volte, è una vergogna!!",
}
AT_LENGTH = {
    "en": "We are sorry. The bank sent the sum twice because the line broke. ",
    "de": "Das tut uns leid. Die Bank hat die Summe zweimal gebucht, weil die Leitung riss. ",
    "fr": "Nous sommes désolés. La banque a pris la somme deux fois car la ligne a coupé. ",
    "es": "Lo sentimos. El banco tomó la suma dos veces porque la línea se cortó. ",
    "pt": "Lamentamos. O banco tirou a soma duas vezes porque a linha caiu. ",
    "it": "Ci dispiace. La banca ha preso la somma due volte perché la linea è caduta. ",
}


@pytest.mark.parametrize("language", SPOKEN)
def test_the_private_way_is_offered_in_the_language_of_the_draft(language: str) -> None:
    way = "https://care.example/ask/shop"
    facts: dict[str, Any] = {
        "message": UPSET[language],
        "is_public": True,
        "contact_is_upset": True,
        "private_way": f"at {way}",
    }
    draft = AT_LENGTH[language] * 4
    found = only("necessary.better_in_private", draft, **facts)
    assert found.change is not None
    said = table("necessary/occasion.toml")["in_private"][language]
    assert found.change.strip().startswith(said.split("{")[0])
    assert way in found.change
    assert (" at " in found.change) is (language == "en")
    assert "necessary.better_in_private" not in codes(found.changed(draft), **facts)


@given(
    st.lists(st.sampled_from([*NEWS.values(), "🙂👩‍👩‍👧", "https://example.org/ä"]), max_size=8),
    st.integers(1, 400),
    st.sampled_from(list(UNITS)),
)
def test_a_draft_is_cut_to_what_the_place_takes_however_it_counts(
    parts: list[str], most: int, unit: Unit
) -> None:
    draft = " ".join(parts)
    found = [
        finding
        for finding in check(draft, Facts(max_length=most, unit=unit)).findings
        if finding.code == "necessary.too_long"
    ]
    assert bool(found) is (bool(draft) and length(draft, unit) > most)
    for finding in found:
        assert finding.stops
        assert finding.change is None or length(finding.changed(draft), unit) <= most
