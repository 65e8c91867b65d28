"""Writes the trained encoder as an ONNX graph for one window at a time, in eight bits.

The graph is laid by hand: one window, so no padding and no mask, and eight-bit scales that span nothing but that
window. A post's score therefore never depends on what else is read with it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from classifiers.training.network import HEADS, LAYERS, WIDTH, Network
from classifiers.window import LENGTH

_OPSET = 20
_LEVELS = 127
_EPSILON = 1e-12


class _Graph:
    """Nodes and weights of a graph being laid; each method adds one operation and names its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def weight(self, name: str, values: NDArray[np.generic]) -> str:
        self.weights.append(numpy_helper.from_array(values.copy(order="C"), name))
        return name

    def add(self, kind: str, inputs: Sequence[str], name: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def linear(self, source: str, name: str, state: dict[str, NDArray[np.float32]], part: str) -> str:
        matrix = self.weight(f"{name}.w", state[f"{part}.weight"].T)
        bias = self.weight(f"{name}.b", state[f"{part}.bias"])
        return self.add("Add", [self.add("MatMul", [source, matrix], f"{name}.matmul"), bias], name)

    def norm(self, source: str, name: str, state: dict[str, NDArray[np.float32]], part: str) -> str:
        scale = self.weight(f"{name}.s", state[f"{part}.weight"])
        bias = self.weight(f"{name}.b", state[f"{part}.bias"])
        return self.add("LayerNormalization", [source, scale, bias], name, axis=-1, epsilon=_EPSILON)


def export(network: Network, path: Path, *, quantised: bool = True) -> None:
    """Write the network to ``path``: inputs ``ids``, ``types``, ``pool`` (tokens); outputs ``labels``, ``names``."""
    model = _model({name: value.detach().float().numpy() for name, value in network.state_dict().items()})
    onnx.checker.check_model(model)
    if not quantised:
        onnx.save(model, str(path))
        return
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        onnx.save(model, str(plain))
        quantize_dynamic(
            plain,
            path,
            op_types_to_quantize=["MatMul"],
            nodes_to_exclude=["labels.matmul", "names.matmul"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            reduce_range=True,  # seven bits: on processors without VNNI the sums of eight saturate, silently
        )


def _model(state: dict[str, NDArray[np.float32]]) -> onnx.ModelProto:
    graph = _Graph()
    hidden = _embedded(graph, state)
    for index in range(LAYERS):
        hidden = _layer(graph, hidden, state, index)
    row = graph.weight("row", np.array([1, -1], dtype=np.int64))
    pooled = graph.add("MatMul", [graph.add("Reshape", ["pool", row], "pool.row"), hidden], "pooled")
    graph.linear(pooled, "labels", state, "label_head")
    graph.linear(hidden, "names", state, "name_head")
    inputs = [
        helper.make_tensor_value_info("ids", TensorProto.INT64, ["n"]),
        helper.make_tensor_value_info("types", TensorProto.INT64, ["n"]),
        helper.make_tensor_value_info("pool", TensorProto.FLOAT, ["n"]),
    ]
    outputs = [
        helper.make_tensor_value_info("labels", TensorProto.FLOAT, [1, len(state["label_head.bias"])]),
        helper.make_tensor_value_info("names", TensorProto.FLOAT, ["n", len(state["name_head.bias"])]),
    ]
    made = helper.make_graph(graph.nodes, "watcher", inputs, outputs, graph.weights)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=9)


def _embedded(graph: _Graph, state: dict[str, NDArray[np.float32]]) -> str:
    """Word, place and type of every token, summed and normalised; the words in eight bits with a scale each."""
    words = state["words.weight"]
    scales = np.abs(words).max(axis=1, keepdims=True) / _LEVELS
    table = graph.weight("words.table", np.round(words / np.maximum(scales, 1e-12)).astype(np.int8))
    scale = graph.weight("words.scale", scales.astype(np.float32))
    small = graph.add("Cast", [graph.add("Gather", [table, "ids"], "words.int")], "words.float", to=TensorProto.FLOAT)
    word = graph.add("Mul", [small, graph.add("Gather", [scale, "ids"], "words.scales")], "words")
    count = graph.add("Shape", ["ids"], "count")
    zero = graph.weight("zero", np.array([0], dtype=np.int64))
    places = graph.add("Slice", [graph.weight("places.table", state["places.weight"][:LENGTH]), zero, count], "places")
    types = graph.add("Gather", [graph.weight("types.table", state["types.weight"]), "types"], "types.float")
    summed = graph.add("Add", [graph.add("Add", [word, places], "placed"), types], "summed")
    return graph.norm(summed, "embedded", state, "norm")


def _layer(graph: _Graph, hidden: str, state: dict[str, NDArray[np.float32]], index: int) -> str:
    part, width = f"layers.{index}", WIDTH // HEADS
    mixed = graph.linear(hidden, f"{part}.qkv.out", state, f"{part}.qkv")
    shape = graph.weight(f"{part}.heads", np.array([-1, 3, HEADS, width], dtype=np.int64))
    split = graph.add("Reshape", [mixed, shape], f"{part}.split")
    query, key, value = (
        graph.add("Gather", [split, graph.weight(f"{part}.{i}", np.array(i, dtype=np.int64))], f"{part}.got{i}", axis=1)
        for i in range(3)
    )
    query = graph.add("Transpose", [query], f"{part}.query", perm=[1, 0, 2])
    key = graph.add("Transpose", [key], f"{part}.key", perm=[1, 2, 0])
    value = graph.add("Transpose", [value], f"{part}.value", perm=[1, 0, 2])
    scale = graph.weight(f"{part}.scale", np.array(width**-0.5, dtype=np.float32))
    scores = graph.add("Mul", [graph.add("MatMul", [query, key], f"{part}.scores"), scale], f"{part}.scaled")
    attention = graph.add("Softmax", [scores], f"{part}.attention", axis=-1)
    seen = graph.add("MatMul", [attention, value], f"{part}.seen")
    joined = graph.add("Transpose", [seen], f"{part}.joined", perm=[1, 0, 2])
    flat = graph.add(
        "Reshape", [joined, graph.weight(f"{part}.flat", np.array([-1, WIDTH], dtype=np.int64))], f"{part}.flatten"
    )
    out = graph.add("Add", [hidden, graph.linear(flat, f"{part}.out.out", state, f"{part}.out")], f"{part}.added")
    hidden = graph.norm(out, f"{part}.normed", state, f"{part}.norm")
    up = graph.add("Gelu", [graph.linear(hidden, f"{part}.up.out", state, f"{part}.up")], f"{part}.gelu")
    down = graph.linear(up, f"{part}.down.out", state, f"{part}.down")
    return graph.norm(graph.add("Add", [hidden, down], f"{part}.summed"), f"{part}.last.out", state, f"{part}.last")
