"""What training stands on: the rows, the folds, and honest figures."""

from pathlib import Path

import numpy as np
import pytest

from classifiers.encoder import Card
from classifiers.measure import Judged, average_precision, figures, judge_verdicts, span_figures, table
from classifiers.training.calibration import calibrate
from classifiers.training.card import write_card
from classifiers.training.data import ADULT, FOLDS, PLAIN, PUPIL, Row, read_rows
from classifiers.training.evaluate import main
from classifiers.training.rounds import INTERVALS, Heard, crosswise, judge
from classifiers.verdict import LABELS, OperatingPoint, Passage, Verdict

DATA = Path(__file__).parents[2] / "data" / "schoolposts"


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return read_rows(DATA)


def test_the_rows_are_all_there_and_carry_known_labels(rows: list[Row]) -> None:
    assert len(rows) == 29517
    assert len({row.id for row in rows}) == 29517
    assert {label for row in rows for label in row.labels} == set(LABELS)
    assert sum(not row.labels for row in rows) == 14364


def test_every_author_but_the_plain_one_is_held_out_once(rows: list[Row]) -> None:
    assert sorted([*PLAIN, *(author for pair in FOLDS for author in pair)]) == sorted({row.author for row in rows})


def test_an_official_author_is_the_only_role_that_is_kept(rows: list[Row]) -> None:
    assert {field for row in rows for field in vars(row)} == {
        "id",
        "author",
        "passage",
        "labels",
        "names",
        "adult_names",
    }
    assert 0 < sum(row.passage.official for row in rows) < len(rows) / 5


def test_people_are_marked_where_they_stand() -> None:
    text = "Mrs Bloom thanks Ida and Idaho, also Coach Dan"
    row = Row(id="X1", author="X", passage=Passage(text=text), labels=(), names=("Ida",), adult_names=("Bloom", "Dan"))
    marked = [(text[start:end], kind) for start, end, kind in sorted(row.people())]
    assert marked == [("Bloom", ADULT), ("Ida", PUPIL), ("Dan", ADULT)]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no"):
        read_rows(tmp_path)


def test_figures_count_what_they_say() -> None:
    targets = np.zeros((4, 12), dtype=bool)
    raised, undecided = targets.copy(), targets.copy()
    threat, praise = LABELS.index("threat"), LABELS.index("praise")
    targets[0, threat] = targets[1, threat] = True
    raised[0, threat] = raised[2, threat] = raised[3, praise] = True
    undecided[1, threat] = True
    said = figures(Judged(raised * 0.9, raised, undecided, targets))
    assert said["labels"]["threat"]["precision"] == said["labels"]["threat"]["recall"] == 0.5
    assert said["recall_of_severe"] == 0.5
    assert said["recall_of_severe_with_undecided"] == 1.0
    assert said["recall_of_posts_that_need_a_person"] == 1.0
    assert said["harmless"] == 2
    assert said["false_alarms_per_1000_harmless"] == 500.0  # praise needs no person
    assert "threat" in table(said)


def test_average_precision_rewards_order() -> None:
    wanted = np.array([True, False, True, False])
    assert average_precision(np.array([0.9, 0.1, 0.8, 0.2]), wanted) == 1.0
    assert average_precision(np.array([0.1, 0.9, 0.2, 0.8]), wanted) == pytest.approx((1 / 3 + 2 / 4) / 2, abs=1e-4)
    assert average_precision(np.array([0.5]), np.array([False])) == 0.0


def test_span_figures_count_exact_stretches() -> None:
    said = span_figures([{(0, 3), (5, 8)}, set()], [{(0, 3)}, {(1, 2)}])
    assert said == {"precision": 0.5, "recall": 0.5, "f1": 0.5}


def test_an_unread_verdict_counts_as_nothing_raised() -> None:
    unread = Verdict(model="m", version="1", unread="language")
    read = Verdict(
        model="m", version="1", scores={"threat": 0.4}, points={"threat": OperatingPoint(raise_at=0.6, review_at=0.3)}
    )
    rows = judge_verdicts([unread, read], np.ones((2, 12)))
    assert rows.raised.sum() == 0
    assert rows.undecided.sum() == 1


def test_evaluate_prints_every_label(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = tmp_path / "few.jsonl"
    rows = (DATA / "schoolposts_train_K.jsonl").read_text(encoding="utf-8").split("\n")
    few.write_text("\n".join(rows[:20]), encoding="utf-8")
    main([str(few)])
    printed = capsys.readouterr().out
    assert all(label in printed for label in LABELS)


def drawn(rows: int = 4000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits of two parts, of which the deep one is boastful by a factor of three, and the truth."""
    chance = np.random.default_rng(3)
    true = chance.normal(-1.5, 2.0, (rows, 12))
    targets = (chance.random((rows, 12)) < 1 / (1 + np.exp(-true))).astype(float)
    return 3 * true, chance.normal(0, 1, (rows, 12)), targets


def test_calibration_takes_back_the_boasting_and_ignores_noise() -> None:
    deep, wide, targets = drawn()
    said = calibrate(deep, wide, targets)
    for blend in said.blends.values():
        assert blend.deep == pytest.approx(1 / 3, abs=0.05)
        assert blend.wide == pytest.approx(0, abs=0.1)
        assert blend.bias == pytest.approx(0, abs=0.2)
    scores = said.scores(deep, wide)
    assert abs(scores.mean() - targets.mean()) < 0.01


def test_points_are_in_order_and_a_costly_miss_is_looked_at_sooner() -> None:
    points = calibrate(*drawn()).points
    assert all(0 < point.review_at < point.raise_at < 1 for point in points.values())
    assert points["threat"].review_at < points["criticism"].review_at


def test_labels_that_are_told_apart_perfectly_stay_finite() -> None:
    deep, wide, targets = drawn(400)
    said = calibrate(100 * (targets - 0.5), wide, targets)
    assert np.isfinite(said.scores(deep, wide)).all()


def test_the_card_can_be_loaded_and_read(tmp_path: Path) -> None:
    deep, wide, targets = drawn(600)
    said = calibrate(deep, wide, targets)
    scores = said.scores(deep, wide)
    rows = Judged(scores, scores > 0.5, scores < 0, targets > 0)
    brief = figures(rows) | {"rows": 600}
    spans = span_figures([], [])
    more = {
        "authors": {"B": brief, "M": brief},
        "stream": brief,
        "balanced": {},
        "intervals": dict.fromkeys(INTERVALS, (0.1, 0.9)),
        "unread": 3,
        "hours": 0.5,
        "epochs": 3,
        "all_rows": 600,
        "pupil_name": spans,
        "adult_name": spans,
    }
    write_card(tmp_path, "9", said, {**figures(rows), **more}, {"threat": 5})
    card = Card.load(tmp_path / "card.json")
    assert (card.name, card.version) == ("watcher-minilm", "9")
    assert card.points == said.points
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "1 of five rounds" in readme
    assert "| threat |" in readme
    assert "| edos | CC0-1.0 | yes | no |" in readme
    assert "has not been measured" in readme


def heard(strength: float = 2.0) -> Heard:
    """Two rounds of two authors: what the deep part says is the truth with noise, and the fourth row is unread."""
    chance = np.random.default_rng(5)
    rows, truth = [], []
    for author in ("B", "M", "C", "W"):
        for n in range(300):
            labels = tuple(label for label in LABELS if chance.random() < 0.15)
            text = "Well done Ike, says Ms Pell"
            rows.append(
                Row(
                    id=f"{author}{n}",
                    author=author,
                    passage=Passage(text=text),
                    labels=labels,
                    names=("Ike",),
                    adult_names=("Pell",),
                )
            )
            truth.append(rows[-1].targets)
    sure = strength * (2 * np.array(truth) - 1) + chance.normal(0, 1, (len(rows), 12))
    unread = np.zeros(len(rows), dtype=bool)
    unread[3] = True
    spans = tuple(((10, 13, "pupil_name"), (5, 9, "adult_name")) for _ in rows)
    return Heard(rows=rows, deep=sure, wide=np.zeros_like(sure), spans=spans, unread=unread)


def test_a_round_is_judged_under_the_calibration_of_the_others() -> None:
    both = heard()
    first = both.of(["B", "M"])
    # What is true of one round must not reach the other's thresholds: turn the first round's truth round.
    turned = Heard(
        rows=both.rows, deep=np.where(first[:, None], -both.deep, both.deep), wide=both.wide, spans=both.spans,
        unread=both.unread,
    )  # fmt: skip
    fair, misled = crosswise(both), crosswise(turned)
    assert figures(fair)["macro_f1"] > 0.8
    wrong = figures(Judged(misled.scores[first], misled.raised[first], misled.undecided[first], misled.targets[first]))
    assert wrong["macro_f1"] < 0.5


def test_the_rounds_are_told_by_author_by_kind_of_set_and_with_intervals() -> None:
    calibration, said = judge(heard())
    assert set(said["authors"]) == {"B", "M", "C", "W"}
    assert said["stream"]["rows"] == 600  # M and W
    assert said["balanced"]["rows"] == 600
    low, high = said["intervals"]["macro_f1"]
    assert low < said["macro_f1"] < high
    assert said["unread"] == 1
    assert said["pupil_name"]["f1"] == 1.0
    assert said["adult_name"]["f1"] == 0.0
    assert set(calibration.points) == set(LABELS)
