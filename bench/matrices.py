"""What the machine can do at best: products of eight-bit matrices at the encoder's shapes, on all threads at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime

from classifiers.errors import ClassifierError

SHAPES = ((384, 1152), (384, 384), (384, 1536), (1536, 384))  # of the weights: input × output
ROWS = (320, 1024)  # tokens side by side


def best_product(threads: int) -> Callable[[], float]:
    """Gives a measurement: the best rate of any shape, in 10⁹ operations a second, with ``threads`` side by side."""
    sessions = [(_session(width, out), width, out) for width, out in SHAPES]

    def measure() -> float:
        found = []
        with ThreadPoolExecutor(threads) as pool:
            for rows in ROWS:
                for session, width, out in sessions:
                    fed = {"a": np.full((rows, width), 3, dtype=np.uint8)}
                    session.run(None, fed)
                    began = time.perf_counter()
                    list(pool.map(lambda _: session.run(None, fed), range(2 * threads)))  # noqa: B023 - at once
                    found.append(2 * threads * 2 * rows * width * out / (time.perf_counter() - began) / 1e9)
        return max(found)

    return measure


def _session(width: int, out: int) -> onnxruntime.InferenceSession:
    """A graph of one product with constant weights, as the encoder's are."""
    try:
        from onnx import TensorProto, helper, numpy_helper
    except ImportError as error:
        raise ClassifierError("the machine's limit needs the package onnx: pip install onnx") from error
    weights = np.random.default_rng(0).integers(-64, 65, (width, out)).astype(np.int8)
    node = helper.make_node("MatMulInteger", ["a", "w", "zero"], ["y"])
    graph = helper.make_graph(
        [node],
        "product",
        [helper.make_tensor_value_info("a", TensorProto.UINT8, ["m", width])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, ["m", out])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(np.array(128, np.uint8), "zero")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
