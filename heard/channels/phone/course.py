"""The course of a telephone call, put together from what happened to it, and told in plain words.

Everything here is a function of the set of its events: in whatever order, and however often, they
reach us, the call is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from heard.channels.base import CallEvent, File, Incoming, Kind

ORDER = (
    "ringing", "queued", "answered", "held", "resumed", "transferred", "voicemail", "hung_up",
    "recording", "transcript",
)  # fmt: skip
"""What comes first of what bears the same moment."""

UNKNOWN = "unknown:"
"""What stands before a call's name in place of a number that was withheld."""

MINUTE, HOUR = 60, 3600


class Outcome(StrEnum):
    """What became of a call; the first four are of calls that go on."""

    RINGING = "ringing"
    WAITING = "waiting"
    TALKING = "talking"
    HELD = "held"
    ANSWERED = "answered"
    ABANDONED = "abandoned"
    """The person hung up while on hold."""
    MISSED = "missed"
    """It rang, and nobody took it."""
    VOICEMAIL = "voicemail"

    @property
    def is_over(self) -> bool:
        """Whether the line is free again, as far as we were told."""
        return self not in {Outcome.RINGING, Outcome.WAITING, Outcome.TALKING, Outcome.HELD}


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording of a call; `event` is the external id of what told us of it."""

    event: str
    at: datetime
    is_voicemail: bool
    seconds: float | None
    file: File | None
    text: str
    written_by: str


@dataclass(frozen=True, slots=True)
class Course:
    """One call. `hold_seconds` are those of waits that are over; since `hold_since` one goes on.

    Hold is the time in a queue, or that of ringing where there is none, and every wait in between:
    after a transfer into another queue, and while one of ours has put the call on hold.
    """

    call: str
    outcome: Outcome
    started_at: datetime
    queued_at: datetime | None = None
    answered_at: datetime | None = None
    voicemail_at: datetime | None = None
    ended_at: datetime | None = None
    hold_seconds: float = 0.0
    hold_since: datetime | None = None
    caller: str = ""
    caller_name: str = ""
    called: str = ""
    queue: str = ""
    agent: str = ""
    is_outgoing: bool = False
    reason: str = ""
    recordings: tuple[Recording, ...] = ()

    @property
    def person(self) -> str:
        """The handle of whoever is outside; calls without a number are nobody else's."""
        return self.caller or f"{UNKNOWN}{self.call}"

    @property
    def talk_seconds(self) -> float | None:
        """From the answer to the end, without the holds in between; None while nobody can say."""
        if self.answered_at is None or self.ended_at is None:
            return None
        waited_before = (self.answered_at - (self.queued_at or self.started_at)).total_seconds()
        held = max(0.0, self.hold_seconds - max(0.0, waited_before))
        return max(0.0, (self.ended_at - self.answered_at).total_seconds() - held)

    @property
    def need(self) -> Literal["answer", "nothing"]:
        """A call that nobody took, and words on a machine, ask for an answer."""
        is_owed = not self.answered_at or self.outcome in {Outcome.VOICEMAIL, Outcome.ABANDONED}
        return "answer" if is_owed else "nothing"

    @property
    def voicemail(self) -> Recording | None:
        """What was said to the machine, the last of it."""
        return next((it for it in reversed(self.recordings) if it.is_voicemail), None)


def course_of(events: Iterable[CallEvent]) -> Course:
    """The call that these events, of which there must be one, tell of."""
    known = _once(events)
    queued_at = min(
        (it.at - timedelta(seconds=it.hold_seconds or 0) for it in known if it.what == "queued"),
        default=None,
    )
    ended_at = min((it.at for it in known if it.what == "hung_up"), default=None)
    told = sorted((_dated(it, queued_at, ended_at) for it in known), key=_place)
    walk = _Walk()
    for it in told:
        walk.take(it)
    outcome = walk.outcome()
    is_waiting = outcome in {Outcome.RINGING, Outcome.WAITING, Outcome.HELD}
    is_outgoing = any(it.is_outgoing for it in told)
    return Course(
        call=told[0].call,
        outcome=outcome,
        started_at=min(told[0].at, queued_at or told[0].at),
        queued_at=queued_at,
        answered_at=walk.answered_at,
        voicemail_at=walk.voicemail_at,
        ended_at=walk.ended_at,
        hold_seconds=0.0 if is_outgoing else walk.hold_seconds(),
        hold_since=walk.since if is_waiting and not is_outgoing else None,
        caller=_last(it.caller for it in told),
        caller_name=_last(it.caller_name for it in told),
        called=_first(it.called for it in told),
        queue=_last(it.queue for it in told),
        agent=_last(it.agent for it in told),
        is_outgoing=is_outgoing,
        reason=_last(it.reason for it in told),
        recordings=_recordings(told),
    )


def messages_of(course: Course) -> tuple[Incoming, ...]:
    """What a call is in the thread of its caller: their call, and our answer if there was one.

    A call of ours is a reply if it was taken, and an attempt, which meets no clock, if not.
    """
    person = course.person
    root = f"calls:{person}"
    files = tuple(it.file for it in course.recordings if it.file is not None)
    extra = {"call": told(course)}
    if course.is_outgoing:
        ours = Incoming(
            external_id=course.call,
            at=course.answered_at or course.ended_at or course.started_at,
            text=words(course),
            sender=course.called,
            sender_name=course.agent,
            kind=Kind.REPLY,
            to=person,
            author=course.agent,
            root=root,
            is_automatic=course.answered_at is None,
            files=files,
            extra=extra,
        )
        return (ours,)
    theirs = Incoming(
        external_id=course.call,
        at=_asked_at(course),
        text=words(course),
        sender=person,
        sender_name=course.caller_name or ("" if course.caller else "Unknown caller"),
        root=root,
        need=course.need,
        files=files,
        extra=extra,
    )
    if course.answered_at is None:
        return (theirs,)
    answer = Incoming(
        external_id=f"{course.call}:answer",
        at=max(course.answered_at, course.started_at),
        text=answer_words(course),
        sender=course.called,
        sender_name=course.agent,
        kind=Kind.REPLY,
        to=person,
        author=course.agent,
        root=root,
        extra={"call": {"is_answer": True}},
    )
    return (theirs, answer)


def told(course: Course) -> dict[str, Any]:
    """What a page needs to know of a call, as it stands beside its message."""
    voicemail = course.voicemail
    moments = {
        "started_at": course.started_at,
        "queued_at": course.queued_at,
        "answered_at": course.answered_at,
        "ended_at": course.ended_at,
        "hold_since": course.hold_since,
    }
    return {
        **{name: at.isoformat() for name, at in moments.items() if at is not None},
        "outcome": str(course.outcome),
        "caller": course.caller,
        "caller_name": course.caller_name,
        "hold_seconds": round(course.hold_seconds, 3),
        "talk_seconds": course.talk_seconds,
        "agent": course.agent,
        "queue": course.queue,
        "called": course.called,
        "is_outgoing": course.is_outgoing,
        "written_by": voicemail.written_by if voicemail else "",
    }


def words(course: Course) -> str:
    """What happened, in plain words."""
    if course.is_outgoing:
        return _words_of_ours(course)
    agent = course.agent
    with_agent = f" with {agent}" if agent else ""
    in_queue = f" in the queue {course.queue}" if course.queue else ""
    after = f" after {span(course.hold_seconds)} on hold" if course.hold_seconds >= 1 else ""
    match course.outcome:
        case Outcome.RINGING:
            return f"Is calling{in_queue}."
        case Outcome.WAITING:
            return f"Is on the phone, on hold{in_queue}."
        case Outcome.TALKING:
            return f"Is on the phone{with_agent}{after}."
        case Outcome.HELD:
            return f"Is on the phone{with_agent}, on hold."
        case Outcome.VOICEMAIL:
            return _voicemail_words(course, after=after)
        case Outcome.ANSWERED:
            talk = course.talk_seconds
            long = f" for {span(talk)}" if talk is not None else ""
            return f"Called, and talked{with_agent}{long}{after}."
        case Outcome.ABANDONED:
            taken = " was answered," if not agent else f" was answered by {agent},"
            first = f"Called,{taken if course.answered_at else ''} and hung up"
            last = "" if course.answered_at else " Nobody had answered."
            return f"{first}{after or ' while on hold'}{in_queue}.{last}"
        case _:
            long = f" for {span(course.hold_seconds)}" if course.hold_seconds >= 1 else ""
            why = f" ({course.reason})" if course.reason else ""
            return f"Called{long}. Nobody answered{why}."


def answer_words(course: Course) -> str:
    """Our side of a call that was answered."""
    waited = _waited_for_answer(course)
    after = f" after {span(waited)}" if waited >= 1 else ""
    talk = course.talk_seconds
    return f"Answered the phone{after}" + (f", and talked for {span(talk)}." if talk else ".")


def span(seconds: float) -> str:
    """A length of time as people say it: "40 s", "4 min", "1 h 5 min"."""
    whole = round(seconds)
    if whole < 2 * MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{round(whole / MINUTE)} min"
    hours, minutes = whole // HOUR, whole % HOUR // MINUTE
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


class _Walk:
    """One pass over the events in the order of their times."""

    def __init__(self) -> None:
        self.state = ""
        self.since: datetime | None = None
        self.is_queue = False
        self.held = 0.0
        self.measured: float | None = None
        self.answered_at: datetime | None = None
        self.voicemail_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.gave_up = False

    def take(self, it: CallEvent) -> None:
        """Go on by one event. After the end only an answer or a voicemail still counts."""
        if it.what in {"answered", "voicemail", "hung_up"} and it.hold_seconds is not None:
            self.measured = max(self.measured or 0.0, it.hold_seconds)
        if it.what == "voicemail":
            self._voicemail(it)
        elif it.what == "answered":
            self._answered(it)
        elif self.ended_at is None:
            self._go_on(it)

    def _go_on(self, it: CallEvent) -> None:
        if it.what == "hung_up":
            self.ended_at = it.at
            self.gave_up = self.state in {"waiting", "held"}
            self._stop(it.at)
        elif it.what == "ringing" and not self.state:
            self._wait(it.at, "ringing")
        elif it.what == "queued" or (it.what == "transferred" and it.queue and not it.agent):
            self._queued(it)
        elif it.what == "held" and self.state == "talking":
            self._wait(it.at, "held")
        elif it.what == "resumed" and self.state == "held":
            self._stop(it.at)
            self.state = "talking"

    def _queued(self, it: CallEvent) -> None:
        if self.state == "waiting":
            return
        if self.state != "ringing":  # the time in a queue stands for that of ringing
            self._stop(it.at)
        self._wait(it.at - timedelta(seconds=it.hold_seconds or 0), "waiting")

    def _answered(self, it: CallEvent) -> None:
        self.answered_at = self.answered_at or it.at
        self.gave_up = False
        if self.ended_at is None:
            self._stop(it.at)
            self.state = "talking"

    def outcome(self) -> Outcome:
        """What has become of it by now."""
        if self.voicemail_at is not None:
            return Outcome.VOICEMAIL
        if self.ended_at is None:
            live = {"waiting": Outcome.WAITING, "talking": Outcome.TALKING, "held": Outcome.HELD}
            return live.get(self.state, Outcome.RINGING)
        if self.gave_up:
            return Outcome.ABANDONED
        return Outcome.ANSWERED if self.answered_at else Outcome.MISSED

    def hold_seconds(self) -> float:
        """What the place measured, else what lies between the events."""
        return self.held if self.measured is None else self.measured

    def _wait(self, since: datetime, state: str) -> None:
        self.since, self.state = since, state

    def _stop(self, at: datetime) -> None:
        if self.since is not None:
            self.held += max(0.0, (at - self.since).total_seconds())
            self.since = None

    def _voicemail(self, it: CallEvent) -> None:
        self.voicemail_at = it.at
        if self.ended_at is None:
            self._stop(it.at - timedelta(seconds=it.seconds or 0))
            self.state = "voicemail"


def _once(events: Iterable[CallEvent]) -> list[CallEvent]:
    """Each event once. Of two that bear the same name the fuller is kept, whichever came first."""
    known: dict[str, CallEvent] = {}
    for it in events:
        other = known.get(it.external_id)
        if other is None or _fullness(it) > _fullness(other):
            known[it.external_id] = it
    return list(known.values())


def _fullness(it: CallEvent) -> tuple[bool, int, str, int]:
    """The bytes of a file count last: where calls are kept, they are kept elsewhere."""
    said = repr(it if it.file is None else replace(it, file=replace(it.file, content=b"")))
    return it.file is not None, len(said), said, len(it.file.content) if it.file else 0


def _dated(it: CallEvent, queued_at: datetime | None, ended_at: datetime | None) -> CallEvent:
    """An event at its own moment, where the place tells of it only when the call is over."""
    if it.what == "answered" and it.hold_seconds is not None and queued_at is not None:
        return replace(it, at=min(it.at, queued_at + timedelta(seconds=it.hold_seconds)))
    if it.what == "voicemail" and ended_at is not None:
        return replace(it, at=min(it.at, ended_at))
    return it


def _place(it: CallEvent) -> tuple[datetime, int, str]:
    return it.at, ORDER.index(it.what), it.external_id


def _asked_at(course: Course) -> datetime:
    """Where a call stands in its thread: at its end if that left something owed, else its start."""
    if course.outcome is Outcome.VOICEMAIL:
        return course.voicemail_at or course.started_at
    if course.need == "answer" and course.ended_at is not None:
        return course.ended_at
    return course.started_at


def _waited_for_answer(course: Course) -> float:
    begun = course.queued_at or course.started_at
    waited = (course.answered_at - begun).total_seconds() if course.answered_at else 0.0
    return max(0.0, min(waited, course.hold_seconds))


def _words_of_ours(course: Course) -> str:
    if course.answered_at is not None:
        talk = course.talk_seconds
        return "Called" + (f", and talked for {span(talk)}." if talk is not None else " them.")
    if course.ended_at is None:
        return "Is calling them."
    why = f" ({course.reason})" if course.reason else ""
    return f"Tried to call; nobody answered{why}."


def _voicemail_words(course: Course, *, after: str) -> str:
    voicemail = course.voicemail
    long = f" of {span(voicemail.seconds)}" if voicemail and voicemail.seconds else ""
    said = "\n".join(it.text for it in course.recordings if it.is_voicemail and it.text)
    first = f"Left a voicemail{long}{after}."
    return f"{first}\n\n{said}" if said else f"{first} Its words have not been written down."


def _recordings(told: Sequence[CallEvent]) -> tuple[Recording, ...]:
    """The recordings with what was written down of each; without a name of its own, of the last."""
    texts = [it for it in told if it.what == "transcript" and it.text]
    made = [it for it in told if it.what in {"recording", "voicemail"}]
    found = []
    for it in made:
        own = [t for t in texts if t.external_id.startswith(f"{it.external_id}:")]
        loose = [t for t in texts if not any(_is_of(t, other) for other in made)]
        text = (own or (loose if it is made[-1] else []))[-1:]
        found.append(
            Recording(
                event=it.external_id,
                at=it.at,
                is_voicemail=it.what == "voicemail",
                seconds=it.seconds,
                file=it.file,
                text=text[0].text if text else it.text,
                written_by=text[0].written_by if text else it.written_by,
            )
        )
    return tuple(found)


def _is_of(transcript: CallEvent, recording: CallEvent) -> bool:
    return transcript.external_id.startswith(f"{recording.external_id}:")


def _first(values: Iterable[str]) -> str:
    return next((value for value in values if value), "")


def _last(values: Iterable[str]) -> str:
    return _first(reversed(list(values)))
