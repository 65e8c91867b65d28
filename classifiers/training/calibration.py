"""From raw logits on unseen authors' posts to calibrated scores and the points at which labels are raised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifiers.encoder import Blend
from classifiers.measure import average_precision
from classifiers.verdict import LABELS, OperatingPoint

Numbers = NDArray[np.float64]

# What a miss costs, counted in needless looks by a person: from there follows the score at which a look is worth it.
SEVERE = ("threat", "self_harm", "sexual_content", "extremism")
_MISS_COST = {**dict.fromkeys(LABELS, 2.5), **dict.fromkeys(SEVERE, 4.0), "praise": 1.0}
# The ordinary stream holds more harmless posts than the labelled rows do; a point must serve both.
HARMLESS_FACTORS = (1.0, 4.0)
_GRID = np.linspace(0.1, 0.9, 81)
_SMOOTH = 7  # grid steps averaged over, so that a lucky spike is no optimum
_SHARES = np.linspace(0.0, 4.0, 17)
_RIDGE, _STEPS, _SMALL = 1.0, 30, 1e-9
_USUAL_POINT, _USUAL_WEIGHT = 0.42, 40.0  # a weight in positives
_REVIEW_BELOW = 0.8  # the undecided band begins at most here, as a share of raise_at


@dataclass(frozen=True)
class Calibration:
    """Per label: the blend of both parts, and its operating point."""

    blends: dict[str, Blend]
    points: dict[str, OperatingPoint]

    def logits(self, deep: Numbers, wide: Numbers) -> dict[str, float]:
        """Each label's calibrated logit for the logits of both parts of one row."""
        blends = self.blends.items()
        return {label: float(of.deep * deep[i] + of.wide * wide[i] + of.bias) for i, (label, of) in enumerate(blends)}

    def scores(self, deep: Numbers, wide: Numbers) -> Numbers:
        """Calibrated scores (rows × labels) for the logits of both parts."""
        return np.column_stack([_score(self.blends[label], deep[:, i], wide[:, i]) for i, label in enumerate(LABELS)])


def calibrate(deep: Numbers, wide: Numbers, targets: Numbers) -> Calibration:
    """Blends and points from logits and targets (rows × labels) of posts that neither part has learned from."""
    harmless = targets.sum(axis=1) == 0
    share = _wide_share(deep, wide, targets)
    blends, points = {}, {}
    for index, label in enumerate(LABELS):
        wanted = targets[:, index]
        mixed = deep[:, index] + share * wide[:, index]
        slope, bias = _fitted(mixed, wanted)
        blends[label] = Blend(round(slope, 5), round(slope * share, 5), round(bias, 5))
        scores = _score(blends[label], deep[:, index], wide[:, index])
        raise_at = _steadied(_best_point(scores, wanted, harmless), float(wanted.sum()))
        review_at = min(1 / (1 + _MISS_COST[label]), raise_at * _REVIEW_BELOW)
        points[label] = OperatingPoint(raise_at=round(raise_at, 3), review_at=round(review_at, 3))
    return Calibration(blends, points)


def _wide_share(deep: Numbers, wide: Numbers, targets: Numbers) -> float:
    """How much a logit of the wide part counts beside one of the deep: one share for all labels, by mean precision."""
    columns = range(targets.shape[1])

    def quality(share: float) -> float:
        mixed = deep + share * wide
        return float(np.mean([average_precision(mixed[:, i], targets[:, i] > 0) for i in columns]))

    return float(max(_SHARES, key=quality))


def _fitted(logits: Numbers, wanted: Numbers) -> tuple[float, float]:
    """Slope and bias of the logistic regression of truth on logits (Platt), by Newton's method from zero."""
    features = np.column_stack([logits, np.ones(len(logits))])
    ridge = np.diag([_RIDGE, 1e-6])  # keeps the slope finite where a label is told apart perfectly

    def loss(weights: Numbers) -> float:
        z = features @ weights
        return float(np.logaddexp(0, z).sum() - wanted @ z + weights @ ridge @ weights / 2)

    weights = np.zeros(2)
    for _ in range(_STEPS):
        said = 1 / (1 + np.exp(-np.clip(features @ weights, -30, 30)))
        slope = features.T @ (said - wanted) + ridge @ weights
        step = np.linalg.solve((features * (said * (1 - said))[:, None]).T @ features + ridge, slope)
        while loss(weights - step) > loss(weights) and np.abs(step).max() > _SMALL:
            step = step / 2
        weights = weights - step
    return float(weights[0]), float(weights[1])


def _steadied(point: float, positives: float) -> float:
    """A point found on few positives, drawn towards where points usually lie."""
    return (positives * point + _USUAL_WEIGHT * _USUAL_POINT) / (positives + _USUAL_WEIGHT)


def _score(blend: Blend, deep: Numbers, wide: Numbers) -> Numbers:
    logits: Numbers = blend.deep * deep + blend.wide * wide + blend.bias
    return 1 / (1 + np.exp(-np.clip(logits, -30, 30)))


def _best_point(scores: Numbers, wanted: Numbers, harmless: NDArray[np.bool_]) -> float:
    """The score from which raising gives the best F1, on average over streams with few and many harmless posts."""
    curves = np.zeros(len(_GRID))
    for factor in HARMLESS_FACTORS:
        weights = np.where(harmless, factor, 1.0)
        for place, point in enumerate(_GRID):
            raised = scores >= point
            hits = float((weights * raised * wanted).sum())
            curves[place] += 2 * hits / max(float((weights * raised).sum() + (weights * wanted).sum()), 1e-9)
    padded = np.pad(curves, _SMOOTH // 2, mode="edge")
    return float(_GRID[np.convolve(padded, np.ones(_SMOOTH) / _SMOOTH, mode="valid").argmax()])
