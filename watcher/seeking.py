"""`watcher terms`: what a school is looked for by, what that costs, and how much of what it brought was noise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watcher.terminal import say, show, stop, tell

if TYPE_CHECKING:
    from alerts.school import School
    from alerts.term import Term
    from watcher.config import SchoolRow, Settings
    from watcher.demand import Demand
    from watcher.store import Store
    from watcher.terms import Reading

_MONTH = timedelta(days=30)
_SHOWN = 60  # characters of a query in a table
# More posts than this are not looked through; the newest tell enough.
_MOST = 5000
# Of fewer posts it cannot be said whether a term brings mostly noise.
_ENOUGH = 10
_SIGNS = {"hashtag": "#", "handle": "@"}


def register(app: typer.Typer) -> None:
    """Add the command to the others."""
    app.command()(terms)


def terms(
    school: Annotated[str, typer.Argument(help="the school's id")],
    days: Annotated[int, typer.Option(min=1, help="how far back to count what each term brought")] = 7,
    config: Annotated[Path, typer.Option("--config", "-c", help="the settings, see config.example.toml")] = Path(
        "watcher.toml"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="for programs: JSON on standard output")] = False,
) -> None:
    """Show how a school is looked for on each platform, what that costs, and what each term brought."""
    from watcher.app import find_store, is_made, open_store
    from watcher.config import load
    from watcher.scheduler import clock

    settings = load(config)
    row = next((one for one in settings.schools if one.id == school), None)
    if row is None:
        stop(f"there is no school {school!r}; known are {', '.join(s.id for s in settings.schools) or 'none yet'}")
    store = find_store(settings) if is_made(open_store(settings)) else None
    report = report_of(settings, row, store, clock(), days)
    if as_json:
        say(report)
        return
    for title, key in (("Searches", "queries"), ("Not looked for", "left"), ("Terms", "terms")):
        rows = [_short(one) for one in report[key]]
        if rows:
            tell(f"\n{title}")
            show(rows, as_json=False)
    for line in _words(report):
        tell(line)


def report_of(
    settings: Settings, row: SchoolRow, store: Store | None, now: datetime, days: int = 7
) -> dict[str, list[dict[str, Any]]]:
    """The school's queries with their cost, what cannot be looked for, and what each term brought in so many days."""
    from watcher.terms import school_of

    school = school_of(row)
    today = now.date()
    return {
        "queries": list(_queries(settings, school, store, now)),
        "left": list(_left(settings, school, today)),
        "terms": list(_terms(settings, school, store, now, days)),
    }


# queries --------------------------------------------------------------------------------------------------------------


def _queries(settings: Settings, school: School, store: Store | None, now: datetime) -> Iterator[dict[str, Any]]:
    """Those that are asked, by account; then, for platforms where nobody asks, those that would be."""
    from alerts.query import LONGEST, plan
    from watcher.config import AccountRow
    from watcher.demand import calls_a_day, demand, demands
    from watcher.terms import own_handles, pause_of
    from watcher.trial import approved_by, off

    asked: set[str] = set()
    wanted = {one.platform: one for one in demands(settings, now.date())}
    for reading in _asking(settings, school.id, now.date()):
        asked.add(reading.row.platform)
        yield _query(settings, reading, store, now) | _together(wanted[reading.row.platform])
    for platform in sorted(LONGEST.keys() - asked):
        made = [q for q in plan(platform, [school], now.date(), own=own_handles(settings)).queries if q.text]
        every = pause_of(platform, max(len(made), 1), settings)
        why = off(AccountRow(name=platform, platform=platform, reads=("search",)), approved_by(settings, now.date()))
        together = demand(platform, [calls_a_day(every)] * len(made))
        for query in made:
            cost = _cost(settings, platform, None, 1, every, now)
            yield _line(platform, None, query.text) | cost | _together(together) | {"off": why}


def _together(all_of_it: Demand) -> dict[str, Any]:
    """What all searches of the platform come to in a day, of how many allowed."""
    allowed = all_of_it.limit_a_day
    return {"all_calls_a_day": all_of_it.calls_a_day, "limit_a_day": allowed, "passes_limit": all_of_it.passes}


def _asking(settings: Settings, school: str, today: date | None) -> Iterator[Reading]:
    """The searches that may bring posts about the school: built from its terms, or written for it or for all."""
    from watcher.terms import readings

    for reading in readings(settings, today):
        row = reading.row
        mine = row.school == school or (row.school is None if reading.query is None else school in reading.query.batch)
        if "search" in row.reads and mine:
            yield reading


def _query(settings: Settings, reading: Reading, store: Store | None, now: datetime) -> dict[str, Any]:
    from watcher.trial import approved_by, off

    row, query = reading.row, reading.query
    every = row.every_s or settings.schedule.poll_every_s
    batch = (row.school,) if row.school else query.batch if query else tuple(s.id for s in settings.schools)
    why = off(row, approved_by(settings, now.date()))
    line = _line(row.platform, row.name, row.target or "") | {"built": query is not None, "off": why}
    return line | _cost(settings, row.platform, row.name, max(len(batch), 1), every, now, store)


def _line(platform: str, account: str | None, text: str) -> dict[str, Any]:
    from alerts.query import LONGEST
    from alerts.writing import size

    return {
        "platform": platform,
        "account": account,
        "query": text,
        "length": size(text),
        "at_most": LONGEST.get(platform),
        "built": True,
    }


def _cost(
    settings: Settings,
    platform: str,
    account: str | None,
    schools: int,
    every: int,
    now: datetime,
    store: Store | None = None,
) -> dict[str, Any]:
    """What a query costs: calls a day of which limit, pounds by the post and, as it has gone so far, by the month."""
    from connectors.tariff import TARIFFS
    from watcher.demand import calls_a_day, limits_of

    tariff = TARIFFS.get(platform)
    rate = settings.budget.pounds_per_dollar
    month = None if store is None or account is None else _spent(store, account, now)
    return {
        "schools": schools,
        "calls_a_day": calls_a_day(every),
        "limit": limits_of(platform),
        "pounds_a_post": round(tariff.dollars_post * rate, 4) if tariff and tariff.dollars_post else 0.0,
        "pounds_a_month": month,
        "pounds_a_month_for_the_school": None if month is None else round(month / schools, 2),
    }


def _spent(store: Store, account: str, now: datetime) -> float | None:
    """What an account's readings come to in a month at the pace of the last week; ``None`` before there were any."""
    from connectors.tariff import MICRO, POUNDS
    from watcher.pace import LOOKED_BACK, forecast

    rows = [row for row in store.ledger.since(now - LOOKED_BACK) if row.account == account]
    if not rows:
        return None
    spent = sum(row.amount for row in rows if row.unit == POUNDS)
    return round(forecast(spent, store.ledger.first(), now).until(now + _MONTH, now) / MICRO, 2)


def _left(settings: Settings, school: School, today: date) -> Iterator[dict[str, Any]]:
    """The school's terms that a platform cannot look for, as it is asked, or would be."""
    from alerts.query import LONGEST, plan
    from watcher.terms import is_sought, own_handles, plan_of, schools_of

    rows = [row for row in settings.accounts if is_sought(row)]
    rows = [row for row in rows if school.id in {one.id for one in schools_of(settings, row)}]
    plans = [(row.platform, plan_of(settings, row, today)) for row in rows]
    others = LONGEST.keys() - {row.platform for row in rows}
    plans += [(name, plan(name, [school], today, own=own_handles(settings))) for name in sorted(others)]
    for platform, made in plans:
        for one, why in made.left:
            if one.school == school.id:
                yield {"platform": platform, "term": _name(one.term), "why": why}


# terms ----------------------------------------------------------------------------------------------------------------


def _terms(
    settings: Settings, school: School, store: Store | None, now: datetime, days: int
) -> Iterator[dict[str, Any]]:
    """Each term with how many of the stored posts it found, and how many of those are noise."""
    from alerts.mention import finders
    from alerts.term import terms as terms_of

    known = terms_of(school)
    found: dict[Term, list[str | None]] = {term: [] for term in known}
    names = [reading.row.name for reading in _asking(settings, school.id, None)]
    posts = store.mentions.brought(names, school.id, now - timedelta(days=days), _MOST) if store and names else ()
    unnamed: list[str | None] = []
    for post, relevance in posts:
        by = finders(post, known)
        for term in by:
            found[term].append(relevance)
        if not by and relevance is not None:
            unnamed.append(relevance)
    for term in known:
        ended = term.until is not None and term.until < now.date()
        until = None if term.until is None else term.until.isoformat()
        yield {"term": _name(term), "kind": term.kind, "until": until, "ended": ended, **_tally(found[term])}
    if unnamed:
        yield {"term": "(none of them)", "kind": None, "until": None, "ended": False, **_tally(unnamed)}


def _tally(found: list[str | None]) -> dict[str, Any]:
    about = found.count("yes")
    unclear = found.count("unclear")
    noise = len(found) - about
    share = round(noise / len(found), 2) if found else None
    return {"posts": len(found), "about": about, "unclear": unclear, "noise": noise, "noise_share": share}


def _name(term: Term) -> str:
    beside = f" + {' / '.join(term.beside)}" if term.beside else ""
    return f"{_SIGNS.get(term.kind, '')}{term.text}{beside}"


# for people -----------------------------------------------------------------------------------------------------------


def _short(row: dict[str, Any]) -> dict[str, Any]:
    """What of a row fits a terminal; an account that nobody has set up is a dash."""
    if "query" not in row:
        return {key: value for key, value in row.items() if key != "ended"}
    text = row["query"]
    cut = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
    keys = ("platform", "account", "length", "at_most", "schools", "calls_a_day", "pounds_a_post", "pounds_a_month")
    return {**{key: row[key] for key in keys}, "off": row["off"] is not None, "query": cut}


def _totals(report: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """A line a platform: what all its searches come to, whether that is too much, and what it waits for."""
    first: dict[str, dict[str, Any]] = {}
    for query in report["queries"]:
        first.setdefault(query["platform"], query)
    for platform, row in first.items():
        whose = "all searches together" if row["account"] else "the searches that would be made"
        of = "" if row["limit_a_day"] is None else f" of {row['limit_a_day']} that the platform allows"
        yield f"{platform}: {whose} make {row['all_calls_a_day']} calls a day{of}."
        if row["passes_limit"]:
            yield (
                f"WARNING: {platform} allows fewer, so searches will wait and posts come later than they should: "
                "write a longer every_s, fewer terms, or schools = [...] with an app for each part."
            )
        if row["off"] and row["account"]:
            yield f"{platform} is {row['off']}."


def _words(report: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    yield from _totals(report)
    if any(row["account"] is None for row in report["queries"]):
        yield 'Searches without an account are made by nobody: add one with reads = ["search"], see docs/terms.md.'
    noisy = [row["term"] for row in report["terms"] if row["posts"] >= _ENOUGH and row["noise"] * 2 > row["posts"]]
    if noisy:
        yield f"More noise than news: {', '.join(noisy)}. Add what it means elsewhere to not_about, or leave it out."
    yield "Whole queries, and what each is limited by: --json"
