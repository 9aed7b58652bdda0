"""A board whose flash holds no store, or a damaged one, says so and goes on."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path

import pytest

from host_sdk.store.log_records import SLOT_BYTES, read_record
from tests.c.core_peer import Peer, RefusedError

pytestmark = pytest.mark.xdist_group("core")

FLASH_BYTES = 1 << 18
LAST_FORMAT = 16384 - 128  # of area A, whose first one is at 0
E_STORE = -28

FOREIGN = {
    "zeros": bytes(FLASH_BYTES),
    "random": random.Random(1).randbytes(FLASH_BYTES),
    "one byte": b"\xff" * (FLASH_BYTES - 1) + b"\x7f",
}


@pytest.mark.parametrize("content", FOREIGN)
def test_what_is_no_store_stays_as_it_is(built: Path, tmp_path: Path, content: str) -> None:
    flash = tmp_path / "flash"
    flash.write_bytes(FOREIGN[content])
    with Peer(built / "board_host", flash) as board:
        assert board.hello()["flash"]["free"] == 0
        for method, arguments in (("ls", ()), ("held", ()), ("get", ("x", 0, 1)), ("wear", ())):
            with pytest.raises(RefusedError, match="bytes of no store at") as refused:
                board.call(method, *arguments)
            assert refused.value.code == E_STORE
        assert flash.read_bytes() == FOREIGN[content]
        board.call("format", "erase all")
        assert board.call("ls") == []
        board.put("a", b"bytes", 3)
    with Peer(built / "board_host", flash) as board:
        board.hello()
        assert board.call("get", "a", 0, 5) == b"bytes"


def corrupt(flash: Path, at: int, mask: int = 0x5A) -> None:
    """Change some bits of a byte of the flash."""
    content = bytearray(flash.read_bytes())
    content[at] ^= mask
    flash.write_bytes(content)


def test_a_flipped_bit_of_the_format_record_costs_nothing(built: Path, tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    with Peer(built / "board_host", flash) as board:
        board.hello()
        board.put("a", b"bytes", 3)
    for at in (100, LAST_FORMAT + 100):
        corrupt(flash, at, 1)
        with Peer(built / "board_host", flash) as board:
            board.hello()
            assert [item["name"] for item in board.call("ls")] == ["a"]


def test_a_store_that_lost_both_format_records_is_left_alone(built: Path, tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    with Peer(built / "board_host", flash) as board:
        board.hello()
        board.put("a", b"bytes", 3)
    corrupt(flash, 24)
    corrupt(flash, LAST_FORMAT + 24)
    before = flash.read_bytes()
    with Peer(built / "board_host", flash) as board:
        board.hello()
        with pytest.raises(RefusedError, match="damaged FORMAT record at 0"):
            board.call("ls")
    assert flash.read_bytes() == before


def test_a_lost_record_tells_its_name(built: Path, tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    with Peer(built / "board_host", flash) as board:
        board.hello()
        board.put("a", b"first", 3)
        board.put("b", b"second", 3)
    corrupt(flash, 2 * 128 + 60)  # the OBJECT record of "a"
    with Peer(built / "board_host", flash) as board:
        board.hello()
        assert [item["name"] for item in board.call("ls")] == ["b"]
        lost = [item for item in board.call("held") if item["state"] == 4]
        assert [(item["name"], item["size"]) for item in lost] == [("a", 0)]
        assert [event["event"] for event in board.call("history", "a")] == ["damaged"]


# ---- A store of a board that can be locked -------------------------------------------------------


def append(flash: Path, kind: int, flags: int, rest: bytes) -> None:
    """Write a record behind the last one of area A."""
    raw = flash.read_bytes()[: LAST_FORMAT + SLOT_BYTES]
    slots = [raw[at : at + SLOT_BYTES] for at in range(0, LAST_FORMAT, SLOT_BYTES)]
    number, last = [(i, r) for i, s in enumerate(slots) if (r := read_record(s))][-1]
    slot = bytearray(struct.pack("<IIBBH", 0, last.sequence + 1, kind, flags, 0) + rest)
    slot = slot.ljust(SLOT_BYTES, b"\0")
    slot[100:104] = last.generation.to_bytes(4, "little")
    slot[:4] = zlib.crc32(slot[4:]).to_bytes(4, "little")
    with flash.open("r+b") as file:
        file.seek((number + 1) * SLOT_BYTES)
        file.write(slot)


@pytest.fixture
def stored(built: Path, tmp_path: Path) -> Path:
    """Make a store of one object."""
    flash = tmp_path / "flash"
    with Peer(built / "board_host", flash) as board:
        board.hello()
        board.put("a", b"bytes", 3)
    return flash


def test_a_store_with_a_policy_is_refused_untouched(built: Path, stored: Path) -> None:
    append(stored, 13, 0, b"lamp".ljust(16, b"\0") + random.Random(2).randbytes(64))
    before = stored.read_bytes()
    with Peer(built / "board_host", stored) as board:
        board.hello()
        with pytest.raises(RefusedError, match="record of an unknown kind 13") as refused:
            board.call("ls")
        assert refused.value.code == E_STORE
    assert stored.read_bytes() == before


def test_a_device_key_and_orders_are_passed_over(built: Path, stored: Path) -> None:
    append(stored, 14, 1, bytes(range(1, 65)) + b"host")  # nowhere a 0 where names end
    append(stored, 15, 1, b"")
    with Peer(built / "board_host", stored) as board:
        board.hello()
        assert [item["name"] for item in board.call("ls")] == ["a"]
        board.put("b", b"more", 3)
    with Peer(built / "board_host", stored) as board:
        assert board.hello()["log"]["lost"] == 0
        assert len(board.call("ls")) == 2


def test_an_unknown_kind_without_the_flag_is_refused(built: Path, stored: Path) -> None:
    append(stored, 99, 0, b"")
    with Peer(built / "board_host", stored) as board:
        board.hello()
        with pytest.raises(RefusedError, match="record of an unknown kind 99"):
            board.call("ls")
