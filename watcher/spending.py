"""`watcher budget`: what reading has used up, what the month will come to, and what each school costs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connectors.tariff import MICRO, POUNDS, window
from watcher.pace import LOOKED_BACK, delay, forecast
from watcher.terminal import say, show, tell

if TYPE_CHECKING:
    from watcher.budget import Budget
    from watcher.store import Store
    from watcher.store.ledger import Spent


def register(app: typer.Typer) -> None:
    """Add the command to the others."""
    app.command()(budget)


def budget(
    config: Annotated[Path, typer.Option("--config", "-c", help="the settings, see config.example.toml")] = Path(
        "watcher.toml"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="for programs: JSON on standard output")] = False,
) -> None:
    """Show what reading the platforms has used up, the month's forecast, each school's cost, and the real delay."""
    from watcher.app import find_store
    from watcher.budget import Budget
    from watcher.config import load
    from watcher.scheduler import clock
    from watcher.terms import batches

    settings = load(config)
    store = find_store(settings)
    now = clock()
    made = Budget(settings, store)
    report = {
        "caps": list(caps(made, store, now)),
        "accounts": list(accounts(store, now)),
        "schools": list(schools(store, [row.id for row in settings.schools], now, batches(settings))),
        "delays": list(delays(store, now)),
    }
    if as_json:
        say(report)
        return
    for title, rows in report.items():
        if rows:
            tell(f"\n{_TITLES[title]}")
            show(rows, as_json=False)
    if not report["caps"]:
        tell("Nothing that is read costs anything or has a limit that its platform publishes.")


_TITLES = {
    "caps": "Limits and budgets, in the period at hand",
    "accounts": "This month, by account",
    "schools": "This month, by school (what several schools share is split evenly)",
    "delays": "From a post's publication until Watcher had it, last seven days",
}


def caps(budget: Budget, store: Store, now: datetime) -> Iterator[dict[str, Any]]:
    """Each cap with what is spent of it, and what its period will come to at the pace of the last days."""
    recent, first = store.ledger.since(now - LOOKED_BACK), store.ledger.first()
    for cap in budget.caps:
        spent = store.ledger.spent(cap, now)
        counted = sum(row.amount for row in recent if row.unit == cap.unit and cap.holds_for(_purse(row)))
        coming = forecast(counted, first, now).until(window(cap.period, now)[1], now)
        money = cap.unit == POUNDS
        yield {
            "of": cap.app or (f"{cap.school}, its own sources" if cap.school else None) or cap.platform or "all",
            "unit": "pounds" if money else cap.unit,
            "period": cap.period.replace("_", " "),
            "spent": _amount(spent, money=money),
            "forecast": _amount(int(spent + coming), money=money),
            "cap": _amount(cap.amount, money=money),
            "set_by": cap.key,
        }


def _purse(row: Spent) -> Any:
    from watcher.store.ledger import Purse

    return Purse(app=row.app, platform=row.platform, account=row.account, school=row.school)


def accounts(store: Store, now: datetime) -> Iterator[dict[str, Any]]:
    """What each account used this month, and how many of its posts were paid for twice."""
    for row in store.ledger.since(window("month", now)[0]):
        money = row.unit == POUNDS
        yield {
            "account": row.account,
            "unit": "pounds" if money else row.unit,
            "spent": _amount(row.amount, money=money),
            "readings": row.calls,
            "posts": row.posts,
            "paid_twice": row.again if money else None,
        }


def schools(
    store: Store, names: Sequence[str], now: datetime, shared: Mapping[str, Sequence[str]] | None = None
) -> Iterator[dict[str, Any]]:
    """What each school cost this month, shared searches split evenly among the schools that share them."""
    cost: dict[str, float] = defaultdict(float)
    for row in store.ledger.since(window("month", now)[0]):
        if row.unit != POUNDS:
            continue
        payers = (row.school,) if row.school else (shared or {}).get(row.account) or names
        for school in payers:
            cost[school] += row.amount / len(payers)
    for school, amount in sorted(cost.items(), key=lambda pair: (-pair[1], pair[0])):
        yield {"school": school, "pounds": round(amount / MICRO, 2)}


def delays(store: Store, now: datetime) -> Iterator[dict[str, Any]]:
    """How late posts were stored after their publication, by platform; what was there before Watcher is left out."""
    found: dict[str, list[float]] = defaultdict(list)
    for platform, seconds in store.posts.delays(now - LOOKED_BACK):
        found[platform].append(seconds)
    for platform, values in sorted(found.items()):
        real = delay(values)
        if real is not None:
            yield {
                "platform": platform,
                "posts": real.posts,
                "half_within_s": round(real.half_s),
                "99_in_100_within_s": round(real.most_s),
            }


def _amount(value: int, *, money: bool) -> float | int:
    return round(value / MICRO, 2) if money else value
