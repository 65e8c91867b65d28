"""Versions of the model: who may use which, switching by one command, and what happens when consent is taken back."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.school import School
from classifiers.encoder import SHIPPED
from classifiers.errors import ModelNotFoundError
from watcher import versions
from watcher.config import load
from watcher.enrolment import apply
from watcher.errors import VersionError
from watcher.versions import Choice, Version


def taught(settings: Any, name: str, schools: dict[str, int]) -> Path:
    """A version as training leaves it, with the shipped weights."""
    folder = Path(settings.models.folder) / name
    folder.mkdir(parents=True)
    for file in ("model.onnx", "ngrams.npz", "tokenizer.json"):
        (folder / file).symlink_to(SHIPPED / file)
    card = json.loads((SHIPPED / "card.json").read_text(encoding="utf-8"))
    card |= {"version": name, "taught": {"at": f"2026-11-1{len(name)}T10:00:00Z", "schools": schools}}
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return folder


def school(name: str, agreed: str) -> School:
    return School(id=name, name=name, pack="wessex", corrections=agreed)


@pytest.mark.parametrize(
    ("learned_from", "watched", "why"),
    [
        ((), {"hill": "off", "dene": "off"}, None),
        (("hill",), {"hill": "own"}, None),
        (("hill",), {"hill": "own", "dene": "pooled"}, "hill keeps to itself"),
        (("hill", "dene"), {"hill": "pooled", "dene": "pooled", "mill": "off"}, None),
        (("hill", "dene"), {"hill": "pooled", "dene": "own"}, "dene keeps to itself"),
        (("hill", "dene"), {"hill": "pooled", "dene": "off"}, "dene, which does not agree"),
        (("hill", "dene"), {"hill": "pooled"}, "dene, which is not watched here"),
    ],
)
def test_a_version_is_used_only_as_the_schools_it_learned_from_agreed(
    learned_from: tuple[str, ...], watched: dict[str, str], why: str | None
) -> None:
    version = Version(name="2-x", folder=Path("x"), taught=dict.fromkeys(learned_from, 3))
    found = versions.refusal(version, [school(name, agreed) for name, agreed in watched.items()])
    assert found is None if why is None else why in str(found)


def test_switching_and_switching_back_are_one_step_each(make: Any) -> None:
    house = make(hill="own")
    base = versions.base(house.settings)
    taught(house.settings, "2-a", {"hill": 3})
    choice = Choice(house.settings, house.store)
    assert [model.version for model in choice.load()] == [base.name]
    assert choice.newer() is None
    assert [v.name for v in versions.known(house.settings)] == [base.name, "2-a"]
    versions.use(house.settings, house.store, "2-a", house.now)
    assert versions.in_force(house.settings, house.store).name == "2-a"
    assert [model.version for model in choice.newer() or []] == ["2-a"]
    assert choice.newer() is None
    assert [model.version for model in Choice(house.settings, house.store).load()] == ["2-a"], "after a restart too"
    versions.use(house.settings, house.store, base.name, house.now)
    assert [model.version for model in choice.newer() or []] == [base.name]


def test_a_barred_version_is_not_in_force_though_it_is_chosen(make: Any) -> None:
    house = make(hill="own")
    base = versions.base(house.settings)
    assert versions.is_chosen(house.settings, house.store, base.name)
    taught(house.settings, "2-a", {"hill": 3})
    versions.use(house.settings, house.store, "2-a", house.now)
    assert versions.is_chosen(house.settings, house.store, "2-a")
    assert not versions.is_chosen(house.settings, house.store, base.name)
    make(hill="off")
    assert versions.in_force(house.settings, house.store).name == base.name
    for name in ("2-a", base.name):
        assert not versions.is_chosen(house.settings, house.store, name), "to choose it says why, or takes effect"


def test_what_is_not_there_or_broken_cannot_be_chosen(make: Any) -> None:
    house = make(hill="own")
    folder = taught(house.settings, "2-a", {"hill": 3})
    with pytest.raises(VersionError, match="there is no version 9; there are"):
        versions.use(house.settings, house.store, "9", house.now)
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ModelNotFoundError, match="cannot be loaded"):
        versions.use(house.settings, house.store, "2-a", house.now)
    assert versions.in_force(house.settings, house.store).is_base
    (folder / "card.json").write_text("{", encoding="utf-8")
    with pytest.raises(VersionError, match=r"card\.json cannot be read"):
        versions.known(house.settings)


def test_a_version_that_breaks_later_leaves_the_running_service_alone_and_stops_a_start(make: Any) -> None:
    house = make(hill="own")
    for name in ("2-a", "2-b"):
        taught(house.settings, name, {"hill": 3})
    versions.use(house.settings, house.store, "2-a", house.now)
    choice = Choice(house.settings, house.store)
    choice.load()
    versions.use(house.settings, house.store, "2-b", house.now)
    (Path(house.settings.models.folder) / "2-b" / "model.onnx").unlink()
    assert choice.newer() is None
    assert choice.newer() is None
    with pytest.raises(ModelNotFoundError):
        Choice(house.settings, house.store).load()


def test_a_version_is_out_of_force_once_its_school_takes_its_word_back(make: Any, settings: Any) -> None:
    house = make(hill="own")
    taught(house.settings, "2-a", {"hill": 3})
    versions.use(house.settings, house.store, "2-a", house.now)
    choice = Choice(house.settings, house.store)
    choice.load()
    withdrawn = settings(hill="off")
    apply(withdrawn, house.store, "watcher.toml", house.now)
    base = versions.base(withdrawn).name
    assert [model.version for model in choice.newer() or []] == [base]
    assert versions.in_force(withdrawn, house.store).name == base
    assert [(v.name, why) for v, why in versions.barred(withdrawn, house.store)] == [
        ("2-a", "it learned from corrections of hill, which does not agree to that (any more)")
    ]
    with pytest.raises(VersionError, match="may not be used: it learned from corrections of hill"):
        versions.use(withdrawn, house.store, "2-a", house.now)


def test_only_a_version_made_here_and_not_in_force_can_be_deleted(make: Any) -> None:
    house = make(hill="own")
    base = versions.base(house.settings).name
    folder = taught(house.settings, "2-a", {"hill": 3})
    versions.use(house.settings, house.store, "2-a", house.now)
    with pytest.raises(VersionError, match=f"first `watcher models use {base}`"):
        versions.remove(house.settings, house.store, "2-a")
    versions.use(house.settings, house.store, base, house.now + timedelta(minutes=1))
    versions.remove(house.settings, house.store, "2-a")
    assert not folder.exists()
    with pytest.raises(VersionError, match="was not taught here"):
        versions.remove(house.settings, house.store, base)
    assert (SHIPPED / "model.onnx").exists()


def test_without_the_encoder_there_is_nothing_to_switch(make: Any, tmp_path: Path) -> None:
    house = make(hill="own")
    taught(house.settings, "2-a", {"hill": 3})
    file = tmp_path / "watcher.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("[models]\n", '[models]\nclassifiers = ["patterns"]\n'))
    other = load(file)
    with pytest.raises(VersionError, match=r'models\.classifiers names no "encoder"'):
        versions.use(other, house.store, "2-a", house.now)
    assert [model.name for model in Choice(other, house.store).load()] == ["patterns"]
