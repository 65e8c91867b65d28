"""The store keeps what it is given, once, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text, update

from alerts.answer import Answer
from alerts.flag import Flag
from alerts.incident import Incident
from alerts.mention import Mention
from alerts.notice import Notice
from alerts.school import Absence, Holding, Person, School, Trust
from classifiers.verdict import OperatingPoint, Span, Verdict
from connectors.post import Account, Author, Cursor, Gap, Media, Oddity, Page, Post
from watcher.errors import AlreadyRunningError, StoreError
from watcher.store import Store
from watcher.store import schema as t
from watcher.store.engine import reading, writing
from watcher.store.incidents import Ungrouped
from watcher.store.matters import Judgement, Unjudged
from watcher.store.posts import Seen, Unread
from watcher.store.register import Entry

NOW = datetime(2026, 11, 20, 8, 15, tzinfo=UTC)
# The migration before the one that lengthens what was to go too soon.
BEFORE_LASTING = "0012"
ACCOUNT = Account(name="hill", platform="rss", target="https://hill.example/feed", school="hillcrest")


def post(number: int = 1, text: str = "The boiler is broken again", **more: object) -> Post:
    values: dict[str, object] = {
        "platform": "rss",
        "origin": "hill.example",
        "id": f"p{number}",
        "kind": "post",
        "text": text,
        "created_at": NOW - timedelta(minutes=5),
        "raw": f"<entry>{number} {text}</entry>".encode("utf-8", "surrogatepass"),
    }
    return Post(**(values | more))  # type: ignore[arg-type]


def matched(store: Store, seen: Seen, *mentions: Mention) -> None:
    with store.writing() as connection:
        store.matters.matched(connection, seen, mentions, NOW)


def read(store: Store, unread: Unread, *verdicts: Verdict) -> None:
    with store.writing() as connection:
        store.matters.read(connection, unread, verdicts, "m@1", NOW)


def judged(store: Store, waiting: Unjudged, *flags: Flag) -> None:
    said = Judgement(number=waiting.number, flags=flags, pack="wessex@1", input="i")
    with store.writing() as connection:
        store.matters.judged(connection, waiting, said, NOW)


def start(store: Store, flag: Ungrouped, made: Incident) -> int:
    with store.writing() as connection:
        return store.incidents.start(connection, flag, made, NOW)


def join(store: Store, number: int, flag: Ungrouped, before: Incident, after: Incident) -> None:
    with store.writing() as connection:
        store.incidents.join(connection, number, flag, before, after, NOW)


def with_account(store: Store) -> None:
    with store.writing() as connection:
        store.accounts.put(connection, ACCOUNT, 300, "test: accounts[1]", NOW)


def bring(store: Store, *posts: Post, cursor: str = "c1", now: datetime = NOW) -> int:
    page = Page(posts=posts, cursor=Cursor(state=cursor))
    return store.accounts.succeeded(store.accounts.get("hill"), page, now, 180)


def flagged(store: Store, concern: str = "criticism") -> None:
    """One post, read, matched, judged: one flag waits."""
    with_account(store)
    bring(store, post())
    matched(store, store.posts.unmatched(10)[0], Mention(school="hillcrest", relevance="yes", reason="its name"))
    verdict = Verdict(model="m", version="1", scores={"criticism": 0.9})
    read(store, store.posts.unread(10)[0], verdict)
    flag = Flag(rule="r1", pack="wessex", pack_version="1", concern=concern, why="the model says so")
    waiting = store.matters.unjudged(10)[0]
    judged(store, waiting, flag)


def incident(**more: object) -> Incident:
    values: dict[str, object] = {
        "reference": "WT-TEST234",
        "school": "hillcrest",
        "state": "open",
        "concerns": ("criticism",),
        "severity": 2,
        "recipients": ("headteacher",),
        "keys": ("post:a", "school:b"),
        "opened_at": NOW,
        "last_flag_at": NOW,
        "posts": 1,
    }
    return Incident(**(values | more))  # type: ignore[arg-type]


def test_migrations_make_exactly_the_schema(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, t.metadata) == []
    assert store.is_current()


def test_migrating_twice_is_harmless(store: Store) -> None:
    store.migrate()
    assert store.is_current()


def test_a_database_that_cannot_be_opened_says_so() -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        Store("sqlite:////nowhere/at/all/watcher.db").migrate()


@pytest.mark.parametrize("address", ["mysql://localhost/x", "not an address"])
def test_other_databases_are_refused(address: str) -> None:
    with pytest.raises(StoreError, match=r"database\.url"):
        Store(address)


def test_posts_come_back_as_they_were(store: Store) -> None:
    with_account(store)
    whole = post(
        author=Author(id="a1", handle="jo", name="Jo", official=True),
        edited_at=NOW,
        reply_to="p0",
        thread="p0",
        links=("https://x.example/",),
        media=(Media(kind="image", url="https://x.example/1.png", alt="a mug"),),
        language="en",
        url="https://hill.example/1",
    )
    assert bring(store, whole) == 1
    seen = store.posts.unmatched(10)[0]
    assert replace(seen.post, raw=whole.raw) == whole
    with reading(store.engine) as connection:
        row = connection.execute(select(t.version.c.raw, t.version.c.sha256)).one()
    assert (row.raw, row.sha256) == (whole.raw, whole.sha256)


@pytest.mark.parametrize("text", ["\0NUL", "lone \ud800 surrogate", "🙂" * 20_000, "\u202eRTL", "e\u0301" * 1000])
def test_hostile_text_is_kept_whole(store: Store, text: str) -> None:
    with_account(store)
    bring(store, post(text=text, id=f"id-{text[:3]}", url=text[:3]))
    assert store.posts.unmatched(10)[0].post.text == text


def test_a_post_brought_twice_is_one_version_and_an_edit_is_another(store: Store) -> None:
    with_account(store)
    assert bring(store, post()) == 1
    assert bring(store, post()) == 0
    assert bring(store, post(text="The boiler works again")) == 1
    assert store.views.totals()["post"] == 1
    assert store.views.totals()["version"] == 2


def test_changed_counters_are_no_new_version(store: Store) -> None:
    with_account(store)
    bring(store, post(raw=b'{"likes": 1}'))
    assert bring(store, post(raw=b'{"likes": 2}')) == 0


def test_the_cursor_is_saved_with_its_posts_or_neither_is(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with_account(store)
    bring(store, post(1), cursor="one")

    def break_off(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(store.accounts, "_set_aside", break_off)
    with pytest.raises(StoreError):
        bring(store, post(2), cursor="two")
    assert store.accounts.get("hill").cursor == Cursor(state="one")
    assert store.views.totals()["post"] == 1


def test_gaps_and_oddities_are_kept(store: Store) -> None:
    with_account(store)
    gap = Gap(start=NOW - timedelta(days=9), end=NOW - timedelta(days=7), why="search reaches back 7 days")
    page = Page(posts=(), cursor=None, gaps=(gap,), oddities=(Oddity(raw=b"{", why="no id"),) * 2)
    store.accounts.succeeded(store.accounts.get("hill"), page, NOW, 180)
    assert store.accounts.gaps(NOW - timedelta(hours=1)) == (("hill", gap),)
    assert store.accounts.oddities() == {"hill": 1}


def test_an_account_that_reads_something_else_begins_anew(store: Store) -> None:
    with_account(store)
    bring(store, post(), cursor="far")
    with store.writing() as connection:
        store.accounts.put(connection, ACCOUNT, 60, "test", NOW)
    assert store.accounts.get("hill").cursor == Cursor(state="far")
    with store.writing() as connection:
        store.accounts.put(connection, replace(ACCOUNT, target="https://other.example/feed"), 60, "test", NOW)
    assert store.accounts.get("hill").cursor is None


def test_tokens_are_never_stored(store: Store) -> None:
    with store.writing() as connection:
        store.accounts.put(connection, replace(ACCOUNT, token="s3cret-token"), 60, "test", NOW)
    with reading(store.engine) as connection:
        body = connection.execute(select(t.account)).one()
    assert "s3cret" not in repr(body)


def test_two_permanent_errors_in_a_row_are_a_blind_spot(store: Store) -> None:
    with_account(store)

    def fail(permanent: bool) -> bool:
        state = store.accounts.get("hill")
        return store.accounts.failed(state, "why", permanent=permanent, next_at=NOW, now=NOW)

    assert [fail(True), fail(False), fail(True), fail(True), fail(True)] == [False, False, False, True, False]


def test_a_source_that_fails_for_hours_is_blind_too(store: Store) -> None:
    with_account(store)
    bring(store, post())
    state = store.accounts.get("hill")
    soon, late = NOW + timedelta(hours=1), NOW + timedelta(hours=3)
    assert not store.accounts.failed(state, "HTTP 502", permanent=False, next_at=soon, now=soon)
    assert store.accounts.failed(state, "HTTP 502", permanent=False, next_at=late, now=late)


def test_verdicts_come_back_and_are_one_a_model_version(store: Store) -> None:
    with_account(store)
    bring(store, post())
    unread = store.posts.unread(10)[0]
    verdict = Verdict(
        model="m",
        version="1",
        scores={"criticism": 0.8, "praise": 0.1},
        points={"criticism": OperatingPoint(raise_at=0.5, review_at=0.3)},
        spans=(Span(start=0, end=3, kind="other"),),
        reason="because",
    )
    matched(store, store.posts.unmatched(10)[0], Mention(school="hillcrest", relevance="yes", reason="its name"))
    read(store, unread, verdict)
    read(store, unread, verdict)
    assert store.views.totals()["verdict"] == 1
    assert store.matters.unjudged(10)[0].verdicts == (verdict,)
    assert store.posts.unread(10) == ()


def test_a_new_model_version_reads_everything_again(store: Store) -> None:
    with_account(store)
    bring(store, post())
    read(store, store.posts.unread(10)[0], Verdict(model="m", version="1"))
    assert store.posts.expect("m@1") == 0
    assert store.posts.expect("m@2") == 1
    assert len(store.posts.unread(10)) == 1


def test_a_reply_is_read_with_the_text_it_answers(store: Store) -> None:
    with_account(store)
    bring(store, post(1, "We close at noon"), post(2, "disgrace", reply_to="p1"))
    assert [u.parent for u in store.posts.unread(10)] == [None, "We close at noon"]


def test_a_comment_under_a_schools_own_post_is_known_as_one(store: Store) -> None:
    with_account(store)
    own = post(1, author=Author(id="a", official=True))
    bring(store, own, post(2, "ok", thread="p1"), post(3, "else", thread="p9"))
    assert [s.answers_official for s in store.posts.unmatched(10)] == [False, True, False]


def test_a_surer_reading_of_the_same_post_stands(store: Store) -> None:
    with_account(store)
    bring(store, post())
    seen = store.posts.unmatched(10)[0]
    for relevance in ("unclear", "yes", "no"):
        matched(store, seen, Mention(school="hillcrest", relevance=relevance, reason=relevance))
    read(store, store.posts.unread(10)[0])
    assert store.matters.unjudged(10)[0].mention.relevance == "yes"
    assert store.counts.between("hillcrest", NOW.date(), NOW.date()) == {"mentions:yes": 1}


def test_judging_again_adds_withdraws_and_brings_back(store: Store) -> None:
    flagged(store)
    waiting = store.incidents.ungrouped(10)
    assert [u.flag.concern for u in waiting] == ["criticism"]
    number = waiting[0].mention

    def judge_again(*flags: Flag) -> None:
        store.matters.answered(number, Answer(question="lawful_opinion", value="yes", by="jo", at=NOW))
        of = store.matters.unjudged(10)[0]
        judged(store, of, *flags)

    judge_again()
    assert store.incidents.ungrouped(10) == ()
    assert store.counts.between("hillcrest", NOW.date(), NOW.date()) == {"mentions:yes": 1}
    judge_again(waiting[0].flag)
    assert [u.flag.concern for u in store.incidents.ungrouped(10)] == ["criticism"]
    assert store.counts.between("hillcrest", NOW.date(), NOW.date()) == {"mentions:yes": 1, "flags:criticism": 1}


def test_a_newer_pack_judges_again(store: Store) -> None:
    flagged(store)
    assert store.matters.reopen_for({"hillcrest": "wessex@1"}) == 0
    assert store.matters.reopen_for({"hillcrest": "wessex@2"}) == 1
    assert len(store.matters.unjudged(10)) == 1


def test_incidents_come_back_with_their_keys(store: Store) -> None:
    flagged(store)
    flag = store.incidents.ungrouped(10)[0]
    made = incident(about="headteacher", targets=("pupil",))
    number = start(store, flag, made)
    found = store.incidents.open("hillcrest")
    assert replace(found[number], keys=tuple(sorted(found[number].keys))) == made
    after = replace(made, keys=("school:b", "text:c"), posts=2, news=("opened", "new_concern"))
    join(store, number, flag, made, after)
    assert set(store.incidents.open("hillcrest")[number].keys) == {"school:b", "text:c"}
    with store.writing() as connection:
        assert store.incidents.holds_post(connection, number, flag)
    assert store.incidents.ungrouped(10) == ()


def test_a_closed_incident_is_joined_no_more(store: Store) -> None:
    flagged(store)
    start(store, store.incidents.ungrouped(10)[0], incident())
    assert store.incidents.set_state("WT-TEST234", "resolved", "done", NOW)
    assert store.incidents.open("hillcrest") == {}
    assert not store.incidents.set_state("WT-NONE", "resolved", "done", NOW)


def test_one_blind_spot_a_source_and_it_ends_by_itself(store: Store) -> None:
    def make() -> Incident:
        return incident(reference="WT-BLIND23", concerns=("blind_spot",), keys=())

    assert store.incidents.start_fault("hill", make, "token expired", NOW)
    assert not store.incidents.start_fault("hill", make, "token expired", NOW)
    store.incidents.end_fault("hill", NOW)
    view = store.views.incident("WT-BLIND23")
    assert view is not None
    assert (view.incident.state, view.account) == ("resolved", "hill")
    store.incidents.end_fault("hill", NOW)


def notice(number: int = 1, **more: object) -> Notice:
    values: dict[str, object] = {
        "id": f"<n{number}@x.example>",
        "subject_of": "WT-TEST234",
        "receiver": f"person{number}",
        "address": f"p{number}@x.example",
        "role": "headteacher",
        "reason": "opened",
        "message": b"Subject: x\r\n\r\nx",
        "created_at": NOW,
    }
    return Notice(**(values | more))  # type: ignore[arg-type]


def test_a_notice_is_planned_once_tried_before_it_is_sent_and_sent_once(store: Store) -> None:
    flagged(store)
    made = incident()
    number = start(store, store.incidents.ungrouped(10)[0], made)
    for _ in range(2):
        store.notices.keep(number, made.news, [notice()], NOW)
    assert [(p.receiver, p.reason) for p in store.notices.planned("WT-TEST234")] == [("person1", "opened")]
    assert store.incidents.unplanned(10) == ()
    taken = store.notices.take(NOW, 10)
    assert [n.id for n in taken] == ["<n1@x.example>"]
    assert store.notices.take(NOW, 10) == ()
    assert [n.id for n in store.notices.take(NOW + timedelta(minutes=6), 10)] == ["<n1@x.example>"]
    store.notices.sent(taken[0], NOW)
    assert store.notices.pending() == (0, None)
    view = store.views.incident("WT-TEST234")
    assert view is not None
    assert [e.what for e in view.events] == ["opened", "told", "sent"]
    assert view.notices[0].attempts == 2


def test_news_that_came_while_planning_is_not_lost(store: Store) -> None:
    flagged(store)
    made = incident()
    flag = store.incidents.ungrouped(10)[0]
    number = start(store, flag, made)
    join(store, number, flag, made, replace(made, news=("opened", "more_severe")))
    store.notices.keep(number, made.news, [notice()], NOW)
    assert [u.number for u in store.incidents.unplanned(10)] == [number]


def test_a_refused_address_is_known_until_it_takes_mail_again(store: Store) -> None:
    flagged(store)
    number = start(store, store.incidents.ungrouped(10)[0], incident())
    store.notices.keep(number, ("opened",), [notice()], NOW)
    store.notices.failed(notice(), "550 no such user", NOW)
    assert store.notices.refused_addresses(NOW) == {"p1@x.example"}
    assert [u.number for u in store.incidents.unplanned(10)] == [number]
    later = notice(2, address="p1@x.example", created_at=NOW)
    store.notices.keep(number, ("opened",), [later], NOW + timedelta(minutes=1))
    store.notices.sent(later, NOW + timedelta(minutes=1))
    assert store.notices.refused_addresses(NOW) == frozenset()


def test_a_refusal_is_believed_for_a_day(store: Store) -> None:
    flagged(store)
    number = start(store, store.incidents.ungrouped(10)[0], incident())
    store.notices.keep(number, ("opened",), [notice()], NOW)
    store.notices.failed(notice(), "550 no such user", NOW)
    assert store.notices.refused_addresses(NOW + timedelta(hours=23)) == {"p1@x.example"}
    assert store.notices.refused_addresses(NOW + timedelta(hours=25)) == frozenset()


def test_every_row_with_personal_data_is_dated_and_goes(store: Store) -> None:
    flagged(store)
    number = start(store, store.incidents.ungrouped(10)[0], incident())
    store.notices.keep(number, ("opened",), [notice()], NOW)
    store.matters.answered(1, Answer(question="about", value="staff", by="jo", at=NOW))
    page = Page(posts=(), cursor=None, oddities=(Oddity(raw=b"{", why="no id"),))
    store.accounts.succeeded(store.accounts.get("hill"), page, NOW, 180)
    person = Person(id="jo", name="Jo", email="jo@x.example")
    with store.writing() as connection:
        store.register.put(connection, Entry(kind="person", name="jo", noun=person, kept_by="test"), NOW)
    assert store.purge.overdue(NOW) == {}
    assert sum(store.purge.purge(NOW + timedelta(days=100)).values()) == 1  # the oddity, after 30 days
    report = store.purge.purge(NOW + timedelta(days=401))
    assert store.purge.overdue(NOW + timedelta(days=401)) == {}
    assert set(store.views.totals().values()) == {0}
    assert report["notice"] == report["incident"] == report["version"] == report["entry"] == 1
    assert store.purge.last() == (NOW + timedelta(days=401), report)


def test_what_an_incident_rests_on_stays_as_long_as_the_incident(store: Store) -> None:
    flagged(store)
    start(store, store.incidents.ungrouped(10)[0], incident())
    store.purge.purge(NOW + timedelta(days=200))
    view = store.views.incident("WT-TEST234")
    assert view is not None
    assert [p.post.id for p in view.posts] == ["p1"]
    assert view.posts[0].verdicts[0].scores == {"criticism": 0.9}


def test_whoever_brought_what_a_matter_rests_on_is_known_as_long_as_the_matter(store: Store) -> None:
    flagged(store)
    store.matters.answered(1, Answer(question="about", value="staff", by="jo", at=NOW))
    start(store, store.incidents.ungrouped(10)[0], incident())
    later = NOW + timedelta(days=181)
    store.purge.purge(later)
    store.rechecks.schedule(["rss"], later)
    assert [check.accounts for check in store.rechecks.due(["rss"], later, 10)] == [("hill",)]
    assert [answer.value for answer in store.matters.answers(1)] == ["staff"]


def kept_until(store: Store) -> dict[str, datetime]:
    with reading(store.engine) as connection:
        tables = (t.post, t.version, t.sighting, t.verdict, t.mention)
        rows = {table.name: connection.execute(select(table.c.delete_after)).first() for table in tables}
        return {name: row[0] for name, row in rows.items() if row is not None}


def noise_that_was_read(store: Store, school: str = "ohio") -> Seen:
    """One post, about none of our schools as far as the first search that brought it can tell, and read."""
    with_account(store)
    bring(store, post())
    seen = store.posts.unmatched(10)[0]
    matched(store, seen, Mention(school=school, relevance="no", reason="another place"))
    read(store, store.posts.unread(10)[0], Verdict(model="m", version="1", scores={"criticism": 0.9}))
    return seen


@pytest.mark.parametrize("relevance", ["yes", "unclear"])
def test_what_was_noise_to_one_search_is_kept_once_it_is_a_schools_own(store: Store, relevance: str) -> None:
    seen = noise_that_was_read(store)
    matched(store, seen, Mention(school="hillcrest", relevance=relevance, reason="its own page"))
    store.purge.purge(NOW + timedelta(days=8))
    assert store.views.totals()["mention"] == 2
    with reading(store.engine) as connection:
        ours = select(t.mention.c.relevance).where(t.mention.c.school == "hillcrest")
        assert connection.scalars(ours).all() == [relevance]
    store.purge.purge(NOW + timedelta(days=179))
    assert len(kept_until(store)) == 5
    store.purge.purge(NOW + timedelta(days=181))
    assert store.views.totals()["version"] == 0


def test_what_a_person_called_ours_is_no_noise_to_the_next_search(store: Store) -> None:
    seen = noise_that_was_read(store, "hillcrest")
    store.mentions.decide(1, ["hillcrest"], "jo", NOW)
    until = NOW + timedelta(days=180)
    assert kept_until(store) == dict.fromkeys(kept_until(store), until)
    matched(store, seen, Mention(school="hillcrest", relevance="no", reason="another place"))
    assert kept_until(store) == dict.fromkeys(kept_until(store), until)
    store.mentions.decide(1, [], "jo", NOW)
    assert kept_until(store)["version"] == kept_until(store)["sighting"] == NOW + timedelta(days=7)


def test_the_migration_lengthens_what_was_to_go_before_what_rests_on_it(store: Store) -> None:
    flagged(store)
    start(store, store.incidents.ungrouped(10)[0], incident())
    bring(store, post(2), post(3))
    second, third = store.posts.unmatched(10)
    matched(store, second, Mention(school="hillcrest", relevance="unclear", reason="?"))
    matched(store, third, Mention(school="hillcrest", relevance="no", reason="Ohio"))
    soon = NOW + timedelta(days=7)
    with writing(store.engine) as connection:
        connection.execute(update(t.sighting).values(delete_after=soon))
        connection.execute(update(t.version).where(t.version.c.id > 1).values(delete_after=soon))
        connection.execute(text("UPDATE alembic_version SET version_num = :before"), {"before": BEFORE_LASTING})
    store.migrate()
    long, usual = NOW + timedelta(days=365), NOW + timedelta(days=180)
    with reading(store.engine) as connection:
        for table in (t.version, t.sighting):
            found = connection.scalars(select(table.c.delete_after).order_by(table.c.id)).all()
            assert found == [long, usual, soon]


def test_what_is_about_none_of_our_schools_goes_soon(store: Store) -> None:
    with_account(store)
    bring(store, post(1), post(2))
    first, second = store.posts.unmatched(10)
    matched(store, first, Mention(school="hillcrest", relevance="no", reason="Ohio"))
    matched(store, second, Mention(school="hillcrest", relevance="unclear", reason="?"))
    store.purge.purge(NOW + timedelta(days=8))
    assert store.views.totals()["version"] == 1


def test_what_is_in_force_is_never_purged_while_the_service_runs(store: Store) -> None:
    person = Person(id="jo", name="Jo", email="jo@x.example")
    with store.writing() as connection:
        store.register.put(connection, Entry(kind="person", name="jo", noun=person, kept_by="test"), NOW)
    much_later = NOW + timedelta(days=500)
    store.register.renew(much_later)
    store.purge.purge(much_later)
    assert store.register.all().people == (person,)


def test_a_source_that_was_never_read_goes_blind_too(store: Store) -> None:
    with_account(store)
    late = NOW + timedelta(hours=3)
    assert store.accounts.failed(store.accounts.get("hill"), "no such host", permanent=False, next_at=late, now=late)


def test_the_delay_of_a_source_is_told_by_what_it_brought_first_and_newest(store: Store) -> None:
    with_account(store)
    bring(store, post(1, created_at=NOW - timedelta(days=400)))
    for n in range(2, 8):
        bring(store, post(n, created_at=NOW), now=NOW + timedelta(seconds=n))
    bring(store, post(7, "edited much later", created_at=NOW), post(8, created_at=None), now=NOW + timedelta(hours=9))
    assert store.posts.delays_of(NOW - timedelta(days=1)) == {"hill": [7.0, 6.0, 5.0, 4.0, 3.0, 2.0]}
    assert store.posts.delays_of(NOW - timedelta(days=1), each=3) == {"hill": [7.0, 6.0]}, "newest first, of any time"
    assert store.posts.delays_of(NOW + timedelta(seconds=6)) == {"hill": [7.0, 6.0]}
    assert store.posts.delays_of(NOW + timedelta(days=1)) == {}


def test_a_clock_that_ran_ahead_leaves_no_account_asleep(store: Store) -> None:
    with_account(store)
    ahead = NOW + timedelta(days=3650)
    store.accounts.failed(store.accounts.get("hill"), "x", permanent=False, next_at=ahead, now=NOW)
    assert store.accounts.wake(NOW) == 1
    assert [s.account.name for s in store.accounts.due(NOW)] == ["hill"]


@pytest.mark.parametrize(
    ("polled", "put_off", "woken"),
    [
        (timedelta(days=6), timedelta(minutes=5), True),
        (timedelta(hours=2), timedelta(minutes=5), True),
        (timedelta(0), timedelta(days=1), False),
        (timedelta(seconds=20), timedelta(minutes=5), False),
        (timedelta(0), timedelta(days=6), True),
    ],
    ids=["days", "hours", "a day's pause", "seconds", "put off only"],
)
def test_a_clock_that_goes_back_wakes_what_it_put_off_and_no_named_pause(
    store: Store, polled: timedelta, put_off: timedelta, woken: bool
) -> None:
    with_account(store)
    next_at = NOW + polled + put_off
    store.accounts.failed(store.accounts.get("hill"), "x", permanent=False, next_at=next_at, now=NOW + polled)
    assert store.accounts.get("hill").is_ahead(NOW) == woken
    assert store.accounts.wake(NOW) == woken
    assert bool(store.accounts.due(NOW)) == woken
    assert store.accounts.wake(NOW) == 0


def test_a_clock_that_goes_back_wakes_the_filling_of_gaps(store: Store) -> None:
    with_account(store)
    gaps = (Gap(start=NOW - timedelta(hours=2), end=NOW - timedelta(hours=1), why="too old"),)
    page, ahead = Page(posts=(), cursor=None, gaps=gaps), NOW + timedelta(days=6)
    store.accounts.succeeded(store.accounts.get("hill"), page, ahead, 180)
    assert store.gaps.due(NOW, 9) == ()
    store.accounts.wake(NOW)
    assert [missing.at for missing in store.gaps.due(NOW, 9)] == [NOW]


def test_the_register_comes_back(store: Store) -> None:
    school = School(id="hillcrest", name="Hillcrest", pack="wessex", trust="t", hashtags=("Hill",))
    nouns = [
        ("trust", Trust(id="t", name="T")),
        ("school", school),
        ("person", Person(id="jo", name="Jo", email="jo@x.example")),
        ("holding", Holding(person="jo", role="headteacher", school="hillcrest", start=NOW.date())),
        ("absence", Absence(person="jo", start=NOW.date(), end=NOW.date())),
    ]
    with store.writing() as connection:
        for kind, noun in nouns:
            store.register.put(connection, Entry(kind=kind, name="n", noun=noun, kept_by="test"), NOW)
    found = store.register.all()
    assert found.schools == (school,)
    assert [p.name for p in found.holders("headteacher", school, NOW.date())] == ["Jo"]
    assert found.is_away("jo", NOW.date())


def test_keyset_paging_sees_every_incident_once(store: Store) -> None:
    flagged(store)
    flag = store.incidents.ungrouped(10)[0]
    for n in range(7):
        same_time = NOW + timedelta(minutes=n // 3)
        start(store, flag, incident(reference=f"WT-{n}", last_flag_at=same_time, keys=()))
    seen: list[str] = []
    before = None
    while page := store.views.incidents(limit=2, before=before):
        seen += [i.reference for i in page]
        before = (page[-1].last_flag_at, page[-1].reference)
    assert seen == ["WT-6", "WT-5", "WT-4", "WT-3", "WT-2", "WT-1", "WT-0"]


def test_two_processes_cannot_both_tick(store: Store, url: str) -> None:
    other = Store(url)
    with store.ticking_alone(), pytest.raises(AlreadyRunningError), other.ticking_alone():
        pass
    with other.ticking_alone():
        pass
    other.close()


def test_many_threads_write_at_once_and_none_is_refused(store: Store) -> None:
    """Reading first and writing later must never fail because another wrote in between."""
    names = [f"a{n}" for n in range(6)]
    with store.writing() as connection:
        for name in names:
            store.accounts.put(connection, replace(ACCOUNT, name=name), 60, "test", NOW)

    def bring_ten(name: str) -> int:
        new = 0
        for n in range(10):
            page = Page(posts=(post(n), post(100 + n, text=name)), cursor=Cursor(state=str(n)))
            new += store.accounts.succeeded(store.accounts.get(name), page, NOW, 180)
        return new

    with ThreadPoolExecutor(len(names)) as pool:
        new = sum(pool.map(bring_ten, names))
    # Ten posts that all bring, and ten whose text each account gives another version of.
    assert new == store.views.totals()["version"] == 10 + 10 * len(names)
    assert store.views.totals()["post"] == 20
