"""Labelled texts in the shared data folder: where it is, and how its files are read."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def data_folder() -> Path:
    """`data` in the folder HEARD_SHARED names, else in `shared` beside the checkout."""
    beside = Path(__file__).resolve().parents[3] / "shared"
    return Path(os.environ.get("HEARD_SHARED") or beside) / "data"


def table(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a gzip-compressed CSV file with a header."""
    csv.field_size_limit(10**9)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a gzip-compressed file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)
