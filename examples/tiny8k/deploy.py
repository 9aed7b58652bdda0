"""Put a network onto a board: flash, RAM, stack, time, accuracy.

    python -m examples.tiny8k.deploy net/trained.tflite net/tiny8k.npz
    python -m examples.tiny8k.deploy net/trained.tflite net/tiny8k.npz --port /dev/ttyACM0

By default the board is a virtual Cortex-M4 whose clock counts instructions: a microsecond of the
table is a thousand of them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import relocatable
from host_sdk import Device


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path, help=".npz with x and y")
    parser.add_argument("--port", default="sim://cortex-m4?icount=on")
    parser.add_argument("--limit", type=int, default=100, help="pictures to run")
    args = parser.parse_args()
    data = np.load(args.data)
    with Device(args.port) as board:
        cpu = board.info().cpu
        blob = relocatable.compile_model(args.model, target=cpu)
        cost = relocatable.report(blob)
        board.load_model(blob, args.model.stem)
        x = data["x"] / np.float32(255)  # what the network takes: 0..1
        report = board.validate(x, data["y"], tflite=args.model, limit=args.limit)
        profile = board.profile()
    print(
        f"{args.model.stem} for {cpu}: {cost.flash_bytes:,} bytes of flash, "
        f"{cost.arena_bytes:,} of RAM, {cost.stack_bytes:,} of stack, {cost.macs:,} MACs"
    )
    print(profile)
    print(report)


if __name__ == "__main__":
    main()
