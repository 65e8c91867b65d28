"""From an incident or a week to finished notices: who is told, and the mail that waits in the outbox."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.digest import Digest
from alerts.flag import Flag
from alerts.incident import severity
from alerts.letter import Letter
from alerts.notice import Notice, mail_of
from alerts.plan import Intent, due
from alerts.policy import Pack
from alerts.receiver import Passed, reach, receivers
from alerts.render import Matter, Place, incident_mail, summary_mail, update_mail
from alerts.route import Receiver, Route
from alerts.school import Register, School
from alerts.update import Update
from alerts.wording import listed
from classifiers.sentence import likelihood
from watcher import unseen
from watcher.checking import Checker, is_unconfirmed
from watcher.config import Settings
from watcher.letterhead import Letterhead
from watcher.serving import reachable
from watcher.store import Store
from watcher.store.incidents import Unplanned
from watcher.store.views import IncidentView
from watcher.weekly import Weekly, excerpt_of

# What a mail may need of a burst; the page has the rest.
_POSTS_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """An incident about to be told: what stands behind it, by which routes, who is told, and what is due now.

    ``passed`` are those who were passed over on the way, with the reason.
    """

    view: IncidentView
    school: School
    pack: Pack
    routes: tuple[Route, ...]
    told: tuple[Receiver, ...]
    intents: tuple[Intent, ...]
    passed: tuple[Passed, ...] = ()


class Teller:
    """Writes notices; decides nothing about what a policy says and sends nothing."""

    def __init__(self, store: Store, settings: Settings, pack_of: Callable[[str], Pack]) -> None:
        self._store = store
        self._pack_of = pack_of
        self._head = Letterhead(settings)
        self._weekly = Weekly(store, settings, self._head, pack_of)
        self._checker = Checker(settings, self._head.last_resort)

    def notices(self, unplanned: Unplanned, now: datetime) -> tuple[Notice, ...]:
        """The notices that an incident's news call for, finished and ready to be sent."""
        prepared = self.prepare(unplanned, now)
        return () if prepared is None else self.written(prepared)

    def prepare(self, unplanned: Unplanned, now: datetime) -> Prepared | None:
        """Who is to be told of an incident and by which rule; ``None`` where there is nobody left to ask for."""
        incident = unplanned.incident
        view = self._store.views.incident(incident.reference, _POSTS_SHOWN)
        register = reachable(self._store, now)
        school = next((s for s in register.schools if s.id == incident.school), None)
        if view is None or school is None:
            return None
        pack = self._pack_of(school.pack)
        routes = self._routes(view, pack)
        told, passed = self._receivers(routes, school, register, now, view, pack)
        if is_unconfirmed(incident):
            routes, told = self._checker.instead(routes, told, incident, school, register, now)
            passed = ()
        intents = due(incident, told, self._store.notices, now)
        return Prepared(view=view, school=school, pack=pack, routes=routes, told=told, intents=intents, passed=passed)

    def written(self, of: Prepared, leaving: Container[str] = ()) -> tuple[Notice, ...]:
        """The finished notices to each but these persons."""
        return tuple(self._notice(intent, of) for intent in of.intents if intent.receiver.person not in leaving)

    def summary(self, person: str, several: Sequence[Prepared], *, capped: bool = False) -> Iterator[Notice]:
        """One mail that tells a person of several incidents: a notice for each, all with the same message.

        They come from a new source's history, or the day was full before them (``capped``).
        """
        mine = [(of, next(i for i in of.intents if i.receiver.person == person)) for of in several]
        subject = f"summary:{','.join(sorted(intent.incident for _, intent in mine))}"
        receiver = mine[0][1].receiver
        letter = self._head.letter(subject, receiver, "summary", 0, mine[0][1].at)
        shown = [(self._matter(of.view, of.school, of.pack, {}), of.routes) for of, _ in mine]
        newest = sorted(shown, key=lambda pair: pair[0].first_at, reverse=True)
        message = summary_mail(newest, receiver, letter, capped=capped)
        for _, intent in mine:
            yield Notice(
                id=f"{letter.message_id}{intent.incident}",
                subject_of=intent.incident,
                receiver=person,
                address=receiver.address,
                role=intent.receiver.role,
                reason="summary",
                sequence=intent.sequence,
                message=message,
                created_at=intent.at,
            )

    def holders(self, of: Prepared, role: str, now: datetime) -> tuple[Receiver, ...]:
        """Who would be told of a matter under that role today, or in its stead; never the accused."""
        route = replace(of.routes[0], recipients=(role,), alternates=(), ours=(), aimed_at=None)
        register = reachable(self._store, now)
        return self._receivers([route], of.school, register, now, of.view, of.pack)[0]

    def update(
        self, update: Update, receiver: Receiver, reason: str, sequence: int, of: Prepared, now: datetime
    ) -> Notice:
        """A few sentences on what has become of a matter, in the thread of its first mail."""
        letter = self._head.letter(update.reference, receiver, reason, sequence, now)
        before = [n for n in of.view.notices if n.receiver == receiver.person]
        letter = replace(letter, thread=mail_of(before[0]) if before else None)
        return Notice(
            id=letter.message_id,
            subject_of=update.reference,
            receiver=receiver.person,
            address=receiver.address,
            role=receiver.role,
            reason=reason,
            sequence=sequence,
            message=update_mail(update, receiver, letter),
            created_at=now,
        )

    def to_provider(
        self, school: School, subject: str, reason: str, sequence: int, now: datetime
    ) -> Iterator[tuple[Receiver, Letter]]:
        """Those who look after Watcher at a school today, each with the outside of a mail to them."""
        pack = self._pack_of(school.pack)
        for receiver in receivers(
            pack.route("blind_spot"),
            school,
            reachable(self._store, now),
            now,
            last_resort=self._head.last_resort,
            document=pack.document,
        ):
            yield receiver, self._head.letter(subject, receiver, reason, sequence, now)

    def _routes(self, view: IncidentView, pack: Pack) -> tuple[Route, ...]:
        """The policy's answer for each concern of the incident, the gravest first, each answer once."""
        about = view.incident.about
        asked = {(f.concern, f.target, f.author): None for post in view.posts for f in post.flags}
        concerns = {concern for concern, _, _ in asked}
        # A concern whose only flag stands in a post that is not shown, or that no post is behind.
        asked |= {(c, None, None): None for c in view.incident.concerns if c not in concerns}
        found = [pack.route(c, about=about, target=t, author=a) for c, t, a in asked]
        return tuple(sorted(dict.fromkeys(found), key=lambda r: -severity(r.concern)))

    def _receivers(
        self, routes: Sequence[Route], school: School, register: Register, now: datetime, view: IncidentView, pack: Pack
    ) -> tuple[tuple[Receiver, ...], tuple[Passed, ...]]:
        """Who is told by these routes, each once, and who was passed over by all of them."""
        incident = view.incident
        aimed = (flag.target_person for post in view.posts for flag in post.flags if flag.concern == "threat")
        targeted = tuple(dict.fromkeys(one for ids in aimed for one in (ids or "").split(",") if one))
        found: dict[str, Receiver] = {}
        passed: dict[tuple[str | None, str], Passed] = {}
        for route in routes:
            reached = reach(
                route,
                school,
                register,
                now,
                about=incident.about,
                accused=incident.accused,
                targeted=targeted,
                last_resort=self._head.last_resort,
                document=pack.document,
            )
            for receiver in reached.told:
                found.setdefault(receiver.person, receiver)
            for one in reached.passed:
                passed.setdefault((one.person, one.role), one)
        return tuple(found.values()), tuple(one for one in passed.values() if one.person not in found)

    def _notice(self, intent: Intent, of: Prepared) -> Notice:
        receiver, view = intent.receiver, of.view
        before = [n for n in view.notices if n.receiver == receiver.person]
        letter = self._head.letter(intent.incident, receiver, intent.reason, intent.sequence, intent.at)
        letter = replace(letter, thread=mail_of(before[0]) if before else None)
        others: dict[str, list[str]] = {}
        for other in of.told:
            if other.person != receiver.person:
                others.setdefault(other.role, []).append(other.name)
        matter = self._matter(view, of.school, of.pack, {role: listed(names) for role, names in others.items()})
        return Notice(
            id=letter.message_id,
            subject_of=intent.incident,
            receiver=receiver.person,
            address=receiver.address,
            role=receiver.role,
            reason=intent.reason,
            sequence=intent.sequence,
            message=incident_mail(matter, receiver, of.routes, letter),
            created_at=intent.at,
        )

    def _matter(self, view: IncidentView, school: School, pack: Pack, others: Mapping[str, str]) -> Matter:
        incident = view.incident
        places = dict.fromkeys(Place(platform=p.post.platform, url=p.post.url) for p in view.posts)
        return Matter(
            reference=incident.reference,
            school=school.name,
            document=pack.title,
            short=pack.document,
            concerns=tuple(sorted(incident.concerns, key=lambda c: -severity(c))),
            first_at=incident.opened_at,
            last_at=incident.last_flag_at,
            link=self._head.link(incident.reference),
            posts=incident.posts,
            places=tuple(places),
            excerpts=tuple(excerpt_of(p.post, p.verdicts, {f.label for f in p.flags}) for p in view.posts),
            others=tuple(others),
            named=tuple(others.items()),
            about=incident.about,
            targets=incident.targets,
            note=unseen.note(self._store, view, school.timezone),
            undecided=any(f.review for post in view.posts for f in post.flags),
            likelihoods=tuple(_likelihoods(f for post in view.posts for f in post.flags)),
            timezone=school.timezone,
        )

    def digests(self, now: datetime) -> Iterator[Notice]:
        """The digests that are due and were not written yet."""
        return self._weekly.digests(now)

    def preview(self, scope: str, week: str | None, now: datetime) -> tuple[Digest, bytes]:
        """A week as the first of its receivers would read it, and the finished mail; nothing is sent.

        Raises:
            ConfigError: no such school or trust, or no such week.
        """
        return self._weekly.preview(scope, week, now)


def _likelihoods(flags: Iterable[Flag]) -> Iterator[str]:
    """For each label behind the flags what its highest score means, the highest first."""
    scores: dict[str, float] = {}
    for flag in flags:
        if flag.label is not None and flag.score is not None:
            scores[flag.label] = max(flag.score, scores.get(flag.label, 0.0))
    for label in sorted(scores, key=lambda name: -scores[name]):
        yield likelihood(label, scores[label])
