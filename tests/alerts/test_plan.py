"""Who is told now, and why; and who is not told twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.flag import GRAVE
from alerts.incident import Incident
from alerts.notice import REASONS
from alerts.plan import Intent, Pace, Planned, due, held
from alerts.route import Receiver

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
INCIDENT = Incident(
    reference="WT-7F3K",
    school="hillcrest",
    state="open",
    concerns=("cyberbullying",),
    severity=3,
    recipients=("headteacher", "dsl"),
    opened_at=NOW,
    last_flag_at=NOW,
    posts=1,
)


def holder(role: str, person: str) -> Receiver:
    return Receiver(
        role=role, person=person, name=person.title(), address=f"{person}@school.example", why=f"As {role}."
    )


HEAD, DSL = holder("headteacher", "erin"), holder("dsl", "dan")


class Log:
    """A log in memory, with the unique key that every store must hold."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, Planned]] = []

    def planned(self, incident: str) -> tuple[Planned, ...]:
        return tuple(row for reference, row in self.rows if reference == incident)

    def write(self, intents: tuple[Intent, ...]) -> None:
        for intent in intents:
            row = Planned(receiver=intent.receiver.person, reason=intent.reason, sequence=intent.sequence)
            assert (intent.incident, row) not in self.rows
            self.rows.append((intent.incident, row))


def plan(incident: Incident, receivers: list[Receiver], log: Log) -> list[tuple[str, str, int]]:
    intents = due(incident, receivers, log, NOW)
    log.write(intents)
    return [(i.receiver.person, i.reason, i.sequence) for i in intents]


def test_everyone_is_told_once_when_it_opens() -> None:
    log = Log()
    assert plan(INCIDENT, [HEAD, DSL], log) == [("erin", "opened", 0), ("dan", "opened", 0)]
    assert plan(INCIDENT, [HEAD, DSL], log) == []


def test_more_posts_are_no_reason_for_a_mail() -> None:
    log = Log()
    plan(INCIDENT, [HEAD], log)
    grown = replace(INCIDENT, posts=200, last_flag_at=NOW + timedelta(hours=5), keys=("thread:x",))
    assert plan(grown, [HEAD], log) == []


@pytest.mark.parametrize("reason", ["new_concern", "new_target", "more_severe"])
def test_news_is_told_again_once(reason: str) -> None:
    log = Log()
    plan(INCIDENT, [HEAD], log)
    grown = replace(INCIDENT, news=("opened", reason))
    assert plan(grown, [HEAD], log) == [("erin", reason, 1)]
    assert plan(grown, [HEAD], log) == []


def test_several_pieces_of_news_are_one_mail_named_after_the_gravest() -> None:
    log = Log()
    plan(INCIDENT, [HEAD], log)
    grown = replace(INCIDENT, news=("opened", "new_target", "new_concern", "more_severe"))
    assert plan(grown, [HEAD], log) == [("erin", "more_severe", 3)]
    assert plan(replace(grown, news=(*grown.news, "new_target")), [HEAD], log) == [("erin", "new_target", 4)]


def test_news_before_the_first_mail_is_in_the_first_mail() -> None:
    log = Log()
    assert plan(replace(INCIDENT, news=("opened", "new_concern")), [HEAD], log) == [("erin", "opened", 1)]
    assert plan(replace(INCIDENT, news=("opened", "new_concern")), [HEAD], log) == []


def test_a_new_receiver_after_a_change_of_route_gets_the_whole_as_opened() -> None:
    log = Log()
    plan(INCIDENT, [HEAD], log)
    grown = replace(INCIDENT, news=("opened", "new_concern"))
    assert plan(grown, [HEAD, DSL], log) == [("erin", "new_concern", 1), ("dan", "opened", 1)]


def test_a_person_with_two_roles_gets_one_mail_that_gives_both_reasons() -> None:
    log = Log()
    [intent] = due(INCIDENT, [HEAD, holder("dsl", "erin"), HEAD], log, NOW)
    assert intent.receiver.role == "headteacher"
    assert intent.receiver.why == "As headteacher. As dsl."
    assert intent.at == NOW


def test_a_closed_incident_is_due_to_nobody_and_an_acknowledged_one_still_is() -> None:
    for state in ("resolved", "dismissed"):
        assert due(replace(INCIDENT, state=state), [HEAD], Log(), NOW) == ()
    log = Log()
    plan(INCIDENT, [HEAD], log)
    worse = replace(INCIDENT, state="acknowledged", news=("opened", "more_severe"))
    assert plan(worse, [HEAD], log) == [("erin", "more_severe", 1)]


def test_a_chaser_does_not_count_as_having_told_the_news() -> None:
    log = Log()
    plan(INCIDENT, [HEAD], log)
    log.rows.append(("WT-7F3K", Planned(receiver="erin", reason="chased", sequence=5)))
    assert plan(replace(INCIDENT, news=("opened", "new_target")), [HEAD], log) == [("erin", "new_target", 1)]


def test_another_incidents_notices_do_not_count() -> None:
    log = Log()
    plan(replace(INCIDENT, reference="WT-OTHER"), [HEAD], log)
    assert plan(INCIDENT, [HEAD], log) == [("erin", "opened", 0)]


@given(st.lists(st.sampled_from(["new_concern", "new_target", "more_severe", "tick"]), max_size=12))
def test_whatever_happens_nobody_misses_news_or_hears_it_twice(events: list[str]) -> None:
    log, incident, mails = Log(), INCIDENT, 0
    for event in events:
        if event == "tick":
            told = plan(incident, [HEAD, DSL], log)
            assert len(told) in (0, 2)
            mails += len(told) // 2
        else:
            incident = replace(incident, news=(*incident.news, event))
    plan(incident, [HEAD, DSL], log)
    last = max(row.sequence for _, row in log.rows if row.receiver == "erin")
    assert last == len(incident.news) - 1
    assert mails <= len(incident.news)
    assert all(row.reason in REASONS for _, row in log.rows)
    assert plan(incident, [HEAD, DSL], log) == []


def told_at(*rows: tuple[str, timedelta]) -> Log:
    log = Log()
    log.rows = [
        ("WT-7F3K", Planned(receiver="erin", reason=reason, sequence=n, at=NOW - ago))
        for n, (reason, ago) in enumerate(rows)
    ]
    return log


def news_to(reason: str) -> Intent:
    return Intent(incident="WT-7F3K", receiver=HEAD, reason=reason, sequence=9, at=NOW)


def why_held(log: Log, reason: str, mails: int = 0, incident: Incident = INCIDENT) -> tuple[str, datetime] | None:
    one = held(news_to(reason), incident, log, mails, Pace(), "Europe/London", NOW)
    return None if one is None else (one.reason, one.until)


def test_further_news_wait_for_the_window_and_the_same_news_for_the_interval() -> None:
    minutes, hours = timedelta(minutes=1), timedelta(hours=1)
    assert why_held(Log(), "opened") is None
    assert why_held(told_at(("opened", 5 * minutes)), "more_severe") == ("bundled", NOW + 10 * minutes)
    assert why_held(told_at(("opened", 15 * minutes)), "more_severe") is None
    repeated = told_at(("opened", 9 * hours), ("more_severe", 4 * hours))
    assert why_held(repeated, "more_severe") == ("repeated_too_soon", NOW + 20 * hours)
    assert why_held(repeated, "new_target") is None


def test_a_full_day_waits_for_the_morning_or_for_the_hour_before_a_promise() -> None:
    morning = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
    assert why_held(Log(), "opened", mails=9) is None
    assert why_held(Log(), "opened", mails=10) == ("capped", morning)
    today = replace(INCIDENT, act_by=NOW + timedelta(hours=5))
    assert why_held(Log(), "opened", mails=10, incident=today) == ("capped", NOW + timedelta(hours=4))
    soon = replace(INCIDENT, act_by=NOW + timedelta(minutes=30))
    assert why_held(Log(), "opened", mails=10, incident=soon) == ("capped", NOW + timedelta(minutes=15))


@given(st.sampled_from(GRAVE), st.integers(0, 1000), st.integers(0, 2000), st.sampled_from(REASONS))
def test_nothing_ever_holds_back_what_cannot_wait(concern: str, mails: int, ago: int, reason: str) -> None:
    grave = replace(INCIDENT, concerns=("criticism", concern))
    log = told_at(("opened", timedelta(minutes=ago)), (reason, timedelta(minutes=ago // 2)))
    assert why_held(log, reason, mails, grave) is None
