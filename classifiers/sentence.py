"""Says in one plain sentence why a passage was raised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from classifiers.verdict import OperatingPoint, Span

_WORDS = {
    "criticism": "criticism of the school",
    "cyberbullying": "abuse of someone in the school community",
    "identifies_pupil": "making a pupil identifiable",
    "threat": "a threat",
    "hate": "hate",
    "self_harm": "self-harm or suicide",
    "extremism": "extremism",
    "sexual_content": "sexual content",
    "sar": "a request about personal data",
    "press": "a press enquiry",
    "impersonation": "someone posing as the school or its staff",
    "praise": "praise",
}


def reason(scores: Mapping[str, float], points: Mapping[str, OperatingPoint], spans: Sequence[Span]) -> str:
    """What is raised, what is undecided and which personal details stand in the text, as one sentence."""
    ordered = sorted(scores, key=lambda label: -scores[label])
    raised = [label for label in ordered if scores[label] >= points[label].raise_at]
    undecided = [label for label in ordered if points[label].review_at <= scores[label] < points[label].raise_at]
    parts = []
    if raised:
        parts.append("reads as " + _listed(raised, scores))
    if undecided:
        parts.append(("may be " if not raised else "perhaps also ") + _listed(undecided, scores))
    if not parts:
        parts.append("nothing in it is likely enough to need a person")
    kinds = sorted({span.kind.replace("_", " ") for span in spans})
    if kinds and (raised or undecided):
        parts.append("the text holds " + ", ".join(kinds))
    sentence = "; ".join(parts) + "."
    return sentence[0].upper() + sentence[1:]


def _listed(labels: Sequence[str], scores: Mapping[str, float]) -> str:
    return " and ".join(f"{_WORDS[label]} ({scores[label]:.0%})" for label in labels)
