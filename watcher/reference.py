"""The reference by which people name an incident."""

from __future__ import annotations

import secrets

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTVWXYZ"


def random_reference() -> str:
    """A new incident's reference: random, so that a gap between two tells nothing."""
    return "WT-" + "".join(secrets.choice(_ALPHABET) for _ in range(7))
