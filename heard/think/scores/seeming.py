"""A public draft that reads like what belongs in private, though no rule has matched.

The head *private* weighs thousands of words and cannot say which of them it means: the sentence
is shown that weighs most, and what is said is a question. It lights no letter unless the head is
nearly sure: lights are for what was matched.
"""

from __future__ import annotations

from collections.abc import Iterable

from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.privacy.asking import names_private_way
from heard.think.scores.heads import private_chance
from heard.think.scores.scoring import PRIVATE_FROM
from heard.think.tongues import tongue_of
from heard.think.wording import own_words, sentences

SEEMS = "necessary.seems_private"
# From .8 to .95 the part `dev` of the corpus knows no difference; the highest bothers least.
NEARLY_SURE = 0.95
_INSTEAD = {
    "en": "Please send us a private message about this",
    "de": "Bitte schreiben Sie uns dazu eine private Nachricht",
    "fr": "Écrivez-nous à ce sujet en message privé",
    "es": "Escríbanos sobre esto en un mensaje privado",
    "pt": "Escreva-nos sobre isto numa mensagem privada",
    "it": "Ci scriva di questo in un messaggio privato",
}


def seems_private(draft: str, facts: Facts) -> Iterable[Finding]:
    """One question, where strangers read and no private way is named."""
    text = own_words(draft)
    if not facts.is_public or names_private_way(text, facts):
        return
    chance = private_chance(draft)
    if chance < PRIVATE_FROM:
        return
    places = sentences(text)
    start, end = max(places, key=lambda at: private_chance(draft[at[0] : at[1]]))
    start += len(draft[start:end]) - len(draft[start:end].lstrip())
    way = f" {facts.private_way}" if facts.private_way else ""
    yield Finding(
        code=SEEMS,
        letter=Letter.NECESSARY,
        light=Light.AMBER if chance >= NEARLY_SURE else Light.GREEN,
        says="Anybody can read this reply, and this sounds like something between you two;"
        " would it be better said in private?",
        matched=draft[start:end],
        start=start,
        end=end,
        change=f"{_INSTEAD[tongue_of(draft, facts)]}{way}.",
    )
