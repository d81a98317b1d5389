"""What the heads see of a draft beside its words: figures about it, its message and its check."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heard.reading.heads import CLASSES
from heard.reading.reading import look
from heard.think.contact import (
    first_name,
    is_negative,
    is_pleased,
    is_upset,
    questions_in,
    words_shared,
)
from heard.think.findings import Check, Facts, Finding, Letter, Light
from heard.think.helpful.substance import substance
from heard.think.inspiring.warmth import shows_that_we_heard, sounds_glad
from heard.think.links import links_in
from heard.think.privacy.asking import names_a_private_way
from heard.think.wording import folded

_OURSELVES = re.compile(
    r"\b(?:we|i|our|us|my|me|ich|wir|uns|nous|je|notre|nosotros|nos|nuestr\w+|noi|nostr\w+|noss\w)\b",
    re.IGNORECASE,
)
_THEM = re.compile(
    r"\b(?:you|your|sie|ihre?n?|vous|votre|usted|su|tu|te|lei|suo|sua|você|seu)\b", re.IGNORECASE
)
_WORD = re.compile(r"\w+")
_STEM = 6

_READ = tuple(f"{head} {kind}" for head, kinds in CLASSES.items() for kind in kinds)
SUMS = ("kind", "helpful", "personal")
FIGURES: tuple[str, ...] = (
    *(f"sum: {name}" for name in SUMS),
    *(f"draft: {name}" for name in _READ),
    *(f"message: {name}" for name in _READ),
    "upset",
    "negative",
    "upset, unheard",
    "negative, unheard",
    "pleased, glad",
    "heard",
    "glad",
    "length",
    "length of the message",
    "?",
    "!",
    "digits",
    "words shared",
    "share of the message",
    "of kind",
    "grave of kind",
    "of helpful",
    "of inspiring",
    "promise",
    "sentences that say something",
    "asked",
    "of ourselves",
    "of them",
    "names a private way",
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A draft with its facts and its check."""

    draft: str
    facts: Facts
    found: Check


def figures(seen: Seen) -> NDArray[np.float64]:
    """One figure for each of `FIGURES`, mostly between 0 and 1."""
    draft, facts, found = seen.draft, seen.facts, seen.found
    upset, negative, pleased = is_upset(facts), is_negative(facts), is_pleased(facts)
    heard, glad = shows_that_we_heard(draft), sounds_glad(draft)
    count = len(_WORD.findall(draft))
    ours, said = _stems(draft), _stems(facts.message)
    shared = len(ours & said)
    text = folded(draft)
    letters = [finding.letter for finding in found.findings]
    return np.array(
        [
            *(sums(seen)[name] for name in SUMS),
            *_reads(draft),
            *_reads(facts.message),
            upset,
            negative,
            upset and not heard,
            negative and not heard,
            pleased and glad,
            heard,
            glad,
            np.log1p(count) / 3,
            np.log1p(len(facts.message.split())) / 3,
            "?" in draft,
            min(3, draft.count("!")) / 3,
            any(letter.isdigit() for letter in draft),
            min(5, shared) / 5,
            shared / (1 + len(said)),
            Letter.KIND in letters,
            any(one.letter is Letter.KIND and one.light is Light.RED for one in found.findings),
            Letter.HELPFUL in letters,
            Letter.INSPIRING in letters,
            bool(found.promise_text),
            min(4, len(substance(draft))) / 4,
            bool(questions_in(facts.message)),
            len(_OURSELVES.findall(text)) / (1 + count),
            len(_THEM.findall(text)) / (1 + count),
            names_a_private_way(text),
        ],
        dtype=np.float64,
    )


def _reads(text: str) -> list[float]:
    """The probabilities that the reader gives a text, as if it were in a language that it reads."""
    [seen] = look([text], only_read=False)
    return [float(chance) for head in CLASSES for chance in seen.probabilities[head][0]]


def _stems(text: str) -> set[str]:
    return {word[:_STEM].casefold() for word in re.findall(r"[^\W\d_]{4,}", text)}


# --- what the rules alone would say: plain sums, as docs/think.md has them ----------------------


def sums(seen: Seen) -> dict[str, float]:
    """A plain sum for each of `SUMS`, between 0 and 1."""
    return {"kind": _kind(seen), "helpful": _helpful(seen), "personal": _personal(seen)}


def _kind(seen: Seen) -> float:
    score = 0.6
    if shows_that_we_heard(seen.draft):
        score += 0.2
    elif is_upset(seen.facts) or is_negative(seen.facts):
        score -= 0.2
    if sounds_glad(seen.draft) or is_pleased(seen.facts):
        score += 0.1
    return _bounded(score - _weight(seen.found, Letter.KIND))


def _helpful(seen: Seen) -> float:
    said = substance(seen.draft)
    score = 0.2 + (0.3 if said else 0.0)
    if any("?" in part for part in said):
        score += 0.2  # a question of ours is a next step
    if any(links_in(seen.draft)) or any(letter.isdigit() for part in said for letter in part):
        score += 0.1
    if said and words_shared(seen.draft, seen.facts.message):
        score += 0.1
    return _bounded(score - _weight(seen.found, Letter.HELPFUL))


def _personal(seen: Seen) -> float:
    score = 0.3 + 0.15 * min(3, len(words_shared(seen.draft, seen.facts.message)))
    name = first_name(seen.facts.contact_name)
    if name and name.casefold() in folded(seen.draft).casefold():
        score += 0.1
    if substance(seen.draft):
        score += 0.1
    return _bounded(score - _weight(seen.found, Letter.INSPIRING))


def _weight(found: Check, letter: Letter) -> float:
    return sum(_gravity(finding) for finding in found.findings if finding.letter is letter)


def _gravity(finding: Finding) -> float:
    return 0.5 if finding.light is Light.RED else 0.25


def _bounded(score: float) -> float:
    return round(min(1.0, max(0.0, score)), 2)
