"""The inbox lists: which conversations a view shows, page by key, and how many, capped.

All is read from the one denormalised row; a page costs its rows, never the history behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from heard.lib.statements import fetch, fetch_together
from heard.staff.models import User

PAGE_SIZE = 50
COUNT_CAP = 1000
FEW_INBOXES = 16
PRESENT_SECONDS = 45
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at the inbox: a condition, and the column that orders it with the id."""

    name: str
    title: Any
    condition: str
    key: str
    newest_first: bool
    is_counted: bool = True
    is_small: bool = False
    """Few rows by nature: no need to walk inbox by inbox."""
    is_folded: bool = True
    """All of it is open, and what is of one flood stands in one line."""


VIEWS: dict[str, View] = {
    view.name: view
    for view in (
        View(
            "mine",
            _("Mine"),
            "c.status = 'open' AND c.assignee_id = %(me)s",
            "last_at",
            newest_first=True,
            is_small=True,
        ),
        View(
            "unassigned",
            _("Unassigned"),
            "c.status = 'open' AND c.assignee_id IS NULL AND NOT EXISTS (SELECT FROM too_close o "
            "WHERE o.conversation_id = c.id AND o.user_id = %(me)s)",
            "last_at",
            newest_first=True,
        ),
        View(
            "waiting",
            _("Waiting longest"),
            "c.status = 'open' AND c.waiting_since IS NOT NULL",
            "waiting_since",
            newest_first=False,
        ),
        View(
            "failing",
            _("Failing"),
            "c.status = 'open' AND c.due_at IS NOT NULL AND c.due_at <= %(now)s",
            "due_at",
            newest_first=False,
        ),
        View(
            "eyes",
            _("To look at"),
            "c.id IN (SELECT r.conversation_id FROM review r "
            "WHERE r.state IN ('resting', 'asked') AND r.author_id <> %(me)s)",
            "last_at",
            newest_first=False,
            is_small=True,
        ),
        View(
            "promised",
            _("Promised"),
            "c.promised_at IS NOT NULL",
            "promised_at",
            newest_first=False,
            is_small=True,
            is_folded=False,
        ),
        View(
            "snoozed",
            _("Snoozed"),
            "c.status = 'snoozed' AND c.snoozed_until IS NOT NULL",
            "snoozed_until",
            newest_first=False,
            is_small=True,
            is_folded=False,
        ),
        View(
            "open",
            _("Open"),
            "c.status = 'open'",
            "last_at",
            newest_first=True,
            is_counted=False,
        ),
        View(
            "closing",
            _("Closing soon"),
            "c.status = 'open' AND c.waiting_since IS NOT NULL AND c.closes_at > %(now)s",
            "closes_at",
            newest_first=False,
            is_counted=False,
        ),
        View(
            "all",
            _("All"),
            "true",
            "last_at",
            newest_first=True,
            is_counted=False,
            is_folded=False,
        ),
    )
}


COUNTED = [view for view in VIEWS.values() if view.is_counted]


@dataclass(frozen=True, slots=True)
class Door:
    """An inbox as lists show it."""

    id: int
    name: str
    kind: str
    is_public: bool
    is_sample: bool = False


@dataclass(frozen=True, slots=True)
class Sight:
    """What one person may see: their inboxes now, read anew for every request."""

    user_id: int
    doors: Mapping[int, Door]
    is_everything: bool
    has_floods: bool = True
    """Whether anything is folded in any list; without, lists need not look for it."""

    @property
    def inboxes(self) -> list[int] | None:
        """The ids of the inboxes, or None when nothing is hidden."""
        return None if self.is_everything else list(self.doors)


@dataclass(frozen=True, slots=True)
class Filters:
    """What narrows a view. Empty values do not narrow."""

    inbox: int | None = None
    kind: str = ""
    need: str = ""
    team: int | None = None
    assignee: int | None = None
    """0 is nobody."""
    flood: int | None = None
    """Then each of its conversations has a line."""

    def query(self) -> dict[str, str]:
        """As it stands in an address."""
        pairs = {
            "inbox": self.inbox,
            "kind": self.kind,
            "need": self.need,
            "team": self.team,
            "assignee": self.assignee,
            "flood": self.flood,
        }
        return {name: str(value) for name, value in pairs.items() if value not in (None, "")}


@dataclass(frozen=True, slots=True)
class Person:
    """A colleague by id and name, and whether they type just now."""

    id: int
    name: str
    is_typing: bool = False


class Row(NamedTuple):
    """One line of a list: the columns of `PICKED`, where it was said, and who is at it."""

    id: int
    inbox_id: int
    contact: str
    subject: str
    preview: str
    last_kind: str
    need: str
    status: str
    assignee_id: int | None
    assignee: str
    is_urgent: bool
    last_at: datetime
    due_at: datetime | None
    due_from: datetime | None
    due_kind: str
    closes_at: datetime | None
    bond: str
    """What the contact is to us: by all inboxes if all may be seen, else by this one alone."""
    is_unseen: bool
    flood: int | None
    """The flood that is folded into this line, if that is what the list does."""
    alike: int
    """How many conversations of it the view holds; with more than one the line is all of them."""
    key: datetime
    door: Door
    present: tuple[Person, ...]

    @property
    def place(self) -> str:
        """Where it stands in its list: pages go on from here."""
        return key_of(self.key, row_id=self.id)

    @property
    def sort(self) -> int:
        """Its key as microseconds."""
        return microseconds(self.key)

    @property
    def stamp(self) -> str:
        """The last word's moment, for the page."""
        return self.last_at.isoformat("T", "seconds")


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a view; `after` leads to the next ones, "" at the end."""

    rows: tuple[Row, ...]
    after: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """How many, exact up to the cap."""

    number: int = 0

    @property
    def is_capped(self) -> bool:
        """Whether there are more than we counted."""
        return self.number > COUNT_CAP

    def __str__(self) -> str:
        return f"{COUNT_CAP:,}+" if self.is_capped else f"{self.number:,}"


@dataclass(frozen=True, slots=True)
class Choices:
    """People and teams to filter by or to give work to."""

    people: tuple[Person, ...] = ()
    teams: tuple[tuple[int, str], ...] = field(default=())


ROW = """
    c.id, c.inbox_id, c.contact_name, c.subject, c.preview, c.last_kind, c.need, c.status,
    c.assignee_id, c.is_urgent, c.last_at,
    c.waiting_since, c.due_at, c.due_from, c.due_kind, c.promised_at, c.snoozed_until,
    c.last_incoming_at, c.closes_at, c.contact_id, c.flood_id
"""

FOLDS = """
    SELECT f.flood_id, f.alike, (
        SELECT c.id FROM conversation c
        WHERE c.flood_id = f.flood_id AND c.{key} = f.foremost AND {where}
        ORDER BY c.id {way} LIMIT 1
    ) AS id
    FROM (
        SELECT c.flood_id, count(*) AS alike, {foremost}(c.{key}) AS foremost
        FROM conversation c WHERE c.flood_id IS NOT NULL AND {where} GROUP BY c.flood_id
    ) f
"""
"""Of each flood that a view holds the conversation that comes first, and how many there are."""

NO_FOLDS = "SELECT NULL::bigint AS id, NULL::bigint AS flood_id, 1::bigint AS alike WHERE false"

DOORS = """
    SELECT i.id, i.name, i.kind, i.is_public, i.is_sample,
        EXISTS (SELECT FROM conversation WHERE status = 'open' AND flood_id IS NOT NULL)
    FROM inbox i
    WHERE %(everything)s OR NOT EXISTS (SELECT FROM inbox_teams t WHERE t.inbox_id = i.id)
        OR EXISTS (
            SELECT FROM inbox_teams t JOIN staff_user_teams m ON m.team_id = t.team_id
            WHERE t.inbox_id = i.id AND m.user_id = %(me)s
        )
    ORDER BY i.name
"""

EVERYBODY_PRESENT = """
    (SELECT json_agg(json_build_array(p.conversation_id, u.id, u.name, p.is_typing) ORDER BY u.name)
    FROM presence p JOIN staff_user u ON u.id = p.user_id
    WHERE p.user_id <> %(me)s AND p.at > %(lately)s)
"""

PICKED = """
    WITH fold AS MATERIALIZED ({folds})
    SELECT c.id, c.inbox_id, c.contact_name, c.subject, c.preview, c.last_kind, c.need, c.status,
        c.assignee_id, coalesce(u.name, ''), c.is_urgent, c.last_at,
        c.due_at, c.due_from, c.due_kind, c.closes_at,
        coalesce(k.{bond}, ''),
        c.waiting_since IS NOT NULL AND NOT EXISTS (
            SELECT FROM sighting s
            WHERE s.conversation_id = c.id AND s.at >= c.last_incoming_at
        ) AS is_unseen,
        fold.flood_id, coalesce(fold.alike, 1), c.{key}
    FROM ({rows}) c LEFT JOIN staff_user u ON u.id = c.assignee_id
    LEFT JOIN fold ON fold.id = c.id
    {bonds}
    ORDER BY c.{key} {way}, c.id {way}
"""


# What the contact is to us: a column of theirs, or of theirs at this one inbox.
EVERY_BOND = ("bond", "LEFT JOIN contact k ON k.id = c.contact_id")
BOND_HERE = (
    "word",
    "LEFT JOIN bond k ON k.contact_id = c.contact_id AND k.inbox_id = c.inbox_id",
)


def sight_of(user: User) -> Sight:
    """What this person may see at this moment, by the rule of `Inbox.visible_to`: one query."""
    doors = fetch(DOORS, {"everything": user.is_owner, "me": user.pk})
    return Sight(
        user_id=user.pk,
        doors={row[0]: Door(*row[:-1]) for row in doors},
        is_everything=user.is_owner,
        has_floods=any(row[-1] for row in doors),
    )


def page(
    view: View,
    *,
    sight: Sight,
    filters: Filters,
    now: datetime,
    after: str = "",
    size: int = PAGE_SIZE,
) -> Page:
    """The rows of a view that follow `after`: two queries. Raises `ValueError` for no place."""
    statement = _page_statement(
        view, sight=sight, filters=filters, now=now, after=after, size=size + 1
    )
    rows = _rows(fetch(*statement), sight=sight)
    here = present([row.id for row in rows], me=sight.user_id, now=now)
    return _paged(rows, here, size=size)


def page_and_counts(
    view: View, *, sight: Sight, filters: Filters, now: datetime, after: str = ""
) -> tuple[Page, dict[str, Count]]:
    """The same, and how many each counted view holds: two queries in one round trip."""
    counted, parameters = _counts_statement(sight, now=now)
    found, [[*numbers, here]] = fetch_together(
        _page_statement(
            view, sight=sight, filters=filters, now=now, after=after, size=PAGE_SIZE + 1
        ),
        (f"{counted}, {EVERYBODY_PRESENT}", parameters),
    )
    page = _paged(_rows(found, sight=sight), _together(here or ()), size=PAGE_SIZE)
    return page, _counts(numbers)


def some(
    view: View, *, ids: Sequence[int], sight: Sight, filters: Filters, now: datetime
) -> tuple[Row, ...]:
    """Those of `ids` that stand in the view now, in its order: two queries.

    For those of a flood the line in which it is folded, whether that is one of them or not.
    """
    conditions, parameters = _conditions(view, sight=sight, filters=filters, now=now)
    parameters |= {"ids": list(ids), "inboxes": _inboxes(sight, filters)}
    if parameters["inboxes"] is not None:
        conditions.append("c.inbox_id = ANY(%(inboxes)s)")
    where = " AND ".join(["c.last_at IS NOT NULL", *conditions])
    asked = "c.id = ANY(%(ids)s)"
    folds = ""
    if _folds(view, filters, sight=sight):
        folds = (
            where + " AND c.flood_id IN (SELECT flood_id FROM conversation WHERE id = ANY(%(ids)s))"
        )
        asked = f"(c.flood_id IS NULL AND {asked} OR c.id IN (SELECT id FROM fold))"
    rows = f"SELECT {ROW} FROM conversation c WHERE {asked} AND {where}"
    statement = _picked(rows, view=view, sight=sight, folds=folds)
    found = _rows(fetch(statement, parameters), sight=sight)
    return _with(found, present([row.id for row in found], me=sight.user_id, now=now))


def counts(sight: Sight, *, now: datetime) -> dict[str, Count]:
    """How many conversations each counted view holds for this person: one query."""
    [numbers] = fetch(*_counts_statement(sight, now=now))
    return _counts(numbers)


def choices(sight: Sight, *, inbox: int | None = None, conversation: int | None = None) -> Choices:
    """Who may be given work: people and teams who see the inbox, or any of `sight`. One query.

    A conversation is not offered to those who have said that they are too close to it.
    """
    inboxes = list(sight.doors) if inbox is None else [inbox]
    rows = fetch(
        """
            WITH door AS (
                SELECT i.id, array_remove(array_agg(t.team_id), NULL) AS teams
                FROM inbox i LEFT JOIN inbox_teams t ON t.inbox_id = i.id
                WHERE i.id = ANY(%(inboxes)s) GROUP BY i.id
            )
            SELECT 'person', u.id, u.name FROM staff_user u
            WHERE u.is_active AND NOT EXISTS (SELECT FROM too_close o
                WHERE o.conversation_id = %(conversation)s AND o.user_id = u.id)
            AND (u.role = 'owner' OR EXISTS (
                SELECT FROM door WHERE door.teams = '{}' OR EXISTS (
                    SELECT FROM staff_user_teams m
                    WHERE m.user_id = u.id AND m.team_id = ANY(door.teams))))
            UNION ALL
            SELECT 'team', t.id, t.name FROM team t
            WHERE EXISTS (SELECT FROM door WHERE door.teams = '{}' OR t.id = ANY(door.teams))
            ORDER BY 1, 3, 2
        """,
        {"inboxes": inboxes, "conversation": conversation},
    )
    return Choices(
        people=tuple(Person(pk, name) for what, pk, name in rows if what == "person"),
        teams=tuple((pk, name) for what, pk, name in rows if what == "team"),
    )


def present(ids: Sequence[int], *, me: int, now: datetime) -> dict[int, tuple[Person, ...]]:
    """Which colleagues look at these conversations or type in them: one query."""
    if not ids:
        return {}
    rows = fetch(
        """
            SELECT p.conversation_id, u.id, u.name, p.is_typing
            FROM presence p JOIN staff_user u ON u.id = p.user_id
            WHERE p.conversation_id = ANY(%s) AND p.user_id <> %s AND p.at > %s ORDER BY u.name
        """,
        [list(ids), me, now - timedelta(seconds=PRESENT_SECONDS)],
    )
    return _together(rows)


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970, as PostgreSQL keeps them."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def key_of(moment: datetime, *, row_id: int) -> str:
    """A place in an ordered list, as it stands in an address."""
    return f"{microseconds(moment)}-{row_id}"


def from_key(key: str) -> tuple[datetime, int]:
    """The moment and the id that `key_of` wrote. Raises `ValueError` for anything else."""
    at, _dash, row_id = key.rpartition("-")
    try:
        return EPOCH + timedelta(microseconds=int(at)), int(row_id)
    except (ValueError, OverflowError):
        raise ValueError(f"{key!r} is no place in a list") from None


def _inboxes(sight: Sight, filters: Filters) -> list[int] | None:
    """The inboxes that a list may draw from; None when nothing narrows them."""
    if filters.inbox is None and not filters.kind:
        return sight.inboxes
    return [
        door.id
        for door in sight.doors.values()
        if filters.inbox in (None, door.id) and filters.kind in ("", door.kind)
    ]


def _conditions(
    view: View, *, sight: Sight, filters: Filters, now: datetime
) -> tuple[list[str], dict[str, Any]]:
    conditions = [view.condition]
    if filters.need:
        conditions.append("c.need = %(need)s")
    if filters.team is not None:
        conditions.append("c.team_id = %(team)s")
    if filters.assignee == 0:
        conditions.append("c.assignee_id IS NULL")
    elif filters.assignee is not None:
        conditions.append("c.assignee_id = %(assignee)s")
    if filters.flood is not None:
        conditions.append("c.flood_id = %(flood)s")
    parameters = {
        "me": sight.user_id,
        "now": now,
        "need": filters.need,
        "team": filters.team,
        "assignee": filters.assignee,
        "flood": filters.flood,
    }
    return conditions, parameters


def _page_statement(
    view: View, *, sight: Sight, filters: Filters, now: datetime, after: str, size: int
) -> tuple[str, dict[str, Any]]:
    way, beyond = ("DESC", "<") if view.newest_first else ("ASC", ">")
    conditions, parameters = _conditions(view, sight=sight, filters=filters, now=now)
    inboxes = _inboxes(sight, filters)
    folds = ""
    if _folds(view, filters, sight=sight):
        mine = ["c.inbox_id = ANY(%(inboxes)s)"] if inboxes is not None else []
        folds = " AND ".join([*conditions, *mine])
        # By an index that tells so: of a large flood no row is looked at in passing.
        conditions.append("c.flood_id IS NULL")
    beyond_it = "c.last_at IS NOT NULL"
    if after:
        parameters["at"], parameters["id"] = from_key(after)
        beyond_it = f"(c.{view.key}, c.id) {beyond} (%(at)s, %(id)s)"
    if after or view.key == "last_at":
        conditions.append(beyond_it)
    order = f"ORDER BY c.{view.key} {way}, c.id {way} LIMIT %(size)s"
    where = " AND ".join(conditions)
    if inboxes is None:
        rows = f"SELECT {ROW} FROM conversation c WHERE {where} {order}"
    elif view.is_small or len(inboxes) > FEW_INBOXES:
        rows = (
            f"SELECT {ROW} FROM conversation c "
            f"WHERE c.inbox_id = ANY(%(inboxes)s) AND {where} {order}"
        )
    else:
        # The newest of each inbox, then the newest of those: a quiet inbox costs what it holds,
        # not what its busy neighbours do.
        rows = f"""
            SELECT c.* FROM unnest(%(inboxes)s::bigint[]) AS door(id) CROSS JOIN LATERAL (
                SELECT {ROW} FROM conversation c WHERE c.inbox_id = door.id AND {where} {order}
            ) c {order}
        """
    if folds:
        rows = f"""
            SELECT c.* FROM (({rows}) UNION ALL (
                SELECT {ROW} FROM conversation c
                WHERE c.id IN (SELECT id FROM fold) AND {beyond_it}
            )) c {order}
        """
    statement = _picked(rows, view=view, sight=sight, folds=folds)
    return statement, {**parameters, "size": size, "inboxes": inboxes}


def _folds(view: View, filters: Filters, *, sight: Sight) -> bool:
    return view.is_folded and filters.flood is None and sight.has_floods


def _picked(rows: str, *, view: View, sight: Sight, folds: str) -> str:
    """`folds` are the conditions of what may be folded; "" folds nothing."""
    bond, bonds = EVERY_BOND if sight.is_everything else BOND_HERE
    way = "DESC" if view.newest_first else "ASC"
    foremost = "max" if view.newest_first else "min"
    folded = NO_FOLDS
    if folds:
        folded = FOLDS.format(where=folds, key=view.key, way=way, foremost=foremost)
    return PICKED.format(rows=rows, key=view.key, way=way, bond=bond, bonds=bonds, folds=folded)


def _counts_statement(sight: Sight, *, now: datetime) -> tuple[str, dict[str, Any]]:
    visible = "" if sight.inboxes is None else "AND c.inbox_id = ANY(%(inboxes)s)"
    columns = ", ".join(
        f"(SELECT count(*) FROM (SELECT FROM conversation c "
        f"WHERE {view.condition} {visible} LIMIT {COUNT_CAP + 1}) x)"
        for view in COUNTED
    )
    lately = now - timedelta(seconds=PRESENT_SECONDS)
    parameters = {"me": sight.user_id, "now": now, "inboxes": sight.inboxes, "lately": lately}
    return f"SELECT {columns}", parameters


def _counts(numbers: Sequence[int]) -> dict[str, Count]:
    return {view.name: Count(number) for view, number in zip(COUNTED, numbers, strict=True)}


def _rows(found: Sequence[tuple[Any, ...]], *, sight: Sight) -> list[Row]:
    # An inbox may have been opened since the sight was read.
    return [Row._make((*row, sight.doors[row[1]], ())) for row in found if row[1] in sight.doors]


def _paged(rows: Sequence[Row], here: Mapping[int, tuple[Person, ...]], *, size: int) -> Page:
    after = rows[size - 1].place if len(rows) > size else ""
    return Page(rows=_with(rows[:size], here), after=after)


def _with(rows: Sequence[Row], here: Mapping[int, tuple[Person, ...]]) -> tuple[Row, ...]:
    return tuple(row._replace(present=here[row.id]) if row.id in here else row for row in rows)


def _together(people: Iterable[Sequence[Any]]) -> dict[int, tuple[Person, ...]]:
    """Lines of conversation, id, name and whether they type, by conversation."""
    found: dict[int, tuple[Person, ...]] = {}
    for pk, *person in people:
        found[pk] = (*found.get(pk, ()), Person(*person))
    return found
