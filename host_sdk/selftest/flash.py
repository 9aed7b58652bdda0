"""Whether the flash keeps each bit: patterns into free extents, read back."""

from __future__ import annotations

import hashlib
import random
import statistics
from collections.abc import Mapping

from host_sdk.link.wire_map import WireMap
from host_sdk.selftest.bench import Bench, seconds
from host_sdk.store.files import DATA
from host_sdk.store.inventory import read_extents

_SEED = 20260712
_PIECE = 256  # pieces begin at multiples of it


def test_flash(bench: Bench) -> None:
    """Write patterns through the store, each into an erased extent; read them back."""
    sectors = 1 if bench.quick else 8
    size = min(sectors * bench.session.info.sector_bytes, bench.session.info.free_bytes // 2)
    size = min(size, 16 << 10) if bench.quick else size
    for label, data in _patterns(size).items():
        name = f"flash: {label}"
        with bench.trying(name), bench.stored(f"flash-{label}") as stored:
            bench.board.put(stored, data)
            [at] = [e.at for e in read_extents(bench.session) if e.name == stored and e.state == 0]
            wrong = _wrong_bits(data, bench.board.get(stored))
            note = f"{size:,} bytes at {at:#x}"
            bench.note(name, not wrong, note=note if not wrong else f"{note}: {wrong} bits wrong")


def test_erase(bench: Bench) -> None:
    """Time an erase: the first piece of an upload in a sector less a second one in it."""
    name = "flash: erase"
    sector = bench.session.info.sector_bytes
    count = min(2 if bench.quick else 8, bench.session.info.free_bytes // sector // 2)
    if count == 0:
        bench.skip(name, "the store is full")
        return
    data = random.Random(_SEED + 1).randbytes(count * sector)
    with bench.trying(name), bench.stored("erase") as stored:
        digest = hashlib.sha256(data).digest()
        begun = bench.session.call("put_begin", stored, DATA, len(data), digest)
        session = WireMap(begun, "put_begin").count("session")

        def put(at: int) -> float:
            piece = data[at : at + _PIECE]
            return seconds(lambda: bench.session.call("put_data", session, at, piece))

        times = [put(at) - put(at + _PIECE) for at in range(0, len(data), sector)]
        bench.board.put(stored, data)
        whole = bench.board.get(stored) == data
        note = f"a sector of {sector:,} bytes, of {count}"
        bench.note(name, whole, 1000 * statistics.median(times), "ms", note)


def _patterns(size: int) -> Mapping[str, bytes]:
    return {
        "zeros": bytes(size),
        "ones": b"\xff" * size,
        "stripes": (b"\x55\xaa" * size)[:size],
        # Each unit says where it should be: swapped address lines show.
        "addresses": b"".join(i.to_bytes(4, "little") for i in range((size + 3) // 4))[:size],
        "noise": random.Random(_SEED).randbytes(size),
    }


def _wrong_bits(wanted: bytes, got: bytes) -> int:
    if len(wanted) != len(got):
        return 8 * abs(len(wanted) - len(got))
    return sum((a ^ b).bit_count() for a, b in zip(wanted, got, strict=True) if a != b)
