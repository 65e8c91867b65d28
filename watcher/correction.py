"""What people say of the models' labels: confirmed, dismissed, relabelled; and what of it may teach; pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.answer import Answer
from alerts.flag import Flag
from classifiers.verdict import LABELS

# One post in so many is never learned from: on these a new version is compared with the old one.
HELD_OUT = 5
# The labels whose concern has another name; a person answers in concerns.
_CONCERNS = {"hate": "discrimination"}
_LABELS = {concern: label for label, concern in _CONCERNS.items()}


@dataclass(frozen=True, kw_only=True)
class Correction:
    """What a person decided on one label of one mention, and so of one post version for one school.

    ``decision`` is ``confirmed`` (a model raised it, rightly), ``dismissed`` (it does not hold) or ``relabelled`` (it
    holds, and no model had raised it). Nothing is said of the post or its author.
    """

    mention: int
    label: str
    decision: str
    by: str
    at: datetime

    @property
    def holds(self) -> bool:
        """Whether the person says that the label holds."""
        return self.decision != "dismissed"


def decided(raised: Iterable[str], *, holds: Iterable[str] = (), fails: Iterable[str] = ()) -> dict[str, str]:
    """The decision on each label that a person says holds or does not hold; ``raised`` are those that models raised."""
    before = set(raised)
    said = {label: "confirmed" if label in before else "relabelled" for label in holds}
    return said | dict.fromkeys(fails, "dismissed")


def decided_by(answer: Answer, raised: Iterable[str]) -> dict[str, str]:
    """What a triage answer says of labels: the concerns that it names hold; of the others it says nothing."""
    if answer.question != "concern":
        return {}
    labels = (_LABELS.get(concern.strip(), concern.strip()) for concern in answer.value.split(","))
    return decided(raised, holds=[label for label in labels if label in LABELS])


def corrected(listed: Sequence[str], *, add: Iterable[str], drop: Iterable[str]) -> tuple[str, ...]:
    """A list that people add to and take from, each thing once and the oldest first: the last word on each counts."""
    gone = set(drop)
    return tuple(dict.fromkeys(name for name in (*listed, *add) if name and name not in gone))


def concern_of(label: str) -> str:
    """The concern under which a person's label is judged by a policy."""
    return _CONCERNS.get(label, label)


def refused_label(flag: Flag, refused: Container[str]) -> str | None:
    """The label on which a flag rests, read or given, where a person has refused it since; else ``None``."""
    if flag.label is not None:
        return flag.label if flag.label in refused else None
    label = _LABELS.get(flag.concern, flag.concern)
    return label if label in refused and flag.rule == f"answer_{flag.concern}" else None


def merged(rows: Iterable[Correction]) -> Mapping[str, bool]:
    """What is known of each label, the last word counting."""
    return {row.label: row.holds for row in sorted(rows, key=lambda row: row.at)}


def is_held_out(key: tuple[str, str, str]) -> bool:
    """Whether a post is among the fifth that no version ever learns from: the same posts today and next year."""
    return hashlib.sha256(json.dumps(key).encode()).digest()[0] % HELD_OUT == 0
