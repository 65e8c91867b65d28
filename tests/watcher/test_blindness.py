"""Blind, silent, saving and quiet are four different things, and each says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.errors import AccountNotFoundError, AuthenticationError
from connectors.post import Post
from tests.watcher.test_service import NOW, House, body, make, settings, under_own
from watcher.blindness import SILENT
from watcher.enrolment import apply
from watcher.errors import SpentError
from watcher.habit import silence, term_time
from watcher.health import look
from watcher.remedy import remedy
from watcher.store import Store
from watcher.web.standing import standing, summary

DAY = timedelta(days=1)
TERM = datetime(2026, 3, 2, 10, tzinfo=UTC)  # far from any holiday


def every(days: float, count: int, until: datetime = TERM) -> list[datetime]:
    return [until - n * timedelta(days=days) for n in range(count)]


@pytest.mark.parametrize(
    ("times", "quiet_for", "silent"),
    [
        (every(1, 60), timedelta(days=13), False),
        (every(1, 60), timedelta(days=15), True),
        (every(7, 20), timedelta(days=30), False),
        (every(7, 20), timedelta(days=30 * 4), True),
        (every(1, 5), timedelta(days=25), False),
        (every(0.01, 60), timedelta(days=25), False),
        ([], timedelta(days=25), False),
    ],
)
def test_silence_is_a_break_with_a_sources_own_habit(
    times: Sequence[datetime], quiet_for: timedelta, silent: bool
) -> None:
    found = silence(times, TERM + quiet_for)
    assert (found is not None) == silent
    if found is not None:
        assert found.since == TERM


def test_a_pause_that_came_before_is_no_silence() -> None:
    before = [moment - timedelta(days=25) for moment in every(1, 40)]
    assert silence(before + every(1, 5), TERM + timedelta(days=20)) is None
    assert silence(before + every(1, 5), TERM + timedelta(days=24)) is not None


@pytest.mark.parametrize(
    ("last_day", "first_day"),
    [
        (datetime(2026, 7, 17, tzinfo=UTC), datetime(2026, 9, 3, tzinfo=UTC)),
        (datetime(2026, 12, 16, tzinfo=UTC), datetime(2027, 1, 5, tzinfo=UTC)),
        (datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 4, 13, tzinfo=UTC)),
        (datetime(2026, 6, 25, tzinfo=UTC), datetime(2026, 8, 19, tzinfo=UTC)),
    ],
)
def test_school_holidays_raise_no_false_alarm(last_day: datetime, first_day: datetime) -> None:
    for days in range((first_day - last_day).days + 7):
        assert silence(every(1, 100, last_day), last_day + days * DAY) is None
    assert term_time(last_day, first_day) < timedelta(days=10)
    assert silence(every(1, 100, last_day), first_day + 40 * DAY) is not None


REMEDIES = [
    ("facebook", "AuthenticationError: the token has expired", "token", "watcher connect fb"),
    ("x", "AuthenticationError: X answered 401", "token", "developer portal"),
    ("bluesky", "AuthenticationError: not accepted", "token", "app password"),
    ("facebook", "AuthenticationError: (#10) lacks a permission", "permission", "pages_read_user_content"),
    ("linkedin", "AuthenticationError: it lacks the permission x", "permission", "r_organization_social"),
    ("instagram", "AccountNotFoundError: no such account", "account", "renamed"),
    ("youtube", "SpentError: 10000 of 10000 calls a day are used", "budget", "watcher budget"),
    ("x", "RateLimitedError: 429", "pause", "Nothing to do"),
    ("rss", "TransientError: 502", "other", "Nothing to do for now"),
    ("rss", "a fault in Watcher while reading this source; see the log", "other", "log"),
    ("rss", "https: broken", "other", "log"),
]


@pytest.mark.parametrize(("platform", "error", "kind", "says"), REMEDIES)
def test_each_kind_of_error_has_its_own_remedy(platform: str, error: str, kind: str, says: str) -> None:
    found = remedy(platform, "fb", error)
    assert found.kind == kind
    assert says in found.do


@pytest.fixture
def house(store: Store, tmp_path: Path) -> House:
    chosen = settings(tmp_path)
    apply(chosen, store, "watcher.toml", NOW)
    return make(store, chosen)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (AuthenticationError("the token has expired"), "watcher connect hillcrest"),
        (AccountNotFoundError("there is no @hillcrest"), "renamed"),
    ],
)
def test_within_two_missed_polls_the_provider_is_told_what_to_do(house: House, error: Exception, says: str) -> None:
    house.poll(now=NOW)
    house.connectors["hillcrest"].script += [error, error]
    house.poll(now=NOW + timedelta(minutes=5))
    second = house.store.accounts.get("hillcrest").next_poll_at
    assert second <= NOW + timedelta(minutes=11), "the second try comes soon, not in an hour"
    house.poll(now=second)
    house.settle(second)
    assert [n.address for n in house.channel.sent] == ["desk@x.example"]
    text = " ".join(body(house.channel.sent[0]).split())
    assert says in text
    assert str(error) in text
    assert any(line.startswith("BLIND: hillcrest") and says in line for line in look(house.store, second).lines())


def daily(count: int, until: datetime) -> list[Post]:
    return [under_own(n + 10, f"Well done, number {n}", created_at=until - n * DAY) for n in range(count)]


def test_a_source_that_falls_silent_is_told_once_and_ends_by_itself(house: House) -> None:
    start = datetime(2026, 3, 2, 10, tzinfo=UTC)
    house.bring(*daily(30, start), now=start)
    house.poll(now=start + 13 * DAY)
    house.settle(start + 13 * DAY)
    assert house.concerns() == []
    for days in (15, 16, 17):
        house.poll(now=start + days * DAY)
        house.settle(start + days * DAY)
    assert house.concerns() == [("blind_spot",)]
    assert [n.address for n in house.channel.sent] == ["desk@x.example"]
    text = " ".join(body(house.channel.sent[0]).split())
    assert "Silence of hillcrest" in text
    assert "nothing since Monday 2 March 2026" in text
    assert look(house.store, start + 17 * DAY).silent == ("hillcrest",)
    state = house.store.accounts.get("hillcrest")
    assert standing(state, start + 17 * DAY, ("hillcrest",)) == "silent"
    house.bring(under_own(90, "We are back", created_at=start + 18 * DAY), now=start + 18 * DAY)
    assert [i.state for i in house.store.views.incidents(limit=5)] == ["resolved"]


def test_a_silence_that_somebody_has_looked_at_is_not_told_again(house: House) -> None:
    start = datetime(2026, 3, 2, 10, tzinfo=UTC)
    house.bring(*daily(30, start), now=start)
    house.poll(now=start + 15 * DAY)
    house.settle(start + 15 * DAY)
    reference = house.store.views.incidents(limit=5)[0].reference
    house.store.incidents.set_state(reference, "resolved", "they have moved to Instagram", start + 15 * DAY)
    house.poll(now=start + 20 * DAY)
    house.settle(start + 20 * DAY)
    assert [i.state for i in house.store.views.incidents(limit=5)] == ["resolved"]
    assert f"{SILENT}hillcrest" not in house.store.incidents.faults()


def test_quiet_is_told_apart_from_blind_and_from_waiting_for_money(house: House) -> None:
    house.connectors["dene"].script.append(SpentError("the month's budget is used up", NOW + 10 * DAY))
    for name in ("hillcrest", "dene"):
        house.poll(name, NOW)
    later = NOW + 8 * DAY
    house.poll("hillcrest", later)
    health = look(house.store, later)
    assert (health.quiet, health.saving, health.blind) == (("hillcrest",), ("dene",), ())
    lines = list(health.lines())
    assert any(line.startswith("quiet:") and "hillcrest" in line for line in lines)
    assert any(line.startswith("waits: dene") and "watcher budget" in line for line in lines)
    states = [house.store.accounts.get(name) for name in ("hillcrest", "dene")]
    assert [standing(state, later) for state in states] == ["read", "saving"]
    assert summary(["read", "saving", "silent"]) == "1 of 3 sources waits to be read; 1 has fallen silent"
