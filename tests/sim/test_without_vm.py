"""Firmware without MicroPython: all that the host asks for but Python."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from device_fw.boards import read_board
from device_fw.build import firmware_path
from device_fw.build.size import text_bytes
from host_sdk import Device, ModelNotFoundError
from host_sdk.errors import MethodError, SimulatorError
from host_sdk.store.board_space import space_of
from relocatable import compile_model, run
from tests.sim.conftest import EXAMPLES, example_model
from tests.sim.machine import Machine, RefusedError
from tests.sim.test_containment import ADD_ONE, ENDLESS, READ, RETURN, WRITE, blob_of
from tests.sim.unscanned import unscanned_firmware
from tests.sim.without_python import BLOB, try_a_trial_and_the_way_back, try_to_leave_a_step

pytestmark = pytest.mark.sim

TOML = Path(__file__).parent / "data" / "without_vm.toml"
BOARD = read_board(TOML)
E_METHOD, E_DEADLINE, E_CODE = -3, -67, -49
CAUSE_POWER, CAUSE_RESET = 0, 1
LIMIT_MS = 1500
# The most that the code may have: half of what it had to be is left for parts of chips.
TEXT_MAX = 52_000

# What code in RAM may call in the flash: at the start, and while a step runs or has faulted, which
# is never while the flash is written.
FROM_RAM = {
    *("xn_fault_start", "xn_port_boot_report", "__aeabi_memclr4"),
    *("xn_fault_fatal", "xn_step_fault", "serve"),
}


@pytest.fixture(scope="module")
def board() -> Iterator[Device]:
    with Device(f"sim://{TOML}") as device:
        yield device


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    firmware = unscanned_firmware(BOARD, tmp_path, LIMIT_MS)
    with Machine(BOARD, tmp_path / "flash", firmware) as running:
        assert running.boot(prompt=False)["cause"] == CAUSE_POWER
        running.put("good", BLOB, blob_of(ADD_ONE), activate=True)
        yield running


# ---- The image -----------------------------------------------------------------------------------


def test_it_is_small() -> None:
    assert 20_000 < text_bytes(firmware_path(BOARD)) <= TEXT_MAX


def test_what_interrupts_is_in_ram() -> None:
    """A call from RAM to the flash goes by a veneer, which the linker names."""
    with firmware_path(BOARD).open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        symbols = [(symbol.name, symbol["st_value"]) for symbol in table.iter_symbols()]
    places = dict(symbols)
    start, end = places["xn_ld_ram_code"], places["xn_ld_ram_code_end"]
    for name in ("xn_board_interrupt", "xn_link_receive", "xn_port_flash_erase", "xn_clock_tick"):
        assert start <= places[name] < end
    veneers = {name: at for name, at in symbols if "Thunk_" in name and start <= at < end}
    assert {name.partition("Thunk_")[2] for name in veneers} <= FROM_RAM


# ---- The SDK -------------------------------------------------------------------------------------


def test_it_says_what_it_is(board: Device) -> None:
    told = board.info()
    assert (told.board, told.micropython) == ("without_vm", "")
    assert told.python == "without MicroPython"
    assert (told.frame_bytes, told.window) == (1024, 4)
    space = space_of(BOARD)
    assert (told.arena_bytes, told.stack_bytes) == (space.arena_bytes, space.stack_bytes)
    assert (told.free_bytes, told.sector_bytes) == (space.object_bytes, space.sector_bytes)
    assert "run" in told.methods
    assert not {"exec", "eval", "call", "rpc_list", "events"} & set(told.methods)


def test_python_is_refused_in_words(board: Device) -> None:
    for ask in (lambda: board.exec("print(1)"), lambda: board.eval("1 + 1")):
        with pytest.raises(MethodError, match="no such method"):
            ask()
    assert board.info().boot.resets == 0


def test_infer_equals_the_host(board: Device) -> None:
    model = example_model("digits")
    loaded = board.load_model(model)
    assert loaded.golden
    x = np.random.default_rng(3).integers(0, 256, board.model().inputs[0].shape).astype(np.uint8)
    expected = run(compile_model(model, target="host"), x)
    np.testing.assert_array_equal(board.infer(x, raw=True), expected)
    profile = board.profile()
    assert len(profile.rows) == len(board.model().steps)
    board.rm("digits")


def test_every_output_and_every_step_equals_litert(board: Device) -> None:
    board.load_model(example_model("digits"))
    shape = board.model().inputs[0].shape
    x = np.random.default_rng(5).integers(0, 256, (6, *shape[1:])).astype(np.uint8)
    report = board.validate(x)
    assert (report.reference, report.exact_samples) == ("litert", 6)
    trace = board.trace(x[0])
    assert trace.compared + trace.streamed == len(trace.rows)
    assert trace.compared > 2
    assert trace.first_difference is None, trace
    board.rm("digits")


def test_detect_finds_the_coins(board: Device) -> None:
    board.load_model(example_model("coins"))
    assert 20 <= len(board.detect(EXAMPLES / "coins.png")) <= 26
    board.rm("coins")


def test_a_trial_and_the_way_back(board: Device) -> None:
    try_a_trial_and_the_way_back(board)


def test_files(board: Device) -> None:
    data = bytes(range(256)) * 20
    board.put("numbers", data)
    assert board.get("numbers") == data
    assert [found.name for found in board.ls()] == ["numbers"]
    board.rm("numbers")
    assert board.ls() == []
    with pytest.raises(ModelNotFoundError):
        board.rm("numbers")


def test_an_upload_goes_on_in_sectors_of_128_kb(board: Device) -> None:
    data = np.random.default_rng(11).bytes(140_000)
    begun = board.session.call("put_begin", "long", 3, len(data), sha256(data).digest())
    assert isinstance(begun, dict)
    for at in range(0, 132_000, 512):  # the first sector is whole
        board.session.call("put_data", begun["session"], at, data[at : at + 512])
    uploaded = board.put("long", data)
    assert uploaded.sent_bytes <= len(data) - board.info().sector_bytes
    assert board.get("long") == data
    board.rm("long")


def test_a_flash_that_ends_with_the_machine_is_kept_in_no_file(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match="ends with it"):
        Device(f"sim://{TOML}?flash={tmp_path / 'flash'}")


# ---- The wire ------------------------------------------------------------------------------------


def test_text_is_dropped(machine: Machine) -> None:
    machine.write(b"print('typed')\r" * 200 + b"\x03\x04")
    assert machine.call("ping", 1) == 1
    assert machine.text == b""
    with pytest.raises(RefusedError) as refusal:
        machine.call("eval", "1")
    assert refusal.value.args[:2] == (E_METHOD, "no such method")


def test_the_store_outlives_a_reset(machine: Machine) -> None:
    machine.call("reset")
    assert machine.boot(prompt=False)["cause"] == CAUSE_RESET
    assert [item["name"] for item in machine.call("ls")] == ["good"]
    assert machine.call("run", 0, [b"a"])["result"] == b"b"


@pytest.mark.parametrize("address", [0x400, 0xC400, 0x20004900, 0x40004000, 0xEFFFF000])
@pytest.mark.parametrize("access", [READ, WRITE], ids=["reads", "writes"])
def test_a_step_is_contained(machine: Machine, address: int, access: bytes) -> None:
    try_to_leave_a_step(machine, address, access)


def test_urgent_requests_are_answered_while_a_step_loops(machine: Machine) -> None:
    machine.put("bad", BLOB, blob_of(ENDLESS), activate=True)
    running = machine.request("run", 0, [b"a"])
    assert machine.call("ping", 7) == 7
    assert machine.call("interrupt") is None
    with pytest.raises(RefusedError) as refusal:
        machine.reply(running)
    assert refusal.value.args[0] == E_DEADLINE
    machine.call("activate", "good")
    assert machine.call("run", 0, [b"a"])["result"] == b"b"


def test_code_is_scanned_before_it_runs(tmp_path: Path) -> None:
    with Machine(BOARD, tmp_path / "flash") as scanning:
        scanning.boot(prompt=False)
        with pytest.raises(RefusedError) as refusal:
            scanning.put("bad", BLOB, blob_of(b"\x00\xbe" + RETURN), activate=True)
        assert refusal.value.args[0] == E_CODE
