"""Which language a text is in: by its script if that says enough, else by how words are spelt.

Each word votes with how much likelier its letters (one to three in a row) and the word itself are
in each language; the model file holds those figures. Those that are read are expected,
so that short words which many languages share decide for them; a close race otherwise stays open.
"""

from __future__ import annotations

from collections.abc import Sequence
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

READ = ("en", "es", "fr", "de", "pt", "it")
"""The languages that are read; of others only the name is told."""

# Nats by which these are expected, and by which any other language than English must lead the next.
_EXPECTED, _LEAD = 1.0, 0.1
_READ_VOICES = [VOICES.index(("latin", language)) for language in READ]
_LETTERS_PER_FOREIGN_TOKEN = 6
# The most that the spelling of one word may say, in nats: names are spelt in any language.
_MOST = 4.0
_LONGEST = 24
# How many bits a letter takes in the number of a piece of spelling.
_BITS = 21
_SPACE = ord(" ")
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


def pieces(words: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
    """The one, two and three letters in a row that vote for each word, a space at either end.

    As numbers (`spelt`): a row for every letter and space, 0 where nothing begins that has a vote;
    and the row at which each word begins. Of a long word its beginning votes.
    """
    line = f" {' '.join([word[:_LONGEST] for word in words])} "
    letters = _letters(line)
    is_space = letters == _SPACE
    rows = np.zeros((len(letters) - 1, 3), dtype=np.uint64)
    rows[:, 0] = np.where(is_space, 0, letters)[:-1]
    rows[:, 1] = letters[:-1] | letters[1:] << _BITS
    rows[:-1, 2] = np.where(is_space[1:-1], 0, rows[:-1, 1] | letters[2:] << 2 * _BITS)
    return rows, np.flatnonzero(is_space)[:-1]


def spelt(piece: str) -> int:
    """The number of one to three letters."""
    return sum(ord(letter) << place * _BITS for place, letter in enumerate(piece))


def _letters(text: str) -> NDArray[np.uint64]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """How much each piece of spelling and each whole word speaks for `VOICES`.

    `places` tells the row of a word in `votes`, `pieces` and `piece_places` those of pieces, in
    ascending order of their numbers. The first row of `votes` is silent.
    """

    places: dict[str, int]
    pieces: NDArray[np.uint64]
    piece_places: NDArray[np.intp]
    votes: NDArray[np.int8]
    scale: float

    @classmethod
    def loaded(cls) -> LanguageModel:
        """The model that ships with the package."""
        arrays = load("languages")
        known = bytes(arrays["pieces"]).decode("utf-8").split("\n")
        numbered = list(enumerate(known, start=1))
        by_number = sorted((spelt(piece), at) for at, piece in numbered if piece[0] != "=")
        return cls(
            places={word[1:]: at for at, word in numbered if word[0] == "="},
            pieces=np.array([number for number, _ in by_number], dtype=np.uint64),
            piece_places=np.array([at for _, at in by_number]),
            votes=np.pad(arrays["votes"], ((1, 0), (0, 0))),
            scale=float(arrays["scale"]),
        )

    def token_rows(self, tokens: Sequence[str]) -> NDArray[np.float32]:
        """A row of `COLUMNS` per token: its votes, its letters by script, whether it is a sign."""
        rows = np.zeros((len(tokens), COLUMNS), dtype=np.float32)
        places: list[int] = []
        words: list[str] = []
        for place, token in enumerate(tokens):
            if token in _SCRIPT_OF_STAND_IN:
                rows[place, _SCRIPT_OF_STAND_IN[token]] = _LETTERS_PER_FOREIGN_TOKEN
            elif token[0] != "<" and (family := family_of(token)) is not None:
                word = plain(token)
                if word not in _SILENT:
                    rows[place, _SCRIPT_OF_FAMILY[family]] = len(word)
                    places.append(place)
                    words.append(word)
            else:
                rows[place, _SIGNS] = is_sign(token)
        if words:
            lengths = np.array(list(map(len, words)), dtype=np.float32)[:, None]
            whole = self.votes[[self.places.get(word, 0) for word in words]] * self.scale
            said = np.clip(self._by_spelling(words) / np.sqrt(lengths), -_MOST, _MOST) + whole
            rows[places, : len(VOICES)] = said
        return rows

    def _by_spelling(self, words: Sequence[str]) -> NDArray[np.float32]:
        numbers, starts = pieces(words)
        found = np.minimum(np.searchsorted(self.pieces, numbers), len(self.pieces) - 1)
        known = np.where(self.pieces[found] == numbers, self.piece_places[found], 0)
        votes = np.add(self.votes[known[:, 0]], self.votes[known[:, 1]], dtype=np.int16)
        votes += self.votes[known[:, 2]]
        said: NDArray[np.float32] = np.add.reduceat(votes, starts) * np.float32(self.scale)
        return said


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
    votes[:, _READ_VOICES] += _EXPECTED
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
