"""The values that the check of a draft takes and gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from heard.channels.base import Unit


class Letter(StrEnum):
    """The five questions."""

    TRUE = "true"
    HELPFUL = "helpful"
    INSPIRING = "inspiring"
    NECESSARY = "necessary"
    KIND = "kind"


class Light(StrEnum):
    """What a letter shows."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True, slots=True)
class Known:
    """Something that is so in this house: `value`, of `subject`, which has other `words` too."""

    subject: str
    value: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """Something said in the conversation before; `by` is who of ours said it, "" if not known."""

    is_ours: bool
    text: str
    by: str = ""


Spans = tuple[tuple[int, int], ...]
"""When it is open on one day: minutes since midnight, 0 to 1440, opening and closing."""


@dataclass(frozen=True, slots=True)
class Opening:
    """When the house is open: `week` from Monday on, and the `days` on which it is otherwise."""

    week: tuple[Spans, ...]
    days: tuple[tuple[date, Spans], ...] = ()

    def __post_init__(self) -> None:
        if len(self.week) != 7:
            raise ValueError("A week has seven days.")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the check may know beside the draft. Everything has an honest empty value."""

    message: str = ""
    """The contact's last message, which the draft answers."""
    is_public: bool = False
    contact_name: str = ""
    contact_language: str = ""
    contact_details: tuple[str, ...] = ()
    """What we know of the contact and no stranger may read: e-mail, phone, orders, address."""
    contact_is_upset: bool | None = None
    """As read, or corrected by a person; None leaves the judgement to the message."""
    agent_name: str = ""
    earlier_replies: tuple[str, ...] = ()
    """Our replies in this conversation, newest first."""
    thread: tuple[Turn, ...] = ()
    """All that was said here before the draft, newest first, the message itself included."""
    known: tuple[Known, ...] = ()
    """What the house has written down that holds here."""
    opening: Opening | None = None
    saved_answers: tuple[str, ...] = ()
    """Texts that the house keeps ready."""
    our_names: tuple[str, ...] = ()
    """Names under which the house is addressed; empty means that they are not known."""
    our_details: tuple[str, ...] = ()
    """Phone numbers, addresses and e-mail of ours that anybody may read."""
    private_way: str = ""
    """Where a private message reaches us, as it continues a sentence: `at https://…/ask/shop`."""
    allowed_domains: tuple[str, ...] = ()
    """Domains that links may lead to; empty means any."""
    max_length: int | None = None
    """The most that the place takes, counted in `unit`."""
    unit: Unit = Unit.CHARACTERS
    now: datetime | None = None
    """The moment of writing, aware; without it a promise is seen, but not dated."""
    timezone: str = "UTC"
    softened: Mapping[str, Light] = field(default_factory=dict)
    """The most that a rule may show here, by its code: see `softening`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the check noticed.

    `code` is stable (`kind.blame`). `stops` means that the draft must not leave as it is. `says`
    is one plain sentence, `matched` the words of the draft it is about, `start` and `end` their
    offsets in characters (equal where something is missing, at the place where it belongs).
    `change` is a replacement for the matched words that can be taken with one key, None if none.
    `beside` is what is shown beside it: the known fact, or an earlier sentence of ours.
    """

    code: str
    letter: Letter
    light: Light
    says: str
    stops: bool = False
    matched: str = ""
    start: int = 0
    end: int = 0
    change: str | None = None
    beside: str = ""

    def changed(self, draft: str) -> str:
        """The draft after its change was taken; the draft itself if there is none to take."""
        if self.change is None:
            return draft
        return draft[: self.start] + self.change + draft[self.end :]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the message, and whether the draft takes it up."""

    text: str
    is_taken_up: bool


@dataclass(frozen=True, slots=True)
class Check:
    """The whole answer: findings in the order of the draft, the five lights, a promise if made.

    `promise_text` holds the words of the first promise; `promise_at` the last moment at which it is
    still kept, None while it has no date.
    """

    findings: tuple[Finding, ...]
    lights: dict[Letter, Light] = field(default_factory=dict)
    promise_at: datetime | None = None
    promise_text: str = ""
    questions: tuple[Asked, ...] = ()

    @property
    def stops(self) -> bool:
        """Whether any finding forbids sending."""
        return any(finding.stops for finding in self.findings)


def lights_of(findings: Iterable[Finding]) -> dict[Letter, Light]:
    """Red where a finding stops or is grave, amber where one warns, green otherwise."""
    lights = dict.fromkeys(Letter, Light.GREEN)
    for finding in findings:
        if finding.stops or finding.light is Light.RED:
            lights[finding.letter] = Light.RED
        elif lights[finding.letter] is Light.GREEN:
            lights[finding.letter] = finding.light
    return lights
