"""A firmware without the scan of code, to attack what is behind it."""

from __future__ import annotations

from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from device_fw.boards import Board
from device_fw.build import firmware_path

_RETURN_OK = bytes.fromhex("00207047")  # movs r0, #0; bx lr


def unscanned_firmware(board: str | Board, folder: Path, limit_ms: int | None = None) -> Path:
    """Copy a board's firmware, but with a scan that finds nothing.

    Args:
        board: the board, or its name.
        folder: where to.
        limit_ms: what a step may take there; None: what it may take elsewhere.
    """
    elf = firmware_path(board)
    data = bytearray(elf.read_bytes())
    _overwrite(data, elf, "xn_scan_code", _RETURN_OK)
    if limit_ms is not None:
        _overwrite(data, elf, "xn_runner_limit_ms", limit_ms.to_bytes(4, "little"))
    copy = folder / elf.name
    copy.write_bytes(data)
    return copy


def _overwrite(data: bytearray, elf: Path, name: str, new: bytes) -> None:
    with elf.open("rb") as file:
        linked = ELFFile(file)
        table = linked.get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        [symbol] = table.get_symbol_by_name(name) or []
        section = linked.get_section(symbol["st_shndx"])
        at = (symbol["st_value"] & ~1) - section["sh_addr"] + section["sh_offset"]
    data[at : at + len(new)] = new
