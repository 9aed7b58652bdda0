"""What goes over the wire when the board holds some of the bytes already."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from host_sdk import Device, LinkError, PortClosedError, Transport
from host_sdk.link.messages import Failure, Reply
from host_sdk.store.blob_cache import recall, remember
from host_sdk.store.pieces import KnownBytes, Piece, Span, without
from host_sdk.store.plan import plan_copies
from host_sdk.store.plan_patches import plan_patches
from relocatable.blob.blob import Blob, Entry, Io, Variant
from relocatable.targets import host_family
from tests.unit.host_sdk.blobs import adder_metadata
from tests.unit.host_sdk.conftest import Connect
from tests.unit.host_sdk.scripted_board import ScriptedBoard

SECTOR = 4096


def make_blob(weights: bytes, code: bytes = b"code" * 500) -> bytes:
    variant = Variant(host_family(), 0, 0, code, weights, (0,), 64, 32)
    io = Io(0, 8)
    return Blob((variant,), (io,), (io,), (Entry(0, 1),), adder_metadata(8)).pack()


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def retrained(weights: bytes, part: float = 0.05) -> bytes:
    """Move some weights by one, all over the model."""
    rng = random.Random(2)
    new = bytearray(weights)
    for at in rng.sample(range(len(new)), int(len(new) * part)):
        new[at] = (new[at] + rng.choice([-1, 1])) % 256
    return bytes(new)


def with_new_layer(weights: bytes, part: float = 0.05) -> bytes:
    """Replace the last weights."""
    size = int(len(weights) * part)
    return weights[:-size] + noise(size, 3)


@pytest.fixture(params=["patches", "copies", "sends"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    if request.param == "patches":
        monkeypatch.setenv("XIPNET_CACHE", str(tmp_path / "cache"))
    return str(request.param)


def load_two(connect: Connect, way: str, old: bytes, new: bytes) -> tuple[ScriptedBoard, int]:
    """Load one after the other; what the second one took."""
    board, device = connect()
    if way == "sends":
        board.alter["hello"] = lambda hello: {
            **hello,
            "methods": [m for m in hello["methods"] if m not in ("put_copy", "put_patch")],
        }
        device.info()
    device.load_model(old, "net")
    sent = device.load_model(new, "net").sent_bytes
    assert device.get("net") == new
    assert device.ls()[0].version == 2
    return board, sent


def test_a_retrained_model_is_a_patch(connect: Connect, way: str) -> None:
    weights = noise(100_000)
    old, new = make_blob(weights), make_blob(retrained(weights))
    _, sent = load_two(connect, way, old, new)
    assert sent <= len(new)
    if way == "patches":
        assert sent < 0.065 * len(new)


def test_a_new_layer_is_sent_alone(connect: Connect, way: str) -> None:
    weights = noise(100_000)
    old, new = make_blob(weights), make_blob(with_new_layer(weights))
    _, sent = load_two(connect, way, old, new)
    if way != "sends":
        assert 0.05 * len(weights) <= sent < 0.06 * len(new)


def test_a_rebuilt_kernel_leaves_the_weights(connect: Connect, way: str) -> None:
    weights, code = noise(100_000), noise(8000, 4)
    moved = code[:3000] + b"\x00\xbf\x00\xbf" + code[3000:]
    _, sent = load_two(connect, way, make_blob(weights, code), make_blob(weights, moved))
    if way == "patches":
        assert sent < 1500  # found where it moved to
    elif way == "copies":
        assert sent < 8000 + 1500


def test_equal_bytes_under_another_name_are_copied(connect: Connect) -> None:
    board, device = connect()
    weights = noise(50_000)
    device.load_model(make_blob(weights), "a")
    before = board.data_bytes
    loaded = device.load_model(make_blob(weights, b"other code" * 300), "b")
    assert board.data_bytes - before == loaded.sent_bytes < 4500


@pytest.mark.parametrize("part", [0.01, 0.5, 0.97])
def test_an_upload_goes_on_where_it_stopped(connect: Connect, part: float) -> None:
    _, device = connect()
    blob = make_blob(noise(100_000))

    class PulledError(Exception):
        pass

    def pull(done: int, total: int) -> None:
        if done >= part * total:
            raise PulledError

    with pytest.raises(PulledError):
        device.load_model(blob, "net", progress=pull)
    device.reset()
    seen: list[int] = []
    again = device.load_model(blob, "net", progress=lambda done, total: seen.append(done))
    left = (1 - part) * len(blob)
    under_way = 8 * SECTOR  # a window of frames, which came whole
    assert left - under_way - SECTOR < again.sent_bytes <= left + SECTOR
    assert seen[0] >= part * len(blob) - SECTOR
    assert device.get("net") == blob


class CutWire:
    """A wire that breaks after so many bytes to the board."""

    def __init__(self, inner: Transport, left: int) -> None:
        self.name = inner.name
        self._inner = inner
        self._left = left

    def read(self, timeout_s: float) -> bytes:
        if self._left == 0:
            raise PortClosedError("unplugged")
        return self._inner.read(timeout_s)

    def write(self, data: bytes) -> None:
        part = data[: self._left]
        self._left -= len(part)
        self._inner.write(part)
        if part != data or self._left == 0:
            self._left = 0
            raise PortClosedError("unplugged")

    def close(self) -> None:
        self._left = 0


def test_an_upload_goes_on_from_whatever_byte_the_plug_was_pulled_at() -> None:
    board = ScriptedBoard()
    old, blob = make_blob(noise(30_000)), make_blob(with_new_layer(noise(30_000), 0.5))
    with Device(CutWire(board.transport, 1 << 30)) as device:
        device.load_model(old, "net")
    before = board.data_bytes
    rng = random.Random(4)
    for _ in range(25):  # each gets some bytes further, or none
        try:
            with Device(CutWire(board.transport, rng.randrange(40, 3500))) as cut:
                cut.load_model(blob, "net")
        except LinkError:
            with Device(CutWire(board.transport, 1 << 30)) as device:
                assert device.get("net") == old
    with Device(CutWire(board.transport, 1 << 30)) as device:
        device.load_model(blob, "net")
        assert device.get("net") == blob
    assert board.data_bytes - before < 3 * len(blob)
    board.close()


def corrupt_flash(board: ScriptedBoard, device: Device, offset: int) -> None:
    """Flip a bit of the only object."""
    call: Callable[..., Any] = device._session.call
    (held,) = call("held")
    flash, at = board.core.flash.fileno(), held["at"] + offset
    (byte,) = os.pread(flash, 1, at)
    os.pwrite(flash, bytes([byte ^ 1]), at)


def test_a_cache_that_lies_costs_another_try(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XIPNET_CACHE", str(tmp_path))
    board, device = connect()
    old, new = make_blob(noise(20_000)), make_blob(retrained(noise(20_000)))
    device.load_model(old, "net")
    corrupt_flash(board, device, 5000)  # the board's bytes are not those of the hash
    loaded = device.load_model(new, "net")
    assert device.get("net") == new
    assert 0.05 * len(new) < loaded.sent_bytes < 0.5 * len(new)  # the patches, then one sector


def test_a_lost_reply_to_the_end_is_asked_for_again(connect: Connect) -> None:
    board, device = connect()
    ended: list[Reply] = []

    def give(reply: Reply) -> None:
        if board.requests[-1].method == "put_end" and not ended:
            ended.append(reply)  # as if it were forgotten
            reply = Reply(reply.id, Failure(-25, "no such upload session"))
        board.pass_back(reply)

    board.give = give
    loaded = device.load_model(make_blob(noise(5000)), "net")
    assert (loaded.version, loaded.active, loaded.sent_bytes) == (1, True, board.data_bytes)


@pytest.mark.parametrize("size", [255, 256, 40_000])
def test_zeros_are_hardly_sent(connect: Connect, size: int) -> None:
    _, device = connect()
    sent_bytes = device.put("zeros", bytes(size)).sent_bytes
    assert device.get("zeros") == bytes(size)
    assert 0 < sent_bytes <= 1 + size // 512


def test_firmware_without_the_methods_gets_it_all(connect: Connect) -> None:
    board, device = connect()
    board.alter["hello"] = lambda hello: {**hello, "methods": []}
    device.info()
    blob = make_blob(b"\0" * 10_000)
    assert device.load_model(blob, "net").sent_bytes == len(blob)


def test_a_refused_piece_ends_the_upload(connect: Connect) -> None:
    board, device = connect()
    device.load_model(make_blob(noise(30_000)), "net")

    board.refuse["put_copy"] = Failure(-24, "flash did not take a program")
    with pytest.raises(Exception, match="did not take"):
        device.load_model(make_blob(with_new_layer(noise(30_000))), "net")


# ---- The plan ------------------------------------------------------------------------------------


def build(pieces: list[Piece], total: int) -> list[Span]:
    """Return what the pieces cover, in order and without overlaps."""
    spans = [Span(p.offset, p.offset + p.size) for p in pieces]
    for piece in pieces:
        assert piece.offset % 256 == 0
        assert piece.size % 256 == 0 or piece.offset + piece.size == total
    return spans


@pytest.mark.parametrize("old_size", [0, 100, 3000, 9000, 40_000])
@pytest.mark.parametrize("new_size", [1, 256, 5000, 9001, 33_333])
def test_pieces_cover_what_is_wanted(old_size: int, new_size: int) -> None:
    new, old = noise(new_size), KnownBytes(4096, noise(old_size))
    for pieces in (
        list(plan_patches(new, [Span(0, new_size)], old, 2048)),
        list(plan_copies(new, [Span(0, new_size)], {256: 0, 512: 256, 1024: 9000}, 2048, True)),
    ):
        spans = build(pieces, new_size)
        assert without(new_size, spans) == []
        assert all(a.end == b.start for a, b in itertools.pairwise(spans))
        assert all(len(p.data) <= 2048 for p in pieces if p.at is not None)


def test_what_is_left() -> None:
    assert without(10, []) == [Span(0, 10)]
    assert without(10, [Span(4, 6), Span(0, 2)]) == [Span(2, 4), Span(6, 10)]
    assert without(10, [Span(0, 10)]) == []


# ---- The cache -----------------------------------------------------------------------------------


def test_the_cache_keeps_whole_bytes_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XIPNET_CACHE", str(tmp_path))
    remember(b"bytes")
    (path,) = (tmp_path / "objects").iterdir()
    sha256 = bytes.fromhex(path.name)
    assert recall(sha256) == b"bytes"
    path.write_bytes(b"bites")
    assert recall(sha256) is None
    assert recall(bytes(32)) is None


def test_the_cache_forgets_the_oldest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XIPNET_CACHE", str(tmp_path))
    monkeypatch.setattr("host_sdk.store.blob_cache._KEPT_BYTES", 25)
    for i in range(3):
        remember(bytes([i]) * 10)
        for age, path in enumerate(sorted((tmp_path / "objects").iterdir(), key=os.path.getmtime)):
            os.utime(path, (1000 + age, 1000 + age))
    assert len(list((tmp_path / "objects").iterdir())) == 2


def test_no_cache_where_there_can_be_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for place in (str(tmp_path / "file"), ""):
        monkeypatch.setenv("XIPNET_CACHE", place)
        remember(b"bytes")
        assert recall(bytes(32)) is None
