"""What the pages ask of the store, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from alerts.incident import OPEN_STATES
from alerts.viewer import is_closed
from connectors.post import Author
from watcher.web.disclosure import READER

if TYPE_CHECKING:
    from tests.watcher.web.conftest import House


def test_lines_come_newest_first_page_by_page_each_once(either_house: House) -> None:
    made = [either_house.incident(f"Complaint {n}") for n in range(5)]
    seen: list[str] = []
    before = None
    while page := either_house.store.views.lines(limit=2, before=before):
        seen += [line.reference for line in page]
        before = (page[-1].last_flag_at, page[-1].reference)
    assert seen == made[::-1]


def test_a_line_knows_who_was_told(either_house: House) -> None:
    reference = either_house.incident()
    either_house.tell(reference)
    either_house.tell(reference, "dsl", "failed")
    (line,) = either_house.store.views.lines(limit=9)
    assert sorted(line.told) == [("dsl", "failed"), ("headteacher", "sent")]


def test_lines_and_tally_leave_out_those_who_read_them(either_house: House) -> None:
    views = either_house.store.views
    kept = [either_house.incident("One"), either_house.incident("Two", about="headteacher")]
    either_house.incident("Three", about="it_provider")
    either_house.incident("Four", about="headteacher,it_technician")
    assert [line.reference for line in views.lines(limit=9, not_about=READER)] == kept[::-1]
    assert views.tally(READER) == {("alderbrook", "open"): 2}
    assert views.tally() == {("alderbrook", "open"): 4}


def test_what_is_closed_is_listed_apart_by_number_until_it_is_opened(either_house: House) -> None:
    views, now = either_house.store.views, either_house.now
    kept = either_house.incident("One")
    grave = either_house.incident("Two", "criticism", "threat")
    staff = either_house.incident("Three", "staff_conduct")
    accusing = either_house.incident("Four", about="headteacher")
    bullying = either_house.incident("Five", "cyberbullying")
    either_house.tell(bullying)
    either_house.incident("Six", "threat", about="it_provider")
    assert [line.reference for line in views.lines(limit=9, not_about=READER, unclosed=now)] == [kept]
    assert views.tally(READER, now) == {("alderbrook", "open"): 1}
    shut = views.shut(now, limit=9, not_about=READER)
    assert [line.reference for line in shut] == sorted([grave, staff, accusing, bullying])
    assert [line.notices for line in shut if line.reference == bullying] == [("sent",)]
    assert views.shut(now, limit=9, not_about=READER, after=shut[1].reference) == shut[2:]
    assert views.shut_count(now, READER) == 4
    either_house.open_up(grave, hours=2)
    assert {line.reference for line in views.lines(limit=9, not_about=READER, unclosed=now)} == {kept, grave}
    later = now + timedelta(hours=2)
    assert [line.reference for line in views.lines(limit=9, not_about=READER, unclosed=later)] == [kept]
    assert views.open_count(READER) == 5
    assert len(views.untold(READER)) <= 5


def test_a_post_is_closed_in_every_matter_by_what_it_is_in_one(either_house: House) -> None:
    openings, now = either_house.store.openings, either_house.now
    post = either_house.post("Words on both")
    either_house.flagged(post, "criticism", "self_harm")
    other = either_house.post("Words on one")
    either_house.flagged(other, "criticism")
    sights = openings.sights([post.key, other.key, ("x", "", "never")], now)
    assert [is_closed(sights[key]) for key in (post.key, other.key)] == [True, False]
    assert not is_closed(sights["x", "", "never"])


def test_lines_are_chosen_by_school_and_state(either_house: House) -> None:
    views = either_house.store.views
    opened, closed = either_house.incident("One"), either_house.incident("Two")
    either_house.store.incidents.set_state(closed, "dismissed", "no matter", either_house.now)
    assert [line.reference for line in views.lines(limit=9, states=OPEN_STATES)] == [opened]
    assert [line.reference for line in views.lines(limit=9, states=("dismissed",))] == [closed]
    assert views.lines(limit=9, school="pinfold") == ()
    assert views.tally() == {("alderbrook", "open"): 1, ("alderbrook", "dismissed"): 1}


def test_authors_stand_in_the_order_of_their_first_flag_and_posts_can_be_skipped(either_house: House) -> None:
    views = either_house.store.views
    reference = either_house.incident("First", author=Author(id="zoe"))
    view = views.incident(reference)
    assert view is not None
    for text, author in (("Second", "adam"), ("Third", "zoe")):
        flag = either_house.flagged(either_house.post(text, author=Author(id=author)), "criticism")
        either_house.join(either_house.number, flag, view.incident, view.incident)
    assert views.authors(reference) == (("facebook", "", "zoe"), ("facebook", "", "adam"))
    older = views.incident(reference, posts=2, skip=1)
    assert older is not None
    assert [post.post.text for post in older.posts] == ["Second", "First"]
