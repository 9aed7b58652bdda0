"""Seconds until a program can begin, Python itself included.

The best of ten. `import host_sdk` loads names when they are first used; `Device` loads what talks
to boards; the core is the firmware's C as a process on this computer; the virtual board boots the
firmware under QEMU. All that is built and cached is there.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from device_fw.build import firmware_path
from host_sdk import Device
from host_sdk.transports.core import open_core

TRIES = 10


def best(act: Callable[[], None]) -> float:
    """Measure the quickest of some tries.

    Args:
        act: what is measured.
    """
    seconds = []
    for _ in range(TRIES):
        begin = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def python(*arguments: str) -> Callable[[], None]:
    """Make a run of Python with its output thrown away."""

    def run() -> None:
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)

    return run


def table() -> str:
    """Write the Markdown table."""
    rows = {
        "Python alone": python("-c", "pass"),
        "`import host_sdk`": python("-c", "import host_sdk"),
        "`xipnet --help`": python("-c", "from host_sdk.cli import main; main()", "--help"),
        "`from host_sdk import Device`": python("-c", "from host_sdk import Device"),
        "a Device on the core, opened and closed": lambda: Device(open_core()).close(),
        "a virtual Cortex-M55, opened and closed": lambda: Device("sim://cortex-m55").close(),
        "firmware that is up to date, asked for again": _ask_for_firmware,
    }
    lines = ["| what | seconds |", "|---|--:|"]
    return "\n".join([*lines, *(f"| {what} | {best(act):.3f} |" for what, act in rows.items())])


def _ask_for_firmware() -> None:
    firmware_path("mps3_an547")
