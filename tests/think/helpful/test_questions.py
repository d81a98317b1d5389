"""Each question of a message is found, and ticked off when the draft takes it up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.think import Asked, Facts, check
from heard.think.helpful.answering import asked
from heard.think.helpful.questions import Answer, questions_of
from tests.think.looking import codes, mended, only


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Where is my order? It should be here.", [("Where is my order?", Answer.WHERE)]),
        ("hi when do you open on sunday", [("when do you open on sunday", Answer.WHEN)]),
        ("how much is the ticket. thanks", [("how much is the ticket.", Answer.AMOUNT)]),
        ("I'd like to know when it leaves.", [("I'd like to know when it leaves.", Answer.WHEN)]),
        (
            "When do you open, and is there parking?",
            [("When do you open", Answer.WHEN), ("is there parking?", Answer.YES_OR_NO)],
        ),
        ("Wann kommt mein Paket?", [("Wann kommt mein Paket?", Answer.WHEN)]),
        ("Haben Sie das auch in Rot?", [("Haben Sie das auch in Rot?", Answer.YES_OR_NO)]),
        ("Combien coûte le billet ?", [("Combien coûte le billet ?", Answer.AMOUNT)]),
        ("¿Dónde puedo aparcar?", [("¿Dónde puedo aparcar?", Answer.WHERE)]),
        ("Quanto costa la spedizione?", [("Quanto costa la spedizione?", Answer.AMOUNT)]),
        ("Quando chega a encomenda?", [("Quando chega a encomenda?", Answer.WHEN)]),
        ("It came broken, what now?", [("It came broken, what now?", Answer.ANYTHING)]),
    ],
)  # fmt: skip
def test_questions_are_found_with_and_without_their_mark(
    message: str, expected: list[tuple[str, Answer]]
) -> None:
    assert [(found.text, found.answer) for found in questions_of(message)] == expected


@pytest.mark.parametrize(
    "message",
    [
        "Thanks, all is well.",
        "Are you kidding me?",
        "Seriously??",
        "How can you treat people like this?",
        "When I came home, it was broken.",
        "Where there is a will, there is a way!",
        "What a lovely evening!",
        "She asked me “where is it?” and I laughed.",
        "Was soll das?",
        "",
    ],
)
def test_what_only_vents_or_tells_asks_nothing(message: str) -> None:
    assert not questions_of(message)


def test_questions_are_ticked_off_one_by_one() -> None:
    message = "How much is the ticket? Can I bring my dog? Where do I park?"
    draft = "The ticket is € 12, and dogs are welcome on a lead."
    assert check(draft, Facts(message=message)).questions == (
        Asked("How much is the ticket?", is_taken_up=True),
        Asked("Can I bring my dog?", is_taken_up=True),
        Asked("Where do I park?", is_taken_up=False),
    )
    found = only("helpful.open_question", draft, message=message)
    assert found.says == "They also asked “Where do I park?”, and that is still open."


@pytest.mark.parametrize(
    "draft",
    [
        "The ticket is € 12, dogs are welcome, and you park behind the house.",
        "I will find out and call you tomorrow at 10 am about all of it.",
        "Which day would you like to come? It depends on that.",
        "All prices and ways are here: https://shop.example/visit",
        "Please send us a direct message and we will go through it.",
        "It is € 12.",
    ],
)
def test_who_answers_asks_back_or_leads_on_leaves_nothing_open(draft: str) -> None:
    message = "How much is the ticket? Can I bring my dog? Where do I park?"
    assert "helpful.open_question" not in codes(draft, message=message)


def test_one_question_is_answered_by_whatever_has_substance() -> None:
    facts = Facts(message="What are your opening hours?")
    [asked] = check("Mon to Fri 7:30 to 16:00, closed on Sunday.", facts).questions
    assert asked.is_taken_up
    [asked] = check("Thank you for your message!", facts).questions
    assert not asked.is_taken_up


SAVED = "Thank you for choosing us. Our garden is open all year round for every guest."


def test_a_saved_answer_that_ignores_the_message_is_noticed() -> None:
    message = "The lamp arrived broken, and the driver only laughed about my cracked window."
    assert "helpful.ready_made" in codes(SAVED, message=message, saved_answers=(SAVED,))
    assert "helpful.ready_made" in codes(
        SAVED.replace("us.", "us, Ann."), message=message, saved_answers=("Hello!", SAVED)
    )


@pytest.mark.parametrize(
    ("draft", "message"),
    [
        (SAVED, "Is the garden of your place by the river open for my two old aunts?"),
        (SAVED, "Hello there"),
        (SAVED + " Which lamp is it?", "The lamp arrived broken, and the driver only laughed."),
        ("Sorry about the lamp, a new one leaves today.", "The lamp arrived broken this morning."),
    ],
)
def test_a_saved_answer_that_fits_is_left_alone(draft: str, message: str) -> None:
    assert "helpful.ready_made" not in codes(draft, message=message, saved_answers=(SAVED, draft))


def test_the_heading_of_a_template_is_left_out_with_one_key() -> None:
    assert mended("helpful.ready_made", "Subject: Your lamp\n\nHello Ann, it left.") == (
        "Hello Ann, it left."
    )


def test_nothing_is_ticked_before_anything_is_written() -> None:
    assert check(" ", Facts(message="Where is it?")).questions == (
        Asked("Where is it?", is_taken_up=False),
    )


@given(st.text(max_size=300) | st.text(alphabet="when is how,?! .and", max_size=200))
def test_any_message_has_at_most_six_questions_of_its_own_words(message: str) -> None:
    found = questions_of(message)
    assert len(found) <= 6
    for question in found:
        assert question.text.removesuffix("…") in message


@pytest.mark.parametrize(
    ("message", "answers"),
    [
        ("Ich wollte fragen, wann ihr am Samstag öffnet", ["when"]),
        ("Könnt ihr mir sagen, wo das Paket liegt?", ["where"]),
        ("habt ihr das auch in xl?", ["yes or no"]),
        ("wann kommt meine bestellung", ["when"]),
        ("Vous ouvrez à quelle heure demain ?", ["when"]),
        ("Quels sont vos horaires le samedi et y a-t-il un parking ?", ["when", "yes or no"]),
        ("Je voulais savoir combien coûte la livraison", ["amount"]),
        ("pouvez vous me dire quand arrive le colis", ["when"]),
        ("me podéis decir cuándo llega el paquete", ["when"]),
        ("a que hora abren mañana", ["when"]),
        ("¿Con quién hablo por la factura?", ["who"]),
        ("¿Podría decirme dónde está la tienda?", ["where"]),
        ("podem me dizer quando chega a encomenda", ["when"]),
        ("Com quem falo sobre a fatura?", ["who"]),
        ("vocês abrem domingo?", ["yes or no"]),
        ("Con chi parlo per la fattura?", ["who"]),
        ("Volevo sapere quanto costa la spedizione", ["amount"]),
        ("siete aperti domenica?", ["yes or no"]),
        ("Ist das euer Ernst?", []),
        ("C'est une blague ?", []),
        ("¿Cuántas veces tengo que llamar?", []),
        ("Tá de brincadeira?", []),
        ("Com'è possibile?", []),
        ("Vielen Dank, es hat geklappt.", []),
        ("Cuando llegué, la tienda estaba cerrada.", []),
        ("Quando cheguei, a loja estava fechada.", []),
    ],
)
def test_questions_are_found_in_every_language(message: str, answers: list[str]) -> None:
    assert [question.answer.value for question in questions_of(message)] == answers


TWO_QUESTIONS = {
    "de": ("Wann öffnet ihr am Samstag? Was kostet der Eintritt für Kinder?", "Was kostet"),
    "fr": ("Quand ouvrez-vous samedi ? Combien coûte l'entrée pour les enfants ?", "Combien"),
    "es": ("¿Cuándo abren el sábado? ¿Cuánto cuesta la entrada para niños?", "¿Cuánto"),
    "pt": ("Quando abrem no sábado? Quanto custa a entrada para crianças?", "Quanto"),
    "it": ("Quando aprite sabato? Quanto costa l'ingresso per i bambini?", "Quanto"),
}
HALF = {
    "de": "Guten Tag, wir freuen uns auf Sie und öffnen am Samstag ab neun.",
    "fr": "Bonjour, nous serons ravis de vous voir et ouvrons samedi dès neuf heures.",
    "es": "Hola, será un placer recibirle: abrimos el sábado desde las nueve.",
    "pt": "Olá, será um prazer receber a família: abrimos no sábado desde as nove.",
    "it": "Buongiorno, vi aspettiamo volentieri e apriamo sabato dalle nove.",
}
WHOLE = {
    "de": "Kinder zahlen nichts.",
    "fr": "Pour les enfants, c'est gratuit.",
    "es": "Los niños entran gratis.",
    "pt": "As crianças não pagam nada.",
    "it": "I bambini entrano gratis.",
}


@pytest.mark.parametrize("language", TWO_QUESTIONS)
def test_the_open_question_is_told_in_every_language(language: str) -> None:
    message, left = TWO_QUESTIONS[language]
    found = only("helpful.open_question", HALF[language], message=message)
    assert left in found.says
    whole = f"{HALF[language]} {WHOLE[language]}"
    assert "helpful.open_question" not in codes(whole, message=message)
    assert [one.is_taken_up for one in asked(HALF[language], Facts(message=message))] == [
        True,
        False,
    ]
    assert all(one.is_taken_up for one in asked(whole, Facts(message=message)))
