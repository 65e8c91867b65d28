"""Two versions beside each other: honest figures where only some labels of a row are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from classifiers.verdict import LABELS, OperatingPoint, Passage, Verdict
from watcher.comparison import Row, compare, figures, read_rows, table


class Fixed:
    """Raises the labels that stand in a text; ``skips`` are those that this version overlooks."""

    name = "fixed"

    def __init__(self, version: str, skips: tuple[str, ...] = ()) -> None:
        self.version, self.skips = version, skips

    def classify(self, passages: Sequence[Passage]) -> list[Verdict]:
        return [self._say(passage.text.split()) for passage in passages]

    def _say(self, words: list[str]) -> Verdict:
        scores = {
            label: 0.9 if label in words and label not in self.skips else 0.4 if f"{label}?" in words else 0.0
            for label in LABELS
        }
        points = {label: OperatingPoint(raise_at=0.5, review_at=0.3) for label in LABELS}
        return Verdict(model=self.name, version=self.version, scores=scores, points=points)


def row(text: str, **known: bool) -> Row:
    return Row(name=text, passage=Passage(text=text), labels=known)


def full(text: str, *holds: str) -> Row:
    return row(text, **{label: label in holds for label in LABELS})


def test_figures_count_only_what_is_known_and_skip_what_never_occurs() -> None:
    rows = [full("threat", "threat"), full("sar"), full("press?"), full("praise"), row("threat hate", threat=False)]
    said = figures(rows, Fixed("1").classify([r.passage for r in rows]))
    assert said["labels"]["threat"] == {"known": 5, "positives": 1, "precision": 0.5, "recall": 1.0, "f1": 0.6667}
    assert set(said["labels"]) == {"threat", "sar", "praise"}, "of hate nothing is known where it was raised"
    assert said["macro_f1"] == round(0.6667 / 3, 4)
    assert said["harmless"] == 3
    assert said["false_alarms_per_1000"] == 333.3, "praise is no alarm"
    assert said["false_alarms_per_1000_with_undecided"] == 666.7


def test_nothing_to_count_gives_no_figures() -> None:
    assert figures([row("x", sar=False)], Fixed("1").classify([Passage(text="x")])) == {
        "macro_f1": None,
        "harmless": 0,
        "false_alarms_per_1000": None,
        "false_alarms_per_1000_with_undecided": None,
        "labels": {},
    }


def test_rows_that_change_are_told_the_losses_first() -> None:
    rows = [full("sar"), full("threat", "threat"), full("praise", "praise"), row("sar hate", hate=True)]
    found = compare(Fixed("1"), Fixed("2", skips=("sar", "threat")), rows, lambda _line: None)
    assert [(c.name, c.before, c.after, c.gain) for c in found.changes] == [
        ("threat", ("threat",), (), -1),
        ("sar hate", ("hate", "sar"), ("hate",), 0),
        ("sar", ("sar",), (), 1),
    ]
    counts = found.as_dict()
    assert (counts["rows"], counts["changed"], counts["better"], counts["worse"]) == (4, 3, 1, 1)
    assert "sar hate" not in str(counts)
    lines = {line["on the same rows"]: line for line in table(found)}
    assert lines["threat"] == {"on the same rows": "threat", "rows": 1, "F1 1": 1.0, "F1 2": 0.0, "difference": "-1"}
    assert lines["sar"]["F1 2"] is None
    assert lines["false alarms per 1000 harmless"]["difference"] == "-1e+03"


def test_rows_are_read_with_the_text_that_they_answer(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(
        '{"id": "1", "text": "Is it open?", "labels": [], "author_role": "official"}\n\n'
        '{"id": "2", "text": "Yes", "reply_to": "1", "labels": ["press"], "has_image": true}\n'
        '{"text": "No\u2028", "reply_to": "Is it shut?", "labels": [], "author": {"official": true}}\n',
        encoding="utf-8",
    )
    found = read_rows(file)
    assert [r.passage for r in found] == [
        Passage(text="Is it open?", official=True),
        Passage(text="Yes", reply_to="Is it open?", has_image=True),
        Passage(text="No\u2028", reply_to="Is it shut?", official=True),
    ]
    assert [r.name for r in found] == ["rows.jsonl 1", "rows.jsonl 2", "rows.jsonl 4"], "by id, or by line"
    assert [r.is_harmless for r in found] == [True, False, True]
