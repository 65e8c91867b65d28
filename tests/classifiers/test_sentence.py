"""The reason is one sentence that a person understands."""

from classifiers.sentence import reason
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
