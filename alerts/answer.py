"""What a person answers in triage; an answer has the case judged again; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

# What a person may be asked, "lawful opinion, no action" first: most of what a school is told of is just that.
QUESTIONS = ("lawful_opinion", "school", "about", "target", "author", "child_at_risk", "concern", "not_label")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer to one question about one mention: ``value`` is a role, a concern, ``yes`` or ``no``.

    Concerns (``concern``) and labels that do not hold (``not_label``) may be several, with commas between them; the
    newest answer says all that stands. ``about`` and ``target`` may be ``none``; a ``target`` may also be a person's
    id. ``reason`` is why the person says so: what would treat lawful speech as conduct counts only with one.
    """

    question: str
    value: str
    by: str
    at: datetime
    reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse a question that no rule could ever read."""
        if self.question not in QUESTIONS:
            raise ValueError(f"question {self.question!r} is not one of {', '.join(QUESTIONS)}")


def reasoned(answers: Sequence[Answer]) -> frozenset[str]:
    """The concerns that people have named with a reason."""
    said = [answer for answer in answers if answer.question == "concern" and (answer.reason or "").strip()]
    return frozenset(name.strip() for answer in said for name in answer.value.split(",") if name.strip())


def refused(answers: Sequence[Answer]) -> frozenset[str]:
    """The labels of which a person says that they do not hold: the newest word on that counts."""
    said = [answer.value for answer in answers if answer.question == "not_label"]
    return frozenset(label for label in said[-1].split(",") if label) if said else frozenset()
