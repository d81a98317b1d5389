"""How lists and threads put things into words: clocks, times, sizes, and what a reading says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from django.conf.locale import LANG_INFO
from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.dates import MONTHS, MONTHS_3, WEEKDAYS, WEEKDAYS_ABBR
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, gettext_lazy, ngettext

from heard.channels.base import Abilities, Act
from heard.channels.phone.course import span
from heard.conversations.abilities import Obstacle, ceiling_of, kept_for
from heard.conversations.models import Conversation
from heard.conversations.people import naming
from heard.conversations.queries import Count, Row
from heard.conversations.thanking import due
from heard.conversations.thread import Done, Said

MINUTE, HOUR, DAY = 60, 3600, 86400
DAYS_BY_NAME = 7
LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")
KILO = 1024
TERMS_SHOWN = 5

NEEDS = {
    "answer": gettext_lazy("needs an answer"),
    "recognition": gettext_lazy("deserves recognition"),
    "nothing": gettext_lazy("needs nothing"),
}
MOODS = {
    "negative": gettext_lazy("unhappy"),
    "neutral": gettext_lazy("neutral"),
    "positive": gettext_lazy("happy"),
}
STANCES = {
    "avoid": gettext_lazy("warns others off"),
    "recommend": gettext_lazy("recommends us"),
    "neither": gettext_lazy("takes no side"),
}
URGENCIES = {
    "high": gettext_lazy("urgent"),
    "normal": gettext_lazy("not pressing"),
    "low": gettext_lazy("can wait"),
}
HEADS = {
    "need": (gettext_lazy("Need"), NEEDS),
    "mood": (gettext_lazy("Mood"), MOODS),
    "stance": (gettext_lazy("Stance"), STANCES),
    "urgency": (gettext_lazy("Urgency"), URGENCIES),
}
READERS = {
    "server": gettext_lazy("The server suggests"),
    "minilm": gettext_lazy("MiniLM suggests"),
}
CLOCKS = {
    "first_response": gettext_lazy("first answer"),
    "next_response": gettext_lazy("next answer"),
    "recognition": gettext_lazy("recognition"),
    "resolution": gettext_lazy("resolution"),
    "promise": gettext_lazy("promise"),
}
FAILS = {
    "service": gettext_lazy("questions"),
    "recognition": gettext_lazy("kind words"),
}
OUTCOMES = {
    "unanswered": gettext_lazy("never answered"),
    "late": gettext_lazy("answered late"),
}
SIGHTINGS = {
    "unseen": gettext_lazy("nobody saw it"),
    "seen": gettext_lazy("seen and left"),
    "unknown": gettext_lazy("not known who saw it"),
}
KINDS = {
    "incoming": gettext_lazy("From customers"),
    "reply": gettext_lazy("Our replies"),
    "note": gettext_lazy("Notes"),
}


class ClockFace(NamedTuple):
    """What a ring shows: the share that is left, and the same in words."""

    left: float
    is_failing: bool
    label: str

    @property
    def dash(self) -> float:
        """The share as the ring draws it, of 100."""
        return round(self.left * 100, 1)


class Line(NamedTuple):
    """A row of a list with its times in words, for `zone` and `now` are the same for all fifty."""

    row: Row
    ago: str
    face: ClockFace | None
    since: int
    until: int
    """From when to when its clock runs, in seconds since 1970."""
    closing: str
    """How long the place still lets us write, where that matters."""


def lines(rows: Sequence[Row], *, now: datetime) -> list[Line]:
    """The rows of a list as its page writes them."""
    zone = timezone.get_current_timezone()
    today = now.astimezone(zone).date()
    written = []
    for row in rows:
        face, since, until = None, 0, 0
        if row.due_at and row.due_from and row.status != "resolved":
            face = clock(row.due_from, row.due_at, kind=row.due_kind, now=now)
            since, until = int(row.due_from.timestamp()), int(row.due_at.timestamp())
        ago = _ago(row.last_at, now=now, zone=zone, today=today)
        left = ""
        if row.closes_at and row.need != "nothing" and row.status != "resolved":
            left = closing(row.closes_at, now=now)
        written.append(Line(row, ago, face, since, until, left))
    return written


def bond_tags() -> Mapping[str, str]:
    """What contacts are to us, as lists show it with the rule behind it; "" is nothing."""
    return {
        "": "",
        **{
            word: f' <span class="bond bond-{word}" title="{escape(naming.rule(word))}">'
            f"{escape(name)}</span>"
            for word, name in naming.BONDS.items()
        },
    }


def more_alike(count: int) -> str:
    """How many more conversations a line stands for, with the one that it names."""
    return ngettext("and %(num)s more alike", "and %(num)s more alike", count - 1) % {
        "num": Count(count - 1)
    }


def clock(due_from: datetime, due_at: datetime, *, kind: str, now: datetime) -> ClockFace:
    """A clock as it stands now."""
    span = (due_at - due_from).total_seconds()
    left = (due_at - now).total_seconds()
    name = CLOCKS.get(kind, kind)
    if left <= 0:
        label = gettext("%(what)s: %(time)s late") % {"what": name, "time": span_words(-left)}
        return ClockFace(0.0, is_failing=True, label=label)
    label = gettext("%(what)s: %(time)s left") % {"what": name, "time": span_words(left)}
    return ClockFace(min(1.0, left / span) if span > 0 else 0.0, is_failing=False, label=label)


def closing(closes_at: datetime, *, now: datetime) -> str:
    """How long the place still lets us write; nothing while that is more than two days."""
    left = (closes_at - now).total_seconds()
    if left <= 0:
        return gettext("closed for replies")
    return "" if left > 2 * DAY else gettext("closes in %s") % span_words(left)


def span_words(seconds: float) -> str:
    """A length of time in its two largest units, as "2 h 10 min"."""
    whole = max(0, int(seconds))
    if whole < HOUR:
        return gettext("%d min") % max(1, whole // MINUTE)
    if whole < DAY:
        hours, minutes = whole // HOUR, whole % HOUR // MINUTE
        return gettext("%d h") % hours + (" " + gettext("%d min") % minutes if minutes else "")
    days, hours = whole // DAY, whole % DAY // HOUR
    words = ngettext("%d day", "%d days", days) % days
    return words + (" " + gettext("%d h") % hours if hours and days < 3 else "")


def minutes(seconds: float) -> str:
    """A time that goes on by the second: "4:05", "1:04:05"."""
    whole = max(0, int(seconds))
    if whole < HOUR:
        return f"{whole // MINUTE}:{whole % MINUTE:02}"
    return f"{whole // HOUR}:{whole % HOUR // MINUTE:02}:{whole % MINUTE:02}"


def call_span(seconds: float) -> str:
    """How long a call or a hold was: "40 s", "4 min"."""
    return span(seconds)


def stamp(iso: str) -> float:
    """A moment in ISO 8601 as seconds since 1970."""
    return datetime.fromisoformat(iso).timestamp()


def ago(moment: datetime, *, now: datetime) -> str:
    """When it was, as short as can be: "5 min", "14:20", "Tue", "4 Mar", "4 Mar 2024"."""
    zone = timezone.get_current_timezone()
    return _ago(moment, now=now, zone=zone, today=now.astimezone(zone).date())


def _ago(moment: datetime, *, now: datetime, zone: tzinfo, today: date) -> str:
    seconds = (now - moment).total_seconds()
    if 0 <= seconds < HOUR:
        return gettext("now") if seconds < MINUTE else gettext("%d min") % (seconds // MINUTE)
    # Every line of a list asks for this: by hand it costs a tenth of Django's formatting.
    local = moment.astimezone(zone)
    days = (today - local.date()).days
    if days == 0:
        return f"{local.hour:02}:{local.minute:02}"
    if 0 < days < DAYS_BY_NAME:
        return str(WEEKDAYS_ABBR[local.weekday()])
    day = f"{local.day} {MONTHS_3[local.month].title()}"
    return day if local.year == today.year else f"{day} {local.year}"


def read_otherwise(said: Said) -> str:
    """What a tier of the assistant reads otherwise, in words; "" where it reads it the same."""
    second = said.second or {}
    differ = [
        str(HEADS[head][1][second[head]])
        for head in ("need", "mood", "stance")
        if second.get(head) and second[head] != getattr(said, head)
    ]
    return ", ".join(differ)


def exactly(moment: datetime) -> str:
    """A moment in full, for titles."""
    at = moment.astimezone(timezone.get_current_timezone())
    return f"{WEEKDAYS[at.weekday()]}, {at.day} {MONTHS[at.month]} {at.year}, {at:%H:%M}"


def at_time(moment: datetime) -> str:
    """The time of the day."""
    return f"{moment.astimezone(timezone.get_current_timezone()):%H:%M}"


def soon(moment: datetime, *, now: datetime) -> str:
    """A moment to come: "today 17:00", "tomorrow 09:00", "Fri 12:00", "4 Mar 09:00"."""
    local, today = timezone.localtime(moment), timezone.localtime(now).date()
    days = (local.date() - today).days
    if days == 0:
        day = gettext("today")
    elif days == 1:
        day = gettext("tomorrow")
    elif 1 < days < 7:
        day = date_format(local, "D")
    else:
        day = date_format(local, "j M" if local.year == today.year else "j M Y")
    return f"{day} {date_format(local, 'H:i')}"


def day_name(on: date, *, now: datetime) -> str:
    """The day above messages."""
    today = timezone.localtime(now).date()
    if on == today:
        return gettext("Today")
    if on == today - timedelta(days=1):
        return gettext("Yesterday")
    return date_format(on, "l, j F" if on.year == today.year else "l, j F Y")


def weekday(number: int) -> str:
    """A weekday; 1 is Monday."""
    return str(WEEKDAYS[number - 1])


def weekday_short(number: int) -> str:
    """The same in two or three letters."""
    return str(WEEKDAYS_ABBR[number - 1])


def days(since: date, until: date) -> str:
    """A span of days, as short as can be: "3 – 9 Mar 2026"."""
    last = date_format(until, "j M Y")
    if since == until:
        return last
    if (since.year, since.month) == (until.year, until.month):
        return f"{since.day} – {last}"
    first = date_format(since, "j M" if since.year == until.year else "j M Y")
    return f"{first} – {last}"


def size(count: int) -> str:
    """So many bytes, as people say it."""
    if count < KILO:
        return gettext("%d bytes") % count
    if count < KILO * KILO:
        return gettext("%d kB") % round(count / KILO)
    return gettext("%.1f MB") % (count / KILO / KILO)


def percent(share: float | None) -> str:
    """A share in words; a dash where there is none."""
    return "–" if share is None else f"{round(share * 100)}\u00a0%"


def points(difference: float | None) -> str:
    """A difference of two shares, in points of a hundred, with its sign."""
    return "–" if difference is None else f"{round(difference * 100):+d}"


def interval(low: float | None, high: float | None) -> str:
    """Between what a share, or a difference of two, lies."""
    if low is None or high is None:
        return "–"
    return f"{round(low * 100)} … {round(high * 100)}\u00a0%"


def language_name(code: str) -> str:
    """A language in the reader's own, the code itself when we do not know it."""
    known = LANG_INFO.get(code)
    return gettext(known["name"]) if known and "name" in known else code


def linked(text: str) -> SafeString:
    """Text with its web addresses as links that tell their targets nothing."""
    pieces: list[str] = []
    end = 0
    for found in LINK.finditer(text):
        address = escape(found.group())
        pieces.append(escape(text[end : found.start()]))
        pieces.append(
            f'<a href="{address}" target="_blank" rel="noopener noreferrer nofollow">{address}</a>'
        )
        end = found.end()
    pieces.append(escape(text[end:]))
    return mark_safe("".join(pieces))  # noqa: S308 - every piece is escaped


def sentence(done: Done, *, now: datetime) -> str:
    """A line of the diary in words."""
    who = done.actor or gettext("heard")
    data: dict[str, Any] = dict(done.data)
    if done.name == "conversation.assigned":
        to = data.get("to") or data.get("team")
        if not to:
            return gettext("%(who)s gave it back to everybody") % {"who": who}
        if to == done.actor:
            return gettext("%(who)s took it") % {"who": who}
        return gettext("%(who)s gave it to %(to)s") % {"who": who, "to": to}
    if done.name == "conversation.snoozed":
        until = soon(datetime.fromisoformat(data["until"]), now=now)
        return gettext("%(who)s put it away until %(until)s") % {"who": who, "until": until}
    if done.name == "promise.made":
        due = soon(datetime.fromisoformat(data["due_at"]), now=now)
        said = {"who": who, "what": data.get("text", ""), "until": due}
        return gettext("%(who)s promised: %(what)s, until %(until)s") % said
    if done.name == "reading.corrected":
        head, values = HEADS.get(data.get("head", ""), ("", {}))
        said = {"who": who, "head": head, "now": values.get(data.get("now", ""), "")}
        return gettext("%(who)s corrected the reading: %(now)s") % said
    plain = {
        "conversation.woken": gettext("%(who)s woke it"),
        "conversation.resolved": gettext("%(who)s called it done"),
        "conversation.reopened": gettext("%(who)s opened it again"),
        "conversation.taken_out": gettext("%(who)s said that it is not like the others"),
        "promise.kept": gettext("%(who)s kept the promise"),
        "promise.withdrawn": gettext("%(who)s withdrew the promise"),
        "conversation.went_private": gettext("They went on in private, on our contact page"),
        "reply.undone": gettext("%(who)s took a reply back"),
        "reply.drafted": gettext("%(who)s had a reply drafted by the server"),
        "second_reading.refused": gettext("%(who)s left the reading as it is"),
        "conversation.merged": gettext("%(who)s merged another conversation into this one"),
        "conversation.unmerged": gettext("%(who)s took a merge back"),
        "conversation.split": gettext("%(who)s split this conversation"),
        "conversation.rejoined": gettext("%(who)s took a split back"),
        "conversation.stepped_back": gettext("%(who)s stepped back: too close to this"),
        "reply.rested": gettext("%(who)s wrote a reply that rests until it has cooled"),
        "review.asked": gettext("A reply of %(author)s waits for a second pair of eyes"),
        "review.returned": gettext("%(who)s gave %(author)s a reply back"),
        "review.withdrawn": gettext("%(who)s took back a reply that was waiting"),
    }
    return plain.get(done.name, done.name) % {"who": who, "author": data.get("author", "")}


REASONS = {
    "scandal": gettext_lazy("A flag flies over this inbox: %(seen)s."),
    "public_red": gettext_lazy("It is public, and goes in spite of a red finding: %(seen)s"),
    "reach": gettext_lazy("%(seen)s people can hear what this person says."),
    "legal": gettext_lazy("It is about law: “%(seen)s”."),
    "refund": gettext_lazy("It gives back more than the house allows unseen: %(seen)s."),
    "new_agent": gettext_lazy("The first %(seen)s replies of somebody new are looked at."),
}
"""Why somebody else must look at a reply, by the codes of `weighing.Reason`."""

SIGNS = {
    "heat.words": gettext_lazy("There are words of anger in it: “%(seen)s”."),
    "heat.row": gettext_lazy("It is the third draft in a row with words of anger."),
    "heat.quarrel": gettext_lazy("The two have gone back and forth for long."),
    "heat.insulted": gettext_lazy("They insulted whoever answered them: “%(seen)s”."),
    "heat.too_close": gettext_lazy("Its author has said that they are too close to this."),
}
"""The signs of heat, by the codes of `heard.think.second_eyes.heat`."""

RETURNS = {
    "crossed": gettext_lazy("%(seen)s was at this conversation too, in the meantime."),
    "blocked": gettext_lazy("The check holds it back by now: %(seen)s"),
    "impossible": gettext_lazy("The place takes no reply any more."),
    "merged": gettext_lazy("Two conversations became one, and you have another reply there."),
}
"""Why a reply came back to its author by itself."""


def because(found: Mapping[str, str]) -> str:
    """One reason or sign of a reply that waits, in a sentence."""
    words = REASONS.get(found["code"]) or SIGNS.get(found["code"]) or found["code"]
    return str(words) % {"seen": found.get("seen", "")}


def returned(word: str, *, by: str) -> str:
    """What was said when a reply was given back, by a person or by the clock."""
    code, _, seen = word.partition(":")
    if by or code not in RETURNS:
        return word
    return str(RETURNS[code]) % {"seen": seen or gettext("Somebody")}


OBSTACLES = {
    Obstacle.MUTE: gettext_lazy("Nothing can be sent to this place from here."),
    Obstacle.BY_LINK: gettext_lazy(
        "This place takes answers on its own page alone: write here, copy it, paste it there."
    ),
    Obstacle.CLOSED: gettext_lazy(
        "The time in which this place lets us write is over; it opens when they write again."
    ),
    Obstacle.OPTED_OUT: gettext_lazy(
        "They wrote STOP: we may not write to them here until they write START."
    ),
}
"""Why no reply can leave, for people."""

ACTS = {
    Act.LIKE: gettext_lazy("Like"),
    Act.SHARE: gettext_lazy("Share"),
    Act.THANK: gettext_lazy("Thank"),
    Act.APPROVE: gettext_lazy("Approve"),
    Act.SPAM: gettext_lazy("Spam"),
    Act.DELETE: gettext_lazy("Take down"),
    Act.EDIT: gettext_lazy("Change"),
}
"""What the buttons of acts say."""


def thanks(said: Said, *, bond: str, able: Abilities) -> str:
    """What recognition a message deserves and why, in a sentence; "" when none is due."""
    if said.deleted_at or said.kind != "incoming":
        return ""
    found = due(
        need=said.need,
        mood=said.mood,
        stance=said.stance,
        bond=bond,
        is_public=said.is_public,
        possible=able.acts,
        given=[how for how, _ in said.acknowledged],
    )
    if found is None:
        return ""
    ways = gettext(" or ").join(str(naming.THANKS[act]) for act in found.acts)
    reasons = gettext(" and ").join(str(naming.DUE[reason]) for reason in found.because)
    sentence = gettext("%(ways)s, because %(reasons)s.") % {"ways": ways, "reasons": reasons}
    return sentence[0].upper() + sentence[1:]


def not_kept(conversation: Conversation) -> str:
    """Why the words of a message are not here any more."""
    inbox = conversation.inbox
    limit, ceiling = kept_for(inbox), ceiling_of(inbox.kind)
    if limit is None:
        return gettext("What was said here has not been kept.")
    time = _long_time(limit)
    if limit == ceiling:
        return gettext("The place's rules let us keep this for %(time)s.") % {"time": time}
    return gettext("This inbox keeps what is said for %(time)s.") % {"time": time}


def _long_time(length: timedelta) -> str:
    hours = int(length.total_seconds() // HOUR)
    if hours % 24 or hours == 24:
        return ngettext("%d hour", "%d hours", hours) % hours
    return ngettext("%d day", "%d days", hours // 24) % (hours // 24)


def passed_on(said: Said) -> str:
    """That a message passes on or quotes other words, and whose those are."""
    is_ours = said.original is not None and said.original.is_ours
    if said.passes_on == "shares":
        return gettext("shared our post") if is_ours else gettext("passed on a post")
    return gettext("quotes our post") if is_ours else gettext("quotes a post")


def readers(place: Mapping[str, Any]) -> str:
    """How many people can read a message, as its place tells; else nothing."""
    count = place.get("audience")
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        return ""
    return ngettext("up to %s reader", "up to %s readers", count) % f"{count:,}"


def terms(place: Mapping[str, Any]) -> str:
    """The names that were listened for and found in a message, parted by commas."""
    found = place.get("terms")
    names = [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
    return ", ".join(names[:TERMS_SHOWN])


def acts(said: Said, able: Abilities) -> list[tuple[str, str]]:
    """What may be done to a message at its place, besides recognising it, and what it is called."""
    if said.deleted_at or said.kind == "note" or said.state in {"waiting", "sending", "failed"}:
        return []
    wanted = (Act.DELETE,) if said.kind == "reply" else (Act.APPROVE, Act.SPAM, Act.DELETE)
    return [
        (kind.value, str(ACTS[kind]))
        for kind in wanted
        if kind in able.acts and kind not in said.acts
    ]


def act_state(kind: str, state: str) -> str:
    """How far an act is, in words."""
    name = str(ACTS.get(Act(kind), kind))
    if state == "waiting":
        return gettext("%(act)s: on its way") % {"act": name}
    if state == "failed":
        return gettext("%(act)s: not done") % {"act": name}
    return gettext("%(act)s: done at the place") % {"act": name}


def safe_link(url: object) -> str:
    """An address that a page may lead to; anything but http leads nowhere."""
    text = str(url)
    return text if text.startswith(("https://", "http://")) else "#"
