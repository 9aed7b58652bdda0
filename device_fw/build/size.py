"""Refuse a firmware whose code is larger than its board allows.

A step of the build, run by ninja: `python -m device_fw.build.size LINKED ELF --max BYTES`
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from elftools.elf.elffile import ELFFile

__all__ = ["ram_bytes", "text_bytes"]


def text_bytes(elf: Path) -> int:
    """Return the bytes of code and constants, in the flash and kept in RAM."""
    with elf.open("rb") as file:
        found = map(ELFFile(file).get_section_by_name, (".vectors", ".ram_code", ".text"))
        return sum(int(section["sh_size"]) for section in found if section is not None)


def ram_bytes(elf: Path) -> dict[str, int]:
    """Return what of a firmware is in RAM, by section, in bytes."""
    with elf.open("rb") as file:
        found = map(ELFFile(file).get_section_by_name, (".ram_code", ".data", ".bss"))
        return {s.name.removeprefix("."): int(s["sh_size"]) for s in found if s is not None}


def main(arguments: list[str] | None = None) -> None:
    """Move a linked firmware to its place if it is small enough."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("linked", type=Path)
    parser.add_argument("elf", type=Path)
    parser.add_argument("--max", type=int, required=True, help="bytes that the code may have")
    options = parser.parse_args(arguments)
    size = text_bytes(options.linked)
    if size > options.max:
        sys.exit(
            f"the firmware has {size:,} bytes of code, {size - options.max:,} more than "
            f"text_max of its TOML, {options.max:,}"
        )
    beside = options.elf.with_name(f"{options.elf.name}.new")
    beside.write_bytes(options.linked.read_bytes())
    os.replace(beside, options.elf)


if __name__ == "__main__":
    main()
