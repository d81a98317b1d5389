"""The map by which somebody's own export is read, written by its owner in TOML.

A map that is wrong in itself is refused with a sentence; whether it fits a file is seen in `table`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from heard.channels.archives.archive import ArchiveError
from heard.channels.base import Kind

LEAVE_OUT = "leave out"

FIELDS = (
    "id", "at", "text", "html", "sender", "name", "thread", "root", "parent", "to", "author",
    "subject", "language", "public", "automatic",
)  # fmt: skip
_KINDS = tuple(str(kind) for kind in Kind)
_TOP = {
    "format", "channel", "delimiter", "encoding", "timezone", "dates", "messages", "columns",
    "constants", "kind",
}  # fmt: skip
_RULE = {"kind", "column", "is", "ends_with", "same_as"}


class Rule(NamedTuple):
    """A record whose `column` says so is of this kind; without a column every record is."""

    kind: str
    column: str = ""
    words: tuple[str, ...] = ()
    ends_with: tuple[str, ...] = ()
    same_as: str = ""


@dataclass(frozen=True)
class Map:
    """What the owner of an export says of it; `columns` and `constants` by kind, then by field."""

    format: str
    columns: Mapping[str, Mapping[str, tuple[str, ...]]]
    constants: Mapping[str, Mapping[str, str]]
    rules: tuple[Rule, ...]
    channel: str = "other"
    delimiter: str = ""
    encoding: str = ""
    zone: tzinfo = UTC
    dates: tuple[str, ...] = ()
    messages: str = ""

    def names(self) -> list[str]:
        """Every column or path that it speaks of, once."""
        spoken = [
            name for fields in self.columns.values() for names in fields.values() for name in names
        ]
        spoken += [name for rule in self.rules for name in (rule.column, rule.same_as) if name]
        return list(dict.fromkeys(spoken))


def read_map(path: Path) -> Map:
    """The map in a TOML file; an `ArchiveError` says what in it is wrong."""
    try:
        with path.open("rb") as file:
            written = tomllib.load(file)
    except OSError as error:
        raise ArchiveError(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ArchiveError(f"{path.name} is not TOML: {error}") from error
    try:
        return _checked(written)
    except ArchiveError as error:
        raise ArchiveError(f"{path.name}: {error}") from error


def _checked(written: Mapping[str, Any]) -> Map:
    _allow(written, _TOP, of="the map")
    form = _word(written, "format", default="jsonl" if "messages" in written else "csv")
    if form not in {"csv", "jsonl"}:
        raise ArchiveError(f"format is {form!r}; it may be csv or jsonl")
    columns = {
        kind: {name: _names(value, of=name) for name, value in fields.items()}
        for kind, fields in _by_kind(written, "columns").items()
    }
    constants = {
        kind: {name: _constant(value, of=name) for name, value in fields.items()}
        for kind, fields in _by_kind(written, "constants").items()
    }
    for kind in _KINDS[:1]:
        known = {
            name
            for part in (columns, constants)
            for key in ("", kind)
            for name in part.get(key, {})
        }
        for needed in ({"at"}, {"text", "html"}, {"sender"}):
            if not known & needed:
                raise ArchiveError(
                    f"[columns] must say which column is {' or '.join(sorted(needed))}"
                )
    return Map(
        format=form,
        columns=columns,
        constants=constants,
        rules=tuple(_rule(rule) for rule in _list(written.get("kind", []), of="kind")),
        channel=_word(written, "channel", default="other"),
        delimiter=_delimiter(_word(written, "delimiter")),
        encoding=_word(written, "encoding"),
        zone=_zone(_word(written, "timezone", default="UTC")),
        dates=_dates(_names(written.get("dates", []), of="dates")),
        messages=_word(written, "messages"),
    )


def _by_kind(written: Mapping[str, Any], part: str) -> dict[str, dict[str, Any]]:
    """`[columns]` under "", `[columns.reply]` under "reply"."""
    fields = written.get(part, {})
    if not isinstance(fields, dict):
        raise ArchiveError(f"{part} must be a table: [{part}]")
    found = {"": {name: value for name, value in fields.items() if not isinstance(value, dict)}}
    found |= {name: value for name, value in fields.items() if isinstance(value, dict)}
    for kind, names in found.items():
        if kind and kind not in _KINDS:
            raise ArchiveError(f"[{part}.{kind}]: a kind is {', '.join(_KINDS)}")
        _allow(names, set(FIELDS), of=f"[{part}.{kind}]" if kind else f"[{part}]")
    return found


def _rule(written: object) -> Rule:
    if not isinstance(written, dict):
        raise ArchiveError("kind must be a list of tables: [[kind]]")
    _allow(written, _RULE, of="[[kind]]")
    kind = _word(written, "kind")
    if kind not in {*_KINDS, LEAVE_OUT}:
        raise ArchiveError(f"[[kind]] needs a kind: {', '.join(_KINDS)} or {LEAVE_OUT}")
    rule = Rule(
        kind=kind,
        column=_word(written, "column"),
        words=tuple(
            _constant(word, of="is").lower() for word in _list(written.get("is", []), of="is")
        ),
        ends_with=tuple(
            word.lower() for word in _names(written.get("ends_with", []), of="ends_with")
        ),
        same_as=_word(written, "same_as"),
    )
    if rule.column and not (rule.words or rule.ends_with or rule.same_as):
        raise ArchiveError(f"[[kind]] for {rule.column} needs is, ends_with or same_as")
    return rule


def _allow(written: Mapping[str, Any], allowed: set[str], *, of: str) -> None:
    for name in written:
        if name not in allowed:
            raise ArchiveError(f"{of} has no {name!r}; it may have: {', '.join(sorted(allowed))}")


def _word(written: Mapping[str, Any], name: str, *, default: str = "") -> str:
    value = written.get(name, default)
    if not isinstance(value, str):
        raise ArchiveError(f"{name} must be a text in quotes")
    return value


def _zone(name: str) -> tzinfo:
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise ArchiveError(f"there is no time zone called {name!r}") from error


def _dates(spellings: Sequence[str]) -> tuple[str, ...]:
    """Each must be able to read what it writes, or it would never read anything."""
    sample = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
    for spelling in spellings:
        try:
            read = datetime.strptime(sample.strftime(spelling), spelling)  # noqa: DTZ007
        except ValueError as error:
            raise ArchiveError(f"dates: {spelling!r} is not a date format: {error}") from error
        if read.date() != sample.date():
            raise ArchiveError(f"dates: {spelling!r} leaves out the day, the month or the year")
    return tuple(spellings)


def _delimiter(word: str) -> str:
    word = {"tab": "\t", "\\t": "\t"}.get(word, word)
    if len(word) > 1:
        raise ArchiveError(f"delimiter is {word!r}; it must be one character, or tab")
    return word


def _list(value: object, *, of: str) -> list[Any]:
    if not isinstance(value, list):
        raise ArchiveError(f"{of} must be a list in square brackets")
    return value


def _names(value: object, *, of: str) -> tuple[str, ...]:
    """One name, or several of which the first that is filled counts."""
    names = value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) and name for name in names):
        raise ArchiveError(f"{of} must be a text in quotes, or a list of such")
    return tuple(names)


def _constant(value: object, *, of: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ArchiveError(f"{of} must be a text, a number, true or false")
