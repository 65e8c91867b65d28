"""HTML to plain text: what a reader sees, and in linear time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._html import clean, looks_like_html, plain, web_address
from connectors.post import Media


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>One<br>two</p><p>three</p>", "One\ntwo\n\nthree"),
        ("a &lt;b&gt; &amp; c &#8217;", "a <b> & c ’"),
        ("1 < 2 and 3 > 2 <3", "1 < 2 and 3 > 2 <3"),
        ("x<script>alert('<p>no</p>')</script>y", "xy"),
        ("x<style>p{}</style>y<!-- no > no -->z", "xyz"),
        ("<title>no</title>yes", "yes"),
        ("<ul><li>one</li><li>two</li></ul>", "one\n\ntwo"),
        ("<b>bold</b><i>ly</i>", "boldly"),
        ('<a title="a > b" href="/x">link</a>', "link"),
        ('a <img src=x onerror="alert(1)"> b', "a b"),
        ('<img class="emoji" alt="🙂" src="/e.png"> hi', "🙂 hi"),
        ("a<", "a<"),
        ("<![CDATA[kept]]>", "kept]]>"),
        ("never <b closed", "never <b closed"),
        ("<<b>>", "<>"),
        ("<a href='unclosed>text</a>", "text"),
        ("line\nbreaks  are\tspaces", "line breaks are spaces"),
        ("a\u00a0b\x00c\ud800d", "a b\ufffdc\ufffdd"),
        ("<svg onload=alert(1)>no</svg>yes<svg/>!", "yes!"),
        ("<P>One</P><DIV>two</DIV>", "One\n\ntwo"),
        ("", ""),
    ],
)
def test_text_is_what_a_reader_sees(source: str, text: str) -> None:
    assert plain(source).text == text


def test_mastodon_links_are_whole_again_and_mentions_are_no_links() -> None:
    found = plain(
        '<p><span class="h-card"><a href="https://m.example/@hill" class="u-url mention">@<span>hill</span></a></span> '
        '<a href="https://m.example/tags/fair" class="mention hashtag">#<span>fair</span></a> see '
        '<a href="https://hillcrest.example/a?b=1&amp;c=2"><span class="invisible">https://</span>'
        '<span class="ellipsis">hillcrest.example/a?b</span><span class="invisible">=1&amp;c=2</span></a></p>'
    )
    assert found.text == "@hill #fair see https://hillcrest.example/a?b=1&c=2"
    assert found.links == ("https://hillcrest.example/a?b=1&c=2",)


def test_links_and_pictures_are_absolute_and_of_the_web() -> None:
    found = plain(
        '<a href="/p">p</a><a href="javascript:alert(1)">j</a><a href="mailto:a@b.example">m</a><a href="/p">again</a>'
        '<img src="/i.png" alt="A &quot;pupil&quot; &amp; a dog"><video src="v.mp4"></video><img src="data:x">',
        "https://h.example/dir/",
    )
    assert found.links == ("https://h.example/p",)
    assert found.media == (
        Media(kind="image", url="https://h.example/i.png", alt='A "pupil" & a dog'),
        Media(kind="video", url="https://h.example/dir/v.mp4"),
    )


@pytest.mark.parametrize(
    "piece",
    [
        "<!--",
        '<a "',
        "<a '",
        '<b ">" ',
        "<",
        "</script",
        "<script>",
        "<br",
        "&",
        "&lt;",
        "<p>",
        "<!",
        "<?",
        "\n ",
        '<a x="',
    ],
)
def test_hostile_markup_takes_time_that_grows_with_its_length(piece: str) -> None:
    """The square of this length would take minutes; the bound is generous for a busy machine."""
    begun = time.process_time()
    plain(piece * (400_000 // len(piece)) + "'")
    assert time.process_time() - begun < 5


@given(st.text())
def test_any_text_can_be_read_and_stored(text: str) -> None:
    found = plain(text)
    found.text.encode()
    assert "\0" not in found.text


@given(st.text(alphabet=st.characters(exclude_characters="<&\x00", exclude_categories=("Cs",))))
def test_text_without_markup_loses_white_space_only(text: str) -> None:
    assert plain(text).text.split() == clean(text).split() or not text.isprintable()


def test_plain_text_with_known_tags_looks_like_html_and_other_brackets_do_not() -> None:
    assert looks_like_html("a <IMG src=x>")
    assert looks_like_html("a</p>")
    assert not looks_like_html("a <3 b, List<String>, 1<2, <name>")


@pytest.mark.parametrize(
    "reference", ["", "mailto:a@b.example", "javascript:x", "http://", "http://[bad", "/no/base", "x"]
)
def test_what_is_no_web_address_is_none(reference: str) -> None:
    assert web_address(reference) is None
