"""Public labelled sets, as tasks beside our own: what each labels, under which licence, and which rows may be used.

Only a set whose stated licence allows any use may go into weights that are given away; the others only measure.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FREE = ("MIT", "Apache-2.0", "CC0-1.0", "CC-BY-4.0")
# Copies of one tweet set carry "?" for what they lost, others user names: neither may become a feature.
_USER = re.compile(r"@\w+|\[USER\]")
_LINK = re.compile(r"https?://\S+|\[URL\]|URL\d+")
PERSON_TAGS = ("PER", "person")


@dataclass(frozen=True)
class PublicSet:
    """A file ``NAME.jsonl.gz``: the field that holds the answer (dots go deeper), its classes, and its licence."""

    name: str
    licence: str
    field: str
    classes: tuple[str, ...]
    held_out: str = ""

    @property
    def free(self) -> bool:
        """Whether weights that learned from it may be given away."""
        return self.licence in FREE


_NO_YES = ("0", "1")
SETS = (
    PublicSet("edos", "CC0-1.0", "labels.sexist", _NO_YES, "dev"),
    PublicSet("misogyny_reddit", "MIT", "labels.misogynistic", _NO_YES),
    PublicSet("hatemoji_build", "CC-BY-4.0", "labels.hateful", _NO_YES, "validation"),
    PublicSet("convabuse", "CC-BY-4.0", "labels.abusive", _NO_YES, "valid"),
    PublicSet("trac1", "Apache-2.0", "label", ("not_aggressive", "covertly_aggressive", "overtly_aggressive"), "dev"),
    PublicSet("threatgram", "CC-BY-4.0", "label", ("level_0", "level_1", "level_2")),
    PublicSet("surge_toxicity", "MIT", "label", ("not_toxic", "toxic")),
    PublicSet("isarcasm", "MIT", "labels.sarcastic", _NO_YES),
    PublicSet("target_twitter", "MIT", "label", ("negative", "neutral", "positive")),
    PublicSet("course_evaluations", "MIT", "label", ("negative", "mixed_or_neutral", "positive")),
    PublicSet("tweeteval_offensive", "none for the tweets", "label", ("not-offensive", "offensive"), "val"),
    PublicSet("tweeteval_hate", "none for the tweets", "label", ("not-hate", "hate"), "val"),
)
NAME_SETS = (
    PublicSet("broad_twitter_ner", "CC-BY-4.0", "tags", (), "dev"),
    PublicSet("wnut17", "CC-BY-4.0", "tags", (), "dev"),
    PublicSet("tweebank_ner", "Apache-2.0", "tags", (), "dev"),
)


@dataclass(frozen=True)
class PublicRow:
    """A text with its class, or with the stretches that name persons; ``masked`` stretches count neither way."""

    text: str
    target: int | None = None
    persons: tuple[tuple[int, int], ...] | None = None
    masked: tuple[tuple[int, int], ...] = ()


def rows_of(folder: Path, chosen: PublicSet, *, held_out: bool = False) -> list[PublicRow]:
    """The set's rows to learn from, or those of its official validation split.

    Raises:
        FileNotFoundError: the folder does not hold the set.
    """
    path = folder / f"{chosen.name}.jsonl.gz"
    if not path.exists():
        raise FileNotFoundError(f"{folder} does not hold {path.name}; name the folder with the public sets")
    read = _named if chosen in NAME_SETS else _labelled
    wanted = (raw for raw in _raw(path) if (bool(chosen.held_out) and raw["split"] == chosen.held_out) == held_out)
    return [row for raw in wanted if (row := read(chosen, raw)) is not None]


def _raw(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, mode="rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _labelled(chosen: PublicSet, raw: dict[str, Any]) -> PublicRow | None:
    answer: Any = raw
    for part in chosen.field.split("."):
        answer = answer[part]
    text = _LINK.sub("http", _USER.sub("@user", str(raw["text"]))).strip()
    return PublicRow(text, chosen.classes.index(str(answer))) if text and str(answer) in chosen.classes else None


def _named(_: PublicSet, raw: dict[str, Any]) -> PublicRow | None:
    """Words joined by blanks; handles are masked, for the sets tag most of them as persons."""
    places = 0
    persons: list[tuple[int, int]] = []
    masked: list[tuple[int, int]] = []
    for word, tag in zip(raw["tokens"], raw["tags"], strict=True):
        start, end = places, places + len(word)
        places = end + 1
        if word.startswith("@"):
            masked.append((start, end))
        elif tag[2:] in PERSON_TAGS and tag[0] == "I" and persons and persons[-1][1] == start - 1:
            persons[-1] = (persons[-1][0], end)
        elif tag[2:] in PERSON_TAGS:
            persons.append((start, end))
    return PublicRow(" ".join(raw["tokens"]), None, tuple(persons), tuple(masked)) if raw["tokens"] else None
