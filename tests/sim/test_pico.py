"""The Raspberry Pi Pico's image in an emulator of its chip: USB, boot ROM, flash.

Power is cut in the middle of flash operations.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from host_sdk.errors import XipnetError
from host_sdk.selftest.run import run_selftest
from relocatable import compile_model
from relocatable.blob.host import run as run_on_host
from tests.sim.conftest import EXAMPLES, example_model, infer_one
from tests.sim.pico_board import WAIT_S, patience, plugged

pytestmark = [pytest.mark.sim, pytest.mark.xdist_group("pico")]

X = np.random.default_rng(7).integers(0, 256, (1, 8, 8, 1), np.uint8)


@pytest.fixture(autouse=True, scope="module")
def slow_board() -> Iterator[None]:
    with patience():
        yield


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def flash(pico_firmware: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the flash of a board that holds a model and a script."""
    path = tmp_path_factory.mktemp("pico") / "flash.bin"
    with plugged(pico_firmware, path) as board:
        info = board.info()
        assert (info.board, info.cpu) == ("Raspberry Pi Pico", "cortex-m0plus")
        assert board.load_model(example_model("digits")).golden
        board.put("main.py", b"import xipnet\n@xipnet.rpc\ndef twice(n):\n    return 2 * n\n")
    return path


@pytest.mark.proof("pico")
def test_it_answers_beside_the_prompt(pico_firmware: Path, flash: Path) -> None:
    with plugged(pico_firmware, flash) as board:
        expected = run_on_host(compile_model(example_model("digits"), target="host"), X)
        np.testing.assert_array_equal(board.infer(X, raw=True), expected)
        assert board.rpc.twice(21) == 42  # main.py of the store ran
        board.write_text(b"n = 0\r")
        board.write_text(b"while True: n += 1\r\r")
        wait_until(lambda: board.eval("globals().get('n', 0)") > 0)
        assert board.eval("n") < board.eval("n")
        board.ping()
        board.write_text(b"\x03")
        wait_until(lambda: "KeyboardInterrupt" in board.stdout.read())


def test_a_cut_leaves_the_old_model(pico_firmware: Path, flash: Path) -> None:
    old = compile_model(example_model("digits"), target="cortex-m0plus")
    new = compile_model(example_model("digits"), target="cortex-m0plus", optimize="size")
    expected = run_on_host(compile_model(example_model("digits"), target="host"), X)
    assert old != new
    for cut in (1, 7, 30):
        with plugged(pico_firmware, flash, cut) as board:
            assert [(m.name, m.version) for m in board.models()] == [("digits", 1)]
            with pytest.raises(XipnetError):
                board.load_model(new, name="digits")
    with plugged(pico_firmware, flash) as board:
        np.testing.assert_array_equal(board.infer(X, raw=True), expected)
        assert board.load_model(new, name="digits").version == 2
        np.testing.assert_array_equal(board.infer(X, raw=True), expected)
        board.rollback("digits")
        assert infer_one(board, X).shape == (1, 10)


# The emulator has no MPU, some writes to nowhere go unseen, and its clock is slower than ours.
NOT_THERE = {"clock", "containment: write to 0x9ffffffc"}


@pytest.mark.proof("pico")
def test_it_tests_itself(pico_firmware: Path, flash: Path) -> None:
    with plugged(pico_firmware, flash) as board:
        report = run_selftest(board, quick=True)
        failed = {check.name for check in report.checks if not check.ok}
        assert failed <= NOT_THERE, "\n".join(report.lines())
        assert [m.name for m in board.models() if m.active] == ["digits"]


@pytest.mark.proof("pico")
def test_it_finds_coins(pico_firmware: Path, flash: Path) -> None:
    with plugged(pico_firmware, flash) as board:
        assert board.load_model(example_model("coins")).golden
        assert len(board.detect(EXAMPLES / "coins.png")) == 24


@pytest.mark.proof("pico")
def test_thirty_cuts(pico_firmware: Path, flash: Path) -> None:
    digits = example_model("digits")
    expected = run_on_host(compile_model(digits, target="host"), X)
    blobs = [
        compile_model(digits, target="cortex-m0plus", optimize="size"),
        compile_model(digits, target="cortex-m0plus"),
    ]
    with plugged(pico_firmware, flash) as board:
        board.load_model(blobs[1], name="digits")  # another one may be active
    cuts, cut, uploads = 0, 1, 0
    while cuts < 30:
        with plugged(pico_firmware, flash, cut) as board:
            np.testing.assert_array_equal(board.infer(X, raw=True), expected)
            try:
                board.load_model(blobs[uploads % 2], name="digits")
            except XipnetError:
                cuts, cut = cuts + 1, cut + 1
            else:
                uploads, cut = uploads + 1, 1
    assert uploads > 0
