"""`xipnet load`, `ls`, `rm`, `activate`."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

import host_sdk
from host_sdk.cli.bundling import is_bundle_file, refuse_model_options
from host_sdk.cli.common import (
    board_command,
    json_option,
    print_json,
    print_table,
    seal_option,
    show_note,
)
from host_sdk.cli.compiling import compile_options, trust_option, weights_option
from host_sdk.cli.validating import read_data

if TYPE_CHECKING:
    from host_sdk.inference.model_source import Optimize, Weights
    from host_sdk.link.board_info import StoredObject
    from host_sdk.store.upload import Uploaded


@click.command()
@board_command
@click.argument("model", type=click.Path())
@click.option("--name", help="Name in the store; by default the file's stem.")
@click.option(
    "--head",
    type=click.Path(dir_okay=False),
    help="TOML or C file, or auto; by default MODEL.toml.",
)
@compile_options
@weights_option
@click.option("--no-activate", is_flag=True, help="Only store it.")
@click.option(
    "--data",
    type=click.Path(),
    help="Then validate it on these samples, as xipnet validate does.",
)
@seal_option
@trust_option
@json_option
def load(
    board: host_sdk.Device,
    model: str,
    name: str | None,
    head: str | None,
    optimize: Optimize,
    max_ram: int | None,
    ops: str | None,
    weights: Weights,
    no_activate: bool,
    data: str | None,
    seal: str | None,
    trust: bool,
    as_json: bool,
) -> None:
    """Upload a MODEL: a blob, or what is compiled for the board's CPU.

    That is a .tflite; a Keras model: .keras, .h5, a SavedModel's folder; .onnx; a .pt2 of
    torch.export; or a Caffe network: a .prototxt beside its .caffemodel.

    Or a bundle of models, scripts and data: a pipeline.toml, or what `xipnet build` made of one.
    """
    if data is not None and no_activate:
        raise click.UsageError("--data needs the model active; --no-activate only stores it")
    if data is not None and is_bundle_file(model):
        raise click.UsageError("--data is for a model; this is a bundle")
    samples = None if data is None else read_data(Path(data), None)
    if is_bundle_file(model):
        refuse_model_options(head, optimize, max_ram, ops, trust)
        if weights != "inside":
            raise click.UsageError("--weights is for one model")
        loaded = board.load_bundle(
            *(model, name), activate=not no_activate, seal=seal, progress=not as_json
        )
    else:
        loaded = board.load_model(
            *(model, name),
            head=head,
            optimize=optimize,
            max_ram=max_ram,
            ops=ops,
            weights=weights,
            activate=not no_activate,
            seal=seal,
            trust=trust,
            progress=not as_json,
        )
    if not as_json:
        _tell_loaded(loaded)
    report = None if samples is None else board.validate(*samples, progress=not as_json)
    if as_json:
        print_json(asdict(loaded) | ({"validation": report.to_json()} if report else {}))
    elif report is not None:
        click.echo(repr(report))


def _tell_loaded(loaded: Uploaded) -> None:
    sent = f"sent {loaded.sent_bytes:,} bytes" if loaded.sent_bytes else "the board had it already"
    if loaded.weights_bytes:
        sent += f", {loaded.weights_bytes:,} of them for weights"
    tested = f", tested in {loaded.golden_us / 1000:.1f} ms" if loaded.golden else ""
    state = ", active" if loaded.active else ""
    click.echo(f"{loaded.name}: version {loaded.version}{state}; {sent}{tested}")
    if loaded.waits:
        click.echo("it waits for its weights: `xipnet put NAME.weights.bin`, then activate it")
    show_note(loaded.note)


@click.command()
@board_command
@click.option("--check", is_flag=True, help="Have the board look for damaged objects first.")
@json_option
def ls(board: host_sdk.Device, check: bool, as_json: bool) -> None:
    """List what the board's store holds."""
    objects = board.ls(check=check)
    if as_json:
        print_json([asdict(o) for o in objects])
        return
    rows = [
        (
            o.name,
            o.type,
            f"{o.size_bytes:,}",
            str(o.version),
            o.sha256.hex()[:12],
            ", ".join(_marks(o)),
        )
        for listed in objects
        for o in (listed, *_members(listed))
    ]
    print_table(("name", "type", "bytes", "version", "SHA-256", ""), rows)
    info = board.info()
    for trouble in info.troubles:
        click.echo(f"Trouble: {trouble}", err=True)
    for name in board.lost() if info.log.lost else ():
        click.echo(f"Trouble: a record of {name or 'an unknown name'} is lost", err=True)


def _members(bundle: StoredObject) -> list[StoredObject]:
    """List a bundle's members by the names that the board finds them by."""
    return [
        replace(
            bundle,
            name=f"{bundle.name}/{member.name}",
            type=member.type,
            size_bytes=member.size_bytes,
            sha256=member.sha256,
            active=False,
            damaged=None,
            sealed=None,
            members=(),
        )
        for member in bundle.members
    ]


def _marks(stored: StoredObject) -> list[str]:
    marks = ["active"] * stored.active + ["damaged"] * (stored.damaged is True)
    if stored.needs:
        verb = "waits for" if stored.waits else "needs"
        marks.append(f"{verb} weights {', '.join(need.hex()[:12] for need in stored.needs)}")
    if stored.needed_by:
        marks.append(f"needed by {', '.join(stored.needed_by)}")
    if stored.sealed:
        marks.append(f"sealed, counter {stored.counter}")
    return marks


@click.command()
@board_command
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def rm(board: host_sdk.Device, names: tuple[str, ...]) -> None:
    """Delete objects from the store."""
    for name in names:
        board.rm(name)


@click.command()
@board_command
@click.argument("name")
def activate(board: host_sdk.Device, name: str) -> None:
    """Make a stored model the active one."""
    board.activate(name)
