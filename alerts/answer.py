"""What a person answers in triage; an answer has the case judged again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

QUESTIONS = ("school", "about", "target", "author", "child_at_risk", "concern", "not_label", "lawful_opinion")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer to one question about one mention: ``value`` is a role, a concern, ``yes`` or ``no``.

    Concerns (``concern``) and labels that do not hold (``not_label``) may be several, with commas between them; the
    newest answer says all that stands.
    """

    question: str
    value: str
    by: str
    at: datetime

    def __post_init__(self) -> None:
        """Refuse a question that no rule could ever read."""
        if self.question not in QUESTIONS:
            raise ValueError(f"question {self.question!r} is not one of {', '.join(QUESTIONS)}")


def refused(answers: Sequence[Answer]) -> frozenset[str]:
    """The labels of which a person says that they do not hold: the newest word on that counts."""
    said = [answer.value for answer in answers if answer.question == "not_label"]
    return frozenset(label for label in said[-1].split(",") if label) if said else frozenset()
