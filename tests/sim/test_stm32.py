"""The firmware for an STM32F4 under QEMU: clock, pins, USART2, SysTick, MPU.

QEMU has no flash controller there: the store is in RAM, or, ready made, in the flash window, where
it can be read alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from device_fw.boards import Board, load_board, read_board
from host_sdk import Device
from host_sdk.errors import DeviceError, FlashError, MethodError
from relocatable import compile_model, run
from tests.conftest import MODELS_DIR
from tests.sim.conftest import EXAMPLES, example_model, infer_one
from tests.sim.machine import Machine, RefusedError
from tests.sim.test_containment import ADD_ONE, ENDLESS, READ, WRITE, blob_of
from tests.sim.unscanned import unscanned_firmware
from tests.sim.without_python import BLOB, try_a_trial_and_the_way_back, try_to_leave_a_step

pytestmark = pytest.mark.sim

BOARD = load_board("netduinoplus2")
WRITER = Path(__file__).parent / "data" / "without_vm.toml"
# As much of the STM32F405's flash as an F446RE's store has, and sectors as there.
WINDOW, WINDOW_BYTES = 0x08038000, 0x68000
SECTORS = "sector_bytes = 0x20000\nlog_bytes = 0x8000\nlog_sector_bytes = 0x4000"
E_DEADLINE = -67
LIMIT_MS = 1500
FLOAT = MODELS_DIR / "mnist_small_f32.tflite"

Start = Callable[[str], Device]


@pytest.fixture(scope="module")
def board() -> Iterator[Device]:
    with Device("sim://netduinoplus2") as device:
        yield device


# ---- The store in RAM ----------------------------------------------------------------------------


def test_it_says_what_it_is(board: Device) -> None:
    told = board.info()
    assert (told.board, told.cpu) == ("netduinoplus2", "cortex-m4")
    assert told.python == "without MicroPython"
    assert told.arena_bytes == BOARD.memory["arena"].length
    assert "store in RAM" in BOARD.title
    with pytest.raises(MethodError, match="no such method"):
        board.exec("print(1)")


def test_infer_equals_the_host_and_profile_names_the_steps(board: Device) -> None:
    model = example_model("digits")
    assert board.load_model(model).golden
    host = compile_model(model, target="host")
    for x in np.random.default_rng(5).integers(0, 256, (5, 1, 8, 8, 1), np.uint8):
        np.testing.assert_array_equal(board.infer(x, raw=True), run(host, x))
    profile = board.profile()
    assert len(profile.rows) == len(board.model().steps)
    board.rm("digits")


def test_a_trial_and_the_way_back(board: Device) -> None:
    try_a_trial_and_the_way_back(board)


def test_the_line_takes_every_speed_that_its_divider_has(board: Device) -> None:
    for baud in (9600, 230400, 921600, 115200):
        board._session.call("baud", baud)  # QEMU's line has none: what the driver says of it
    with pytest.raises(DeviceError, match="baud"):
        board._session.call("baud", 42_000_000 // 15)


# ---- Containment ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("stm32")
    with Machine(BOARD, folder / "flash", unscanned_firmware(BOARD, folder, LIMIT_MS)) as running:
        running.boot(prompt=False)
        running.put("good", BLOB, blob_of(ADD_ONE), activate=True)
        yield running


@pytest.mark.parametrize(
    "address",
    [0x08000400, 0x20000100, 0x20003900, 0x20010000, 0x40004404, 0xE000E010],
    ids=["code", "stack", "data", "store", "USART2", "SysTick"],
)
@pytest.mark.parametrize("access", [READ, WRITE], ids=["reads", "writes"])
def test_a_step_is_contained(machine: Machine, address: int, access: bytes) -> None:
    try_to_leave_a_step(machine, address, access)


def test_an_endless_step_ends_and_pings_are_answered(machine: Machine) -> None:
    machine.put("bad", BLOB, blob_of(ENDLESS), activate=True)
    running = machine.request("run", 0, [b"a"])
    assert machine.call("ping", 7) == 7
    with pytest.raises(RefusedError) as refusal:
        machine.reply(running)
    assert refusal.value.args[0] == E_DEADLINE
    machine.call("activate", "good")


# ---- A ready store in the flash window -----------------------------------------------------------


def _variant(toml: Path, to: Path, **changes: str) -> Board:
    """Write a board's TOML with other lines; `store` is its store's address."""
    lines = toml.read_text(encoding="utf-8").splitlines()
    for key, line in changes.items():
        first = "base = 0x20010000" if key == "store" else f"{key} = "
        at = [i for i, old in enumerate(lines) if old.startswith(first)]
        assert len(at) == 1, key
        lines[at[0]] = line
    to.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_board(to)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Device]:
    """Make the stores on another Cortex-M4; start the STM32F405 with one of them."""
    folder = tmp_path_factory.mktemp("stored")
    flash, image = folder / "flash", folder / "store.bin"
    writer = _variant(
        *(WRITER, folder / "writer.toml"),
        ends_with_power="",
        machine='machine = "mps2-an386"\nmemory_bytes = 0x1000000',
    )
    stores = {}
    with Device(f"sim://{writer.path}?flash={flash}") as maker:
        for name, model in (("mnist", FLOAT), ("coins", example_model("coins"))):
            maker.load_model(model, name)
            stores[name] = flash.read_bytes()[:WINDOW_BYTES]
    loader = f'"-device", "loader,file={image},addr={WINDOW:#x},force-raw=on"'
    reader = _variant(
        *(BOARD.path, folder / "reader.toml"),
        code='code = { origin = 0x08000000, length = "224K" }',
        arena='arena = { origin = 0x2000A000, length = "88K" }',
        bytes=f"bytes = {WINDOW_BYTES:#x}\n{SECTORS}",
        store=f"base = {WINDOW:#x}",
        ends_with_power="",
        arguments=f'arguments = ["-serial", "null", {loader}]',
    )

    def started(name: str) -> Device:
        image.write_bytes(stores[name])
        return Device(f"sim://{reader.path}")

    return started


def test_a_float_network_runs_in_place_from_the_flash_window(start: Start) -> None:
    host = compile_model(FLOAT, target="host")
    pictures = np.load(MODELS_DIR / "mnist_test.npz")["x"][:5]
    with start("mnist") as board:
        assert board.model().name == "mnist"
        for x in pictures.reshape(5, 1, 28, 28, 1).astype(np.float32):
            actual = infer_one(board, x)
            np.testing.assert_allclose(actual, run(host, x), rtol=1e-6, atol=1e-6)


def test_detect_finds_the_coins_in_the_flash_window(start: Start) -> None:
    with start("coins") as board:
        assert 20 <= len(board.detect(EXAMPLES / "coins.png")) <= 26


def test_a_flash_that_takes_nothing_says_so(start: Start) -> None:
    with start("coins") as board, pytest.raises(FlashError):
        board.put("numbers", bytes(range(256)))
