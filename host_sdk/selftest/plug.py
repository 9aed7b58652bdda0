"""Power goes in the middle of an upload: what was whole is whole."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from host_sdk.device import Device
from host_sdk.errors import LinkError, XipnetError
from host_sdk.selftest.bench import PREFIX, Bench

_NAME = "power: pulled during an upload"
_OBJECT = PREFIX + "plug"
_WAIT_S = 60.0
_MOST_BYTES = 64 << 10
_SEED = 20260714


@dataclass(frozen=True)
class Plug:
    """The plug of a board.

    Attributes:
        pull: takes the power away during what follows, or asks a person to.
        reopen: opens the port again; an error while the board is not there.
    """

    pull: Callable[[], None]
    reopen: Callable[[], Device]


def test_plug(bench: Bench, plug: Plug) -> None:
    """Upload until the board is gone, wait for it, and look at all objects.

    Args:
        bench: its board is closed, and replaced by the one that came back.
        plug: of the board.
    """
    before = {o.name: o.sha256 for o in bench.board.ls()}
    size = min(_MOST_BYTES, bench.board.info().free_bytes // 4)
    random_bytes = random.Random(_SEED)
    stored = tried = b""
    end = time.monotonic() + _WAIT_S
    plug.pull()
    try:
        while time.monotonic() < end:
            data = random_bytes.randbytes(size)
            tried = hashlib.sha256(data).digest()
            bench.board.put(_OBJECT, data)
            stored = tried
        bench.skip(_NAME, f"nobody pulled the plug in {_WAIT_S:g} s")
        bench.board.rm(_OBJECT)
        return
    except LinkError:
        bench.board.close()
    bench.board = _wait(plug.reopen)
    after = {o.name: o for o in bench.board.ls(check=True)}
    kept = {name: o.sha256 for name, o in after.items()}
    wrong = [name for name, digest in before.items() if kept.get(name) != digest]
    wrong += [name for name, o in after.items() if o.damaged]
    found = after.pop(_OBJECT, None)
    if (found.sha256 if found else b"") not in (stored, tried):
        wrong.append(_OBJECT)
    boot = bench.board.info().boot
    note = f"wrong: {', '.join(sorted(set(wrong)))}" if wrong else f"all whole; board: {boot}"
    bench.note(_NAME, not wrong, note=note)
    if found:
        bench.board.rm(_OBJECT)


def _wait(reopen: Callable[[], Device]) -> Device:
    end = time.monotonic() + _WAIT_S
    while True:
        try:
            return reopen()
        except XipnetError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
