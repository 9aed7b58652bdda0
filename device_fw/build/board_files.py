"""Make `board.c` and the linker script of a board from its TOML."""

from __future__ import annotations

from device_fw.boards.board import PART_TABLES, STACK_EXTRA_BYTES, Board, Region, Trust

__all__ = ["board_c", "linker_script"]


# Of a board that can be locked and has no part of this table.
_WITHOUT = {
    "entropy": """
const char *xn_port_entropy(uint8_t *to, uint32_t n) {
    (void)to;
    (void)n;
    return 0;
}""",
    "counter": """
uint32_t xn_port_floor(void) {
    return 0;
}

int xn_port_raise_floor(uint32_t floor) {
    (void)floor;
    return 0;
}""",
}
_ALL_OF_A_FILE = (".text", ".text.*", ".rodata", ".rodata.*")


def board_c(board: Board) -> str:
    """Return the C that starts the parts and leads their interrupts to them."""
    names = [part.name for part in board.parts if part.name is not None]
    starts = {part.table: part.name for part in board.parts if part.name is not None}
    receivers = {
        part.name: part.table.upper()
        for part in board.parts
        if part.name is not None and "irq" in part.facts
    }
    lines = [
        f"// Made from {board.path.name}: starts the parts of the board.",
        '#include "arch/cortexm/clock.h"',
        '#include "arch/cortexm/cpu.h"',
        '#include "arch/cortexm/fault.h"',
        '#include "boards/board.h"',
        '#include "core/base/xn_port.h"',
        "",
        *(f"void xn_{name}_start(void);" for name in names),
        *(f"void xn_{name}_interrupt(void);" for name in receivers),
        "",
        "static xn_port_cpu identity = {",
        "    .board = XN_BOARD_NAME,",
        "    .cpu = XN_BOARD_CPU,",
        "    .family = XN_FAMILY_CORTEX_M,",
        "    .level = XN_BOARD_LEVEL,",
        "    .features = XN_BOARD_FEATURES,",
        "};",
        "",
        "const xn_port_cpu *xn_port_identity(void) {",
        "    identity.hz = xn_clock_bus_hz(XN_CLOCK_HZ); // what the core came to",
        "    return &identity;",
        "}",
        "",
        *(_policy(board.trust) if board.lockable else ()),
        "uint32_t xn_port_flash_taken_until(void) {",
        "    return 0; // the TOML keeps them apart",
        "}",
        "",
        "void xn_board_start(void) {",
        "    xn_fault_start();",
        *(f"    xn_{starts[table]}_start();" for table in ("clock",) if table in starts),
        "    xn_clock_start();",
        *(f"    xn_{starts[table]}_start();" for table in PART_TABLES[1:] if table in starts),
        "}",
        "",
        "void xn_board_interrupt(void) {",
        *_dispatch(receivers),
        "}",
        *(text for table, text in _WITHOUT.items() if board.lockable and table not in starts),
    ]
    return "\n".join(lines) + "\n"


def _policy(trust: Trust | None) -> list[str]:
    """Return the policy that a firmware that can be locked is built with."""
    lines = ['#include "core/trust/xn_policy.h"', ""]
    if trust is not None:
        lines += [
            "static const xn_policy policy = {",
            f"    .state = {trust.state},",
            f"    .product = {{{_c_bytes(trust.product.encode())}}},",
            "    .keys = {",
            *(f"        {{{_c_bytes(key)}}}," for key in trust.keys),
            "    },",
            f"    .flags = {'XN_POLICY_READS' if trust.reads else 0},",
            "};",
            "",
        ]
    return [
        *lines,
        "const xn_policy *xn_port_policy(void) {",
        f"    return {'0' if trust is None else '&policy'};",
        "}",
        "",
    ]


def _c_bytes(data: bytes) -> str:
    return ", ".join(map(str, data))


def _dispatch(receivers: dict[str, str]) -> list[str]:
    """Return the body that calls whose interrupt it is; one alone needs no question."""
    if len(receivers) == 1:
        return [f"    xn_{name}_interrupt();" for name in receivers]
    lines = ["    uint32_t irq = xn_cpu_irq();"] if receivers else []
    for name, table in receivers.items():
        lines += [f"    if (irq == XN_{table}_IRQ) {{", f"        xn_{name}_interrupt();", "    }"]
    return lines


_NOT_IN_RAM = ("clock", "entropy", "counter")  # tables whose parts no interrupt runs
# What an interrupt runs, whatever it finds the core at; the functions of others by their names.
_IN_RAM = {
    "app/without_vm.c": (".text.xn_attend",),
    "arch/cortexm/attend.S": (),
    "arch/cortexm/cache.c": (),
    "arch/cortexm/clock.c": (),
    "arch/cortexm/cpu.c": (),
    "arch/cortexm/step.S": (),
    "arch/cortexm/step.c": (".text.xn_step_runs",),
    "core/base/xn_busy.c": (),
    "core/base/xn_crc32.c": (),
    "core/link/xn_frame.c": (),
    "core/link/xn_link.c": (),
    "core/rpc/xn_server.c": (".text.xn_server_attend",),
    "libc/string.c": (),
}


def _early_sections(board: Board) -> list[str]:
    """Return the sections that come before those of all boards."""
    if not board.holds_code and "vectors" not in board.memory:
        return []
    region = "VECTORS" if "vectors" in board.memory else "CODE"
    lines = ["SECTIONS", "{", f"    .vectors : {{ KEEP(*(.vectors)) }} > {region}"]
    if board.holds_code:
        drivers = [f"parts/{part.name}.c" for part in board.parts if part.table not in _NOT_IN_RAM]
        files = {**_IN_RAM, "board.c": (), **dict.fromkeys(drivers, ())}
        lines += [
            "    .ram_code :",
            "    {",
            "        xn_ld_ram_code = .;",
            "        *(.ram_code)",
            *(
                f"        */{name}.o({' '.join(parts or _ALL_OF_A_FILE)})"
                for name, parts in files.items()
            ),
            "        . = ALIGN(8);",
            "        xn_ld_ram_code_end = .;",
            "    } > DATA AT > CODE",
            "    xn_ld_ram_code_load = LOADADDR(.ram_code);",
        ]
    return [*lines, "}"]


def _image(board: Board) -> tuple[str, ...]:
    """Return the symbols of the firmware's own bytes.

    They are the vectors, if these are apart, and the rest, whose end `sections.ld` names.
    """
    start = "LOADADDR(.ram_code)" if board.holds_code else "ORIGIN(CODE)"
    apart = board.holds_code or "vectors" in board.memory
    vectors = ("ADDR(.vectors)", "ADDR(.vectors) + SIZEOF(.vectors)") if apart else ("0", "0")
    return (
        f"xn_ld_vectors = {vectors[0]};",
        f"xn_ld_vectors_end = {vectors[1]};",
        f"xn_ld_image = {start};",
    )


def _heap(region: Region) -> tuple[str, str]:
    end = region.origin + region.length
    return f"xn_ld_heap = {region.origin:#010x};", f"xn_ld_heap_end = {end:#010x};"


def linker_script(board: Board) -> str:
    """Return the linker script: the memory, then the sections of all boards."""
    modes = {"code": "rx", "vectors": "rx"}
    stack = board.memory["stack"].length - board.step_stack - STACK_EXTRA_BYTES
    regions = [
        f"    {name.upper()} ({modes.get(name, 'rw')}) : "
        f"ORIGIN = {region.origin:#010x}, LENGTH = {region.length:#x}"
        for name, region in board.memory.items()
    ]
    lines = [
        f"/* Made from {board.path.name}. */",
        f"STACK_BYTES = {stack};",
        f"STEP_STACK_BYTES = {board.step_stack};",
        "MEMORY",
        "{",
        *regions,
        "}",
        *(_heap(board.memory["heap"]) if board.vm else ()),
        *_early_sections(board),
        *_image(board),
        "INCLUDE arch/cortexm/sections.ld",
    ]
    return "\n".join(lines) + "\n"
