"""Run a blob on a virtual board and count each of its instructions.

The counter is QEMU's plugin _count.c.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks._cortex_m4 import Executed
from host_sdk import Device
from host_sdk.inference.profile import Profile
from host_sdk.transports.qemu import Qemu, find_board
from host_sdk.transports.stream import SocketTransport

_RECORD = np.dtype(
    [
        *(("address", "<u4"), ("bytes", "<u4")),
        *(("count", "<u8"), ("jumps", "<u8"), ("unaligned", "<u8")),
        ("text", "S96"),
    ]
)


def count(cpu: str, blob: bytes) -> tuple[list[Executed], Profile]:
    """Run a blob once, all inputs zero.

    Args:
        cpu: of the virtual board.
        blob: without a golden vector, which the board would run as well, and without a head.

    Returns:
        The instructions that were executed, by rising address, and the run's profile, of which a
        microsecond is a thousand instructions.
    """
    board = find_board(cpu)
    with tempfile.TemporaryDirectory(prefix="xipnet-") as folder:
        plugin, counts = _build(Path(folder)), Path(folder, "counts")
        here, there = socket.socketpair()
        # Only blobs are executed from flash.
        counting = f"{plugin},counts={counts},base={board.flash_base},size={board.flash_bytes}"
        with there:
            qemu = Qemu(board, None, there, ("-icount", "shift=0", "-plugin", counting))
        with Device(SocketTransport(here, cpu, qemu.close, qemu.why_ended)) as device:
            device.load_model(blob)
            profile = device.profile()
        records = np.fromfile(counts, _RECORD)
    found = [Executed(a, n, text.decode(), *times) for a, n, *times, text in records.tolist() if a]
    return sorted(found, key=lambda i: i.address), profile


def _build(folder: Path) -> Path:
    """Compiles the plugin; QEMU itself has the functions that it calls."""
    library = folder / "libcount.so"
    undefined = "-undefined,dynamic_lookup" if sys.platform == "darwin" else "-z,undefs"
    subprocess.run(
        [
            *(sys.executable, "-m", "ziglang", "cc", "-O2", "-shared", "-fPIC", f"-Wl,{undefined}"),
            *(str(Path(__file__).with_name("_count.c")), "-o", str(library)),
        ],
        check=True,
    )
    return library
