"""Looking at a draft's words without losing their places: each text is as long as the draft."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

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
_OPENS_A_QUOTE = re.compile(r"'(?<!\w')")
# One class of characters first: a search for two beginnings takes three times as long.
_SENTENCE_END = re.compile(
    r"[.!?…\n](?:(?<=\n)\n*|(?<!\n)[.!?…]*[)\"']*(?=\s|$))",
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:[ap]\.m|e\.g|i\.e|approx|mr|mrs|ms|dr|tel|ext|vs|incl)"
    r"|\b[A-Z])\.$",
    re.IGNORECASE,
)


def _accents() -> dict[str, str]:
    groups = ("aàáâã", "eèéêë", "iìíîï", "oòóôõ", "uùúû", "cç")
    return {letter: f"[{letters}]" for letters in groups for letter in letters[1:]}


_ACCENTS = _accents()
_UMLAUTS = {"ä": "(?:ä|ae)", "ö": "(?:ö|oe)", "ü": "(?:ü|ue)", "ß": "(?:ß|ss)"}
_AT_THE_END = re.compile(r"([àèéìòù])(?![\w\[])")


def spelt(words: str, language: str) -> str:
    """A pattern that also takes the spellings of those who have no such letters on their keys.

    German without umlauts has ae, oe, ue and ss; the Romance languages have bare letters, Italian
    an apostrophe after them too. The letter ñ stays: *cono* is a cone, and *ano* is no year.
    """
    if language == "it":
        words = _AT_THE_END.sub("\\1'?", words)
    letters = _UMLAUTS if language == "de" else _ACCENTS
    return "".join(letters.get(letter, letter) for letter in words)


def table(name: str) -> dict[str, Any]:
    """What is told in a file of wordings, named by its way from here: `kind/tone.toml`."""
    return tomllib.loads((files("heard.think") / name).read_text(encoding="utf-8"))


def one_of(lines: str) -> str:
    """A pattern that takes any of the lines; each line is a pattern of its own."""
    return f"(?:{'|'.join(line.strip() for line in lines.strip().splitlines())})"


def phrase(lines: str) -> re.Pattern[str]:
    """Any of the lines at the beginning of a word, in capitals or not."""
    return re.compile(rf"\b{one_of(lines)}", re.IGNORECASE)


def set_of(words: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(words.split())


def is_empty(draft: str) -> bool:
    """Whether nothing but space and marks is there; a lone emoji is something."""
    return all(unicodedata.category(letter)[0] in "ZCP" for letter in draft)


@lru_cache(maxsize=16)
def folded(draft: str) -> str:
    """The draft with plain apostrophes, quotation marks and spaces."""
    return draft if draft.isascii() else _FOLDED.sub(lambda match: _FOLD[match[0]], draft)


_TO_WHOM = re.compile(r"^\s*(?:\.?@\w+[ ,:]*)+")
_PART_OF_SEVERAL = re.compile(r"\(?(?<![\d/])\d/\d(?![\d/])\)?")
_LEADS_TO = re.compile(r"https?://\S+", re.IGNORECASE)
_SIGNED = re.compile(r"[ \n](?:[\^*~/]|- ?)[A-Z][A-Za-z]{0,3}\s*(?=$|https$)")


@lru_cache(maxsize=16)
def bare(draft: str) -> str:
    """What the folded draft says, without what every place and house writes in its own way.

    That is to whom it goes (“@ann”), where a link leads, who signs (“^AB”), and “1/2”.
    """
    text = _TO_WHOM.sub("", folded(draft))
    return _SIGNED.sub("", _PART_OF_SEVERAL.sub("", _LEADS_TO.sub("https", text)))


@lru_cache(maxsize=16)
def own_words(draft: str) -> str:
    """The folded draft with what it only quotes, and code, turned into spaces."""
    text = folded(draft)
    if not (
        '"' in text or ">" in text or "`" in text or "«" in text or _OPENS_A_QUOTE.search(text)
    ):
        return text
    return _NOT_OURS.sub(lambda match: _blank(match[0]), text)


@lru_cache(maxsize=16)
def low_words(draft: str) -> str:
    """The draft's own words in small letters, as long as the draft."""
    return lowered(own_words(draft))


def lowered(text: str) -> str:
    """The text in small letters, as long as before."""
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join(one if len(one := letter.lower()) == 1 else letter for letter in text)


def spoken(told: Mapping[str, str]) -> re.Pattern[str]:
    """Any of the lines of any language, at the beginning of a word of a text in small letters."""
    words = "|".join(spelt(one_of(lines), language) for language, lines in told.items())
    return re.compile(rf"\b(?:{words})")


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
