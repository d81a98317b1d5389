"""Lines of CSV that a spreadsheet shows and does not run, and the way back."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any

FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would run."""


class _Echo:
    """A file for `csv` that hands each line back."""

    def write(self, line: str) -> str:
        return line


def as_lines(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """A heading and a line for each row; no cell of ours is run by a spreadsheet."""
    writer = csv.writer(_Echo())
    yield writer.writerow(columns)
    for row in rows:
        yield writer.writerow([_harmless(value) for value in row])


def as_written(cell: str) -> str:
    """A cell as it was before `as_lines` made it harmless."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULAS) else cell


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value
