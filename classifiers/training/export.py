"""Writes the trained encoder as an ONNX graph for windows of one length side by side, in eight bits.

The graph is laid by hand, so that a post's score never depends on what else is read with it: what is filled up is
masked, and no eight-bit scale spans more than one token. What enters attention and the first half of the feed-forward
part has just been normalised, so its scales are fixed, found once on a few plain posts; what leaves them has a scale
for each token.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from classifiers.encoder import SHIPPED, TokenReader
from classifiers.training.network import HEADS, LAYERS, WIDTH, Network
from classifiers.training.plain_posts import PLAIN_POSTS
from classifiers.verdict import Passage
from classifiers.window import LENGTH, Window, cut

_OPSET = 20
_MICROSOFT = "com.microsoft"
_LEVELS = 127  # of a word's vector, and of a signed activation on either side of nought
_WEIGHT_LEVELS = 64  # seven bits: on processors without VNNI the sums of eight saturate, silently
_UNSIGNED = (128, _LEVELS)  # where nought lies among the 256 levels, and how many lie above that are used
_GELU = (32, 223)  # what comes out of a GELU is hardly ever below nought, and never below -0.17
_ROOM = 1.1  # fixed scales reach a little beyond what the plain posts showed
_EPSILON = 1e-12

State = dict[str, NDArray[np.float32]]


class _Graph:
    """Nodes and weights of a graph being laid; each method adds one operation and names its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def weight(self, name: str, values: NDArray[np.generic] | np.generic) -> str:
        """A constant; one of a name that is there already is the same."""
        if all(known.name != name for known in self.weights):
            self.weights.append(numpy_helper.from_array(np.array(values, order="C"), name))
        return name

    def add(self, kind: str, inputs: Sequence[str], name: str, **attributes: object) -> str:
        """An operation, named as its result; one of a name that is there already is the same."""
        if all(known.name != name for known in self.nodes):
            self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def linear(self, source: str, name: str, state: State, part: str) -> str:
        """A product as it was trained, for the heads and for comparing."""
        matrix = self.weight(f"{name}.w", state[f"{part}.weight"].T)
        bias = self.weight(f"{name}.b", state[f"{part}.bias"])
        return self.add("Add", [self.add("MatMul", [source, matrix], f"{name}.matmul"), bias], name)

    def fixed(self, source: str, name: str, state: State, part: str, seen: NDArray[np.float32]) -> str:
        """A product in eight bits whose input was just normalised; ``seen`` is the largest of each channel.

        A few channels are ten times as large as the others: they are made smaller before they are rounded, and their
        weights larger, by half of the difference between them.
        """
        matrix = state[f"{part}.weight"].T
        even = np.sqrt(np.maximum(seen, 1e-3) / np.maximum(np.abs(matrix).max(axis=1), 1e-4))
        even = (even / np.exp(np.log(even).mean())).astype(np.float32)
        smooth = self.add("Mul", [source, self.weight(f"{name}.even", 1 / even)], f"{name}.smooth")
        nought, levels = _UNSIGNED
        scale = self.weight(f"{name}.scale", np.float32((seen / even).max() * _ROOM / levels))
        zero = self.weight(f"{name}.zero", np.uint8(nought))
        small = self.add("QuantizeLinear", [smooth, scale, zero], f"{name}.small")
        weights, scales = self._weights(name, matrix * even[:, None])
        bias = self.weight(f"{name}.b", state[f"{part}.bias"])
        return self.add(
            "MatMulIntegerToFloat", [small, weights, scale, scales, zero, "", bias], name, domain=_MICROSOFT
        )

    def by_token(self, source: str, name: str, state: State, part: str, kind: tuple[int, int]) -> str:
        """A product in eight bits with a scale for each token."""
        nought, levels = kind
        size = source if kind == _GELU else self.add("Abs", [source], f"{name}.abs")
        most = self.add("ReduceMax", [size, self.weight("last", np.array([-1]))], f"{name}.most", keepdims=0)
        scaled = self.add("Mul", [most, self.weight(f"share{levels}", np.float32(1 / levels))], f"{name}.scaled")
        scale = self.add("Max", [scaled, self.weight("tiny", np.float32(1e-9))], f"{name}.scale")
        small = self.add("QuantizeLinear", [source, scale, self._zeros(nought)], f"{name}.small", axis=0)
        weights, scales = self._weights(name, state[f"{part}.weight"].T)
        zero, one = self.weight(f"zero{nought}", np.uint8(nought)), self.weight("one", np.float32(1))
        product = self.add(
            "MatMulIntegerToFloat", [small, weights, one, scales, zero], f"{name}.product", domain=_MICROSOFT
        )
        rows = self.add("Unsqueeze", [scale, "last"], f"{name}.rows")
        bias = self.weight(f"{name}.b", state[f"{part}.bias"])
        return self.add("Add", [self.add("Mul", [product, rows], f"{name}.unscaled"), bias], name)

    def _zeros(self, nought: int) -> str:
        """The level of nought once a token, as the rounding wants it."""
        level = self.weight(f"level{nought}", np.array([nought], dtype=np.uint8))
        return self.add("Expand", [level, "tokens"], f"zeros{nought}")

    def _weights(self, name: str, matrix: NDArray[np.float32]) -> tuple[str, str]:
        scales = np.maximum(np.abs(matrix).max(axis=0) / _WEIGHT_LEVELS, _EPSILON).astype(np.float32)
        small = np.round(matrix / scales).astype(np.int8)
        return self.weight(f"{name}.w", small), self.weight(f"{name}.scales", scales)

    def norm(self, source: str, name: str, state: State, part: str) -> str:
        scale = self.weight(f"{name}.s", state[f"{part}.weight"])
        bias = self.weight(f"{name}.b", state[f"{part}.bias"])
        return self.add("LayerNormalization", [source, scale, bias], name, axis=-1, epsilon=_EPSILON)


def export(network: Network, path: Path, *, quantised: bool = True) -> None:
    """Write the network to ``path``.

    Inputs ``ids``, ``types``, ``pool``, ``mask`` (windows, tokens; ``mask`` is added to what attention sees: 0, or
    -10,000 where there is no token); outputs ``labels`` (windows, labels) and ``names`` (windows, tokens, 3).
    """
    state = {name: value.detach().float().numpy() for name, value in network.state_dict().items()}
    model = _model(state, _seen(network) if quantised else {})
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _seen(network: Network) -> dict[str, NDArray[np.float32]]:
    """The largest of each channel that enters ``qkv`` and ``up`` of each layer while plain posts are read."""
    reader = TokenReader(SHIPPED / "tokenizer.json")
    most: dict[str, torch.Tensor] = {}

    def note(part: str) -> object:
        def hear(_: object, given: tuple[torch.Tensor, ...]) -> None:
            found = given[0].detach().abs().amax(dim=(0, 1))
            most[part] = torch.maximum(most[part], found) if part in most else found

        return hear

    network.eval()
    parts = {f"layers.{i}.{name}": getattr(layer, name) for i, layer in enumerate(network.layers) for name in _FIXED}
    hooks = [module.register_forward_pre_hook(note(part)) for part, module in parts.items()]
    try:
        with torch.no_grad():
            for text in PLAIN_POSTS:
                network(*_given(_window(reader, text)))
    finally:
        for hook in hooks:
            hook.remove()
    return {part: found.float().numpy() for part, found in most.items()}


_FIXED = ("qkv", "up")


def _window(reader: TokenReader, text: str) -> Window:
    tokens = reader.read(Passage(text=text))
    return next(iter(cut(tokens.ids, tokens.shapes, official=False, has_image=False)))


def _given(window: Window) -> tuple[torch.Tensor, ...]:
    ids, types = torch.tensor([window.ids]), torch.tensor([window.types])
    pool = torch.zeros(ids.shape)
    pool[0, : window.pooled] = 1 / window.pooled
    return ids, types, torch.ones(ids.shape, dtype=torch.bool), pool


def _model(state: State, seen: dict[str, NDArray[np.float32]]) -> onnx.ModelProto:
    """The graph; without ``seen`` as it was trained, in 32 bits."""
    graph = _Graph()
    hidden = _embedded(graph, state)
    for index in range(LAYERS):
        hidden = _layer(graph, hidden, state, index, seen)
    back = graph.add("Concat", ["shape", graph.weight("width", np.array([WIDTH]))], "back", axis=0)
    whole = graph.add("Reshape", [hidden, back], "hidden")
    row = graph.add("Unsqueeze", ["pool", graph.weight("second", np.array([1]))], "pool.row")
    pooled = graph.add("Squeeze", [graph.add("MatMul", [row, whole], "pooled.row"), "second"], "pooled")
    graph.linear(pooled, "labels", state, "label_head")
    graph.linear(whole, "names", state, "name_head")
    kinds = {"ids": TensorProto.INT64, "types": TensorProto.INT64, "pool": TensorProto.FLOAT, "mask": TensorProto.FLOAT}
    inputs = [helper.make_tensor_value_info(name, kind, ["b", "n"]) for name, kind in kinds.items()]
    outputs = [
        helper.make_tensor_value_info("labels", TensorProto.FLOAT, ["b", len(state["label_head.bias"])]),
        helper.make_tensor_value_info("names", TensorProto.FLOAT, ["b", "n", len(state["name_head.bias"])]),
    ]
    made = helper.make_graph(graph.nodes, "watcher", inputs, outputs, graph.weights)
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_MICROSOFT, 1)]
    return helper.make_model(made, opset_imports=opsets, ir_version=9)


def _embedded(graph: _Graph, state: State) -> str:
    """Word, place and type of every token, summed and normalised; the words in eight bits with a scale each.

    From here on all tokens of all windows stand below each other: (tokens, width).
    """
    words = state["words.weight"]
    scales = np.abs(words).max(axis=1, keepdims=True) / _LEVELS
    table = graph.weight("words.table", np.round(words / np.maximum(scales, 1e-12)).astype(np.int8))
    scale = graph.weight("words.scale", scales.astype(np.float32))
    small = graph.add("Cast", [graph.add("Gather", [table, "ids"], "words.int")], "words.float", to=TensorProto.FLOAT)
    word = graph.add("Mul", [small, graph.add("Gather", [scale, "ids"], "words.scales")], "words")
    graph.add("Shape", ["ids"], "shape")
    count = graph.add("Shape", ["ids"], "count", start=1)
    zero = graph.weight("zero", np.array([0]))
    places = graph.add("Slice", [graph.weight("places.table", state["places.weight"][:LENGTH]), zero, count], "places")
    types = graph.add("Gather", [graph.weight("types.table", state["types.weight"]), "types"], "types.float")
    summed = graph.add("Add", [graph.add("Add", [word, places], "placed"), types], "summed")
    flat = graph.add("Reshape", [summed, graph.weight("flat", np.array([-1, WIDTH]))], "below")
    graph.add("Shape", [flat], "tokens", start=0, end=1)
    graph.add("Concat", ["shape", graph.weight("heads", np.array([3, HEADS, WIDTH // HEADS]))], "split", axis=0)
    graph.add("Unsqueeze", ["mask", graph.weight("middle", np.array([1, 2]))], "masked")
    return graph.norm(flat, "embedded", state, "norm")


def _layer(graph: _Graph, hidden: str, state: State, index: int, seen: dict[str, NDArray[np.float32]]) -> str:
    part = f"layers.{index}"

    def product(source: str, name: str, kind: tuple[int, int] = _UNSIGNED) -> str:
        where, out = f"{part}.{name}", f"{part}.{name}.out"
        if not seen:
            return graph.linear(source, out, state, where)
        if name in _FIXED:
            return graph.fixed(source, out, state, where, seen[where])
        return graph.by_token(source, out, state, where, kind)

    flat = _attention(graph, product(hidden, "qkv"), part)
    out = graph.add("Add", [hidden, product(flat, "out")], f"{part}.added")
    hidden = graph.norm(out, f"{part}.normed", state, f"{part}.norm")
    up = graph.add("Gelu", [product(hidden, "up")], f"{part}.gelu")
    down = graph.add("Add", [hidden, product(up, "down", _GELU)], f"{part}.summed")
    return graph.norm(down, f"{part}.last.out", state, f"{part}.last")


def _attention(graph: _Graph, mixed: str, part: str) -> str:
    """Queries, keys and values (tokens, 3 × width) to what each token took from its window (tokens, width)."""
    width = WIDTH // HEADS
    split = graph.add("Reshape", [mixed, "split"], f"{part}.split")
    turned = graph.add("Transpose", [split], f"{part}.turned", perm=[2, 0, 3, 1, 4])
    query, key, value = (
        graph.add("Gather", [turned, graph.weight(f"pick{i}", np.array(i))], f"{part}.got{i}", axis=0) for i in range(3)
    )
    scores = graph.add(
        "FusedMatMul", [query, key], f"{part}.scores", domain=_MICROSOFT, transB=1, alpha=float(width**-0.5)
    )
    attention = graph.add("Softmax", [graph.add("Add", [scores, "masked"], f"{part}.seen")], f"{part}.weights", axis=-1)
    taken = graph.add("MatMul", [attention, value], f"{part}.taken")
    return graph.add(
        "Reshape", [graph.add("Transpose", [taken], f"{part}.joined", perm=[0, 2, 1, 3]), "flat"], f"{part}.flat"
    )
