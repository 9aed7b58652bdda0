"""A firmware that runs blobs without scanning their code, to attack what is behind the scan."""

from __future__ import annotations

from pathlib import Path

from elftools.elf.elffile import ELFFile

from device_fw.build import firmware_path

_RETURN_OK = bytes.fromhex("00207047")  # movs r0, #0; bx lr


def unscanned_firmware(board: str, folder: Path) -> Path:
    """Copy a board's firmware with a scan that finds nothing; else it is the same."""
    elf = firmware_path(board)
    data = bytearray(elf.read_bytes())
    with elf.open("rb") as file:
        linked = ELFFile(file)
        table = linked.get_section_by_name(".symtab")
        [scan] = table.get_symbol_by_name("xn_scan_code")
        code = linked.get_section(scan["st_shndx"])
        at = (scan["st_value"] & ~1) - code["sh_addr"] + code["sh_offset"]
    data[at : at + len(_RETURN_OK)] = _RETURN_OK
    copy = folder / elf.name
    copy.write_bytes(data)
    return copy
