"""From raw logits on unseen authors' posts to calibrated scores and the points at which labels are raised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from classifiers.encoder import Blend
from classifiers.verdict import LABELS, OperatingPoint

Numbers = NDArray[np.float64]

# What a miss costs, counted in needless looks by a person: from there follows the score at which a look is worth it.
SEVERE = ("threat", "self_harm", "sexual_content", "extremism")
_MISS_COST = {**dict.fromkeys(LABELS, 2.5), **dict.fromkeys(SEVERE, 6.0), "praise": 1.0}
# The ordinary stream holds more harmless posts than the labelled rows do; a point must serve both.
HARMLESS_FACTORS = (1.0, 4.0)
_GRID = np.linspace(0.1, 0.9, 81)
_SMOOTH = 7  # grid steps averaged over, so that a lucky spike is no optimum
_REVIEW_BELOW = 0.8  # the undecided band begins at most here, as a share of raise_at


@dataclass(frozen=True)
class Calibration:
    """Per label: the blend of both parts, and its operating point."""

    blends: dict[str, Blend]
    points: dict[str, OperatingPoint]

    def scores(self, deep: Numbers, wide: Numbers) -> Numbers:
        """Calibrated scores (rows × labels) for the logits of both parts."""
        return np.column_stack([_score(self.blends[label], deep[:, i], wide[:, i]) for i, label in enumerate(LABELS)])


def calibrate(deep: Numbers, wide: Numbers, targets: Numbers) -> Calibration:
    """Blends and points from logits and targets (rows × labels) of posts that neither part has learned from."""
    harmless = targets.sum(axis=1) == 0
    blends, points = {}, {}
    for index, label in enumerate(LABELS):
        wanted = targets[:, index]
        pair = np.column_stack([deep[:, index], wide[:, index]])
        fitted = LogisticRegression(C=1.0).fit(pair, wanted)
        deep_weight, wide_weight = (float(weight) for weight in fitted.coef_[0])
        blends[label] = Blend(round(deep_weight, 5), round(wide_weight, 5), round(float(fitted.intercept_[0]), 5))
        scores = _score(blends[label], pair[:, 0], pair[:, 1])
        raise_at = _best_point(scores, wanted, harmless)
        review_at = min(1 / (1 + _MISS_COST[label]), raise_at * _REVIEW_BELOW)
        points[label] = OperatingPoint(raise_at=round(raise_at, 3), review_at=round(review_at, 3))
    return Calibration(blends, points)


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
