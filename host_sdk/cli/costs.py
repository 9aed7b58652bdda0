"""What a blob costs, and on which boards it fits, as text and as data."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

import relocatable
from host_sdk.cli.common import print_facts, print_table
from host_sdk.display.table import short_name

if TYPE_CHECKING:
    from relocatable.blob.cost import StepCost


def costs_of(blob: bytes) -> list[relocatable.Report]:
    """Read what each program of a blob costs."""
    count = len(relocatable.Blob.unpack(blob).variants)
    return [relocatable.report(blob, i) for i in range(count)]


def print_model(blob: bytes) -> None:
    """Print what a blob costs, and on which known boards it fits."""
    print_costs(costs_of(blob))
    print_fits(blob)


def print_costs(costs: list[relocatable.Report]) -> None:
    """Print what each program of a blob costs."""
    for i, cost in enumerate(costs):
        if i:
            click.echo()
        _print_cost(cost)
    if len(costs) > 1:
        click.echo(f"\n{len(costs)} programs; a board takes the first that its CPU can run")


def _print_cost(cost: relocatable.Report) -> None:
    """Print flash, RAM, stack and MACs, and each step."""
    rows = []
    for s in cost.steps:
        rows.append((short_name(s.name), s.op, s.output, *_figures(s)))
        rows += [
            (f"  {short_name(x.name)}", x.op, x.output, f"{x.macs:,}", "", "") for x in s.layers
        ]
    print_table(("step", "operator", "output", "MACs", "weights", "code"), rows)
    packed = [layer for step in cost.steps for layer in step.packed]
    if packed:
        print_table(
            ("packed filter of", "flash saved", "instructions added"),
            [(short_name(x.name), f"{x.saved_bytes:,}", f"{x.instructions:,}") for x in packed],
        )
    print_facts(
        {
            "model": f"{cost.name} for {cost.target}",
            "flash": f"{cost.flash_bytes:,} bytes: code {cost.code_bytes:,}, "
            f"weights {cost.weight_bytes:,}{' (separate)' * (cost.object_bytes > 0)}, "
            f"metadata {cost.metadata_bytes:,}, "
            f"golden vector {cost.golden_bytes:,}",
            "RAM": f"{cost.arena_bytes:,} bytes",
            "stack": f"{cost.stack_bytes:,} bytes",
            "MACs": f"{cost.macs:,}",
            **(_packed_fact(cost) if packed else {}),
        }
    )


def _packed_fact(cost: relocatable.Report) -> dict[str, str]:
    return {
        "packed": f"{cost.saved_bytes:,} bytes of weights saved, "
        f"about {cost.unpack_instructions:,} instructions added"
    }


def fits_as_data(blob: bytes) -> list[dict[str, Any]]:
    """List on which known boards whose CPU runs it a blob fits."""
    from host_sdk.cli.fitting import fits_of

    return [{**asdict(fit), "fits": fit.ok} for fit in fits_of(relocatable.Blob.unpack(blob))]


def print_fits(blob: bytes) -> None:
    """Print on which known boards whose CPU runs it a blob fits."""
    from host_sdk.cli.fitting import fits_of

    print_facts({fit.title: str(fit) for fit in fits_of(relocatable.Blob.unpack(blob))})


def _figures(step: StepCost) -> list[str]:
    return [f"{n:,}" for n in (step.macs, step.weight_bytes, step.code_bytes)]
