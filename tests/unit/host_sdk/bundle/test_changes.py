"""What a bundle would change on a board."""

from __future__ import annotations

import hashlib

from host_sdk.bundle.bundle import Member, pack_bundle, read_rows
from host_sdk.bundle.changes import changes_of
from host_sdk.link.board_info import OBJECT_TYPES, StoredMember, StoredObject
from tests.unit.host_sdk.bundle.test_load_bundle import adder
from tests.unit.host_sdk.bundle.test_load_bundle import bundle as board_bundle
from tests.unit.host_sdk.conftest import Connect

BLOB = b"XPNB" + b"w" * 5000


def bundle(**files: bytes) -> bytes:
    return pack_bundle([Member("net", BLOB), *(Member(n, data) for n, data in files.items())])


def stored(data: bytes, active: bool = True) -> StoredObject:
    members = tuple(
        StoredMember(row.name, OBJECT_TYPES[row.kind], row.size_bytes, row.sha256)
        for row in read_rows(data, len(data))
    )
    digest = hashlib.sha256(data).digest()
    return StoredObject("it", "bundle", len(data), digest, 4, active, members=members)


def test_the_same_is_no_change() -> None:
    data = bundle(label=b"a")
    changes = changes_of("it", data, [stored(data)])
    assert changes.is_applied
    assert (changes.version, changes.active, changes.most_bytes) == (4, "it", 0)
    assert [(m.name, m.change) for m in changes.members] == [("label", "same"), ("net", "same")]


def test_members_that_differ_are_told() -> None:
    new = bundle(label=b"bb", more=b"c")
    changes = changes_of("it", new, [stored(bundle(label=b"a", old=b"d"))])
    seen = {m.name: (m.change, m.size_bytes) for m in changes.members}
    assert seen == {
        "label": ("changed", 2),
        "more": ("new", 1),
        "net": ("same", len(BLOB)),
        "old": ("gone", 0),
    }
    assert not changes.is_applied
    assert changes.most_bytes == 3
    digests = {m.name: (m.was_sha256, m.sha256) for m in changes.members}
    before, after = (hashlib.sha256(x).digest() for x in (b"a", b"bb"))
    assert digests["label"] == (before, after)
    assert digests["more"][0] is digests["old"][1] is None


def test_a_board_without_it() -> None:
    changes = changes_of("it", bundle(label=b"a"), [])
    assert (changes.version, changes.active, changes.is_stored) == (0, None, False)
    assert {m.change for m in changes.members} == {"new"}
    assert changes.most_bytes == len(BLOB) + 1


def test_stored_is_not_yet_active() -> None:
    data = bundle(label=b"a")
    other = StoredObject("coins", "blob", 1, bytes(32), 1, True)
    changes = changes_of("it", data, [other, stored(data, active=False)])
    assert (changes.is_stored, changes.is_applied, changes.active) == (True, False, "coins")
    assert changes.most_bytes == 0


def test_a_board_is_asked_and_stays_as_it_is(connect: Connect) -> None:
    device = connect()[1]
    first, second = board_bundle(1), board_bundle(1, script=b"print(2)\n")
    assert device.plan_bundle(first, "faces").active is None
    assert device.ls() == []
    device.load_bundle(first, "faces")
    assert device.plan_bundle(first, "faces").is_applied
    changes = device.plan_bundle(second, "faces")
    assert [m.name for m in changes.members if m.change == "changed"] == ["main.py"]
    assert changes.data == second
    assert device.model().version == 1
    assert device.load_bundle(changes.data, changes.name).version == 2
    assert device.plan_bundle(second, "faces").is_applied
    device.load_model(adder(2), "other")
    assert device.plan_bundle(second, "faces").active == "other"
