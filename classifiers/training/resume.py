"""``python -m classifiers.training.resume``: an exported model goes on learning, gently, from people's corrections.

Standard input holds one JSON object that says what to make of what, then one a line for each corrected post; nothing
of it is ever written to a file. The weights are taken back out of the exported graph, so that no other file is needed.
What nobody corrected stays as it was: rows of the labelled school posts are rehearsed among the corrections, and of a
corrected post the labels of which nobody spoke keep the score that they had.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import shutil
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from classifiers.encoder import Card, TokenReader
from classifiers.ngram import NgramModel
from classifiers.training.data import UNKNOWN, Row, read_rows
from classifiers.training.export import export
from classifiers.training.fit import Example, batches, examples, make_optimizer, set_threads, tensors
from classifiers.training.network import LAYERS, Network
from classifiers.verdict import LABELS, Passage
from classifiers.window import CLS, IMAGE, OFFICIAL, SEP, Window, cut

REHEARSED, EPOCHS, RATE, SEED = 1500, 2, 5e-5, 11
_SHARE, _MOST = 4, 8  # corrections are repeated until they are a quarter of what is rehearsed, or eight times
_NAME_WEIGHT = 0.3
_KINDS = {"qkv.out": "qkv", "out.out": "out", "up.out": "up", "down.out": "down"}
_NORMS = {"normed": "norm", "last.out": "last"}


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One post to learn from: its tokens, the wanted score of every label, and what the wide part adds to each."""

    example: Example
    window: Window
    targets: tuple[float, ...]
    beside: tuple[float, ...]


def network_of(path: Path) -> Network:
    """The network whose weights an exported graph holds, in eight bits or in full.

    Raises:
        KeyError: the graph was not laid by ``classifiers.training.export``.
    """
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(str(path)).graph.initializer}
    network = Network()
    state = network.state_dict()
    state["words.weight"] = _tensor(stored["words.table"] * stored["words.scale"])
    places = _tensor(stored["places.table"])
    state["places.weight"][: len(places)] = places
    state["types.weight"] = _tensor(stored["types.table"])
    _fill_norm(state, stored, "embedded", "norm")
    _fill_linear(state, stored, "labels", "label_head")
    _fill_linear(state, stored, "names", "name_head")
    for index in range(LAYERS):
        for theirs, ours in _KINDS.items():
            _fill_linear(state, stored, f"layers.{index}.{theirs}", f"layers.{index}.{ours}")
        for theirs, ours in _NORMS.items():
            _fill_norm(state, stored, f"layers.{index}.{theirs}", f"layers.{index}.{ours}")
    network.load_state_dict(state)
    network.eval()
    return network


def _tensor(values: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.array(values, dtype=np.float32, order="C"))


def _fill_norm(state: dict[str, Tensor], stored: Mapping[str, NDArray[Any]], theirs: str, ours: str) -> None:
    state[f"{ours}.weight"], state[f"{ours}.bias"] = _tensor(stored[f"{theirs}.s"]), _tensor(stored[f"{theirs}.b"])


def _fill_linear(state: dict[str, Tensor], stored: Mapping[str, NDArray[Any]], theirs: str, ours: str) -> None:
    """The weights as they were trained: out of eight bits, and without what evened out the input's channels."""
    matrix = stored[f"{theirs}.w"]
    if f"{theirs}.scales" in stored:
        matrix = matrix.astype(np.float32) * stored[f"{theirs}.scales"]
    if f"{theirs}.even" in stored:
        matrix = matrix * stored[f"{theirs}.even"][:, None]
    state[f"{ours}.weight"], state[f"{ours}.bias"] = _tensor(matrix.T), _tensor(stored[f"{theirs}.b"])


@dataclass(frozen=True, kw_only=True)
class Start:
    """The model to go on from, taken apart."""

    network: Network
    ngrams: NgramModel
    card: Card
    reader: TokenReader

    @classmethod
    def load(cls, folder: Path) -> Start:
        """The model in a folder."""
        return cls(
            network=network_of(folder / "model.onnx"),
            ngrams=NgramModel.load(folder / "ngrams.npz"),
            card=Card.load(folder / "card.json"),
            reader=TokenReader(folder / "tokenizer.json"),
        )

    @property
    def slopes(self) -> Tensor:
        """What a logit of the deep part counts, label by label."""
        return torch.tensor([self.card.blends[label].deep for label in LABELS])

    def lesson(self, example: Example, known: Mapping[str, bool]) -> Lesson:
        """What to learn from one post; labels of which nothing is known keep the score that the start gives them."""
        passage, tokens = example.row.passage, example.tokens
        window = next(
            cut(
                tokens.ids,
                tokens.shapes,
                parent=tokens.parent,
                official=passage.official,
                has_image=passage.has_image,
            )
        )
        wide = self.ngrams.logits(tokens.reading.text, official=passage.official, has_image=passage.has_image)
        blends = [self.card.blends[label] for label in LABELS]
        beside = tuple(float(b.wide * w + b.bias) for b, w in zip(blends, wide, strict=True))
        now = self._scores(window, beside) if len(known) < len(LABELS) else (0.0,) * len(LABELS)
        targets = tuple(float(known.get(label, score)) for label, score in zip(LABELS, now, strict=True))
        return Lesson(example=example, window=window, targets=targets, beside=beside)

    def _scores(self, window: Window, beside: Sequence[float]) -> tuple[float, ...]:
        with torch.no_grad():
            deep = self.network(*tensors([window]))[0][0]
        return tuple(torch.sigmoid(self.slopes * deep + torch.tensor(beside)).tolist())


def learn(network: Network, lessons: Sequence[Lesson], slopes: Tensor, *, epochs: int, rate: float) -> None:
    """Go over the lessons; the loss is that of the calibrated score, both parts together, for that is what is read."""
    torch.manual_seed(SEED)
    set_threads()
    chance = random.Random(SEED)  # noqa: S311 - shuffles, nothing secret
    network.train()
    used = torch.tensor(sorted({CLS, SEP, OFFICIAL, IMAGE}.union(*(lesson.window.ids for lesson in lessons))))
    whole = network.narrow(used)
    steps = sum(1 for _ in batches(lessons, random.Random(SEED)))  # noqa: S311 - as above
    optimizer, schedule = make_optimizer(network, epochs * steps, rate)
    for epoch in range(epochs):
        began, total = time.monotonic(), 0.0
        for done, batch in enumerate(batches(lessons, chance), 1):
            optimizer.zero_grad()
            loss = _loss(network, batch, slopes)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
            if done % max(1, steps // 4) == 0:
                spent = time.monotonic() - began
                say(f"round {epoch + 1} of {epochs}: {100 * done // steps} %, loss {total / done:.4f}, {spent:.0f} s")
    network.widen(used, whole)
    network.eval()


def _loss(network: Network, batch: Sequence[Lesson], slopes: Tensor) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        labels, names = network(*tensors([lesson.window for lesson in batch]))
    logits = slopes * labels.float() + torch.tensor([lesson.beside for lesson in batch])
    targets = torch.tensor([lesson.targets for lesson in batch])
    loss = functional.binary_cross_entropy_with_logits(logits, targets)
    wanted = torch.full(names.shape[:2], UNKNOWN)
    for index, lesson in enumerate(batch):
        window = lesson.window
        stretch = torch.tensor(lesson.example.names[: window.count])
        wanted[index, window.prefix : window.prefix + window.count] = stretch
    if bool((wanted != UNKNOWN).any()):
        loss = loss + _NAME_WEIGHT * functional.cross_entropy(
            names.float().flatten(0, 1), wanted.flatten(), ignore_index=UNKNOWN
        )
    return loss


def lessons_of(start: Start, order: Mapping[str, Any], corrected: Sequence[Mapping[str, Any]]) -> list[Lesson]:
    """The corrections, repeated until they count, among rows of the school posts that are rehearsed."""
    rows = [_row(number, raw) for number, raw in enumerate(corrected)]
    made = examples(rows, start.reader)
    new = [start.lesson(e, raw["labels"]) for e, raw in zip(made, corrected, strict=True) if e.tokens.ids]
    left_out = set(order["left_out"])
    rehearsal = [row for row in read_rows(Path(order["data"])) if digest(row.passage.text) not in left_out]
    count = min(len(rehearsal), int(order.get("rehearsed", REHEARSED)))
    sample = random.Random(SEED).sample(rehearsal, count)  # noqa: S311 - a sample, nothing secret
    old = [start.lesson(e, _known(e.row)) for e in examples(sample, start.reader) if e.tokens.ids]
    repeated = max(1, min(_MOST, len(old) // (_SHARE * max(1, len(new)))))
    return new * repeated + old


def _row(number: int, raw: Mapping[str, Any]) -> Row:
    passage = Passage(text=raw["text"], reply_to=raw["reply_to"], official=raw["official"], has_image=raw["has_image"])
    return Row(id=f"correction-{number}", author="correction", passage=passage, labels=(), names=None)


def _known(row: Row) -> dict[str, bool]:
    return {label: label in row.labels for label in LABELS}


def digest(text: str) -> str:
    """By what a text that must not be learned from is recognised."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def make(order: Mapping[str, Any], corrected: Sequence[Mapping[str, Any]]) -> None:
    """Learn, and write the new model into the folder ``order["out"]``: the same card but for version and figures."""
    source, out = Path(order["start"]), Path(order["out"])
    say(f"starting from {order['from']}: {len(corrected)} corrected posts")
    start = Start.load(source)
    lessons = lessons_of(start, order, corrected)
    say(f"learning from {len(lessons)} rows, corrections repeated among rehearsed ones")
    epochs, rate = int(order.get("epochs", EPOCHS)), float(order.get("rate", RATE))
    learn(start.network, lessons, start.slopes, epochs=epochs, rate=rate)
    export(start.network, out / "model.onnx")
    for name in ("ngrams.npz", "tokenizer.json"):
        shutil.copyfile(source / name, out / name)
    card: dict[str, Any] = json.loads((source / "card.json").read_text(encoding="utf-8"))
    card.pop("figures", None)  # they are the start's, not these weights'
    card |= {"version": order["version"]}
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    say("written")


def say(message: str) -> None:
    """One line of progress; whoever no longer listens has stopped this."""
    print(message, flush=True)


def main(lines: Iterable[str]) -> int:
    """Read the order and the corrected posts, and make the model."""
    order, *corrected = [json.loads(line) for line in lines if line.strip()]
    with contextlib.suppress(OSError):
        os.nice(10)  # the service that watches comes first
    try:
        make(order, corrected)
    except (KeyboardInterrupt, BrokenPipeError):
        return 130
    except (OSError, KeyError, ValueError) as error:
        print(f"error: {type(error).__name__}: {error}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.stdin))
