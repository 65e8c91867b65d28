"""The weekly page: what is said first, what changed, how long it takes to read, and that it names nobody."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import sheet
from alerts.digest import Blind, Digest, Line, Past, Speed, Tone, week_before, week_bounds, week_last_year
from alerts.excerpt import Excerpt
from alerts.render import digest_mail
from alerts.topic import TOPICS, told
from tests.alerts.test_render import HEAD, letter, page, read, visible

AT = datetime(2026, 11, 12, 8, 15, tzinfo=UTC)
LONG = (
    "We cannot thank the staff enough for all that they did for our daughter this year, she has grown so much and "
    "loves going to school every single day, what a wonderful place this is, thank you all so very much indeed"
)


def line(number: int, state: str = "open", **more: Any) -> Line:
    values: dict[str, Any] = {
        "reference": f"WT-ABCDE{number}",
        "school": "Hillcrest Primary",
        "concerns": ("criticism", "cyberbullying"),
        "state": state,
        "clause": "WMAT 8.1.9 ¶2",
        "opened_at": AT - timedelta(days=number),
        "posts": 12,
        "link": f"https://watcher.trust.example/incidents/WT-ABCDE{number}",
    }
    return Line(**(values | more))


def busy() -> Digest:
    """A week in which nearly everything happened."""
    return Digest(
        scope="Hillcrest Primary",
        week="2026-W46",
        read=4120,
        mentions=380,
        tone=Tone(criticism=150, praise=120, other=110),
        flags={"criticism": 150, "praise": 120},
        opened=9,
        matters=(
            *(line(n, overdue=n < 3) for n in range(14)),
            *(line(n, "resolved") for n in range(20, 31)),
        ),
        praise=(Excerpt(text=LONG),) * 3,
        blind=tuple(
            Blind(source=f"hillcrest-page-{n}", platform="facebook", since=AT, until=AT + timedelta(days=1))
            for n in range(9)
        ),
        unread={"language": 12, "picture": 30, "too_long": 1},
        link="https://watcher.trust.example/",
        before=Past(week="2026-W45", mentions=300, tone=Tone(criticism=100, praise=150, other=50), opened=4),
        year_ago=Past(week="2025-W46", mentions=410, tone=Tone(criticism=10, praise=300, other=100)),
        topics=told({"hill": {topic: 3 * n for n, topic in enumerate(TOPICS)}}),
        taken=Speed(matters=7, half_within=135),
        closed=Speed(matters=11, half_within=3000),
        pence=1230,
    )


def words(text: str) -> int:
    return len(re.findall(r"\w[\w’'.,:/-]*", text))


def test_a_busy_week_is_read_in_two_minutes() -> None:
    _, text, html = read(digest_mail(busy(), HEAD, letter()))
    assert words(visible(html)) <= 450
    # The text names each link as well.
    assert words(re.sub(r"https?://\S+", "", text)) <= 450


def test_nothing_needs_you_comes_first_when_it_is_so() -> None:
    quiet = replace(busy(), matters=(line(1, "resolved"), line(2, "in_progress")))
    mail, text, html = read(digest_mail(quiet, HEAD, letter()))
    assert text.splitlines()[0] == "NOTHING NEEDS YOU"
    assert visible(html).index("Nothing needs you") < 140
    assert mail["Subject"] == "[Watcher] Week 2026-W46 – Hillcrest Primary"


def test_what_needs_somebody_is_counted_whole_however_little_is_listed() -> None:
    shown = sheet.shown(busy())
    assert shown["headline"] == "14 matters need somebody, 3 overdue"
    assert [one.overdue for one in shown["waiting"]][:3] == [True] * 3
    assert shown["more_waiting"] == "and 9 more"
    assert shown["more_others"] == "and 9 more"
    late = replace(busy(), matters=tuple(line(n, overdue=True) for n in range(8)))
    assert sheet.shown(late)["more_waiting"] == "and 3 more, 3 of them overdue"


def test_what_changed_is_said_in_words() -> None:
    assert sheet.changed(busy()) == (
        "380 posts spoke of us: 80 more than last week and 30 fewer than in the same week last year. "
        "Against last week, criticism is up by 50 and praise is down by 30."
    )
    first = replace(busy(), before=None, year_ago=None, mentions=1)
    assert sheet.changed(first) == "1 post spoke of us."
    assert "Nothing was watched in the same week last year (2025-W46)." in sheet.shown(first)["unwatched"]
    same = replace(busy(), mentions=300, tone=Tone(criticism=100, praise=150, other=50), year_ago=None)
    assert "as many as last week. Against last week, criticism is the same" in sheet.changed(same)


def test_the_table_of_the_text_holds_the_numbers_of_the_chart() -> None:
    _, text, html = read(digest_mail(busy(), HEAD, letter()))
    for numbers in (("380", "150", "110", "120"), ("300", "100", "50", "150"), ("410", "10", "100", "300")):
        assert re.search(r"\s+".join((r"\)", *numbers)), text), numbers
        assert " ".join(numbers) in visible(html)
    assert {"#b5541c", "#8d9499", "#1d70b8"} <= set(re.findall(r'bgcolor="(#\w+)"', html))
    assert page(html).fetched == []
    widths = [int(n) for n in re.findall(r"[;\"]width:(\d+)%;background-color:#", html.replace(" ", ""))]
    assert widths == [parts for row in sheet.rows(busy()) for parts in (row.criticism, row.other, row.praise)]


@given(st.lists(st.tuples(*[st.integers(0, 100_000)] * 3), min_size=1, max_size=3))
def test_bars_never_leave_their_room_and_nobody_is_invisible(tones: list[tuple[int, int, int]]) -> None:
    pasts = [Past(week="2026-W45", mentions=sum(t), tone=Tone(criticism=t[0], praise=t[1], other=t[2])) for t in tones]
    now, *others = [*pasts, None, None][:3]
    assert now is not None
    week = replace(busy(), mentions=now.mentions, tone=now.tone, before=others[0], year_ago=others[1])
    for row in sheet.rows(week):
        parts = (row.criticism, row.other, row.praise)
        assert row.rest >= 0
        assert all(part >= 0 for part in parts)
        assert [part > 0 for part in parts] == [n > 0 for n in (row.tone.criticism, row.tone.other, row.tone.praise)]


def test_topics_show_less_than_five_and_never_the_number() -> None:
    week = replace(busy(), topics=told({"hill": {"Sport": 17, "Staffing": 4, "Food and lunches": 1}}))
    _, text, html = read(digest_mail(week, HEAD, letter()))
    flat = visible(html)
    assert "Sport 17 · Staffing <5 · Food and lunches <5" in flat
    assert re.search(r"Staffing +<5", text)


@pytest.mark.parametrize(
    ("taken", "closed", "said"),
    [
        (Speed(), Speed(), []),
        (Speed(matters=1, half_within=25), Speed(), ["1 matter was taken in hand, after 25 minutes."]),
        (
            Speed(matters=3, half_within=150),
            Speed(matters=2, half_within=4320),
            [
                "3 matters were taken in hand, half of them within 2 hours.",
                "2 matters were closed, half of them within 3 days.",
            ],
        ),
    ],
)
def test_how_fast_matters_were_handled(taken: Speed, closed: Speed, said: list[str]) -> None:
    assert list(sheet.speeds(replace(busy(), taken=taken, closed=closed))) == said


def test_what_reading_cost() -> None:
    assert sheet.spending(busy()) == "Reading the platforms cost £12.30."
    assert sheet.spending(replace(busy(), pence=None)) == "Nothing that was read cost anything."


def test_the_same_week_last_year_also_where_years_have_53_weeks() -> None:
    assert week_last_year("2026-W46") == "2025-W46"
    assert week_last_year("2026-W53") == "2025-W52"
    assert week_last_year("2027-W01") == "2026-W01"
    assert week_last_year("2021-W52") == "2020-W52"
    assert week_before("2027-W01") == "2026-W53"
    assert week_before("2026-W01") == "2025-W52"
    with pytest.raises(ValueError, match="2026-W46"):
        week_last_year("last week")


@given(st.integers(2000, 2090), st.integers(1, 52))
def test_the_same_week_last_year_is_a_year_away(year: int, week: int) -> None:
    name = f"{year:04}-W{week:02}"
    apart = week_bounds(name, "UTC")[0] - week_bounds(week_last_year(name), "UTC")[0]
    assert apart in (timedelta(weeks=52), timedelta(weeks=53))


def _light(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("paper", ["#ffffff", "#16191c"])
def test_the_bars_can_be_told_from_the_paper_light_and_dark(paper: str) -> None:
    """WCAG 1.4.11: three to one."""
    _, _, html = read(digest_mail(busy(), HEAD, letter()))
    colours = set(re.findall(r'bgcolor="(#\w+)" height="14"', html))
    assert len(colours) == 3
    for colour in colours:
        dark, light = sorted((_light(colour), _light(paper)))
        assert (light + 0.05) / (dark + 0.05) >= 3, colour
