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
    COSTLY,
    House,
    Label,
    Places,
    TaughtHead,
    TooFewLabelsError,
    loses_what_costs,
    score,
    scores,
    seen_with_labels,
    teach,
    worth_asking,
)
from heard.reading.labelled import data_folder, lines, table
from heard.reading.measures import calibration_error

SIZES = (0, 50, 100, 200, 500, 1_000)
TARGETS = {200: 0.66, 1_000: 0.72}
LEAST_LEFT = 200
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


def skytrax(data: Path) -> Rows:
    rows = table(data / "skytrax_recommend" / "lounge.csv.gz")
    stance = {"0": "avoid", "1": "recommend"}
    return [(row["content"], stance[row["recommended"]]) for row in rows if row["recommended"]]


def care(head: str) -> Callable[[Path], Rows]:
    """Messages to companies, those on which both labels agree."""

    def rows(data: Path) -> Rows:
        return [
            (row["text"], row["labels"][head][0])
            for row in lines(data / "care_labels" / "incoming.jsonl.gz")
            if len(set(row["labels"][head])) == 1
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
# Beside them, apart from the mean: another head, and messages to companies of all kinds, too few
# for more than 200 labels.
BESIDE: dict[str, tuple[str, str, Callable[[Path], Rows]]] = {
    "Skytrax": ("stance", "recommended or not", skytrax),
    "care labels: need": ("need", "three needs", care("need")),
    "care labels: stance": ("stance", "three stances", care("stance")),
    "care labels: mood": ("mood", "three moods", care("mood")),
}


@dataclass(frozen=True, slots=True)
class Curve:
    """Macro F1 on the rest, by labels and seed; at 200 also with labels that were asked for.

    `found` is the share that was found of the class that costs most, where the head has one.
    """

    name: str
    head: str
    what: str
    texts: int
    left_out: int
    reached: dict[int, list[float]]
    found: dict[int, list[float]]
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
        is_worse = own.value < shipped.value or loses_what_costs(taught.judged)
        return None if is_worse else taught.head

    def said(self, head: TaughtHead | None, rest: Places) -> Places:
        if head is None:
            return self.shipped[rest]
        return head.named(head.logs(self.sights.of(rest)))

    def judged(self, head: TaughtHead | None, rest: Places) -> float:
        said = self.said(head, rest)
        # A set that knows a complaint and the rest counts thanks as the rest.
        said = np.where(np.isin(said, self.truth), said, self.truth.max())
        return score(self.truth[rest], said, len(CLASSES[self.head]))

    def found(self, head: TaughtHead | None, rest: Places) -> list[float]:
        """The share that is found of what costs most."""
        if self.head not in COSTLY:
            return []
        costly = CLASSES[self.head].index(COSTLY[self.head])
        return [float((self.said(head, rest)[self.truth[rest] == costly] == costly).mean())]

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
    head, what, rows = (SETS | BESIDE)[name]
    domain = Domain(head, rows(data))
    found = Curve(name, head, what, len(domain.labels), domain.left_out, {}, {}, [], [], [])
    sizes = [size for size in SIZES if size + LEAST_LEFT <= len(domain.labels)]
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(domain.labels))
        for size in sizes:
            began = time.process_time()
            taught = domain.taught(order[:size].tolist()) if size else None
            if size == SIZES[-1]:
                found.seconds.append(time.process_time() - began)
                if taught:
                    found.calibration.append(domain.calibration(taught, order[size:]))
            found.reached.setdefault(size, []).append(domain.judged(taught, order[size:]))
            found.found.setdefault(size, []).extend(domain.found(taught, order[size:]))
        if not asks or name in BESIDE:
            continue
        chosen = domain.asked(order, 200)
        rest = np.setdiff1d(order, np.array(chosen))
        found.asked.append(domain.judged(domain.taught(chosen), rest))
    return found


def chapter(curves: Sequence[Curve], *, seeds: int) -> list[str]:
    """The page for people."""
    main = [one for one in curves if one.name in SETS]
    mean = {size: np.mean([np.mean(one.reached[size]) for one in main]) for size in SIZES}
    asked = [figure for one in main for figure in one.asked]
    reach = ", ".join(f"≥ {target:.2f} with {size:,}" for size, target in TARGETS.items())
    head = [f"{size:,}" for size in SIZES] + ["200 that it asked for"] * bool(asked)
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {machine()}. `python -m bench.learning"
        f"{' --ask' * bool(asked)}`: so many labels of a set on which nothing was trained, drawn at"
        " random, teach a house (`heard/reading/house.py`); macro F1 on all other texts of the set:"
        f" the mean of {seeds} draws, and the least and the most. A refit that reads its held-out"
        " labels worse than the shipped head, or misses more of what needs an answer, is not used,"
        f" as in a house. Texts that are not read are left out. To reach: {reach} labels.",
        "",
        f"| set | head | texts | {' | '.join(head)} |",
        f"|---|---|{'---:|' * (len(head) + 1)}",
    ]
    lines += [_row(one, columns=len(head)) for one in main]
    means = [f"**{mean[size]:.3f}**" for size in SIZES]
    means += [f"**{np.mean(asked):.3f}**" for _ in asked[:1]]
    lines.append(f"| mean of these {len(main)} sets | | | {' | '.join(means)} |")
    lines += [_row(one, columns=len(head)) for one in curves if one.name in BESIDE]
    seconds = [second for one in curves for second in one.seconds]
    errors = [error for one in curves for error in one.calibration]
    lines += [
        "",
        f"With 1,000 labels the calibration error on the rest is {np.mean(errors):.3f} in the mean"
        f" and {max(errors):.3f} at most; a refit takes {np.mean(seconds):.1f} CPU s."
        f" {sum(one.left_out for one in curves):,} texts were left out as not read.",
    ]
    for size, target in TARGETS.items():
        short = [one for one in main if np.mean(one.reached[size]) < target]
        reached = [one.name for one in main if one not in short]
        told = ", ".join(f"{one.name} {np.mean(one.reached[size]):.3f}" for one in short)
        lines += [
            "",
            f"{size:,} labels, {target:.2f} to reach: the mean is {mean[size]:.3f}; reached on "
            f"{', '.join(reached) or 'no set'}" + (f"; short of it on {told}." if short else "."),
        ]
    lines += [
        "",
        "Of the messages that need an answer so many are found (the rest loses its clock):",
        "",
        f"| set | {' | '.join(f'{size:,}' for size in SIZES)} |",
        f"|---|{'---:|' * len(SIZES)}",
    ]
    for one in curves:
        if COSTLY.get(one.head) is not None:
            cells = [_cell(one.found.get(size, [])) for size in SIZES]
            lines.append(f"| {one.name} | {' | '.join(cells)} |")
    return lines


def _row(one: Curve, *, columns: int) -> str:
    cells = [_cell(one.reached.get(size, [])) for size in SIZES] + [_cell(one.asked)]
    cells = cells[:columns]
    return f"| {one.name} | {one.head}: {one.what} | {one.texts:,} | {' | '.join(cells)} |"


def _cell(reached: Sequence[float]) -> str:
    if not reached:
        return ""
    return f"{np.mean(reached):.3f} ({min(reached):.3f}–{max(reached):.3f})"


def main() -> None:
    options = argparse.ArgumentParser(prog="bench.learning")
    options.add_argument("--data", type=Path, default=data_folder())
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--no-page", action="store_true", help="print it and leave the page")
    options.add_argument("--ask", action="store_true", help="also with labels as it asks for them")
    wanted = options.parse_args()
    curves = []
    for name in [*SETS, *BESIDE]:
        curves.append(curve(name, wanted.data, seeds=wanted.seeds, asks=wanted.ask))
        one = curves[-1]
        print(name, {size: _cell(cell) for size, cell in one.reached.items()}, flush=True)
    lines = chapter(curves, seeds=wanted.seeds)
    print("\n".join(lines))
    if not wanted.no_page:
        write_chapter("Learning a house", lines)


if __name__ == "__main__":
    main()
