"""The MiniLM sentence encoder as an ONNX file, put together from its weights.

BERT as in J. Devlin et al., "BERT" (2018), in the size of W. Wang et al., "MiniLM" (2020), with the
mean over the words as N. Reimers and I. Gurevych, "Sentence-BERT" (2019) take it.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

OPSET = 17
EPSILON = 1e-12

Weights = dict[str, NDArray[np.float32]]


def weights_in(raw: bytes) -> Weights:
    """The arrays of a safetensors file. Raises `ValueError` for one that is none."""
    length = int.from_bytes(raw[:8], "little")
    if not 2 <= length <= len(raw) - 8:
        raise ValueError("this is no safetensors file")
    table: dict[str, Any] = json.loads(raw[8 : 8 + length])
    found = {}
    for name, entry in table.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        first, last = entry["data_offsets"]
        array = np.frombuffer(
            raw, dtype="<f4", count=(last - first) // 4, offset=8 + length + first
        )
        found[name.removeprefix("bert.")] = array.reshape(entry["shape"])
    return found


class _Graph:
    """Nodes in order, each with one output, named after what it is."""

    def __init__(self) -> None:
        from onnx import helper, numpy_helper  # noqa: PLC0415 - an extra, for building alone

        self._helper, self._numpy = helper, numpy_helper
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def keep(self, array: NDArray[Any]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(self._numpy.from_array(np.ascontiguousarray(array), name))
        return name

    def do(self, kind: str, *given: str, **told: Any) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(self._helper.make_node(kind, list(given), [name], **told))
        return name


def build(weights: Weights, *, heads: int) -> bytes:
    """The ONNX file: `ids` and `mask` (int64, texts by tokens) to `embedding` (unit length).

    Raises `KeyError` when a weight is missing. Needs the package `onnx`.
    """
    from onnx import TensorProto, helper  # noqa: PLC0415 - an extra, for building alone

    graph = _Graph()
    words = graph.keep(weights["embeddings.word_embeddings.weight"])
    places = weights["embeddings.position_embeddings.weight"]
    kind = weights["embeddings.token_type_embeddings.weight"][0]
    width = places.shape[1]
    zero, one = graph.keep(np.array([0])), graph.keep(np.array([1]))
    length = graph.do("Gather", graph.do("Shape", "ids"), one)
    own_places = graph.do("Slice", graph.keep(places + kind), zero, length, zero)
    hidden = graph.do("Add", graph.do("Gather", words, "ids"), own_places)
    hidden = _normed(graph, hidden, weights, "embeddings.LayerNorm")
    # Words that are not there weigh nothing: -10,000 before the softmax.
    seen = graph.do("Cast", "mask", to=TensorProto.FLOAT)
    away = graph.do("Mul", graph.do("Sub", seen, graph.keep(_number(1))), graph.keep(_number(1e4)))
    away = graph.do("Unsqueeze", away, graph.keep(np.array([1, 2])))
    layer = 0
    while f"encoder.layer.{layer}.attention.self.query.weight" in weights:
        hidden = _layer(graph, hidden, weights, f"encoder.layer.{layer}", away, heads, width)
        layer += 1
    column = graph.do("Unsqueeze", seen, graph.keep(np.array([2])))
    total = graph.do("ReduceSum", graph.do("Mul", hidden, column), one, keepdims=0)
    length = graph.do("ReduceL2", total, axes=[1], keepdims=1)
    graph.nodes.append(helper.make_node("Div", [total, length], ["embedding"]))
    given = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
        for name in ("ids", "mask")
    ]
    told = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["texts", width])
    made = helper.make_graph(graph.nodes, "minilm", given, [told], graph.constants)
    model = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="heard", ir_version=8
    )
    raw: bytes = model.SerializeToString()
    return raw


def _number(value: float) -> NDArray[np.float32]:
    return np.array(value, dtype=np.float32)


def _dense(graph: _Graph, given: str, weights: Weights, name: str) -> str:
    product = graph.do("MatMul", given, graph.keep(weights[f"{name}.weight"].T))
    return graph.do("Add", product, graph.keep(weights[f"{name}.bias"]))


def _normed(graph: _Graph, given: str, weights: Weights, name: str) -> str:
    scale, shift = graph.keep(weights[f"{name}.weight"]), graph.keep(weights[f"{name}.bias"])
    return graph.do("LayerNormalization", given, scale, shift, epsilon=EPSILON)


def _layer(
    graph: _Graph, hidden: str, weights: Weights, name: str, away: str, heads: int, width: int
) -> str:
    apart = graph.keep(np.array([0, 0, heads, width // heads]))

    def split(part: str, order: list[int]) -> str:
        made = _dense(graph, hidden, weights, f"{name}.attention.self.{part}")
        return graph.do("Transpose", graph.do("Reshape", made, apart), perm=order)

    query, value = split("query", [0, 2, 1, 3]), split("value", [0, 2, 1, 3])
    key = split("key", [0, 2, 3, 1])
    scale = graph.keep(_number(1 / math.sqrt(width // heads)))
    scores = graph.do("Add", graph.do("Mul", graph.do("MatMul", query, key), scale), away)
    mixed = graph.do("MatMul", graph.do("Softmax", scores, axis=-1), value)
    together = graph.do("Transpose", mixed, perm=[0, 2, 1, 3])
    together = graph.do("Reshape", together, graph.keep(np.array([0, 0, width])))
    attended = _dense(graph, together, weights, f"{name}.attention.output.dense")
    attended = graph.do("Add", attended, hidden)
    attended = _normed(graph, attended, weights, f"{name}.attention.output.LayerNorm")
    wide = _dense(graph, attended, weights, f"{name}.intermediate.dense")
    # GELU: half of x (1 + erf(x / sqrt 2)).
    error = graph.do("Erf", graph.do("Mul", wide, graph.keep(_number(1 / math.sqrt(2)))))
    raised = graph.do("Mul", graph.do("Add", error, graph.keep(_number(1))), wide)
    raised = graph.do("Mul", raised, graph.keep(_number(0.5)))
    out = graph.do("Add", _dense(graph, raised, weights, f"{name}.output.dense"), attended)
    return _normed(graph, out, weights, f"{name}.output.LayerNorm")
