"""How much a house teaches its reader: labels of a domain that nobody trained on, held-out rest.

python -m bench.learning --data FOLDER/data
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bench.results import machine, write_chapter
from heard.reading.house import (
    CLASSES,
    House,
    Label,
    Places,
    TaughtHead,
    TooFewLabelsError,
    score,
    scores,
    seen_with_labels,
    teach,
    worth_asking,
)
from heard.reading.labelled import data_folder, table
from heard.reading.measures import calibration_error

SIZES = (0, 50, 100, 200, 500, 1_000)
TARGETS = {200: 0.66, 1_000: 0.72}
A_ROUND = 50

Rows = list[tuple[str, str]]


def tweeteval(data: Path) -> Rows:
    rows = table(data / "tweeteval_sentiment" / "val.csv.gz")
    return [(row["text"], row["label_name"]) for row in rows]


def multilingual(data: Path) -> Rows:
    rows = table(data / "multilingual_tweet_sentiment" / "train_val.csv.gz")
    return [(row["text"], row["label_name"]) for row in rows if row["language"] == "english"]


def uber(data: Path) -> Rows:
    mood = {"1": "negative", "2": "negative", "3": "neutral", "4": "positive", "5": "positive"}
    rows = table(data / "uber_play_reviews" / "reviews.csv.gz")
    return [(row["content"], mood[row["score"]]) for row in rows]


def complaints(name: str) -> Callable[[Path], Rows]:
    def rows(data: Path) -> Rows:
        return [
            (row["text"], "answer" if row["complaint"] == "1" else "nothing")
            for row in table(data / name / "tweets.csv.gz")
        ]

    return rows


SETS: dict[str, tuple[str, str, Callable[[Path], Rows]]] = {
    "tweets (TweetEval)": ("mood", "three moods", tweeteval),
    "tweets in English (XLM-T)": ("mood", "three moods", multilingual),
    "Uber reviews": ("mood", "1–2, 3, 4–5 stars as moods", uber),
    "complaint tweets": ("need", "complaint: answer, else nothing", complaints("complaint_tweets")),
    "brand mentions": (
        "need", "complaint: answer, else nothing", complaints("brand_mention_complaints"),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Curve:
    """Macro F1 on the rest, by labels and seed; at 200 also with labels that were asked for."""

    name: str
    head: str
    what: str
    texts: int
    left_out: int
    reached: dict[int, list[float]]
    asked: list[float]
    calibration: list[float]
    seconds: list[float]


class Domain:
    """One set, seen once: what is taught and what is judged are rows of it."""

    def __init__(self, head: str, rows: Rows) -> None:
        labels = [Label(text, says, number) for number, (text, says) in enumerate(rows)]
        self.head = head
        self.sights, self.shipped, kept = seen_with_labels(head, labels)
        self.labels = [labels[place] for place in kept]
        self.left_out = len(labels) - len(kept)
        self.truth = np.array([CLASSES[head].index(label.says) for label in self.labels])

    def taught(self, chosen: Sequence[int]) -> TaughtHead | None:
        """What a house with these labels would use: None is the head that ships."""
        try:
            taught = teach(self.head, [self.labels[place] for place in chosen])
        except TooFewLabelsError:
            return None
        shipped, own, _ = scores(taught.judged)
        return taught.head if own.value >= shipped.value else None

    def judged(self, head: TaughtHead | None, rest: Places) -> float:
        said = self.shipped[rest]
        if head is not None:
            said = head.named(head.logs(self.sights.of(rest)))
        # A set that knows a complaint and the rest counts thanks as the rest.
        said = np.where(np.isin(said, self.truth), said, self.truth.max())
        return score(self.truth[rest], said, len(CLASSES[self.head]))

    def calibration(self, head: TaughtHead, rest: Places) -> float:
        return calibration_error(np.exp(head.logs(self.sights.of(rest))), self.truth[rest])

    def asked(self, order: Places, most: int) -> list[int]:
        """Labels as the reader asks for them: a round at random, then round by round."""
        chosen: list[int] = order[:A_ROUND].tolist()
        while len(chosen) < most:
            head = self.taught(chosen)
            house = House({self.head: head}) if head else None
            left = [place for place in order.tolist() if place not in set(chosen)]
            texts = [self.labels[place].text for place in left]
            asked = worth_asking(house, texts, most=A_ROUND, asked=[self.head])
            chosen += [left[place] for place, _ in asked]
        return chosen


def curve(name: str, data: Path, *, seeds: int, asks: bool) -> Curve:
    head, what, rows = SETS[name]
    domain = Domain(head, rows(data))
    found = Curve(name, head, what, len(domain.labels), domain.left_out, {}, [], [], [])
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(domain.labels))
        for size in SIZES:
            began = time.process_time()
            taught = domain.taught(order[:size].tolist()) if size else None
            if size == SIZES[-1]:
                found.seconds.append(time.process_time() - began)
                if taught:
                    found.calibration.append(domain.calibration(taught, order[size:]))
            found.reached.setdefault(size, []).append(domain.judged(taught, order[size:]))
        if not asks:
            continue
        chosen = domain.asked(order, 200)
        rest = np.setdiff1d(order, np.array(chosen))
        found.asked.append(domain.judged(domain.taught(chosen), rest))
    return found


def chapter(curves: Sequence[Curve], *, seeds: int) -> list[str]:
    """The page for people."""
    mean = {size: np.mean([np.mean(one.reached[size]) for one in curves]) for size in SIZES}
    asked = [figure for one in curves for figure in one.asked]
    reach = ", ".join(f"≥ {target:.2f} with {size:,}" for size, target in TARGETS.items())
    head = [f"{size:,}" for size in SIZES] + ["200 that it asked for"] * bool(asked)
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {machine()}. `python -m bench.learning`: so many labels of"
        " a set on which nothing was trained, drawn at random, teach a house"
        " (`heard/reading/house.py`); macro F1 on all other texts of the set, mean and spread"
        f" (standard deviation) of {seeds} draws. A refit that reads its held-out labels worse than"
        " the shipped head is not used, as in a house. Texts that are not read (other languages)"
        f" are left out. To reach: {reach} labels.",
        "",
        f"| set | head | texts | {' | '.join(head)} |",
        f"|---|---|{'---:|' * (len(head) + 1)}",
    ]
    for one in curves:
        cells = [_cell(one.reached[size]) for size in SIZES]
        cells += [_cell(one.asked)] * bool(asked)
        lines.append(
            f"| {one.name} | {one.head}: {one.what} | {one.texts:,} | {' | '.join(cells)} |"
        )
    means = [f"**{mean[size]:.3f}**" for size in SIZES]
    means += [f"**{np.mean(asked):.3f}**"] * bool(asked)
    lines.append(f"| mean of the sets | | | {' | '.join(means)} |")
    errors = [error for one in curves for error in one.calibration]
    seconds = [second for one in curves for second in one.seconds]
    lines += [
        "",
        f"With 1,000 labels the calibration error on the rest is {np.mean(errors):.3f} in the mean"
        f" and {max(errors):.3f} at most; a refit takes {np.mean(seconds):.1f} CPU s."
        f" {sum(one.left_out for one in curves):,} texts were left out as not read.",
    ]
    for size, target in TARGETS.items():
        reached = [one.name for one in curves if np.mean(one.reached[size]) >= target]
        short = [
            f"{one.name} {np.mean(one.reached[size]):.3f}"
            for one in curves
            if np.mean(one.reached[size]) < target
        ]
        lines += [
            "",
            f"{size:,} labels, {target:.2f} to reach: the mean is {mean[size]:.3f}; reached on "
            f"{', '.join(reached) or 'no set'}"
            + (f"; short of it on {', '.join(short)}." if short else "."),
        ]
    return lines


def _cell(reached: Sequence[float]) -> str:
    return f"{np.mean(reached):.3f} ± {np.std(reached):.3f}"


def main() -> None:
    options = argparse.ArgumentParser(prog="bench.learning")
    options.add_argument("--data", type=Path, default=data_folder())
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--no-page", action="store_true", help="print it and leave the page")
    options.add_argument("--ask", action="store_true", help="also with labels as it asks for them")
    wanted = options.parse_args()
    curves = []
    for name in SETS:
        curves.append(curve(name, wanted.data, seeds=wanted.seeds, asks=wanted.ask))
        one = curves[-1]
        print(name, {size: _cell(one.reached[size]) for size in SIZES}, flush=True)
    lines = chapter(curves, seeds=wanted.seeds)
    print("\n".join(lines))
    if not wanted.no_page:
        write_chapter("Learning a house", lines)


if __name__ == "__main__":
    main()
