"""Periods begin and end where the platforms' do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import registry
from connectors.tariff import PERIODS, TARIFFS, window


@given(seconds=st.integers(min_value=0, max_value=11 * 365 * 86400), period=st.sampled_from(PERIODS))
def test_a_moment_lies_in_its_own_period_and_the_next_begins_at_its_end(seconds: int, period: str) -> None:
    now = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    start, end = window(period, now)
    assert start <= now < end
    assert window(period, end)[0] == end
    assert window(period, end - timedelta(microseconds=1)) == (start, end)


@pytest.mark.parametrize(
    ("period", "now", "start", "end"),
    [
        ("month", "2026-12-31T23:59:59+00:00", "2026-12-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00"),
        ("day", "2026-11-20T00:00:00+00:00", "2026-11-20T00:00:00+00:00", "2026-11-21T00:00:00+00:00"),
        # Google's day ends at midnight in California: eight hours behind in winter, seven in summer.
        ("pacific_day", "2026-11-20T07:59:00+00:00", "2026-11-19T08:00:00+00:00", "2026-11-20T08:00:00+00:00"),
        ("pacific_day", "2026-07-20T07:00:00+00:00", "2026-07-20T07:00:00+00:00", "2026-07-21T07:00:00+00:00"),
        # The day on which the clocks go back there has 25 hours.
        ("pacific_day", "2026-11-01T12:00:00+00:00", "2026-11-01T07:00:00+00:00", "2026-11-02T08:00:00+00:00"),
    ],
)
def test_periods(period: str, now: str, start: str, end: str) -> None:
    expected = (datetime.fromisoformat(start), datetime.fromisoformat(end))
    assert window(period, datetime.fromisoformat(now)) == expected


def test_an_unknown_period_is_refused() -> None:
    with pytest.raises(ValueError, match="fortnight"):
        window("fortnight", datetime(2026, 11, 20, tzinfo=UTC))


def test_every_tariff_is_of_a_platform_that_is_read() -> None:
    assert set(TARIFFS) - {"linkedin", "tiktok"} <= set(registry.known())
    # Meta's limits for these two depend on the page; its answers tell how much is used.
    assert {platform for platform, tariff in TARIFFS.items() if not tariff.limits} == {"facebook", "instagram"}
    for tariff in TARIFFS.values():
        assert all(limit.period in PERIODS and limit.amount > 0 for limit in tariff.limits)
        # What is reserved at a time must fit the limit, or nothing could ever be read.
        assert all(tariff.calls <= limit.amount for limit in tariff.limits if limit.unit == "calls")
