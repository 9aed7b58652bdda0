"""A linked image: its bytes, where each step starts, how much stack it needs.

What is not position-independent or owns writable data is refused.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import Section, Symbol, SymbolTableSection

from relocatable.errors import ToolchainError
from relocatable.targets import Family

# Functions in assembly state no frame size; those of the runtime library push at most this. C that
# sizes its frame at run time states none either: toolchain.py refuses it.
_UNKNOWN_FRAME = 32
# What Arm's run-time functions push by instructions of their own, which no compiler counts: at most
# two registers and four words (compiler_rt, __aeabi_ldivmod).
_NAKED_FRAME = 32

_ALIGN = 64  # a blob's code may be at any multiple of this
_CONTENTS = {".data": "writable data", ".bss": "writable data", ".got": "address table"}
_RELOCATION_NONE = 0


@dataclass(frozen=True)
class _Function:
    start: int
    end: int
    name: str


class Image:
    """A linked image, as `blob.ld` lays it out.

    Args:
        elf: bytes of the linked ELF file, with relocations kept (--emit-relocs).
        family: architecture that it was linked for.

    Raises:
        ToolchainError: part of it is outside .text or is writable, a relocation is not
            PC-relative, or leads out of .text; names the section and the symbol.
    """

    def __init__(self, elf: bytes, family: Family) -> None:
        self._elf = ELFFile(io.BytesIO(elf))
        self._family = family
        self._symbols = _symbols(self._elf)
        self._refuse_outside()
        self._refuse_unfit_text()
        self._refuse_absolute()

    @property
    def code(self) -> bytes:
        """The flat image, for any address that is a multiple of 64."""
        return bytes(self._section(".text").data())

    def step_offsets(self, count: int) -> tuple[int, ...]:
        """Give the offsets of the functions xn_step_0, xn_step_1, .."""
        by_name = {f.name: f.start for f in self._functions}
        return tuple(by_name[f"xn_step_{i}"] for i in range(count))

    def stack_bytes(self) -> int:
        """Bound the stack that a step takes: the deepest chain of calls.

        Raises:
            ToolchainError: functions call each other in a circle.
        """
        depths: dict[int, int] = {}
        return max(
            (self._depth(f, depths, ()) for f in self._functions if f.name.startswith("xn_step_")),
            default=0,
        )

    def _depth(self, f: _Function, depths: dict[int, int], path: tuple[str, ...]) -> int:
        if f.name in path:
            chain = " -> ".join((*path, f.name))
            raise ToolchainError(f"kernels must not recurse; {chain}")
        if f.start not in depths:
            deeper = [self._depth(g, depths, (*path, f.name)) for g in self._calls.get(f.start, ())]
            depths[f.start] = self._frame(f) + max(deeper, default=0)
        return depths[f.start]

    def _frame(self, f: _Function) -> int:
        frame = self._frames.get(f.start, _UNKNOWN_FRAME)
        return frame + _NAKED_FRAME if f.name.startswith("__aeabi_") else frame

    def _section(self, name: str) -> Section:
        section = self._elf.get_section_by_name(name)
        if section is None:
            raise ToolchainError(f"linked image must have {name}; has none")
        return section

    @cached_property
    def _functions(self) -> list[_Function]:
        found: dict[int, _Function] = {}
        for s in self._symbols:
            if s["st_info"]["type"] == "STT_FUNC":
                start = self._place(s["st_value"])
                function = _Function(start, start + max(s["st_size"], 1), s.name)
                found.setdefault(start, function)
                if s.name.startswith("xn_step_"):
                    found[start] = function
        return [found[start] for start in sorted(found)]

    def _place(self, address: int) -> int:
        """Find the start of the function at an address."""
        return address & ~self._family.mode_bits

    def _function_at(self, address: int) -> _Function | None:
        at = bisect_right(self._functions, address, key=lambda f: f.start) - 1
        if at < 0 or address >= self._functions[at].end:
            return None
        return self._functions[at]

    @cached_property
    def _calls(self) -> dict[int, set[_Function]]:
        """The functions that each function refers to, by its start."""
        calls: dict[int, set[_Function]] = {}
        for place, kind, symbol, addend in _relocations(self._elf, ".text"):
            is_function = self._symbols[symbol]["st_info"]["type"] == "STT_FUNC"
            if kind not in self._family.calls and not is_function:
                continue
            to = self._symbols[symbol]["st_value"] + addend + self._family.addend_bias
            caller, callee = self._function_at(place), self._function_at(self._place(to))
            if caller is not None and callee is not None and caller != callee:
                calls.setdefault(caller.start, set()).add(callee)
        return calls

    @cached_property
    def _frames(self) -> dict[int, int]:
        """The stack bytes of each function alone, by its start (section .stack_sizes)."""
        section = self._elf.get_section_by_name(".stack_sizes")
        data = section.data() if section is not None else b""
        width = self._elf.elfclass // 8
        frames, at = {}, 0
        while at < len(data):
            start = int.from_bytes(data[at : at + width], "little")
            size, at = _uleb128(data, at + width)
            frames[self._place(start)] = size + self._family.pushed_bytes
        return frames

    def _refuse_outside(self) -> None:
        """Refuse what is outside .text: it would not be loaded."""
        for index, section in enumerate(self._elf.iter_sections()):
            if not section["sh_flags"] & SH_FLAGS.SHF_ALLOC or section["sh_size"] == 0:
                continue
            if section.name == ".text":
                continue
            inside = [s.name for s in self._symbols if s["st_shndx"] == index and s.name]
            raise ToolchainError(
                f"kernels must own no {_CONTENTS.get(section.name, 'section but .text')}; section "
                f"{section.name} has {section['sh_size']} bytes: {', '.join(inside) or 'unnamed'}"
            )

    def _refuse_unfit_text(self) -> None:
        text = self._section(".text")
        if text["sh_flags"] & SH_FLAGS.SHF_WRITE:
            raise ToolchainError("kernels must own no writable data; section .text is writable")
        if text["sh_addralign"] > _ALIGN:
            raise ToolchainError(
                f"kernels must be aligned to at most {_ALIGN}; .text is to {text['sh_addralign']}"
            )

    def _refuse_absolute(self) -> None:
        relative = self._family.calls | self._family.distances
        text = self._elf.get_section_index(".text")
        for place, kind, symbol, _ in _relocations(self._elf, ".text"):
            inside = self._function_at(place)
            where = f"function {inside.name}" if inside else "constants"
            name = self._symbols[symbol].name or "a section"
            if kind not in relative:
                raise ToolchainError(
                    f"kernels must hold no address; relocation of type {kind} to {name} "
                    f"in section .text + {place:#x}, {where}"
                )
            # The distance to what does not move with the code is an address in disguise.
            if kind != _RELOCATION_NONE and self._symbols[symbol]["st_shndx"] != text:
                raise ToolchainError(
                    f"kernels must refer to nothing outside of them; {where} refers to {name}"
                )
            if inside is None and self._symbols[symbol]["st_info"]["type"] == "STT_FUNC":
                raise ToolchainError(
                    f"kernels must hold no table of functions; section .text + {place:#x} holds "
                    f"the place of {name}"
                )


def undefined_symbols(obj: bytes) -> list[str]:
    """List the names that an object file takes from elsewhere."""
    symbols = _symbols(ELFFile(io.BytesIO(obj)))
    return [s.name for s in symbols if s["st_shndx"] == "SHN_UNDEF" and s.name]


def _symbols(elf: ELFFile) -> list[Symbol]:
    table = elf.get_section_by_name(".symtab")
    return list(table.iter_symbols()) if isinstance(table, SymbolTableSection) else []


def _relocations(elf: ELFFile, name: str) -> list[tuple[int, int, int, int]]:
    """Read place, type, symbol and addend (0 if the code holds it) of each."""
    found = []
    for section in elf.iter_sections():
        if isinstance(section, RelocationSection) and section.name in (
            ".rel" + name,
            ".rela" + name,
        ):
            for r in section.iter_relocations():
                addend = r["r_addend"] if section.is_RELA() else 0
                found.append((r["r_offset"], r["r_info_type"], r["r_info_sym"], addend))
    return found


def _uleb128(data: bytes, at: int) -> tuple[int, int]:
    """Decode a number; return it and the index behind it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
