"""Nobody has answered: who is asked again, who next, who never, and who hears that somebody has it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from sqlalchemy import select, update

from alerts.errors import DeliveryError
from alerts.incident import Incident
from tests.watcher.test_service import NOW, OWN, House, body, make, post, settings, under_own
from watcher.app import pack_of
from watcher.enrolment import apply
from watcher.errors import RefusedError
from watcher.following import follower, pace_of
from watcher.store import Store, schema

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DISCLOSURE = "nobody would miss me {self_harm=0.9}"


@pytest.fixture
def house(store: Store, tmp_path: Path) -> House:
    return followed(store, tmp_path)


def followed(store: Store, folder: Path) -> House:
    chosen = settings(folder)
    apply(chosen, store, "watcher.toml", NOW)
    made = make(store, chosen)
    made.service._follow_up = follower(chosen, store, made.service.teller, pack_of).follow_up
    made.service._planner._pace = pace_of(chosen)
    return made


def the_one(house: House) -> Incident:
    [incident] = house.store.views.incidents(limit=9)
    return incident


def told(house: House) -> list[tuple[str, str]]:
    return [(n.receiver, n.reason) for n in house.channel.sent]


def timeline(house: House, reference: str) -> list[tuple[str, str]]:
    view = house.store.views.incident(reference)
    assert view is not None
    return [(event.what, event.detail) for event in view.events]


def test_a_child_in_danger_is_promised_in_five_minutes_and_asked_for_again_after_thirty(house: House) -> None:
    friday_night = datetime(2026, 11, 20, 22, 40, tzinfo=UTC)
    house.bring(OWN, now=friday_night)
    house.bring(under_own(2, DISCLOSURE, created_at=friday_night), now=friday_night)
    incident = the_one(house)
    assert incident.act_by == friday_night + 5 * MINUTE
    assert incident.chase_at == friday_night + 30 * MINUTE
    assert ("okafor", "opened") in told(house)
    sent = len(house.channel.sent)
    house.settle(friday_night + 29 * MINUTE)
    assert len(house.channel.sent) == sent
    house.settle(friday_night + 30 * MINUTE)
    assert ("okafor", "chased") in told(house)
    house.settle(friday_night + 31 * MINUTE)
    assert sum(reason == "chased" for _, reason in told(house)) == sum(r == "opened" for _, r in told(house))
    assert "Still waiting" in str(message_from_bytes(house.channel.sent[-1].message, policy=policy.default)["Subject"])


def test_it_goes_up_the_chain_one_after_another_until_all_have_been_asked_and_then_the_last_resort(
    house: House,
) -> None:
    house.bring(OWN)
    house.bring(under_own(2, DISCLOSURE))
    first = {person for person, _ in told(house)}
    for step in range(1, 9):
        house.settle(NOW + step * 30 * MINUTE)
    escalated = [person for person, reason in told(house) if reason == "escalated"]
    assert len(escalated) == len(set(escalated))
    assert not first & set(escalated)
    assert {"lind", "ray"} <= set(escalated) | first
    [last] = [n for n in house.channel.sent if n.receiver == "last_resort"]
    assert last.reason == "escalated"
    assert escalated[-1] == "last_resort"
    assert "telephone the school" in body(last)
    assert "harm" not in body(last)
    steps = [detail for what, detail in timeline(house, the_one(house).reference) if what == "followed_up"]
    assert steps[0].startswith("chased: ")
    assert steps[1].startswith("escalated: ")
    assert any(step.startswith("asked_all_again") for step in steps)
    # The provider is no part of the chain of a safeguarding matter.
    assert "desk" not in {person for person, _ in told(house)}


def test_the_accused_is_on_no_rung_and_no_one_who_works_for_them(house: House) -> None:
    house.bring(OWN)
    house.bring(under_own(2, "The headteacher, Mrs Moore, slapped my son and then lied about it {criticism=0.9}"))
    for step in range(1, 40):
        house.settle(NOW + step * DAY)
    assert any(reason == "chased" for _, reason in told(house))
    assert {"moore", "okafor"}.isdisjoint(person for person, _ in told(house))


def test_an_ordinary_matter_is_chased_on_the_working_day_that_its_policy_means(house: House) -> None:
    house.bring(OWN)
    house.bring(under_own(2, "Shame on the school {criticism=0.9}"))
    incident = the_one(house)
    assert incident.act_by == datetime(2026, 11, 19, 17, 0, tzinfo=UTC)
    house.settle(NOW + 23 * HOUR)
    assert told(house) == [("moore", "opened")]
    house.settle(datetime(2026, 11, 19, 17, 0, tzinfo=UTC))
    assert told(house) == [("moore", "opened"), ("moore", "chased")]


def test_one_acknowledgement_stands_the_others_down_by_name_and_ends_the_chasing(house: House) -> None:
    house.bring(OWN)
    house.bring(under_own(2, DISCLOSURE))
    house.settle(NOW + 30 * MINUTE)
    house.settle(NOW + 60 * MINUTE)
    reference = the_one(house).reference
    known = {person for person, _ in told(house)}
    assert len(known) > 1
    after = house.store.incidents.act(reference, "acknowledged", "okafor", None, "", NOW + 61 * MINUTE)
    assert (after.state, after.held_by, after.acknowledged_at) == ("acknowledged", "okafor", NOW + 61 * MINUTE)
    before = len(house.channel.sent)
    house.settle(NOW + 61 * MINUTE)
    down = house.channel.sent[before:]
    assert {n.receiver for n in down} == known - {"okafor"}
    assert {n.reason for n in down} == {"stood_down"}
    assert all("Pat Okafor (DSL) has taken on" in body(n) for n in down)
    house.settle(NOW + 10 * DAY)
    assert len(house.channel.sent) == before + len(down)
    assert house.store.chases.overdue(NOW + 10 * DAY) == ()


def test_a_grave_thing_said_again_is_told_again_although_somebody_had_it(house: House) -> None:
    child = under_own(2, DISCLOSURE)
    house.bring(OWN)
    house.bring(child)
    reference = the_one(house).reference
    house.store.incidents.act(reference, "acknowledged", "okafor", None, "", NOW + MINUTE)
    house.settle(NOW + MINUTE)
    before = len(house.channel.sent)
    house.bring(under_own(3, "tonight then {self_harm=0.95}", author=child.author), now=NOW + HOUR)
    assert ("okafor", "said_again") in told(house)[before:]
    again = the_one(house)
    assert (again.state, again.held_by, again.chase_at) == ("open", None, NOW + HOUR + 30 * MINUTE)


def test_whoever_gets_a_matter_handed_is_told_and_asked_for_it(house: House) -> None:
    house.bring(OWN)
    house.bring(under_own(2, "Shame on the school {criticism=0.9}"))
    reference = the_one(house).reference
    house.store.incidents.act(reference, "acknowledged", "moore", None, "", NOW)
    house.store.incidents.act(reference, "handed_over", "moore", "lind", "on leave", NOW + MINUTE)
    house.settle(NOW + MINUTE)
    assert ("lind", "handed_over") in told(house)
    assert "Pat Moore (headteacher) has handed it over to you." in body(house.channel.to("lind")[0])
    assert (the_one(house).state, the_one(house).held_by) == ("open", "lind")
    house.settle(NOW + 2 * DAY)
    assert told(house)[-1] == ("lind", "chased")
    house.store.incidents.act(reference, "handed_back", "lind", None, "not mine", NOW + 2 * DAY)
    house.settle(NOW + 2 * DAY)
    assert told(house)[-1] == ("moore", "handed_back")
    assert the_one(house).held_by is None


def test_escalating_by_hand_asks_the_next_at_once(house: House) -> None:
    house.bring(OWN)
    house.bring(under_own(2, "Shame on the school {criticism=0.9}"))
    house.store.incidents.act(the_one(house).reference, "escalated", "moore", None, "too big for me", NOW + MINUTE)
    house.settle(NOW + MINUTE)
    assert told(house)[-1][1] == "escalated"
    assert told(house)[-1][0] != "moore"


def test_what_is_closed_is_followed_up_no_more_and_opens_only_by_hand(house: House) -> None:
    house.bring(OWN)
    house.bring(under_own(2, DISCLOSURE))
    reference = the_one(house).reference
    sent = len(house.channel.sent)
    closed = house.store.incidents.act(reference, "dismissed", "okafor", None, "a song text", NOW + MINUTE)
    assert (closed.state, closed.closed_at) == ("dismissed", NOW + MINUTE)
    house.settle(NOW + DAY)
    assert len(house.channel.sent) == sent
    with pytest.raises(RefusedError, match="is dismissed"):
        house.store.incidents.act(reference, "acknowledged", "okafor", None, "", NOW + DAY)
    with pytest.raises(RefusedError, match="set it to open"):
        house.store.incidents.set_state(reference, "resolved", "no", NOW + DAY)
    assert house.store.incidents.set_state(reference, "open", "it was none", NOW + DAY, by="okafor")
    house.settle(NOW + DAY)
    assert the_one(house).chase_at == NOW + DAY + 30 * MINUTE


def test_only_one_person_has_a_matter_and_nobody_hands_back_what_nobody_has(house: House) -> None:
    house.bring(OWN)
    house.bring(under_own(2, DISCLOSURE))
    reference = the_one(house).reference
    with pytest.raises(RefusedError, match="nobody has"):
        house.store.incidents.act(reference, "handed_back", "okafor", None, "", NOW)
    house.store.incidents.act(reference, "acknowledged", "okafor", None, "", NOW)
    house.store.incidents.act(reference, "acknowledged", "okafor", None, "", NOW)
    with pytest.raises(RefusedError, match="okafor has"):
        house.store.incidents.act(reference, "acknowledged", "lind", None, "", NOW)
    assert [what for what, _ in timeline(house, reference)].count("acknowledged") == 1


def test_the_store_itself_refuses_the_accused(house: House) -> None:
    house.bring(OWN)
    house.bring(under_own(2, "The headteacher, Mrs Moore, slapped my son and then lied about it {criticism=0.9}"))
    reference = the_one(house).reference
    for by, to in (("moore", None), ("lind", "moore")):
        with pytest.raises(RefusedError):
            house.store.incidents.act(reference, "handed_over" if to else "acknowledged", by, to, "", NOW)


def test_further_news_within_the_window_wait_and_share_one_mail(house: House) -> None:
    house.bring(OWN)
    house.bring(under_own(2, "Shame on you {cyberbullying=0.9}"))
    incident = the_one(house)
    first = len(house.channel.sent)
    for minute, reason in ((1, "new_target"), (2, "more_severe")):
        add_news(house, incident.reference, reason)
        house.settle(NOW + minute * MINUTE)
    assert len(house.channel.sent) == first
    held = [detail for what, detail in timeline(house, incident.reference) if what == "held_back"]
    assert held
    assert all("bundled until 2026-11-18 10:15 UTC" in detail for detail in held)
    house.settle(NOW + 15 * MINUTE)
    assert [reason for _, reason in told(house)[first:]] == ["more_severe"] * first


def add_news(house: House, reference: str, reason: str) -> None:
    """What a joining flag writes when it brings news."""
    with house.store.writing() as connection:
        same = schema.incident.c.reference == reference
        news = connection.scalars(select(schema.incident.c.news).where(same)).one()
        values = {"news": [*news, reason], "plan_due": True, "plan_at": None}
        connection.execute(update(schema.incident).where(same).values(**values))


def test_a_full_day_ends_in_one_summary_and_a_grave_matter_never_waits(house: House) -> None:
    house.bring(OWN)
    for n in range(2, 16):
        text = f"You lot at number {n} are pathetic and everybody hates you {{cyberbullying=0.9}}"
        house.bring(post(n, f"Hillcrest Primary School: {text}"), now=NOW + n * MINUTE)
    head = [n for n in house.channel.to("moore") if n.reason == "opened"]
    assert len(house.store.views.incidents(limit=30)) == 14
    assert len(head) == 10
    house.bring(under_own(90, "I will stab the headteacher tomorrow {threat=0.95}"), now=NOW + HOUR)
    assert any("Threat" in str(message_from_bytes(n.message)["Subject"]) for n in house.channel.to("moore")[10:])
    held = [
        r for i in house.store.views.incidents(limit=30) for r in timeline(house, i.reference) if r[0] == "held_back"
    ]
    assert all("capped" in detail for _, detail in held)
    assert len(held) >= 4
    # The promise ends on the next working day at five; the summary comes on the morning before it.
    house.settle(datetime(2026, 11, 19, 7, 0, tzinfo=UTC))
    summary = [n for n in house.channel.to("moore") if n.reason == "summary"]
    assert len(summary) == 1
    said = body(summary[0])
    assert "as many messages of ordinary matters as a day is to bring" in said
    references = {i.reference for i in house.store.views.incidents(limit=30) if i.concerns == ("cyberbullying",)}
    assert sum(reference in said for reference in references) == 4
    for reference in references:
        assert [n for n in house.store.notices.of(reference) if n.receiver == "moore"]


def test_a_grave_mail_leaves_before_all_that_wait(house: House) -> None:
    house.bring(OWN)
    house.channel.answers = {f"{name}@x.example": DeliveryError("451", permanent=False) for name in ("moore", "okafor")}
    for n in range(2, 8):
        house.bring(post(n, f"Hillcrest Primary School: you at number {n} are pathetic {{cyberbullying=0.9}}"))
    house.bring(under_own(90, DISCLOSURE))
    house.channel.answers.clear()
    house.service.begin(NOW + MINUTE)
    house.service.deliver(NOW + MINUTE, limit=1)
    assert [n.subject_of for n in house.channel.sent[-1:]] == [
        i.reference for i in house.store.views.incidents(limit=30) if i.is_grave
    ]


def test_who_did_something_stands_in_the_timeline(house: House) -> None:
    house.bring(OWN)
    house.bring(under_own(2, DISCLOSURE))
    reference = the_one(house).reference
    house.store.incidents.act(reference, "acknowledged", "okafor", None, "seen", NOW)
    view = house.store.views.incident(reference)
    assert view is not None
    assert [(e.by, e.detail) for e in view.events if e.what == "acknowledged"] == [("okafor", "seen")]
