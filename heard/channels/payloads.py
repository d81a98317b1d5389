"""Reading the JSON that vendors post: one bad item never stops the others, and no clock runs ahead.

Values are taken as they come; what has the wrong shape raises one of `WRONG`, which `each` turns
into a `SetAside`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from heard.channels.base import Heard, NotUnderstoodError, SetAside
from heard.channels.dates import moment
from heard.channels.texts import repair

WRONG = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError)
"""What comes of a payload whose parts are not what the vendor's documents say."""


def read(body: bytes) -> dict[str, Any]:
    """The object that a body holds; `NotUnderstoodError` for a broken off or other one."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotUnderstoodError(f"This is not JSON: {str(error)[:200]}") from None
    if not isinstance(said, dict):
        raise NotUnderstoodError("This is JSON, but not the object that was expected.")
    return said


def each(
    items: Any, *, where: str, understood: Callable[[Any], Iterable[Heard]]
) -> Iterator[Heard]:
    """What the items of a list say; each that is not understood is set aside alone, with itself."""
    if items is None:
        return
    if not isinstance(items, list):
        yield SetAside(where=where, reason=f"“{where}” is not a list", raw=_raw(items))
        return
    for number, item in enumerate(items, start=1):
        try:
            yield from list(understood(item))
        except KeyError as error:
            reason = f"{error} is missing"
            yield SetAside(where=f"{where} {number}", reason=reason, raw=_raw(item))
        except WRONG as error:
            reason = str(error)[:300] or type(error).__name__
            yield SetAside(where=f"{where} {number}", reason=reason, raw=_raw(item))


def at(value: Any, *, heard_at: datetime) -> datetime:
    """A moment from seconds, milliseconds or text; never later than it was heard. `ValueError`."""
    found = None
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        found = moment(str(value))
    if found is None:
        raise ValueError(f"the date {str(value)[:40]!r} cannot be read")
    return min(found, heard_at)


def name_of(value: Any, what: str = "id") -> str:
    """An id as text, 1 to 300 characters. Raises `ValueError`."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not 0 < len(value) <= 300:
        raise ValueError(f"“{what}” is missing or no name")
    return repair(value)


def words(value: Any) -> str:
    """Text as people wrote it, repaired; nothing for what is no text."""
    return repair(value).strip() if isinstance(value, str) else ""


def from_unix(seconds: float) -> datetime:
    """The moment in UTC, `seconds` after 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def _raw(item: Any) -> str:
    try:
        return json.dumps(item, ensure_ascii=False)[:20_000]
    except (ValueError, RecursionError):
        return ""
