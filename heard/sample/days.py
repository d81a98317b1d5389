"""The ordinary days of the sample company: its scenes, spread over the weeks as life spreads them.

Nothing here knows what time it is now: the same Monday gives the same sixty days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from heard.channels.base import Kind
from heard.conversations.clocks.hours import OpeningHours, due_at
from heard.sample.company import (
    BY_KEY,
    COLLEAGUES,
    PLACES,
    STAFF,
    WEEKS,
    ZONE,
    Inbox,
    hours_of,
    policy_of,
)
from heard.sample.happenings import Deed, Happening, Said, say
from heard.sample.people import AddressBook, strangers
from heard.sample.script import NO_ASIDE, Scene, Words, lists, scenes
from heard.sample.wording import Gaps, dress_incoming, dress_reply, ways

REGULARS, REGULAR_SHARE = 170, 0.4
"""How many of the strangers write again and again, and how much of all writing is theirs."""

TRIES = 20
MOST = 4
"""How often one written text is used at most, in different words each time unless it is short."""
HAND = 30
"""From how many texts the least used is taken."""
SHORT = 24
"""Letters up to which real people say the very same: "Missed call", "Thanks!"."""

# Weeks are counted back from the current one, which is 0.
DAY_RHYTHM = (13, 17, 19, 20, 24, 28, 22)
"""Scenes a day, Monday to Sunday."""
BUSY = {8: 0.94, 7: 0.97, 6: 1.0, 5: 1.06, 4: 1.06, 3: 1.04, 2: 1.0, 1: 1.0, 0: 1.0}
NEEDS = {"?": "answer", "!": "answer", "+": "recognition", ".": "nothing"}
TIDIED = 0.97
"""How much a manager puts away after some days, answered or not; a fail stays a fail."""
LATE = {8: 0.05, 7: 0.06, 6: 0.07, 5: 0.10, 4: 0.15, 3: 0.24, 2: 0.15, 1: 0.09, 0: 0.07}
UNANSWERED = {8: 0.03, 7: 0.03, 6: 0.04, 5: 0.05, 4: 0.08, 3: 0.12, 2: 0.07, 1: 0.05, 0: 0.04}
MENDED_WEEK = 4
COLLECTIONS = {8: 3, 7: 5, 6: 8, 5: 13, 4: 10, 3: 5, 2: 5, 1: 5, 0: 5}
"""Orders forgotten a week. New printers came in week 4; they are switched off in the afternoon."""

AT_MEALS = ((12, 3), (13, 6), (14, 4), (18, 3), (19, 6), (20, 7), (21, 4))
IN_THE_EVENING = (
    (8, 2), (9, 3), (10, 3), (11, 3), (12, 5), (13, 5), (14, 3), (15, 3), (16, 3), (17, 4), (18, 6),
    (19, 7), (20, 7), (21, 6), (22, 4), (23, 2),
)  # fmt: skip
BY_DAY = (
    (8, 4), (9, 6), (10, 8), (11, 8), (12, 6), (13, 4), (14, 6), (15, 6), (16, 6), (17, 5), (18, 3),
    (19, 2), (20, 2), (21, 1),
)  # fmt: skip


def ordinary_days(monday: date, *, book: AddressBook) -> Iterator[Happening]:
    """All that happens in the scenes, from `WEEKS` weeks before `monday` until its Sunday."""
    stage = _Stage(monday, book)
    for week in range(WEEKS, -1, -1):
        for weekday, rhythm in enumerate(DAY_RHYTHM):
            rng = Random(f"heard/{week}/{weekday}")
            for n in range(round(rhythm * BUSY[week])):
                scene, asked = stage.deck.draw(week, weekday, rng)
                yield from stage.play(scene, asked, week=week, weekday=weekday, n=n)
        rng = Random(f"heard/collections/{week}")
        weekdays = (1, 2, 3, 4, 4, 5, 5, 5) if week > MENDED_WEEK else (2, 4, 5, 5, 5, 5)
        for n in range(COLLECTIONS[week]):
            scene, asked = stage.deck.draw_cause("collect", rng)
            yield from stage.play(scene, asked, week=week, weekday=rng.choice(weekdays), n=100 + n)


class _Deck:
    """Deals what was least heard of late, so that nothing is said too often."""

    def __init__(self) -> None:
        self._cards = [(scene, asked) for scene in scenes() for asked in scene.asked]
        self._left = [
            scene.weight * (MOST if len(asked.text) <= SHORT else min(MOST, ways(asked.text)))
            for scene, asked in self._cards
        ]
        self._dealt: Counter[int] = Counter()

    def draw(self, week: int, weekday: int, rng: Random) -> tuple[Scene, Words]:
        """A scene for an ordinary moment of this day."""
        fitting = [
            n
            for n, (scene, _) in enumerate(self._cards)
            if not scene.cause
            and (not scene.weeks or week in scene.weeks)
            and not (weekday == 0 and scene.inboxes == ("card",))
        ]
        return self._deal(fitting, rng)

    def draw_cause(self, cause: str, rng: Random) -> tuple[Scene, Words]:
        """A scene of one cause of trouble."""
        fitting = [n for n, (scene, _) in enumerate(self._cards) if scene.cause == cause]
        return self._deal(fitting, rng)

    def _deal(self, fitting: list[int], rng: Random) -> tuple[Scene, Words]:
        left = [n for n in fitting if self._left[n] > 0]
        some = rng.sample(left, min(HAND, len(left)))
        chosen = min(some, key=lambda n: self._dealt[n] / self._cards[n][0].weight)
        self._dealt[chosen] += 1
        self._left[chosen] -= 1
        return self._cards[chosen]


class _Cast:
    """Who writes: some often, most once."""

    def __init__(self, book: AddressBook) -> None:
        self._book = book
        names = strangers()
        self._regulars, self._others = names[:REGULARS], iter(names[REGULARS:])
        self._tables = 0

    def speaker(self, scene: Scene, inbox: Inbox, rng: Random) -> tuple[str, str]:
        """Name and address of somebody who might say this there."""
        if inbox.kind == "card":
            self._tables += 1
            return f"Table {rng.randrange(1, 16)}", f"card-{self._tables}"
        if scene.people:
            name = rng.choice(lists("names")[scene.people])
        elif rng.random() < REGULAR_SHARE:
            name = rng.choice(self._regulars)
        else:
            name = next(self._others)
        return name, self._book.address(name, kind=inbox.kind)


@dataclass(slots=True)
class _Case:
    """One scene as it is played once."""

    scene: Scene
    asked: Words
    inbox: Inbox
    week: int
    said: Said
    name: str
    gaps: Gaps
    rng: Random
    hours: OpeningHours

    def after(self, moment: datetime, minutes: float) -> datetime:
        """So many minutes of open time later."""
        seconds = self.rng.randrange(60)
        due = due_at(moment, minutes=minutes, hours=self.hours) + timedelta(seconds=seconds)
        return due.astimezone(ZONE)

    def deed(self, at: datetime, verb: str, by: str, text: str = "") -> Deed:
        """Something that a colleague does about it."""
        return Deed(at, self.inbox.key, verb, by, self.said.message.external_id, text)


class _Stage:
    """Plays scenes, and sees to it that no two people use the very same words."""

    def __init__(self, monday: date, book: AddressBook) -> None:
        self.deck = _Deck()
        self._monday = monday
        self._cast = _Cast(book)
        self._hours = {place.key: hours_of(place, monday=monday) for place in PLACES}
        self._written: set[str] = set()
        self._replies: Counter[str] = Counter()

    def play(
        self, scene: Scene, asked: Words, *, week: int, weekday: int, n: int
    ) -> Iterator[Happening]:
        """One scene on one day, with everything that comes of it."""
        number = (WEEKS - week) * 7 + weekday
        day = self._monday + timedelta(days=weekday - 7 * week)
        rng = Random(f"heard/{number}/{n}")
        inbox = BY_KEY[rng.choice(_fitting(scene, asked))]
        name, sender = self._cast.speaker(scene, inbox, rng)
        hosts = _agents(inbox)
        gaps, text = self._words(asked.text, lambda: Gaps(rng, day, number, name, hosts))
        said = say(
            inbox,
            Kind.INCOMING,
            at=_moment(day, inbox, rng),
            text=_dressed(text, scene, asked, inbox, name, rng),
            external_id=f"day-{number}-{n}",
            sender=sender,
            sender_name=name,
            root=_root(scene, inbox, sender),
            subject=scene.post or (scene.title if inbox.kind in ("email", "contact_page") else ""),
            aside=asked.aside if inbox.kind in ("review", "card", "phone") else NO_ASIDE,
            followers=int(10 ** rng.uniform(1.6, 3.4)) if inbox.is_shared else None,
        )
        case = _Case(scene, asked, inbox, week, said, name, gaps, rng, self._hours[inbox.place])
        yield said
        follows = list(self._follow(case))
        yield from follows
        yield from _correct(case, follows)

    def _follow(self, case: _Case) -> Iterator[Happening]:
        """What comes of it; and after some days it is put away."""
        rng, said, inbox = case.rng, case.said, case.inbox
        if case.asked.mark == "+":
            yield from self._recognise(case)
        elif case.asked.mark != ".":
            yield from self._answer(case)
        elif rng.random() < 0.25:
            yield case.deed(case.after(said.at, rng.uniform(5, 300)), "opens", inbox.keeper)
        if rng.random() < TIDIED:
            tidied_at = case.after(said.at, 60 * rng.uniform(18, 32))
            yield case.deed(tidied_at, "resolves", _manager(inbox))

    def _answer(self, case: _Case) -> Iterator[Happening]:
        """A question or a complaint: answered in time, late, or never."""
        rng, said = case.rng, case.said
        target = policy_of(case.inbox).first_response
        replies = case.scene.replies_to(case.asked)
        by = _answerer(case)
        share = UNANSWERED[case.week] * (2.5 if said.message.text == "Missed call" else 1.0)
        if rng.random() < share or not replies:
            yield from self._leave(case, target)
            return
        is_late = rng.random() < LATE[case.week]
        minutes = target * (
            rng.uniform(1.1, 1.6) + rng.expovariate(1.0) if is_late else rng.betavariate(1.5, 3.2)
        )
        replied_at = case.after(said.at, max(1.5, minutes))
        seen_at = case.after(said.at, max(1.0, minutes * (0.3 if is_late else 0.85)))
        if is_late and rng.random() < 0.45:
            seen_at = replied_at - timedelta(seconds=50)
        yield case.deed(min(seen_at, replied_at), "opens", by)
        if rng.random() < 0.6:
            yield case.deed(min(seen_at, replied_at), "assigns", _assigner(case, by), by)
        yield self._reply(case, replies, at=replied_at, by=by)
        last_at = replied_at
        thanks = case.scene.thanks
        if rng.random() < (0.5 if thanks else 0.22) and not _is_loose(case.inbox):
            last_at = replied_at + timedelta(minutes=rng.uniform(2, 55))
            texts = [words.text for words in thanks] or _thanks(case.asked)
            thanked = self._thank(case, texts, last_at)
            yield thanked
            if case.asked.mark == "!" and rng.random() < 0.8:
                about = thanked.message.external_id
                yield Deed(case.after(last_at, 6), case.inbox.key, "likes", by, about)
        yield case.deed(case.after(last_at, rng.uniform(10, 240)), "resolves", by)

    def _leave(self, case: _Case, target: float) -> Iterator[Happening]:
        """Nobody answers. Some of it was seen."""
        if case.rng.random() < 0.45:
            yield case.deed(
                case.after(case.said.at, target * case.rng.uniform(0.2, 3)),
                "opens",
                case.inbox.keeper,
            )

    def _recognise(self, case: _Case) -> Iterator[Happening]:
        """Praise: liked, thanked, answered, or heard by nobody."""
        rng, said = case.rng, case.said
        by = _answerer(case)
        replies = case.scene.replies_to(case.asked)
        target = policy_of(case.inbox).recognition or 960
        is_letter = case.inbox.kind in ("email", "contact_page")
        lot = rng.random() * (1 + 2 * UNANSWERED[case.week])
        minutes = target * rng.betavariate(1.3, 3.5)
        if rng.random() < LATE[case.week]:
            minutes = target * rng.uniform(1.1, 2.5)
        at = case.after(said.at, max(2.0, minutes))
        if replies and lot < (0.85 if is_letter else 0.3):
            yield case.deed(at - timedelta(seconds=40), "opens", by)
            yield self._reply(case, replies, at=at, by=by)
        elif not is_letter and lot < 0.72:
            yield case.deed(at, "thanks" if case.inbox.kind == "card" else "likes", by)
        elif lot < 0.85:
            yield case.deed(at, "opens", by)

    def _reply(self, case: _Case, replies: tuple[Words, ...], *, at: datetime, by: str) -> Said:
        case.gaps.agent = STAFF[by].name.split(" ")[0]
        text = self._answer_text(case, replies)
        message = case.said.message
        return say(
            case.inbox,
            Kind.REPLY,
            at=at,
            text=text,
            external_id=f"{message.external_id}-reply",
            sender=message.sender,
            sender_name=case.name,
            root=message.root or message.external_id,
            parent=message.external_id,
            subject=f"Re: {message.subject}" if case.inbox.kind == "email" else "",
            by=by,
        )

    def _answer_text(self, case: _Case, replies: tuple[Words, ...]) -> str:
        """The reply used least so far, in words that nobody has read yet if that can be had."""
        text = ""
        for _ in range(TRIES):
            chosen = min(replies, key=lambda it: self._replies[it.text] + case.rng.random())
            text = case.gaps.write(chosen.text)
            if not case.scene.people:
                text = dress_reply(
                    text,
                    kind=case.inbox.kind,
                    name=case.name,
                    agent=case.gaps.agent,
                    rng=case.rng,
                )
            self._replies[chosen.text] += 1
            if text not in self._written:
                break
        self._written.add(text)
        return text

    def _thank(self, case: _Case, thanks: list[str], at: datetime) -> Said:
        message = case.said.message
        return say(
            case.inbox,
            Kind.INCOMING,
            at=at,
            text=case.gaps.write(case.rng.choice(thanks)),
            external_id=f"{message.external_id}-thanks",
            sender=message.sender,
            sender_name=case.name,
            root=message.root or message.external_id,
            parent=f"{message.external_id}-reply",
            subject=f"Re: {message.subject}" if case.inbox.kind == "email" else "",
        )

    def _words(self, text: str, gaps: Callable[[], Gaps]) -> tuple[Gaps, str]:
        """The gaps, filled in a way that nobody has used yet if that can be had."""
        made = gaps()
        for _ in range(TRIES):
            if (written := made.write(text)) not in self._written:
                break
            made = gaps()
        self._written.add(written)
        return made, written


def _correct(case: _Case, follows: list[Happening]) -> Iterator[Deed]:
    """Whoever first has it in hand sets its reading right, should the reading be wrong."""
    touches = [it for it in follows if isinstance(it, Deed)]
    if not touches:
        return
    first = min(touches, key=lambda deed: deed.at)
    yield case.deed(first.at, "corrects", first.by, f"need={NEEDS[case.asked.mark]}")
    stars = case.asked.aside.stars
    if case.inbox.is_public and case.asked.mark == "+" and (stars is None or stars > 3):
        yield case.deed(first.at, "corrects", first.by, "stance=recommend")
    elif case.inbox.is_public and case.asked.mark == "!" and stars is not None and stars <= 2:
        yield case.deed(first.at, "corrects", first.by, "stance=avoid")
    for it in follows:
        if isinstance(it, Said) and it.message.kind is Kind.INCOMING:
            last = max(touches, key=lambda deed: deed.at)
            about = it.message.external_id
            need = "recognition" if case.asked.mark == "!" else "nothing"
            yield Deed(last.at, it.inbox, "corrects", last.by, about, f"need={need}")


def _root(scene: Scene, inbox: Inbox, sender: str) -> str:
    """Under what it hangs: our post, or the one long chat that a telephone keeps; else itself."""
    if scene.post:
        return f"post-{scene.post}"
    return f"chat-{sender}" if inbox.kind in ("sms", "chat") else ""


def _fitting(scene: Scene, asked: Words) -> list[str]:
    """The inboxes of a scene in which this text would be found."""
    kinds = {key: BY_KEY[key].kind for key in scene.inboxes}
    if asked.aside.stars is not None:
        wanted = [key for key, kind in kinds.items() if kind in ("review", "card", "foursquare")]
    elif asked.aside.hold_seconds is not None:
        wanted = [key for key, kind in kinds.items() if kind == "phone"]
    elif "@quince" in asked.text or "@rising" in asked.text:
        wanted = [key for key in kinds if BY_KEY[key].is_shared]
    else:
        wanted = [key for key, kind in kinds.items() if kind not in ("review", "card")]
    return wanted or list(scene.inboxes)


def _dressed(text: str, scene: Scene, asked: Words, inbox: Inbox, name: str, rng: Random) -> str:
    if scene.people or (asked.mark in "+." and inbox.kind not in ("email", "contact_page")):
        return text
    if asked.aside.hold_seconds is not None:
        return text
    return dress_incoming(text, kind=inbox.kind, mention=_mention(scene), name=name, rng=rng)


def _thanks(asked: Words) -> list[str]:
    return list(lists("words")["soothed" if asked.mark == "!" else "thanks"])


def _is_loose(inbox: Inbox) -> bool:
    """Whether people hardly ever write a second time there."""
    return inbox.kind in ("review", "card", "foursquare", "phone")


def _moment(day: date, inbox: Inbox, rng: Random) -> datetime:
    rhythm: tuple[tuple[int, int], ...] = IN_THE_EVENING
    if inbox.kind == "card":
        rhythm = AT_MEALS
    elif inbox.kind in ("phone", "email", "widget"):
        rhythm = BY_DAY
    hour = rng.choices([hour for hour, _ in rhythm], [weight for _, weight in rhythm])[0]
    moment = time(hour, rng.randrange(60), rng.randrange(60))
    return datetime.combine(day, moment, tzinfo=ZONE)


def _mention(scene: Scene) -> str:
    """How one calls the place that this is about."""
    places = Counter(BY_KEY[key].place for key in scene.inboxes if not BY_KEY[key].is_shared)
    place = places.most_common(1)[0][0] if places else "table"
    return {"table": "@quincestable", "rising": "@risingquince", "cork": "@quinceandcork"}[place]


def _answerer(case: _Case) -> str:
    """Who answers: mostly the keeper, a manager for what is serious, else somebody of the team."""
    if case.rng.random() < 0.5:
        return case.inbox.keeper
    if (case.asked.aside.stars or 5) <= 2 and case.rng.random() < 0.5:
        return _manager(case.inbox)
    return case.rng.choice(_agents(case.inbox))


def _agents(inbox: Inbox) -> tuple[str, ...]:
    return tuple(c.key for c in COLLEAGUES if inbox.team in c.teams and c.role == "agent")


def _manager(inbox: Inbox) -> str:
    return "Imogen" if inbox.place == "table" else "Tomasz"


def _assigner(case: _Case, by: str) -> str:
    return by if case.rng.random() < 0.7 else _manager(case.inbox)
