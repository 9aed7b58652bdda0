"""How the store wears the flash, and what a mount reads.

The store's C code on this machine, over emulated NOR flash of 4 KB sectors. Three names (2 models,
1 script) are replaced by turns with new contents of random size, up to an eighth of the flash;
four objects never change. Power comes back every 97 swaps. Erases are counted by the flash itself.
A mount is the greatest of those seen, once earlier versions fill the table.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from device_fw.build.core_program import core_flags, core_sources

ROOT = Path(__file__).resolve().parents[1]
RUNS = ((1 << 20, 10_000), (15 << 20, 10_000))


def build(folder: Path) -> Path:
    """Compiles the program that swaps."""
    program = folder / "wear"
    sources = [ROOT / "tests/powerloss/wear.c", *core_sources()]
    command = ["gcc", "-std=gnu11", "-O2", "-pthread", *core_flags(), f"-I{ROOT / 'tests/c'}"]
    subprocess.run([*command, *map(str, sources), "-o", str(program)], check=True)
    return program


def measure(program: Path, flash_bytes: int, swaps: int) -> dict[str, int]:
    """Swap, and returns what the program tells."""
    done = subprocess.run(
        [str(program), str(flash_bytes), str(swaps)], capture_output=True, text=True, check=True
    )
    told: dict[str, int] = json.loads(done.stdout)
    return told


def table() -> str:
    rows = [
        "| flash | swaps | erases of a sector: least | most | ratio | of the log's sectors, most "
        "| objects moved | mount reads |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        program = build(Path(folder))
        for flash_bytes, swaps in RUNS:
            t = measure(program, flash_bytes, swaps)
            rows.append(
                f"| {flash_bytes >> 20} MB | {swaps} | {t['min']} | {t['max']} "
                f"| {t['max'] / t['min']:.2f} | {t['log_max']} | {t['moves']} "
                f"| {t['mount_bytes'] / 1024:.0f} KB |"
            )
    return "\n".join(rows)
