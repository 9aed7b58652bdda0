"""What the board descriptions say, and the command that starts one."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from device_fw.boards import (
    BOARDS_DIR,
    Board,
    board_for_cpu,
    board_names,
    load_board,
    qemu_command,
    read_board,
    virtual_names,
)
from device_fw.boards.board import Region, Trust
from device_fw.build.board_files import board_c, linker_script
from device_fw.build.flags import part_macros
from host_sdk.errors import PortNotFoundError
from host_sdk.transports.qemu import find_board

DEVELOPMENT_KEY = "bdb5aee9960674b32f5b1e7693822f0e1044d5c90df8ee17b4f9a7331cb8a768"
# What a board cannot do without; tests change a line of it.
SMALL = """
title = "A small board"
cpu = "cortex-m4"
[memory]
code = { origin = 0x08000000, length = "512K" }
data = { origin = 0x20004800, length = 4096 }
stack = { origin = 0x20000000, length = "18K", step = "4K" }
heap = { origin = 0x20010000, length = "32K" }
arena = { origin = 0x20018000, length = "32K" }
[clock]
hz = 16000000
[flash]
part = "nor_ram"
base = 0x20020000
bytes = 0x10000
sectors = [1, 2]
ends_with_power = true
[uart]
part = "uart_cmsdk"
base = 0x40004400
irq = 38
"""


def read(folder: Path, text: str) -> Board:
    path = folder / "small.toml"
    path.write_text(text)
    return read_board(path)


@pytest.mark.parametrize("name", virtual_names(vm=True))
def test_a_board_fits_its_machine(name: str) -> None:
    board = load_board(name)
    assert board.name == name
    assert board_for_cpu(board.cpu) == board
    assert board.emulator is not None
    assert board.emulator.memory_bytes is not None
    assert 0 < board.files_bytes < board.flash_bytes <= board.emulator.memory_bytes
    assert board.flash_bytes % 4096 == board.files_bytes % 4096 == 0


def test_a_toml_says_all_of_a_board(tmp_path: Path) -> None:
    board = read(tmp_path, SMALL)
    assert (board.name, board.title, board.hz, board.irqs) == (
        "small",
        "A small board",
        16000000,
        39,
    )
    assert (board.text_max, board.step_stack) == (512 << 10, 4096)
    assert board.memory["data"] == Region(0x20004800, 4096)
    assert board.core.level == "XN_LEVEL_V7M"
    assert (board.files_bytes, board.emulator) == (0, None)
    assert [part.name for part in board.parts if part.name] == ["nor_ram", "uart_cmsdk"]
    assert part_macros(board) == {
        "XN_CLOCK_HZ": "0xf42400u",
        "XN_FLASH_BASE": "0x20020000u",
        "XN_FLASH_BYTES": "0x10000u",
        "XN_FLASH_SECTORS": "1, 2",
        "XN_FLASH_ENDS_WITH_POWER": "0x1u",
        "XN_UART_BASE": "0x40004400u",
        "XN_UART_IRQ": "0x26u",
    }


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"18K"', '"18Q"', "'18Q'"),
        ("0x08000000", "0xFFFFFFFF", r"\[code\] must be within 32 bits"),
        ("heap = ", "hoop = ", r"\[memory\] has no key 'hoop'"),
        ("[uart]", "[art]", r"\[\] has no key 'art'"),
        ("cortex-m4", "cortex-m0", "cpu must be one of cortex-m4, .*; is 'cortex-m0'"),
        ('"A small board"', "7", r"title must be str; is 7"),
        ('"nor_ram"', '"../x"', r"\[flash\] part .* is '../x'"),
        ("irq = 38", "irq = -1", r"\[uart\] irq must be a number .* is -1"),
        ("irq = 38", "irq = {}", r"\[uart\] irq must be"),
        ('step = "4K"', 'step = "17K"', r"\[memory\] stack must be .* is 18432"),
        ("title", "title title", "small.toml"),
        ("ends_with_power", "holds_code", r"\[flash\] holds_code needs vm = false"),
        ("[clock]", "[link]\nwindow = true\n[clock]", r"\[link\] window must be int; is True"),
        ("[clock]", "[link]\nslots = 4\n[clock]", r"\[link\] has no key 'slots'"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in SMALL
    with pytest.raises(ValueError, match=told):
        read(tmp_path, SMALL.replace(old, new))


def test_a_suffix_asks_for_the_firmware_that_can_be_locked() -> None:
    plain, lockable = load_board("mps2_an386"), load_board("mps2_an386-lockable")
    assert (plain.name, plain.lockable, plain.text_max) == ("mps2_an386", False, 262144)
    assert (lockable.name, lockable.lockable) == ("mps2_an386-lockable", True)
    assert lockable.text_max == 262144 + 18432
    assert (lockable.path, lockable.memory) == (plain.path, plain.memory)
    assert lockable.parts[: len(plain.parts)] == plain.parts
    assert board_for_cpu("cortex-m4-lockable") == lockable
    assert find_board("cortex-m4-lockable") == find_board("mps2_an386-lockable") == lockable
    assert not any("lockable" in name for name in board_names())
    with pytest.raises(PortNotFoundError, match="is 'cortex-m0-lockable'"):
        find_board("cortex-m0-lockable")


def test_the_code_of_a_lockable_firmware_stays_in_its_memory() -> None:
    board = load_board("nucleo_f446re-lockable")
    assert board.text_max == board.memory["code"].length == load_board("nucleo_f446re").text_max


def test_a_toml_may_say_that_its_firmware_can_be_locked(tmp_path: Path) -> None:
    assert not read(tmp_path, SMALL).lockable
    board = read(tmp_path, SMALL.replace("[memory]", "lockable = true\n[memory]"))
    assert (board.name, board.lockable, board.text_max) == ("small", True, 512 << 10)
    assert find_board(str(board.path)) == board


KEYS = ["11" * 32, "B3" * 32]
TRUST = f"""
[trust]
state = "locked"
product = 'a "lamp"'
keys = {KEYS}
"""


def test_a_firmware_may_be_built_with_a_policy(tmp_path: Path) -> None:
    lockable = SMALL.replace("[memory]", "lockable = true\n[memory]")
    board = read(tmp_path, lockable + TRUST)
    keys = tuple(map(bytes.fromhex, KEYS))
    assert board.trust == Trust(2, 'a "lamp"', keys, reads=False)
    text = board_c(board)
    assert "    .state = 2,\n    .product = {97, 32, 34, 108, 97, 109, 112, 34},\n" in text
    assert f"        {{{', '.join(['179'] * 32)}}},\n" in text
    assert ".flags = 0," in text
    assert "return &policy;" in text
    assert ".flags = XN_POLICY_READS," in board_c(
        read(tmp_path, lockable + TRUST + "reads = true\n")
    )


def test_a_firmware_without_a_policy_has_none(tmp_path: Path) -> None:
    assert "policy" not in board_c(read(tmp_path, SMALL))
    text = board_c(read(tmp_path, SMALL.replace("[memory]", "lockable = true\n[memory]")))
    assert "xn_port_policy(void) {\n    return 0;" in text


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("lockable = true", "", "needs lockable = true"),
        ('"locked"', '"shut"', "state must be one of open, warn, locked, counted; is 'shut'"),
        ('"locked"', "2", r"\[trust\] state must be str; is 2"),
        ('state = "locked"', "", r"\[trust\] state is missing"),
        ('a "lamp"', "", "product must be 1 to 15 printable ASCII characters; is ''"),
        ('a "lamp"', "x" * 16, "product must be"),
        ('a "lamp"', "lämp", "product must be"),
        (f"{KEYS}", "[]", "keys must be 1 to 2; are 0"),
        (f"{KEYS}", f"{KEYS * 2}", "keys must be 1 to 2; are 4"),
        (f"{KEYS}", "['11']", "64 hex digits, not all 0; one is '11'"),
        (f"{KEYS}", "[11]", "64 hex digits, not all 0; one is 11"),
        ("11" * 32, "00" * 32, "not all 0"),
        ("11" * 32, "1 " * 32, "64 hex digits"),
        ("11" * 32, DEVELOPMENT_KEY, "development key"),
        ("[trust]", "[trust]\nread = true", r"\[trust\] has no key 'read'"),
        ("[trust]", "[trust]\nreads = 1", r"\[trust\] reads must be bool; is 1"),
    ],
)
def test_what_is_wrong_with_a_policy_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = SMALL.replace("[memory]", "lockable = true\n[memory]") + TRUST
    assert old in text
    with pytest.raises(ValueError, match=told):
        read(tmp_path, text.replace(old, new))


def test_a_firmware_that_only_warns_may_know_the_development_key(tmp_path: Path) -> None:
    text = SMALL.replace("[memory]", "lockable = true\n[memory]") + TRUST
    text = text.replace("11" * 32, DEVELOPMENT_KEY).replace('"locked"', '"warn"')
    assert read(tmp_path, text).trust is not None


def test_a_source_of_random_numbers_is_of_a_lockable_firmware_alone(tmp_path: Path) -> None:
    text = SMALL + '[entropy]\npart = "random_x"\nbase = 0x40005000\n'
    open_board = read(tmp_path, text)
    assert "XN_ENTROPY_BASE" not in part_macros(open_board)
    assert "xn_port_entropy" not in board_c(open_board)
    assert "random_x" not in board_c(open_board)
    board = read(tmp_path, "lockable = true\n" + text)
    assert part_macros(board)["XN_ENTROPY_BASE"] == "0x40005000u"
    assert "    xn_random_x_start();" in board_c(board)
    assert "xn_port_entropy" not in board_c(board)  # it is the part's
    without = read(tmp_path, "lockable = true\n" + SMALL)
    assert "const char *xn_port_entropy(uint8_t *to, uint32_t n) {" in board_c(without)


def test_a_chip_may_keep_the_floor(tmp_path: Path) -> None:
    text = "lockable = true\n" + SMALL
    assert "uint32_t xn_port_floor(void) {" in board_c(read(tmp_path, text))
    board = read(tmp_path, text + '[counter]\npart = "otp_x"\nbase = 0x1fff7800\n')
    assert part_macros(board)["XN_COUNTER_BASE"] == "0x1fff7800u"
    assert "    xn_otp_x_start();" in board_c(board)
    assert "xn_port_floor" not in board_c(board)  # it is the part's


def test_an_emulator_sends_random_bytes_to_a_lockable_board() -> None:
    for name in ("mps2_an386", "mps2_an386-lockable"):
        command = qemu_command(load_board(name), Path("fw.elf"), Path("no/flash"), "pty")
        serial = [after for word, after in itertools.pairwise(command) if word == "-serial"]
        assert serial == ["pty", "chardev:random"][: 1 + name.endswith("-lockable")]
        assert ("pipe,id=random,path=/dev/urandom" in command) == (len(serial) == 2)


def test_a_linker_script_is_made(tmp_path: Path) -> None:
    text = linker_script(read(tmp_path, SMALL))
    assert "STACK_BYTES = 12288;" in text
    assert "STEP_STACK_BYTES = 4096;" in text
    assert "CODE (rx) : ORIGIN = 0x08000000, LENGTH = 0x80000" in text
    assert "xn_ld_vectors = 0;\nxn_ld_vectors_end = 0;\nxn_ld_image = ORIGIN(CODE);\n" in text


def test_without_micropython_there_is_no_heap(tmp_path: Path) -> None:
    plain = SMALL.replace("[memory]", "vm = false\n[memory]").replace("heap =", "# heap =")
    board = read(tmp_path, plain + "[link]\nframe_bytes = 1024\nsectors = 3\n")
    assert not board.vm
    assert (board.link.frame_bytes, board.link.window, board.link.sectors) == (1024, 8, 3)
    text = linker_script(board)
    assert "heap" not in text.lower()
    assert "SECTIONS" not in text


def test_what_interrupts_goes_to_ram_if_the_flash_holds_the_code(tmp_path: Path) -> None:
    text = SMALL.replace("[memory]", "vm = false\n[memory]").replace("heap =", "vectors =")
    board = read(tmp_path, text.replace("ends_with_power", "holds_code"))
    assert board.holds_code
    script = linker_script(board)
    assert ".vectors : { KEEP(*(.vectors)) } > VECTORS" in script
    for name in ("parts/nor_ram.c.o", "parts/uart_cmsdk.c.o", "core/link/xn_link.c.o", "board.c.o"):
        assert f"*/{name}(.text .text.* .rodata .rodata.*)" in script
    assert "*/core/rpc/xn_server.c.o(.text.xn_server_attend)" in script
    assert "xn_ld_vectors = ADDR(.vectors);" in script
    assert "xn_ld_image = LOADADDR(.ram_code);" in script
    assert script.index(".ram_code :") < script.index("INCLUDE arch/cortexm/sections.ld")


def test_interrupts_are_led_to_their_parts(tmp_path: Path) -> None:
    alone = board_c(read(tmp_path, SMALL))
    assert "void xn_board_interrupt(void) {\n    xn_uart_cmsdk_interrupt();\n}" in alone
    start = alone[alone.index("void xn_board_start") :]
    order = ["xn_fault_start", "xn_clock_start", "xn_nor_ram_start", "xn_uart_cmsdk_start"]
    assert [name for name in re.findall(r"xn_\w+_start", start) if name in order] == order
    two = SMALL.replace("hz = 16000000", 'part = "clock_x"\nirq = 5\nhz = 16000000')
    both = board_c(read(tmp_path, two))
    assert "    if (irq == XN_CLOCK_IRQ) {\n        xn_clock_x_interrupt();" in both
    assert both.index("    xn_clock_x_start();") < both.index("    xn_clock_start();")


def test_the_build_finds_a_toml_that_was_named_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_bytes((BOARDS_DIR / "mps2_an386.toml").read_bytes())
    monkeypatch.chdir(tmp_path)
    assert read_board(Path("mine.toml")).path == tmp_path / "mine.toml"


def test_the_boards_are_told_when_one_is_unknown() -> None:
    with pytest.raises(ValueError, match=r"no board 'nrf'.*mps2_an386.*mps3_an547"):
        load_board("nrf")
    with pytest.raises(ValueError, match=r"'cortex-m0'.*cortex-m4.*cortex-m55"):
        board_for_cpu("cortex-m0")


def test_command_keeps_flash_in_the_file() -> None:
    board = load_board("mps2_an500")
    assert board.emulator is not None
    command = qemu_command(board, Path("fw.elf"), Path("a,b/flash"), "pty")
    backend = command[command.index("-object") + 1]
    assert "mem-path=a,,b/flash" in backend.replace("\\", "/")
    assert f"size={board.emulator.memory_bytes}" in backend
    assert "memory-backend=flash" in command[command.index("-machine") + 1]
    assert command[command.index("-kernel") + 1] == "fw.elf"
    assert command[-2:] == ["-serial", "pty"]


def test_a_new_flash_file_is_blank_and_an_old_one_stays(tmp_path: Path) -> None:
    board = load_board("mps3_an547")
    assert board.emulator is not None
    flash = tmp_path / "flash"
    flash.touch()  # as a lock leaves it
    qemu_command(board, Path("fw.elf"), flash, "pty")
    assert flash.stat().st_size == board.emulator.memory_bytes
    with flash.open("r+b") as file:
        assert file.read(board.flash_bytes).count(0xFF) == board.flash_bytes
        file.seek(0)
        file.write(bytes(4096))
    qemu_command(board, Path("fw.elf"), flash, "pty")
    with flash.open("rb") as file:
        assert file.read(4096) == bytes(4096)


# Of the NUCLEO-F446RE: what would be erased under the firmware, and other mistakes.
@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("0x0800C000", "0x08020000", r"sector 5 is the store's, .* 0x8020000 to 0x8034000"),
        ('"16K" } # sector 0', '"17K" } # sector 0', "sector 1 is the store's"),
        ('"80K" } # 3', '"81K" } # 3', r"sector 5 is the store's"),
        ("[1, 2, 5, 6, 7]", "[1, 2, 4, 5, 6]", r"two of 16 KB \(0 to 3\), .* are \[1, 2, 4"),
        ("[1, 2, 5, 6, 7]", "[1, 5, 6, 7]", "two of 16 KB"),
        ("[1, 2, 5, 6, 7]", "[1, 2]", "two of 16 KB"),
        ("[1, 2, 5, 6, 7]", "[1, 2, 5, 7, 8]", r"must follow one another; are \[5, 7, 8\]"),
        ("[1, 2, 5, 6, 7]", "[1, 2, 5, 6, 6]", "must be different numbers of 0 to 11"),
        ("[1, 2, 5, 6, 7]", "[1, 2, 12]", "must be different numbers of 0 to 11"),
        ("[1, 2, 5, 6, 7]", "[1, 2, 5, 6]", "bytes must be 0x48000, .*; is 0x68000"),
        ("[1, 2, 5, 6, 7]", "'all'", "must have sectors, a list"),
        ("[1, 2, 5, 6, 7]", "-1", r"\[flash\] sectors must be a number"),
    ],
)
def test_sectors_of_an_stm32f4_are_the_stores_alone(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    text = (BOARDS_DIR / "nucleo_f446re.toml").read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(ValueError, match=told):
        read(tmp_path, text.replace(old, new))
