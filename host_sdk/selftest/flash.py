"""Whether the flash keeps each bit: patterns into free extents, read back."""

from __future__ import annotations

import random
from collections.abc import Mapping

from host_sdk.selftest.bench import Bench
from host_sdk.store.inventory import read_extents

_SEED = 20260712


def test_flash(bench: Bench) -> None:
    """Write patterns through the store: each erases its extent, programs it and is read raw."""
    sectors = 1 if bench.quick else 8
    size = min(sectors * bench.session.info.sector_bytes, bench.board.info().free_bytes // 2)
    size = min(size, 16 << 10) if bench.quick else size
    for label, data in _patterns(size).items():
        name = f"flash: {label}"
        with bench.trying(name), bench.stored(f"flash-{label}") as stored:
            bench.board.put(stored, data)
            [at] = [e.at for e in read_extents(bench.session) if e.name == stored and e.state == 0]
            wrong = _wrong_bits(data, bench.board.get(stored))
            note = f"{size:,} bytes at {at:#x}"
            bench.note(name, not wrong, note=note if not wrong else f"{note}: {wrong} bits wrong")


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
