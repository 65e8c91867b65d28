"""Grouping: every new flag becomes part of an incident, by what it is, by what persons ruled, and never by accident."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from alerts import incident as matters
from alerts.deadline import deadline, speed_of
from alerts.flag import GRAVE
from alerts.holiday import calendar_of
from alerts.incident import Candidate, Incident
from alerts.policy import Pack
from alerts.receiver import excluded
from alerts.route import Route, to_checker
from alerts.school import Register, School
from watcher.handing import candidate_of
from watcher.reference import random_reference
from watcher.store import Store, Transaction
from watcher.store.incidents import Ungrouped


class Grouper:
    """Places flags into incidents."""

    def __init__(self, store: Store, pack_of: Callable[[str], Pack], *, window: timedelta, oldest: timedelta) -> None:
        self._store, self._pack_of = store, pack_of
        self._window, self._oldest = window, oldest

    def group(self, now: datetime, limit: int, more: Mapping[str, School]) -> int:
        """Make every new flag part of an incident; ``more`` are schools beside the register's; how many were placed."""
        waiting = self._store.incidents.ungrouped(limit)
        if not waiting:
            return 0
        register = self._store.register.all()
        schools = {school.id: school for school in register.schools} | dict(more)
        by_number = {flag.number: flag for flag in waiting}
        routes = {flag.number: self.route_of(flag, schools) for flag in waiting}
        told = {
            number: route
            for number, route in routes.items()
            if route is not None and route.recipients and not self._is_history(by_number[number], now)
        }
        candidates = [candidate_of(by_number[number], route, now) for number, route in told.items()]
        known = {school: self._store.incidents.open(school) for school in {c.school for c in candidates}}
        with self._store.writing() as connection:
            for number in routes.keys() - told.keys():
                self._store.incidents.leave(connection, by_number[number], now)
            for candidate in matters.ordered(self._ruled(connection, c) for c in candidates):
                school = schools[candidate.school]
                accused = self._accused(candidate, school, register, now)
                act_by = deadline(speed_of(told[candidate.flag]), now, calendar_of(school))
                self._place(
                    connection, candidate, by_number[candidate.flag], known[candidate.school], accused, act_by, now
                )
        return len(waiting)

    def route_of(self, flag: Ungrouped, schools: Mapping[str, School]) -> Route | None:
        """The policy's answer for a flag, to the checker alone while its school is not confirmed."""
        school = schools.get(flag.school)
        if school is None:
            return None
        of = flag.flag
        route = self._pack_of(school.pack).route(of.concern, about=of.about, target=of.target, author=of.author)
        return route if of.confirmed else to_checker(route)

    def _ruled(self, connection: Transaction, candidate: Candidate) -> Candidate:
        """The candidate with what persons have said of what it is known by."""
        return replace(
            candidate, rulings=self._store.rulings.of(connection, matters.fingerprints(replace(candidate, rulings=())))
        )

    def _is_history(self, flag: Ungrouped, now: datetime) -> bool:
        """Whether a post is too old to alert anybody of: the first reading of a source brings years of them.

        What may still harm a child is told however old it is.
        """
        said = flag.post.created_at
        return flag.flag.concern not in GRAVE and said is not None and said < now - self._oldest

    def _accused(self, candidate: Candidate, school: School, register: Register, now: datetime) -> tuple[str, ...]:
        """The persons behind the accused role today: they stay the accused, whatever they hold later."""
        if candidate.about is None:
            return ()
        return tuple(sorted(excluded(school, register, now, about=candidate.about)))

    def _place(
        self,
        connection: Transaction,
        candidate: Candidate,
        flag: Ungrouped,
        known: dict[int, Incident],
        accused: tuple[str, ...],
        act_by: datetime,
        now: datetime,
    ) -> None:
        found = matters.join(candidate, known.values(), self._window)
        if found is None:
            incident = matters.opened(candidate, random_reference())
            incident = replace(incident, accused=accused, found_at=now, act_by=act_by)
            number = self._store.incidents.start(connection, flag, incident, now)
            self._store.incidents.heard(connection, number, voice_of(candidate))
            known[number] = incident
            return
        number = next(n for n, incident in known.items() if incident is found)
        new_post = not self._store.incidents.holds_post(connection, number, flag)
        heard = self._store.incidents.heard(connection, number, voice_of(candidate)) if new_post else (0, 0)
        after = matters.joined(found, candidate, new_post=new_post, voices=heard[0], repeats=heard[1])
        if after.news != found.news:
            after = replace(after, act_by=act_by if after.act_by is None else min(after.act_by, act_by))
        self._store.incidents.join(connection, number, flag, found, after, now)
        known[number] = after


def voice_of(candidate: Candidate) -> str:
    """Who said it, as a digest that only counts; a post whose author is unknown is a voice of its own."""
    platform, origin, post = candidate.post
    who = ["author", candidate.author] if candidate.author else ["post", post]
    return hashlib.sha256(json.dumps([platform, origin, *who]).encode()).hexdigest()[:40]
