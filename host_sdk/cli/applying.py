"""`xipnet plan` and `apply`: a board becomes what a file says (docs/SCRIPTING.md)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

import host_sdk
from host_sdk.cli.common import (
    board_command,
    json_option,
    print_json,
    print_table,
    seal_option,
    show_note,
)
from host_sdk.cli.ota import decider, trial_options

if TYPE_CHECKING:
    from host_sdk.bundle.changes import BundleChanges

_source = click.argument("source", type=click.Path(), default="xipnet.toml")
_name = click.option("--name", help="Name in the store; by default what the file says.")


@click.command()
@board_command
@_source
@_name
@json_option
def plan(board: host_sdk.Device, source: str, name: str | None, as_json: bool) -> None:
    """Show what `xipnet apply SOURCE` would change on a board; changes nothing.

    SOURCE says which models, scripts and data are one (a pipeline.toml, by default xipnet.toml), or
    is the bundle that `xipnet build` made of it.
    """
    changes = board.plan_bundle(source, name, show=not as_json)
    if as_json:
        print_json(_facts(changes))
    else:
        _print(changes)


@click.command()
@board_command
@_source
@_name
@trial_options
@seal_option
@json_option
def apply(
    board: host_sdk.Device,
    source: str,
    name: str | None,
    check: str | None,
    manual: bool,
    within: int,
    boots: int,
    seal: str | None,
    as_json: bool,
) -> None:
    """Make a board what SOURCE says: models, scripts and data switch as one.

    Sends what the board lacks; does nothing if it is so already. SOURCE: see `xipnet plan`.
    """
    from host_sdk.bundle.prepare import is_pipeline

    decide = decider(check, manual)
    changes = board.plan_bundle(source, name, show=not as_json)
    if not as_json:
        _print(changes)
    loaded = None
    if not changes.is_applied:
        loaded = board.load_bundle(
            changes.data if is_pipeline(source) else source,
            changes.name,
            confirm=decide,
            confirm_s=within,
            boots=boots,
            seal=seal,
            progress=not as_json,
        )
    if as_json:
        print_json({**_facts(changes), "loaded": None if loaded is None else asdict(loaded)})
    elif loaded is not None:
        state = ", on trial" if loaded.pending else ", active" if loaded.active else ""
        click.echo(
            f"{loaded.name}: version {loaded.version}{state}; sent {loaded.sent_bytes:,} bytes"
        )
        show_note(loaded.note)


def _facts(changes: BundleChanges) -> dict[str, Any]:
    facts = asdict(changes)
    del facts["data"]
    return {**facts, "is_applied": changes.is_applied, "most_bytes": changes.most_bytes}


def _print(changes: BundleChanges) -> None:
    print_table(
        ("member", "type", "change", "bytes", "on the board", "SHA-256"),
        [
            (
                *(m.name, m.type, m.change),
                f"{m.size_bytes:,}" if m.sha256 else "",
                m.was_sha256.hex()[:12] if m.was_sha256 else "",
                m.sha256.hex()[:12] if m.sha256 else "",
            )
            for m in changes.members
        ],
    )
    click.echo(_summary(changes))


def _summary(changes: BundleChanges) -> str:
    name = changes.name
    if changes.is_applied:
        return f"{name}: version {changes.version} is active; nothing would change"
    before = f"version {changes.version}" if changes.version else "new"
    switch = "" if changes.is_active else f"; becomes active instead of {changes.active or 'none'}"
    return f"{name}: {before}{switch}; at most {changes.most_bytes:,} bytes are sent"
