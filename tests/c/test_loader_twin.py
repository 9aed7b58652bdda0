"""The board's loader and the host's `Blob.unpack` refuse the same blobs.

Every word and every half word that a reader looks at is replaced by values at the edges of the
rules; SHA-256 and length are made right again: only the rule itself can refuse.
"""

from __future__ import annotations

import random
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from relocatable.blob.blob import ENTRY, HEADER, IO, PROLOGUE, VARIANT, Blob, Entry
from relocatable.errors import BlobError
from relocatable.targets import FAMILIES
from tests.c.core_build import make_blob

pytestmark = pytest.mark.xdist_group("core")

CPU, STACK = -45, -48  # not of the format: about this machine
EDGES = (0, 1, 2, 3, 4, 8, 15, 16, 17, 63, 64, 65, 0x7FFFFFFF, 0x80000000, 0xFFFFFFC0, 0xFFFFFFFF)


def sealed(data: bytes) -> bytes:
    """Put length and SHA-256 into the bytes."""
    body = data[PROLOGUE.size :]
    return data[:4] + struct.pack("<I", len(data)) + sha256(body).digest() + body


def regions(data: bytes) -> Iterator[tuple[int, int]]:
    """Return (start, end) of what a reader looks at: header, variants, tables, golden."""
    header = HEADER.unpack_from(data)
    variants, count, io_at, inputs, outputs, entry_at, entries = header[6:13]
    yield PROLOGUE.size, HEADER.size
    yield variants, variants + count * VARIANT.size
    yield io_at, io_at + (inputs + outputs) * IO.size
    yield entry_at, entry_at + entries * ENTRY.size
    steps_at, steps = VARIANT.unpack_from(data, variants)[7:9]
    yield steps_at, steps_at + steps * 4
    if header[15]:
        yield header[15], header[15] + 16


def mutants(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield blobs with one field at an edge each; then some with several."""
    rng = random.Random(1)
    places = [(at, 4) for start, end in regions(data) for at in range(start, end, 4)]
    places += [(at, 2) for at, _ in places] + [(at + 2, 2) for at, _ in places]
    for at, size in places:
        was = int.from_bytes(data[at : at + size], "little")
        near = [was + d for d in (-64, -16, -4, -2, -1, 1, 2, 4, 16, 64)]
        for value in {*EDGES, *near, len(data), len(data) - 64}:
            yield edited(data, (at, size, value))
    for _ in range(2000):
        picked = rng.sample(places, rng.randint(2, 3))
        yield edited(data, *((at, size, rng.choice(EDGES)) for at, size in picked))


def edited(data: bytes, *edits: tuple[int, int, int]) -> tuple[str, bytes]:
    out = bytearray(data)
    for at, size, value in edits:
        out[at : at + size] = (value % (1 << 8 * size)).to_bytes(size, "little")
    return f"{edits}", sealed(bytes(out))


def loader(built: Path, blobs: list[bytes]) -> list[tuple[int, str]]:
    """Return status and text of the C loader for each."""
    stream = b"".join(struct.pack("<I", len(b)) + b for b in blobs)
    done = subprocess.run([built / "check_blobs"], input=stream, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    lines = [line.split(" ", 1) for line in done.stdout.decode().splitlines()]
    assert len(lines) == len(blobs)
    return [(int(status), text) for status, text in lines]


def host(blob: bytes) -> str:
    """Return what `Blob.unpack` says, "" if it takes the blob.

    Metadata is for hosts alone.
    """
    try:
        Blob.unpack(blob)
    except BlobError as error:
        return "" if "metadata must be" in str(error) else str(error)
    return ""


@pytest.mark.parametrize("what", ["a vector made of a seed", "a stored vector", "no vector"])
def test_verdicts_agree(built: Path, what: str) -> None:
    blob = make_blob(built, golden=None if what == "no vector" else 0)
    if what == "a stored vector":
        assert blob.golden is not None
        blob = replace(blob, golden=replace(blob.golden, seed=0, inputs=bytes(16)))
    cases = [("as it is", blob.pack()), *mutants(blob.pack())]
    said = loader(built, [data for _, data in cases])
    assert said[0][0] == 0
    differ = []
    refused = 0
    for (name, data), (status, text) in zip(cases, said, strict=True):
        mine = host(data)
        refused += bool(mine)
        if status in (CPU, STACK) or (status == 0 and HEADER.unpack_from(data)[7] > 1):
            continue  # of several variants a board looks at its own alone
        if bool(mine) != (status != 0):
            differ.append(f"{name}: loader {status} {text!r}, host {mine!r}")
    assert not differ, "\n".join(differ[:20])
    assert refused > len(cases) // 3  # the edges do reach the rules


def test_the_rules_hold_for_all_variants_on_the_host(built: Path) -> None:
    """So what a host takes, every board can take."""
    blob = make_blob(built)
    other = replace(blob.variants[0], family=1, level=60, steps=(0, 2))
    fat = replace(blob, variants=(*blob.variants, other)).pack()
    cases = [data for _, data in mutants(fat)]
    for data, (status, text) in zip(cases, loader(built, cases), strict=True):
        if not host(data):
            assert status in (0, CPU, STACK), text


def test_a_board_runs_code_of_its_own_family_alone(built: Path) -> None:
    blob = make_blob(built)
    [own] = blob.variants
    others = [replace(own, family=n) for n in FAMILIES if n != own.family]
    thin = [replace(blob, variants=(other,)).pack() for other in others]
    assert [status for status, _ in loader(built, thin)] == [CPU] * len(others)
    fat = replace(blob, variants=(*others, own)).pack()
    assert [status for status, _ in loader(built, [fat])] == [0]


def test_lengths(built: Path) -> None:
    data = make_blob(built).pack()
    odd = sealed(data + bytes(4))
    cases = [odd, data[:-64], data[:100], b""]
    assert all(status < 0 for status, _ in loader(built, cases))
    assert all(map(host, cases))


def test_an_entry_without_a_result_has_no_place_for_it(built: Path) -> None:
    blob = make_blob(built)
    wrong = replace(blob, entries=(Entry(0, 1, result_offset=16), *blob.entries[1:])).pack()
    assert loader(built, [wrong])[0][0] < 0
    assert "neither offset nor bytes" in host(wrong)
