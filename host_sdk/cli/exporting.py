"""`xipnet export`: a model for a program without our firmware."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from host_sdk.cli.compiling import Target, compile_options, trust_option
from host_sdk.errors import ModelFileError

if TYPE_CHECKING:
    from host_sdk.inference.model_source import Optimize


@click.command()
@click.argument("model", type=click.Path())
@click.option(
    "--c",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder for the C sources; it is made.",
)
@click.option("--target", type=Target(), help="CPU to compile a .tflite for: needed for one.")
@click.option("--name", help="What names in C begin with; by default that of the file.")
@compile_options
@click.option("--head", type=click.Path(dir_okay=False), help="As of `xipnet build`.")
@trust_option
def export(
    model: str,
    folder: Path,
    target: str | None,
    name: str | None,
    optimize: Optimize,
    max_ram: int | None,
    ops: str | None,
    head: str | None,
    trust: bool,
) -> None:
    """Write a MODEL as C: link it into any program, without our firmware.

    MODEL is a blob for one CPU (weights that are a file of their own are found beside it), a
    .tflite, or another tool's model. The folder holds the model as
    an array, a header with its sizes, what runs it (xn_model.c), an example that tests it, a
    Makefile and a CMakeLists.txt. An example that is there already stays as it is.
    """
    from host_sdk.inference.model_source import compile_tflite, open_model
    from relocatable.errors import BlobError
    from relocatable.export.c_project import c_name, c_project, needs_host, write_c_project

    opened = open_model(model, trust, show=True)
    data = opened.data
    on_host = None
    if opened.is_tflite:
        if target is None:
            raise click.UsageError(
                "a model that is compiled needs --target, the CPU that it is to run on"
            )
        data = compile_tflite(opened, head, target, optimize, max_ram=max_ram, ops=ops, show=True)
        if needs_host(data):
            on_host = compile_tflite(opened, head, "host", optimize, show=True, ops=ops)
    elif (target, head, max_ram, ops, optimize) != (None, None, None, None, "speed"):
        raise click.UsageError("a blob is compiled already: only --name is for it")
    else:
        data = opened.whole()
    called = c_name(name or opened.name or "model")
    try:
        files = c_project(called, data, on_host)
    except BlobError as error:
        raise ModelFileError(f"{model} cannot be exported: {error}") from error
    for path in write_c_project(files, folder):
        click.echo(f"written {path}")
    click.echo(f"your program includes {called}.h, and links {called}.c and xn_model.c")
