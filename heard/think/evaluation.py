"""How well the check and its scores judge labelled drafts, beside chance and VADER.

Two sets: the held-out part of our own corpus, and real replies that were labelled twice, of which
those count on which both labels agree. Nothing that ships was fitted on either. How often each rule
fires on real replies without labels tells which of them nags.
"""

from __future__ import annotations

import csv
import gzip
import html
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heard.lib.shares import Z_95, wilson
from heard.reading.labelled import lines
from heard.reading.measures import Figures, area, calibration_error
from heard.think.checking import check
from heard.think.findings import Check, Facts, Finding, Light
from heard.think.harm import harms
from heard.think.privacy.codes import PRIVATE_CODES
from heard.think.scores.scoring import PRIVATE_FROM, Scores, scores
from heard.think.scores.seeming import SEEMS

try:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
except ImportError:  # a tool for comparison, which the product does without
    SentimentIntensityAnalyzer = None

CORPUS = Path(__file__).parents[2] / "data"
"""Our own corpus, in a checkout."""
RANKED = ("kind", "helpful", "personal")
LABELS = (*RANKED, "private")
_EVERY = {"twcs_airline_dialogues": 25, "twcs_agent_replies": 10}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A draft, what it answers, and its labels; a label is missing where two readers differ."""

    draft: str
    facts: Facts
    labels: dict[str, bool]
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Score:
    """One line of the table; `low` and `high` are its 95 % interval.

    By Wilson for a share, by Hanley and McNeil (Radiology 143, 1982) for an area under the curve.
    """

    data_set: str
    what: str
    measure: str
    drafts: int
    heard: float
    chance: float | None = None
    vader: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(slots=True)
class Table:
    """All scores; by set, how often each rule fires on real replies; and what was not found."""

    scores: list[Score] = field(default_factory=list)
    fires: dict[str, dict[str, float]] = field(default_factory=dict)
    not_found: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The table for programs."""
        return asdict(self)


def evaluate(data: Path, *, corpus: Path) -> Table:
    """Score what is in `data` (the shared sets) and in `corpus` (its folder `replies`)."""
    found = Table()
    held_out = [row for row in of_corpus(corpus) if row["split"] == "test"]
    if held_out:
        found.scores += _scored("corpus, test", [labelled(row) for row in held_out])
    else:
        found.not_found.append("corpus")
    care = data / "care_labels" / "replies.jsonl.gz"
    if care.exists():
        found.scores += _scored("care_labels", list(_real(care)))
    else:
        found.not_found.append("care_labels")
    for name, read in _UNLABELLED.items():
        folder = data / name
        if folder.is_dir():
            found.fires[name] = fires(islice(read(folder), 0, None, _EVERY[name]))
        else:
            found.not_found.append(name)
    return found


def of_corpus(corpus: Path) -> list[dict[str, Any]]:
    """The draft replies of our corpus, in a fixed order."""
    files = sorted((corpus / "replies").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def labelled(row: dict[str, Any]) -> Labelled:
    """A row of our corpus."""
    facts = Facts(message=row["message"], is_public=row["is_public"])
    labels = {label: bool(row[label]) for label in LABELS}
    return Labelled(row["draft"], facts, labels, row["language"])


def fires(replies: Iterable[tuple[str, str]]) -> dict[str, float]:
    """Per code, and for `any amber`, `any red`, `an alarm`: the share of public replies with it.

    A reply is what was asked ("" if unknown) and what was answered.
    """
    times: Counter[str] = Counter()
    count = 0
    for message, reply in replies:
        found = check(reply, Facts(message=message, is_public=True))
        times.update({finding.code for finding in found.findings})
        times.update(_lit(found))
        times["an alarm"] += bool(harms(found, is_public=True))
        count += 1
    return {code: times[code] / count for code, _ in times.most_common()} if count else {}


def _lit(found: Check) -> list[str]:
    lights = set(found.lights.values())
    return [f"any {light}" for light in (Light.AMBER, Light.RED) if light in lights]


# --- labelled drafts ----------------------------------------------------------------------------


def _real(path: Path) -> Iterator[Labelled]:
    for row in lines(path):
        told = {label: set(row["labels"][label]) for label in LABELS}
        labels = {label: said == {"1"} for label, said in told.items() if len(said) == 1}
        facts = Facts(message=html.unescape(row["customer"]), is_public=True)
        yield Labelled(html.unescape(row["reply"]), facts, labels)


def _scored(name: str, drafts: Sequence[Labelled]) -> Iterator[Score]:
    found = [check(each.draft, each.facts) for each in drafts]
    given = [
        scores(each.draft, each.facts, found=seen) for each, seen in zip(drafts, found, strict=True)
    ]
    for label in RANKED:
        yield from _ranked(name, label, drafts, given)
    public = [place for place, each in enumerate(drafts) if each.facts.is_public]
    yield from _private(
        name,
        [drafts[at] for at in public],
        [found[at] for at in public],
        [given[at] for at in public],
    )
    yield from _false_alarms(name, name, drafts, found)
    languages = sorted({each.language for each in drafts})
    for language in languages if len(languages) > 1 else ():
        own = [at for at, each in enumerate(drafts) if each.language == language]
        yield from _false_alarms(
            f"{name}: {language}", name, [drafts[at] for at in own], [found[at] for at in own]
        )


def _ranked(
    name: str, label: str, drafts: Sequence[Labelled], given: Sequence[Scores]
) -> Iterator[Score]:
    places = [at for at, each in enumerate(drafts) if label in each.labels]
    truth = np.array([drafts[at].labels[label] for at in places])
    figures = np.array([getattr(given[at], label) for at in places])
    compounds = _vader([drafts[at].draft for at in places]) if label == "kind" else None
    by_vader = None if compounds is None else area(truth.tolist(), compounds)
    note = f"{int(truth.sum())} are, {int((~truth).sum())} are not"
    yield _area(name, label, truth, figures, by_vader, note)
    languages = sorted({drafts[at].language for at in places})
    for language in languages if len(languages) > 1 else ():
        own = [n for n, at in enumerate(places) if drafts[at].language == language]
        yield _area(f"{name}: {language}", label, truth[own], figures[own])
    chances = np.stack([1 - figures, figures], axis=1)
    error = calibration_error(chances, truth.astype(np.int64))
    yield Score(name, label, "calibration error", len(places), error, note="less is better")
    apart = [at for at, each in enumerate(drafts) if label not in each.labels]
    if apart:
        mean = float(np.mean([getattr(given[at], label) for at in apart]))
        yield Score(f"{name}: labels differ", label, "mean score", len(apart), mean)


def _area(
    name: str,
    label: str,
    truth: NDArray[np.bool_],
    figures: Figures,
    by_vader: float | None = None,
    note: str = "",
) -> Score:
    share = area(truth.tolist(), figures)
    low, high = _around(share, int(truth.sum()), int((~truth).sum()))
    return Score(name, label, "AUC", len(truth), share, 0.5, by_vader, low, high, note)


def _around(share: float, true: int, false: int) -> tuple[float | None, float | None]:
    if not true or not false:
        return None, None
    both_true, both_false = share / (2 - share), 2 * share * share / (1 + share)
    spread = share * (1 - share) + (true - 1) * (both_true - share * share)
    spread += (false - 1) * (both_false - share * share)
    half = Z_95 * float(np.sqrt(spread / (true * false)))
    return max(0.0, share - half), min(1.0, share + half)


def _vader(texts: Sequence[str]) -> Figures | None:
    if SentimentIntensityAnalyzer is None:
        return None
    says = SentimentIntensityAnalyzer().polarity_scores
    return np.array([says(text)["compound"] for text in texts])


def _private(
    name: str, drafts: Sequence[Labelled], found: Sequence[Check], given: Sequence[Scores]
) -> Iterator[Score]:
    """Of public drafts: how many that should be private are caught, and how rightly."""
    for measure, caught in (
        ("stops", [any(one.stops for one in _of_data(seen)) for seen in found]),
        ("a light", [any(_is_lit(it) for it in _of_data(seen)) for seen in found]),
        ("a word", [bool(_of_data(seen)) for seen in found]),
        (f"score from {PRIVATE_FROM}", [one.private >= PRIVATE_FROM for one in given]),
    ):
        rows = [
            (each.labels["private"], hit)
            for each, hit in zip(drafts, caught, strict=True)
            if "private" in each.labels
        ]
        right = sum(truth and hit for truth, hit in rows)
        private, hits = sum(truth for truth, _ in rows), sum(hit for _, hit in rows)
        yield _share(name, "private", f"recall, {measure}", right, private)
        yield _share(
            name, "private", f"precision, {measure}", right, hits, chance=private / len(rows)
        )


def _of_data(found: Check) -> list[Finding]:
    return [it for it in found.findings if it.code in PRIVATE_CODES or it.code == SEEMS]


def _is_lit(finding: Finding) -> bool:
    return finding.light is not Light.GREEN


def _false_alarms(
    name: str, data_set: str, drafts: Sequence[Labelled], found: Sequence[Check]
) -> Iterator[Score]:
    """Of replies that are kind and helpful: how many get a red, or any light but green."""
    good = [
        seen
        for each, seen in zip(drafts, found, strict=True)
        if each.labels.get("kind")
        and each.labels.get("helpful")
        and (data_set == "care_labels" or not each.labels.get("private"))
    ]
    red = sum(Light.RED in seen.lights.values() for seen in good)
    lit = sum(set(seen.lights.values()) != {Light.GREEN} for seen in good)
    for measure, hits in (("red", red), ("red or amber", lit)):
        note = f"{hits} of {len(good)} kind and helpful; less is better"
        yield _share(name, "false alarms", measure, hits, len(good), note=note)


def _share(
    name: str,
    what: str,
    measure: str,
    hits: int,
    count: int,
    *,
    chance: float | None = None,
    note: str = "",
) -> Score:
    low, high = wilson(hits, count)
    share = hits / count if count else float("nan")
    return Score(
        name, what, measure, count, share, chance, None, low, high, note or f"{hits} of {count}"
    )


# --- real replies without labels ----------------------------------------------------------------


def _dialogues(folder: Path) -> Iterator[tuple[str, str]]:
    """What an agent said, and what was said just before."""
    for row in lines(folder / "dialogues.jsonl.gz"):
        before = ""
        for turn in row["turns"]:
            text = html.unescape(turn["text"])
            if turn["role"] == "agent":
                yield before, text
            else:
                before = text


def _replies(folder: Path) -> Iterator[tuple[str, str]]:
    with gzip.open(folder / "replies.csv.gz", "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield "", html.unescape(row["text"])


_UNLABELLED = {"twcs_airline_dialogues": _dialogues, "twcs_agent_replies": _replies}
