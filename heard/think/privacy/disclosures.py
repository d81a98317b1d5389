"""What a public reply tells of people in words: health, money, others, records, whereabouts.

Numbers and addresses have shapes (`personal_data`); these have only their words, which are in
`disclosures.toml`. What the contact has said in the message that is answered is no secret there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_

from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.hints import PERSONAL, Lines, marks_of
from heard.think.wording import folded, one_of, own_words, sentence_around, table

_STEM = 5
# Kinds that are grave only where the sentence speaks of somebody.
_OF_PEOPLE = frozenset({"health", "money"})
_OF_SOMEBODY = re.compile(
    r"(?<!\w)(?:your?|you(?:'ve|'re|'d)|his|her|their|she|he|yours"
    r"|ihre?[nmrs]?|sie|deine?\w?|votre|vos|vous|tu|te|su|sus|tus|vuestr\w+|usted"
    r"|suo|sua|sue|suoi|tuo|tua|lei|seu|seus|suas|você|senhora?)(?!\w)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """`surely` is a pattern that is grave, `perhaps` one that asks for a second look."""

    name: str
    tells: str
    surely: Lines
    perhaps: Lines
    marks: int


def _kind(name: str, words: dict[str, str], parts: dict[str, str]) -> _Kind:
    flags = re.RegexFlag.NOFLAG if name == "someone" else re.IGNORECASE

    def lines(of: str) -> Lines:
        written = words.get(of, "")
        for part, said in parts.items():
            written = written.replace(f"{{{part}}}", said)
        return Lines(written, flags=flags)

    surely, perhaps = lines("surely"), lines("perhaps")
    return _Kind(name, words["tells"], surely, perhaps, marks_of((surely, perhaps)))


_TOLD: dict[str, dict[str, str]] = table("privacy/disclosures.toml")
# A part may hold another: persons are told by titles.
_TITLE = _TOLD["parts"]["TITLE"]
_PARTS = {
    name: (one_of(words) if "\n" in words.strip() else words).replace("{TITLE}", _TITLE)
    for name, words in _TOLD.pop("parts").items()
}
_KINDS = [_kind(name, words, _PARTS) for name, words in _TOLD.items()]
_ALL = reduce(or_, (kind.marks for kind in _KINDS))
DISCLOSED = frozenset(_TOLD)


def disclosures(draft: str, facts: Facts) -> Iterable[Finding]:
    """Findings for what strangers would learn of somebody from a public reply."""
    if not facts.is_public:
        return
    text = own_words(draft)
    marks = PERSONAL.told(text).marks & _ALL
    if not marks:
        return
    said = folded(facts.message).casefold()
    for kind in _KINDS:
        if marks & kind.marks:
            yield from _of_kind(kind, draft, text, said)


def _of_kind(kind: _Kind, draft: str, text: str, said: str) -> Iterator[Finding]:
    """At most one finding of a kind: one is enough to move the whole into private."""
    for lines, is_sure in ((kind.surely, True), (kind.perhaps, False)):
        for match in lines(text):
            if _is_known(match[0], said):
                continue
            start, end = sentence_around(text, match.start())
            is_grave = is_sure and (
                kind.name not in _OF_PEOPLE or bool(_OF_SOMEBODY.search(text, start, end))
            )
            yield _told(kind, draft, match, is_grave=is_grave)
            return


def _is_known(words: str, said: str) -> bool:
    """Whether the contact's own message has these words, by the stem of the longest."""
    matched = re.findall(r"\w+", words.casefold())
    if numbers := [word for word in matched if word.isdigit()]:
        return all(number in said for number in numbers)
    return max(matched, key=len, default="")[:_STEM] in said


def _told(kind: _Kind, draft: str, match: re.Match[str], *, is_grave: bool) -> Finding:
    start, end = match.span()
    return Finding(
        code=f"necessary.{kind.name}",
        letter=Letter.NECESSARY,
        light=Light.RED if is_grave else Light.AMBER,
        says=f"Anybody can read this reply, and {kind.tells}; say it in private.",
        stops=is_grave,
        matched=draft[start:end],
        start=start,
        end=end,
    )
