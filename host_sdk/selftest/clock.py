"""The board's clock beside this machine's."""

from __future__ import annotations

import time
from dataclasses import dataclass

from host_sdk.selftest.bench import Bench

_QUICK_S, _LONG_S = 1.0, 10.0
_NOW = "__import__('time').ticks_us()"
_WRAPS_US = 1 << 30
_READS = 5
_MOST = 0.02


@dataclass(frozen=True)
class Reading:
    """The board's clock was read between two moments of this machine's, seconds."""

    ticks: int
    after: float
    before: float


def test_clock(bench: Bench) -> None:
    """Let Python on the board read its clock twice.

    The time between lies within two bounds: when the requests left and when the replies were here.
    """
    name = "clock"
    if "eval" not in bench.session.info.methods:
        bench.skip(name, "the board has no Python; the limit of a step is measured instead")
        return
    with bench.trying(name):
        first = _read(bench)
        time.sleep(_QUICK_S if bench.quick else _LONG_S)
        second = _read(bench)
        board_s = (second.ticks - first.ticks) % _WRAPS_US / 1e6
        least, most = second.after - first.before, second.before - first.after
        ok = least * (1 - _MOST) <= board_s <= most * (1 + _MOST) or not bench.has_own_clock
        middle = (least + most) / 2
        note = f"± {50 * (most - least) / middle:.2f} %, over {board_s:.1f} s"
        bench.note(name, ok, 100 * (board_s / middle - 1), "%", note)


def _read(bench: Bench) -> Reading:
    """Read it some times; keep the one that was answered most quickly."""
    readings = []
    for _ in range(_READS):
        begin = time.perf_counter()
        ticks = int(bench.board.eval(_NOW))
        readings.append(Reading(ticks, begin, time.perf_counter()))
    return min(readings, key=lambda r: r.before - r.after)
