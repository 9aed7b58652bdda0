"""The command lines of the compiler and the linker."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib import metadata
from pathlib import Path

from device_fw.boards import Board
from device_fw.build.folders import build_dir
from device_fw.build.sources import BLOB_INCLUDE_DIR, FIRMWARE_DIR, Sources, list_sources
from device_fw.errors import FirmwareError

__all__ = [
    "NO_WARNINGS",
    "OWN_WARNINGS",
    "PREPROCESS",
    "VM_WARNINGS",
    "Plan",
    "compiler_command",
    "kept_runtime",
    "link_command",
    "object_name",
    "part_macros",
    "runtime_command",
    "source_flags",
    "zig",
]

# For each group of `Sources`.
OWN_WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
VM_WARNINGS = ("-Wall", "-Werror")
NO_WARNINGS = ("-w",)

# Makes the compiler preprocess a source for the tools that search it.
PREPROCESS = ("-E", "-DNO_QSTR", "-w", "-x", "c")

_VM_DEFINES = (
    *("-DMICROPY_VFS_LFS2=1", "-DLFS2_NO_MALLOC", "-DLFS2_NO_DEBUG", "-DLFS2_NO_WARN"),
    *("-DLFS2_NO_ERROR", "-DLFS2_NO_ASSERT", '-DFFCONF_H="lib/oofatfs/ffconf.h"'),
)

# By folder and name. The compiler must not turn memset's loop into a call of memset; Python spends
# its time in the interpreter's loop and in the collector. Unrolled loops save a sixth of what the
# collector's search takes, but at most 2 % elsewhere, for 8 KB (3 to 5 % on a Cortex-M55).
_EXTRA = {
    "libc/string0.c": ("-fno-builtin",),
    "libc/string.c": ("-fno-builtin",),
    "py/vm.c": ("-O2",),
    "py/gc.c": ("-O2",),
    "model/xn_image.c": ("-O2", "-ffp-contract=off"),
}
_ROLLED = ("py/vm.c", "model/xn_image.c")

# In loops that someone waits for: a byte of the line, a digest, a Python call, a large integer. All
# else is made as small as possible, which costs 2 % of instructions at most.
_IN_LOOPS = re.compile(
    r"[^/]+/board\.c|device_fw/(arch/cortexm/(?!mpu|pmsa7)|parts/|libc/)|device_fw/core/base/xn_(bytes|crc32|sha256)\.c|"
    r"device_fw/core/link/xn_(frame|link)\.c|device_fw/core/model/xn_unpack\.c|"
    r"device_fw/core/store/xn_(flash|patch)\.c|[^/]+/shared/libc/|"
    r"[^/]+/py/(bc|malloc|map|mpz|objfun|qstr|runtime|vstr)\.c"
)


@dataclass(frozen=True)
class Plan:
    """All that building one board needs to know.

    Attributes:
        board: the board.
        micropython: MicroPython's source; None: the board's firmware is without it.
        sources: what is compiled.
        work: the folder of what is made on the way.
        elf: the firmware.
    """

    board: Board
    micropython: Path | None
    sources: Sources
    work: Path
    elf: Path

    @classmethod
    def of(cls, board: Board, micropython: Path | None, out: Path) -> Plan:
        """Return the plan of a board whose firmware goes to the folder `out`."""
        work = out / board.name
        sources = list_sources(board, micropython, work)
        return cls(board, micropython, sources, work, out / f"{board.name}.elf")

    @property
    def linker_script(self) -> Path:
        """The board's linker script, made from its TOML."""
        return self.work / "board.ld"


def zig() -> str:
    """Return the path of the `zig` program of the ziglang wheel.

    Raises:
        FirmwareError: the wheel is not installed.
    """
    try:
        import ziglang
    except ImportError as error:
        raise FirmwareError(
            "the compiler is missing; install it: pip install 'ziglang>=0.17,<0.18'"
        ) from error
    folder = Path(ziglang.__file__).parent.resolve()  # a link would change every command
    return str(folder / ("zig.exe" if os.name == "nt" else "zig"))


def object_name(plan: Plan, source: Path) -> str:
    """Return the name of a source below the folders of what is made from it.

    Raises:
        ValueError: the source is in no source tree.
    """
    roots = {
        FIRMWARE_DIR: FIRMWARE_DIR.name,
        plan.work: plan.board.name,
        plan.board.path.parent: "device_fw/parts",
    }
    if plan.micropython is not None:
        roots[plan.micropython] = plan.micropython.name
    for root, name in roots.items():
        with suppress(ValueError):
            return f"{name}/{source.relative_to(root).as_posix()}"
    raise ValueError(f"{source} is in no source tree")


def compiler_command(plan: Plan) -> tuple[str, ...]:
    """Return the compiler with the flags that all sources of a board have in common."""
    return (*_clang(plan.board), *_flags(plan))


def source_flags(board: Board, name: str) -> tuple[str, ...]:
    """Return what one source is optimised with, beside the flags of all.

    Args:
        board: that it is compiled for.
        name: the source's `object_name`.
    """
    file = "/".join(name.split("/")[-2:])
    small = () if _IN_LOOPS.match(name) else ("-Oz",)
    rolled = file in _ROLLED and board.cpu != "cortex-m55"
    return (*small, *_EXTRA.get(file, ()), *(("-fno-unroll-loops",) if rolled else ()))


def runtime_command(plan: Plan) -> tuple[str, ...]:
    """Return the command that compiles what the CPU lacks, such as 64-bit division.

    It is Zig's compiler_rt. `zig cc` would link one that is twice as large.
    """
    return (
        *(zig(), "build-obj", str(Path(zig()).parent / "lib" / "compiler_rt.zig")),
        *("-target", "thumb-freestanding-eabihf", f"-mcpu={plan.board.core.zig_cpu}"),
        *("-OReleaseSmall", "-fno-unwind-tables", "-ffunction-sections", "-fdata-sections"),
        *("-fstrip", "--cache-dir", str(build_dir() / "zig-cache")),
    )


def kept_runtime(plan: Plan) -> Path:
    """Return where that is kept, for all boards for which it would be the same."""
    key = repr((metadata.version("ziglang"), runtime_command(plan))).encode()
    return build_dir() / "runtime" / f"{plan.board.cpu}-{sha256(key).hexdigest()[:16]}.o"


def link_command(plan: Plan) -> tuple[str, ...]:
    """Return the command that links.

    Equal functions become one, if nobody compares their addresses; so do equal ends of texts.
    """
    return (
        *(zig(), "ld.lld", "-m", "armelf", "--gc-sections", "--icf=safe", "-O2"),
        *("-T", str(plan.linker_script), f"-L{FIRMWARE_DIR}"),
    )


def _clang(board: Board) -> tuple[str, ...]:
    return (
        *(zig(), "clang", f"--target={board.core.clang_target}", f"-mcpu={board.cpu}"),
        *("-mfloat-abi=hard", "-std=gnu11", "-ffreestanding", "-fno-builtin-bcmp"),
    )


def _flags(plan: Plan) -> tuple[str, ...]:
    return (
        *("-Os", "-DNDEBUG", "-ffunction-sections", "-fdata-sections", "-fno-unwind-tables"),
        *(_VM_DEFINES if plan.board.vm else ()),
        *_defines(plan.board),
        *_includes(plan),
    )


def _defines(board: Board) -> tuple[str, ...]:
    return (
        f'-DXN_BOARD_NAME="{board.name}"',
        f'-DXN_BOARD_TITLE="{board.title}"',
        f'-DXN_BOARD_CPU="{board.cpu}"',
        f"-DXN_BOARD_LEVEL={board.core.level}",
        f"-DXN_BOARD_FEATURES=({board.core.features})",
        f"-DXN_BOARD_IRQS={board.irqs}",
        f"-DXN_FRAME_MAX={board.link.frame_bytes}u",
        f"-DXN_LINK_WINDOW={board.link.window}u",
        f"-DXN_STORE_OBJECTS={board.link.objects}u",
        f"-DXN_STORE_SECTORS={board.link.sectors}u",
        f"-DXN_LANE_VM={int(board.vm)}",
        f"-DXN_LOCKABLE={int(board.lockable)}",
        *(f"-D{name}={value}" for name, value in part_macros(board).items()),
    )


def part_macros(board: Board) -> dict[str, str]:
    """Return the macros of the parts: `base` of `[uart]` is `XN_UART_BASE`."""
    macros = {}
    for part in board.parts:
        for key, value in part.facts.items():
            text = f"{value:#x}u" if isinstance(value, int) else value
            macros[f"XN_{part.table}_{key}".upper()] = text
    return macros


def _includes(plan: Plan) -> tuple[str, ...]:
    folders = [
        *(FIRMWARE_DIR, FIRMWARE_DIR / "core", BLOB_INCLUDE_DIR, plan.work),
        *((FIRMWARE_DIR / "micropython", plan.micropython) if plan.micropython else ()),
    ]
    system = [FIRMWARE_DIR / "libc", Path(zig()).parent / "lib" / "include"]
    return (
        "-nostdinc",
        *(f"-I{folder}" for folder in folders),
        *(word for folder in system for word in ("-isystem", str(folder))),
    )
