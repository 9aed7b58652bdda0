"""The bytes of a firmware's code by rooms: all of them, each once."""

from __future__ import annotations

from pathlib import Path

import pytest

from device_fw.boards import load_board
from device_fw.build import firmware_path
from device_fw.build.__main__ import main
from device_fw.build.rooms import rooms_of, text_by_room
from device_fw.build.size import text_bytes

pytestmark = pytest.mark.sim

BOARD = "nucleo_f446re"

# A map of ld.lld: a section, a piece of a file, a symbol of it, what the linker merged.
MAP = """\
     VMA      LMA     Size Align Out     In      Symbol
       0        0        0     1 STACK_BYTES = 12288
       0        0       40     4 .text
       0        0       10     4         /a b/objects/1.25.0/py/vm.c.o:(.text.mp_execute_bytecode)
       0        0       10     1                 mp_execute_bytecode
      10       10       20     4         /a b/objects/device_fw/core/store/xn_log.c.o:(.text.put)
      30       30        4     4         /a b/objects/compiler_rt.o:(.text)
      34       34        8     1         <internal>:(.rodata.str1.1)
20000000       40      100     4 .data
20000000       40      100     4         /a b/objects/device_fw/core/store/xn_log.c.o:(.data)
"""


def test_a_map_is_added_up() -> None:
    assert text_by_room(MAP, Path("/a b/objects")) == {
        "core/store": 0x20,
        "py of MicroPython": 0x10,
        "constants that files share, alignment": 8 + 4,
        "compiler_rt": 4,
    }


def test_the_rooms_are_all_of_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    elf = firmware_path(BOARD)
    rooms = rooms_of(elf)
    assert sum(rooms.values()) == text_bytes(elf)
    assert {"core/store", "core/model", "core/rpc", "parts", "arch/cortexm"} <= set(rooms)
    assert main(["--board", BOARD, "--out", str(elf.parent), "--rooms"]) == 0
    assert f"{rooms['core/store']:9,}  core/store" in capsys.readouterr().out
    assert load_board(BOARD).text_max > text_bytes(elf)
