"""Swap the model of a loop that runs on the board; it never stops and never fails.

    python examples/ota_swap.py [PORT]           # by default a virtual Cortex-M55

A Python loop on the board classifies a picture over and over with the active model. The
PC uploads another model under the same name, over the same UART. The board checks and tests it,
then switches between two runs; the loop counts which model answered and the longest pause it saw.
The last model is on trial and fails the check: the previous one returns. `xipnet ota` does the
same for many boards at once (docs/OTA.md).
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np

from host_sdk import Device, HealthCheckError

DIGITS = Path(__file__).parent / "models" / "digits.tflite"
LABELS = [str(digit) for digit in range(10)]

# On the board. The models are told apart by how many classes they give.
LOOP = """
import time, xipnet

runs, longest_ms = {}, 0

def loop():
    global longest_ms
    picture = bytes(64)
    last = time.ticks_ms()
    try:
        while True:
            classes = len(xipnet.classify(picture))
            runs[classes] = runs.get(classes, 0) + 1
            now = time.ticks_ms()
            longest_ms = max(longest_ms, time.ticks_diff(now, last))
            last = now
            if sum(runs.values()) % 200 == 0:
                print('board: runs by classes', runs)
    except KeyboardInterrupt:
        print('board: stopped')
"""


def head(top_k: int) -> dict[str, object]:
    """Return the digits' post-processing, with another number of classes."""
    return {"head": "classify", "labels": LABELS, "classify": {"top_k": top_k, "softmax": True}}


def is_brief(board: Device) -> bool:
    """Check a model on trial: it must give few classes."""
    return len(board.classify(np.zeros((8, 8), np.uint8))) <= 3


def main() -> None:
    port = sys.argv[1] if len(sys.argv) > 1 else "sim://cortex-m55"
    with Device(port, on_text=lambda text: print(text, end="")) as board:
        board.load_model(DIGITS, "reader", head=head(top_k=3))
        board.exec(LOOP)
        running = threading.Thread(target=board.exec, args=("loop()",))
        running.start()
        for top_k in (1, 3, 1):
            loaded = board.load_model(DIGITS, "reader", head=head(top_k))
            print(
                f"PC: version {loaded.version} is active, {loaded.sent_bytes:,} bytes sent, "
                f"no run waited longer than {(loaded.pause_us or 0) / 1000:.1f} ms"
            )
        try:
            board.load_model(DIGITS, "reader", head=head(top_k=5), confirm=is_brief)
        except HealthCheckError as error:
            print(f"PC: {error}")
        board.interrupt()
        running.join()
        for event in board.history("reader")[-4:]:
            print(f"PC: version {event.version} {event.event} {event.why}".rstrip())
        print(f"board: {board.eval('runs')}, longest pause {board.eval('longest_ms')} ms")


if __name__ == "__main__":
    main()
