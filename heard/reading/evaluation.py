"""How well the shipped models read labelled texts, beside the majority class and VADER.

Every labelled set of the shared data folder that fits a head is scored, and nothing that ships was
fitted on any of them. Sets that are not there are named.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heard.reading.heads import CLASSES
from heard.reading.labelled import lines, table
from heard.reading.languages import READ
from heard.reading.measures import (
    accuracy,
    area,
    calibration_error,
    honest_error,
    macro_f1,
    macro_recall,
    reliability,
)
from heard.reading.reading import look, read
from heard.reading.training.examples import CORPUS, corpus_rows, mood_shares

try:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
except ImportError:  # a tool for comparison, which the product does without
    SentimentIntensityAnalyzer = None

SHORT = 400
_TAG = re.compile(r"<[^>]{0,400}>")
_VADER_EDGE = 0.05
_VADER_SAYS: dict[str, tuple[str, str, str]] = {
    "mood": ("negative", "neutral", "positive"),
    "stance": ("avoid", "neither", "recommend"),
}

Figures = NDArray[np.float64]
Texts = Sequence[str]


@dataclass(frozen=True, slots=True)
class Score:
    """One line of the table; `vader` is None where VADER has nothing to say."""

    data_set: str
    head: str
    measure: str
    texts: int
    heard: float
    majority: float | None
    vader: float | None
    note: str = ""

    @property
    def goal(self) -> float | None:
        """What this figure is to reach, None where nothing was set."""
        return GOALS.get((self.data_set, self.head, self.measure))


GOALS: dict[tuple[str, str, str], float] = {
    ("tweeteval_sentiment", "mood", "macro recall"): 0.62,
    ("complaint_tweets", "mood and need", "AUC"): 0.87,
    ("brand_mention_complaints", "mood and need", "AUC"): 0.87,
    ("skytrax_recommend", "stance", "AUC"): 0.80,
    ("uber_play_reviews", "stance", "AUC"): 0.95,
    ("care_labels", "need", "macro F1"): 0.70,
    ("care_labels", "stance", "macro F1"): 0.65,
    ("tweets in Latin script", "language", "accuracy"): 0.97,
}


@dataclass(slots=True)
class Table:
    """All scores, what was not found, and how many short texts were read per second of one core.

    `reliability` has, per set and head, bins of surety: the mean of what was said, the share that
    was right, and of how many texts.
    """

    scores: list[Score] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)
    texts_per_cpu_second: float = 0.0
    vader_per_cpu_second: float | None = None
    reliability: dict[str, list[tuple[float, float, int]]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The table for programs."""
        return asdict(self)


def evaluate(data: Path) -> Table:
    """Score every set that is in `data`."""
    _RELIABILITY.clear()
    found = Table()
    short: list[str] = []
    for name, (file, score) in SETS.items():
        path = data / name / file
        if not path.exists():
            found.not_found.append(name)
            continue
        for texts, scores in score(name, path):
            found.scores += scores
            short += [text for text in texts if len(text) <= SHORT]
    if (CORPUS / "messages").is_dir():
        found.scores += _corpus()
        found.scores += _pairs()
    else:
        found.not_found.append("the open corpus")
    found.reliability = {
        f"{data_set}: {head}": bins for (data_set, head), bins in sorted(_RELIABILITY.items())
    }
    if short:
        found.texts_per_cpu_second = _per_cpu_second(read, short)
        if SentimentIntensityAnalyzer is not None:
            found.vader_per_cpu_second = _per_cpu_second(_vader, short)
    return found


def _per_cpu_second(work: Callable[[Texts], object], texts: Texts) -> float:
    before = time.process_time()
    work(texts)
    return len(texts) / max(1e-9, time.process_time() - before)


def _vader(texts: Texts) -> Figures | None:
    """VADER's compound of each text, by the package itself; None where it is not installed."""
    if SentimentIntensityAnalyzer is None:
        return None
    says = SentimentIntensityAnalyzer().polarity_scores
    return np.array([says(text)["compound"] for text in texts])


def _probability(texts: Texts, head: str, kind: str) -> Figures:
    place = CLASSES[head].index(kind)
    parts = [seen.probabilities[head][:, place] for seen in look(texts, only_read=False)]
    return np.concatenate(parts).astype(np.float64)


def _said(texts: Texts, head: str) -> list[str]:
    """What the reading says, as people are told it."""
    return [str(getattr(reading, head) or "not read") for reading in read(texts)]


def _share_of_largest(truth: Sequence[str]) -> float:
    return Counter(truth).most_common(1)[0][1] / len(truth)


def _classes(
    name: str, texts: Texts, truth: Sequence[str], *, head: str, note: str = ""
) -> list[Score]:
    """Accuracy, recall and F1 of what is said, over the classes that the set knows."""
    said = _said(texts, head)
    compounds = _vader(texts) if head in _VADER_SAYS else None
    largest = [Counter(truth).most_common(1)[0][0]] * len(truth)
    scores = []
    for measure, figure in (
        ("macro recall", macro_recall),
        ("macro F1", macro_f1),
        ("accuracy", accuracy),
    ):
        by_vader = None
        if compounds is not None:
            by_vader = figure(truth, _by_vader(compounds, head))
        scores.append(
            Score(
                name,
                head,
                measure,
                len(texts),
                figure(truth, said),
                figure(truth, largest),
                by_vader,
                note,
            )
        )
    return scores


def _by_vader(compounds: Figures, head: str) -> list[str]:
    low, middle, high = _VADER_SAYS[head]
    return [
        low if compound <= -_VADER_EDGE else high if compound >= _VADER_EDGE else middle
        for compound in compounds
    ]


def _ranked(
    name: str,
    texts: Texts,
    truth: Sequence[bool],
    *,
    head: str,
    figures: Figures,
    sign: int,
    note: str,
) -> Score:
    """How well texts are put in order: the area under the curve, .5 for chance."""
    compounds = _vader(texts)
    by_vader = None if compounds is None else area(truth, sign * compounds)
    return Score(name, head, "AUC", len(texts), area(truth, figures), 0.5, by_vader, note)


Part = tuple[Texts, list[Score]]


def _tweeteval_sentiment(name: str, path: Path) -> Iterator[Part]:
    rows = list(table(path))
    texts, truth = [row["text"] for row in rows], [row["label_name"] for row in rows]
    yield texts, _moods(name, texts, truth)


def _moods(name: str, texts: Texts, truth: Sequence[str]) -> list[Score]:
    return [
        *_classes(name, texts, truth, head="mood", note=LEVELS.get(name, "")),
        _ranked(
            name,
            texts,
            [kind == "negative" for kind in truth],
            head="mood",
            figures=_probability(texts, "mood", "negative"),
            sign=-1,
            note="negative against the rest",
        ),
        _calibration(name, texts, truth, head="mood"),
    ]


def _calibration(name: str, texts: Texts, truth: Sequence[str], *, head: str) -> Score:
    """Expected calibration error; the bins are kept to be drawn."""
    chances = np.stack([_probability(texts, head, kind) for kind in CLASSES[head]], axis=1)
    places = np.array([CLASSES[head].index(kind) for kind in truth])
    _RELIABILITY[name, head] = reliability(chances, places)
    error = calibration_error(chances, places)
    mean, most = honest_error(chances)
    return Score(
        name,
        head,
        "calibration error",
        len(texts),
        error,
        None,
        None,
        f"{_CALIBRATED}; honest probabilities show {mean:.3f} by chance, rarely over {most:.3f}",
    )


def _two_moods(negative: frozenset[str], note: str) -> Callable[[str, Path], Iterator[Part]]:
    def score(name: str, path: Path) -> Iterator[Part]:
        rows = list(table(path))
        texts = [row["text"] for row in rows]
        truth = [row["label_name"] in negative for row in rows]
        figures = _probability(texts, "mood", "negative")
        yield (
            texts,
            [_ranked(name, texts, truth, head="mood", figures=figures, sign=-1, note=note)],
        )

    return score


LEVELS = {"tweeteval_sentiment": "static embeddings .591; models trained on such tweets .71 to .74"}
"""What others reach, said beside our figure."""

_CALIBRATED = "less is better, .05 at most"
_RELIABILITY: dict[tuple[str, str], list[tuple[float, float, int]]] = {}

_CODES = "arabic:ar english:en french:fr german:de hindi:hi italian:it portuguese:pt spanish:es"


def _multilingual(name: str, path: Path) -> Iterator[Part]:
    codes = dict(pair.split(":") for pair in _CODES.split())
    rows = list(table(path))
    texts = [row["text"] for row in rows]
    told = [codes[row["language"]] for row in rows]
    yield texts, _languages(name, texts, told)
    latin = [place for place, code in enumerate(told) if code in READ]
    own, truth = [texts[place] for place in latin], [told[place] for place in latin]
    score = accuracy(truth, _said(own, "language"))
    yield (
        [],
        [Score("tweets in Latin script", "language", "accuracy", len(own), score, None, None, "")],
    )
    for code in READ:
        alike = [row for row in rows if codes[row["language"]] == code]
        texts = [row["text"] for row in alike]
        yield texts, _moods(f"{name}: {code}", texts, [row["label_name"] for row in alike])


def _languages(name: str, texts: Texts, truth: Sequence[str], *, note: str = "") -> list[Score]:
    said = _said(texts, "language")
    most = Counter(truth).most_common(1)[0][0]
    scores = [
        Score(
            name,
            "language",
            "accuracy",
            len(texts),
            accuracy(truth, said),
            _share_of_largest(truth),
            None,
            note,
        )
    ]
    for code in sorted(set(truth)):
        places = [place for place, language in enumerate(truth) if language == code]
        right = sum(said[place] == code for place in places) / len(places)
        label = f"{name}: {code}"
        scores.append(
            Score(label, "language", "recall", len(places), right, float(code == most), None)
        )
    return scores


def _locales(name: str, path: Path) -> Iterator[Part]:
    """Up to 400 questions of each language; some people write another than their forum's."""
    by_language: dict[str, list[str]] = {}
    for row in table(path):
        known = by_language.setdefault(row["locale"].split("-")[0], [])
        if len(known) < 400:
            known.append(_TAG.sub(" ", f"{row['title']} {row['content']}"))
    texts = [text for known in by_language.values() for text in known]
    truth = [language for language, known in by_language.items() for _ in known]
    yield texts, _languages(name, texts, truth, note="the forum's language, not always the text's")


def _goemotions(name: str, path: Path) -> Iterator[Part]:
    """The part `dev`; texts whose emotions pull both ways are left out."""
    texts, truth = [], []
    for row in table(path):
        shares = mood_shares(row["labels"])
        if row["split"] == "dev" and max(shares) > 0.5:
            texts.append(row["text"])
            truth.append(CLASSES["mood"][shares.index(max(shares))])
    yield texts, _moods(f"{name}: dev", texts, truth)


def _complaints(name: str, path: Path) -> Iterator[Part]:
    rows = list(table(path))
    texts, truth = [row["text"] for row in rows], [row["complaint"] == "1" for row in rows]
    negative = _probability(texts, "mood", "negative")
    answer = _probability(texts, "need", "answer")
    yield (
        texts,
        [
            _ranked(
                name,
                texts,
                truth,
                head="mood",
                figures=negative,
                sign=-1,
                note="complaints by negative",
            ),
            _ranked(
                name,
                texts,
                truth,
                head="mood and need",
                figures=negative * answer,
                sign=-1,
                note="complaints by negative times answer",
            ),
        ],
    )


def _skytrax(name: str, path: Path) -> Iterator[Part]:
    rows = [row for row in table(path) if row["recommended"] in {"0", "1"}]
    texts = [row["content"] for row in rows]
    yield (
        texts,
        _recommended(name, texts, [row["recommended"] == "1" for row in rows], "recommended"),
    )


def _stars(name: str, path: Path) -> Iterator[Part]:
    rows = [row for row in table(path) if row["score"] in {"1", "2", "4", "5"}]
    texts = [row["content"] for row in rows]
    truth = [row["score"] in {"4", "5"} for row in rows]
    yield texts, _recommended(name, texts, truth, "4 and 5 stars against 1 and 2")


def _recommended(name: str, texts: Texts, truth: Sequence[bool], note: str) -> list[Score]:
    draws, warns = (_probability(texts, "stance", kind) for kind in ("recommend", "avoid"))
    negative, positive = (_probability(texts, "mood", kind) for kind in ("negative", "positive"))
    by_head = {"stance": np.log(draws / warns), "mood": np.log(positive / negative)}
    return [
        _ranked(name, texts, truth, head=head, figures=figures, sign=1, note=note)
        for head, figures in by_head.items()
    ]


def _care_labels(name: str, path: Path) -> Iterator[Part]:
    """Texts on which both labels agree, and apart the few on which they do not."""
    rows = list(lines(path))
    for head in ("need", "stance", "mood", "urgency"):
        agreed = [row for row in rows if len(set(row["labels"][head])) == 1]
        apart = [row for row in rows if len(set(row["labels"][head])) == 2]
        texts = [row["text"] for row in agreed]
        truth = [row["labels"][head][0] for row in agreed]
        yield texts, _classes(name, texts, truth, head=head, note="both labels agree")
        yield [], _by_source(name, agreed, head=head)
        if head in CLASSES:
            yield [], [_calibration(name, texts, truth, head=head)]
        texts = [row["text"] for row in apart]
        said = _said(texts, head)
        either = sum(told in row["labels"][head] for row, told in zip(apart, said, strict=True))
        label = f"{name}: labels differ"
        yield (
            [],
            [Score(label, head, "one of the two", len(apart), either / len(apart), None, None)],
        )


def _by_source(name: str, rows: Sequence[dict[str, Any]], *, head: str) -> list[Score]:
    """The same texts apart, by where they come from."""
    scores = []
    for source in sorted({row["set"] for row in rows}):
        own = [row for row in rows if row["set"] == source]
        truth = [row["labels"][head][0] for row in own]
        said = _said([row["text"] for row in own], head)
        largest = [Counter(truth).most_common(1)[0][0]] * len(truth)
        scores.append(
            Score(
                f"{name}: {source}",
                head,
                "macro F1",
                len(own),
                macro_f1(truth, said),
                macro_f1(truth, largest),
                None,
                "the classes that occur",
            )
        )
    return scores


def _corpus() -> list[Score]:
    """The part of the open corpus that nothing has learnt from, by language."""
    scores = []
    rows = [row for row in corpus_rows() if row["split"] == "test"]
    for language in READ:
        mine = [row for row in rows if row["language"] == language]
        texts = [row["text"] for row in mine]
        name = f"open corpus, test: {language}"
        for head in ("need", "stance", "mood", "urgency"):
            truth = [row[head] for row in mine]
            scores += _classes(name, texts, truth, head=head)[1:2]
            if head in CLASSES:
                scores.append(_calibration(name, texts, truth, head=head))
    return scores


def _pairs() -> list[Score]:
    """Texts that differ only in a name, or in dialect: how often they are read alike."""
    scores = []
    with (CORPUS / "pairs" / "en.jsonl").open(encoding="utf-8") as file:
        rows = list(map(json.loads, file))
    for differs in ("name", "dialect"):
        sets = [row["texts"] for row in rows if row["differs"] == differs]
        flat = [text for texts in sets for text in texts]
        group = np.repeat(np.arange(len(sets)), list(map(len, sets)))
        for head in ("need", "stance", "mood"):
            said = np.array(_said(flat, head))
            alike = [len(set(said[group == place])) == 1 for place in range(len(sets))]
            scores.append(
                Score(
                    f"pairs: {differs}",
                    head,
                    "read alike",
                    len(sets),
                    float(np.mean(alike)),
                    None,
                    None,
                    f"sets of texts that differ only in the {differs}",
                )
            )
        negative = _probability(flat, "mood", "negative")
        gaps = [np.ptp(negative[group == place]) for place in range(len(sets))]
        scores.append(
            Score(
                f"pairs: {differs}",
                "mood",
                "widest gap",
                len(sets),
                float(np.mean(gaps)),
                None,
                None,
                "mean difference of the probability of negative; less is better",
            )
        )
    return scores


_NEGATIVE_EMOTIONS = frozenset({"anger", "sadness"})
SETS: dict[str, tuple[str, Callable[[str, Path], Iterator[Part]]]] = {
    "tweeteval_sentiment": ("val.csv.gz", _tweeteval_sentiment),
    "multilingual_tweet_sentiment": ("train_val.csv.gz", _multilingual),
    "goemotions": ("train_dev.csv.gz", _goemotions),
    "tweeteval_emotion": (
        "train_val.csv.gz",
        _two_moods(_NEGATIVE_EMOTIONS, "anger and sadness against joy and optimism"),
    ),
    "tweeteval_offensive": (
        "train_val.csv.gz",
        _two_moods(frozenset({"offensive"}), "offensive taken as negative: a loose fit"),
    ),
    "complaint_tweets": ("tweets.csv.gz", _complaints),
    "brand_mention_complaints": ("tweets.csv.gz", _complaints),
    "skytrax_recommend": ("lounge.csv.gz", _skytrax),
    "uber_play_reviews": ("reviews.csv.gz", _stars),
    "care_labels": ("incoming.jsonl.gz", _care_labels),
    "thunderbird_support": ("questions.csv.gz", _locales),
    "firefox_questions": ("questions.csv.gz", _locales),
}
NO_HEAD_FITS = {
    "tweeteval_irony": "no head reads irony",
    "tweeteval_hate": "hate against groups is none of mood, need and stance",
    "politeness": "scores requests, not what a message asks of us",
}
