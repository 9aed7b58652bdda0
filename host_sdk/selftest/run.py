"""The order of a self-test."""

from __future__ import annotations

import time
from contextlib import suppress

from host_sdk.device import Device
from host_sdk.display.progress import Progress
from host_sdk.errors import LinkError
from host_sdk.selftest.bench import Bench
from host_sdk.selftest.checks import SelfTestReport
from host_sdk.selftest.clock import test_clock
from host_sdk.selftest.code import test_caches, test_containment
from host_sdk.selftest.flash import test_erase, test_flash
from host_sdk.selftest.link import test_link, test_speeds
from host_sdk.selftest.models import test_models
from host_sdk.selftest.plug import Plug, test_plug
from host_sdk.selftest.predictions import bands_of
from host_sdk.selftest.speed import test_speed
from relocatable.targets.arm import FAMILY as CORTEX_M


def run_selftest(
    board: Device,
    *,
    quick: bool = False,
    progress: Progress | None = None,
    plug: Plug | None = None,
) -> SelfTestReport:
    """Try all; the model that was active before is so afterwards.

    Args:
        board: under test.
        quick: leave out what takes long.
        progress: called with (done, total) models.
        plug: to pull in the end; `board` is closed then.
    """
    begin = time.monotonic()
    info = board.info()
    before = [m.name for m in board.models() if m.active]
    bench = Bench(board, quick, bands_of(info.board))
    bench.note("store", not info.troubles, note="; ".join(info.troubles) or "no trouble")
    with suppress(LinkError):  # which is noted
        _try_all(bench, progress)
        for name in before:
            board.activate(name)
        if plug is not None:
            test_plug(bench, plug)
            bench.board.close()
    return SelfTestReport(info, board.port, quick, tuple(bench.checks), time.monotonic() - begin)


def _try_all(bench: Bench, progress: Progress | None) -> None:
    test_link(bench)
    test_speeds(bench)
    test_flash(bench)
    test_erase(bench)
    test_clock(bench)
    if bench.session.info.family == CORTEX_M.number:
        test_caches(bench)
        test_containment(bench)
    test_speed(bench)
    test_models(bench, progress)
