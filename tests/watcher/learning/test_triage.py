"""What a person answers in triage: the matter is judged again, who answered is kept, and who is told changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from watcher.app import pack_of
from watcher.config import load
from watcher.enrolment import apply
from watcher.errors import WatcherError
from watcher.triage import Outcome, Said, Triage, UnknownAnswerError, questions

LIE = "the headteacher lied to the parents about the money [*:criticism]"


class Desk:
    """Somebody who answers, in a house of one school."""

    def __init__(self, house: Any) -> None:
        self.house = house

    def say(self, reference: str | None = None, post: str | None = None, by: str = "pat", **said: Any) -> Outcome:
        triage = Triage(store=self.house.store, pack_of=pack_of)
        return triage.take(reference or self.house.reference(), Said(by=by, **said), self.house.now, post)

    def then_told(self) -> set[str]:
        self.house.settle()
        return set(self.house.told())

    def events(self, reference: str) -> list[str]:
        return [e.detail for e in self.house.store.views.incident(reference).events if e.what == "answered"]

    def state(self, reference: str) -> str:
        return str(self.house.store.views.incident(reference).incident.state)


@pytest.fixture
def desk(make: Any) -> Desk:
    return Desk(make())


def test_lawful_opinion_and_no_action_is_the_first_that_is_asked(desk: Desk, write: Any) -> None:
    desk.house.bring(write(1, LIE))

    asked = questions(desk.house.store, desk.house.reference())

    assert asked[0].question == "lawful_opinion"
    assert {"about", "target", "author", "child_at_risk", "concern"} == {one.question for one in asked[1:]}
    assert all(one.said is None for one in asked)


def test_who_answered_is_kept_with_the_reason(desk: Desk, write: Any) -> None:
    desk.house.bring(write(1, LIE))
    reference = desk.house.reference()
    desk.say(about=("none",), why="an opinion on the budget")

    said = {one.question: one.said for one in questions(desk.house.store, reference)}["about"]

    assert said is not None
    assert (said.value, said.by, said.reason) == ("none", "pat", "an opinion on the budget")
    assert desk.events(reference) == ["about: none, by pat: an opinion on the budget"]


def test_lawful_opinion_withdraws_closes_and_tells_nobody(desk: Desk, write: Any) -> None:
    desk.house.bring(write(1, LIE))
    reference = desk.house.reference()
    assert set(desk.house.told()) == {"lind"}

    done = desk.say(lawful_opinion=True, why="fair comment on a decision")

    assert (done.withdrawn, done.new, done.stands, done.became) == (("misconduct_allegation",), (), (), "dismissed")
    assert desk.then_told() == set()
    assert desk.state(reference) == "dismissed"
    assert "lawful opinion, no action" in desk.events(reference)[0]


def test_lawful_opinion_asks_for_a_reason(desk: Desk, write: Any) -> None:
    desk.house.bring(write(1, LIE))

    with pytest.raises(WatcherError, match="--why"):
        desk.say(lawful_opinion=True)
    with pytest.raises(WatcherError, match="--why"):
        desk.say(lawful_opinion=True, why="  ")
    assert desk.state(desk.house.reference()) == "open"


def test_lawful_opinion_leaves_what_may_harm_somebody(desk: Desk, write: Any) -> None:
    desk.house.bring(write(1, "they should all be careful on the way home [*:threat *:criticism]"))
    by_concern = {c: i.reference for i in desk.house.store.views.incidents(limit=9) for c in i.concerns}

    done = desk.say(by_concern["threat"], lawful_opinion=True, why="words alone")

    assert [told.concern for told in done.stands] == ["threat"]
    assert "criticism" in done.withdrawn
    desk.house.settle()
    assert desk.state(by_concern["threat"]) == "open"


def test_it_is_about_nobody_so_the_ordinary_people_are_told(desk: Desk, write: Any) -> None:
    desk.house.bring(write(1, LIE))
    reference = desk.house.reference()
    assert set(desk.house.told()) == {"lind"}

    done = desk.say(about=("none",))

    assert [(told.concern, told.roles) for told in done.new] == [("criticism", ("headteacher",))]
    assert done.became == "resolved"
    assert desk.then_told() == {"moore"}
    assert desk.state(reference) == "resolved"


def test_it_is_about_the_head_so_she_hears_no_more_of_it(desk: Desk, write: Any) -> None:
    desk.house.bring(write(1, "somebody up there helped himself again [*:criticism]"))
    assert set(desk.house.told()) == {"moore"}

    done = desk.say(about=("headteacher",))

    (told,) = done.new
    assert told.concern == "misconduct_allegation"
    assert "headteacher" not in told.roles
    assert told.clause == "WMAT 9.2"
    assert desk.then_told() >= {"lind"}
    assert "moore" not in set(desk.house.told())


def test_a_child_is_at_risk(desk: Desk, write: Any) -> None:
    desk.house.bring(write(1, "he cannot go home tonight [*:criticism]"))
    desk.house.told()

    done = desk.say(child_at_risk="yes")

    assert [told.concern for told in done.new] == ["child_at_risk"]
    assert "okafor" in desk.then_told()
    assert "child_at_risk" in desk.say(child_at_risk="no").withdrawn


@pytest.mark.parametrize(
    "concern", ["foi", "dp_complaint", "complaint", "misconduct_allegation", "contact_with_pupil", "account_request"]
)
def test_what_has_no_label_comes_by_a_persons_word(desk: Desk, write: Any, concern: str) -> None:
    desk.house.bring(write(1, "see what I sent you [*:criticism]"))

    done = desk.say(concerns=(concern,))

    assert [told.concern for told in done.new] == [concern]
    assert [told.concern for told in done.stands] == ["criticism"]
    desk.house.settle()
    assert concern in {c for i in desk.house.store.views.incidents(limit=9) for c in i.concerns}


def test_more_concerns_are_added_and_none_takes_them_back(desk: Desk, write: Any) -> None:
    desk.house.bring(write(1, "see what I sent you [*:criticism]"))
    reference = desk.house.reference()
    desk.say(reference, concerns=("foi",))

    assert {t.concern for t in desk.say(reference, concerns=("complaint",)).stands} == {"criticism", "foi"}
    assert set(desk.say(reference, concerns=("none",)).withdrawn) == {"foi", "complaint"}


def test_a_threat_is_aimed_at_a_person_whom_somebody_names(desk: Desk, write: Any) -> None:
    desk.house.bring(write(1, "she will get what is coming [*:threat]"))

    (told,) = desk.say(target="lind").new

    assert told.concern == "threat"
    assert told.threatened == ("Pat Lind",)
    assert "chair_of_governors" in told.roles
    assert "lind" in desk.then_told()


def test_lawful_speech_is_conduct_only_by_a_reasoned_decision(desk: Desk, write: Any) -> None:
    desk.house.bring(write(1, "on strike tomorrow, they never listened [*:criticism]"))
    reference = desk.house.reference()

    with pytest.raises(WatcherError, match="industrial action"):
        desk.say(author="teacher", concerns=("staff_conduct",))
    assert desk.events(reference) == []
    assert desk.say(author="teacher").new == () or "staff_conduct" not in {
        t.concern for t in desk.say(author="teacher").new
    }
    done = desk.say(reference, concerns=("staff_conduct",), why="it names a pupil's diagnosis")
    assert [told.concern for told in done.new] == ["staff_conduct"]


def test_what_was_lawful_opinion_is_opened_again_by_the_last_word(desk: Desk, write: Any) -> None:
    desk.house.bring(write(1, LIE))
    reference = desk.house.reference()
    desk.say(reference, lawful_opinion=True, why="fair comment")
    desk.house.settle()
    assert desk.state(reference) == "dismissed"

    done = desk.say(reference, about=("headteacher",), why="a colleague knows more")

    assert done.became == "open"
    desk.house.settle()
    assert desk.state(reference) == "open"
    assert "misconduct_allegation" in {told.concern for told in done.new}


def test_nobody_answers_about_themselves(desk: Desk, write: Any) -> None:
    desk.house.bring(write(1, LIE))

    for who in ("moore", "Pat Moore", "MOORE@x.example "):
        with pytest.raises(WatcherError, match="not open to you"):
            desk.say(by=who, about=("none",))
    assert desk.say(by="okafor", about=("none",)).posts == 1


def test_one_post_of_several_is_answered_alone(desk: Desk, write: Any) -> None:
    desk.house.bring(write(1, "so cold again [*:criticism]"), write(2, "cold and dark [*:criticism]"))
    reference = desk.house.reference()

    assert desk.say(reference, post="2", child_at_risk="yes").posts == 1
    assert desk.say(reference, author="parent").posts == 2
    assert desk.events(reference)[0] == "child at risk: yes (one post), by pat"
    with pytest.raises(WatcherError, match="no post 9"):
        desk.say(reference, post="9", author="parent")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"about": ("heady",)}, "--about heady: unknown"),
        ({"about": ("none", "dsl")}, "stands alone"),
        ({"target": "nobody-here"}, "the people desk, lind, moore"),
        ({"author": "alien"}, "--author alien"),
        ({"concerns": ("rude",)}, "--concern rude"),
        ({"child_at_risk": "maybe"}, "yes, no"),
        ({"lawful_opinion": True, "why": "w", "concerns": ("staff_conduct",)}, "answer one of them"),
        ({}, "nothing is answered"),
    ],
)
def test_what_nobody_could_mean_is_refused_and_changes_nothing(
    desk: Desk, write: Any, said: dict[str, Any], words: str
) -> None:
    desk.house.bring(write(1, LIE))

    with pytest.raises(UnknownAnswerError, match=words):
        desk.say(**said)
    assert desk.events(desk.house.reference()) == []


def test_an_unknown_incident_is_said(desk: Desk) -> None:
    with pytest.raises(WatcherError, match="there is no incident WT-NONE"):
        desk.say("WT-NONE", author="parent")
    with pytest.raises(WatcherError, match="there is no incident WT-NONE"):
        questions(desk.house.store, "WT-NONE")


def test_a_threat_reaches_the_very_person_whom_it_names(make: Any, write: Any, tmp_path: Path) -> None:
    house = make()
    file = tmp_path / "watcher.toml"
    more = '[[people]]\nid = "harrow"\nname = "Ada Harrow"\nemail = "harrow@x.example"\n'
    more += '[[holdings]]\nperson = "harrow"\nrole = "teacher"\nschool = "hill"\n'
    file.write_text(file.read_text(encoding="utf-8") + more, encoding="utf-8")
    apply(load(file), house.store, "watcher.toml", house.now)

    # The boy is spoken of first; the threat reaches her all the same.
    house.bring(write(1, "my boy says he will stab Miss Harrow at the gate [*:threat]"))

    assert "harrow" in house.told()
