"""What a platform lets nobody keep for longer loses its text and author in time, on both databases."""

from __future__ import annotations

from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select
from starlette.testclient import TestClient

from connectors.approval import KEEPS
from connectors.post import Author, Media, Post
from tests.watcher.test_recheck import DAY, HOUR, Again, Source, platform_is
from tests.watcher.test_service import NOW, OWN, make, settings, under_own
from watcher.config import load
from watcher.correction import Correction
from watcher.enrolment import apply
from watcher.store import Store
from watcher.store import schema as t
from watcher.store.engine import reading, writing
from watcher.store.views import IncidentView, PostView
from watcher.web.application import make as pages

ANGRY = "Shame on you, said Robin Vale {criticism=0.9}"


def said(platform: str, number: int, text: str = ANGRY, **more: object) -> Post:
    author = Author(id=f"urn:li:person:{number}", name="Robin Vale")
    return under_own(number, text, platform=platform, origin="", author=author, raw=b"Robin Vale", **more)


@dataclass
class Limited(Again):
    """A house whose posts come from a platform with a limit, none of which it gives a second time."""

    platform: str

    def bring(self, *posts: Post) -> None:
        own = replace(OWN, platform=self.platform, origin="")
        self.source.silent_on = frozenset(post.id for post in posts)
        self.house.bring(own, *posts)

    def rows(self, post_id: str) -> list[Any]:
        query = select(t.version).join(t.post, t.post.c.id == t.version.c.post).where(t.post.c.post_id == post_id)
        with reading(self.store.engine) as connection:
            return list(connection.execute(query.order_by(t.version.c.id)))

    def matter(self) -> tuple[IncidentView, PostView]:
        view = self.store.views.incident(self.store.views.incidents(limit=5)[0].reference)
        assert view is not None
        return view, view.posts[0]


def limited(store: Store, folder: Path, platform: str, more: str = "") -> Limited:
    settings(folder)
    file = folder / "watcher.toml"
    file.write_text(file.read_text().replace('platform = "mastodon"', f'platform = "{platform}"') + more)
    chosen = load(file)
    apply(chosen, store, "watcher.toml", NOW)
    house, source = make(store, chosen), Source()
    house.connectors["hillcrest"] = source
    return Limited(house, source, store, platform)


def test_a_matters_text_goes_in_time_and_everything_else_of_it_stays(store: Store, tmp_path: Path) -> None:
    house = limited(store, tmp_path, "linkedin")
    house.bring(said("linkedin", 3, media=(Media(kind="image", url="https://x.example/p", alt="Robin Vale"),)))
    house.at(NOW + 47 * HOUR)
    before, shown = house.matter()
    assert shown.post.text == ANGRY
    house.at(NOW + 49 * HOUR)
    view, shown = house.matter()
    assert (view.incident.reference, view.incident.state) == (before.incident.reference, before.incident.state)
    assert (shown.post.text, shown.post.author, shown.post.links) == ("", None, ())
    assert shown.post.media == (Media(kind="image"),)
    assert shown.post.url == "https://social.example/3"
    assert [f.concern for f in shown.flags] == ["criticism"]
    assert [v.scores["criticism"] for v in shown.verdicts] == [0.9]
    assert shown.erased == "LinkedIn lets nobody keep this longer than 48 hours after it was fetched"
    (told,) = [event.detail for event in view.events if event.what == "erased"]
    assert "LinkedIn comment is not kept any more" in told
    (row,) = house.rows("3")
    assert b"Robin" not in row.raw
    assert "Robin" not in str(row.body)


def test_the_author_goes_before_the_text_and_the_schools_own_posts_stay(store: Store, tmp_path: Path) -> None:
    house = limited(store, tmp_path, "linkedin")
    house.bring(said("linkedin", 3))
    house.at(NOW + 25 * HOUR)
    (row,) = house.rows("3")
    assert (row.body["author"], row.body["text"], row.raw) == (None, ANGRY, b"")
    house.source.silent_on |= {"1"}
    house.at(NOW + 400 * HOUR)
    assert house.rows("1")[0].body["text"] == OWN.text


def test_the_limit_holds_also_where_nobody_knows_any_more_who_brought_a_post(store: Store, tmp_path: Path) -> None:
    house = limited(store, tmp_path, "linkedin")
    house.bring(said("linkedin", 3))
    with writing(store.engine) as connection:
        connection.execute(delete(t.sighting))
    house.at(NOW + 49 * HOUR)
    assert house.rows("3")[0].body["text"] == ""


def test_what_was_fetched_again_in_time_stays(store: Store, tmp_path: Path) -> None:
    house = limited(store, tmp_path, "linkedin")
    house.bring(said("linkedin", 3))
    house.source.silent_on = frozenset()
    for hours in range(2, 96, 2):
        house.at(NOW + hours * HOUR)
    assert house.matter()[1].post.text == ANGRY
    assert house.matter()[1].post.author is not None


@pytest.mark.parametrize("platform", ["linkedin", "youtube", "google_reviews"])
def test_where_the_platform_agreed_a_matter_keeps_its_text_and_nothing_else_does(
    store: Store, tmp_path: Path, platform: str
) -> None:
    record = (
        f'[[approvals]]\nplatform = "{platform}"\nby = "Pat"\non = 2026-11-01\nreference = "1"\nkeeps = "{KEEPS}"\n'
    )
    house = limited(store, tmp_path, platform, record)
    house.bring(said(platform, 3), said(platform, 4, "See you there"))
    house.at(NOW + 31 * DAY)
    house.house.service.purge(NOW + 31 * DAY)
    assert house.matter()[1].post.text == ANGRY
    assert not house.is_kept("4")


def test_what_no_matter_rests_on_loses_its_text_at_once_and_goes_with_the_purge(store: Store, tmp_path: Path) -> None:
    house = limited(store, tmp_path, "linkedin")
    house.bring(said("linkedin", 4, "See you there, Robin"))
    house.at(NOW + 49 * HOUR)
    assert [row.body["text"] for row in house.rows("4")] == [""]
    house.house.service.purge(NOW + 49 * HOUR)
    assert not house.is_kept("4")


def test_youtube_has_thirty_days_also_for_what_was_deleted_there_and_for_the_schools_own(
    store: Store, tmp_path: Path
) -> None:
    house = limited(store, tmp_path, "youtube")
    house.bring(said("youtube", 3))
    house.source.silent_on, house.source.now = frozenset({"1"}), {"3": None}
    for days in range(1, 30):
        house.at(NOW + days * DAY)
    assert house.matter()[1].post.text == ANGRY
    house.at(NOW + 33 * DAY)
    assert house.matter()[1].post.text == ""
    assert house.rows("1")[0].body["text"] == ""


def test_an_older_version_goes_as_it_cannot_be_fetched_any_more(store: Store, tmp_path: Path) -> None:
    house = limited(store, tmp_path, "linkedin")
    house.bring(said("linkedin", 3))
    house.source.silent_on = frozenset()
    house.source.now = {"3": said("linkedin", 3, "Shame on all {criticism=0.9}")}
    for hours in range(2, 96, 2):
        house.at(NOW + hours * HOUR)
    assert [row.body["text"] for row in house.rows("3")] == ["", "Shame on all {criticism=0.9}"]


def test_what_is_without_text_is_no_edit_and_nobody_judges_it_anew(store: Store, tmp_path: Path) -> None:
    house = limited(store, tmp_path, "linkedin")
    house.bring(said("linkedin", 3))
    house.at(NOW + 49 * HOUR)
    house.source.silent_on = frozenset()
    house.at(NOW + 3 * DAY)
    assert len(house.rows("3")) == 1
    assert not any(event.what == "edited" for event in house.matter()[0].events)
    assert store.posts.expect("another@2") == 1, "the school's own post is read again, the one without text is not"
    store.matters.reopen_for({"hillcrest": "newer@9"})
    house.house.settle(NOW + 3 * DAY)
    assert [flag.concern for flag in house.matter()[1].flags] == ["criticism"]


def test_copies_of_mails_lose_what_they_quoted_and_keep_their_head(store: Store, tmp_path: Path) -> None:
    house = limited(store, tmp_path, "linkedin")
    house.bring(said("linkedin", 3, "Shame on this fair {criticism=0.9}"))
    (before,) = house.matter()[0].notices
    assert b"Shame" in before.message
    house.at(NOW + 49 * HOUR)
    (after,) = house.matter()[0].notices
    was, mail = (message_from_bytes(m.message, policy=policy.default) for m in (before, after))
    assert b"Shame" not in after.message
    assert {name: mail[name] for name in ("Subject", "To", "Message-ID", "Date")} == {
        name: was[name] for name in ("Subject", "To", "Message-ID", "Date")
    }
    assert "not kept any more" in mail.get_content()


def test_nothing_is_taught_by_a_post_without_text(store: Store, tmp_path: Path) -> None:
    house = limited(store, tmp_path, "linkedin")
    house.bring(said("linkedin", 3))
    (found,) = store.corrections.flagged(house.matter()[0].incident.reference)
    said_so = Correction(mention=found.mention, label="criticism", decision="confirmed", by="Pat", at=NOW)
    assert store.corrections.keep([said_so]) == 1
    assert len(store.corrections.of(["hillcrest"])) == 1
    house.at(NOW + 49 * HOUR)
    assert store.corrections.of(["hillcrest"]) == ()


def test_what_the_models_have_not_read_waits_for_them(store: Store, tmp_path: Path) -> None:
    house = limited(store, tmp_path, "linkedin")
    house.bring(said("linkedin", 4, "See you there"))
    with store.writing() as connection:
        connection.execute(t.version.update().values(read_by=None))
    store.storage.honour(NOW + 9 * DAY)
    store.purge.purge(NOW + 9 * DAY)
    assert house.rows("4")[0].body["text"] == "See you there"


def test_the_page_says_why_there_is_no_text(store: Store, tmp_path: Path) -> None:
    house = limited(store, tmp_path, "linkedin")
    house.bring(said("linkedin", 3))
    house.at(NOW + 49 * HOUR)
    reference = house.matter()[0].incident.reference
    client = TestClient(pages(store, is_alive=lambda: True, public_url=None), base_url="http://127.0.0.1:8030")
    shown = client.get(f"/incidents/{reference}").text
    assert "The text is not kept any more." in shown
    assert "LinkedIn lets nobody keep this longer than 48 hours after it was fetched" in shown
    assert "Robin" not in shown


def test_what_a_download_brought_was_not_read_there(store: Store, tmp_path: Path) -> None:
    house = limited(store, tmp_path, "mastodon")
    house.platform = "youtube"
    house.bring(said("youtube", 3))
    assert store.storage.honour(NOW + 60 * DAY) == 0
    with platform_is("youtube", house.house):
        assert store.storage.honour(NOW + 60 * DAY) == 2
        assert store.storage.honour(NOW + 60 * DAY) == 0
