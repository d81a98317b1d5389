"""`events`: everything that was said and done at the sample company, as of a moment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from heard.channels.base import Kind
from heard.sample.company import BY_KEY, WEEKS, ZONE, Inbox
from heard.sample.days import ordinary_days
from heard.sample.happenings import Deed, Happening, Said, say
from heard.sample.people import AddressBook
from heard.sample.script import WEEKDAYS, Line, Story, seconds, stories

TIDIED_AFTER = timedelta(days=4)
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def events(now: datetime) -> list[Happening]:
    """What was said and done until `now` (aware), in order of time; the same for the same `now`.

    It begins on the Monday eight weeks before the current one. What is promised or asleep may end
    after `now`; everything else lies before it.
    """
    local = now.astimezone(ZONE)
    monday = local.date() - timedelta(days=local.weekday())
    begin = datetime.combine(monday - timedelta(weeks=WEEKS), time(), tzinfo=ZONE)
    book = AddressBook()
    found: list[Happening] = []
    for story in stories():
        found.extend(_tell(story, now=local, monday=monday, book=book))
    found.extend(ordinary_days(monday, book=book))
    kept = [happening for happening in found if begin <= happening.at <= now]
    said = {
        (happening.inbox, happening.message.external_id)
        for happening in kept
        if isinstance(happening, Said)
    }
    return sorted(
        (
            happening
            for happening in kept
            if isinstance(happening, Said) or (happening.inbox, happening.message) in said
        ),
        key=lambda happening: happening.at,
    )


def _tell(story: Story, *, now: datetime, monday: date, book: AddressBook) -> Iterator[Happening]:
    """One story, line by line."""
    last: dict[str, Said] = {}
    last_of: dict[tuple[str, str], Said] = {}
    said_by_us: dict[tuple[str, str], str] = {}
    asleep: list[Said] = []
    before = now
    for n, line in enumerate(story.lines):
        at = _when(line.when, before=before, now=now, monday=monday)
        before = at
        inbox = BY_KEY[line.inbox]
        about = last_of.get((line.inbox, line.to)) if line.to else last.get(line.inbox)
        if line.mark == "":
            said = _heard(
                story, line, n, at=at, inbox=inbox, book=book, answered=said_by_us, now=now
            )
            last[line.inbox] = last_of[line.inbox, line.who] = said
            yield said
            continue
        if about is None:
            raise ValueError(f"{story.title}: nobody has spoken yet to whom {line} could answer")
        if line.mark == "!":
            until = _when(line.until, before=at, now=now, monday=monday) if line.until else None
            message = about.message.external_id
            if line.verb == "snoozes":
                asleep.append(about)
            yield Deed(at, line.inbox, line.verb, line.who, message, line.text, until)
            if line.verb in ("likes", "shares", "thanks"):
                yield Deed(at, line.inbox, "corrects", line.who, message, "need=recognition")
            continue
        kind = Kind.REPLY if line.mark == ">" else Kind.NOTE
        answer = _ours(story, line, n, kind, at=at, about=about)
        last[line.inbox] = about
        if kind is Kind.REPLY:
            said_by_us[line.inbox, about.message.sender] = answer.message.external_id
        yield answer
    if story.lines[0].when.startswith("w"):
        yield from _tidy({key: said for key, said in last_of.items() if said not in asleep})


def _tidy(last_of: dict[tuple[str, str], Said]) -> Iterator[Deed]:
    """What is told is put away after some days, answered or not."""
    for (key, _), said in last_of.items():
        by = "Tomasz" if BY_KEY[key].place == "cork" else "Imogen"
        day = said.at.date() + TIDIED_AFTER
        at = datetime.combine(day, time(11, 30 + len(said.message.text) % 30), tzinfo=ZONE)
        yield Deed(at, key, "resolves", by, said.message.external_id)


def _heard(
    story: Story,
    line: Line,
    n: int,
    *,
    at: datetime,
    inbox: Inbox,
    book: AddressBook,
    answered: dict[tuple[str, str], str],
    now: datetime,
) -> Said:
    """What a contact says in a story."""
    sender = book.address(line.who, kind=inbox.kind)
    is_mail = inbox.kind in ("email", "contact_page")
    post = story.post if inbox.key == story.post_inbox else ""
    subject = line.aside.subject or post or (story.title if is_mail else "")
    return say(
        inbox,
        Kind.INCOMING,
        at=at,
        text=_dated(line.text, now=now),
        external_id=f"{story.slug}-{n}",
        sender=sender,
        sender_name=_shown_name(line.who),
        root=_root(story, inbox, sender),
        parent=answered.get((inbox.key, sender), ""),
        subject=subject,
        aside=line.aside,
    )


def _ours(story: Story, line: Line, n: int, kind: Kind, *, at: datetime, about: Said) -> Said:
    """What a colleague says in a story, to the contact or to the house."""
    message = about.message
    return say(
        BY_KEY[line.inbox],
        kind,
        at=at,
        text=line.text,
        external_id=f"{story.slug}-{n}",
        sender=message.sender,
        sender_name=message.sender_name,
        root=message.root or message.external_id,
        parent=message.external_id,
        subject=f"Re: {message.subject}" if message.subject and kind is Kind.REPLY else "",
        aside=line.aside,
        by=line.who,
    )


def _root(story: Story, inbox: Inbox, sender: str) -> str:
    """A post is shared by all who speak under it; elsewhere everybody has a thread of their own."""
    if story.post and inbox.key == story.post_inbox:
        return f"post-{story.post}"
    if inbox.kind in ("sms", "chat"):
        return f"chat-{sender}"
    return f"{story.slug}" if inbox.is_shared else f"{story.slug}-{sender}"


def _shown_name(name: str) -> str:
    """A name without what only the story needs to know: `Bettina's cousin Ruth Halloran`."""
    return re.sub(r"^\S+'s (?:cousin |mum, )", "", name)


def _dated(text: str, *, now: datetime) -> str:
    """Fill in weekdays: `{d4}` is the name of the day four days before `now`."""
    text = text.replace("{yesterday}", "{d1}")
    return re.sub(
        r"\{d(\d+)\}",
        lambda found: DAY_NAMES[(now - timedelta(days=int(found[1]))).weekday()],
        text,
    )


def _when(when: str, *, before: datetime, now: datetime, monday: date) -> datetime:
    """The moment a line names: by week, by days or hours from now, or after the last line."""
    word, _, rest = when.partition(" ")
    if word.startswith("now"):
        sign = 1 if word[3] == "+" else -1
        return _real(now, sign * seconds(word[4:]))
    if word.startswith("+") and not rest:
        return _real(before, seconds(word[1:]))
    hour, minute = (int(part) for part in rest.split(" ")[-1].split(":"))
    if word.startswith("+"):
        day = before.date() + timedelta(days=int(word[1:-1]))
    elif word.startswith("d"):
        day = now.date() - timedelta(days=int(word[1:]))
    else:
        weekday = WEEKDAYS.index(rest.split(" ")[0])
        day = monday + timedelta(days=weekday - 7 * int(word[1:]))
    return datetime.combine(day, time(hour, minute), tzinfo=ZONE)


def _real(moment: datetime, length: int) -> datetime:
    """Seconds that really pass, also in the night when the clocks change."""
    return datetime.fromtimestamp(moment.timestamp() + length, tz=ZONE)
