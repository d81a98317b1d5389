"""Reads the written part of the sample: stories, which happen once, and scenes, which happen often.

How both are written is told in docs/sample-company.md. Raises `ValueError` with file and line for
whatever does not follow it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from heard.sample.company import BY_KEY, STAFF

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
VERBS = (
    "likes", "shares", "thanks", "opens", "resolves", "assigns", "snoozes", "promises", "keeps",
    "corrects",
)  # fmt: skip

_LENGTH = r"(?:\d+h)?(?:\d+m)?"
_TIME = re.compile(
    rf"(?P<when>w\d (?:{'|'.join(WEEKDAYS)}) \d\d:\d\d|d-?\d+ \d\d:\d\d|now[-+]{_LENGTH}"
    rf"|\+\d+d \d\d:\d\d|\+{_LENGTH})(?:[ ]|$)"
)
_SIDE = re.compile(r"\((?P<side>(?:stars|hold|followers|subject|need|automatic)\b[^)]*)\)\s*")
_MARK = re.compile(r"(?P<mark>[?!+.<>])(?P<tag>[?!+a-z0-9]?) (?P<text>.+)")
_HEADERS = ("in", "weight", "people", "post", "cause", "weeks")


@dataclass(frozen=True, slots=True)
class Aside:
    """What the place tells beside the words."""

    stars: int | None = None
    hold_seconds: int | None = None
    followers: int | None = None
    subject: str = ""
    need: str = ""
    is_automatic: bool = False


NO_ASIDE = Aside()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a story. `mark` is "" for a contact, ">" reply, "~" note, "!" deed."""

    when: str
    inbox: str
    mark: str
    who: str
    text: str = ""
    to: str = ""
    verb: str = ""
    until: str = ""
    aside: Aside = NO_ASIDE


@dataclass(frozen=True, slots=True)
class Story:
    """Something that happened once, to people with names."""

    title: str
    lines: tuple[Line, ...]
    post: str = ""
    post_inbox: str = ""

    @property
    def slug(self) -> str:
        """Its name in external ids."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


@dataclass(frozen=True, slots=True)
class Words:
    """One written text of a scene; `tag` binds replies to what they answer."""

    mark: str
    tag: str
    text: str
    aside: Aside = NO_ASIDE


@dataclass(frozen=True, slots=True)
class Scene:
    """Something that happens often: what people write, what we answer, what they say then."""

    title: str
    inboxes: tuple[str, ...]
    asked: tuple[Words, ...]
    replies: tuple[Words, ...]
    thanks: tuple[Words, ...]
    weight: int = 1
    people: str = ""
    post: str = ""
    cause: str = ""
    weeks: tuple[int, ...] = ()

    def replies_to(self, asked: Words) -> tuple[Words, ...]:
        """The replies that fit: those bound to its tag, else to its mark, else the unbound ones."""
        for tag in (asked.tag, asked.mark, ""):
            fitting = tuple(reply for reply in self.replies if reply.tag == tag)
            if fitting and (tag or asked.tag == ""):
                return fitting
        return ()


@cache
def stories() -> tuple[Story, ...]:
    """All stories, in the order of their files."""
    return tuple(
        _story(title, body)
        for name, text in _texts("stories")
        for title, body in _sections(name, text)
    )


@cache
def scenes() -> tuple[Scene, ...]:
    """All scenes, in the order of their files."""
    return tuple(
        _scene(title, body)
        for name, text in _texts("scenes")
        for title, body in _sections(name, text)
    )


@cache
def lists(name: str) -> dict[str, tuple[str, ...]]:
    """The word lists of one file: names, or what fills the gaps."""
    text = (files("heard.sample") / "lists" / f"{name}.txt").read_text("utf-8")
    return {
        title: tuple(" ".join(line for _, line in body).split(" | "))
        for title, body in _sections(name, text)
    }


def _texts(folder: str) -> Iterator[tuple[str, str]]:
    found = sorted((files("heard.sample") / folder).iterdir(), key=lambda entry: entry.name)
    return (
        (entry.name, entry.read_text("utf-8")) for entry in found if entry.name.endswith(".txt")
    )


def _sections(name: str, text: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    title = ""
    body: list[tuple[str, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("# "):
            if title:
                yield title, body
            title, body = line[2:].strip(), []
        elif line.strip():
            body.append((f"{name}:{number}", line.strip()))
    if title:
        yield title, body


def _story(title: str, body: list[tuple[str, str]]) -> Story:
    story = Story(title, ())
    lines: list[Line] = []
    inbox = ""
    for where, raw in body:
        if raw.startswith("post: "):
            post_inbox, _, post = raw[6:].partition(" ")
            story = replace(story, post=post, post_inbox=post_inbox)
            continue
        line = _line(where, raw, inbox=inbox)
        inbox = line.inbox
        lines.append(line)
    return replace(story, lines=tuple(lines))


def _line(where: str, raw: str, *, inbox: str) -> Line:
    timed = _TIME.match(raw)
    when, rest = (timed["when"], raw[timed.end() :]) if timed else ("+12m", raw)
    word, _, after = rest.partition(" ")
    if word in BY_KEY:
        inbox, rest = word, after
    if not inbox:
        raise ValueError(f"{where}: the first line of a story names its inbox")
    if rest.startswith("! "):
        return _deed(where, rest[2:], when=when, inbox=inbox)
    mark = rest[0] if rest[:2] in ("> ", "~ ") else ""
    speaker, colon, text = rest[2 if mark else 0 :].partition(": ")
    if not colon or not text:
        raise ValueError(f"{where}: expected 'name: text', got {raw!r}")
    who, _, to = speaker.partition(" to ") if mark else (speaker, "", "")
    if mark and who not in STAFF:
        raise ValueError(f"{where}: {who!r} does not work here")
    aside, text = read_aside(text)
    return Line(when, inbox, mark, who, text, to, aside=aside)


def _deed(where: str, text: str, *, when: str, inbox: str) -> Line:
    who, _, rest = text.partition(" ")
    verb, _, rest = rest.partition(" ")
    if who not in STAFF or verb not in VERBS:
        raise ValueError(f"{where}: expected '! colleague verb', got {text!r}")
    if verb == "promises":
        until, _, promise = rest.partition(": ")
        return Line(when, inbox, "!", who, promise, verb=verb, until=until)
    if verb == "snoozes":
        return Line(when, inbox, "!", who, verb=verb, until=rest)
    if verb == "assigns":
        if rest not in STAFF:
            raise ValueError(f"{where}: {rest!r} does not work here")
        return Line(when, inbox, "!", who, rest, verb=verb)
    if verb == "corrects":
        change, _, to = rest.partition(" ")
        return Line(when, inbox, "!", who, change, to, verb=verb)
    return Line(when, inbox, "!", who, to=rest, verb=verb)


def _scene(title: str, body: list[tuple[str, str]]) -> Scene:
    headers: dict[str, str] = {}
    words: dict[str, list[Words]] = {"asked": [], ">": [], "<": []}
    for where, raw in body:
        key, colon, value = raw.partition(": ")
        if colon and key in _HEADERS:
            headers[key] = value
            continue
        found = _MARK.fullmatch(raw)
        if found is None:
            raise ValueError(f"{where}: a line of a scene begins with ? ! + . > or <, got {raw!r}")
        aside, text = read_aside(found["text"])
        mark = found["mark"]
        words["asked" if mark not in "<>" else mark].append(Words(mark, found["tag"], text, aside))
    inboxes = tuple(headers.get("in", "").split())
    if not inboxes or not set(inboxes) <= set(BY_KEY):
        raise ValueError(f"{title}: 'in:' names the inboxes of a scene, got {inboxes}")
    return Scene(
        title=title,
        inboxes=inboxes,
        asked=tuple(words["asked"]),
        replies=tuple(words[">"]),
        thanks=tuple(words["<"]),
        weight=int(headers.get("weight", "1")),
        people=headers.get("people", ""),
        post=headers.get("post", ""),
        cause=headers.get("cause", ""),
        weeks=tuple(int(week) for week in headers.get("weeks", "").split()),
    )


def read_aside(text: str) -> tuple[Aside, str]:
    """Take off what stands in brackets before the words: `(stars 4)`, `(hold 3m, need answer)`."""
    found = _SIDE.match(text)
    if found is None:
        return Aside(), text
    aside = Aside()
    for part in found["side"].split(", ") if "subject" not in found["side"] else [found["side"]]:
        name, _, value = part.partition(" ")
        if name == "stars":
            aside = replace(aside, stars=int(value))
        elif name == "hold":
            aside = replace(aside, hold_seconds=seconds(value))
        elif name == "followers":
            aside = replace(aside, followers=int(value))
        elif name == "subject":
            aside = replace(aside, subject=value)
        elif name == "need":
            aside = replace(aside, need=value)
        else:
            aside = replace(aside, is_automatic=True)
    return aside, text[found.end() :]


def seconds(length: str) -> int:
    """Seconds of a length such as `2h40m` or `3m20s`."""
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(count) * units[unit] for count, unit in re.findall(r"(\d+)([hms])", length))
