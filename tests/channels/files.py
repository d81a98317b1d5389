"""Small archives, written by the tests."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Sequence
from pathlib import Path

from heard.channels.archives import Archive
from heard.channels.base import Incoming, SetAside


def write_csv(path: Path, *rows: Sequence[object]) -> Path:
    """A CSV file, packed if its name ends so."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    content = text.getvalue().encode("utf-8", "surrogatepass")
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def messages(archive: Archive) -> dict[str, Incoming]:
    """What was understood, by external id."""
    values = [item.value for item in archive.items()]
    return {value.external_id: value for value in values if isinstance(value, Incoming)}


def reasons(archive: Archive) -> list[str]:
    """Why the rest was set aside."""
    values = [item.value for item in archive.items()]
    return [value.reason for value in values if isinstance(value, SetAside)]
