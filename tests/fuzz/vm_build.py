"""Make MicroPython's sources for this computer, by upstream's port `embed`."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from device_fw.build.core_program import core_flags
from device_fw.build.fetch_micropython import micropython_source
from device_fw.build.sources import CORE_DIR, FIRMWARE_DIR

HERE = Path(__file__).resolve().parent
GLUE = [
    FIRMWARE_DIR / "micropython" / f"{name}.c" for name in ("array_type", "vm_msgpack", "vm_unpack")
]
PLAIN = [CORE_DIR / "base" / "xn_msgpack.c"]


@dataclass(frozen=True)
class VmSources:
    """What is to be compiled.

    Attributes:
        of_others: MicroPython's files.
        ours: files of the firmware.
        flags: for all of them, besides those of the core.
    """

    of_others: list[Path]
    ours: list[Path]
    flags: list[str]


def vm_sources(folder: Path) -> VmSources:
    """Generate the VM's sources.

    Args:
        folder: gets them.
    """
    shutil.copy(HERE / "vm" / "mpconfigport.h", folder)
    lines = [
        f"MICROPYTHON_TOP = {micropython_source()}",
        f"SRC_QSTR += {' '.join(map(str, GLUE))}",
        f"CFLAGS += {' '.join(core_flags())}",
        "include $(MICROPYTHON_TOP)/ports/embed/embed.mk",
    ]
    (folder / "Makefile").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = subprocess.run(["make", "-s"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    made = folder / "micropython_embed"
    flags = [f"-I{folder}", f"-I{made}"]
    return VmSources(sorted(made.rglob("*.c")), [*GLUE, *PLAIN], flags)
