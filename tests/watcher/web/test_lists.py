"""What the pages ask of the store, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerts.incident import OPEN_STATES
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
