"""By when somebody must have acted: the policies' words in a school's hours, across weekends, holidays and clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.deadline import (
    IMMEDIATELY,
    NEXT_WORKING_DAY,
    SAME_WORKING_DAY,
    WORDS,
    Calendar,
    Speed,
    deadline,
    speed_of,
)
from alerts.flag import CONCERNS
from alerts.holiday import NATIONS, calendar_of, closed, is_bank_holiday
from alerts.packs import load_pack
from alerts.route import Route
from alerts.school import Hours, Period, School

LONDON = ZoneInfo("Europe/London")
ENGLAND = Calendar(is_closed=closed("england"))
SCOTLAND = Calendar(is_closed=closed("scotland"))


def london(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LONDON)


def test_immediately_is_five_minutes_whatever_the_hour() -> None:
    for at in ("2026-11-20T22:40", "2026-12-25T03:00", "2026-11-18T10:00"):
        assert deadline(IMMEDIATELY, london(at), ENGLAND) == london(at) + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("speed", "found", "by"),
    [
        (SAME_WORKING_DAY, "2026-11-18T10:00", "2026-11-18T17:00"),
        # Before hours, after hours, on a Friday night, on a Sunday: from the next working hour.
        (SAME_WORKING_DAY, "2026-11-18T06:00", "2026-11-18T17:00"),
        (SAME_WORKING_DAY, "2026-11-18T17:00", "2026-11-19T17:00"),
        (SAME_WORKING_DAY, "2026-11-20T22:40", "2026-11-23T17:00"),
        (SAME_WORKING_DAY, "2026-11-22T12:00", "2026-11-23T17:00"),
        (NEXT_WORKING_DAY, "2026-11-18T10:00", "2026-11-19T17:00"),
        (NEXT_WORKING_DAY, "2026-11-20T10:00", "2026-11-23T17:00"),
        (NEXT_WORKING_DAY, "2026-11-20T22:40", "2026-11-24T17:00"),
        # Christmas Eve is a Thursday: Friday is Christmas, Monday stands in for Boxing Day.
        (NEXT_WORKING_DAY, "2026-12-24T10:00", "2026-12-29T17:00"),
        (SAME_WORKING_DAY, "2026-12-25T10:00", "2026-12-29T17:00"),
        # The clock goes forward on Sunday 29 March and back on Sunday 25 October.
        (NEXT_WORKING_DAY, "2026-03-27T16:00", "2026-03-30T17:00"),
        (NEXT_WORKING_DAY, "2026-10-23T16:00", "2026-10-26T17:00"),
        (Speed(minutes=120), "2026-11-20T16:00", "2026-11-23T09:00"),
        (Speed(minutes=120), "2026-11-21T16:00", "2026-11-23T10:00"),
        (Speed(minutes=1200), "2026-11-18T08:00", "2026-11-20T10:00"),
    ],
)
def test_a_promise_runs_in_working_hours(speed: Speed, found: str, by: str) -> None:
    assert deadline(speed, london(found), ENGLAND) == london(by)


def test_scotland_keeps_other_days_than_england() -> None:
    second = london("2026-12-31T10:00")
    assert deadline(NEXT_WORKING_DAY, second, ENGLAND) == london("2027-01-04T17:00")
    new_year = london("2025-12-31T10:00")
    assert deadline(NEXT_WORKING_DAY, new_year, ENGLAND) == london("2026-01-02T17:00")
    assert deadline(NEXT_WORKING_DAY, new_year, SCOTLAND) == london("2026-01-05T17:00")
    easter = london("2026-04-02T10:00")
    assert deadline(NEXT_WORKING_DAY, easter, ENGLAND) == london("2026-04-07T17:00")
    assert deadline(NEXT_WORKING_DAY, easter, SCOTLAND) == london("2026-04-06T17:00")


def test_every_nation_has_its_own_bank_holidays() -> None:
    assert is_bank_holiday(date(2026, 3, 17), "northern_ireland")
    assert not is_bank_holiday(date(2026, 3, 17), "wales")
    assert all(is_bank_holiday(date(2026, 12, 25), nation) for nation in NATIONS)


def test_a_school_says_its_hours_its_terms_and_when_it_is_closed() -> None:
    school = School(
        id="hillcrest",
        name="Hillcrest Primary School",
        pack="wessex",
        hours=Hours(days=(0, 1, 2, 3), start=time(7, 30), end=time(15, 30)),
        terms=(
            Period(start=date(2026, 9, 1), end=date(2026, 10, 23)),
            Period(start=date(2026, 11, 2), end=date(2026, 12, 18)),
        ),
        closed=(Period(start=date(2026, 11, 3), end=date(2026, 11, 3), name="training day"),),
    )
    calendar = calendar_of(school)
    # Friday is no day of theirs, the week after is half-term, and Tuesday 3 November a training day.
    assert deadline(SAME_WORKING_DAY, london("2026-10-23T09:00"), calendar) == london("2026-11-02T15:30")
    assert deadline(NEXT_WORKING_DAY, london("2026-10-22T09:00"), calendar) == london("2026-11-02T15:30")
    assert deadline(NEXT_WORKING_DAY, london("2026-11-02T09:00"), calendar) == london("2026-11-04T15:30")
    # After the last term that anybody has entered the school is not taken for closed for ever.
    assert deadline(SAME_WORKING_DAY, london("2027-01-11T09:00"), calendar) == london("2027-01-11T15:30")


def test_hours_past_midnight_belong_to_the_day_on_which_they_began() -> None:
    boarding = Calendar(start=time(20, 0), end=time(7, 0), days=(0, 1, 2, 3, 4, 5, 6))
    assert deadline(SAME_WORKING_DAY, london("2026-11-19T02:00"), boarding) == london("2026-11-19T07:00")
    assert deadline(NEXT_WORKING_DAY, london("2026-11-19T02:00"), boarding) == london("2026-11-20T07:00")
    assert deadline(SAME_WORKING_DAY, london("2026-11-19T12:00"), boarding) == london("2026-11-20T07:00")


def test_a_school_that_never_opens_again_does_not_put_a_promise_off_for_ever() -> None:
    shut = Calendar(is_closed=lambda _day: True)
    found = london("2026-11-18T10:00")
    assert deadline(NEXT_WORKING_DAY, found, shut) <= found + timedelta(days=7)
    assert deadline(Speed(minutes=600), found, shut) <= found + timedelta(days=7)


MOMENTS = st.integers(0, 7 * 366 * 24 * 60).map(lambda m: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=m))
SPEEDS = st.one_of(
    st.integers(1, 5).map(lambda n: Speed(working_days=n)),
    st.just(SAME_WORKING_DAY),
    st.integers(1, 3000).map(lambda n: Speed(minutes=n)),
)
CALENDARS = st.builds(
    Calendar,
    timezone=st.sampled_from(["Europe/London", "Europe/Dublin", "America/New_York", "Pacific/Auckland"]),
    days=st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    start=st.integers(4, 11).map(time),
    end=st.integers(12, 23).map(time),
    is_closed=st.sampled_from(sorted(NATIONS)).map(closed),
)


@given(SPEEDS, MOMENTS, CALENDARS)
def test_a_deadline_is_never_before_the_matter_and_always_in_hours(
    speed: Speed, at: datetime, calendar: Calendar
) -> None:
    by = deadline(speed, at, calendar)
    local = by.astimezone(ZoneInfo(calendar.timezone))
    assert by >= at
    assert by.tzinfo is UTC
    assert calendar.works_on(local.date())
    assert calendar.start <= local.time() <= calendar.end


@given(SPEEDS, MOMENTS, MOMENTS, CALENDARS)
def test_what_is_found_later_is_never_due_earlier(
    speed: Speed, one: datetime, other: datetime, calendar: Calendar
) -> None:
    first, last = sorted((one, other))
    assert deadline(speed, first, calendar) <= deadline(speed, last, calendar)


@given(SPEEDS, MOMENTS, CALENDARS)
def test_outside_hours_it_is_as_if_found_in_the_next_working_hour(
    speed: Speed, at: datetime, calendar: Calendar
) -> None:
    _, begins = calendar.begin(at)
    assert calendar.is_working(begins)
    assert deadline(speed, at, calendar) == deadline(speed, begins, calendar)


@given(st.integers(1, 59), MOMENTS, CALENDARS)
def test_immediate_ignores_hours(minutes: int, at: datetime, calendar: Calendar) -> None:
    assert deadline(Speed(minutes=minutes, immediate=True), at, calendar) == at + timedelta(minutes=minutes)


@pytest.mark.parametrize("name", ["wessex", "one_education", "arden", "leading_edge", "wolsey_house"])
def test_the_shipped_packs_words_have_the_three_default_readings(name: str) -> None:
    pack = load_pack(name)
    for concern in ("self_harm", "threat", "child_at_risk", "indecent_image", "extremism", "sexual_content"):
        assert speed_of(pack.route(concern)) == IMMEDIATELY
    for concern in CONCERNS:
        route = pack.route(concern)
        if route.within in WORDS:
            assert speed_of(route) == WORDS[route.within]


def test_numbers_of_a_schools_own_pack_are_read_as_its_mails_say_them() -> None:
    def speed(minutes: int, concern: str = "criticism") -> Speed:
        return speed_of(Route(concern=concern, recipients=("headteacher",), within_minutes=minutes))

    assert speed(30) == Speed(minutes=30, immediate=True)
    assert speed(120) == Speed(minutes=120)
    assert speed(480) == SAME_WORKING_DAY
    assert speed(1440) == NEXT_WORKING_DAY
    assert speed(7200) == Speed(working_days=5)
    assert speed(5, "self_harm") == IMMEDIATELY


def test_a_speed_is_one_thing() -> None:
    for wrong in ({}, {"minutes": 1, "working_days": 1}, {"minutes": -1}, {"working_days": 1, "immediate": True}):
        with pytest.raises(ValueError, match=r"a speed is|counted in minutes"):
            Speed(**wrong)  # type: ignore[arg-type]
