"""Following up: every matter is promised, chased and escalated until somebody has it; whoever acts, the others hear."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog

from alerts.deadline import deadline, speed_of
from alerts.holiday import calendar_of
from alerts.incident import Incident
from alerts.notice import Notice
from alerts.plan import Intent, Pace
from alerts.policy import Pack
from alerts.receiver import JUNIORS, excluded, stand_ins
from alerts.route import Receiver, Route
from alerts.school import NEVER_TOLD, Register, School, title
from alerts.update import Update, stood_down, unanswered
from watcher.checking import is_unconfirmed
from watcher.config import Settings
from watcher.letterhead import Letterhead
from watcher.store import Store
from watcher.store.chases import Act
from watcher.store.incidents import Unplanned
from watcher.telling import Prepared, Teller

log = structlog.get_logger(__name__)

_BATCH = 50
_LATER = timedelta(days=1)
# Where nobody is left to ask, all are asked again: daily of what cannot wait, else once a week.
_AGAIN = timedelta(days=7)


class Follower:
    """Decides what is to be done about matters that nobody has answered, and tells of what persons did."""

    def __init__(
        self, store: Store, teller: Teller, head: Letterhead, pack_of: Callable[[str], Pack], pace: Pace
    ) -> None:
        self._store, self._teller, self._head = store, teller, head
        self._pack_of, self._pace = pack_of, pace

    def follow_up(self, now: datetime) -> int:
        """Make promises, tell of acts, chase and escalate what is late; how many matters were touched."""
        return (
            sum(self._safely(self._promise, unplanned, now) for unplanned in self._store.chases.unpromised(_BATCH))
            + sum(self._tell_act(act, now) for act in self._store.chases.acts(_BATCH))
            + sum(self._safely(self._chase, unplanned, now) for unplanned in self._store.chases.due(now, _BATCH))
        )

    def _safely(self, do: Callable[[Unplanned, datetime], None], unplanned: Unplanned, now: datetime) -> int:
        """One matter that cannot be followed up must not keep all others waiting; it is tried again later."""
        try:
            do(unplanned, now)
        except Exception:
            log.exception("not_followed_up", incident=unplanned.incident.reference)
            later = now + self._pace.chase
            self._store.chases.promise(unplanned.number, later, later)
            self._store.chases.put_off(unplanned.number, later)
            return 0
        return 1

    # promises --------------------------------------------------------------------------------------------------------

    def _promise(self, unplanned: Unplanned, now: datetime) -> None:
        incident, school = unplanned.incident, self._school(unplanned.incident)
        if school is None:
            self._store.chases.promise(unplanned.number, now + _LATER, now + _LATER)
            return
        pack = self._pack_of(school.pack)
        act_by = promised(incident, school, pack, incident.found_at or now)
        self._store.chases.promise(unplanned.number, act_by, self._next(incident, school, pack, now))

    def _next(self, incident: Incident, school: School, pack: Pack, now: datetime) -> datetime:
        """When a matter that is in somebody's hands now is asked for again."""
        if any(speed_of(route).immediate for route in _routes(incident, pack)):
            return now + self._pace.chase
        return max(promised(incident, school, pack, now), now + self._pace.chase)

    def _school(self, incident: Incident) -> School | None:
        return next((s for s in self._store.register.all().schools if s.id == incident.school), None)

    # chasing ---------------------------------------------------------------------------------------------------------

    def _chase(self, unplanned: Unplanned, now: datetime) -> None:
        of = self._teller.prepare(unplanned, now)
        if of is None:
            self._store.chases.put_off(unplanned.number, now + _LATER)
            return
        intents, what = self._step(unplanned, of, now)
        after = self._next(of.view.incident, of.school, of.pack, now)
        if what == "asked_all_again":
            after = now + (self._pace.repeat if of.view.incident.is_grave else _AGAIN)
        room = [intent for intent in intents if self._has_room(intent, of, now)]
        if intents and not room:
            # The day is full for all of them: tomorrow, and in the timeline by name.
            self._store.incidents.note(of.view.incident.reference, "held_back", f"{what} (capped)", now)
            self._store.chases.put_off(unplanned.number, self._morning(of.school, now))
            return
        notices = list(self._teller.written(replace(of, intents=tuple(room))))
        if what == "asked_all_again" and of.view.incident.is_grave:
            notices += self._last(of, now)
        why = ", ".join(f"{intent.receiver.role}" for intent in room)
        self._store.notices.follow(unplanned.number, notices, f"{what}: {why}" if why else what, after, now)

    def _step(self, unplanned: Unplanned, of: Prepared, now: datetime) -> tuple[list[Intent], str]:
        """Whom to ask now, and what the step is called: those who were told, then one rung after another, then all."""
        incident = of.view.incident
        if incident.chased == 0:
            return self._intents(self._asked(of, now), "chased", of, now), "chased"
        known = {notice.receiver for notice in of.view.notices}
        for role in self._ladder(unplanned, of):
            found = [r for r in self._teller.holders(of, role, now) if r.person not in known and r.role == role]
            if found:
                why = "Nobody who was told has answered"
                asked = [replace(r, why=f"{why}; the {title(role)} is next.") for r in found]
                return self._intents(asked, "escalated", of, now), "escalated"
        return self._intents(self._asked(of, now, every=True), "chased", of, now), "asked_all_again"

    def _asked(self, of: Prepared, now: datetime, *, every: bool = False) -> Sequence[Receiver]:
        """Those who were told, or the one to whom it was handed; ``every`` adds those to whom it was escalated."""
        incident, register = of.view.incident, self._store.register.all()
        if incident.held_by is not None and not every:
            return list(_known([incident.held_by], of, register, now))
        first = {receiver.person: receiver for receiver in of.told}
        if every:
            more = _known(dict.fromkeys(n.receiver for n in of.view.notices), of, register, now)
            first |= {receiver.person: receiver for receiver in more if receiver.person not in first}
        return list(first.values())

    def _ladder(self, unplanned: Unplanned, of: Prepared) -> Iterator[str]:
        """The roles to ask one after another: the policy's "or", then the chain; none that works for the accused."""
        incident = of.view.incident
        routes = _routes(incident, of.pack)
        accused = {role.strip() for role in (incident.about or "").split(",")}
        unfit = {junior for role in accused for junior in JUNIORS.get(role, ())} | set(NEVER_TOLD)
        recipients = [role for route in routes for role in route.recipients]
        roles = [*recipients] if is_unconfirmed(incident) else []
        roles += [role for route in routes for role in route.alternates]
        if unplanned.account is None:
            # That a source cannot be read is nobody's business up the chain.
            roles += [other for role in recipients for other in stand_ins(role, of.school)]
        yield from (role for role in dict.fromkeys(roles) if role not in unfit)

    def _intents(self, receivers: Iterable[Receiver], reason: str, of: Prepared, now: datetime) -> list[Intent]:
        before = self._store.notices.planned(of.view.incident.reference)
        return [
            Intent(
                incident=of.view.incident.reference,
                receiver=receiver,
                reason=reason,
                sequence=1 + sum(p.receiver == receiver.person and p.reason == reason for p in before),
                at=now,
            )
            for receiver in receivers
        ]

    def _has_room(self, intent: Intent, of: Prepared, now: datetime) -> bool:
        """Whether the receiver's day has room for it; a grave matter's always has."""
        if of.view.incident.is_grave:
            return True
        zone = ZoneInfo(of.school.timezone)
        midnight = datetime.combine(now.astimezone(zone).date(), time(0), zone)
        return self._store.notices.mails_since(intent.receiver.person, midnight) < self._pace.daily_cap

    def _morning(self, school: School, now: datetime) -> datetime:
        zone = ZoneInfo(school.timezone)
        return datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time(7), zone)

    def _last(self, of: Prepared, now: datetime) -> Iterator[Notice]:
        """Word to the last resort that nobody answers; of the matter itself they are told nothing."""
        incident, last = of.view.incident, self._head.last_resort
        before = self._store.notices.planned(incident.reference)
        asked = sum(p.receiver == last.person and p.reason == "escalated" for p in before)
        why = replace(last, why="Nobody who may know of it has answered.")
        yield self._update(unanswered(incident.reference, of.school.name), why, "escalated", 1 + asked, of, now)

    # acts ------------------------------------------------------------------------------------------------------------

    def _tell_act(self, act: Act, now: datetime) -> int:
        try:
            notices = tuple(self._heard(act, now))
        except Exception:
            log.exception("act_not_told", incident=act.of.incident.reference, what=act.what)
            return 0
        self._store.notices.tell_act(act.number, act.of.number, notices, now)
        return 1

    def _heard(self, act: Act, now: datetime) -> Iterator[Notice]:
        of = self._teller.prepare(act.of, now)
        if of is None or not of.view.incident.is_open:
            return
        register = self._store.register.all()
        who = _called(act.by, of.school, register, now)
        told = [n.receiver for n in of.view.notices if n.state != "failed" and n.receiver != act.by]
        others = list(_known(dict.fromkeys(told), of, register, now))
        if act.what == "acknowledged":
            for receiver in others:
                reference, school = of.view.incident.reference, of.school.name
                yield self._update(stood_down(reference, school, who), receiver, "stood_down", act.number, of, now)
            return
        why = f"{who} has handed it over to you." if act.what == "handed_over" else f"{who} has handed it back."
        mine = _known([act.to or ""], of, register, now) if act.what == "handed_over" else others
        intents = [
            Intent(
                incident=of.view.incident.reference,
                receiver=replace(receiver, why=why),
                reason=act.what,
                sequence=act.number,
                at=now,
            )
            for receiver in mine
        ]
        yield from self._teller.written(replace(of, intents=tuple(intents)))

    def _update(
        self, update: Update, receiver: Receiver, reason: str, sequence: int, of: Prepared, now: datetime
    ) -> Notice:
        return self._teller.update(update, receiver, reason, sequence, of, now)


def follower(settings: Settings, store: Store, teller: Teller, pack_of: Callable[[str], Pack]) -> Follower:
    """Who follows up as the settings say."""
    return Follower(store, teller, Letterhead(settings), pack_of, pace_of(settings))


def pace_of(settings: Settings) -> Pace:
    """How often people are written to, as the settings say."""
    alerts = settings.alerts
    return Pace(
        bundle=timedelta(minutes=alerts.bundle_m),
        repeat=timedelta(hours=alerts.repeat_h),
        daily_cap=alerts.daily_cap,
        chase=timedelta(minutes=alerts.chase_m),
    )


def promised(incident: Incident, school: School, pack: Pack, at: datetime) -> datetime:
    """By when the policy asks for somebody to have acted on a matter found at that moment: the soonest of its words."""
    calendar = calendar_of(school)
    return min(deadline(speed_of(route), at, calendar) for route in _routes(incident, pack))


def _routes(incident: Incident, pack: Pack) -> list[Route]:
    return [pack.route(concern, about=incident.about) for concern in incident.concerns]


def _known(persons: Iterable[str], of: Prepared, register: Register, now: datetime) -> Iterator[Receiver]:
    """Those of the persons who still hold an office there and may be told by mail, as receivers."""
    incident, day = of.view.incident, of.school.day(now)
    shut = excluded(of.school, register, day, about=incident.about, accused=incident.accused, by_mail=True)
    people = {person.id: person for person in register.people}
    roles = {notice.receiver: notice.role for notice in of.view.notices}
    for person in persons:
        held = register.roles_of(person, of.school, day) if person in people and person not in shut else ()
        if held:
            role = roles.get(person, held[0])
            why = f"You were told of it as {title(role)}."
            name, address = people[person].name, people[person].email
            yield Receiver(role=role, person=person, name=name, address=address, why=why)


def _called(person: str, school: School, register: Register, now: datetime) -> str:
    """A person by name and role."""
    name = next((p.name for p in register.people if p.id == person), person)
    roles = register.roles_of(person, school, school.day(now))
    return f"{name} ({title(roles[0])})" if roles else name
