"""Bundles on the core: installed, switched, refused and returned as one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from host_sdk import Device, ModelNotFoundError
from host_sdk.bundle.bundle import Member, pack_bundle
from host_sdk.errors import (
    BundleError,
    BundleFileError,
    GoldenError,
    HealthCheckError,
    ObjectDamagedError,
    ObjectNameError,
)
from host_sdk.link.board_info import StoredMember
from host_sdk.store.files import BUNDLE, NewObject
from host_sdk.store.upload import commit, stage
from host_sdk.transports.core import open_core
from tests.unit.host_sdk.blobs import ADDS, make_blob
from tests.unit.host_sdk.conftest import Connect
from tests.unit.host_sdk.store.damage import flip

TWICE = ADDS.replace("+ 1)", "+ 2)")


def adder(by: int = 1, weight: bytes = b"w", golden: int = 0) -> bytes:
    """Make a model that adds 1 or 2, and has about 4 KB of weights of its own."""
    bodies = (ADDS, ADDS) if by == 1 else (TWICE, TWICE)
    return make_blob(bodies=bodies, fill=weight * 64, golden=by - 1 + golden)


def bundle(by: int = 1, *, second: bytes | None = None, script: bytes = b"print(1)\n") -> bytes:
    models = [Member("net", adder(by)), Member("second", second or adder(by, b"v"))]
    return pack_bundle([*models, Member("main.py", script), Member("labels", b"one\ntwo\n")])


def send_raw(device: Device, data: bytes, name: str = "faces") -> None:
    """Send an object of the type that nothing on this side has looked at."""
    commit(device.session, stage(device.session, NewObject(name, data, BUNDLE)), activate=True)


def added(device: Device) -> int:
    """Ask what the active model adds."""
    out = device.infer(np.zeros(8, np.int8), raw=True)
    return int(np.asarray(out).reshape(-1)[0])


@pytest.fixture
def device(connect: Connect) -> Device:
    return connect()[1]


def test_one_object_holds_them_all(device: Device) -> None:
    data = bundle()
    loaded = device.load_bundle(data, "faces")
    assert (loaded.name, loaded.version, loaded.active, loaded.golden) == ("faces", 1, True, True)
    [stored] = device.ls()
    assert (stored.name, stored.type, stored.active) == ("faces", "bundle", True)
    assert [(m.name, m.type) for m in stored.members] == [
        ("net", "blob"),
        ("labels", "data"),
        ("main.py", "script"),
        ("second", "blob"),
    ]
    assert all(isinstance(m, StoredMember) for m in stored.members)
    assert device.get("faces") == data
    assert device.get("faces/labels") == b"one\ntwo\n"
    assert device.get("faces/second") == adder(1, b"v")
    model = device.model()
    assert (model.name, model.version, model.sha256) == ("faces/net", 1, stored.members[0].sha256)
    assert added(device) == 1


def test_names_that_are_of_no_member(device: Device) -> None:
    device.load_bundle(bundle(), "faces")
    for name in ("faces/none", "faces/", "other/net", "net", "/net", "faces/net/x"):
        with pytest.raises(ModelNotFoundError):
            device.get(name)
    for change in (device.activate, device.rm):
        with pytest.raises(ModelNotFoundError):
            change("faces/net")
    with pytest.raises(ObjectNameError, match="faces version 1"):
        device.put("faces/labels", b"another's")
    device.put("faces.txt", b"beside it")
    device.rm("faces")
    device.put("faces/labels", b"its own now")
    assert device.get("faces/labels") == b"its own now"


def test_an_object_of_a_members_name_is_there_again_after_the_bundle(device: Device) -> None:
    device.put("faces/labels", b"before")
    device.load_bundle(bundle(), "faces")
    assert device.get("faces/labels") == b"one\ntwo\n"
    device.rm("faces")
    assert device.get("faces/labels") == b"before"


def test_all_members_change_and_return_together(device: Device) -> None:
    device.load_bundle(bundle(1, script=b"first\n"), "faces")
    device.load_bundle(bundle(2, script=b"second\n"), "faces")
    assert (added(device), device.get("faces/main.py")) == (2, b"second\n")
    assert device.get("faces/second") == adder(2, b"v")
    assert device.rollback() == 1
    assert (added(device), device.get("faces/main.py")) == (1, b"first\n")
    assert device.get("faces/second") == adder(1, b"v")
    assert [e.event for e in device.history() if e.event != "testing"] == [
        "installed",
        "installed",
        "returned",
    ]


def test_a_model_that_fails_its_test_refuses_the_whole_by_name(device: Device) -> None:
    device.load_bundle(bundle(1), "faces")
    before = device.ls()
    with pytest.raises(GoldenError, match="faces/second: "):
        device.load_bundle(bundle(2, second=adder(2, b"v", golden=1)), "faces")
    assert (added(device), device.ls()) == (1, before)
    assert [e.event for e in device.history("faces")][-1] == "refused"


def test_a_member_that_the_loader_refuses_is_named(device: Device) -> None:
    cut = adder()[:-64]
    damaged = bytearray(adder(1, b"v"))
    damaged[-1] ^= 1
    with pytest.raises(Exception, match="faces/second: bytes hashed"):
        send_raw(device, bundle(second=bytes(damaged)))
    with pytest.raises(Exception, match="faces/second: total_bytes"):
        send_raw(device, bundle(second=cut))
    assert device.ls() == []


def test_a_trial_is_of_the_whole(device: Device) -> None:
    device.load_bundle(bundle(1, script=b"first\n"), "faces")
    seen: list[int] = []

    def check(board: Device) -> bool:
        seen.append(added(board))
        return False

    with pytest.raises(HealthCheckError):
        device.load_bundle(bundle(2, script=b"second\n"), "faces", confirm=check)
    assert (seen, added(device), device.get("faces/main.py")) == ([2], 1, b"first\n")
    loaded = device.load_bundle(bundle(2, script=b"third\n"), "faces", confirm="manual")
    assert loaded.pending
    device.confirm()
    assert device.trial() is None
    assert (added(device), device.get("faces/main.py")) == (2, b"third\n")


def test_a_bundle_returns_to_the_model_before(device: Device) -> None:
    device.load_model(adder(2), "alone")
    device.load_bundle(bundle(1), "faces", confirm="manual")
    assert device.model().name == "faces/net"
    device.rollback()
    assert (device.model().name, added(device)) == ("alone", 2)


def test_what_did_not_change_is_not_sent(connect: Connect) -> None:
    board, device = connect()
    alone = adder(1, b"v" * 50 + b"w")
    device.load_model(alone, "second", activate=False)
    before = board.data_bytes
    device.load_bundle(bundle(second=alone), "faces")
    first = board.data_bytes - before
    device.load_bundle(bundle(second=alone, script=b"changed\n"), "faces")
    assert first < len(bundle(second=alone)) - len(alone)
    assert board.data_bytes - before - first < 1024  # the table and the script


def test_the_board_refuses_bytes_at_the_byte_that_breaks_a_rule(device: Device) -> None:
    right = bundle()
    for at, value in ((0, b"XPBE"), (6, b"\21"), (100 + 80, b"\xff\xff\xff\xff"), (16, b"a/b")):
        wrong = bytearray(right)
        wrong[at : at + len(value)] = value
        with pytest.raises(BundleError, match=rf"format: byte {at} "):
            send_raw(device, bytes(wrong))
    wrong = bytearray(right)
    wrong[100 + 40] ^= 1
    with pytest.raises(BundleError, match="faces/labels: SHA-256 of bytes 8"):
        send_raw(device, bytes(wrong))
    with pytest.raises(ObjectNameError, match="length 40, limit 39"):
        send_raw(device, right, "f" * 32)
    assert device.ls() == []
    device.load_bundle(right, "f" * 31)


def test_bytes_that_changed_in_flash_are_found(tmp_path: Path) -> None:
    flash, data = tmp_path / "flash", bundle()
    with Device(open_core(flash)) as board:
        board.load_bundle(data, "faces")
    flip(flash, data, 100 + 77)  # the offset of a member: a rule of the table is broken, too
    with Device(open_core(flash)) as board:
        with pytest.raises(ObjectDamagedError, match="faces version 1"):
            board.get("faces/labels")
        [stored] = board.ls()
        assert (stored.members, stored.damaged) == ((), True)
        assert any("faces version 1" in trouble for trouble in board.info().troubles)


def test_what_is_no_bundle_is_not_sent(device: Device, tmp_path: Path) -> None:
    with pytest.raises(BundleFileError, match="the given data starts with b'XPNB"):
        device.load_bundle(adder())
    with pytest.raises(BundleFileError, match="byte 8: must be the bundle's bytes"):
        device.load_bundle(bundle()[:-1])
    script = tmp_path / "pipeline.toml"
    (tmp_path / "not.bin").write_bytes(b"nothing")
    script.write_text('[models.m]\nmodel = "not.bin"\n')
    with pytest.raises(Exception, match=r"not.bin starts with b'nothing'"):
        device.load_bundle(script)


def test_a_file_is_called_by_its_stem_and_a_pipeline_by_its_name(
    device: Device, tmp_path: Path
) -> None:
    (tmp_path / "shop.bundle").write_bytes(bundle())
    assert device.load_bundle(tmp_path / "shop.bundle", activate=False).name == "shop"
    (tmp_path / "net.bin").write_bytes(adder())
    (tmp_path / "run.py").write_bytes(b"print(1)\n")
    path = tmp_path / "pipeline.toml"
    path.write_text('name = "faces"\nscript = "run.py"\n[models.net]\nmodel = "net.bin"\n')
    assert device.load_bundle(path).name == "faces"
    assert [m.name for o in device.ls() for m in o.members if o.active] == ["net", "main.py"]
    assert device.get("faces/main.py") == b"print(1)\n"
