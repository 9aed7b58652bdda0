"""What packed filters save in flash and cost in time (docs/COMPRESSION.md).

Models whose weights were clustered to 16 values of a layer (of a channel), or half of them made 0,
by `tests/models/cluster.py`, without a golden vector. Before "->" every filter is stored as it is,
behind it packed where it pays. The last model is as it was trained, with many dead channels; it is
left out if it is absent. Flash is the whole blob in bytes, RAM the arena; instructions are
those of an inference, in thousands, counted by QEMU on the virtual boards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host_sdk import Device
from relocatable.blob.cost import report
from relocatable.compile import Optimize, build_blob, plan_network, read_network
from tests.models.cluster import cluster

TREE = Path(__file__).resolve().parents[1]
FOLDER = TREE / "tests" / "models"
SPARSE = TREE.parent / "shared" / "models" / "mlperf_vww_int8.tflite"
CPUS = ("cortex-m4", "cortex-m55")
MODELS = ("mnist_small_int8", "cifar_cnn_int8", "mnist_small_f32")
WAYS: dict[str, dict[str, Any]] = {
    "16 values": {"values": 16},
    "16 of a channel": {"values": 16, "by_channel": True},
    "half zeros": {"values": None, "zeros": 0.5},
    "both": {"values": 16, "zeros": 0.5},
}


@dataclass(frozen=True)
class Cost:
    """What a blob costs: bytes, bytes, thousands of instructions."""

    flash: int
    arena: int
    time: int


def measure(board: Device, model: bytes, cpu: str, optimize: Optimize, packs: bool) -> Cost:
    """Build a model and run it once."""
    network = read_network(model, name="measured")
    program = plan_network(network, cpu, optimize, packs=packs)
    blob = build_blob("measured", program, optimize).pack()
    board.load_model(blob)
    time = sum(row.us for row in board.profile().rows)
    board.rm("measured")
    cost = report(blob)
    return Cost(cost.flash_bytes, cost.arena_bytes, time)


def table() -> str:
    """Write the Markdown table."""
    lines = ["| CPU, optimized for | model | weights | flash | RAM | instructions |"]
    lines.append("|---|---|---|--:|--:|--:|")
    for cpu in CPUS:
        with Device(f"sim://{cpu}?icount=on") as board:
            for optimize in ("size", "speed"):
                for name, model in _models():
                    lines.append(_line(board, model, cpu, optimize, name))
    return "\n".join(lines)


def _models() -> Iterator[tuple[str, bytes]]:
    for name in MODELS:
        for way, how in WAYS.items():
            yield f"{name} | {way}", cluster((FOLDER / f"{name}.tflite").read_bytes(), **how)
    if SPARSE.exists():
        yield f"{SPARSE.stem} | as trained", SPARSE.read_bytes()


def _line(board: Device, model: bytes, cpu: str, optimize: Optimize, name: str) -> str:
    before, after = (measure(board, model, cpu, optimize, packs) for packs in (False, True))
    cells = (
        _change(before.flash, after.flash),
        _change(before.arena, after.arena),
        _change(before.time, after.time),
    )
    return f"| {cpu}, {optimize} | {name} | {' | '.join(cells)} |"


def _change(before: int, after: int) -> str:
    percent = round(100 * (after / before - 1))  # microseconds are rounded: one more is no change
    return f"{before:,} -> {after:,} ({percent:+d}%)" if percent else f"{before:,}"
