"""What is read and what is said of it: Passage, Span, OperatingPoint and Verdict; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LABELS = (
    "criticism",
    "cyberbullying",
    "identifies_pupil",
    "threat",
    "hate",
    "self_harm",
    "extremism",
    "sexual_content",
    "sar",
    "press",
    "impersonation",
    "praise",
)
SPAN_KINDS = (
    "pupil_name",
    "adult_name",
    "handle",
    "postcode",
    "address",
    "phone",
    "email",
    "class",
    "date_of_birth",
    "other",
)


@dataclass(frozen=True, kw_only=True)
class Passage:
    """All that a classifier may see: the text, the text it answers, and two plain facts; never who wrote it."""

    text: str
    reply_to: str | None = None
    official: bool = False
    has_image: bool = False


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of the original text, in code points, ``end`` exclusive."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """From which score a label is raised, and from which a person should have a look."""

    raise_at: float
    review_at: float


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one model version says of one passage: calibrated scores, never a decision.

    ``unread`` is a reason why the passage could not be read (``language``, ``picture``, ``too_long``, ``empty``);
    then ``scores`` is empty, save for ``too_long``: there the beginning was read, and what it says counts. ``moved``
    are the stretches that moved the labels most, strongest first, each of its label's kind; ``None``: not measured.
    """

    model: str
    version: str
    scores: Mapping[str, float] = field(default_factory=dict)
    points: Mapping[str, OperatingPoint] = field(default_factory=dict)
    spans: tuple[Span, ...] = ()
    reason: str = ""
    unread: str | None = None
    moved: tuple[Span, ...] | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels whose score reaches the model's own operating point, in the fixed order."""
        return tuple(name for name, score in self.scores.items() if score >= self._point(name).raise_at)

    @property
    def review(self) -> tuple[str, ...]:
        """The labels in the undecided band: below the point at which they are raised, yet not to be dismissed."""
        return tuple(
            name
            for name, score in self.scores.items()
            if self._point(name).review_at <= score < self._point(name).raise_at
        )

    def _point(self, label: str) -> OperatingPoint:
        return self.points.get(label, OperatingPoint(raise_at=0.5, review_at=0.5))
