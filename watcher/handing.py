"""What the verbs hand on, made of what the store gave: sources to match, passages to read, cases, candidates."""

from __future__ import annotations

from datetime import date, datetime

from alerts.case import Case
from alerts.incident import Candidate
from alerts.mention import Source
from alerts.route import Route
from alerts.school import NEVER_TOLD, ROLES, Holding, Person, Register, School
from classifiers.verdict import Passage
from watcher.store.accounts import AccountState
from watcher.store.incidents import Ungrouped
from watcher.store.matters import Unjudged
from watcher.store.posts import Seen, Unread

# Whoever may be told may also be the one it is about: the holders of all these are known by name to the judgement.
TOLD = tuple(role for role in ROLES if role not in NEVER_TOLD)


def source_of(seen: Seen, state: AccountState) -> Source:
    """How an account came by a post: as its own, under its own, or by a search that may have found anybody's."""
    account = state.account
    author = seen.post.author
    if account.reads == ("search",):
        # Even where it looks for the schools' own handles: what it brings concerns those that it names, no other.
        return Source(account=account.name, school=account.school, read="search")
    if author is not None and author.official and account.official:
        read = "posts"
    elif seen.answers_official and account.official:
        read = "comments"
    elif "search" in account.reads:
        read = "search"
    else:
        read = next((r for r in ("mentions", "comments") if r in account.reads), "posts")
    return Source(account=account.name, school=account.school, read=read, official=account.official)


def passage_of(unread: Unread) -> Passage:
    """What a classifier may see of a stored version, and nothing else of it."""
    post = unread.post
    return Passage(
        text=post.text,
        reply_to=unread.parent,
        official=bool(post.author and post.author.official),
        has_image=bool(post.media),
    )


def officers_of(school: School, register: Register, today: date) -> tuple[tuple[Holding, Person], ...]:
    """Everybody who holds office at the school or its trust today, as far as they may be told of matters."""
    return tuple(
        (holding, register.person(holding.person))
        for holding in register.holdings
        if holding.role in TOLD
        and holding.holds_on(today)
        and (holding.school == school.id or (holding.trust is not None and holding.trust == school.trust))
    )


def case_of(unjudged: Unjudged, school: School, register: Register, now: datetime) -> Case:
    """All that a policy judges of one mention, with everybody who holds office at the school today."""
    return Case(
        post=unjudged.post,
        school=school,
        mention=unjudged.mention,
        verdicts=unjudged.verdicts,
        answers=unjudged.answers,
        officers=officers_of(school, register, school.day(now)),
        parent=next(iter(unjudged.above), None),
        thread=unjudged.above[1:],
    )


def candidate_of(flag: Ungrouped, route: Route, now: datetime) -> Candidate:
    """A flag on its way into an incident; a time still to come counts as now."""
    post = flag.post
    said = post.created_at
    return Candidate(
        flag=flag.number,
        mention=flag.mention,
        school=flag.school,
        concern=flag.flag.concern,
        recipients=route.recipients,
        about=flag.flag.about,
        target=flag.flag.target,
        post=post.key,
        thread=post.thread or post.reply_to or post.id,
        author=post.author.id if post.author else None,
        text=post.text,
        at=now if said is None or said > now else said,
    )
