"""Remembers what was said of a text, so that the same text with the same parent and flags is read once."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

# The text with evasion undone, what it answers, whether the account is the school's own, whether there is an image.
Key = tuple[str, str | None, bool, bool]

_LONGEST = 1000  # characters of a text and of its parent together: longer ones are seldom sent twice


@dataclass(frozen=True)
class Said:
    """The calibrated logits of all labels, and a class for each token (0 other, 1 pupil's name, 2 adult's name)."""

    logits: NDArray[np.float64]
    classes: bytes


class Known:
    """The last so many texts; safe to share between threads. 2,048 texts of a post's length take about 3 MB."""

    def __init__(self, most: int) -> None:
        """Keep up to ``most`` texts; none where it is 0."""
        self._most = most
        self._said: OrderedDict[Key, Said] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Key) -> Said | None:
        """What was said of the text, where that is still known."""
        with self._lock:
            said = self._said.get(key)
            if said is not None:
                self._said.move_to_end(key)
            return said

    def keep(self, key: Key, said: Said) -> None:
        """Remember it; the text that was asked for longest ago is forgotten."""
        if not self._most or len(key[0]) + len(key[1] or "") > _LONGEST:
            return
        with self._lock:
            self._said[key] = said
            self._said.move_to_end(key)
            if len(self._said) > self._most:
                self._said.popitem(last=False)
