"""While a chip erases its own flash, neither code nor constants are read there.

What may run then is followed from the objects' relocations, and looked up in the linked firmware.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import Symbol, SymbolTableSection

from device_fw.build import firmware_path
from device_fw.build.folders import build_dir

pytestmark = pytest.mark.sim

# The receive interrupt, the clock's, and the driver itself. PendSV waits (xn_cpu_defer).
BOARD, DRIVER = "nucleo_f446re", "flash_stm32f4.c.o"
STARTS = ("xn_board_interrupt", "xn_step_clock_entry", "erase", "program")
# Never called then: a step's time limit.
NOT_THEN = ("is_overdue",)
RAM = range(0x20000000, 0x20020000)
SHF_WRITE, SHF_ALLOC, SHN_UNDEF = 1, 2, "SHN_UNDEF"

Place = tuple[str, str]  # an object, or "" for a global name; and the name


class References:
    """The functions and constants of a firmware's objects, and what each refers to."""

    def __init__(self, objects: list[Path]) -> None:
        self.to: dict[Place, set[Place]] = defaultdict(set)
        self.nameless: list[str] = []  # constants that no symbol names
        for path in objects:
            with path.open("rb") as file:
                self._add(path.name, ELFFile(file))

    def _add(self, name: str, elf: ELFFile) -> None:
        table = elf.get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        symbols = list(table.iter_symbols())
        defined: dict[int, list[tuple[int, Place]]] = defaultdict(list)
        for symbol in symbols:
            index = symbol["st_shndx"]
            if isinstance(index, int) and symbol.name and not symbol.name.startswith("$"):
                defined[index].append((symbol["st_value"] & ~1, _place(name, symbol)))
        for rows in defined.values():
            rows.sort()
        for section in elf.iter_sections():
            if isinstance(section, RelocationSection):
                self._add_section(name, elf, section, symbols, defined)

    def _add_section(
        self,
        name: str,
        elf: ELFFile,
        section: RelocationSection,
        symbols: list[Symbol],
        defined: dict[int, list[tuple[int, Place]]],
    ) -> None:
        flags = elf.get_section(section["sh_info"])["sh_flags"]
        rows = defined[section["sh_info"]]
        if not flags & SHF_ALLOC or not rows:
            return
        for relocation in section.iter_relocations():
            at = bisect_right([row[0] for row in rows], relocation["r_offset"]) - 1
            target = symbols[relocation["r_info_sym"]]
            index = target["st_shndx"]
            if index != SHN_UNDEF and isinstance(index, int):
                if elf.get_section(index)["sh_flags"] & SHF_WRITE:
                    continue  # .data, .bss
                if target["st_info"]["type"] == "STT_SECTION":
                    inside = {place for _, place in defined[index]}
                    if not inside:
                        self.nameless.append(f"{name}: {elf.get_section(index).name}")
                    self.to[rows[at][1]] |= inside
                    continue
            self.to[rows[at][1]].add(_place(name, target))

    def reached(self, starts: set[Place]) -> set[Place]:
        """Return all that can be reached."""
        seen, left = set(starts), list(starts)
        while left:
            for place in self.to[left.pop()] - seen:
                if place[1] not in NOT_THEN:
                    seen.add(place)
                    left.append(place)
        return seen


def _place(name: str, symbol: Symbol) -> Place:
    return ("" if symbol["st_info"]["bind"] == "STB_GLOBAL" else name, symbol.name)


def _addresses(elf: Path) -> Iterator[tuple[Place, int]]:
    """Yield the linked firmware's symbols; local ones follow their file's name."""
    with elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        source = ""
        for symbol in table.iter_symbols():
            if symbol["st_info"]["type"] == "STT_FILE":
                source = Path(symbol.name).name
            elif isinstance(symbol["st_shndx"], int) or symbol["st_shndx"] == "SHN_ABS":
                yield _place(f"{source}.o", symbol), symbol["st_value"]


def test_what_runs_while_the_flash_is_busy_is_in_ram() -> None:
    elf = firmware_path(BOARD)
    objects = sorted((build_dir() / "firmware" / BOARD / "objects").rglob("*.o"))
    references = References(objects)
    addresses = dict(_addresses(elf))
    starts = {place for place in references.to if place[1] in STARTS}
    starts = {p for p in starts if p[0] in ("", DRIVER)}
    assert {place[1] for place in starts} == set(STARTS)
    reached = references.reached(starts)
    assert {"xn_link_receive", "xn_frame_decode_byte", "xn_clock_tick"} <= {p[1] for p in reached}
    outside = {
        place: hex(addresses.get(place, 0))
        for place in reached
        if addresses.get(place, 0) not in RAM and not place[1].startswith("xn_ld_")
    }
    assert not outside


def test_the_vector_table_is_in_ram_and_starts_from_flash() -> None:
    elf = firmware_path(BOARD)
    addresses = dict(_addresses(elf))
    assert addresses["startup.c.o", "table"] in RAM
    with elf.open("rb") as file:
        first = ELFFile(file).get_section_by_name(".vectors")
        assert first is not None
        assert first["sh_addr"] == 0x08000000
        stack, reset = (int.from_bytes(first.data()[i : i + 4], "little") for i in (0, 4))
    assert stack == addresses["", "xn_ld_stack_end"]
    assert reset == addresses["", "xn_startup"]
