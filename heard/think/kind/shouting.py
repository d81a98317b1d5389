"""Capitals and heaped marks that read as a raised voice."""

from __future__ import annotations

import re
from collections.abc import Iterable
from string import ascii_uppercase

from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.tongues import tongue_of
from heard.think.wording import opens_sentence, own_words, set_of

_LARGE = "A-ZÀ-ÖØ-Þ"
_WORD = rf"[{_LARGE}][{_LARGE}']+"
_CAPITALS = re.compile(rf"\b{_WORD}(?:[ ,]+(?:{_WORD}|[AIEOÀYÉÈ])\b)+|\b[{_LARGE}]{{4,}}\b")
_LOUD = set_of(
    """
    a about after again all already always am an and any anything are as ask at be because been
    before but by call can cannot can't clearly did didn't do does don't done even ever every for
    from get give go had has have he hear help here him his how i if in into is it its just know
    let like listen look make many me more must my need never new no not nothing now of off on
    once one only or our out over own pay please put read really right said same say see she
    should so some stop such sure take tell than thank that the their them then there these they
    thing this those time to today told too totally under until up us use very wait want was we
    well were what when where which who why will with without word won't would wrong yes yet you
    your
    aber alle alles auch bitte doch endlich erst euch haben hier ich ihnen ihr ihre immer ist jetzt
    kein keine keinen lesen mal mir nicht nichts nie niemals noch nur schon selbst sie sind uns und
    warum weil wenn wer wie wir wurde
    attendez avez c'est comme comment déjà encore est être ici jamais lisez lire mais nous parce pas
    plus pourquoi quand que qui rien si sont suis toujours tous tout trop vous
    aquí como cómo cuando esto está están hay lea leer nada no nunca para pero por porque que qué
    siempre su sus tiene todo todos usted ustedes ya
    agora aqui cuando já leia ler mais mas não nós nunca porque quando quem sempre seu sua tem tudo
    você vocês
    abbiamo adesso anche che chi come è già legga leggere leggono lei ma mai nessuno niente non
    nulla perché più quando sempre si sono subito tutti tutto voi
    """
)
_WARM = set_of(
    """
    thank thanks love happy congratulations congrats welcome hooray
    danke dank glückwunsch willkommen liebe hurra merci bravo félicitations bienvenue joyeux bonne
    gracias felicidades enhorabuena bienvenidos feliz obrigado obrigada parabéns bem-vindos
    grazie auguri complimenti benvenuti buon buona
    """
)
_LOUD_ALONE = set_of(
    """
    never always stop wrong again already listen nothing cannot
    niemals immer nirgends endlich falsch sofort nichts jamais toujours encore rien faux assez
    nunca siempre jamás nada basta sempre niente nessuno subito
    """
)
_HEAPED = re.compile(r"\?[?!]+|!+\?[?!]*|!{4,}")


def shouting(draft: str, facts: Facts) -> Iterable[Finding]:
    """Findings for runs of capitals (not names such as IKEA or USA) and for heaped ! and ?."""
    text = own_words(draft)
    for match in _CAPITALS.finditer(text):
        if _is_loud(match[0]) and not _is_a_label(text, match.start()):
            # German nouns keep their capitals, and nothing here tells which words are nouns.
            quiet = None if tongue_of(draft, facts) == "de" else _quiet(text, match)
            yield _raised(draft, match, "kind.shouting", "Capitals read as shouting.", quiet)
    for match in _HEAPED.finditer(text):
        one = "?" if "?" in match[0] else "!"
        yield _raised(
            draft,
            match,
            "kind.heaped_marks",
            f"One {one} says it; more read as a raised voice.",
            one,
        )


def _is_loud(capitals: str) -> bool:
    words = capitals.replace(",", " ").lower().split()
    if len(words) == 1:
        return words[0] in _LOUD_ALONE
    if not _WARM.isdisjoint(words):
        return False
    # Names and abbreviations stand side by side too (DTW JFK, VISA USA): one plain word tells.
    plain = sum(word in _LOUD for word in words)
    letters = sum(map(len, words))
    return letters >= 6 and (plain > 0 or letters >= 4 * len(words) >= 16)


def _is_a_label(text: str, start: int) -> bool:
    """Whether it names a step on the way through a menu: "Contact > I NEED HELP"."""
    return text[:start].rstrip(f"{ascii_uppercase} ").endswith((">", "→", "›"))


def _quiet(text: str, match: re.Match[str]) -> str:
    quiet = re.sub(r"\bi\b", "I", match[0].lower())
    return quiet[:1].upper() + quiet[1:] if opens_sentence(text, match.start()) else quiet


def _raised(draft: str, match: re.Match[str], code: str, says: str, change: str | None) -> Finding:
    start, end = match.span()
    return Finding(
        code=code,
        letter=Letter.KIND,
        light=Light.AMBER,
        says=says,
        matched=draft[start:end],
        start=start,
        end=end,
        change=change,
    )
