"""Which language a text is in: by its script if that says enough, else by how words are spelt.

Each word votes with how much likelier its letters (one to three in a row) and the word itself are
in each language; the model file holds those figures. Short words that many languages share decide
for English only as the language that is expected; a close race otherwise stays open.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heard.reading.models import load
from heard.reading.scripts import LANGUAGES_BY_SCRIPT
from heard.reading.tokens import plain

# Languages that share a script and are told apart by their words.
FAMILIES: dict[str, tuple[str, ...]] = {
    "latin": (
        *("en", "es", "fr", "de", "pt", "it", "nl", "sv", "da", "no", "fi", "cs", "sk", "pl", "hu"),
        *("tr", "ro", "id", "sl", "hr", "sr", "ca", "vi", "et", "lv", "lt", "sq", "tl", "af", "cy"),
    ),
    "cyrillic": ("ru", "uk", "bg", "mk", "sr"),
    "arabic": ("ar", "fa", "ur"),
    "devanagari": ("hi", "mr", "ne"),
}
VOICES: tuple[tuple[str, str], ...] = tuple(
    (family, language) for family, languages in FAMILIES.items() for language in languages
)
_FAMILY_OF_VOICE = np.array([list(FAMILIES).index(family) for family, _ in VOICES])
_LANGUAGE_OF_VOICE = tuple(language for _, language in VOICES)

# Nats by which English is expected, and by which any other language must lead the next.
_EXPECTED, _LEAD = 1.5, 0.3
_LETTERS_PER_FOREIGN_TOKEN = 6

_SCRIPTS = (*FAMILIES, *LANGUAGES_BY_SCRIPT)
COLUMNS = len(VOICES) + len(_SCRIPTS)
_LETTERS = slice(len(VOICES), COLUMNS)


def family_of(word: str) -> str | None:
    """The family of languages that writes with the first letter of a word."""
    first = ord(word[0])
    if not word[0].isalpha():
        return None
    if first < 0x370 or 0x1E00 <= first < 0x1F00:
        return "latin"
    if 0x400 <= first < 0x530:
        return "cyrillic"
    if 0x600 <= first < 0x780 or 0xFB50 <= first < 0xFF00:
        return "arabic"
    return "devanagari" if 0x900 <= first < 0x980 else None


def pieces(word: str) -> Iterator[str]:
    """The one to three letters in a row that vote for a word, a space standing at either end."""
    padded = f" {word[:24]} "
    for size in (1, 2, 3):
        for place in range(len(padded) - size + 1):
            yield padded[place : place + size]


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """How much each piece of spelling and each whole word (`=word`) speaks for `VOICES`."""

    places: dict[str, int]
    votes: NDArray[np.int8]
    scale: float

    @classmethod
    def loaded(cls) -> LanguageModel:
        """The model that ships with the package."""
        arrays = load("languages")
        words = bytes(arrays["pieces"]).decode("utf-8").split("\n")
        return cls(
            places={word: place for place, word in enumerate(words)},
            votes=arrays["votes"],
            scale=float(arrays["scale"]),
        )

    def token_rows(self, tokens: Sequence[str]) -> NDArray[np.float32]:
        """The votes of each token, then its letters by script: one row of `COLUMNS` per token."""
        rows = np.zeros((len(tokens), COLUMNS), dtype=np.float32)
        for row, token in zip(rows, tokens, strict=True):
            script = token[1:-1] if token[0] == "<" else ""
            if script in _SCRIPTS:
                row[len(VOICES) + _SCRIPTS.index(script)] = _LETTERS_PER_FOREIGN_TOKEN
            elif not script and (family := family_of(token)) is not None:
                word = plain(token)
                row[len(VOICES) + _SCRIPTS.index(family)] = len(word)
                known = [self.places[piece] for piece in pieces(word) if piece in self.places]
                row[: len(VOICES)] = self.votes[known].sum(axis=0) * self.scale / np.sqrt(len(word))
                if (whole := self.places.get(f"={word}")) is not None:
                    row[: len(VOICES)] += self.votes[whole] * self.scale
        return rows


def has_letters(sums: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether each text holds any word, in whatever script."""
    return np.asarray(sums[:, _LETTERS].sum(axis=1) > 0)


def decide(sums: NDArray[np.float32]) -> list[str]:
    """The language of each text, "" when it cannot be told, from the sum of its tokens' rows."""
    letters = sums[:, _LETTERS].copy()
    chinese, japanese = (_SCRIPTS.index(language) for language in ("zh", "ja"))
    mixed = letters[:, japanese] > 0
    letters[mixed, japanese] += letters[mixed, chinese]
    letters[mixed, chinese] = 0
    script = letters.argmax(axis=1)

    votes = sums[:, : len(VOICES)].copy()
    votes[:, 0] += _EXPECTED
    votes[_FAMILY_OF_VOICE[None, :] != script[:, None]] = -np.inf
    voice = votes.argmax(axis=1)
    with np.errstate(invalid="ignore"):
        lead = np.diff(np.partition(-votes, 1, axis=1)[:, :2], axis=1)[:, 0]
    told = (voice == 0) | (lead >= _LEAD)
    return [
        ""
        if not speaks
        else _SCRIPTS[place]
        if place >= len(FAMILIES)
        else _LANGUAGE_OF_VOICE[best]
        if is_told
        else ""
        for speaks, place, best, is_told in zip(
            has_letters(sums).tolist(), script.tolist(), voice.tolist(), told.tolist(), strict=True
        )
    ]
