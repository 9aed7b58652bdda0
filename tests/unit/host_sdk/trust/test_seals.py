from __future__ import annotations

import random
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from host_sdk.errors import InputError, SealFileError
from host_sdk.store.files import BLOB, DATA, SCRIPT, NewObject
from host_sdk.trust.keys import key_id, read_public_key, verify
from host_sdk.trust.seals import Seal, read_seal, read_version, unsigned_seal
from host_sdk.trust.signers import KeyFileSigner
from tests.conftest import ROOT

SCRIPT_OBJECT = NewObject("main.py", b"print(1)", SCRIPT)


def seal_bytes(key: Path, new: NewObject = SCRIPT_OBJECT) -> bytes:
    signer = KeyFileSigner(key, product="coin-gate", counter=7, minimum_firmware=(1, 2, 3))
    return signer.seal(new)


def fields_of_the_page() -> dict[str, tuple[int, int]]:
    """Read the table of docs/SPEC-manifest.md: field -> (offset, size)."""
    fields: dict[str, tuple[int, int]] = {}
    for line in (ROOT / "docs/SPEC-manifest.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 4 and cells[1].isdecimal() and cells[3] != "reserved":
            fields[cells[3]] = int(cells[1]), int(cells[2])
    return fields


def test_a_seal_is_as_the_page_says(key: Path) -> None:
    public = read_public_key(key)
    data, fields = seal_bytes(key), fields_of_the_page()
    seen = {name: data[at : at + size] for name, (at, size) in fields.items()}
    assert len(data) == 192
    assert struct.unpack("<I", seen["size"]) == (8,)
    assert {name: value.rstrip(b"\0") for name, value in seen.items() if name[0] in "cfkmnp"} == {
        "magic": b"XPSEAL1",
        "kind": b"\2",
        "flags": b"",
        "counter": b"\7",
        "minimum_firmware": b"\3\2\1",
        "key_id": key_id(public),
        "product": b"coin-gate",
        "name": b"main.py",
    }
    assert verify(public, data[:128], seen["signature"])


def test_what_is_written_is_read(key: Path) -> None:
    data = seal_bytes(key)
    seal = read_seal(data)
    assert seal.pack() == data
    assert (seal.counter, seal.minimum_firmware, seal.product) == (7, (1, 2, 3), "coin-gate")
    assert seal.is_by(read_public_key(key))
    seal.check_subject(SCRIPT_OBJECT)


def test_every_bit_of_a_seal_counts(key: Path) -> None:
    """A changed seal is refused, or its signature is wrong."""
    data, public = seal_bytes(key), read_public_key(key)
    for bit in range(0, 8 * len(data), 5):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            seal = read_seal(bytes(changed))
        except SealFileError:
            continue
        assert not seal.is_by(public), bit


def test_bytes_of_anybody_give_a_seal_or_an_error(key: Path) -> None:
    data, rng = seal_bytes(key), random.Random(1)
    for _ in range(300):
        changed = bytearray(data[: rng.choice([0, 8, 128, 191, 192])]) + rng.randbytes(
            rng.choice([0, 1, 64])
        )
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        try:
            seal = read_seal(bytes(changed))
        except SealFileError as refused:
            shown = str(refused)
        else:
            assert seal.pack() == changed
            shown = seal.product + seal.name
        assert shown.isprintable()


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (NewObject("main.py", b"print(2)", SCRIPT), "over other bytes"),
        (NewObject("boot.py", b"print(1)", SCRIPT), "for the name 'main.py'; 'boot.py' is"),
        (NewObject("main.py", b"print(1)", DATA), "is for script; data is to be stored"),
        (NewObject("main.py", b"print(1)", BLOB), "is for script; blob"),
        (NewObject("main.py\x1b[2J", b"print(1)", SCRIPT), r"'main.py\\x1b\[2J' is"),
    ],
)
def test_a_seal_is_for_one_object(key: Path, new: NewObject, message: str) -> None:
    with pytest.raises(SealFileError, match=message):
        read_seal(seal_bytes(key)).check_subject(new)
    other = replace(read_seal(seal_bytes(key)), size_bytes=9)
    with pytest.raises(SealFileError, match="over other bytes"):
        other.check_subject(SCRIPT_OBJECT)


@pytest.mark.parametrize(
    ("name", "product", "counter", "firmware", "message"),
    [
        ("", "p", 0, (0, 0, 0), "name must be 1 to 39 printable ASCII characters"),
        ("n" * 40, "p", 0, (0, 0, 0), "name must be 1 to 39"),
        ("näh", "p", 0, (0, 0, 0), "name must be"),
        ("a\n", "p", 0, (0, 0, 0), r"is 'a\\n'"),
        ("n", "", 0, (0, 0, 0), "product must be 1 to 15"),
        ("n", "p" * 16, 0, (0, 0, 0), "product must be"),
        ("n", "p\0", 0, (0, 0, 0), "product must be"),
        ("n", "p", -1, (0, 0, 0), r"counter must be in \[0, 4294967295\]; is -1"),
        ("n", "p", 1 << 32, (0, 0, 0), "counter must be"),
        ("n", "p", 0, (65536, 0, 0), "at most 65535.255.255"),
        ("n", "p", 0, (0, 256, 0), "at most 65535.255.255"),
    ],
)
def test_what_cannot_be_sealed(
    name: str, product: str, counter: int, firmware: tuple[int, int, int], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        unsigned_seal(NewObject(name, b"x", DATA), bytes(32), product, counter, firmware)


def test_the_largest_of_each_fits() -> None:
    new = NewObject("n" * 39, b"x", DATA)
    seal = unsigned_seal(new, bytes(32), "p" * 15, (1 << 32) - 1, (65535, 255, 255))
    assert read_seal(replace(seal, signature=bytes(64)).pack()) == Seal(
        *(3, (1 << 32) - 1, (65535, 255, 255), 1, key_id(bytes(32)), "p" * 15, "n" * 39),
        *(seal.sha256, bytes(64)),
    )


def test_versions() -> None:
    assert read_version("1.20.3") == (1, 20, 3)
    for text in ("", "1", "1.2", "1.2.3.4", "1.2.x", "-1.0.0", "1.2.3\n"):
        with pytest.raises(InputError, match=r"such as 1\.2\.3"):
            read_version(text)
