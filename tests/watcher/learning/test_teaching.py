"""What people decide on labels: it takes effect whatever the school agreed to, and is kept only where it agreed."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from alerts.answer import Answer
from watcher.errors import WatcherError
from watcher.store import schema as t
from watcher.teaching import answer, confirm, relabel


def kept(house: Any) -> list[dict[str, bool]]:
    return [dict(one.labels) for one in house.store.corrections.of(["hill", "dene"])]


@pytest.mark.parametrize(("agreed", "n"), [("off", 0), ("own", 1), ("pooled", 1)])
def test_a_verdict_on_the_model_is_kept_where_the_school_agreed(make: Any, write: Any, agreed: str, n: int) -> None:
    house = make(hill=agreed)
    house.bring(write(1, "so cold again [*:criticism]"))
    said = confirm(house.store, house.reference(), right=False, by="pat", now=house.now)
    assert (said.made, said.kept, said.agreement) == (1, n, agreed)
    assert ("has not agreed" in str(said)) == (agreed == "off")
    assert kept(house) == [{"criticism": False}] * n
    confirm(house.store, house.reference(), right=True, by="pat", now=house.now)
    assert kept(house) == [{"criticism": True}] * n


def test_a_matter_without_a_label_leaves_nothing_to_correct(make: Any, write: Any) -> None:
    house = make(hill="own")
    house.bring(write(1, "the headteacher slapped my son and then lied"))
    said = confirm(house.store, house.reference(), right=False, by="pat", now=house.now)
    assert str(said) == "no correction: no label of a model stands behind this"


@pytest.mark.parametrize("agreed", ["off", "own"])
def test_a_label_that_a_person_gives_reaches_whom_the_policy_names(make: Any, write: Any, agreed: str) -> None:
    house = make(hill=agreed)
    house.bring(write(1, "somebody should wait for him at the gate [*:criticism]"))
    assert house.told() == ["moore"]
    said = relabel(
        house.store, house.reference(), holds=["threat"], fails=["criticism"], post=None, by="pat", now=house.now
    )
    house.settle()
    assert "okafor" in house.told()
    concerns = {c for i in house.store.views.incidents(limit=9) for c in i.concerns}
    assert concerns == {"criticism", "threat"}
    assert kept(house) == ([] if agreed == "off" else [{"threat": True, "criticism": False}])
    assert said.kept == len(kept(house)) * 2
    references = [i.reference for i in house.store.views.incidents(limit=9)]
    details = [e.detail for r in references for e in house.store.views.incident(r).events if e.what == "corrected"]
    assert details == ["threat: yes, criticism: no"]
    house.switch("2")
    house.switch("1")
    assert house.told() == [], "a person's word holds whichever version reads"


def correct(house: Any, *, holds: tuple[str, ...] = (), fails: tuple[str, ...] = (), post: str | None = None) -> None:
    """Correct labels in the newest incident, and let the matter be judged again."""
    relabel(house.store, house.reference(), holds=holds, fails=fails, post=post, by="pat", now=house.now)
    house.settle()


def raised(house: Any) -> tuple[str, ...]:
    """The concerns of the flags that stand."""
    query = select(t.flag.c.concern).where(t.flag.c.withdrawn_at.is_(None)).order_by(t.flag.c.concern)
    with house.store.writing() as connection:
        return tuple(connection.scalars(query))


def timeline(house: Any) -> list[tuple[str, str]]:
    """What people corrected and what was withdrawn for it, in all matters, the oldest first."""
    query = select(t.event.c.what, t.event.c.detail).where(t.event.c.what.in_(("corrected", "withdrawn")))
    with house.store.writing() as connection:
        return [tuple(row) for row in connection.execute(query.order_by(t.event.c.id))]


@pytest.mark.parametrize("agreed", ["off", "own"])
def test_a_flag_that_rests_on_a_refused_label_is_withdrawn_with_a_reason(make: Any, write: Any, agreed: str) -> None:
    house = make(hill=agreed)
    house.bring(write(1, "i cannot go on any longer [*:self_harm]"))
    house.told()
    assert raised(house) == ("self_harm",)
    correct(house, fails=("self_harm",))
    assert raised(house) == ()
    assert timeline(house) == [
        ("corrected", "self-harm: no"),
        ("withdrawn", 'a person said no to "self-harm"'),
    ]
    with house.store.writing() as connection:
        why = connection.scalars(select(t.flag.c.withdrawn_why).where(t.flag.c.withdrawn_at.is_not(None))).all()
    assert why == ['a person said no to "self-harm"']
    house.switch("2")
    assert "self_harm" not in raised(house), "a person's word holds whichever version reads"
    assert house.told() == []


def test_the_last_word_on_a_label_counts(make: Any, write: Any) -> None:
    house = make(hill="own")
    house.bring(write(1, "somebody should wait for him at the gate [*:criticism]"))
    correct(house, holds=("threat",))
    assert raised(house) == ("criticism", "threat")
    correct(house, fails=("threat",))
    assert raised(house) == ("criticism",), "a wrong --label is undone by --not"
    assert kept(house) == [{"threat": False}]
    assert timeline(house)[-1] == ("withdrawn", 'a person said no to "threat"')
    correct(house, fails=("criticism",))
    assert raised(house) == ()
    house.told()
    correct(house, holds=("criticism",))
    assert raised(house) == ("criticism",), "a wrong --not is undone by --label"
    assert kept(house) == [{"threat": False, "criticism": True}]
    assert house.told() == [], "of what is known nobody is told again"
    correct(house, holds=("hate",))
    correct(house, fails=("hate",))
    assert raised(house) == ("criticism",)


def test_a_correction_is_still_the_models_own_label_after_it_was_refused(make: Any, write: Any) -> None:
    house = make(hill="own")
    house.bring(write(1, "so cold again [*:criticism]"))
    for said, decision in (({"fails": ("criticism",)}, "dismissed"), ({"holds": ("criticism",)}, "confirmed")):
        correct(house, **said)
        with house.store.writing() as connection:
            assert connection.scalars(select(t.correction.c.decision)).all() == [decision]


def test_a_flag_that_another_label_carries_stands(make: Any, write: Any) -> None:
    house = make(hill="own")
    house.bring(write(1, "the headteacher slapped my son [*:criticism *:cyberbullying]"))
    before = raised(house)
    assert "misconduct_allegation" in before
    correct(house, fails=("criticism",))
    assert "misconduct_allegation" in raised(house)
    assert "criticism" not in house.store.corrections.flagged(house.reference())[0].raised
    correct(house, fails=("cyberbullying",))
    assert "misconduct_allegation" in raised(house), "the words allege it, whatever is said of a label"
    assert house.store.corrections.flagged(house.reference())[0].raised == ()


def test_a_triage_answer_takes_back_a_refusal(make: Any, write: Any) -> None:
    house = make(hill="own")
    house.bring(write(1, "somebody should wait for him at the gate [*:threat]"))
    correct(house, fails=("threat",))
    flagged = house.store.corrections.flagged(house.reference())[0]
    answer(house.store, "hill", flagged, Answer(question="concern", value="threat", by="pat", at=house.now))
    house.settle()
    assert raised(house) == ("threat",)
    assert kept(house) == [{"threat": True}]


def test_what_is_said_twice_stands_once_and_each_post_for_itself(make: Any, write: Any) -> None:
    house = make(hill="own")
    house.bring(write(1, "so cold [*:criticism]"), write(2, "so damp [*:criticism]"))
    for post in ("1", "1", "2"):
        correct(house, holds=("criticism",), post=post)
    assert timeline(house) == [("corrected", "criticism: yes (post 1)"), ("corrected", "criticism: yes (post 2)")]
    for _ in range(2):
        house.store.incidents.set_state(house.reference(), "acknowledged", "seen", house.now)
    lines = [e.what for e in house.store.views.incident(house.reference()).events]
    assert lines.count("acknowledged") == 1


def test_labels_given_one_after_the_other_all_stand(make: Any, write: Any) -> None:
    house = make(hill="own")
    house.bring(write(1, "somebody should wait for him at the gate [*:criticism]"))
    reference = house.reference()
    for label in ("threat", "hate"):
        relabel(house.store, reference, holds=[label], fails=[], post="1", by="pat", now=house.now)
        house.settle()
    concerns = {c for i in house.store.views.incidents(limit=9) for c in i.concerns}
    assert concerns == {"criticism", "threat", "discrimination"}
    assert kept(house) == [{"threat": True, "hate": True}]


def test_a_triage_answer_is_a_correction_too(make: Any, write: Any) -> None:
    house = make(hill="own")
    house.bring(write(1, "somebody should wait for him at the gate [*:criticism]"))
    flagged = house.store.corrections.flagged(house.reference())[0]
    given = Answer(question="concern", value="threat", by="pat", at=house.now)
    assert answer(house.store, "hill", flagged, given).kept == 1
    house.settle()
    assert kept(house) == [{"threat": True}]
    assert ("threat",) in [i.concerns for i in house.store.views.incidents(limit=9)] or "okafor" in house.told()


def test_of_several_posts_one_must_be_named(make: Any, write: Any) -> None:
    house = make(hill="own")
    house.bring(write(1, "so cold [*:criticism]"), write(2, "so damp [*:criticism]"))

    def say(post: str | None) -> None:
        relabel(house.store, house.reference(), holds=["sar"], fails=[], post=post, by="pat", now=house.now)

    with pytest.raises(
        WatcherError, match=r"has several posts; name one with --post: 1 \(https://social.example/1\), 2"
    ):
        say(None)
    with pytest.raises(WatcherError, match="has no post 3"):
        say("3")
    say("https://social.example/2")
    assert [one.version.post.id for one in house.store.corrections.of(["hill"])] == ["2"]


def test_what_makes_no_sense_is_said(make: Any, write: Any) -> None:
    house = make(hill="own")
    house.bring(write(1, "so cold [*:criticism]"))
    for holds, fails, why in (
        ([], [], "say which label holds"),
        (["rude"], [], "label 'rude' is unknown; known are criticism"),
        (["threat"], ["threat"], "said to hold and not to hold"),
    ):
        with pytest.raises(WatcherError, match=why):
            relabel(house.store, house.reference(), holds=holds, fails=fails, post=None, by="pat", now=house.now)
    with pytest.raises(WatcherError, match="there is no incident WT-NONE"):
        confirm(house.store, "WT-NONE", right=True, by="pat", now=house.now)
    assert kept(house) == []
