"""Which conversation a message belongs to, whatever has arrived so far. No rows here.

A message hangs under what the place names as its root or parent (`up`). As long as that has not
arrived, its name stands in for the root; once it arrives, everything under the stand-in moves to
the true root. So the outcome follows from the set of messages and not from their order.

Where a place cannot promise that a name is one message's (anybody may write a mail with a
Message-ID that somebody else's carries), two messages of one name are namesakes: the later is
called by the name, a space and its digest, and who refers to the name means their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from heard.channels.base import Incoming, Kind

MOST_NAMESAKES = 100
"""Who refers to a name that more messages have finds only the first of them."""


class Known(NamedTuple):
    """What is known of one message: enough to thread others by it."""

    up: str
    parent: str
    is_reply: bool
    contact: int | None
    """Whose conversation it is in; for a reply None means that it is not known (yet)."""
    root: str = ""
    """The root it has in the database; "" when it is new."""
    conversation: int = 0
    """Where it is in the database; 0 when it is new."""
    called: str = ""
    """What others call it, where that is not its own name: it has a namesake."""
    digest: str = ""


class Threads:
    """Roots and contacts for new messages, worked out once each."""

    def __init__(
        self,
        new: Mapping[str, Known],
        stored: Mapping[str, Known],
        namesakes: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.new = new
        self.stored = dict(stored)
        self.namesakes = namesakes or {}
        self._roots: dict[str, str] = {}
        self._contacts: dict[str, int | None] = {}

    def learn(self, found: Mapping[str, Known]) -> None:
        """Take in what has become known of stored messages since: whom others answer follows."""
        self.stored |= found
        self._contacts.clear()

    def root(self, external_id: str) -> str:
        """The external id that names the thread of this message."""
        path: list[str] = []
        on_path: set[str] = set()
        here = external_id
        while True:
            known = self._roots.get(here)
            if known is not None:
                break
            if here in on_path:  # a circle: whatever order we met it in, its least name wins
                known = min(path[path.index(here) :])
                break
            path.append(here)
            on_path.add(here)
            it = self.new.get(here)
            if it is None:
                stored = self.stored.get(here)
                known = stored.root if stored is not None else here
                arrived = self.meant(known, by=stored.contact if stored is not None else None)
                if arrived in self.new:  # it stood in for its own root, and has arrived now
                    here = arrived
                    continue
                break
            if not it.up:
                known = it.called or here
                break
            here = self.meant(it.up, by=it.contact)
        for name in path:
            self._roots[name] = known
        return known

    def contact(self, external_id: str) -> int | None:
        """Whose conversation a message is in: its sender's, or that of whom the reply answers."""
        path: list[str] = []
        here = external_id
        while True:
            if here in self._contacts:
                known = self._contacts[here]
                break
            it = self.new.get(here) or self.stored.get(here)
            if it is None or here in path:
                known = None
                break
            path.append(here)
            if it.contact is not None or not it.is_reply:
                known = it.contact
                break
            above = it.parent or it.up
            if not above:
                known = None
                break
            here = above
        for name in path:
            self._contacts[name] = known
        return known

    def meant(self, name: str, *, by: int | None) -> str:
        """Which of several messages of a name a contact means: their own; else the first."""
        own = self.own(name, by=by)
        return min(own, key=lambda one: (self._known(one).digest, one)) if own else name

    def own(self, name: str, *, by: int | None) -> list[str]:
        """The messages that others call by this name and that are this contact's, if several."""
        others = self.namesakes.get(name)
        if not others or by is None:
            return []
        known = (one for one in (name, *others) if one in self.new or one in self.stored)
        return [one for one in known if self._known(one).contact == by]

    def _known(self, name: str) -> Known:
        return self.new.get(name) or self.stored[name]


def told_apart(
    items: Sequence[Incoming], digests: Mapping[tuple[str, str], str]
) -> tuple[list[Incoming], dict[str, str]]:
    """Call messages by the names that are free for them.

    `digests` are those of the stored messages, by name and kind. Returns the messages, and what
    others call those that have got another name.
    """
    taken = dict(digests)
    kinds: dict[str, set[str]] = defaultdict(set)
    for name, kind in taken:
        kinds[name].add(kind)
    named: list[Incoming] = []
    called: dict[str, str] = {}
    for item in items:
        name, kind, digest = item.external_id, str(item.kind), digest_of(item)
        if digest and _is_taken(name, kind, digest, taken=taken, kinds=kinds[name]):
            own = name_of(name, digest=digest)
            called[own] = name
            root, parent = ("" if up == name else up for up in (item.root, item.parent))
            item = item._replace(external_id=own, root=root, parent=parent)  # noqa: PLW2901
        else:
            taken.setdefault((name, kind), digest)
            kinds[name].add(kind)
        named.append(item)
    return named, called


def _is_taken(
    name: str, kind: str, digest: str, *, taken: Mapping[tuple[str, str], str], kinds: set[str]
) -> bool:
    """Whether the name is another message's. Only our side writes replies: those have one name."""
    if kind in kinds:
        known = taken[name, kind]
        return kind == Kind.INCOMING and bool(known) and known != digest
    return any(taken[name, other] != digest for other in kinds)


def name_of(called: str, *, digest: str) -> str:
    """The name of a message that has a namesake."""
    return f"{called[:260]} {digest[:32]}"


def digest_of(item: Incoming) -> str:
    """What tells it from others of its name; "" where the place promises that there are none."""
    found = item.extra.get("digest")
    return found if isinstance(found, str) else ""


class Rooted(NamedTuple):
    """A conversation by its key within an inbox, and into which one people have merged it."""

    id: int
    root: str
    contact: int | None
    part: int
    merged_into: int | None


class Moves(NamedTuple):
    """What becomes of conversations whose root was a stand-in for another.

    `merges` are lists of pairs (gone, kept), to be done one list after the other; then the rows of
    `forgotten` go, which held a merge that threads show as well; then `renames` get root and part.
    """

    merges: list[list[tuple[int, int]]]
    renames: list[tuple[int, str, int]]
    forgotten: list[int]


def rehang(
    rows: Sequence[Rooted],
    moved: Mapping[str, str],
    own: Mapping[tuple[str, int | None], str] | None = None,
) -> Moves:
    """Bring conversations under their true roots. `rows` are all of both roots, by part and id.

    `own` has the true roots of single contacts who mean another message by a name than others do.
    """
    by_key = {(row.root, row.contact, row.part): row for row in rows}
    merges: list[tuple[int, int]] = []
    by_hand: list[list[tuple[int, int]]] = []
    renames: list[tuple[int, str, int]] = []
    forgotten: list[int] = []
    for row in rows:
        target = (own or {}).get((row.root, row.contact)) or moved.get(row.root, row.root)
        if target == row.root:
            continue
        part = row.part
        while part and (target, row.contact, part) in by_key:
            part += 1
        kept = by_key.setdefault((target, row.contact, part), row)
        if kept is row:
            renames.append((row.id, target, part))
            continue
        here, there = row.merged_into or row.id, kept.merged_into or kept.id
        if here == there and row.merged_into is None:  # the true root was merged into this one
            forgotten.append(kept.id)
            renames.append((row.id, target, part))
        elif here == there:
            forgotten.append(row.id)
        elif row.merged_into is None:
            merges.append((row.id, there))
        else:
            by_hand.append([(there, here)])
            if kept.merged_into is None:  # which goes, and leaves its root to this row
                renames.append((row.id, target, part))
            else:
                forgotten.append(row.id)
    return Moves([merges, *by_hand] if merges else by_hand, renames, forgotten)
