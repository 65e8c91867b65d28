"""The weekly digest: which are due, who reads them, and what a week was as one person may see it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from datetime import datetime, timedelta

from alerts import digest as weeks
from alerts.digest import Digest, Line, Tone
from alerts.excerpt import Excerpt
from alerts.incident import OPEN_STATES, Incident, severity
from alerts.notice import Notice
from alerts.policy import Pack
from alerts.receiver import excluded
from alerts.render import digest_mail
from alerts.route import Receiver
from alerts.school import Register, School
from classifiers.verdict import Verdict
from connectors.post import Post
from watcher.blindness import blind_times
from watcher.errors import ConfigError
from watcher.letterhead import Letterhead
from watcher.scope import leaders, scopes, trust_name
from watcher.serving import reachable
from watcher.store import Store

_MOST_MATTERS = 500
_PRAISE = 3


class Weekly:
    """Writes the digests; sends nothing."""

    def __init__(self, store: Store, head: Letterhead, pack_of: Callable[[str], Pack]) -> None:
        self._store, self._head, self._pack_of = store, head, pack_of

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
        letter = self._head.letter(subject, receiver, "digest", 0, now)
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
        receiver = next(iter(leaders(scope, schools, register, now)), self._head.last_resort)
        try:
            found = self._week(scope, schools, register, chosen, receiver.person, now)
        except ValueError as error:
            raise ConfigError((f"week: {error}",)) from error
        letter = self._head.letter(weeks.digest_subject(scope, chosen), receiver, "digest", 0, now)
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
            add(counts, self._store.weeks.counts_in([i.reference for i in hidden], first, last), -1)
            found = self._store.weeks.found_at([incident.reference for incident in shown])
            lines += [self._line(i, school, found.get(i.reference, i.opened_at), now) for i in shown]
            praise += [excerpt_of(*p) for p in self._store.weeks.praise(school.id, first, last, _PRAISE)]
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
            link=self._head.url,
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
                reader in excluded(school, register, now, about=incident.about, accused=incident.accused, by_mail=True)
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
            link=self._head.link(incident.reference),
        )


def add(counts: dict[str, int], more: dict[str, int], sign: int) -> None:
    """Add counts to counts, or take them away."""
    for what, n in more.items():
        counts[what] = counts.get(what, 0) + sign * n


def excerpt_of(post: Post, verdicts: Sequence[Verdict], labels: Container[str | None] = ()) -> Excerpt:
    """A post to be quoted, with what moved these labels."""
    spans = {span for verdict in verdicts for span in verdict.spans}
    moved = (span for verdict in verdicts for span in verdict.moved or () if span.kind in labels)
    return Excerpt(
        text=post.text, spans=tuple(sorted(spans, key=lambda s: (s.start, s.end, s.kind))), moved=tuple(moved)
    )


def _tone(counts: dict[str, int]) -> Tone:
    against = counts.get("flags:criticism", 0) + counts.get("flags:complaint", 0)
    praise = counts.get("flags:praise", 0)
    return Tone(criticism=against, praise=praise, other=max(counts.get("mentions:yes", 0) - against - praise, 0))
