"""Posts in the five languages beside English."""

from __future__ import annotations

import pytest

from heard.think.findings import Facts
from heard.think.posts.posting import check_post
from heard.think.tongues import SPOKEN
from heard.think.wording import table


def codes(draft: str, *, in_our_name: bool = True) -> set[str]:
    found = check_post(draft, Facts(), in_our_name=in_our_name)
    return {finding.code for finding in found.findings}


@pytest.mark.parametrize(
    ("code", "draft"),
    [
        ("kind.attack", "Unverschämte Kunden heute wieder."),
        ("kind.attack", "Manche Gäste sind einfach Lügner."),
        ("kind.attack", "Nos clients sont vraiment ingrats."),
        ("kind.attack", "Les clients insupportables du samedi."),
        ("kind.attack", "Qué clientes tan maleducados."),
        ("kind.attack", "Los clientes son unos mentirosos."),
        ("kind.attack", "Os clientes são uns ingratos."),
        ("kind.attack", "Clienti maleducati anche stasera."),
        ("necessary.threat", "Wir sehen uns vor Gericht."),
        ("necessary.threat", "Vous le regretterez."),
        ("necessary.threat", "Se va a arrepentir."),
        ("necessary.threat", "Vamos processar essa senhora."),
        ("necessary.threat", "Ci vediamo in tribunale."),
        ("necessary.quarrel", "An die Person, die uns einen Stern gegeben hat: schade."),
        ("necessary.quarrel", "À la personne qui a mis une étoile."),
        ("necessary.quarrel", "A la persona que dejó una estrella."),
        ("necessary.quarrel", "À pessoa que deixou uma estrela."),
        ("necessary.quarrel", "Alla persona che ci ha dato una stella."),
        ("necessary.competitor", "Im Gegensatz zur Konkurrenz backen wir selbst."),
        ("necessary.competitor", "Contrairement à nos concurrents, on cuit ici."),
        ("necessary.competitor", "A diferencia de la competencia, horneamos aquí."),
        ("necessary.competitor", "Ao contrário da concorrência, cozemos aqui."),
        ("necessary.competitor", "A differenza della concorrenza, sforniamo qui."),
        ("necessary.about_customer", "Heute wollte ein Kunde: eine Kundin wollte Sand umtauschen."),
        ("necessary.about_customer", "Une cliente vient de demander du sable."),
        ("necessary.about_customer", "Un cliente me preguntó por arena."),
        ("necessary.about_customer", "Uma cliente hoje perguntou por areia."),
        ("necessary.about_customer", "Un cliente oggi ha chiesto la sabbia."),
        ("inspiring.weary", "Ich hasse diesen Job."),
        ("inspiring.weary", "Marre de ces clients."),
        ("inspiring.weary", "Harta de la gente."),
        ("inspiring.weary", "Estou farto dos clientes."),
        ("inspiring.weary", "Odio questo lavoro."),
        ("true.boast", "Die beste Pizza der Stadt."),
        ("true.boast", "La meilleure pizza du monde."),
        ("true.boast", "La mejor pizza del mundo."),
        ("true.boast", "A melhor pizza da cidade."),
        ("true.boast", "La migliore pizza del mondo."),
        ("helpful.no_way", "Bei uns gibt es eine neue Kollektion mit vielen schönen Farben."),
        ("helpful.no_way", "Une nouvelle collection avec beaucoup de belles couleurs chez nous."),
        ("helpful.no_way", "Tenemos una nueva colección con muchos colores muy bonitos."),
        ("helpful.no_way", "Temos uma nova coleção com muitas cores bonitas na loja."),
        ("helpful.no_way", "Abbiamo una nuova collezione con tanti colori molto belli."),
    ],
)
def test_what_a_post_should_not_do_is_seen_in_every_language(code: str, draft: str) -> None:
    assert code in codes(draft)


@pytest.mark.parametrize(
    "draft",
    [
        "Danke an alle Gäste, ihr seid großartig! Morgen ab acht gibt es wieder Brezeln.",
        "Ein Kunde hat uns heute gelobt, wir freuen uns riesig. Kommt vorbei!",
        "Unsere Kunden sind nicht dumm, sie merken den Unterschied. Probiert selbst am Samstag!",
        "Merci à nos clients, à demain dès huit heures pour les croissants !",
        "Le concert est annulé, vos billets sont remboursés : appelez le 555-0100.",
        "Gracias a todos los clientes, mañana abrimos a las ocho con pan recién hecho.",
        "Obrigado a todos os clientes, amanhã abrimos às oito com pão quente.",
        "Grazie a tutti i clienti, domani apriamo alle otto con il pane caldo.",
    ],
)
def test_a_glad_post_is_left_alone_in_every_language(draft: str) -> None:
    assert not codes(draft)


@pytest.mark.parametrize("name", ["posts/quarrels.toml", "posts/announcing.toml"])
def test_every_kind_is_worded_in_every_language(name: str) -> None:
    told = table(name)
    told.pop("parts", None)
    assert all(set(words) == set(SPOKEN) for words in told.values())
