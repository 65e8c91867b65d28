"""When flags are one matter, and when they never are."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.flag import CONCERNS, GRAVE
from alerts.incident import (
    STATES,
    Candidate,
    Incident,
    Ruling,
    family,
    fingerprints,
    join,
    joined,
    may_move,
    news,
    opened,
    ordered,
    severity,
    weighed,
)

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
_numbers = itertools.count(1)


def flagged(concern: str = "criticism", **changes: object) -> Candidate:
    number = next(_numbers)
    fields: dict[str, object] = {
        "flag": number,
        "mention": number,
        "school": "hillcrest",
        "concern": concern,
        "recipients": ("headteacher",),
        "about": None,
        "target": None,
        "post": ("mastodon", "fedi.example", f"p{number}"),
        "thread": f"p{number}",
        "author": f"a{number}",
        "text": f"number {number}",
        "at": NOON,
    }
    return Candidate(**{**fields, **changes})  # type: ignore[arg-type]


def group(candidates: list[Candidate]) -> dict[str, tuple[Incident, list[Candidate]]]:
    """Groups as the service does, one flag after the other."""
    found: dict[str, tuple[Incident, list[Candidate]]] = {}
    for candidate in ordered(candidates):
        match = join(candidate, [incident for incident, _ in found.values()])
        if match is None:
            incident = opened(candidate, f"WT-{len(found)}")
            found[incident.reference] = (incident, [candidate])
        else:
            members = found[match.reference][1]
            fresh = candidate.post not in {m.post for m in members}
            found[match.reference] = (joined(match, candidate, new_post=fresh), [*members, candidate])
    return found


def test_a_burst_of_200_angry_comments_is_one_incident_with_200_posts() -> None:
    comments = [
        flagged("criticism", thread="t1", at=NOON + timedelta(seconds=10 * i), text=f"The new gate is a mess {i}")
        for i in range(200)
    ]
    [(incident, members)] = group(comments).values()
    assert incident.posts == 200
    assert len(members) == 200
    assert incident.news == ("opened",)
    assert incident.last_flag_at == comments[-1].at


def test_criticism_of_one_school_in_many_threads_is_one_burst_within_a_day() -> None:
    found = group([flagged("criticism", at=NOON + timedelta(hours=20 * i)) for i in range(5)])
    assert len(found) == 1


def test_a_complaint_joins_criticism_and_is_news() -> None:
    [(incident, _)] = group([flagged("criticism"), flagged("complaint", at=NOON + timedelta(hours=1))]).values()
    assert incident.concerns == ("criticism", "complaint")
    assert incident.news == ("opened", "new_concern")


def test_after_the_window_criticism_is_a_new_matter() -> None:
    assert len(group([flagged("criticism"), flagged("criticism", at=NOON + timedelta(hours=24, seconds=1))])) == 2
    assert len(group([flagged("criticism"), flagged("criticism", at=NOON + timedelta(hours=24))])) == 1


def test_the_window_is_a_parameter_and_old_posts_do_not_slip_into_new_storms() -> None:
    incident = opened(flagged("criticism"), "WT-1")
    later = flagged("criticism", at=NOON + timedelta(hours=2))
    assert join(later, [incident], timedelta(hours=1)) is None
    assert join(later, [incident], timedelta(hours=3)) == incident
    assert join(flagged("criticism", at=NOON - timedelta(days=30)), [incident]) is None


def test_a_second_childs_disclosure_is_its_own_incident() -> None:
    text = "I do not feel safe at home and I do not know whom to tell"
    first = flagged("child_at_risk", thread="t1", author="child-1", text=text, recipients=("dsl",))
    second = flagged("child_at_risk", thread="t1", author="child-2", text=text, recipients=("dsl",))
    assert len(group([first, second])) == 2


def test_a_disclosure_inside_a_storm_is_its_own_incident() -> None:
    storm = [flagged("criticism", thread="t1", recipients=("dsl",)) for _ in range(20)]
    cry = flagged("self_harm", thread="t1", author="a-child", recipients=("dsl",), at=NOON + timedelta(minutes=1))
    found = group([*storm, cry])
    assert sorted(len(members) for _, members in found.values()) == [1, 20]


@pytest.mark.parametrize("concern", GRAVE)
def test_grave_concerns_join_only_by_same_thread_and_same_author(concern: str) -> None:
    first = flagged(concern, thread="t1", author="a1", text="a text that is long enough to count as a repost")
    incident = opened(first, "WT-1")
    assert join(replace(first, post=("mastodon", "fedi.example", "p-other")), [incident]) == incident
    other = flagged(concern, thread="t1", author="a2", text=first.text)
    assert join(other, [incident]) is None
    assert join(replace(other, author="a1", thread="t2"), [incident]) is None
    assert join(replace(other, author=None), [incident]) is None


@pytest.mark.parametrize("concern", GRAVE)
def test_an_unknown_author_never_joins_save_for_the_very_same_post(concern: str) -> None:
    first = flagged(concern, thread="t1", author=None)
    incident = opened(first, "WT-1")
    assert join(flagged(concern, thread="t1", author=None), [incident]) is None
    assert join(replace(first, concern="cyberbullying", text="edited since"), [incident]) == incident


def test_a_threat_that_is_also_cyberbullying_is_one_incident_with_one_post() -> None:
    threat = flagged("threat", thread="t1", target="teacher")
    insult = replace(threat, concern="cyberbullying", flag=threat.flag + 1000)
    [(incident, _)] = group([insult, threat]).values()
    assert incident.concerns == ("threat", "cyberbullying")
    assert incident.posts == 1


def test_an_ordinary_flag_does_not_open_a_grave_incident_to_strangers() -> None:
    text = "you will regret this, all of you, at the gate"
    threat = flagged("threat", thread="t1", author="a1", text=text)
    incident = joined(opened(threat, "WT-1"), replace(threat, concern="criticism"))
    assert join(flagged("criticism", thread="t1", author="a2", text=text), [incident]) is None
    assert join(flagged("cyberbullying", thread="t1", author="a2", text=text), [incident]) is None
    assert join(flagged("criticism", thread="t1", author="a1"), [incident]) == incident


def test_a_grave_flag_shuts_an_ordinary_incident_of_the_same_author() -> None:
    insult = flagged("cyberbullying", thread="t1", author="a1")
    incident = opened(insult, "WT-1")
    threat = replace(insult, concern="threat")
    assert join(threat, [incident]) == incident
    after = joined(incident, threat)
    assert after.is_grave
    assert join(flagged("cyberbullying", thread="t1", author="a2"), [after]) is None


def test_a_grave_flag_never_joins_an_ordinary_incident_of_other_authors() -> None:
    mine = flagged("cyberbullying", thread="t1", author="a1")
    theirs = flagged("cyberbullying", thread="t1", author="a2")
    incident = joined(opened(mine, "WT-1"), theirs)
    for post in (mine, theirs):
        assert join(replace(post, concern="threat"), [incident]) is None
    assert join(flagged("threat", thread="t1", author="a1"), [incident]) is None


def test_the_very_same_post_in_a_grave_incident_and_in_a_storms_thread_stays_with_the_grave_one() -> None:
    storm = [flagged("cyberbullying", thread="t1") for _ in range(5)]
    threat = flagged("threat", thread="t1", author="a1", at=NOON + timedelta(minutes=5))
    insult = replace(threat, concern="cyberbullying", flag=threat.flag - 1)
    found = group([*storm, insult, threat])
    assert sorted(incident.posts for incident, _ in found.values()) == [1, 5]


@pytest.mark.parametrize(
    "change",
    [{"recipients": ("headteacher", "ceo")}, {"about": "headteacher"}, {"school": "millbrook"}],
    ids=["recipients", "accused", "school"],
)
@pytest.mark.parametrize("concern", ["criticism", "cyberbullying", "threat"])
def test_others_who_may_know_never_share_an_incident(concern: str, change: dict[str, object]) -> None:
    first = flagged(concern, thread="t1", author="a1", text="a text that is long enough to count as a repost")
    incident = opened(first, "WT-1")
    other = replace(first, **change)  # type: ignore[arg-type]
    assert join(other, [incident]) is None
    # Not even where a store mixed up the keys.
    assert join(other, [replace(incident, keys=(*incident.keys, *fingerprints(other)))]) is None


def test_recipients_are_a_set() -> None:
    first = flagged("criticism", recipients=("chair_of_governors", "ceo"))
    again = flagged("criticism", recipients=("ceo", "chair_of_governors"))
    assert join(again, [opened(first, "WT-1")]) is not None


@pytest.mark.parametrize("state", ["resolved", "dismissed"])
def test_a_closed_incident_is_never_joined(state: str) -> None:
    first = flagged("criticism")
    assert join(first, [replace(opened(first, "WT-1"), state=state)]) is None
    assert join(first, [replace(opened(first, "WT-1"), state="in_progress")]) is not None


def test_a_repost_joins_whatever_its_case_links_accents_and_punctuation() -> None:
    first = flagged("cyberbullying", text="Mr Example of Hillcrest can’t even spell café! https://a.example/1")
    again = flagged("cyberbullying", text="mr EXAMPLE of hillcrest can’t even spell café... https://b.example/2?x")
    assert join(again, [opened(first, "WT-1")]) is not None


def test_short_texts_are_no_reposts() -> None:
    assert (
        join(
            flagged("cyberbullying", text="what a joke!!"), [opened(flagged("cyberbullying", text="what a joke"), "r")]
        )
        is None
    )
    nineteen, twenty = "abcdefghij klmnopqrs", "abcdefghij klmnopqrst"
    assert not any(key.startswith("text:") for key in fingerprints(flagged("trolling", text=nineteen)))
    assert any(key.startswith("text:") for key in fingerprints(flagged("trolling", text=twenty)))


def test_only_opinion_joins_by_school() -> None:
    for concern in CONCERNS:
        match = join(flagged(concern), [opened(flagged(concern), "WT-1")])
        assert (match is not None) == (family(concern) == "opinion"), concern


def test_a_new_burst_stays_together_while_an_older_one_is_still_open() -> None:
    older = opened(flagged("criticism", at=NOON - timedelta(days=3)), "WT-1")
    first = flagged("criticism")
    assert join(first, [older]) is None
    # The store lets no two open incidents hold one key.
    newer = opened(first, "WT-2")
    newer = replace(newer, keys=tuple(key for key in newer.keys if key not in older.keys))
    assert join(flagged("criticism", at=NOON + timedelta(hours=1)), [older, newer]) == newer


def test_the_latest_of_several_storms_is_joined() -> None:
    older = replace(opened(flagged("criticism"), "WT-1"), last_flag_at=NOON - timedelta(hours=3))
    newer = opened(flagged("criticism"), "WT-2")
    assert join(flagged("criticism"), [older, newer]) == newer
    assert join(flagged("criticism"), [newer, older]) == newer


def test_fingerprints_hold_no_names_and_survive_hostile_text() -> None:
    hostile = "\ud800\x00" + "a" + "\u0301" * 200_000 + "\u202e" + "😀" * 20_000
    began = time.monotonic()
    keys = fingerprints(flagged("criticism", text=hostile, author="Erin Example", thread="\udfff"))
    assert time.monotonic() - began < 5
    assert all("Erin" not in key and "hillcrest" not in key for key in keys)
    assert all(len(key) < 100 for key in keys)


def test_severity_weighs_a_child_most() -> None:
    assert severity("self_harm", None, None) == 5
    assert severity("threat", "pupil", None) > severity("threat", "headteacher", None)
    assert severity("cyberbullying", "pupil", None) > severity("cyberbullying", "teacher", None) > severity("criticism")
    assert severity("criticism", None, "headteacher") == 3
    assert all(1 <= severity(concern, target) <= 5 for concern in CONCERNS for target in (None, "pupil"))


def test_news_names_the_first_reason_that_holds() -> None:
    before = opened(flagged("cyberbullying", thread="t1"), "WT-1")
    assert news(None, before) == "opened"
    assert news(before, replace(before, posts=99, last_flag_at=NOON + timedelta(days=1))) is None
    assert news(before, replace(before, targets=("teacher",))) == "new_target"
    assert news(before, replace(before, severity=5)) == "more_severe"
    assert news(before, replace(before, severity=5, concerns=("cyberbullying", "trolling"))) == "new_concern"


def test_a_joining_flag_with_a_child_as_target_is_more_severe_news() -> None:
    first = flagged("cyberbullying", thread="t1", target="teacher")
    after = joined(opened(first, "WT-1"), flagged("cyberbullying", thread="t1", target="pupil"))
    assert after.targets == ("teacher", "pupil")
    assert after.severity == 4
    assert after.news == ("opened", "new_target")


candidates = st.lists(
    st.builds(
        flagged,
        concern=st.sampled_from(["criticism", "complaint", "cyberbullying", "trolling", "threat", "self_harm"]),
        school=st.sampled_from(["hillcrest", "millbrook"]),
        recipients=st.sampled_from([("headteacher",), ("dsl", "ceo"), ("ceo", "dsl")]),
        about=st.sampled_from([None, None, "headteacher"]),
        target=st.sampled_from([None, "pupil", "teacher"]),
        post=st.sampled_from([("x", "", str(n)) for n in range(8)]),
        thread=st.sampled_from(["t1", "t2"]),
        author=st.sampled_from([None, "a1", "a2"]),
        text=st.sampled_from(["short", "a long text that many people have reposted", "another text, long enough too"]),
        at=st.integers(0, 100).map(lambda hours: NOON + timedelta(hours=hours)),
    ),
    max_size=25,
)


def _one_post_one_author(flags: list[Candidate]) -> list[Candidate]:
    """Makes the draw consistent: a post has one thread and one author, and all its flags come at once."""
    first: dict[tuple[str, str, str], Candidate] = {}
    return [
        replace(c, thread=f.thread, author=f.author, text=f.text, at=f.at)
        for c in flags
        for f in [first.setdefault(c.post, c)]
    ]


@settings(max_examples=300, deadline=None)
@given(candidates)
def test_whatever_comes_an_incident_holds_one_circle_and_a_grave_one_only_one_author(flags: list[Candidate]) -> None:
    for incident, members in group(_one_post_one_author(flags)).values():
        assert {m.school for m in members} == {incident.school}
        assert {m.about for m in members} == {incident.about}
        assert {frozenset(m.recipients) for m in members} == {frozenset(incident.recipients)}
        assert {m.concern for m in members} == set(incident.concerns)
        assert incident.posts == len({m.post for m in members})
        assert incident.severity == max(severity(m.concern, m.target, m.about) for m in members)
        assert incident.opened_at <= min(m.at for m in members) <= max(m.at for m in members) <= incident.last_flag_at
        if incident.is_grave:
            authors = {m.author for m in members}
            assert len(authors) == 1
            assert authors != {None} or len({m.post for m in members}) == 1


@settings(max_examples=300, deadline=None)
@given(candidates)
def test_whatever_comes_no_flag_is_lost_and_a_posts_flags_share_an_incident(flags: list[Candidate]) -> None:
    consistent = _one_post_one_author(flags)
    found = group(consistent)
    assert sorted(m.flag for _, members in found.values() for m in members) == sorted(c.flag for c in consistent)
    homes: dict[object, set[str]] = {}
    for incident, members in found.values():
        for m in members:
            circle = (m.post, m.school, frozenset(m.recipients), m.about)
            homes.setdefault(circle, set()).add(incident.reference)
    assert all(len(references) == 1 for references in homes.values())


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize("after", STATES)
def test_what_is_closed_goes_nowhere_but_open_again(before: str, after: str) -> None:
    closed = ("resolved", "dismissed")
    assert may_move(before, after) == (before == after or before not in closed or after == "open")


def test_reach_and_repetition_weigh_one_more_and_never_as_much_as_a_child() -> None:
    assert [weighed(2, voices, 0) for voices in (1, 19, 20, 10_000)] == [2, 2, 3, 3]
    assert [weighed(3, 1, again) for again in (0, 2, 3, 99)] == [3, 3, 4, 4]
    assert weighed(4, 10_000, 99) == 4
    assert weighed(severity("threat", "pupil"), 1, 0) == 5


def test_a_louder_storm_is_no_news_and_a_graver_flag_in_it_is() -> None:
    first = flagged("criticism")
    loud = joined(opened(first, "WT-1"), flagged("criticism"), voices=50)
    assert (loud.severity, loud.news) == (3, ("opened",))
    graver = joined(loud, replace(flagged("criticism"), about="headteacher"), voices=51)
    assert graver.news[-1] == "more_severe"


def test_what_a_person_set_apart_joins_nothing_else_and_nothing_else_joins_it() -> None:
    storm = opened(flagged("criticism"), "WT-1")
    meant = flagged("criticism")
    apart = replace(meant, rulings=(Ruling(key=fingerprints(meant)[0], mark="WT-9", apart=True),))
    assert join(apart, [storm]) is None
    own = opened(apart, "WT-9")
    assert join(apart, [storm, own]) is own
    assert join(flagged("criticism", text="somebody else entirely says this here"), [own]) is None


def same(concern: str, post: str) -> Candidate:
    """A post of one author in one thread."""
    return flagged(concern, post=("mastodon", "fedi.example", post), thread="t1", author="one")


@given(st.sampled_from(GRAVE), st.sampled_from(["acknowledged", "in_progress"]))
def test_a_grave_thing_said_again_waits_for_an_answer_once_more(concern: str, state: str) -> None:
    taken = replace(opened(same(concern, "first"), "WT-1"), state=state, held_by="dan", acknowledged_at=NOON)
    again = joined(taken, same(concern, "another"))
    assert again.news[-1] == "said_again"
    assert (again.state, again.held_by, again.acknowledged_at) == ("open", None, None)
    more = joined(again, same(concern, "a third"))
    assert more.news == again.news
