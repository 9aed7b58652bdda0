"""Plots as inline SVG: a matrix, a histogram, bars; the page has the colours."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from host_sdk.display.table import plain_html

BINS = 40


def confusion_plot(matrix: Sequence[Sequence[int]], labels: Sequence[str]) -> str:
    """Draw a confusion matrix: rows by label, columns by predicted class."""
    n, longest = len(matrix), max(len(shortened(name, 14)) for name in labels)
    left, top = 40 + 7 * longest, 34 + 6 * longest
    cell = max(18, min(44, 560 // n))
    parts = [
        _text(left + n * cell / 2, 14, "predicted", "middle", "axis"),
        _text(12, top + n * cell / 2, "label", "middle", "axis", turn=-90),
    ]
    for i, name in enumerate(labels):
        middle = i * cell + cell / 2
        parts.append(_text(left - 8, top + middle + 4, shortened(name, 14), "end"))
        parts.append(_text(left + middle + 4, top - 8, shortened(name, 14), "start", turn=-50))
    for i, row in enumerate(matrix):
        total = max(sum(row), 1)
        for j, count in enumerate(row):
            x, y, share = left + j * cell, top + i * cell, count / total
            kind = "right" if i == j else "wrong"
            tip = f"{labels[i]} as {labels[j]}: {count} of {sum(row)}"
            depth = 0.0 if count == 0 else 0.12 + 0.88 * share
            parts.append(
                f'<g><title>{plain_html(tip)}</title><rect x="{x}" y="{y}" width="{cell - 1}" '
                f'height="{cell - 1}" class="empty"/><rect x="{x}" y="{y}" width="{cell - 1}" '
                f'height="{cell - 1}" class="{kind}" fill-opacity="{depth:.3f}"/>'
            )
            if count and cell >= 24:
                ink = "on-dark" if depth > 0.55 else ""
                parts.append(_text(x + cell / 2, y + cell / 2 + 4, str(count), "middle", ink))
            parts.append("</g>")
    return _svg(left + n * cell + 4 + 5 * longest, top + n * cell + 6, parts, "confusion matrix")


def histogram(
    values: Sequence[float], unit: str, marks: Sequence[tuple[str, float]], title: str
) -> str:
    """Draw how often values occur, up to 3 times the 95th percentile.

    Args:
        values: at least one.
        unit: of the values.
        marks: (name, value) of lines to draw.
        title: for readers of the page's text.
    """
    width, height, left, top = 640, 190, 52, 24
    array = np.asarray(values, np.float64)
    low, high = _span(float(array.min()), min(float(array.max()), 3 * np.percentile(array, 95)))
    counts, _ = np.histogram(array, BINS, (low, high))
    beyond = int(np.count_nonzero(array > high))
    most = max(int(counts.max()), 1)
    step = width / BINS

    def across(value: float) -> float:
        return left + (value - low) / (high - low) * width

    parts = []
    for i, count in enumerate(counts):
        bar = height * int(count) / most
        edge = low + (high - low) * i / BINS
        tip = f"{int(count)} at {edge:.4g} {unit}"
        parts.append(
            f'<g><title>{tip}</title><rect x="{left + i * step:.1f}" '
            f'y="{top + height - bar:.1f}" width="{step - 1:.1f}" height="{bar:.1f}" '
            'class="bar"/></g>'
        )
    base = top + height
    parts.append(f'<path d="M{left} {base}h{width}" class="line"/>')
    parts.append(_text(left - 6, top + 8, str(most), "end"))
    parts.append(_text(left - 6, base, "0", "end"))
    for tick in _ticks(low, high):
        parts.append(f'<path d="M{across(tick):.1f} {base}v5" class="line"/>')
        parts.append(_text(across(tick), base + 18, f"{tick:g}", "middle"))
    parts.append(_text(left + width, base + 34, unit, "end", "axis"))
    if beyond:
        parts.append(_text(left + width, base - 6, f"{beyond} beyond", "end", "axis"))
    for i, (name, value) in enumerate(marks):
        x = across(value)
        parts.append(f'<path d="M{x:.1f} {top}v{height}" class="mark"/>')
        side = "end" if i % 2 == 0 else "start"
        parts.append(_text(x + (-3 if i % 2 == 0 else 3), top - 6, name, side, "marked"))
    return _svg(left + width + 24, base + 40, parts, title)


def bar_plot(rows: Sequence[tuple[str, float, str]], title: str) -> str:
    """Draw horizontal bars.

    Args:
        rows: (name, length, text behind the bar).
        title: for readers of the page's text.
    """
    left, width, line = 300, 330, 22
    longest = max((length for _, length, _ in rows), default=0.0) or 1.0
    parts = []
    for i, (name, length, text) in enumerate(rows):
        y, bar = i * line, max(width * length / longest, 1.0)
        parts.append(_text(left - 8, y + 15, name, "end"))
        parts.append(
            f'<rect x="{left}" y="{y + 3}" width="{bar:.1f}" height="{line - 6}" class="bar"/>'
        )
        parts.append(_text(left + bar + 6, y + 15, text, "start"))
    return _svg(left + width + 140, max(len(rows) * line, 1), parts, title)


def _svg(width: float, height: float, parts: Sequence[str], title: str) -> str:
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img" '
        f'aria-label="{plain_html(title)}">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, text: str, anchor: str, kind: str = "", turn: int = 0) -> str:
    rotate = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
    style = f' class="{kind}"' if kind else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}{rotate}>'
        f"{plain_html(text)}</text>"
    )


def shortened(name: str, longest: int) -> str:
    """Cut all but the end of a long name."""
    return name if len(name) <= longest else "…" + name[1 - longest :]


def _span(low: float, high: float) -> tuple[float, float]:
    if high > low:
        return low, high
    room = abs(low) * 0.05 or 0.5
    return low - room, low + room


def _ticks(low: float, high: float) -> list[float]:
    """Choose round numbers within the range, about five."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(f * power for f in (1, 2, 5, 10) if f * power >= rough)
    first = math.ceil(low / step)
    return [round(i * step, 12) for i in range(first, math.floor(high / step) + 1)]
