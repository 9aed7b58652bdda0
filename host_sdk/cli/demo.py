"""`xipnet demo`: the whole way, on a photograph, without hardware."""

from __future__ import annotations

import time
from pathlib import Path

import click

import host_sdk
from host_sdk.cli.common import console, print_table
from host_sdk.cli.running import print_found, save_picture
from host_sdk.errors import InputError

_EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
_OUTPUT = Path("out") / "coins_detected.png"


@click.command()
@click.option("--board", default="cortex-m55", show_default=True, help="CPU of the virtual board.")
def demo(board: str) -> None:
    """Find coins in a photograph with a model on a virtual board."""
    from host_sdk.inference.picture import prepare

    model, photograph = _EXAMPLES / "models" / "coins.tflite", _EXAMPLES / "coins.png"
    if not model.exists():
        raise InputError("the demo's model and photograph come with a clone of the repository")
    began = time.monotonic()
    _say(f"Starting a virtual {board} board: MicroPython and xipnet under QEMU")
    with host_sdk.Device(f"sim://{board}") as device:
        _say(f"{device}")
        _say(f"Compiling {model.name} for {board}, uploading it over the UART into flash")
        loaded = device.load_model(model, progress=True)
        _say(
            f"Loaded {loaded.sent_bytes:,} bytes; the board ran the model's golden test vector "
            f"in {loaded.golden_us / 1000:.0f} ms and took it"
        )
        _say(f"Running it in place on {photograph.name}")
        found = device.detect(photograph)
        print_found(found)
        save_picture(found, _OUTPUT)
        _say("The time of each step (QEMU executes instructions, it does not count cycles)")
        profile = device.profile(prepare(photograph, device.model()).values)
        print_table(*profile.table(), title=profile.title)
    _say(f"Wrote {_OUTPUT}. All in {time.monotonic() - began:.1f} s")


def _say(text: str) -> None:
    from rich.markup import escape

    console().print(f"[bold green]•[/] {escape(text)}")
