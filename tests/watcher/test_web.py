"""The pages: what they show, to whom they never show it, and what no post can do to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import event

from alerts.flag import Flag
from alerts.incident import Incident, severity
from alerts.mention import Mention
from alerts.notice import Notice, notice_id
from alerts.school import School
from classifiers.verdict import LABELS, OperatingPoint, Span, Verdict
from connectors.post import Account, Author, Gap, Media, Oddity, Page, Post
from watcher.store import Store
from watcher.store.incidents import Ungrouped
from watcher.store.matters import Judgement
from watcher.store.register import Entry
from watcher.web.application import make
from watcher.web.disclosure import disclosure
from watcher.web.guard import HEADERS
from watcher.web.marking import SHOWN, clean, marked, web_address
from watcher.web.moment import relative, short, span
from watcher.web.standing import summary

NOW = datetime(2026, 11, 20, 8, 15, 2, tzinfo=UTC)
SCHOOLS = (
    School(id="alderbrook", name="Alderbrook Academy", pack="wessex"),
    School(id="pinfold", name="Pinfold Lane Primary", pack="arden"),
)
HOSTILE = (
    "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\"> "
    "{{ 7*7 }} </blockquote></details><style>body{display:none}</style> \x00\x1b[31m \ud800 \u202egnp.exe "
    "javascript:alert(1) " + "o" * 400
)


class House:
    """A store with invented schools, which tests fill through the shelves' own methods."""

    def __init__(self, path: Path) -> None:
        self.store = Store(f"sqlite:///{path}")
        # Nothing here has to outlast a power cut.
        event.listen(self.store.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
        self.store.migrate()
        self.n = 0
        with self.store.writing() as connection:
            for school in SCHOOLS:
                entry = Entry(kind="school", name=school.id, noun=school, kept_by="watcher.toml")
                self.store.register.put(connection, entry, NOW)
        self.alive = True

    def app(self, **options: object) -> FastAPI:
        return make(self.store, is_alive=lambda: self.alive, clock=lambda: NOW, **options)  # type: ignore[arg-type]

    def account(
        self, name: str = "facebook of alderbrook", school: str | None = "alderbrook", **fields: str
    ) -> Account:
        account = Account(
            name=name, platform=fields.get("platform", "facebook"), target="alderbrook", school=school, official=True
        )
        with self.store.writing() as connection:
            self.store.accounts.put(connection, account, 300, "watcher.toml accounts[1]", NOW - timedelta(hours=3))
        return account

    def read(self, account: Account, *posts: Post, at: datetime = NOW - timedelta(minutes=3), **page: object) -> None:
        state = self.store.accounts.get(account.name)
        self.store.accounts.succeeded(state, Page(posts=posts, cursor=None, **page), at, 180)  # type: ignore[arg-type]

    def post(self, text: str, **fields: object) -> Post:
        self.n += 1
        given = {
            "platform": "facebook",
            "id": f"p{self.n}",
            "kind": "comment",
            "url": f"https://facebook.example/p{self.n}",
            "author": Author(id="u1", handle="angry_parent_9", name="Jo Bloggsworth"),
            "created_at": NOW - timedelta(minutes=40),
        } | fields
        return Post(text=text, **given)  # type: ignore[arg-type]

    def flagged(self, post: Post, *concerns: str, about: str | None = None, spans: tuple[Span, ...] = ()) -> Ungrouped:
        """Bring one post all the way to its flags; the first of them, not yet grouped."""
        self.read(self.account(), post)
        seen = self.store.posts.unmatched(10)[0]
        mention = Mention(school="alderbrook", relevance="yes", reason="a comment under the school’s own post")
        self.store.matters.matched(seen, [mention], NOW)
        unread = self.store.posts.unread(10)[0]
        verdict = Verdict(
            model="encoder",
            version="1.0",
            scores={label: 0.93 if label == "criticism" else 0.34 if label == "hate" else 0.02 for label in LABELS},
            points={label: OperatingPoint(raise_at=0.6, review_at=0.3) for label in LABELS},
            spans=spans,
        )
        self.store.matters.read(unread, [verdict], "encoder@1.0", NOW)
        flags = tuple(
            Flag(
                rule=f"rule-{concern}",
                pack="wessex",
                pack_version="1.0",
                concern=concern,
                why="It speaks ill of the school.",
                label="criticism",
                score=0.93,
                clause="9.2",
                about=about,
            )
            for concern in concerns
        )
        waiting = self.store.matters.unjudged(10)[0]
        said = Judgement(number=waiting.number, flags=flags, pack="wessex@1.0", input=f"in{self.n}")
        self.store.matters.judged(waiting, said, NOW)
        return self.store.incidents.ungrouped(10)[0]

    def incident(
        self,
        text: str = "The new gate policy is a shambles.",
        *concerns: str,
        about: str | None = None,
        spans: tuple[Span, ...] = (),
        **fields: object,
    ) -> str:
        """One post and the incident it opens; its reference."""
        named = concerns or ("criticism",)
        post = self.post(text, **fields)
        flag = self.flagged(post, *named, about=about, spans=spans)
        reference = f"WT-{self.n:05}"
        incident = Incident(
            reference=reference,
            school="alderbrook",
            state="open",
            concerns=named,
            severity=severity(named[0]),
            recipients=("headteacher",),
            about=about,
            opened_at=NOW - timedelta(minutes=40),
            last_flag_at=NOW - timedelta(minutes=40) + timedelta(seconds=self.n),
            posts=1,
        )
        self.number = self.store.incidents.start(flag, incident, NOW - timedelta(minutes=2))
        for other in self.store.incidents.ungrouped(10):
            self.store.incidents.join(self.number, other, incident, incident, NOW)
        return reference

    def tell(self, reference: str, role: str = "headteacher", state: str = "sent") -> None:
        notice = Notice(
            id=notice_id(reference, role, "opened"),
            subject_of=reference,
            receiver=f"person-{role}",
            address=f"{role}@alderbrook.example",
            role=role,
            reason="opened",
            created_at=NOW,
        )
        self.store.notices.keep(self.number, ("opened",), [notice], NOW)
        if state == "sent":
            self.store.notices.sent(notice, NOW - timedelta(minutes=1))
        elif state == "failed":
            self.store.notices.failed(notice, "550 no such mailbox", NOW)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "watcher.db")
    yield made
    made.store.close()


@pytest.fixture
def web(house: House) -> Iterator[TestClient]:
    with TestClient(house.app(), base_url="http://localhost:8030", raise_server_exceptions=False) as client:
        yield client


def words_of(html: str) -> str:
    """What a reader reads: the page without its marks, on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


# The list -----------------------------------------------------------------------------------------------------------


def test_an_empty_house_says_what_will_stand_here(web: TestClient) -> None:
    page = web.get("/")
    assert page.status_code == 200
    assert "No incident yet." in page.text
    assert "No source is set up yet" in page.text


def test_the_list_shows_the_newest_incident_first_with_who_was_told(house: House, web: TestClient) -> None:
    first = house.incident()
    second = house.incident("Will somebody from the school comment?", "press")
    house.tell(second)
    page = web.get("/").text
    assert page.index(second) < page.index(first)
    text = words_of(page)
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
    house.store.incidents.set_state(closed, "resolved", "answered", NOW)
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


# One incident -------------------------------------------------------------------------------------------------------


def test_an_incident_shows_all_that_is_needed_to_decide(house: House, web: TestClient) -> None:
    text = "The head cannot run a bath. Ask Leo in 9B."
    reference = house.incident(text, spans=(Span(start=32, end=35, kind="pupil_name"),))
    house.tell(reference)
    house.tell(reference, "dsl", "failed")
    page = web.get(f"/incidents/{reference}")
    assert page.status_code == 200
    read = words_of(page.text)
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
        "a comment under the school’s own post",
        "Headteacher",
        "Sent",
        "Could not be delivered",
        "550 no such mailbox",
        "What happened when",
        "40 minutes ago",
        "To the headteacher: a new matter",
    ):
        assert wanted in read, wanted
    assert '<mark class="m-pupil_name">Leo<span class="hidden"> (a pupil’s name)</span></mark>' in page.text
    assert 'href="https://facebook.example/p1" rel="noreferrer noopener"' in page.text


def test_authors_have_pseudonyms_that_hold_over_the_whole_matter(house: House, web: TestClient) -> None:
    reference = house.incident()
    page = web.get(f"/incidents/{reference}").text
    assert "Author A" in page
    assert "angry_parent_9" not in page
    assert "Bloggsworth" not in page
    assert "u1" not in words_of(page)


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
        house.store.incidents.join(number, flag, incident, after, NOW)
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


def test_a_withdrawn_flag_says_why(house: House, web: TestClient) -> None:
    reference = house.incident("Two things at once", "criticism", "press")
    post = house.store.views.incident(reference)
    assert post is not None
    house.store.matters.reopen_for({"alderbrook": "wessex@2.0"})
    waiting = house.store.matters.unjudged(10)[0]
    kept = tuple(flag for flag in post.posts[0].flags if flag.concern == "press")
    house.store.matters.judged(waiting, Judgement(number=waiting.number, flags=kept, pack="wessex@2.0", input="x"), NOW)
    page = words_of(web.get(f"/incidents/{reference}").text)
    assert "Withdrawn" in page
    assert "Read again: the rule no longer holds" in page


@pytest.mark.parametrize("concern", ["self_harm", "threat", "child_at_risk", "extremism"])
def test_a_grave_post_waits_behind_a_fold_that_needs_no_script(house: House, web: TestClient, concern: str) -> None:
    reference = house.incident("Words that weigh", concern)
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
    page = web.get(f"/incidents/{reference}").text
    for never in ("Words not to be shown", "told in words", "pic.jpg", "else.example"):
        assert never not in page
    assert "https://facebook.example/p1" in page
    assert 'href="https://facebook.example' not in page
    assert "Never open, copy or forward" in page
    assert "<time" in page


def test_a_matter_about_a_role_holder_is_closed_to_the_reader(house: House, web: TestClient) -> None:
    reference = house.incident("The head took the money", "misconduct_allegation", about="headteacher")
    house.tell(reference, "chair_of_governors")
    for address in ("/", f"/incidents/{reference}"):
        page = web.get(address).text
        assert "Restricted: about a role-holder" in page
        for never in ("took the money", "Chair of governors", "chair_of_governors", "eadteacher", "facebook.example"):
            assert never not in page, (address, never)
    page = web.get(f"/incidents/{reference}").text
    assert "Closed to the IT provider." in page
    assert "1 message sent" in page
    assert "Facebook" in page


@pytest.mark.parametrize("about", ["it_provider", "it_technician", "headteacher,it_provider"])
def test_a_matter_about_the_reader_is_not_there(house: House, web: TestClient, about: str) -> None:
    reference = house.incident("They read our mail", "misconduct_allegation", about=about)
    shown = web.get("/").text
    assert reference not in shown
    assert re.findall(r'class="count">(\d+)<', shown) == ["0", "0", "0"]
    hidden, never = web.get(f"/incidents/{reference}"), web.get("/incidents/WT-NEVER")
    assert hidden.status_code == 404
    assert hidden.text == never.text


# Hostile posts ------------------------------------------------------------------------------------------------------


def test_a_hostile_post_is_only_ever_text(house: House, web: TestClient) -> None:
    author = Author(id="<b>x", handle="<script>", name="<img src=x>")
    reference = house.incident(
        HOSTILE,
        author=author,
        url="javascript:alert(1)",
        language='"><script>',
        links=("javascript:alert(2)", "data:text/html,<script>"),
        media=(Media(kind="image", alt="<script>alert(3)</script>"),),
    )
    page = web.get(f"/incidents/{reference}")
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "<img" not in page.text
    assert "<style" not in page.text
    assert "49 " not in page.text
    assert "&lt;script&gt;" in page.text
    for character in ("\x00", "\x1b", "\u202e"):
        assert character not in page.text
    for address in re.findall(r'(?:href|src|action)="([^"]*)"', page.text):
        assert address.startswith(("/", "#", "https://")), address


@pytest.mark.parametrize(
    "text",
    ["😀" * 20_000, "e" + "\u0301" * 200_000, "\u202e" * 5_000, "", " \n\t", "\ud83d" * 300, "x" * 300_000],
    ids=["emoji", "marks", "overrides", "empty", "blank", "surrogates", "endless"],
)
def test_a_post_of_any_shape_gets_a_page_of_bounded_size(house: House, web: TestClient, text: str) -> None:
    reference = house.incident(text)
    page = web.get(f"/incidents/{reference}")
    assert page.status_code == 200
    assert len(page.content) < 400_000


def test_a_source_with_a_hostile_name_and_error_is_only_text(house: House, web: TestClient) -> None:
    account = house.account('<script>alert(1)</script> " onmouseover=x')
    state = house.store.accounts.get(account.name)
    house.store.accounts.failed(state, "X: <img src=x onerror=y>\x00", permanent=True, next_at=NOW, now=NOW)
    page = web.get("/sources").text
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;img" in page


# Sources ------------------------------------------------------------------------------------------------------------


def test_all_sources_are_read(house: House, web: TestClient) -> None:
    for name in ("one", "two"):
        house.read(house.account(name))
    page = words_of(web.get("/sources").text)
    assert "All 2 sources are read" in page
    assert "3 minutes ago" in page
    assert "in 2 minutes" in page
    assert "every 5 minutes" in page
    assert "All 2 sources are read" in words_of(web.get("/").text)


def test_a_blind_source_says_since_when_and_what_to_do(house: House, web: TestClient) -> None:
    house.read(house.account("one"))
    account = house.account("two")
    house.read(account, at=NOW - timedelta(hours=5))
    for n in range(3):
        house.store.accounts.failed(
            house.store.accounts.get("two"),
            "AuthenticationError: the token has expired",
            permanent=True,
            next_at=NOW + timedelta(hours=1),
            now=NOW - timedelta(minutes=3 - n),
        )
    page = words_of(web.get("/sources").text)
    assert "1 of 2 sources cannot be read" in page
    assert "Not read since today at 03:15" in page
    assert "the token has expired" in page
    assert "Make a new one on the platform" in page
    assert "Tried 3 times in vain" in page
    assert "1 of 2 sources cannot be read . What is said there goes unseen." in words_of(web.get("/").text)


def test_gaps_and_items_set_aside_are_shown(house: House, web: TestClient) -> None:
    gap = Gap(start=NOW - timedelta(days=1), end=None, why="the platform keeps only a day")
    house.read(house.account("one"), gaps=(gap,), oddities=(Oddity(raw=b"??", why="no id"),))
    page = words_of(web.get("/sources").text)
    assert "1 gap" in page
    assert "From yesterday at 08:15 until now: the platform keeps only a day" in page
    assert "1 item set aside" in page


def test_a_source_that_nobody_tries_is_overdue(house: House, web: TestClient) -> None:
    house.read(house.account("one"), at=NOW - timedelta(hours=2))
    page = words_of(web.get("/sources").text)
    assert "Overdue" in page
    assert "nobody has tried" in page


def test_a_blind_spot_leads_to_its_source(house: House, web: TestClient) -> None:
    house.account("one")
    fault = Incident(
        reference="WT-BLIND",
        school="alderbrook",
        state="open",
        concerns=("blind_spot",),
        severity=3,
        recipients=("it_provider",),
        opened_at=NOW,
        last_flag_at=NOW,
    )
    house.store.incidents.start_fault("one", lambda: fault, "the token has expired", NOW)
    page = web.get("/incidents/WT-BLIND").text
    link = re.search(r'href="/sources(#[^"]+)"', page)
    assert link is not None
    assert f'id="{link.group(1)[1:]}"' in web.get("/sources").text
    assert "the token has expired" in page


# What holds for every answer ----------------------------------------------------------------------------------------


def test_health_tells_machines_whether_it_lives(house: House, web: TestClient) -> None:
    assert (web.get("/healthz").status_code, web.get("/healthz").json()["status"]) == (200, "ok")
    assert web.head("/healthz").status_code == 200
    house.alive = False
    assert (web.get("/healthz").status_code, web.get("/healthz").json()["status"]) == (503, "down")
    assert "Watching has stopped." in web.get("/").text


def test_robots_are_turned_away(web: TestClient) -> None:
    assert web.get("/robots.txt").text == "User-agent: *\nDisallow: /\n"


EVERY = (
    "/",
    "/sources",
    "/healthz",
    "/robots.txt",
    "/static/watcher.css",
    "/static/mark.svg",
    "/nowhere",
    "/incidents",
)


@pytest.mark.parametrize("address", EVERY)
def test_every_answer_is_sealed(web: TestClient, address: str) -> None:
    answer = web.get(address, follow_redirects=False)
    for name, value in HEADERS.items():
        assert answer.headers.get_list(name) == [value]


def test_every_route_is_for_reading_only(house: House, web: TestClient) -> None:
    routes = [route for route in house.app().routes if isinstance(route, APIRoute)]
    assert all(route.methods <= {"GET", "HEAD"} for route in routes)
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = web.request(method, "/")
        assert answer.status_code == 405
        assert "for reading only" in answer.text


def test_reading_changes_nothing(house: House, web: TestClient) -> None:
    reference = house.incident()
    house.tell(reference, state="pending")
    before = dump(house)
    for address in (*EVERY, f"/incidents/{reference}"):
        web.get(address)
        web.head(address)
    assert dump(house) == before


def dump(house: House) -> list[str]:
    raw = house.store.engine.raw_connection()
    try:
        return list(raw.driver_connection.iterdump())  # type: ignore[union-attr]
    finally:
        raw.close()


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost@evil.example", "[::1].evil"])
def test_a_host_of_another_name_is_refused(web: TestClient, host: str) -> None:
    answer = web.get("/", headers={"Host": host})
    assert answer.status_code == 400
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "This address is not Watcher’s" in answer.text


@pytest.mark.parametrize("host", ["localhost", "localhost:8030", "127.0.0.1:1", "[::1]:8030", "[::1]", "LOCALHOST."])
def test_loopback_is_answered_under_all_its_names(web: TestClient, host: str) -> None:
    assert web.get("/healthz", headers={"Host": host}).status_code == 200


def test_the_name_that_mails_lead_to_is_answered(house: House) -> None:
    with TestClient(
        house.app(public_url="https://watcher.school.example:8443/"), base_url="http://localhost"
    ) as client:
        assert client.get("/healthz", headers={"Host": "watcher.school.example"}).status_code == 200


def test_a_fault_of_ours_is_told_in_plain_words_and_sealed(house: House, web: TestClient) -> None:
    def broken() -> bool:
        raise RuntimeError("a post's text")

    app = make(house.store, is_alive=broken, clock=lambda: NOW)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        answer = client.get("/")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert "a post's text" not in answer.text
    assert answer.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]


def test_a_store_that_cannot_be_read_is_told_in_plain_words(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'empty.db'}")
    app = make(store, is_alive=lambda: store.recall("beat") is not None, clock=lambda: NOW)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        page, health = client.get("/"), client.get("/healthz")
    store.close()
    assert page.status_code == health.status_code == 503
    assert "The database cannot be read just now" in page.text
    assert health.json() == {"status": "down", "why": "the database cannot be read"}


def test_no_page_holds_script_or_style_of_its_own_or_anything_from_elsewhere(house: House, web: TestClient) -> None:
    reference = house.incident("Harmless words", url=None)
    for address in ("/", f"/incidents/{reference}", "/sources", "/nowhere"):
        page = web.get(address).text
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=|http-equiv|https?://(?!localhost)", page), address
        assert page.startswith("<!DOCTYPE html>")
        assert '<html lang="en-GB">' in page
        assert len(re.findall(r"<h1", page)) == 1
        assert "Skip to the content" in page


# Words, times and texts by themselves -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (NOW, "just now"),
        (NOW - timedelta(seconds=40), "40 seconds ago"),
        (NOW - timedelta(minutes=1), "1 minute ago"),
        (NOW + timedelta(minutes=2), "in 2 minutes"),
        (NOW - timedelta(hours=3), "3 hours ago"),
        (NOW - timedelta(hours=13), "yesterday at 19:15"),
        (datetime(2026, 7, 1, 8, 0, tzinfo=UTC), "1 July at 09:00"),
        (datetime(2025, 12, 31, 23, 30, tzinfo=UTC), "31 December 2025 at 23:30"),
    ],
)
def test_times_are_said_as_people_say_them(moment: datetime, said: str) -> None:
    assert relative(moment, NOW, "Europe/London") == said


def test_yesterday_is_the_schools_yesterday() -> None:
    late = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    assert short(late, late + timedelta(hours=1), "Europe/London") == "today at 00:30"


@pytest.mark.parametrize(("seconds", "said"), [(1, "1 second"), (90, "1 minute"), (7200, "2 hours"), (90000, "1 day")])
def test_lengths_are_said_in_their_largest_unit(seconds: int, said: str) -> None:
    assert span(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(
    ("standings", "said"),
    [
        (["read"] * 15, "All 15 sources are read"),
        (["blind", "blind"] + ["read"] * 13, "2 of 15 sources cannot be read"),
        (["failing", "read"], "1 of 2 sources waits to be read"),
        (["new", "new"], "None of 2 sources has been read yet"),
        (["read"], "The one source is read"),
        ([], "No source is set up yet"),
    ],
)
def test_one_sentence_says_how_all_sources_are(standings: list[str], said: str) -> None:
    assert summary(standings) == said


def test_marks_stay_in_place_whatever_else_is_cleaned() -> None:
    text = "a\x00\u202eb Leo\u0301\u0301\u0301\u0301\u0301 c"
    found = marked(text, [Span(start=5, end=13, kind="pupil_name"), Span(start=6, end=9, kind="other")])
    assert [(p.text, p.kind) for p in found.shown] == [
        ("a��b ", None),
        ("Leo\u0301\u0301\u0301", "pupil_name"),
        (" c", None),
    ]


def test_a_long_text_is_folded_between_words_and_nothing_is_lost() -> None:
    text = "words and more " * 400
    found = marked(text, [Span(start=SHOWN - 20, end=SHOWN + 20, kind="other")])
    assert "".join(p.text for p in (*found.shown, *found.folded)) == text
    assert found.shown[-1].text.endswith(" ")
    assert sum(len(p.text) for p in found.folded) == found.folded_length


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "javascript:alert(1)",
        " https://a.example",
        "java\nscript:x",
        "data:text/html,x",
        "//a.example",
        "https://a.example/\u202eexe",
        'https://a.example/"x',
        "https://" + "a" * 3000,
        "ftp://a.example",
    ],
)
def test_only_web_addresses_become_links(address: str | None) -> None:
    assert web_address(address) is None


def test_a_web_address_stays_as_it_is() -> None:
    assert web_address("https://a.example/ä?q=1#x") == "https://a.example/ä?q=1#x"


def test_clean_keeps_what_languages_and_emoji_need() -> None:
    text = "👩‍👧 שלום\u200f नमस्ते\nCafe\u0301"
    assert clean(text) == text


def test_disclosure_shuts_before_it_opens() -> None:
    assert disclosure(("criticism",), None) == "open"
    assert disclosure(("criticism", "threat"), None) == "folded"
    assert disclosure(("threat", "indecent_image"), None) == "withheld"
    assert disclosure(("criticism",), "dsl") == "restricted"
    assert disclosure(("criticism",), "dsl, it_provider") == "hidden"
