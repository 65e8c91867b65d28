"""The simulated month as Markdown, and where it is put."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_WHEN = {
    "day": "by day",
    "night": "by night",
    "storm": "in a storm",
    "failing": "the hour of failures, what failed",
    "beside": "the hour of failures, the others",
}

# The interval of the simulated readings, in seconds, and the delays of what must not be slowed.
INTERVAL_S = 300
_TO_OWN = ("x own day", "x own night", "x own storm")


def table(said: Mapping[str, Any]) -> str:
    """The figures as Markdown."""
    rows = [
        "| platform | read as | calls | naive calls | share | past a limit | naive past a limit |",
        "|---|---|---|---|---|---|---|",
    ]
    for platform, calls in said["calls"].items():
        asked = said["naive"]["calls"][platform]
        past = sum(n for key, n in said["past_a_cap"].items() if key.startswith(platform))
        over = sum(n for key, n in said["naive"]["past_a_cap"].items() if key.startswith(platform))
        name = platform.capitalize() if platform != "x" else "X"
        rows.append(
            f"| {name} | {said['sources'][platform]} | {calls:,} | {asked:,} | 1/{asked / max(calls, 1):.1f} "
            f"| {past} | {over:,} |"
        )
    calls, asked = sum(said["calls"].values()), sum(said["naive"]["calls"].values())
    rows.append(
        f"| all | {sum(said['sources'].values())} | {calls:,} | {asked:,} | 1/{asked / max(calls, 1):.1f} | | |"
    )
    rows += ["", "| source | when | posts | half within | 99 in 100 within |", "|---|---|---|---|---|"]
    for key, found in said["delays"].items():
        platform, kind, when = key.split()
        who = {"own": "said to the schools' own", "search": "found by search"}[kind]
        late = f"{found['half_s']:,} s | {found['99_s']:,} s"
        rows.append(f"| {platform}, {who} | {_WHEN[when]} | {found['posts']:,} | {late} |")
    return "\n".join(rows)


def figures(said: Mapping[str, Any]) -> str:
    """What was wanted beside what came out, as Markdown; what is not reached says so and by which searches."""
    beside = said["naive"]
    calls, asked = sum(said["calls"].values()), sum(beside["calls"].values())
    past, over = sum(said["past_a_cap"].values()), sum(beside["past_a_cap"].values())
    own = max(late["99_s"] for key, late in said["delays"].items() if key in _TO_OWN)
    found = said["delays"].get("x search day", {}).get("99_s", 0)
    twice, behind, soon = said["paid_twice"], said["polls_to_catch_up"], INTERVAL_S + 5
    wait = f"≤ interval ({INTERVAL_S} s) + 5 s"
    rows = (
        (
            "posts paid for twice, X",
            "≤ 2 %",
            _said(f"{twice * 100:.1f} %", twice <= 0.02),
            _percent(beside["paid_twice"]),
        ),
        ("X, what comes along counted", "–", f"£{said['pounds']:,.0f}", f"£{beside['pounds']:,.0f}"),
        ("calls, all platforms together", "≤ 1/10", _said(f"1/{asked / max(calls, 1):.1f}", calls * 10 <= asked), "1"),
        ("calls past a limit or a cap", "0", _said(f"{past:,}", past == 0), f"{over:,}"),
        (
            "99 in 100 of what is said to the schools' own on X, day, night and storm",
            wait,
            _said(f"{own:,} s", own <= soon),
            "–",
        ),
        (
            "99 in 100 of what X's searches find by day",
            wait,
            _said(f"{found:,} s", found <= soon, "not reached for searches"),
            "–",
        ),
        (
            "readings until all is caught up after an hour in which half of all calls failed",
            "≤ 2",
            _said(str(behind), behind <= 2),
            "–",
        ),
    )
    head = ["| figure | wanted | here | naive |", "|---|---|---|---|"]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)])


def _said(value: str, met: bool, otherwise: str = "not reached") -> str:
    return value if met else f"{value}, {otherwise}"


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def put(file: Path, text: str, mark: str = "polling") -> None:
    """Replace what stands between the marks."""
    before, begin, rest = file.read_text(encoding="utf-8").partition(f"<!-- {mark} -->\n")
    _, end, after = rest.partition(f"<!-- /{mark} -->")
    if not begin or not end:
        raise SystemExit(f"{file} lacks the marks <!-- {mark} --> and <!-- /{mark} -->")
    file.write_text(f"{before}{begin}{text}\n{end}{after}", encoding="utf-8")
