"""`xipnet replay`: the runs that a board kept, again on this computer."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import host_sdk
from host_sdk.cli.common import open_board, port_options
from host_sdk.cli.compiling import ops_option
from host_sdk.cli.running import save_arrays
from host_sdk.display.plain import plain_line
from host_sdk.errors import InputError

if TYPE_CHECKING:
    from host_sdk.capsule.record import CapsuleRecord


@click.command()
@click.argument("capsule")
@click.argument("model", type=click.Path(dir_okay=False))
@click.option(
    "--blob", type=click.Path(exists=True, dir_okay=False), help="Must be the blob that ran."
)
@click.option("--tensors", type=click.Path(dir_okay=False), help="Write every tensor, .npz.")
@ops_option
@port_options
def replay(
    capsule: str, model: str, blob: str | None, tensors: str | None, ops: str | None, **port: Any
) -> None:
    """Run CAPSULE's inputs through MODEL here: the same bits, and every tensor.

    CAPSULE is a file or a folder of files, or the name of a capsule in the board's store. MODEL is
    the .tflite that the blob was compiled from. A difference is exit code 1.
    """
    from host_sdk.capsule.record import in_order
    from host_sdk.capsule.replay import replay as run_again

    path = Path(capsule)
    if path.exists():
        records = in_order(_of_files(path))
    else:
        with open_board(**port) as board:
            records = read_capsule(board, capsule)
    if not records:
        raise InputError(f"{plain_line(capsule)}: the folder holds no run")
    if blob is not None:
        _check_blob(records, Path(blob))
    kept: dict[str, Any] = {}
    differing = 0
    for run in run_again(records, model, ops):
        name = plain_line(run.record.name)
        said = "same bits" if run.is_same else f"{run.differing} values differ"
        blob_id = run.record.sha256.hex()[:12]
        click.echo(f"{name}: run {run.record.sequence} of blob {blob_id}, {said}")
        kept |= {f"{run.record.name}/{tensor}": v for tensor, v in run.tensors.items()}
        differing += not run.is_same
    if tensors:
        save_arrays(tensors, kept)
        click.echo(f"wrote {len(kept)} tensors to {tensors}")
    if differing:
        raise InputError(f"{differing} of {len(records)} runs differ from the board's")


def _of_files(path: Path) -> list[CapsuleRecord]:
    from host_sdk.capsule.record import read_record

    paths = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    return [read_record(p.name, p.read_bytes()) for p in paths]


def read_capsule(board: host_sdk.Device, name: str) -> list[CapsuleRecord]:
    """Read the runs of a capsule in the board's store, the oldest first.

    Raises:
        InputError: there is none of that name, or an object is no run.
    """
    from host_sdk.capsule.record import in_order, read_record

    stored = [o.name for o in board.ls() if o.name.rpartition(".")[0] == name]
    slots = [n for n in stored if n.rpartition(".")[2].isdecimal()]
    if not slots:
        raise InputError(f"no file and no capsule of the board is named {plain_line(name)!r}")
    return in_order(read_record(n, board.get(n)) for n in slots)


def _check_blob(records: list[CapsuleRecord], path: Path) -> None:
    digest = hashlib.sha256(path.read_bytes()).digest()
    if other := next((r for r in records if r.sha256 != digest), None):
        raise InputError(
            f"{path}: must be the blob that ran, {other.sha256.hex()}; is {digest.hex()}"
        )
