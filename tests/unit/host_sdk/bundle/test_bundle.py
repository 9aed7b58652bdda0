"""The bytes of a bundle: what is written, and what is refused at which byte."""

from __future__ import annotations

import hashlib
import random
import re
import struct
from pathlib import Path

import pytest

from host_sdk.bundle.bundle import ALIGN, Member, pack_bundle, read_rows, unpack_bundle
from host_sdk.errors import BundleFileError
from host_sdk.store.files import BLOB, BUNDLE, DATA, SCRIPT, object_kind

PAGE = Path(__file__).resolve().parents[4] / "docs" / "SPEC-bundle.md"
NET = Member("net", b"XPNB" + b"w" * 5000)
SECOND = Member("second", b"XPNB" + b"v" * 60)
MAIN = Member("main.py", b"print(1)\n")
LABELS = Member("labels", b"one\ntwo\n")
FOUR = (NET, LABELS, MAIN, SECOND)


def test_what_is_packed_comes_back_in_its_order() -> None:
    bundle = pack_bundle((NET, SECOND, MAIN, LABELS))
    assert unpack_bundle(bundle) == FOUR
    assert object_kind("any.py", bundle) == BUNDLE
    rows = read_rows(bundle, len(bundle))
    assert [row.kind for row in rows] == [BLOB, DATA, SCRIPT, BLOB]
    assert [row.offset for row in rows] == [4096, 12288, 16384, 20480]
    assert [row.sha256 for row in rows] == [hashlib.sha256(m.data).digest() for m in FOUR]


def test_the_order_in_which_members_are_given_does_not_matter() -> None:
    others = [SECOND, MAIN, LABELS]
    bundles = set()
    for seed in range(6):
        random.Random(seed).shuffle(others)
        bundles.add(pack_bundle([NET, *others]))
    assert len(bundles) == 1
    assert pack_bundle([SECOND, NET]) != pack_bundle([NET, SECOND])  # another model serves


def test_the_page_says_the_same_bytes() -> None:
    """Fields of the page's tables, laid out by offset and size, give header and rows."""
    tables = PAGE.read_text().split("\n## ")
    fields = [
        [
            (int(at), int(n), name)
            for at, n, name in re.findall(r"^\| (\d+) \| (\d+) \| (\w+) ", t, re.M)
        ]
        for t in tables[1:3]
    ]
    bundle = pack_bundle(FOUR)
    header = {name: bundle[at : at + n] for at, n, name in fields[0]}
    assert sum(n for _, n, _ in fields[0]) == 16
    assert (header["magic"], header["major"], header["minor"]) == (b"XPBD", b"\1", b"\0")
    assert struct.unpack("<HI", header["count"] + header["size"]) == (4, len(bundle))
    assert sum(n for _, n, _ in fields[1]) == 84
    for i, member in enumerate(FOUR):
        row = {name: bundle[16 + 84 * i + at :][:n] for at, n, name in fields[1]}
        assert row["name"] == member.name.encode().ljust(40, b"\0")
        assert row["sha256"] == hashlib.sha256(member.data).digest()
        kind, offset, size = struct.unpack("<III", row["type"] + row["offset"] + row["size"])
        assert (kind, offset % ALIGN, size) == (member.kind, 0, len(member.data))
        assert bundle[offset : offset + size] == member.data


def test_bytes_that_are_of_no_member_must_be_zero() -> None:
    bundle = pack_bundle(FOUR)
    rows = read_rows(bundle, len(bundle))
    ends = [16 + 84 * 4, *(row.offset + row.size_bytes for row in rows)]
    for at in [*ends[:-1], *(row.offset - 1 for row in rows)]:
        changed = bytearray(bundle)
        changed[at] = 7
        with pytest.raises(BundleFileError, match="must be 0 before the member") as refused:
            unpack_bundle(bytes(changed))
        assert refused.value.byte == at


def test_a_members_bytes_are_those_of_its_row() -> None:
    bundle = bytearray(pack_bundle(FOUR))
    bundle[12288] ^= 1
    with pytest.raises(BundleFileError, match="the SHA-256 of 'labels'") as refused:
        unpack_bundle(bytes(bundle))
    assert refused.value.byte == 16 + 84 + 40


def test_a_member_has_the_type_that_the_store_gives_it() -> None:
    bundle = bytearray(pack_bundle(FOUR))
    bundle[16 + 84 + 72] = SCRIPT
    with pytest.raises(BundleFileError, match="must be 3, the type of 'labels'; is 2"):
        unpack_bundle(bytes(bundle))


@pytest.mark.parametrize(
    ("members", "rule"),
    [
        ([], "1 to 16 members; has 0"),
        ([NET, *(Member(f"d{i}", b"1") for i in range(16))], "1 to 16 members; has 17"),
        ([MAIN, NET], "first member must be a blob; 'main.py' is none"),
        ([NET, Member("a/b", b"1")], "without '/'; is 'a/b'"),
        ([NET, Member("x" * 40, b"1")], "1 to 39 printable"),
        ([NET, Member("", b"1")], "1 to 39 printable"),
        ([NET, Member("é", b"1")], "printable ASCII"),
        ([NET, Member("net", b"1")], "its own name; 'net' is twice"),
        ([NET, Member("empty", b"")], "at least 1 byte"),
        ([NET, Member("inner", pack_bundle([NET]))], "no bundle itself"),
    ],
)
def test_what_cannot_be_packed(members: list[Member], rule: str) -> None:
    with pytest.raises(BundleFileError, match=rule):
        pack_bundle(members)
