"""`heard think check < drafts.jsonl` (a line in, a line out) and `heard think evaluate`."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from heard.reading.labelled import data_folder
from heard.think import Facts, Known, Opening, Turn, check
from heard.think.evaluation import CORPUS, Score, Table, evaluate
from heard.think.findings import Spans
from heard.think.scores.scoring import scores

_SHOWN_FROM = 0.002  # of replies, for a rule to be listed by itself
_LISTS = {
    "contact_details",
    "earlier_replies",
    "our_details",
    "allowed_domains",
    "saved_answers",
    "our_names",
}
_TYPES: Mapping[str, tuple[type, ...]] = {
    "is_public": (bool,),
    "contact_is_upset": (bool, type(None)),
    "max_length": (int, type(None)),
    "now": (str, type(None)),
    **dict.fromkeys(_LISTS, (list,)),
}


class Command(BaseCommand):
    """Checks drafts from standard input, or scores the check on labelled ones.

    A line that cannot be read says so in its answer.
    """

    help = "Check drafts (lines of JSON with draft, message, public), or score the check."
    needs_database = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Two tasks."""
        tasks = parser.add_subparsers(dest="task", required=True)
        tasks.add_parser("check", help="Read drafts from standard input, print a line for each.")
        scoring = tasks.add_parser("evaluate", help="Score the check on labelled drafts.")
        scoring.add_argument("--data", type=Path, help="the folder with the labelled sets")
        scoring.add_argument(
            "--corpus", type=Path, default=CORPUS, help="the folder of our own corpus"
        )
        scoring.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do the task."""
        if options["task"] == "evaluate":
            self._evaluate(options["data"] or data_folder(), options)
        else:
            self._check()

    def _evaluate(self, folder: Path, options: Mapping[str, Any]) -> None:
        found = evaluate(folder, corpus=options["corpus"])
        if not found.scores:
            raise CommandError(
                f"There is nothing to score in {folder} or {options['corpus']}. "
                "Name the folders with --data and --corpus."
            )
        if options["json"]:
            self.stdout.write(json.dumps(found.as_json(), indent=1))
        else:
            self.stdout.write("\n".join(report(found)))

    def _check(self) -> None:
        """Answer line by line, so that a pipe can wait for each."""
        for line in sys.stdin.buffer:
            if line.strip():
                self.stdout.write(json.dumps(_answer(line)))
                self.stdout.flush()


def _answer(line: bytes) -> dict[str, Any]:
    try:
        draft, facts = _read(line)
    except ValueError as error:
        return {"error": str(error)}
    found = check(draft, facts)
    promise = {"text": found.promise_text, "at": found.promise_at and found.promise_at.isoformat()}
    return {
        **{str(letter): str(light) for letter, light in found.lights.items()},
        "findings": [asdict(finding) for finding in found.findings],
        "stops": found.stops,
        "promise": promise if found.promise_text else None,
        "questions": [asdict(question) for question in found.questions],
        "scores": asdict(scores(draft, facts, found=found)),
    }


def _read(line: bytes) -> tuple[str, Facts]:
    """The draft and facts of a line; raises `ValueError` with a sentence for people."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"this line is not JSON: {error}") from None
    if not isinstance(row, dict):
        raise ValueError("this line is not a JSON object")
    draft = row.get("draft")
    if not isinstance(draft, str):
        raise ValueError('"draft" is missing, or no text')
    if "public" in row:
        row["is_public"] = row["public"]
    known = [field.name for field in fields(Facts) if field.name in row.keys() - {"softened"}]
    return draft, Facts(**{name: _fact(name, row[name]) for name in known})


def _fact(name: str, value: Any) -> Any:
    if name in _SHAPED:
        try:
            return _SHAPED[name](value)
        except (TypeError, KeyError, ValueError, AttributeError):
            raise ValueError(f'"{name}" cannot be {json.dumps(value)[:60]}') from None
    is_right = isinstance(value, _TYPES.get(name, (str,)))
    if name in _LISTS and is_right:
        is_right = all(isinstance(part, str) for part in value)
    if name == "max_length":
        is_right = is_right and value is not True and value is not False
    if not is_right:
        raise ValueError(f'"{name}" cannot be {json.dumps(value)[:60]}')
    if name in _LISTS:
        return tuple(value)
    return datetime.fromisoformat(value) if name == "now" and value is not None else value


def _known(value: Any) -> tuple[Known, ...]:
    return tuple(
        Known(_text(it["subject"]), _text(it["value"]), tuple(map(_text, it.get("words", ()))))
        for it in value
    )


def _thread(value: Any) -> tuple[Turn, ...]:
    return tuple(
        Turn(is_ours=it["ours"] is True, text=_text(it["text"]), by=_text(it.get("by", "")))
        for it in value
    )


def _opening(value: Any) -> Opening | None:
    if value is None:
        return None
    days = value.get("days", {}).items()
    return Opening(
        tuple(map(_spans, value["week"])),
        tuple((date.fromisoformat(day), _spans(spans)) for day, spans in days),
    )


def _spans(value: Any) -> Spans:
    return tuple((_minute(begins), _minute(ends)) for begins, ends in value)


def _minute(text: str) -> int:
    """Minutes since midnight of "09:30"; the day ends at "24:00"."""
    hour, minute = text.split(":")
    return 60 * int(hour) + int(minute)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


_SHAPED: Mapping[str, Callable[[Any], Any]] = {
    "known": _known,
    "thread": _thread,
    "opening": _opening,
}


def report(found: Table) -> Iterator[str]:
    """The table for people, as Markdown."""
    yield "| set | of | measure | drafts | heard | 95 % | chance | VADER | |"
    yield "|---|---|---|---:|---:|---|---:|---:|---|"
    yield from map(_row, found.scores)
    for name, rates in found.fires.items():
        yield ""
        yield f"Of the real replies in {name} (public, no labels), share with a finding:"
        yield (
            ", ".join(f"{code} {rate:.1%}" for code, rate in rates.items() if rate >= _SHOWN_FROM)
            or "none"
        )
    if found.not_found:
        yield ""
        yield f"Not found: {', '.join(found.not_found)}."


def _row(score: Score) -> str:
    figures = [
        "–" if figure is None else f"{figure:.3f}"
        for figure in (score.heard, score.chance, score.vader)
    ]
    between = "" if score.low is None else f"{score.low:.3f} to {score.high:.3f}"
    return (
        f"| {score.data_set} | {score.what} | {score.measure} | {score.drafts:,} | {figures[0]} "
        f"| {between} | {figures[1]} | {figures[2]} | {score.note} |"
    )
