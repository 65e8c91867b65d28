"""What a person splits or merges stays so: for later posts, after closing, and after a restart."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from alerts.incident import Incident
from tests.watcher.test_following import followed
from tests.watcher.test_service import NOW, OWN, House, post, under_own
from watcher.app import pack_of
from watcher.deed import act
from watcher.errors import RefusedError
from watcher.parting import merge, split
from watcher.store import Store

HOUR = timedelta(hours=1)
SHAME = "Shame on Hillcrest Primary School {criticism=0.9}"


@pytest.fixture
def house(store: Store, tmp_path: Path) -> House:
    made = followed(store, tmp_path)
    made.bring(OWN)
    return made


def matters(house: House, *, every: bool = False) -> dict[str, Incident]:
    return {i.reference: i for i in house.store.views.incidents(limit=50) if every or i.is_open}


def of_post(house: House, number: int) -> str:
    """The open incident in which a post is."""
    found = []
    for reference in matters(house):
        view = house.store.views.incident(reference)
        assert view is not None
        if str(number) in [p.post.id for p in view.posts]:
            found.append(reference)
    [one] = found
    return one


def test_a_split_holds_for_what_follows_and_after_closing(house: House) -> None:
    odd = under_own(3, f"and the kitchen roof leaks {SHAME}")
    house.bring(under_own(2, SHAME), odd, under_own(4, f"me too {SHAME}"))
    [storm] = matters(house)
    made = split(house.store, pack_of, storm, ["https://social.example/3"], by="moore", why="a repair", now=NOW)
    assert (of_post(house, 3), of_post(house, 2), of_post(house, 4)) == (made, storm, storm)
    assert (matters(house)[made].posts, matters(house)[storm].posts) == (1, 2)
    # The same person in the same thread goes on about the same; a stranger belongs to the storm.
    house.bring(under_own(5, f"still leaking {SHAME}", author=odd.author), now=NOW + HOUR)
    house.bring(under_own(6, f"a stranger {SHAME}"), now=NOW + HOUR)
    assert (of_post(house, 5), of_post(house, 6)) == (made, storm)
    act(house.store, made, "resolved", "moore", None, "mended", NOW + HOUR)
    house.bring(under_own(7, f"leaks again {SHAME}", author=odd.author), now=NOW + 2 * HOUR)
    again = of_post(house, 7)
    assert again not in (made, storm)
    house.bring(under_own(8, f"every day {SHAME}", author=odd.author), now=NOW + 3 * HOUR)
    assert of_post(house, 8) == again


def test_a_merge_holds_for_what_follows_and_after_closing(house: House) -> None:
    house.bring(under_own(2, "you are all pathetic people {cyberbullying=0.9}"))
    house.bring(post(50, "Hillcrest Primary School you lot are vermin, all {cyberbullying=0.9}", thread="50"))
    one, other = of_post(house, 2), of_post(house, 50)
    assert one != other
    merge(house.store, pack_of, one, other, by="moore", why="the same campaign", now=NOW)
    assert of_post(house, 2) == of_post(house, 50) == other
    assert matters(house)[other].posts == 2
    assert matters(house, every=True)[one].state == "resolved"
    house.bring(under_own(3, "pathetic the lot of you {cyberbullying=0.9}"), now=NOW + HOUR)
    assert of_post(house, 3) == other
    act(house.store, other, "resolved", "moore", None, "spoken to", NOW + HOUR)
    house.bring(under_own(4, "still pathetic if you ask {cyberbullying=0.9}"), now=NOW + 2 * HOUR)
    house.bring(post(51, "Hillcrest Primary School vermin again {cyberbullying=0.9}", thread="50"), now=NOW + 2 * HOUR)
    assert of_post(house, 4) == of_post(house, 51)


def test_a_merged_and_split_again_matter_is_apart_and_the_newest_word_counts(house: House) -> None:
    house.bring(under_own(2, SHAME), under_own(3, f"the kitchen {SHAME}"))
    [storm] = matters(house)
    made = split(house.store, pack_of, storm, ["2"], by="moore", why="another", now=NOW)
    merge(house.store, pack_of, made, storm, by="moore", why="no, the same", now=NOW + HOUR)
    assert set(matters(house)) == {storm}
    house.bring(under_own(3, f"the kitchen once more {SHAME}"), now=NOW + 2 * HOUR)
    assert set(matters(house)) == {storm}


def test_not_the_same_people_is_not_the_same_matter(house: House) -> None:
    house.bring(under_own(2, SHAME))
    house.bring(under_own(3, "The headteacher, Mrs Moore, slapped my son and then lied about it {criticism=0.9}"))
    accusing = next(r for r, i in matters(house).items() if i.about)
    plain = next(r for r, i in matters(house).items() if not i.about)
    with pytest.raises(RefusedError):
        merge(house.store, pack_of, plain, accusing, by="ray", why="one family", now=NOW)
    with pytest.raises(RefusedError, match="it is for those to whom"):
        split(house.store, pack_of, accusing, ["1"], by="moore", why="mine", now=NOW)


def test_nothing_is_split_off_a_single_post_and_a_reason_is_asked_for(house: House) -> None:
    house.bring(under_own(2, SHAME))
    [one] = matters(house)
    with pytest.raises(RefusedError, match="left without a post"):
        split(house.store, pack_of, one, ["1"], by="moore", why="x", now=NOW)
    with pytest.raises(RefusedError, match="say why"):
        split(house.store, pack_of, one, ["1"], by="moore", why=" ", now=NOW)
    with pytest.raises(RefusedError, match="one matter already"):
        merge(house.store, pack_of, one, one, by="moore", why="x", now=NOW)


def test_the_accused_and_a_stranger_get_the_same_words_and_neither_may_act(house: House) -> None:
    house.bring(under_own(3, "The headteacher, Mrs Moore, slapped my son and then lied about it {criticism=0.9}"))
    [reference] = matters(house)
    said = []
    for person in ("moore", "abara"):
        for what in ("acknowledged", "handed_back", "escalated", "resolved"):
            with pytest.raises(RefusedError) as refused:
                act(house.store, reference, what, person, None, "x", NOW)
            said.append(str(refused.value).replace(person, "P"))
    assert len(set(said)) == 1
    assert not any(word in said[0] for word in ("accus", "about you", "conduct", "head"))


@pytest.mark.parametrize("to", ["moore", "desk", "abara", "nobody"])
def test_a_conflict_is_handed_to_no_one_who_must_not_have_it(house: House, to: str) -> None:
    house.bring(under_own(3, "The headteacher, Mrs Moore, slapped my son and then lied about it {criticism=0.9}"))
    [reference] = matters(house)
    with pytest.raises(RefusedError, match=f"cannot be given to {to}|there is no person"):
        act(house.store, reference, "handed_over", "lind", to, "on leave", NOW)


def test_unknown_people_incidents_and_missing_reasons_are_said_plainly(house: House) -> None:
    house.bring(under_own(2, SHAME))
    [reference] = matters(house)
    for by, what, why, words in (
        ("nobody", "acknowledged", "", "there is no person 'nobody'"),
        ("moore", "handed_back", "", "say why"),
        ("moore", "handed_over", "x", "to whom"),
        ("moore", "painted", "x", "cannot be done"),
    ):
        with pytest.raises(RefusedError, match=words):
            act(house.store, reference, what, by, None, why, NOW)
    with pytest.raises(RefusedError, match="no incident WT-NONE"):
        act(house.store, "WT-NONE", "acknowledged", "moore", None, "", NOW)
