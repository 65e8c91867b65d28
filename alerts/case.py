"""What a policy judges: one post version as it concerns one school, with all that is known of it; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from alerts.answer import Answer, reasoned, refused
from alerts.mention import Mention
from alerts.school import Holding, Person, School
from classifiers.verdict import Verdict
from connectors.post import Post


@dataclass(frozen=True, kw_only=True)
class Case:
    """A post version, the mention, the newest verdict of each model, triage answers newest last, and who holds office.

    ``officers`` are all who hold a role for the school today: they tell a named Head from a stranger. ``parent`` is the
    text that the post answers, ``thread`` are those above that one, nearest first: "she did it to us too" is about
    whom they are about.
    """

    post: Post
    school: School
    mention: Mention
    verdicts: tuple[Verdict, ...] = ()
    answers: tuple[Answer, ...] = ()
    officers: tuple[tuple[Holding, Person], ...] = ()
    parent: str | None = None
    thread: tuple[str, ...] = ()

    @property
    def above(self) -> tuple[str, ...]:
        """Every text that the post stands under, nearest first."""
        return (*(() if self.parent is None else (self.parent,)), *self.thread)

    def answer(self, question: str) -> str | None:
        """The newest answer to a question, or ``None``."""
        for given in reversed(self.answers):
            if given.question == question:
                return given.value
        return None

    @property
    def reasoned(self) -> frozenset[str]:
        """The concerns that a person has named here with a reason."""
        return reasoned(self.answers)

    @property
    def refused(self) -> frozenset[str]:
        """The labels of which a person says that they do not hold here."""
        return refused(self.answers)

    def without_refused(self) -> Case:
        """The case as if no model had read in it what a person says does not hold."""
        no = self.refused
        if not no:
            return self
        left = [{label: score for label, score in v.scores.items() if label not in no} for v in self.verdicts]
        read = zip(self.verdicts, left, strict=True)
        return replace(self, verdicts=tuple(replace(verdict, scores=scores) for verdict, scores in read))
