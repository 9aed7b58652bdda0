"""A board whose flash holds no store, or a damaged one, says so and goes on."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

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
