"""Texts as points: what is said alike lies near, whatever the words.

A text is the sum of the vectors of its pieces of words, brought to unit length; the model file
holds one vector for each piece of WordPiece's vocabulary (Wu et al., 2016), distilled from MiniLM
(Wang et al., 2020) as in model2vec: what the network says of the piece alone, rotated to its main
directions and weighed by how rare the piece is (Arora et al., 2017). English; of other languages
little more than shared words lies near.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from heard.reading.models import load
from heard.reading.tokens import TokenRows, TokenTable, plain

BATCH = 1_000
MOST_TOKENS = 15_000
LONGEST_WORD = 40

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """The pieces of words, those that go on with `##` before them, and a vector for each."""

    places: dict[str, int]
    vectors: NDArray[np.int8]
    scales: NDArray[np.float32]

    @classmethod
    def loaded(cls) -> EmbeddingModel:
        """The model that ships with the package."""
        arrays = load("embeddings")
        pieces = bytes(arrays["pieces"]).decode("utf-8").split("\n")
        places = {piece: place for place, piece in enumerate(pieces)}
        return cls(places, arrays["vectors"], arrays["scales"].astype(np.float32))

    @property
    def width(self) -> int:
        """How many figures a vector has."""
        return int(self.vectors.shape[1])

    def token_rows(self, tokens: Sequence[str]) -> Vectors:
        """The sum of the vectors of each token's pieces; zeros for what has none."""
        rows = np.zeros((len(tokens), self.width), dtype=np.float32)
        for row, token in zip(rows, tokens, strict=True):
            found = pieces_of(token, self.places)
            if found:
                row[:] = (self.vectors[found] * self.scales[found, None]).sum(axis=0)
        return rows


def pieces_of(token: str, places: dict[str, int]) -> list[int]:
    """The numbers of the longest known pieces of a token, from its left; what is unknown is left.

    As BERT's uncased tokenizer does it: small letters, no accents, cut at apostrophes.
    """
    if token[0] == "<":
        return []
    spelt = unicodedata.normalize("NFD", plain(token)[:LONGEST_WORD])
    found: list[int] = []
    for word in spelt.replace("'", " ").split():
        letters = "".join([letter for letter in word if not unicodedata.combining(letter)])
        begin, own = 0, []
        while begin < len(letters):
            for end in range(len(letters), begin, -1):
                piece = ("##" if begin else "") + letters[begin:end]
                if piece in places:
                    own.append(places[piece])
                    begin = end
                    break
            else:
                own = []
                break
        found += own
    return found


class _Embedder:
    """Remembers some `MOST_TOKENS` tokens between batches. One thread at a time."""

    def __init__(self, model: EmbeddingModel) -> None:
        self._model = model
        self.forget()

    def forget(self) -> None:
        self._table = TokenTable()
        self._rows = TokenRows(
            self._table, width=self._model.width, rows_for=self._model.token_rows
        )

    def embed(self, texts: Sequence[str]) -> Vectors:
        found = np.zeros((len(texts), self._model.width), dtype=np.float32)
        for start in range(0, len(texts), BATCH):
            if len(self._table) > MOST_TOKENS:
                self.forget()
            part = found[start : start + BATCH]
            part[:] = self._rows.summed(self._table.cut(texts[start : start + BATCH]))
            lengths = np.linalg.norm(part, axis=1, keepdims=True)
            part /= np.where(lengths > 0, lengths, 1.0)
        return found


_LOCK = Lock()


@cache
def _embedder() -> _Embedder:
    return _Embedder(EmbeddingModel.loaded())


def embed(texts: Sequence[str]) -> Vectors:
    """A row of unit length for each text, in order; zeros where no word is known.

    Never raises for any text. The product of two rows is their likeness, from -1 to 1.
    """
    with _LOCK:
        return _embedder().embed(texts)
