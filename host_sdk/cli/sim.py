"""`xipnet sim`: a virtual board that stays."""

from __future__ import annotations

import socket
from pathlib import Path

import click

from host_sdk.cli.common import json_option, print_json
from host_sdk.errors import PortBusyError
from host_sdk.transports.qemu import Qemu, find_board


@click.command()
@click.argument("board", default="cortex-m55")
@click.option(
    "--flash",
    type=click.Path(dir_okay=False),
    help="File that keeps the flash; by default it is fresh.",
)
@click.option("--listen", default=0, metavar="PORT", help="TCP port; by default a free one.")
@json_option
def sim(board: str, flash: str | None, listen: int, as_json: bool) -> None:
    """Start a virtual BOARD (a CPU or a board's name) for any tool; Ctrl-C ends it."""
    with _listener(listen) as server:
        qemu = Qemu(find_board(board), Path(flash) if flash else None, server)
        host, port = server.getsockname()[:2]
    try:
        _announce(qemu, f"socket://{host}:{port}", as_json)
        qemu.wait()
        raise click.ClickException(qemu.why_ended())
    except KeyboardInterrupt:
        click.echo(err=True)
    finally:
        qemu.close()


def _listener(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port), backlog=1)
    except OSError as error:
        raise PortBusyError(f"TCP port {port}: {error.strerror}") from error


def _announce(qemu: Qemu, url: str, as_json: bool) -> None:
    if as_json:
        print_json({"port": url, "board": qemu.board.name, "pid": qemu.pid})
        return
    click.echo(f"{qemu.board.title} at {url}, one user at a time. In another terminal:")
    click.echo(f"  xipnet repl --port {url}")
    click.echo(f"  mpremote connect {url}")
    click.echo("Ctrl-C ends it.")
