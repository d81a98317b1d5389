"""The language votes: from the letter counts of `langdetect` and from our function words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heard.reading.labelled import table
from heard.reading.languages import FAMILIES, VOICES, family_of
from heard.reading.tokens import words

# How much one, two and three letters in a row, a function word and an English word weigh, in nats.
_LETTERS = {1: 0.09, 2: 0.18, 3: 0.3}
_FUNCTION_WORD = 3.0
_ENGLISH_WORD, _ENGLISH_TIMES = 1.0, 40
# What is never met in a language is taken to be this frequent there.
_UNMET = 1e-5

# Serbian has no letter counts of its own; it is spelt like Croatian, in either script.
_SERBIAN = {"lj": "љ", "nj": "њ", "dž": "џ"} | dict(
    zip("abcčćdđefghijklmnoprsštuvzž", "абцчћдђефгхијклмнопрсштувзж", strict=True)
)

# Hindi in Latin letters is known by its words alone.
_UNCOUNTED = VOICES.index(("latin", "hi"))

Votes = dict[str, NDArray[np.float64]]


def train(data: Path) -> dict[str, NDArray[Any]]:
    """The arrays of the model file `languages`."""
    votes = _votes_of_letters()
    for piece, row in _votes_of_words(data).items():
        votes[piece] = row
    pieces = sorted(votes)
    rows = np.stack([votes[piece] for piece in pieces])
    scale = np.abs(rows).max() / 127
    return {
        "pieces": np.frombuffer("\n".join(pieces).encode(), dtype=np.uint8),
        "votes": np.rint(rows / scale).astype(np.int8),
        "scale": np.array(scale, dtype=np.float32),
    }


def _votes_of_letters() -> Votes:
    """Per piece of spelling: how much likelier than in the mean of its family it is, weighed."""
    shares = [_letter_shares(family, language) for family, language in VOICES]
    votes: Votes = {}
    for family in FAMILIES:
        voices = [voice for voice, (own, _) in enumerate(VOICES) if own == family]
        for piece in sorted(set().union(*(shares[voice] for voice in voices))):
            if family_of(piece.strip()) != family:
                continue
            logs = np.log([shares[voice].get(piece, 0.0) + _UNMET for voice in voices])
            row = votes.setdefault(piece, np.zeros(len(VOICES)))
            row[voices] = (logs - logs.mean()) * _LETTERS[len(piece)]
            row[_UNCOUNTED] = 0.0
    return votes


def _letter_shares(family: str, language: str) -> dict[str, float]:
    """How often each piece of spelling occurs in a language among those of its length."""
    if (family, language) == VOICES[_UNCOUNTED]:
        return {}
    known = "hr" if language == "sr" else language
    profile = json.loads((files("langdetect.profiles") / known).read_text(encoding="utf-8"))
    shares: Counter[str] = Counter()
    for piece, times in profile["freq"].items():
        spelt = piece.lower()
        if (family, language) == ("cyrillic", "sr"):
            spelt = _in_cyrillic(spelt)
        if 0 < len(spelt) <= len(_LETTERS) and spelt.strip():
            shares[spelt] += times / profile["n_words"][len(piece) - 1]
    return dict(shares)


def _in_cyrillic(text: str) -> str:
    for latin, cyrillic in _SERBIAN.items():
        text = text.replace(latin, cyrillic)
    return text


def _in_latin(text: str) -> str:
    for latin, cyrillic in _SERBIAN.items():
        text = text.replace(cyrillic, latin)
    return text


def _votes_of_words(data: Path) -> Votes:
    votes: Votes = {}
    lists = _function_words()
    for voice, (family, language) in enumerate(VOICES):
        known = lists[language]
        if (family, language) == ("latin", "sr"):
            known = [_in_latin(word) for word in known]
        for word in known:
            if family_of(word) == family:
                votes.setdefault(f"={word}", np.zeros(len(VOICES)))[voice] = _FUNCTION_WORD
    for row in votes.values():
        np.divide(row, np.sqrt(np.count_nonzero(row)), out=row)
    for word in _english_words(data):
        if f"={word}" not in votes:
            votes[f"={word}"] = np.zeros(len(VOICES))
            votes[f"={word}"][0] = _ENGLISH_WORD
    return votes


def _function_words() -> Mapping[str, list[str]]:
    text = (files(__package__) / "function_words.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines())
    return {language: known.split() for language, known in rows}


def _english_words(data: Path) -> list[str]:
    """Words that English speakers use often when they write to each other."""
    times: Counter[str] = Counter()
    for row in table(data / "goemotions" / "train_dev.csv.gz"):
        times.update(words(row["text"]))
    return sorted(
        word for word, count in times.items() if count >= _ENGLISH_TIMES and word[0].isalpha()
    )
