"""Every row of the five documents' routing tables, proven from the packs."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from alerts.packs import PACKS, load_pack

TABLE = Path(__file__).parent.parent / "policy_rows.csv"
ROWS = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("row", ROWS, ids=[f"{r['document']}: {r['row']}" for r in ROWS])
def test_the_pack_routes_as_the_document_says(row: dict[str, str]) -> None:
    given = {key: row[key] or None for key in ("about", "target", "author")}
    route = load_pack(row["document"]).route(row["concern"], **given)

    assert route.recipients == tuple(row["recipients"].split())
    assert route.alternates == tuple(row["alternates"].split())
    assert route.clause == (row["clause"] or None)
    assert route.within == (row["within"] or None)
    assert route.fallback == (row["clause"] == "")
    assert any(row["instruction"] in said for said in ("", *route.instructions))


@pytest.mark.parametrize("name", PACKS)
def test_every_row_of_a_pack_that_rests_on_a_clause_is_in_the_table(name: str) -> None:
    proven = {row["clause"] for row in ROWS if row["document"] == name}
    # Duties that name a person, though the routing tables of the documents do not list them as concerns.
    duties = {"8.1.1, 8.1.2", "5.1, 5.2", "7.2", "9.1"}
    written = {row.clause for row in load_pack(name).rows if row.clause is not None}

    assert written - proven <= duties


@pytest.mark.parametrize("name", PACKS)
def test_the_users_page_shows_every_row_of_the_pack(name: str) -> None:
    page = (TABLE.parent.parent / "docs" / "policies.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0].splitlines()

    for row in load_pack(name).rows:
        if row.clause is not None:
            shown = f"| {', '.join(row.recipients)} | {', '.join(row.alternates) or '–'} | {row.clause} |"
            assert any(line.startswith(f"| {', '.join(row.concerns)} |") and shown in line for line in section), row.id
