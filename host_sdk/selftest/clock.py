"""The board's clock beside this machine's."""

from __future__ import annotations

import time

from host_sdk.selftest.bench import Bench

_QUICK_S, _LONG_S = 1.0, 10.0
_NOW = "__import__('time').ticks_us()"
_WRAPS_US = 1 << 30
_MOST_PERCENT = 2.0


def test_clock(bench: Bench) -> None:
    """Let Python on the board read its clock twice."""
    name = "clock"
    if "eval" not in bench.session.info.methods:
        bench.skip(name, "the board has no Python; the limit of a step is measured instead")
        return
    with bench.trying(name):
        first, begin = _read(bench)
        time.sleep(_QUICK_S if bench.quick else _LONG_S)
        second, end = _read(bench)
        board_s = (second - first) % _WRAPS_US / 1e6
        error = 100 * (board_s / (end - begin) - 1)
        bench.note(name, abs(error) < _MOST_PERCENT, error, "%", f"over {board_s:.1f} s")


def _read(bench: Bench) -> tuple[int, float]:
    """Read both clocks: this machine's in the middle of the request."""
    before = time.perf_counter()
    ticks = int(bench.board.eval(_NOW))
    return ticks, (before + time.perf_counter()) / 2
