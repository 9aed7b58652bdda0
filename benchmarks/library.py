"""Bytes of libxipnet that a linker keeps in a program, by Arm's GCC with -Os.

*Load and run* is a program that checks a blob (bounds, SHA-256, scan of its code), opens it and
runs it: five calls. *Without words* a refused blob gives its error's number alone
(`XN_REASON_WORDS=0`). *All calls* adds the golden vector, times of steps and the texts of errors.
*Server* is the store in NOR flash and the requests of hosts, in its standard sizes: 1,000 objects,
eight frames of 4 KB; *small server* has 32 objects and two frames of 1 KB. RAM is static; arenas
come on top, and nothing is allocated.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from tools.library import write_library

CPUS = {
    "cortex-m0plus": "-mcpu=cortex-m0plus",
    "cortex-m4": "-mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=hard",
    "cortex-m33": "-mcpu=cortex-m33 -mfpu=fpv5-sp-d16 -mfloat-abi=hard",
    "cortex-m55": "-mcpu=cortex-m55 -mfloat-abi=hard",
}
RUNS = ("xn_model_load", "xn_model_input", "xn_model_run", "xn_model_output", "xn_model_result")
ALL = (
    *RUNS,
    *("xn_model_verify", "xn_model_profile", "xn_model_steps", "xn_model_reset"),
    *("xn_model_inputs", "xn_model_outputs", "xn_model_input_bytes", "xn_model_output_bytes"),
    *("xn_model_entries", "xn_model_arena_bytes", "xn_status_text"),
)
SERVER = ("xn_link_init", "xn_link_receive", "xn_server_init", "xn_server_poll")
SMALL = "-DXN_STORE_OBJECTS=32 -DXN_LINK_WINDOW=2 -DXN_FRAME_MAX=1024"
PROGRAMS = {  # calls, definitions
    "load and run": (RUNS, ""),
    "load and run, without words": (RUNS, "-DXN_REASON_WORDS=0"),
    "all calls": (ALL, ""),
    "server": (SERVER, "-DXIPNET_SERVER=1"),
    "small server": (SERVER, f"-DXIPNET_SERVER=1 {SMALL}"),
}
_KEPT = re.compile(
    r"^ \.(text|rodata|data|bss)\S*\s+0x[0-9a-f]+\s+(0x[0-9a-f]+) \S*xipnet\.o$", re.M
)


def sizes(source: Path, cpu: str, program: str) -> tuple[int, int]:
    """Measure what a linker keeps of the library.

    Args:
        source: xipnet.c.
        cpu: of `CPUS`.
        program: of `PROGRAMS`.

    Returns:
        Bytes of code and constants; bytes of static RAM.

    Raises:
        FileNotFoundError: Arm's GCC is not here.
        subprocess.CalledProcessError: it refuses the library.
    """
    calls, defined = PROGRAMS[program]
    flags = [*CPUS[cpu].split(), "-mthumb", "-Os", "-std=gnu11", *defined.split()]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _gcc(*flags, "-ffunction-sections", "-fdata-sections", "-c", source, cwd=folder)
        kept = [f"-Wl,-u,{call}" for call in calls]
        _gcc(
            *flags, "xipnet.o", "-nostartfiles", "-nodefaultlibs", "-Wl,-Map,xipnet.map",
            "-Wl,--gc-sections", "-Wl,--unresolved-symbols=ignore-all", "-Wl,-e,0", *kept,
            cwd=folder,
        )  # fmt: skip
        kept_part = (folder / "xipnet.map").read_text().partition("memory map")[2]
        found = _KEPT.findall(kept_part)
    text = sum(int(size, 16) for part, size in found if part in ("text", "rodata", "data"))
    return text, sum(int(size, 16) for part, size in found if part in ("data", "bss"))


def _gcc(*words: str | Path, cwd: Path) -> None:
    subprocess.run(["arm-none-eabi-gcc", *map(str, words)], cwd=cwd, check=True)


def table() -> str:
    """Write the Markdown table."""
    lines = ["| program | CPU | code and constants | static RAM |", "|---|---|--:|--:|"]
    with tempfile.TemporaryDirectory() as name:
        write_library(Path(name))
        for program in PROGRAMS:
            for cpu in CPUS:
                text, ram = sizes(Path(name) / "src" / "xipnet.c", cpu, program)
                lines.append(f"| {program} | {cpu} | {text:,} | {ram:,} |")
    return "\n".join(lines)
