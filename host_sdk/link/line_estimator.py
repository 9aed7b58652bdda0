"""Estimates of a line: the time of a reply, the speed, the share of lost frames.

From these follows when silence is suspicious, how many bytes may wait on the line (a small call has
to wait behind them), and how long a frame should be: long ones carry less overhead, but on a noisy
line fewer of them arrive. No I/O, no clock of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

QUEUE_S = 0.3  # that the bytes under way may take: the longest wait of a small call
_FRAME_S = 0.2  # the longest that a frame takes
_UNIT_BYTES = 256  # frames carry multiples of it
_LEAST_ALWAYS_BYTES = 1024  # however slow the line is

_DEVIATIONS = 4.0
_SMOOTHING = 0.125
_DEVIATION_SMOOTHING = 0.25

_SAMPLE_BYTES = 4096  # over which a speed is measured
_SPEED_SMOOTHING = 0.25

_OVERHEAD_BYTES = 36.0  # around a piece: message, CRC, COBS, delimiters
_PRIOR_BYTES = 5_000.0  # what is assumed of a new line:
_PRIOR_LOSSES = 0.15  # frames lost of those bytes; so the first frames carry 1 KB
_MEMORY_BYTES = 200_000.0  # how much of the past counts


@dataclass(frozen=True)
class Patience:
    """The times that a link waits before it acts.

    Attributes:
        first_s: for a reply, before any round trip was measured.
        least_s: for a reply, at least, however quick the line is.
        most_s: for a reply, at most, however slow the line is.
        growth: by which the wait grows from one repetition to the next.
        retry_s: between two repetitions, at most.
        hello_retry_s: between two repetitions of `hello`, at most: a board at another speed must
            see a row of invalid frames, not one now and then that it forgets in between.
        fallback_s: for a sign of life, before the line goes back to its first speed.
    """

    first_s: float = 0.5
    least_s: float = 0.1
    most_s: float = 8.0
    growth: float = 1.5
    retry_s: float = 4.0
    hello_retry_s: float = 0.8
    fallback_s: float = 3.0


class LineEstimator:
    """Measures of one line.

    Args:
        baud: speed that the line is set to; 0: unknown.
        patience: bounds of what is estimated.

    Attributes:
        byte_s: seconds that a byte takes to the board; None: unknown.
        patience: see Args; may be replaced at any time.
    """

    def __init__(self, baud: int = 0, patience: Patience | None = None) -> None:
        self.byte_s: float | None = None
        self.patience = patience or Patience()
        self._smoothed_s: float | None = None
        self._deviation_s = 0.0
        self._sample_bytes = 0
        self._sample_s = 0.0
        self._losses = _PRIOR_LOSSES
        self._bytes = _PRIOR_BYTES
        self.set_baud(baud)

    def set_baud(self, baud: int) -> None:
        """Forget the old speed's round trips; a new one is set."""
        self.byte_s = 10 / baud if baud else None
        self._smoothed_s = None
        self._sample_bytes, self._sample_s = 0, 0.0

    def answered(self, took_s: float) -> None:
        """Learn the round trip of a request that was sent once."""
        if self._smoothed_s is None:
            self._smoothed_s, self._deviation_s = took_s, took_s / 2
            return
        off_s = took_s - self._smoothed_s
        self._deviation_s += (abs(off_s) - self._deviation_s) * _DEVIATION_SMOOTHING
        self._smoothed_s += off_s * _SMOOTHING

    def carried(self, frame_bytes: int, took_s: float) -> None:
        """Learn how long the line was busy with a frame that cost the board little work."""
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
        """Count a frame that was sent, for the first time or again."""
        fade = max(0.0, 1 - frame_bytes / _MEMORY_BYTES)
        self._bytes = self._bytes * fade + frame_bytes
        self._losses *= fade

    def lost(self) -> None:
        """Count a frame that got lost, or whose reply did."""
        self._losses += 1

    def timeout_s(self, frame_bytes: int) -> float:
        """Return the silence after a frame that makes suspicious."""
        on_line_s = frame_bytes * (self.byte_s or 0.0)
        if self._smoothed_s is None:
            return self.patience.first_s + 2 * on_line_s
        expected_s = self._smoothed_s + _DEVIATIONS * self._deviation_s + on_line_s
        return min(max(expected_s, self.patience.least_s), self.patience.most_s)

    def may_queue(self, waiting_bytes: int) -> bool:
        """Return whether more may go on the line behind bytes that wait there."""
        return waiting_bytes * (self.byte_s or 0.0) < QUEUE_S

    def piece_bytes(self, most: int) -> int:
        """Return how many bytes a frame should carry.

        Args:
            most: what the board takes.

        Returns:
            A multiple of 256, unless `most` is less.
        """
        best = math.sqrt(_OVERHEAD_BYTES * self._bytes / max(self._losses, 1e-9))
        if self.byte_s:
            best = min(best, max(_FRAME_S / self.byte_s, _LEAST_ALWAYS_BYTES))
        return min(most, max(_UNIT_BYTES, round(best / _UNIT_BYTES) * _UNIT_BYTES))
