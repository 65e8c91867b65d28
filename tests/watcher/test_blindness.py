"""Blind, silent, saving and quiet are four different things, and each says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.errors import AccountNotFoundError, AuthenticationError
from connectors.post import Cursor, Gap, Page, Post
from tests.watcher.test_service import NOW, House, body, make, settings, under_own
from watcher.blindness import PART, SILENT, blind_times
from watcher.enrolment import apply
from watcher.errors import SpentError
from watcher.habit import silence, term_time
from watcher.health import look
from watcher.remedy import remedy
from watcher.store import Store
from watcher.web.standing import standing, summary
from watcher.web.words import gap

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
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


LACK = "what others write cannot be read: the server refused access (HTTP 403)"


def lacked(house: House, now: datetime, *lacks: str, more: bool = False, posts: Sequence[Post] = ()) -> None:
    """One poll that brings a page which lacks something, and what Watcher makes of it."""
    page = Page(posts=tuple(posts), cursor=Cursor(state="x"), more=more, lacks=lacks)
    house.connectors["hillcrest"].script.append(page)
    house.poll(now=now)
    house.settle(now)


def states_of(house: House) -> list[str]:
    return [incident.state for incident in house.store.views.incidents(limit=9)]


def test_a_permission_that_only_a_part_needs_is_a_blind_spot_after_two_rounds_and_ends_with_it(house: House) -> None:
    lacked(house, NOW, LACK, more=True)
    lacked(house, NOW + MINUTE, LACK)
    assert states_of(house) == [], "one round may be a slip of the platform's"
    lacked(house, NOW + 2 * MINUTE, LACK)
    assert house.concerns() == [("blind_spot",)]
    assert [notice.address for notice in house.channel.sent] == ["desk@x.example"]
    text = " ".join(body(house.channel.sent[0]).split())
    assert "Part of hillcrest: what others write cannot be read" in text
    assert "does not let this token read this. It needs" in text
    assert "watcher connect hillcrest --link" in text
    for n in range(3, 9):
        lacked(house, NOW + n * MINUTE, LACK)
    assert len(house.channel.sent) == 1, "told once"
    house.store.remember("beat", {}, NOW + 9 * MINUTE)
    health = look(house.store, NOW + 9 * MINUTE)
    assert (health.blind, health.is_well, tuple(health.partly)) == ((), False, ("hillcrest",))
    (line,) = (line for line in health.lines() if line.startswith("BLIND IN PART: hillcrest"))
    assert "It needs" in line
    lacked(house, NOW + 9 * MINUTE)
    assert states_of(house) == ["resolved"]
    health = look(house.store, NOW + 9 * MINUTE)
    assert (health.partly, health.is_well) == ({}, True)
    (was,) = house.store.gaps.since(NOW)
    assert (was.state, was.at, was.filled_at) == ("can be read again", NOW, NOW + 9 * MINUTE)
    assert gap(was) == "It can be read again."


def test_what_is_lacking_is_also_known_from_gaps_without_times_that_come_again(house: House) -> None:
    gaps = (Gap(start=None, end=None, why=LACK), Gap(start=None, end=None, why="a thread is too long"))
    for n in range(3):
        house.connectors["hillcrest"].script.append(Page(posts=(), cursor=None, gaps=gaps))
        house.poll(now=NOW + n * MINUTE)
        house.settle(NOW + n * MINUTE)
    assert states_of(house) == ["open"]
    assert "too long" not in body(house.channel.sent[0])
    lacked(house, NOW + 5 * MINUTE)
    assert states_of(house) == ["resolved"]


def test_a_refusal_that_is_said_once_is_no_blind_spot(house: House) -> None:
    house.connectors["hillcrest"].script.append(
        Page(posts=(), cursor=None, gaps=(Gap(start=None, end=None, why=LACK),))
    )
    for n in range(4):
        house.poll(now=NOW + n * MINUTE)
        house.settle(NOW + n * MINUTE)
    assert states_of(house) == []
    assert look(house.store, NOW + 4 * MINUTE).partly == {}


def test_a_part_that_somebody_knows_of_is_told_again_only_for_something_new(house: House) -> None:
    for n in range(2):
        lacked(house, NOW + n * MINUTE, LACK)
    (seen,) = house.store.views.incidents(limit=9)
    house.store.incidents.set_state(seen.reference, "resolved", "we shall never get that", NOW + 2 * MINUTE)
    for n in range(2, 5):
        lacked(house, NOW + n * MINUTE, LACK)
    assert states_of(house) == ["resolved"]
    house.store.remember("beat", {}, NOW + 5 * MINUTE)
    health = look(house.store, NOW + 5 * MINUTE)
    assert (health.heeded, health.is_well) == (("hillcrest",), True)
    assert any(line.startswith("in part: hillcrest") for line in health.lines())
    other = "mentions cannot be read: the server refused access (HTTP 403)"
    for n in range(5, 7):
        lacked(house, NOW + n * MINUTE, LACK, other)
    assert states_of(house) == ["open", "resolved"]
    lacked(house, NOW + 7 * MINUTE)
    for n in range(60, 62):
        lacked(house, NOW + n * MINUTE, LACK)
    assert states_of(house).count("open") == 1, "lost once more is something new"


def test_a_second_part_is_noted_in_the_open_matter(house: House) -> None:
    for n in range(2):
        lacked(house, NOW + n * MINUTE, LACK)
    other = "mentions cannot be read with this token: own token only"
    for n in range(2, 5):
        lacked(house, NOW + n * MINUTE, LACK, other)
    (seen,) = house.store.views.incidents(limit=9)
    view = house.store.views.incident(seen.reference)
    assert view is not None
    noted = [event.detail for event in view.events if event.what == "new_reason"]
    assert len(noted) == 1
    assert "own token only" in noted[0]
    assert "read:notifications" in noted[0]


def test_a_part_that_cannot_be_read_stands_in_the_digest_with_its_times(house: House) -> None:
    for n in range(3):
        lacked(house, NOW + n * DAY, LACK)
    register, end = house.store.register.all(), NOW + 7 * DAY
    for _ in range(2):
        found = blind_times(house.store, ["hillcrest"], register, NOW - DAY, end)
        assert [(b.source, b.since, b.until, b.partly) for b in found] == [("hillcrest", NOW, None, True)]
    assert blind_times(house.store, ["dene"], register, NOW - DAY, end) == ()
    lacked(house, NOW + 3 * DAY)
    (found_again,) = blind_times(house.store, ["hillcrest"], register, NOW - DAY, end)
    assert (found_again.until, found_again.partly) == (NOW + 3 * DAY, True)
    assert blind_times(house.store, ["hillcrest"], register, NOW + 4 * DAY, end) == ()


def test_a_part_of_a_source_that_is_read_no_more_is_nobodys_matter(house: House) -> None:
    for n in range(2):
        lacked(house, NOW + n * MINUTE, LACK)
    assert f"{PART}hillcrest" in house.store.incidents.faults()
    with house.store.writing() as connection:
        house.store.accounts.retire(connection, "hillcrest", NOW + 2 * MINUTE)
    house.settle(NOW + 3 * MINUTE)
    assert states_of(house) == ["resolved"]


def test_a_clock_that_goes_back_wakes_what_it_had_put_off_while_the_service_runs(house: House) -> None:
    ahead = NOW + 6 * DAY
    house.poll(now=ahead)
    house.poll("dene", now=NOW)
    state = house.store.accounts.get("hillcrest")
    assert standing(state, NOW) == "late"
    house.store.remember("beat", {}, NOW)
    health = look(house.store, NOW)
    assert (health.ahead, health.is_well) == (("hillcrest",), False)
    assert any(line.startswith("CLOCK:") and "hillcrest" in line for line in health.lines())
    house.settle(NOW + MINUTE)
    assert [s.account.name for s in house.service.due(NOW + MINUTE)] == ["hillcrest"]
    assert house.store.accounts.get("hillcrest").last_success_at == NOW + MINUTE, "no time is still to come"
    house.poll(now=NOW + MINUTE)
    house.settle(NOW + 2 * MINUTE)
    assert house.service.due(NOW + 2 * MINUTE) == (), "and it is read as ever from then on"
    house.store.remember("beat", {}, NOW + 2 * MINUTE)
    health = look(house.store, NOW + 2 * MINUTE)
    assert (health.ahead, health.is_well) == ((), True)
