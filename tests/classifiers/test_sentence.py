"""The reason is one sentence that a person understands."""

import pytest

from classifiers.sentence import likelihood, reason
from classifiers.verdict import LABELS, OperatingPoint, Span

POINTS = {label: OperatingPoint(raise_at=0.5, review_at=0.2) for label in LABELS}


def said(spans: tuple[Span, ...] = (), **scores: float) -> str:
    return reason({label: scores.get(label, 0.0) for label in LABELS}, POINTS, spans)


def test_says_what_is_raised_strongest_first() -> None:
    assert said(threat=0.6, hate=0.91) == "Reads as hate (91%) and a threat (60%)."


def test_says_what_is_undecided() -> None:
    assert said(praise=0.3) == "May be praise (30%)."
    assert said(threat=0.6, praise=0.3) == "Reads as a threat (60%); perhaps also praise (30%)."


def test_names_the_details_only_where_something_is_said() -> None:
    spans = (Span(start=0, end=2, kind="class"), Span(start=3, end=5, kind="pupil_name"))
    assert said(spans, identifies_pupil=0.8).endswith("; the text holds class, pupil name.")
    assert said(spans) == "Nothing in it is likely enough to need a person."


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (0.71, "About 7 in 10 posts scored like this criticise the school (71%)."),
        (0.65, "About 7 in 10 posts"),
        (0.06, "About 1 in 10 posts"),
        (0.02, "Fewer than 1 in 20 posts"),
        (0.949, "About 9 in 10 posts"),
        (0.99, "More than 9 in 10 posts"),
        (1.0, "More than 9 in 10 posts"),
    ],
)
def test_says_what_a_score_means(score: float, said: str) -> None:
    assert likelihood("criticism", score).startswith(said)


def test_every_label_has_its_words() -> None:
    assert len({likelihood(label, 0.5) for label in LABELS}) == len(LABELS)
