"""Mentions, verdicts, answers and flags: what matching, reading and judging write."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, select, update

from alerts.answer import Answer, refused
from alerts.flag import Flag
from alerts.mention import Mention
from alerts.wording import label_phrase
from classifiers.verdict import OperatingPoint, Span, Verdict
from connectors.post import Post
from watcher.correction import refused_label
from watcher.store import lasting
from watcher.store import schema as t
from watcher.store.confirming import REFUSED, close_if_bare, is_answered, is_refused, regroup
from watcher.store.engine import reading, writing
from watcher.store.incidents import note_once
from watcher.store.posts import Seen, Unread, post_of, texts_above
from watcher.store.removal import concerns_removal, remembered, remove_of, stands
from watcher.store.write import add, insert_once, put_all
from watcher.synthetic import SCHOOL

# When two accounts bring the same post, the surer reading of "is it about us" stands.
_SURER = {"no": 0, "unclear": 1, "yes": 2}


@dataclass(frozen=True, kw_only=True)
class Unjudged:
    """A mention whose newest verdict, answer or pack is newer than its judgement.

    ``above`` are the texts that the post stands under, nearest first. ``erased``: its own text is not kept any more.
    """

    number: int
    version: int
    post: Post
    mention: Mention
    verdicts: tuple[Verdict, ...]
    answers: tuple[Answer, ...]
    above: tuple[str, ...] = ()
    erased: bool = False


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a pack said of a mention, and the digest of all that it was said on."""

    number: int
    flags: tuple[Flag, ...]
    pack: str
    input: str


class MatterShelf:
    """Keeps mentions and what is said of them; verbs write whole batches, so theirs is the transaction."""

    def __init__(self, engine: Engine, days: int, noise_days: int) -> None:
        self._engine = engine
        self._days = days
        self._noise_days = noise_days

    def matched(self, connection: Connection, seen: Seen, mentions: Sequence[Mention], now: datetime) -> None:
        """Write which schools a version is about, and that its sightings were looked at."""
        for mention in mentions:
            self._mention(connection, seen, mention, now)
        looked_at = t.sighting.c.id.in_(seen.sightings)
        connection.execute(update(t.sighting).where(looked_at).values(matched_at=now))
        lasting.by_relevance(connection, seen.number, now, self._noise_days)

    def _mention(self, connection: Connection, seen: Seen, mention: Mention, now: datetime) -> None:
        values = {"version": seen.number, "school": mention.school, "relevance": mention.relevance}
        values |= {"reason": mention.reason}
        gone = now + timedelta(days=self._days)
        if insert_once(connection, t.mention, {**values, "at": now, "delete_after": gone}) is not None:
            count(connection, mention.school, day_of(seen.post, now), f"mentions:{mention.relevance}", 1)
            return
        same = (t.mention.c.version == seen.number) & (t.mention.c.school == mention.school)
        old = connection.execute(select(t.mention.c.id, t.mention.c.relevance).where(same)).one()
        if _SURER[mention.relevance] > _SURER[old.relevance] and not is_answered(connection, old.id):
            changed = {"relevance": mention.relevance, "reason": mention.reason, "judged_at": None}
            connection.execute(update(t.mention).where(t.mention.c.id == old.id).values(**changed))
            count(connection, mention.school, day_of(seen.post, now), f"mentions:{old.relevance}", -1)
            count(connection, mention.school, day_of(seen.post, now), f"mentions:{mention.relevance}", 1)

    def read(
        self, connection: Connection, unread: Unread, verdicts: Sequence[Verdict], read_by: str, now: datetime
    ) -> None:
        """Write the verdicts of one version and that it was read; its mentions wait to be judged again."""
        self.read_all(connection, [(unread, verdicts)], read_by, now)

    def read_all(
        self,
        connection: Connection,
        found: Sequence[tuple[Unread, Sequence[Verdict]]],
        read_by: str,
        now: datetime,
    ) -> None:
        """``read`` for a batch of different versions; one that was deleted or emptied meanwhile is left out."""
        among = t.version.c.id.in_([unread.number for unread, _ in found]) & t.version.c.erased.is_(None)
        columns = select(t.version.c.id, t.version.c.delete_after).where(among)
        until = {row.id: row.delete_after for row in connection.execute(columns)}
        found = [(unread, verdicts) for unread, verdicts in found if unread.number in until]
        numbers = [unread.number for unread, _ in found]
        before = verdicts_by_version(connection, numbers)
        rows = [
            {
                "version": unread.number,
                "classifier": verdict.model,
                "model_version": verdict.version,
                "body": _verdict_body(verdict),
                "unread": verdict.unread,
                "at": now,
                "delete_after": until[unread.number],
                "moved": spans_body(verdict.moved),
            }
            for unread, verdicts in found
            for verdict in verdicts
        ]
        # Read again by a model that had read it before: it is this verdict that is the newest now.
        put_all(connection, t.verdict, ("version", "classifier", "model_version"), rows)
        read = update(t.version).where(t.version.c.id.in_(numbers))
        connection.execute(read.values(read_by=read_by, tries=0))
        connection.execute(update(t.mention).where(t.mention.c.version.in_(numbers)).values(judged_at=None))
        for unread, verdicts in found:
            self._recount(connection, unread, before.get(unread.number, ()), verdicts, now)

    def _recount(
        self,
        connection: Connection,
        unread: Unread,
        before: Sequence[Verdict],
        after: Sequence[Verdict],
        now: datetime,
    ) -> None:
        """Change the counts of what no model could read, where that has changed."""
        was, is_now = unread_by_all(before), unread_by_all(after)
        if was == is_now:
            return
        for school in connection.scalars(select(t.mention.c.school).where(t.mention.c.version == unread.number)).all():
            for reason, difference in ((was, -1), (is_now, 1)):
                if reason is not None:
                    count(connection, school, day_of(unread.post, now), f"unread:{reason}", difference)

    def failed_to_read(self, unread: Unread) -> int:
        """Count one more failure to read a version; how many there are now."""
        with writing(self._engine) as connection:
            same = t.version.c.id == unread.number
            connection.execute(update(t.version).where(same).values(tries=unread.tries + 1))
        return unread.tries + 1

    def unjudged(self, limit: int) -> tuple[Unjudged, ...]:
        """Mentions that wait for their school's policy, oldest first; only of versions that were read."""
        with reading(self._engine) as connection:
            waits = t.mention.c.judged_at.is_(None) & t.version.c.read_by.is_not(None)
            query = _cases().where(waits).order_by(t.mention.c.version).limit(limit)
            return tuple(self._unjudged(connection, row) for row in connection.execute(query).all())

    def known(self, mentions: Sequence[int]) -> dict[int, Unjudged]:
        """What is known of these mentions, judged or not, by number; without those that have gone."""
        with reading(self._engine) as connection:
            rows = connection.execute(_cases().where(t.mention.c.id.in_(mentions))).all()
            return {row.id: self._unjudged(connection, row) for row in rows}

    def _unjudged(self, connection: Connection, row: Row[Any]) -> Unjudged:
        post = post_of(row.body, official=row.official)
        return Unjudged(
            number=row.id,
            version=row.version,
            post=post,
            mention=Mention(school=row.school, relevance=row.relevance, reason=row.reason),
            verdicts=verdicts_of(connection, row.version),
            answers=remembered(connection, row, answers_of(connection, row.id)),
            above=texts_above(connection, post),
            erased=row.erased is not None,
        )

    def judged(self, connection: Connection, waiting: Unjudged, said: Judgement, now: datetime) -> None:
        """Add the flags that now hold, withdraw those that no longer do, and mark the mention judged."""
        new = {flag.rule: flag for flag in said.flags}
        kept: set[str] = set()
        for number, flag in active_flags(connection, waiting.number).items():
            if flag.rule in new and _matter(new[flag.rule]) == _matter(flag):
                kept.add(flag.rule)
                if new[flag.rule].confirmed and not flag.confirmed:
                    regroup(connection, number, new[flag.rule], now, self._days)
                elif flag.label in refused(waiting.answers):
                    # The same rule holds by another label: nobody is shown the one that was refused.
                    restated = update(t.flag).where(t.flag.c.id == number)
                    connection.execute(restated.values(body=asdict(new[flag.rule])))
            elif waiting.erased and stands(flag, waiting.answers, waiting.mention.school):
                kept.add(flag.rule)
            else:
                self._withdraw(connection, number, flag, waiting, now)
        for flag in said.flags:
            if flag.rule not in kept:
                self._flag(connection, flag, waiting, said.input, now)
        same = t.mention.c.id == waiting.number
        connection.execute(update(t.mention).where(same).values(judged_at=now, judged_pack=said.pack))
        # What was explained of an older verdict says nothing of this one.
        stale = (t.flag.c.mention == waiting.number) & t.flag.c.explained_at.is_not(None)
        connection.execute(update(t.flag).where(stale).values(explained_at=None))
        if concerns_removal(said.flags):
            remove_of(connection, waiting.version, now)

    def _flag(self, connection: Connection, flag: Flag, of: Unjudged, digest: str, now: datetime) -> None:
        row = {"mention": of.number, "pack": flag.pack, "pack_version": flag.pack_version, "rule": flag.rule}
        row |= {"input": digest, "concern": flag.concern, "body": asdict(flag), "at": now}
        gone = now + timedelta(days=self._days)
        known = _known(connection, of.number, flag)
        if insert_once(connection, t.flag, {"delete_after": gone, **row, **known}) is None:
            # The same input said so before and was overruled in between: the flag holds again.
            same = [t.flag.c[key] == row[key] for key in ("mention", "pack", "pack_version", "rule", "input")]
            again = {"withdrawn_at": None, "withdrawn_why": None, "body": row["body"], **known}
            connection.execute(update(t.flag).where(*same).values(**again))
        count(connection, of.mention.school, day_of(of.post, now), f"flags:{flag.concern}", 1)

    def _withdraw(self, connection: Connection, number: int, flag: Flag, of: Unjudged, now: datetime) -> None:
        label = refused_label(flag, refused(of.answers))
        other = is_refused(of.answers, of.mention.school)
        reread = REFUSED if other else "read again: the rule no longer holds"
        why = f'a person said no to "{label_phrase(label)}"' if label else reread
        same = t.flag.c.id == number
        connection.execute(update(t.flag).where(same).values(withdrawn_at=now, withdrawn_why=why))
        incident = connection.scalar(select(t.flag.c.incident).where(same))
        if (label is not None or other) and incident is not None:
            note_once(connection, incident, "withdrawn", why, now, self._days)
        if not flag.confirmed and incident is not None:
            close_if_bare(connection, incident, "dismissed", why, now, self._days)
        count(connection, of.mention.school, day_of(of.post, now), f"flags:{flag.concern}", -1)

    def reopen_for(self, packs: Mapping[str, str]) -> int:
        """Put every mention back whose school's pack (``school id`` → ``name@version``) is newer; how many."""
        n = 0
        with writing(self._engine) as connection:
            for school, pack in packs.items():
                erased = select(t.version.c.id).where(t.version.c.erased.is_not(None))
                stale = (t.mention.c.school == school) & (t.mention.c.judged_pack != pack)
                # A newer pack reads no text that is not kept any more.
                stale &= t.mention.c.version.not_in(erased)
                n += connection.execute(update(t.mention).where(stale).values(judged_at=None)).rowcount
        return n

    def answers(self, mention: int) -> tuple[Answer, ...]:
        """A mention's answers, newest last."""
        with reading(self._engine) as connection:
            return answers_of(connection, mention)

    def answered(self, mention: int, answer: Answer) -> None:
        """Write a person's answer; the case is judged again."""
        gone = answer.at + timedelta(days=self._days)
        row = {"mention": mention, "question": answer.question, "value": answer.value, "by": answer.by}
        row["reason"] = answer.reason
        with writing(self._engine) as connection:
            connection.execute(t.answer.insert().values(**row, at=answer.at, delete_after=gone))
            connection.execute(update(t.mention).where(t.mention.c.id == mention).values(judged_at=None))


def _cases() -> Select[Any]:
    return (
        select(t.mention, t.version.c.body, t.version.c.erased, t.post.c.official)
        .join(t.version, t.version.c.id == t.mention.c.version)
        .join(t.post, t.post.c.id == t.version.c.post)
    )


def active_flags(connection: Connection, mention: int) -> dict[int, Flag]:
    """The flags of a mention that were not withdrawn, by number."""
    query = select(t.flag.c.id, t.flag.c.body).where(t.flag.c.mention == mention, t.flag.c.withdrawn_at.is_(None))
    return {row.id: Flag(**row.body) for row in connection.execute(query)}


def verdicts_of(connection: Connection, version: int) -> tuple[Verdict, ...]:
    """The verdicts of the models that read a version last; while it waits for others, each classifier's newest."""
    return verdicts_by_version(connection, [version]).get(version, ())


def verdicts_by_version(connection: Connection, versions: Sequence[int]) -> dict[int, tuple[Verdict, ...]]:
    """``verdicts_of`` for many versions; without those that nothing has read."""
    query = select(t.verdict, t.version.c.read_by).join(t.version, t.version.c.id == t.verdict.c.version)
    query = query.where(t.verdict.c.version.in_(versions)).order_by(t.verdict.c.at, t.verdict.c.id)
    by_version: dict[int, list[Row[Any]]] = {}
    for row in connection.execute(query):
        by_version.setdefault(row.version, []).append(row)
    return {version: _newest(rows) for version, rows in by_version.items()}


def _newest(rows: Sequence[Row[Any]]) -> tuple[Verdict, ...]:
    # A model that was taken back has the older verdict; one that no longer reads has no say.
    last = [row for row in rows if f"{row.classifier}@{row.model_version}" in (row.read_by or "").split(";")]
    newest = {row.classifier: _verdict(row) for row in last or rows}
    return tuple(newest.values())


def answers_of(connection: Connection, mention: int) -> tuple[Answer, ...]:
    """A mention's answers, newest last."""
    query = select(t.answer).where(t.answer.c.mention == mention).order_by(t.answer.c.id)
    rows = connection.execute(query)
    return tuple(Answer(question=r.question, value=r.value, by=r.by, at=r.at, reason=r.reason) for r in rows)


def input_digest(waiting: Unjudged, pack: str) -> str:
    """The digest of all that a judgement rests on: text, relevance, verdicts, answers, pack, and the texts above."""
    parts = [
        waiting.post.content_digest,
        waiting.mention.relevance,
        [_verdict_body(v) | {"model": v.model, "version": v.version} for v in waiting.verdicts],
        [[a.question, a.value, *([a.reason] if a.reason else [])] for a in waiting.answers],
        pack,
        *waiting.above,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def day_of(post: Post, now: datetime) -> date:
    """The day on which a post counts: when it was written, or now where that is unknown or still to come."""
    said = post.created_at
    return (now if said is None or said > now else said).date()


def _matter(flag: Flag) -> tuple[str | None, ...]:
    """What must stay the same for a flag to be the same matter to the people told."""
    return (flag.concern, flag.about, flag.target)


def _known(connection: Connection, mention: int, flag: Flag) -> dict[str, Any]:
    """The place of an earlier flag that was this same matter, whose people have been told: nobody is told again.

    So a new model, or an old one that is back, raises no alert for what is known, be its incident open or closed.
    """
    query = (
        select(t.flag.c.incident, t.flag.c.grouped_at, t.flag.c.delete_after, t.flag.c.body)
        .where(t.flag.c.mention == mention, t.flag.c.concern == flag.concern, t.flag.c.incident.is_not(None))
        .order_by(t.flag.c.id.desc())
    )
    for row in connection.execute(query):
        before = Flag(**row.body)
        told = before.confirmed or not flag.confirmed
        if told and (_matter(before), before.author) == (_matter(flag), flag.author):
            return {"incident": row.incident, "grouped_at": row.grouped_at, "delete_after": row.delete_after}
    return {}


def unread_by_all(verdicts: Sequence[Verdict]) -> str | None:
    """Why no model could read it, or ``None`` where one could, or none has tried."""
    reasons = [verdict.unread for verdict in verdicts if verdict.unread]
    return reasons[0] if reasons and len(reasons) == len(verdicts) else None


def count(connection: Connection, school: str, day: date, what: str, difference: int) -> None:
    """Change a count of a school's day by a difference."""
    if school == SCHOOL:
        return
    add(connection, t.rollup, {"school": school, "day": day.isoformat(), "what": what}, "n", difference)


def _verdict_body(verdict: Verdict) -> dict[str, Any]:
    return {
        "scores": dict(verdict.scores),
        "points": {k: [p.raise_at, p.review_at] for k, p in verdict.points.items()},
        "spans": spans_body(verdict.spans),
        "reason": verdict.reason,
    }


def spans_body(spans: Sequence[Span] | None) -> list[list[Any]] | None:
    """Stretches as they are stored."""
    return None if spans is None else [[s.start, s.end, s.kind] for s in spans]


def _verdict(row: Row[Any]) -> Verdict:
    body = row.body
    return Verdict(
        model=row.classifier,
        version=row.model_version,
        scores=body["scores"],
        points={k: OperatingPoint(raise_at=p[0], review_at=p[1]) for k, p in body["points"].items()},
        spans=_spans(body["spans"]),
        reason=body["reason"],
        unread=row.unread,
        moved=None if row.moved is None else _spans(row.moved),
    )


def _spans(stored: Sequence[Sequence[Any]]) -> tuple[Span, ...]:
    return tuple(Span(start=s[0], end=s[1], kind=s[2]) for s in stored)
