"""Whatever stands beside a post, its verdict is the same; what was read once is not read again."""

from collections.abc import Sequence
from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifiers.batch import MOST, STEP, batches, filled
from classifiers.encoder import SHIPPED, EncoderClassifier
from classifiers.known import Known, Said
from classifiers.verdict import Passage
from classifiers.window import Window

WORDS = [
    "the",
    "head",
    "lied",
    "again",
    "well",
    "done",
    "Saoirse",
    "Quill",
    "of",
    "9C",
    "i",
    "will",
    "stab",
    "him",
    "lovely",
    "concert",
    "thanks",
    "kill",
    "yourself",
]
TEXTS = tuple(" ".join(WORDS[begin : begin + size]) for size in (1, 3, 4, 8, 15) for begin in range(0, 12, 3))
POSTS = (
    *(Passage(text=text) for text in TEXTS),
    Passage(text="They say the bus leaves at nine. " * 40),
    Passage(text="me too", reply_to="i want to kill myself"),
    Passage(text="me too", reply_to="that was lovely"),
    Passage(text="me too", official=True, has_image=True),
    Passage(text="😂🎉"),
    Passage(text=""),
    Passage(text="k1ll y0urs3lf"),
)


@pytest.fixture(scope="module")
def forgetful() -> EncoderClassifier:
    return EncoderClassifier(remember=0)


@pytest.fixture(scope="module")
def alone(forgetful: EncoderClassifier) -> dict[Passage, object]:
    return {post: forgetful.classify([post])[0] for post in POSTS}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some=st.lists(st.sampled_from(POSTS), min_size=1, max_size=24))
def test_no_verdict_depends_on_the_batch(
    forgetful: EncoderClassifier, alone: dict[Passage, object], some: list[Passage]
) -> None:
    for post, verdict in zip(some, forgetful.classify(some), strict=True):
        expected = alone[post]
        assert (verdict.labels, verdict.review, verdict.unread) == (expected.labels, expected.review, expected.unread)
        assert verdict.scores == pytest.approx(expected.scores, abs=0.001)
        assert verdict.spans == expected.spans


def test_more_posts_than_one_round_come_back_in_order(
    forgetful: EncoderClassifier, alone: dict[Passage, object]
) -> None:
    many = [POSTS[(7 * number) % len(TEXTS)] for number in range(150)]
    assert [v.labels for v in forgetful.classify(many)] == [alone[post].labels for post in many]


def counted(model: EncoderClassifier, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of all batches that the model runs from now on."""
    sizes: list[int] = []
    run = model._runner.run

    def watched(windows: Sequence[Window]) -> object:
        sizes.append(len(windows))
        return run(windows)

    monkeypatch.setattr(model._runner, "run", watched)
    return sizes


def test_the_same_text_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = EncoderClassifier(SHIPPED, threads=1)
    sizes = counted(model, monkeypatch)
    disguised = "the cancelled trip w1th K\u200bwame Oduya"
    written = "the cancelled trip with Kwame Oduya"
    model.classify([Passage(text=written)])
    # Once as it stands, and where a name might decide, once more under each set of other names.
    once = sum(sizes)
    assert once in {1, 4}
    model = EncoderClassifier(SHIPPED, threads=1)
    sizes = counted(model, monkeypatch)
    first, second = model.classify([Passage(text=written), Passage(text=disguised)])
    assert sum(sizes) == once
    assert first.scores == second.scores
    said = [(span.kind, written[span.start : span.end]) for span in first.spans]
    assert said
    assert [(s.kind, disguised[s.start : s.end].replace("\u200b", "")) for s in second.spans] == said
    model.classify([Passage(text=disguised)])
    assert sum(sizes) == once
    model.classify([Passage(text=disguised, official=True), Passage(text=disguised, reply_to="why?")])
    assert sum(sizes) >= once + 2


def test_what_was_asked_for_longest_ago_is_forgotten() -> None:
    known = Known(2)
    keys = [(text, None, False, False) for text in "abc"]
    for number, key in enumerate(keys[:2]):
        known.keep(key, Said(np.array([number]), b""))
    assert known.get(keys[0]) is not None
    known.keep(keys[2], Said(np.array([2]), b""))
    assert [known.get(key) is not None for key in keys] == [True, False, True]
    known.keep(("x" * 5000, None, False, False), Said(np.array([3]), b""))
    assert known.get(("x" * 5000, None, False, False)) is None
    assert Known(0).get(keys[0]) is None


@given(st.lists(st.integers(1, 128), max_size=60), st.integers(1, MOST))
def test_batches_hold_every_window_once_and_one_length_each(lengths: list[int], most: int) -> None:
    number = count()
    windows = [Window((next(number),) * n, (0,) * n, n, 1, 0, n) for n in lengths]
    found = list(batches(windows, most))
    assert sorted(place for batch in found for place in batch) == list(range(len(windows)))
    for batch in found:
        assert 1 <= len(batch) <= most
        (length,) = {filled(windows[place]) for place in batch}
        assert length % STEP == 0
        assert all(0 <= length - len(windows[place].ids) < STEP for place in batch)
