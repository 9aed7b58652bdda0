"""`xipnet infer`, `detect`, `classify`, `profile`: the active model at work."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

import host_sdk
from host_sdk.cli.common import board_command, json_option, print_json, print_table
from host_sdk.display.plain import plain_line
from host_sdk.errors import InputError

threshold_option = click.option(
    "--threshold", default=0.0, help="Leave out lower scores; the model's own limit stays in force."
)


@click.command()
@board_command
@click.argument("inputs", metavar="INPUT.npy...", nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write .npz: y0, y1, ...")
@click.option("--raw", is_flag=True, help="Quantised values instead of real ones.")
@click.option("--by-name", is_flag=True, help="Name outputs in .npz and JSON as the model does.")
@json_option
def infer(
    board: host_sdk.Device,
    inputs: tuple[str, ...],
    output: str | None,
    raw: bool,
    by_name: bool,
    as_json: bool,
) -> None:
    """Run the active model on arrays: one .npy file for each input.

    By name: NAME=FILE.npy for each input, or a .npz with the names as its keys.
    """
    result = board.infer(*load_inputs(inputs), raw=raw)
    outputs = result if isinstance(result, tuple) else (result,)
    names = result.names if isinstance(result, tuple) else (board.model().outputs[0].name,)
    if output or by_name:
        keys = names if by_name else [f"y{i}" for i in range(len(outputs))]
        arrays = dict(zip(keys, outputs, strict=True))
    if output:
        save_arrays(output, arrays)
    if as_json:
        plain = [y.tolist() for y in outputs]
        print_json(dict(zip(arrays, plain, strict=True)) if by_name else plain)
    elif not output:
        for name, y in zip(names, outputs, strict=True):
            what = f"{y.dtype} {list(y.shape)}"
            click.echo(f"{plain_line(name)}: {what}" if len(outputs) > 1 else what)
            click.echo(str(y))


@click.command()
@board_command
@click.argument("picture", type=click.Path(dir_okay=False))
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Picture with the boxes.")
@threshold_option
@json_option
def detect(
    board: host_sdk.Device, picture: str, output: str | None, threshold: float, as_json: bool
) -> None:
    """Find things in a PICTURE."""
    found = board.detect(picture, threshold=threshold)
    if output:
        save_picture(found, Path(output))
    if as_json:
        print_json(found.to_json())
    else:
        print_found(found)


@click.command()
@board_command
@click.argument("picture", type=click.Path(dir_okay=False))
@threshold_option
@json_option
def classify(board: host_sdk.Device, picture: str, threshold: float, as_json: bool) -> None:
    """Classify a PICTURE."""
    found = board.classify(picture, threshold=threshold)
    if as_json:
        print_json(found.to_json())
    else:
        print_found(found)


@click.command()
@board_command
@click.argument("inputs", metavar="[INPUT.npy...]", nargs=-1)
@json_option
def profile(board: host_sdk.Device, inputs: tuple[str, ...], as_json: bool) -> None:
    """Measure each step of the active model, on zeros or on INPUTs as of infer."""
    measured = board.profile(*load_inputs(inputs))
    if as_json:
        print_json(measured.to_json())
    else:
        print_table(*measured.table(), title=measured.title)


def print_found(found: host_sdk.Detections | host_sdk.Classes) -> None:
    """Print detections or classes as a table."""
    print_table(*found.table(), title=found.title)


def save_picture(found: host_sdk.Detections, path: Path) -> None:
    """Write the picture with its boxes; make the folder.

    Raises:
        InputError: it cannot be written there.
    """
    with _as_input_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        found.draw().save(path)


def load_inputs(given: Sequence[str]) -> list[Any]:
    """Read a model's inputs: by position, or one mapping by name.

    Args:
        given: FILE.npy for each input, or NAME=FILE.npy for each, or one .npz.

    Raises:
        InputError: a file cannot be read, or a name is there twice or only before some of them.
    """
    pairs = [(name, path) for name, sign, path in map(_split_name, given) if sign]
    if not pairs:
        return [load_array(path) for path in given]
    if len(pairs) < len(given):
        raise InputError("inputs must be all FILE.npy or all NAME=FILE.npy; are both")
    names = [name for name, _ in pairs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"input '{twice}' must be given once")
    return [{name: load_array(path) for name, path in pairs}]


def _split_name(given: str) -> tuple[str, str, str]:
    return ("", "", given) if Path(given).exists() else given.rpartition("=")


def save_arrays(path: str, arrays: Mapping[str, Any]) -> None:
    """Write a .npz.

    Raises:
        InputError: it cannot be written there.
    """
    import numpy as np

    with _as_input_error(Path(path)):
        np.savez(path, **arrays)


def load_array(path: str) -> Any:
    """Read the array of a .npy, or the mapping of a .npz.

    Raises:
        InputError: it cannot be read.
    """
    import numpy as np

    with _as_input_error(Path(path)):
        return np.load(path, allow_pickle=False)


@contextlib.contextmanager
def _as_input_error(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: {reason}") from error
