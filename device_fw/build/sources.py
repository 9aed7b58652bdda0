"""The source files of the firmware."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from device_fw.boards import BOARDS_DIR, Board
from device_fw.errors import FirmwareError

FIRMWARE_DIR = BOARDS_DIR.parent
PARTS_DIR = FIRMWARE_DIR / "parts"
CORE_DIR = FIRMWARE_DIR / "core"
VENDOR_DIR = FIRMWARE_DIR / "vendor"
BLOB_INCLUDE_DIR = FIRMWARE_DIR.parent / "relocatable" / "blob" / "include"

# Of py/: what serves other CPUs, or makes machine code out of Python (the models are our native
# code, and an emitter costs 12 KB).
_PY_LEFT_OUT = re.compile(r"asm|emitn|emitinline|nlr(?!setjmp|\.)|objint_longlong|modthread")

_EXTMOD = [
    *("modasyncio", "modbinascii", "moddeflate", "modhashlib", "modheapq", "modjson"),
    *("modmachine", "modos", "modplatform", "modrandom", "modre", "modselect", "modtime"),
    *("moductypes", "modvfs", "vfs", "vfs_blockdev", "vfs_lfs", "vfs_reader"),
]

_SHARED = [
    *("libc/printf", "libc/string0", "readline/readline", "runtime/gchelper_generic"),
    *("runtime/interrupt_char", "runtime/pyexec", "runtime/stdout_helpers"),
    "runtime/sys_stdio_mphal",
]

_LITTLEFS = ["lib/littlefs/lfs2.c", "lib/littlefs/lfs2_util.c"]

# Single precision is left without its software square root: every board has an FPU with its own.
# Double precision has two, and the one in assembler is not for every FPU.
_LIBM_LEFT_OUT = {"ef_sqrt.c", "thumb_vfp_sqrt.c"}


@dataclass(frozen=True)
class Sources:
    """The source files, in three groups.

    Attributes:
        own: the firmware's, compiled with all warnings on.
        vm: MicroPython's and the glue to it: they are searched for names (qstr) and modules.
        plain: MicroPython's libraries and those in `vendor/`, which hold neither.
    """

    own: tuple[Path, ...]
    vm: tuple[Path, ...]
    plain: tuple[Path, ...]


def list_sources(board: Board, micropython: Path | None, work: Path) -> Sources:
    """Return all source files of a board's firmware, in a fixed order.

    Args:
        board: the board.
        micropython: MicroPython's source; None: the board's firmware is without it.
        work: the folder of what is made on the way, `board.c` among it.

    Raises:
        FirmwareError: a part that the board names is not there.
    """
    own = (*_own(board.vm, board.lockable), *_parts(board), work / "board.c")
    vendored = tuple(vendor_files(board.lockable))
    if micropython is None:
        return Sources(own, (), vendored)
    return Sources(
        own=own,
        vm=(*_py(micropython), *_extmod(micropython), *_glue()),
        plain=(*_libm(micropython), *(micropython / name for name in _LITTLEFS), *vendored),
    )


def core_files(lockable: bool) -> list[Path]:
    """Return the C files of the core, sorted; those of the lock if it is lockable."""
    found = sorted(CORE_DIR.glob("*/*.c"))
    return [path for path in found if lockable or path.parent.name != "trust"]


def vendor_files(lockable: bool) -> list[Path]:
    """Return the C files that others wrote for the lock; none if it is not lockable."""
    return sorted(VENDOR_DIR.glob("*/*.c")) if lockable else []


def _own(vm: bool, lockable: bool) -> list[Path]:
    arch = sorted((FIRMWARE_DIR / "arch" / "cortexm").glob("*.[cS]"))
    return [
        FIRMWARE_DIR / "app" / ("with_vm.c" if vm else "without_vm.c"),
        *(path for path in arch if vm or path.name != "setjmp.S"),
        *core_files(lockable),
        FIRMWARE_DIR / "libc" / ("floats.c" if vm else "string.c"),
    ]


def _parts(board: Board) -> list[Path]:
    """Return the drivers of a board: the firmware's, or those beside the TOML."""
    found = []
    for part in board.parts:
        if part.name is None:
            continue
        places = [folder / f"{part.name}.c" for folder in (board.path.parent, PARTS_DIR)]
        there = next((path for path in places if path.is_file()), None)
        if there is None:
            known = ", ".join(sorted(path.stem for path in PARTS_DIR.glob("*.c")))
            raise FirmwareError(
                f"{board.path}: [{part.table}] part must be one of {known}, or a C file beside the "
                f"TOML; is {part.name!r}"
            )
        found.append(there)
    return found


def _glue() -> list[Path]:
    folder = FIRMWARE_DIR / "micropython"
    included = {"modmachine.c"}  # by extmod/modmachine.c
    return [path for path in sorted(folder.glob("*.c")) if path.name not in included]


def _py(micropython: Path) -> list[Path]:
    names = _make_list((micropython / "py" / "py.mk").read_text(), "PY_CORE_O_BASENAME")
    kept = [name for name in names if not _PY_LEFT_OUT.match(name)]
    return [micropython / "py" / f"{name.removesuffix('.o')}.c" for name in kept]


def _extmod(micropython: Path) -> list[Path]:
    shared = [micropython / "shared" / f"{name}.c" for name in _SHARED]
    return [micropython / "extmod" / f"{name}.c" for name in _EXTMOD] + shared


def _libm(micropython: Path) -> list[Path]:
    """Return both precisions; the linker keeps the one that the VM of this board uses."""
    folders = [micropython / "lib" / name for name in ("libm", "libm_dbl")]
    files = [path for folder in folders for path in sorted(folder.glob("*.c"))]
    return [path for path in files if path.name not in _LIBM_LEFT_OUT]


def _make_list(text: str, variable: str) -> list[str]:
    """Return the words of `variable = $(addprefix .../, a b c)` in a makefile."""
    match = re.search(rf"^{variable} = \$\(addprefix [^,]*,(.*?)\)$", text, re.M | re.S)
    if match is None:
        raise ValueError(f"py/py.mk does not define {variable} as expected: another MicroPython?")
    return match.group(1).replace("\\", " ").split()
