"""Switching to another version and back: everything is judged again, and nobody is told again of what is known."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select

from watcher.store import schema as t


def test_a_newly_found_matter_is_told_and_a_known_one_is_not(make: Any, write: Any) -> None:
    house = make()
    house.bring(write(1, "so cold again [*:criticism]"), write(2, "i will hurt you tomorrow [2:threat]"))
    assert house.told() == ["moore"]
    house.switch("2")
    assert set(house.told()) >= {"okafor"}
    assert sorted(i.concerns for i in house.store.views.incidents(limit=9)) == [("criticism",), ("threat",)]
    assert house.store.posts.waiting() == 0
    for version in ("1", "2", "1"):
        house.switch(version)
        assert house.told() == [], f"back to {version}"
    assert len(house.store.views.incidents(limit=9)) == 2


def test_what_was_dealt_with_is_not_opened_again(make: Any, write: Any) -> None:
    house = make()
    house.bring(write(1, "so cold again [1:criticism 3:criticism]"))
    assert house.told() == ["moore"]
    house.store.incidents.set_state(house.reference(), "resolved", "the boiler is mended", house.now)
    for version in ("2", "3", "1", "3"):
        house.switch(version)
    assert house.told() == []
    assert [i.state for i in house.store.views.incidents(limit=9)] == ["resolved"]
    view = house.store.views.incident(house.reference())
    assert [flag.concern for flag in view.posts[0].flags] == ["criticism"]


def test_what_one_version_lets_go_is_withdrawn_and_counted_so(make: Any, write: Any) -> None:
    house = make()
    house.bring(write(1, "so cold again [1:criticism]"))
    day = house.now.date()
    assert house.store.counts.between("hill", day, day)["flags:criticism"] == 1
    house.switch("2")
    assert "flags:criticism" not in house.store.counts.between("hill", day, day)
    house.switch("1")
    assert house.store.counts.between("hill", day, day)["flags:criticism"] == 1


def test_the_verdict_in_force_is_that_of_the_version_in_force(make: Any, write: Any) -> None:
    house = make()
    house.bring(write(1, "so cold again [*:criticism]"))
    for version in ("2", "1"):
        house.switch(version)
        view = house.store.views.incident(house.reference())
        assert [verdict.version for verdict in view.posts[0].verdicts] == [version]


def test_a_new_concern_on_a_known_post_is_news(make: Any, write: Any) -> None:
    house = make()
    house.bring(write(1, "so cold again, I will hurt you [*:criticism 2:threat]"))
    assert house.told() == ["moore"]
    house.switch("2")
    assert "okafor" in house.told()


def test_new_posts_are_read_before_old_ones_are_read_again(make: Any, write: Any) -> None:
    house = make()
    house.bring(*(write(n, f"so cold again {n}") for n in range(1, 20)))
    newer = house.reader("2")
    assert newer.begin() == 19
    house.poll(write(500, "fresh [2:criticism]"))
    assert house.store.posts.waiting() == 20
    for expected in (["500"], ["1", "500"]):
        newer.classify(house.now, 1)
        with house.store.engine.connect() as connection:
            posts = select(t.post.c.post_id).join(t.version, t.version.c.post == t.post.c.id)
            read = connection.scalars(posts.where(t.version.c.read_by == "fake@2")).all()
        assert sorted(read) == expected


def test_what_cannot_be_read_is_counted_once_however_often_it_is_tried(make: Any, write: Any) -> None:
    house = make()
    house.bring(write(1, "? lle mae'r neuadd"))
    with house.store.engine.connect() as connection:
        mentions = connection.scalars(select(t.mention.c.school)).all()
    for version in ("2", "3", "1"):
        house.switch(version)
    day = house.now.date()
    counted = house.store.counts.between("hill", day, day)
    assert counted.get("unread:language", 0) == len(mentions) == 1


def test_a_purged_post_is_not_judged_again(make: Any, write: Any) -> None:
    house = make()
    house.bring(write(1, "so cold again [2:criticism]"))
    with house.store.writing() as connection:
        connection.execute(delete(t.post))
    house.switch("2")
    assert house.store.views.totals()["verdict"] == 0
    assert house.told() == []
