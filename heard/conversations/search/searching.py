"""Search over everything a person may see: language-aware, newest first, forgiving.

The words are read by the rules of every language we know and by none, and any of these readings may
match. A frequent word is found by walking back from the newest message, a rare one by its index.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from heard.conversations.queries import COUNT_CAP, Count, Door, Sight, from_key, key_of
from heard.conversations.search.vocabulary import nearest
from heard.lib.statements import fetch

PAGE_SIZE = 30
PEOPLE = 5
FEW = 3
CANDIDATES = 100
SHORT_WALK = 4_000
LONGEST_WALK = 10_000
FEW_CONVERSATIONS = 3_000
LONGEST_QUERY = 200
FRAGMENT_FROM = 4000
SHOWN_WHOLE = 240
BEGINNING = 20
NEGATED = re.compile(r'(?:^|\s)-("[^"]*"|\S+)')
WORD = re.compile(r"\w+", re.UNICODE)
START, END = "\ue000", "\ue001"


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for. Empty values do not narrow."""

    words: str = ""
    inbox: int | None = None
    kind: str = ""
    need: str = ""
    mood: str = ""
    since: date | None = None
    until: date | None = None
    contact: int | None = None
    after: str = ""
    also: tuple[str, ...] = ()
    """Other spellings, which an earlier page was widened by."""

    def query(self) -> dict[str, str]:
        """As it stands in an address, without the place in the list."""
        pairs = {
            "q": self.words,
            "inbox": self.inbox,
            "kind": self.kind,
            "need": self.need,
            "mood": self.mood,
            "since": self.since,
            "until": self.until,
            "contact": self.contact,
        }
        return {name: str(value) for name, value in pairs.items() if value not in (None, "")}


@dataclass(frozen=True, slots=True)
class Hit:
    """One message that was found."""

    id: int
    conversation_id: int
    door: Door
    kind: str
    at: datetime
    contact: str
    author: str
    subject: str
    snippet: SafeString

    @property
    def place(self) -> str:
        """Where it stands in the list: pages go on from here."""
        return key_of(self.at, row_id=self.id)


@dataclass(frozen=True, slots=True)
class PersonFound:
    """A contact whose name or handle was found, and their latest conversation."""

    id: int
    name: str
    handles: tuple[str, ...]
    conversation_id: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """One page of what was found."""

    hits: tuple[Hit, ...] = ()
    people: tuple[PersonFound, ...] = ()
    after: str = ""
    also: tuple[str, ...] = ()
    """Words that were looked for as well, because few messages hold what was typed."""


READINGS = """
    SELECT
        (SELECT array_agg(DISTINCT websearch_to_tsquery(g.oid::regconfig, %(wanted)s)::text)),
        (SELECT array_agg(DISTINCT websearch_to_tsquery(g.oid::regconfig, %(unwanted)s)::text))
    FROM pg_ts_config g
    WHERE g.cfgname LIKE 'heard\\_%%' AND g.cfgnamespace = 'public'::regnamespace
"""

FEW_OF_THEM = "conversation c WHERE c.inbox_id = ANY(%(inboxes)s)"

NEWEST = "ORDER BY at DESC, id DESC LIMIT {page}"

BY_INDEX = """
    WITH hit AS MATERIALIZED (SELECT m.id, m.at FROM message m WHERE {where})
    SELECT id, at FROM hit {newest}
"""

BY_WALK = """
    SELECT m.id, m.at FROM (SELECT * FROM message m WHERE {bounds} {walk}) m
    WHERE {where} {newest}
"""

ANSWER = """
    SELECT m.id, m.conversation_id, m.inbox_id, m.kind, m.at, c.contact_name,
        m.author_name, m.subject, left(translate(m.text, '{start}{end}', ''), {beginning}),
        length(translate(left(m.text, {length}), '{start}{end}', '')),
        ts_headline(
            heard_language(m.language),
            translate(left(m.text, {length}), '{start}{end}', ''),
            %(sought)s::tsquery,
            'StartSel={start}, StopSel={end}, ' || CASE WHEN length(m.text) <= {whole}
                THEN 'HighlightAll=true' ELSE 'MaxWords=34, MinWords=18, MaxFragments=1' END
        )
    FROM ({hits}) x
    JOIN message m ON m.id = x.id JOIN conversation c ON c.id = m.conversation_id
    ORDER BY m.at DESC, m.id DESC
"""

BEGINNINGS = """
    SELECT regexp_replace(
        plainto_tsquery('public.heard_simple', translate(%s, '@._-/+', '      '))::text,
        '''(?= |$)', ''':*', 'g'
    )
"""

PEOPLE_FOUND = """
    WITH named AS (
        SELECT id FROM contact
        WHERE to_tsvector('public.heard_simple', translate(name, '@._-/+', '      '))
            @@ %(sought)s::tsquery
        UNION
        SELECT contact_id FROM handle
        WHERE to_tsvector(
            'public.heard_simple', translate(address || ' ' || name, '@._-/+', '      ')
        ) @@ %(sought)s::tsquery
    ), heard AS (
        SELECT named.id, v.id AS conversation_id, v.last_at FROM named CROSS JOIN LATERAL (
            SELECT c.id, c.last_at FROM conversation c
            WHERE c.contact_id = named.id AND c.last_at IS NOT NULL
                AND (%(inboxes)s::bigint[] IS NULL OR c.inbox_id = ANY(%(inboxes)s))
            ORDER BY c.last_at DESC LIMIT 1
        ) v LIMIT {candidates}
    )
    SELECT k.id, k.name,
        (SELECT array_agg(h.address ORDER BY h.id) FROM handle h WHERE h.contact_id = k.id),
        x.conversation_id, x.last_at
    FROM (SELECT * FROM heard ORDER BY last_at DESC LIMIT {people}) x
    JOIN contact k ON k.id = x.id ORDER BY x.last_at DESC
"""


def search(question: Question, *, sight: Sight) -> Found:
    """The newest messages that hold the words, and on the first page the people who bear them."""
    sought = _sought_all(question)
    if not sought:
        return Found()
    hits = _hits(question, sought, sight=sight)
    also = question.also
    if len(hits) < FEW and not question.after and not also:
        also = nearest(WORD.findall(NEGATED.sub(" ", _plain(question.words))))
        if also:
            hits = _hits(question, _sought_all(replace(question, also=also)), sight=sight)
    people = [] if question.after or question.contact else people_named(question.words, sight=sight)
    return Found(
        hits=tuple(hits[:PAGE_SIZE]),
        people=tuple(people),
        after=hits[PAGE_SIZE - 1].place if len(hits) > PAGE_SIZE else "",
        also=also,
    )


def count(question: Question, *, sight: Sight) -> Count:
    """How many messages hold the words, up to the cap."""
    sought = _sought_all(question)
    if not sought:
        return Count()
    conditions, parameters = _conditions(question, sought, sight=sight)
    [[number]] = fetch(
        "SELECT count(*) FROM (SELECT FROM message m "
        f"WHERE {' AND '.join(conditions)} LIMIT {COUNT_CAP + 1}) x",
        parameters,
    )
    return Count(number)


def _sought_all(question: Question) -> str:
    """The words and their other spellings as one `tsquery` in text; "" when none is left."""
    readings = [_sought(words) for words in (question.words, *question.also)]
    return " | ".join(f"({reading})" for reading in readings if reading)


def _plain(words: str) -> str:
    return words[:LONGEST_QUERY].replace("\x00", " ")


def _sought(words: str) -> str:
    """The words as one `tsquery` in text; "" when nothing is left to look for."""
    words = _plain(words)
    unwanted = " or ".join(NEGATED.findall(words))
    [found] = fetch(READINGS, {"wanted": NEGATED.sub(" ", words), "unwanted": unwanted})
    wanted, shunned = ([reading for reading in those or () if reading] for those in found)
    if not wanted:
        return ""
    sought = " | ".join(f"({reading})" for reading in wanted)
    if not shunned:
        return sought
    return f"({sought}) & !({' | '.join(f'({reading})' for reading in shunned)})"


def _conditions(
    question: Question, sought: str, *, sight: Sight
) -> tuple[list[str], dict[str, Any]]:
    conditions = ["m.search @@ %(sought)s::tsquery"]
    parameters: dict[str, Any] = {"sought": sought}

    def narrow(condition: str, **values: Any) -> None:
        conditions.append(condition)
        parameters.update(values)

    if question.inbox is not None:
        allowed = [question.inbox] if question.inbox in sight.doors else []
        narrow("m.inbox_id = ANY(%(inboxes)s)", inboxes=allowed)
    elif sight.inboxes is not None:
        narrow("m.inbox_id = ANY(%(inboxes)s)", inboxes=sight.inboxes)
    inboxes = parameters.get("inboxes")
    if inboxes is not None and _expected(FEW_OF_THEM, parameters) <= FEW_CONVERSATIONS:
        # A small team's messages are fewer than those that hold a common word.
        narrow("m.conversation_id = ANY(ARRAY(SELECT c.id FROM " + FEW_OF_THEM + "))")
    for column in ("kind", "need", "mood"):
        if value := getattr(question, column):
            narrow(f"m.{column} = %({column})s", **{column: value})
    if question.contact is not None:
        narrow(
            "m.conversation_id = ANY("
            "ARRAY(SELECT id FROM conversation WHERE contact_id = %(contact)s))",
            contact=question.contact,
        )
    if question.since is not None:
        narrow("m.at >= %(since)s", since=_midnight(question.since))
    if question.until is not None:
        narrow("m.at < %(until)s", until=_after(question.until))
    if question.after:
        at, row_id = from_key(question.after)
        narrow("(m.at, m.id) < (%(at)s, %(id)s)", at=at, id=row_id)
    return conditions, parameters


def _hits(question: Question, sought: str, *, sight: Sight) -> list[Hit]:
    """One page of hits and one more, by whichever way is shorter."""
    conditions, parameters = _conditions(question, sought, sight=sight)
    words = {
        "where": " AND ".join(conditions),
        "bounds": " AND ".join(_bounds(question)) or "true",
        "newest": NEWEST.format(page=PAGE_SIZE + 1),
        "walk": NEWEST.format(page=LONGEST_WALK),
    }
    if _rows_to_walk(words["where"], parameters) <= SHORT_WALK:
        hits = _answer(BY_WALK.format(**words), parameters, sight=sight)
        if len(hits) > PAGE_SIZE:
            return hits
    return _answer(BY_INDEX.format(**words), parameters, sight=sight)


def _bounds(question: Question) -> list[str]:
    """The conditions that a walk may start and stop at."""
    bounds = [
        "m.at >= %(since)s" if question.since else "",
        "m.at < %(until)s" if question.until else "",
        "(m.at, m.id) < (%(at)s, %(id)s)" if question.after else "",
    ]
    return [bound for bound in bounds if bound]


def _rows_to_walk(where: str, parameters: dict[str, Any]) -> float:
    """How many of the newest messages hold a page of hits, as the planner's statistics tell."""
    expected = _expected(f"message m WHERE {where}", parameters)
    [[messages]] = fetch("SELECT reltuples FROM pg_class WHERE oid = 'message'::regclass")
    return float(PAGE_SIZE * messages / max(1, expected))


def _expected(rows: str, parameters: dict[str, Any]) -> int:
    """How many rows the planner expects."""
    [[said]] = fetch(f"EXPLAIN (FORMAT JSON) SELECT FROM {rows}", parameters)
    return int(said[0]["Plan"]["Plan Rows"])


def _answer(hits: str, parameters: dict[str, Any], *, sight: Sight) -> list[Hit]:
    statement = ANSWER.format(
        hits=hits,
        length=FRAGMENT_FROM,
        whole=SHOWN_WHOLE,
        beginning=BEGINNING,
        start=START,
        end=END,
    )
    return [
        Hit(*(pk, conversation, sight.doors[inbox], *said, _snippet(headline, begins, length)))
        for pk, conversation, inbox, *said, begins, length, headline in fetch(statement, parameters)
        if inbox in sight.doors
    ]


def people_named(words: str, *, sight: Sight) -> list[PersonFound]:
    """Contacts by the beginnings of their names and handles, the latest to speak first."""
    [[sought]] = fetch(BEGINNINGS, [_plain(words)])
    if not sought:
        return []
    statement = PEOPLE_FOUND.format(candidates=CANDIDATES, people=PEOPLE)
    return [
        PersonFound(pk, name, tuple(handles or ()), conversation, last_at)
        for pk, name, handles, conversation, last_at in fetch(
            statement, {"sought": sought, "inboxes": sight.inboxes}
        )
    ]


def _snippet(headline: str, begins: str, length: int) -> SafeString:
    """The headline, escaped, what was found in `<mark>`, with dots where something is left out."""
    plain = headline.replace(START, "").replace(END, "")
    safe = escape(headline).replace(START, "<mark>").replace(END, "</mark>")
    before = "" if plain.startswith(begins) else "… "
    after = "" if len(before) + len(plain) >= length else " …"
    return mark_safe(f"{before}{safe}{after}")  # noqa: S308 - escaped


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _after(day: date) -> datetime:
    """The end of a day; of the last there can be, its beginning."""
    return _midnight(day + timedelta(days=1) if day < date.max else day)
