"""Makes a new version of the model from people's corrections, in a process of its own, and shows it beside the old."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import classifiers
from alerts.wording import counted
from classifiers import registry
from connectors.post import rfc3339
from watcher import versions
from watcher.comparison import Comparison, Row, compare, read_rows
from watcher.config import Settings
from watcher.correction import is_held_out
from watcher.errors import TrainingError
from watcher.handing import passage_of
from watcher.store import Store
from watcher.store.corrections import Corrected
from watcher.versions import Version

CHILD = (sys.executable, "-m", "classifiers.training.resume")
# The rows that are rehearsed, so that what nobody corrected stays known: they lie beside the code in a clone.
DATA = Path(classifiers.__file__).parents[1] / "data" / "schoolposts"
DEMO = Path(__file__).parent / "demo" / "posts.jsonl"
_NEEDED = ("torch", "onnx", "safetensors")


@dataclass(frozen=True, kw_only=True)
class Made:
    """A new version, and how it compares with the one in force."""

    version: Version
    comparison: Comparison


@dataclass(frozen=True, kw_only=True)
class Lessons:
    """The corrected posts to learn from, those that are held out, and how many corrections of which school count."""

    learned: tuple[Corrected, ...]
    held_out: tuple[Corrected, ...]
    schools: Mapping[str, int]


def schools_to_learn_from(store: Store, school: str | None) -> tuple[str, ...]:
    """The schools whose corrections a new version may learn from together.

    One school's alone where it is named or the only one here; else those of all schools that agreed to be pooled.

    Raises:
        TrainingError: none has agreed, or the one named has not.
    """
    agreed = {s.id: s.corrections for s in store.register.all().schools}
    if school is not None and school not in agreed:
        raise TrainingError(f"there is no school {school}; there are {', '.join(sorted(agreed)) or 'none'}")
    if school is None and len(agreed) == 1:
        school = next(iter(agreed))
    if school is not None:
        if agreed[school] == "off":
            raise TrainingError(
                f"{school} has not agreed that corrections are kept; where it does, write "
                'corrections = "own" (or "pooled") under its [[schools]] and run `watcher apply`'
            )
        return (school,)
    pooled = tuple(sorted(name for name, said in agreed.items() if said == "pooled"))
    if not pooled:
        raise TrainingError(
            'no school has agreed that its corrections are put together with others\' (corrections = "pooled"); '
            "name one that keeps its own with --school"
        )
    return pooled


def lessons(store: Store, schools: Iterable[str]) -> Lessons:
    """The corrected posts of these schools, a fifth held out for good; what people contradict teaches nothing."""
    found = store.corrections.of(schools)
    said: dict[tuple[int, str], set[bool]] = {}
    for one in found:
        for label, holds in one.labels.items():
            said.setdefault((one.version.number, label), set()).add(holds)
    contradicted = {key for key, answers in said.items() if len(answers) > 1}
    kept = [one for one in (_without(one, contradicted) for one in found) if one.labels]
    held_out = tuple(one for one in kept if is_held_out(one.version.post.key))
    # A repost of what is held out would give it away.
    texts = {one.version.post.text for one in held_out}
    learned = tuple(one for one in kept if one.version.post.text not in texts)
    counts = Counter[str]()
    for one in learned:
        counts[one.school] += len(one.labels)
    return Lessons(learned=learned, held_out=held_out, schools=dict(counts))


def _without(one: Corrected, contradicted: set[tuple[int, str]]) -> Corrected:
    left = {label: holds for label, holds in one.labels.items() if (one.version.number, label) not in contradicted}
    return Corrected(school=one.school, version=one.version, labels=left)


def teach(
    settings: Settings,
    store: Store,
    now: datetime,
    *,
    school: str | None = None,
    held_out: Path = DEMO,
    data: Path = DATA,
    say: Callable[[str], None],
    child: Sequence[str] = CHILD,
) -> Made:
    """Make a new version from the corrections and compare it with the one in force; nothing switches to it.

    It starts from the weights that the settings name and learns from all that is kept today, so that what a school took
    back, or what died with its post, is in no later version.

    Raises:
        TrainingError: there is nothing to learn from, or the training ended badly; nothing is left behind.
        VersionError: the version in force cannot be read.
    """
    found = _prepare(store, school, data, _NEEDED if child is CHILD else ())
    rows = _rows(found, held_out)
    start, current = versions.base(settings), versions.in_force(settings, store)
    name = f"{start.name}-{now:%Y%m%d-%H%M%S}"
    with _folder(Path(settings.models.folder), name) as folder:
        order = {
            "start": str(start.folder.absolute()),
            "from": start.name,
            "out": str(folder.absolute()),
            "version": name,
            "data": str(data.absolute()),
            "left_out": sorted({_digest(row.passage.text) for row in rows}),
        }
        _run(child, [order, *map(_lesson, found.learned)], say)
        old = registry.load(versions.ENCODER, {"path": str(current.folder)})
        new = registry.load(versions.ENCODER, {"path": str(folder)})
        comparison = compare(old, new, rows, say)
        _write_card(folder, found, comparison, start, now)
    return Made(version=versions.find(settings, name), comparison=comparison)


def _prepare(store: Store, school: str | None, data: Path, needed: Iterable[str]) -> Lessons:
    """What there is to learn from; nobody should install half a gigabyte only to be told of the next thing."""
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    problems = []
    if missing:
        problems.append(
            f"training needs {', '.join(missing)}, which the extra `train` brings: "
            'pip install "watcher[train]", or in a clone pip install -e ".[train]"'
        )
    if not any(data.glob("*.jsonl")):
        problems.append(f"{data} holds no rows to rehearse; name the folder data/schoolposts of a clone with --data")
    found = Lessons(learned=(), held_out=(), schools={})
    try:
        found = lessons(store, schools_to_learn_from(store, school))
        if not found.learned:
            problems.append(
                f"there is nothing to learn from yet ({counted(len(found.held_out), 'corrected post')} held out); "
                "people correct with `watcher incidents REF --set … --verdict right|wrong` and `watcher correct REF`"
            )
    except TrainingError as error:
        problems.append(str(error))
    if problems:
        raise TrainingError("\n".join(problems))
    return found


@contextmanager
def _folder(among: Path, name: str) -> Iterator[Path]:
    """A hidden folder beside the versions, which takes the version's name only when all is done."""
    made = among / f".{name}"
    try:
        made.mkdir(parents=True)
    except OSError as error:
        raise TrainingError(f"models.folder: {error.filename or among}: {error.strerror or error}") from error
    try:
        yield made
        made.rename(among / name)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _rows(found: Lessons, file: Path) -> list[Row]:
    """What both versions are compared on: the corrections that are held out, and the file without what is learned."""
    learned = {one.version.post.text for one in found.learned}
    rows = [row for row in read_rows(file) if row.passage.text not in learned]
    return [*rows, *(_row(one) for one in found.held_out)]


def _lesson(one: Corrected) -> dict[str, Any]:
    return {**asdict(passage_of(one.version)), "labels": dict(one.labels)}


def _row(one: Corrected) -> Row:
    post = one.version.post
    return Row(name=post.url or f"{post.platform} {post.id}", passage=passage_of(one.version), labels=one.labels)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _run(child: Sequence[str], lines: Iterable[Mapping[str, Any]], say: Callable[[str], None]) -> None:
    """Hand the posts to the training's standard input (they touch no disk) and pass its progress on.

    Whatever ends this ends the training too.

    Raises:
        TrainingError: it ended badly.
    """
    last: list[str] = []
    with subprocess.Popen(  # noqa: S603 - our own module, by this very interpreter
        child, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
    ) as process:
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        try:
            # One that has ended already says why.
            with suppress(BrokenPipeError):
                process.stdin.writelines(json.dumps(line) + "\n" for line in lines)
            with suppress(BrokenPipeError):
                process.stdin.close()
            for line in process.stdout:
                last = [line.rstrip()]
                say(line.rstrip())
            process.wait()
        finally:
            process.kill()
    if process.returncode:
        raise TrainingError(
            f"the training ended with code {process.returncode}: {last[-1] if last else 'it said nothing'}"
        )


def _write_card(folder: Path, found: Lessons, comparison: Comparison, start: Version, now: datetime) -> None:
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    card[versions.TAUGHT] = {
        "from": start.name,
        "at": rfc3339(now),
        "schools": dict(found.schools),
        "posts": len(found.learned),
        "held_out_posts": len(found.held_out),
    }
    card[versions.COMPARED] = comparison.as_dict()
    (folder / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_page(card, comparison), encoding="utf-8")


_PAGE = """# Model card: {name}, version {version}

Version {start} of the same model, which went on learning from what people said of its labels.

- **Corrections** of {schools}: {posts}, on which people confirmed, dismissed or gave labels, kept because these
  schools agreed to it; {held} held out. It may be used only where all of these schools still
  agree, and where one of them keeps its corrections to itself (`corrections = "own"`), only to read its posts.
- Beside them, rows of `data/schoolposts` (CC BY 4.0) were rehearsed. No post is kept in this folder; the weights, the
  thresholds and the calibration that follow from version {start} are described in its own card.
- The n-gram part, the calibration and the thresholds are those of version {start}.

## Beside version {old}, on the same {rows}, of which neither learned

| | {old} | {version} |
|---|---|---|
{table}

They differ on {changed}: better are {better}, worse {worse}. {few}
"""
_FEW = 50


def _page(card: Mapping[str, Any], comparison: Comparison) -> str:
    """The card for people, as Markdown."""
    old, new, taught = comparison.old, comparison.new, card[versions.TAUGHT]
    labels = dict.fromkeys((*old["labels"], *new["labels"]))
    rows = [(label, *(f["labels"].get(label, {}).get("f1") for f in (old, new))) for label in labels]
    rows += [(key.replace("_", " "), old[key], new[key]) for key in ("macro_f1", "false_alarms_per_1000")]
    counts = comparison.as_dict()
    return _PAGE.format(
        name=card["name"],
        version=card["version"],
        start=taught["from"],
        schools=", ".join(f"{school} ({n})" for school, n in taught["schools"].items()),
        posts=counted(taught["posts"], "post"),
        held=counted(taught["held_out_posts"], "corrected post was", "corrected posts were"),
        old=old["version"],
        rows=counted(comparison.rows, "row"),
        table="\n".join(f"| {what} | {'–' if a is None else a} | {'–' if b is None else b} |" for what, a, b in rows),
        changed=counted(counts["changed"], "row"),
        better=counts["better"],
        worse=counts["worse"],
        few="So few corrections prove little." if sum(taught["schools"].values()) < _FEW else "",
    )
