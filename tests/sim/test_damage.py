"""Damaged scripts and data are not run, imported or read on the board."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from host_sdk import Device, ObjectDamagedError
from tests.sim.conftest import PluggedBoard
from tests.sim.machine import Machine
from tests.unit.host_sdk.store.damage import flip, words

pytestmark = pytest.mark.sim

SCRIPT, DATA = 2, 3
MPY = (Path(__file__).parent / "data" / "inplace.mpy").read_bytes()
SAID = "object is damaged: its bytes in flash are not those that were stored: {} version 1"

Put = Callable[[str, bytes], None]


@pytest.fixture(params=["mps3_an547", "mps2_an386"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    with Machine(request.param, tmp_path / "flash") as running:
        running.boot()
        yield running


def put_damaged(machine: Machine, flash: Path, contents: dict[str, bytes]) -> None:
    """Store objects, flip a bit in the middle of each, and restart."""
    for name, content in contents.items():
        machine.put(name, DATA if name.endswith(".bin") else SCRIPT, content)
        flip(flash, content, len(content) // 2)
    machine.text = b""
    machine.call("reset")
    while not machine.notes:
        machine.pump()
    machine.notes.clear()


def test_what_is_damaged_is_not_read_or_imported(machine: Machine, tmp_path: Path) -> None:
    contents = {
        "data.bin": words(1, 70000),
        "lib.py": b"VALUE = 'right, and long enough to be alone'",
        "fast.mpy": MPY,
    }
    put_damaged(machine, tmp_path / "flash", contents)
    machine.until()
    machine.prompt("import xipnet")
    for line, error, name in (
        ("xipnet.store.read('data.bin')", "Error: (-31, '{}')", "data.bin"),
        ("open('/store/data.bin')", "OSError: [Errno 5] EIO: {}", "data.bin"),
        ("import lib", "OSError: [Errno 5] EIO: {}", "lib.py"),
        ("import fast", "OSError: [Errno 5] EIO: {}", "fast.mpy"),
    ):
        for _ in range(2):
            assert error.format(SAID.format(name)) in machine.prompt(line)
    assert [(o["name"], o["health"]) for o in machine.call("ls")] == [(n, 2) for n in contents]
    machine.put("lib.py", SCRIPT, contents["lib.py"] + b"\n")
    assert machine.prompt("import lib; lib.VALUE[:5]") == "'right'\n"


@pytest.mark.parametrize("name", ["boot.py", "main.py", "main.mpy"])
def test_a_damaged_start_script_is_not_run(tmp_path: Path, name: str) -> None:
    content = MPY if name.endswith(".mpy") else b"print('the script ran')  # to its end"
    with Machine("mps3_an547", tmp_path / "flash") as machine:
        machine.boot()
        put_damaged(machine, tmp_path / "flash", {name: content})
        seen = machine.until()
        assert f"OSError: [Errno 5] EIO: {SAID.format(name)}" in seen
        assert "the script ran" not in seen
        machine.put(name, SCRIPT, content)  # the same bytes, at another place
        assert machine.call("get", name, 0, len(content)) == content


def test_a_model_beside_the_active_one_says_the_same(
    plugged: PluggedBoard, tmp_path: Path, digits_blob: bytes
) -> None:
    with Device(plugged.transport) as board:
        board.load_model(digits_blob, "digits")
        flip(tmp_path / "flash", digits_blob, len(digits_blob) // 2)
        board.reset()
        said = SAID.format("digits")
        assert board.info().troubles == (said,)
        for refused in (board.model, lambda: board.get("digits")):
            with pytest.raises(ObjectDamagedError, match=said):
                refused()
        board.exec("import xipnet")
        for line in ("xipnet.Model('digits')", "xipnet.run()"):
            with pytest.raises(Exception, match=said):
                board.eval(line)
        done = board.rescue(tmp_path / "out")
        assert [(o.name, o.damage) for o in done.objects] == [("digits", "SHA-256 differs")]
