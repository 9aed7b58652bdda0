"""How quick the line is, and at which speeds it works."""

from __future__ import annotations

import random
import statistics

from host_sdk.errors import LockedError, RequestError
from host_sdk.link.baud import RATES
from host_sdk.selftest.bench import Bench, seconds

_PINGS = 20
_QUICK_BYTES, _LONG_BYTES = 16 << 10, 128 << 10
_SPEED_BYTES = 16 << 10
_NOISE_SEED = 20260711


def test_link(bench: Bench) -> None:
    """Time `ping`, an upload and a download of bytes that cannot be shortened."""
    with bench.trying("link: ping"):
        times = [seconds(lambda: bench.board.ping(7)) for _ in range(_PINGS)]
        bench.note("link: ping", True, 1000 * statistics.median(times), "ms", f"of {_PINGS}")
    data = _noise(bench, _QUICK_BYTES if bench.quick else _LONG_BYTES)
    with bench.trying("link: upload"), bench.stored("noise") as stored:
        rate = len(data) / seconds(lambda: bench.board.put(stored, data)) / 1000
        note = f"{len(data):,} bytes into flash at {_line(bench)}"
        bench.note("link: upload", True, rate, "KB/s", note)
        _note_download(bench, "link: download", stored, data)


def test_speeds(bench: Bench) -> None:
    """Send bytes down at each other speed that both board and line have.

    One that does not work is no failure: the adapter or the cable may lack it.
    """
    name = "link: other speeds"
    usual = bench.board.baud
    if not usual or "baud" not in bench.session.info.methods:
        bench.skip(name, "the line has one")
        return
    if bench.quick:
        bench.skip(name, "each takes seconds")
        return
    data = _noise(bench, _SPEED_BYTES)
    without: list[str] = []
    with bench.trying(name), bench.stored("speeds") as stored:
        bench.board.put(stored, data)
        for rate in sorted({*RATES} - {usual}):
            if problem := _try_speed(bench, rate, stored, data):
                without.append(f"{rate:,} {problem}")
            bench.board.set_baud(usual)
    if without:
        bench.skip(name, "; ".join(without))


def _try_speed(bench: Bench, rate: int, stored: str, data: bytes) -> str:
    """Note what a speed is worth; return why there is none such."""
    try:
        if bench.board.set_baud(rate) != rate:
            return "does not come through"
    except (RequestError, LockedError) as refusal:
        return f"is refused: {refusal.message}"
    _note_download(bench, f"link: download at {rate:,} baud", stored, data)
    return ""


def _noise(bench: Bench, size: int) -> bytes:
    size = min(size, bench.session.info.free_bytes // 2)
    return random.Random(_NOISE_SEED).randbytes(size)


def _note_download(bench: Bench, name: str, stored: str, data: bytes) -> None:
    got = b""

    def fetch() -> None:
        nonlocal got
        got = bench.board.get(stored)

    rate = len(data) / seconds(fetch) / 1000
    bench.note(name, got == data, rate, "KB/s", "" if got == data else "other bytes")


def _line(bench: Bench) -> str:
    return f"{bench.board.baud:,} baud" if bench.board.baud else "a line without a speed"
