"""A post of which nobody knows whose it is: one checker hears of what is grave, and a person's word decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from alerts.incident import Incident
from alerts.route import CHECKER, Receiver, Route
from alerts.school import Absence
from tests.watcher.test_service import NOW, House, body, make, post
from watcher.checking import Checker
from watcher.config import Settings, load
from watcher.enrolment import apply
from watcher.store import Store
from watcher.store import schema as t
from watcher.store.engine import reading

SETTINGS = """
[server]
public_url = "https://watcher.example"
[mail]
from = "watcher@it.example"
[alerts]
last_resort = "duty@it.example"
checker = "check"
[[schools]]
id = "mary"
name = "St Mary's Primary School"
pack = "wessex"
short_names = ["St Mary's"]
town = "Castermouth"
[[schools]]
id = "marie"
name = "St Mary's Academy"
pack = "one_education"
short_names = ["St Mary's"]
town = "Harrowick"
[[accounts]]
name = "words"
platform = "mastodon"
target = "St Mary's"
reads = ["search"]
[[accounts]]
name = "more"
platform = "mastodon"
target = "St Mary's Castermouth"
reads = ["search"]
"""
HOLDS = {"check": None, "okafor": ("dsl", "mary"), "moore": ("headteacher", "mary"), "west": ("dsl", "marie")}
GRAVE = "someone will die at St Mary's, all the teachers {threat=0.9}"


def settings(folder: Path, text: str = SETTINGS) -> Settings:
    rows = [text]
    for name, holds in HOLDS.items():
        rows.append(f'[[people]]\nid = "{name}"\nname = "Pat {name.title()}"\nemail = "{name}@x.example"\n')
        if holds:
            rows.append(f'[[holdings]]\nperson = "{name}"\nrole = "{holds[0]}"\nschool = "{holds[1]}"\n')
    file = folder / "watcher.toml"
    file.write_text("\n".join(rows), encoding="utf-8")
    return load(file)


@pytest.fixture
def house(store: Store, tmp_path: Path) -> House:
    chosen = settings(tmp_path)
    apply(chosen, store, "watcher.toml", NOW)
    made = make(store, chosen)
    for account in ("words", "more"):
        # What the first reading of a source brings is its history, which is told in one mail.
        made.bring(post(100, "nothing to see"), account=account)
    return made


def told(house: House) -> list[str]:
    return sorted(notice.address.partition("@")[0] for notice in house.channel.sent)


def states(house: House) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for incident in house.store.views.incidents(limit=100):
        found.setdefault(incident.school, []).append(f"{incident.state} {','.join(incident.recipients)}")
    return {school: sorted(rows) for school, rows in found.items()}


def waiting(house: House) -> list[str]:
    return [one.school for one in house.store.mentions.listed(limit=10, unclear=True)]


def test_what_may_be_anybodys_alerts_nobody_unless_it_is_grave(house: House) -> None:
    house.bring(post(1, "St Mary's teachers are useless {criticism=0.9}"), account="words")
    assert (told(house), states(house)) == ([], {})
    assert sorted(waiting(house)) == ["marie", "mary"]
    assert house.store.mentions.waiting() == 2


def test_what_is_grave_goes_to_the_checker_alone(house: House) -> None:
    house.bring(post(1, GRAVE), account="words")
    assert set(told(house)) == {"check"}
    assert states(house) == {"mary": ["open checker"], "marie": ["open checker"]}
    said = body(house.channel.sent[0])
    references = {notice.subject_of for notice in house.channel.sent}
    assert references
    for reference in references:
        assert f"watcher mentions {reference} --about SCHOOL (or none)" in " ".join(said.split())
    assert "It is not confirmed that the post concerns St Mary's" in " ".join(said.split()).replace("’", "'")
    before = len(house.channel.sent)
    house.settle(NOW + timedelta(hours=1))
    assert len(house.channel.sent) == before


def test_a_persons_word_has_the_policy_tell_whom_it_names(house: House) -> None:
    house.bring(post(1, GRAVE), account="words")
    house.channel.sent.clear()
    one = next(m for m in house.store.mentions.listed(limit=10, unclear=True) if m.school == "mary")
    assert (one.accounts, one.concerns, one.answer) == (("words",), ("threat",), None)
    later = NOW + timedelta(minutes=5)
    assert sorted(house.store.mentions.decide(one.number, ("mary",), "Jo", later)) == ["marie", "mary"]
    house.settle(later)
    assert {"moore", "okafor"} & set(told(house)), "the policy's people are told"
    assert not {"check", "west", "duty"} & set(told(house)), "the checker is not told twice, the other school never"
    assert states(house)["marie"] == ["dismissed checker"]
    closed, opened = sorted(i.reference for i in house.store.views.incidents(limit=9) if i.school == "mary"), []
    for reference in closed:
        view = house.store.views.incident(reference)
        assert view is not None
        opened.append((view.incident.recipients == (CHECKER,), [event.what for event in view.events]))
        if view.incident.recipients == (CHECKER,):
            assert [e.detail for e in view.events if e.what == "answered"] == ["Jo said that the post is about mary"]
            assert view.incident.state == "resolved"
        else:
            assert all("not confirmed" not in flag.why for p in view.posts for flag in p.flags)
    assert sorted(checkers for checkers, _ in opened) == [False, True]
    assert waiting(house) == []
    answered = house.store.mentions.get(one.number)
    assert answered is not None
    assert (answered.relevance, answered.reason) == ("yes", "a person said so")
    assert answered.answer is not None
    assert (answered.answer.value, answered.answer.by) == ("mary", "Jo")


def test_none_closes_the_matter_and_a_second_thought_opens_it(house: House) -> None:
    house.bring(post(1, GRAVE), account="words")
    house.channel.sent.clear()
    one = next(m for m in house.store.mentions.listed(limit=10) if m.school == "mary")
    house.store.mentions.decide(one.number, (), "Jo", NOW)
    house.settle()
    assert (told(house), waiting(house)) == ([], [])
    assert states(house) == {"mary": ["dismissed checker"], "marie": ["dismissed checker"]}
    with reading(house.store.engine) as connection:
        post_of_it = select(t.post.c.id).where(t.post.c.post_id == "1")
        [gone] = connection.scalars(select(t.version.c.delete_after).where(t.version.c.post.in_(post_of_it))).all()
    assert gone <= NOW + timedelta(days=7), "what is nobody's is not kept"
    house.store.mentions.decide(one.number, ("mary",), "Jo", NOW)
    house.settle()
    assert {"moore", "okafor"} & set(told(house)), "having been dismissed as nobody's does not count as told"


def test_a_post_may_be_given_to_a_school_that_nothing_pointed_to(house: House) -> None:
    house.bring(post(1, "see you at Castermouth, St Mary's, you will die {threat=0.9}"), account="words")
    one = next(m for m in house.store.mentions.listed(limit=10) if m.school == "mary")
    assert one.relevance == "yes"
    house.channel.sent.clear()
    house.store.mentions.decide(one.number, ("marie",), "Jo", NOW)
    house.settle()
    assert "west" in told(house)
    before = {m.school: m.relevance for m in house.store.mentions.listed(limit=10)}
    assert before == {"mary": "no", "marie": "yes"}


def test_a_later_finding_does_not_overrule_a_person(house: House) -> None:
    house.bring(post(1, GRAVE), account="words")
    one = next(m for m in house.store.mentions.listed(limit=10) if m.school == "mary")
    house.store.mentions.decide(one.number, (), "Jo", NOW)
    house.settle()
    house.channel.sent.clear()
    house.bring(post(1, GRAVE), account="more", now=NOW + timedelta(minutes=1))
    assert (told(house), waiting(house)) == ([], [])
    assert {m.relevance for m in house.store.mentions.listed(limit=10)} == {"no"}


def test_what_is_confirmed_by_its_own_words_is_told_at_once(house: House) -> None:
    house.bring(post(1, "St Mary's Academy: I will burn it down {threat=0.9}"), account="words")
    assert "west" in told(house)
    assert "check" not in told(house)


def test_mentions_are_listed_by_school_and_by_matter(house: House) -> None:
    house.bring(post(1, GRAVE), post(2, "St Mary's Academy sings"), account="words")
    listed = house.store.mentions.listed
    assert {m.school for m in listed(limit=10, school="mary")} == {"mary"}
    reference = next(i.reference for i in house.store.views.incidents(limit=9) if i.school == "marie")
    assert [(m.school, m.post.id) for m in listed(limit=10, incident=reference)] == [("marie", "1")]
    assert len(listed(limit=1)) == 1
    assert house.store.mentions.get(999) is None


# who the checker is ---------------------------------------------------------------------------------------------------

ROUTE = Route(concern="threat", recipients=("dsl",), within_minutes=15, clause="4.1")
LAST = Receiver(role="it_provider", person="last_resort", name="Duty", address="duty@it.example", why="")
DSL = Receiver(role="dsl", person="okafor", name="Pat Okafor", address="okafor@x.example", why="WP 4.1 names the DSL.")
MATTER = Incident(
    reference="WT-AAAAAAA",
    school="mary",
    state="open",
    concerns=("threat",),
    severity=4,
    recipients=(CHECKER,),
    opened_at=NOW,
    last_flag_at=NOW,
)


def first(house: House, named: str | None, incident: Incident = MATTER, *, away: bool = False) -> list[Receiver]:
    register = house.store.register.all()
    if away:
        day = NOW.date()
        register = replace(register, absences=(Absence(person="check", start=day, end=day),))
    alerts = house.settings.alerts.model_copy(update={"checker": named})
    checker = Checker(house.settings.model_copy(update={"alerts": alerts}), LAST)
    routes, found = checker.instead([ROUTE], [DSL], incident, register.school("mary"), register, NOW)
    assert [(route.recipients, route.clause, route.fallback) for route in routes] == [((CHECKER,), None, True)]
    return list(found)


def test_the_checker_is_a_person_or_an_address(house: House) -> None:
    assert [(r.address, r.role) for r in first(house, "check")] == [("check@x.example", CHECKER)]
    assert [(r.address, r.person) for r in first(house, "eye@it.example")] == [("eye@it.example", "eye@it.example")]


def test_without_a_checker_it_is_the_first_whom_the_policy_names(house: House) -> None:
    assert [r.address for r in first(house, None)] == ["okafor@x.example"]


def test_a_checker_who_is_away_or_accused_is_not_told(house: House) -> None:
    assert [r.address for r in first(house, "check", away=True)] == ["duty@it.example"]
    accused = replace(MATTER, about="headteacher", accused=("moore",))
    assert [r.address for r in first(house, "moore", accused)] == ["duty@it.example"]
    assert [r.address for r in first(house, "MOORE@x.example", accused)] == ["duty@it.example"]
    assert [r.address for r in first(house, "okafor", accused)] == ["okafor@x.example"]
