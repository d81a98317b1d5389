"""What is different between two texts, word by word."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import NamedTuple

MOST_WORDS = 3_000
"""Longer texts are compared line by line: comparing words would take too long."""

_WORD = re.compile(r"\s*\w+|\s*[^\w\s]|\s+")


class Piece(NamedTuple):
    """Some words that stay ("same"), that are only in the first ("gone") or the second ("new")."""

    how: str
    text: str


def differences(before: str, after: str) -> tuple[Piece, ...]:
    """The pieces of both texts in order: "same" and "gone" give the first, "same" and "new" the
    second.
    """
    one, other = _WORD.findall(before), _WORD.findall(after)
    if len(one) + len(other) > MOST_WORDS:
        one, other = before.splitlines(keepends=True), after.splitlines(keepends=True)
    pieces: list[Piece] = []
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    for _, start, end, other_start, other_end in matcher.get_opcodes():
        gone, new = "".join(one[start:end]), "".join(other[other_start:other_end])
        if gone == new:
            pieces.append(Piece("same", gone))
            continue
        if gone:
            pieces.append(Piece("gone", gone))
        if new:
            pieces.append(Piece("new", new))
    return tuple(piece for piece in pieces if piece.text)
