"""Two models in a row on the board; a PC watches, and swaps the second one.

    python examples/pipeline.py [PORT]           # by default a virtual Cortex-M55

pipeline.toml says which models, script and settings are one object, which is installed and switched
as one. Its script (on_device/pipeline.py) loops: frame, find coins, cut them out, classify each,
emit what it found. The PC listens. Then it uploads another second model over the same UART and asks
the loop, by an rpc function, to try that: no frame is left out.
"""

from __future__ import annotations

import sys
from itertools import takewhile
from pathlib import Path

from PIL import Image

from host_sdk import Device
from host_sdk.scripting.events import Event

HERE = Path(__file__).parent


def show(event: Event) -> None:
    """Print what the board says of a frame."""
    seen = event.value
    shades = ", ".join(f"{label} {score:.2f}" for _, label, score in seen["found"])
    print(f"frame {seen['frame']}, {seen['model']}: {shades}", flush=True)


def main() -> None:
    port = sys.argv[1] if len(sys.argv) > 1 else "sim://cortex-m55"
    with Device(port) as board:
        board.put("scene.gray", Image.open(HERE / "coins.png").convert("L").tobytes())
        board.load_bundle(HERE / "pipeline.toml")  # its script runs at once, and at every start
        with board.events("coins", timeout_s=60) as events:
            for _ in range(3):
                show(next(events))
            loaded = board.load_model(HERE / "models" / "shade3.tflite", activate=False)
            board.rpc.use("shade3")
            print(f"PC: the board has {loaded.name}, {loaded.sent_bytes:,} bytes sent")
            before = list(takewhile(lambda event: event.value["model"] == "shade2", events))
            numbers = [event.value["frame"] for event in before]
            print(f"until then: frames {numbers[0]} to {numbers[-1]}, {len(numbers)} in all")
            for _ in range(3):
                show(next(events))
        print(f"{board.lost_events} events lost")


if __name__ == "__main__":
    main()
