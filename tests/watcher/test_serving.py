"""A search that many schools share and that goes blind is told to those who look after the schools that it serves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.errors import AuthenticationError
from connectors.post import Gap, Page
from tests.watcher.test_service import House, body, make, under_own
from tests.watcher.test_terms import NAMES, NOW, search, settings
from watcher.app import pack_of
from watcher.blindness import silent_sources
from watcher.config import Settings
from watcher.enrolment import apply, preview
from watcher.store import Store
from watcher.store.accounts import AccountState
from watcher.telling import Teller
from watcher.terms import readings

SOON = timedelta(minutes=1)
NEWS = '[[accounts]]\nname = "own"\nplatform = "rss"\ntarget = "https://tolbeck.example/feed"\n'
IDS = sorted(name.lower() for name in NAMES)


def looked_after(folder: Path, more: str, **by: str) -> Settings:
    """Eight schools and one search; ``by`` says who looks after which school, ``rest`` after all others."""
    names = {by.get(school, by["rest"]) for school in IDS}
    people = [f'[[people]]\nid = "{n}"\nname = "Pat {n.title()}"\nemail = "{n}@x.example"\n' for n in sorted(names)]
    held = [
        f'[[holdings]]\nperson = "{by.get(school, by["rest"])}"\nrole = "it_provider"\nschool = "{school}"\n'
        for school in IDS
    ]
    return settings(folder, 8, search(more=more), *people, *held, by.get("own", ""))


def begun(store: Store, chosen: Settings) -> House:
    apply(chosen, store, "watcher.toml", NOW)
    house = make(store, chosen)
    for state in store.accounts.all():
        house.connectors[state.account.name] = house.connectors["words"]
    return house


def blinded(house: House, *states: AccountState) -> None:
    for state in states:
        for turn in range(2):
            house.connectors["words"].script.append(AuthenticationError("the token has expired"))
            house.poll(state.account.name, NOW + turn * SOON)
    house.settle(NOW + 2 * SOON)


def told(house: House) -> list[str]:
    return sorted(notice.address.partition("@")[0] for notice in house.channel.sent)


def schools_of(house: House) -> list[str]:
    return sorted(i.school for i in house.store.views.incidents(limit=50) if i.state == "open")


def test_a_search_is_stored_with_the_schools_it_serves(store: Store, tmp_path: Path) -> None:
    chosen = looked_after(tmp_path, "", rest="ida")
    apply(chosen, store, "watcher.toml", NOW)
    batches = {r.row.name: r.query.batch for r in readings(chosen, NOW.date()) if r.query}
    assert {s.account.name: s.account.schools for s in store.accounts.all()} == batches
    assert sorted(school for batch in batches.values() for school in batch) == IDS
    assert preview(chosen, store, NOW) == ()


@pytest.mark.parametrize("more", ['schools = ["dene", "tarn"]', 'school = "tarn"'])
def test_it_is_told_where_it_serves_and_not_where_the_register_begins(store: Store, tmp_path: Path, more: str) -> None:
    house = begun(store, looked_after(tmp_path, more, dene="dora", tarn="tom", rest="ida"))
    blinded(house, *store.accounts.all())
    assert told(house) == (["dora", "tom"] if "dene" in more else ["tom"])
    assert schools_of(house) == (["dene", "tarn"] if "dene" in more else ["tarn"])


def test_each_provider_is_told_once_however_many_its_schools_and_the_queries(store: Store, tmp_path: Path) -> None:
    house = begun(store, looked_after(tmp_path, "", tarn="tom", rest="ida"))
    states = store.accounts.all()
    assert len(states) > 1
    blinded(house, *states)
    assert told(house) == ["ida", "tom"]
    assert len(schools_of(house)) == 2
    blinded(house, *states)
    assert told(house) == ["ida", "tom"], "nobody is told again"
    for notice in house.channel.sent:
        text = " ".join(body(notice).split())
        assert "developer portal, under the app’s keys, then run “watcher connect words” on the machine" in text
        assert f"Source: words (X); {len(states)} of {len(states)} searches cannot be read" in text
        assert all(state.account.name in text for state in states)


def test_a_query_more_that_goes_blind_tells_those_whom_nobody_told_yet(store: Store, tmp_path: Path) -> None:
    house = begun(store, looked_after(tmp_path, "", tarn="tom", rest="ida"))
    of_tom = [s for s in store.accounts.all() if "tarn" in s.account.schools]
    others = [s for s in store.accounts.all() if "tarn" not in s.account.schools]
    blinded(house, others[0])
    assert told(house) == ["ida"]
    assert "1 of " in body(house.channel.sent[0])
    blinded(house, *of_tom)
    assert told(house) == ["ida", "tom"]
    later = NOW + timedelta(hours=2)
    for state in of_tom:
        house.store.accounts.succeeded(store.accounts.get(state.account.name), Page(posts=(), cursor=None), later, 180)
    house.service.advance(later)
    assert "tarn" not in schools_of(house), "what is read for Tarn is read again"
    assert len(schools_of(house)) == 1
    for state in others:
        house.store.accounts.succeeded(store.accounts.get(state.account.name), Page(posts=(), cursor=None), later, 180)
    house.service.advance(later)
    assert schools_of(house) == []
    assert store.incidents.faults() == frozenset()


def test_a_matter_that_stands_for_a_school_that_is_not_served_is_set_right(store: Store, tmp_path: Path) -> None:
    house = begun(store, looked_after(tmp_path, 'schools = ["dene"]', dene="dora", rest="ida"))
    wrong = next(s for s in store.register.all().schools if s.id == "tarn")
    house.service.faults.open("words", wrong, "the token has expired", NOW)
    blinded(house, *store.accounts.all())
    assert schools_of(house) == ["dene"]
    assert "dora" in told(house)


def test_silence_of_a_shared_source_is_told_to_all_its_providers_and_ends_for_all(store: Store, tmp_path: Path) -> None:
    house = begun(store, looked_after(tmp_path, "", tarn="tom", rest="ida", own=NEWS))
    day, start = timedelta(days=1), datetime(2026, 3, 2, 10, tzinfo=UTC)  # far from any holiday
    posts = [under_own(n + 10, f"Well done, number {n}", created_at=start - n * day) for n in range(30)]
    house.bring(*posts, account="own", now=start)
    for later in (15 * day, 16 * day):
        house.poll("own", start + later)
        house.settle(start + later)
    assert told(house) == ["ida", "tom"]
    assert silent_sources(store) == ("own",)
    assert len(schools_of(house)) == 2
    back = start + 18 * day
    house.bring(under_own(90, "We are back", created_at=back), account="own", now=back)
    assert schools_of(house) == []
    assert silent_sources(store) == ()


def blind_in_digest(house: House, school: str, week: str = "2026-W47") -> list[tuple[str, bool]]:
    monday = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
    shown, _ = Teller(house.store, house.settings, pack_of).preview(school, week, monday)
    return [(one.source, one.until is not None) for one in shown.blind]


def test_a_blind_shared_source_stands_in_the_digest_of_each_school_it_serves(store: Store, tmp_path: Path) -> None:
    house = begun(store, looked_after(tmp_path, 'schools = ["dene", "tarn", "rowan"]', rest="ida"))
    blinded(house, *store.accounts.all())
    assert len(schools_of(house)) == 1, "the matter stands under one school, as one provider looks after all of them"
    served = ("dene", "tarn", "rowan")
    assert {school: blind_in_digest(house, school) for school in IDS} == {
        school: [("words", False)] if school in served else [] for school in IDS
    }
    later = NOW + timedelta(hours=2)
    for state in store.accounts.all():
        house.store.accounts.succeeded(store.accounts.get(state.account.name), Page(posts=(), cursor=None), later, 180)
    house.service.advance(later)
    assert {school: blind_in_digest(house, school) for school in served} == {
        school: [("words", True)] for school in served
    }
    assert blind_in_digest(house, "dene", "2026-W48") == []


def test_of_a_search_in_parts_the_digest_names_it_to_the_schools_of_the_blind_part_only(
    store: Store, tmp_path: Path
) -> None:
    house = begun(store, looked_after(tmp_path, "", rest="ida"))
    part = store.accounts.all()[0]
    blinded(house, part)
    unseen = sorted(part.account.schools)
    assert 0 < len(unseen) < len(IDS)
    assert [school for school in IDS if blind_in_digest(house, school)] == unseen


def test_a_matter_that_somebody_closed_is_not_told_as_blind_for_ever(store: Store, tmp_path: Path) -> None:
    house = begun(store, looked_after(tmp_path, 'schools = ["dene"]', rest="ida"))
    blinded(house, *store.accounts.all())
    reference = house.store.views.incidents(limit=5)[0].reference
    house.store.accounts.succeeded(store.accounts.get("words"), Page(posts=(), cursor=None), NOW + 3 * SOON, 180)
    house.store.incidents.set_state(reference, "dismissed", "it was moved", NOW + 4 * SOON)
    assert blind_in_digest(house, "dene") == [("words", True)]
    assert blind_in_digest(house, "dene", "2026-W48") == []


def test_a_gap_of_another_schools_source_is_not_in_a_schools_digest(store: Store, tmp_path: Path) -> None:
    house = begun(store, looked_after(tmp_path, 'schools = ["dene"]', rest="ida"))
    gap = Gap(start=NOW, end=NOW + timedelta(hours=3), why="the search looks back seven days only")
    later = NOW + timedelta(hours=4)
    house.store.accounts.succeeded(store.accounts.get("words"), Page(posts=(), cursor=None, gaps=(gap,)), later, 180)
    assert (blind_in_digest(house, "dene"), blind_in_digest(house, "tarn")) == ([("words", True)], [])
