"""What people spoke about: words lead to topics, and no small number can be read or computed."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.topic import LEAST, TOPICS, Topic, tally, told, topics


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The new BLAZER costs forty pounds", {"Uniform and appearance", "Money and donations"}),
        ("Two weeks without heating, the toilets leak", {"Buildings and grounds"}),
        ("my son is bullied and picked on every day", {"Bullying between pupils"}),
        ("no EHCP, no SEND support", {"Special needs and inclusion"}),
        ("please send the form", set()),
        ("The coach parking at drop-off is a danger", {"Transport and parking"}),
        ("Well done on the GCSE results!", {"Exams and results"}),
        ("Dinner ladies are lovely, lunches are cold", {"Food and lunches"}),
        ("my daughter loved the nativity", {"Events and performances"}),
        ("Behavior and detentions", {"Behaviour and sanctions"}),
        ("", set()),
        ("Good school", set()),
    ],
)
def test_words_lead_to_topics(text: str, found: set[str]) -> None:
    assert set(topics(text)) == found


def test_parts_of_other_words_do_not() -> None:
    assert topics("a tiebreak, a busy priest, an example, a steam engine, refreshing") == ()


def test_a_post_counts_once_for_each_of_its_topics() -> None:
    assert tally(["lunch lunch menu", "lunch and uniform"]) == {"Food and lunches": 2, "Uniform and appearance": 1}


def test_less_than_five_is_not_told() -> None:
    assert told({"hill": {"Sport": 4, "Staffing": 5, "Food and lunches": 0}}) == (
        Topic(name="Staffing", posts=5),
        Topic(name="Sport", posts=None),
    )
    assert [t.said for t in told({"hill": {"Sport": 4, "Staffing": 5}})] == ["5", "<5"]


def test_a_trusts_sum_leaves_out_what_its_schools_may_not_tell() -> None:
    assert told({"a": {"Sport": 7}, "b": {"Sport": 2}}) == (Topic(name="Sport", posts=7, more=True),)
    assert told({"a": {"Sport": 3}, "b": {"Sport": 4}}) == (Topic(name="Sport", posts=None),)
    assert told({"a": {"Sport": 7}, "b": {"Sport": 6}})[0].said == "13"
    assert told({"a": {"Sport": 7}, "b": {"Sport": 2}})[0].said == "7 or more"


counts = st.dictionaries(st.sampled_from(TOPICS), st.integers(0, 12), max_size=6)


@given(st.dictionaries(st.sampled_from("abcd"), counts, min_size=1), st.sampled_from("abcd"), st.sampled_from(TOPICS))
def test_what_is_below_five_changes_nothing_but_that_there_is_something(
    by_school: dict[str, dict[str, int]], school: str, topic: str
) -> None:
    """Whoever knows all else cannot tell one, two, three and four apart, in a school's digest or in the trust's."""
    seen = {told({**by_school, school: {**by_school.get(school, {}), topic: n}}) for n in range(1, LEAST)}
    assert len(seen) == 1
    for one in next(iter(seen)):
        assert one.posts is None or one.posts >= LEAST


def test_a_long_text_takes_no_time() -> None:
    start = time.perf_counter()
    topics("after school " * 40_000)
    topics("pick " * 100_000)
    assert time.perf_counter() - start < 1
