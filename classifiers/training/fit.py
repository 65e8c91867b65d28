"""Fine-tunes the encoder on rows, and reads rows with it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from classifiers.encoder import TokenReader, Tokens
from classifiers.names import name_spans
from classifiers.training.data import OTHER, UNKNOWN, Row
from classifiers.training.network import Network, pretrained
from classifiers.verdict import Span
from classifiers.window import CLS, IMAGE, OFFICIAL, SEP, Window, cut

BATCH = 16
RATE, HEAD_FACTOR = 2e-4, 10.0
_WARM_UP, _DECAY, _NAME_WEIGHT = 0.06, 0.01, 0.3
# A parent text taken from anywhere teaches the encoder that what was answered is not what is said.
_STRANGE_PARENT, _MARKER_LOST = 0.12, 0.1
_THREADS = 2
_MEAN_KEEPS, _MEAN_YOUNG, _MEAN_EVERY = 0.998, 10, 4  # what a step leaves of the mean before it
_BUCKET = 150  # batches that are sorted by length together


@dataclass(frozen=True)
class Example:
    """A row as tokens, with its targets; ``names`` holds a class a token."""

    row: Row
    tokens: Tokens
    names: tuple[int, ...]


@dataclass(frozen=True)
class Drawn:
    """An example and the window of it that is learned from this time."""

    example: Example
    window: Window


def examples(rows: Sequence[Row], reader: TokenReader) -> list[Example]:
    """Each row, tokenised once."""
    made = []
    for row in rows:
        tokens = reader.read(row.passage)
        made.append(Example(row, tokens, _name_classes(row, tokens)))
    return made


def _name_classes(row: Row, tokens: Tokens) -> tuple[int, ...]:
    """A class a token; rows whose names nobody has marked teach nothing about names."""
    if row.names is None or row.adult_names is None:
        return (UNKNOWN,) * len(tokens.ids)
    people = row.people()
    return tuple(
        next((kind for start, end, kind in people if a < end and start < b), OTHER) for a, b in tokens.originals
    )


def train_network(
    made: Sequence[Example],
    *,
    epochs: int,
    seed: int,
    say: Callable[[str], None],
    start: Network | None = None,
    rate: float = RATE,
    averaged: bool = False,
) -> Network:
    """The encoder, fine-tuned on the examples: batches of 16 of like length, linear decay after a warm-up.

    Goes on from ``start`` where that is given, else from the backbone. ``averaged`` weights, a moving mean over the
    steps, are steadier on authors that were not learned from than the last step's.
    """
    torch.manual_seed(seed)
    set_threads()
    chance = random.Random(seed)  # noqa: S311 - shuffles, nothing secret
    network = start or pretrained()
    network.train()
    used = torch.tensor(sorted({CLS, SEP, OFFICIAL, IMAGE}.union(*(example.tokens.ids for example in made))))
    whole = network.narrow(used)
    optimizer, schedule = make_optimizer(network, epochs * -(-len(made) // BATCH), rate)
    mean = _Mean(network) if averaged else None
    for epoch in range(epochs):
        began, total = time.monotonic(), 0.0
        drawn = [Drawn(example, _window(example, made, chance)) for example in made]
        for batch in batches(drawn, chance):
            optimizer.zero_grad()
            loss = _loss(network, batch)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
            if mean:
                mean.add()
        say(f"epoch {epoch + 1}/{epochs}: loss {total / len(made):.4f}, {time.monotonic() - began:.0f} s")
    if mean:
        mean.take()
    network.widen(used, whole)
    network.eval()
    return network


class _Mean:
    """A moving mean of a network's weights over the steps of training; young means forget faster."""

    def __init__(self, network: Network) -> None:
        self._now = [parameter.data for parameter in network.parameters()]
        self._mean = [values.clone() for values in self._now]
        self._steps = 0

    def add(self) -> None:
        """Take note of a step; only every few are added, which costs less and changes nothing."""
        self._steps += 1
        if self._steps % _MEAN_EVERY == 0:
            kept = min(_MEAN_KEEPS, self._steps / (_MEAN_YOUNG + self._steps))
            torch._foreach_lerp_(self._mean, self._now, 1 - kept**_MEAN_EVERY)

    def take(self) -> None:
        """Give the network the mean for its weights."""
        torch._foreach_copy_(self._now, self._mean)


def set_threads() -> None:
    """Train on two threads, as on the smallest machine that is meant to do it."""
    torch.set_num_threads(_THREADS)


def make_optimizer(
    network: Network, steps: int, rate: float, more: Sequence[nn.Parameter] = ()
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """AdamW with a faster rate for the heads (the network's own and ``more``), warm-up and linear decay."""
    heads = [*network.label_head.parameters(), *network.name_head.parameters(), *more]
    known = {id(parameter) for parameter in heads}
    body = [parameter for parameter in network.parameters() if id(parameter) not in known]
    groups = [{"params": body, "lr": rate}, {"params": heads, "lr": rate * HEAD_FACTOR}]
    optimizer = torch.optim.AdamW(groups, weight_decay=_DECAY, fused=True)
    warm = max(1, int(steps * _WARM_UP))

    def factor(step: int) -> float:
        return min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


class _Windowed(Protocol):
    @property
    def window(self) -> Window: ...


_Item = TypeVar("_Item", bound=_Windowed)


def batches(made: Sequence[_Item], chance: random.Random) -> Iterator[list[_Item]]:
    """All examples once, in batches of like length, in an order that chance decides."""
    shuffled = list(made)
    chance.shuffle(shuffled)
    cut_up = []
    for begin in range(0, len(shuffled), BATCH * _BUCKET):
        near = sorted(shuffled[begin : begin + BATCH * _BUCKET], key=lambda item: len(item.window.ids))
        cut_up += [near[i : i + BATCH] for i in range(0, len(near), BATCH)]
    chance.shuffle(cut_up)
    yield from cut_up


def _window(example: Example, made: Sequence[Example], chance: random.Random) -> Window:
    """The example's first window, now and then with a stranger's post as its parent or with a marker lost."""
    passage, tokens = example.row.passage, example.tokens
    parent = tokens.parent
    if not parent and chance.random() < _STRANGE_PARENT:
        parent = chance.choice(made).tokens.ids
    official = passage.official and chance.random() >= _MARKER_LOST
    has_image = passage.has_image and chance.random() >= _MARKER_LOST
    return next(cut(tokens.ids, tokens.shapes, parent=parent, official=official, has_image=has_image))


def _loss(network: Network, batch: Sequence[Drawn]) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        labels, names = network(*tensors([drawn.window for drawn in batch]))
    targets = torch.tensor([drawn.example.row.targets for drawn in batch])
    wanted = torch.full(names.shape[:2], UNKNOWN)
    for index, drawn in enumerate(batch):
        window = drawn.window
        stretch = torch.tensor(drawn.example.names[: window.count])
        wanted[index, window.prefix : window.prefix + window.count] = stretch
    loss = functional.binary_cross_entropy_with_logits(labels.float(), targets)
    if bool((wanted != UNKNOWN).any()):
        loss = loss + _NAME_WEIGHT * functional.cross_entropy(
            names.float().flatten(0, 1), wanted.flatten(), ignore_index=UNKNOWN
        )
    return loss


def tensors(windows: Sequence[Window]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Windows as the network takes them: ids, types, which tokens exist, and the pooling weights."""
    longest = max(len(window.ids) for window in windows)
    ids, types = torch.zeros(2, len(windows), longest, dtype=torch.long)
    mask = torch.zeros(len(windows), longest, dtype=torch.bool)
    pool = torch.zeros(len(windows), longest)
    for row, window in enumerate(windows):
        count = len(window.ids)
        ids[row, :count] = torch.tensor(window.ids)
        types[row, :count] = torch.tensor(window.types)
        mask[row, :count] = True
        pool[row, : window.pooled] = 1.0 / window.pooled
    return ids, types, mask, pool


@dataclass(frozen=True)
class Read:
    """What the encoder says of one example: a logit a label, and the names it sees."""

    logits: NDArray[np.float32]
    spans: tuple[Span, ...]


def read_examples(network: Network, made: Sequence[Example]) -> list[Read]:
    """Each example read alone, whole; over its windows the highest logit of a label counts."""
    found = []
    with torch.no_grad():
        for example in made:
            passage, tokens = example.row.passage, example.tokens
            markers = {"official": passage.official, "has_image": passage.has_image}
            windows = list(cut(tokens.ids, tokens.shapes, parent=tokens.parent, **markers))
            labels, names = network(*tensors(windows))
            classes = np.zeros(len(tokens.ids), dtype=np.int64)
            for window, scores in zip(windows, names.argmax(-1).numpy(), strict=True):
                stretch = scores[window.prefix : window.prefix + window.count]
                classes[window.first : window.first + window.count] = stretch
            spans = name_spans(passage.text, tokens.originals, classes.tolist())
            found.append(Read(labels.max(0).values.numpy(), spans))
    return found
