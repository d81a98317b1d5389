"""What the heads learn from: our own texts, and public sets whose licence allows training.

Each text has a share per class and head, or None where the set says nothing about that head.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import islice
from pathlib import Path

from heard.reading.heads import CLASSES
from heard.reading.labelled import lines, table
from heard.reading.languages import READ
from heard.reading.tokens import word_set

Shares = tuple[float, float, float]

CORPUS = Path(__file__).parents[3] / "data"
"""The open corpus; it lies beside the package, not in it."""

# The letters of the two files in this folder: need, stance, mood, and urgency, for the tests.
_NEED: dict[str, Shares] = {"a": (1, 0, 0), "r": (0, 1, 0), "n": (0, 0, 1)}
_STANCE: dict[str, Shares] = {"v": (1, 0, 0), "c": (0, 1, 0), ".": (0, 0, 1)}
# `~` is a problem told calmly: people call it negative as often as neutral.
_MOOD: dict[str, Shares] = {"-": (1, 0, 0), "~": (0.5, 0.5, 0), "0": (0, 1, 0), "+": (0, 0, 1)}
_ANSWER, _RECOGNITION, _NOTHING = _NEED["a"], _NEED["r"], _NEED["n"]
_NEITHER = _STANCE["."]
_NEUTRAL = _MOOD["0"]

# A text that speaks to a company, labelled by hand, counts as this many from elsewhere; those of
# the open corpus less, since they are long and told with art: people write plainer than writers.
_OWN_WEIGHT, _CORPUS_WEIGHT = 24.0, 2.0

OWN = frozenset({"written", "plain", "corpus", "ibm_care"})
"""The sources whose labels are ours."""

_POSITIVE = word_set(
    "admiration amusement approval caring desire excitement gratitude joy love optimism pride"
    " relief"
)
_NEGATIVE = word_set(
    "anger annoyance disappointment disapproval disgust embarrassment fear grief nervousness"
    " remorse sadness"
)
_SMALL_TALK = word_set(
    """
    goodbye yes no maybe tell_joke fun_fact meaning_of_life what_are_your_hobbies do_you_have_pets
    are_you_a_bot how_old_are_you where_are_you_from who_made_you flip_coin roll_dice
    """
)


@dataclass(frozen=True, slots=True)
class Example:
    """A text with what it is known to say, and from where it is."""

    text: str
    weight: float = 1.0
    mood: Shares | None = None
    need: Shares | None = None
    stance: Shares | None = None
    source: str = ""

    @property
    def is_own(self) -> bool:
        """Whether we labelled it."""
        return self.source in OWN


def examples(data: Path) -> list[Example]:
    """Everything in English to learn from, in a fixed order."""
    return [
        *_written(),
        *_plain("en.tsv"),
        *corpus({"en"}, weight=_CORPUS_WEIGHT),
        *_ibm_care(data),
        *_goemotions(data),
        *_banking(data),
        *_clinc(data),
        *_multidogo(data),
    ]


def corpus(languages: Collection[str], *, weight: float, part: str = "train") -> list[Example]:
    """The messages of one part of the open corpus that are in one of some languages."""
    return [
        Example(
            row["text"],
            weight,
            _one(CLASSES["mood"], row["mood"]),
            _one(CLASSES["need"], row["need"]),
            _one(CLASSES["stance"], row["stance"]),
            "corpus",
        )
        for row in corpus_rows()
        if row["split"] == part and row["language"] in languages
    ]


def corpus_rows() -> list[dict[str, str]]:
    """Every message of the open corpus, file by file."""
    found = []
    for file in sorted((CORPUS / "messages").glob("*.jsonl")):
        with file.open(encoding="utf-8") as lines_:
            found += list(map(json.loads, lines_))
    return found


def abroad(*, weight: float) -> list[Example]:
    """What there is in the other languages that are read: plain lines of ours, and the corpus."""
    written = _lines(files(__package__) / "written_abroad.tsv", source="written")
    plain = [*written, *_plain("abroad.tsv")]
    return [
        *(replace(example, weight=weight) for example in plain),
        *corpus(set(READ) - {"en"}, weight=weight / 2),
    ]


def _one(classes: tuple[str, ...], which: str) -> Shares:
    first, second, third = (float(name == which) for name in classes)
    return first, second, third


def mood_shares(emotions: str) -> Shares:
    """The shares of negative, neutral and positive among the emotions GoEmotions gives a text."""
    labels = set(emotions.split())
    negative, positive = len(labels & _NEGATIVE), len(labels & _POSITIVE)
    neutral = len(labels) - negative - positive
    return (negative / len(labels), neutral / len(labels), positive / len(labels))


def _own(text: str, labels: str, *, source: str) -> Example:
    need, stance, mood = _NEED[labels[0]], _STANCE[labels[1]], _MOOD[labels[2]]
    return Example(text, _OWN_WEIGHT, mood, need, stance, source)


def _plain(name: str) -> Iterator[Example]:
    """The short lines of every day in the open corpus."""
    return _lines(CORPUS / "plain" / name, source="plain")


def _lines(file: Traversable, *, source: str) -> Iterator[Example]:
    with file.open(encoding="utf-8") as lines_:
        for line in lines_:
            _, labels, text = line.rstrip("\n").split("\t")
            yield _own(text, labels, source=source)


def _labels(name: str) -> Iterator[tuple[str, str]]:
    with (files(__package__) / name).open(encoding="utf-8") as file:
        for line in file:
            first, second = line.rstrip("\n").split("\t", 1)
            yield first, second


def _written() -> Iterator[Example]:
    for labels, text in _labels("written.tsv"):
        yield _own(text, labels, source="written")


def _ibm_care(data: Path) -> Iterator[Example]:
    """Tweets to companies; the texts are IBM's, the labels ours, by the number of the tweet."""
    turns = {
        turn["tweet_ID"]: turn["message"]
        for dialogue in lines(data / "ibm_care_dialogues" / "dialogues.jsonl.gz")
        for turn in dialogue["dialogContent"]
    }
    for number, labels in _labels("ibm_care.tsv"):
        yield _own(turns[number], labels, source="ibm_care")


def _goemotions(data: Path) -> Iterator[Example]:
    """Reddit comments: their emotions, and what they would ask of a company that reads along.

    What some thousands of them feel towards what they speak of was labelled by us, by the number
    of the comment: an emotion is not yet a mood. The part `dev` is left for the evaluation.
    """
    felt = dict(_labels("goemotions.tsv"))
    for row in table(data / "goemotions" / "train_dev.csv.gz"):
        if row["split"] != "train":
            continue
        labels = set(row["labels"].split())
        mood = mood_shares(row["labels"])
        need = None
        if "gratitude" in labels and not mood[0]:
            need = _RECOGNITION
        elif labels == {"neutral"} and "?" not in row["text"]:
            need = _NOTHING
        example = Example(
            row["text"],
            mood=mood,
            need=need,
            stance=_NEITHER if labels == {"neutral"} else None,
            source="goemotions",
        )
        if own := felt.get(row["comment_id"]):
            example = replace(example, weight=_OWN_WEIGHT, mood=_MOOD[own], source="felt")
        yield example


def _banking(data: Path) -> Iterator[Example]:
    rows = table(data / "banking77" / "train.csv.gz")
    for row in islice(rows, 0, None, 4):
        yield Example(row["text"], need=_ANSWER, stance=_NEITHER)


def _clinc(data: Path) -> Iterator[Example]:
    rows = table(data / "clinc150" / "train_val.csv.gz")
    for row in islice(rows, 0, None, 5):
        intent = row["intent"]
        if intent == "thank_you":
            yield Example(row["text"], need=_RECOGNITION, stance=_NEITHER)
        elif intent in _SMALL_TALK:
            yield Example(row["text"], need=_NOTHING, stance=_NEITHER, mood=_NEUTRAL)
        elif intent not in {"oos", "greeting"}:
            yield Example(row["text"], need=_ANSWER, stance=_NEITHER, mood=_NEUTRAL)


def _multidogo(data: Path) -> Iterator[Example]:
    """Turns of customers, each wording once."""
    needs = {
        "confirmation": _NOTHING,
        "rejection": _NOTHING,
        "closinggreeting": _NOTHING,
        "thankyou": _RECOGNITION,
        "openinggreeting": _ANSWER,
    }
    unclear = {"", "contentonly", "outofdomain"}
    met: set[str] = set()
    for row in table(data / "multidogo" / "customer_turns.csv.gz"):
        text, intent = row["utterance"], row["intent"]
        if text in met or intent in unclear:
            continue
        met.add(text)
        if len(met) % 3 == 0:
            yield Example(text, need=needs.get(intent, _ANSWER), stance=_NEITHER)
