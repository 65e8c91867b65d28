"""Every token is seen in some window, and markers and parent stand where the encoder expects them."""

from hypothesis import given
from hypothesis import strategies as st

from classifiers.window import CLOSE, CLS, IMAGE, LENGTH, OFFICIAL, SEP, TYPES, cut, look_closely, shape


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


@given(st.lists(st.sampled_from([999, 1012, 2000, 2001, 2002, 2003]), max_size=300))
def test_a_close_look_misses_no_token(tokens: list[int]) -> None:
    windows = list(look_closely(tokens, [0] * len(tokens), official=False, has_image=False))
    seen = {at for window in windows for at in range(window.first, window.first + window.count)}
    assert seen == set(range(len(tokens)))
    assert all(0 < window.count <= CLOSE for window in windows)
    for window in windows:
        assert list(window.ids[1:-1]) == tokens[window.first : window.first + window.count]


def test_a_close_look_ends_with_a_sentence() -> None:
    tokens = [2000] * 14 + [1012] + [2001] * 3 + [1012] + [2002] * 50
    windows = look_closely(tokens, [0] * len(tokens), official=False, has_image=False)
    assert [(window.first, window.count) for window in windows] == [(0, 15), (15, 40), (39, 30)]
