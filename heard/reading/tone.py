"""The valence of words in their context, after VADER (Hutto & Gilbert, ICWSM 2014), by the batch.

Boosters, negations, capitals, *but* and exclamation marks are weighed as VADER weighs them; its
idioms are not. The lexicon is VADER's own (MIT licence), kept in the model file; that of five other
languages is ours, and weighed in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heard.reading.tokens import Cut, plain, word_set

_BOOST, _CAPITALS, _NEGATED = 0.293, 0.733, -0.74
_FADING = (1.0, 0.95, 0.9)

_BOOSTERS = word_set(
    """
    absolutely amazingly awfully completely considerably decidedly deeply effing enormously entirely
    especially exceptionally extremely fabulously flipping flippin fricking frickin frigging friggin
    fully fuckin fucking greatly hella highly hugely incredibly intensely majorly more most
    particularly purely quite really remarkably so substantially thoroughly total totally
    tremendously uber unbelievably unusually utter utterly very such super way
    """
)
_DAMPENERS = word_set(
    "almost barely hardly kinda less little marginally occasionally partly scarcely slightly"
    " somewhat sorta bit"
)
_NEGATIONS = word_set(
    """
    aint arent cannot cant couldnt darent didnt doesnt ain't aren't can't couldn't daren't didn't
    doesn't dont hadnt hasnt havent isnt mightnt mustnt neither don't hadn't hasn't haven't isn't
    mightn't mustn't neednt needn't never none nope nor not nothing nowhere oughtnt shant shouldnt
    wasnt werent oughtn't shan't shouldn't wasn't weren't without wont wouldnt won't wouldn't rarely
    seldom despite no nobody
    """
)

_BOOSTERS_ABROAD = word_set(
    """
    muy súper super tan demasiado bastante realmente totalmente très trop vraiment tellement
    extrêmement sehr total echt wirklich extrem mega voll viel muito muita tão demais molto molta
    troppo davvero così
    """
)
_DAMPENERS_ABROAD = word_set("poco algo peu assez ziemlich etwas kaum pouco meio poco abbastanza")
_NEGATIONS_ABROAD = word_set(
    """
    no nunca jamás nada nadie sin tampoco ne n'est pas jamais rien aucun aucune sans nicht kein
    keine keinen keiner keinem nie niemals nichts niemand ohne não nao ninguém sem nem non mai
    niente nulla nessuno senza nemmeno
    """
)
_BUT_ABROAD = word_set("pero mais aber doch mas ma però")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What the words of one or more languages bring to the tone.

    `valences` run from -4 to 4; `boosts` strengthen or weaken the next word that has one.
    """

    valences: Mapping[str, float]
    boosts: Mapping[str, float]
    negations: frozenset[str]
    buts: frozenset[str]

    @classmethod
    def english(cls, valences: Mapping[str, float]) -> Lexicon:
        """With VADER's boosters and negations."""
        boosts = _boosts(_BOOSTERS, _DAMPENERS)
        return cls(valences, boosts, _NEGATIONS, frozenset({"but"}))

    @classmethod
    def abroad(cls, valences: Mapping[str, float]) -> Lexicon:
        """With those of Spanish, French, German, Portuguese and Italian together."""
        boosts = _boosts(_BOOSTERS_ABROAD, _DAMPENERS_ABROAD)
        return cls(valences, boosts, _NEGATIONS_ABROAD, _BUT_ABROAD)


def _boosts(boosters: frozenset[str], dampeners: frozenset[str]) -> dict[str, float]:
    return dict.fromkeys(boosters, _BOOST) | dict.fromkeys(dampeners, -_BOOST)


VALENCE, BOOST, NEGATES, CAPITALS, BUT, BANGS = range(6)
COLUMNS = 6


def token_rows(tokens: Sequence[str], lexicon: Lexicon) -> NDArray[np.float32]:
    """What each token brings to the tone: one row of `COLUMNS` figures per token."""
    rows = np.zeros((len(tokens), COLUMNS), dtype=np.float32)
    for row, token in zip(rows, tokens, strict=True):
        word = plain(token)
        row[VALENCE] = lexicon.valences.get(word, lexicon.valences.get(token, 0.0))
        row[BOOST] = lexicon.boosts.get(word, 0.0)
        row[NEGATES] = word in lexicon.negations
        row[CAPITALS] = len(token) > 1 and token.isupper()
        row[BUT] = word in lexicon.buts
        row[BANGS] = token.count("!") if token.strip("!?") == "" else 0
    return rows


def tone(cut: Cut, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Per text: compound (-1 to 1), sum of positive, sum of negative valences (as positive figure).

    `rows` are the tokens' rows in the order of `cut.numbers`.
    """
    starts, lengths = cut.starts, cut.lengths
    capitals = rows[:, CAPITALS]
    share = np.add.reduceat(capitals, starts)
    shouts_some = np.repeat((share > 0) & (share < lengths - 1), lengths)
    shouted = capitals * shouts_some * _CAPITALS

    place = np.arange(len(rows)) - np.repeat(starts, lengths)
    valence = rows[:, VALENCE].copy()
    bearing = np.flatnonzero(valence)
    sign = np.sign(valence[bearing])
    value = valence[bearing] + sign * shouted[bearing]
    for back, fading in enumerate(_FADING, start=1):
        before = bearing - back
        near = (place[bearing] > back) & (valence[before] == 0)
        boost = rows[before, BOOST]
        strength = (boost + np.sign(boost) * shouted[before]) * fading
        value += np.where(near, sign * strength, 0.0)
        value *= np.where(near & (rows[before, NEGATES] > 0), _NEGATED, 1.0)
    valence[bearing] = value

    buts = np.cumsum(rows[:, BUT])
    buts_before = buts - np.repeat(buts[starts], lengths)
    has_but = np.repeat(np.add.reduceat(rows[:, BUT], starts) > 0, lengths)
    valence *= np.where(has_but, np.where(buts_before > 0, 1.5, 0.5), 1.0)

    positive = np.add.reduceat(np.maximum(valence, 0.0), starts)
    negative = -np.add.reduceat(np.minimum(valence, 0.0), starts)
    total = positive - negative
    total += np.sign(total) * 0.292 * np.minimum(np.add.reduceat(rows[:, BANGS], starts), 4)
    compound = total / np.sqrt(total * total + 15.0)
    return np.stack([compound, positive, negative], axis=1).astype(np.float32)
