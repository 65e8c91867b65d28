"""Runs the encoder's graph over windows of like length side by side, so that no window's answer knows of the others.

Every window is filled up to the next multiple of four tokens, alone or in company: the filling is masked, and each
product has the same length and the same scales whatever stands beside it. So an answer is the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from classifiers.errors import ClassifierError
from classifiers.window import Window

STEP = 4  # tokens to whose multiple a window is filled up
MOST = 8  # windows side by side
_TOKENS = 512  # tokens side by side: more of them no longer fit the processor's nearest memory
_GONE = -1e4  # added to what no token may look at

Answer = tuple[NDArray[np.float32], NDArray[np.float32]]  # a logit a label; three logits a token for names


class Runner:
    """One graph, one thread a run; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Load the graph; one without ``mask`` reads one window at a time.

        Raises:
            Exception: onnxruntime cannot load it (it raises bare Exceptions).
        """
        options = onnxruntime.SessionOptions()
        # Two batches side by side with one thread each suffer less from a busy machine than one with two threads.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(
            str(path),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["SkipLayerNormFusion"],  # 20 % faster in eight bits without it
        )
        self._side_by_side = any(given.name == "mask" for given in self._session.get_inputs())

    @property
    def most(self) -> int:
        """How many windows of one length the graph reads at once."""
        return MOST if self._side_by_side else 1

    def run(self, windows: Sequence[Window]) -> list[Answer]:
        """What the graph says of each of up to eight windows that fill up to the same length.

        Raises:
            ClassifierError: the graph broke.
        """
        try:
            if not self._side_by_side:
                return [self._alone(window) for window in windows]
            labels, names = self._session.run(["labels", "names"], _fed(windows))
        except Exception as error:  # onnxruntime raises bare Exceptions
            raise ClassifierError(f"the model broke on windows of up to {filled(windows[0])} tokens") from error
        return list(zip(labels, names, strict=True))

    def _alone(self, window: Window) -> Answer:
        pool = np.zeros(len(window.ids), dtype=np.float32)
        pool[: window.pooled] = 1.0 / window.pooled
        fed = {"ids": np.array(window.ids), "types": np.array(window.types), "pool": pool}
        labels, names = self._session.run(["labels", "names"], fed)
        return labels[0], names


def filled(window: Window) -> int:
    """The length to which a window is filled up."""
    return -(-len(window.ids) // STEP) * STEP


def batches(windows: Sequence[Window], most: int) -> Iterator[list[int]]:
    """The places of all windows, up to ``most`` of one filled-up length together, the longest first."""
    by_length: dict[int, list[int]] = {}
    for place, window in enumerate(windows):
        by_length.setdefault(filled(window), []).append(place)
    for length in sorted(by_length, reverse=True):
        places, together = by_length[length], max(1, min(most, _TOKENS // length))
        yield from (places[begin : begin + together] for begin in range(0, len(places), together))


def _fed(windows: Sequence[Window]) -> dict[str, NDArray[np.generic]]:
    shape = (len(windows), filled(windows[0]))
    ids, types = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    pool, mask = np.zeros(shape, dtype=np.float32), np.full(shape, _GONE, dtype=np.float32)
    for row, window in enumerate(windows):
        count = len(window.ids)
        ids[row, :count] = window.ids
        types[row, :count] = window.types
        pool[row, : window.pooled] = 1.0 / window.pooled
        mask[row, :count] = 0.0
    return {"ids": ids, "types": types, "pool": pool, "mask": mask}
