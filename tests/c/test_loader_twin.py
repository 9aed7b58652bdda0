"""The board's loader and the host's `Blob.unpack` refuse the same blobs.

Fields that a reader looks at get values at the edges of the rules, one, two and more at a time. The
SHA-256 is made right again: only the rule itself can refuse. The verdict and its code must be the
same.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import combinations, islice, product
from pathlib import Path

import pytest

from relocatable.blob.blob import (
    ENTRY,
    HEADER,
    IO,
    OBJECT,
    PROLOGUE,
    VARIANT,
    Blob,
    Entry,
    Need,
    State,
)
from relocatable.errors import BlobError
from relocatable.targets import FAMILIES, host_family
from tests.c.core_build import make_blob, verdicts

pytestmark = pytest.mark.xdist_group("core")

CPU, STACK = -45, -48  # not of the format: about this machine
# What the board says to a rule of `Blob.unpack`, which begins so; to the others -44.
CODES = {
    f"blob must have at least {HEADER.size} bytes": -40,
    "blob must have the": -40,
    "blob must start": -41,
    "blob format": -42,
    "header": -42,  # flags, reserved
    "variant's reserved": -42,
    "blob's SHA-256": -43,
}
OUTSIDE, VERSION = -44, -42
# The rules of metadata and details, which a board need not be able to read.
UNREADABLE = (
    *("metadata must", "metadata and details", "details must be", "details must inflate"),
    "details must have at most",
)
EDGES = (0, 1, 2, 3, 4, 8, 15, 16, 17, 63, 64, 65, 0x7FFFFFFF, 0x80000000, 0xFFFFFFC0, 0xFFFFFFFF)
FEW_EDGES = (0, 1, 2, 16, 64, 0x7FFFFFF0, 0xFFFFFFC0, 0xFFFFFFFF)
BATCH = 20_000
Edit = tuple[int, int, int]  # offset, size, value
KINDS = [
    *("a vector made of a seed", "a stored vector", "no vector", "two programs"),
    "details, state, a hash",
    *("weights elsewhere", "two programs, weights elsewhere"),
]


def make_kind(built: Path, kind: str) -> bytes:
    """Make a blob of a kind: see KINDS."""
    blob = make_blob(built, golden=None if kind == "no vector" else 0)
    if kind == "a stored vector":
        assert blob.golden is not None
        blob = replace(blob, golden=replace(blob.golden, seed=0, inputs=bytes(16)))
    if kind == "details, state, a hash":
        assert blob.golden is not None
        golden = replace(blob.golden, outputs=bytes(32), hashed=True, runs=3)
        metadata = {**blob.metadata, "tool": "a test"}
        blob = replace(blob, golden=golden, metadata=metadata, state=State(32, 16, 1, 1))
    if kind.startswith("two programs"):
        other = replace(blob.variants[0], family=1, level=60, steps=(0, 2))
        blob = replace(blob, variants=(other, *blob.variants))
    if kind.endswith("weights elsewhere"):  # of two programs in two objects
        needs = [(Need(bytes([i] * 32), 4096), (64 * i, 4000)) for i in range(2)]
        moved = zip(blob.variants, needs, strict=False)
        variants = (replace(v, weights=b"", need=n, need_span=at) for v, (n, at) in moved)
        blob = replace(blob, variants=tuple(variants))
    return blob.pack()


def sealed(data: bytes) -> bytes:
    """Put length and SHA-256 into the bytes."""
    return resealed(data[:4] + struct.pack("<I", len(data)) + data[8:])


def resealed(data: bytes) -> bytes:
    """Put the SHA-256 of what the stated length covers into the bytes."""
    total = int.from_bytes(data[4:8], "little")
    digest = sha256(data[PROLOGUE.size : total]).digest()
    return data[:8] + digest + data[PROLOGUE.size :]


def fields(data: bytes) -> list[tuple[int, int]]:
    """List (offset, size) of every field that a reader looks at."""
    header = HEADER.unpack_from(data)
    variants, count, io_at, inputs, outputs, entry_at, entries = header[6:13]
    places = [*_fields(0, "4 4 32 2 2 4 4 4 4 2 2 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4")]
    for i in range(count):
        at = variants + i * VARIANT.size
        places += _fields(at, "2 2 4 4 4 4 4 4 4 4 4 4 4 4")
        steps_at, steps = VARIANT.unpack_from(data, at)[7:9]
        places += [(steps_at + 4 * step, 4) for step in range(steps)]
    for i in range(inputs + outputs):
        places += _fields(io_at + i * IO.size, "4 4")
    for i in range(entries):
        places += _fields(entry_at + i * ENTRY.size, "2 2 4 4 4 4 4")
    if header[15]:
        places += _fields(header[15], "1 1 2 4 4 4")
    for i in range(header[21]):
        places += _fields(header[20] + i * OBJECT.size, "32 4 4")
    return [(at, size) for at, size in places if size <= 4]


def _fields(at: int, sizes: str) -> Iterator[tuple[int, int]]:
    for size in map(int, sizes.split()):
        yield at, size
        at += size


def values_of(data: bytes, at: int, size: int) -> list[int]:
    """Give what a field is set to: edges of the rules, and of this blob."""
    was = int.from_bytes(data[at : at + size], "little")
    near = [was + d for d in (-64, -16, -4, -2, -1, 1, 2, 4, 16, 64)]
    most = 1 << 8 * size
    return sorted({n % most for n in (*EDGES, *near, len(data), len(data) - 64)} - {was})


def singles(data: bytes) -> Iterator[list[Edit]]:
    """Set one field."""
    for at, size in fields(data):
        yield from ([(at, size, value)] for value in values_of(data, at, size))


def pairs(data: bytes) -> Iterator[list[Edit]]:
    """Set every pair of fields, to fewer values."""
    for (a, n), (b, m) in combinations(fields(data), 2):
        for one, other in product(FEW_EDGES, repeat=2):
            yield [(a, n, one % (1 << 8 * n)), (b, m, other % (1 << 8 * m))]


def tuples(data: bytes, count: int, rng: random.Random) -> Iterator[list[Edit]]:
    """Set two to four fields."""
    places = fields(data)
    for _ in range(count):
        picked = rng.sample(places, rng.randint(2, 4))
        yield [(at, size, rng.choice(values_of(data, at, size))) for at, size in picked]


def bytes_changed(data: bytes, count: int, rng: random.Random) -> Iterator[bytes]:
    """Change bytes anywhere, the length, or both; most with a right SHA-256."""
    for _ in range(count):
        out = bytearray(data)
        for _ in range(rng.randint(0, 3)):
            out[rng.randrange(len(out))] = rng.choice([0, 1, 64, 128, 255, rng.randrange(256)])
        if rng.random() < 0.3:
            out = out[: rng.randrange(len(out))]
        elif rng.random() < 0.3:
            out += bytes(rng.choice([1, 4, 63, 64, 128]))
        yield resealed(bytes(out)) if rng.random() < 0.7 and len(out) > 40 else bytes(out)


def edited(data: bytes, edits: list[Edit]) -> bytes:
    """Set fields, and make the SHA-256 right again."""
    out = bytearray(data)
    for at, size, value in edits:
        out[at : at + size] = value.to_bytes(size, "little")
    return resealed(bytes(out))


def loader(built: Path, blobs: list[bytes]) -> list[tuple[int, str]]:
    """Return status and text of the C loader for each."""
    return verdicts(built / "check_blobs", blobs)


def host(blob: bytes) -> str:
    """Return what `Blob.unpack` says, "" if it takes the blob.

    Metadata are for hosts alone: a board that cannot read them runs the model.
    """
    try:
        Blob.unpack(blob)
    except BlobError as error:
        return "" if str(error).startswith(UNREADABLE) else str(error)
    return ""


def code_of(rule: str) -> int:
    """Return the board's code for a rule that the host names."""
    return next((c for begin, c in CODES.items() if rule.startswith(begin)), OUTSIDE if rule else 0)


def for_this_cpu(data: bytes) -> bytes:
    """Leave the program that a board looks at: the first that it can run."""
    if len(data) < HEADER.size or int.from_bytes(data[4:8], "little") > len(data):
        return data
    at, count = struct.unpack_from("<II", data, 48)
    end = at + count * VARIANT.size
    if at < HEADER.size or at % 4 or end > int.from_bytes(data[4:8], "little"):
        return data
    for i in range(count):
        variant = at + i * VARIANT.size
        if VARIANT.unpack_from(data, variant)[:3] == (host_family(), 0, 0):
            return edited(data, [(48, 4, variant), (52, 4, 1)])
    return data


def differences(built: Path, cases: list[bytes]) -> list[str]:
    """Compare both verdicts, without what is about this machine."""
    differ = []
    for data, (status, text) in zip(cases, loader(built, cases), strict=True):
        rule = host(data)
        if not rule and status not in (0, CPU, STACK):
            differ.append(f"{data.hex()}: host takes it, loader {status} {text!r}")
        if status in (CPU, STACK):
            continue
        is_fat = len(data) >= 56 and int.from_bytes(data[52:56], "little") > 1
        if is_fat and code_of(rule) in (OUTSIDE, VERSION):
            rule = host(for_this_cpu(data))
        if code_of(rule) != status:
            differ.append(f"{data.hex()}: loader {status} {text!r}, host {rule!r}")
    return differ


def assert_agree(built: Path, cases: Iterable[bytes]) -> int:
    """Compare in batches; return how many there were."""
    count = 0
    for batch in batched(cases, BATCH):
        differ = differences(built, batch)
        assert not differ, f"{len(differ)} differ:\n" + "\n".join(differ[:5])
        count += len(batch)
    return count


def batched(cases: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    """Cut into lists."""
    left = iter(cases)
    while batch := list(islice(left, size)):
        yield batch


@pytest.mark.parametrize("kind", KINDS)
def test_verdicts_agree(built: Path, kind: str) -> None:
    data, rng = make_kind(built, kind), random.Random(kind)
    assert loader(built, [data])[0][0] == 0
    edits = [*singles(data), *tuples(data, 1000, rng)]
    cases = [*(edited(data, e) for e in edits), *bytes_changed(data, 1000, rng)]
    assert_agree(built, cases)
    assert sum(map(bool, map(host, cases))) > len(cases) // 3  # the edges do reach the rules


@pytest.mark.proof("fuzz")
@pytest.mark.parametrize("kind", KINDS)
def test_many_verdicts_agree(built: Path, kind: str) -> None:
    data, rng = make_kind(built, kind), random.Random(f"many {kind}")
    assert assert_agree(built, (edited(data, e) for e in pairs(data))) > 50_000
    assert_agree(built, (edited(data, e) for e in tuples(data, 100_000, rng)))
    assert_agree(built, bytes_changed(data, 100_000, rng))


def test_the_rules_hold_for_all_variants_on_the_host(built: Path) -> None:
    """So what a host takes, every board can take."""
    blob = make_blob(built)
    returns = b"\x70\x47" * 2  # bx lr
    other = replace(blob.variants[0], family=1, level=60, code=returns, steps=(0, 2))
    fat = replace(blob, variants=(*blob.variants, other)).pack()
    cases = [edited(fat, edits) for edits in singles(fat)]
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


def test_bytes_behind_the_stated_end_are_not_the_blobs(built: Path) -> None:
    data = make_blob(built).pack()
    longer = [data + bytes(n) for n in (1, 64, 1000)]
    assert [status for status, _ in loader(built, longer)] == [0] * len(longer)
    assert all(Blob.unpack(more) == Blob.unpack(data) for more in longer)


def test_an_entry_without_a_result_has_no_place_for_it(built: Path) -> None:
    blob = make_blob(built)
    wrong = replace(blob, entries=(Entry(0, 1, result_offset=16), *blob.entries[1:])).pack()
    assert loader(built, [wrong])[0][0] < 0
    assert "neither offset nor bytes" in host(wrong)
