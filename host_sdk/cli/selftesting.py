"""`xipnet selftest`: a board tries itself."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from host_sdk.cli.common import open_board, port_options
from host_sdk.display.plain import plain_line
from host_sdk.display.progress import count_progress

if TYPE_CHECKING:
    from host_sdk.connection import MaxBaud

_PULL = "Now, within a minute: pull the board's plug, count to three, plug it in again."


@click.command()
@port_options
@click.option("--quick", is_flag=True, help="In 20 s: few bytes, few operators, no endless step.")
@click.option("--plug", is_flag=True, help="In the end, ask you to pull the plug in an upload.")
@click.option(
    "--json", "file", type=click.Path(dir_okay=False), help="Also write the report to a file."
)
def selftest(
    port: str | None, baud: int, max_baud: MaxBaud, quick: bool, plug: bool, file: str | None
) -> None:
    """Try a board: line, flash, clock, caches, containment, operators, speed.

    What is measured stands beside what docs/PREDICTIONS.md says. The test stores objects whose
    names begin with "xn-selftest-" and removes them; the model that was active is so again.
    The exit code is 1 if the board failed; a prediction that was missed is no failure.
    """
    from host_sdk.selftest.plug import Plug
    from host_sdk.selftest.run import run_selftest

    reopen = partial(open_board, port, baud, max_baud)
    pulled = Plug(partial(click.secho, _PULL, bold=True), reopen) if plug else None
    with reopen() as board, count_progress(not quick, "models") as show:
        report = run_selftest(board, quick=quick, progress=show, plug=pulled)
    for line in (*report.lines(), report.title):
        click.echo(plain_line(line))
    if file is not None:
        text = json.dumps(report.to_json(), indent=2) + "\n"
        Path(file).write_text(text, encoding="utf-8")
    if not report.ok:
        raise SystemExit(1)
