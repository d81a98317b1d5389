"""What a draft says about when the house is open, held against its opening hours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from heard.think.findings import Facts, Finding, Letter, Light, Opening, Spans
from heard.think.true.claims import Sort, claims_in
from heard.think.true.known_facts import book_of
from heard.think.true.moments import local
from heard.think.true.retelling import time_like
from heard.think.true.subjects import stem
from heard.think.wording import own_words, phrase, sentences, set_of

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WHO = (
    r"(?:we|our (?:shop|store|office|doors|restaurant|branch|reception|team|hotline|lines)"
    r"|our phone lines|the (?:shop|store|office|branch|restaurant))"
)
_IS = r"(?:'re| are| is|'ll be| will be| stay| remain| have been)(?: (?:also|usually|always|only))*"
_OPEN = phrase(
    rf"""
    {_WHO}{_IS} open\b
    {_WHO}(?: \w+ly)? (?:open|opens)\b
    (?:wir|unser\w* \w+) (?:haben|hat|sind|ist)\b[^.!?\n]{{0,60}}\b(?:geöffnet|offen|auf)\b
    wir öffnen\b
    nous (?:sommes ouverts|ouvrons)\b
    (?:abrimos|estamos abiert[oa]s)\b
    (?:apriamo|siamo aperti)\b
    estamos abert[oa]s\b
    """
)
_CLOSED = phrase(
    rf"""
    {_WHO}{_IS} (?:closed|shut)\b
    (?:wir|unser\w* \w+) (?:haben|hat|sind|ist)\b[^.!?\n]{{0,60}}\b(?:geschlossen|zu(?= *[.!,]))
    nous sommes fermés\b
    estamos cerrad[oa]s\b
    siamo chiusi\b
    estamos fechad[oa]s\b
    """
)
_CLOSES = phrase(
    rf"""
    {_WHO}(?: \w+ly)? (?:close|closes|shut|shuts)\b(?! (?:down|your|the|this|it)\b)
    wir schließen\b
    nous fermons\b
    cerramos\b
    chiudiamo\b
    fechamos\b
    """
)
_HINT = re.compile(
    r"open|clos|shut|öffne|offen|schl|ouv|ferm|abri|abier|cerra|apr|chiu|aber|fech|\bauf\b|\bzu\b",
    re.IGNORECASE,
)
_NOT_AN_ORDINARY_DAY = phrase(
    r"""
    christmas|easter|holiday|new year|bank holiday|season|summer|winter|feiertag|weihnacht|ostern
    noël|pâques|jour férié|navidad|festivo|natale|pasqua|natal|feriado|not\b|nicht\b|n't\b|if\b
    """.replace("|", "\n")
)
_UNTIL = r"until|till?|to|by|bis|jusqu'à|hasta(?: las)?|fino alle|até(?: às)?"
_FROM = r"from|since|von|ab|de|desde(?: las)?|dalle|das|dès"
_AT = r"at|um|a las|alle|às|à"  # some of it also means "until", after a "from"
_TIME = re.compile(
    rf"(?:\b(?P<until>{_UNTIL})|\b(?P<from>{_FROM})|\b(?P<at>{_AT})|(?P<dash>[-–])) ?"
    r"(?P<time>(?P<hour>\d{1,2})(?:[:.](?P<minute>[0-5]\d))?"
    r"(?: ?(?P<half>[ap])\.?m\b\.?| ?(?P<uhr>uhr)\b| ?(?P<h>h)(?P<minute2>[0-5]\d)?\b)?)"
    r"(?![\d%€$£]|[.,/:-]\d| ?(?:days?|hours?|h\b|min|weeks?|tagen?|stunden|euro|eur))",
    re.IGNORECASE,
)
_VERB = phrase(
    r"(?:open|clos|shut|öffn|geöffnet|schließ|schliess|ouv|ferm|abr|abier|cerr|apr|chiu|aber|fech)"
)
_OPENS = ("open", "öffn", "geöf", "ouv", "abr", "abier", "apr", "aber")
_TODAY = phrase("today\ntonight\nheute\naujourd'hui\nhoy\noggi\nhoje")
_TOMORROW = phrase("tomorrow\nmorgen\ndemain\nmañana\ndomani\namanhã")
_RANGE = re.compile(r" ?(?:to|until|through|-|–|bis|à|au|a|al) ?", re.IGNORECASE)
_ABOUT_OPENING = frozenset(
    stem(word)
    for word in set_of(
        "open opening hours öffnungszeiten öffnungszeit ouverture horario horarios apertura"
    )
)


@dataclass(frozen=True, slots=True)
class _Said:
    """A time of day in a draft: its place, what minutes it may mean, and whether it ends a span."""

    start: int
    end: int
    minutes: frozenset[int]
    is_end: bool
    text: str


def opening(draft: str, facts: Facts) -> Iterable[Finding]:
    """Findings for times and days that the opening hours do not know."""
    if facts.opening is None or not _HINT.search(draft):
        return
    if book_of(facts).words & _ABOUT_OPENING:
        return  # the house has said it in its own words
    text = own_words(draft)
    for start, end in sentences(text):
        sentence = text[start:end]
        if not _NOT_AN_ORDINARY_DAY.search(sentence) and not sentence.rstrip().endswith("?"):
            yield from _judged(draft, sentence, start, facts, facts.opening)


def _judged(
    draft: str, sentence: str, offset: int, facts: Facts, hours: Opening
) -> Iterator[Finding]:
    closed, closes = _CLOSED.search(sentence), _CLOSES.search(sentence)
    opens = None if closed or closes else _OPEN.search(sentence)
    match = closed or closes or opens
    if match is None:
        return
    days = _days(sentence, facts)
    meant = [_spans_on(hours, day) for day in days] if days else list(hours.week)
    times = list(_times(sentence))
    if closed:
        if days and not times and all(meant):
            yield _finding(draft, offset + match.start(), offset + match.end(), hours)
        return
    if not any(meant):
        yield _finding(draft, offset + match.start(), offset + match.end(), hours)
        return
    for said in times:
        known = sorted(_bounds(meant, hours, said.is_end))
        if not said.minutes & set(known):
            change = time_like(known[0], said.text) if len(known) == 1 else None
            yield _finding(draft, offset + said.start, offset + said.end, hours, change)


def _days(sentence: str, facts: Facts) -> list[int | date]:
    """Weekdays and days that a sentence names."""
    days: list[int | date] = []
    named = [claim for claim in claims_in(sentence) if claim.sort is Sort.WEEKDAY]
    days += [int(claim.value[0] or 0) for claim in named]
    for first, last in pairwise(named):
        if _RANGE.fullmatch(sentence[first.end : last.start]):
            begin, end = int(first.value[0] or 0), int(last.value[0] or 0)
            days += [day % 7 for day in range(begin + 1, end if end > begin else end + 7)]
    if facts.now is not None:
        today = local(facts.now, facts.timezone).date()
        if _TODAY.search(sentence):
            days.append(today)
        if _TOMORROW.search(sentence):
            days.append(today + timedelta(days=1))
    return days


def _spans_on(hours: Opening, day: int | date) -> Spans:
    if isinstance(day, int):
        return hours.week[day]
    return dict(hours.days).get(day, hours.week[day.weekday()])


def _times(sentence: str) -> Iterator[_Said]:
    """Times of day with what they bound; "at" opens or closes as the verb does."""
    place = 0
    is_begun = False
    while match := _TIME.search(sentence, place):
        place = match.end()
        hour, minute = int(match["hour"]), int(match["minute"] or match["minute2"] or 0)
        if hour > 24 or (match["half"] and not 1 <= hour <= 12):
            continue
        if match["half"]:
            hours = {hour % 12 + (12 if match["half"].lower() == "p" else 0)}
        elif match["minute"] or match["uhr"] or match["h"] or hour > 12:
            hours = {hour}
        else:
            hours = {hour, hour + 12}
        minutes = {60 * it + minute for it in hours}
        minutes |= {1440 for it in minutes if it == 0}
        is_end = bool(match["until"] or match["dash"])
        if match["at"]:
            verbs = [it[0].casefold() for it in _VERB.finditer(sentence, 0, match.start())]
            closes = not verbs[-1].startswith(_OPENS) if verbs else False
            is_end = (is_begun and match["at"].casefold() not in ("at", "um")) or closes
        is_begun = match["from"] is not None
        yield _Said(*match.span("time"), frozenset(minutes), is_end, match["time"])


def _bounds(meant: list[Spans], hours: Opening, is_end: bool) -> set[int]:  # noqa: FBT001
    """When it opens or closes on those days; a night goes on until the next morning."""
    bounds = {span[is_end] for spans in meant for span in spans}
    if is_end and 1440 in bounds:
        bounds |= {end for spans in hours.week for start, end in spans if start == 0}
    return bounds


def week_words(hours: Opening) -> str:
    """The week in one line: days with the same hours stand together."""
    parts: list[str] = []
    first = 0
    for day in range(1, 8):
        if day < 7 and hours.week[day] == hours.week[first]:
            continue
        names = _DAYS[first] if day - first == 1 else f"{_DAYS[first]} to {_DAYS[day - 1]}"
        times = " and ".join(f"{_clock(one)} to {_clock(two)}" for one, two in hours.week[first])
        parts.append(f"{names} {times or 'closed'}")
        first = day
    return ", ".join(parts)


def _clock(minute: int) -> str:
    return f"{minute // 60}:{minute % 60:02d}"


def _finding(
    draft: str, start: int, end: int, hours: Opening, change: str | None = None
) -> Finding:
    return Finding(
        code="true.opening",
        letter=Letter.TRUE,
        light=Light.AMBER,
        says="Our opening hours say something else.",
        matched=draft[start:end],
        start=start,
        end=end,
        change=change,
        beside=week_words(hours),
    )
