"""Sources are read more slowly at night and faster in a storm; what is written to a school's own never is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from watcher.pace import STORM, Delay, Pace, delay, stretch

_NOON, _NIGHT = datetime(2026, 11, 20, 12, tzinfo=UTC), datetime(2026, 11, 20, 2, tzinfo=UTC)


def _seconds(pace: Pace, at: datetime, new: int = 0) -> float:
    return pace.interval(at, new).total_seconds()


def test_a_search_slows_at_night_and_hurries_in_a_storm() -> None:
    pace = Pace(every_s=600, metered=True)
    assert _seconds(pace, _NOON) == 600
    assert _seconds(pace, _NIGHT) == 1800
    assert _seconds(pace, _NOON, new=STORM) == 200
    assert _seconds(pace, _NIGHT, new=STORM) == 200, "a storm at night is still a storm"


def test_a_storm_never_asks_more_than_once_a_minute_nor_more_slowly_than_usual() -> None:
    assert _seconds(Pace(every_s=120, metered=True), _NOON, new=STORM) == 60
    assert _seconds(Pace(every_s=30, metered=True), _NOON, new=STORM) == 30


@pytest.mark.parametrize("at", [_NOON, _NIGHT])
@pytest.mark.parametrize("new", [0, STORM])
def test_replies_to_a_schools_own_account_keep_their_pace(at: datetime, new: int) -> None:
    assert _seconds(Pace(every_s=300, own=True, metered=True, stretch=9.0), at, new) == 300


def test_what_costs_nothing_keeps_its_pace() -> None:
    assert _seconds(Pace(every_s=300), _NIGHT) == 300


def test_a_budget_that_would_not_last_slows_everything_else() -> None:
    assert _seconds(Pace(every_s=300, metered=True, stretch=2.5), _NOON) == 750
    assert _seconds(Pace(every_s=300, metered=True, stretch=2.5), _NOON, new=STORM) == 250


def test_the_stretch_makes_what_is_left_last() -> None:
    assert stretch(left=1000, seconds=1000, own=0, others=0.5) == 1.0
    assert stretch(left=1000, seconds=1000, own=0, others=4) == pytest.approx(4)
    assert stretch(left=1000, seconds=1000, own=0.5, others=1) == pytest.approx(2)
    assert stretch(left=1000, seconds=1000, own=2, others=1) == 100.0
    assert stretch(left=0, seconds=1000, own=0, others=1) == 100.0
    assert stretch(left=0, seconds=1000, own=0, others=0) == 1.0


def test_own_accounts_that_alone_are_too_many_all_wait_a_little() -> None:
    assert _seconds(Pace(every_s=300, own=True, metered=True, own_stretch=2.0), _NIGHT) == 600
    assert _seconds(Pace(every_s=300, own=False, metered=True, own_stretch=2.0), _NOON) == 300


def test_a_night_is_no_reason_to_wait_beyond_the_morning() -> None:
    pace = Pace(every_s=600, metered=True)
    assert _seconds(pace, datetime(2026, 11, 20, 5, 50, tzinfo=UTC)) == 600
    assert _seconds(pace, datetime(2026, 11, 20, 5, 35, tzinfo=UTC)) == 1500
    assert _seconds(pace, datetime(2026, 11, 20, 23, 30, tzinfo=UTC)) == 1800
    assert _seconds(Pace(every_s=43_200, metered=True), _NIGHT) == 43_200


def test_a_night_in_which_something_is_said_is_not_quiet() -> None:
    assert _seconds(Pace(every_s=600, metered=True), _NIGHT, new=1) == 600


def test_the_real_delay_is_that_of_half_and_of_ninety_nine_in_a_hundred() -> None:
    assert delay([]) is None
    assert delay([-30.0]) == Delay(posts=1, half_s=0, most_s=0), "no post comes before it is published"
    assert delay([9.0, 1.0, 5.0]) == Delay(posts=3, half_s=5, most_s=9)
    assert delay([float(n) for n in range(1000, 0, -1)]) == Delay(posts=1000, half_s=501, most_s=991)
