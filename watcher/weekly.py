"""The weekly digest: which are due, who reads them, and what a week was as one person may see it."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts import digest as weeks
from alerts.digest import Digest, Line
from alerts.excerpt import Excerpt
from alerts.incident import OPEN_STATES, Incident, severity
from alerts.notice import Notice
from alerts.policy import Pack
from alerts.receiver import excluded
from alerts.render import digest_mail
from alerts.route import Receiver
from alerts.school import Register, School
from alerts.viewer import CLOSED, HIDDEN, SHUT
from classifiers.verdict import Span, Verdict
from connectors.post import Post
from watcher.blindness import blind_times
from watcher.config import Settings
from watcher.errors import ConfigError
from watcher.figures import Figures, Week, speeds, tone
from watcher.letterhead import Letterhead
from watcher.listing import how_seen
from watcher.scope import leaders, scopes, trust_name
from watcher.serving import reachable
from watcher.store import Store
from watcher.terms import batches

_PRAISE = 3


class Weekly:
    """Writes the digests; sends nothing."""

    def __init__(self, store: Store, settings: Settings, head: Letterhead, pack_of: Callable[[str], Pack]) -> None:
        self._store, self._head, self._pack_of = store, head, pack_of
        self._figures = Figures(store, lambda: batches(settings))

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
                # After a clock that ran ahead and came back, what was written stays written.
                written = {n.receiver for n in self._store.notices.of(weeks.digest_subject(scope, week))}
                for receiver in leaders(scope, schools, register, now):
                    if receiver.person not in written:
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

        Of what is closed to those who run Watcher there is the number alone, as on their pages: nobody has signed in.

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
        found = replace(
            found,
            matters=tuple(self._unsigned(found.matters, now)),
            flags={label: n for label, n in found.flags.items() if label not in CLOSED},
        )
        letter = self._head.letter(weeks.digest_subject(scope, chosen), receiver, "digest", 0, now)
        return found, digest_mail(found, receiver, letter)

    def _unsigned(self, lines: Sequence[Line], now: datetime) -> Iterator[Line]:
        """The lines as they may be shown to whoever stands at the machine."""
        for line in lines:
            seen = how_seen(self._store, line.reference, now)
            if seen == SHUT:
                yield replace(line, concerns=(), clause=None, posts=0, link=None, shut=True)
            elif seen != HIDDEN:
                yield line

    def _week(
        self, scope: str, schools: Sequence[School], register: Register, week: str, reader: str, now: datetime
    ) -> Digest:
        """One week as one person may see it: matters about themselves are absent without a trace."""
        hidden = {school.id: self._hidden(school, register, reader, now) for school in schools}
        this = Week(name=week, schools=tuple(schools), hidden=hidden)
        start, end = this.bounds
        matters = [(school, incident) for school in schools for incident in self._matters(school, this)]
        counts = self._figures.counts(this)
        lines = tuple(self._line(incident, school, now) for school, incident in matters)
        taken, closed = speeds((incident for _, incident in matters), start, end)
        return Digest(
            scope=schools[0].name if schools[0].id == scope else trust_name(register, scope),
            week=week,
            timezone=schools[0].timezone,
            read=sum(n for what, n in counts.items() if what.startswith("mentions:")),
            mentions=counts.get("mentions:yes", 0),
            tone=tone(counts),
            flags=_under("flags:", counts),
            opened=sum(start <= line.opened_at < end for line in lines),
            matters=lines,
            praise=self._praise(this),
            blind=blind_times(self._store, {school.id for school in schools}, register, start, end),
            unread=_under("unread:", counts),
            link=self._head.url,
            before=self._figures.past(replace(this, name=weeks.week_before(week))),
            year_ago=self._figures.past(replace(this, name=weeks.week_last_year(week))),
            topics=self._figures.topics(this),
            taken=taken,
            closed=closed,
            pence=self._figures.pence(this),
        )

    def _hidden(self, school: School, register: Register, reader: str, now: datetime) -> tuple[str, ...]:
        """The references of all that the reader must not know of, whenever it was."""
        return tuple(
            i.reference
            for i in self._store.weeks.accusing(school.id)
            if reader in excluded(school, register, now, about=i.about, accused=i.accused, by_mail=True)
        )

    def _matters(self, school: School, week: Week) -> Iterator[Incident]:
        """The week's matters and those still open, as far as the reader may see them."""
        hidden = week.hidden[school.id]
        found = self._store.weeks.matters(school.id, *week.bounds)
        return (incident for incident in found if incident.reference not in hidden)

    def _praise(self, week: Week) -> tuple[Excerpt, ...]:
        found = (p for s in week.schools for p in self._store.weeks.praise(s.id, *week.days, _PRAISE))
        return tuple(excerpt_of(*p) for p in found)[:_PRAISE]

    def _line(self, incident: Incident, school: School, now: datetime) -> Line:
        """An incident in a digest; it can be overdue only from when it was found, however old its posts are."""
        pack = self._pack_of(school.pack)
        route = pack.route(max(incident.concerns, key=severity), about=incident.about)
        found_at = incident.found_at or incident.opened_at
        act_by = incident.act_by or found_at + timedelta(minutes=route.within_minutes)
        return Line(
            reference=incident.reference,
            school=school.name,
            concerns=incident.concerns,
            state=incident.state,
            clause=None if route.clause is None else f"{pack.document} {route.clause}",
            opened_at=incident.opened_at,
            posts=incident.posts,
            overdue=now > act_by and incident.state == OPEN_STATES[0],
            link=self._head.link(incident.reference),
        )


def _under(kind: str, counts: Mapping[str, int]) -> dict[str, int]:
    """The counts of a kind, by what follows it."""
    return {what.removeprefix(kind): n for what, n in sorted(counts.items()) if what.startswith(kind)}


def excerpt_of(post: Post, verdicts: Sequence[Verdict], labels: Container[str | None] = ()) -> Excerpt:
    """A post to be quoted, with what moved these labels; its author is masked, too, wherever the text names them."""
    spans = {span for verdict in verdicts for span in verdict.spans} | set(_signed(post))
    moved = (span for verdict in verdicts for span in verdict.moved or () if span.kind in labels)
    return Excerpt(
        text=post.text, spans=tuple(sorted(spans, key=lambda s: (s.start, s.end, s.kind))), moved=tuple(moved)
    )


def _signed(post: Post) -> Iterator[Span]:
    """Where a text names its own author, by name or by handle."""
    author = post.author
    if author is None or author.official:
        return
    text = post.text.casefold()
    # A letter that becomes two when it is folded moves what follows it: then nothing can be said of places.
    for name in {author.name, author.handle} - {None, ""} if len(text) == len(post.text) else ():
        for found in re.finditer(rf"(?<!\w){re.escape(str(name).casefold())}(?!\w)", text):
            yield Span(start=found.start(), end=found.end(), kind="adult_name")
