"""Every token is seen in some window, and markers and parent stand where the encoder expects them."""

from hypothesis import given
from hypothesis import strategies as st

from classifiers.window import CLS, IMAGE, LENGTH, OFFICIAL, SEP, TYPES, cut, shape


@given(st.integers(0, 900), st.integers(0, 60), st.booleans(), st.booleans())
def test_windows_cover_all_tokens_and_fit(count: int, parent: int, official: bool, image: bool) -> None:
    tokens = list(range(1000, 1000 + count))
    windows = list(cut(tokens, [0] * count, parent=[7] * parent, official=official, has_image=image))
    seen: set[int] = set()
    for window in windows:
        assert len(window.ids) == len(window.types) <= LENGTH
        assert max(window.types) < TYPES
        body = window.ids[window.prefix : window.prefix + window.count]
        assert list(body) == tokens[window.first : window.first + window.count]
        assert window.ids[0] == CLS
        assert window.ids[window.pooled - 1] == SEP
        seen |= set(body)
    assert seen == set(tokens)


def test_markers_and_parent_have_their_places() -> None:
    [window] = cut([50, 51], [1, 2], parent=[60], official=True, has_image=True)
    assert window.ids == (CLS, OFFICIAL, IMAGE, 50, 51, SEP, 60, SEP)
    assert window.types == (0, 0, 0, 1, 2, 0, 3, 3)
    assert (window.pooled, window.prefix, window.first, window.count) == (6, 3, 0, 2)


def test_how_a_word_is_written() -> None:
    text = "Year END ok I"
    assert [shape(text, start) for start in (0, 5, 9, 12, 99)] == [1, 2, 0, 1, 0]
