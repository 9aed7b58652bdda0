"""A validation's report as one HTML page that needs no other file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PIL import Image

from host_sdk.display.table import html_picture, plain_html, short_name
from host_sdk.validation.html.svg import bar_plot, confusion_plot, histogram, shortened
from host_sdk.validation.metrics import Classification, Times
from host_sdk.validation.results import Results, Thumbnail

MOST_CLASSES = 40  # that a drawn matrix shows
MOST_CONFUSED = 12  # pairs listed

_STYLE = """
:root { --ink: #1c2733; --soft: #5d6b7a; --line: #d5dbe1; --page: #fff; --tile: #f4f6f8;
  --bar: #2f6f9f; --right: #1f6f5c; --wrong: #b23a2e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --soft: #9aa8b5; --line: #38434e;
  --page: #14191f; --tile: #1e252d; --bar: #5a9fd0; --right: #3fa98e; --wrong: #d9695c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 28px 20px 60px; max-width: 900px; color: var(--ink);
  background: var(--page); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 24px; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 36px 0 10px; }
p, .soft { color: var(--soft); margin: 4px 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(240px, 1fr)); gap: 10px;
  margin-top: 20px; }
.tile { background: var(--tile); border-radius: 6px; padding: 10px 14px; }
.tile b { display: block; font-size: 23px; font-weight: 600; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th { font-weight: 500; color: var(--soft); }
th:first-child, td:first-child { text-align: left; }
svg { max-width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); }
svg .axis, svg .marked { fill: var(--soft); }
svg .on-dark { fill: var(--page); }
svg .empty { fill: var(--tile); }
svg .right { fill: var(--right); }
svg .wrong { fill: var(--wrong); }
svg .bar { fill: var(--bar); }
svg .line { stroke: var(--line); }
svg .mark { stroke: var(--wrong); stroke-width: 1.5; stroke-dasharray: 4 3; }
.wrongs { display: flex; flex-wrap: wrap; gap: 12px; }
.wrongs figure { margin: 0; font-size: 12px; color: var(--soft); }
.wrongs img { display: block; width: 84px; image-rendering: pixelated;
  border: 1px solid var(--line); }
"""


def page(results: Results) -> str:
    """Write the page."""
    parts = [
        f"<h1>{plain_html(results.model)}</h1>",
        f"<p>{results.samples:,} samples on {plain_html(results.place)}, {results.made}<br>"
        f"blob {results.sha256}<br>inputs {results.inputs_sha256}<br>"
        f"outputs {results.outputs_sha256}</p>",
        _tiles(results),
    ]
    if results.classification:
        parts += _classes(results.classification)
    if results.mistakes:
        parts += _mistakes(results.mistakes)
    parts += _reference(results)
    parts += _times(results)
    parts += _layers(results)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Validation of {plain_html(results.model)}</title><style>{_STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _tiles(results: Results) -> str:
    tiles = []
    c = results.classification
    if c:
        tiles.append((f"{c.accuracy:.2%}", f"accuracy, {c.correct:,} of {c.images:,}"))
    if c and c.label_error is not None:
        tiles.append((f"{c.label_error:.4f}", "mean error of a class, from the one-hot labels"))
    if c and c.reference_correct is not None:
        share = c.reference_correct / c.images
        tiles.append((f"{share:.2%}", f"LiteRT's accuracy, {c.reference_correct:,}"))
    if results.exact_samples is not None:
        share = results.exact_samples / results.samples
        tiles.append((f"{share:.2%}", "samples bit-exact with LiteRT"))
    t = results.timing
    tiles.append((_ms(t.run.mean), "run, mean"))
    tiles.append((_ms(t.latency.mean), "latency, mean"))
    tiles.append((f"{t.transfer_share:.0%}", "of the time is transfer"))
    cells = (f'<div class="tile"><b>{value}</b>{name}</div>' for value, name in tiles)
    return f'<div class="tiles">{"".join(cells)}</div>'


def _classes(c: Classification) -> list[str]:
    top = ", ".join(f"top {k}: {share:.2%}" for k, share in c.top.items())
    parts = ["<h2>Classes</h2>", f"<p>{top}</p>"]
    if len(c.confusion) <= MOST_CLASSES:
        return [*parts, f'<div class="scroll">{confusion_plot(c.confusion, c.labels)}</div>']
    pairs = [
        (count, c.labels[i], c.labels[j])
        for i, row in enumerate(c.confusion)
        for j, count in enumerate(row)
        if i != j and count
    ]
    pairs.sort(key=lambda p: -p[0])
    rows = [[label, predicted, f"{n:,}"] for n, label, predicted in pairs[:MOST_CONFUSED]]
    return [*parts, _table(("label", "predicted", "images"), rows)]


def _mistakes(mistakes: Sequence[Thumbnail]) -> list[str]:
    figures = []
    for m in mistakes:
        picture = html_picture(Image.fromarray(m.pixels))
        text = f"#{m.row.index}: {m.row.label} as {m.row.predicted}"
        figures.append(f"<figure>{picture}{plain_html(text)}</figure>")
    return ["<h2>Classified wrong</h2>", f'<div class="wrongs">{"".join(figures)}</div>']


def _reference(results: Results) -> list[str]:
    title = "<h2>Against LiteRT's reference kernels</h2>"
    if results.exact_samples is None:
        return [title, f"<p>Absent: {plain_html(results.reference)}.</p>"]
    columns = ("output", "dtype", "values", "max", "steps", "mean", "RMSE", "cosine", "bit-exact")
    rows = [
        [
            short_name(d.name),
            d.dtype,
            f"{d.values:,}",
            f"{d.max_abs:.4g}",
            "" if d.max_steps is None else str(d.max_steps),
            f"{d.mean_abs:.4g}",
            f"{d.rmse:.4g}",
            f"{d.cosine:.8f}",
            f"{d.exact:.3%}",
        ]
        for d in results.differences
    ]
    note = (
        f"<p>{results.exact_samples:,} of {results.samples:,} samples have all outputs equal bit "
        "by bit. Differences are in real values; a step is one step of the quantisation.</p>"
    )
    return [title, note, _table(columns, rows)]


def _times(results: Results) -> list[str]:
    t = results.timing
    rows = [["run", *_times_cells(t.run)], ["latency", *_times_cells(t.latency)]]
    return [
        "<h2>Time</h2>",
        _table(("", "mean", "p50", "p95", "max"), rows),
        f"<p>{t.per_second:.1f} samples/s over {t.busy_s:.2f} s. The run is timed by the clock of "
        "what runs the model, the latency from the first byte sent to the result by this "
        "computer's.</p>",
        '<p class="axis">Latency</p>',
        _histogram(t.latency, [r.latency_us for r in results.rows], "latency"),
        '<p class="axis">Run</p>',
        _histogram(t.run, [r.run_us for r in results.rows], "run"),
    ]


def _histogram(times: Times, us: Iterable[float], title: str) -> str:
    marks = [("p50", times.p50 / 1000), ("p95", times.p95 / 1000)]
    plot = histogram([v / 1000 for v in us], "ms", marks, f"histogram of the {title}")
    return f'<div class="scroll">{plot}</div>'


def _layers(results: Results) -> list[str]:
    profile = results.layers
    rows = [
        (f"{r.op} {shortened(short_name(r.name), 26)}", float(r.us), f"{r.us:,} µs, {r.share:.1%}")
        for r in profile.rows
    ]
    note = f"<p>One run on the first sample: {profile.us / 1000:.3f} ms.</p>"
    plot = bar_plot(rows, "time of each step")
    return ["<h2>Layers</h2>", note, f'<div class="scroll">{plot}</div>']


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{plain_html(c)}</th>" for c in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{plain_html(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _times_cells(t: Times) -> list[str]:
    return [_ms(us) for us in (t.mean, t.p50, t.p95, t.max)]


def _ms(us: float) -> str:
    return f"{us / 1000:.3g} ms"
