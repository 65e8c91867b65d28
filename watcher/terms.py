"""Accounts whose searches are built from the schools' terms: one row of the settings is read as one or several."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from alerts.query import LONGEST, MARK, Plan, Query, answers, plan
from alerts.school import RoleHolder, School
from watcher.config import AccountRow, SchoolRow, Settings
from watcher.naming import handle_of

# What may stand as the target of such an account; leaving it out says the same.
TERMS = "terms"
# A row whose name is longer could not bear the places of its queries.
LONGEST_NAME = 140
_HANDLE = re.compile(r"(?:https?://(?:www\.)?(?:x|twitter)\.com/)?@?([A-Za-z0-9_]{1,20})/?")
# How many searches a day a row may make by default, of 100 (YouTube) and 2,200 (Threads) for the whole app; and
# the seconds between two readings of one of YouTube's, as its connector takes 48 of them a day.
_A_DAY = {"youtube": 90, "threads": 1500}
_LEAST_S = {"youtube": 1800}


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One account as it is read: the row that makes it (``key`` says where), and the query that it asks, if any."""

    key: str
    row: AccountRow
    query: Query | None = None


def is_sought(row: AccountRow) -> bool:
    """Whether what an account looks for is built from the schools' terms."""
    alone = row.reads == ("search",) and row.target in (None, TERMS) and row.platform in LONGEST
    return alone or is_answers(row)


def is_answers(row: AccountRow) -> bool:
    """Whether an account stands for all the schools' own handles on X, read by searches that many of them share."""
    return row.platform == "x" and row.target == TERMS and set(row.reads) == {"posts", "comments", "mentions"}


def base_of(name: str) -> str:
    """The name that the settings give an account, of which one of several queries may be read."""
    return name.partition(MARK)[0]


def readings(settings: Settings, today: date | None = None) -> Iterator[Reading]:
    """All accounts as they are read, in the order of the settings.

    On a day only what is looked for on that day; without one every account that there may be, however long ago a
    role-holder's time ended.
    """
    for number, row in enumerate(settings.accounts, 1):
        key = f"accounts[{number}]"
        if not is_sought(row):
            yield Reading(key=key, row=row)
            continue
        made = plan_of(settings, row, today)
        for query in made.queries:
            if query.text or today is None:
                yield Reading(key=key, row=_row_of(row, query, made, settings), query=query)


def reading_of(settings: Settings, name: str) -> Reading | None:
    """The account of that name as it is read, or ``None``."""
    return next((reading for reading in readings(settings) if reading.row.name == name), None)


def plan_of(settings: Settings, row: AccountRow, today: date | None = None) -> Plan:
    """The queries of such an account on a day; without one, as if nobody's time had ended."""
    schools = [school_of(school) for school in schools_of(settings, row)]
    if is_answers(row):
        return answers(schools)
    return plan(row.platform, schools, today or date.min, own=own_handles(settings))


def schools_of(settings: Settings, row: AccountRow) -> tuple[SchoolRow, ...]:
    """The schools that such an account looks for: its own, those that it names, or all."""
    wanted = (row.school,) if row.school is not None else row.schools
    return tuple(school for school in settings.schools if not wanted or school.id in wanted)


def is_shared(settings: Settings, row: AccountRow) -> bool:
    """Whether an account's search is no single school's."""
    return ("search" in row.reads or is_answers(row)) and row.school is None and len(settings.schools) > 0


def own_handles(settings: Settings) -> frozenset[str]:
    """The schools' handles on X whose posts and mentions are read by accounts of their own, in small letters."""
    found = (
        _HANDLE.fullmatch((row.target or "").strip())
        for row in settings.accounts
        if row.platform == "x" and row.official and {"posts", "mentions"} <= set(row.reads) and not is_answers(row)
    )
    shared = (
        one.term.text
        for row in settings.accounts
        if is_answers(row)
        for q in _answers(settings, row)
        for one in q.sought
    )
    return frozenset((*(match[1].casefold() for match in found if match is not None), *map(str.casefold, shared)))


def _answers(settings: Settings, row: AccountRow) -> tuple[Query, ...]:
    return answers(map(school_of, schools_of(settings, row))).queries


def batches(settings: Settings) -> Mapping[str, tuple[str, ...]]:
    """The schools that share each account's search."""
    return {r.row.name: r.query.batch for r in readings(settings) if r.query is not None and r.row.school is None}


def school_of(row: SchoolRow) -> School:
    """The school that a row of the settings describes, as far as it is looked for; its hours stand in the register."""
    holders = tuple(RoleHolder(**holder.model_dump()) for holder in row.role_holders)
    bare = {
        "handles": tuple(handle_of(one) or one for one in row.handles),
        "hashtags": tuple(one.strip().lstrip("#＃") for one in row.hashtags),
    }
    return School(**(row.model_dump(exclude={"role_holders", "hours", "terms", "closed"}) | bare), role_holders=holders)


def ancestors(name: str) -> Iterator[str]:
    """The accounts whose batch was halved to make this one, the nearest first: where they stood, this one goes on."""
    base, mark, place = name.partition(MARK)
    while mark and place and place[-1] in "01":
        place = place[:-1]
        yield f"{base}{MARK}{place}" if place else base


def pause_of(platform: str, queries: int, settings: Settings) -> int:
    """The seconds between two readings of one of so many queries, where the settings give none."""
    if platform not in _A_DAY:
        return settings.schedule.poll_every_s
    fits = -(-86400 * queries // _A_DAY[platform])
    return min(max(settings.schedule.poll_every_s, _LEAST_S.get(platform, 0), fits), 7 * 86400)


def _row_of(row: AccountRow, query: Query, made: Plan, settings: Settings) -> AccountRow:
    name = f"{row.name}{MARK}{query.place}" if query.place else row.name
    every = row.every_s
    if every is None and row.platform in _A_DAY:
        every = pause_of(row.platform, len(made.queries), settings)
    changes: dict[str, object] = {"name": name, "target": query.text or TERMS, "every_s": every, "schools": ()}
    if is_answers(row):
        changes |= {"reads": ("search",), "official": True}
    return row.model_copy(update=changes)
