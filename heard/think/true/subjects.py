"""What a sentence is about: its words of content, and whether a fact's name stands among them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from heard.think.wording import folded, set_of

# Words that say what sort of thing is known of a subject, not what the subject is.
_GENERIC = set_of(
    """
    price cost costs fee fees charge rate time times period number address link amount length
    preis preise kosten gebühr dauer zeit zeiten frist nummer adresse prix coût frais tarif durée
    délai numéro adresse precio coste costo tarifa plazo tiempo número dirección preço custo taxa
    prazo tempo endereço prezzo costo tariffa termine numero indirizzo
    """
)
_SMALL = set_of(
    """
    the an and or of for to in on at by with from our your my we you it is are was be has have had
    this that these those there here not no will can just only please per each every as if but so do
    der die das den dem des ein eine einen einem einer und oder von für zu zum zur im in am an auf
    mit bei unser unsere ihr ihre sie wir es ist sind
    le la les un une des du de et ou pour au aux en dans sur avec notre votre nous vous est sont
    el los las una unos del al y para por con su nuestro nuestra es son
    il lo gli uno della del dei delle dello per con nostro nostra suo è sono
    os as um uma do da dos das no na nos nas ao com nosso nossa seu é são
    """
)
_ALIKE = 5
_WORD = re.compile(r"[^\W_]+")


Name = tuple[str, ...]
"""The stems by which a subject is recognised."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text, cut down to its stem, with its place."""

    stem: str
    start: int


@lru_cache(maxsize=256)
def words_of(text: str) -> tuple[Word, ...]:
    """All words of a text in their order."""
    return tuple(Word(stem(it[0]), it.start()) for it in _WORD.finditer(folded(text).casefold()))


@lru_cache(maxsize=256)
def content_of(text: str) -> frozenset[str]:
    """The stems of what a text is about: no small words, no figures."""
    plain = _WORD.findall(folded(text).casefold())
    return frozenset(
        stem(word) for word in plain if len(word) > 2 and word not in _SMALL and word.isalpha()
    )


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """A word without the ending of a plural or a case; crude, and the same for both sides."""
    if len(word) > 4:
        for ending in ("es", "en", "s", "e", "n"):
            if word.endswith(ending):
                return word.removesuffix(ending)
    return word


@lru_cache(maxsize=4096)
def name_of(subject: str) -> Name:
    """The stems by which a subject is recognised; "Price of the day ticket" is day and ticket."""
    plain = [word for word in _WORD.findall(folded(subject).casefold()) if word not in _SMALL]
    telling = [word for word in plain if word not in _GENERIC]
    return tuple(stem(word) for word in telling or plain)


def place_of(name: Name, words: tuple[Word, ...]) -> int | None:
    """Where a name stands among words, where it stands closest together; None if it does not."""
    best: tuple[int, int] | None = None
    for number, word in enumerate(words):
        if not any(_alike(word.stem, it) for it in name):
            continue
        near = [it.stem for it in words[number : number + len(name) + 2]]
        firsts = [next((n for n, it in enumerate(near) if _alike(it, one)), None) for one in name]
        if None not in firsts:
            extent = max(n for n in firsts if n is not None)
            best = min(best or (extent, word.start), (extent, word.start))
    return best[1] if best else None


def letters_of(stem: str) -> str:
    """The letters that two stems share at least if they are alike."""
    return stem[:_ALIKE]


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    return (
        min(len(one), len(other)) >= _ALIKE
        and one[:_ALIKE] == other[:_ALIKE]
        and (one.startswith(other) or other.startswith(one))
    )
