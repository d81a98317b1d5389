"""What a house has taught its reader: small heads fitted on the labels that its people gave.

A taught head begins where the shipped one ends: its logits are the shipped ones and a regularised
linear correction, so that with few labels it says what the shipped one says. How far it may go is
chosen by cross-validation, its probabilities are calibrated on labels it was not fitted on, and it
may lose little of what costs most to lose. The same labels give the same figures.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from importlib.resources import files
from io import BytesIO
from itertools import product
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from heard.reading import heads, models
from heard.reading.embedding import embed
from heard.reading.features import DENSE
from heard.reading.parlance import Parlance, Uses, learnt
from heard.reading.reader import Seen
from heard.reading.reading import (
    Mood,
    Need,
    Reading,
    Stance,
    Urgency,
    look,
    readings_of,
)

CLASSES: dict[str, tuple[str, ...]] = {**heads.CLASSES, "urgency": tuple(Urgency)}
LEAST_LABELS = 20
LEAST_OF_A_CLASS = 3
"""With fewer labels, or fewer than so many of a second class, nothing is fitted."""
FOLDS = 5

# How much each kind of input may add beside the shipped logits: prior variances of its weights,
# chosen on our own corpus and on GoEmotions, with heads that had learnt from neither.
_OF_BIAS, _OF_LOGS, _OF_COUNTED, _OF_MEANING, _OF_PARLANCE = 10.0, 0.05, 0.02, 0.4, 0.05
# The strengths among which cross-validation chooses, as multiples of these; 0 is the shipped head.
_STRENGTHS = (0.0, 0.1, 0.3, 1.0, 3.0)
# How far one class may be favoured over another when one has to be named, in logarithms.
_LEANINGS = np.linspace(-2.4, 2.4, 33)
# A message is left without a clock only where that is likelier than this in logarithms: at three to
# two, fewer messages that ask for something are lost than the shipped head loses (.04 for .054 of
# our own corpus), at even odds twice as many.
_CAUTION = -np.log(0.6 / 0.4)
COSTLY = {"need": "answer", "urgency": "high"}
"""Of each head the class that costs most to miss."""
# Of those that the shipped head finds, a taught one is set to find so many, and is not used if of
# labels that were held out it found fewer than the second figure.
_TO_KEEP, _AT_LEAST = 0.95, 0.9
# What a rule that says a class is taken to mean, as a probability.
_RULE_IS_RIGHT = 0.8
_NOTHING = CLASSES["need"].index("nothing")
_ALIKE = 0.85
_ROUNDS, _CLOSE = 200, 5e-4
_RESAMPLED = 2_000

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sights:
    """What the shipped models see of texts, a row for each: what a taught head is fitted on.

    `logs` are per head the logarithms of the probabilities that they give its classes; `uses` are
    the words and pairs of words that stand there.
    """

    logs: Mapping[str, Floats]
    counted: Floats
    meaning: Floats
    uses: Uses

    def of(self, rows: NDArray[np.bool_] | Places) -> Sights:
        """Some of the rows."""
        logs = {head: log[rows] for head, log in self.logs.items()}
        return Sights(logs, self.counted[rows], self.meaning[rows], self.uses.of(rows))

    def columns(self) -> list[Floats]:
        """All that may correct a head but what words say in this house, kind by kind."""
        return [*self.logs.values(), self.counted, self.meaning]


@dataclass(frozen=True, slots=True)
class Lens:
    """Through which a taught head looks at texts: what words say here, how figures are levelled."""

    parlance: Parlance
    centre: Floats
    spread: Floats

    @classmethod
    def ground(
        cls, sights: Sights, truth: Places, groups: Sequence[Hashable], *, kinds: int
    ) -> tuple[Lens, Floats]:
        """Made from labels, and the inputs of their own texts: none of them hears itself."""
        parlance, said = learnt(sights.uses, truth, groups, kinds=kinds)
        seen = np.hstack(sights.columns())
        raw = np.hstack([seen, said])
        spread = np.ones(raw.shape[1])
        counted = slice(len(CLASSES) * 3, len(CLASSES) * 3 + sights.counted.shape[1])
        spread[counted] = raw[:, counted].std(axis=0) + 0.1
        spread[seen.shape[1] :] = said.std(axis=0) + 0.05
        lens = cls(parlance, raw.mean(axis=0), spread)
        return lens, lens._levelled(raw)

    def inputs(self, sights: Sights) -> Floats:
        """What is multiplied by the weights, a row for each text; the last is for the bias."""
        return self._levelled(np.hstack([*sights.columns(), self.parlance.heard_in(sights.uses)]))

    def weighed(self, sights: Sights, weights: Floats) -> Floats:
        """`inputs` times weights, without laying the inputs out: the same much sooner."""
        levelled = weights[:-1] / self.spread[:, None]
        moved = np.tile(weights[-1] - self.centre @ levelled, (len(sights.counted), 1))
        place = 0
        for part in (*sights.columns(), self.parlance.heard_in(sights.uses)):
            moved += part @ levelled[place : place + part.shape[1]]
            place += part.shape[1]
        return moved

    def _levelled(self, raw: Floats) -> Floats:
        return np.hstack([(raw - self.centre) / self.spread, np.ones((len(raw), 1))])


@dataclass(frozen=True, slots=True)
class TaughtHead:
    """One head as the house has taught it.

    Logits are `heat` times the shipped logarithms and the inputs, as the lens shows them, times
    `weights`. `leaning` is added before a class is named.
    """

    head: str
    lens: Lens
    weights: Floats
    leaning: Floats
    heat: float

    def logs(self, sights: Sights) -> Floats:
        """Logarithms of the probabilities of the head's classes, a row for each text."""
        moved = self.lens.weighed(sights, self.weights)
        return _log_shares((sights.logs[self.head] + moved) * self.heat)

    def named(self, logs: Floats) -> Places:
        """Which class is named for each row of `logs`."""
        return np.asarray((logs + self.leaning).argmax(axis=1))

    def packed(self) -> bytes:
        """The head as bytes: arrays alone."""
        file = BytesIO()
        np.savez(
            file,
            allow_pickle=False,
            numbers=self.lens.parlance.numbers,
            says=self.lens.parlance.says,
            centre=self.lens.centre,
            spread=self.lens.spread,
            weights=self.weights,
            leaning=self.leaning,
            heat=np.array(self.heat),
        )
        return file.getvalue()

    @classmethod
    def unpacked(cls, head: str, kept: bytes) -> TaughtHead:
        """What `packed` put away."""
        with np.load(BytesIO(kept), allow_pickle=False) as arrays:
            parlance = Parlance(arrays["numbers"], arrays["says"])
            lens = Lens(parlance, arrays["centre"], arrays["spread"])
            return cls(head, lens, arrays["weights"], arrays["leaning"], float(arrays["heat"]))


@dataclass(frozen=True, slots=True)
class House:
    """All heads that a house has taught, by name."""

    heads: Mapping[str, TaughtHead]

    def retold(
        self, readings: Sequence[Reading], seen: Seen, texts: Sequence[str]
    ) -> list[Reading]:
        """The readings of a batch as this house has taught them; what was not read stays so.

        Heads that are not taught give way where they would contradict: whoever is glad warns
        nobody, and who warns others is owed an answer.
        """
        told = list(readings)
        if not seen.places:
            return told
        sights = sights_of(seen, texts, [readings[place].urgency for place in seen.places])
        logs = {head: taught.logs(sights) for head, taught in self.heads.items()}
        named = {head: self.heads[head].named(log).tolist() for head, log in logs.items()}
        chances = np.exp(logs["mood"]).tolist() if "mood" in logs else None
        for row, place in enumerate(seen.places):
            reading = told[place]
            said = {head: CLASSES[head][places[row]] for head, places in named.items()}
            told[place] = _agreeing(
                reading, said, chances=tuple(chances[row]) if chances is not None else None
            )
        return told


_BUILT = 2
"""Which way of building a head this is: one more with every change to what is packed."""


@cache
def ships_with() -> str:
    """The fingerprint of the shipped models: a taught head corrects these and no others.

    It tells how a taught head is built, too: one that was built otherwise cannot be read.
    """
    whole = sha256(repr((_BUILT, DENSE)).encode())
    folder = files(models)
    for file in sorted(folder.iterdir(), key=lambda it: it.name):
        if file.name.endswith((".npz", ".safetensors")):
            whole.update(file.read_bytes())
    return whole.hexdigest()


def read_as(house: House | None, texts: Sequence[str]) -> list[Reading]:
    """Read many texts at once as a house has taught it; as shipped without a house."""
    found: list[Reading] = []
    for seen in look(texts):
        readings = readings_of(seen)
        if house is not None and house.heads:
            part = texts[len(found) : len(found) + len(readings)]
            readings = house.retold(readings, seen, part)
        found.extend(readings)
    return found


def _agreeing(
    reading: Reading, said: Mapping[str, str], *, chances: tuple[float, ...] | None
) -> Reading:
    mood = Mood(said["mood"]) if "mood" in said else reading.mood
    stance = Stance(said.get("stance", reading.stance))
    need = Need(said.get("need", reading.need))
    urgency = Urgency(said.get("urgency", reading.urgency))
    if "stance" not in said and (mood, stance) in _CONTRADICTIONS:
        stance = Stance.NEITHER
    if "need" not in said and stance is Stance.AVOID:
        need = Need.ANSWER
    if "urgency" not in said and need is not Need.ANSWER:
        urgency = Urgency.LOW
    return replace(
        reading,
        mood=mood,
        mood_probabilities=reading.mood_probabilities
        if chances is None
        else (chances[0], chances[1], chances[2]),
        stance=stance,
        need=need,
        urgency=urgency,
        urgency_reason=reading.urgency_reason if urgency is reading.urgency else "",
    )


_CONTRADICTIONS = {(Mood.NEGATIVE, Stance.RECOMMEND), (Mood.POSITIVE, Stance.AVOID)}


def sights_of(seen: Seen, texts: Sequence[str], urgencies: Sequence[str]) -> Sights:
    """What is seen of those texts of a batch that were read.

    `texts` are all of the batch; `urgencies` are what the rules say of those that were read.
    """
    logs = {head: np.log(np.maximum(found, 1e-9)) for head, found in seen.probabilities.items()}
    logs["urgency"] = _of_rules(urgencies)
    return Sights(
        {head: log.astype(np.float64) for head, log in logs.items()},
        seen.counted.astype(np.float64),
        embed([texts[place] for place in seen.places]).astype(np.float64),
        Uses.found_in(seen.words),
    )


def _of_rules(urgencies: Sequence[str]) -> Floats:
    said = np.array([CLASSES["urgency"].index(urgency) for urgency in urgencies], dtype=int)
    kinds = len(CLASSES["urgency"])
    chances = np.full((len(said), kinds), (1 - _RULE_IS_RIGHT) / (kinds - 1))
    chances[np.arange(len(said)), said] = _RULE_IS_RIGHT
    return np.asarray(np.log(chances))


# Fitting


@dataclass(frozen=True, slots=True)
class Label:
    """What a text says by somebody's word. Labels of one `group` are held out together."""

    text: str
    says: str
    group: Hashable = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was said of the texts that carry labels, by the shipped head and by the taught one.

    The taught one is judged fold by fold, each text by a fit that had not seen it. Classes are
    named by their places in `CLASSES`; `places` are those of the labels whose texts were read.
    """

    head: str
    truth: Places
    shipped: Places
    taught: Places
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Taught:
    """A fitted head, and how it was judged."""

    head: TaughtHead
    judged: Judged


def loses_what_costs(judged: Judged) -> bool:
    """Whether the taught head misses too much of what costs most, where the shipped one finds it.

    That is more than one in ten of those that the shipped one finds, of labels held out.
    """
    if judged.head not in COSTLY:
        return False
    costly = CLASSES[judged.head].index(COSTLY[judged.head])
    shipped, taught = (
        int(((said == costly) & (judged.truth == costly)).sum())
        for said in (judged.shipped, judged.taught)
    )
    return taught < _AT_LEAST * shipped


class TooFewLabelsError(Exception):
    """Not enough labels yet, or all of one class."""


def teach(head: str, labels: Sequence[Label]) -> Taught:
    """Fit a head on the labels of texts that are read; others are left out.

    Raises `TooFewLabelsError`, and `ValueError` for a label that the head does not have.
    """
    if strange := {label.says for label in labels} - set(CLASSES[head]):
        raise ValueError(f"{head} cannot be {', '.join(sorted(strange))}")
    sights, shipped, kept = seen_with_labels(head, labels)
    truth = np.array([CLASSES[head].index(labels[place].says) for place in kept], dtype=int)
    groups = tuple(labels[place].group or labels[place].text for place in kept)
    sizes = np.bincount(truth, minlength=len(CLASSES[head]))
    if len(kept) < LEAST_LABELS or (sizes >= LEAST_OF_A_CLASS).sum() < 2:
        raise TooFewLabelsError
    taught = np.zeros(len(truth), dtype=int)
    for held in _folds(groups, salt=0):
        part = _fit(
            head,
            sights.of(~held),
            truth[~held],
            shipped[~held],
            [group for group, out in zip(groups, held, strict=True) if not out],
        )
        taught[held] = part.named(part.logs(sights.of(held)))
    return Taught(
        _fit(head, sights, truth, shipped, groups),
        Judged(head, truth, shipped, taught, tuple(kept)),
    )


def named_by(taught: TaughtHead, labels: Sequence[Label]) -> tuple[list[int], Places]:
    """Which of the labels' texts are read, and the class that a taught head names for each."""
    sights, _, kept = seen_with_labels(taught.head, labels)
    return kept, taught.named(taught.logs(sights))


def seen_with_labels(head: str, labels: Sequence[Label]) -> tuple[Sights, Places, list[int]]:
    """What is seen of those texts that are read, what the shipped head says, and their places."""
    texts = [label.text for label in labels]
    parts: list[Sights] = []
    said: list[int] = []
    kept: list[int] = []
    start = 0
    for seen in look(texts):
        readings = readings_of(seen)
        own = [readings[place] for place in seen.places]
        if own:
            part = texts[start : start + len(readings)]
            parts.append(sights_of(seen, part, [reading.urgency for reading in own]))
        said.extend(CLASSES[head].index(str(getattr(reading, head))) for reading in own)
        kept.extend(start + place for place in seen.places)
        start += len(readings)
    if not parts:
        raise TooFewLabelsError
    return _joined(parts), np.array(said, dtype=int), kept


def _joined(parts: Sequence[Sights]) -> Sights:
    return Sights(
        {name: np.concatenate([part.logs[name] for part in parts]) for name in CLASSES},
        np.concatenate([part.counted for part in parts]),
        np.concatenate([part.meaning for part in parts]),
        Uses.joined([part.uses for part in parts]),
    )


def _fit(
    head: str, sights: Sights, truth: Places, shipped: Places, groups: Sequence[Hashable]
) -> TaughtHead:
    """Choose strength, calibration and leaning on held-out folds, then fit on everything."""
    kinds = len(CLASSES[head])
    offsets, variances = sights.logs[head], _variances(sights, kinds)
    wanted = np.eye(kinds)[truth]
    held_out = {strength: offsets.copy() for strength in _STRENGTHS}
    for held in _folds(groups, salt=1):
        others = [group for group, out in zip(groups, held, strict=True) if not out]
        lens, inputs = Lens.ground(sights.of(~held), truth[~held], others, kinds=kinds)
        directions, squares = _turned(inputs, variances)
        turned, unseen = inputs @ directions, lens.inputs(sights.of(held)) @ directions
        weights = np.zeros((len(squares), kinds))
        for strength in _STRENGTHS[1:]:
            weights = _solved(
                turned, squares, wanted[~held], offsets[~held], weights, strength=strength
            )
            held_out[strength][held] += unseen @ weights
    heats = {strength: _heat(logits, truth) for strength, logits in held_out.items()}
    strength = min(_STRENGTHS, key=lambda it: (_loss(held_out[it] * heats[it], truth), it))
    logs = _log_shares(held_out[strength] * heats[strength])
    lens, inputs = Lens.ground(sights, truth, groups, kinds=kinds)
    weights = np.zeros((inputs.shape[1], kinds))
    if strength:
        directions, squares = _turned(inputs, variances)
        start = np.zeros((len(squares), kinds))
        weights = directions @ _solved(
            inputs @ directions, squares, wanted, offsets, start, strength=strength
        )
    return TaughtHead(head, lens, weights, _leaning(head, logs, truth, shipped), heats[strength])


def _leaning(head: str, logs: Floats, truth: Places, shipped: Places) -> Floats:
    """How far each class is favoured: what raises macro F1 most, as the probabilities expect it.

    What they expect wavers less than what a few labels of a rare class say (Lipton et al. 2014).
    Among the leanings that lose too much of what costs most none is chosen, and *nothing* is never
    favoured over an answer.
    """
    chances = np.exp(logs)
    kinds = logs.shape[1]
    leanings = np.array([(0.0, *rest) for rest in product(_LEANINGS, repeat=kinds - 1)])
    if head == "need":
        leanings = leanings[leanings[:, _NOTHING] <= _CAUTION]
    # Of leanings that come to the same the smallest.
    leanings = leanings[np.argsort(np.abs(leanings).sum(axis=1), kind="stable")]
    real, is_there = chances.sum(axis=0), np.bincount(truth, minlength=kinds) > 0
    scored, found = np.zeros(len(leanings)), np.ones(len(leanings))
    costly = CLASSES[head].index(COSTLY[head]) if head in COSTLY else None
    for place, leaning in enumerate(leanings):
        said = (logs + leaning).argmax(axis=1)
        right = np.bincount(said, chances[np.arange(len(said)), said], minlength=kinds)
        f1 = 2 * right / np.maximum(real + np.bincount(said, minlength=kinds), 1e-9)
        scored[place] = f1[is_there].mean()
        if costly is not None:
            found[place] = right[costly] / max(real[costly], 1e-9)
    if costly is not None and is_there[costly]:
        enough = _TO_KEEP * (shipped[truth == costly] == costly).mean()
        scored[found < min(enough, found.max())] = -1.0
    return np.asarray(leanings[scored.argmax()])


def _variances(sights: Sights, kinds: int) -> Floats:
    sizes = (
        (sum(log.shape[1] for log in sights.logs.values()), _OF_LOGS),
        (sights.counted.shape[1], _OF_COUNTED),
        (sights.meaning.shape[1], _OF_MEANING),
        (2 * kinds, _OF_PARLANCE),
        (1, _OF_BIAS),
    )
    return np.concatenate([np.full(size, variance) for size, variance in sizes])


def _turned(inputs: Floats, variances: Floats) -> tuple[Floats, Floats]:
    """The inputs' main directions, each as long as its weight may be large, and their squares.

    Along these nothing bears on anything else, whatever the strength.
    """
    scaled = inputs * np.sqrt(variances)
    if len(scaled) < scaled.shape[1]:
        _, sizes, found = np.linalg.svd(scaled, full_matrices=False)
        squares, directions = sizes**2, found.T
    else:
        squares, directions = np.linalg.eigh(scaled.T @ scaled)
    return np.sqrt(variances)[:, None] * directions, np.maximum(squares, 0.0)


def _solved(
    inputs: Floats,
    squares: Floats,
    wanted: Floats,
    offsets: Floats,
    start: Floats,
    *,
    strength: float,
) -> Floats:
    """The weights of greatest posterior along turned inputs, by Böhning's bound (1992), hastened.

    The bound on the curvature is the same in every round; along turned inputs it is one figure for
    each.
    """
    bound = 1 / (squares / 2 + 1 / strength)[:, None]
    weights, ahead, pace = start, start, 1.0
    for _ in range(_ROUNDS):
        missed = np.exp(_log_shares(offsets + inputs @ ahead)) - wanted
        slope = inputs.T @ missed + ahead / strength
        step = bound * slope
        moved = ahead - step
        if float((slope * (moved - weights)).sum()) > 0:  # overshot: begin the run-up again
            pace = 1.0
        faster = (1 + np.sqrt(1 + 4 * pace**2)) / 2
        ahead = moved + (pace - 1) / faster * (moved - weights)
        weights, pace = moved, faster
        if np.abs(step).max() < _CLOSE:
            break
    return weights


def _folds(groups: Sequence[Hashable], *, salt: int) -> Iterator[NDArray[np.bool_]]:
    """Which rows each fold holds out; rows of a group stay together, and it is always the same."""
    order = sorted(set(groups), key=lambda it: (crc32(repr(it).encode(), salt), repr(it)))
    fold_of = {group: number % FOLDS for number, group in enumerate(order)}
    folds = np.array([fold_of[group] for group in groups])
    for fold in range(FOLDS):
        held = folds == fold
        if held.any() and not held.all():
            yield held


def _log_shares(logits: Floats) -> Floats:
    raised = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(raised - np.log(np.exp(raised).sum(axis=1, keepdims=True)))


def _loss(logits: Floats, truth: Places) -> float:
    return float(-_log_shares(logits)[np.arange(len(truth)), truth].mean())


def _heat(logits: Floats, truth: Places) -> float:
    """What the logits are multiplied by so that the probabilities are honest (Guo et al. 2017)."""
    heats = np.exp(np.linspace(np.log(0.3), np.log(2.0), 40))
    return float(min(heats, key=lambda heat: _loss(logits * heat, truth)))


# Judging


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the bounds between which it lies 95 times in a hundred."""

    value: float
    low: float
    high: float


def score(truth: Places, said: Places, kinds: int) -> float:
    """Macro F1 over the classes that occur."""
    cells = np.bincount(truth * kinds + said, minlength=kinds * kinds).reshape(1, kinds, kinds)
    return float(_macro_f1(cells)[0])


def scores(judged: Judged) -> tuple[Interval, Interval, Interval]:
    """Macro F1 of the shipped head, of the taught one, and the gain, each with its interval.

    Bootstrap over the texts, both heads on the same ones (Efron 1979).
    """
    kinds = len(CLASSES[judged.head])
    joint = (judged.truth * kinds + judged.shipped) * kinds + judged.taught
    cells = np.bincount(joint, minlength=kinds**3)
    drawn = np.random.default_rng(len(joint)).multinomial(
        len(joint), cells / len(joint), size=_RESAMPLED
    )
    samples = np.vstack([cells, drawn]).reshape(-1, kinds, kinds, kinds)
    shipped, taught = _macro_f1(samples.sum(axis=3)), _macro_f1(samples.sum(axis=2))
    found = [_interval(figures) for figures in (shipped, taught, taught - shipped)]
    return found[0], found[1], found[2]


def _interval(figures: Floats) -> Interval:
    low, high = np.quantile(figures[1:], [0.025, 0.975])
    return Interval(float(figures[0]), float(low), float(high))


def _macro_f1(cells: NDArray[np.int64]) -> Floats:
    """Of tables of counts (table, truth, said), the mean F1 over the classes that occur."""
    right = np.diagonal(cells, axis1=1, axis2=2)
    real, told = cells.sum(axis=2), cells.sum(axis=1)
    each = 2 * right / np.maximum(real + told, 1)
    return np.asarray((each * (real > 0)).sum(axis=1) / np.maximum((real > 0).sum(axis=1), 1))


# Asking


def worth_asking(
    house: House | None,
    texts: Sequence[str],
    *,
    most: int,
    asked: Sequence[str] = ("need", "mood", "stance"),
) -> list[tuple[int, str]]:
    """Which labels would teach most, best first: the place of a text, and a head.

    Those on which a head wavers, its two likeliest classes being nearly as likely (Scheffer 2001),
    the heads of `asked` in turn, and no two texts that are much alike. What is not read is left
    out.
    """
    sights: list[Sights] = []
    kept: list[int] = []
    start = 0
    for seen in look(texts):
        if seen.places:
            said = [readings_of(seen)[place].urgency for place in seen.places]
            part = texts[start : start + len(seen.languages)]
            sights.append(sights_of(seen, part, said))
        kept.extend(start + place for place in seen.places)
        start += len(seen.languages)
    if not kept:
        return []
    seen_all = _joined(sights)
    taught = house.heads if house is not None else {}
    queues = {}
    for head in asked:
        logs = taught[head].logs(seen_all) if head in taught else seen_all.logs[head]
        ranked = np.sort(np.exp(logs), axis=1)
        queues[head] = iter(np.argsort(ranked[:, -1] - ranked[:, -2], kind="stable").tolist())
    chosen: list[tuple[int, str]] = []
    taken: list[int] = []
    while len(chosen) < most and queues:
        for head in [head for head in asked if head in queues]:
            for row in queues[head]:
                likeness = seen_all.meaning[taken] @ seen_all.meaning[row]
                if row not in taken and not (likeness > _ALIKE).any():
                    chosen.append((kept[row], head))
                    taken.append(row)
                    break
            else:
                del queues[head]
    return chosen[:most]
