"""From an incident or a week to finished notices: who is told, and the mail that waits in the outbox."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts import digest as weeks
from alerts.digest import Digest, Line, Tone
from alerts.excerpt import Excerpt
from alerts.flag import Flag
from alerts.incident import OPEN_STATES, Incident, severity
from alerts.letter import Letter
from alerts.notice import Notice, mail_of, message_id, notice_id
from alerts.plan import Intent, due
from alerts.policy import Pack
from alerts.receiver import excluded, receivers
from alerts.render import Matter, Place, digest_mail, incident_mail, summary_mail
from alerts.route import Receiver, Route
from alerts.school import Register, School
from classifiers.sentence import likelihood
from classifiers.verdict import Verdict
from connectors.post import Post
from watcher import unseen
from watcher.blindness import blind_times
from watcher.checking import Checker, is_unconfirmed
from watcher.config import Settings
from watcher.errors import ConfigError
from watcher.scope import leaders, scopes, trust_name
from watcher.serving import reachable
from watcher.store import Store
from watcher.store.incidents import Unplanned
from watcher.store.views import IncidentView

# What a mail may need of a burst; the page has the rest.
_POSTS_SHOWN = 20
_MOST_MATTERS = 500
_PRAISE = 3


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """An incident about to be told: what stands behind it, by which routes, who is told, and what is due now."""

    view: IncidentView
    school: School
    pack: Pack
    routes: tuple[Route, ...]
    told: tuple[Receiver, ...]
    intents: tuple[Intent, ...]


class Teller:
    """Writes notices; decides nothing about what a policy says and sends nothing."""

    def __init__(self, store: Store, settings: Settings, pack_of: Callable[[str], Pack]) -> None:
        self._store = store
        self._pack_of = pack_of
        self._sender = settings.mail.sender
        self._domain = settings.mail.sender.partition("@")[2]
        server = settings.server
        self._url = (server.public_url or f"http://{server.host}:{server.port}").rstrip("/")
        self._last_resort = Receiver(
            role="it_provider",
            person="last_resort",
            name="Watcher’s operator",
            address=settings.alerts.last_resort or settings.mail.sender,
            why="Nobody else can be told.",
        )
        self._checker = Checker(settings, self._last_resort)

    # incidents -------------------------------------------------------------------------------------------------------

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
        told = self._receivers(routes, school, register, now, incident, pack)
        if is_unconfirmed(incident):
            routes, told = self._checker.instead(routes, told, incident, school, register, now)
        intents = due(incident, told, self._store.notices, now)
        return Prepared(view=view, school=school, pack=pack, routes=routes, told=told, intents=intents)

    def written(self, of: Prepared, leaving: Container[str] = ()) -> tuple[Notice, ...]:
        """The finished notices to each but these persons."""
        return tuple(self._notice(intent, of) for intent in of.intents if intent.receiver.person not in leaving)

    def summary(self, person: str, several: Sequence[Prepared]) -> Iterator[Notice]:
        """One mail that tells a person of several incidents: a notice for each, all with the same message."""
        mine = [(of, next(i for i in of.intents if i.receiver.person == person)) for of in several]
        subject = f"summary:{','.join(sorted(intent.incident for _, intent in mine))}"
        receiver = mine[0][1].receiver
        letter = self._letter(subject, receiver, "summary", 0, mine[0][1].at)
        shown = [(self._matter(of.view, of.school, of.pack, ()), of.routes) for of, _ in mine]
        message = summary_mail(sorted(shown, key=lambda pair: pair[0].first_at, reverse=True), receiver, letter)
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

    def to_provider(
        self, school: School, subject: str, reason: str, sequence: int, now: datetime
    ) -> Iterator[tuple[Receiver, Letter]]:
        """Those who look after Watcher at a school today, each with the outside of a mail to them."""
        pack = self._pack_of(school.pack)
        for receiver in receivers(
            pack.route("blind_spot"),
            school,
            reachable(self._store, now),
            now.date(),
            last_resort=self._last_resort,
            document=pack.document,
        ):
            yield receiver, self._letter(subject, receiver, reason, sequence, now)

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
        self, routes: Sequence[Route], school: School, register: Register, now: datetime, incident: Incident, pack: Pack
    ) -> tuple[Receiver, ...]:
        found: dict[str, Receiver] = {}
        for route in routes:
            for receiver in receivers(
                route,
                school,
                register,
                now.date(),
                about=incident.about,
                accused=incident.accused,
                last_resort=self._last_resort,
                document=pack.document,
            ):
                found.setdefault(receiver.person, receiver)
        return tuple(found.values())

    def _notice(self, intent: Intent, of: Prepared) -> Notice:
        receiver, view = intent.receiver, of.view
        before = [n for n in view.notices if n.receiver == receiver.person]
        letter = self._letter(intent.incident, receiver, intent.reason, intent.sequence, intent.at)
        letter = replace(letter, thread=mail_of(before[0]) if before else None)
        others = tuple(dict.fromkeys(r.role for r in of.told if r.person != receiver.person))
        matter = self._matter(view, of.school, of.pack, others)
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

    def _letter(self, subject: str, receiver: Receiver, reason: str, sequence: int, at: datetime) -> Letter:
        own = notice_id(subject, receiver.person, reason, sequence)
        return Letter(
            message_id=message_id(own, self._domain), date=at.replace(microsecond=0), sender=self._sender, reason=reason
        )

    def _matter(self, view: IncidentView, school: School, pack: Pack, others: tuple[str, ...]) -> Matter:
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
            link=self._link(incident.reference),
            posts=incident.posts,
            places=tuple(places),
            excerpts=tuple(_excerpt(p.post, p.verdicts, {f.label for f in p.flags}) for p in view.posts),
            others=others,
            about=incident.about,
            note=unseen.note(self._store, view, school.timezone),
            undecided=any(f.review for post in view.posts for f in post.flags),
            likelihoods=tuple(_likelihoods(f for post in view.posts for f in post.flags)),
            timezone=school.timezone,
        )

    def _link(self, reference: str) -> str:
        return f"{self._url}/incidents/{reference}"

    # digests ---------------------------------------------------------------------------------------------------------

    def digests(self, now: datetime) -> Iterator[Notice]:
        """The digests that are due and were not written yet, for each school and each trust and receiver."""
        register = reachable(self._store, now)
        for scope, schools in scopes(register):
            timezone = schools[0].timezone
            newest = weeks.weeks_due(now, timezone, None)[-1]
            known = self._store.recall(f"digest:{scope}")
            if known is None or known[0] > newest:
                # Nothing was watched before the first start; and after a clock that ran ahead nothing is owed.
                self._store.remember(f"digest:{scope}", newest, now)
                continue
            for week in weeks.weeks_due(now, timezone, known[0]):
                for receiver in leaders(scope, schools, register, now):
                    yield self._digest_notice(scope, schools, register, week, receiver, now)
                self._store.remember(f"digest:{scope}", week, now)

    def _digest_notice(
        self, scope: str, schools: Sequence[School], register: Register, week: str, receiver: Receiver, now: datetime
    ) -> Notice:
        subject = weeks.digest_subject(scope, week)
        letter = self._letter(subject, receiver, "digest", 0, now)
        week_as_seen = self._week(scope, schools, register, week, receiver.person, now)
        return Notice(
            id=letter.message_id,
            subject_of=subject,
            receiver=receiver.person,
            address=receiver.address,
            role=receiver.role,
            reason="digest",
            message=digest_mail(week_as_seen, receiver, letter),
            created_at=now,
        )

    def preview(self, scope: str, week: str | None, now: datetime) -> tuple[Digest, bytes]:
        """A week as the first of its receivers would read it, and the finished mail; nothing is sent.

        Raises:
            ConfigError: no such school or trust, or no such week.
        """
        register = self._store.register.all()
        known = dict(scopes(register))
        if scope not in known:
            raise ConfigError((f"{scope!r} is no school or trust; known are {', '.join(known) or 'none yet'}",))
        schools = known[scope]
        chosen = week or weeks.weeks_due(now, schools[0].timezone, None)[-1]
        receiver = next(iter(leaders(scope, schools, register, now)), self._last_resort)
        try:
            found = self._week(scope, schools, register, chosen, receiver.person, now)
        except ValueError as error:
            raise ConfigError((f"week: {error}",)) from error
        letter = self._letter(weeks.digest_subject(scope, chosen), receiver, "digest", 0, now)
        return found, digest_mail(found, receiver, letter)

    def _week(
        self, scope: str, schools: Sequence[School], register: Register, week: str, reader: str, now: datetime
    ) -> Digest:
        """One week as one person may see it: matters about themselves are absent without a trace."""
        timezone = schools[0].timezone
        start, end = weeks.week_bounds(week, timezone)
        counts: dict[str, int] = {}
        lines: list[Line] = []
        praise: list[Excerpt] = []
        for school in schools:
            shown, hidden = self._matters(school, register, reader, start, end, now)
            first, last = start.date(), (end - timedelta(seconds=1)).date()
            add(counts, self._store.counts.between(school.id, first, last), 1)
            add(counts, self._store.views.counts_in([i.reference for i in hidden], first, last), -1)
            found = self._store.views.found_at([incident.reference for incident in shown])
            lines += [self._line(i, school, found.get(i.reference, i.opened_at), now) for i in shown]
            praise += [_excerpt(*p) for p in self._store.views.praise(school.id, first, last, _PRAISE)]
        name = schools[0].name if schools[0].id == scope else trust_name(register, scope)
        ids = {school.id for school in schools}
        return Digest(
            scope=name,
            week=week,
            timezone=timezone,
            read=sum(n for what, n in counts.items() if what.startswith("mentions:")),
            mentions=counts.get("mentions:yes", 0),
            tone=_tone(counts),
            flags={w.removeprefix("flags:"): n for w, n in counts.items() if w.startswith("flags:") and n > 0},
            opened=sum(start <= line.opened_at < end for line in lines),
            matters=tuple(lines),
            praise=tuple(praise[:_PRAISE]),
            blind=blind_times(self._store, ids, register, start, end),
            unread={w.removeprefix("unread:"): n for w, n in counts.items() if w.startswith("unread:") and n > 0},
            link=self._url,
        )

    def _matters(
        self, school: School, register: Register, reader: str, start: datetime, end: datetime, now: datetime
    ) -> tuple[list[Incident], list[Incident]]:
        """The week's matters and those still open: what the reader may see, and what they must not know of."""
        shown: list[Incident] = []
        hidden: list[Incident] = []
        for incident in self._store.views.incidents(limit=_MOST_MATTERS, school=school.id):
            if incident.opened_at >= end or not (incident.is_open or incident.last_flag_at >= start):
                continue
            kept_from = incident.about is not None and (
                reader in excluded(school, register, now.date(), about=incident.about, accused=incident.accused)
            )
            (hidden if kept_from else shown).append(incident)
        return shown, hidden

    def _line(self, incident: Incident, school: School, found_at: datetime, now: datetime) -> Line:
        """An incident in a digest; it can be overdue only from when it was found, however old its posts are."""
        pack = self._pack_of(school.pack)
        route = pack.route(max(incident.concerns, key=severity), about=incident.about)
        late = now > found_at + timedelta(minutes=route.within_minutes)
        return Line(
            reference=incident.reference,
            school=school.name,
            concerns=incident.concerns,
            state=incident.state,
            clause=None if route.clause is None else f"{pack.document} {route.clause}",
            opened_at=incident.opened_at,
            posts=incident.posts,
            overdue=late and incident.state == OPEN_STATES[0],
            link=self._link(incident.reference),
        )


def add(counts: dict[str, int], more: dict[str, int], sign: int) -> None:
    """Add counts to counts, or take them away."""
    for what, n in more.items():
        counts[what] = counts.get(what, 0) + sign * n


def _excerpt(post: Post, verdicts: Sequence[Verdict], labels: Container[str | None] = ()) -> Excerpt:
    """A post to be quoted, with what moved these labels."""
    spans = {span for verdict in verdicts for span in verdict.spans}
    moved = (span for verdict in verdicts for span in verdict.moved or () if span.kind in labels)
    return Excerpt(
        text=post.text, spans=tuple(sorted(spans, key=lambda s: (s.start, s.end, s.kind))), moved=tuple(moved)
    )


def _likelihoods(flags: Iterable[Flag]) -> Iterator[str]:
    """For each label behind the flags what its highest score means, the highest first."""
    scores: dict[str, float] = {}
    for flag in flags:
        if flag.label is not None and flag.score is not None:
            scores[flag.label] = max(flag.score, scores.get(flag.label, 0.0))
    for label in sorted(scores, key=lambda name: -scores[name]):
        yield likelihood(label, scores[label])


def _tone(counts: dict[str, int]) -> Tone:
    against = counts.get("flags:criticism", 0) + counts.get("flags:complaint", 0)
    praise = counts.get("flags:praise", 0)
    return Tone(criticism=against, praise=praise, other=max(counts.get("mentions:yes", 0) - against - praise, 0))
