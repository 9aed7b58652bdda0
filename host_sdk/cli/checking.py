"""`xipnet check`: models before they are built, no board and no C compiler needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import relocatable
from host_sdk.cli.common import json_option, print_facts, print_json, print_table, show_note
from host_sdk.cli.compiling import Target, compile_options, trust_option
from host_sdk.display.plain import plain_text
from host_sdk.display.progress import late_progress

if TYPE_CHECKING:
    from host_sdk.cli.fitting import Fit
    from host_sdk.inference.check_model import ModelCheck, ProgramCost
    from host_sdk.inference.model_source import Optimize


@click.command()
@click.argument("models", metavar="MODEL...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--target",
    "targets",
    type=Target(),
    multiple=True,
    help="CPU to check for, several times for several; by default those of all known boards.",
)
@compile_options
@click.option(
    "--head",
    type=click.Path(dir_okay=False),
    help="TOML or C file for all MODELs, or auto; by default MODEL.toml.",
)
@click.option("--exact", is_flag=True, help="Compile, for the exact flash and stack; takes longer.")
@trust_option
@json_option
def check(
    models: tuple[str, ...],
    targets: tuple[str, ...],
    optimize: Optimize,
    max_ram: int | None,
    ops: str | None,
    head: str | None,
    exact: bool,
    trust: bool,
    as_json: bool,
) -> None:
    """Say whether MODELs are taken, what they cost and where they fit.

    MODELs are .tflite files, folders of them, Keras models (.keras, .h5, SavedModels), .onnx, .pt2
    of PyTorch and Caffe networks (.prototxt). Ends with 1 if one is not taken. Flash is a range,
    since the code is not compiled.
    """
    from host_sdk.inference.check_model import check_model, find_models
    from relocatable.targets import find_targets

    files = find_models(models)
    cpus = [target.name for target in find_targets(sorted(targets or _board_cpus()))]
    found = []
    with late_progress(not as_json, "checking") as progress:
        for path in files:
            found.append(
                check_model(
                    *(path, cpus, optimize),
                    head=head,
                    max_ram=max_ram,
                    ops=ops,
                    exact=exact,
                    trust=trust,
                )
            )
            if progress is not None:
                progress(len(found), len(files))
    if as_json:
        print_json([_to_json(checked) for checked in found])
    elif len(found) == 1:
        _print_one(found[0])
    else:
        _print_all(found)
    if not all(checked.taken for checked in found):
        raise click.exceptions.Exit(1)


def _board_cpus() -> set[str]:
    """List the CPUs of the known boards."""
    from host_sdk.store.board_space import board_spaces

    return {space.cpu for space in board_spaces()}


def _print_one(checked: ModelCheck) -> None:
    facts = {"model": checked.file, "taken": "yes" if checked.taken else "no"}
    if checked.operators:
        facts["operators"] = ", ".join(f"{kind} {n}" for kind, n in checked.operators.items())
    if checked.head:
        facts["head"] = f"{checked.head}, from {checked.head_from}"
    print_facts(facts)
    click.echo()
    if not checked.taken:
        click.echo(plain_text(checked.error))
        return
    rows = [
        (
            cost.target,
            f"{cost.arena_bytes:,}",
            f"{cost.macs:,}",
            _range(cost.flash_bytes),
            *(() if cost.stack_bytes is None else (f"{cost.stack_bytes:,}",)),
        )
        for cost in checked.programs
    ]
    has_stack = any(cost.stack_bytes is not None for cost in checked.programs)
    print_table(("CPU", "RAM", "MACs", "flash", *(["stack"] * has_stack)), rows)
    click.echo()
    print_facts({least.title: _fit_text(least, most) for least, most in _fits(checked)})
    show_note(checked.note)


def _print_all(found: Sequence[ModelCheck]) -> None:
    rows: list[tuple[str, ...]] = []
    for name, checked in zip(_short_names([c.file for c in found]), found, strict=True):
        if not checked.taken:
            reasons = len(checked.refusals)
            text = f"not taken: {reasons} reason{'s' * (reasons != 1)}"
            rows.append((name, "", "", "", text))
            continue
        costs, fits = checked.programs, _fits(checked)
        on = sum(most.ok for _, most in fits)
        ram = [cost.arena_bytes for cost in costs]
        macs = [cost.macs for cost in costs]
        flash = [n for cost in costs for n in cost.flash_bytes]
        rows.append(
            (
                name,
                *(_range((min(values), max(values))) for values in (ram, macs, flash)),
                f"{on} of {len(fits)}",
            )
        )
    print_table(("model", "RAM", "MACs", "flash", "boards"), rows)
    for checked in found:
        if not checked.taken:
            click.echo(plain_text(f"\n{checked.file}:\n{checked.error}"))
        elif checked.note:
            show_note(f"{checked.file}: {checked.note}")
    taken = sum(checked.taken for checked in found)
    click.echo(f"\n{taken} of {len(found)} taken")


def _short_names(files: Sequence[str]) -> list[str]:
    """Leave out folders and endings where the names tell files apart."""
    names = [Path(file).stem for file in files]
    return [
        name if names.count(name) == 1 else file for name, file in zip(names, files, strict=True)
    ]


def _range(values: tuple[int, int]) -> str:
    low, high = values
    return f"{low:,}" if low == high else f"{low:,}..{high:,}"


def _fits(checked: ModelCheck) -> list[tuple[Fit, Fit]]:
    """Find how a model fits on boards, with the least and the most flash."""
    from host_sdk.cli.fitting import Need, fits_of_needs

    def needs(which: int) -> list[Need]:
        return [
            Need(_cpu(cost), cost.arena_bytes, cost.flash_bytes[which], cost.stack_bytes or 0)
            for cost in checked.programs
        ]

    return list(zip(fits_of_needs(needs(0)), fits_of_needs(needs(1)), strict=True))


def _cpu(cost: ProgramCost) -> tuple[int, int, int]:
    target = relocatable.TARGETS[cost.target]
    return target.family.number, target.level, target.feature_bits


def _fit_text(least: Fit, most: Fit) -> str:
    if most.ok or not least.ok:
        return str(most if most.ok else least)
    missing = str(most).removeprefix("does not fit: ")
    return f"fits if the code is small; if it is large, {missing}"


def _to_json(checked: ModelCheck) -> dict[str, Any]:
    fits = _fits(checked) if checked.taken else []
    boards = [{"board": least.board, "fits": _verdict(least, most)} for least, most in fits]
    return {**asdict(checked), "taken": checked.taken, "boards": boards}


def _verdict(least: Fit, most: Fit) -> str:
    return "yes" if most.ok else "maybe" if least.ok else "no"
