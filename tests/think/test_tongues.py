"""The rules about words in the five languages beside English, and what they leave alone there."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.think.contact import has_feeling
from heard.think.kind.tone import RULES
from heard.think.second_eyes.heat import Temper, heat, insults
from heard.think.tongues import SPOKEN
from heard.think.wording import low_words, lowered, spelt, table
from tests.think.looking import codes, mended, only

HURTS = [
    # German: Sie, du and ihr; with and without umlauts
    ("insult", "Sie sind doch ein Idiot."),
    ("insult", "Du bist ja wohl zu blöd dafür."),
    ("insult", "Was für eine dumme Frage."),
    ("swearing", "So eine Scheiße hatten wir noch nie."),
    ("blame", "Sie haetten das vorher lesen muessen."),
    ("blame", "Das hätten Sie uns sagen müssen."),
    ("blame", "Selbst schuld."),
    ("blame", "Sie haben vergessen, das Formular zu unterschreiben."),
    ("blame", "Wenn Sie die Anleitung gelesen hätten, wüssten Sie es."),
    ("repeating", "Wie ich Ihnen bereits erklärt habe, geht das nicht."),
    ("repeating", "Das haben wir Ihnen jetzt dreimal geschrieben."),
    ("dismissive", "Das ist nicht unser Problem."),
    ("dismissive", "Stellen Sie sich nicht so an."),
    ("dismissive", "Was haben Sie denn erwartet?"),
    ("sarcasm", "Danke für nichts."),
    ("sarcasm", "Wer lesen kann, ist klar im Vorteil."),
    ("non_apology", "Es tut uns leid, wenn du das so siehst."),
    ("defensive", "Bei allen anderen funktioniert es."),
    ("defensive", "Das steht so in unseren AGB."),
    # French: vous and tu, Canada
    ("insult", "Vous êtes vraiment ridicule."),
    ("insult", "Ta gueule."),
    ("swearing", "C'est de la merde, tabarnak."),
    ("blame", "Vous auriez du lire la notice."),
    ("blame", "C'est entièrement votre faute."),
    ("blame", "Il fallait vérifier la taille."),
    ("blame", "Vous avez oublié de signer le bon."),
    ("repeating", "Comme nous vous l'avons déjà expliqué, c'est fermé."),
    ("repeating", "On vous l'a déjà dit."),
    ("dismissive", "Ce n'est pas notre problème."),
    ("dismissive", "Tant pis pour vous."),
    ("sarcasm", "Merci pour rien."),
    ("non_apology", "Desolés que vous le preniez mal."),
    ("defensive", "Personne n'a jamais eu ce souci."),
    # Spanish: Spain and Latin America, usted, tú and vos
    ("insult", "Usted es un ignorante."),
    ("insult", "Sos un mentiroso."),
    ("insult", "Cállate."),
    ("swearing", "Qué mierda quiere."),
    ("blame", "Deberías haber avisado antes."),
    ("blame", "Usted no leyó las condiciones."),
    ("blame", "Se olvidó de adjuntar la foto."),
    ("blame", "Es culpa suya."),
    ("repeating", "Ya le dijimos que no."),
    ("dismissive", "No es problema nuestro."),
    ("dismissive", "Tranquilícese, señora."),
    ("sarcasm", "Gracias por nada."),
    ("sarcasm", "Pues qué raro, porque a los demás les llega."),
    ("non_apology", "Lamentamos que se sienta ofendido."),
    ("defensive", "Nunca hemos tenido una queja."),
    # Portuguese, of Portugal and of Brazil
    ("insult", "Você é muito burro."),
    ("insult", "A senhora é mal educada."),
    ("swearing", "Que porra é essa."),
    ("blame", "O senhor devia ter lido o contrato."),
    ("blame", "Voce deveria ter conferido antes."),
    ("blame", "Esqueceu-se de anexar o recibo."),
    ("blame", "A culpa e sua."),
    ("repeating", "Como já lhe expliquei, não dá."),
    ("dismissive", "Não é problema nosso."),
    ("dismissive", "Pare de reclamar."),
    ("sarcasm", "Parabéns por ler o contrato."),
    ("non_apology", "Lamento que se sinta assim."),
    ("defensive", "Damos o assunto por encerrado."),
    # Italian: Lei, tu and voi
    ("insult", "Lei è un maleducato."),
    ("insult", "Stia zitta."),
    ("swearing", "Che cazzo vuole."),
    ("blame", "Doveva leggere il cartello."),
    ("blame", "E' colpa sua."),
    ("blame", "Ha dimenticato di allegare la foto."),
    ("repeating", "Come le ho già spiegato, siamo chiusi."),
    ("repeating", "Gliel'ho già detto."),
    ("dismissive", "Non è un nostro problema."),
    ("dismissive", "Si arrangi."),
    ("sarcasm", "Grazie di niente."),
    ("non_apology", "Ci dispiace che la veda così."),
    ("defensive", "Non abbiamo mai avuto lamentele."),
]

KIND = [
    "Sie hätten gestern informiert werden müssen, das war unser Fehler.",
    "Die Kollegen hätten Sie anrufen müssen, es tut uns leid.",
    "Sie hatten lange warten müssen, das tut uns leid.",
    "Daran sind wir selbst schuld, Entschuldigung.",
    "Es gibt keine dumme Frage.",
    "Da haben Sie wirklich Pech gehabt, das tut uns leid.",
    "Sie haben nichts falsch gemacht.",
    "Sie haben Ihren Schirm bei uns vergessen, er liegt am Empfang.",
    "Haben Sie die Anleitung schon gelesen? Sonst schicken wir sie Ihnen.",
    "Bleiben Sie ruhig sitzen, wir bringen es Ihnen.",
    "Herzlichen Glückwunsch zum Geburtstag!",
    "Die Schnauze der Katze ist wieder heil.",
    "Vous auriez dû recevoir le colis hier, toutes nos excuses.",
    "Ce n'est pas votre faute, c'est la nôtre.",
    "Si cela ne vous convient pas, nous vous remboursons.",
    "Vous n'avez pas reçu le mail ? Je le renvoie.",
    "Vous n'auriez pas dû attendre, nous en sommes désolés.",
    "Le chauffeur est sale de boue mais ravi.",
    "Vous êtes vraiment gentille, merci.",
    "El técnico debería haber llegado ayer, lo sentimos.",
    "Usted debería haber recibido el correo, lo enviamos otra vez.",
    "No es culpa suya, el fallo es nuestro.",
    "Un cono de helado y unas porras, con mucho gusto.",
    "No hay preguntas tontas.",
    "Es ridículo que haya esperado una hora, lo sentimos.",
    "O estafeta devia ter avisado, pedimos desculpa.",
    "Você deveria ter recebido o código ontem, desculpe.",
    "A culpa é nossa, desculpe.",
    "Não é culpa sua, o erro foi nosso.",
    "Você não é burra, esse botão está escondido mesmo.",
    "Il corriere avrebbe dovuto avvisarla, ci scusiamo.",
    "Avrebbe dovuto arrivare ieri, ci scusiamo.",
    "Non è colpa sua, l'errore è nostro.",
    "Il burro è finito, lo riportiamo domani.",
    "Pane con uova e latte, senza lattosio.",
    "Lei è gentilissima, grazie.",
]  # fmt: skip


@pytest.mark.parametrize(("code", "draft"), HURTS)
def test_words_that_hurt_are_found_in_every_language(code: str, draft: str) -> None:
    assert f"kind.{code}" in codes(draft)


@pytest.mark.parametrize("draft", KIND)
def test_kind_words_of_every_language_are_left_alone(draft: str) -> None:
    assert not {code for code in codes(draft) if code.startswith("kind.")}


@pytest.mark.parametrize(
    ("code", "draft", "better"),
    [
        (
            "blame",
            "Sie haben vergessen, das Formular zu unterschreiben.",
            "Bitte denken Sie noch daran, das Formular zu unterschreiben.",
        ),
        ("blame", "Vous avez oublié d'envoyer le bon.", "Il vous reste à envoyer le bon."),
        ("blame", "Se olvidó de adjuntar la foto.", "Aún falta adjuntar la foto."),
        ("blame", "Esqueceu-se de anexar a foto.", "Ainda falta anexar a foto."),
        ("blame", "Ha dimenticato di allegare la foto.", "Resta da allegare la foto."),
        (
            "repeating",
            "Wie ich Ihnen bereits erklärt habe, liegt es bereit.",
            "Kurz gesagt, liegt es bereit.",
        ),
        (
            "repeating",
            "Comme nous vous l'avons déjà indiqué, c'est ouvert.",
            "En résumé, c'est ouvert.",
        ),
        ("repeating", "Como ya le dijimos, abrimos a las diez.", "En resumen, abrimos a las diez."),
        ("repeating", "Como já lhe disse, abrimos às dez.", "Em resumo, abrimos às dez."),
        ("repeating", "Come già detto, apriamo alle dieci.", "In breve, apriamo alle dieci."),
        ("dismissive", "Beruhigen Sie sich bitte.", "Wir verstehen, wie ärgerlich das ist."),
        ("dismissive", "Calmez-vous.", "Nous comprenons que c'est pénible."),
        ("dismissive", "Cálmese, por favor.", "Entendemos lo molesto que es esto, por favor."),
        (
            "non_apology",
            "Es tut uns leid, dass Sie das so empfinden.",
            "Es tut uns leid, was passiert ist.",
        ),
        (
            "non_apology",
            "Nous sommes désolés que vous le preniez ainsi.",
            "Nous sommes désolés de ce qui s'est passé.",
        ),
        ("non_apology", "Lamentamos que se sienta así.", "Lamentamos lo ocurrido."),
        ("non_apology", "Lamentamos que se sinta assim.", "Lamentamos o que aconteceu."),
        (
            "non_apology",
            "Ci dispiace che la veda così.",
            "Ci dispiace per l'accaduto.",
        ),
    ],
)
def test_a_kinder_wording_is_in_the_language_of_the_draft(
    code: str, draft: str, better: str
) -> None:
    assert mended(f"kind.{code}", draft) == better


@pytest.mark.parametrize(
    ("draft", "better"),
    [
        (
            "Wir bitten um Entschuldigung für die entstandenen Unannehmlichkeiten.",
            "Wir bitten um Entschuldigung für diesen Ärger.",
        ),
        (
            "Veuillez nous excuser de la gêne occasionnée.",
            "Veuillez nous excuser de tous ces ennuis.",
        ),
        ("Disculpe por las molestias ocasionadas.", "Disculpe por este mal rato."),
        (
            "Pedimos desculpa pelos transtornos causados.",
            "Pedimos desculpa por todo este aborrecimento.",
        ),
        ("Ci scusiamo per il disagio arrecato.", "Ci scusiamo per tutto questo fastidio."),
    ],
)
def test_a_set_phrase_is_warmed_in_its_own_language(draft: str, better: str) -> None:
    assert mended("kind.cold", draft, message="?", contact_is_upset=True) == better


LETTERS = {
    "de": "Die Lampe, die Sie bestellt haben, ist unterwegs zerbrochen, weil wir sie schlecht "
    "verpackt haben. Eine neue geht heute in einem besseren Karton hinaus, und die alte dürfen "
    "Sie gern für die Ersatzteile behalten.",
    "fr": "La lampe que vous avez commandée s'est cassée en route parce que nous l'avions mal "
    "emballée. Une autre part aujourd'hui dans un meilleur carton, et vous pouvez garder la "
    "première pour les pièces.",
    "es": "La lámpara que pidió se rompió por el camino porque la habíamos embalado mal. Otra "
    "nueva sale hoy en una caja mejor, y puede quedarse con la primera para aprovechar las piezas "
    "que le sirvan.",
    "pt": "O candeeiro que encomendou partiu-se no caminho porque o tínhamos embalado mal. Um novo "
    "sai hoje numa caixa melhor, e pode ficar com o primeiro para aproveitar as peças que ainda "
    "servirem.",
    "it": "La lampada che ha ordinato si è rotta durante il viaggio perché l'avevamo imballata "
    "male. Una nuova parte oggi in una scatola migliore, e può tenere la prima per i pezzi che "
    "le possono ancora servire.",
}
GREETINGS = {
    "de": "Hallo Ann,\n\n",
    "fr": "Bonjour Ann,\n\n",
    "es": "Hola Ann,\n\n",
    "pt": "Olá Ann,\n\n",
    "it": "Buongiorno Ann,\n\n",
}


@pytest.mark.parametrize("language", LETTERS)
def test_a_letter_is_greeted_in_its_own_language(language: str) -> None:
    letter = LETTERS[language]
    assert mended("inspiring.greeting", letter, contact_name="Ann Lee") == (
        GREETINGS[language] + letter
    )
    assert not codes(GREETINGS[language] + letter)


@pytest.mark.parametrize("language", LETTERS)
def test_who_is_upset_is_heard_in_every_language(language: str) -> None:
    draft = LETTERS[language]
    found = only("kind.unheard", draft, contact_is_upset=True, is_public=True)
    assert found.change == table("inspiring/warmth.toml")[language]["sorry"]
    assert "kind.unheard" not in codes(found.changed(draft), contact_is_upset=True, is_public=True)


@pytest.mark.parametrize(
    ("draft", "better"),
    [
        ("Sehr geehrte Kundin, sie ist da.", "Hallo Ann, sie ist da."),
        ("Cher client, elle est là.", "Bonjour Ann, elle est là."),
        ("Estimado cliente: ya está aquí.", "Hola Ann: ya está aquí."),
        ("Prezado cliente, já chegou.", "Olá Ann, já chegou."),
        ("Gentile cliente, è arrivata.", "Buongiorno Ann, è arrivata."),
    ],
)
def test_nobody_is_called_customer_in_any_language(draft: str, better: str) -> None:
    language = next(code for code, hello in GREETINGS.items() if better.startswith(hello[:4]))
    facts = {"contact_name": "Ann Lee", "contact_language": language}
    found = only("inspiring.nameless", draft, **facts)
    assert found.changed(draft) == better


@pytest.mark.parametrize(
    "message",
    [
        "Das ist eine Frechheit, seit drei Wochen warte ich auf die Lampe.",
        "C'est une honte, j'attends la lampe depuis trois semaines.",
        "Es una vergüenza, llevo tres semanas esperando la lámpara.",
        "É uma vergonha, espero pelo candeeiro há três semanas.",
        "È una vergogna, aspetto la lampada da tre settimane.",
    ],
)
def test_feeling_is_heard_in_every_language(message: str) -> None:
    assert has_feeling(message)


def test_every_rule_is_worded_in_every_language_or_says_nothing_at_all() -> None:
    told = table("kind/tone.toml")["rules"]
    for code in {rule["code"] for rule in told}:
        languages = {name for rule in told if rule["code"] == code for name in rule["words"]}
        # A laugh is written with the same letters in German as in English.
        assert languages >= set(SPOKEN) - ({"de"} if code == "kind.mockery" else set())
    assert set(table("inspiring/warmth.toml")) == set(SPOKEN)


def test_no_rule_matches_nothing_and_every_place_holder_is_filled() -> None:
    for rule in RULES:
        assert not rule.words.search("")
        for line in rule.words.lines:
            assert not re.match(line.written, "", line.flags)
            assert not re.search(r"\{[A-Z_]+\}", line.written)


@given(st.text(max_size=60))
def test_small_letters_stand_where_the_large_ones_stood(text: str) -> None:
    assert len(lowered(text)) == len(text)
    assert len(low_words(text)) == len(text)


@given(st.text(alphabet="aeiouäöüßéèñçãõ xyz", max_size=30))
def test_a_word_is_found_as_it_is_spelt(word: str) -> None:
    for language in SPOKEN:
        assert re.fullmatch(spelt(re.escape(word), language), word)


ASKED = {
    "de": "Wann öffnet ihr am Samstag wieder?",
    "fr": "Quand ouvrez-vous samedi prochain ?",
    "es": "¿Cuándo abren el sábado que viene?",
    "pt": "Quando é que abrem no próximo sábado?",
    "it": "Quando aprite sabato prossimo?",
}


@pytest.mark.parametrize(
    ("language", "draft"),
    [
        ("de", "Vielen Dank für Ihre Nachricht, wir wünschen Ihnen einen schönen Tag. Ihr Team"),
        ("de", "Danke, dass Sie uns schreiben! Ihre Meinung ist uns wichtig."),
        ("fr", "Bonjour, merci pour votre message. Votre avis est important. Belle journée !"),
        ("es", "¡Hola! Muchas gracias por su mensaje. Un saludo del equipo."),
        ("pt", "Olá, obrigado pelo seu contacto. Tenha um ótimo dia! Abraços"),
        ("it", "Buongiorno, grazie per il suo messaggio. Le auguriamo una buona giornata."),
    ],
)
def test_thanks_and_wishes_answer_nothing_in_any_language(language: str, draft: str) -> None:
    assert "helpful.no_answer" in codes(draft, message=ASKED[language])


@pytest.mark.parametrize(
    ("language", "draft"),
    [
        ("de", "Danke für die Frage! Ab neun."),
        ("de", "Vielen Dank, dass Sie fragen, wir öffnen um neun."),
        ("fr", "Merci de demander, à neuf heures."),
        ("es", "Hola, gracias: abrimos a las nueve."),
        ("pt", "Obrigado por perguntar, abrimos às nove."),
        ("it", "Grazie, apriamo alle nove."),
        ("it", "Buongiorno, sì."),
    ],
)
def test_an_answer_among_thanks_is_seen_in_every_language(language: str, draft: str) -> None:
    assert not {code for code in codes(draft, message=ASKED[language]) if "helpful" in code}


@pytest.mark.parametrize(
    ("code", "draft"),
    [
        ("sends_away", "Bitte wenden Sie sich an den Hersteller."),
        ("sends_away", "Bitte schauen Sie auf unsere Website."),
        ("sends_away", "Veuillez consulter la FAQ."),
        ("sends_away", "Consulte nuestra página web."),
        ("sends_away", "Diríjase al fabricante."),
        ("sends_away", "Consulte a área de cliente."),
        ("sends_away", "La preghiamo di consultare la carta dei servizi."),
        ("dead_end", "Da können wir leider nichts machen."),
        ("dead_end", "Nous ne pouvons rien faire."),
        ("dead_end", "No podemos hacer nada."),
        ("dead_end", "Não podemos fazer nada."),
        ("dead_end", "Non possiamo farci niente."),
    ],
)
def test_sending_away_and_closing_doors_are_seen_in_every_language(code: str, draft: str) -> None:
    assert f"helpful.{code}" in codes(draft, message="Die Lampe / la lampe / la lámpara 4711 ist")


@pytest.mark.parametrize(
    "draft",
    [
        "Bitte wenden Sie sich an Frau Kern unter 555-0100.",
        "Da können wir nichts machen, aber der Hersteller tauscht sie: https://example.org/tausch",
        "Veuillez appeler le 555-0100.",
        "Consulte nuestra página https://example.org/horario",
        "Non possiamo farci niente, ma il collega le scrive oggi.",
    ],
)
def test_a_way_that_is_shown_sends_nobody_away(draft: str) -> None:
    found = codes(draft, message="4711")
    assert not found & {"helpful.sends_away", "helpful.dead_end"}


@pytest.mark.parametrize(
    "draft",
    [
        "Was erlauben Sie sich!",
        "Jetzt reicht's. Gehen Sie doch woanders hin.",
        "Comment osez-vous nous parler ainsi.",
        "Ça suffit maintenant, surveillez votre langage.",
        "¿Cómo se atreve a escribir eso?",
        "Estamos hartos de ustedes. Váyase a otro sitio.",
        "Como se atreve a dizer isso?",
        "Modere o seu tom, estamos fartos de si.",
        "Come si permette di scriverci così?",
        "Si vergogni. Vada da un'altra parte.",
    ],
)
def test_words_of_anger_are_hot_in_every_language(draft: str) -> None:
    found = heat(draft, Temper())
    assert found.is_hot
    assert found.is_in_the_words


@pytest.mark.parametrize(
    "draft",
    [
        "Das tut uns leid. Mir reicht es völlig, wenn Sie morgen kommen.",
        "Nous avons assez de places pour vous tous, à demain.",
        "Ya basta con que traiga el recibo.",
        "Chega amanhã às dez, e pedimos desculpa.",
        "Non torna più quel difetto, promesso; ci scusiamo.",
        "Possiamo fare altrove la consegna?",
    ],
)
def test_ordinary_words_are_cool_in_every_language(draft: str) -> None:
    assert not heat(draft, Temper()).signs


@pytest.mark.parametrize(
    "text",
    [
        "Ihr seid doch alle unfähig",
        "Ihr verdammten Idioten",
        "Bande de voleurs",
        "Vous êtes vraiment nuls",
        "Ustedes son unos ladrones",
        "Panda de inútiles",
        "Cambada de ladrões",
        "Vocês são uns palhaços",
        "Siete dei buffoni",
        "Banda di incompetenti",
    ],
)
def test_insults_of_a_contact_are_heard_in_every_language(text: str) -> None:
    assert insults(text)
    assert heat("Guten Tag.", Temper(answers=(text,))).is_hot


@pytest.mark.parametrize(
    "text",
    [
        "Die Warteschleife ist unverschämt lang",
        "Votre application est nulle",
        "Las colas son una vergüenza",
        "As instruções são inúteis",
        "Mio padre è sordo",
        "Il servizio è ridicolo",
    ],
)
def test_a_complaint_is_no_insult_in_any_language(text: str) -> None:
    assert not insults(text)


@pytest.mark.parametrize(
    ("draft", "better"),
    [
        ("C'EST ÉCRIT DANS LE CONTRAT.", "C'est écrit dans le contrat."),
        ("Cela n'arrivera JAMAIS chez nous.", "Cela n'arrivera jamais chez nous."),
        ("NO HAY DISPONIBILIDAD.", "No hay disponibilidad."),
        ("VOCÊ JÁ FOI AVISADO.", "Você já foi avisado."),
        ("NON È POSSIBILE, mi scusi", "Non è possibile, mi scusi"),
    ],
)
def test_shouting_is_quietened_in_every_language(draft: str, better: str) -> None:
    assert mended("kind.shouting", draft) == better


def test_german_nouns_keep_their_capitals_when_shouting_is_noticed() -> None:
    found = only("kind.shouting", "WEIL SIE DEN FALSCHEN TARIF GEWÄHLT HABEN, deshalb ist es so.")
    assert found.change is None


@pytest.mark.parametrize(
    "draft",
    [
        "DANKE AN ALLE, das war ein schöner Abend!",
        "Die ÖBB und die SBB fahren heute nach Plan.",
        "FELICIDADES A TODOS por el premio!",
        "Il CUP e l'ASL sono aperti fino alle 18.",
    ],
)
def test_joy_and_abbreviations_are_not_shouting_in_any_language(draft: str) -> None:
    assert "kind.shouting" not in codes(draft)
