"""The schools' own handles on X are read by searches that many schools share."""

from __future__ import annotations

import re

from alerts.query import answers
from alerts.school import School


def _school(number: int, *handles: str) -> School:
    return School(id=f"s{number}", name=f"Number {number} Primary School", pack="wessex", handles=handles)


def test_a_handle_is_asked_for_what_it_says_and_what_names_or_quotes_it() -> None:
    made = answers([_school(1, "@OnePrimary"), _school(2, "TwoPrimary", "two.bsky.social")])
    assert [query.text for query in made.queries] == [
        '(@OnePrimary OR from:OnePrimary OR url:"OnePrimary/status" OR '
        '@TwoPrimary OR from:TwoPrimary OR url:"TwoPrimary/status") -is:retweet'
    ]
    assert made.queries[0].batch == ("s1", "s2")


def test_every_handle_of_many_schools_is_in_exactly_one_query_that_x_accepts() -> None:
    schools = [_school(n, f"School{n:03d}Primary") for n in range(400)] + [_school(999)]
    made = answers(schools)
    found = [name for query in made.queries for name in re.findall(r"from:(\w+)", query.text)]
    assert sorted(found) == sorted(school.handles[0] for school in schools[:-1])
    assert all(len(query.text) <= 512 for query in made.queries)
    assert len(made.queries) < 100
    assert len({query.place for query in made.queries}) == len(made.queries)


def test_a_school_with_more_handles_than_one_query_holds_has_several() -> None:
    made = answers([_school(1, *(f"Department{n:02d}OfOne" for n in range(30)))])
    assert len(made.queries) > 1
    assert sum(query.text.count("from:") for query in made.queries) == 30


def test_a_new_school_touches_one_query_only() -> None:
    schools = [_school(n, f"School{n:03d}Primary") for n in range(200)]
    before = {query.text for query in answers(schools).queries}
    after = {query.text for query in answers([*schools, _school(777, "Newcomer")]).queries}
    assert len(before - after) == 1


def test_without_handles_nothing_is_asked() -> None:
    assert answers([_school(1)]).queries == ()
