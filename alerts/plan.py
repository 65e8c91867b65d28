"""Which notices are due now, and why: the incident as it stands against what was planned before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from alerts.incident import Incident
from alerts.route import Receiver

# Of several pieces of news that share one mail, the one that the mail is named after.
_WEIGHT = ("opened", "more_severe", "new_concern", "new_target")
# What tells of the incident itself: the news, alone or with others' in one summary.
_TELLING = (*_WEIGHT, "summary")


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What a receiver was to be told of an incident: a notice exists, whatever became of it."""

    receiver: str
    reason: str
    sequence: int


@dataclass(frozen=True, kw_only=True)
class Intent:
    """A notice that ought to exist: unique by incident, receiver (a person), reason and sequence.

    ``sequence`` is the position in the incident's news up to which the notice tells; ``at`` is when it was planned.
    """

    incident: str
    receiver: Receiver
    reason: str
    sequence: int
    at: datetime


class NoticeLog(Protocol):
    """What was planned before; the store implements it."""

    def planned(self, incident: str) -> tuple[Planned, ...]:
        """All notices of the incident of that reference, pending, sent or failed."""
        ...


def due(incident: Incident, receivers: Iterable[Receiver], log: NoticeLog, now: datetime) -> tuple[Intent, ...]:
    """The notices due now: to everyone once, and again when there is news; one a person, however much has happened.

    That more posts have joined is no news. A closed incident is due to nobody; somebody who becomes a receiver
    later is told of the whole as ``opened``.
    """
    if not incident.is_open:
        return ()
    before = log.planned(incident.reference)
    intents = (_intent(incident, receiver, before, now) for receiver in _one_a_person(receivers))
    return tuple(intent for intent in intents if intent is not None)


def _intent(incident: Incident, receiver: Receiver, before: tuple[Planned, ...], now: datetime) -> Intent | None:
    # Reasons that are no news of the incident (a chaser, say) count on their own and tell nothing new.
    told = [p.sequence for p in before if p.receiver == receiver.person and p.reason in _TELLING]
    latest = len(incident.news) - 1
    if not told:
        reason = "opened"
    elif max(told) >= latest:
        return None
    else:
        reason = min(incident.news[max(told) + 1 :], key=_WEIGHT.index)
    return Intent(incident=incident.reference, receiver=receiver, reason=reason, sequence=latest, at=now)


def _one_a_person(receivers: Iterable[Receiver]) -> tuple[Receiver, ...]:
    """Each person once, under the first of their roles, with every reason why it is they who are told."""
    found: dict[str, Receiver] = {}
    for receiver in receivers:
        first = found.setdefault(receiver.person, receiver)
        if receiver.why not in first.why:
            found[receiver.person] = replace(first, why=f"{first.why} {receiver.why}")
    return tuple(found.values())
