"""Draws an evaluation as one SVG: how well each label is told, its precision and recall, and its calibration.

One column, 520 units wide, so that it reads on a phone as on a desk; no library and no script.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape

from alerts.wording import counted
from classifiers.measure import written
from classifiers.verdict import LABELS
from watcher.evaluation import Evaluation

_WIDTH = 520
_MARGIN = 16
_INK, _SOFT, _GRID, _FAINT = "#16202b", "#56616e", "#d5dbe2", "#f3f5f8"
_BLUE, _ORANGE = "#1f5fa6", "#b3500b"
_ROW = 31
_BARS = (158, 452)  # where a bar begins, and where one of full length ends
_CELL = (152, 118)  # width and height of one small panel
_ACROSS = 3
_SQUARE = 268  # the side of the calibration panel
_CURVE_POINTS = 120
_STYLE = (
    "svg{max-width:760px;height:auto;display:block;margin:0 auto;background:#fff}"
    "text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',Arial,sans-serif;font-size:14px;"
    f"fill:{_INK}}}"
    f".soft{{fill:{_SOFT}}}.small{{font-size:12.5px}}.head{{font-size:17px;font-weight:650}}"
    ".title{font-size:20px;font-weight:700}.big{font-size:30px;font-weight:700}.num{font-variant-numeric:tabular-nums}"
)


def draw(evaluation: Evaluation) -> str:
    """The plot as the text of an SVG file."""
    report = evaluation.report
    parts: list[str] = []
    y = _heading(parts, report)
    y = _bars(parts, report, y + 34)
    y = _curves(parts, evaluation, y + 38)
    y = _calibration(parts, evaluation, y + 38)
    height = round(y + 20)
    title = f"{report['model']} on {report['file']}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'style="width:100%" role="img" aria-labelledby="title">'
        f'<title id="title">Evaluation of {_safe(title)}</title><style>{_STYLE}</style>'
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _safe(text: str) -> str:
    """Text as it may stand in XML: a file's name may hold anything."""
    return escape("".join(c if c.isprintable() else " " for c in text))


def _text(x: float, y: float, text: str, style: str = "", anchor: str = "start") -> str:
    kind = f' class="{style}"' if style else ""
    end = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{kind}{end}>{_safe(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, color: str, width: float = 1, dash: str = "") -> str:
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" stroke-width="{width}"'
        f"{dashes}/>"
    )


def _name(label: str) -> str:
    return label.replace("_", " ")


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _heading(parts: list[str], report: dict[str, Any]) -> float:
    x, right = _MARGIN, _WIDTH / 2 + 8
    unread = sum(report["unread"].values())
    rows = f"{counted(report['rows'], 'post')}, {report['harmless']:,} harmless"
    rows += f", {unread:,} not read" if unread else ""
    parts += [
        _text(x, 36, _short(report["model"], 46), "title"),
        _text(x, 58, _short(f"on {report['file']}", 66), "soft"),
        _text(x, 78, rows, "soft"),
    ]
    alarms = "false_alarms_per_1000_harmless"
    between = report["intervals_95"]["macro_f1"]
    parts += [
        _text(x, 122, written(report["macro_f1"], ".3f"), "big num"),
        _text(x, 142, f"macro-F1 of {counted(report['labels_with_rows'], 'label')}", "soft"),
        _text(x, 160, f"95 %: {between[0]:.3f} to {between[1]:.3f}" if between else "", "soft small num"),
    ]
    if report["harmless"]:
        low, high = report["intervals_95"][alarms]
        parts += [
            _text(right, 122, f"{report[alarms]:.1f}", "big num"),
            _text(right, 142, "false alarms per 1,000 harmless", "soft"),
            _text(
                right,
                160,
                f"95 %: {low:.1f} to {high:.1f}; undecided too: {report[f'{alarms}_with_undecided']:.1f}",
                "soft small num",
            ),
        ]
    return 160


def _bars(parts: list[str], report: dict[str, Any], top: float) -> float:
    """One bar a label for its F1, with its interval, and marks for precision and recall."""
    start, end = _BARS
    parts.append(_text(_MARGIN, top, "Each label", "head"))
    y = top + 22
    parts += [
        f'<rect x="{_MARGIN}" y="{y - 9}" width="16" height="9" fill="{_BLUE}" opacity="0.3"/>',
        _text(_MARGIN + 22, y, "F1, with its 95 % interval", "small"),
        _triangle(_MARGIN + 208, y - 4, up=True),
        _text(_MARGIN + 218, y, "precision", "small"),
        _triangle(_MARGIN + 296, y - 4, up=False),
        _text(_MARGIN + 306, y, "recall", "small"),
    ]
    y += 14
    foot = y + _ROW * len(LABELS)
    for share in (0, 0.5, 1):
        x = start + share * (end - start)
        parts += [_line(x, y, x, foot, _GRID), _text(x, foot + 16, f"{share:g}", "soft small", "middle")]
    for number, label in enumerate(LABELS):
        _bar(parts, report, label, y + number * _ROW + _ROW / 2)
    return foot + 16


def _bar(parts: list[str], report: dict[str, Any], label: str, y: float) -> None:
    start, end = _BARS
    row = report["labels"][label]
    parts.append(_text(start - 10, y + 5, _name(label), "", "end"))
    if not row["positives"]:
        parts.append(_text(start + 8, y + 5, "no posts of this label", "soft small"))
        return
    low, high = report["intervals_95"]["f1"][label]

    def at(share: float) -> float:
        return start + share * (end - start)

    parts += [
        f'<rect x="{start}" y="{y - 8}" width="{at(row["f1"]) - start:.1f}" height="16" fill="{_BLUE}" opacity="0.3"/>',
        _line(at(low), y, at(high), y, _BLUE, 2),
        _line(at(low), y - 4, at(low), y + 4, _BLUE, 2),
        _line(at(high), y - 4, at(high), y + 4, _BLUE, 2),
        *([] if row["precision"] is None else [_triangle(at(row["precision"]), y - 9, up=True)]),
        _triangle(at(row["recall"]), y + 9, up=False),
        _text(_WIDTH - _MARGIN, y + 5, f"{row['f1']:.2f}", "num", "end"),
    ]


def _triangle(x: float, y: float, *, up: bool) -> str:
    """Precision points down from above the bar, recall up from below it."""
    tip, base = (y + 4, y - 3) if up else (y - 4, y + 3)
    color = _ORANGE if up else _INK
    return f'<path d="M{x:.1f} {tip:.1f}L{x - 4:.1f} {base:.1f}H{x + 4:.1f}Z" fill="{color}"/>'


def _curves(parts: list[str], evaluation: Evaluation, top: float) -> float:
    """A small panel a label: precision against recall, and where the model raises."""
    parts += [
        _text(_MARGIN, top, "Precision against recall", "head"),
        f'<circle cx="{_MARGIN + 5}" cy="{top + 17}" r="4.5" fill="{_ORANGE}"/>',
        _text(_MARGIN + 16, top + 22, "where the model raises; AP is the mean precision (1 is perfect)", "small"),
    ]
    width, height = _CELL
    gap = (_WIDTH - 2 * _MARGIN - _ACROSS * width) / (_ACROSS - 1)
    top += 50
    for number, label in enumerate(LABELS):
        x = _MARGIN + number % _ACROSS * (width + gap)
        y = top + number // _ACROSS * (height + 38)
        _panel(parts, evaluation, label, x, y)
    return top + (len(LABELS) + _ACROSS - 1) // _ACROSS * (height + 38) - 22


def _panel(parts: list[str], evaluation: Evaluation, label: str, x: float, y: float) -> None:
    width, height = _CELL
    row = evaluation.report["labels"][label]
    ap = f"AP {row['average_precision']:.2f}" if row["positives"] else written(None, "")
    parts += [
        _text(x, y - 5, _name(label), "small"),
        _text(x + width, y - 5, ap, "soft small num", "end"),
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width}" height="{height}" fill="{_FAINT}" stroke="{_GRID}"/>',
        _line(x, y + height / 2, x + width, y + height / 2, _GRID),
        _line(x + width / 2, y, x + width / 2, y + height, _GRID),
    ]
    if label == LABELS[0]:
        parts += [
            _text(x + 6, y + 16, "precision", "soft small"),
            _text(x + width - 12, y + height - 6, "recall", "soft small", "end"),
        ]
    points = _thinned(evaluation.curves[label].precision_recall)
    if not points:
        return
    path = "L".join(f"{x + recall * width:.1f} {y + (1 - precision) * height:.1f}" for recall, precision in points)
    parts += [
        f'<path d="M{path}" fill="none" stroke="{_BLUE}" stroke-width="2" stroke-linejoin="round"/>',
    ]
    if row["precision"] is None:
        return  # it raises nothing, so it stands nowhere
    parts += [
        f'<circle cx="{x + row["recall"] * width:.1f}" cy="{y + (1 - row["precision"]) * height:.1f}" r="4.5" '
        f'fill="{_ORANGE}" stroke="#fff"/>',
    ]


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Few enough points to draw, from the left edge on, the last one kept."""
    if not points:
        return []
    step = max(1, len(points) // _CURVE_POINTS)
    return [(0.0, points[0][1]), *points[::step], points[-1]]


def _calibration(parts: list[str], evaluation: Evaluation, top: float) -> float:
    """Score against truth: each dot a tenth of a label's posts; and the mean distance a label."""
    parts += [
        _text(_MARGIN, top, "Calibration", "head"),
        _text(_MARGIN, top + 20, "On the line, 7 in 10 posts scored 0.7 are what the label says.", "small"),
    ]
    x, y, side = _MARGIN + 26, top + 38, _SQUARE
    parts += [
        f'<rect x="{x}" y="{y}" width="{side}" height="{side}" fill="{_FAINT}" stroke="{_GRID}"/>',
        _line(x, y + side, x + side, y, _SOFT, 1.5, "5 4"),
        *(
            f'<circle cx="{x + score * side:.1f}" cy="{y + (1 - so) * side:.1f}" r="3.5" fill="{_BLUE}" opacity="0.5"/>'
            for label in LABELS
            for score, so, _ in evaluation.curves[label].calibration
        ),
        *_axes(x, y, side),
    ]
    _errors(parts, evaluation.report, x + side + 30, y)
    return y + side + 38


def _axes(x: float, y: float, side: float) -> Iterator[str]:
    for share in (0, 0.5, 1):
        yield _text(x + share * side, y + side + 16, f"{share:g}", "soft small", "middle")
        yield _text(x - 6, y + (1 - share) * side + 4, f"{share:g}", "soft small", "end")
    yield _text(x + side / 2, y + side + 34, "score", "soft small", "middle")
    yield _text(x + 8, y + 18, "share that is so", "soft small")


def _errors(parts: list[str], report: dict[str, Any], x: float, y: float) -> None:
    right = _WIDTH - _MARGIN
    parts.append(_text(x, y + 8, "mean distance", "soft small"))
    for number, label in enumerate(LABELS):
        row = report["labels"][label]
        said = written(row["calibration_error"], ".3f")
        at = y + 30 + number * 20.5
        parts += [_text(x, at, _name(label), "small"), _text(right, at, said, "small num", "end")]
