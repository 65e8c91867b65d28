"""The verbs: each takes what waits, does one thing, and writes the result and its done-mark in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from datetime import datetime, timedelta

import structlog

from alerts.channel import Channel
from alerts.errors import DeliveryError
from alerts.mention import Mention, match
from alerts.notice import Notice
from alerts.plan import Pace
from alerts.policy import Pack, tag
from alerts.school import Register, School
from classifiers.classifier import Classifier
from watcher.blindness import Faults
from watcher.classification import Reader
from watcher.disk import Disk
from watcher.errors import StoreError
from watcher.explanation import explain
from watcher.gap import Filler
from watcher.grouping import Grouper
from watcher.handing import case_of, source_of
from watcher.planning import Planner
from watcher.polling import Poller
from watcher.probe import SOURCE as TEST
from watcher.probe import Probe
from watcher.reasons import Reasons
from watcher.recheck import Checker
from watcher.store import Store
from watcher.store.accounts import AccountState
from watcher.store.matters import Judgement, Unjudged, input_digest
from watcher.store.posts import Seen
from watcher.synthetic import PLATFORM, SCHOOL
from watcher.telling import Teller

log = structlog.get_logger(__name__)

_RETRY = timedelta(seconds=30)
_LONGEST_RETRY = timedelta(minutes=15)


class Service:
    """Runs the verbs over one store."""

    def __init__(
        self,
        *,
        store: Store,
        poller: Poller,
        classifiers: Sequence[Classifier],
        pack_of: Callable[[str], Pack],
        teller: Teller,
        channel: Channel,
        criticism_window: timedelta = timedelta(hours=24),
        batch: int = 64,
        disk: Disk | None = None,
        reads: Container[str] | None = None,
        oldest: timedelta = timedelta(days=14),
        newer: Callable[[], Sequence[Classifier] | None] = lambda: None,
        renew: Callable[[datetime], int] = lambda _now: 0,
        mind: Callable[[datetime], int] = lambda _now: 0,
        follow_up: Callable[[datetime], int] = lambda _now: 0,
        pace: Pace | None = None,
        probe: Probe | None = None,
    ) -> None:
        """Put the parts together; ``newer`` gives the classifiers when others have been chosen since it was asked.

        ``renew`` brings the searches up to the day: a role-holder whose time has ended is looked for no more.
        ``mind`` renews the tokens that owners have granted, and reminds of those that end.
        ``follow_up`` chases what nobody has answered; ``pace`` is how often people are written to of ordinary matters.
        ``probe`` is the daily test of the whole way.
        """
        self.store = store
        self.poller = poller
        self.teller = teller
        self.faults = Faults(store, pack_of)
        self._reasons = Reasons(store)
        self._planner = Planner(store, teller, probe, pace=pace, oldest=oldest)
        self._probe = probe
        self._checker = Checker(store, poller)
        self._filler = Filler(store, poller)
        self._reader = Reader(store, classifiers, batch=batch, newer=newer)
        self._pack_of = pack_of
        self._channel = channel
        self._grouper = Grouper(store, pack_of, window=criticism_window, oldest=oldest)
        self._follow_up = follow_up
        self._disk = disk
        self._reads = reads
        self._renew = renew
        self._mind = mind

    def begin(self, now: datetime) -> None:
        """Put back into the queues what an older model read, an older pack judged, or a crash left half sent."""
        if self._disk is not None:
            self._disk.prepare()
        again = self._reader.begin()
        schools = self.store.register.all().schools
        judged = self.store.matters.reopen_for({s.id: tag(self._pack_of(s.pack)) for s in schools})
        mails = self.store.notices.release(now)
        self.store.accounts.wake(now)
        self._checker.begin(now)
        log.info("began", model=self._reader.read_by, to_read_again=again, to_judge_again=judged, to_send=mails)

    # poll ------------------------------------------------------------------------------------------------------------

    def due(self, now: datetime) -> tuple[AccountState, ...]:
        """The accounts whose time has come; one that was applied after this service began waits for its restart.

        Its token and options are in settings that this process has not read: to try would only make it look blind.
        """
        due = self.store.accounts.due(now)
        return tuple(state for state in due if self._reads is None or state.account.name in self._reads)

    def may_poll(self) -> bool:
        """Whether there is room for more; what is stored is still read, judged, told and purged when there is not."""
        return self._disk is None or not self._disk.is_tight()

    def poll(self, state: AccountState, now: datetime) -> bool:
        """Read one page of one account; whether more waits."""
        return self.poller.poll(state, now).more

    def broke(self, state: AccountState, now: datetime) -> None:
        """Note that reading an account met a fault of ours; it is tried again later, and shown until then."""
        why = "a fault in Watcher while reading this source; see the log"
        later = now + timedelta(seconds=max(state.every_s, 60))
        self.store.accounts.failed(state, why, permanent=False, next_at=later, now=now)

    def watch_sources(self, now: datetime) -> int:
        """Make sources that are blind or silent incidents, and end those of sources that see again."""
        return self.faults.watch(now) + self._reasons.watch(now)

    def recheck(self, now: datetime, going: Callable[[], bool] = lambda: True) -> int:
        """Look again at stored posts at their source, while ``going``; how many were asked for.

        What no platform gave again in time is let go.
        """
        asked = self._checker.check(now, going=going)
        self._checker.let_go(now)
        return asked

    def fill(self, now: datetime, going: Callable[[], bool] = lambda: True) -> int:
        """Ask again for what platforms did not give when it was time; how many pages were read."""
        return self._filler.fill(now, going=going)

    def probe(self, now: datetime) -> None:
        """Send the daily test on its way, or see how far it has come."""
        if self._probe is not None:
            self._probe.run(now)

    # match -----------------------------------------------------------------------------------------------------------

    def match(self, now: datetime, limit: int = 200) -> int:
        """Decide for each new version which schools it is about; how many were looked at."""
        waiting = self.store.posts.unmatched(limit)
        if not waiting:
            return 0
        schools = self.store.register.all().schools
        accounts = {state.account.name: state for state in self.store.accounts.all()}
        found: list[tuple[Seen, tuple[Mention, ...]]] = []
        for seen in waiting:
            if seen.post.platform == PLATFORM:
                found.append((seen, match(seen.post, tuple(self._test_school().values()), sources=(TEST,))))
                continue
            sources = tuple(source_of(seen, accounts[name]) for name in seen.accounts if name in accounts)
            found.append((seen, match(seen.post, schools, sources=sources)))
        with self.store.writing() as connection:
            for seen, mentions in found:
                self.store.matters.matched(connection, seen, mentions, now)
        return len(waiting)

    def _test_school(self) -> dict[str, School]:
        """The school of the daily test beside those of the register, by its id."""
        school = None if self._probe is None else self._probe.school()
        return {} if school is None else {school.id: school}

    # classify --------------------------------------------------------------------------------------------------------

    def classify(self, now: datetime, limit: int | None = None) -> int:
        """Have the models read what waits; how many versions were read."""
        return self._reader.classify(now, limit)

    # judge -----------------------------------------------------------------------------------------------------------

    def judge(self, now: datetime, limit: int = 200) -> int:
        """Apply each school's own policy to what waits; how many mentions were judged."""
        waiting = self.store.matters.unjudged(limit)
        if not waiting:
            return 0
        register = self.store.register.all()
        schools = {school.id: school for school in register.schools} | self._test_school()
        said = [(u, self._judge_one(u, schools.get(u.mention.school), register, now)) for u in waiting]
        with self.store.writing() as connection:
            for unjudged, judgement in said:
                self.store.matters.judged(connection, unjudged, judgement, now)
        return len(waiting)

    def _judge_one(self, unjudged: Unjudged, school: School | None, register: Register, now: datetime) -> Judgement:
        if school is None:
            # The school was taken out of the register: nobody's policy speaks for it any more.
            return Judgement(number=unjudged.number, flags=(), pack="none", input="")
        pack = self._pack_of(school.pack)
        return Judgement(
            number=unjudged.number,
            flags=tuple(pack.judge(case_of(unjudged, school, register, now))),
            pack=tag(pack),
            input=input_digest(unjudged, tag(pack)),
        )

    # group -----------------------------------------------------------------------------------------------------------

    def group(self, now: datetime, limit: int = 200) -> int:
        """Make every new flag part of an incident; how many flags were placed."""
        return self._grouper.group(now, limit, self._test_school())

    # explain ---------------------------------------------------------------------------------------------------------

    def explain(self, now: datetime, limit: int = 16) -> int:
        """Measure which words moved what is about to be told, newest first; how many versions were looked at."""
        return explain(self.store, self._reader.classifiers, now, limit)

    # plan and deliver ------------------------------------------------------------------------------------------------

    def plan(self, now: datetime, limit: int = 50) -> int:
        """Write the notices that the incidents' news call for; how many incidents were planned."""
        return self._planner.plan(now, limit)

    def follow_up(self, now: datetime) -> int:
        """Promise, chase, escalate, and tell of what persons did; how many matters were touched."""
        return self._follow_up(now)

    def deliver(self, now: datetime, limit: int = 20) -> int:
        """Send the notices whose time has come: first the sending, then the mark; how many were sent.

        Each is taken by itself, so that a grave one that comes meanwhile is the next.
        """
        sent = 0
        faults = self.store.incidents.faults()
        for _ in range(limit):
            notice = next(iter(self.store.notices.take(now, 1)), None)
            if notice is None:
                break
            try:
                self._channel.send(notice)
            except DeliveryError as error:
                self._undelivered(notice, error, now)
                continue
            self.store.notices.sent(notice, now)
            if _mail_to(notice) in faults:
                self.store.incidents.end_fault(_mail_to(notice), now)
            sent += 1
        return sent

    def _undelivered(self, notice: Notice, error: DeliveryError, now: datetime) -> None:
        log.warning("undelivered", notice=notice.id, permanent=error.permanent)
        if error.permanent:
            self.store.notices.failed(notice, str(error), now)
            self._tell_of_refusal(notice, str(error), now)
            return
        pause = min(_RETRY * 2 ** min(notice.attempts, 8), _LONGEST_RETRY)
        self.store.notices.put_off(notice, str(error), now + pause)

    def _tell_of_refusal(self, notice: Notice, why: str, now: datetime) -> None:
        """An address that takes no mail is a matter for the provider, told once while it lasts."""
        school = self.store.views.school_of(notice.id)
        register = self.store.register.all()
        found = next((s for s in register.schools if s.id == school), next(iter(register.schools), None))
        if found is not None and notice.reason != "digest" and school != SCHOOL:
            self.faults.open(_mail_to(notice), found, why, now)

    # digest and purge ------------------------------------------------------------------------------------------------

    def digest(self, now: datetime) -> int:
        """Write the weekly digests that are due; how many notices were new."""
        return sum(self.store.notices.add(notice, now) for notice in self.teller.digests(now))

    def mind(self, now: datetime) -> int:
        """Renew the tokens whose time has come, and write the reminders that are due; how many of both."""
        return self._mind(now)

    def purge(self, now: datetime) -> dict[str, int]:
        """Delete what is past its time; how many rows of each table."""
        self.store.register.renew(now)
        self._renew(now)
        self._checker.let_go(now)
        try:
            report = self.store.purge.purge(now)
        except StoreError:
            if self._disk is None or not self._disk.throw_ballast():
                raise
            report = self.store.purge.purge(now)
        log.info("purged", rows=report)
        return report

    def advance(self, now: datetime) -> int:
        """Run every verb from match to plan once; how much was done in all. A full disk stops it, nothing is lost."""
        try:
            self._reader.take_up()
            done = self.match(now) + self.classify(now) + self.judge(now) + self.group(now)
            return done + self.explain(now) + self.watch_sources(now) + self.plan(now) + self.follow_up(now)
        except StoreError as error:
            log.error("store_refused", error=str(error))
            return 0


def _mail_to(notice: Notice) -> str:
    """What an address that takes no mail is called among the faults."""
    return f"mail to {notice.role} ({notice.receiver})"
