"""The protocol that every classifier fulfils; explaining is a power of its own; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from classifiers.verdict import Passage, Span, Verdict


@runtime_checkable
class Classifier(Protocol):
    """Reads passages."""

    @property
    def name(self) -> str:
        """The model's name; together with ``version`` it marks every verdict."""
        ...

    @property
    def version(self) -> str:
        """The model's version; a new one has every stored post read again."""
        ...

    def classify(self, passages: Sequence[Passage]) -> list[Verdict]:
        """One verdict a passage, in order; what cannot be read comes back ``unread``, never as harmless.

        Raises:
            ClassifierError: the batch could not be read at all.
        """
        ...


@runtime_checkable
class Explainer(Protocol):
    """Can say which words moved a score."""

    def explain(self, passage: Passage, verdict: Verdict) -> tuple[Span, ...]:
        """The stretches of text that moved the raised labels most, strongest first."""
        ...
