"""`heard reading read < texts.jsonl` and `heard reading evaluate`."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from heard.reading.evaluation import NO_HEAD_FITS, Score, Table, evaluate
from heard.reading.heads import CLASSES
from heard.reading.labelled import data_folder
from heard.reading.reading import Reading, read

LINES_AT_A_TIME = 1_000


class Command(BaseCommand):
    """Reads texts from standard input, or scores the shipped models."""

    help = "Read texts (lines of JSON with text), or score the reading on labelled sets."
    needs_database = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Two tasks."""
        tasks = parser.add_subparsers(dest="task", required=True)
        tasks.add_parser("read", help="Read texts from standard input, print a line for each.")
        scoring = tasks.add_parser("evaluate", help="Score the reading beside VADER.")
        scoring.add_argument("--data", type=Path, help="the folder with the labelled sets")
        scoring.add_argument("--json", action="store_true", help="print one JSON object")
        scoring.add_argument("--draw", type=Path, help="draw the reliability into this SVG file")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do the task."""
        if options["task"] == "read":
            for answer in answers(sys.stdin.buffer):
                self.stdout.write(json.dumps(answer))
            return
        folder: Path = options["data"] or data_folder()
        if not folder.is_dir():
            raise CommandError(
                f"There is no folder {folder}. Name the one with the labelled sets with --data."
            )
        found = evaluate(folder)
        if options["draw"]:
            from heard.reading.drawing import reliability_chart  # noqa: PLC0415 - altair is slow to load

            options["draw"].write_text(reliability_chart(found.reliability), encoding="utf-8")
        if options["json"]:
            self.stdout.write(json.dumps(found.as_json(), indent=1))
        else:
            self.stdout.write("\n".join(report(found)))


def answers(source: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """An answer for each line that is not blank, in order; a bad line's answer says what is bad."""
    numbered = ((number, line) for number, line in enumerate(source, start=1) if line.strip())
    while batch := list(islice(numbered, LINES_AT_A_TIME)):
        texts = [_text(line) for _, line in batch]
        readings = iter(read([text for text, error in texts if not error]))
        for (number, _), (_, error) in zip(batch, texts, strict=True):
            yield {"error": error, "line": number} if error else _answer(next(readings))


def _text(line: bytes) -> tuple[str, str]:
    """The text of a line, and what is wrong with the line."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return "", f"this line is not JSON: {error}"
    if not isinstance(row, dict):
        return "", "this line is not a JSON object"
    text = row.get("text")
    return (text, "") if isinstance(text, str) else ("", '"text" is missing, or no text')


def _answer(reading: Reading) -> dict[str, Any]:
    chances = reading.mood_probabilities
    return {
        "language": reading.language,
        "mood": reading.mood or "not read",
        "mood_probabilities": chances and dict(zip(CLASSES["mood"], chances, strict=True)),
        "need": reading.need,
        "stance": reading.stance,
        "urgency": reading.urgency,
        "urgency_reason": reading.urgency_reason,
    }


def report(found: Table) -> Iterator[str]:
    """The table for people, as Markdown."""
    yield "| set | head | measure | texts | heard | goal | majority | VADER | |"
    yield "|---|---|---|---:|---:|---:|---:|---:|---|"
    yield from map(_row, found.scores)
    yield ""
    yield f"Short texts read per second of one core: {found.texts_per_cpu_second:,.0f}, all heads."
    if found.vader_per_cpu_second is None:
        yield "vaderSentiment is not installed: its column is empty."
    else:
        yield f"VADER alone, the same texts: {found.vader_per_cpu_second:,.0f}."
    for name, why in NO_HEAD_FITS.items():
        yield f"{name} is not scored: {why}."
    if found.not_found:
        yield f"Not found: {', '.join(found.not_found)}."


def _row(score: Score) -> str:
    figures = (score.heard, score.goal, score.majority, score.vader)
    shown = " | ".join("–" if figure is None else f"{figure:.3f}" for figure in figures)
    return (
        f"| {score.data_set} | {score.head} | {score.measure} | {score.texts:,} | {shown} "
        f"| {score.note} |"
    )
