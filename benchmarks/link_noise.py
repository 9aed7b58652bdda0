"""1,000 calls of a Python function on a virtual Cortex-M4 board that counts its
calls, then the upload of 100,000 random bytes, over a wire at 115200 baud that
flips bits or loses frames in both directions. "executed" is the board's count,
"answered" counts the calls that gave their own result, "sent again" the
requests that were repeated. The upload is verified by SHA-256 on the board,
then read back and compared."""

from __future__ import annotations

import random
import time

from host_sdk import Device

BOARD = "cortex-m4"
NOISES = ("", "ber=1e-6", "ber=1e-5", "ber=1e-4", "drop=0.01")
CALLS = 1000
PAYLOAD = random.Random(1).randbytes(100_000)
COUNTER = """
import xipnet
executed = 0
@xipnet.rpc
def count(x):
    global executed
    executed += 1
    return x
"""


def repeats(board: Device) -> int:
    return board._session.link.counters.repeated


def calls(board: Device) -> tuple[int, int, int]:
    """How many calls were executed and answered, and how many requests were repeated."""
    board.exec(COUNTER)
    before = repeats(board)
    answered = sum(board.rpc.call("count", ([i, str(i)],)) == [i, str(i)] for i in range(CALLS))
    repeated = repeats(board) - before
    executed = board.eval("executed")
    assert isinstance(executed, int)
    return executed, answered, repeated


def upload(board: Device) -> tuple[float, bool, int]:
    """Measure bytes per second, whether the content is equal, and repetitions."""
    before, start = repeats(board), time.perf_counter()
    board.put("payload.bin", PAYLOAD)
    took_s = time.perf_counter() - start
    repeated = repeats(board) - before
    return len(PAYLOAD) / took_s, board.get("payload.bin") == PAYLOAD, repeated


def table() -> str:
    """Write the Markdown table."""
    lines = [
        "| noise | executed | answered | sent again | upload, KB/s | sent again | content |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
    for noise in NOISES:
        with Device(f"sim://{BOARD}?baud=115200&{noise}", timeout_s=30) as board:
            executed, answered, repeated = calls(board)
            speed, is_equal, again = upload(board)
        cells = f"{executed:,} | {answered:,} | {repeated} | {speed / 1e3:.2f} | {again}"
        name = f"`{noise}`" if noise else "none"
        lines.append(f"| {name} | {cells} | {'equal' if is_equal else 'DIFFERENT'} |")
    return "\n".join(lines)
