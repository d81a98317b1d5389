"""The values that the check of a draft takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


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
class Facts:
    """What the check may know beside the draft. Everything has an honest empty value."""

    message: str = ""
    """The contact's last message, which the draft answers."""
    is_public: bool = False
    contact_name: str = ""
    contact_language: str = ""
    agent_name: str = ""
    earlier_replies: tuple[str, ...] = ()
    allowed_domains: tuple[str, ...] = ()
    """Domains that links may lead to; empty means any."""
    max_length: int | None = None
    now: datetime | None = None
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the check noticed.

    `code` is stable (`kind.blame`). `stops` means that the draft must not leave as it is. `says` is one
    plain sentence, `matched` the words of the draft it is about, with `start`/`end` offsets into the
    draft; `change` is a replacement for the matched words that can be taken with one key, None if none.
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


@dataclass(frozen=True, slots=True)
class Check:
    """The whole answer: findings in the order of the draft, the five lights, a promise if one is made."""

    findings: tuple[Finding, ...]
    lights: dict[Letter, Light] = field(default_factory=dict)
    promise_at: datetime | None = None
    promise_text: str = ""

    @property
    def stops(self) -> bool:
        """Whether any finding forbids sending."""
        return any(finding.stops for finding in self.findings)
