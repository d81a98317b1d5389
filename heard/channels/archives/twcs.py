"""Support tweets in the columns of the public set "Customer Support on Twitter" (TWCS).

One inbox per company. Companies bear their handle; people bear masked numbers, and are people all
the same. A tweet belongs to the companies it speaks to or that answered it; where it names none,
to the nearest one in its thread.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heard.channels.archives.archive import Item, Spread, identifier, set_aside
from heard.channels.archives.opening import Broken, Source, picking
from heard.channels.base import Incoming, Kind, SetAside
from heard.channels.dates import moment
from heard.channels.texts import repair, without_entities

_COLUMNS = ("tweet_id", "author_id", "inbound", "created_at", "text", "in_response_to_tweet_id")
_NOTHING = ("",) * len(_COLUMNS)
_MENTION = re.compile(r"@(\w{1,50})", re.ASCII)
_LARGEST = 2**63 - 1


@dataclass
class Twcs:
    """The tweets between people and companies; with `companies`, only those of these handles."""

    file: Path
    companies: tuple[str, ...] = ()
    channel: str = field(default="twitter", init=False)
    spread: Spread = field(init=False)

    def __post_init__(self) -> None:
        self._source = Source(self.file)
        self.spread = Spread.BY_ROOT if len(self.companies) == 1 else Spread.BY_INBOX
        self._wanted = frozenset(name.lstrip("@").lower() for name in self.companies)

    @property
    def files(self) -> tuple[Path, ...]:
        """The one file."""
        return (self.file,)

    def share(self) -> float:
        """How much has been read, of the pass that is under way, from 0 to 1."""
        return self._source.read / self._source.size if self._source.size else 1.0

    def items(self, *, after: int = 0) -> Iterator[Item]:
        """Every tweet, once for each inbox it belongs to, in the order of the file.

        The file is read twice: who answered whom is known only when all of it has been seen.
        """
        threads = _Threads(self.companies)
        with self._source.rows(needed=_COLUMNS) as (header, rows):
            pick = picking(_COLUMNS, header=header)
            for row in rows:
                threads.add(_NOTHING if isinstance(row, Broken) else pick(row))
        threads.settle()
        with self._source.rows(needed=_COLUMNS) as (header, rows):
            for position, row in enumerate(rows, start=1):
                if position <= after:
                    continue
                if isinstance(row, Broken):
                    yield Item("", row.at(self._where(position)), position)
                else:
                    yield from self._filed(pick(row), threads, position)

    def _filed(self, fields: Sequence[str], threads: _Threads, position: int) -> Iterator[Item]:
        inboxes = threads.inboxes(position - 1)
        if self._wanted:
            inboxes = [name for name in inboxes if name.lower() in self._wanted]
            if not inboxes:
                return
        value = self._tweet(fields, threads, position)
        if isinstance(value, SetAside):
            yield Item(inboxes[0] if inboxes else "", value, position)
            return
        for name in inboxes:
            yield Item(name, value, position)
        if not inboxes:
            reason = "no company is named in it, and none answered"
            value = set_aside(self._where(position), reason, raw="\n".join(fields))
            yield Item("", value, position)

    def _tweet(
        self, fields: Sequence[str], threads: _Threads, position: int
    ) -> Incoming | SetAside:
        _, author, _, created, text, _ = fields
        row = position - 1
        author, at = identifier(author), moment(created)
        text = repair(without_entities(text)).strip()
        problem = (
            "its id is not a number"
            if threads.ids[row] < 0
            else "nobody is named as its author"
            if not author
            else "its date cannot be read"
            if at is None
            else "it has no text"
            if not text
            else ""
        )
        if problem or at is None:
            return set_aside(self._where(position), problem, raw="\n".join(fields))
        parent = threads.parents[row]
        is_reply = threads.speakers[row] >= 0
        return Incoming(
            external_id=str(threads.ids[row]),
            at=at,
            text=text,
            sender=author,
            kind=Kind.REPLY if is_reply else Kind.INCOMING,
            root=str(threads.roots[row]),
            parent=str(parent) if parent >= 0 else "",
            to=_addressee(text) if is_reply and not threads.shows_whom(row) else "",
            is_public=True,
        )

    def _where(self, position: int) -> str:
        return f"{self.file.name}, row {position + 1}"


def _addressee(text: str) -> str:
    """The first person that a tweet begins by speaking to."""
    for word in text.split(maxsplit=20):
        if not word.startswith(("@", ".@")):
            break
        handle = word.lstrip(".@").rstrip(".,:;!?")
        if handle.isascii() and handle.isdigit():
            return handle
    return ""


def _number(text: str) -> int:
    """An id, also as spreadsheets and pandas leave it behind ("8297.0"); -1 for anything else."""
    if not (text.isascii() and text.isdigit()):
        text = text.strip().removesuffix(".0")
        if not (text.isascii() and text.isdigit()):
            return -1
    number = int(text[:20])
    return number if number <= _LARGEST else -1


def _is_person(inbound: str, author: str) -> bool:
    if inbound in {"True", "False"}:
        return inbound == "True"
    word = inbound.strip().lower()
    if word in {"true", "t", "yes", "1", "false", "f", "no", "0"}:
        return word[0] in "ty1"
    return author.isdigit()


class _Threads:
    """Who answered whom in the whole file, in a few numbers a tweet."""

    def __init__(self, companies: Sequence[str]) -> None:
        self.ids = array("q")
        self.parents = array("q")
        self.speakers = array("i")  # the company that wrote it; -1 for a person
        self.roots = array("q")
        self._mention_rows = array("i")
        self._mention_companies = array("i")
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._asked = {self._company(name.lstrip("@")) for name in companies}
        self._spoken: set[int] = set()

    def add(self, fields: Sequence[str]) -> None:
        """The next tweet of the file."""
        tweet, author, inbound, _, text, parent = fields
        row = len(self.ids)
        self.ids.append(_number(tweet))
        self.parents.append(_number(parent) if parent else -1)
        if not author or _is_person(inbound, author):
            self.speakers.append(-1)
            if "@" in text:
                for handle in _MENTION.findall(text):
                    if not handle.isdigit():
                        self._mention_rows.append(row)
                        self._mention_companies.append(self._company(handle))
        else:
            name = identifier(author)
            company = self._company(name)
            if company not in self._spoken:
                self._spoken.add(company)
                self._names[company] = name  # spelt as it spells itself
            self.speakers.append(company)

    def _company(self, name: str) -> int:
        number = self._numbers.setdefault(name.lower(), len(self._names))
        if number == len(self._names):
            self._names.append(name)
        return number

    def settle(self) -> None:
        """Find the root of each tweet and the companies it belongs to."""
        ids, parents = _view(self.ids, np.int64), _view(self.parents, np.int64)
        speakers = _view(self.speakers, np.int32)
        above = _rows_of(parents, ids)
        self._above = array("q", above.tobytes())
        self.roots = array("q", _roots(ids, parents, above).tobytes())
        rows, companies = self._spoken_to(speakers, above)
        nearest = self._nearest(speakers, above, rows, companies)
        # Several companies for few tweets: a list of pairs, and where each tweet's pairs begin.
        pairs = np.unique(rows.astype(np.int64) * (len(self._names) + 1) + companies)
        owners, where = pairs % (len(self._names) + 1), pairs // (len(self._names) + 1)
        begins = np.searchsorted(where, np.arange(len(ids) + 1))
        self._owners = array("i", owners.astype(np.int32).tobytes())
        self._begins = array("q", begins.astype(np.int64).tobytes())
        self._nearest_of = array("i", nearest.tobytes())

    def inboxes(self, row: int) -> Sequence[str]:
        """The companies that a tweet belongs to."""
        speaker = self.speakers[row]
        if speaker >= 0:
            return (self._names[speaker],)
        begin, end = self._begins[row], self._begins[row + 1]
        if end > begin:
            return [self._names[company] for company in self._owners[begin:end]]
        nearest = self._nearest_of[row]
        return (self._names[nearest],) if nearest >= 0 else ()

    def shows_whom(self, row: int) -> bool:
        """Is the tweet that a company's tweet answers in the file, and in the company's inbox?"""
        above = self._above[row]
        return above >= 0 and self.speakers[above] in {-1, self.speakers[row]}

    def _spoken_to(
        self, speakers: NDArray[Any], above: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Pairs of a person's tweet and a company: named in it, answered by it, answering it."""
        has_above = np.flatnonzero(above >= 0)
        person = speakers[has_above] < 0
        to_company = has_above[person & (speakers[above[has_above]] >= 0)]
        by_company = has_above[~person & (speakers[above[has_above]] < 0)]
        names_rows = _view(self._mention_rows, np.int32)
        names = _view(self._mention_companies, np.int32)
        known = np.isin(names, list(self._asked | self._spoken))
        rows = np.concatenate([names_rows[known], to_company, above[by_company]])
        companies = np.concatenate(
            [names[known], speakers[above[to_company]], speakers[by_company]]
        )
        return rows.astype(np.int64), companies.astype(np.int64)

    def _nearest(
        self,
        speakers: NDArray[Any],
        above: NDArray[Any],
        rows: NDArray[Any],
        companies: NDArray[Any],
    ) -> NDArray[Any]:
        """For each tweet a company near it in its thread, -1 where nobody named one."""
        nearest = speakers.copy()
        nearest[rows] = np.where(nearest[rows] < 0, companies, nearest[rows])
        _lend(nearest, above)
        # Handles are left standing for companies only, so that one nobody speaks for is one too.
        mention_rows = _view(self._mention_rows, np.int32)[::-1]
        mentioned = _view(self._mention_companies, np.int32)[::-1]
        free = nearest[mention_rows] < 0
        nearest[mention_rows[free]] = mentioned[free]
        _lend(nearest, above)
        return nearest


def _view(numbers: array[int], kind: type[Any]) -> NDArray[Any]:
    return np.frombuffer(numbers, kind) if numbers else np.empty(0, kind)


def _rows_of(wanted: NDArray[Any], ids: NDArray[Any]) -> NDArray[Any]:
    """The row of each id, the first where an id stands twice; -1 for what is not in the file."""
    if not len(ids):
        return np.empty(0, np.int64)
    order = np.argsort(ids, kind="stable")
    place = np.searchsorted(ids[order], wanted)
    found = order[np.minimum(place, len(ids) - 1)]
    is_other = found != np.arange(len(ids))
    return np.where((wanted >= 0) & (ids[found] == wanted) & is_other, found, -1)


def _roots(ids: NDArray[Any], parents: NDArray[Any], above: NDArray[Any]) -> NDArray[Any]:
    """The id at the head of each thread, also if that tweet is not in the file."""
    own = np.arange(len(ids))
    top = np.where(above >= 0, above, own)
    for _ in range(64):
        higher = top[top]
        if np.array_equal(higher, top):
            break
        top = higher
    # Tweets that answer each other in a circle are damage; each of them begins a thread then.
    top = np.where(above[top] >= 0, own, top)
    return np.where((parents[top] >= 0) & (above[top] < 0), parents[top], ids[top])


def _lend(nearest: NDArray[Any], above: NDArray[Any]) -> None:
    """Give what knows no company that of its neighbours: from above, from below, from above."""
    below = np.flatnonzero(above >= 0)
    for upwards in (False, True, False):
        to, giver = (above[below], below) if upwards else (below, above[below])
        while len(to):
            to_fill = nearest[to] < 0
            to, giver = to[to_fill], giver[to_fill]
            given = nearest[giver] >= 0
            if not given.any():
                break
            nearest[to[given]] = nearest[giver[given]]
