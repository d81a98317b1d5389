"""Facts as a sheet of CSV, out and in again, as spreadsheets write them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from io import StringIO

from django.utils.translation import gettext as _

from heard.knowledge.models import LONGEST_SUBJECT, LONGEST_VALUE, LONGEST_WORDS, HouseFact
from heard.lib.spreadsheets import as_lines, as_written

COLUMNS = ("subject", "words", "value", "brand", "place", "language", "valid_until")
MOST_LINES = 2_000
MOST_ERRORS = 10
LARGEST = 1024 * 1024  # bytes


class SheetError(ValueError):
    """A sheet that cannot be taken in; `sentences` say why, for people, a line at a time."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = list(sentences[:MOST_ERRORS])
        if len(sentences) > MOST_ERRORS:
            more = _("And %(count)d more lines.") % {"count": len(sentences) - MOST_ERRORS}
            self.sentences.append(more)


@dataclass(frozen=True, slots=True)
class Line:
    """One fact of a sheet; brand and place by their names. `number` counts the heading as 1."""

    number: int
    subject: str
    value: str
    words: str = ""
    brand: str = ""
    place: str = ""
    language: str = ""
    valid_until: date | None = None


def sheet_of(facts: Iterable[HouseFact]) -> Iterator[str]:
    """A heading and a line for each fact; brand and place should have come along."""
    return as_lines(
        COLUMNS,
        (
            (
                fact.subject,
                fact.words,
                fact.value,
                fact.brand.name if fact.brand else "",
                fact.place.name if fact.place else "",
                fact.language,
                fact.valid_until.isoformat() if fact.valid_until else "",
            )
            for fact in facts
        ),
    )


def line_says(number: int, why: str) -> str:
    """What is wrong with one line, for people."""
    return _("Line %(number)d: %(why)s") % {"number": number, "why": why}


def lines_of(raw: bytes) -> list[Line]:
    """The facts of an uploaded sheet: commas, semicolons or tabs; only subject and value must be.

    Raises `SheetError` with a sentence for each line that cannot be read.
    """
    if len(raw) > LARGEST:
        raise SheetError([_("That sheet is too large: one megabyte is the most.")])
    rows = list(_rows(raw))
    heading = [cell.strip().casefold().replace(" ", "_") for cell in rows[0][1]] if rows else []
    if "subject" not in heading or "value" not in heading:
        says = _("The first line must name the columns; subject and value are needed.")
        raise SheetError([says])
    if len(rows) - 1 > MOST_LINES:
        raise SheetError(
            [_("That sheet is too long: %(most)d facts are the most.") % {"most": MOST_LINES}]
        )
    lines: list[Line] = []
    wrong: list[str] = []
    for number, cells in rows[1:]:
        row = dict(zip(heading, (as_written(cell.strip()) for cell in cells), strict=False))
        if not any(row.values()):
            continue
        try:
            lines.append(_line(number, row))
        except ValueError as error:
            wrong.append(line_says(number, str(error)))
    if wrong:
        raise SheetError(wrong)
    return lines


def _rows(raw: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", "replace")  # what older spreadsheets write
    text = text.replace("\0", "")
    first = text.partition("\n")[0]
    comma = max(",;\t", key=first.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=comma)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise SheetError([_("This cannot be read as CSV: %(why)s.") % {"why": error}]) from None


def _line(number: int, row: dict[str, str]) -> Line:
    subject, value, words = row.get("subject", ""), row.get("value", ""), row.get("words", "")
    if not subject or not value:
        raise ValueError(_("subject and value are needed."))
    for text, longest in (
        (subject, LONGEST_SUBJECT),
        (value, LONGEST_VALUE),
        (words, LONGEST_WORDS),
    ):
        if len(text) > longest:
            raise ValueError(_("“%(text)s …” is too long.") % {"text": text[:40]})
    language = row.get("language", "").lower()
    if language and not re.fullmatch(r"[a-z]{2,3}", language):
        raise ValueError(
            _("%(language)s is no language such as en, de, fr.") % {"language": language}
        )
    return Line(
        number,
        subject,
        value,
        words,
        row.get("brand", ""),
        row.get("place", ""),
        language,
        _day(row.get("valid_until", "")),
    )


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(_("%(text)s is no day such as 2027-01-31.") % {"text": text}) from None
