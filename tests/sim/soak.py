"""Use a virtual board for hours; memory, handles and wear must stay flat.

A soak keeps its progress and the board's flash in a folder, and goes on there after it was killed.
"""

from __future__ import annotations

import gc
import json
import os
import random
import struct
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from device_fw.boards import BOARDS_DIR
from host_sdk import Device
from host_sdk.scripting.events import EventStream
from relocatable.blob.blob import Blob, Entry, Golden, Io, Variant
from relocatable.targets.arm import FAMILY as CORTEX_M
from tools.tree import commit

RUNS, EVENTS = 10, 10  # for each swap
NAMES = 3
SAMPLES = 100
NOTED = 10  # swaps between two notes of the progress
FEW = 20  # samples: of fewer in a row nothing is said
STORE_BYTES = 256 * 1024  # of `small_flash`
FILES_BYTES = 0x100000

SCRIPT = """
import gc, xipnet

@xipnet.rpc
def send(first, count):
    for n in range(first, first + count):
        xipnet.emit("soak", n)
    return first + count

def heap():
    gc.collect()
    return gc.mem_alloc()
"""


class Sample(NamedTuple):
    """What is in use after some swaps.

    Attributes:
        swaps: so far.
        heap: bytes of the board's Python, after a collection.
        objects: Python objects of this process, after a collection.
        resident: pages of this process.
        handles: open files and sockets of this process.
        threads: of this process.
        sectors: of the flash, without the log's.
        erases: of these so far, to one for each sector.
        worst: erases of the sector that was erased most.
    """

    swaps: int
    heap: int
    objects: int
    resident: int
    handles: int
    threads: int
    sectors: int
    erases: int
    worst: int


class Rule(NamedTuple):
    """How far a use may grow from the second tenth of a life to its last.

    Attributes:
        share: of what it was.
        more: besides.
    """

    share: float
    more: float


# Python's collector looks through the stack for what might be addresses: some bytes come and go.
RULES = {
    "heap": Rule(0.01, 512),
    "objects": Rule(0.01, 0),
    "resident": Rule(0.02, 0),
    "handles": Rule(0, 0),
    "threads": Rule(0, 0),
}
ERASES = Rule(0.10, 2)  # of each sector, from the first half of a life to its second
WORST = Rule(0.5, 16)  # of one sector, from the mean of all


@dataclass
class Progress:
    """How far a soak is.

    Attributes:
        of: the code that it was begun with.
        swaps: that are done.
        lives: the samples of each process that took part.
    """

    of: str
    swaps: int = 0
    lives: list[list[Sample]] = field(default_factory=list)

    @classmethod
    def read(cls, folder: Path, of: str) -> Progress:
        """Read what the folder holds; begin again if it is of other code."""
        path = folder / "progress.json"
        if path.exists():
            told = json.loads(path.read_text(encoding="utf-8"))
            if told["of"] == of:
                lives = [[Sample(*sample) for sample in life] for life in told["lives"]]
                return cls(of, told["swaps"], lives)
        for name in ("flash", "progress.json"):
            (folder / name).unlink(missing_ok=True)
        return cls(of)

    def write(self, folder: Path) -> None:
        """Put it into the folder, whole or not at all."""
        new = folder / "progress.new"
        new.write_text(json.dumps(self.__dict__), encoding="utf-8")
        new.replace(folder / "progress.json")


def small_flash(folder: Path) -> Path:
    """Describe a board with so little flash that some hundred swaps go over all of it."""
    text = (BOARDS_DIR / "mps3_an547.toml").read_text(encoding="utf-8")
    path = folder / "small_flash.toml"
    whole = "bytes = 0x1000000\n"
    assert text.count(whole) == 1
    path.write_text(text.replace(whole, f"bytes = {STORE_BYTES + FILES_BYTES:#x}\n"))
    return path


def soak(
    board: str, folder: Path, swaps: int, told: Callable[[int, int], None] | None = None
) -> Progress:
    """Do what is left of so many swaps, with ten runs and ten events each.

    Args:
        board: as in a URL sim://BOARD.
        folder: keeps flash and progress.
        swaps: in all.
        told: is called with (done, total) swaps.
    """
    every = max(swaps // SAMPLES, 1)
    progress = Progress.read(folder, f"{commit()} {board} {swaps}")
    life: list[Sample] = []
    progress.lives.append(life)
    with Device(f"sim://{board}?flash={folder / 'flash'}", timeout_s=30) as device:
        device.exec(SCRIPT)
        with device.events("soak", timeout_s=30) as events:
            while progress.swaps < swaps:
                one_swap(device, events, progress.swaps)
                progress.swaps += 1
                if progress.swaps % every == 0:
                    life.append(take(device, progress.swaps, len(life)))
                if progress.swaps % min(NOTED, every) == 0:
                    progress.write(folder)
                if told is not None:
                    told(progress.swaps, swaps)
        assert device.lost_events == 0
    return progress


# ---- One swap ------------------------------------------------------------------------------------


def adder(n: int) -> bytes:
    """Make a model that adds n % 100 + 1, and is like no other."""
    adds = n % 100 + 1
    code = struct.pack("<6H", 0x6801, 0x780A, 0x3200 + adds, 0x740A, 0x2000, 0x4770)
    weights = sparse(random.Random(n), 16 * (n * 37 % 600))
    tensor = {"shape": [1], "dtype": "uint8", "scale": None, "zero_point": None}
    metadata = {
        "name": "adder",
        "tool": "test",
        "targets": ["cortex-m0plus"],
        "tensors": [{"name": "x", **tensor, "offset": 0}, {"name": "y", **tensor, "offset": 16}],
        "inputs": [{"name": "x", **tensor, "tensor": 0}],
        "outputs": [{"name": "y", **tensor, "tensor": 1}],
        "steps": [{"name": "y", "op": "BY_HAND", "macs": 0, "weights": 0, "outputs": [1]}],
    }
    variant = Variant(CORTEX_M.number, 60, 0, code.ljust(16, b"\0"), weights, (0,), 64, 64)
    golden = Golden(outputs=bytes([7 + adds]), inputs=b"\x07")
    return Blob((variant,), (Io(0, 1),), (Io(16, 1),), (Entry(0, 1),), metadata, golden).pack()


def sparse(chance: random.Random, size: int) -> bytes:
    """Make bytes of which few are not 0: the line to a virtual board is slow."""
    made = bytearray(size)
    for _ in range(size // 64):
        made[chance.randrange(size)] = chance.randrange(1, 256)
    return bytes(made)


def one_swap(device: Device, events: EventStream, n: int) -> None:
    """Bring a model, use it, hear events; each tenth time put a data object, too."""
    name = f"net{n % NAMES}"
    if n % 4 == 3:
        device.load_model(adder(n), name, confirm="manual")
        device.confirm(name)
    else:
        device.load_model(adder(n), name)
    for i in range(RUNS):
        x = (17 * i + n) % 100
        assert device.infer(np.array([x], np.uint8), raw=True) == x + n % 100 + 1
    assert device.rpc.send(EVENTS * n, EVENTS) == EVENTS * (n + 1)
    for i in range(EVENTS):
        assert next(events).value == EVENTS * n + i
    if n % 10 == 9:
        data = sparse(random.Random(-n), 64 + n * 37 % 9000)
        device.put("data", data)
        assert device.get("data") == data
        device.rm("data")


def take(device: Device, swaps: int, samples: int) -> Sample:
    """See what is in use, but for the samples themselves."""
    gc.collect()
    wear: Any = device.session.call("wear")
    return Sample(
        swaps=swaps,
        heap=device.eval("heap()"),
        objects=len(gc.get_objects()) - samples,
        resident=int(Path("/proc/self/statm").read_text().split()[1]),
        handles=len(os.listdir("/proc/self/fd")),
        threads=threading.active_count(),
        sectors=wear["sectors"],
        erases=wear["mean"] * wear["sectors"],
        worst=wear["max"],
    )


# ---- What must hold ------------------------------------------------------------------------------


def grown(life: Sequence[Sample]) -> list[str]:
    """Say what grew in a life: its last tenth is compared with its second.

    Args:
        life: samples of one process, and of one life of the board; of few nothing is said.
    """
    if len(life) < FEW:
        return []
    tenth = len(life) // 10
    second, last = life[tenth : 2 * tenth], life[-tenth:]
    half, end = life[len(life) // 2], life[-1]
    compared = [
        (name, rule, *(median(getattr(s, name) for s in part) for part in (second, last)))
        for name, rule in RULES.items()
    ]
    compared += [
        ("erases of a sector", ERASES, mean_erases(life[0], half), mean_erases(half, end)),
        ("erases of the worst sector", WORST, end.erases / end.sectors, end.worst),
    ]
    return [
        f"{name}: {was:g} became {now:g}"
        for name, rule, was, now in compared
        if now > was * (1 + rule.share) + rule.more
    ]


def mean_erases(begin: Sample, end: Sample) -> float:
    """Count the erases of a sector between two samples."""
    return (end.erases - begin.erases) / begin.sectors


def told(progress: Progress) -> str:
    """Say what a soak came to, in one line."""
    samples = [sample for life in progress.lives for sample in life]
    last = samples[-1]
    heap = f"{min(s.heap for s in samples)} to {max(s.heap for s in samples)} bytes"
    size = os.sysconf("SC_PAGE_SIZE") / 1e6
    count = sum(bool(life) for life in progress.lives)
    lives = "one life" if count == 1 else f"{count} lives"
    return (
        f"{progress.swaps:,} swaps, {progress.swaps * RUNS:,} runs and"
        f" {progress.swaps * EVENTS:,} events in {lives}; heap of the board's Python {heap},"
        f" this process {last.resident * size:.0f} MB, {last.handles} handles,"
        f" {last.threads} threads; each sector erased {last.erases / last.sectors:.0f} times"
    )
