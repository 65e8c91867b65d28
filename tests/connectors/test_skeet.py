"""Post views of the AT protocol as posts: texts, byte offsets, embeds, times and what is hostile in them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._skeet import read_view, speaks_of, web_link
from connectors.post import Media, Oddity, Post

DID = "did:plc:wren1"
URI = f"at://{DID}/app.bsky.feed.post/3m5a"


def view(**record: Any) -> dict[str, Any]:
    whole = {"$type": "app.bsky.feed.post", "text": "", "createdAt": "2026-11-20T08:00:00Z", **record}
    return {
        "uri": URI,
        "author": {"did": DID, "handle": "wren.example"},
        "record": whole,
        "indexedAt": "2026-11-20T09:00:00Z",
    }


def post(**record: Any) -> Post:
    found = read_view(view(**record), own=None)
    assert isinstance(found, Post)
    return found


def facet(start: Any, end: Any, kind: str = "link", **feature: Any) -> dict[str, Any]:
    feature = feature or {"uri": "https://alderbrook.example/"}
    index = {"byteStart": start, "byteEnd": end}
    return {"index": index, "features": [{"$type": f"app.bsky.richtext.facet#{kind}", **feature}]}


@settings(max_examples=60, deadline=None)
@given(
    before=st.text(max_size=30), name=st.from_regex(r"[a-z]{1,9}\.example", fullmatch=True), after=st.text(max_size=9)
)
def test_offsets_count_bytes(before: str, name: str, after: str) -> None:
    start = len(before.encode())
    marked = [facet(start, start + len(name) + 1, "mention", did="did:plc:other")]
    told = view(text=f"{before}@{name}{after}", facets=marked)
    assert speaks_of(told, did="did:plc:other")
    assert speaks_of(told, handle=name)
    assert not speaks_of(told, did="did:plc:another")


@pytest.mark.parametrize(
    ("text", "tag", "handle"),
    [
        ("Wet again #alderweek", True, False),
        ("#ALDERWEEK, again", True, False),
        ("Dry again #alderweekend", False, False),
        ("#alderweek_2 and #alderweekend, not #alderweek.", True, False),
        ("alderweek without a sign", False, False),
        ("Ask @alder.example.", False, True),
        ("(@Alder.example)", False, True),
        ("Ask @alder.example.test or @alder.examples", False, False),
    ],
)
def test_a_tag_or_a_handle_is_not_how_a_longer_one_begins(text: str, tag: bool, handle: bool) -> None:
    assert speaks_of(view(text=text), tag="AlderWeek") is tag
    assert speaks_of(view(text=text), handle="alder.example") is handle


@pytest.mark.parametrize(
    ("start", "end", "linked"),
    [
        (5, 9, True),
        (0, 4, True),
        (1, 4, False),
        (0, 3, False),
        (4, 4, False),
        (9, 5, False),
        (5, 99, False),
        (-4, 4, False),
        ("5", 9, False),
        (None, None, False),
        (5.0, 9, False),
        (10**30, 10**31, False),
    ],
)
def test_a_facet_within_a_sign_or_outside_of_the_text_is_none(start: Any, end: Any, linked: bool) -> None:
    found = post(text="🦉 here", facets=[facet(start, end), "odd", None, {"index": 3}, {"index": {}, "features": 5}])
    assert found.links == (("https://alderbrook.example/",) if linked else ())
    assert found.text == "🦉 here"


def test_facets_that_overlap_are_dropped_and_the_rest_are_in_the_texts_order() -> None:
    marked = [
        facet(6, 9, uri="https://b.example/"),
        facet(0, 5, uri="https://a.example/"),
        facet(3, 7, uri="https://over.example/"),
        facet(9, 10, uri="javascript:alert(1)"),
    ]
    assert post(text="0123456789", facets=marked).links == ("https://a.example/", "https://b.example/")


@pytest.mark.parametrize(
    ("uri", "link"),
    [
        (URI, f"https://bsky.app/profile/{DID}/post/3m5a"),
        ("at://did:web:school.example/app.bsky.feed.post/1", "https://bsky.app/profile/did:web:school.example/post/1"),
        (f"at://{DID}/app.bsky.feed.generator/news", f"https://bsky.app/profile/{DID}/feed/news"),
        (f"at://{DID}/app.bsky.graph.list/3k", f"https://bsky.app/profile/{DID}/lists/3k"),
        (f"at://{DID}/app.bsky.graph.starterpack/3k", f"https://bsky.app/starter-pack/{DID}/3k"),
        (f"at://{DID}/app.bsky.labeler.service/self", f"https://bsky.app/profile/{DID}"),
        (f"at://{DID}/app.bsky.feed.like/3k", None),
        (f"at://{DID}/app.bsky.feed.post/3k/../../x", None),
        ("https://bsky.app/profile/x/post/y", None),
        (None, None),
        (5, None),
    ],
)
def test_at_uris_lead_to_the_web(uri: Any, link: str | None) -> None:
    assert web_link(uri) == link


def test_a_picture_without_a_view_is_named_by_its_blob() -> None:
    images = [{"alt": "An owl", "image": {"$type": "blob", "ref": {"$link": "bafkreiowl"}}}, {"alt": 5}, "odd"]
    found = post(embed={"$type": "app.bsky.embed.images", "images": images})
    address = f"https://cdn.bsky.app/img/feed_fullsize/plain/{DID}/bafkreiowl@jpeg"
    assert found.media == (
        Media(kind="image", url=address, alt="An owl"),
        Media(kind="image"),
        Media(kind="image"),
    )


def test_the_same_post_by_a_view_and_by_a_notification_is_one_version() -> None:
    embed = {"$type": "app.bsky.embed.images", "images": [{"alt": "An owl", "image": {"ref": {"$link": "b"}}}]}
    bare, whole = view(embed=embed), view(embed=embed)
    shown = {"$type": "app.bsky.embed.images#view", "images": [{"fullsize": "https://cdn.example/1", "alt": "An owl"}]}
    whole |= {"embed": shown, "likeCount": 3}
    one, two = read_view(bare, own=None), read_view(whole, own=None)
    assert isinstance(one, Post)
    assert isinstance(two, Post)
    assert one.content_digest == two.content_digest
    assert two.media[0].url == "https://cdn.example/1"


@pytest.mark.parametrize(
    "embed", [5, [], {"$type": 7}, {"$type": "app.bsky.embed.new", "x": 1}, {"$type": "app.bsky.embed.record"}]
)
def test_an_embed_that_is_not_known_loses_nothing_else(embed: Any) -> None:
    found = post(text="words", embed=embed)
    assert (found.text, found.media, found.links) == ("words", (), ())


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        ("2026-11-20T08:00:00.123456789Z", datetime(2026, 11, 20, 8, 0, 0, 123456, tzinfo=UTC)),
        ("2026-11-20T09:30:00+01:30", datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("2026-11-20T08:00:00", datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("soon", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        (None, datetime(2026, 11, 20, 9, tzinfo=UTC)),
        (5, datetime(2026, 11, 20, 9, tzinfo=UTC)),
    ],
)
def test_times_are_in_utc_and_one_that_cannot_be_read_is_the_servers(told: Any, moment: datetime) -> None:
    assert post(createdAt=told).created_at == moment


@pytest.mark.parametrize(
    ("langs", "language"), [(["cy", "en"], "cy"), ([], None), (None, None), ("en", None), ([5, "en"], "en")]
)
def test_languages(langs: Any, language: str | None) -> None:
    assert post(langs=langs).language == language


@pytest.mark.parametrize(
    "odd",
    [
        5,
        None,
        [],
        {},
        {**view(), "uri": "at://x"},
        {**view(), "author": {"did": "did:plc:other"}},
        {**view(), "author": {"did": 5}},
        {**view(), "author": None},
        {**view(), "record": None},
        {**view(), "record": {"text": None}},
    ],
)
def test_what_is_no_post_is_set_aside(odd: Any) -> None:
    found = read_view(odd, own=None)
    assert isinstance(found, Oddity)
    assert found.raw


def test_hostile_texts_are_kept_can_be_stored_and_cost_little() -> None:
    texts = ["\U0001f600" * 20_000, "\u202eevil", "a\x00b", "\ud800", "e" + "\u0301" * 200_000, "\u2028\u2029"]
    begun = time.process_time()
    for text in texts:
        found = post(text=text, facets=[facet(n, n + 4) for n in range(0, 4000, 4)])
        found.text.encode()
        assert "\x00" not in found.text
        assert len(found.text) == len(text)
    assert time.process_time() - begun < 5
