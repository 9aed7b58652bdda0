"""Bytes of the port <-> text and frames (docs/SPEC-wire.md, section 1).

No I/O, no clock of its own.

decoder = Decoder()
for part in decoder.feed(data, now_s=time.monotonic()):
    match part:
        case Text(data): ...       # for a person
        case Body(data): ...       # of a valid frame: one MessagePack value
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from cobs import cobs

MAX_BODY_BYTES = 1 << 16
SILENCE_S = 1.0  # a longer pause within a frame ends it
_CRC_BYTES = 4


@dataclass(frozen=True)
class Text:
    """Bytes outside of frames."""

    data: bytes


@dataclass(frozen=True)
class Body:
    """The body of a valid frame."""

    data: bytes


def encode_frame(body: bytes) -> bytes:
    """Wrap a body for the wire: 00, COBS(body and CRC-32), 00.

    The opening 00 comes twice: should the one that closes the frame before get lost, the first
    closes that frame and the second opens this one. So a lost byte costs no more than its own
    frame, and no frame ends up as text at the prompt.
    """
    crc = zlib.crc32(body).to_bytes(_CRC_BYTES, "little")
    stuffed: bytes = cobs.encode(body + crc)
    return b"\0\0" + stuffed + b"\0"


def decode_frame(stuffed: bytes) -> bytes | None:
    """Return the body between two 00 bytes, None if it is not a valid frame."""
    try:
        raw: bytes = cobs.decode(stuffed)
    except cobs.DecodeError:
        return None
    body, crc = raw[:-_CRC_BYTES], raw[-_CRC_BYTES:]
    if not body or int.from_bytes(crc, "little") != zlib.crc32(body):
        return None
    return body


class Decoder:
    """The receiver's state machine.

    Args:
        max_body_bytes: frames with a longer body are dropped.

    Attributes:
        bad_frames: frames that were dropped: malformed, too long, or of a wrong CRC.
    """

    def __init__(self, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        size = max_body_bytes + _CRC_BYTES
        self._limit = size + size // 254 + 1
        self._buffer: bytearray | None = None  # None: TEXT
        self._dropping = False
        self._last_byte_s = 0.0
        self.bad_frames = 0

    def feed(self, data: bytes, now_s: float) -> list[Text | Body]:
        """Take what the port gave, of any length.

        Args:
            data: bytes in the order of arrival.
            now_s: a monotonic clock, seconds.

        Returns:
            The text and the valid frames in these bytes, in order.
        """
        if not data:
            return []
        if self._buffer is not None and now_s - self._last_byte_s > SILENCE_S:
            self._buffer = None
        self._last_byte_s = now_s
        parts: list[Text | Body] = []
        head, *rest = data.split(b"\0")
        self._take(head, parts)
        for piece in rest:
            self._delimiter(parts)
            self._take(piece, parts)
        return parts

    def _take(self, piece: bytes, parts: list[Text | Body]) -> None:
        if not piece:
            return
        if self._buffer is None:
            parts.append(Text(piece))
        elif self._dropping or len(piece) > self._limit - len(self._buffer):
            self._dropping = True
        else:
            self._buffer += piece

    def _delimiter(self, parts: list[Text | Body]) -> None:
        if self._buffer is None:
            self._open()
            return
        if not self._buffer and not self._dropping:
            return
        body = None if self._dropping else decode_frame(bytes(self._buffer))
        if body is None:
            self.bad_frames += 1
            self._open()  # this 00 may have been an opening one
        else:
            parts.append(Body(body))
            self._buffer = None

    def _open(self) -> None:
        self._buffer = bytearray()
        self._dropping = False
