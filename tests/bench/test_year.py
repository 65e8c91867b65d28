"""The simulated school year, made smaller: opinion of the Head by name and by title stays out of the chair's mail."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from alerts.packs import PACKS, load_pack
from bench.opinions import HEADS, HELD_OUT
from bench.year import MOST, Opinion, by_labels, conflicts, line, main, opinions, simulate, year

NAMED = tuple(
    Opinion(text=text.format(head=head), above=None, of_head=True, source="invented")
    for text in HELD_OUT
    for head in HEADS[:2] + HEADS[4:6]
)
ACCUSING = tuple(
    Opinion(text=text, above=None, of_head=True, source="invented")
    for text in ("Mrs Quill stole the trip money", "the head slapped my son", "our headteacher lied to Ofsted")
)
OTHERS = (Opinion(text="the gate is shut again", above=None, of_head=False, source="x"),)


@pytest.mark.parametrize("pack", PACKS)
def test_in_every_pack_a_chair_gets_at_most_two_mails_of_mere_opinion_a_year(pack: str) -> None:
    pool = (*NAMED, *OTHERS)
    said = simulate(load_pack(pack), pool, by_labels(pool), 20, hard=True)

    assert said["most_in_a_year"] <= MOST


def test_what_accuses_is_counted_as_often_as_it_comes() -> None:
    pool = (*ACCUSING, *OTHERS)
    found = conflicts(load_pack("wessex"), pool, by_labels(pool))

    assert set(found) == {0, 1, 2}
    assert all("headteacher" not in judged.recipients for one in found.values() for judged in one)
    assert year(random.Random(1), pool, found) > MOST


def test_the_pool_holds_rows_and_inventions_and_nothing_that_alleges() -> None:
    pool = opinions()

    assert len({opinion.source for opinion in pool}) > 3000
    assert sum(opinion.source == "invented" for opinion in pool) == len(HELD_OUT) * len(HEADS)
    assert not any("lied to parents" in opinion.text for opinion in pool)


def test_the_row_of_the_page_is_replaced_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n| the labels that people gave | | |\nafter\n")

    main(["--labels", "--years", "3", "--write", str(page)])

    before, row, after = page.read_text().splitlines()
    assert (before, after) == ("before", "after")
    assert row.startswith("| the labels that people gave | 3 | **")
    assert '"years": 3' in capsys.readouterr().out
    assert line.__doc__
