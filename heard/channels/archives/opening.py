"""Opens the files of an archive: plain or gzip, any common encoding, rows or lines, one at a time.

Memory stays bounded by one row. A row or a file that is broken is reported where it breaks.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from heard.channels.archives.archive import ArchiveError, set_aside
from heard.channels.base import SetAside
from heard.channels.texts import charset_of, repair

# The module's own limit of 131,072 is too small for real forum posts. One limit there must be, or
# a single stray quote would take the rest of a large file into memory as one field.
LONGEST_FIELD = 16 * 2**20
csv.field_size_limit(LONGEST_FIELD)

_GZIP = b"\x1f\x8b"
_BREAKS_OFF = "the file breaks off"
DAMAGES = (EOFError, OSError, zlib.error, UnicodeError)


class Broken(NamedTuple):
    """A record that could not even be cut into fields."""

    reason: str
    raw: str = ""

    def at(self, where: str) -> SetAside:
        """The same, as something set aside."""
        return set_aside(where, self.reason, raw=self.raw)


class Source:
    """One file of an archive, read from its beginning."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        try:
            self.size = path.stat().st_size
        except OSError as error:
            raise ArchiveError(f"{path}: {error.strerror or error}") from error
        if path.is_dir():
            raise ArchiveError(f"{path} is a folder, a file is needed")
        self._raw: io.BufferedReader[Any] | None = None
        self._read = 0

    @property
    def read(self) -> int:
        """The bytes read so far, as they lie on disk."""
        return self._raw.tell() if self._raw else self._read

    @contextmanager
    def content(self) -> Iterator[io.BufferedReader[Any]]:
        """The bytes, unpacked."""
        try:
            raw: io.BufferedReader[Any] = io.BufferedReader(io.FileIO(self.path), buffer_size=2**18)
        except OSError as error:
            raise ArchiveError(f"{self.path}: {error.strerror or error}") from error
        with raw:
            self._raw = raw
            try:
                if raw.peek(2)[:2] == _GZIP:
                    with gzip.GzipFile(fileobj=raw) as unpacked:
                        yield io.BufferedReader(unpacked, buffer_size=2**18)
                else:
                    yield raw
            finally:
                self._read, self._raw = raw.tell(), None

    @contextmanager
    def text(self, *, encoding: str = "") -> Iterator[io.TextIOWrapper]:
        """The content as text. Stray bytes in UTF-8 stay visible to `texts.repair`."""
        with self.content() as content:
            start = _start(content, name=self.name)
            charset = charset_of(start) or encoding or "utf-8"
            lenient = "surrogateescape" if charset.startswith("utf-8") else "replace"
            old_mac = b"\n" not in start and start.count(b"\r") > 1
            try:
                text = io.TextIOWrapper(
                    content, encoding=charset, errors=lenient, newline="\r" if old_mac else "\n"
                )
            except LookupError as error:
                raise ArchiveError(f"there is no encoding called {encoding!r}") from error
            try:
                yield text
            finally:
                text.detach()

    @contextmanager
    def rows(
        self, *, needed: Sequence[str] = (), delimiter: str = "", encoding: str = ""
    ) -> Iterator[tuple[list[str], Iterator[list[str] | Broken]]]:
        """The column names and the rows of a CSV file, each row as long as the header at least."""
        with self.text(encoding=encoding) as text:
            lines = _lines(text)
            try:
                first = next((line for line in lines if not line.isspace()), "")
                delimiter = delimiter or max(",;\t|", key=first.count)
                reader = csv.reader(chain([first], lines), delimiter=delimiter)
                header = [repair(name).strip() for name in next(reader)]
            except (*DAMAGES, csv.Error) as error:
                raise ArchiveError(f"{self.name} cannot be read: {error}") from error
            if not any(header):
                raise ArchiveError(f"{self.name} is empty: a line with the column names is needed")
            require(needed, among=header, of=self.name)
            yield header, _rows(reader, width=len(header))

    @contextmanager
    def objects(self, *, encoding: str = "") -> Iterator[Iterator[dict[str, Any] | Broken]]:
        """The objects of a file with one JSON object a line."""
        with self.text(encoding=encoding) as text:
            lines = iter(text)
            try:
                first = next((line for line in lines if not line.isspace()), "")
            except DAMAGES as error:
                raise ArchiveError(f"{self.name} cannot be read: {error}") from error
            if first.lstrip().startswith("["):
                raise ArchiveError(
                    f"{self.name} is one JSON list; one object a line is needed: jq -c '.[]'"
                )
            yield _objects(chain([first] if first else [], lines))


def require(names: Sequence[str], *, among: Sequence[str], of: str) -> None:
    """Say which of the columns that are needed are not there, and which are."""
    missing = [name for name in names if name not in among]
    if missing:
        there = ", ".join(among[:50])
        raise ArchiveError(f"{of} has no column {', '.join(missing)}; it has: {there}")


def _start(content: io.BufferedReader[Any], *, name: str) -> bytes:
    try:
        return content.peek(2**16)[: 2**16]
    except DAMAGES as error:
        raise ArchiveError(f"{name} cannot be read: {error}") from error


def _lines(text: Iterable[str]) -> Iterator[str]:
    """Lines for the csv module, which takes a lone CR outside of quotes for the end of a row."""
    for line in text:
        yield line.rstrip("\r\n").replace("\r", "\v") + "\n" if "\r" in line else line


def _rows(reader: Iterator[list[str]], *, width: int) -> Iterator[list[str] | Broken]:
    while True:
        try:
            for row in reader:
                if len(row) == width:
                    yield row
                elif not row:
                    continue
                elif len(row) < width:
                    yield row + [""] * (width - len(row))
                elif any(row[width:]):
                    yield Broken("the row has more fields than the header", "\n".join(row))
                else:
                    yield row
        except csv.Error as error:
            yield Broken(f"the row cannot be cut into fields: {error}")
        except DAMAGES:
            yield Broken(_BREAKS_OFF)
            return
        else:
            return


def _objects(lines: Iterable[str]) -> Iterator[dict[str, Any] | Broken]:
    try:
        for line in lines:
            if line.isspace():
                continue
            try:
                found = json.loads(line)
            except (ValueError, RecursionError):
                yield Broken("the line is not JSON", line[:10_000])
                continue
            if isinstance(found, dict):
                yield found
            else:
                yield Broken("the line is not a JSON object", line[:10_000])
    except DAMAGES:
        yield Broken(_BREAKS_OFF)


def picking(names: Sequence[str], *, header: Sequence[str]) -> Callable[[list[str]], Sequence[str]]:
    """Takes the fields of these columns from a row, "" for a column that the file does not have."""
    if all(name in header for name in names) and len(names) > 1:
        return itemgetter(*(header.index(name) for name in names))
    places = [header.index(name) if name in header else None for name in names]
    return lambda row: ["" if place is None else row[place] for place in places]
