"""How quick the line is, at each speed that the port has."""

from __future__ import annotations

import random
import statistics

from host_sdk.selftest.bench import Bench, seconds

_PINGS = 20
_QUICK_BYTES, _LONG_BYTES = 16 << 10, 128 << 10
_NOISE_SEED = 20260711


def test_link(bench: Bench) -> None:
    """Time `ping`, an upload and a download of bytes that cannot be shortened."""
    with bench.trying("link: ping"):
        times = [seconds(lambda: bench.board.ping(7)) for _ in range(_PINGS)]
        bench.note("link: ping", True, 1000 * statistics.median(times), "ms", f"of {_PINGS}")
    size = _QUICK_BYTES if bench.quick else _LONG_BYTES
    size = min(size, bench.session.info.free_bytes // 2)
    data = random.Random(_NOISE_SEED).randbytes(size)
    with bench.trying("link: upload"), bench.stored("noise") as name:
        rate = size / seconds(lambda: bench.board.put(name, data)) / 1000
        note = f"{size:,} bytes into flash at {_line(bench)}"
        bench.note("link: upload", True, rate, "KB/s", note)
        got = b""

        def fetch() -> None:
            nonlocal got
            got = bench.board.get(name)

        rate = size / seconds(fetch) / 1000
        bench.note(
            "link: download", got == data, rate, "KB/s", "" if got == data else "other bytes"
        )


def _line(bench: Bench) -> str:
    return f"{bench.board.baud:,} baud" if bench.board.baud else "a line without a speed"
