"""Which rules can match a text at all: one quick pass for the words that they hang on.

A regular expression that finds nothing costs fifty times as much as this pass (bench/think.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from textwrap import dedent

import ahocorasick_rs


class Hints:
    """Groups of words; a group is told by any of its words, also inside a longer one.

    Words stand on lines of their own where they hold a space, else side by side; small letters.
    """

    def __init__(self, groups: Mapping[str, str]) -> None:
        words = [(word, group) for group, told in groups.items() for word in _words(told)]
        self._groups = [group for _, group in words]
        self._search = ahocorasick_rs.AhoCorasick(
            [word for word, _ in words], implementation=ahocorasick_rs.Implementation.DFA
        )

    def of(self, text: str) -> Set[str]:
        """The groups that a text has a word of."""
        lowered = text.lower()
        try:
            found = self._search.find_matches_as_indexes(lowered, overlapping=True)
        except UnicodeEncodeError:  # half a surrogate pair, which is no letter anyway
            lowered = lowered.encode("utf-8", "replace").decode()
            found = self._search.find_matches_as_indexes(lowered, overlapping=True)
        if not found:
            return _NONE
        groups = self._groups
        return {groups[each[0]] for each in found}


_NONE: frozenset[str] = frozenset()


def _words(told: str) -> list[str]:
    """Every line that ends with a semicolon is one word, with its spaces; others are split."""
    found: list[str] = []
    for line in dedent(told).splitlines():
        found += [line[:-1]] if line.endswith(";") else line.split()
    return found
