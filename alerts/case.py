"""What a policy judges: one post version as it concerns one school, with all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass

from alerts.answer import Answer
from alerts.mention import Mention
from alerts.school import Holding, Person, School
from classifiers.verdict import Verdict
from connectors.post import Post


@dataclass(frozen=True, kw_only=True)
class Case:
    """A post version, the mention, the newest verdict of each model, triage answers newest last, and who holds office.

    ``officers`` are the public role-holders of the school today: they tell a named Head from a stranger.
    """

    post: Post
    school: School
    mention: Mention
    verdicts: tuple[Verdict, ...] = ()
    answers: tuple[Answer, ...] = ()
    officers: tuple[tuple[Holding, Person], ...] = ()

    def answer(self, question: str) -> str | None:
        """The newest answer to a question, or ``None``."""
        for given in reversed(self.answers):
            if given.question == question:
                return given.value
        return None
