"""What a platform did not give is recorded once, shown, and fetched page by page where it can be."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from connectors.errors import AccountNotFoundError, ConnectorError, RateLimitedError, TransientError
from connectors.post import Account, Cursor, Gap, Oddity, Page, Post
from tests.watcher.test_service import NOW, OWN, FakeConnector, House, make, settings, under_own
from watcher.enrolment import apply
from watcher.gap import TRIES
from watcher.health import look
from watcher.store import Store
from watcher.store.gaps import Missing
from watcher.watching import rows

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
START, END = NOW - 3 * DAY, NOW - 2 * DAY


@dataclass
class Past(FakeConnector):
    """A platform that can give the past: pages in turn, or what stands there is raised."""

    past: list[Page | ConnectorError] = field(default_factory=list)
    asked: list[tuple[datetime, datetime, Cursor | None]] = field(default_factory=list)

    def backfill(self, _account: Account, since: datetime, until: datetime, cursor: Cursor | None) -> Page:
        self.asked.append((since, until, cursor))
        step = self.past.pop(0) if self.past else Page(posts=(), cursor=None)
        if isinstance(step, ConnectorError):
            raise step
        return step


@pytest.fixture
def house(store: Store, tmp_path: Path) -> House:
    chosen = settings(tmp_path)
    apply(chosen, store, "watcher.toml", NOW)
    made = make(store, chosen)
    made.connectors["hillcrest"] = Past()
    return made


def leave_out(house: House, *gaps: Gap, now: datetime = NOW, posts: tuple[Post, ...] = ()) -> None:
    house.connectors["hillcrest"].script.append(Page(posts=posts, cursor=Cursor(state="x"), gaps=gaps))
    house.poll(now=now)


def gap(start: datetime | None = START, end: datetime | None = END, why: str = "it keeps a day") -> Gap:
    return Gap(start=start, end=end, why=why)


def only(house: House) -> Missing:
    found = house.store.gaps.since(NOW - DAY)
    assert len(found) == 1
    return found[0]


def past(house: House) -> Past:
    connector = house.connectors["hillcrest"]
    assert isinstance(connector, Past)
    return connector


def test_a_gap_is_filled_page_by_page_and_judged_like_anything_else(house: House) -> None:
    leave_out(house, gap(), posts=(OWN,))
    angry = under_own(2, "Shame {criticism=0.9}", created_at=START + HOUR)
    odd = Oddity(raw=b"??", why="no id")
    past(house).past = [
        Page(posts=(angry,), cursor=Cursor(state="second"), more=True),
        Page(posts=(under_own(3, "Fine", created_at=END - HOUR),), cursor=None, oddities=(odd,)),
    ]
    assert house.service.fill(NOW) == 0, "not at once"
    assert house.service.fill(NOW + 2 * MINUTE) == 1
    assert only(house).state == "filling"
    again = make(house.store, house.settings)
    again.connectors["hillcrest"] = past(house)
    assert again.service.fill(NOW + 3 * MINUTE) == 1, "it goes on after a restart"
    assert [cursor and cursor.state for _, _, cursor in past(house).asked] == [None, "second"]
    assert past(house).asked[0][:2] == (START, END)
    assert only(house).filled_at == NOW + 3 * MINUTE
    assert house.store.accounts.gaps(NOW - DAY) == ()
    assert house.store.accounts.oddities() == {"hillcrest": 1}
    house.settle(NOW + 3 * MINUTE)
    assert house.concerns() == [("criticism",)]
    assert house.service.fill(NOW + DAY) == 0


def test_gaps_that_overlap_are_one(house: House) -> None:
    leave_out(house, gap())
    leave_out(house, gap(START - DAY, START + HOUR), now=NOW + MINUTE)
    leave_out(house, gap(NOW - HOUR, None), now=NOW + 2 * MINUTE)
    leave_out(house, gap(None, None, "a thread is too deep"), now=NOW + 3 * MINUTE)
    leave_out(house, gap(None, None, "a thread is too deep"), now=NOW + 4 * MINUTE)
    found = {(m.gap.start, m.gap.end) for m in house.store.gaps.since(NOW)}
    assert found == {(START - DAY, END), (NOW - HOUR, None), (None, None)}
    assert len(house.store.gaps.since(NOW)) == 3


def test_a_gap_whose_beginning_is_unknown_begins_with_the_last_reading(house: House) -> None:
    house.poll(now=NOW - DAY)
    leave_out(house, gap(None, NOW - HOUR))
    assert only(house).gap.start == NOW - DAY


def test_what_was_cut_off_the_very_first_reading_stays_open_and_says_so(house: House) -> None:
    leave_out(house, gap(None, NOW - HOUR))
    assert house.service.fill(NOW + HOUR) == 0
    assert (only(house).state, only(house).gap.start) == ("open", None)


def test_a_platform_without_a_past_is_asked_for_none(house: House) -> None:
    house.connectors["hillcrest"] = FakeConnector()
    leave_out(house, gap())
    assert house.service.fill(NOW + HOUR) == 0
    assert (only(house).state, only(house).fill_why) == ("open", "this platform gives nothing of the past")


def test_it_is_given_up_with_the_reason_after_several_tries(house: House) -> None:
    leave_out(house, gap())
    past(house).past = [TransientError("502 Bad Gateway") for _ in range(TRIES + 3)]
    for hours in range(1, 60):
        house.service.fill(NOW + hours * HOUR)
    assert len(past(house).asked) == TRIES
    assert only(house).state == "open"
    assert "502 Bad Gateway" in (only(house).fill_why or "")


@pytest.mark.parametrize(
    "error", [TransientError("502"), RateLimitedError("wait"), AccountNotFoundError("gone")], ids=str
)
def test_what_a_try_in_vain_came_to_and_what_it_cost_are_written_together_or_neither_is(
    house: House, monkeypatch: pytest.MonkeyPatch, error: ConnectorError
) -> None:
    leave_out(house, gap())
    past(house).past = [error]
    before = only(house)
    with monkeypatch.context() as patched:
        patched.setattr(house.service.poller, "settle", raising)
        with pytest.raises(RuntimeError, match="power cut"):
            house.service.fill(NOW + 2 * MINUTE)
    assert only(house) == before


def raising(*_: object) -> None:
    raise RuntimeError("power cut")


def test_a_pause_that_the_platform_asks_for_is_no_try_in_vain(house: House) -> None:
    leave_out(house, gap())
    past(house).past = [RateLimitedError("slow down", NOW + 3 * HOUR)]
    house.service.fill(NOW + HOUR)
    house.service.fill(NOW + 2 * HOUR)
    assert (only(house).tries, only(house).fill_at, len(past(house).asked)) == (0, NOW + 3 * HOUR, 1)
    house.service.fill(NOW + 3 * HOUR)
    assert only(house).state == "filled"


def test_what_the_platform_itself_calls_incomplete_is_not_called_filled(house: House) -> None:
    leave_out(house, gap())
    past(house).past = [Page(posts=(), cursor=None, gaps=(gap(why="older pages are refused"),))]
    house.service.fill(NOW + HOUR)
    assert (only(house).state, only(house).fill_why) == ("open", "older pages are refused")


def test_a_platform_that_repeats_its_page_is_not_read_for_ever(house: House) -> None:
    leave_out(house, gap())
    past(house).past = [Page(posts=(), cursor=Cursor(state="same"), more=True) for _ in range(50)]
    for minutes in range(2, 60):
        house.service.fill(NOW + minutes * MINUTE)
    assert len(past(house).asked) == 2
    assert "repeats" in (only(house).fill_why or "")


def test_a_source_in_trouble_is_not_asked_for_its_past(house: House) -> None:
    leave_out(house, gap())
    past(house).script.append(AccountNotFoundError("no such account"))
    house.poll(now=NOW + HOUR)
    assert house.service.fill(NOW + 2 * HOUR) == 0
    assert past(house).asked == []
    assert only(house).state == "filling"


def test_gaps_are_told_by_status_and_by_their_own_command(house: House) -> None:
    leave_out(house, gap())
    health = look(house.store, NOW)
    assert any("1 stretch of time" in line and "watcher gaps" in line for line in health.lines())
    assert list(rows(house.store, NOW - DAY)) == [
        {
            "account": "hillcrest",
            "kind": "missing",
            "from": "2026-11-15T10:00:00Z",
            "until": "2026-11-16T10:00:00Z",
            "why": "it keeps a day",
            "state": "filling",
            "filled_at": None,
            "next_try": "2026-11-18T10:01:00Z",
            "not_filled_because": None,
        }
    ]
    house.service.fill(NOW + HOUR)
    assert not any("watcher gaps" in line for line in look(house.store, NOW).lines())


def test_what_cannot_be_read_is_no_gap_and_says_since_when(house: House) -> None:
    why = "what visitors wrote on the page cannot be read: (#10) the app lacks a permission"
    for day in range(3):
        leave_out(house, gap(None, None, why), now=NOW + day * DAY)
    [row] = rows(house.store, NOW + 2 * DAY)
    assert row == {
        "account": "hillcrest",
        "kind": "cannot be read",
        "since": "2026-11-18T10:00:00Z",
        "last_seen": "2026-11-20T10:00:00Z",
        "why": why,
        "state": "cannot be read",
    }
    assert list(rows(house.store, NOW + 3 * DAY)) == []
    leave_out(house, gap(None, None, why), now=NOW + 90 * DAY)
    [again] = rows(house.store, NOW + 89 * DAY)
    assert again["since"] == again["last_seen"], "in between it was well"
