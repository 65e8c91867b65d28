"""Whether a post is about a school: yes, no or unclear, always with the reason."""

from __future__ import annotations

from dataclasses import dataclass

RELEVANCES = ("yes", "no", "unclear")


@dataclass(frozen=True, kw_only=True)
class Mention:
    """One post version as it concerns one school; flags, incidents, rights and retention hang on it."""

    school: str
    relevance: str
    reason: str

    def __post_init__(self) -> None:
        """Refuse a relevance that no verb could read."""
        if self.relevance not in RELEVANCES:
            raise ValueError(f"relevance {self.relevance!r} is not one of {', '.join(RELEVANCES)}")
