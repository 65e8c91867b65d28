"""What the rounds of validation say where posts were read again under other names."""

import numpy as np
import pytest

from classifiers.encoder import Blend
from classifiers.training.calibration import Calibration
from classifiers.training.data import FOLDS, Row
from classifiers.training.rounds import Heard, judge
from classifiers.verdict import LABELS, OperatingPoint, Passage

PUPIL = LABELS.index("identifies_pupil")
POINT = OperatingPoint(raise_at=0.5, review_at=0.4)


def heard(count: int = 40) -> Heard:
    """Posts of one round: half name a pupil; what is said of a name hangs on the name, under others it does not."""
    rows, deep, renamed = [], np.full((count, len(LABELS)), -6.0), []
    for at in range(count):
        named = at % 2 == 0
        labels = ("identifies_pupil",) if named else ()
        rows.append(Row(id=f"{at}", author=FOLDS[0][0], passage=Passage(text="x"), labels=labels, names=None))
        deep[at, PUPIL] = (-0.5 if at % 4 == 0 else 0.5) if named else -6.0
        others = np.full((3, len(LABELS)), -6.0)
        others[:, PUPIL] = 1.5
        renamed.append((others, np.zeros_like(others)) if named else None)
    return Heard(rows, deep, np.zeros_like(deep), [()] * count, np.zeros(count, bool), renamed)


def test_a_row_near_its_point_counts_as_the_mean_of_all_readings() -> None:
    calibration = Calibration(dict.fromkeys(LABELS, Blend(1, 0, 0)), dict.fromkeys(LABELS, POINT))
    scores = heard(4).scores(calibration, np.array([True, True, True, False]))
    assert scores[:, PUPIL] == pytest.approx([1 / (1 + np.exp(-1)), 1 / (1 + np.exp(6)), 1 / (1 + np.exp(-1.25))])


def test_a_row_far_from_its_point_is_read_once() -> None:
    point = OperatingPoint(raise_at=0.99, review_at=0.98)
    calibration = Calibration(dict.fromkeys(LABELS, Blend(1, 0, 0)), dict.fromkeys(LABELS, point))
    scores = heard(2).scores(calibration, np.array([True, True]))
    assert scores[0, PUPIL] == pytest.approx(1 / (1 + np.exp(0.5)))


def test_the_card_says_what_other_names_change() -> None:
    _, said = judge(heard())
    changed = said["with_other_names"]
    assert (changed["rounds"], changed["rows"]) == (1, 40)
    assert changed["with"]["identifies_pupil"] >= changed["without"]["identifies_pupil"]


def test_nothing_is_said_where_no_round_was_read_so() -> None:
    once = heard()
    _, said = judge(Heard(once.rows, once.deep, once.wide, once.spans, once.unread))
    assert said["with_other_names"] == {}
