"""The ledger: every fail, which of them an address asks for, and when nobody is at the door.

A fail belongs to the day on which it fell due; the hour and the weekday are those at which the
contact came to the door. Both are told in the time zone of the company. The figures are taken of
at most `COUNTED_TO` fails, the newest of those asked for, so that no archive makes the page slow.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from heard.conversations.models import Inbox
from heard.conversations.queries import Door, Sight, from_key, key_of
from heard.staff.models import User

PAGE_SIZE = 50
EXPORT_SIZE = 2_000
COUNTED_TO = 50_000
WEEKS = 8
MOST_SPANS = 26
NEWEST, LONGEST = "newest", "longest"


@dataclass(frozen=True, slots=True)
class Filters:
    """What narrows the ledger. Empty values do not narrow; days are those on which it fell due."""

    inbox: int | None = None
    brand: int | None = None
    place: int | None = None
    fail: str = ""
    """"service" or "recognition"."""
    outcome: str = ""
    """"unanswered" or "late"."""
    sighting: str = ""
    """"unseen", "seen" or "unknown"."""
    keeper: int | None = None
    """0 is nobody."""
    weekday: int | None = None
    """1 is Monday."""
    hour: int | None = None
    since: date | None = None
    until: date | None = None
    alike: str = ""
    """"yes": only those of floods, the same words said many times."""

    def query(self, **changes: object) -> dict[str, str]:
        """As it stands in an address, with some values changed; None or "" takes one away."""
        values = {one.name: getattr(self, one.name) for one in fields(self)} | changes
        return {name: str(value) for name, value in values.items() if value not in (None, "")}

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the days narrows."""
        return bool(self.query(since=None, until=None))


@dataclass(frozen=True, slots=True)
class Corner:
    """Where an inbox stands in the company."""

    brand_id: int | None
    brand: str
    place_id: int | None
    place: str


@dataclass(frozen=True, slots=True)
class Book:
    """What one person may read of the ledger: their inboxes, and whether they read who kept it."""

    sight: Sight
    corners: dict[int, Corner]
    names_keepers: bool

    @property
    def brands(self) -> list[tuple[int, str]]:
        """Brands to filter by."""
        found = {it.brand_id: it.brand for it in self.corners.values() if it.brand_id}
        return sorted(found.items(), key=lambda pair: pair[1].casefold())

    @property
    def places(self) -> list[tuple[int, str]]:
        """Places to filter by."""
        found = {it.place_id: it.place for it in self.corners.values() if it.place_id}
        return sorted(found.items(), key=lambda pair: pair[1].casefold())

    def inboxes(self, filters: Filters) -> list[int] | None:
        """The inboxes that are asked for, as far as they may be seen; None means every one."""
        if filters.inbox is filters.brand is filters.place is None:
            return self.sight.inboxes
        return [
            pk
            for pk, corner in self.corners.items()
            if filters.inbox in (None, pk)
            and filters.brand in (None, corner.brand_id)
            and filters.place in (None, corner.place_id)
        ]


@dataclass(frozen=True, slots=True)
class Fail:
    """One line of the ledger. `keeper` is "" when nobody answered for it or it is not to be read.

    `overdue` is the time from the due time to the answer, or until now while there is none.
    """

    id: int
    conversation_id: int
    message_id: int | None
    inbox_id: int
    inbox: str
    channel: str
    clock: str
    fail: str
    sighting: str
    started_at: datetime
    failed_at: datetime
    met_at: datetime | None
    overdue: timedelta
    keeper_id: int | None
    keeper: str
    contact: str
    preview: str
    is_history: bool

    @property
    def outcome(self) -> str:
        """*Late* once it was met, *unanswered* until then."""
        return "late" if self.met_at else "unanswered"


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines of the ledger; `after` leads to the next ones, "" at the end."""

    fails: tuple[Fail, ...]
    after: str = ""


@dataclass(frozen=True, slots=True)
class Spell:
    """The days from `since` to `until`, both included, and how many fails fell due in them."""

    since: date
    until: date
    count: int


@dataclass(frozen=True, slots=True)
class Tally:
    """The fails asked for, counted in every way the page shows."""

    total: int = 0
    is_capped: bool = False
    """Whether there are more than were counted: then these are the newest."""
    heat: dict[tuple[int, int], int] = field(default_factory=dict)
    """By weekday (1 is Monday) and hour, whatever weekday and hour are asked for."""
    fail: Counter[str] = field(default_factory=Counter)
    outcome: Counter[str] = field(default_factory=Counter)
    sighting: Counter[str] = field(default_factory=Counter)
    keepers: tuple[tuple[int, str, int], ...] = ()
    """Id (0 is nobody, -1 is a colleague not to be named), name and count, most first."""
    spells: tuple[Spell, ...] = ()
    alike: int = 0
    """How many of them are of floods."""
    inboxes: tuple[tuple[int, int, tuple[Spell, ...]], ...] = ()
    """Inbox id, count, and the same spells for it alone; most first."""

    @property
    def hottest(self) -> int:
        """The largest number in the heat map."""
        return max(self.heat.values(), default=0)

    @property
    def worst(self) -> tuple[int, int] | None:
        """The weekday and hour at which most came to nobody."""
        return max(self.heat, key=lambda place: (self.heat[place], place), default=None)


def book_of(user: User, *, sight: Sight) -> Book:
    """What this person may read: one query."""
    return Book(sight, _corners(list(sight.doors)), names_keepers=user.leads)


def whole_book() -> Book:
    """Everything, for whoever has the machine in their hands: two queries."""
    rows = Inbox.objects.values_list("id", "name", "kind", "is_public")
    sight = Sight(user_id=0, doors={row[0]: Door(*row) for row in rows}, is_everything=True)
    return Book(sight, _corners(list(sight.doors)), names_keepers=True)


def newest_day(filters: Filters, *, book: Book) -> date | None:
    """The day of the newest fail in the inboxes asked for: one query."""
    inboxes = book.inboxes(filters)
    newest = (
        "SELECT failed_at FROM clock WHERE failed_at IS NOT NULL {0} "
        "ORDER BY failed_at DESC LIMIT 1"
    )
    if inboxes is None:
        statement = newest.format("")
    else:
        one = newest.format("AND inbox_id = door.id")
        statement = (
            "SELECT max(x.failed_at) FROM unnest(%(inboxes)s::bigint[]) AS door(id) "
            f"CROSS JOIN LATERAL ({one}) x"
        )
    with connection.cursor() as cursor:
        cursor.execute(statement, {"inboxes": inboxes})
        found = cursor.fetchone()
    return found[0].astimezone(_zone()).date() if found and found[0] else None


def last_weeks(filters: Filters, *, newest: date, today: date) -> Filters:
    """The same, in the last weeks; in those before the newest fail when that lies further back."""
    start = timedelta(days=7 * WEEKS - 1)
    until = today if newest >= today - start else newest
    return replace(filters, since=until - start, until=until)


def fails(
    filters: Filters,
    *,
    book: Book,
    now: datetime,
    order: str = NEWEST,
    after: str = "",
    size: int = PAGE_SIZE,
) -> Page:
    """The lines that follow `after`: one query. Raises `ValueError` for no place in the order."""
    conditions, parameters = _conditions(filters, book=book)
    parameters |= {"now": now, "size": size + 1, "cap": COUNTED_TO}
    if order == LONGEST:
        as_of, found = _longest(conditions, parameters, after=after)
    else:
        as_of, found = now, _newest(conditions, parameters, after=after)
    lines = tuple(_line(row, book=book) for row in found[:size] if row[3] in book.sight.doors)
    beyond = ""
    if len(found) > size and lines:
        last = lines[-1]
        beyond = key_of(last.failed_at, row_id=last.id)
        if order == LONGEST:
            beyond = f"{key_of(as_of, row_id=_microseconds(last.overdue))}-{last.id}"
    return Page(lines, beyond)


def every_fail(filters: Filters, *, book: Book, now: datetime) -> Iterator[Fail]:
    """All of them, newest first, read in lots so that nothing is held while somebody downloads."""
    after = ""
    while True:
        page = fails(filters, book=book, now=now, after=after, size=EXPORT_SIZE)
        yield from page.fails
        after = page.after
        if not after:
            return


TALLY = """
    WITH found AS (
        SELECT c.inbox_id, coalesce(c.keeper_id, 0) AS keeper, c.fail, c.sighting,
            c.met_at IS NOT NULL AS is_late, c.message_id,
            c.started_at AT TIME ZONE %(zone)s AS came, c.failed_at AT TIME ZONE %(zone)s AS fell
        FROM clock c WHERE {where} ORDER BY c.failed_at DESC LIMIT %(cap)s
    ), placed AS (
        SELECT inbox_id, keeper, fail, sighting, is_late, date_trunc('week', fell)::date AS week,
            extract(isodow FROM came)::int AS weekday, extract(hour FROM came)::int AS hour,
            a.message_id IS NOT NULL AS is_alike
        FROM found LEFT JOIN flooded a ON a.message_id = found.message_id AND a.taken_out_at IS NULL
    ), chosen AS (
        SELECT *, coalesce(weekday = %(weekday)s::int, true)
            AND coalesce(hour = %(hour)s::int, true) AS is_chosen FROM placed
    )
    SELECT CASE WHEN grouping(weekday) = 0 THEN 'heat' WHEN grouping(week) = 0 THEN 'week'
            WHEN grouping(fail) = 0 THEN 'kind' WHEN grouping(keeper) = 0 THEN 'keeper'
            ELSE 'all' END,
        weekday, hour, inbox_id, week, fail, sighting, is_late, keeper,
        count(*), count(*) FILTER (WHERE is_chosen), count(*) FILTER (WHERE is_chosen AND is_alike)
    FROM chosen
    GROUP BY GROUPING SETS
        ((weekday, hour), (inbox_id, week), (fail, sighting, is_late), (keeper), ())
"""


def tally(filters: Filters, *, book: Book) -> Tally:
    """Count the fails asked for: one query, and one for the names of their keepers."""
    conditions, parameters = _conditions(replace(filters, weekday=None, hour=None), book=book)
    parameters |= {"cap": COUNTED_TO, "weekday": filters.weekday, "hour": filters.hour}
    heat: dict[tuple[int, int], int] = {}
    kinds: tuple[Counter[str], Counter[str], Counter[str]] = (Counter(), Counter(), Counter())
    keepers: Counter[int] = Counter()
    weeks: dict[int, Counter[date]] = defaultdict(Counter)
    total = counted = alike = 0
    with connection.cursor() as cursor:
        cursor.execute(TALLY.format(where=" AND ".join(conditions)), parameters)
        for way, weekday, hour, inbox, week, *kind, keeper, every, count, of_floods in cursor:
            if way == "heat":
                heat[weekday, hour] = every
            elif way == "all":
                total, counted, alike = count, every, of_floods
            elif not count:
                continue
            elif way == "week":
                weeks[inbox][week] += count
            elif way == "keeper":
                keepers[keeper] += count
            else:
                fail, sighting, is_late = kind
                outcome = "late" if is_late else "unanswered"
                for counts, name in zip(kinds, (fail, outcome, sighting), strict=True):
                    counts[name] += count
    spans = _spans(filters, [week for counts in weeks.values() for week in counts])
    inboxes = [
        (pk, counts.total(), _spells(spans, counts, filters=filters))
        for pk, counts in weeks.items()
    ]
    return Tally(
        total=total,
        alike=alike,
        is_capped=counted >= COUNTED_TO,
        heat=heat,
        fail=kinds[0],
        outcome=kinds[1],
        sighting=kinds[2],
        keepers=_keepers(keepers, book=book),
        spells=_spells(spans, sum(weeks.values(), Counter[date]()), filters=filters),
        inboxes=tuple(sorted(inboxes, key=lambda it: (-it[1], it[0]))),
    )


def _corners(inboxes: Sequence[int]) -> dict[int, Corner]:
    rows = Inbox.objects.filter(pk__in=inboxes).values_list(
        "pk", "brand_id", "brand__name", "place__brand_id", "place__brand__name",
        "place_id", "place__name",
    )  # fmt: skip
    return {
        pk: Corner(brand or over, (name or over_name) or "", place, place_name or "")
        for pk, brand, name, over, over_name, place, place_name in rows
    }


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.TIME_ZONE)


def _conditions(filters: Filters, *, book: Book) -> tuple[list[str], dict[str, Any]]:
    conditions = ["c.failed_at IS NOT NULL"]
    zone = _zone()
    inboxes = book.inboxes(filters)
    parameters: dict[str, Any] = {
        "zone": settings.TIME_ZONE,
        "inboxes": inboxes,
        "fail": filters.fail,
        "sighting": filters.sighting,
        "keeper": filters.keeper,
        "weekday": filters.weekday,
        "hour": filters.hour,
    }
    if inboxes is not None:
        conditions.append("c.inbox_id = ANY(%(inboxes)s)")
    if filters.since is not None:
        conditions.append("c.failed_at >= %(since)s")
        parameters["since"] = datetime.combine(filters.since, time(), zone)
    if filters.until is not None and filters.until < date.max:
        conditions.append("c.failed_at < %(until)s")
        parameters["until"] = datetime.combine(filters.until + timedelta(days=1), time(), zone)
    if filters.fail:
        conditions.append("c.fail = %(fail)s")
    if filters.sighting:
        conditions.append("c.sighting = %(sighting)s")
    if filters.outcome:
        conditions.append(f"c.met_at IS {'NOT ' if filters.outcome == 'late' else ''}NULL")
    if filters.alike:
        conditions.append(OF_FLOODS)
    if filters.keeper is not None:
        nobody = filters.keeper == 0
        conditions.append("c.keeper_id IS NULL" if nobody else "c.keeper_id = %(keeper)s")
    for part, value in (("isodow", filters.weekday), ("hour", filters.hour)):
        if value is not None:
            name = "weekday" if part == "isodow" else "hour"
            came = f"extract({part} FROM c.started_at AT TIME ZONE %(zone)s)"
            conditions.append(f"{came} = %({name})s")
    return conditions, parameters


OF_FLOODS = """EXISTS (
    SELECT FROM flooded a WHERE a.message_id = c.message_id AND a.taken_out_at IS NULL
)"""

LINES = """
    SELECT c.id, c.conversation_id, c.message_id, c.inbox_id, c.kind, c.fail, c.sighting,
        c.started_at, c.failed_at, c.met_at, c.overdue, c.keeper_id, coalesce(u.name, ''),
        v.contact_name, coalesce(left(m.text, 160), v.preview), c.is_history
    FROM ({picked}) c JOIN conversation v ON v.id = c.conversation_id
        LEFT JOIN message m ON m.id = c.message_id LEFT JOIN staff_user u ON u.id = c.keeper_id
    ORDER BY {order}
"""

COLUMNS = """
    c.id, c.conversation_id, c.message_id, c.inbox_id, c.kind, c.fail, c.sighting, c.started_at,
    c.failed_at, c.met_at, c.keeper_id, c.is_history,
    greatest(coalesce(c.met_at, %(now)s) - c.failed_at, interval '0') AS overdue
"""

Line = tuple[Any, ...]


def _newest(conditions: list[str], parameters: dict[str, Any], *, after: str) -> list[Line]:
    if after:
        parameters["at"], parameters["id"] = from_key(after)
        conditions = [*conditions, "(c.failed_at, c.id) < (%(at)s, %(id)s)"]
    order = "c.failed_at DESC, c.id DESC"
    picked = (
        f"SELECT {COLUMNS} FROM clock c WHERE {' AND '.join(conditions)} "
        f"ORDER BY {order} LIMIT %(size)s"
    )
    return _rows(LINES.format(picked=picked, order=order), parameters)


def _longest(
    conditions: list[str], parameters: dict[str, Any], *, after: str
) -> tuple[datetime, list[Line]]:
    """The worst of the newest: how long is told as of the first page, so that pages fit."""
    beyond = ""
    if after:
        place, _dash, row_id = after.rpartition("-")
        parameters["now"], overdue = from_key(place)
        if not row_id.isdecimal():
            raise ValueError(f"{after!r} is no place in a list")
        try:
            parameters["overdue"] = timedelta(microseconds=overdue)
        except OverflowError:
            raise ValueError(f"{after!r} is no place in a list") from None
        parameters["id"] = int(row_id)
        beyond = "WHERE (c.overdue, c.id) < (%(overdue)s, %(id)s)"
    order = "c.overdue DESC, c.id DESC"
    picked = f"""
        SELECT * FROM (
            SELECT {COLUMNS} FROM clock c WHERE {" AND ".join(conditions)}
            ORDER BY c.failed_at DESC LIMIT %(cap)s
        ) c {beyond} ORDER BY {order} LIMIT %(size)s
    """
    return parameters["now"], _rows(LINES.format(picked=picked, order=order), parameters)


def _rows(statement: str, parameters: dict[str, Any]) -> list[Line]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        found: list[Line] = cursor.fetchall()
    return found


def _line(row: Line, *, book: Book) -> Fail:
    pk, conversation, message, inbox, clock, fail, sighting, started, failed, met = row[:10]
    overdue, keeper_id, keeper, contact, preview, is_history = row[10:]
    door = book.sight.doors[inbox]
    if not book.names_keepers and keeper_id != book.sight.user_id:
        keeper_id, keeper = (None, "") if keeper_id is None else (-1, "")
    return Fail(
        id=pk,
        conversation_id=conversation,
        message_id=message,
        inbox_id=inbox,
        inbox=door.name,
        channel=door.kind,
        clock=clock,
        fail=fail,
        sighting=sighting,
        started_at=started,
        failed_at=failed,
        met_at=met,
        overdue=overdue,
        keeper_id=keeper_id,
        keeper=keeper,
        contact=contact,
        preview=preview,
        is_history=is_history,
    )


def _keepers(counts: Counter[int], *, book: Book) -> tuple[tuple[int, str, int], ...]:
    if not book.names_keepers:
        hidden = Counter[int]()
        for pk, count in counts.items():
            hidden[pk if pk in (0, book.sight.user_id) else -1] += count
        counts = hidden
    people = User.objects.filter(pk__in=[pk for pk in counts if pk > 0])
    names = {person.pk: str(person) for person in people}
    return tuple((pk, names.get(pk, ""), count) for pk, count in counts.most_common())


def _spans(filters: Filters, weeks: Sequence[date]) -> list[tuple[date, date]]:
    """Whole weeks over the days asked for, several together when they are many."""
    if not weeks:
        return []
    first, last = min(weeks), max(weeks)
    if filters.since and filters.until and filters.until - filters.since <= timedelta(days=365):
        first, last = filters.since, filters.until
    first -= timedelta(days=first.weekday())
    step = timedelta(weeks=((last - first).days // 7 + MOST_SPANS) // MOST_SPANS)
    found: list[tuple[date, date]] = []
    while first <= last:
        found.append((first, first + step - timedelta(days=1)))
        first += step
    return found


def _spells(
    spans: Sequence[tuple[date, date]], counts: Counter[date], *, filters: Filters
) -> tuple[Spell, ...]:
    """How many in each span, which is cut to the days asked for."""
    return tuple(
        Spell(
            since=max(since, filters.since or since),
            until=min(until, filters.until or until),
            count=sum(count for week, count in counts.items() if since <= week <= until),
        )
        for since, until in spans
    )


def _microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
