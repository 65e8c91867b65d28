"""What a policy has people write down about a matter, by name and in words."""

from __future__ import annotations

from collections.abc import Iterable

# Packs use the names on the left; new ones may be added.
RECORDS = {
    "url": "the address (URL) of the post or site",
    "time": "the date and time of the post",
    "reporter": "who reported it",
    "screenshot": "a screenshot (never of an indecent image of a child)",
    "course_of_action": "the course of action that was decided on, by whom and why",
    "investigation": "what was looked into and found",
    "police_decision": "whether the police are told: who decided it, when and why",
    "referral_decision": "whether social care or the local authority is told: who decided it, when and why",
    "criminalise_decision": "whether a pupil is kept from being criminalised: the DSL’s decision and why",
    "advice": "advice taken from HR or a lawyer",
    "support": "the support offered to the one it is aimed at",
    "meeting": "the meeting held: when, with whom, what was agreed",
    "sanction": "the sanction, or access taken away",
    "removal": "whether the post was asked to be taken down, when, and the answer",
    "rejection": "the message that turned the approach down",
    "relationship": "the relationship declared and acknowledged",
    "approval": "the written approval of a reply: the words, who gave it, when",
    "redirect": "the channel to which the person was pointed",
    "breach": "the data breach: what, whose data, when it was known, and whether the ICO is told",
    "request": "the request: who asks, for what, and the day it was made",
    "blocked": "the address that was blocked or unblocked, and when",
    "parents": "what was shared with parents or carers",
    "complaint": "the complaint, and how it was answered",
    "justification": "the justification for acting outside the policy",
    "rationale": "the rationale of the account: aim, audience, promotion, who runs it",
    "permission": "the permission given: by whom, for what",
    "discussion": "with whom it was discussed before anything was posted",
}


def in_words(names: Iterable[str]) -> tuple[str, ...]:
    """What is to be written down, as a person reads it."""
    return tuple(RECORDS[name] for name in names)
