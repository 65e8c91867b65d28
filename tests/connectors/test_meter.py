"""Requests are counted as they leave, by unit, and none goes that has not been paid for."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from pytest_httpserver import HTTPServer

from connectors import meter
from connectors._refusal import used
from connectors.errors import RateLimitedError
from connectors.http import HttpClient
from connectors.meter import Meter
from connectors.tariff import TARIFFS


def _refused(unit: str) -> int:
    raise RateLimitedError(f"no more {unit}")


def test_every_exchange_is_counted_redirects_too(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/old").respond_with_data("", status=302, headers={"location": "/new"})
    httpserver.expect_request("/new").respond_with_data("{}")
    counted = Meter(lambda path: "calls", {"calls": 5}, _refused)
    with HttpClient(allow_private=httpserver.url_for("/")) as client, counted.running():
        client.get(httpserver.url_for("/old"))
    assert counted.spent == {"calls": 2}
    assert counted.answered == 2


def test_what_is_not_paid_for_does_not_leave(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data("{}")
    counted = Meter(lambda path: "calls", {"calls": 1}, _refused)
    with HttpClient(allow_private=httpserver.url_for("/")) as client, counted.running():
        client.get(httpserver.url_for("/a"))
        with pytest.raises(RateLimitedError):
            client.get(httpserver.url_for("/a"))
    assert len(httpserver.log) == 1


def test_more_is_paid_for_in_the_middle(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data("{}")
    asked: list[str] = []

    def more(unit: str) -> int:
        asked.append(unit)
        return 2

    counted = Meter(lambda path: "calls", {"calls": 1}, more)
    with HttpClient(allow_private=httpserver.url_for("/")) as client, counted.running():
        for _ in range(4):
            client.get(httpserver.url_for("/a"))
    assert asked == ["calls", "calls"]
    assert counted.spent["calls"] == 4


def test_another_thread_counts_for_itself() -> None:
    counted = Meter(lambda path: "calls", {"calls": 1}, _refused)
    with counted.running():
        thread = threading.Thread(target=meter.leaving, args=("/a",))
        thread.start()
        thread.join()
    assert not counted.spent


def test_a_failed_answer_is_no_answer_that_costs(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data("", status=503)
    counted = Meter(lambda path: "calls", {"calls": 1}, _refused)
    with HttpClient(allow_private=httpserver.url_for("/")) as client, counted.running():
        client.get(httpserver.url_for("/a"))
    assert counted.answered == 0
    assert counted.spent["calls"] == 1


@pytest.mark.parametrize(
    ("platform", "path", "unit"),
    [
        ("x", "/2/users/by/username/hillcrest", "lookups"),
        ("x", "/2/users/123", "lookups"),
        ("x", "/2/users/123/tweets", "calls"),
        ("x", "/2/tweets/search/recent", "calls"),
        ("youtube", "/youtube/v3/search", "searches"),
        ("youtube", "/youtube/v3/commentThreads", "calls"),
    ],
)
def test_platforms_count_some_requests_apart(platform: str, path: str, unit: str) -> None:
    assert TARIFFS[platform].unit_of(path) == unit


def test_nothing_leaves_once_the_platform_says_that_all_is_used(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data("{}")
    until = datetime(2026, 11, 20, 13, tzinfo=UTC)
    counted = Meter(lambda path: "calls", {"calls": 5}, _refused)
    with HttpClient(allow_private=httpserver.url_for("/")) as client, counted.running():
        meter.used(0.99, None)
        client.get(httpserver.url_for("/a"))
        meter.used(1.0, until)
        with pytest.raises(RateLimitedError) as refused:
            client.get(httpserver.url_for("/a"))
    assert refused.value.retry_at == until
    assert len(httpserver.log) == 1


@pytest.mark.parametrize(
    ("headers", "share"),
    [
        ({}, None),
        ({"x-app-usage": '{"call_count": 28, "total_time": 81, "total_cputime": 25}'}, 0.81),
        ({"x-page-usage": '{"call_count": 130}'}, 1.3),
        ({"x-business-use-case-usage": '{"1": [{"call_count": 5}, {"total_cputime": 90}], "2": [3]}'}, 0.9),
        ({"x-app-usage": '{"call_count": 9}', "x-business-use-case-usage": '{"1": [{"call_count": 12}]}'}, 0.12),
        ({"x-app-usage": '{"call_count": NaN, "total_time": "80", "total_cputime": -4}'}, None),
        ({"x-app-usage": "[" * 10_000}, None),
        ({"x-app-usage": "nonsense", "x-business-use-case-usage": "[1]"}, None),
    ],
)
def test_whatever_a_usage_header_holds_is_a_share_or_nothing(headers: dict[str, str], share: float | None) -> None:
    assert used(headers) == share
