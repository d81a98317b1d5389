"""Saved answers in and out of files: CSV and JSON of ours, and as other programs write theirs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from heard.channels.registry import kinds
from heard.knowledge.gaps import in_our_words
from heard.knowledge.models import SavedAnswer
from heard.knowledge.saving import free_short, keep, shorts
from heard.lib.spreadsheets import as_lines, as_written
from heard.staff.models import Brand, Place, Team, User

COLUMNS = ("short", "title", "text", "language", "brand", "place", "team", "kinds")
ALSO = {
    "short_code": "short",
    "shortcut": "short",
    "shortcode": "short",
    "name": "title",
    "content": "text",
    "body": "text",
    "answer": "text",
    "locale": "language",
}
"""What other programs call our columns: canned responses, macros, snippets."""
BETWEEN_KINDS = ";"


class UnreadableError(Exception):
    """A file that is neither the JSON nor the CSV of saved answers; its words say what is wrong."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What came of a file: how many were new, changed, the same, and what was refused and why."""

    added: int = 0
    changed: int = 0
    same: int = 0
    refused: tuple[str, ...] = ()


def read(content: str) -> list[dict[str, str]]:
    """The answers of a file, JSON or CSV, by our names of the columns. Raises `UnreadableError`."""
    begins = content.lstrip("\ufeff \r\n\t")[:1]
    rows = _from_json(content) if begins in ("[", "{") else _from_csv(content)
    found = [_named(row) for row in rows]
    if not found:
        raise UnreadableError(_("There is no answer in it."))
    return found


def as_csv(answers: Iterable[SavedAnswer]) -> Iterable[str]:
    """A heading and a line for each, which `read` reads again."""
    return as_lines(COLUMNS, (_row(answer).values() for answer in answers))


def as_json(answers: Iterable[SavedAnswer]) -> str:
    """A list, which `read` reads again."""
    return json.dumps([_row(answer) for answer in answers], ensure_ascii=False, indent=1) + "\n"


@transaction.atomic
def bring_in(rows: Iterable[Mapping[str, str]], *, by: User | None, now: datetime) -> Carried:
    """Keep the answers of a file. One of the same short name and scope is changed to it.

    A row that cannot be kept is refused with its number, and the others are kept.
    """
    scopes = _Scopes(by)
    added = changed = same = 0
    refused: list[str] = []
    taken = set(shorts())
    for number, row in enumerate(rows, start=1):
        try:
            made = _made(row, scopes, taken=taken)
            known = _known(made)
            if known is not None and (known.title, known.text) == (made.title, made.text):
                same += 1
                continue
            if known is not None:
                known.title, known.text = made.title, made.text
            answer = known or made
            answer.full_clean(exclude=["said_by", "said_at"])
        except (ValueError, ValidationError) as wrong:
            refused.append(_("Row %(number)s: %(why)s") % {"number": number, "why": _words(wrong)})
            continue
        keep(answer, by=by, now=now)
        taken.add(answer.short)
        added, changed = added + (known is None), changed + (known is not None)
    return Carried(added, changed, same, tuple(refused))


class _Scopes:
    """The brands, places and teams of the house by name; of the teams those that `by` may use."""

    def __init__(self, by: User | None) -> None:
        sees_all = by is None or by.is_owner
        teams = Team.objects.all() if sees_all or by is None else by.teams.all()
        self._known: dict[str, dict[str, Any]] = {
            "brand": {row.name.casefold(): row for row in Brand.objects.all()},
            "place": {row.name.casefold(): row for row in Place.objects.all()},
            "team": {row.name.casefold(): row for row in teams},
        }

    def named(self, scope: str, name: str) -> Any:
        """The one of this name, None for an empty one. Raises `ValueError` for an unknown one."""
        if not name:
            return None
        found = self._known[scope].get(name.casefold())
        if found is None:
            raise ValueError(
                _("there is no %(scope)s “%(name)s”.") % {"scope": scope, "name": name}
            )
        return found


def _made(row: Mapping[str, str], scopes: _Scopes, *, taken: set[str]) -> SavedAnswer:
    title = row["title"] or row["short"].replace("-", " ").capitalize()
    short = row["short"].strip("/ ").replace(" ", "-")
    channels = [one.strip() for one in row["kinds"].split(BETWEEN_KINDS) if one.strip()]
    unknown = sorted(set(channels) - set(kinds()))
    if unknown:
        raise ValueError(_("there is no kind of inbox “%(name)s”.") % {"name": unknown[0]})
    return SavedAnswer(
        short=short or free_short(title, taken=taken),
        title=title,
        text=in_our_words(row["text"]),
        language=row["language"].partition("-")[0].partition("_")[0].lower(),
        brand=scopes.named("brand", row["brand"]),
        place=scopes.named("place", row["place"]),
        team=scopes.named("team", row["team"]),
        kinds=channels,
    )


def _known(made: SavedAnswer) -> SavedAnswer | None:
    return (
        SavedAnswer.objects.in_use()
        .filter(
            short__iexact=made.short,
            language=made.language,
            brand=made.brand,
            place=made.place,
            team=made.team,
        )
        .first()
    )


def _words(wrong: ValueError | ValidationError) -> str:
    return " ".join(wrong.messages) if isinstance(wrong, ValidationError) else str(wrong)


def _row(answer: SavedAnswer) -> dict[str, str]:
    return {
        "short": answer.short,
        "title": answer.title,
        "text": answer.text,
        "language": answer.language,
        "brand": answer.brand.name if answer.brand else "",
        "place": answer.place.name if answer.place else "",
        "team": answer.team.name if answer.team else "",
        "kinds": BETWEEN_KINDS.join(answer.kinds),
    }


def _from_json(content: str) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(content.lstrip("\ufeff"))
    except ValueError as error:
        raise UnreadableError(_("This is no JSON: %(why)s") % {"why": error}) from error
    if isinstance(found, dict):  # as some programs wrap their list
        found = next((part for part in found.values() if isinstance(part, list)), [found])
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise UnreadableError(_("This JSON is no list of answers."))
    return found


def _from_csv(content: str) -> list[Mapping[str, Any]]:
    file = io.StringIO(content.lstrip("\ufeff"), newline="")
    try:
        rows = list(csv.DictReader(file, dialect=_dialect(content)))
    except csv.Error as error:
        raise UnreadableError(_("This is no CSV: %(why)s") % {"why": error}) from error
    columns = {_column(name) for name in (rows[0] if rows else ()) if name}
    if rows and "text" not in columns:
        raise UnreadableError(_("There is no column “text” in the first line."))
    return [
        {name: as_written(cell) for name, cell in row.items() if name and isinstance(cell, str)}
        for row in rows
    ]


def _dialect(content: str) -> type[csv.Dialect]:
    heading = content.lstrip("\ufeff").partition("\n")[0]

    class Written(csv.excel):
        delimiter = max(",;\t", key=heading.count)

    return Written


def _column(name: str) -> str:
    plain = name.strip().casefold().replace(" ", "_")
    return ALSO.get(plain, plain)


def _named(row: Mapping[str, Any]) -> dict[str, str]:
    found = dict.fromkeys(COLUMNS, "")
    for name, value in row.items():
        column = _column(str(name))
        if column in found and value is not None:
            is_list = isinstance(value, list)
            found[column] = BETWEEN_KINDS.join(map(str, value)) if is_list else str(value).strip()
    for said in row.get("actions") or () if isinstance(row.get("actions"), list) else ():
        # A macro: the words it writes are one of the things it does.
        if isinstance(said, dict) and str(said.get("field", "")).startswith("comment_value"):
            value = said.get("value")
            found["text"] = str(value[-1] if isinstance(value, list) and value else value or "")
    return found
