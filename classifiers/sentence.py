"""Says in plain sentences why a passage was raised, and how sure that is."""

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
_ARE = {
    "criticism": "criticise the school",
    "cyberbullying": "abuse someone in the school community",
    "identifies_pupil": "make a pupil identifiable",
    "threat": "threaten somebody",
    "hate": "are hateful",
    "self_harm": "tell of self-harm or suicide",
    "extremism": "are extremist or tell of extremism",
    "sexual_content": "are sexual",
    "sar": "ask about personal data",
    "press": "are a press enquiry",
    "impersonation": "tell of or are someone posing as the school or its staff",
    "praise": "are praise",
}
_NEARLY_ALL, _FEW = 0.95, 0.05


def likelihood(label: str, score: float) -> str:
    """What a calibrated score means: of all posts scored like this, how many are what the label says."""
    if score >= _NEARLY_ALL:
        share = "More than 9 in 10"
    elif score < _FEW:
        share = "Fewer than 1 in 20"
    else:
        share = f"About {max(1, int(10 * score + 0.5))} in 10"
    return f"{share} posts scored like this {_ARE[label]} ({score:.0%})."


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
