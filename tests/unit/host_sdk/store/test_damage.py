"""Damaged objects are never read as if they were whole; the board names them."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from host_sdk import Device, ObjectDamagedError, StoreError
from host_sdk.cli import main
from host_sdk.transports.core import open_core
from tests.unit.host_sdk.blobs import make_blob
from tests.unit.host_sdk.store.damage import flip, words

WORDS = "object is damaged: its bytes in flash are not those that were stored: {} version {}"


def test_a_damaged_object_is_not_read(tmp_path: Path) -> None:
    flash, data, script = tmp_path / "flash", words(1, 5000), b"print('this is the script')"
    with Device(open_core(flash)) as board:
        board.put("data.bin", data)
        board.put("main.py", script)
    flip(flash, data, 4999)
    with Device(open_core(flash)) as board:
        assert {o.name: o.damaged for o in board.ls()} == {"data.bin": None, "main.py": None}
        with pytest.raises(ObjectDamagedError) as info:
            board.get("data.bin")
        assert (info.value.code, info.value.message) == (-31, WORDS.format("data.bin", 1))
        assert board.get("main.py") == script
        assert {o.name: o.damaged for o in board.ls()} == {"data.bin": True, "main.py": False}


def test_ls_checks_all_if_asked(tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    contents = {f"{i}.bin": words(i, 700 + i) for i in range(20)}
    with Device(open_core(flash)) as board:
        for name, data in contents.items():
            board.put(name, data)
        assert not any(o.damaged for o in board.ls(check=True))
    for name in ("3.bin", "17.bin"):
        flip(flash, contents[name])
    with Device(open_core(flash)) as board:
        assert [o.name for o in board.ls(check=True) if o.damaged] == ["3.bin", "17.bin"]


def test_bytes_are_compared_once_since_the_start_or_since_they_came(tmp_path: Path) -> None:
    flash, old, new = tmp_path / "flash", words(1, 3000), words(2, 3000)
    with Device(open_core(flash)) as board:
        board.put("a", old)
    with Device(open_core(flash)) as board:
        assert board.get("a") == old
        flip(flash, old)  # nobody looks again
        assert board.get("a") != old
        board.put("a", new)
        assert board.get("a") == new
        board.reset()
        assert board.get("a") == new
        assert [o.damaged for o in board.ls()] == [False]
        assert board.rollback("a") == 1  # whose bytes were not compared since the reset
        with pytest.raises(ObjectDamagedError, match="a version 1"):
            board.get("a")


def test_what_shares_the_bytes_is_damaged_too(tmp_path: Path) -> None:
    flash, data = tmp_path / "flash", words(1, 3000)
    with Device(open_core(flash)) as board:
        board.put("a", data)
        board.put("b", data)
        board.put("c", b"other")
    flip(flash, data)
    with Device(open_core(flash)) as board:
        for name in ("b", "a"):
            with pytest.raises(ObjectDamagedError, match=f": {name} version 1"):
                board.get(name)
        assert [o.damaged for o in board.ls()] == [True, True, None]


@pytest.mark.parametrize("at", [0, 3, 41, -1])
def test_a_damaged_active_model_says_so_everywhere(tmp_path: Path, at: int) -> None:
    flash, blob = tmp_path / "flash", make_blob()
    with Device(open_core(flash)) as board:
        board.load_model(blob, "adds")
    flip(flash, blob, at % len(blob))
    said = WORDS.format("adds", 1)
    with Device(open_core(flash)) as board:
        assert board.info().troubles == (said,)
        assert [(o.active, o.damaged) for o in board.ls()] == [(True, True)]
        for refused in (board.model, lambda: board.infer(np.zeros(4)), lambda: board.get("adds")):
            with pytest.raises(ObjectDamagedError) as info:
                refused()
            assert info.value.message == said
        assert board.load_model(blob, "adds").active  # the same bytes, at another place
        assert board.get("adds") == blob
        assert board.info().troubles == ()


def test_the_commands_name_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flash, blob = tmp_path / "flash", make_blob()
    with Device(open_core(flash)) as board:
        board.load_model(blob, "adds")
        board.put("a", b"whole")
    flip(flash, blob, 50)
    monkeypatch.setattr("host_sdk.cli.common.open_board", lambda *_: Device(open_core(flash)))
    listed = CliRunner().invoke(main, ["ls"])
    assert "active, damaged" in listed.stdout
    assert f"Trouble: {WORDS.format('adds', 1)}" in listed.output
    assert WORDS.format("adds", 1) in CliRunner().invoke(main, ["info"]).output


def test_a_store_that_is_not_read_is_told_by_hello(tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    with Device(open_core(flash)) as board:
        board.put("a", b"kept")
    _make_major_9(flash)
    with Device(open_core(flash)) as board:
        assert "store is not readable" in board.info().troubles[0]
        for refused in (board.ls, board.model):
            with pytest.raises(StoreError, match="store is not readable"):
                refused()


def _make_major_9(flash: Path) -> None:
    """Turn the log into that of a format which nobody reads."""
    data = bytearray(flash.read_bytes())
    for at in (0, 16384):
        if data[at + 12 : at + 20] == b"XPSTORE\0":
            data[at + 10] = 9
            data[at : at + 4] = zlib.crc32(data[at + 4 : at + 128]).to_bytes(4, "little")
    flash.write_bytes(data)
