"""What has become of a matter, told in a few sentences to people who know of it already."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Update:
    """One piece of word about an incident: a headline and sentences of ours; nothing of the matter itself."""

    reference: str
    school: str
    headline: str
    lines: tuple[str, ...]
    urgent: bool = False


def stood_down(reference: str, school: str, who: str) -> Update:
    """That somebody, by name, has a matter in hand, and the others need do nothing."""
    return Update(
        reference=reference,
        school=school,
        headline=f"{who} has it",
        lines=(
            f"{who} has taken on {reference}. You need do nothing more about it, unless they ask you.",
            "Should you know of something that they do not, tell them yourself. If it is handed back or gets worse, "
            "you are told again.",
        ),
    )


def unanswered(reference: str, school: str) -> Update:
    """That nobody who may know of a grave matter has answered, said to the last resort, who is told nothing of it."""
    return Update(
        reference=reference,
        school=school,
        headline="Nobody has answered",
        lines=(
            f"Everybody at {school} who may know of {reference} has been told, and nobody has said that they have it. "
            "It is of a kind that cannot wait.",
            "Please telephone the school or its trust now and ask for the safeguarding lead or whoever is in charge. "
            "Give them the reference; you need to know nothing else of it.",
            "If you learn that anyone is in immediate danger, call 999.",
        ),
        urgent=True,
    )
