"""`xipnet quantize`: a model of floats by several schemes, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from host_sdk.cli.common import json_option, print_json, print_table
from host_sdk.cli.compiling import Target, compress_option, read_bytes, trust_option
from host_sdk.cli.validating import read_data
from host_sdk.display.plain import plain_line
from host_sdk.display.progress import late_progress
from host_sdk.errors import InputError

if TYPE_CHECKING:
    from host_sdk.inference.model_source import Optimize
    from host_sdk.quantizing.quantize import Quantized


def read_share(text: str) -> float:
    """Read a share: 0.5% or 0.005."""
    digits, part = (text[:-1], 0.01) if text.endswith("%") else (text, 1.0)
    try:
        share = float(digits) * part
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise click.BadParameter(f"must be a share, such as 0.5% or 0.005; is {text!r}")
    return share


@click.command()
@click.argument("model", type=click.Path())
@click.option(
    "--data",
    required=True,
    metavar="FILE|FOLDER",
    help="Samples: .npz, .npy or a folder with samples.npz.",
)
@click.option(
    "--labels", metavar="KEY|FILE", help="Key in --data, or a .npy; by default the key y or labels."
)
@click.option(
    "--scheme",
    "schemes",
    multiple=True,
    metavar="NAME",
    help="One of the table, several times for several; by default all.",
)
@click.option(
    "--also",
    multiple=True,
    type=click.Path(),
    metavar="FILE",
    help="Another form of the network, measured as it is: pruned, clustered, trained for integers.",
)
@compress_option
@click.option("--target", type=Target(), default="cortex-m4", show_default=True, help="CPU.")
@click.option(
    "--optimize",
    type=click.Choice(("speed", "size", "ram")),
    default="speed",
    show_default=True,
    help="What the blobs are compiled for; size packs clustered and pruned weights.",
)
@click.option(
    "--instructions",
    is_flag=True,
    help="Count those of a run, on a virtual board with that CPU; takes seconds for each.",
)
@click.option(
    "--calibrate",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    help="Samples that ranges are found on.",
)
@click.option("--limit", type=click.IntRange(1), help="Take only the first samples.")
@click.option("--pick", is_flag=True, help="Write the most accurate within the limits.")
@click.option("--max-flash", type=read_bytes, metavar="BYTES", help="For --pick: 65536 or 64k.")
@click.option("--max-ram", type=read_bytes, metavar="BYTES", help="For --pick.")
@click.option(
    "--max-drop", type=read_share, metavar="SHARE", help="For --pick: of accuracy, such as 0.5%."
)
@click.option(
    "-o", "--output", type=click.Path(), help="File for --pick, folder for all without it."
)
@trust_option
@json_option
def quantize(
    model: str,
    data: str,
    labels: str | None,
    schemes: tuple[str, ...],
    also: tuple[str, ...],
    compress: int | None,
    target: str,
    optimize: Optimize,
    instructions: bool,
    calibrate: int,
    limit: int | None,
    pick: bool,
    max_flash: int | None,
    max_ram: int | None,
    max_drop: float | None,
    output: str | None,
    trust: bool,
    as_json: bool,
) -> None:
    """Quantise a MODEL of floats by several schemes, and measure each.

    MODEL is a .tflite, or what `xipnet load` converts to one.

    Accuracy and error are LiteRT's on the samples; flash and RAM are of the blob for --target. The
    error is the mean absolute difference of the first output from the model of floats.
    """
    from host_sdk.quantizing.quantize import Limits, quantize_model
    from host_sdk.quantizing.quantize import pick as choose

    limits = Limits(max_flash, max_ram, max_drop)
    if not pick and limits != Limits():
        raise click.UsageError("--max-flash, --max-ram and --max-drop are for --pick")
    if output is not None:
        _check_place(output, pick)
    x, y = read_data(Path(data), labels)
    if len(x) != 1:
        raise InputError(f"needs samples of one input; {data} has {', '.join(x)}")
    with late_progress(not as_json, "quantising") as progress:
        rows = quantize_model(
            *(model, next(iter(x.values())), y),
            schemes=schemes or None,
            also=_by_stem(also),
            compress=compress,
            target=target,
            optimize=optimize,
            instructions=instructions,
            calibrate=calibrate,
            limit=limit,
            trust=trust,
            progress=progress,
        )
    if as_json:
        print_json([_as_data(row) for row in rows])
    else:
        _print(rows)
    if pick:
        best = choose(rows, limits)
        path = Path(output or f"{Path(model).stem}-{best.scheme}.tflite")
        path.write_bytes(best.tflite)
        _say(f"picked {best.scheme}, written {path}", as_json)
    elif output is not None:
        folder = Path(output)
        folder.mkdir(parents=True, exist_ok=True)
        for row in rows:
            if not row.refused:
                (folder / f"{Path(model).stem}-{row.scheme}.tflite").write_bytes(row.tflite)
        _say(f"written to {folder}", as_json)


def _by_stem(files: Sequence[str]) -> dict[str, str]:
    """Name files as the table does."""
    named = {Path(file).stem: file for file in files}
    if len(named) != len(files):
        raise InputError(f"files of --also must have different names; are {', '.join(files)}")
    return named


def _check_place(output: str, one: bool) -> None:
    """Refuse a place before the work is done."""
    path = Path(output)
    if one and path.is_dir():
        raise InputError(f"--output with --pick is a file; {plain_line(output)} is a folder")
    if one and not path.parent.is_dir():
        raise InputError(f"folder {plain_line(str(path.parent))} must exist")
    if not one and path.exists() and not path.is_dir():
        raise InputError(f"--output without --pick is a folder; {plain_line(output)} is a file")


def _say(text: str, quietly: bool) -> None:
    click.echo(plain_line(text), err=quietly)


def _print(rows: Sequence[Quantized]) -> None:
    has_accuracy = any(row.accuracy is not None for row in rows)
    has_count = any(row.instructions is not None for row in rows)
    columns = ("scheme", *(["accuracy"] * has_accuracy), "error", "flash", "RAM", "MACs")
    columns += (*(["instructions"] * has_count), "what")
    cells = []
    for row in rows:
        if row.refused:
            blank = [""] * (4 + has_accuracy + has_count)
            cells.append((row.scheme, *blank, f"not made: {plain_line(row.refused)}"))
            continue
        accuracy = [f"{row.accuracy:.2%}"] if row.accuracy is not None else []
        figures = (f"{row.error:.5f}", f"{row.flash_bytes:,}", f"{row.arena_bytes:,}")
        count = ["" if row.instructions is None else f"{row.instructions:,}"] * has_count
        cells.append((row.scheme, *accuracy, *figures, f"{row.macs:,}", *count, row.title))
    print_table(columns, cells)


def _as_data(row: Quantized) -> dict[str, object]:
    data = asdict(row)
    del data["tflite"]
    return {**data, "refused": row.refused or None}
