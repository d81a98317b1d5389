"""Fitting the heads: one softmax regression each, on the very features that the reader sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.linear_model import LogisticRegression
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from heard.reading import features
from heard.reading.heads import COLUMNS_OF, WIDTH, packed
from heard.reading.tokens import TokenTable, is_sign
from heard.reading.tone import Lexicon
from heard.reading.training.examples import OWN, Example, abroad, examples

# How far the classes of a head are levelled: 1 makes each count the same, 0 leaves them be.
_LEVELLED = {"mood": 1.0, "need": 0.5, "stance": 0.8}
# Strangers' stance is told by few words that all use; more freedom learns our writers' turns.
_STRENGTH = {"mood": 0.15, "need": 0.15, "stance": 0.025}
# Of mood and stance our plain lines tell less: what we put into them is plainer than what people
# feel. And an emotion is not yet a mood.
_COUNTS = {("mood", "plain"): 1 / 6, ("stance", "plain"): 1 / 12, ("mood", "goemotions"): 0.5}
_ABROAD_WEIGHT = 8.0
_ROUNDS = 150
# The sources that are left out in turn to find how sure a head may be; and of the public sets
# every so many texts are enough for that.
_JUDGED = {"mood": OWN | {"felt"}, "need": OWN, "stance": OWN}
_THINNED = 4
# What we wrote ourselves, and what strangers wrote and we labelled.
_OUR_HANDS = OWN - {"ibm_care"}
_STRANGERS = frozenset({"ibm_care", "felt"})


# VADER reads emoji by the words of their names, which for many say nothing of a feeling.
_EMOJI: dict[float, str] = {
    2.4: "😀😃😄😁😊🙂😍🥰😘🤗🤩🥳❤💕💖💗💙💚💛💜🧡💓😻💯🎉",
    1.6: "👍👏🙌🙏👌💪😋🤤😎😇😌🎊✨🏆🥇🤝😁😆☺🌟⭐🔥",
    0.8: "😂🤣😅😉😜😛🙃😏",
    -1.2: "😭😐😑😒🙄😬😕🤨😓😥😪🤦🤷",
    -2.0: "😢😞😔😟🙁☹😣😖😫😩😤😰😨😱🥺👎💔🤢🤮😿💩🚫",
    -2.8: "😡😠🤬👿😾🖕",
}


def train(data: Path) -> dict[str, NDArray[Any]]:
    """The arrays of the model file `heads`: English."""
    valences = lexicon()
    known = examples(data)
    matrix, dense = _matrix([example.text for example in known], Lexicon.english(valences))
    return _fitted(known, matrix, dense, valences)


def train_abroad(data: Path) -> dict[str, NDArray[Any]]:
    """The arrays of the model file `heads_abroad`: the other languages that are read, together.

    From English texts they learn what is not of words (tone, signs, length), and how much less sure
    a head should be of strangers' texts: in these languages all there is to learn from is ours.
    """
    valences = lexicon_abroad()
    labelled = [example for example in examples(data) if example.source in OWN | _STRANGERS]
    own = abroad(weight=_ABROAD_WEIGHT)
    matrix, dense = _matrix([example.text for example in own], Lexicon.abroad(valences))
    spelt, counted = _matrix([example.text for example in labelled], Lexicon.english(lexicon()))
    beyond = _beyond_our_hands(hstack([spelt, csr_matrix(counted)]).tocsr(), labelled)
    is_lent = [example.is_own for example in labelled]
    lent = [replace(it, weight=1.0, source="english") for it in labelled if it.is_own]
    empty = csr_matrix((len(lent), matrix.shape[1]))
    everything = np.vstack([dense, counted[is_lent]])
    return _fitted([*own, *lent], vstack([matrix, empty]), everything, valences, beyond)


def _fitted(
    known: Sequence[Example],
    matrix: csr_matrix,
    dense: NDArray[np.float32],
    valences: dict[str, float],
    beyond: Mapping[str, float] | None = None,
) -> dict[str, NDArray[Any]]:
    """The arrays of a model file. By `beyond` each head is made less sure than its sources tell."""
    weights = np.zeros((2 * features.BUCKETS, WIDTH), dtype=np.float64)
    dense_weights = np.zeros((len(features.DENSE), WIDTH))
    bias = np.zeros(WIDTH)
    everything = hstack([matrix, csr_matrix(dense)]).tocsr()
    for head, columns in COLUMNS_OF.items():
        fitted, offset = _fit(head, everything, known)
        if beyond is not None:
            fitted, offset = fitted / beyond[head], offset / beyond[head]
        weights[:, columns] = fitted[: 2 * features.BUCKETS]
        dense_weights[:, columns] = fitted[2 * features.BUCKETS :]
        bias[columns] = offset
    packed_weights, scale = packed(weights)
    words = sorted(valences)
    return {
        "weights": packed_weights,
        "scale": scale,
        "dense": dense_weights.astype(np.float32),
        "bias": bias.astype(np.float32),
        "lexicon": np.frombuffer("\n".join(words).encode(), dtype=np.uint8),
        "valences": np.array([round(10 * valences[word]) for word in words], dtype=np.int8),
    }


def lexicon_abroad() -> dict[str, float]:
    """Our own valences of words in five languages, and those of emoji and emoticons.

    A word that two languages value differently has the mean.
    """
    found: dict[str, list[float]] = {}
    with (files(__package__) / "lexicon_abroad.tsv").open(encoding="utf-8") as file:
        for line in file:
            _, valence, word = line.rstrip("\n").split("\t")
            found.setdefault(word, []).append(float(valence))
    signs = {word: valence for word, valence in lexicon().items() if is_sign(word)}
    return signs | {word: sum(said) / len(said) for word, said in found.items()}


def lexicon() -> dict[str, float]:
    """VADER's valences of words and emoticons; of emoji ours, else those of their names."""
    vader = SentimentIntensityAnalyzer()
    valences = {word.lower(): float(valence) for word, valence in vader.lexicon.items()}
    valences |= {emoji: valence for valence, signs in _EMOJI.items() for emoji in signs}
    for emoji, description in vader.emojis.items():
        valence = sum(vader.lexicon.get(word, 0.0) for word in description.split())
        if valence:
            valences.setdefault(emoji[0], max(-4.0, min(4.0, float(valence))))
    return {word: valence for word, valence in valences.items() if "\n" not in word}


def _matrix(texts: Sequence[str], words: Lexicon) -> tuple[csr_matrix, NDArray[np.float32]]:
    """The hashed features as the reader weighs them, and the counted ones."""
    table = TokenTable()
    found = features.Extractor(table, words).extract(table.cut(texts))
    numbers, lengths = found.cut.numbers, found.cut.lengths
    spelt = [np.array(features.buckets(token)) for token in table.tokens]
    sizes = np.array(list(map(len, spelt)))
    of_text = np.repeat(np.arange(len(texts)), lengths)
    own = np.concatenate([spelt[number] for number in numbers])
    own_strength = np.full(len(own), features.LETTERS_COUNT)
    own_strength[np.cumsum(sizes[numbers]) - sizes[numbers]] = 1.0
    pairs = features.pair_buckets(found.hashes)
    rows = np.concatenate([np.repeat(of_text, sizes[numbers]), of_text])
    columns = np.concatenate([own, pairs])
    strength = np.concatenate([own_strength, np.full(len(pairs), features.PAIRS_COUNT)])
    length = np.sqrt(np.bincount(rows, weights=strength**2, minlength=len(texts)))
    shape = (len(texts), 2 * features.BUCKETS)
    return csr_matrix((strength / length[rows], (rows, columns)), shape=shape), found.dense


def _fit(
    head: str, matrix: csr_matrix, known: Sequence[Example]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights and bias of one head, with the temperature worked in."""
    taught = _taught(head, matrix, known)
    heat = _strangers_heat(head, taught)
    fitted = _regression(head, taught)
    return fitted.coef_.T / heat, fitted.intercept_ / heat


@dataclass(frozen=True, slots=True)
class _Lesson:
    """The texts that carry a label of one head: what is seen of each, and what it says."""

    rows: csr_matrix
    shares: NDArray[np.float64]
    weight: NDArray[np.float64]
    source: NDArray[np.str_]

    def of(self, chosen: NDArray[np.bool_]) -> _Lesson:
        return _Lesson(
            self.rows[chosen], self.shares[chosen], self.weight[chosen], self.source[chosen]
        )


def _taught(head: str, matrix: csr_matrix, known: Sequence[Example]) -> _Lesson:
    labelled = [place for place, example in enumerate(known) if getattr(example, head) is not None]
    own = [known[place] for place in labelled]
    return _Lesson(
        matrix[labelled],
        np.array([getattr(example, head) for example in own]),
        np.array([it.weight * _COUNTS.get((head, it.source), 1.0) for it in own]),
        np.array([example.source for example in own]),
    )


def _beyond_our_hands(matrix: csr_matrix, known: Sequence[Example]) -> dict[str, float]:
    """By how much less sure each head should be of strangers than of what we write ourselves.

    A head that has learnt from our own hands alone is read to strangers whose texts we labelled.
    """
    found = {}
    for head in COLUMNS_OF:
        taught = _taught(head, matrix, known)
        ours = taught.of(np.isin(taught.source, sorted(_OUR_HANDS)))
        trial = _regression(head, ours)
        met = taught.of(np.isin(taught.source, sorted(_STRANGERS & _JUDGED[head])))
        heat = _temperature(trial.decision_function(met.rows), met.shares, _of_each(met.source))
        found[head] = heat / _strangers_heat(head, ours)
    return found


def _of_each(source: NDArray[np.str_]) -> NDArray[np.float64]:
    """Weights by which every source counts the same."""
    _, place, times = np.unique(source, return_inverse=True, return_counts=True)
    return np.asarray(1 / times[place])


def _strangers_heat(head: str, taught: _Lesson) -> float:
    """The temperature that makes the head honest about texts from where it has learnt nothing.

    Each source in turn is left out, and read by what the others taught; all count the same. Texts
    held out at random would call it surer than it is: they are by the hands it has learnt from.
    """
    # Of the large public sets a part is enough to find how sure the head is.
    is_own = np.isin(taught.source, sorted(OWN))
    thinned = taught.of(is_own | (np.arange(len(is_own)) % _THINNED == 0))
    more = np.where(np.isin(thinned.source, sorted(OWN)), 1.0, _THINNED)
    thinned = replace(thinned, weight=more * thinned.weight)
    logits, met = [], []
    for left_out in sorted(_JUDGED[head] & set(thinned.source.tolist())):
        trial = _regression(head, thinned.of(thinned.source != left_out))
        met.append(thinned.of(thinned.source == left_out))
        logits.append(trial.decision_function(met[-1].rows))
    shares = np.vstack([each.shares for each in met])
    source = np.concatenate([each.source for each in met])
    return _temperature(np.vstack(logits), shares, _of_each(source))


def _regression(head: str, taught: _Lesson) -> LogisticRegression:
    text, kind = np.nonzero(taught.shares.T)[::-1]
    strength = taught.shares[text, kind] * taught.weight[text]
    sizes = np.bincount(kind, weights=strength)
    strength *= ((sizes.sum() / len(sizes) / sizes) ** _LEVELLED[head])[kind]
    return LogisticRegression(C=_STRENGTH[head], max_iter=_ROUNDS, tol=1e-3).fit(
        taught.rows[text], kind, sample_weight=strength
    )


def _temperature(
    logits: NDArray[np.float64], shares: NDArray[np.float64], weight: NDArray[np.float64]
) -> float:
    """What the logits are divided by so that the probabilities are honest on held-out texts."""

    def loss(heat: float) -> float:
        cooled = logits / heat
        logs = cooled - np.logaddexp.reduce(cooled, axis=1, keepdims=True)
        return float(-(weight[:, None] * shares * logs).sum())

    return float(minimize_scalar(loss, bounds=(0.3, 5.0), method="bounded").x)
