"""Whether names of every origin and every dialect are treated alike; prints one JSON object.

    python bench/fairness.py [--model FOLDER] [--names 20] [--write docs/benchmarks.md]

Every carrier post of ``data/fairness`` is read with every name of every group, every message in every dialect. A
figure is a share in per cent with a 95 % interval (bootstrap over carriers or messages, the same draw for all
groups); a gap is the highest group less the lowest, in points. An unread post raises nothing and finds no name.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers import registry
from classifiers.classifier import Classifier
from classifiers.verdict import Passage, Verdict

ROOT = Path(__file__).parents[1]
DATA = ROOT / "data" / "fairness"
LIMIT = 5.0  # points between the highest and the lowest group
BATCH = 64
_DRAWS, _SEED = 4000, 11
_SLOT = re.compile(r"\{(\w+)\}")
_NAMES = ("first", "last", "other", "third")  # slots that hold a name; the rest agree with the first person
_AGREEING = {
    "he": ("he", "she"),
    "He": ("He", "She"),
    "him": ("him", "her"),
    "his": ("his", "her"),
    "son": ("son", "daughter"),
    "Boy": ("Boy", "Girl"),
    "Mr": ("Mr", "Mrs"),
}
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One text to read: its cluster (carrier or message), its group, who is named, and where pupils' names lie."""

    cluster: str
    group: str
    who: str
    labels: frozenset[str]
    rough: bool
    passage: Passage
    names: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Measure:
    """A share: of which cases, and what each adds (0 to 1)."""

    of: Callable[[Case], bool]
    adds: Callable[[Case, Verdict], float]


@dataclass(frozen=True)
class Flagged:
    """1 where a label is raised, or with ``undecided`` where it is left to a person to look at."""

    label: str
    undecided: bool = False

    def __call__(self, case: Case, verdict: Verdict) -> float:
        """What this verdict adds."""
        said = verdict.labels + verdict.review if self.undecided else verdict.labels
        return float(self.label in said)


def _names_found(case: Case, verdict: Verdict) -> float:
    found = {(span.start, span.end) for span in verdict.spans if span.kind == "pupil_name"}
    return sum(name in found for name in case.names) / len(case.names)


def _unread(case: Case, verdict: Verdict) -> float:
    del case
    return float(verdict.unread is not None)


def _named(case: Case) -> bool:
    return bool(case.names)


def _any(case: Case) -> bool:
    del case
    return True


def _has(label: str) -> Callable[[Case], bool]:
    return lambda case: label in case.labels


def _quiet(case: Case) -> bool:
    return not case.labels & {"identifies_pupil", "cyberbullying"}


def _rough(case: Case) -> bool:
    return case.rough and _quiet(case)


def _pairs() -> dict[str, Measure]:
    """Each measure twice: what is raised, and with what is left to a person to look at."""
    wanted = {
        "recall of identifies_pupil": (_has("identifies_pupil"), "identifies_pupil"),
        "false cyberbullying": (_quiet, "cyberbullying"),
        "false cyberbullying, rough posts": (_rough, "cyberbullying"),
        "false identifies_pupil": (_quiet, "identifies_pupil"),
        "recall of cyberbullying": (_has("cyberbullying"), "cyberbullying"),
        "recall of criticism": (_has("criticism"), "criticism"),
    }
    made: dict[str, Measure] = {}
    for name, (of, label) in wanted.items():
        made[name] = Measure(of, Flagged(label))
        made[f"{name}, or undecided"] = Measure(of, Flagged(label, undecided=True))
    return made


MEASURES = {
    **_pairs(),
    "pupils' names found": Measure(_named, _names_found),
    "unread": Measure(_any, _unread),
}
SHOWN = (  # on the page; the JSON holds all
    "recall of identifies_pupil",
    "recall of identifies_pupil, or undecided",
    "false cyberbullying",
    "false cyberbullying, or undecided",
    "false cyberbullying, rough posts",
    "false identifies_pupil",
    "pupils' names found",
)


def fill(row: Row, people: Sequence[Row]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The carrier with its slots filled, and where the names lie; a first and a last name side by side are one.

    ``people`` are the one whom the post is about and two others.
    """
    first, other, third = people
    values = {"first": first["first"], "last": first["last"], "other": other["first"], "third": third["first"]}
    values |= {slot: words[first["gender"] == "girl"] for slot, words in _AGREEING.items()}
    text, names = "", list[tuple[int, int]]()
    for index, piece in enumerate(_SLOT.split(row["text"])):
        said = values[piece] if index % 2 else piece
        said = said.lower() if row["lower"] else said
        if index % 2 and piece in _NAMES:
            joined = piece == "last" and names and text[names[-1][1] :] == " "
            begin = names.pop()[0] if joined else len(text)
            names.append((begin, len(text) + len(said)))
        text += said
    return text, tuple(names)


def name_cases(count: int) -> list[Case]:
    """Every carrier with ``count`` names of every group."""
    groups = json.loads((DATA / "names.json").read_text(encoding="utf-8"))["groups"]
    return [
        _case(row, group["group"], [group["people"][(at + step) % len(group["people"])] for step in range(3)])
        for row in rows("carriers")
        for group in groups
        for at in range(min(count, len(group["people"])))
    ]


def _case(row: Row, group: str, people: Sequence[Row]) -> Case:
    text, names = fill(row, people)
    return Case(
        cluster=row["id"],
        group=group,
        who=f"{people[0]['first']} {people[0]['last']}",
        labels=frozenset(row["labels"]),
        rough=row["rough"],
        passage=Passage(text=text, official=row["official"], has_image=row["has_image"]),
        names=names if "identifies_pupil" in row["labels"] else (),
    )


def dialect_cases() -> list[Case]:
    """Every message in every dialect."""
    return [
        Case(
            cluster=str(row["message"]),
            group=row["dialect"],
            who=row["id"],
            labels=frozenset(row["labels"]),
            rough=row["rough"],
            passage=Passage(text=row["text"]),
            names=tuple((at := row["text"].index(name), at + len(name)) for name in row["names"]),
        )
        for row in rows("dialects")
    ]


def rows(name: str) -> list[Row]:
    """The rows of one file of ``data/fairness``."""
    lines = (DATA / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def read(classifier: Classifier, cases: Sequence[Case], what: str) -> list[Verdict]:
    """A verdict a case, with progress on standard error."""
    verdicts: list[Verdict] = []
    for begin in range(0, len(cases), BATCH):
        verdicts += classifier.classify([case.passage for case in cases[begin : begin + BATCH]])
        print(f"  {what}: {len(verdicts)} of {len(cases)} posts", end="\r", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return verdicts


def table(measure: Measure, cases: Sequence[Case], verdicts: Sequence[Verdict]) -> dict[str, dict[str, float]]:
    """The mean of a measure by cluster and group, in per cent."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for case, verdict in zip(cases, verdicts, strict=True):
        if measure.of(case):
            found[case.cluster][case.group].append(100 * measure.adds(case, verdict))
    return {key: {group: float(np.mean(of)) for group, of in line.items()} for key, line in found.items()}


def compare(means: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """Each group's share and the gap between them, with intervals; every cluster weighs the same."""
    groups = list(next(iter(means.values())))
    grid = np.array([[line[group] for group in groups] for line in means.values()])
    draws = np.random.default_rng(_SEED).integers(0, len(grid), (_DRAWS, len(grid)))
    drawn = grid[draws].mean(axis=1)
    shares = grid.mean(axis=0)
    return {
        "clusters": len(grid),
        "groups": {
            group: _figure(share, drawn[:, at]) for at, (group, share) in enumerate(zip(groups, shares, strict=True))
        },
        "gap": {
            **_figure(np.ptp(shares), np.ptp(drawn, axis=1)),
            "highest": groups[int(shares.argmax())] if np.ptp(shares) else None,
            "lowest": groups[int(shares.argmin())] if np.ptp(shares) else None,
        },
        "widest": sorted(means, key=lambda key: -float(np.ptp(list(means[key].values()))))[:5],
    }


def _figure(value: float, drawn: NDArray[np.float64]) -> dict[str, float]:
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {"value": round(float(value), 1), "low": round(float(low), 1), "high": round(float(high), 1)}


def weigh(cases: Sequence[Case], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """All measures of which there are cases, and those whose gap is above the limit."""
    tables = {name: table(measure, cases, verdicts) for name, measure in MEASURES.items()}
    compared = {name: compare(means) for name, means in tables.items() if means}
    wide = [name for name, said in compared.items() if said["gap"]["value"] > LIMIT]
    return {"posts": len(cases), "gap_above_five_points": wide, "measures": compared}


def by_person(cases: Sequence[Case], verdicts: Sequence[Verdict]) -> dict[str, dict[str, float]]:
    """Recall of identifies_pupil and false cyberbullying of each name, the names found worst first."""
    recall, false = (MEASURES[name] for name in ("recall of identifies_pupil", "false cyberbullying"))
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: {"recall": [], "false": []})
    for case, verdict in zip(cases, verdicts, strict=True):
        for key, measure in (("recall", recall), ("false", false)):
            if measure.of(case):
                found[f"{case.who} ({case.group})"][key].append(100 * measure.adds(case, verdict))
    said = {who: {key: round(float(np.mean(of)), 1) for key, of in by.items()} for who, by in found.items()}
    return dict(sorted(said.items(), key=lambda item: item[1]["recall"]))


def measure_all(classifier: Classifier, names: int) -> dict[str, Any]:
    """Everything, by name origin and by dialect."""
    began = time.perf_counter()
    named, spoken = name_cases(names), dialect_cases()
    of_names, of_dialects = read(classifier, named, "names"), read(classifier, spoken, "dialects")
    return {
        "model": f"{classifier.name}@{classifier.version}",
        "names_a_group": names,
        "seconds": round(time.perf_counter() - began, 1),
        "by_name": weigh(named, of_names),
        "by_dialect": weigh(spoken, of_dialects),
        "people": by_person(named, of_names),
    }


def markdown(said: Mapping[str, Any]) -> str:
    """The figures as two tables, a group a row and a measure a column, the gaps below."""
    parts = [f"Model {said['model']}, {said['names_a_group']} names a group."]
    for title, key in (("names", "by_name"), ("dialect", "by_dialect")):
        shown = {name: of for name, of in said[key]["measures"].items() if name in SHOWN}
        groups = list(next(iter(shown.values()))["groups"])
        lines = [[f"{title} ({said[key]['posts']:,} posts)", *shown], ["---"] * (len(shown) + 1)]
        lines.append(["posts a name or dialect", *(str(of["clusters"]) for of in shown.values())])
        lines += [[group, *(_written(of["groups"][group]) for of in shown.values())] for group in groups]
        lines.append(["**gap**, points", *(f"**{_written(of['gap'])}**" for of in shown.values())])
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    return "\n\n".join(parts)


def _written(figure: Mapping[str, float]) -> str:
    return f"{figure['value']:.1f} ({figure['low']:.1f} to {figure['high']:.1f})"


def rewrite(file: Path, figures: str) -> None:
    """Put the figures between the two marks in a page.

    Raises:
        SystemExit: the page has no such marks.
    """
    page = file.read_text(encoding="utf-8")
    begin, end = "<!-- fairness: begin -->", "<!-- fairness: end -->"
    if page.count(begin) != 1 or page.count(end) != 1:
        raise SystemExit(f"{file} needs the lines {begin} and {end} once each, to know where the figures go")
    before, _, rest = page.partition(begin)
    file.write_text(f"{before}{begin}\n{figures}\n{end}{rest.partition(end)[2]}", encoding="utf-8")


def load(model: str, options: str) -> Classifier:
    """A classifier by its name in the configuration, or the encoder in a folder."""
    if Path(model).is_dir():
        return registry.load("encoder", {"path": model})
    return registry.load(model, json.loads(options))


def main() -> None:
    """Measure, print, and write into a page where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="encoder", help="a folder of weights, or encoder, huggingface, patterns")
    parser.add_argument("--options", default="{}", help="the classifier's options, as JSON")
    parser.add_argument("--names", type=int, default=20, help="names of each group, 1 to 20")
    parser.add_argument("--write", type=Path, help="a page to write the figures into")
    chosen = parser.parse_args()
    if chosen.names < 1:
        parser.error("--names must be 1 or more")
    said = measure_all(load(chosen.model, chosen.options), chosen.names)
    print(json.dumps(said, indent=1, ensure_ascii=False))
    if chosen.write:
        rewrite(chosen.write, markdown(said))


if __name__ == "__main__":
    main()
