"""The list and the single incident: what they show, and to whom they never show it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from alerts.flag import Flag
from alerts.wording import concern_name
from classifiers.verdict import Span
from connectors.post import Author, Media
from tests.watcher.web.conftest import NOW
from watcher.store import schema as t
from watcher.store.matters import Judgement
from watcher.web.application import make

if TYPE_CHECKING:
    from tests.watcher.web.conftest import House


def test_an_empty_house_says_what_will_stand_here(web: TestClient) -> None:
    page = web.get("/")
    assert page.status_code == 200
    assert "No incident yet." in page.text
    assert "No source is set up yet" in page.text


def test_the_list_shows_the_newest_incident_first_with_who_was_told(
    house: House, web: TestClient, read: Callable[[str], str]
) -> None:
    first = house.incident()
    second = house.incident("Will somebody from the school comment?", "press")
    house.tell(second)
    page = web.get("/").text
    assert page.index(second) < page.index(first)
    text = read("/")
    assert "Press enquiry" in text
    assert "Alderbrook Academy" in text
    assert "Headteacher" in text
    assert "Nobody yet" in text


def test_the_list_never_quotes_a_post_or_names_an_author(house: House, web: TestClient) -> None:
    house.incident("A sentence that only the post holds")
    page = web.get("/").text
    assert "only the post holds" not in page
    assert "angry_parent_9" not in page


def test_the_list_is_paged_by_key_and_misses_none(house: House, web: TestClient) -> None:
    made = [house.incident(f"Complaint number {n}") for n in range(65)]
    address: str | None = "/"
    seen: list[str] = []
    pages = 0
    while address:
        page = web.get(address).text
        seen += re.findall(r'href="/incidents/(WT-\d+)"', page)
        older = re.search(r'href="([^"]+)" rel="next"', page)
        address = older.group(1).replace("&amp;", "&") if older else None
        pages += 1
    assert seen == made[::-1]
    assert pages == 3
    assert "Newest incidents" in page


def test_the_list_is_chosen_by_school_and_by_state(house: House, web: TestClient) -> None:
    kept, closed = house.incident("One"), house.incident("Two")
    house.store.incidents.set_state(closed, "resolved", "answered", house.now)
    assert closed not in web.get("/?state=open").text
    only_closed = web.get("/?school=alderbrook&state=closed").text
    assert closed in only_closed
    assert kept not in only_closed
    assert "No incident fits this choice." in web.get("/?school=pinfold").text
    assert re.findall(r'class="count">(\d+)<', web.get("/").text) == ["2", "1", "1"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/?school=nowhere", 404),
        ("/?state=lost", 400),
        ("/?before=yesterday", 400),
        ("/?before=2026-11-20T08:15:00~WT-1", 400),
        ("/incidents/WT-NONE", 404),
        ("/incidents/WT-NONE?skip=-1", 400),
        ("/?before=2026-11-20T08:15:00Z", 400),
        ("/?before=2026-11-20T08:15:00Z~%00", 400),
        ("/?before=0001-01-01T00:00:00%2B14:00~WT-1", 400),
        ("/incidents/%00", 404),
        ("/incidents/%ff", 404),
        ("/nowhere", 404),
        ("/static/../application.py", 404),
    ],
)
def test_an_address_that_leads_nowhere_is_answered_in_plain_words(web: TestClient, address: str, status: int) -> None:
    page = web.get(address)
    assert page.status_code == status
    assert "<h1>" in page.text
    assert "Go to the newest incidents" in page.text
    assert "Not Found" not in page.text


def test_the_list_takes_as_many_queries_for_thirty_as_for_one(house: House, web: TestClient) -> None:
    house.incident()
    few = queries(house, web, "/")
    for n in range(29):
        house.tell(house.incident(f"Complaint number {n}"))
    assert queries(house, web, "/") == few
    assert few <= 8


def queries(house: House, web: TestClient, address: str) -> int:
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    event.listen(house.store.engine, "before_cursor_execute", note)
    try:
        assert web.get(address).status_code == 200
    finally:
        event.remove(house.store.engine, "before_cursor_execute", note)
    return sum(statement.lstrip().upper().startswith("SELECT") for statement in asked)


def test_an_incident_shows_all_that_is_needed_to_decide(
    house: House, web: TestClient, read: Callable[[str], str]
) -> None:
    text = "The head cannot run a bath. Ask Leo in 9B."
    reference = house.incident(text, spans=(Span(start=32, end=35, kind="pupil_name"),))
    house.tell(reference)
    house.tell(reference, "dsl", "failed")
    page = web.get(f"/incidents/{reference}")
    assert page.status_code == 200
    shown = read(f"/incidents/{reference}")
    for wanted in (
        "Criticism",
        "Author A",
        "Comment on Facebook",
        "The head cannot run a bath.",
        "clause 9.2",
        "It speaks ill of the school.",
        "93%",
        "34%",
        "a person should look",
        "It is about this school",
        "A comment under the school’s own post",
        "Headteacher",
        "Sent",
        "Could not be delivered",
        "550 no such mailbox",
        "What happened when",
        "40 minutes ago",
        "To the headteacher: a new matter",
    ):
        assert wanted in shown, wanted
    assert '<mark class="m-pupil_name">Leo<span class="hidden"> (a pupil’s name)</span></mark>' in page.text
    assert 'href="https://facebook.example/p1" rel="noreferrer noopener"' in page.text


def test_authors_have_pseudonyms_that_hold_over_the_whole_matter(
    house: House, web: TestClient, read: Callable[[str], str]
) -> None:
    reference = house.incident()
    page = web.get(f"/incidents/{reference}").text
    assert "Author A" in page
    assert "angry_parent_9" not in page
    assert "Bloggsworth" not in page
    assert "u1" not in read(f"/incidents/{reference}")


def test_the_schools_own_post_is_marked_official(house: House, web: TestClient) -> None:
    reference = house.incident("Photos of the day", author=Author(id="s", handle="alderbrook", official=True))
    assert "The school’s own account" in web.get(f"/incidents/{reference}").text


def test_a_storm_is_shown_page_by_page_with_every_author_told_apart(house: House, web: TestClient) -> None:
    reference = house.incident("Comment 0")
    view = house.store.views.incident(reference)
    assert view is not None
    incident, number = view.incident, house.number
    for n in range(1, 60):
        flag = house.flagged(house.post(f"Comment {n} ", author=Author(id=f"v{n % 30}")), "criticism")
        after = replace(incident, posts=incident.posts + 1)
        house.join(number, flag, incident, after)
        incident = after
    seen: list[str] = []
    address: str | None = f"/incidents/{reference}"
    while address:
        page = web.get(address).text
        seen += re.findall(r">(Comment \d+)", page)
        older = re.search(r'href="([^"]+)" rel="next"', page)
        address = older.group(1) if older else None
    assert seen == [f"Comment {n}" for n in range(59, -1, -1)]
    assert "Author AD" in web.get(f"/incidents/{reference}").text
    assert "There are no more posts." in web.get(f"/incidents/{reference}?skip=900").text


def test_an_edited_post_keeps_what_it_said_and_says_so(house: House, web: TestClient) -> None:
    reference = house.incident("What I said first")
    house.read(house.account(), house.post("What I say now", id="p1"))
    page = web.get(f"/incidents/{reference}").text
    assert "What I said first" in page
    assert "An older version." in page


def test_a_withdrawn_flag_says_why(house: House, read: Callable[[str], str]) -> None:
    reference = house.incident("Two things at once", "criticism", "press")
    post = house.store.views.incident(reference)
    assert post is not None
    house.store.matters.reopen_for({"alderbrook": "wessex@2.0"})
    waiting = house.store.matters.unjudged(10)[0]
    kept = tuple(flag for flag in post.posts[0].flags if flag.concern == "press")
    house.judged(waiting, Judgement(number=waiting.number, flags=kept, pack="wessex@2.0", input="x"), house.now)
    page = read(f"/incidents/{reference}")
    assert "Withdrawn" in page
    assert "Read again: the rule no longer holds" in page


@pytest.mark.parametrize("concern", ["self_harm", "threat", "child_at_risk", "extremism"])
def test_a_grave_post_waits_behind_a_fold_that_needs_no_script(house: House, web: TestClient, concern: str) -> None:
    reference = house.incident("Words that weigh", concern)
    house.open_up(reference)
    page = web.get(f"/incidents/{reference}").text
    fold = page.index("Show the post (sensitive)")
    assert '<details class="sensitive"><summary>' in page
    assert page.index("Words that weigh") > fold
    assert page.count("Words that weigh") == 1
    assert "999" in page


@pytest.mark.parametrize("concern", ["sexual_content", "indecent_image"])
def test_an_image_nobody_may_look_at_is_given_by_place_and_time_alone(
    house: House, web: TestClient, concern: str
) -> None:
    media = (Media(kind="image", url="https://facebook.example/pic.jpg", alt="the picture told in words"),)
    reference = house.incident("Words not to be shown", concern, media=media, links=("https://else.example/deep",))
    house.open_up(reference)
    page = web.get(f"/incidents/{reference}").text
    for never in ("Words not to be shown", "told in words", "pic.jpg", "else.example"):
        assert never not in page
    assert "https://facebook.example/p1" in page
    assert 'href="https://facebook.example' not in page
    assert "The text is not kept any more." in page
    assert "<time" in page


@pytest.mark.parametrize(
    ("concern", "about"),
    [
        ("misconduct_allegation", "headteacher"),
        ("criticism", "headteacher"),
        ("self_harm", None),
        ("child_at_risk", None),
        ("threat", None),
        ("sexual_content", None),
        ("indecent_image", None),
        ("extremism", None),
        ("cyberbullying", None),
        ("misconduct_allegation", None),
        ("staff_conduct", None),
        ("contact_with_pupil", None),
        ("illegal_activity", None),
        ("protected_identity", None),
    ],
)
def test_of_safeguarding_and_staff_there_is_the_number_and_the_delivery_and_no_more(
    house: House, web: TestClient, read: Callable[[str], str], concern: str, about: str | None
) -> None:
    reference = house.incident("A sentence that nobody here reads", concern, about=about)
    house.tell(reference, "chair_of_governors")
    for address in ("/", "/?state=open", "/?state=confidential", f"/incidents/{reference}"):
        page, said = web.get(address).text, read(address)
        assert (reference if address != "/" and "open" not in address else "1 confidential matter") in said
        assert "Delivered" in said
        for never in (
            *("nobody here reads", "facebook", "Facebook", "hair of governors", "chair_of", "eadteacher"),
            *(concern_name(concern), "sev-5", "sev-4", "sev-3", "Waiting for somebody", "minutes ago", "1 post"),
        ):
            assert never not in page, (address, never)
    assert "Alderbrook Academy" not in read(f"/incidents/{reference}")
    assert reference not in web.get("/?school=alderbrook").text
    assert re.findall(r'class="count">(\d+)<', web.get("/").text) == ["0", "0", "0", "1"]
    assert "Closed to the IT provider." in read(f"/incidents/{reference}")


@pytest.mark.parametrize(
    ("states", "said"),
    [((), "No message yet"), (("pending",), "On its way"), (("failed",), "Not delivered"), (("sent",), "Delivered")],
)
def test_a_closed_matter_says_whether_the_message_arrived(
    house: House, read: Callable[[str], str], states: tuple[str, ...], said: str
) -> None:
    reference = house.incident("Words", "threat")
    for state in states:
        house.tell(reference, state=state)
    assert said in read("/")
    assert said in read(f"/incidents/{reference}")


def test_bullying_of_a_teacher_is_no_pupils_matter_and_stays_open(house: House, web: TestClient) -> None:
    reference = house.incident("Words on a teacher", "cyberbullying", target="teacher")
    assert "Words on a teacher" in web.get(f"/incidents/{reference}").text


def test_an_open_matter_does_not_show_a_post_that_is_closed_elsewhere(house: House, web: TestClient) -> None:
    reference = house.incident("Words on both", "criticism")
    with house.store.writing() as connection:
        flag = {"mention": 1, "pack": "p", "pack_version": "1", "rule": "r", "input": "i", "concern": "self_harm"}
        of = Flag(rule="r", pack="p", pack_version="1", concern="self_harm", why="w")
        connection.execute(t.flag.insert().values(**flag, body=asdict(of), at=house.now, delete_after=house.now))
    page = web.get(f"/incidents/{reference}").text
    assert "Words on both" not in page
    assert "facebook.example" not in page
    assert "This post is not shown." in page


def test_what_the_dsl_opens_is_shown_with_who_why_and_until_when_and_closes_by_itself(
    house: House, web: TestClient, read: Callable[[str], str]
) -> None:
    reference = house.incident("Words that weigh", "threat")
    house.open_up(reference, hours=2)
    said = read(f"/incidents/{reference}")
    assert "Words that weigh" in said
    assert "Open to you until today at 10:15." in said
    assert "s.vale" in said
    assert "to check the address" in said
    assert "Opened to the IT provider" in said
    later = TestClient(
        make(house.store, is_alive=lambda: True, clock=lambda: NOW + timedelta(hours=2)),
        base_url="http://localhost:8030",
    )
    assert "Words that weigh" not in later.get(f"/incidents/{reference}").text
    house.store.openings.end(reference, "by s.vale, the DSL", NOW)
    assert "Words that weigh" not in web.get(f"/incidents/{reference}").text


def test_many_closed_matters_are_paged_by_number(house: House, web: TestClient) -> None:
    made = [house.incident(f"Words {n}", "threat") for n in range(33)]
    assert "33 confidential matters" in web.get("/").text
    seen, address = [], "/?state=confidential"
    while address:
        page = web.get(address).text
        seen += re.findall(r'href="/incidents/(WT-\d+)"', page)
        more = re.search(r'href="([^"]+)" rel="next"', page)
        address = more.group(1).replace("&amp;", "&") if more else ""
    assert seen == made
    assert web.get("/?state=confidential&after=%00").status_code == 400


@pytest.mark.parametrize("about", ["it_provider", "it_technician", "headteacher,it_provider"])
def test_a_matter_about_the_reader_is_not_there(house: House, web: TestClient, about: str) -> None:
    reference = house.incident("They read our mail", "misconduct_allegation", about=about)
    shown = web.get("/").text
    assert reference not in shown
    assert re.findall(r'class="count">(\d+)<', shown) == ["0", "0", "0"]
    hidden, never = web.get(f"/incidents/{reference}"), web.get("/incidents/WT-NEVER")
    assert hidden.status_code == 404
    assert hidden.text == never.text


def test_the_words_that_moved_the_reading_are_marked_and_how_sure_it_is_is_said(
    house: House, web: TestClient, read: Callable[[str], str]
) -> None:
    text = "The gate policy is a shambles, says Ida <b>"
    moved = (Span(start=text.index("shambles"), end=text.index("shambles") + 8, kind="criticism"),)
    name = Span(start=text.index("Ida"), end=text.index("Ida") + 3, kind="pupil_name")
    across = Span(start=text.index("says"), end=name.end, kind="criticism")
    reference = house.incident(text, spans=(name,), moved=(*moved, across))
    page = web.get(f"/incidents/{reference}").text
    assert '<b class="moved">shambles</b>' in page
    assert '<b class="moved">says </b><b class="moved"><mark class="m-pupil_name">Ida' in page
    assert "&lt;b&gt;" in page
    shown = read(f"/incidents/{reference}")
    assert "Criticism shambles , says Ida" in shown
    assert "About 9 in 10 posts scored like this criticise the school (93%)." in shown
    assert "About 3 in 10 posts scored like this are hateful (34%)." in shown


def test_where_no_words_moved_it_that_is_said_and_what_was_not_measured_is_not(
    house: House, read: Callable[[str], str]
) -> None:
    assert "No few words moved" in read(f"/incidents/{house.incident('Same here', moved=())}")
    unmeasured = read(f"/incidents/{house.incident('Not the first time')}")
    assert "No few words moved" not in unmeasured
    assert "In bold" not in unmeasured


@pytest.mark.parametrize("concern", ["sexual_content", "indecent_image"])
def test_where_the_text_is_withheld_so_are_its_words(house: House, web: TestClient, concern: str) -> None:
    moved = (Span(start=0, end=8, kind="criticism"),)
    reference = house.incident("shambles here", concern, moved=moved)
    house.open_up(reference)
    assert "shambles" not in web.get(f"/incidents/{reference}").text
