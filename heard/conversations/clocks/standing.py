"""Where a conversation stands, worked out from what was said and done in it. No rows here.

`stand` is a function of the set of things that happened: whatever order they reached us in, the
answer is the same. The meanings are those of ARCHITECTURE.md, section 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from heard.conversations.clocks.hours import OpeningHours, due_at, open_minutes_between


class What(IntEnum):
    """What happened; at the same moment the lower number is taken to come first."""

    INCOMING = 0
    REPLY = 1
    ACKNOWLEDGEMENT = 2
    RESOLUTION = 3
    WITHDRAWAL = 4
    """The contact took a message back at the place; `row` is that message's."""


class Happening(NamedTuple):
    """One thing that happened in a conversation. Sorts by time, then by `What`, then by `key`."""

    at: datetime
    what: What
    key: str
    row: int
    """The id of its message; for an acknowledgement or a resolution, of its own row."""
    by: int | None = None
    need: str = "nothing"
    mood: str = ""
    is_urgent: bool = False
    is_automatic: bool = False


@dataclass(frozen=True, slots=True)
class Targets:
    """Minutes of open time promised for each kind of clock; None means no such clock."""

    first_response: int | None
    next_response: int | None
    recognition: int | None
    resolution: int | None
    warn_assignee_percent: int = 50
    warn_manager_percent: int = 80


@dataclass(slots=True)
class RunningClock:
    """One clock as it must stand in the table; `message` is the row that started it."""

    kind: str
    message: int
    started_at: datetime
    minutes: float
    due_at: datetime
    met_at: datetime | None = None
    met_by: int | None = None
    ended_at: datetime | None = None
    """When nothing was owed any more, because what was asked was taken back."""
    is_paused: bool = False
    open_minutes: float | None = None
    used_minutes: float = 0.0
    resumed_at: datetime | None = None
    overran_at: datetime | None = None
    """When a resolution clock fell due before the reply that paused it."""


@dataclass(slots=True)
class Standing:
    """Everything about a conversation that follows from what happened in it."""

    is_open: bool = False
    need: str = "nothing"
    waiting_since: datetime | None = None
    last_asked_at: datetime | None = None
    """The last incoming message that needs an answer: it wakes a snoozed conversation."""
    started_at: datetime | None = None
    last_at: datetime | None = None
    first_incoming_at: datetime | None = None
    last_incoming_at: datetime | None = None
    started_by_contact: bool = False
    first_reply_seconds: float | None = None
    incoming_count: int = 0
    reply_count: int = 0
    first_mood: str = ""
    last_mood: str = ""
    is_turned: bool | None = None
    is_urgent: bool = False
    clocks: list[RunningClock] = field(default_factory=list)


class _Walk:
    """The state of one pass over the happenings."""

    def __init__(self, targets: Targets, hours: OpeningHours) -> None:
        self.targets = targets
        self.hours = hours
        self.standing = Standing()
        self.running: dict[str, RunningClock] = {}
        self.asked_at: datetime | None = None
        self.praised_at: datetime | None = None
        self.unmet: list[Happening] = []
        """What asks for an answer or for recognition and has not got it, oldest first."""
        self.is_open = False
        self.has_answer_need = False
        self.first_reply_at: datetime | None = None
        self.has_person_replied = False
        self.turned = False

    def incoming(self, it: Happening) -> None:
        standing = self.standing
        if standing.first_incoming_at is None:
            standing.first_incoming_at = it.at
            standing.first_mood = it.mood
        standing.last_incoming_at = it.at
        standing.incoming_count += 1
        standing.last_mood = it.mood
        if standing.reply_count:
            self.turned = it.mood == "positive" or it.need == "recognition"
        if it.need in {"answer", "recognition"}:
            self.unmet.append(it)
        if it.need == "answer":
            self.is_open = self.has_answer_need = True
            standing.last_asked_at = it.at
            standing.is_urgent = standing.is_urgent or it.is_urgent
            if self.asked_at is None:
                self.asked_at = it.at
                kind = "next_response" if self.has_person_replied else "first_response"
                self.start(kind, "response", it)
            self.start("resolution", "resolution", it)
        elif it.need == "recognition":
            self.is_open = True
            if self.praised_at is None:
                self.praised_at = it.at
                self.start("recognition", "recognition", it)

    def reply(self, it: Happening) -> None:
        standing = self.standing
        standing.reply_count += 1
        if it.is_automatic:
            return
        self.has_person_replied = True
        first = standing.first_incoming_at
        if first is not None and standing.first_reply_seconds is None and it.at > first:
            standing.first_reply_seconds = (it.at - first).total_seconds()
        self.asked_at = None
        self.unmet = [one for one in self.unmet if one.need == "recognition"]
        standing.is_urgent = False
        self.meet("response", it)
        self.recognise(it)
        resolution = self.running.get("resolution")
        if resolution is not None and not resolution.is_paused:
            since = resolution.resumed_at or resolution.started_at
            resolution.used_minutes += open_minutes_between(since, it.at, hours=self.hours)
            resolution.is_paused = True
            if resolution.overran_at is None and it.at > resolution.due_at:
                resolution.overran_at = resolution.due_at

    def recognise(self, it: Happening) -> None:
        self.praised_at = None
        self.unmet = [one for one in self.unmet if one.need == "answer"]
        self.meet("recognition", it)
        if not self.has_answer_need:
            self.is_open = False

    def resolve(self, it: Happening) -> None:
        self.is_open = self.has_answer_need = False
        resolution = self.running.get("resolution")
        if resolution is not None:
            used = resolution.used_minutes
            if not resolution.is_paused:
                since = resolution.resumed_at or resolution.started_at
                used += open_minutes_between(since, it.at, hours=self.hours)
            self.meet("resolution", it)
            resolution.is_paused = False
            resolution.open_minutes = used

    def withdraw(self, it: Happening) -> None:
        """What was taken back is owed no more; what else was asked meanwhile is, from its time."""
        taken_back = next((one for one in self.unmet if one.row == it.row), None)
        if taken_back is None:
            return
        self.unmet.remove(taken_back)
        is_answer = taken_back.need == "answer"
        left = next((one for one in self.unmet if one.need == taken_back.need), None)
        slots = ("response", "resolution") if is_answer else ("recognition",)
        for slot in slots:
            clock = self.running.get(slot)
            if clock is None or clock.message != it.row:
                continue
            clock.ended_at = it.at
            del self.running[slot]
            if left is not None:
                self.start(clock.kind, slot, left)
        if is_answer:
            self.asked_at = left.at if left else None
            self.has_answer_need = self.has_answer_need and left is not None
        else:
            self.praised_at = left.at if left else None
        self.is_open = self.is_open and bool(self.unmet)

    def start(self, kind: str, slot: str, it: Happening) -> None:
        """Start a clock if none runs in its slot; a paused resolution clock goes on instead."""
        minutes: int | None = getattr(self.targets, kind)
        if minutes is None:
            return
        running = self.running.get(slot)
        if running is not None:
            if running.is_paused:
                running.is_paused = False
                running.resumed_at = it.at
                left = max(0.0, running.minutes - running.used_minutes)
                running.due_at = due_at(it.at, minutes=left, hours=self.hours)
            return
        clock = RunningClock(
            kind=kind,
            message=it.row,
            started_at=it.at,
            minutes=minutes,
            due_at=due_at(it.at, minutes=minutes, hours=self.hours),
        )
        self.running[slot] = clock
        self.standing.clocks.append(clock)

    def meet(self, slot: str, it: Happening) -> None:
        clock = self.running.pop(slot, None)
        if clock is None:
            return
        clock.met_at, clock.met_by = it.at, it.by
        clock.open_minutes = open_minutes_between(clock.started_at, it.at, hours=self.hours)


def stand(happenings: Sequence[Happening], *, targets: Targets, hours: OpeningHours) -> Standing:
    """Work out where a conversation stands from everything that happened in it, in any order."""
    walk = _Walk(targets, hours)
    standing = walk.standing
    for it in sorted(happenings):
        if it.what is What.INCOMING:
            walk.incoming(it)
        elif it.what is What.REPLY:
            walk.reply(it)
        elif it.what is What.ACKNOWLEDGEMENT:
            walk.recognise(it)
        elif it.what is What.WITHDRAWAL:
            walk.withdraw(it)
            continue
        else:
            walk.resolve(it)
            continue
        if it.what is not What.ACKNOWLEDGEMENT:
            if standing.started_at is None:
                standing.started_at = it.at
                standing.started_by_contact = it.what is What.INCOMING
            standing.last_at = it.at
    standing.is_open = walk.is_open
    owed = [moment for moment in (walk.asked_at, walk.praised_at) if moment is not None]
    standing.waiting_since = min(owed, default=None)
    standing.need = "answer" if walk.asked_at else "recognition" if walk.praised_at else "nothing"
    if standing.first_mood == "negative":
        standing.is_turned = walk.turned
    return standing
