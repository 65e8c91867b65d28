"""Which week it is, when its digest is due, and that none is missed or sent twice."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.digest import (
    MADE_UP,
    Digest,
    Line,
    digest_subject,
    due_at,
    next_digest_at,
    week_bounds,
    week_of,
    weeks_due,
)
from alerts.incident import STATES

LONDON = "Europe/London"
ZONES = (LONDON, "UTC", "Pacific/Auckland", "America/St_Johns", "Asia/Kolkata")
moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(lambda m: m.replace(tzinfo=UTC))  # noqa: DTZ001


def line(state: str, days: int = 0, **changes: object) -> Line:
    fields: dict[str, object] = {
        "reference": f"WT-{state}-{days}",
        "school": "Hillcrest Primary",
        "concerns": ("criticism",),
        "state": state,
        "clause": "8.1.9",
        "opened_at": datetime(2026, 11, 10, tzinfo=UTC) + timedelta(days=days),
    }
    return Line(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_week_is_the_schools_own() -> None:
    sunday_night = datetime(2026, 7, 12, 23, 30, tzinfo=UTC)
    assert week_of(sunday_night, "UTC") == "2026-W28"
    assert week_of(sunday_night, LONDON) == "2026-W29"
    assert week_of(datetime(2027, 1, 1, 12, tzinfo=UTC), LONDON) == "2026-W53"


def test_the_week_of_the_clock_change_has_an_hour_more() -> None:
    start, end = week_bounds("2026-W43", LONDON)
    assert end - start == timedelta(days=7, hours=1)
    assert start == datetime(2026, 10, 18, 23, tzinfo=UTC)


def test_it_is_due_at_half_past_seven_local_time_summer_and_winter() -> None:
    assert due_at("2026-W28", LONDON) == datetime(2026, 7, 13, 6, 30, tzinfo=UTC)
    assert due_at("2026-W46", LONDON) == datetime(2026, 11, 16, 7, 30, tzinfo=UTC)
    assert due_at("2026-W53", LONDON) == datetime(2027, 1, 4, 7, 30, tzinfo=UTC)


def test_it_is_due_from_then_on_and_not_a_second_before() -> None:
    due = datetime(2026, 11, 16, 7, 30, tzinfo=UTC)
    assert weeks_due(due - timedelta(seconds=1), LONDON, "2026-W45") == ()
    assert weeks_due(due, LONDON, "2026-W45") == ("2026-W46",)
    assert weeks_due(due + timedelta(days=6), LONDON, "2026-W45") == ("2026-W46",)
    assert weeks_due(due + timedelta(days=6), LONDON, "2026-W46") == ()
    assert next_digest_at(due - timedelta(seconds=1), LONDON, "2026-W45") == due
    assert next_digest_at(due, LONDON, "2026-W46") == due + timedelta(days=7)


def test_missed_weeks_are_made_up_for_within_reason() -> None:
    now = datetime(2026, 11, 18, tzinfo=UTC)
    assert weeks_due(now, LONDON, "2026-W43") == ("2026-W44", "2026-W45", "2026-W46")
    assert next_digest_at(now, LONDON, "2026-W43") == due_at("2026-W44", LONDON)
    assert len(weeks_due(now, LONDON, "2019-W01")) == MADE_UP
    assert weeks_due(now, LONDON, "2019-W01")[-1] == "2026-W46"


def test_the_first_digest_is_of_the_newest_week() -> None:
    assert weeks_due(datetime(2026, 11, 18, tzinfo=UTC), LONDON, None) == ("2026-W46",)
    assert weeks_due(datetime(2026, 11, 16, 7, tzinfo=UTC), LONDON, None) == ("2026-W45",)


def test_a_clock_set_back_makes_nothing_due_again() -> None:
    assert weeks_due(datetime(2026, 11, 2, 12, tzinfo=UTC), LONDON, "2026-W46") == ()
    assert next_digest_at(datetime(2026, 11, 2, 12, tzinfo=UTC), LONDON, "2026-W46") == due_at("2026-W47", LONDON)


@pytest.mark.parametrize("week", ["", "2026-46", "2026-W54", "2026-W00", "next week", "2026-W46\n"])
def test_a_week_that_is_none(week: str) -> None:
    with pytest.raises(ValueError):
        week_bounds(week, LONDON)


@given(moments, st.sampled_from(ZONES))
def test_every_moment_lies_in_its_week_and_weeks_follow_without_a_gap(moment: datetime, zone: str) -> None:
    week = week_of(moment, zone)
    start, end = week_bounds(week, zone)
    assert start <= moment < end
    assert week_bounds(week_of(end, zone), zone)[0] == end
    due = due_at(week, zone).astimezone(ZoneInfo(zone))
    assert (due.weekday(), due.hour, due.minute) == (0, 7, 30)


@given(moments, st.sampled_from(ZONES), st.integers(-20, 20))
def test_what_is_due_is_over_and_the_next_is_not_yet(moment: datetime, zone: str, ago: int) -> None:
    last = week_of(moment + timedelta(weeks=ago), zone)
    weeks = weeks_due(moment, zone, last)
    assert list(weeks) == sorted(set(weeks))
    assert all(week > last and due_at(week, zone) <= moment for week in weeks)
    upcoming = next_digest_at(moment, zone, last)
    assert (upcoming <= moment) == bool(weeks)


@pytest.mark.parametrize("zone", ZONES)
def test_over_jumping_clocks_and_restarts_each_week_is_sent_exactly_once(zone: str) -> None:
    chance = random.Random(46)
    now = datetime(2026, 1, 7, tzinfo=UTC)
    last = week_of(now - timedelta(weeks=1), zone)
    first, sent = last, []
    for _ in range(2_000):
        now += timedelta(minutes=chance.choice([-5_000, -120, -60, 1, 1, 30, 60, 600, 4_000, 5_000]))
        for week in weeks_due(now, zone, last):
            sent.append(week)
            last = week
    assert len(sent) == len(set(sent)) > 20
    whole = [first]
    while whole[-1] < sent[-1]:
        whole.append(week_of(week_bounds(whole[-1], zone)[1], zone))
    assert sent == whole[1:]


def test_a_digest_is_unique_by_scope_and_week() -> None:
    assert digest_subject("hillcrest", "2026-W46") == "hillcrest/2026-W46"


def test_what_waits_comes_overdue_first_and_then_by_age() -> None:
    lines = (line("open", 3), line("resolved", 1), line("acknowledged", 5, overdue=True), line("open", 2))
    digest = Digest(scope="Hillcrest Primary", week="2026-W46", matters=lines)
    assert [m.reference for m in digest.waiting] == ["WT-acknowledged-5", "WT-open-2", "WT-open-3"]
    assert [m.reference for m in digest.others] == ["WT-resolved-1"]


def test_only_what_nobody_has_in_hand_waits() -> None:
    assert [state for state in STATES if line(state).waits] == ["open"]
    assert Digest(scope="s", week="2026-W46").waiting == ()
