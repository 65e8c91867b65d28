"""Downloads of X, Facebook, Instagram and Google Takeout: what is read, what stays unopened, what is refused."""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._download import Find, Progress, read_download, recognised
from connectors._film import Channel, to_film
from connectors._items import BrokenError, Spot, csv_items, json_items
from connectors._meta_archive import mended
from connectors._tweet import Surroundings, to_post
from connectors.archive import ArchiveConnector
from connectors.errors import PermanentError
from connectors.post import Account

JSON = st.recursive(
    st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x), max_leaves=8
)
MANIFEST = (
    'window.__THAR_CONFIG = {"userInfo" : {"accountId" : "900", "userName" : "alderbrook", '
    '"displayName" : "Alderbrook Academy"}, "dataTypes" : {}}'
)
WHO = {
    "profile_user": [
        {
            "string_map_data": {
                "Email": {"value": "office@alderbrook.example"},
                "Username": {"value": "alderbrook.academy"},
                "Name": {"value": "Alderbrook Acad\u00c3\u00a9my"},
                "Private Account": {"value": "False"},
            }
        }
    ]
}
VIDEOS = "Takeout/YouTube and YouTube Music/video metadata/videos.csv"
COMMENTS = "Takeout/YouTube and YouTube Music/comments/comments.csv"
CHANNEL = "Takeout/YouTube and YouTube Music/channels/channel.csv"
CHANNELS = "Channel ID,Channel Title (Original),Channel Visibility\nUCalderbrook0000000000001,Alderbrook,Public\n"
HEAD = (
    "Comment ID,Channel ID,Comment Create Timestamp,Price,Parent Comment ID,Post ID,Video ID,Comment Text,"
    "Top-Level Comment ID\n"
)
PAGE_POSTS = "this_profile's_activity_across_facebook/posts/profile_posts_1.json"
IN_FACEBOOK = "your_facebook_activity/"
IN_INSTAGRAM = "your_instagram_activity/"
ABOUT_INSTAGRAM = "personal_information/personal_information/personal_information.json"


def tweets(*ids: int, text: str = "post", **more: Any) -> str:
    listed = [
        {
            "tweet": {
                "id_str": str(id_),
                "full_text": f"{text} {id_}",
                "created_at": "Sat Nov 19 21:12:51 +0000 2022",
                "lang": "en",
                **more,
            }
        }
        for id_ in ids
    ]
    return "window.YTD.tweets.part0 = " + json.dumps(listed, indent=2)


def archive_of_x(*ids: int, **more: Any) -> dict[str, str]:
    return {"data/manifest.js": MANIFEST, "data/tweets.js": tweets(*ids, **more)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "exports"
    made.mkdir()
    return made


@pytest.fixture
def account(folder: Path) -> Callable[..., Account]:
    def make(**changes: Any) -> Account:
        values = {"name": "alderbrook-history", "platform": "archive", "target": str(folder), "official": True}
        return Account(**{**values, **changes})

    return make


def packed(path: Path, members: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, body in members.items():
            file.writestr(name, body)
    return path


def unpacked(path: Path, members: Mapping[str, str | bytes]) -> Path:
    for name, body in members.items():
        where = path / name
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(body if isinstance(body, bytes) else body.encode())
    return path


class Watched:
    """A download in memory that notes which of its files are opened."""

    def __init__(self, members: Mapping[str, str]) -> None:
        self._members = members
        self.opened: set[str] = set()

    def names(self) -> Iterable[str]:
        return self._members.keys()

    def stamp(self, name: str) -> str:
        return str(len(self._members[name]))

    def check(self, name: str) -> None:
        pass

    def open(self, name: str) -> BinaryIO:
        self.opened.add(name)
        return io.BytesIO(self._members[name].encode())


PUBLIC: dict[str, dict[str, str]] = {
    "x": archive_of_x(1594080000000000001),
    "facebook": {
        IN_FACEBOOK + "posts/your_posts__check_ins__photos_and_videos_1.json": json.dumps(
            [{"timestamp": 1668892371, "data": [{"post": "Fair"}]}]
        ),
        IN_FACEBOOK + "comments_and_reactions/comments.json": json.dumps(
            {
                "comments_v2": [
                    {"timestamp": 1, "data": [{"comment": {"timestamp": 1668892371, "comment": "Thank you"}}]}
                ]
            }
        ),
    },
    "instagram": {
        ABOUT_INSTAGRAM: json.dumps(WHO),
        IN_INSTAGRAM + "media/posts_1.json": json.dumps(
            [{"media": [{"uri": "a.jpg", "creation_timestamp": 1668892371, "title": "Fair"}]}]
        ),
        IN_INSTAGRAM + "media/reels.json": json.dumps(
            {"ig_reels_media": [{"media": [{"uri": "a.mp4", "creation_timestamp": 1668892372, "title": "Reel"}]}]}
        ),
    },
    "youtube": {VIDEOS: HEAD, COMMENTS: HEAD, CHANNEL: CHANNELS},
}
PRIVATE = {
    "x": [
        "data/direct-messages.js", "data/direct-messages-group.js", "data/direct-message-headers.js", "data/like.js",
        "data/deleted-tweets.js", "data/tweet-headers.js", "data/ad-engagements.js", "data/contact.js",
        "data/twitter-circle-tweet.js", "data/community-tweet.js", "data/saved-search.js", "data/phone-number.js",
        "data/account.js", "data/email-address-change.js", "data/deleted-note-tweet.js", "data/grok-chat-item.js",
        "data/follower.js", "data/ip-audit.js", "data/periscope-comments-made-by-user.js",
    ],
    "facebook": [
        IN_FACEBOOK + "messages/inbox/bob_1/message_1.json", IN_FACEBOOK + "messages/archived_threads/a/message_1.json",
        IN_FACEBOOK + "messages/message_requests/a/message_1.json", IN_FACEBOOK + "stories/archived_stories.json",
        IN_FACEBOOK + "groups/group_posts_and_comments.json", IN_FACEBOOK + "groups/your_comments_in_groups.json",
        IN_FACEBOOK + "comments_and_reactions/likes_and_reactions_1.json", IN_FACEBOOK + "saved_items/your_saved.json",
        IN_FACEBOOK + "posts/your_drafts.json", IN_FACEBOOK + "posts/archive.json", IN_FACEBOOK + "posts/trash.json",
        "ads_information/advertisers.json", "logged_information/search/your_search_history.json",
        "personal_information/profile_information/profile_information.json", "connections/friends/your_friends.json",
        "security_and_login_information/account_activity.json", "personal_information/contacts/contacts.json",
    ],
    "instagram": [
        IN_INSTAGRAM + "messages/inbox/bob_1/message_1.json",
        IN_INSTAGRAM + "messages/message_requests/a/message_1.json",
        IN_INSTAGRAM + "media/stories.json", IN_INSTAGRAM + "media/archived_posts.json",
        IN_INSTAGRAM + "media/recently_deleted_content.json", IN_INSTAGRAM + "media/profile_photos.json",
        IN_INSTAGRAM + "likes/liked_posts.json", IN_INSTAGRAM + "saved/saved_posts.json",
        IN_INSTAGRAM + "comments/hype.json", "logged_information/recent_searches/word_or_phrase_searches.json",
        "connections/contacts/synced_contacts.json", "connections/followers_and_following/followers_1.json",
        "ads_information/ads_and_topics/ads_viewed.json", "security_and_login_information/login_activity.json",
        "security_and_login_information/logins_and_logouts.json", "security_and_login_information/signup.json",
    ],
    "youtube": [
        "Takeout/YouTube and YouTube Music/history/watch-history.json", "Takeout/Mail/All mail.mbox",
        "Takeout/YouTube and YouTube Music/history/search-history.json", "Takeout/Contacts/All Contacts/All.csv",
        "Takeout/YouTube and YouTube Music/live chats/live chats.csv", "Takeout/Chrome/BrowserHistory.json",
        "Takeout/YouTube and YouTube Music/subscriptions/subscriptions.csv",
        "Takeout/YouTube and YouTube Music/playlists/Watch later-videos.csv",
        "Takeout/Google Chat/Groups/messages.json",
        "Takeout/Location History/Records.json", "Takeout/Maps (your places)/Saved Places.json",
        "Takeout/YouTube and YouTube Music/video metadata/video texts.csv",
    ],
}  # fmt: skip


class TestUnread:
    """What is not public is not opened: not by mistake, not to see what it is."""

    @pytest.mark.parametrize("platform", PUBLIC)
    def test_no_other_file_is_ever_opened(self, platform: str, account) -> None:
        bundle = Watched({**PUBLIC[platform], **dict.fromkeys(PRIVATE[platform], "[")})
        find = Find(room=500, ends=time.monotonic() + 60)

        read_download(bundle, "download", account(), Progress(), find)

        assert bundle.opened == set(PUBLIC[platform])
        assert find.oddities == []

    @pytest.mark.parametrize("platform", PUBLIC)
    def test_broken_private_files_in_a_zip_are_never_noticed(self, platform: str, folder: Path, account, drain) -> None:
        secret = b"private words that nobody may read"
        path = packed(folder / "d.zip", {**PUBLIC[platform], **dict.fromkeys(PRIVATE[platform], secret * 9)})
        body = bytearray(path.read_bytes())
        with zipfile.ZipFile(path) as file:
            for name in PRIVATE[platform]:
                member = file.getinfo(name)
                start = member.header_offset + 30 + len(name.encode())
                body[start : start + member.compress_size] = b"\xff" * member.compress_size
        path.write_bytes(body)
        with zipfile.ZipFile(path) as file, pytest.raises((zipfile.BadZipFile, zlib.error)):
            file.read(PRIVATE[platform][0])

        reading = drain(ArchiveConnector(), account())

        assert reading.oddities == []
        assert {post.platform for post in reading.posts} <= {platform}

    @pytest.mark.parametrize("platform", PUBLIC)
    def test_private_files_in_a_folder_are_not_opened_either(self, platform: str, folder: Path, account, drain) -> None:
        unpacked(folder / "mine", PUBLIC[platform])
        for name in PRIVATE[platform]:
            where = folder / "mine" / name
            where.parent.mkdir(parents=True, exist_ok=True)
            os.mkfifo(where)  # to open it is told of, as it is no plain file

        reading = drain(ArchiveConnector(), account())

        assert reading.oddities == []
        assert len(reading.posts) == {"x": 1, "facebook": 2, "instagram": 2, "youtube": 0}[platform]

    @pytest.mark.parametrize("target", ["", "your_facebook_activity", "your_facebook_activity/messages/inbox/bob_1"])
    def test_nor_where_the_target_is_a_part_of_the_download(self, target: str, folder: Path, account, drain) -> None:
        where = folder / IN_FACEBOOK / "messages/inbox/bob_1"
        where.mkdir(parents=True)
        (where / "message_1.json").write_text('[{"id": "1", "text": "a private word"}]')

        reading = drain(ArchiveConnector(), account(target=str(folder / target)))

        assert reading.posts == []
        assert b"private" not in b"".join(one.raw for one in reading.oddities)

    def test_a_file_of_messages_is_no_file_of_records(self, folder: Path, account, drain) -> None:
        (folder / "message_1.json").write_text('[{"id": "1", "text": "a private word"}]')
        (folder / "posts.jsonl").write_text('{"id": "2", "text": "a public word"}\n')

        reading = drain(ArchiveConnector(), account())

        assert [post.id for post in reading.posts] == ["2"]
        assert [one.raw for one in reading.oddities] == [b""]

    def test_files_of_records_beside_a_download_are_still_read(self, folder: Path, account, drain) -> None:
        unpacked(folder, PUBLIC["x"])
        (folder / "old.csv").write_text("id,text\n1,one\n")

        assert {post.platform for post in drain(ArchiveConnector(), account()).posts} == {"x", "archive"}


class TestX:
    def test_a_post_is_the_same_by_both_ways(self, folder: Path, account, drain) -> None:
        sent = {
            "id_str": "1594080000000000001", "created_at": "Sat Nov 19 21:12:51 +0000 2022", "lang": "en",
            "full_text": "Cake &amp; carols https://t.co/a https://t.co/p",
            "entities": {"urls": [{"url": "https://t.co/a", "expanded_url": "https://a.example/?x=1&y=2"}]},
            "extended_entities": {
                "media": [{"id_str": "5", "url": "https://t.co/p", "type": "photo", "media_url_https": "https://p.example"}]
            },
        }  # fmt: skip
        live = {
            "id": "1594080000000000001", "created_at": "2022-11-19T21:12:51.000Z", "lang": "en", "author_id": "900",
            "text": sent["full_text"], "attachments": {"media_keys": ["3_5"]},
            "entities": {"urls": [
                {"url": "https://t.co/a", "expanded_url": "https://a.example/?x=1&y=2"},
                {"url": "https://t.co/p", "media_key": "3_5", "expanded_url": "https://x.com/a/status/1/photo/1"},
            ]},
        }  # fmt: skip
        packed(
            folder / "x.zip", {"data/manifest.js": MANIFEST, "data/tweets.js": f"x = {json.dumps([{'tweet': sent}])}"}
        )

        post = drain(ArchiveConnector(), account()).posts[0]
        other = to_post(live, Surroundings(users={}, tweets={}, media={"3_5": {"type": "photo"}}, owners=("900",)))

        assert (post.key, post.content_digest) == (other.key, other.content_digest)
        assert (post.created_at, post.author.id, post.author.official) == (other.created_at, "900", True)

    def test_a_long_post_is_taken_whole(self, folder: Path, account, drain) -> None:
        whole = "A long letter to all parents of the school, " * 9 + "see https://t.co/z"
        note = {
            "noteTweetId": "1", "createdAt": "2022-11-19T21:12:51.000Z",
            "core": {"text": whole, "urls": [{"shortUrl": "https://t.co/z", "expandedUrl": "https://z.example"}]},
        }  # fmt: skip
        members = archive_of_x(7, full_text=whole[:250] + "… https://t.co/q")
        members["data/note-tweet.js"] = "window.YTD.note_tweet.part0 = " + json.dumps([{"noteTweet": note}])
        packed(folder / "x.zip", members)

        reading = drain(ArchiveConnector(), account())

        assert reading.posts[0].text == whole.replace("https://t.co/z", "https://z.example")
        assert reading.posts[0].links == ("https://z.example",)
        assert reading.oddities == []

    def test_a_protected_accounts_posts_are_not_read(self, folder: Path, account, drain) -> None:
        members = archive_of_x(1)
        steps = [
            {"protectedHistory": {"protectedAt": "2022-01-02T00:00:00.000Z", "action": "Protect"}},
            {"protectedHistory": {"protectedAt": "2022-01-01T00:00:00.000Z", "action": "Unprotect"}},
        ]
        members["data/protected-history.js"] = "window.YTD.protected_history.part0 = " + json.dumps(steps)
        packed(folder / "x.zip", members)

        reading = drain(ArchiveConnector(), account())

        assert reading.posts == []
        assert ["protected" in one.why for one in reading.oddities] == [True]
        assert drain(ArchiveConnector(), account(), reading.cursor).oddities == []

    def test_an_edited_post_is_given_in_its_last_version(self, folder: Path, account, drain) -> None:
        both = ["1594090000000000001", "1594090000000000002"]
        now = {"edit": {"initialTweetId": both[0], "editControlInitial": {"editTweetIds": both}}}
        listed = json.loads(tweets(int(both[1]), text="now", edit_info=now).partition("= ")[2])
        listed += json.loads(
            tweets(int(both[0]), text="then", edit_info={"initial": {"editTweetIds": both}}).partition("= ")[2]
        )
        packed(folder / "x.zip", {"data/manifest.js": MANIFEST, "data/tweets.js": "x = " + json.dumps(listed)})
        (post,) = drain(ArchiveConnector(), account()).posts
        assert (post.id, post.text) == (both[0], f"now {both[1]}")
        assert post.edited_at is not None

    def test_all_parts_and_the_older_form_are_read(self, folder: Path, account, drain) -> None:
        account_js = 'window.YTD.account.part0 = [{"account": {"accountId": "900", "username": "alderbrook"}}]'
        old = tweets(3).replace('"tweet": ', '"other": ')
        unwrapped = "window.YTD.tweet.part0 = " + json.dumps([json.loads(old.partition("= ")[2])[0]["other"]])
        packed(
            folder / "x.zip",
            {
                "mine/data/account.js": account_js,
                "mine/data/tweets.js": tweets(1),
                "mine/data/tweets-part1.js": tweets(2),
                "mine/data/tweet.js": unwrapped,
            },
        )
        posts = drain(ArchiveConnector(), account()).posts
        assert sorted(post.id for post in posts) == ["1", "2", "3"]
        assert {post.author.handle for post in posts} == {"alderbrook"}


class TestMeta:
    @pytest.mark.parametrize(
        ("wrong", "right"),
        [
            ("caf\u00c3\u00a9", "café"),
            ("\u00e2\u0082\u00ac2", "€2"),
            ("\u00f0\u009f\u008e\u0084!", "🎄!"),
            ("caf\u00e9", "café"),
            ("日本 caf\u00c3\u00a9", "日本 café"),
            ("\u00c3\u00a9\u00c3\u00a9", "éé"),
            ("\u00e2\u0082", "\u00e2\u0082"),
            ("a\u00c2\u00a0b", "a\u00a0b"),
            ({"\u00c3\u00a9": ["\u00c3\u00a9", 5, None]}, {"é": ["é", 5, None]}),
        ],
    )
    def test_wrong_encoding_is_mended(self, wrong: Any, right: Any) -> None:
        assert mended(wrong) == right

    def test_what_was_not_for_everybody_is_left_out(self, folder: Path, account, drain) -> None:
        posts = [
            {"timestamp": 1, "data": [{"post": "public"}], "audience": "Public"},
            {"timestamp": 2, "data": [{"post": "friends"}], "audience": {"value": "FRIENDS"}},
            {"timestamp": 3, "data": [{"post": "custom"}, {"privacy": "Custom"}]},
            {"timestamp": 4, "data": [{"post": "group"}], "title": "Alderbrook posted in Year 4 parents."},
            {"timestamp": 5, "data": [{"post": "wall"}], "title": "Alderbrook wrote on Bob's timeline."},
        ]
        comments = [
            {"timestamp": 6, "data": [{"comment": {"comment": "in a group", "group": "Year 4 parents"}}]},
            {
                "timestamp": 7,
                "data": [{"comment": {"comment": "Thanks"}}],
                "title": "Alderbrook replied to Bob's comment.",
            },
        ]
        packed(
            folder / "f.zip",
            {
                PAGE_POSTS: json.dumps(posts),
                "this_profile's_activity_across_facebook/comments_and_reactions/comments.json": json.dumps(
                    {"comments_v2": comments}
                ),
            },
        )
        reading = drain(ArchiveConnector(), account())
        assert [(post.text, post.kind) for post in reading.posts] == [("public", "post"), ("Thanks", "reply")]
        assert reading.oddities == []

    def test_a_persons_profile_is_read_only_where_the_school_owns_it(self, folder: Path, account, drain) -> None:
        packed(folder / "f.zip", PUBLIC["facebook"])
        reading = drain(ArchiveConnector(), account(official=False))
        assert reading.posts == []
        assert ["official = true" in one.why for one in reading.oddities] == [True]
        assert len(drain(ArchiveConnector(), account(), reading.cursor).posts) == 2

    @pytest.mark.parametrize("official", [True, False])
    @pytest.mark.parametrize(("private", "count"), [("True", 0), ("False", 2)])
    def test_a_private_instagram_account_is_not_read(
        self, folder: Path, account, drain, private: str, count: int, official: bool
    ) -> None:
        about = json.dumps(WHO).replace('"value": "False"', f'"value": "{private}"')
        packed(folder / "i.zip", {**PUBLIC["instagram"], ABOUT_INSTAGRAM: about})
        reading = drain(ArchiveConnector(), account(official=official))
        assert len(reading.posts) == count
        assert len(reading.oddities) == (count == 0)

    def test_comments_on_instagram(self, folder: Path, account, drain) -> None:
        def said(text: str, owner: str, at: int) -> dict[str, Any]:
            return {
                "string_map_data": {
                    "Comment": {"value": text},
                    "Media Owner": {"value": owner},
                    "Time": {"timestamp": at},
                }
            }

        listed = [said("Merci \u00c3\u00a0 tous", "alderbrook.academy", 5), said("Nice", "bob", 6)]
        packed(
            folder / "i.zip",
            {**PUBLIC["instagram"], IN_INSTAGRAM + "comments/post_comments_1.json": json.dumps(listed)},
        )
        kinds = {post.text: post.kind for post in drain(ArchiveConnector(), account()).posts}
        assert kinds["Merci à tous"] == kinds["Nice"] == "comment"
        others = drain(ArchiveConnector(), account(official=False)).posts
        assert "Nice" not in {post.text for post in others}
        assert "Merci à tous" in {post.text for post in others}

    def test_the_same_post_has_the_same_id_in_every_download(self, folder: Path, account, drain) -> None:
        packed(folder / "one.zip", PUBLIC["facebook"])
        first = drain(ArchiveConnector(), account()).posts
        (folder / "one.zip").unlink()
        packed(folder / "two.zip", {**PUBLIC["facebook"], "start_here.html": "x"})
        assert {post.key for post in drain(ArchiveConnector(), account()).posts} == {post.key for post in first}
        assert {post.origin for post in first} == {"alderbrook-history"}


class TestTakeout:
    def rows(self, *rows: tuple[str, str, str, str, str]) -> str:
        lines = (
            f'{id_},UCalderbrook0000000000001,2023-09-19T17:42:53.434647+00:00,0,{parent},{page},{video},"{text}",\n'
            for id_, parent, page, video, text in rows
        )
        return HEAD + "".join(lines)

    def test_comments_are_read_but_for_those_under_hidden_videos(
        self, folder: Path, account, drain, golden: Path
    ) -> None:
        rows = self.rows(
            ("Ug1", "", "", "pubVideo001", '{""text"":""Thank ""},{""text"":""you""}'),
            ("Ug1.a", "Ug1", "", "pubVideo001", '{""takeoutSegments"":[{""text"":""Yes""}]}'),
            ("Ug2", "", "", "priVideo001", "hidden"),
            ("Ug3", "", "", "unlVideo001", "hidden"),
            ("Ug4", "", "", "otherVideo1", "plain words"),
            ("Ug5", "", "UgPost", "", "on a post"),
        )
        videos = (golden / "archive" / "youtube.sent.csv").read_text()
        packed(folder / "t.zip", {VIDEOS: videos, COMMENTS: rows, CHANNEL: CHANNELS})
        posts = {post.id: post for post in drain(ArchiveConnector(), account()).posts}
        assert set(posts) == {"pubVideo001", "Ug1", "Ug1.a", "Ug4", "Ug5"}
        assert (posts["Ug1"].text, posts["Ug1"].kind, posts["Ug1"].reply_to) == ("Thank you", "comment", "pubVideo001")
        assert (posts["Ug1.a"].text, posts["Ug1.a"].kind, posts["Ug1.a"].reply_to) == ("Yes", "reply", "Ug1")
        assert posts["Ug5"].thread == "UgPost"
        assert {post.author.official for post in posts.values()} == {True}

    def test_a_video_is_the_same_by_both_ways(self, folder: Path, account, drain, golden: Path) -> None:
        packed(folder / "t.zip", {VIDEOS: (golden / "archive" / "youtube.sent.csv").read_text()})
        snippet = {
            "channelId": "UCalderbrook0000000000001", "title": "Winter concert", "publishedAt": "2022-11-19T21:12:51Z",
            "description": "Carols in the hall.\nMore: https://www.alderbrook.example/carols",
        }  # fmt: skip
        live = to_film({"kind": "youtube#video", "id": "pubVideo001", "snippet": snippet}, Channel(id="x"))
        (post,) = drain(ArchiveConnector(), account()).posts
        assert (post.key, post.content_digest, post.created_at) == (live.key, live.content_digest, live.created_at)

    def test_reviews(self, folder: Path, account, drain) -> None:
        name = "accounts/100/locations/200/reviews/AbC"
        review = {
            "name": name, "starRating": "TWO", "comment": "The bus was late.", "createTime": "2022-01-01T08:00:00Z",
            "updateTime": "2022-01-01T08:00:00Z", "reviewer": {"displayName": "A parent"},
            "reviewReply": {"comment": "We are sorry.", "updateTime": "2022-01-02T08:00:00Z"},
        }  # fmt: skip
        written = {
            "type": "Feature",
            "properties": {
                "date": "2022-03-01T08:00:00Z", "five_star_rating_published": 5,
                "review_text_published": "Good museum.",
                "location": {"name": "A museum"}, "google_maps_url": "https://maps.example/1",
            },
        }  # fmt: skip
        packed(
            folder / "t.zip",
            {
                "Takeout/Google Business Profile/account-1/location-2/reviews.json": json.dumps({"reviews": [review]}),
                "Takeout/Maps (your places)/Reviews.json": json.dumps(
                    {"type": "FeatureCollection", "features": [written]}
                ),
            },
        )
        reading = drain(ArchiveConnector(), account())
        assert reading.oddities == []
        assert [(post.id[:9], post.kind, post.text) for post in reading.posts] == [
            ("AbC", "review", "2 of 5 stars\n\nThe bus was late."),
            ("AbC/reply", "reply", "We are sorry."),
            ("sha256:" + reading.posts[2].id[7:9], "review", "5 of 5 stars\n\nGood museum."),
        ]
        assert {post.platform for post in reading.posts} == {"google_reviews"}


class TestHostile:
    def refused(self, path: Path, account: Callable[..., Account], why: str) -> None:
        """The file alone is an error; among others it is told of once, and the others are read."""
        with pytest.raises(PermanentError, match=why):
            ArchiveConnector().fetch(account(target=str(path)), None)
        (path.parent / "good.jsonl").write_text('{"id": "1", "text": "x"}\n')
        page = ArchiveConnector().fetch(account(), None)
        assert [post.id for post in page.posts] == ["1"]
        assert len(page.oddities) == 1
        assert ArchiveConnector().fetch(account(), page.cursor).oddities == ()

    @pytest.mark.parametrize("body", [b"", b"PK\x03\x04" + b"x" * 500, b"no zip at all", b"PK\x05\x06" + b"\xff" * 18])
    def test_what_is_no_zip_file(self, folder: Path, account, body: bytes) -> None:
        (folder / "d.zip").write_bytes(body)
        self.refused(folder / "d.zip", account, "no zip file, or not whole")

    def test_a_zip_file_that_breaks_off(self, folder: Path, account) -> None:
        path = packed(folder / "d.zip", archive_of_x(*range(100)))
        path.write_bytes(path.read_bytes()[:-30])
        self.refused(path, account, "not whole")

    @pytest.mark.parametrize("name", ["../out.js", "/etc/passwd", "a/../../b.js", "..\\out.js", "C:\\out.js"])
    def test_names_that_lead_out(self, folder: Path, account, name: str) -> None:
        self.refused(packed(folder / "d.zip", {**archive_of_x(1), name: "x"}), account, "outside of itself")

    def test_a_link(self, folder: Path, account) -> None:
        path = packed(folder / "d.zip", {"data/manifest.js": MANIFEST})
        link = zipfile.ZipInfo("data/tweets.js")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        with zipfile.ZipFile(path, "a") as file:
            file.writestr(link, "/etc/passwd")
        self.refused(path, account, "link")

    def test_an_encrypted_one(self, folder: Path, account) -> None:
        path = packed(folder / "d.zip", archive_of_x(1))
        body = bytearray(path.read_bytes())
        at = body.find(b"PK\x01\x02")
        while at >= 0:
            body[at + 8] |= 1
            at = body.find(b"PK\x01\x02", at + 4)
        path.write_bytes(body)
        self.refused(path, account, "encrypted")

    def test_a_bomb(self, folder: Path, account) -> None:
        path = folder / "d.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("data/manifest.js", MANIFEST)
            with file.open("data/tweets.js", "w") as member:
                for _ in range(60):
                    member.write(b" " * 1_000_000)
        tracemalloc.start()
        try:
            self.refused(path, account, "bombs")
            assert tracemalloc.get_traced_memory()[1] < 20_000_000
        finally:
            tracemalloc.stop()

    def test_a_bomb_that_nobody_asks_for_does_not_go_off(self, folder: Path, account, drain) -> None:
        packed(folder / "d.zip", {**archive_of_x(1), "data/direct-messages.js": b" " * 30_000_000})
        assert [post.id for post in drain(ArchiveConnector(), account()).posts] == ["1"]

    def test_too_many_members(self, folder: Path, account) -> None:
        path = folder / "d.zip"
        names = [f"m/{number}".encode() for number in range(100_001)]
        heads = b"".join(struct.pack("<4s6H3I5H2I", b"PK\1\2", *[0] * 9, len(name), *[0] * 6) + name for name in names)
        path.write_bytes(heads + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(heads), 0, 0))
        self.refused(path, account, "more than 100000 files")

    def test_thousands_of_members_are_no_trouble(self, folder: Path, account, drain) -> None:
        members: dict[str, str | bytes] = {f"data/tweets_media/{n}.jpg": b"" for n in range(5000)}
        packed(folder / "d.zip", {**members, **archive_of_x(1)})
        assert [post.id for post in drain(ArchiveConnector(), account()).posts] == ["1"]

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_a_name_that_is_there_twice(self, folder: Path, account) -> None:
        path = packed(folder / "d.zip", archive_of_x(1))
        with zipfile.ZipFile(path, "a") as file:
            file.writestr("data/tweets.js", tweets(2))
        self.refused(path, account, "twice")

    def test_another_way_of_packing(self, folder: Path, account) -> None:
        with zipfile.ZipFile(folder / "d.zip", "w", zipfile.ZIP_LZMA) as file:
            file.writestr("data/tweets.js", tweets(1))
        self.refused(folder / "d.zip", account, "unusual way")

    def test_a_zip_file_of_something_else(self, folder: Path, account) -> None:
        self.refused(packed(folder / "d.zip", {"letters/bob.json": "[]"}), account, "no download of X")

    def test_web_pages_must_be_asked_for_again_as_json(self, folder: Path, account) -> None:
        path = packed(folder / "d.zip", {IN_FACEBOOK + "posts/your_posts_1.html": "<html>"})
        self.refused(path, account, "JSON")

    def test_another_language_must_be_asked_for_again(self, folder: Path, account) -> None:
        path = packed(folder / "d.zip", {"Takeout/YouTube und YouTube Music/Kommentare/Kommentare.csv": "x"})
        self.refused(path, account, "English")

    def test_a_part_that_is_broken_is_told_of_once_and_the_others_are_read(self, folder: Path, account, drain) -> None:
        path = packed(folder / "d.zip", {**archive_of_x(1), "data/tweets-part1.js": tweets(*range(100, 200))})
        with zipfile.ZipFile(path) as file:
            at = file.getinfo("data/tweets-part1.js").header_offset + 80
        body = bytearray(path.read_bytes())
        body[at : at + 40] = b"\xff" * 40
        path.write_bytes(body)
        reading = drain(ArchiveConnector(), account())
        assert [post.id for post in reading.posts] == ["1"]
        assert ["data/tweets-part1.js in it is broken" in one.why for one in reading.oddities] == [True]
        assert drain(ArchiveConnector(), account(), reading.cursor).oddities == []

    def test_odd_items_are_set_aside_and_the_rest_goes_on(self, folder: Path, account, drain) -> None:
        listed = [
            '{"tweet": {"id_str": "1"}}',
            "5",
            "null",
            '"x"',
            "[" * 300 + "]" * 300,
            '{"tweet": {"id_str": "x"}}',
        ]
        good = json.dumps({"tweet": {"id_str": "9", "full_text": 'good \\ "quoted" ] }', "lang": "en"}})
        packed(folder / "d.zip", {"data/tweets.js": f"x = [{', '.join(listed)}, {good}]"})
        reading = drain(ArchiveConnector(page_size=2), account())
        assert [post.text for post in reading.posts] == ['good \\ "quoted" ] }']
        assert len(reading.oddities) == 6
        assert reading.oddities[0].why.startswith("d.zip, data/tweets.js, item 1: ")

    def test_latin_letters_that_are_no_utf_8_are_set_aside(self, folder: Path, account, drain) -> None:
        body = tweets(1, 2).encode().replace(b"post 1", b"caf\xe9")
        packed(folder / "d.zip", {"data/tweets.js": body})
        reading = drain(ArchiveConnector(), account())
        assert [post.id for post in reading.posts] == ["2"]
        assert "not UTF-8" in reading.oddities[0].why

    def test_names_and_texts_that_no_store_can_hold(self, folder: Path, account, drain) -> None:
        body = tweets(1).replace("post 1", "a \\ud800 b \\u0000")
        packed(folder / os.fsdecode(b"caf\xe9.zip"), {"data/tweets.js": body, "data/tweets-part1.js": "["})
        (folder / os.fsdecode(b"caf\xe9.jsonl")).write_text('{"id": "1", "text": "x"}\nnonsense\n')
        reading = drain(ArchiveConnector(), account())
        assert {post.text for post in reading.posts} == {"a \ufffd b \ufffd", "x"}
        assert len(reading.oddities) == 2
        for text in (*(one.why for one in reading.oddities), *(json.dumps(p.as_dict()) for p in reading.posts)):
            text.encode()
        for post in reading.posts:
            post.origin.encode()

    def test_links_in_a_folder_that_lead_out(self, folder: Path, account, drain, tmp_path: Path) -> None:
        (tmp_path / "elsewhere.js").write_text(tweets(1))
        (folder / "data").mkdir()
        (folder / "data" / "tweets.js").symlink_to(tmp_path / "elsewhere.js")
        reading = drain(ArchiveConnector(), account())
        assert reading.posts == []
        assert ["leads out" in one.why for one in reading.oddities] == [True]


class TestPages:
    @pytest.mark.parametrize("form", ["zip", "folder"])
    @pytest.mark.parametrize("size", [1, 7, 100])
    def test_a_cursor_goes_on_exactly(self, folder: Path, account, form: str, size: int) -> None:
        members = {**archive_of_x(*range(1, 40)), "data/tweets-part1.js": tweets(*range(40, 60))}
        unpacked(folder / "x", members) if form == "folder" else packed(folder / "x.zip", members)
        seen: list[str] = []
        cursor, more = None, True
        while more:
            page = ArchiveConnector(page_size=size).fetch(account(), cursor)
            assert len(page.posts) <= size
            again = ArchiveConnector(page_size=size).fetch(account(), cursor)
            assert again.posts == page.posts
            seen += [post.id for post in page.posts]
            cursor, more = page.cursor, page.more
        assert sorted(map(int, seen)) == list(range(1, 60))
        assert ArchiveConnector().fetch(account(), cursor).posts == ()

    def test_rows_go_on_exactly_too(self, folder: Path, account, drain) -> None:
        rows = TestTakeout().rows(*((f"Ug{n}", "", "", "vid", f"line one\nline two, {n}") for n in range(25)))
        packed(folder / "t.zip", {COMMENTS: "\ufeff" + rows})
        reading = drain(ArchiveConnector(page_size=4), account())
        assert sorted(post.text for post in reading.posts) == sorted(f"line one\nline two, {n}" for n in range(25))
        assert reading.oddities == []

    def test_a_renamed_zip_is_not_read_again_and_a_new_one_is(self, folder: Path, account, drain) -> None:
        path = packed(folder / "x.zip", archive_of_x(1))
        reading = drain(ArchiveConnector(), account())
        path.rename(folder / "y.zip")
        assert drain(ArchiveConnector(), account(), reading.cursor).posts == []
        packed(folder / "y.zip", archive_of_x(1, 2))
        later = drain(ArchiveConnector(), account(), reading.cursor)
        assert sorted(post.id for post in later.posts) == ["1", "2"]

    def test_what_the_live_platform_gives_can_be_left_to_it(self, folder: Path, account, drain) -> None:
        packed(folder / "x.zip", archive_of_x(1))
        reading = drain(ArchiveConnector(until="2022-11-19"), account())
        assert reading.posts == []
        assert len(drain(ArchiveConnector(until="2022-11-20"), account(), reading.cursor).posts) == 1
        with pytest.raises(PermanentError, match="2026-09-01"):
            ArchiveConnector(until="yesterday")

    def test_a_huge_download_is_read_with_little_memory(self, folder: Path, account) -> None:
        with zipfile.ZipFile(folder / "x.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            file.writestr("data/manifest.js", MANIFEST)
            with file.open("data/tweets.js", "w") as member:
                member.write(b"window.YTD.tweets.part0 = [\n")
                for n in range(1, 30_000):
                    noise = os.urandom(700).hex()
                    item = {"tweet": {"id_str": str(n), "full_text": f"post {n}", "source": noise}}
                    member.write(json.dumps(item).encode() + b",\n")
                member.write(b'{"tweet": {"id_str": "30000", "full_text": "last"}}]')
        state = ArchiveConnector(page_size=10).fetch(account(), None).cursor
        assert state is not None
        rest = len(json.dumps({"tweet": {"id_str": "", "full_text": "post ", "source": "x" * 1400}})) + 2
        late = json.loads(state.state)
        (parts,) = (one["parts"] for one in late["downloads"].values())
        parts["data/tweets.js"][1][0] = 28 + sum(len(str(n)) * 2 + rest for n in range(1, 29_001))
        tracemalloc.start()
        try:
            first = ArchiveConnector(page_size=10).fetch(account(), None)
            cursor = type(state)(state=json.dumps(late))
            page = ArchiveConnector(page_size=10).fetch(account(), cursor)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert [post.id for post in first.posts] == [str(n) for n in range(1, 11)]
        assert [post.id for post in page.posts] == [str(n) for n in range(29_001, 29_011)]
        assert peak < 8_000_000


class TestItems:
    @settings(max_examples=60, deadline=None)
    @given(values=st.lists(JSON), indent=st.sampled_from([None, 1]), inner=st.booleans())
    def test_a_walk_that_begins_anew_after_each_item_gives_the_same(
        self, values: list[Any], indent: int | None, inner: bool
    ) -> None:
        body = json.dumps({"skip": [1], "mine": values, "rest": {}} if inner else values, indent=indent).encode()
        file, spot, found = io.BytesIO(body), Spot(), []
        while (item := next(json_items(file, spot, frozenset(["mine"])), None)) is not None:
            found.append(item.value)
            spot = item.after
        assert found == values == self.read(body, "mine")

    def read(self, body: bytes, *lists: str) -> list[Any]:
        return [item.value for item in json_items(io.BytesIO(body), Spot(), frozenset(lists))]

    @pytest.mark.parametrize(
        ("body", "values"),
        [
            (b"[]", []),
            (b"", []),
            (b"{}", [{}]),
            (b'[1, "a]", {"b": [2, "}"]}, null ]', [1, "a]", {"b": [2, "}"]}, None]),
            (b'\xef\xbb\xbf[{"a": "\\""}]', [{"a": '"'}]),
            (b'{"timestamp": 1, "data": [1]}', [{"timestamp": 1, "data": [1]}]),
            (b'{"other": [1], "mine": [2, 3], "sub": {"mine": [4]}, "n": 1}', [2, 3]),
            (b'window.YTD.tweets.part0 = [ {"a": 1} ]', [{"a": 1}]),
        ],
    )
    def test_what_a_file_holds(self, body: bytes, values: list[Any]) -> None:
        assert self.read(body, "mine") == values

    @pytest.mark.parametrize("body", [b"[1", b'[{"a": "b', b"[" + b'"' + b"x" * 5_000_000, b"[" + b"[" * 5_000_000])
    def test_a_file_that_breaks_off_or_never_ends(self, body: bytes) -> None:
        begun = time.process_time()
        with pytest.raises(BrokenError):
            self.read(body)
        assert time.process_time() - begun < 20

    def test_a_text_longer_than_a_stretch_is_read_whole(self) -> None:
        text = "x" * 200_000
        assert self.read(json.dumps([text, {"a": text}, 1]).encode()) == [text, {"a": text}, 1]

    def test_a_line_without_end_is_told(self) -> None:
        with pytest.raises(BrokenError, match="1 MB"):
            list(csv_items(io.BytesIO(b"a,b\n" + b"x" * 2_000_000), Spot()))

    def test_nothing_is_recognised_without_a_sign(self) -> None:
        assert recognised(["a.csv", "posts.json"]) is None


PLACES = {
    "x.sent.js": "data/tweets.js",
    "facebook.sent.json": PAGE_POSTS,
    "instagram.sent.json": IN_INSTAGRAM + "media/posts_1.json",
    "youtube.sent.csv": VIDEOS,
}


@pytest.mark.parametrize("name", PLACES)
def test_golden_pairs(folder: Path, account, drain, golden: Path, name: str) -> None:
    beside = {"data/manifest.js": MANIFEST, ABOUT_INSTAGRAM: json.dumps(WHO), CHANNEL: CHANNELS}
    kept = {place: body for place, body in beside.items() if place.split("/")[0] == PLACES[name].split("/")[0]}
    if name.startswith("instagram"):
        kept = {ABOUT_INSTAGRAM: json.dumps(WHO)}
    packed(folder / "d.zip", {**kept, PLACES[name]: (golden / "archive" / name).read_bytes()})
    reading = drain(ArchiveConnector(), account())
    becomes = (golden / "archive" / name).with_name(name.partition(".")[0] + ".becomes.json")
    assert reading.oddities == []
    assert [post.as_dict() for post in reading.posts] == json.loads(becomes.read_text())


def test_times_are_in_utc(folder: Path, account, drain) -> None:
    packed(folder / "x.zip", archive_of_x(1))
    assert drain(ArchiveConnector(), account()).posts[0].created_at == datetime(2022, 11, 19, 21, 12, 51, tzinfo=UTC)
