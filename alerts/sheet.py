"""What the weekly page shows of a digest, so little that it is read in two minutes: lines, comparison, bars, sentences.

Pure: the templates decide nothing, and whatever is left out for length is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from alerts import wording
from alerts.digest import Blind, Digest, Line, Past, Tone, week_bounds, week_last_year
from alerts.excerpt import quotation

# What fits on a page that is read in two minutes; the rest is counted.
_WAITING, _OTHERS, _TOPICS, _BLIND, _PRAISE = 5, 2, 6, 2, 3
_QUOTED = 90
# A bar this thin is still seen.
_THINNEST = 1


@dataclass(frozen=True, kw_only=True)
class Row:
    """One week of the comparison: its name, its counts, and its bar as parts in hundredths of the longest."""

    name: str
    week: str
    mentions: int
    tone: Tone
    criticism: int = 0
    other: int = 0
    praise: int = 0

    @property
    def rest(self) -> int:
        """What of the bar's room stays empty, in hundredths."""
        return 100 - self.criticism - self.other - self.praise


def shown(digest: Digest) -> dict[str, Any]:
    """All that the templates of the digest show."""
    start, end = week_bounds(digest.week, digest.timezone)
    days = [wording.long_day(moment, digest.timezone) for moment in (start, end - timedelta(seconds=1))]
    quotes = (quotation(excerpt, _QUOTED) for excerpt in digest.praise[:_PRAISE])
    return {
        "digest": digest,
        "days": " to ".join(days),
        "headline": headline(digest.waiting),
        "waiting": digest.waiting[:_WAITING],
        "more_waiting": _more(digest.waiting, _WAITING),
        "others": digest.others[:_OTHERS],
        "more_others": _more(digest.others, _OTHERS),
        "changed": changed(digest),
        "rows": rows(digest),
        "unwatched": _unwatched(digest),
        "topics": digest.topics[:_TOPICS],
        "speeds": list(speeds(digest)),
        "spending": spending(digest),
        "praise": [words for words in quotes if words],
        "blind": digest.blind[:_BLIND],
        "more_blind": max(len(digest.blind) - _BLIND, 0),
        "unread": sorted(digest.unread.items()),
        "links": bool(digest.link or any(line.link for line in digest.matters)),
    }


def headline(waiting: Sequence[Line]) -> str:
    """Whether anything needs somebody, in a few words: what is read first, or alone."""
    if not waiting:
        return "Nothing needs you"
    late = sum(line.overdue for line in waiting)
    said = "1 matter needs somebody" if len(waiting) == 1 else f"{len(waiting)} matters need somebody"
    return f"{said}, {late} overdue" if late else said


def changed(digest: Digest) -> str:
    """What changed against last week and the same week last year, in a sentence or two."""
    against = [(digest.before, "last week"), (digest.year_ago, "in the same week last year")]
    found = [f"{_difference(digest.mentions, past.mentions)} {when}" for past, when in against if past is not None]
    about = wording.counted(digest.mentions, "post")
    said = f"{about} spoke of us" + (f": {' and '.join(found)}." if found else ".")
    if digest.before is None:
        return said
    tone, then = digest.tone, digest.before.tone
    moves = [("criticism", tone.criticism, then.criticism), ("praise", tone.praise, then.praise)]
    return f"{said} Against last week, {' and '.join(f'{name} is {_move(now, was)}' for name, now, was in moves)}."


def rows(digest: Digest) -> list[Row]:
    """This week, last week and the same week last year, as far as they were watched, with their bars."""
    now = Past(week=digest.week, mentions=digest.mentions, tone=digest.tone, opened=digest.opened)
    named = [("This week", now), ("Last week", digest.before), ("Same week last year", digest.year_ago)]
    known = [(name, past) for name, past in named if past is not None]
    longest = max(1, *(_length(past.tone) for _, past in known))
    return [_row(name, past, longest) for name, past in known]


def speeds(digest: Digest) -> Iterator[str]:
    """How fast the week's matters were handled, a sentence for each point they reached."""
    for speed, what in ((digest.taken, "taken in hand"), (digest.closed, "closed")):
        if speed.matters == 1:
            yield f"1 matter was {what}, after {wording.lasting(speed.half_within)}."
        elif speed.matters:
            half = wording.lasting(speed.half_within)
            yield f"{speed.matters} matters were {what}, half of them within {half}."


def spending(digest: Digest) -> str:
    """What the week's reading cost."""
    if digest.pence is None:
        return "Nothing that was read cost anything."
    return f"Reading the platforms cost £{digest.pence // 100:,}.{digest.pence % 100:02}."


def gap(blind: Blind, timezone: str) -> str:
    """Which source was blind, from when until when."""
    until = f"until {wording.long_time(blind.until, timezone)}" if blind.until else "and still not readable"
    since = wording.long_time(blind.since, timezone)
    part = "in part, " if blind.partly else ""
    return f"{blind.source} ({wording.platform_name(blind.platform)}): {part}from {since} {until}"


def _more(lines: Sequence[Line], room: int) -> str:
    """How many lines were left out, and how many of them are overdue."""
    left = lines[room:]
    late = sum(line.overdue for line in left)
    if not left:
        return ""
    return f"and {len(left)} more" + (f", {late} of them overdue" if late else "")


def _unwatched(digest: Digest) -> str:
    if digest.year_ago is not None:
        return ""
    return f"Nothing was watched in the same week last year ({week_last_year(digest.week)})."


def _length(tone: Tone) -> int:
    return tone.criticism + tone.other + tone.praise


def _row(name: str, past: Past, longest: int) -> Row:
    tone = past.tone
    parts = {key: _part(getattr(tone, key), longest) for key in ("criticism", "other", "praise")}
    # Thin parts made visible may lengthen a bar beyond its room: the widest part gives way.
    over = max(sum(parts.values()) - 100, 0)
    widest = max(parts, key=lambda key: parts[key])
    parts[widest] -= over
    return Row(name=name, week=past.week, mentions=past.mentions, tone=tone, **parts)


def _part(n: int, longest: int) -> int:
    return max(round(100 * n / longest), _THINNEST) if n else 0


def _difference(now: int, then: int) -> str:
    if now == then:
        return "as many as"
    return f"{abs(now - then):,} {'more' if now > then else 'fewer'} than"


def _move(now: int, then: int) -> str:
    if now == then:
        return "the same"
    return f"{'up' if now > then else 'down'} by {abs(now - then):,}"
