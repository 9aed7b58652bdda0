"""An upload of 100,000 bytes in SMP, the protocol of MCUmgr, over a UART.

Computed, not measured: every frame is encoded by the package `smp`, as `smpclient` sends them, one
at a time, each after the reply to the one before. Bytes are those of both directions. "Buffer" is
what the board takes as one frame: 256 is Zephyr's default (MCUMGR_TRANSPORT_UART_MTU). "Of the
line" is the share of 115200 baud that arrives as data if every reply comes after this time, which
is the work on the flash and the latency of the USB adapter, whose timer alone is often 1 to 16 ms.

Needs `pip install smp`. xipnet's own figures, measured, are in the section `link`.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass

SIZE = 100_000
BUFFERS = (256, 1024, 4096)
REPLY_MS = (0, 1, 4, 16)
BYTES_PER_S = 11_520  # 115200 baud, ten bits a byte


@dataclass(frozen=True)
class Cost:
    """What an upload costs.

    Attributes:
        trips: requests, each of which waits for its reply.
        to_board: bytes on the wire.
        from_board: bytes on the wire.
    """

    trips: int
    to_board: int
    from_board: int

    def share(self, reply_ms: float) -> float:
        """Compute which share of the line's bytes is data."""
        seconds = (self.to_board + self.from_board) / BYTES_PER_S + self.trips * reply_ms / 1000
        return SIZE / BYTES_PER_S / seconds


def upload(data: bytes, buffer: int) -> Cost:
    """Encode every request and reply of an upload.

    Args:
        data: what is uploaded.
        buffer: bytes of a frame, with length and CRC.
    """
    from smp.image_management import ImageUploadWriteResponse
    from smp.packet import encode

    trips = to_board = from_board = 0
    for request, end in requests(data, buffer - 4):
        reply = bytes(ImageUploadWriteResponse(off=end))
        trips += 1
        to_board += sum(map(len, encode(request)))
        from_board += sum(map(len, encode(reply)))
    return Cost(trips, to_board, from_board)


def requests(data: bytes, limit: int) -> Iterator[tuple[bytes, int]]:
    """Yield each request, as large as may be, and the offset behind its data."""
    at = 0
    while at < len(data):
        count = min(limit, len(data) - at)
        while len(request := write(data, at, count)) > limit:
            count -= len(request) - limit
        at += count
        yield request, at


def write(data: bytes, at: int, count: int) -> bytes:
    """Write one request; the first tells what is coming."""
    from smp.image_management import ImageUploadWriteRequest

    piece = data[at : at + count]
    if at:
        return bytes(ImageUploadWriteRequest(off=at, data=piece))
    digest = hashlib.sha256(data).digest()
    return bytes(ImageUploadWriteRequest(off=0, data=piece, len=len(data), image=0, sha=digest))


def table() -> str:
    """Write the Markdown table."""
    try:
        import smp  # noqa: F401 (is it there?)
    except ImportError:
        return "Not computed: `pip install smp` is missing."
    data = random.Random(7).randbytes(SIZE)
    waits = "".join(f" of the line, {ms} ms |" for ms in REPLY_MS)
    lines = [f"| buffer | round trips | bytes | for 1 byte |{waits}"]
    lines.append("|--:|--:|--:|--:|" + "--:|" * len(REPLY_MS))
    for buffer in BUFFERS:
        cost = upload(data, buffer)
        total = cost.to_board + cost.from_board
        shares = "".join(f" {cost.share(ms):.0%} |" for ms in REPLY_MS)
        lines.append(f"| {buffer} | {cost.trips} | {total:,} | {total / SIZE:.2f} |{shares}")
    return "\n".join(lines)
