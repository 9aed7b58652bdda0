"""The room for models on the boards that there is a firmware for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from device_fw.boards import BOARDS_DIR, Board, board_names, load_board
from host_sdk.store.log_records import most_area_bytes

__all__ = ["Space", "board_spaces", "space_of"]

_RP2_DIR = BOARDS_DIR.parent / "ports" / "rp2" / "boards"
_RP2_CPUS = {"rp2040": "cortex-m0plus", "rp2350": "cortex-m33"}
_SECTOR_BYTES = 4096  # of most NOR flash

# Of flash parts: bytes of a sector and, if they are smaller, of those of the log together. A TOML's
# `sector_bytes` and `log_bytes` say otherwise.
_SECTORS = {"flash_stm32f4": (131072, 32768)}
_STACK_RESERVED_BYTES = 256  # of the steps' stack (arch/cortexm/step.c)


@dataclass(frozen=True)
class Space:
    """What a board has for models.

    Attributes:
        name: the board's, as `make firmware BOARD=` takes it.
        title: for people.
        cpu: the compiler's name of the core.
        arena_bytes: RAM for the arenas of all models that are open.
        object_bytes: flash for objects, the log left out.
        sector_bytes: what an object's flash is a multiple of.
        stack_bytes: that a step may use; None: it is not known beforehand.
    """

    name: str
    title: str
    cpu: str
    arena_bytes: int
    object_bytes: int
    sector_bytes: int
    stack_bytes: int | None

    def flash_of(self, size_bytes: int) -> int:
        """Return what an object takes of `object_bytes`."""
        return -(-size_bytes // self.sector_bytes) * self.sector_bytes


def board_spaces() -> list[Space]:
    """Return the room on all boards, those without an emulator first."""
    boards = [load_board(name) for name in board_names()]
    boards.sort(key=lambda board: board.emulator is not None)
    return [*_rp2_spaces(), *map(space_of, boards)]


def space_of(board: Board) -> Space:
    """Return the room on a board of a TOML."""
    region = board.flash_bytes - board.files_bytes
    part = next((part.name for part in board.parts if part.table == "flash"), None)
    sector, log = _SECTORS.get(part or "", (_SECTOR_BYTES, 0))
    sector = board.fact("flash", "sector_bytes", sector)
    return Space(
        name=board.name,
        title=board.title,
        cpu=board.cpu,
        arena_bytes=board.memory["arena"].length,
        object_bytes=_object_bytes(region, sector, board.fact("flash", "log_bytes", log)),
        sector_bytes=sector,
        stack_bytes=board.step_stack - _STACK_RESERVED_BYTES,
    )


def _object_bytes(region: int, sector: int, log_bytes: int) -> int:
    """Return what the log leaves of a store's region."""
    log_bytes = log_bytes or 2 * most_area_bytes(region, sector)
    return (region - log_bytes) // sector * sector


def _rp2_spaces() -> list[Space]:
    """Read the boards of ports/rp2: values that CMake sets, a title in the first line."""
    spaces = []
    for path in sorted(_RP2_DIR.glob("*/mpconfigboard.cmake")):
        text = path.read_text(encoding="utf-8")
        values = dict(re.findall(r'^set\((\w+) "?([^")]+)"?\)', text, re.M))
        region = int(values["XN_RP2_STORE_BYTES"], 0)
        spaces.append(
            Space(
                name=path.parent.name,
                title=text.partition("\n")[0].lstrip("# ").partition(":")[0],
                cpu=_RP2_CPUS[values["PICO_PLATFORM"]],
                arena_bytes=int(values["XN_USER_ARENA_BYTES"], 0),
                object_bytes=_object_bytes(region, _SECTOR_BYTES, 0),
                sector_bytes=_SECTOR_BYTES,
                stack_bytes=None,
            )
        )
    return spaces
