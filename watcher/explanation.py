"""The verb explain: which words moved what somebody is told of; measured then only, for it takes many reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from classifiers.classifier import Classifier, Explainer
from classifiers.verdict import OperatingPoint, Passage, Span, Verdict
from watcher.handing import passage_of
from watcher.store import Store
from watcher.store.explanations import Unexplained

log = structlog.get_logger(__name__)


def explain(store: Store, classifiers: Sequence[Classifier], now: datetime, limit: int) -> int:
    """Explain the newest flags that want it, at most ``limit``; how many versions were looked at.

    A model that breaks leaves them without an explanation; nobody waits for one.
    """
    waiting = store.explanations.waiting(limit)
    measured = [(one, _moved(one, classifiers)) for one in waiting]
    if measured:
        with store.writing() as connection:
            for one, moved in measured:
                store.explanations.explained(connection, one, moved, now)
    return len(waiting)


def _moved(waiting: Unexplained, classifiers: Iterable[Classifier]) -> dict[tuple[str, str], tuple[Span, ...]]:
    """What moved the verdict of each model that can say so."""
    passage = passage_of(waiting.version)
    found: dict[tuple[str, str], tuple[Span, ...]] = {}
    for classifier in classifiers:
        own = (classifier.name, classifier.version)
        verdict = next((v for v in waiting.verdicts if (v.model, v.version) == own), None)
        if verdict is None or not isinstance(classifier, Explainer):
            continue
        spans = _explained(classifier, passage, _as_flagged(verdict, waiting.labels), waiting.version.number)
        if spans is not None:
            found[own] = spans
    return found


def _explained(model: Explainer, passage: Passage, verdict: Verdict, version: int) -> tuple[Span, ...] | None:
    try:
        return model.explain(passage, verdict)
    except Exception:
        # Whatever breaks here, a bug included, must never keep a flag from whoever it is for.
        log.exception("explanation_failed", version=version, model=verdict.model)
        return None


def _as_flagged(verdict: Verdict, labels: Iterable[str]) -> Verdict:
    """The verdict with every flagged label raised: a pack may have points of its own."""
    lower = {
        label: OperatingPoint(raise_at=verdict.scores[label], review_at=verdict.scores[label])
        for label in labels
        if label in verdict.scores and label not in verdict.labels
    }
    return replace(verdict, points={**verdict.points, **lower})
