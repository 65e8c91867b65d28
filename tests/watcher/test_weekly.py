"""A week as its reader may see it: figures of both databases, and no trace of what they must not know."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from alerts.digest import Digest, Speed
from alerts.topic import Topic
from connectors.post import Author, Post
from connectors.tariff import POUNDS
from tests.watcher.test_service import NOW, OWN, House, body, make, settings, under_own
from watcher.app import pack_of
from watcher.enrolment import apply
from watcher.store import Store
from watcher.store import schema as t
from watcher.telling import Teller

MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
WEEK = "2026-W47"
# A post costs half a cent at its platform; here half a penny, so that a few of them show.
PRICE = 5_000
SAID = (
    "The uniform costs a fortune {criticism=0.9}",
    "What a lovely nativity, thank you {praise=0.9}",
    "Two weeks without heating, shame {criticism=0.9}",
    "Is there parking on Friday?",
    "The lunches were great {praise=0.9}",
    "Reporter here, may we quote you? {press=0.9}",
)
ACCUSED = (
    "The headteacher Mrs Moore slapped my son over his uniform, I saw it {criticism=0.9}",
    "Mrs Moore stole the PTA money, the choir saw it {criticism=0.9}",
    "Lovely fair but the headteacher Mrs Moore hit a child {praise=0.9 criticism=0.9}",
)


def bring(house: House, posts: Sequence[Post], at: datetime) -> None:
    """Have posts found, and paid for by the piece."""
    if not posts:
        return
    house.bring(*posts, now=at)
    row: dict[str, object] = {
        "app": "x",
        "platform": "x",
        "account": "hillcrest",
        "school": "hillcrest",
        "unit": POUNDS,
    }
    row |= {"reserved": PRICE * len(posts), "settled": PRICE * len(posts), "posts": len(posts), "again": 0}
    with house.store.writing() as connection:
        connection.execute(t.spend.insert().values(**row, at=at, delete_after=at + timedelta(days=400)))


def preview(house: House, at: datetime = MONDAY, week: str = WEEK, scope: str = "hillcrest") -> tuple[Digest, bytes]:
    return Teller(house.store, house.settings, pack_of).preview(scope, week, at)


def number(house: House) -> None:
    """Give the matters that anybody may know of references in order; they are drawn by lot."""
    with house.store.writing() as connection:
        rows = connection.scalars(select(t.incident.c.id).where(t.incident.c.about.is_(None)).order_by(t.incident.c.id))
        for place, row in enumerate(rows.all()):
            connection.execute(update(t.incident).where(t.incident.c.id == row).values(reference=f"WT-{place:05}"))


def world(folder: Path, seed: int, *, accused: bool) -> House:
    """Three weeks of a school, the same for the same seed, with or without accusations of its Head between."""
    draw = random.Random(seed)
    folder.mkdir()
    store = Store(f"sqlite:///{folder}/watcher.db")
    store.migrate()
    chosen = settings(folder)
    apply(chosen, store, "watcher.toml", NOW - timedelta(days=400))
    house = make(store, chosen)
    bring(house, [OWN], NOW - timedelta(days=371))
    n = 10
    for days in (371, 370, 8, 7, 3, 2, 1, 0):
        at = NOW - timedelta(days=days)
        ordinary = [under_own(n + i, f"{draw.choice(SAID)} {i}", created_at=at) for i in range(draw.randint(1, 5))]
        hidden = [
            under_own(n + 50 + i, f"{draw.choice(ACCUSED)} {i}", created_at=at) for i in range(draw.randint(0, 2))
        ]
        n += 100
        bring(house, ordinary, at)
        if accused:
            bring(house, hidden, at + timedelta(seconds=30))
    about = [i for i in store.views.incidents(limit=500) if i.about]
    assert bool(about) == accused
    for incident, state in zip(about, ("acknowledged", "dismissed"), strict=False):
        store.incidents.set_state(incident.reference, state, "looked into", NOW + timedelta(hours=1))
    number(house)
    return house


@pytest.mark.parametrize("seed", range(4))
def test_the_accused_reads_the_same_bytes_with_and_without_the_matter(tmp_path: Path, seed: int) -> None:
    without, along = (world(tmp_path / str(a), seed, accused=a) for a in (False, True))
    (shown, mail), (also, same) = preview(without), preview(along)
    assert shown == also
    assert mail == same
    assert shown.pence is not None
    assert shown.before is not None
    assert shown.year_ago is not None
    others, _ = preview(along, scope="northmere")
    assert others.mentions > shown.mentions
    assert len(others.matters) > len(shown.matters)


def test_nor_does_it_show_a_year_later_when_the_posts_are_gone(tmp_path: Path) -> None:
    year = timedelta(days=364)
    found = []
    for accused in (False, True):
        house = world(tmp_path / str(accused), 3, accused=accused)
        for days in (100, 190, 300, 364):
            apply(house.settings, house.store, "watcher.toml", NOW + timedelta(days=days))
            house.store.purge.purge(NOW + timedelta(days=days))
        week, mail = preview(house, at=MONDAY + year, week="2027-W47")
        found.append((week, mail))
        assert week.year_ago is not None
        assert week.year_ago.mentions > 0
    assert found[0] == found[1]


@pytest.fixture
def house(store: Store, tmp_path: Path) -> House:
    chosen = settings(tmp_path)
    apply(chosen, store, "watcher.toml", NOW - timedelta(days=30))
    return make(store, chosen)


def test_a_week_in_figures(house: House) -> None:
    last = NOW - timedelta(days=7)
    bring(house, [OWN, under_own(2, SAID[0], created_at=last)], last)
    bring(house, [under_own(n, f"{SAID[0]} {n}") for n in range(10, 16)], NOW)
    bring(house, [under_own(20, SAID[1]), under_own(21, f"{SAID[1]} 21"), under_own(22, SAID[4])], NOW)
    references = [i.reference for i in house.store.views.incidents(limit=9) if "criticism" in i.concerns]
    assert house.store.incidents.set_state(references[0], "acknowledged", "mine", NOW + timedelta(hours=2))
    assert house.store.incidents.set_state(references[0], "resolved", "done", NOW + timedelta(days=1))
    week, mail = preview(house)
    assert (week.mentions, week.tone.criticism, week.tone.praise) == (9, 6, 3)
    assert week.before is not None
    assert (week.before.week, week.before.mentions, week.before.tone.criticism) == ("2026-W46", 2, 1)
    assert week.year_ago is None
    assert week.topics == (
        Topic(name="Uniform and appearance", posts=6),
        Topic(name="Money and donations", posts=6),
        Topic(name="Food and lunches", posts=None),
        Topic(name="Events and performances", posts=None),
    )
    assert week.taken.matters == week.closed.matters == 1
    assert week.closed.half_within - week.taken.half_within == 22 * 60
    # Nine posts at half a penny, told to the next ten pence.
    assert week.pence == 10
    assert b"Uniform and appearance" in mail


def test_a_week_without_anything_has_no_figures_to_compare_with(house: House) -> None:
    week, _ = preview(house)
    assert (week.taken, week.closed, week.pence, week.year_ago) == (Speed(), Speed(), None, None)
    # It was watched then, and nothing was said.
    assert week.before is not None
    assert week.before.mentions == 0


def test_another_schools_source_does_not_make_a_week_a_watched_one(store: Store, tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    apply(chosen, store, "watcher.toml", NOW - timedelta(days=30))
    with store.writing() as connection:
        connection.execute(update(t.account).where(t.account.c.name == "hillcrest").values(added_at=NOW))
    house = make(store, chosen)
    assert preview(house)[0].before is None
    assert preview(house, scope="dene")[0].before is not None


def test_what_an_official_account_says_is_no_topic(house: House) -> None:
    bring(house, [OWN, *(replace(OWN, id=f"9{n}", text="The uniform sale") for n in range(6))], NOW)
    assert preview(house)[0].topics == ()


def test_praise_names_neither_pupil_nor_author(house: House) -> None:
    author = Author(id="a1", handle="jo_parent", name="Jo Parent")
    bring(house, [OWN, under_own(2, "Thank you! Jo Parent (@jo_parent) {praise=0.9}", author=author)], NOW)
    week, mail = preview(house)
    assert len(week.praise) == 1
    text = mail.decode().casefold()
    assert "thank you" in text
    assert "jo parent" not in text
    assert "jo_parent" not in text


def test_sunday_belongs_to_its_own_week_in_summer(house: House) -> None:
    """A week begins at local midnight, which is Sunday evening in UTC; the Sunday before counts for the week before."""
    sunday = datetime(2026, 7, 12, 12, tzinfo=UTC)
    bring(house, [OWN, under_own(2, SAID[1], created_at=sunday)], NOW)
    week, _ = preview(house, week="2026-W29")
    assert week.tone.praise == 0
    assert week.before is not None
    assert week.before.tone.praise == 1


def test_a_matter_is_overdue_when_what_was_promised_is_past(house: House) -> None:
    bring(house, [OWN, under_own(2, SAID[0])], NOW)
    reference = house.store.views.incidents(limit=1)[0].reference
    promised = NOW + timedelta(hours=3)
    with house.store.writing() as connection:
        connection.execute(update(t.incident).where(t.incident.c.reference == reference).values(act_by=promised))
    before, after = (preview(house, at=promised + timedelta(minutes=m))[0].matters for m in (-1, 1))
    assert [(m.reference, m.overdue) for m in (*before, *after)] == [(reference, False), (reference, True)]


def test_shared_reading_is_paid_by_all_and_a_schools_own_by_itself(house: House) -> None:
    def pay(school: str | None, pence: int) -> None:
        row: dict[str, object] = {
            "app": "x",
            "platform": "x",
            "account": "search",
            "school": school,
            "unit": POUNDS,
            "posts": 1,
        }
        row |= {"reserved": pence * 10_000, "settled": pence * 10_000, "at": NOW}
        with house.store.writing() as connection:
            connection.execute(t.spend.insert().values(**row, delete_after=NOW + timedelta(days=400)))

    pay(None, 200)
    pay("dene", 300)
    assert [preview(house, scope=s)[0].pence for s in ("hillcrest", "dene", "northmere")] == [100, 400, 500]


def test_each_leader_gets_one_and_a_written_one_is_not_made_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.service.digest(NOW - timedelta(days=21))
    assert house.service.digest(MONDAY) == 3 * 4
    house.settle(MONDAY)
    assert "NOTHING NEEDS YOU" in body(house.channel.to("moore")[0])
    # A clock that is set back and comes again owes nothing and lays out nothing.
    house.service.digest(MONDAY - timedelta(days=20))

    def refuse(*_: object) -> bytes:
        raise AssertionError("a digest that is written is not laid out again")

    monkeypatch.setattr("watcher.weekly.digest_mail", refuse)
    assert house.service.digest(MONDAY + timedelta(minutes=1)) == 0
