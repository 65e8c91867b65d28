"""Teaching a new version: from whom, from what, beside which; with a stand-in for the training itself."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from watcher import training, versions
from watcher.correction import Correction, is_held_out
from watcher.errors import TrainingError

STAND_IN = Path(__file__).with_name("stand_in.py")
HELD_OUT = [
    {"id": "a", "text": "Thank you so much, what a lovely concert, the choir was wonderful", "labels": ["praise"]},
    {
        "id": "b",
        "text": "The boiler is broken again and nobody answers, shame on the school",
        "labels": ["criticism"],
    },
    {"id": "c", "text": "Open evening is on Thursday at six", "labels": [], "author": {"official": True}},
]


def corrected(house: Any, *, label: str = "criticism", decision: str = "dismissed") -> None:
    """Correct every post that is in an incident."""
    for incident in house.store.views.incidents(limit=100):
        for flagged in house.store.corrections.flagged(incident.reference):
            house.store.corrections.keep(
                [Correction(mention=flagged.mention, label=label, decision=decision, by="pat", at=house.now)]
            )


def ten(write: Any, name: str = "Hillcrest Primary School") -> list[Any]:
    return [write(n, f"{name} is cold, number {n} [*:criticism]") for n in range(1, 21)]


@pytest.fixture
def held_out(tmp_path: Path) -> Path:
    file = tmp_path / "held.jsonl"
    file.write_text("\n".join(map(json.dumps, HELD_OUT)), encoding="utf-8")
    return file


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """Where the stand-in writes what it was given."""
    return tmp_path / "given.json"


def teach(house: Any, held_out: Path, given: Path, *more: str, **options: Any) -> training.Made:
    options = {"say": lambda _line: None} | options
    child = (sys.executable, str(STAND_IN), str(given), *more)
    return training.teach(house.settings, house.store, house.now, held_out=held_out, child=child, **options)


def test_a_new_version_is_shown_beside_the_old_one_and_nothing_switches(
    make: Any, write: Any, held_out: Path, given: Path
) -> None:
    house = make(hill="own")
    house.bring(*ten(write))
    corrected(house)
    said: list[str] = []
    made = teach(house, held_out, given, say=said.append)
    base = versions.base(house.settings)
    seen = json.loads(given.read_text(encoding="utf-8"))
    held = [n for n in range(1, 21) if is_held_out(("mastodon", "social.example", str(n)))]
    assert held, "some of twenty are held out"
    assert len(seen["posts"]) == 20 - len(held)
    assert {tuple(sorted(post)) for post in seen["posts"]} == {
        ("has_image", "labels", "official", "reply_to", "text")
    }, "nothing of an author, a platform or a person"
    assert all(post["labels"] == {"criticism": False} for post in seen["posts"])
    assert not any(f"number {n} [" in post["text"] for n in held for post in seen["posts"])
    assert len(seen["order"]["left_out"]) == 3 + len(held)
    assert "round 1 of 1" in said
    assert versions.in_force(house.settings, house.store).name == base.name
    card = json.loads((made.version.folder / "card.json").read_text(encoding="utf-8"))
    assert made.version.taught == {"hill": 20 - len(held)}
    assert card["compared"]["rows"] == made.comparison.rows == 3 + len(held)
    assert (card["compared"]["old"]["version"], card["compared"]["new"]["version"]) == (base.name, made.version.name)
    assert made.comparison.old["labels"]["praise"]["f1"] == 1.0
    assert made.comparison.new["labels"]["praise"]["f1"] == 0.0
    assert [(c.name, c.after, c.gain) for c in made.comparison.changes] == [("held.jsonl a", (), -1)]
    assert "number" not in (made.version.folder / "README.md").read_text(encoding="utf-8")
    assert "hill (" in (made.version.folder / "README.md").read_text(encoding="utf-8")
    assert [p.name for p in Path(house.settings.models.folder).iterdir()] == [made.version.name]


@pytest.mark.parametrize("how", ["fails", "interrupted"])
def test_a_training_that_ends_early_leaves_nothing_behind(
    make: Any, write: Any, held_out: Path, given: Path, how: str
) -> None:
    house = make(hill="own")
    house.bring(*ten(write))
    corrected(house)

    def interrupt(_line: str) -> None:
        raise KeyboardInterrupt

    if how == "fails":
        with pytest.raises(TrainingError, match="ended with code 1: the weights are of another kind"):
            teach(house, held_out, given, "fail")
    else:
        with pytest.raises(KeyboardInterrupt):
            teach(house, held_out, given, say=interrupt)
    assert list(Path(house.settings.models.folder).iterdir()) == []
    assert len(versions.known(house.settings)) == 1


def test_schools_are_pooled_only_with_their_consent(make: Any, write: Any) -> None:
    house = make(hill="own", dene="pooled", mill="pooled")
    assert training.schools_to_learn_from(house.store, None) == ("dene", "mill")
    assert training.schools_to_learn_from(house.store, "hill") == ("hill",)
    with pytest.raises(TrainingError, match="there is no school nowhere; there are dene, hill, mill"):
        training.schools_to_learn_from(house.store, "nowhere")


def test_a_school_that_has_not_agreed_teaches_nothing(make: Any) -> None:
    house = make(hill="off")
    for named in (None, "hill"):
        with pytest.raises(TrainingError, match="hill has not agreed that corrections are kept"):
            training.schools_to_learn_from(house.store, named)
    two = make(hill="own", dene="off")
    with pytest.raises(TrainingError, match="no school has agreed that its corrections are put together"):
        training.schools_to_learn_from(two.store, None)


def test_what_two_schools_contradict_teaches_nothing(make: Any, write: Any) -> None:
    house = make(hill="pooled", dene="pooled")
    house.bring(*ten(write, "Hillcrest Primary School and Dene Valley Academy"))
    for incident in house.store.views.incidents(limit=100):
        decision = "dismissed" if incident.school == "hill" else "confirmed"
        for flagged in house.store.corrections.flagged(incident.reference):
            house.store.corrections.keep(
                Correction(mention=flagged.mention, label=label, decision=said, by="pat", at=house.now)
                for label, said in (("criticism", decision), ("sar", "relabelled"))
            )
    assert house.store.corrections.counts() == {"hill": 40, "dene": 40}
    found = training.lessons(house.store, ("hill", "dene"))
    assert {tuple(one.labels) for one in (*found.learned, *found.held_out)} == {("sar",)}


def test_a_repost_of_what_is_held_out_is_not_learned_from(make: Any, write: Any) -> None:
    house = make(hill="own")
    house.bring(*(write(n, "the very same words [*:criticism]") for n in range(1, 21)))
    corrected(house)
    found = training.lessons(house.store, ("hill",))
    assert found.learned == ()
    assert found.held_out


def test_without_corrections_rows_or_programs_it_says_what_to_do(
    make: Any, held_out: Path, given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = make(hill="own")
    with pytest.raises(TrainingError, match="there is nothing to learn from yet"):
        teach(house, held_out, given)
    with pytest.raises(TrainingError, match="holds no rows to rehearse; name the folder data/schoolposts"):
        teach(house, held_out, given, data=tmp_path / "models")
    assert importlib.util.find_spec("no_such_program") is None
    monkeypatch.setattr(training, "_NEEDED", ("no_such_program",))
    with pytest.raises(TrainingError, match=r'training needs no_such_program.*pip install "watcher\[train\]"'):
        training.teach(house.settings, house.store, house.now, say=print)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "bad.jsonl:1: not valid JSON"),
        ('{"text": "x"}', '"labels", a list of'),
        ('{"labels": []}', "bad.jsonl:1: text is missing\nmend it, or name another file with --held-out"),
        ("", "bad.jsonl holds no rows"),
    ],
)
def test_rows_to_compare_on_must_carry_labels(
    make: Any, write: Any, given: Path, tmp_path: Path, line: str, why: str
) -> None:
    house = make(hill="own")
    house.bring(*ten(write))
    corrected(house)
    file = tmp_path / "bad.jsonl"
    file.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(TrainingError, match=why):
        teach(house, file, given)
    with pytest.raises(TrainingError, match="name another file with --held-out"):
        teach(house, tmp_path / "none.jsonl", given)


def test_the_demos_posts_are_what_is_compared_on_by_default() -> None:
    rows = training.read_rows(training.DEMO)
    assert len(rows) > 300
    assert any(row.is_harmless for row in rows)
    replies = [row.passage.reply_to for row in rows if row.passage.reply_to]
    assert replies
    assert all(len(text) > 10 for text in replies), "the text that is answered, not its number"
