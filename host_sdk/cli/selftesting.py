"""`xipnet selftest`: a board tries itself."""

from __future__ import annotations

import json
from pathlib import Path

import click

import host_sdk
from host_sdk.cli.common import board_command
from host_sdk.display.plain import plain_line
from host_sdk.display.progress import count_progress


@click.command()
@board_command
@click.option("--quick", is_flag=True, help="In 20 s: fewer bytes, few operators, no endless step.")
@click.option(
    "--json", "file", type=click.Path(dir_okay=False), help="Write the report there, too."
)
def selftest(board: host_sdk.Device, quick: bool, file: str | None) -> None:
    """Try a board: its line, flash, clock, caches, containment, operators; measure its speed.

    What is measured stands beside what docs/PREDICTIONS.md says. The test stores objects whose
    names begin with "xn-selftest-" and removes them; the model that was active is so again.
    The exit code is 1 if the board failed; a prediction that was missed is no failure.
    """
    from host_sdk.selftest.run import run_selftest

    with count_progress(not quick, "models") as show:
        report = run_selftest(board, quick=quick, progress=show)
    for line in (*report.lines(), report.title):
        click.echo(plain_line(line))
    if file is not None:
        text = json.dumps(report.to_json(), indent=2) + "\n"
        Path(file).write_text(text, encoding="utf-8")
    if not report.ok:
        raise SystemExit(1)
