"""What `load`, `build` and `inspect` do with bundles (docs/SPEC-bundle.md)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from host_sdk.cli.common import print_facts, print_json, print_table
from host_sdk.cli.costs import costs_of, print_model

if TYPE_CHECKING:
    from host_sdk.bundle.bundle import Member


def is_bundle_file(path: str) -> bool:
    """Tell whether a file is a bundle, or says what one is made of."""
    from host_sdk.bundle.prepare import is_pipeline
    from host_sdk.store.files import BUNDLE_MAGIC, is_bundle

    if is_pipeline(path):
        return True
    if not Path(path).is_file():
        return False  # whoever reads it says so
    with Path(path).open("rb") as file:
        return is_bundle(file.read(len(BUNDLE_MAGIC)))


def refuse_model_options(
    head: str | None, optimize: str, max_ram: int | None, ops: str | None, trust: bool
) -> None:
    """Refuse options of one model: a pipeline.toml has them for each."""
    if head is not None or optimize != "speed" or max_ram is not None or ops is not None:
        raise click.UsageError(
            "--head, --optimize, --max-ram and --ops are of a model: its table in the "
            "pipeline.toml has them"
        )
    if trust:
        raise click.UsageError(
            "--trust is for one model: build its blob, and name that in the pipeline.toml"
        )


def build_pipeline(path: str, output: str | None, targets: tuple[str, ...], as_json: bool) -> None:
    """Make a bundle of a pipeline.toml, and print what its models will cost."""
    from host_sdk.bundle.bundle import unpack_bundle
    from host_sdk.bundle.prepare import build_bundle

    made = build_bundle(Path(path), targets, show=not as_json)
    to = Path(output) if output else Path(f"{made.name}.bundle")
    to.write_bytes(made.data)
    members = unpack_bundle(made.data)
    if as_json:
        print_json({"output": str(to), "name": made.name, **_facts(made.data, members)})
        return
    _print_members(made.data, members)
    click.echo(f"written to {to}")


def inspect_bundle(data: bytes, as_json: bool) -> None:
    """Print what a bundle holds."""
    from host_sdk.bundle.bundle import unpack_bundle

    members = unpack_bundle(data)
    if as_json:
        print_json(_facts(data, members))
    else:
        _print_members(data, members)


def _facts(data: bytes, members: tuple[Member, ...]) -> dict[str, Any]:
    import hashlib

    from host_sdk.link.board_info import OBJECT_TYPES
    from host_sdk.store.files import BLOB

    return {
        "size_bytes": len(data),
        "sha256": hashlib.sha256(data).digest(),
        "members": [
            {
                "name": member.name,
                "type": OBJECT_TYPES[member.kind],
                "size_bytes": len(member.data),
                "sha256": hashlib.sha256(member.data).digest(),
                "programs": [
                    asdict(cost) for cost in (costs_of(member.data) if member.kind == BLOB else ())
                ],
            }
            for member in members
        ],
    }


def _print_members(data: bytes, members: tuple[Member, ...]) -> None:
    import hashlib

    from host_sdk.link.board_info import OBJECT_TYPES
    from host_sdk.store.files import BLOB

    for member in members:
        if member.kind == BLOB:
            click.echo(f"{member.name}:")
            print_model(member.data)
            click.echo()
    rows = [
        (
            member.name,
            OBJECT_TYPES[member.kind],
            f"{len(member.data):,}",
            hashlib.sha256(member.data).hexdigest()[:12],
        )
        for member in members
    ]
    print_table(("member", "type", "bytes", "SHA-256"), rows)
    print_facts({"bundle": f"{len(data):,} bytes", "SHA-256": hashlib.sha256(data).hexdigest()})
