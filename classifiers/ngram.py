"""The wide part: hashed n-grams of characters and words, weighed by a logistic regression.

It knows what the encoder's vocabulary breaks up (slang, misspellings, names of platforms) and costs 3 MB. Features
are hashed with a fixed rolling hash, so that they are the same on every machine and in every version of Python.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BUCKETS = 1 << 18
_SIZES = (2, 3, 4, 5)
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(64 - 18)


def features(text: str, *, official: bool, has_image: bool) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Buckets and their damped counts (1 + log n) for one text, each bucket once, ascending."""
    lowered = " ".join(text.lower().split())
    words = lowered.split()
    hashed = [_character_grams(f" {lowered} ")]
    named = [f"w {word}" for word in words] + [f"w {a} {b}" for a, b in pairwise(words)]
    named += ["official"] * official + ["image"] * has_image
    hashed.append(np.array([zlib.crc32(name.encode()) for name in named], dtype=np.uint64) * _PRIME >> _SHIFT)
    buckets, counts = np.unique(np.concatenate(hashed).astype(np.int64), return_counts=True)
    return buckets, (1 + np.log(counts)).astype(np.float32)


def _character_grams(text: str) -> NDArray[np.uint64]:
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    grams = [np.zeros(0, dtype=np.uint64)]
    rolling = codes.copy()
    for size in range(2, _SIZES[-1] + 1):
        if len(codes) < size:
            break
        rolling = rolling[:-1] * np.uint64(0x100000001B3) + codes[size - 1 :]
        grams.append((rolling + np.uint64(size)) * _PRIME >> _SHIFT)
    return np.concatenate(grams)


@dataclass(frozen=True)
class NgramModel:
    """One weight a label and bucket, in eight bits with one scale a label; ``idf`` weighs a bucket's rarity."""

    weights: NDArray[np.int8]  # labels × buckets
    scales: NDArray[np.float32]  # labels
    biases: NDArray[np.float32]  # labels
    idf: NDArray[np.float16]  # buckets

    @cached_property
    def _by_bucket(self) -> NDArray[np.int8]:
        """The weights of one bucket side by side: a text needs some seven hundred buckets, each from one place."""
        return np.ascontiguousarray(self.weights.T)

    def logits(self, text: str, *, official: bool, has_image: bool) -> NDArray[np.float32]:
        """One logit a label for one text."""
        buckets, values = features(text, official=official, has_image=has_image)
        weighed = values * self.idf[buckets].astype(np.float32)
        norm = float(np.sqrt(weighed @ weighed)) or 1.0
        summed: NDArray[np.float32] = (weighed / norm) @ self._by_bucket[buckets].astype(np.float32)
        return summed * self.scales + self.biases

    def save(self, path: Path) -> None:
        """Write all arrays to ``path``, compressed."""
        np.savez_compressed(path, weights=self.weights, scales=self.scales, biases=self.biases, idf=self.idf)

    @classmethod
    def load(cls, path: Path) -> NgramModel:
        """The model that ``save`` wrote.

        Raises:
            OSError, ValueError, KeyError: the file is missing or broken.
        """
        with np.load(path, allow_pickle=False) as stored:
            return cls(stored["weights"], stored["scales"], stored["biases"], stored["idf"])
