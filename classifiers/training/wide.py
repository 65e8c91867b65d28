"""Fits the wide part: a logistic regression a label on hashed n-grams."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from classifiers.ngram import BUCKETS, NgramModel, features
from classifiers.verdict import LABELS

_STRENGTH = 10.0  # the inverse of the regularisation
_LEVELS = 127


def train_wide(texts: Sequence[tuple[str, bool, bool]], targets: NDArray[np.float32]) -> NgramModel:
    """The n-gram model for (text, official, has_image) and targets (texts × labels)."""
    found = [features(text, official=official, has_image=image) for text, official, image in texts]
    buckets = np.concatenate([b for b, _ in found])
    counts = np.bincount(buckets, minlength=BUCKETS)
    # What occurs in one row only cannot generalise; its bucket weighs nothing and compresses away.
    idf = np.where(counts > 1, np.log((1 + len(texts)) / (1 + counts)) + 1, 0).astype(np.float16)
    values = np.concatenate([v for _, v in found]) * idf[buckets].astype(np.float32)
    starts = np.cumsum([0, *(len(b) for b, _ in found)])
    matrix = csr_matrix((values, buckets, starts), shape=(len(texts), BUCKETS))
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1))).ravel()
    matrix = csr_matrix(matrix.multiply((1 / np.maximum(norms, 1e-9))[:, None]))
    used = np.flatnonzero(counts > 1)
    return _quantised(matrix[:, used], used, targets, idf)


def _quantised(
    matrix: csr_matrix, used: NDArray[np.int64], targets: NDArray[np.float32], idf: NDArray[np.float16]
) -> NgramModel:
    weights = np.zeros((len(LABELS), BUCKETS), dtype=np.int8)
    scales, biases = np.zeros((2, len(LABELS)), dtype=np.float32)
    for label in range(len(LABELS)):
        fitted = LogisticRegression(C=_STRENGTH, solver="liblinear", max_iter=200).fit(matrix, targets[:, label])
        scales[label] = np.abs(fitted.coef_).max() / _LEVELS
        weights[label, used] = np.round(fitted.coef_[0] / scales[label])
        biases[label] = fitted.intercept_[0]
    return NgramModel(weights, scales, biases, idf)
