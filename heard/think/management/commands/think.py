"""`heard think check < drafts.jsonl`: the five lights of many drafts, a line in, a line out."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand

from heard.think import Facts, check
from heard.think.scoring import scores

_LISTS = {"contact_details", "earlier_replies", "our_details", "allowed_domains"}
_TYPES: Mapping[str, tuple[type, ...]] = {
    "is_public": (bool,),
    "contact_is_upset": (bool, type(None)),
    "max_length": (int, type(None)),
    "now": (str, type(None)),
    **dict.fromkeys(_LISTS, (list,)),
}


class Command(BaseCommand):
    """Checks drafts from standard input; a line that cannot be read says so in its answer."""

    help = "Check drafts (lines of JSON with draft, message, public) and print the five lights."
    needs_database = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One task so far."""
        tasks = parser.add_subparsers(dest="task", required=True)
        tasks.add_parser("check", help="Read drafts from standard input, print a line for each.")

    def handle(self, *_args: Any, **_options: Any) -> None:
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
    known = [field.name for field in fields(Facts) if field.name in row]
    return draft, Facts(**{name: _fact(name, row[name]) for name in known})


def _fact(name: str, value: Any) -> Any:
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
