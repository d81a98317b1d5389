"""Heat: should a reply rest for a while, because its writer may be too angry to see how it reads?

Only words tell (`heat.toml` has them, in six languages): those of the draft, of the drafts before
it, and what was said to the writer. How fast somebody types means nothing. Pure, and of one reply
alone: nothing is counted about a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from heard.think.findings import Facts, Finding
from heard.think.kind.shouting import shouting
from heard.think.kind.tone import tone
from heard.think.wording import folded, low_words, lowered, one_of, spoken, table

HOT = 2
"""So many points make a reply hot."""
IN_A_ROW = 2
"""So many angry drafts before an angry one make a row of them."""
LONG_QUARREL, VERY_LONG_QUARREL = 4, 6
"""Answers of one writer to one unhappy person within a day."""

POINTS = {
    "kind.insult": 2,
    "kind.swearing": 2,
    "kind.dismissive": 2,
    "kind.blame": 1,
    "kind.sarcasm": 1,
    "kind.repeating": 1,
    "kind.shouting": 1,
    "kind.heaped_marks": 1,
}
"""What the findings of other concerns tell of anger."""

_TOLD = table("second_eyes/heat.toml")


def _any_of(what: str) -> re.Pattern[str]:
    words = dict(_TOLD[what])
    for language, parts in _TOLD["parts"].items():
        for name, told in parts.items():
            part = one_of(told) if "\n" in told else told
            words[language] = words[language].replace(f"{{{name}}}", part)
    return spoken(words)


_ANGER, _INSULT = _any_of("anger"), _any_of("insults")


@dataclass(frozen=True, slots=True)
class Temper:
    """What went before a draft, as far as it is known; everything has an honest empty value."""

    earlier: tuple[str, ...] = ()
    """What the same writer wrote before, sent or kept, newest first."""
    exchanges: int = 0
    """How often the writer has answered this person here within the day."""
    answers: tuple[str, ...] = ()
    """What the person said after the writer had answered them."""
    contact_is_unhappy: bool = False
    """Whether their last message is read as unhappy."""
    is_too_close: bool = False
    """The writer has said of this conversation: I am too close to this."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign of heat: a stable code, its points, one plain sentence, and the words it saw."""

    code: str
    points: int
    says: str
    matched: str = ""


@dataclass(frozen=True, slots=True)
class Heat:
    """All signs of heat in a reply."""

    signs: tuple[Sign, ...] = ()

    @property
    def is_hot(self) -> bool:
        """Whether it should rest before anybody can read it."""
        return sum(sign.points for sign in self.signs) >= HOT

    @property
    def is_in_the_words(self) -> bool:
        """Whether the draft itself has words of anger, and other words would be cooler."""
        return any(sign.code in ("heat.words", "heat.row") for sign in self.signs)


def heat(draft: str, temper: Temper) -> Heat:
    """The signs of heat in a draft and in what went before it; an empty draft has none."""
    if not draft.strip():
        return Heat()
    return Heat(tuple(_signs(draft, temper)))


def anger(text: str) -> tuple[int, str]:
    """The points of anger in a text's own words, and the words that weigh most."""
    found = [(_points(it), it.matched) for it in _findings(text) if _points(it)]
    found += [(2, text[match.start() : match.end()]) for match in _ANGER.finditer(low_words(text))]
    heaviest = max(found, key=lambda one: one[0], default=(0, ""))
    return sum(points for points, _ in found), heaviest[1]


def insults(text: str) -> str:
    """The words of a contact's message that insult whoever reads it; "" when none do."""
    match = _INSULT.search(lowered(folded(text)))
    return text[match.start() : match.end()] if match else ""


def _signs(draft: str, temper: Temper) -> Iterable[Sign]:
    points, words = anger(draft)
    if points:
        yield Sign("heat.words", points, "These are words of anger.", words)
        before = temper.earlier[:IN_A_ROW]
        if len(before) == IN_A_ROW and all(anger(text)[0] for text in before):
            yield Sign("heat.row", HOT, "This is the third draft in a row with words of anger.")
    if temper.contact_is_unhappy and temper.exchanges >= LONG_QUARREL:
        weight = HOT if temper.exchanges >= VERY_LONG_QUARREL else 1
        yield Sign("heat.quarrel", weight, "You two have gone back and forth for long.")
    insult = next((words for words in map(insults, temper.answers) if words), "")
    if insult:
        yield Sign("heat.insulted", HOT, "They insulted you after you had answered.", insult)
    if temper.is_too_close:
        yield Sign("heat.too_close", HOT, "You have said that you are too close to this.")


def _points(finding: Finding) -> int:
    return POINTS.get(finding.code, 0)


def _findings(text: str) -> Iterable[Finding]:
    nothing = Facts()
    yield from tone(text, nothing)
    yield from shouting(text, nothing)
