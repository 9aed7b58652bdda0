"""`xipnet validate`, `xipnet trace`: how right a model is, here or on a board."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import host_sdk
from host_sdk.cli.common import json_option, open_board, port_options, print_json
from host_sdk.cli.compiling import ops_option, trust_option
from host_sdk.cli.running import load_array, load_inputs
from host_sdk.errors import InputError

if TYPE_CHECKING:
    from host_sdk.inference.tensor import Array

LABEL_KEYS = ("y", "labels")
SAMPLES = "samples.npz"  # in a folder of `xipnet collect`


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add MODEL, its options, --on, --reference, --tflite and the port's options."""
    options = (
        click.argument("model", type=click.Path()),
        click.option(
            "--on",
            type=click.Choice(("board", "host")),
            default="board",
            show_default=True,
            help="What runs it: host is this computer.",
        ),
        click.option(
            "--reference",
            type=click.Choice(("litert", "none")),
            default="litert",
            show_default=True,
            help="What to compare with.",
        ),
        click.option(
            "--tflite",
            type=click.Path(dir_okay=False),
            help="The .tflite for the reference, if MODEL is a blob.",
        ),
        click.option("--head", type=click.Path(dir_okay=False), help="By default MODEL.toml."),
        ops_option,
        trust_option,
        port_options,
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@model_options
@click.option(
    "--data",
    required=True,
    type=click.Path(),
    help="Samples: .npz or .npy, or a folder of xipnet collect.",
)
@click.option(
    "--labels", metavar="KEY|FILE", help="Key in --data, or a .npy; by default the key y or labels."
)
@click.option("--limit", type=click.IntRange(1), help="Only the first samples.")
@click.option("--sequence", is_flag=True, help="Keep the model's state from sample to sample.")
@click.option("--html", type=click.Path(dir_okay=False), help="Write a page.")
@click.option("--json", "json_", type=click.Path(dir_okay=False), help="Write JSON.")
@click.option("--csv", "csv_", type=click.Path(dir_okay=False), help="Write a line per sample.")
def validate(
    model: str,
    on: str,
    data: str,
    labels: str | None,
    limit: int | None,
    sequence: bool,
    html: str | None,
    json_: str | None,
    csv_: str | None,
    **options: Any,
) -> None:
    """Run samples through MODEL: accuracy, differences from LiteRT's reference, times."""
    from host_sdk.validation.report import write_text

    x, y = read_data(Path(data), labels)
    report = _validate(model, on, x, y, limit, sequence, **options)
    for path, text in ((html, report.to_html), (json_, report.json_text), (csv_, report.to_csv)):
        if path:
            write_text(Path(path), text())
    click.echo(repr(report))


def _validate(
    model: str,
    on: str,
    x: dict[str, Array],
    y: Array | None,
    limit: int | None,
    sequence: bool,
    *,
    reference: str,
    tflite: str | None,
    head: str | None,
    ops: str | None,
    trust: bool,
    **port: Any,
) -> host_sdk.Report:
    if on == "host":
        return host_sdk.validate_on_host(
            *(model, x, y, reference),
            tflite=tflite,
            head=head,
            ops=ops,
            limit=limit,
            sequence=sequence,
            progress=True,
            trust=trust,
        )
    with open_board(**port) as board:
        board.load_model(model, head=head, ops=ops, trust=trust, progress=True)
        return board.validate(
            x, y, reference, tflite=tflite, limit=limit, sequence=sequence, progress=True
        )


@click.command()
@model_options
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="[NAME=]FILE.npy",
    help="One for each input; by default random values, always the same.",
)
@json_option
def trace(model: str, on: str, inputs: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Run MODEL step by step and compare every tensor with LiteRT's reference."""
    traced = _trace(model, on, load_inputs(inputs), progress=not as_json, **options)
    if as_json:
        print_json(traced.to_json())
        return
    click.echo(repr(traced))


def _trace(
    model: str,
    on: str,
    inputs: list[Array],
    *,
    progress: bool,
    reference: str,
    tflite: str | None,
    head: str | None,
    ops: str | None,
    trust: bool,
    **port: Any,
) -> host_sdk.Trace:
    if on == "host":
        return host_sdk.trace_on_host(
            model,
            *inputs,
            reference=reference,
            tflite=tflite,
            head=head,
            ops=ops,
            progress=progress,
            trust=trust,
        )
    with open_board(**port) as board:
        board.load_model(model, head=head, ops=ops, trust=trust, progress=progress)
        return board.trace(*inputs, reference=reference, tflite=tflite)


def read_data(path: Path, labels: str | None) -> tuple[dict[str, Array], Array | None]:
    """Read samples and labels.

    Args:
        path: .npz: all keys but the labels' are samples; .npy: they are as if of the key x; a
            folder: its samples.npz.
        labels: a key of the .npz, or a .npy file; None: the key y or labels, if there is one.

    Raises:
        InputError: a file cannot be read, or holds no samples.
    """
    path = path / SAMPLES if path.is_dir() else path
    loaded = load_array(str(path))
    arrays = dict(loaded) if isinstance(loaded, Mapping) else {"x": loaded}
    key, y = None, None
    if labels is None:
        key = next((k for k in LABEL_KEYS if k in arrays), None)
    elif labels in arrays:
        key = labels
    else:
        y = _labels_file(labels, arrays)
    if key is not None:
        y = arrays.pop(key)
    if not arrays:
        raise InputError(f"{path} must hold samples; holds none")
    return arrays, y


def _labels_file(labels: str, arrays: dict[str, Array]) -> Array:
    if not Path(labels).exists():
        keys = ", ".join(arrays)
        raise InputError(f"labels must be a key of the data ({keys}) or a file; is '{labels}'")
    loaded = load_array(labels)
    if isinstance(loaded, Mapping):
        raise InputError(f"labels {labels} must be a .npy with one array")
    array: Array = loaded
    return array
