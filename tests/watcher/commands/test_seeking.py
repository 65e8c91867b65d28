"""`watcher terms` and `watcher mentions` as an operator and a program meet them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from alerts.mention import Mention
from connectors.post import Page, Post
from tests.watcher.commands.conftest import Command
from watcher.config import load
from watcher.enrolment import apply
from watcher.store import Store

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
SEARCH = '[[accounts]]\nname = "words"\nplatform = "bluesky"\nreads = ["search"]\nschool = "hill"\n'


def stored(whole: Path) -> Store:
    """The settings' store with one post of which it is unclear whether it is about the school."""
    store = Store(f"sqlite:///{whole.parent}/watcher.db")
    store.migrate()
    apply(load(whole), store, "watcher.toml", NOW)
    account = next(state for state in store.accounts.all() if state.account.platform == "bluesky")
    one = Post(platform="bluesky", id="at://1", kind="post", text="see you at Hillcrest", url="https://b.example/1")
    store.accounts.succeeded(account, Page(posts=(one,), cursor=None), NOW, 180)
    with store.writing() as connection:
        for seen in store.posts.unmatched(10):
            said = Mention(school="hill", relevance="unclear", reason="holds the school's short name alone")
            store.matters.matched(connection, seen, (said,), NOW)
    return store


def test_terms_shows_queries_costs_and_terms(watcher: Command, whole: Path, change: Callable[..., None]) -> None:
    change(more=SEARCH)
    report = watcher("terms", "hill", "--json").lines[0]
    assert set(report) == {"queries", "left", "terms"}
    own = [row for row in report["queries"] if row["account"]]
    assert [(row["platform"], row["query"]) for row in own] == [("bluesky", '"Hillcrest Primary School"')]
    assert all(row["length"] <= row["at_most"] for row in report["queries"])
    shown = watcher("terms", "hill")
    assert shown.code == 0
    assert "Hillcrest Primary School" in shown.out
    assert "Searches without an account are made by nobody" in shown.err
    unknown = watcher("terms", "mill")
    assert (unknown.code, "known are hill" in unknown.err) == (1, True)


def test_a_program_hears_of_a_mention_that_is_not_there_as_json(
    watcher: Command, whole: Path, change: Callable[..., None]
) -> None:
    change(more=SEARCH)
    [none] = watcher("mentions", "--json").lines
    assert (set(none), none["type"]) == ({"error", "type"}, "StoreError")
    stored(whole)
    gone = watcher("mentions", "999", "--json")
    assert (gone.code, gone.err) == (1, "")
    assert gone.lines == [{"error": "there is no mention 999; see watcher mentions --unclear", "type": "WatcherError"}]
    wrong = watcher("mentions", "--about", "hill", "--json")
    assert (wrong.code, wrong.lines[0]["type"]) == (2, "UsageError")


def test_a_person_says_which_school_a_post_is_about(watcher: Command, whole: Path, change: Callable[..., None]) -> None:
    change(more=SEARCH)
    store = stored(whole)
    [row] = watcher("mentions", "--unclear", "--json").lines
    assert (row["school"], row["relevance"], row["url"], row["answer"]) == (
        "hill",
        "unclear",
        "https://b.example/1",
        None,
    )
    assert "text" not in row
    number = str(row["number"])
    assert watcher("mentions", number, "--json").lines[0]["text"] == "see you at Hillcrest"
    assert "see you at Hillcrest" in watcher("mentions", number).out
    assert "see you" not in watcher("mentions").out
    wrong = watcher("mentions", number, "--about", "mill")
    assert (wrong.code, "known are hill" in wrong.err) == (2, True)
    assert watcher("mentions", "--about", "hill").code == 2
    assert watcher("mentions", "77", "--about", "hill").code == 1
    assert watcher("mentions", number, "--about", "none", "--about", "hill").code == 2
    said = watcher("mentions", number, "--about", "hill", "--by", "Jo Moore", "--json")
    assert said.lines == [{"about": ["hill"], "judged_again": ["hill"]}]
    assert watcher("mentions", "--unclear", "--json").lines == []
    [after] = watcher("mentions", "--json").lines
    assert (after["relevance"], after["answer"]["about"], after["answer"]["by"]) == ("yes", "hill", "Jo Moore")
    assert "about none of the schools" in watcher("mentions", number, "--about", "none").out
    store.close()
