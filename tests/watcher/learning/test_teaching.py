"""What people decide on labels: it takes effect whatever the school agreed to, and is kept only where it agreed."""

from __future__ import annotations

from typing import Any

import pytest

from alerts.answer import Answer
from watcher.errors import WatcherError
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
