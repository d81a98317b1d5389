"""Anybody's own export, CSV or one JSON object a line, read by a map that its owner writes in TOML.

The map says which column is which, what tells a reply from a question, and how dates are written;
`docs/import.md` explains it with examples. A map that does not fit is refused before the first row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any

from heard.channels.archives.archive import Item, Spread, digest, identifier, language_of, set_aside
from heard.channels.archives.maps import FIELDS, LEAVE_OUT, Map
from heard.channels.archives.opening import Broken, Source, require
from heard.channels.base import Incoming, Kind, SetAside
from heard.channels.dates import moment
from heard.channels.texts import repair

_TRUE = frozenset({"true", "1", "yes", "y", "t", "public"})
Record = Sequence[Any]
"""A row; or the object of a line and, inside it, the object of one message."""


@dataclass
class Table:
    """One file of records and the map to read it by."""

    file: Path
    map: Map
    channel: str = field(init=False)
    spread: Spread = field(init=False)

    def __post_init__(self) -> None:
        self._source = Source(self.file)
        self.channel = self.map.channel
        told = {name for fields in self.map.columns.values() for name in fields}
        names_roots = told & {"root", "thread"} and "parent" not in told
        self.spread = Spread.BY_ROOT if names_roots else Spread.NOT

    @property
    def files(self) -> tuple[Path, ...]:
        """The one file."""
        return (self.file,)

    def share(self) -> float:
        """How much has been read, from 0 to 1."""
        return self._source.read / self._source.size if self._source.size else 1.0

    def items(self, *, after: int = 0) -> Iterator[Item]:
        """Every message, in the order of the file; a position is a row, or a line of JSON."""
        return self._rows(after) if self.map.format == "csv" else self._lines(after)

    def _rows(self, after: int) -> Iterator[Item]:
        with self._source.rows(
            needed=self.map.names(), delimiter=self.map.delimiter, encoding=self.map.encoding
        ) as (header, rows):
            places = {name: place for place, name in reversed(list(enumerate(header)))}
            reader = _Reader(self.map, lambda name: itemgetter(places[name]))
            for position, row in enumerate(rows, start=1):
                if position <= after and not reader.remembers:
                    continue
                where = f"{self.file.name}, row {position + 1}"
                value = row.at(where) if isinstance(row, Broken) else reader.message(row, where)
                if value and position > after:
                    yield Item("", value, position)

    def _lines(self, after: int) -> Iterator[Item]:
        reader = _Reader(self.map, _path)
        with self._source.objects(encoding=self.map.encoding) as lines:
            for position, line in enumerate(lines, start=1):
                if 1 < position <= after and not reader.remembers:
                    continue
                where = f"{self.file.name}, line {position}"
                for value in self._values(line, reader, where, is_first=position == 1):
                    if position > after:
                        yield Item("", value, position)

    def _values(
        self, line: dict[str, Any] | Broken, reader: _Reader, where: str, *, is_first: bool
    ) -> Iterator[Incoming | SetAside]:
        if isinstance(line, Broken):
            yield line.at(where)
            return
        messages = self._messages(line)
        if is_first:
            self._try(messages)
        if not messages:
            yield set_aside(where, "it has no messages", raw=repr(line)[:4_000])
        for message in messages:
            if value := reader.message((line, message), where):
                yield value

    def _messages(self, line: dict[str, Any]) -> list[dict[str, Any]]:
        if not self.map.messages:
            return [line]
        found = _walk(line, tuple(self.map.messages.split(".")))
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def _try(self, messages: list[dict[str, Any]]) -> None:
        """A path that no message of the first line has is more likely a slip than an absence."""
        if not messages:
            return
        there = list(dict.fromkeys(key for message in messages for key in message))
        wanted = {
            name.split(".")[0]
            for fields in (self.map.columns.get("", {}), self.map.columns.get("incoming", {}))
            for key in ("at", "text", "html")
            for name in fields.get(key, ())
            if not name.startswith("^")
        }
        require(sorted(wanted - set(there)), among=there, of=f"line 1 of {self.file.name}")


class _Reader:
    """A map made ready for one file: for each kind, the way from a record to its fields."""

    def __init__(self, map_: Map, getter: Callable[[str], Callable[[Any], str]]) -> None:
        self._map = map_
        self._rules = [
            (
                rule,
                None if rule.kind == LEAVE_OUT else Kind(rule.kind),
                getter(rule.column) if rule.column else None,
                getter(rule.same_as) if rule.same_as else None,
            )
            for rule in map_.rules
        ]
        self._fields = {
            kind: tuple(self._field(name, str(kind), getter) for name in FIELDS) for kind in Kind
        }
        # Few exports say whom each reply answers: then it is who last spoke in the thread.
        told = {name for fields in map_.columns.values() for name in fields}
        self.remembers = bool(told & {"root", "thread"})
        self._speakers: dict[str, str] = {}

    def _field(
        self, name: str, kind: str, getter: Callable[[str], Callable[[Any], str]]
    ) -> Callable[[Any], str]:
        for key in (kind, ""):
            if names := self._map.columns.get(key, {}).get(name):
                return _first_filled([getter(one) for one in names])
            if name in (constants := self._map.constants.get(key, {})):
                return _always(constants[name])
        return _always("")

    def message(self, record: Record, where: str) -> Incoming | SetAside | None:
        """The message of a record; None for what the map leaves out."""
        kind = self._kind(record)
        if kind is None:
            return None
        fields = [get(record) for get in self._fields[kind]]
        (
            number, created, text, html, sender, name, thread, root, parent, to, author, subject,
            language, public, automatic,
        ) = fields  # fmt: skip
        at = moment(created.strip(), zone=self._map.zone, formats=self._map.dates)
        html = repair(html).strip() if html else ""
        text = repair(text).strip()
        sender, to = _address(sender), _address(to)
        problem = (
            "its date cannot be read"
            if at is None
            else "it has no text"
            if not text and not html
            else "nobody is named as its sender"
            if not sender and kind is Kind.INCOMING
            else ""
        )
        if problem or at is None:
            return set_aside(where, problem, raw="\n".join(one[:1_000] for one in fields if one))
        name, author = _line(name)[:200], _line(author)[:200]
        root, thread = identifier(root), identifier(thread)
        # The name of a thread is no message's id, and must not be taken for one.
        root = root or (f"thread:{thread}" if thread else "")
        if root and self.remembers:
            if kind is Kind.INCOMING:
                self._speakers[root] = sender
            elif not parent:
                to = to or self._speakers.get(root, "")
        return Incoming(
            external_id=identifier(number) or digest(*fields),
            at=at,
            text=text,
            sender=sender,
            kind=kind,
            sender_name=name,
            root=root,
            parent=identifier(parent),
            to="" if kind is Kind.INCOMING else to,
            author="" if kind is Kind.INCOMING else author or name,
            subject=_line(subject),
            html=html,
            language=language_of(language),
            is_public=kind is not Kind.NOTE and _is_true(public),
            is_automatic=_is_true(automatic),
        )

    def _kind(self, record: Record) -> Kind | None:
        for rule, kind, get, same in self._rules:
            if get is None:
                return kind
            word = get(record).strip().lower()
            if (
                word in rule.words
                or (rule.ends_with and word.endswith(rule.ends_with))
                or (same is not None and word != "" and word == same(record).strip().lower())
            ):
                return kind
        return Kind.INCOMING


def _first_filled(getters: Sequence[Callable[[Any], str]]) -> Callable[[Any], str]:
    if len(getters) == 1:
        return getters[0]
    return lambda record: next((word for get in getters if (word := get(record)).strip()), "")


def _always(word: str) -> Callable[[Any], str]:
    return lambda _: word


def _path(name: str) -> Callable[[Any], str]:
    """The way to a value in JSON: "via.channel" in the message, "^requester.email" in the line."""
    keys = tuple(name.lstrip("^").split("."))
    level = 0 if name.startswith("^") else 1
    return lambda record: _word_of(_walk(record[level], keys))


def _walk(value: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key[:9]) < len(value):
            value = value[int(key[:9])]
        else:
            return None
    return value


def _word_of(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, dict | list):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _line(text: str) -> str:
    return " ".join(repair(text).split()) if text else ""


def _is_true(text: str) -> bool:
    return bool(text) and text.strip().lower() in _TRUE


def _address(text: str) -> str:
    """Addresses are one person's however they are capitalised; other names may not be."""
    address = identifier(text)
    return address.lower() if "@" in address else address
