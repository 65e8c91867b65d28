"""The demo's script keeps to its plan, and its server publishes every post once, in time, in the real shapes."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import feedparser
import httpx
import pytest

from alerts.school import ROLES
from connectors import registry
from connectors.post import KINDS, READS, Account
from watcher import config
from watcher.demo.scenario import Line, load, settings
from watcher.demo.server import DemoServer, resume
from watcher.demo.site import token
from watcher.errors import WatcherError

LABELS = {
    "criticism", "cyberbullying", "identifies_pupil", "threat", "hate", "self_harm", "extremism", "sexual_content",
    "sar", "press", "impersonation", "praise",
}  # fmt: skip
PACKS = {"wessex", "arden", "wolsey_house", "one_education", "leading_edge"}
START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SCRIPT = load()
TOML = tomllib.loads(settings(8123, "/tmp/demo", START))
SCHOOLS = {school["id"]: school for school in TOML["schools"]}


class Clock:
    """A clock that stands until it is moved, in seconds since the demo's start."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return START + timedelta(seconds=self.at)


@pytest.fixture
def clock() -> Clock:
    return Clock(10_000)


@pytest.fixture
def server(clock: Clock) -> Iterator[DemoServer]:
    with DemoServer(SCRIPT, START, clock=clock) as running:
        yield running


@pytest.fixture
def client(server: DemoServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.base_url, trust_env=False) as made:
        yield made


def story(name: str) -> list[Line]:
    return [line for line in SCRIPT if line.story == name]


def thread(line: Line) -> str:
    """The id of the post at the top of a line's thread."""
    by_id = {other.id: other for other in SCRIPT}
    while line.reply_to:
        line = by_id[line.reply_to]
    return line.id


def walk(client: httpx.Client, path: str, **query: Any) -> list[dict[str, Any]]:
    """Every entity of a timeline, newest first, by the Link headers alone."""
    found: list[dict[str, Any]] = []
    answer = client.get(path, params=query)
    for _ in range(100):
        answer.raise_for_status()
        found += answer.json()
        if "next" not in answer.links:
            return found
        answer = client.get(answer.links["next"]["url"])
    raise AssertionError("the paging does not end")


def account_id(client: httpx.Client, handle: str) -> str:
    return str(client.get("/api/v1/accounts/lookup", params={"acct": handle}).json()["id"])


# -- the script --------------------------------------------------------------------------------------------------------


def test_the_script_has_about_three_hundred_posts_in_order_of_time() -> None:
    assert 290 <= len(SCRIPT) <= 330
    assert len({line.id for line in SCRIPT}) == len(SCRIPT)
    times = [line.at for line in SCRIPT]
    assert times == sorted(times)
    assert times[0] == 0
    assert 200 <= times[-1] <= 240
    assert sum(at <= 10 for at in times) >= 40
    assert all(any(lo <= at < lo + 30 for at in times) for lo in range(0, 240, 30))


def test_all_twelve_labels_are_meant_somewhere_and_no_other() -> None:
    meant = Counter(label for line in SCRIPT for label in line.labels)
    assert set(meant) == LABELS
    assert all(set(edit.labels) <= LABELS for line in SCRIPT for edit in line.edits)


def test_the_ordinary_stream_is_mostly_harmless() -> None:
    harmless = sum(not set(line.labels) - {"praise"} for line in SCRIPT)
    assert 0.75 <= harmless / len(SCRIPT) <= 0.82


def test_a_person_is_needed_within_the_first_ten_seconds_at_three_schools_or_more() -> None:
    early = [
        line for line in SCRIPT if line.at <= 10 and set(line.labels) & {"threat", "self_harm", "sar", "criticism"}
    ]
    assert len({line.school for line in early}) >= 3


def test_replies_answer_an_earlier_post_of_the_same_thread_at_the_same_school() -> None:
    by_id = {line.id: line for line in SCRIPT}
    replies = [line for line in SCRIPT if line.reply_to]
    assert len(replies) > 100
    for line in replies:
        above = by_id[line.reply_to or ""]
        assert above.at < line.at
        assert above.source == line.source
        assert (line.kind == "comment") == (above.kind == "post")


def test_every_line_is_carried_by_what_its_text_bears() -> None:
    for line in SCRIPT:
        carrier = line.source.partition(":")[0]
        school = SCHOOLS[line.carried_for]
        assert line.school in (line.carried_for, None)
        assert line.kind in KINDS
        assert line.via == ("rss" if carrier == "feed" else "mastodon")
        assert line.official == (line.handle == school["handles"][0])
        if carrier == "tag":
            assert f"#{school['hashtags'][0]}" in line.text, line.id
        if carrier == "search":
            assert school["short_names"][0].casefold() in line.text.casefold(), line.id
        if carrier == "account":
            assert line.official or line.reply_to, line.id


def test_every_school_is_spoken_of_in_every_way() -> None:
    assert {school["pack"] for school in SCHOOLS.values()} == PACKS
    sources = {line.source for line in SCRIPT}
    assert sources == {f"{kind}:{school}" for kind in ("account", "tag", "search", "feed") for school in SCHOOLS}
    about = Counter(line.school for line in SCRIPT)
    assert all(about[school] >= 40 for school in SCHOOLS)


def test_look_alikes_stand_beside_every_school_and_mean_nothing_to_it() -> None:
    noise = [line for line in SCRIPT if line.school is None]
    assert {line.carried_for for line in noise} == set(SCHOOLS)
    assert not [line.id for line in noise if line.labels]


def test_the_storm_is_about_twenty_five_angry_comments_in_one_thread() -> None:
    storm = story("storm")
    assert 22 <= len(storm) <= 28
    assert len({thread(line) for line in storm}) == 1
    assert len({line.text for line in storm}) == len(storm)
    assert {line.labels for line in storm} == {("criticism",)}


def test_two_disclosures_at_one_school_come_from_two_authors_in_two_threads() -> None:
    (first,), (second,) = story("disclosure_first"), story("disclosure_second")
    assert first.school == second.school
    assert first.handle != second.handle
    assert thread(first) != thread(second)
    assert "self_harm" in first.labels
    assert "self_harm" in second.labels


def test_each_school_with_a_conflict_rule_has_an_allegation_that_names_its_head() -> None:
    holders = {(h["role"], h.get("school")): h["person"] for h in TOML["holdings"]}
    names = {person["id"]: person["name"] for person in TOML["people"]}
    accused = {line.school: line.text for line in story("allegation_head")}
    assert {SCHOOLS[school or ""]["pack"] for school in accused} == {"wessex", "one_education"}
    for school, text in accused.items():
        title, _, surname = names[holders["headteacher", school]].split()
        assert f"{title} {surname}" in text


def test_the_other_set_pieces_are_there() -> None:
    assert any("threat" in line.labels and "Tremlow" in line.text for line in story("threat_head"))
    assert all(any(label in line.labels for line in SCRIPT) for label in ("sar", "press", "impersonation"))
    assert {line.language for line in story("unread_language")} == {"pl", "cy"}
    (picture,) = story("picture_only")
    assert (picture.text, picture.has_image, picture.image_alt) == ("", True, None)
    first, second = story("repost")
    assert first.text == second.text
    assert first.handle != second.handle
    assert {line.via for line in story("edit")} == {"mastodon", "rss"}
    assert all(edit.at > line.at and edit.text != line.text for line in SCRIPT for edit in line.edits)
    assert all(line.official for line in story("identified_by_school"))


def test_no_post_is_copied_from_the_labelled_ones() -> None:
    ours = {line.text.casefold() for line in SCRIPT if len(line.text) > 20}
    labelled = Path(__file__).parents[2] / "data"
    for path in labelled.rglob("*.jsonl"):
        rows = (json.loads(row) for row in path.read_text(encoding="utf-8").split("\n") if row)
        assert not ours & {str(row.get("text", "")).casefold() for row in rows}


# -- the settings ------------------------------------------------------------------------------------------------------


def test_the_settings_hold_together() -> None:
    people = {person["id"] for person in TOML["people"]}
    trusts = {trust["id"] for trust in TOML["trusts"]}
    assert {school["trust"] for school in SCHOOLS.values()} == trusts
    assert len(people) == len(TOML["people"])
    for holding in TOML["holdings"]:
        assert holding["person"] in people
        assert holding["role"] in ROLES
        assert holding.get("school") in SCHOOLS or holding.get("trust") in trusts
    assert {absence["person"] for absence in TOML["absences"]} <= people
    assert all(person["email"].endswith(".example") for person in TOML["people"])


def test_watcher_takes_the_settings_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "watcher.toml"
    path.write_text(settings(8123, tmp_path, START), encoding="utf-8")
    taken = config.load(path)
    assert (len(taken.schools), len(taken.accounts), taken.mail.channel) == (5, 20, "folder")
    assert {account.every_s for account in taken.accounts} == {3}


def test_each_school_has_a_head_a_lead_a_chair_and_the_provider() -> None:
    held = {(h["role"], h.get("school")) for h in TOML["holdings"]}
    for school in SCHOOLS:
        head = "associate_headteacher" if SCHOOLS[school]["pack"] == "arden" else "headteacher"
        assert {(role, school) for role in (head, "dsl", "chair_of_governors", "it_provider", "office")} <= held


def test_four_accounts_a_school_read_the_demos_server() -> None:
    accounts = TOML["accounts"]
    assert Counter(account["school"] for account in accounts) == dict.fromkeys(SCHOOLS, 4)
    assert len({account["name"] for account in accounts}) == len(accounts)
    for account in accounts:
        assert account["base_url"] == "http://127.0.0.1:8123"
        assert account["allow_private"] is True
        assert set(account["reads"]) <= set(READS)
        if account["platform"] == "rss":
            assert account["target"] == f"http://127.0.0.1:8123/feeds/{account['school']}.xml"


def test_the_absence_covers_the_day_of_the_start() -> None:
    (absence,) = TOML["absences"]
    assert absence["from"] < START.date() < absence["until"]


def test_a_folder_with_quotes_and_backslashes_stays_one_folder(tmp_path: Path) -> None:
    folder = tmp_path / 'a "b" \\c é'
    made = tomllib.loads(settings(8123, folder, web_port=9001))
    assert made["database"]["url"] == f"sqlite:///{folder.as_posix()}/watcher.db"
    assert made["mail"]["folder"] == f"{folder.as_posix()}/outbox"
    assert made["server"]["port"] == 9001
    assert made["server"]["public_url"] == "http://127.0.0.1:9001"


# -- the server --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 3, 40])
@pytest.mark.parametrize("at", [5, 90, 10_000])
def test_paging_an_account_backwards_brings_every_visible_post_once(
    client: httpx.Client, clock: Clock, limit: int, at: float
) -> None:
    clock.at = at
    handle = SCHOOLS["farrowmere"]["handles"][0]
    statuses = walk(client, f"/api/v1/accounts/{account_id(client, handle)}/statuses", limit=limit)
    expected = [line.text for line in SCRIPT if line.handle == handle and line.at <= at]
    assert len(statuses) == len(expected)
    numbers = [int(status["id"]) for status in statuses]
    assert numbers == sorted(set(numbers), reverse=True)


@pytest.mark.parametrize("limit", [1, 2, 7, 40])
def test_paging_forwards_by_min_id_misses_nothing(client: httpx.Client, limit: int) -> None:
    path = "/api/v1/timelines/tag/farrowmere"
    everything = [status["id"] for status in walk(client, path, limit=40)]
    seen: list[str] = []
    newest = "1"
    while page := client.get(path, params={"min_id": newest, "limit": limit}).json():
        seen += [status["id"] for status in reversed(page)]
        newest = page[0]["id"]
    assert seen == list(reversed(everything))


def test_since_id_brings_the_newest_page(client: httpx.Client) -> None:
    path = "/api/v1/timelines/tag/Farrowmere"
    everything = [status["id"] for status in walk(client, path)]
    page = client.get(path, params={"since_id": everything[-1], "limit": 2}).json()
    assert [status["id"] for status in page] == everything[:2]


def test_all_accounts_of_the_settings_together_bring_the_whole_script(client: httpx.Client) -> None:
    """What Watcher is told to read must be everything that is said, look-alikes included."""
    urls: set[str] = set()
    entries = 0
    for account in TOML["accounts"]:
        target = account["target"]
        if account["platform"] == "rss":
            entries += len(feedparser.parse(client.get(urlsplit(target).path).content).entries)
        elif target.startswith("#"):
            urls |= {status["url"] for status in walk(client, f"/api/v1/timelines/tag/{target[1:]}")}
        elif target.startswith("@"):
            for status in walk(client, f"/api/v1/accounts/{account_id(client, target)}/statuses"):
                below = client.get(f"/api/v1/statuses/{status['id']}/context").json()["descendants"]
                urls |= {found["url"] for found in [status, *below]}
        else:
            query: dict[str, Any] = {"q": target, "type": "statuses", "limit": 40}
            while page := client.get("/api/v2/search", params=query).json()["statuses"]:
                urls |= {status["url"] for status in page}
                query["max_id"] = page[-1]["id"]
    assert len(urls) == sum(line.via == "mastodon" for line in SCRIPT)
    assert entries == sum(line.via == "rss" for line in SCRIPT)


def test_the_real_connectors_bring_the_whole_script_once(server: DemoServer) -> None:
    taken: dict[tuple[str, str, str], str] = {}
    for row in tomllib.loads(settings(server.port, "/tmp/demo", START))["accounts"]:
        every_s, reads = row.pop("every_s"), tuple(row.pop("reads"))
        row.pop("owner", None)
        account, connector, cursor = Account(**row, reads=reads), registry.load(row["platform"]), None
        assert every_s
        for _ in range(60):
            page = connector.fetch(account, cursor)
            assert not page.gaps
            assert not page.oddities
            for post in page.posts:
                assert taken.setdefault(post.key, post.content_digest) == post.content_digest
            cursor = page.cursor
            if not page.more:
                break
    assert len(taken) == len(SCRIPT)


def test_a_post_is_nowhere_before_its_time(client: httpx.Client, clock: Clock) -> None:
    (second,) = story("disclosure_second")
    query = {"q": '"my friend has got pills"', "type": "statuses"}
    (status,) = client.get("/api/v2/search", params=query).json()["statuses"]
    parent = status["in_reply_to_id"]
    clock.at = second.at - 0.5
    assert client.get("/api/v2/search", params=query).json()["statuses"] == []
    assert client.get(f"/api/v1/statuses/{status['id']}").status_code == 404
    assert client.get(urlsplit(status["url"]).path).status_code == 404
    below = client.get(f"/api/v1/statuses/{parent}/context").json()["descendants"]
    assert status["id"] not in {found["id"] for found in below}
    clock.at = second.at
    assert client.get(f"/api/v1/statuses/{status['id']}").json()["created_at"] == "2026-11-20T09:00:49.000Z"


def test_speed_brings_times_forward_and_never_into_the_future() -> None:
    clock = Clock(30)
    with DemoServer(SCRIPT, START, speed=10, clock=clock) as fast, httpx.Client(base_url=fast.base_url) as client:
        statuses = walk(client, "/api/v1/timelines/tag/polgarrow")
    assert len(statuses) == sum("#polgarrow" in line.text.casefold() and line.via == "mastodon" for line in SCRIPT)
    assert max(status["created_at"] for status in statuses) <= "2026-11-20T09:00:30.000Z"


def test_an_edit_changes_the_text_and_keeps_the_id(client: httpx.Client, clock: Clock) -> None:
    line = next(line for line in story("edit") if line.via == "mastodon")
    clock.at = line.edits[0].at - 1
    query = {"q": "Lovely photo", "type": "statuses"}
    (before,) = client.get("/api/v2/search", params=query).json()["statuses"]
    clock.at = line.edits[0].at
    (after,) = client.get("/api/v2/search", params=query).json()["statuses"]
    assert before["id"] == after["id"]
    assert before["edited_at"] is None
    assert after["edited_at"] == "2026-11-20T09:01:12.000Z"
    assert before["content"] != after["content"]


def test_a_thread_gives_what_is_above_and_below(client: httpx.Client) -> None:
    root = thread(story("storm")[0])
    wanted = [line for line in SCRIPT if line.id != root and line.reply_to and thread(line) == root]
    query = {"q": "toilet blocks will be open", "type": "statuses"}
    (top,) = client.get("/api/v2/search", params=query).json()["statuses"]
    context = client.get(f"/api/v1/statuses/{top['id']}/context").json()
    assert context["ancestors"] == []
    assert len({status["id"] for status in context["descendants"]}) == len(wanted)
    assert top["replies_count"] == sum(line.reply_to == root for line in SCRIPT)
    (deep,) = [status for status in context["descendants"] if "Mine won" in status["content"]]
    above = client.get(f"/api/v1/statuses/{deep['id']}/context").json()["ancestors"]
    assert [status["id"] for status in above] == [top["id"], deep["in_reply_to_id"]]


def test_notifications_are_for_the_holder_of_the_token_only(client: httpx.Client) -> None:
    path = "/api/v1/notifications?types[]=mention"
    assert client.get(path).status_code == 401
    assert client.get(path, headers={"Authorization": "Bearer demo-nobody"}).status_code == 401
    mine = {"Authorization": f"Bearer {token('teasellaneprimary')}"}
    (mention,) = client.get(path, headers=mine).json()
    assert mention["type"] == "mention"
    assert mention["status"]["mentions"][0]["acct"] == "teasellaneprimary"
    other = {"Authorization": f"Bearer {token('polgarrowschool')}"}
    assert client.get(path, headers=other).json() == []


def test_what_does_not_exist_answers_as_an_instance_does(client: httpx.Client) -> None:
    for path in ("/", "/api/v1/accounts/1", "/api/v1/statuses/1", "/feeds/nowhere.xml", "/api/v1/accounts/lookup"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.json() == {"error": "Record not found"}
    assert client.get("/api/v2/instance").json()["version"] == "4.5.0"


def test_odd_parameters_are_taken_as_absent(client: httpx.Client) -> None:
    path = "/api/v1/timelines/tag/polgarrow"
    plain = client.get(path).json()
    for query in ({"limit": "many"}, {"max_id": "-3"}, {"min_id": "²"}, {"limit": "0"}):
        assert client.get(path, params=query).json() == plain
    assert client.get("/api/v2/search", params={"q": ""}).json()["statuses"] == []


def test_content_is_html_of_the_shape_that_instances_send() -> None:
    line = Line(
        id="x-1", at=0, school=None, via="mastodon", source="search:polgarrow", handle="polgarrowschool", name="P",
        official=True, kind="post", title=None, language="en", reply_to=None, has_image=True, image_alt="a gate",
        labels=(), story=None, note="", edits=(),
        text='<b>"Gate"</b> shut\n& locked\n\nsee https://a.example/x?a=1&b=2 #TeamGate @polgarrowschool @nobody',
    )  # fmt: skip
    with DemoServer([line], START) as server, httpx.Client(base_url=server.base_url) as client:
        (status,) = client.get("/api/v1/timelines/tag/teamgate").json()
        page = client.get(urlsplit(status["url"]).path)
    assert status["content"].startswith("<p>&lt;b&gt;&quot;Gate&quot;&lt;/b&gt; shut<br />&amp; locked</p><p>see <a ")
    assert '<a href="https://a.example/x?a=1&amp;b=2"' in status["content"]
    assert '#<span>TeamGate</span></a> <span class="h-card"' in status["content"]
    assert status["content"].endswith(" @nobody</p>")
    assert status["tags"][0]["name"] == "teamgate"
    assert status["media_attachments"][0]["description"] == "a gate"
    assert "<b>" not in page.text
    assert page.headers["content-security-policy"] == "default-src 'none'"


def test_a_feed_is_sound_rss_with_reviews_marked(client: httpx.Client, clock: Clock) -> None:
    clock.at = 164
    parsed = feedparser.parse(client.get("/feeds/teasel_lane.xml").content)
    assert not parsed.bozo
    wanted = [line for line in SCRIPT if line.source == "feed:teasel_lane" and line.at <= 164]
    assert [entry.id for entry in parsed.entries] == [f"urn:watcher-demo:{line.id}" for line in reversed(wanted)]
    reviews = [entry for entry in parsed.entries if entry.get("tags")]
    assert len(reviews) == sum(line.kind == "review" for line in wanted)
    (early,) = [entry for entry in parsed.entries if "calmed down" in entry.summary]
    clock.at = 165
    parsed = feedparser.parse(client.get("/feeds/teasel_lane.xml").content)
    (late,) = [entry for entry in parsed.entries if entry.id == early.id]
    assert late.summary != early.summary
    assert late.updated == "2026-11-20T09:02:45+00:00"
    assert late.published == early.published
    assert client.get(urlsplit(late.link).path).status_code == 200


def test_an_unchanged_feed_is_not_sent_twice(client: httpx.Client, clock: Clock) -> None:
    clock.at = 50
    first = client.get("/feeds/polgarrow.xml")
    again = client.get("/feeds/polgarrow.xml", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    clock.at = 60
    later = client.get("/feeds/polgarrow.xml", headers={"If-None-Match": first.headers["etag"]})
    assert later.status_code == 200


def test_a_second_start_goes_on_where_the_first_ended(tmp_path: Path) -> None:
    begun = datetime.now(UTC) - timedelta(seconds=100)
    path = "/api/v1/timelines/tag/cedarwell"
    server, started_at = resume(tmp_path / "demo", begun)
    with httpx.Client(base_url=server.base_url) as client:
        first = walk(client, path)
    server.stop()
    again, still = resume(tmp_path / "demo", datetime.now(UTC))
    with httpx.Client(base_url=again.base_url) as client:
        second = walk(client, path)
    again.stop()
    assert (started_at, still, again.port) == (begun, begun, server.port)
    assert first
    assert second[-len(first) :] == first


def test_a_taken_port_or_a_spoilt_note_says_what_to_do(tmp_path: Path) -> None:
    server, _ = resume(tmp_path, START)
    try:
        with pytest.raises(WatcherError, match="end the program that uses its port, or delete"):
            resume(tmp_path, START)
    finally:
        server.stop()
    (tmp_path / "demo.json").write_text('{"started_at": "2026-11-20T09:00:00", "port": 1}')
    with pytest.raises(WatcherError, match="no time zone"):
        resume(tmp_path, START)


def test_stopping_twice_is_harmless() -> None:
    server = DemoServer(SCRIPT, START).start()
    server.stop()
    server.stop()
    with pytest.raises(httpx.TransportError):
        httpx.get(server.base_url)


def test_the_server_says_nothing_of_what_is_posted(client: httpx.Client, capfd: pytest.CaptureFixture[str]) -> None:
    client.get("/api/v2/search", params={"q": "toilet"})
    client.get("/nowhere")
    assert capfd.readouterr() == ("", "")
