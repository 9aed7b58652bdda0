"""`xipnet demo`: models at work without hardware, each a module of `demos`."""

from __future__ import annotations

import click

from host_sdk.cli.demos import find_demos
from host_sdk.errors import InputError


@click.command()
@click.argument("name", default="coins")
@click.option("--board", default="cortex-m55", show_default=True, help="CPU of the virtual board.")
@click.option("--list", "listed", is_flag=True, help="Name the demos.")
def demo(name: str, board: str, listed: bool) -> None:
    """Show a model at work on a virtual board: coins in a photograph, or demo NAME."""
    demos = find_demos()
    if listed:
        width = max(map(len, demos))
        for each, found in demos.items():
            click.echo(f"{each.ljust(width)}  {found.title}")
    elif name in demos:
        demos[name].run(f"sim://{board}")
    else:
        raise InputError(f"demo must be one of {', '.join(demos)}; is '{name}'")
