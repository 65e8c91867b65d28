"""What a person answers in triage; an answer has the case judged again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

QUESTIONS = ("school", "about", "target", "author", "child_at_risk", "concern", "lawful_opinion")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer to one question about one mention: ``value`` is a role, a concern, ``yes`` or ``no``."""

    question: str
    value: str
    by: str
    at: datetime

    def __post_init__(self) -> None:
        """Refuse a question that no rule could ever read."""
        if self.question not in QUESTIONS:
            raise ValueError(f"question {self.question!r} is not one of {', '.join(QUESTIONS)}")
