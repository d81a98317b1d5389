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
from heard.reading.tokens import is_sign, plain, word_set

# Languages that share a script and are told apart by their words.
FAMILIES: dict[str, tuple[str, ...]] = {
    "latin": (
        *("en", "es", "fr", "de", "pt", "it", "nl", "sv", "da", "no", "fi", "cs", "sk", "pl", "hu"),
        *("tr", "ro", "id", "sl", "hr", "sr", "ca", "vi", "et", "lv", "lt", "sq", "tl", "af", "cy"),
        "hi",
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
_EXPECTED, _LEAD = 1.0, 0.1
_LETTERS_PER_FOREIGN_TOKEN = 6
# The most that the spelling of one word may say, in nats: names are spelt in any language.
_MOST = 4.0
# Remains of machines, not words.
_SILENT = word_set("http https www com rt via amp gt lt quot nbsp br href url html")

_SCRIPTS = (*FAMILIES, *LANGUAGES_BY_SCRIPT)
_LETTERS = slice(len(VOICES), len(VOICES) + len(_SCRIPTS))
_SIGNS = _LETTERS.stop
COLUMNS = _SIGNS + 1
_SCRIPT_OF_FAMILY = {family: len(VOICES) + place for place, family in enumerate(FAMILIES)}
_SCRIPT_OF_STAND_IN = {
    f"<{language}>": len(VOICES) + _SCRIPTS.index(language) for language in LANGUAGES_BY_SCRIPT
}


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
    """How much each piece of spelling and each whole word (`=word`) speaks for `VOICES`.

    The first row of `votes` is silent.
    """

    places: dict[str, int]
    votes: NDArray[np.int8]
    scale: float

    @classmethod
    def loaded(cls) -> LanguageModel:
        """The model that ships with the package."""
        arrays = load("languages")
        words = bytes(arrays["pieces"]).decode("utf-8").split("\n")
        return cls(
            places={word: place for place, word in enumerate(words, start=1)},
            votes=np.pad(arrays["votes"], ((1, 0), (0, 0))),
            scale=float(arrays["scale"]),
        )

    def token_rows(self, tokens: Sequence[str]) -> NDArray[np.float32]:
        """A row of `COLUMNS` per token: its votes, its letters by script, whether it is a sign."""
        rows = np.zeros((len(tokens), COLUMNS), dtype=np.float32)
        flat: list[int] = []
        starts: list[int] = []
        whole: list[int] = []
        for row, token in zip(rows, tokens, strict=True):
            starts.append(len(flat))
            flat.append(0)
            whole.append(0)
            if token in _SCRIPT_OF_STAND_IN:
                row[_SCRIPT_OF_STAND_IN[token]] = _LETTERS_PER_FOREIGN_TOKEN
            elif token[0] != "<" and (family := family_of(token)) is not None:
                word = plain(token)
                if word not in _SILENT:
                    row[_SCRIPT_OF_FAMILY[family]] = len(word)
                    flat += filter(None, map(self.places.get, pieces(word)))
                    whole[-1] = self.places.get(f"={word}", 0)
            else:
                row[_SIGNS] = is_sign(token)
        spelt = np.add.reduceat(self.votes[flat], starts, dtype=np.float32) * self.scale
        spelt /= np.sqrt(np.maximum(1.0, rows[:, _LETTERS].sum(axis=1, keepdims=True)))
        rows[:, : len(VOICES)] = np.clip(spelt, -_MOST, _MOST) + self.votes[whole] * self.scale
        return rows


def are_signs(sums: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether each text is emoji and the like without a word in any script."""
    return np.asarray((sums[:, _LETTERS].sum(axis=1) == 0) & (sums[:, _SIGNS] > 0))


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
    is_told = (voice == 0) | (lead >= _LEAD)
    names = [
        _SCRIPTS[place] if place >= len(FAMILIES) else _LANGUAGE_OF_VOICE[best]
        for place, best in zip(script.tolist(), voice.tolist(), strict=True)
    ]
    is_known = (script >= len(FAMILIES)) | (is_told & np.asarray(letters.max(axis=1) > 0))
    return [name if known else "" for name, known in zip(names, is_known.tolist(), strict=True)]
