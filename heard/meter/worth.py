"""Does the check of replies help? Replies changed after a finding beside those sent as they were.

One reply stands for a conversation: the first before which a finding was shown. It was *changed*
when the words of at least one finding did not go out, else it was sent *as it was*. What became of
the conversation: was it turned round, and which stars did the contact give afterwards?
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from heard.lib.shares import newcombe, wilson
from heard.lib.statements import fetch

WINDOW = timedelta(days=180)
RATED_WITHIN = timedelta(days=90)
GOOD_RATING = 4
"""Four and five of five are good ones."""
MOST = 5_000
"""The newest conversations that are looked at."""
LEAST = 20
"""Below this, on either side, nothing is said of a difference."""
MOST_ROWS = 100

OUTCOMES = ("turned", "card")
GROUPS = ("changed", "kept")

SAID = """
    WITH replied AS (
        SELECT DISTINCT ON (m.conversation_id) m.conversation_id, m.id, m.at
        FROM finding_seen f JOIN message m ON m.id = f.message_id
        WHERE f.at > %(since)s AND m.inbox_id = ANY(%(inboxes)s)
        ORDER BY m.conversation_id, m.at, m.id
    ), newest AS (
        SELECT * FROM replied ORDER BY at DESC, id DESC LIMIT %(most)s
    ), cases AS (
        SELECT n.id, n.at, c.id AS conversation_id, c.contact_id, c.is_turned, c.contact_name,
            c.inbox_id, lead(n.at) OVER (PARTITION BY c.contact_id ORDER BY n.at, n.id) AS next_at
        FROM newest n JOIN conversation c ON c.id = n.conversation_id
    )
    SELECT c.conversation_id, c.id, c.at,
        EXISTS (SELECT FROM finding_seen f WHERE f.message_id = c.id AND NOT f.was_kept),
        c.is_turned, rated.rating, c.contact_name, c.inbox_id
    FROM cases c
    LEFT JOIN LATERAL (
        SELECT (said.extra->>'rating')::float AS rating
        FROM message said CROSS JOIN LATERAL (
            SELECT CASE WHEN said.at > c.at THEN said.at ELSE said.edited_at END AS at
        ) given
        WHERE said.contact_id = c.contact_id AND said.kind = 'incoming'
            AND said.inbox_id = ANY(%(inboxes)s) AND said.deleted_at IS NULL
            AND jsonb_typeof(said.extra->'rating') = 'number'
            AND (said.at > c.at OR said.conversation_id = c.conversation_id)
            AND given.at > c.at AND given.at < least(c.at + %(within)s, c.next_at)
        ORDER BY given.at, said.id LIMIT 1
    ) rated ON true
    ORDER BY c.at DESC, c.id DESC
"""
"""The stars are the first that came after the reply and before the next one that stands for a
conversation with the same contact: one card tells of one reply."""


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation, by its first reply before which a finding was shown."""

    conversation: int
    message: int
    at: datetime
    was_changed: bool
    is_turned: bool | None
    """Empty where it did not begin in anger."""
    rating: float | None
    """The first that the contact gave within `RATED_WITHIN` after the reply, if of this one."""
    contact: str
    inbox: int

    def fared_well(self, outcome: str) -> bool | None:
        """Whether it ended well by this outcome; None where it cannot be told by it."""
        if outcome == "turned":
            return self.is_turned
        return None if self.rating is None else self.rating >= GOOD_RATING


@dataclass(frozen=True, slots=True)
class Side:
    """How many of one group can be told, and how many of them fared well."""

    hits: int
    count: int

    @property
    def share(self) -> float | None:
        """Of those that can be told."""
        return self.hits / self.count if self.count else None

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Wilson's 95 % interval of the share."""
        return wilson(self.hits, self.count)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The two groups by one outcome."""

    outcome: str
    changed: Side
    kept: Side

    @property
    def is_enough(self) -> bool:
        """Whether both sides have enough for a word about their difference."""
        return min(self.changed.count, self.kept.count) >= LEAST

    @property
    def difference(self) -> float | None:
        """The share of the changed less that of the others; None while there is too little."""
        if not self.is_enough or self.changed.share is None or self.kept.share is None:
            return None
        return self.changed.share - self.kept.share

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Newcombe's 95 % interval of the difference."""
        if not self.is_enough:
            return None, None
        return newcombe(self.changed.hits, self.changed.count, self.kept.hits, self.kept.count)

    @property
    def says(self) -> str:
        """ "little", "chance", "better" or "worse": what may honestly be said."""
        low, high = self.bounds
        if low is None or high is None:
            return "little"
        if low <= 0 <= high:
            return "chance"
        return "better" if low > 0 else "worse"


def cases(inboxes: Sequence[int], *, now: datetime) -> list[Case]:
    """The conversations of these inboxes, the newest first: one query."""
    rows: list[tuple[Any, ...]] = fetch(
        SAID,
        {
            "since": now - WINDOW,
            "inboxes": list(inboxes),
            "most": MOST,
            "within": RATED_WITHIN,
        },
    )
    return [Case(*row) for row in rows]


def comparisons(found: Sequence[Case]) -> list[Comparison]:
    """What became of the changed and of the others, by each outcome."""
    return [
        Comparison(
            outcome,
            changed=_side(chosen(found, outcome=outcome, group="changed"), outcome),
            kept=_side(chosen(found, outcome=outcome, group="kept"), outcome),
        )
        for outcome in OUTCOMES
    ]


def chosen(found: Iterable[Case], *, outcome: str, group: str) -> list[Case]:
    """The cases that one figure counts: of this group, and told by this outcome."""
    return [
        case
        for case in found
        if case.was_changed == (group == "changed") and case.fared_well(outcome) is not None
    ]


def _side(found: Sequence[Case], outcome: str) -> Side:
    return Side(sum(bool(case.fared_well(outcome)) for case in found), len(found))
