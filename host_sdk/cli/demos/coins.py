"""The whole way, on a photograph: coins are found by a model on a board."""

from __future__ import annotations

import time

import host_sdk
from host_sdk.cli.common import print_table
from host_sdk.cli.demos.demo import OUTPUT, Demo, example, say
from host_sdk.cli.running import print_found, save_picture


def run(board: str) -> None:
    """Find coins, and measure each step."""
    from host_sdk.inference.picture import prepare

    model, photograph = example("models/coins.tflite"), example("coins.png")
    output = OUTPUT / "coins_detected.png"
    began = time.monotonic()
    say(f"Starting {board}: MicroPython and xipnet under QEMU")
    with host_sdk.Device(board) as device:
        say(f"{device}")
        say(f"Compiling {model.name} for it, uploading it over the UART into flash")
        loaded = device.load_model(model, progress=True)
        say(
            f"Loaded {loaded.sent_bytes:,} bytes; the board ran the model's golden test vector "
            f"in {loaded.golden_us / 1000:.0f} ms and took it"
        )
        say(f"Running it in place on {photograph.name}")
        found = device.detect(photograph)
        print_found(found)
        save_picture(found, output)
        say("The time of each step (QEMU executes instructions, it does not count cycles)")
        profile = device.profile(prepare(photograph, device.model()).values)
        print_table(*profile.table(), title=profile.title)
    say(f"Wrote {output}. All in {time.monotonic() - began:.1f} s")


DEMO = Demo("coins in a photograph: boxes and labels", run)
