"""What arenas take of a board's pool, in bytes.

On Armv7-M an arena begins and ends where the MPU can (docs/SECURITY.md). "Needs" is what the model
asks for; "takes" is from the pool's start to the arena's end. Below, every two of these models open
at once, as a share of what both need: where the second ends; and the largest arena that is left
beside one of them, compared with an MPU that can open any 32 bytes. The pools are those of the
virtual boards, 3,584 and 2,048 KB, the code is the firmware's, built for this computer. A model
that is absent is left out.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tempfile
from itertools import permutations
from pathlib import Path

from device_fw.build.core_program import core_flags
from device_fw.build.sources import CORE_DIR, FIRMWARE_DIR
from relocatable import compile_model
from relocatable.blob.cost import report

TREE = Path(__file__).resolve().parents[1]
FOLDERS = (TREE / "examples" / "models", TREE.parent / "shared" / "models")
GRANULE = 32
# CPU: address and bytes of the pool, whether any 32 bytes can be opened
POOLS = {
    "cortex-m4": (0x20080000, 3584 << 10, False),
    "cortex-m7": (0x20080000, 3584 << 10, False),
    "cortex-m55": (0x21000000, 2 << 20, True),
}


def table() -> str:
    """Write the Markdown table."""
    paths = [p for folder in FOLDERS for p in sorted(folder.glob("*.tflite"))]
    needs = {
        p.stem: [report(compile_model(p, target=cpu)).arena_bytes for cpu in POOLS] for p in paths
    }
    with tempfile.TemporaryDirectory(prefix="xipnet-") as folder:
        pool = _build(Path(folder))
    takes = {
        name: [_ends(pool, cpu, n)[0] for cpu, n in zip(POOLS, all_, strict=True)]
        for name, all_ in needs.items()
    }
    lines = ["| model |" + "".join(f" {cpu}: needs | takes |" for cpu in POOLS)]
    lines.append("|---|" + "--:|" * 2 * len(POOLS))
    for name, all_ in needs.items():
        cells = (f" {n:,} | {t:,} |" for n, t in zip(all_, takes[name], strict=True))
        lines.append(f"| {name} |{''.join(cells)}")
    return "\n".join(
        [*lines, *_summary(pool, [list(n) for n in zip(*needs.values(), strict=True)])]
    )


def _summary(pool: ctypes.CDLL, needs: list[list[int]]) -> list[str]:
    """Write the last rows; `needs`: for each CPU, those of all models."""
    two: list[list[float]] = []
    left: list[list[float]] = []
    for cpu, each in zip(POOLS, needs, strict=True):
        pairs = list(permutations(each, 2))
        two.append([_ends(pool, cpu, *pair)[-1] / sum(pair) - 1 for pair in pairs])
        left.append([_left(pool, cpu, n) for n in each])
    rows = {
        "two, mean": [sum(s) / len(s) for s in two],
        "two, worst": [max(s) for s in two],
        "largest beside one, mean": [sum(s) / len(s) for s in left],
        "largest beside one, worst": [min(s) for s in left],
    }
    return [f"| {what} |" + "".join(f" | {s:+.2%} |" for s in all_) for what, all_ in rows.items()]


def _ends(pool: ctypes.CDLL, cpu: str, *needs: int) -> list[int]:
    pool.arenas_start(*POOLS[cpu])
    return [int(pool.arenas_take(n)) for n in needs]


def _left(pool: ctypes.CDLL, cpu: str, needs: int) -> float:
    exact = POOLS[cpu][1] - (needs + GRANULE - 1) // GRANULE * GRANULE
    _ends(pool, cpu, needs)
    return int(pool.xn_pool_largest()) / exact - 1


def _build(folder: Path) -> ctypes.CDLL:
    library = folder / "libarenas.so"
    sources = [
        *(Path(__file__).with_name("_arenas.c"), CORE_DIR / "model" / "xn_pool.c"),
        FIRMWARE_DIR / "arch" / "cortexm" / "pmsa7.c",
    ]
    command = [sys.executable, "-m", "ziglang", "cc", "-O2", "-shared", "-fPIC", *core_flags()]
    subprocess.run([*command, *map(str, sources), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))
