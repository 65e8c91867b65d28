"""`watcher evaluate`: the report on standard output, the same as JSON and as a plot, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from classifiers.verdict import LABELS
from watcher.evaluation import OWN_ROWS, measure_file

Command = Callable[..., Any]
POSTS = (
    ("i'm bringing a knife to school tomorrow and i will stab him at the gate", ["threat"]),
    ("Best school ever, amazing teachers, thank you for everything", ["praise"]),
    ("The head lied to parents about the budget. Resign.", ["criticism"]),
    ("Non-uniform day is on Friday", []),
    ("Football fixtures moved to Thursday, bring shin pads.", ["hate"]),
    ("Is the inset day still Monday?", []),
)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    file = tmp_path / "held out & <rows>.jsonl"
    lines = [json.dumps({"id": f"R{n}", "text": t, "labels": ls}) for n, (t, ls) in enumerate(POSTS)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def test_prints_and_writes_the_same_report(watcher: Command, rows: Path, tmp_path: Path) -> None:
    done = watcher("evaluate", str(rows))
    assert done.code == 0, done.err
    report = json.loads((tmp_path / f"{rows.stem}.encoder.json").read_text())
    assert set(report["labels"]) == set(LABELS)
    assert {"precision", "recall", "f1", "average_precision", "calibration_error", "brier", "brier_of_base_rate",
            "alarms_per_1000_harmless"} <= set(report["labels"]["threat"])  # fmt: skip
    assert report["labels"]["threat"]["recall"] == 1.0
    assert report["intervals_95"]["macro_f1"][0] <= report["macro_f1"] <= report["intervals_95"]["macro_f1"][1]
    assert report["rows"] == 6
    assert report["harmless"] == 2
    worst = report["worst_errors"][0]
    assert (worst["label"], worst["error"], worst["line"], worst["truth"]) == ("hate", "missed", 5, ["hate"])
    for wanted in ("threat", "macro-F1", "false alarms per 1,000", "95 %", "Football fixtures", "truth: hate"):
        assert wanted in done.out, wanted
    assert f"{report['macro_f1']:.3f}" in done.out
    assert "written:" in done.err


def test_the_plot_is_an_svg_with_every_label_and_no_script(watcher: Command, rows: Path, tmp_path: Path) -> None:
    chosen = (tmp_path / "a.json", tmp_path / "b.svg")
    done = watcher("evaluate", str(rows), "--json", str(chosen[0]), "--plot", str(chosen[1]))
    assert done.code == 0, done.err
    assert json.loads(chosen[0].read_text())["file"] == rows.name
    drawn = ElementTree.parse(chosen[1]).getroot()
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    words = " ".join(drawn.itertext())
    assert all(label.replace("_", " ") in words for label in LABELS)
    assert rows.name in words
    assert not {"script", "image", "foreignObject"} & {element.tag.rpartition("}")[2] for element in drawn.iter()}
    assert sorted(path.name for path in tmp_path.glob("*.part")) == []


@pytest.mark.parametrize("labels", [["self_harm"], []])
def test_what_cannot_be_measured_is_a_dash_and_null(watcher: Command, tmp_path: Path, labels: list[str]) -> None:
    file = tmp_path / "few.jsonl"
    rows = [{"text": "Non-uniform day is on Friday", "labels": labels}, {"text": "Is it Monday?", "labels": ["praise"]}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    done = watcher("evaluate", "few.jsonl", "--classifier", "patterns")
    assert done.code == 0, done.err
    report = json.loads((tmp_path / "few.patterns.json").read_text())
    hate = report["labels"]["hate"]
    missing = ("precision", "recall", "f1", "average_precision", "calibration_error", "brier", "brier_of_base_rate")
    assert {hate[key] for key in missing} == {None}
    assert report["labels"]["praise"]["precision"] is None
    assert report["labels"]["praise"]["calibration_error"] is None
    assert "few.jsonl: 2 posts" in done.out
    file.write_text(json.dumps(rows[1]) + "\n", encoding="utf-8")
    one = watcher("evaluate", "few.jsonl", "--classifier", "patterns", "--json", "one.json", "--plot", "one.svg")
    assert "few.jsonl: 1 post, 0 harmless" in one.out
    assert "macro-F1 over 1 label " in one.out
    assert "1 post, 0 harmless" in (tmp_path / "one.svg").read_text()
    assert "nan" not in (done.out + (tmp_path / "few.patterns.svg").read_text()).lower()
    lines = {line.split()[0]: line.split()[1:] for line in done.out.splitlines() if line.split()}
    assert lines["hate"][:9] == ["0", *"–––––––– ".strip()]
    assert lines["praise"][:3] == ["1", "–", "0.00"]
    if not labels:
        assert report["recall_of_severe"] is None
        assert lines["recall"][-1] == "–"
    else:
        assert report["false_alarms_per_1000_harmless"] is None


def test_any_classifier_of_the_settings_can_be_measured(watcher: Command, rows: Path, whole: Path) -> None:
    whole.write_text(whole.read_text() + '[models]\nclassifiers = ["patterns"]\n')
    done = watcher("evaluate", str(rows), "--config", str(whole))
    assert (done.code, done.out.startswith("patterns@1")) == (0, True), done.err
    assert (rows.parent / f"{rows.stem}.patterns.svg").exists()
    assert watcher("evaluate", str(rows), "--classifier", "encoder").out.startswith("watcher-minilm@")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"text": "x"}\n', "has no labels"),
        ("", "holds no rows"),
        ('{"text": "x", "labels": []}\n{"text": "x", "labels": ["anger"]}\n', ":2: unknown label 'anger'"),
    ],
)
def test_a_file_that_cannot_be_measured_is_refused_and_nothing_is_written(
    watcher: Command, tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "bad.jsonl").write_text(text)
    done = watcher("evaluate", "bad.jsonl")
    assert (done.code, done.out) == (1, "")
    assert says in done.err
    assert not list(tmp_path.glob("bad.*.json"))


def test_what_is_not_there_is_said(watcher: Command, tmp_path: Path, rows: Path) -> None:
    assert watcher("evaluate", "nowhere.jsonl").code == 1
    unknown = watcher("evaluate", str(rows), "--classifier", "oracle")
    assert unknown.code == 1
    assert "'oracle' is unknown; known are encoder" in unknown.err
    assert watcher("evaluate").code == 2
    lost = watcher("evaluate", str(rows), "--classifier", "patterns", "--json", str(tmp_path / "no" / "x.json"))
    assert lost.code == 1
    assert "there is no folder" in lost.err


def test_wrong_options_of_a_foreign_model_are_said_in_plain_words(watcher: Command, rows: Path, whole: Path) -> None:
    said = watcher("evaluate", str(rows), "--classifier", "huggingface")
    assert said.code == 1
    assert "models.options.huggingface.path: missing; write a text" in said.err
    assert "models.options.huggingface.label_map: missing" in said.err
    options = '[models.options.huggingface]\npath = "no-model"\n'
    whole.write_text(whole.read_text() + options + 'labels = { toxic = "threat" }\n')
    said = watcher("evaluate", str(rows), "--classifier", "huggingface", "--config", str(whole))
    assert "models.options.huggingface.labels: unknown option; did you mean label_map?" in said.err
    assert "keyword" not in said.err
    whole.write_text(whole.read_text().replace("labels =", "label_map ="))
    said = watcher("evaluate", str(rows), "--classifier", "huggingface", "--config", str(whole))
    assert (said.code, said.out) == (1, "")
    assert "there is no folder 'no-model', and no model of that name" in said.err


def test_progress_is_told_where_it_takes_long(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.evaluation._TELL_EVERY_S", 0.0)
    told: list[str] = []
    said, name = measure_file(rows, None, "patterns", told.append)
    assert name == "patterns"
    assert told
    assert told[0].startswith("6 of 6 posts read")
    assert said.report["labels"]["praise"]["recall"] == 0.0


def test_results_never_overwrite_what_was_measured(watcher: Command, rows: Path, tmp_path: Path) -> None:
    before = rows.read_text(encoding="utf-8")
    same = watcher("evaluate", str(rows), "--json", str(rows))
    assert same.code == 1
    assert "a name of its own" in same.err
    twice = watcher("evaluate", str(rows), "--json", str(tmp_path / "x"), "--plot", str(tmp_path / "x"))
    assert twice.code == 1
    nowhere = watcher("evaluate", str(rows), "--json", str(tmp_path / "no" / "x.json"))
    assert nowhere.code == 1
    assert "make it first" in nowhere.err
    assert rows.read_text(encoding="utf-8") == before


def test_rows_that_were_learned_from_are_told(watcher: Command, rows: Path, tmp_path: Path) -> None:
    known = (OWN_ROWS / "schoolposts_dev.jsonl").read_text(encoding="utf-8").split("\n")[:2]
    rows.write_text("\n".join(known) + "\n" + rows.read_text(encoding="utf-8"), encoding="utf-8")
    done = watcher("evaluate", str(rows))
    assert "2 of these posts stand among those that the shipped model learned from" in done.out
    assert json.loads((tmp_path / f"{rows.stem}.encoder.json").read_text())["learned_from"] == 2
