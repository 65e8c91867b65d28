"""Searches built from the schools' terms: rows become accounts, accounts keep their place, keys are checked."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from alerts.mention import Source, match
from alerts.school import School
from connectors.post import Account, Cursor, Page, Post
from connectors.profile import Profile
from watcher.app import Connectors, pack_of
from watcher.blindness import Faults
from watcher.check import problems
from watcher.config import Settings, load
from watcher.enrolment import account_of, apply, preview, renew
from watcher.health import try_all
from watcher.portrait import doubts
from watcher.reading import read
from watcher.seeking import _words, report_of
from watcher.store import Store
from watcher.terms import ancestors, base_of, batches, readings, school_of

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
HEAD = """
[alerts]
last_resort = "duty@it.example"
checker = "eye@it.example"
[[approvals]]
platform = "x"
by = "Jo Moore"
on = 2026-11-01
reference = "case 1"
"""
SCHOOL = """
[[schools]]
id = "{id}"
name = "{name} Primary School"
pack = "wessex"
short_names = ["{name}"]
handles = ["{id}_school"]
hashtags = ["{name}Life"]
town = "Tolbeck"
not_about = ["{name} Road", "{name}, Ohio"]
role_holders = [{{ name = "Ada {name}", role = "headteacher", until = {until} }}]
"""
SEARCH = '[[accounts]]\nname = "{name}"\nplatform = "{platform}"\nreads = ["search"]\n{more}\n'
NAMES = ("Hollin", "Dene", "Rowan", "Quarrow", "Ashby", "Tarn", "Elmset", "Wrayton")


def settings(folder: Path, schools: int, *accounts: str, until: str = "2027-08-31", head: str = HEAD) -> Settings:
    rows = [SCHOOL.format(id=name.lower(), name=name, until=until) for name in NAMES[:schools]]
    file = folder / "watcher.toml"
    file.write_text("\n".join((head, *rows, *accounts)), encoding="utf-8")
    return load(file)


def search(platform: str = "x", more: str = "", name: str = "words") -> str:
    return SEARCH.format(name=name, platform=platform, more=more)


def names(chosen: Settings, today: date | None = None) -> list[str]:
    return [reading.row.name for reading in readings(chosen, today)]


def test_one_search_serves_many_schools(tmp_path: Path) -> None:
    chosen = settings(tmp_path, 3, search())
    [reading] = readings(chosen, NOW.date())
    assert reading.row.name == "words"
    assert reading.key == "accounts[1]"
    assert batches(chosen) == {"words": ("dene", "hollin", "rowan")}
    for name in NAMES[:3]:
        assert f"@{name.lower()}_school" in str(reading.row.target)


def test_many_schools_are_read_as_several_accounts_that_share_token_and_options(tmp_path: Path) -> None:
    chosen = settings(tmp_path, 8, search(more='target = "terms"\ntoken = {env = "X"}\nevery_s = 77'))
    found = list(readings(chosen, NOW.date()))
    assert len(found) > 1
    assert all(base_of(reading.row.name) == "words" and reading.row.every_s == 77 for reading in found)
    assert sorted(s for batch in batches(chosen).values() for s in batch) == sorted(n.lower() for n in NAMES)
    connectors = Connectors(chosen)
    account = Account(name=found[0].row.name, platform="x", target="…")
    assert connectors.of(account) is not None


@pytest.mark.parametrize(
    ("more", "schools"),
    [
        ("", ["dene", "hollin", "rowan"]),
        ('schools = ["dene", "rowan"]', ["dene", "rowan"]),
        ('school = "dene"', ["dene"]),
    ],
)
def test_a_search_looks_for_its_own_schools_for_those_it_names_or_for_all(
    tmp_path: Path, more: str, schools: list[str]
) -> None:
    chosen = settings(tmp_path, 3, search(more=more))
    [reading] = readings(chosen, NOW.date())
    assert reading.query is not None
    assert sorted(reading.query.batch) == schools


def test_small_quotas_make_the_searches_rarer(tmp_path: Path) -> None:
    chosen = settings(tmp_path, 2, search("youtube"), search("threads", name="t"))
    every = {base_of(r.row.name): r.row.every_s for r in readings(chosen, NOW.date())}
    assert every["youtube" if "youtube" in every else "words"] == 1800
    threads = [r for r in readings(chosen, NOW.date()) if base_of(r.row.name) == "t"]
    assert len(threads) * 86400 / int(every["t"] or 1) <= 1500


def test_applying_twice_changes_nothing_and_a_new_word_keeps_the_place(tmp_path: Path, store: Store) -> None:
    chosen = settings(tmp_path, 2, search())
    apply(chosen, store, "watcher.toml", NOW)
    assert preview(chosen, store, NOW) == ()
    state = store.accounts.get("words")
    store.accounts.succeeded(state, Page(posts=(), cursor=Cursor(state="here")), NOW, 180)
    more = settings(tmp_path, 3, search())
    assert [(c.action, c.name) for c in preview(more, store, NOW) if c.kind == "account"] == [("change", "words")]
    apply(more, store, "watcher.toml", NOW)
    after = store.accounts.get("words")
    assert after.cursor == Cursor(state="here")
    assert "Rowan" in after.account.target
    apply(more, store, "watcher.toml", NOW)
    assert store.accounts.get("words").cursor == Cursor(state="here")


def test_a_search_that_becomes_several_goes_on_where_it_stood(tmp_path: Path, store: Store) -> None:
    apply(settings(tmp_path, 2, search()), store, "watcher.toml", NOW)
    state = store.accounts.get("words")
    store.accounts.succeeded(state, Page(posts=(), cursor=Cursor(state="here")), NOW, 180)
    apply(settings(tmp_path, 8, search()), store, "watcher.toml", NOW)
    states = {s.account.name: s for s in store.accounts.all()}
    assert len(states) > 1
    assert "words" not in states
    assert {s.cursor for s in states.values()} == {Cursor(state="here")}, "no post is lost, and none is read again"
    assert all(s.caught_up_at == NOW for s in states.values())
    apply(settings(tmp_path, 2, search()), store, "watcher.toml", NOW)
    [again] = store.accounts.all()
    assert (again.account.name, again.cursor) == ("words", None), "where several stood, none speaks for all"


def test_a_role_holders_time_ends_while_the_service_runs(tmp_path: Path, store: Store) -> None:
    chosen = settings(tmp_path, 1, search(), search("bluesky", name="sky"), until="2026-11-21")
    apply(chosen, store, "watcher.toml", NOW)
    assert "Ada Hollin" in store.accounts.get("words").account.target
    lost = [
        s.account.name for s in store.accounts.all() if "Ada Hollin" in s.account.target and s.account.name != "words"
    ]
    assert renew(chosen, store, NOW + timedelta(days=1)) == 0
    assert renew(chosen, store, NOW + timedelta(days=2)) == 2
    left = {s.account.name: s.account.target for s in store.accounts.all()}
    assert "Ada" not in " ".join(left.values())
    assert lost[0] not in left
    assert lost[0] in names(chosen), "known to the service, which is not restarted every day"
    assert lost[0] not in names(chosen, NOW.date() + timedelta(days=2))
    assert renew(chosen, store, NOW + timedelta(days=3)) == 0


def test_a_search_that_cannot_be_read_is_one_matter_however_many_its_queries(tmp_path: Path, store: Store) -> None:
    chosen = settings(tmp_path, 8, search())
    apply(chosen, store, "watcher.toml", NOW)
    faults = Faults(store, pack_of)
    states = store.accounts.all()
    assert len(states) > 1
    for later in range(3):
        for state in states:
            name = state.account.name
            at = NOW + timedelta(minutes=later)
            store.accounts.failed(store.accounts.get(name), "token expired", permanent=True, next_at=at, now=at)
    assert faults.watch(NOW) == 1
    assert faults.watch(NOW) == 0
    assert store.incidents.faults() == {states[0].account.name}
    for number, state in enumerate(states, 1):
        seeing = store.accounts.get(state.account.name)
        store.accounts.succeeded(seeing, Page(posts=(), cursor=None), NOW + timedelta(hours=1), 180)
        assert faults.watch(NOW + timedelta(hours=1)) == (number == len(states))
    assert store.incidents.faults() == frozenset()


def test_where_a_part_of_a_search_comes_from() -> None:
    assert list(ancestors("words~en.01")) == ["words~en.0", "words~en."]
    assert list(ancestors("words~01")) == ["words~0", "words"]
    assert list(ancestors("words")) == []
    assert list(ancestors("sky~hollin-school-ab12cd.2")) == []


# what check-config says -----------------------------------------------------------------------------------------------


def found(chosen: Settings) -> str:
    return "\n".join(problems(chosen))


OFFICIAL = '[[accounts]]\nname = "own"\nplatform = "{platform}"\ntarget = "{target}"\nreads = ["{reads}"]\n{more}\n'


@pytest.mark.parametrize("platform", ["x", "facebook", "instagram", "threads", "youtube", "linkedin", "tiktok"])
def test_no_timeline_is_read_but_a_schools_own_with_an_owner(tmp_path: Path, platform: str) -> None:
    reads = "posts"
    said = found(settings(tmp_path, 1, OFFICIAL.format(platform=platform, target="@a", reads=reads, more="")))
    assert "accounts[1].official: missing" in said
    assert "accounts[1].owner: missing; write who at the school stands for this account" in said
    more = 'official = true\nschool = "hollin"\nowner = "Jo Moore"'
    sound = found(settings(tmp_path, 1, OFFICIAL.format(platform=platform, target="@a", reads=reads, more=more)))
    assert sound == ""


@pytest.mark.parametrize(
    ("platform", "target", "reads", "asks"),
    [
        ("mastodon", "@a@b.example", "posts", True),
        ("mastodon", "@a@b.example", "mentions", True),
        ("mastodon", "#Hollin", "posts", False),
        ("bluesky", "a.example", "comments", True),
        ("bluesky", "#Hollin", "search", False),
        ("reddit", "r/tolbeck", "comments", False),
        ("reddit", "u/hollin", "posts", True),
        ("youtube", "https://www.youtube.com/watch?v=abcdefghijk", "comments", False),
        ("x", "Hollin Primary", "search", False),
        ("rss", "https://a.example/feed", "posts", False),
        ("wordpress", "https://a.example", "comments", False),
        ("archive", "imports", "posts", False),
    ],
)
def test_what_counts_as_somebodys_timeline(tmp_path: Path, platform: str, target: str, reads: str, asks: bool) -> None:
    said = found(settings(tmp_path, 1, OFFICIAL.format(platform=platform, target=target, reads=reads, more="")))
    assert ("owner: missing" in said) is asks


@pytest.mark.parametrize(
    ("platform", "target"),
    [
        ("x", "from:janedoe"),
        ("x", "school (FROM:@JaneDoe OR Hollin)"),
        ("x", "to:janedoe"),
        ("x", "retweets_of:janedoe"),
        ("x", '"Hollin Primary" from:"janedoe"'),
        ("mastodon", "from:@jane"),
        ("mastodon", "from:hollin_school@else.example"),
        ("bluesky", "from:jane.example"),
        ("bluesky", "from:did:plc:abc"),
        ("reddit", "author:janedoe"),
        ("reddit", "r/tolbeck: author:janedoe"),
    ],
)
def test_no_search_asks_for_one_persons_posts(tmp_path: Path, platform: str, target: str) -> None:
    base = 'base_url = "https://social.example"' if platform == "mastodon" else ""
    row = OFFICIAL.format(platform=platform, target=target.replace('"', '\\"'), reads="search", more=base)
    chosen = settings(tmp_path, 1, row)
    (said,) = problems(chosen)
    assert said.startswith("accounts[1].target: ")
    assert "looks for one person's posts" in said
    with pytest.raises(Exception, match="looks for one person's posts"):
        list(read(chosen, "own", 1, note=print))
    rows = {line["what"]: line for line in try_all(chosen, NOW)}
    assert "looks for one person's posts" in rows["account own"]["detail"]
    more = f'{base}\nofficial = true\nschool = "hollin"\nowner = "Jo Moore"'
    own = OFFICIAL.format(platform=platform, target=target.replace('"', '\\"'), reads="search", more=more)
    assert found(settings(tmp_path, 1, own)) == ""


@pytest.mark.parametrize(
    ("platform", "target"),
    [
        ("x", "from:hollin_school"),
        ("x", "(to:Hollin_School OR Hollin) -from:janedoe"),
        ("x", '\\"a letter from: the Head\\" Hollin'),
        ("mastodon", "from:@hollin_school"),
        ("reddit", "Hollin NOT author:janedoe"),
        ("rss", "https://a.example/from:janedoe.xml"),
    ],
)
def test_a_search_may_name_the_schools_own_handle_or_leave_somebody_out(
    tmp_path: Path, platform: str, target: str
) -> None:
    base = 'base_url = "https://social.example"' if platform == "mastodon" else ""
    assert (
        found(settings(tmp_path, 1, OFFICIAL.format(platform=platform, target=target, reads="search", more=base))) == ""
    )


@pytest.mark.parametrize(
    "target",
    [
        "https://mastodon.social/@janedoe.rss",
        "https://mastodon.social/users/janedoe.atom",
        "https://www.reddit.com/user/janedoe/.rss",
        "https://old.reddit.com/u/janedoe/comments/.rss",
        "https://www.reddit.com/r/u_janedoe/.rss",
        "https://bsky.app/profile/janedoe.example/rss",
        "https://nitter.example/janedoe/rss",
        "https://rsshub.example/twitter/user/janedoe",
        "https://www.youtube.com/feeds/videos.xml?channel_id=UCabc",
        "https://forum.example/u/janedoe/activity.rss",
    ],
)
def test_a_feed_of_one_persons_posts_is_a_timeline(tmp_path: Path, target: str) -> None:
    said = found(settings(tmp_path, 1, OFFICIAL.format(platform="rss", target=target, reads="posts", more="")))
    assert "accounts[1].official: missing" in said
    assert "accounts[1].owner: missing" in said
    more = 'official = true\nschool = "hollin"\nowner = "Jo Moore"'
    assert found(settings(tmp_path, 1, OFFICIAL.format(platform="rss", target=target, reads="posts", more=more))) == ""


@pytest.mark.parametrize(
    "target",
    [
        "https://www.reddit.com/r/tolbeck/.rss",
        "https://mastodon.social/tags/hollin.rss",
        "https://nitter.example/search/rss?q=hollin",
        "https://news.example/users/feed.xml",
        "https://www.hollin.example/news/feed/",
    ],
)
def test_a_feed_of_a_place_or_a_tag_is_none(tmp_path: Path, target: str) -> None:
    assert found(settings(tmp_path, 1, OFFICIAL.format(platform="rss", target=target, reads="posts", more=""))) == ""


def test_what_is_missing_for_a_search_is_said_with_its_key(tmp_path: Path) -> None:
    text = found(
        settings(
            tmp_path,
            1,
            search("mastodon", name="a~b"),
            search("instagram", name="b"),
            search("linkedin", name="c"),
            search("x", 'schools = ["hollin", "mill"]\nschool = "hollin"', name="d"),
            search("rss", 'target = "https://a.example"\nschools = ["hollin"]', name="e"),
            '[[accounts]]\nname = "f"\nplatform = "x"\ntarget = "terms"\nreads = ["posts", "search"]\n',
            head='[alerts]\nlast_resort = "duty@it.example"\n',
        )
    )
    for part in (
        "accounts[1].name: '~' is what Watcher writes",
        "accounts[1].base_url: missing",
        "accounts[2].options.user_id: missing",
        "accounts[3].target: missing; write what is read there",
        "accounts[4].schools: name either school or schools",
        "accounts[4].schools: 'mill' is unknown",
        "accounts[5].schools: only for a search that is built",
        "accounts[6].target: 'terms' stands for the schools' terms",
        "alerts.checker: missing; a~b, b, c",
    ):
        assert part in text, (part, text)


@pytest.mark.parametrize(("checker", "sound"), [("eye@it.example", True), ("nobody", False), ("a@b", False)])
def test_the_checker_is_somebody(tmp_path: Path, checker: str, sound: bool) -> None:
    head = f'[alerts]\nlast_resort = "duty@it.example"\nchecker = "{checker}"\n'
    assert ("alerts.checker" in found(settings(tmp_path, 1, search(), head=head))) is not sound


def test_a_checker_is_asked_for_only_where_a_search_is_shared(tmp_path: Path) -> None:
    head = '[alerts]\nlast_resort = "duty@it.example"\n'
    assert found(settings(tmp_path, 1, search(more='school = "hollin"'), head=head)) == ""


def test_too_many_hashtags_for_instagram_are_named(tmp_path: Path) -> None:
    many = "".join(f'"t{n}", ' for n in range(40))
    text = SCHOOL.format(id="hollin", name="Hollin", until="2027-08-31").replace('"HollinLife"', many)
    file = tmp_path / "watcher.toml"
    file.write_text(HEAD + text + search("instagram", "options = { user_id = '1' }"), encoding="utf-8")
    assert "accounts[1].schools: Instagram allows an account 30 hashtags" in found(load(file))


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ('role = "headteacher"', 'role = "teacher"'),
        ("until = 2027-08-31", "until = 2027-13-31"),
    ],
)
def test_only_public_role_holders_with_an_end_are_taken(tmp_path: Path, line: str, part: str) -> None:
    text = SCHOOL.format(id="hollin", name="Hollin", until="2027-08-31")
    assert line in text
    (tmp_path / "watcher.toml").write_text(text.replace(line, part), encoding="utf-8")
    with pytest.raises(Exception, match=r"role_holders|not valid TOML"):
        load(tmp_path / "watcher.toml")


def test_a_timeline_that_is_nobodys_to_read_is_not_read_by_hand_or_by_the_doctor(tmp_path: Path) -> None:
    row = OFFICIAL.format(platform="mastodon", target="@a@b.example", reads="posts", more='school = "hollin"')
    chosen = settings(tmp_path, 1, row)
    with pytest.raises(Exception, match=r"accounts\[1\].official"):
        list(read(chosen, "own", 1, note=print))
    rows = {line["what"]: line for line in try_all(chosen, NOW)}
    assert "accounts[1].official" in rows["account own"]["detail"]


# the profile ----------------------------------------------------------------------------------------------------------


def test_the_doctor_warns_of_a_profile_that_is_protected_or_names_another(
    tmp_path: Path, httpserver: HTTPServer
) -> None:
    base = httpserver.url_for("/").rstrip("/")
    more = f'official = true\nschool = "hollin"\nowner = "Jo"\nbase_url = "{base}"\nallow_private = true'
    chosen = settings(tmp_path, 1, OFFICIAL.format(platform="mastodon", target="@me", reads="posts", more=more))
    httpserver.expect_request("/api/v1/accounts/lookup").respond_with_json({"id": "9", "acct": "me"})
    httpserver.expect_request("/api/v1/accounts/9/statuses").respond_with_json([])
    body: dict[str, Any] = {"id": "9", "acct": "me", "display_name": "Kim", "note": "mum of two", "locked": True}
    httpserver.expect_request("/api/v1/accounts/9").respond_with_json(body)
    rows = {line["what"]: line for line in try_all(chosen, NOW)}
    assert rows["account own"]["ok"]
    detail = rows["profile own"]["detail"]
    assert detail.startswith("warning: the profile is protected")
    assert "does not name Hollin Primary School" in detail


def profile_row(folder: Path, platform: str, target: str, base: str, more: str = "") -> str:
    token = folder / "token"
    token.write_text("tok", encoding="utf-8")
    more += f'official = true\nschool = "hollin"\nowner = "Jo"\nbase_url = "{base}"\nallow_private = true\n'
    more += f'token = {{ file = "{token}" }}\n'
    chosen = settings(folder, 1, OFFICIAL.format(platform=platform, target=target, reads="posts", more=more))
    (found,) = [row for row in try_all(chosen, NOW) if row["what"] == "profile own"]
    assert found["ok"], "a profile keeps no account from being read"
    return str(found["detail"])


def test_a_profile_that_cannot_be_read_says_so_and_why(tmp_path: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/rest/organizations/123").respond_with_json({"message": "no"}, status=403)
    detail = profile_row(tmp_path, "linkedin", "123", httpserver.url_for("/").rstrip("/"))
    assert "could not be read: AuthenticationError" in detail
    assert "missing permission: rw_organization_admin" in detail
    assert "Look in a browser" in detail


def test_a_profile_of_a_server_out_of_reach_could_not_be_read(tmp_path: Path) -> None:
    detail = profile_row(tmp_path, "mastodon", "@me", "http://127.0.0.1:9")
    assert "could not be read: TransientError" in detail


@pytest.mark.parametrize(
    ("platform", "target", "path", "body", "says"),
    [
        (
            "youtube",
            "@hollin",
            "/youtube/v3/channels",
            {"items": [{"snippet": {"title": "Hollin Primary School"}, "status": {"privacyStatus": "public"}}]},
            "the profile names Hollin Primary School and is open to all",
        ),
        (
            "facebook",
            "hollin",
            "/v26.0/hollin",
            {"name": "Kim", "about": "mum of two", "is_published": True},
            "warning: the profile does not name Hollin Primary School",
        ),
        (
            "threads",
            "@hollin",
            "/v1.0/me",
            {"id": "1", "username": "hollin", "name": "Hollin Primary School"},
            "the profile names Hollin Primary School; whether it is open to all cannot be checked: Threads does not",
        ),
    ],
)
def test_the_doctor_looks_at_a_profile_on_the_other_platforms_too(
    tmp_path: Path, httpserver: HTTPServer, platform: str, target: str, path: str, body: dict[str, Any], says: str
) -> None:
    httpserver.expect_request(path).respond_with_json(body)
    assert says in profile_row(tmp_path, platform, target, httpserver.url_for("/").rstrip("/"))


def test_where_no_profile_is_told_the_doctor_says_that_it_cannot_be_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent:
        def fetch(self, account: Any, cursor: Any) -> Page:
            return Page(posts=(), cursor=None)

    monkeypatch.setattr("watcher.app.Connectors.of", lambda self, account: Silent())
    detail = profile_row(tmp_path, "tiktok", "@hollin", "http://127.0.0.1:9")
    assert detail.startswith("cannot be checked: TikTok does not tell")


def test_a_profile_that_names_the_school_is_not_doubted() -> None:
    school = School(
        id="hollin", name="Hollin Primary School", pack="wessex", handles=("hollin",), url="https://h.example"
    )
    for profile in (
        Profile(handle="x", name="Hollin Primary School"),
        Profile(handle="hollin"),
        Profile(handle="x", about="news", links=("https://www.h.example/",)),
    ):
        assert list(doubts(profile, school)) == []
    assert len(list(doubts(Profile(handle="x", name="Kim", protected=True), school))) == 2


# what terms cost and bring --------------------------------------------------------------------------------------------


def brought(number: int, text: str) -> Post:
    return Post(platform="x", id=str(number), kind="post", text=text, created_at=NOW)


def test_the_report_tells_queries_costs_and_noise(tmp_path: Path, store: Store) -> None:
    chosen = settings(tmp_path, 2, search(), search("bluesky", 'schools = ["dene"]', name="sky"))
    apply(chosen, store, "watcher.toml", NOW)
    posts = (
        brought(1, "Hollin Primary School sings"),
        brought(2, "Hollin in Tolbeck is lovely"),
        brought(3, "the pupils of Hollin, Ohio"),
        brought(4, "so proud #HollinLife"),
        brought(5, "nothing of the kind"),
    )
    store.accounts.succeeded(store.accounts.get("words"), Page(posts=posts, cursor=None), NOW, 180)
    schools = store.register.all().schools
    with store.writing() as connection:
        for seen in store.posts.unmatched(10):
            source = Source(account="words", read="search")
            store.matters.matched(connection, seen, match(seen.post, schools, sources=(source,)), NOW)
    report = report_of(chosen, chosen.schools[0], store, NOW)
    x = next(row for row in report["queries"] if row["platform"] == "x")
    assert (x["account"], x["schools"], x["at_most"], x["calls_a_day"]) == ("words", 2, 512, 288)
    assert x["length"] == len(x["query"]) <= 512
    assert x["pounds_a_post"] == 0.004
    sky = [row for row in report["queries"] if row["platform"] == "bluesky"]
    assert {row["account"] for row in sky} == {None}, "nobody looks for this school there"
    assert {row["platform"] for row in report["queries"]} >= {"reddit", "youtube", "mastodon", "threads", "instagram"}
    terms = {row["term"]: row for row in report["terms"]}
    lone = next(row for name, row in terms.items() if name.startswith("Hollin +"))
    assert (lone["posts"], lone["about"], lone["noise"]) == (2, 2, 0)
    assert (terms["Hollin Primary School"]["posts"], terms["#HollinLife"]["about"]) == (1, 1)
    assert terms["@hollin_school"] == {
        "term": "@hollin_school",
        "kind": "handle",
        "until": None,
        "ended": False,
        "posts": 0,
        "about": 0,
        "unclear": 0,
        "noise": 0,
        "noise_share": None,
    }
    assert any(row["platform"] == "instagram" and "hashtags only" in row["why"] for row in report["left"])


def test_the_report_says_where_the_queries_together_pass_the_platforms_limit(tmp_path: Path) -> None:
    chosen = settings(tmp_path, 8, search("youtube", "every_s = 3600\n"), search("threads", "every_s = 600\n", "t"))
    report = report_of(chosen, chosen.schools[0], None, NOW)
    queries = [reading for reading in readings(chosen, NOW.date()) if reading.row.platform == "youtube"]
    tube = next(row for row in report["queries"] if row["platform"] == "youtube")
    assert (tube["all_calls_a_day"], tube["limit_a_day"]) == (24 * len(queries), 100)
    assert tube["passes_limit"] is (24 * len(queries) > 100)
    threads = next(row for row in report["queries"] if row["platform"] == "threads")
    assert threads["all_calls_a_day"] > threads["limit_a_day"] == 2200
    lines = list(_words(report))
    assert f"threads: all searches together make {threads['all_calls_a_day']} calls a day of 2200" in " ".join(lines)
    assert any(line.startswith("WARNING: threads allows fewer") for line in lines)
    assert any("the searches that would be made" in line for line in lines)
    sky = next(row for row in report["queries"] if row["platform"] == "bluesky")
    assert (sky["limit"], sky["passes_limit"]) == ("3000 calls in five minutes", False)


def test_the_report_marks_what_is_off(tmp_path: Path) -> None:
    chosen = settings(tmp_path, 1, search(), search("reddit", name="red"), search("bluesky", name="sky"))
    report = report_of(chosen, chosen.schools[0], None, NOW)
    off = {row["account"]: row["off"] for row in report["queries"] if row["account"]}
    assert off["words"] is None
    assert off["red"].startswith("off until Reddit's approval")
    assert {why for name, why in off.items() if name.startswith("sky")} == {None}
    threads = next(row for row in report["queries"] if row["platform"] == "threads")
    assert (threads["account"], str(threads["off"]).partition("App")[0]) == (None, "off until Meta's ")
    assert any(line.startswith("reddit is off until") for line in _words(report))


def test_the_report_needs_no_database(tmp_path: Path) -> None:
    chosen = settings(tmp_path, 1, until="2026-11-19")
    report = report_of(chosen, chosen.schools[0], None, NOW)
    assert {row["account"] for row in report["queries"]} == {None}
    assert "Ada" not in " ".join(row["query"] for row in report["queries"])
    [ended] = [row for row in report["terms"] if row["kind"] == "role_holder"]
    assert (ended["ended"], ended["until"]) == (True, "2026-11-19")


def test_one_search_over_http_brings_each_school_its_own(
    tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("X_TOKEN", "tok")
    base = httpserver.url_for("/").rstrip("/")
    more = f'base_url = "{base}"\nallow_private = true\ntoken = {{ env = "X_TOKEN" }}'
    chosen = settings(tmp_path, 2, search(more=more))
    texts = {"1": "Hollin Primary School sings", "2": "parents of Dene are angry", "3": "Oakfield is lovely"}
    page = {
        "data": [
            {"id": number, "text": text, "author_id": "7", "created_at": "2026-11-20T07:00:00Z"}
            for number, text in texts.items()
        ],
        "includes": {"users": [{"id": "7", "username": "kim", "name": "Kim"}]},
        "meta": {"result_count": 3, "newest_id": "3"},
    }
    httpserver.expect_request("/2/tweets/search/recent").respond_with_json(page)
    [reading] = readings(chosen, NOW.date())
    connectors = Connectors(chosen)
    account = account_of(reading.row, reading.key, with_token=True)
    posts = connectors.of(account).fetch(account, None).posts
    sent = httpserver.log[0][0]
    assert sent.args["query"] == account.target
    assert sent.headers["authorization"] == "Bearer tok"
    schools = [school_of(school) for school in chosen.schools]
    source = Source(account="words", read="search")
    about = {post.id: [m.school for m in match(post, schools, sources=(source,))] for post in posts}
    assert about == {"1": ["hollin"], "2": ["dene"], "3": []}
