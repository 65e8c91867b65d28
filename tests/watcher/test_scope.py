"""Who reads the digest, also where nobody is Head; all people are invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from alerts.school import Absence, Holding, Person, Register, School, StandIn, Trust
from watcher.scope import leaders

NOW = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
HILL = School(id="hill", name="Hill School", pack="wessex", trust="vale")
DALE = School(id="dale", name="Dale School", pack="wessex", trust="vale")


def register(*held: tuple[str, str], deputy: str | None = None) -> Register:
    seats = [
        Holding(
            person=p,
            role=r,
            school=None if r in ("ceo", "chair_of_trustees", "it_provider") else "hill",
            trust="vale" if r in ("ceo", "chair_of_trustees", "it_provider") else None,
            deputy=deputy,
        )
        for p, r in held
    ]
    return Register(
        schools=(HILL, DALE),
        trusts=(Trust(id="vale", name="Vale Trust"),),
        people=tuple(Person(id=p, name=p.title(), email=f"{p}@vale.example") for p in ("a", "b", "c", "d")),
        holdings=tuple(seats),
    )


def read(reg: Register, scope: str = "hill") -> list[tuple[str, str]]:
    schools = (HILL, DALE) if scope == "vale" else tuple(s for s in reg.schools if s.id == scope)
    return [(r.person, r.role) for r in leaders(scope, schools, reg, NOW)]


def test_the_head_reads_it_and_the_chief_executive_the_trusts() -> None:
    reg = register(("a", "headteacher"), ("b", "ceo"), ("c", "deputy_headteacher"))

    assert read(reg) == [("a", "headteacher")]
    assert read(reg, "vale") == [("b", "ceo")]


def test_without_a_head_the_first_along_the_chain_does() -> None:
    assert read(register(("c", "deputy_headteacher"), ("b", "ceo"))) == [("c", "deputy_headteacher")]
    assert read(register(("b", "ceo"))) == [("b", "ceo")]
    (receiver,) = leaders("hill", (HILL,), register(("b", "ceo")), NOW)
    assert "Nobody is headteacher today, and the CEO stands in" in receiver.why


def test_along_the_schools_own_chain_where_it_declares_one() -> None:
    reg = register(("b", "ceo"), ("c", "deputy_headteacher"), ("d", "office"))
    own = replace(HILL, stand_ins=(StandIn(role="headteacher", by=("office",)),))

    assert [r.person for r in leaders("hill", (own,), reg, NOW)] == ["d"]


def test_whose_seat_has_ended_by_the_schools_own_day_reads_no_more() -> None:
    reg = register(("a", "headteacher"), ("c", "deputy_headteacher"))
    ended = tuple(replace(h, end=date(2026, 7, 19)) if h.person == "a" else h for h in reg.holdings)
    found = leaders("hill", (HILL,), replace(reg, holdings=ended), datetime(2026, 7, 19, 23, 30, tzinfo=UTC))

    assert [r.person for r in found] == ["c"]


def test_one_who_looks_after_watcher_reads_none() -> None:
    own = replace(HILL, chain=("it_provider",))

    assert leaders("hill", (own,), register(("d", "it_provider")), NOW) == ()


def test_a_trust_without_a_chief_executive_is_read_by_its_chair_and_by_no_schools_head() -> None:
    assert read(register(("a", "headteacher"), ("c", "chair_of_trustees")), "vale") == [("c", "chair_of_trustees")]
    assert read(register(("a", "headteacher")), "vale") == []


def test_the_deputy_of_a_head_who_is_away_reads_it_beside_them() -> None:
    away = (Absence(person="a", start=date(2026, 11, 16), end=date(2026, 12, 4)),)

    assert read(replace(register(("a", "headteacher"), deputy="d"), absences=away)) == [
        ("a", "headteacher"),
        ("d", "headteacher"),
    ]
    assert read(register(("a", "headteacher"), deputy="d")) == [("a", "headteacher")]
