"""Looking at a draft's words without losing their places: each text is as long as the draft."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_FOLD = {
    "’": "'",
    "‘": "'",
    "ʼ": "'",
    "´": "'",
    "“": '"',
    "”": '"',
    "„": '"',
    "\u00a0": " ",
    "\u202f": " ",
}
_FOLDED = re.compile(f"[{''.join(_FOLD)}]")
_NOT_OURS = re.compile(
    r"^[ \t]*>[^\n]*"  # a line quoted from the contact's mail
    r"|```.*?```|`[^`\n]*`"
    r"|\"[^\"\n]{1,200}\"|«[^»\n]{1,200}»|(?<!\w)'[^'\n]{3,200}'(?!\w)",
    re.MULTILINE | re.DOTALL,
)
_MAY_QUOTE = re.compile(r"[>`\"«]|(?<!\w)'")
_SENTENCE_END = re.compile(r"[.!?…]+[)\"']*(?=\s|$)|\n+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:[ap]\.m|e\.g|i\.e|approx|mr|mrs|ms|dr|tel|ext|vs|incl)"
    r"|\b[A-Z])\.$",
    re.IGNORECASE,
)


def one_of(lines: str) -> str:
    """A pattern that takes any of the lines; each line is a pattern of its own."""
    return f"(?:{'|'.join(line.strip() for line in lines.strip().splitlines())})"


def phrase(lines: str) -> re.Pattern[str]:
    """Any of the lines at the beginning of a word, in capitals or not."""
    return re.compile(rf"\b{one_of(lines)}", re.IGNORECASE)


def set_of(words: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(words.split())


@lru_cache(maxsize=16)
def folded(draft: str) -> str:
    """The draft with plain apostrophes, quotation marks and spaces."""
    return draft if draft.isascii() else _FOLDED.sub(lambda match: _FOLD[match[0]], draft)


@lru_cache(maxsize=16)
def own_words(draft: str) -> str:
    """The folded draft with what it only quotes, and code, turned into spaces."""
    text = folded(draft)
    if not _MAY_QUOTE.search(text):
        return text
    return _NOT_OURS.sub(lambda match: _blank(match[0]), text)


@lru_cache(maxsize=16)
def sentences(text: str) -> tuple[tuple[int, int], ...]:
    """Start and end of each sentence, closing marks included; abbreviations end none."""
    return tuple(_sentences(text))


def sentence_around(text: str, place: int) -> tuple[int, int]:
    """Start and end of the sentence that holds the character at `place`."""
    for start, end in sentences(text):
        if place < end:
            return start, end
    return len(text), len(text)


def opens_sentence(text: str, place: int) -> bool:
    """Whether nothing but space stands between `place` and the end of the sentence before."""
    before = text[:place].rstrip(" \t\"'(*-")
    return not before or before[-1] in ".!?\n:…" or text[:place].endswith("\n")


def as_begun(matched: str, change: str) -> str:
    """`change` with a capital if `matched` had one."""
    return change[:1].upper() + change[1:] if matched[:1].isupper() else change


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if match[0] == "." and _ABBREVIATION.search(text, max(start, match.end() - 8), match.end()):
            continue
        if text[start : match.end()].strip():
            yield start, match.end()
        start = match.end()
    if text[start:].strip():
        yield start, len(text)


def _blank(words: str) -> str:
    return "".join("\n" if letter == "\n" else " " for letter in words)
