"""The labelled school posts, as rows that a model may learn from."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from classifiers.rows import passage_of
from classifiers.verdict import LABELS, Passage

# Whole authors are held out together: rows of one author look alike. Each round holds every kind of author's work.
FOLDS = (
    ("B", "M", "Q", "T", "AE", "AG", "AJ"),
    ("C", "I", "R", "W", "AD", "AH", "AN"),
    ("D", "J", "S", "Z", "AC", "AI", "AM"),
    ("E", "K", "U", "X", "AB", "AK", "AO"),
    ("F", "G", "V", "Y", "AA", "AF", "AL"),
)
PLAIN = ("P",)  # what is said plainly: learned from in every round, in a gentle second step
OTHER, PUPIL, ADULT, UNKNOWN = 0, 1, 2, -100
_AUTHOR = re.compile(r"[A-Z]+")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One labelled post; ``names`` are pupils' names in it, ``adult_names`` adults', None where nobody marked them."""

    id: str
    author: str
    passage: Passage
    labels: tuple[str, ...]
    names: tuple[str, ...] | None
    adult_names: tuple[str, ...] | None = None

    @property
    def targets(self) -> list[float]:
        """One 0 or 1 a label, in the fixed order."""
        return [float(label in self.labels) for label in LABELS]

    def people(self) -> list[tuple[int, int, int]]:
        """Stretches (start, end, class) of the text that name a pupil or an adult."""
        text, found = self.passage.text, []
        for kind, names in ((PUPIL, self.names), (ADULT, self.adult_names)):
            for name in names or ():
                found += [(m.start(), m.end(), kind) for m in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text)]
        return found


def read_rows(folder: Path) -> list[Row]:
    """All rows of all ``*.jsonl`` files in ``folder``, in the order of the files' names.

    Raises:
        FileNotFoundError: the folder holds no rows.
    """
    rows = [row for path in sorted(folder.glob("*.jsonl")) for row in read_file(path)]
    if not rows:
        raise FileNotFoundError(f"{folder} holds no *.jsonl files with labelled posts")
    return rows


def read_file(path: Path) -> list[Row]:
    """All rows of one file of JSON Lines."""
    with path.open(encoding="utf-8") as lines:
        return [_row(json.loads(line)) for line in lines]


def _row(raw: dict[str, object]) -> Row:
    names, adults = raw.get("names"), raw.get("adult_names")
    labels = raw["labels"]
    return Row(
        id=str(raw["id"]),
        author=_author(str(raw["id"])),
        passage=passage_of(raw),
        labels=tuple(label for label in LABELS if isinstance(labels, list) and label in labels),
        names=tuple(map(str, names)) if isinstance(names, list) else None,
        adult_names=tuple(map(str, adults)) if isinstance(adults, list) else None,
    )


def _author(row: str) -> str:
    """The letters that a row's id begins with; an id of another shape is an author of its own."""
    letters = _AUTHOR.match(row)
    return letters.group() if letters else row
