"""What the house has written down, ready to be held against a sentence."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache

from heard.think.findings import Facts, Known
from heard.think.true.claims import Claim, Sort, claims_in
from heard.think.true.subjects import Name, letters_of, name_of, place_of, words_of


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact: the names of its subject, as stems, and what it claims."""

    fact: Known
    names: tuple[Name, ...]
    claims: tuple[Claim, ...]

    def claims_of(self, sort: Sort) -> list[Claim]:
        """Its claims of one sort."""
        return [claim for claim in self.claims if claim.sort is sort]


@dataclass(frozen=True, slots=True)
class Mention:
    """A fact whose subject a sentence names: where, and with how many words."""

    start: int
    length: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Book:
    """All facts; `names` by the letters of their rarest word, so that few have to be looked at."""

    entries: tuple[Entry, ...]
    claims: dict[Sort, tuple[Claim, ...]]
    counts: Counter[Sort]
    """How many facts claim something of each sort."""
    names: dict[str, tuple[tuple[Name, Entry], ...]]
    words: frozenset[str]

    def mentions_in(self, text: str) -> list[Mention]:
        """The facts that a text names, each once, by its longest name."""
        figures = [claim for claim in claims_in(text) if claim.sort is not Sort.WEEKDAY]
        words = tuple(
            replace(word, stem="")
            if any(claim.start <= word.start < claim.end for claim in figures)
            else word
            for word in words_of(text)
        )
        letters = {letters_of(word.stem) for word in words}
        found: dict[int, Mention] = {}
        for one in letters:
            for name, entry in self.names.get(one, ()):
                if letters.issuperset(map(letters_of, name)):
                    place = place_of(name, words)
                    known = found.get(id(entry))
                    if place is not None and (known is None or known.length < len(name)):
                        found[id(entry)] = Mention(place, len(name), entry)
        return sorted(found.values(), key=lambda mention: (mention.start, -mention.length))


_NOTHING = Book((), {}, Counter(), {}, frozenset())
_last: tuple[tuple[Known, ...], Book] = ((), _NOTHING)


def book_of(facts: Facts) -> Book:
    """The facts of a house, read once: a draft is held against them at each key."""
    global _last  # noqa: PLW0603 - the same tuple need not be hashed again for each rule
    known, book = _last
    if known is not facts.known:
        book = _read(facts.known)
        _last = (facts.known, book)
    return book


@lru_cache(maxsize=8)
def _read(known: tuple[Known, ...]) -> Book:
    entries = tuple(
        Entry(
            fact,
            tuple(filter(None, (name_of(name) for name in (fact.subject, *fact.words)))),
            claims_in(fact.value),
        )
        for fact in known
    )
    often = Counter(
        letters for it in entries for name in it.names for letters in set(map(letters_of, name))
    )
    names: dict[str, list[tuple[Name, Entry]]] = {}
    for entry in entries:
        for name in entry.names:
            rarest = min(map(letters_of, name), key=lambda letters: often[letters])
            names.setdefault(rarest, []).append((name, entry))
    claims = [claim for entry in entries for claim in entry.claims]
    return Book(
        entries,
        {sort: tuple(it for it in claims if it.sort is sort) for sort in Sort},
        Counter(sort for entry in entries for sort in {claim.sort for claim in entry.claims}),
        {letters: tuple(those) for letters, those in names.items()},
        frozenset(stem for entry in entries for name in entry.names for stem in name),
    )
