"""Both readers of bundles, the board's and the host's, refuse at the same byte.

Every field gets values at the edges of its rule, one and two at a time; every byte of the table is
changed; the end is cut off and longer. What lies between members only the host looks at.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

from host_sdk.bundle.bundle import ALIGN, Member, pack_bundle, read_rows
from host_sdk.errors import BundleFileError
from tests.c.core_build import verdicts

pytestmark = pytest.mark.xdist_group("core")

E_BUNDLE = -32
HEADER_BYTES, ROW_BYTES = 16, 84
BLOB = b"XPNB" + bytes(60)
Edit = tuple[int, bytes]


def some_bundle(members: int) -> bytes:
    """Make a bundle whose members end at multiples, and a byte before or behind."""
    sizes = (ALIGN - 1, ALIGN, ALIGN + 1, 1)
    files = [Member(f"m{i:02}.py", bytes([i]) * sizes[i % 4]) for i in range(1, members)]
    return pack_bundle([Member("net", BLOB), *files])


def board(built: Path, bundles: list[bytes]) -> list[tuple[int, str]]:
    """Return the number of members or the status, and the text, for each."""
    return verdicts(built / "check_bundles", bundles)


def host(bundle: bytes) -> tuple[int, int | None]:
    """Return the number of members, or the status and the byte."""
    try:
        return len(read_rows(bundle, len(bundle))), None
    except BundleFileError as error:
        return E_BUNDLE, error.byte


def edited(bundle: bytes, edits: tuple[Edit, ...]) -> bytes:
    out = bytearray(bundle)
    for at, value in edits:
        out[at : at + len(value)] = value
    return bytes(out)


def edge_values(bundle: bytes, members: int) -> list[Edit]:
    """List edits of one field: values at the edges of its rule."""
    edits: list[Edit] = [(0, b"XPNB"), (4, b"\2"), (5, b"\1"), (12, b"\1"), (15, b"\x80")]
    edits += [(6, struct.pack("<H", n)) for n in (0, 1, members - 1, members + 1, 16, 17, 65535)]
    edits += [(8, struct.pack("<I", n)) for n in _around(len(bundle))]
    for at in range(HEADER_BYTES, HEADER_BYTES + members * ROW_BYTES, ROW_BYTES):
        names = (
            b"",
            b"a/b",
            b"net",
            b"\x7f",
            b"\xe9",
            b"m01.py",
            b"zz",
            b"a\0b",
            b"n" * 39,
            b"n" * 40,
        )
        edits += [(at, name.ljust(40, b"\0")) for name in names]
        edits += [(at + 72, struct.pack("<I", kind)) for kind in (0, 1, 2, 3, 4, 6, 1 << 31)]
        offset, size = struct.unpack_from("<II", bundle, at + 76)
        edits += [(at + 76, struct.pack("<I", n)) for n in _around(offset)]
        edits += [(at + 80, struct.pack("<I", n)) for n in (*_around(size), len(bundle) - offset)]
    return edits


def _around(n: int) -> tuple[int, ...]:
    values = (0, 1, n - ALIGN, n - 1, n, n + 1, n + ALIGN, 1 << 31, (1 << 32) - n, (1 << 32) - 1)
    return tuple(value & 0xFFFFFFFF for value in values)


def mutants(members: int) -> Iterator[bytes]:
    """Yield changed bundles."""
    bundle, rng = some_bundle(members), random.Random(members)
    edits = edge_values(bundle, members)
    yield from (edited(bundle, (edit,)) for edit in edits)
    pairs = list(combinations(edits, 2))
    yield from (edited(bundle, pair) for pair in rng.sample(pairs, min(len(pairs), 1000)))
    for at in range(HEADER_BYTES + members * ROW_BYTES):
        yield edited(bundle, ((at, bytes([bundle[at] ^ 1 << rng.randrange(8)])),))
    for n in (0, 1, 15, 16, 17, 99, 100, 4095, 4096, 4097, len(bundle) - 1):
        yield bundle[:n]
        yield edited(bundle[:n], ((8, struct.pack("<I", n)),)) if n >= 12 else bundle[:n]
    yield bundle + b"\0"


@pytest.mark.few(1)
@pytest.mark.parametrize("members", [1, 2, 5, 16])
def test_both_readers_refuse_at_the_same_byte(built: Path, members: int) -> None:
    bundle = some_bundle(members)
    assert board(built, [bundle]) == [(members, "error")]
    cases = list(mutants(members))
    refused = 0
    for case, (status, text) in zip(cases, board(built, cases), strict=True):
        expected, byte = host(case)
        refused += expected < 0
        assert status == expected, (text, byte)
        assert byte is None or text.endswith(f": byte {byte}"), (text, byte)
    assert refused > len(cases) // 2  # the edges do reach the rules
