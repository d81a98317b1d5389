"""Reading with MiniLM: sentence embeddings by onnxruntime, three small heads of ours on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heard.assistant.minilm import making
from heard.assistant.second_reading import HEADS, Suggested
from heard.reading import Mood, Need, Stance
from heard.reading.heads import CLASSES
from heard.reading.reading import look

LONGEST_TEXT = 1_000
LONGEST_TOKENS = 128
BATCH = 32
SPREAD = 10.0
"""Embeddings are multiplied by it before the heads see them, as they were when these learned."""

Figures = NDArray[np.float32]
_LOCK = Lock()


@dataclass(frozen=True, slots=True)
class Read:
    """What MiniLM reads, and by how much its likeliest answers lead the next, at the least."""

    said: Suggested
    lead: float


def is_installed() -> bool:
    """Whether the extra is there and its files were made."""
    has_extra = all(find_spec(name) is not None for name in ("onnxruntime", "tokenizers"))
    return has_extra and making.is_made()


def read(texts: Sequence[str]) -> list[Read]:
    """Read many English texts, in order: the mean of what MiniLM and the shipped reader say.

    Together they err less than either. Raises `ImportError` or `OSError` where it is not installed.
    """
    told = probabilities(embed(texts))
    done = 0
    for seen in look(texts, only_read=False):
        places = [done + place for place in seen.places]
        for head in HEADS:
            told[head][places] = (told[head][places] + seen.probabilities[head]) / 2
        done += len(seen.languages)
    return read_from(told)


def read_from(told: dict[str, NDArray[np.float64]]) -> list[Read]:
    """The readings that follow from the probabilities of each head, a row for every text."""
    chosen = {head: told[head].argmax(axis=1) for head in HEADS}
    leads = []
    for head in HEADS:
        best = np.sort(told[head], axis=1)
        leads.append(best[:, -1] - best[:, -2])
    least = np.min(leads, axis=0)
    return [
        Read(
            Suggested(
                Need(CLASSES["need"][chosen["need"][n]]),
                Stance(CLASSES["stance"][chosen["stance"][n]]),
                Mood(CLASSES["mood"][chosen["mood"][n]]),
            ),
            float(lead),
        )
        for n, lead in enumerate(least)
    ]


def probabilities(embedded: Figures) -> dict[str, NDArray[np.float64]]:
    """For each head a row of probabilities for every text."""
    heads, found = _heads(), {}
    for head in HEADS:
        logits = embedded * SPREAD @ heads[f"{head}_weights"] + heads[f"{head}_bias"]
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        found[head] = raised / raised.sum(axis=1, keepdims=True)
    return found


def embed(texts: Sequence[str]) -> Figures:
    """Sentence embeddings of unit length, a row for every text."""
    session, tokenizer = _loaded()
    found = np.zeros((len(texts), session.get_outputs()[0].shape[1]), dtype=np.float32)
    by_length = sorted(range(len(texts)), key=lambda n: len(texts[n]))
    with _LOCK:
        for start in range(0, len(texts), BATCH):
            own = by_length[start : start + BATCH]
            cut = tokenizer.encode_batch([texts[n][:LONGEST_TEXT] for n in own])
            given = {
                "ids": np.array([it.ids for it in cut], dtype=np.int64),
                "mask": np.array([it.attention_mask for it in cut], dtype=np.int64),
            }
            found[own] = session.run(None, given)[0]
    return found


@cache
def _loaded() -> tuple[Any, Any]:
    """One thread: the worker has other things to do, too."""
    import onnxruntime  # noqa: PLC0415 - an extra
    import tokenizers  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(making.folder() / making.MODEL), options, providers=["CPUExecutionProvider"]
    )
    tokenizer = tokenizers.Tokenizer.from_file(str(making.folder() / making.TOKENIZER))
    tokenizer.enable_truncation(LONGEST_TOKENS)
    tokenizer.enable_padding()
    return session, tokenizer


@cache
def _heads() -> dict[str, Figures]:
    with (files(__package__) / "heads.npz").open("rb") as file, np.load(file) as arrays:
        return {name: arrays[name] for name in arrays.files}
