"""What a link learns of its line: how long a reply takes, how fast bytes go, how many get lost.

From these follow when silence is suspicious, how many bytes may wait on the line (a small call has
to wait behind them), and how long a frame should be: long ones carry less overhead, but on a noisy
line fewer of them arrive. No I/O, no clock of its own.
"""

from __future__ import annotations

import math

QUEUE_S = 0.3  # of bytes may be on their way: a small call waits so long at most
_FRAME_S = 0.2  # a frame takes so long at most
_UNIT_BYTES = 256  # frames carry multiples of it
_LEAST_ALWAYS_BYTES = 1024  # however slow the line is

_FIRST_TIMEOUT_S = 0.5
_LEAST_TIMEOUT_S = 0.1
_MOST_TIMEOUT_S = 8.0
_DEVIATIONS = 4.0
_SMOOTHING = 0.125
_DEVIATION_SMOOTHING = 0.25

_SAMPLE_BYTES = 4096  # a speed is taken over so many
_SPEED_SMOOTHING = 0.25

_OVERHEAD_BYTES = 36.0  # around a piece: message, CRC, COBS, delimiters
_PRIOR_BYTES = 60_000.0  # a line is thought good until it shows otherwise:
_PRIOR_LOSSES = 0.15  # so many frames lost of so many bytes
_MEMORY_BYTES = 200_000.0  # what counts of the past


class Pace:
    """A line's measures.

    Args:
        baud: what the line is set to; 0: unknown.

    Attributes:
        byte_s: seconds that a byte takes to the board; None: unknown.
    """

    def __init__(self, baud: int = 0) -> None:
        self.byte_s: float | None = None
        self._smoothed_s: float | None = None
        self._deviation_s = 0.0
        self._sample_bytes = 0
        self._sample_s = 0.0
        self._losses = _PRIOR_LOSSES
        self._bytes = _PRIOR_BYTES
        self.set_baud(baud)

    def set_baud(self, baud: int) -> None:
        """Starts anew at another speed."""
        self.byte_s = 10 / baud if baud else None
        self._smoothed_s = None
        self._sample_bytes, self._sample_s = 0, 0.0

    def answered(self, took_s: float) -> None:
        """A request that was sent once was answered, seconds after it was sent."""
        if self._smoothed_s is None:
            self._smoothed_s, self._deviation_s = took_s, took_s / 2
            return
        off_s = took_s - self._smoothed_s
        self._deviation_s += (abs(off_s) - self._deviation_s) * _DEVIATION_SMOOTHING
        self._smoothed_s += off_s * _SMOOTHING

    def carried(self, frame_bytes: int, took_s: float) -> None:
        """The line was busy for so long with a frame, and the board did little with it."""
        self._sample_bytes += frame_bytes
        self._sample_s += took_s
        if self._sample_bytes < _SAMPLE_BYTES:
            return
        speed = self._sample_s / self._sample_bytes
        self._sample_bytes, self._sample_s = 0, 0.0
        self.byte_s = (
            speed if self.byte_s is None else self.byte_s + (speed - self.byte_s) * _SPEED_SMOOTHING
        )

    def sent(self, frame_bytes: int) -> None:
        """A frame was sent, for the first time or again."""
        fade = max(0.0, 1 - frame_bytes / _MEMORY_BYTES)
        self._bytes = self._bytes * fade + frame_bytes
        self._losses *= fade

    def lost(self) -> None:
        """A frame, or the reply to it, got lost."""
        self._losses += 1

    def timeout_s(self, frame_bytes: int) -> float:
        """Silence that makes suspicious, after a frame was sent."""
        on_line_s = frame_bytes * (self.byte_s or 0.0)
        if self._smoothed_s is None:
            return _FIRST_TIMEOUT_S + 2 * on_line_s
        expected_s = self._smoothed_s + _DEVIATIONS * self._deviation_s + on_line_s
        return min(max(expected_s, _LEAST_TIMEOUT_S), _MOST_TIMEOUT_S)

    def may_queue(self, waiting_bytes: int) -> bool:
        """Whether more may go on the line behind bytes that wait there."""
        return waiting_bytes * (self.byte_s or 0.0) < QUEUE_S

    def piece_bytes(self, most: int) -> int:
        """How many bytes a frame should carry.

        Args:
            most: what the board takes.

        Returns:
            A multiple of 256, but for `most` below.
        """
        best = math.sqrt(_OVERHEAD_BYTES * self._bytes / max(self._losses, 1e-9))
        if self.byte_s:
            best = min(best, max(_FRAME_S / self.byte_s, _LEAST_ALWAYS_BYTES))
        return min(most, max(_UNIT_BYTES, round(best / _UNIT_BYTES) * _UNIT_BYTES))
