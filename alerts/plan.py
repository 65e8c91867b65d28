"""Which notices are due now, and why: the incident as it stands against what was planned before; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from alerts.incident import Incident
from alerts.route import Receiver

# Of several pieces of news that share one mail, the one that the mail is named after.
_WEIGHT = ("opened", "said_again", "more_severe", "new_concern", "new_target")
# What tells of the incident itself: the news, alone or with others' in one summary.
_TELLING = (*_WEIGHT, "summary")
# Why somebody is not told of some news yet: never of a grave matter.
HELD = ("bundled", "repeated_too_soon", "capped")
# When the day's first mail may tell of what the day before had no room for; and how long before a promise it must.
_MORNING = time(7, 0)
_IN_TIME = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How often a person may be written to of ordinary matters; nothing here ever holds back a grave one.

    Within ``bundle`` of a notice further news of the matter wait and share one; the same piece of news comes again
    only after ``repeat``; after ``daily_cap`` mails in a day the rest comes in one summary. A grave matter that nobody
    has acknowledged is chased after ``chase``.
    """

    bundle: timedelta = timedelta(minutes=15)
    repeat: timedelta = timedelta(hours=24)
    daily_cap: int = 10
    chase: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What a receiver was to be told of an incident: a notice exists, whatever became of it."""

    receiver: str
    reason: str
    sequence: int
    at: datetime | None = None


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


@dataclass(frozen=True, kw_only=True)
class Held:
    """That a notice is not written yet: by which named reason, and until when."""

    intent: Intent
    reason: str
    until: datetime


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


def held(
    intent: Intent, incident: Incident, log: NoticeLog, mails: int, pace: Pace, timezone: str, now: datetime
) -> Held | None:
    """Why and until when a notice waits, or ``None`` where it is written now, as every grave matter's is.

    ``mails`` is how many mails of ordinary matters the receiver was written on this day, the school's own.
    """
    if incident.is_grave:
        return None
    mine = [p for p in log.planned(incident.reference) if p.receiver == intent.receiver.person and p.at is not None]
    before = max((p.at for p in mine if p.at is not None), default=None)
    if before is not None and before <= now < before + pace.bundle:
        return Held(intent=intent, reason="bundled", until=before + pace.bundle)
    same = max((p.at for p in mine if p.at is not None and p.reason == intent.reason), default=None)
    if same is not None and same <= now < same + pace.repeat:
        return Held(intent=intent, reason="repeated_too_soon", until=same + pace.repeat)
    if mails >= pace.daily_cap:
        return Held(intent=intent, reason="capped", until=summary_at(incident, pace, timezone, now))
    return None


def summary_at(incident: Incident, pace: Pace, timezone: str, now: datetime) -> datetime:
    """When the summary comes: on the next morning, or earlier where the policy's promise would be broken by then."""
    zone = ZoneInfo(timezone)
    morning = datetime.combine(now.astimezone(zone).date() + timedelta(days=1), _MORNING, zone).astimezone(now.tzinfo)
    if incident.act_by is None or incident.act_by <= now or incident.act_by > morning:
        return morning
    return min(morning, max(now + pace.bundle, incident.act_by - _IN_TIME))


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
