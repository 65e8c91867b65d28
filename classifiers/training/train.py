"""``python -m classifiers.training.train``: from the labelled school posts to the shipped model.

Five rounds leave whole authors out each and read them unseen: from these scores come calibration, thresholds and the
card's figures. The last round learns from all rows and is exported. Every round is kept in ``--work`` and not
repeated, so that a run that was stopped goes on where it ended.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from classifiers.encoder import SHIPPED, TokenReader
from classifiers.measure import table
from classifiers.neutral import renamed
from classifiers.ngram import NgramModel
from classifiers.patterns import unread_reason
from classifiers.text import clean
from classifiers.training.auxiliary import free_tasks, train_tasks
from classifiers.training.calibration import Calibration
from classifiers.training.card import write_card
from classifiers.training.data import FOLDS, PLAIN, read_rows
from classifiers.training.export import export
from classifiers.training.fit import Example, Read, examples, read_examples, train_network
from classifiers.training.network import Network, backbone_folder, pretrained
from classifiers.training.rounds import Heard, judge
from classifiers.training.wide import train_wide
from classifiers.verdict import LABELS, Span

ROOT = Path(__file__).parents[2]
EPOCHS, SEED = 3, 11
_REPEATED, _GENTLE_EPOCHS, _GENTLE_RATE = 1500, 2, 5e-5


@dataclass(frozen=True)
class Run:
    """One training run: its rows as examples, where it keeps its rounds, and how long it trains."""

    made: Sequence[Example]
    work: Path
    epochs: int
    folds: int
    reader: TokenReader
    public: Path | None = None


def say(message: str) -> None:
    """One line of progress."""
    print(f"{time.strftime('%H:%M:%S')} {message}", flush=True)


def run_fold(run: Run, number: int) -> dict[str, Any]:
    """Train without a round's authors, read theirs, and keep what was said of each row."""
    path = run.work / f"fold-{number}.json"
    if path.exists():
        return _stored(run.work, number)
    began = time.monotonic()
    held = [example for example in run.made if example.row.author in FOLDS[number]]
    rest = [example for example in run.made if example.row.author not in FOLDS[number]]
    say(f"round {number + 1} of {run.folds}: {len(rest)} rows to learn from, {len(held)} of {FOLDS[number]} to read")
    network = train_in_two(run, rest, SEED + number)
    wide = wide_model(rest)
    torch.save(network.state_dict(), run.work / f"fold-{number}.pt")
    rows = [
        {
            "id": example.row.id,
            **logits(wide, example, read),
            "spans": [[span.start, span.end, span.kind] for span in read.spans],
        }
        for example, read in zip(held, read_examples(network, held), strict=True)
    ]
    add_other_names(run, network, wide, dict(zip((row["id"] for row in rows), held, strict=True)), rows)
    said = {"rows": rows, "seconds": round(time.monotonic() - began)}
    path.write_text(json.dumps(said), encoding="utf-8")
    return said


def logits(wide: NgramModel, example: Example, read: Read) -> dict[str, Any]:
    """What both parts say of one example, as it is kept."""
    return {
        "deep": [round(float(x), 4) for x in read.logits],
        "wide": [round(float(x), 4) for x in wide_logits(wide, example)],
    }


def add_other_names(
    run: Run, network: Network, wide: NgramModel, held: Mapping[str, Example], rows: Sequence[dict[str, Any]]
) -> None:
    """Beside each row in which somebody is named: what both parts say where they are called otherwise."""
    for row in rows:
        example = held[row["id"]]
        spans = [Span(start=start, end=end, kind=kind) for start, end, kind in row["spans"]]
        others = [replace(example.row, passage=passage) for passage in renamed(example.row.passage, spans)]
        made = [Example(other, run.reader.read(other.passage), ()) for other in others]
        row["renamed"] = [logits(wide, e, read) for e, read in zip(made, read_examples(network, made), strict=True)]


def _stored(work: Path, number: int) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((work / f"fold-{number}.json").read_text(encoding="utf-8"))
    return said


def wide_model(made: Sequence[Example]) -> NgramModel:
    """The n-gram part, fitted to the examples' plain readings."""
    texts = [(e.tokens.reading.text, e.row.passage.official, e.row.passage.has_image) for e in made]
    return train_wide(texts, np.array([e.row.targets for e in made], dtype=np.float32))


def wide_logits(model: NgramModel, example: Example) -> list[float]:
    """What the n-gram part says of one example."""
    passage, text = example.row.passage, example.tokens.reading.text
    return [float(x) for x in model.logits(text, official=passage.official, has_image=passage.has_image)]


def hear(run: Run, folds: Sequence[dict[str, Any]]) -> Heard:
    """What the given rounds said of the rows that they left out."""
    read = {row["id"]: row for fold in folds for row in fold["rows"]}
    held = [example for example in run.made if example.row.id in read]
    unread = [bool(unread_reason(e.row.passage, clean(e.row.passage.text))) for e in held]
    return Heard(
        rows=tuple(example.row for example in held),
        deep=np.array([read[example.row.id]["deep"] for example in held]),
        wide=np.array([read[example.row.id]["wide"] for example in held]),
        spans=tuple(tuple(read[example.row.id]["spans"]) for example in held),
        unread=np.array(unread),
        renamed=tuple(_both(read[example.row.id].get("renamed")) for example in held),
    )


def _both(renamed: Sequence[Mapping[str, Any]] | None) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """What both parts say under each set of other names; ``None`` where nobody is named, or nobody asked."""
    if not renamed:
        return None
    return np.array([one["deep"] for one in renamed]), np.array([one["wide"] for one in renamed])


def judge_folds(run: Run) -> tuple[Calibration, dict[str, Any]]:
    """Calibration from all rounds, and figures of each round under the calibration of the others."""
    folds = [run_fold(run, number) for number in range(run.folds)]
    calibration, said = judge(hear(run, folds))
    said["hours"] = round(sum(fold["seconds"] for fold in folds) / 3600, 2)
    return calibration, said | {"all_rows": len(run.made), "epochs": run.epochs}


def beside(run: Run, work: Path | None) -> dict[str, Any]:
    """The figures of the rounds that a run with public sets has finished, for both runs; nothing without such a run."""
    if work is None:
        return {}
    done = [number for number in range(run.folds) if (work / f"fold-{number}.json").exists()]
    both = {"own": run.work, "public": work}
    heard = {name: hear(run, [_stored(folder, number) for number in done]) for name, folder in both.items()}
    return {"with_public_sets": {"rounds": len(done), **{name: judge(said)[1] for name, said in heard.items()}}}


def final_network(run: Run) -> Network:
    """The network that has learned from all rows."""
    path = run.work / "network.pt"
    if path.exists():
        return loaded(path)
    say(f"last round: all {len(run.made)} rows")
    network = train_in_two(run, run.made, SEED, run.work / "first.pt")
    torch.save(network.state_dict(), path)
    return network


def start_of(run: Run) -> Network | None:
    """What every round begins with: the backbone (None), or, with public sets, the encoder that has read them."""
    if run.public is None:
        return None
    path = run.work / "public.pt"
    if not path.exists():
        tasks = free_tasks(run.public, run.reader)
        say(f"public sets: {', '.join(task.name for task in tasks)}")
        network, _ = train_tasks(tasks, seed=SEED, say=say)
        torch.save(network.state_dict(), path)
    return loaded(path)


def train_in_two(run: Run, made: Sequence[Example], seed: int, halfway: Path | None = None) -> Network:
    """First all rows but the plain ones, then these among a sample of the others, gently.

    People say most things plainly, and authors who are asked for posts do not: without the second step "I want to
    kill myself" passed as harmless, for only veiled disclosures had been seen.
    """
    plain = [example for example in made if example.row.author in PLAIN]
    rest = [example for example in made if example.row.author not in PLAIN]
    if halfway and halfway.exists():
        network = loaded(halfway)
    else:
        network = train_network(rest, epochs=run.epochs, seed=seed, say=say, start=start_of(run), averaged=True)
        if halfway:
            torch.save(network.state_dict(), halfway)
    again = random.Random(seed).sample(rest, min(len(rest), _REPEATED))  # noqa: S311 - a sample, nothing secret
    return train_network(plain + again, epochs=_GENTLE_EPOCHS, seed=seed, say=say, start=network, rate=_GENTLE_RATE)


def loaded(path: Path) -> Network:
    """A network whose weights were kept."""
    network = pretrained()
    network.load_state_dict(torch.load(path, weights_only=True))
    network.eval()
    return network


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the arguments and run every round that is still to do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / "data" / "schoolposts")
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "train", help="where finished rounds are kept")
    parser.add_argument("--model", type=Path, default=SHIPPED, help="the folder to write")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--folds", type=int, default=len(FOLDS), help="how many of the five rounds to run")
    parser.add_argument("--public", type=Path, default=None, help="a folder of public sets, to be learned from first")
    parser.add_argument("--beside", type=Path, help="the --work of a run with --public, to be compared in the card")
    parser.add_argument("--version", default="1")
    chosen = parser.parse_args(arguments)
    chosen.work.mkdir(parents=True, exist_ok=True)
    chosen.model.mkdir(parents=True, exist_ok=True)
    tokenizer = backbone_folder() / "tokenizer.json"
    reader = TokenReader(tokenizer)
    made = examples(read_rows(chosen.data), reader)
    run = Run(made, chosen.work, chosen.epochs, chosen.folds, reader, chosen.public)
    calibration, said = judge_folds(run)
    said |= beside(run, chosen.beside)
    say(f"on authors that were not learned from:\n{table(said)}")
    export(final_network(run), chosen.model / "model.onnx")
    wide_model(made).save(chosen.model / "ngrams.npz")
    shutil.copyfile(tokenizer, chosen.model / "tokenizer.json")
    rows = {label: sum(label in example.row.labels for example in made) for label in LABELS}
    write_card(chosen.model, chosen.version, calibration, said, rows)
    say(f"written to {chosen.model}")


if __name__ == "__main__":
    main()
