"""What nobody may keep is taken out of every table at once; where and when it stood and who reported it stays."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from alerts.answer import Answer, refused
from alerts.flag import Flag
from alerts.incident import OPEN_STATES
from watcher.correction import refused_label
from watcher.store import schema as t
from watcher.store.engine import sweep_after
from watcher.store.incidents import note_once
from watcher.store.storage import bare, empty, without_text

# Looking at it may itself be an offence, or a court has forbidden it: nothing of such a post is kept, however unsure
# the first reading is.
REMOVED = ("indecent_image", "sexual_content", "protected_identity")
WHY = (
    "Watcher keeps nothing of a post that may show an indecent image or reveal a protected identity: the address, the "
    "time and the digest are enough"
)
_GONE = "The content of the post was removed; what was read of it before stands."
_DAYS = 365
# So many words in a row that stand in a post say that something quotes it; a mail has more words of its own.
_RUN, _LONG_RUN = 3, 6
# An answer that was not a person's: what was read of the text while it was there.
_READ = "read before the content was removed"
_FACTS = ("about", "target", "author")


def concerns_removal(flags: Iterable[Flag]) -> bool:
    """Whether any of these flags says that nothing of the post may be kept."""
    return any(flag.concern in REMOVED for flag in flags)


def remove_of(connection: Connection, version: int, now: datetime, days: int = _DAYS) -> None:
    """``remove`` the post of which this is a version."""
    post = connection.scalar(select(t.version.c.post).where(t.version.c.id == version))
    if post is not None:
        remove(connection, post, WHY, now, days)


def remove(connection: Connection, post: int, why: str, now: datetime, days: int = _DAYS) -> None:
    """Take text, bytes and media links of a post out of every table and waiting mail, in the caller's transaction.

    What stays of each of its versions is where and when it stood, its digest, and who reported it where a person did;
    ``days`` is for how long the matters' notes of it are kept. Later readings of the post bring nothing back.
    """
    rows = connection.execute(select(t.version).where(t.version.c.post == post)).all()
    shut = connection.scalar(select(t.post.c.shut_at).where(t.post.c.id == post))
    full = [row for row in rows if shut is None or row.raw or row.body["text"]]
    if not full:
        return
    content = _content(full)
    for row in full:
        empty(connection, row.id, _left(row.body), row.erased or why, now)
    numbers = [row.id for row in rows]
    _forget_readings(connection, numbers)
    incidents = _incidents(connection, numbers)
    _reword(connection, numbers, incidents, content)
    _rewrite(connection, incidents, content, why)
    _empty_copies(connection, post, numbers, content)
    connection.execute(update(t.post).where(t.post.c.id == post).values(shut_at=now))
    for incident in incidents:
        note_once(connection, incident, "removed", f"the content of a post was removed: {why}", now, days)
    sweep_after(connection)


def remembered(connection: Connection, row: Row[Any], answers: tuple[Answer, ...]) -> tuple[Answer, ...]:
    """What people have answered of a mention, after what was read of its text where that is not kept any more.

    Without it no accused would be known, and whoever a post accuses would be told of it.
    """
    if row.erased is None:
        return answers
    query = select(t.flag.c.body).where(t.flag.c.mention == row.id).order_by(t.flag.c.id)
    flags = [Flag(**body) for body in connection.scalars(query)]
    found = {key: [str(v) for flag in flags if (v := getattr(flag, key))] for key in _FACTS}
    found["about"] = list(dict.fromkeys(role for said in found["about"] for role in said.split(",")))
    said = {"about": ",".join(found["about"]), **{key: found[key][-1] for key in _FACTS[1:] if found[key]}}
    mine = (Answer(question=q, value=value, by=_READ, at=row.at) for q, value in said.items() if value)
    return (*mine, *answers)


def stands(flag: Flag, answers: Sequence[Answer], school: str) -> bool:
    """Whether a flag still holds that nothing but the removed text could bring again: no person has said otherwise."""
    people = [answer for answer in answers if answer.by != _READ]
    if refused_label(flag, refused(people)) or flag.why.startswith("A person answered"):
        return False
    asked = {answer.question: answer.value for answer in people}
    if asked.get("lawful_opinion") == "yes" or asked.get("school", school) not in (school, "yes"):
        return False
    return not asked.keys() & set(_FACTS)


@dataclass(frozen=True, kw_only=True)
class _Content:
    """What a post held: its texts as words, and every address but its own; ``bites`` are both as bytes."""

    texts: tuple[tuple[str, ...], ...]
    links: tuple[str, ...]
    bites: tuple[bytes, ...]

    def stands_in(self, said: str, run: int = _RUN) -> bool:
        """Whether something quotes the post, by a run of its words or by an address in it."""
        if any(link in said for link in self.links):
            return True
        spoken = _words(said)
        for text in self.texts:
            length = min(run, len(text))
            # The shorter of the two is laid out: a hostile post may have a million words.
            here = set(_runs(spoken, length))
            if any(part in here for part in _runs(text, length)):
                return True
        return False


def _content(rows: Sequence[Any]) -> _Content:
    texts = dict.fromkeys(str(row.body["text"]) for row in rows)
    own = {row.body.get("url") for row in rows}
    links: dict[str, None] = {}
    for body in (row.body for row in rows):
        links |= dict.fromkeys(one["url"] for one in body.get("media") or () if one.get("url"))
        links |= dict.fromkeys(body.get("links") or ())
        texts |= dict.fromkeys(str(one["alt"]) for one in body.get("media") or () if one.get("alt"))
    kept = tuple(link for link in links if link not in own)
    long = [text for text in texts if len(text) > 12]  # noqa: PLR2004 - what is shorter stands anywhere
    said = [*long, *kept]
    bites = [form for one in said for form in (one.encode("utf-8", "replace"), json.dumps(one)[1:-1].encode())]
    # One short word stands in every sentence.
    spoken = tuple(words for text in texts if len(words := _words(text)) > 1 or text in long)
    return _Content(texts=spoken, links=kept, bites=tuple(dict.fromkeys(bites)))


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", text.casefold()))


def _runs(text: tuple[str, ...], length: int) -> Iterable[tuple[str, ...]]:
    """Every run of so many words; none where there are fewer."""
    return (text[n : n + length] for n in range(len(text) - length + 1))


def _left(body: dict[str, Any]) -> dict[str, Any]:
    """What stays of a version: no text, no link but its own address, and its author only where they reported it."""
    author = body.get("author")
    left = bare(body)
    if author and body.get("kind") == "report":
        return left | {"author": author}
    if author and left["author"] is None:
        # Two posts by one person can still be told to be that, and not whose they are.
        who = json.dumps([body["platform"], body.get("origin") or "", author["id"]]).encode()
        left["author"] = {"id": hashlib.sha256(who).hexdigest()[:32], "handle": None, "name": None, "official": False}
    return left


def _forget_readings(connection: Connection, versions: Sequence[int]) -> None:
    """The sentences of the models go; what nobody has read yet is read by nobody any more."""
    of = t.verdict.c.version.in_(versions)
    for row in connection.execute(select(t.verdict.c.id, t.verdict.c.body).where(of)).all():
        said = update(t.verdict).where(t.verdict.c.id == row.id)
        connection.execute(said.values(body=row.body | {"spans": [], "reason": ""}, moved=[]))
    unread = t.version.c.id.in_(versions) & t.version.c.read_by.is_(None)
    connection.execute(update(t.version).where(unread).values(read_by="removed"))


def _incidents(connection: Connection, versions: Sequence[int]) -> tuple[int, ...]:
    query = select(t.flag.c.incident).join(t.mention, t.mention.c.id == t.flag.c.mention).distinct()
    query = query.where(t.mention.c.version.in_(versions), t.flag.c.incident.is_not(None))
    return tuple(connection.scalars(query))


def _reword(connection: Connection, versions: Sequence[int], incidents: Sequence[int], content: _Content) -> None:
    """Every sentence of ours that quotes the post, in mentions, flags, answers and timelines, says so no more."""
    mentions = select(t.mention.c.id).where(t.mention.c.version.in_(versions))
    for table, column, mine in (
        (t.mention, t.mention.c.reason, t.mention.c.version.in_(versions)),
        (t.flag, t.flag.c.withdrawn_why, t.flag.c.mention.in_(mentions)),
        (t.answer, t.answer.c.value, t.answer.c.mention.in_(mentions)),
        (t.answer, t.answer.c.reason, t.answer.c.mention.in_(mentions)),
        (t.event, t.event.c.detail, t.event.c.incident.in_(incidents)),
    ):
        for row in connection.execute(select(table.c.id, column.label("said")).where(mine)).all():
            if row.said and content.stands_in(row.said):
                connection.execute(update(table).where(table.c.id == row.id).values({column.name: _GONE}))
    for row in connection.execute(select(t.flag.c.id, t.flag.c.body).where(t.flag.c.mention.in_(mentions))).all():
        if content.stands_in(row.body["why"]):
            said = row.body | {"why": _GONE}
            connection.execute(update(t.flag).where(t.flag.c.id == row.id).values(body=said))


def _rewrite(connection: Connection, incidents: Sequence[int], content: _Content, why: str) -> None:
    """Mails that wait are written anew from what is left, with the same Message-ID; copies of the others say why."""
    n = t.notice.c
    query = select(t.notice, t.incident.c.state.label("matter")).outerjoin(t.incident, t.incident.c.id == n.incident)
    quoting = n.incident.in_(incidents) | (n.incident.is_(None) & (n.reason == "digest"))
    anew = []
    for row in connection.execute(query.where(quoting)).all():
        if row.incident is None and not content.stands_in(_read(row.message), _LONG_RUN):
            continue
        # A summary of several matters quotes none of them.
        if row.reason == "summary":
            continue
        if row.state == "pending" and (row.incident is None or row.matter in OPEN_STATES):
            connection.execute(delete(t.notice).where(n.id == row.id))
            anew.append(row.incident)
            continue
        connection.execute(update(t.notice).where(n.id == row.id).values(message=without_text(row.message, why)))
    connection.execute(update(t.incident).where(t.incident.c.id.in_(anew)).values(plan_due=True))


def _read(message: bytes) -> str:
    """What a mail says in plain text."""
    body = message_from_bytes(message, policy=policy.default).get_body(("plain",))
    return "" if body is None else str(body.get_content())


def _empty_copies(connection: Connection, post: int, versions: Sequence[int], content: _Content) -> None:
    """Bytes of other things that hold the post: what was set aside unread, and answers that carry what they answer."""
    brought = select(t.sighting.c.account).where(t.sighting.c.version.in_(versions))
    aside = select(t.oddity.c.id, t.oddity.c.raw, t.oddity.c.why).where(t.oddity.c.account.in_(brought))
    for row in connection.execute(aside).all():
        if _holds(row.raw, content) or content.stands_in(row.why):
            connection.execute(update(t.oddity).where(t.oddity.c.id == row.id).values(raw=b"", why=_GONE))
    one = connection.execute(select(t.post).where(t.post.c.id == post)).one()
    beside = select(t.post.c.id).where(
        t.post.c.platform == one.platform,
        t.post.c.origin == one.origin,
        t.post.c.thread.in_([one.post_id, one.thread or one.post_id]),
        t.post.c.id != post,
    )
    answers = select(t.version.c.id, t.version.c.raw).where(t.version.c.post.in_(beside))
    for answer in connection.execute(answers).all():
        if _holds(answer.raw, content):
            connection.execute(update(t.version).where(t.version.c.id == answer.id).values(raw=b""))


def _holds(raw: bytes, content: _Content) -> bool:
    return any(bite in raw for bite in content.bites)
