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


def put(file: Path, text: str) -> None:
    """Replace what stands between the marks."""
    before, begin, rest = file.read_text(encoding="utf-8").partition("<!-- polling -->\n")
    _, end, after = rest.partition("<!-- /polling -->")
    if not begin or not end:
        raise SystemExit(f"{file} lacks the marks <!-- polling --> and <!-- /polling -->")
    file.write_text(f"{before}{begin}{text}\n{end}{after}", encoding="utf-8")
