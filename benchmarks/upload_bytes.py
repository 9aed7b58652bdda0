"""Bytes on the wire to bring a model to a board (virtual Cortex-M4), both
directions and all framing added up, in per cent of the blob; in brackets those
from the board.

- fresh: into an empty store.
- unchanged: the model that the board has.
- new layers: the last 5 % of the weights have other values.
- retrained: 5 % of the weights, all over the model, moved by one step (float32: by a few per cent).
- other code: the same weights, all kernels compiled again, for size.
- resumed: what is left after the plug was pulled half way.

"Old bytes known": this computer uploaded the old model and has it in its cache, so it sends
patches. Otherwise it asks the board for hashes of blocks, and what has not changed is copied on the
board. A model that is absent is left out.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks._retrain import retrain
from host_sdk import Device, Transport
from host_sdk.transports import open_transport
from relocatable import compile_model

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "models"
MODELS = (
    ROOT / "examples" / "models" / "coins.tflite",
    SHARED / "mnist_small_f32.tflite",
    SHARED / "mlperf_kws_int8.tflite",
    SHARED / "mlperf_ad01_int8.tflite",
    SHARED / "mlperf_vww_int8.tflite",
)
CPU = "cortex-m4"
COLUMNS = ("fresh", "unchanged", "new layers", "retrained", "other code", "resumed")


class PulledError(Exception):
    """The plug is out."""


class CountingTransport:
    """Counts the bytes of a port.

    Attributes:
        to_board: bytes so far.
        from_board: bytes so far.
    """

    def __init__(self, inner: Transport) -> None:
        self.name = inner.name
        self.to_board = self.from_board = 0
        self._inner = inner

    def read(self, timeout_s: float) -> bytes:
        data = self._inner.read(timeout_s)
        self.from_board += len(data)
        return data

    def write(self, data: bytes) -> None:
        self.to_board += len(data)
        self._inner.write(data)

    def close(self) -> None:
        self._inner.close()

    def is_heard(self) -> bool:
        """Wait a moment: whether the board said something."""
        before = self.from_board
        time.sleep(0.5)
        return self.from_board != before


@contextlib.contextmanager
def cache(folder: str) -> Iterator[None]:
    """Where the SDK keeps what it sent; "": nowhere."""
    old = os.environ.get("XIPNET_CACHE")
    os.environ["XIPNET_CACHE"] = folder
    yield
    del os.environ["XIPNET_CACHE"]
    if old is not None:
        os.environ["XIPNET_CACHE"] = old


def changed(model: bytes, name: str) -> dict[str, bytes]:
    """Make the blobs that replace a model's, by column."""
    new_layers = retrain(model, 0.05, "last layers")
    retrained = retrain(model, 0.05, "everywhere")
    return {
        "unchanged": compile_model(model, target=CPU, name=name),
        "new layers": compile_model(new_layers, target=CPU, name=name),
        "retrained": compile_model(retrained, target=CPU, name=name),
        "other code": compile_model(model, target=CPU, name=name, optimize="size"),
    }


def count(wire: CountingTransport, board: Device, blob: bytes) -> tuple[int, int]:
    """Bytes to and from the board of one load."""
    to_board, from_board = wire.to_board, wire.from_board
    board.load_model(blob, "net")
    return wire.to_board - to_board, wire.from_board - from_board


def measure(blobs: dict[str, bytes]) -> dict[str, tuple[int, int]]:
    """Each load of a model that follows the first one into a fresh board."""
    counts = {}
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "first"
        counts["fresh"] = load(first, blobs["unchanged"])
        for column, blob in blobs.items():
            second = Path(folder) / "second"
            shutil.copyfile(first, second)
            counts[column] = load(second, blob)
    counts["resumed"] = measure_resumed(blobs["unchanged"])
    return counts


def load(flash: Path, blob: bytes) -> tuple[int, int]:
    """Bytes to and from a board with that flash."""
    wire = CountingTransport(open_transport(f"sim://{CPU}?flash={flash}"))
    with Device(wire) as board:
        board.trial()  # opens the session again if the board has just said that it started
        while wire.is_heard():  # greetings, late replies
            pass
        return count(wire, board, blob)


def measure_resumed(blob: bytes) -> tuple[int, int]:
    """Count the second half of a load, after a power cut in the first."""

    def pull(done: int, total: int) -> None:
        if done >= total / 2:
            raise PulledError

    with tempfile.TemporaryDirectory() as folder:
        flash = Path(folder) / "flash"
        with Device(f"sim://{CPU}?flash={flash}") as board, contextlib.suppress(PulledError):
            board.load_model(blob, "net", progress=pull)
        return load(flash, blob)


def line(name: str, known: str, blob_bytes: int, counts: dict[str, tuple[int, int]]) -> str:
    """Write a line of the table."""
    cells = []
    for column in COLUMNS:
        to_board, from_board = counts[column]
        share, back = 100 * (to_board + from_board) / blob_bytes, 100 * from_board / blob_bytes
        cells.append(f"{share:.1f} ({back:.1f})")
    return f"| {name} | {blob_bytes:,} | {known} | " + " | ".join(cells) + " |"


def table() -> str:
    """Write the Markdown table."""
    lines = [
        "| model | blob, bytes | old bytes known | " + " | ".join(COLUMNS) + " |",
        "|---|--:|---|" + "--:|" * len(COLUMNS),
    ]
    for path in MODELS:
        if not path.exists():
            continue
        blobs = changed(path.read_bytes(), path.stem)
        size = len(blobs["unchanged"])
        with tempfile.TemporaryDirectory() as folder:
            for known, where in (("yes", folder), ("no", "")):
                with cache(where):
                    lines.append(line(path.stem, known, size, measure(blobs)))
    return "\n".join(lines)
