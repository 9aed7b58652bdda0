"""`xipnet build`, `inspect`, `ops`: no board needed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import relocatable
from host_sdk.cli.bundling import (
    build_pipeline,
    inspect_bundle,
    is_bundle_file,
    refuse_model_options,
)
from host_sdk.cli.common import json_option, print_facts, print_json, print_table, show_note
from host_sdk.cli.costs import costs_of, fits_as_data, print_costs, print_fits
from host_sdk.cli.signing import show_seal
from host_sdk.errors import InputError

if TYPE_CHECKING:
    from host_sdk.inference.model_source import OpenedModel, Optimize, Weights

_RESULTS = {0: "tensors", 1: "detections", 2: "classes"}


class Target(click.ParamType):  # type: ignore[type-arg]  # click 8.1 has none
    """A CPU of the compiler, which is loaded when it is asked for them."""

    name = "target"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """List the CPUs."""
        return f"[{'|'.join(sorted(relocatable.TARGETS))}]"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse what is not a CPU."""
        if value not in relocatable.TARGETS:
            names = ", ".join(sorted(relocatable.TARGETS))
            self.fail(f"{value!r} is not one of {names}.", param, ctx)
        return value


ops_option = click.option(
    "--ops", type=click.Path(file_okay=False), help="Folder of operators of your own."
)


def compile_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --optimize, --max-ram and --ops."""
    options = (
        click.option(
            "--optimize",
            type=click.Choice(("speed", "size", "ram")),
            default="speed",
            show_default=True,
            help="size: less flash; ram: the smallest arena, whatever time it costs.",
        ),
        click.option(
            "--max-ram",
            type=read_bytes,
            metavar="BYTES",
            help="What the arena may have, such as 65536 or 64k.",
        ),
        ops_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


weights_option = click.option(
    "--weights",
    type=click.Choice(("inside", "separate")),
    default="inside",
    show_default=True,
    help="separate: an object of their own, which models may share.",
)
compress_option = click.option(
    "--compress",
    type=click.Choice(("2bit", "4bit", "8bit")),
    callback=lambda context, option, value: value and int(value.removesuffix("bit")),
    help="Leave each layer (or channel) so few different weights as have codes of so many bits.",
)
trust_option = click.option(
    "--trust",
    is_flag=True,
    help="Take another tool's file unseen: it may run code on this computer.",
)


def read_bytes(text: str) -> int:
    """Read a number of bytes: 65536 or 64k."""
    digits, unit = (text[:-1], 1024) if text[-1:] in ("k", "K") else (text, 1)
    if not (digits.isascii() and digits.isdecimal()) or int(digits) == 0:
        raise click.BadParameter(f"must be a number of bytes, such as 65536 or 64k; is {text!r}")
    return int(digits) * unit


@click.command()
@click.argument("model", type=click.Path())
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="By default MODEL.bin here.")
@click.option(
    "--target",
    "targets",
    type=Target(),
    multiple=True,
    default=("cortex-m55",),
    show_default="cortex-m55",
    help="CPU to compile for; several times for one blob that runs on several.",
)
@compile_options
@click.option(
    "--head",
    type=click.Path(dir_okay=False),
    help="TOML or C file, or auto; by default MODEL.toml.",
)
@click.option(
    "--whole-tensors", is_flag=True, help="Stream none, for `xipnet trace`; takes more RAM."
)
@weights_option
@compress_option
@trust_option
@json_option
def build(
    model: str,
    output: str | None,
    targets: tuple[str, ...],
    optimize: Optimize,
    max_ram: int | None,
    head: str | None,
    whole_tensors: bool,
    ops: str | None,
    weights: Weights,
    compress: int | None,
    trust: bool,
    as_json: bool,
) -> None:
    """Compile a MODEL and print what it will cost.

    MODEL is a .tflite; a Keras model: .keras, .h5, a SavedModel's folder; .onnx; a .pt2 of
    torch.export; or a Caffe network: a .prototxt beside its .caffemodel.

    A pipeline.toml becomes a bundle of models, scripts and data, NAME.bundle.
    """
    from host_sdk.inference.model_source import compile_tflite, open_model
    from host_sdk.inference.weights_files import weights_paths

    if is_bundle_file(model):
        refuse_model_options(head, optimize, max_ram, ops, trust)
        if whole_tensors:
            raise click.UsageError("--whole-tensors is for one model")
        if weights != "inside":
            raise click.UsageError("--weights is for one model")
        if compress is not None:
            raise click.UsageError("--compress is for one model")
        build_pipeline(model, output, targets, as_json)
        return
    opened = open_model(model, trust, show=not as_json)
    if not opened.is_tflite:
        raise InputError(f"{model} is a blob already, which `xipnet inspect` shows")
    layers: list[dict[str, Any]] = []
    error = None
    if compress is not None:
        opened, layers, error = _compressed(opened, compress)
    blob = compile_tflite(
        *(opened, head, targets, optimize),
        max_ram=max_ram,
        whole_tensors=whole_tensors,
        ops=ops,
        show=not as_json,
    )
    # Beside the model is no place of ours: it may be in a folder of others.
    path = Path(output) if output else Path(Path(model).with_suffix(".bin").name)
    objects: dict[Path, bytes] = {}
    if weights == "separate":
        separated = relocatable.separate_weights(blob)
        blob, objects = separated.blob, weights_paths(path, separated)
    for file, data in {path: blob, **objects}.items():
        file.write_bytes(data)
    costs = costs_of(blob)
    if as_json:
        programs = [asdict(cost) for cost in costs]
        files = {"output": str(path), "weights": [str(file) for file in objects]}
        made = {} if compress is None else {"compressed": layers, "output_error": error}
        boards = {"programs": programs, "boards": fits_as_data(blob)}
        print_json({**files, **programs[0], **boards, **made})
    else:
        print_costs(costs)
        if error is not None:
            _print_compressed(layers, error)
        print_fits(blob)
        click.echo(f"written to {path}")
        for need in _needs(relocatable.Blob.unpack(blob), path):
            click.echo(_need_text(need))
    show_note(opened.note)


def _compressed(opened: OpenedModel, bits: int) -> tuple[OpenedModel, list[dict[str, Any]], float]:
    """Give the model few weights; say what became of its layers, and its outputs."""
    from host_sdk.quantizing.few_values import compress_model, output_error

    made = compress_model(opened.data, bits)
    error = output_error(opened.data, made.tflite)
    return replace(opened, data=made.tflite), [asdict(layer) for layer in made.layers], error


def _print_compressed(layers: list[dict[str, Any]], error: float) -> None:
    columns = ("compressed filter of", "weights", "codebooks", "error")
    rows = [(one["name"], one["weights"], one["codebooks"], one["error"]) for one in layers]
    cells = [(name, f"{n:,}", str(books), f"{off:.1%}") for name, n, books, off in rows]
    print_table(columns, cells)
    click.echo(
        f"outputs are off by {error:.1%} of their range on random inputs; what that does to its "
        "accuracy, `xipnet quantize --compress` says"
    )


@click.command()
@click.argument("blob", metavar="BLOB|BUNDLE|SEAL", type=click.Path(dir_okay=False))
@json_option
def inspect(blob: str, as_json: bool) -> None:
    """Show what a BLOB or a BUNDLE holds and costs, or what a SEAL says."""
    from host_sdk.inference.model_source import read_model_file
    from host_sdk.store.files import is_bundle
    from host_sdk.trust.seals import is_seal

    _, data = read_model_file(blob)
    if is_seal(data):
        show_seal(Path(blob), data, as_json)
        return
    if is_bundle(data):
        inspect_bundle(data, as_json)
        return
    unpacked = relocatable.Blob.unpack(data)
    costs = costs_of(data)
    needs = _needs(unpacked, Path(blob))
    if as_json:
        print_json(
            {
                "sha256": unpacked.sha256,
                "needs": needs,
                "programs": [asdict(c) for c in costs],
                "entries": [asdict(e) for e in unpacked.entries],
                "metadata": unpacked.metadata,
                "boards": fits_as_data(data),
            }
        )
        return
    print_facts(_facts(unpacked))
    for need in needs:
        click.echo(_need_text(need))
    click.echo()
    print_costs(costs)
    click.echo()
    print_fits(data)


@click.command()
@click.argument("operators", metavar="[OPERATOR]...", nargs=-1)
def ops(operators: tuple[str, ...]) -> None:
    """Print the rules of all operators, or of some, such as CONV_2D."""
    text = _rules_page().read_text(encoding="utf-8")
    if not operators:
        click.echo(text, nl=False)
        return
    sections = {part.partition("\n")[0]: part for part in text.split("\n## ")[1:]}
    for operator in operators:
        if operator not in sections:
            raise InputError(f"operator must be one that `xipnet ops` lists; is {operator!r}")
        click.echo(f"## {sections[operator]}", nl=False)


def _rules_page() -> Path:
    """Find docs/OPS.md: in the source tree, or where the installation put it."""
    from importlib import metadata

    in_tree = Path(relocatable.__path__[0]).parent / "docs" / "OPS.md"
    if in_tree.exists():
        return in_tree
    installed = [f for f in metadata.files("xipnet") or () if f.name == in_tree.name]
    if not installed:
        raise InputError("docs/OPS.md must be installed with the package; is not")
    return Path(str(installed[0].locate()))


def _facts(blob: relocatable.Blob) -> dict[str, str]:
    metadata = blob.metadata
    golden = "none"
    if blob.golden is not None:
        kept = f"{len(blob.golden.outputs):,} bytes of outputs"
        golden = "SHA-256 of the outputs" if blob.golden.hashed else kept
    facts = {
        "name": str(metadata["name"]),
        "made by": str(metadata["tool"]),
        "SHA-256": blob.sha256.hex(),
        "inputs": _tensors(metadata, "inputs"),
        "outputs": _tensors(metadata, "outputs"),
        "entries": ", ".join(_RESULTS.get(e.result, f"result {e.result}") for e in blob.entries),
        "golden": golden,
    }
    if labels := metadata.get("labels"):
        facts["labels"] = ", ".join(map(str, labels))
    if image := metadata.get("image"):
        facts["pixels"] = f"(pixel - {image['mean']}) / {image['std']}"
    return facts


def _needs(blob: relocatable.Blob, path: Path) -> list[dict[str, Any]]:
    """List the weights that a blob needs: for which targets, in which file."""
    from host_sdk.inference.weights_files import find_weights

    files = find_weights(blob.needs, path)
    found = {hashlib.sha256(file.data).digest(): file.path for file in files}
    targets = list(zip(blob.metadata["targets"], blob.variants, strict=True))
    return [
        {
            "sha256": need.sha256,
            "bytes": need.size_bytes,
            "targets": [target for target, variant in targets if variant.need == need],
            "file": str(found[need.sha256]) if need.sha256 in found else None,
        }
        for need in blob.needs
    ]


def _need_text(need: dict[str, Any]) -> str:
    return (
        f"needs weights for {', '.join(need['targets'])}: {need['bytes']:,} bytes, SHA-256 "
        f"{need['sha256'].hex()[:12]}, {need['file'] or 'of which no file is beside it'}"
    )


def _tensors(metadata: dict[str, Any], key: str) -> str:
    return ", ".join(f"{t['name']} {t['dtype']} {t['shape']}" for t in metadata[key])
