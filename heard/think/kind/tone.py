"""Words that would hurt the person who reads them: insults, blame, brushing off, sarcasm, coldness.

One table of rules in six languages (`tone.toml`); a rule is words, one sentence that says why, and
what may stand in their place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from heard.think.contact import is_upset
from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.hints import TONE, Lines
from heard.think.wording import as_begun, folded, low_words, one_of, spelt, table


@dataclass(frozen=True, slots=True)
class Rule:
    """Words of one language; `change` is what may stand instead, with groups of the match in it."""

    code: str
    words: Lines
    says: str
    light: Light
    stops: bool
    only_when_upset: bool
    change: str | None


def tone(draft: str, facts: Facts) -> Iterable[Finding]:
    """Findings of every rule; what the draft only quotes is left alone."""
    text = low_words(draft)
    upset = is_upset(facts)
    for rule in RULES:
        if rule.only_when_upset and not upset:
            continue
        for match in rule.words(text):
            yield _finding(rule, match, draft)


def _finding(rule: Rule, match: re.Match[str], draft: str) -> Finding:
    start, end = match.span()
    matched = draft[start:end]
    return Finding(
        code=rule.code,
        letter=Letter.KIND,
        light=rule.light,
        says=rule.says,
        stops=rule.stops,
        matched=matched,
        start=start,
        end=end,
        change=None if rule.change is None else _changed(rule.change, match, draft),
    )


def _changed(change: str, match: re.Match[str], draft: str) -> str:
    text = folded(draft)
    groups = {
        name: "" if found is None else _VERBS.get(found, text[slice(*match.span(name))])
        for name, found in match.groupdict().items()
    }
    return as_begun(draft[match.start() : match.end()], change.format_map(groups))


_TOLD = table("kind/tone.toml")
_VERBS: dict[str, str] = _TOLD["verbs"]
_PARTS = {
    **{name: one_of(told) if "\n" in told else told for name, told in _TOLD["parts"].items()},
    "DONE": one_of("\n".join(_VERBS)),
}


def _rules(told: Mapping[str, Any]) -> Iterator[Rule]:
    """One rule for each language, and one for `signs`, which are no words."""
    for language, lines in told["words"].items():
        words = lines
        for name, part in _PARTS.items():
            words = words.replace(f"{{{name}}}", part)
        found = Lines(spelt(words, language), before=r"\b", after="", flags=re.NOFLAG, book=TONE)
        yield _rule(told, found, told.get("change", {}).get(language))
    if signs := told.get("signs"):
        yield _rule(told, Lines(signs, before="", after="", book=TONE), "")


def _rule(told: Mapping[str, Any], words: Lines, change: str | None) -> Rule:
    return Rule(
        code=told["code"],
        words=words,
        says=told["says"],
        light=Light(told.get("light", Light.AMBER)),
        stops=told.get("stops", False),
        only_when_upset=told.get("only_when_upset", False),
        change=change,
    )


RULES: tuple[Rule, ...] = tuple(rule for told in _TOLD["rules"] for rule in _rules(told))
