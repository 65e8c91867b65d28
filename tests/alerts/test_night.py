"""A child in danger at 22:40 reaches somebody awake, or the school says that it does not; all people are invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from alerts.cover import cover_line
from alerts.exclusion import exclusion
from alerts.night import night
from alerts.packs import load_pack
from alerts.receiver import receivers
from alerts.route import Receiver
from alerts.school import Absence, Contact, Holding, Hours, Period, Person, Register, School

SMS = Contact(channel="duty-sms", address="oak", wakes=True)
CHAT = Contact(channel="chat", address="oak")
HILL = School(id="hill", name="Hill School", pack="wessex", night=("oak", "elm"))
LATE = datetime(2026, 11, 19, 22, 40, tzinfo=UTC)
NOON = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
DESK = Receiver(role="it_provider", person="desk", name="Desk", address="desk@it.example", why="")


def register(school: School = HILL, **changes: dict[str, Any]) -> Register:
    ids = ("quill", "fir", "oak", "elm")
    people = tuple(Person(id=i, name=i.title(), email=f"{i}@hill.example") for i in ids)
    seats = {"quill": "headteacher", "fir": "dsl", "oak": "deputy_dsl", "elm": "deputy_headteacher"}
    return Register(
        schools=(school,),
        people=tuple(replace(p, **changes.get(p.id, {})) for p in people),
        holdings=tuple(Holding(person=p, role=r, school="hill") for p, r in seats.items()),
    )


def told(reg: Register, at: datetime, concern: str = "self_harm", **more: Any) -> list[str]:
    route = load_pack("wessex").route(concern, about=more.get("about"))
    found = receivers(route, reg.school("hill"), reg, at, last_resort=DESK, **more)
    return [receiver.person for receiver in found]


class TestWhoIsWoken:
    def test_in_the_schools_order_another_channel_first_then_another_person(self) -> None:
        found = night(HILL, register(oak={"contacts": (CHAT, SMS)}), LATE)

        assert [(r.person, r.contact) for r in found] == [("oak", SMS), ("elm", None)]
        assert "names Oak to be woken (by duty-sms)" in found[0].why

    def test_nobody_who_is_away(self) -> None:
        away = (Absence(person="oak", start=date(2026, 11, 19), end=date(2026, 11, 19)),)

        assert [r.person for r in night(HILL, replace(register(), absences=away), LATE)] == ["elm"]

    def test_nobody_accused_and_of_a_conflict_only_by_mail(self) -> None:
        reg = register(elm={"contacts": (SMS,)})
        shut = exclusion(HILL, reg, LATE, about="deputy_dsl")

        assert [(r.person, r.contact) for r in night(HILL, reg, LATE, shut=shut)] == [("elm", None)]

    def test_at_a_school_that_names_nobody_nobody(self) -> None:
        assert night(replace(HILL, night=()), register(), LATE) == ()


class TestAGraveMatter:
    def test_reaches_somebody_awake_late_at_night(self) -> None:
        assert told(register(), LATE) == ["fir", "oak", "elm"]

    def test_by_day_those_whom_the_policy_names_are_enough(self) -> None:
        assert told(register(), NOON) == ["fir"]

    def test_one_whose_own_hours_are_the_night_is_enough(self) -> None:
        on_duty = Hours(days=(0, 1, 2, 3, 4), start=time(20), end=time(7))

        assert told(register(fir={"hours": on_duty}), LATE) == ["fir"]

    def test_in_the_holidays_noon_is_as_late_as_midnight(self) -> None:
        closed = replace(HILL, closed=(Period(start=date(2026, 11, 16), end=date(2026, 11, 20)),))

        assert told(register(closed), NOON) == ["fir", "oak", "elm"]

    def test_what_is_not_grave_waits(self) -> None:
        assert told(register(), LATE, "criticism") == ["quill"]

    def test_the_accused_is_not_woken(self) -> None:
        assert "oak" not in told(register(), LATE, about="deputy_dsl")


@pytest.mark.parametrize(
    ("at", "inside"),
    [("2026-11-19T20:00", True), ("2026-11-20T06:59", True), ("2026-11-20T07:00", False), ("2026-11-22T03:00", False)],
)
def test_hours_over_midnight_belong_to_the_evening_on_which_they_begin(at: str, inside: bool) -> None:
    on_duty = Hours(days=(3,), start=time(20), end=time(7))

    assert on_duty.cover(datetime.fromisoformat(at)) is inside


def test_a_school_without_night_cover_says_so_with_whom_to_ring() -> None:
    line = cover_line(replace(HILL, night=()))

    assert line is not None
    assert line.startswith("Nobody at Hill School is woken at night or reads this outside 08:00 to 17:00")
    assert "999" in line
    assert "Childline 0800 1111" in line
    assert "Samaritans 116 123" in line
    assert cover_line(HILL) is None
