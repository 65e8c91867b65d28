"""Walking a timeline: laws that hold on every server, however oddly it pages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors._timeline import Walk, advance, short


def marks(*ids: object, version: str = "1") -> list[tuple[str, str]]:
    return [(str(id_), version) for id_ in ids]


def test_a_first_walk_goes_to_the_end() -> None:
    step = advance(Walk(), marks(9, 8), {"max_id": "8"}, {"max_id": "8"})
    assert (step.fresh, step.done, step.walk.query) == ((0, 1), False, {"max_id": "8"})
    step = advance(step.walk, marks(7), None, None)
    assert (step.fresh, step.done) == ((0,), True)
    assert list(step.walk.known) == ["9", "8", "7"]


def test_a_later_walk_stops_where_it_meets_what_it_knows() -> None:
    known = Walk(known=dict(marks(9, 8, 7)))
    step = advance(known, marks(11, 10, 9), {"max_id": "9"}, {"max_id": "9"})
    assert (step.fresh, step.done, step.why_cut) == ((0, 1), True, None)


def test_one_known_item_that_is_pinned_does_not_stop_it() -> None:
    known = Walk(known=dict(marks(9, 8, 7)))
    step = advance(known, marks(7, 12, 11), {"max_id": "11"}, {"max_id": "11"})
    assert (step.fresh, step.done) == ((1, 2), False)


def test_a_late_item_below_known_ones_and_an_edited_one_are_fresh() -> None:
    known = Walk(known=dict(marks("b", "a", "c")))
    step = advance(known, [("b", "1"), ("late", "1"), ("a", "2"), ("c", "1")], None, None)
    assert step.fresh == (1, 2)


def test_an_item_given_twice_in_a_page_is_fresh_once() -> None:
    assert advance(Walk(), marks(3, 3, 2), None, None).fresh == (0, 2)


def test_a_repeating_link_is_replaced_by_the_last_id_and_then_given_up() -> None:
    step = advance(Walk(), marks(9, 8), {"max_id": "8"}, {"max_id": "8"})
    step = advance(step.walk, marks(7, 6), {"max_id": "8"}, {"max_id": "6"})
    assert step.walk.query == {"max_id": "6"}
    step = advance(step.walk, marks(9, 8), {"max_id": "8"}, {"max_id": "8"})
    assert step.done
    assert step.why_cut == "the server repeats its pages"
    assert step.fresh == ()


def test_empty_pages_with_ever_new_links_come_to_an_end() -> None:
    walk, pages = Walk(query={"page": "0"}), 0
    while True:
        pages += 1
        step = advance(walk, [], {"page": str(pages)}, None)
        walk = step.walk
        if step.done:
            break
    assert pages == 11
    assert step.why_cut


def test_the_same_page_under_ever_new_links_comes_to_an_end() -> None:
    walk, pages = Walk(), 0
    while True:
        pages += 1
        step = advance(walk, marks(3, 2, 1), {"page": str(pages)}, None)
        walk = step.walk
        if step.done:
            break
    assert pages <= 12
    assert step.why_cut


@given(
    st.lists(st.integers(0, 500), unique=True, max_size=120),
    st.integers(1, 20),
    st.lists(st.integers(501, 600), unique=True, max_size=30),
)
def test_nothing_is_lost_or_doubled_whatever_the_order_of_ids(old: list[int], size: int, new: list[int]) -> None:
    """Pages are stretches of a list in any order; new items come in front."""
    walk, got = _walked(Walk(), [str(i) for i in old], size)
    assert got == [str(i) for i in old]
    walk, got = _walked(walk, [str(i) for i in [*new, *old]], size)
    assert got == [str(i) for i in new]
    assert Walk.load(walk.dump()) == walk


def _walked(walk: Walk, items: list[str], size: int) -> tuple[Walk, list[str]]:
    got: list[str] = []
    for _ in range(len(items) + 2):
        start = int((walk.query or {}).get("from", "0"))
        page = items[start : start + size]
        onward = {"from": str(start + size)} if start + size < len(items) else None
        step = advance(walk, [(i, "1") for i in page], onward, None)
        got += [page[i] for i in step.fresh]
        walk = Walk.load(step.walk.dump())
        if step.done:
            return walk, got
    raise AssertionError("the walk did not end")


def test_what_stands_for_an_id_is_short_and_takes_any_text() -> None:
    assert len(short("\ud800")) == len(short(b"x")) == 12


def test_a_short_page_that_comes_again_is_all_there_is() -> None:
    for full, why in ((False, None), (True, "the server repeats its pages")):
        step = advance(Walk(), marks(2, 1), None, {"max_id": "1"}, full=full)
        step = advance(step.walk, marks(2, 1), None, {"max_id": "1"}, full=full)
        assert (step.done, step.why_cut) == (True, why)
