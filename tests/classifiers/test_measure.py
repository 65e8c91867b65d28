"""Figures that can be checked by hand, and row files that are refused with the line and what to write."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from classifiers.measure import (
    Judged,
    calibration_bins,
    figures,
    intervals,
    judge_verdicts,
    name_figures,
    not_read,
    precision_recall,
    rates,
    table,
    targets_of,
    worst,
)
from classifiers.rows import RowError, read_labelled
from classifiers.verdict import LABELS, OperatingPoint, Passage, Span, Verdict

THREAT, PRAISE = LABELS.index("threat"), LABELS.index("praise")


def verdict(spans: tuple[Span, ...] = (), **scores: float) -> Verdict:
    points = {label: OperatingPoint(raise_at=0.5, review_at=0.3) for label in LABELS}
    return Verdict(model="m", version="1", scores=dict.fromkeys(LABELS, 0.0) | scores, points=points, spans=spans)


def write(tmp_path: Path, *rows: object) -> Path:
    file = tmp_path / "rows.jsonl"
    file.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows), encoding="utf-8")
    return file


def row(text: str, *labels: str, **more: object) -> dict[str, object]:
    return {"text": text, "labels": list(labels), **more}


def judge(tmp_path: Path, *pairs: tuple[dict[str, object], Verdict]) -> Judged:
    rows = read_labelled(write(tmp_path, *(r for r, _ in pairs)))
    return judge_verdicts([v for _, v in pairs], targets_of(rows))


# rows ----------------------------------------------------------------------------------------------------------------


def test_a_row_is_read_with_all_it_may_hold(tmp_path: Path) -> None:
    full = row("Ida, of Mrs Ida Bloom's", "threat", "hate", reply_to="who?", has_image=True, author_role="official")
    full |= {"id": "A1", "names": ["Ida"], "adult_names": ["Ida Bloom"], "platform": "x"}
    first, second = read_labelled(write(tmp_path, full, "", row("plain", reply_to=None)))
    assert first.passage == Passage(text=str(full["text"]), reply_to="who?", official=True, has_image=True)
    assert (first.id, first.line, first.labels) == ("A1", 1, ("threat", "hate"))
    assert (first.pupils, first.adults) == (frozenset({(0, 3)}), frozenset({(12, 21)}))
    assert (second.line, second.labels, second.pupils, second.adults) == (3, (), None, None)


def test_a_row_may_name_the_row_that_it_answers_and_its_author(tmp_path: Path) -> None:
    first, second, third = read_labelled(
        write(
            tmp_path,
            row("so it does", id="b", reply_to="a"),
            row("it rains", id="a", author={"official": True, "handle": "hill"}),
            row("as they say", reply_to="it rains", author={"handle": "ida"}, official=None),
        )
    )
    assert first.passage == Passage(text="so it does", reply_to="it rains")
    assert second.passage == Passage(text="it rains", official=True)
    assert third.passage == Passage(text="as they say", reply_to="it rains")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "not valid JSON"),
        ("[1]", "one JSON object"),
        ({"labels": []}, "text is missing"),
        ({"text": 5, "labels": []}, "text must be a string"),
        ({"text": "x"}, "labels is missing; write []"),
        (row("x", "anger"), "unknown label 'anger'; known are criticism"),
        ({"text": "x", "labels": "threat"}, "labels must be a list"),
        (row("x", reply_to=5), "reply_to must be"),
        (row("x", official="yes"), "official must be true or false"),
        (row("x", has_image=1), "has_image must be true or false"),
        (row("x", names=["Ida"]), "a name does not stand in the text"),
        (row("x", names=[""]), "names must be a list of strings"),
    ],
)
def test_a_bad_line_is_named_with_what_to_write(tmp_path: Path, line: object, says: str) -> None:
    file = write(tmp_path, row("fine"), line)
    with pytest.raises(RowError, match=re.escape(says)) as caught:
        read_labelled(file)
    assert f"{file}:2:" in str(caught.value)


def test_bytes_that_are_no_utf_8_are_named_and_a_mark_at_the_beginning_is_none(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"text": "x", "labels": []}\n{"text": "\xff", "labels": []}\n')
    with pytest.raises(RowError, match=":2: not valid UTF-8"):
        read_labelled(file)


def test_many_bad_lines_are_counted(tmp_path: Path) -> None:
    with pytest.raises(RowError, match="and 4 more bad lines"):
        read_labelled(write(tmp_path, row("fine"), *["{"] * 9))


def test_a_file_without_labels_or_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RowError, match="has no labels, so nothing can be measured"):
        read_labelled(write(tmp_path, {"text": "x"}, {"text": "y"}))
    with pytest.raises(RowError, match="holds no rows"):
        read_labelled(write(tmp_path, ""))


# figures -------------------------------------------------------------------------------------------------------------


def test_figures_count_what_they_say(tmp_path: Path) -> None:
    said = figures(
        judge(
            tmp_path,
            (row("a", "threat"), verdict(threat=0.9)),
            (row("b", "threat"), verdict(threat=0.4)),
            (row("c"), verdict(threat=0.8)),
            (row("d"), verdict(praise=0.9)),
        )
    )
    threat = said["labels"]["threat"]
    assert (threat["precision"], threat["recall"], threat["f1"]) == (0.5, 0.5, 0.5)
    assert threat["average_precision"] == round((1 + 2 / 3) / 2, 4)
    assert threat["brier"] == pytest.approx((0.01 + 0.36 + 0.64 + 0) / 4, abs=1e-5)
    assert threat["brier_of_base_rate"] == 0.25
    assert threat["alarms_per_1000_harmless"] == 500.0
    assert (said["macro_f1"], said["labels_with_rows"]) == (0.5, 1)
    assert said["false_alarms_per_1000_harmless"] == 500.0  # praise needs no person
    assert said["recall_of_posts_that_need_a_person"] == 1.0


def test_what_cannot_be_measured_is_no_figure(tmp_path: Path) -> None:
    said = figures(judge(tmp_path, (row("a", "threat"), verdict()), (row("b", "praise"), verdict(hate=0.9))))
    threat, hate = said["labels"]["threat"], said["labels"]["hate"]
    assert threat["precision"] is None, "nothing was raised"
    assert (threat["recall"], threat["f1"]) == (0.0, 0.0)
    assert threat["calibration_error"] is None, "too few posts were scored"
    missing = ("precision", "recall", "f1", "average_precision", "calibration_error", "brier", "brier_of_base_rate")
    assert {hate[key] for key in missing} == {None}, "no post is hateful"
    assert hate["alarms_per_1000_harmless"] is None, "no post is harmless"
    assert said["false_alarms_per_1000_harmless"] is None
    assert said["recall_of_severe"] == 0.0
    assert re.search(r"hate +0 +– +– +– +– +– +–\n", table(said))
    none = judge(tmp_path, (row("a"), verdict()))
    assert (figures(none)["macro_f1"], figures(none)["recall_of_severe"]) == (None, None)
    assert figures(none)["recall_of_posts_that_need_a_person"] is None
    assert intervals(none)["recall_of_posts_that_need_a_person"] is None
    assert intervals(none)["false_alarms_per_1000_harmless"] == [0.0, 0.0]
    assert rates(0, 0, 0) == {"precision": None, "recall": None, "f1": None}


def test_intervals_hold_the_figure_and_narrow_with_more_rows(tmp_path: Path) -> None:
    some = [
        (row("a", "threat"), verdict(threat=0.9)),
        (row("b", "threat"), verdict(threat=0.1)),
        (row("c"), verdict(threat=0.8)),
        (row("d"), verdict()),
    ]
    few, many = judge(tmp_path, *some * 5), judge(tmp_path, *some * 80)
    for judged in (few, many):
        low, high = intervals(judged)["macro_f1"]
        assert low <= figures(judged)["macro_f1"] <= high
        low, high = intervals(judged)["false_alarms_per_1000_harmless"]
        assert low <= 500 <= high
    wide, narrow = (intervals(judged)["macro_f1"] for judged in (few, many))
    assert narrow[1] - narrow[0] < (wide[1] - wide[0]) / 2
    assert intervals(few) == intervals(few)
    assert intervals(few)["f1"]["hate"] is None


def test_the_interval_is_about_as_wide_as_theory_says() -> None:
    wanted = np.zeros((400, len(LABELS)), dtype=bool)
    raised = np.zeros_like(wanted)
    raised[:80, THREAT] = True
    low, high = intervals(Judged(raised.astype(float), raised, raised & False, wanted))[
        "false_alarms_per_1000_harmless"
    ]
    spread = 1.96 * 1000 * np.sqrt(0.2 * 0.8 / 400)
    assert (low, high) == pytest.approx((200 - spread, 200 + spread), abs=8)


def test_curves_end_at_full_recall_and_bins_hold_all() -> None:
    scores, wanted = np.array([0.9, 0.8, 0.8, 0.1]), np.array([True, True, False, True])
    assert precision_recall(scores, wanted) == [(1 / 3, 1.0), (2 / 3, 2 / 3), (1.0, 0.75)]
    assert precision_recall(scores, wanted & False) == []
    bins = calibration_bins(np.linspace(0.0, 1.0, 200), np.linspace(0.0, 1.0, 200) > 0.5)
    assert len(bins) == 10
    assert sum(n for *_, n in bins) == 190
    assert calibration_bins(scores, wanted) == []


def test_the_worst_are_those_of_which_the_model_was_surest(tmp_path: Path) -> None:
    pairs = [
        (row("missed", "threat"), verdict(threat=0.02)),
        (row("undecided", "threat"), verdict(threat=0.35)),
        (row("right", "threat"), verdict(threat=0.99)),
        (row("wrong twice"), verdict(hate=0.7, threat=0.95)),
        (row("not read", "threat"), Verdict(model="m", version="1", unread="language")),
    ]
    found = worst(judge(tmp_path, *pairs), not_read([v for _, v in pairs]))
    assert [(m.row, m.label, m.raised) for m in found] == [(0, "threat", False), (3, "threat", True)]
    assert len(worst(judge(tmp_path, *pairs * 30), not_read([v for _, v in pairs] * 30))) == 10


def test_names_are_measured_by_exact_stretches_where_they_were_marked(tmp_path: Path) -> None:
    pairs = [
        (row("Ida ran", names=["Ida"], adult_names=[]), verdict((Span(start=0, end=3, kind="pupil_name"),))),
        (row("Max ran", names=["Max"], adult_names=[]), verdict((Span(start=0, end=3, kind="adult_name"),))),
        (row("Tom ran"), verdict((Span(start=0, end=3, kind="pupil_name"),))),
    ]
    rows = read_labelled(write(tmp_path, *(r for r, _ in pairs)))
    said = name_figures(rows, [v for _, v in pairs])
    assert said == {"pupil_name": {"rows": 2, "names": 2, "precision": 1.0, "recall": 0.5, "f1": 0.6667}}
