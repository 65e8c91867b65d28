"""Public sets as tasks of the same encoder: learned from first, or measured on their own with the same recipe."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from classifiers.encoder import TokenReader, Tokens
from classifiers.names import name_spans
from classifiers.training.data import ADULT, OTHER, PUPIL, UNKNOWN
from classifiers.training.fit import BATCH, RATE, batches, make_optimizer, set_threads, tensors
from classifiers.training.network import WIDTH, Network, pretrained
from classifiers.training.public import NAME_SETS, SETS, PublicRow, PublicSet, rows_of
from classifiers.verdict import Passage
from classifiers.window import CLS, SEP, Window, cut

PERSON = 3  # a target beside the encoder's own classes: a name, of a pupil or of an adult
_EPOCHS = 1


@dataclass(frozen=True)
class Task:
    """A public set's rows as tokens; ``classes`` is 0 where persons' names are the task."""

    name: str
    classes: int
    made: tuple[TaskExample, ...]


@dataclass(frozen=True)
class TaskExample:
    """A row as tokens, with its class, or with a class for each token."""

    tokens: Tokens
    target: int | None
    names: tuple[int, ...]

    @property
    def window(self) -> Window:
        """The first window of the text: no parent, no markers."""
        return next(cut(self.tokens.ids, self.tokens.shapes, official=False, has_image=False))


def task_of(chosen: PublicSet, rows: Sequence[PublicRow], reader: TokenReader) -> Task:
    """The set's rows, tokenised once."""
    made = []
    for row in rows:
        tokens = reader.read(Passage(text=row.text))
        names = () if row.persons is None else tuple(_token_class(row, a, b) for a, b in tokens.originals)
        made.append(TaskExample(tokens, row.target, names))
    return Task(chosen.name, len(chosen.classes), tuple(example for example in made if example.tokens.ids))


def _token_class(row: PublicRow, start: int, end: int) -> int:
    if any(a < end and start < b for a, b in row.masked):
        return UNKNOWN
    return PERSON if any(a < end and start < b for a, b in row.persons or ()) else OTHER


def free_tasks(folder: Path, reader: TokenReader) -> list[Task]:
    """Every set in ``folder`` whose licence allows any use, without its official validation split."""
    free = [chosen for chosen in (*SETS, *NAME_SETS) if chosen.free]
    present = [chosen for chosen in free if (folder / f"{chosen.name}.jsonl.gz").exists()]
    return [task_of(chosen, rows_of(folder, chosen), reader) for chosen in present]


def heads_for(tasks: Sequence[Task]) -> nn.ModuleDict:
    """A head for every task with classes; persons' names use the encoder's own head."""
    return nn.ModuleDict({task.name: nn.Linear(WIDTH, task.classes) for task in tasks if task.classes})


def train_tasks(
    tasks: Sequence[Task], *, epochs: int = _EPOCHS, seed: int, say: Callable[[str], None], rate: float = RATE
) -> tuple[Network, nn.ModuleDict]:
    """The encoder from the backbone on, learning every task; each batch holds rows of one task."""
    torch.manual_seed(seed)
    set_threads()
    chance = random.Random(seed)  # noqa: S311 - shuffles, nothing secret
    network, heads = pretrained(), heads_for(tasks)
    network.train()
    everything = [example for task in tasks for example in task.made]
    used = torch.tensor(sorted({CLS, SEP}.union(*(example.tokens.ids for example in everything))))
    whole = network.narrow(used)
    steps = epochs * sum(-(-len(task.made) // BATCH) for task in tasks)
    optimizer, schedule = make_optimizer(network, steps, rate, [*heads.parameters()])
    for epoch in range(epochs):
        began, total = time.monotonic(), 0.0
        work = [(task.name, batch) for task in tasks for batch in batches(task.made, chance)]
        chance.shuffle(work)
        for name, batch in work:
            optimizer.zero_grad()
            loss = _loss(network, heads, name, batch)
            loss.backward()
            nn.utils.clip_grad_norm_([*network.parameters(), *heads.parameters()], 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
        say(f"tasks, epoch {epoch + 1}/{epochs}: loss {total / len(everything):.4f}, {time.monotonic() - began:.0f} s")
    network.widen(used, whole)
    network.eval()
    return network, heads.eval()


def _loss(network: Network, heads: Mapping[str, nn.Module], name: str, batch: Sequence[TaskExample]) -> Tensor:
    windows = [example.window for example in batch]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        pooled, hidden = network.encode(*tensors(windows))
        if name in heads:
            said = heads[name](network.drop(pooled)).float()
            return functional.cross_entropy(said, torch.tensor([example.target for example in batch]))
        names = network.name_head(network.drop(hidden)).float()
    wanted = torch.full(names.shape[:2], UNKNOWN)
    for row, (window, example) in enumerate(zip(windows, batch, strict=True)):
        stretch = torch.tensor(example.names[: window.count])
        wanted[row, window.prefix : window.prefix + window.count] = stretch
    return person_loss(names, wanted)


def person_loss(names: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy of "a person or not": a pupil's name and an adult's are both a person."""
    chances = names.log_softmax(-1)
    persons = torch.logsumexp(chances[..., [PUPIL, ADULT]], dim=-1)
    two = torch.stack([chances[..., OTHER], persons], dim=-1)
    target = torch.where(wanted == PERSON, 1, wanted)
    return functional.nll_loss(two.flatten(0, 1), target.flatten(), ignore_index=UNKNOWN)


def classes_said(network: Network, head: nn.Module, made: Sequence[TaskExample]) -> NDArray[np.int64]:
    """The likeliest class of each example."""
    with torch.no_grad():
        said = [int(head(network.encode(*tensors([example.window]))[0]).argmax()) for example in made]
    return np.array(said)


def persons_said(network: Network, row: PublicRow, tokens: Tokens) -> set[tuple[int, int]]:
    """The stretches of a row's first window that the network takes for persons' names, handles left out."""
    example = TaskExample(tokens, None, ())
    window = example.window
    with torch.no_grad():
        _, names = network(*tensors([window]))
    chances = names[0, window.prefix : window.prefix + window.count].softmax(-1)
    person = (chances[:, PUPIL] + chances[:, ADULT] > chances[:, OTHER]).long().tolist()
    found = name_spans(row.text, tokens.originals[: window.count], person)
    spans = {(span.start, span.end) for span in found}
    return {(a, b) for a, b in spans if not any(c < b and a < d for c, d in row.masked)}
