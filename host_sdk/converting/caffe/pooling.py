"""Caffe's pooling, which rounds up, by pooling that does not.

Source of the rules: `PoolingLayer` of BVLC/caffe, src/caffe/layers/pooling_layer.cpp.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Side", "pool_side"]


@dataclass(frozen=True)
class Side:
    """How one dimension is pooled.

    Attributes:
        size: elements of the input.
        kernel: elements of a window.
        stride: from one window to the next.
        pad: zeros that Caffe adds before and behind.
        out: number of windows.
    """

    size: int
    kernel: int
    stride: int
    pad: int
    out: int

    @property
    def behind(self) -> int:
        """What the last window lacks behind the input; negative: what is left over."""
        return (self.out - 1) * self.stride + self.kernel - self.size - self.pad

    @property
    def is_valid(self) -> bool:
        """Whether windows lie within the input."""
        return self.pad == 0 and self.behind <= 0

    @property
    def is_same(self) -> bool:
        """Whether .tflite's padding SAME puts each window where Caffe does."""
        total = max(self.pad + self.behind, 0)
        return -(-self.size // self.stride) == self.out and total // 2 == self.pad

    def counted(self) -> np.ndarray:
        """Return by how many elements Caffe divides the sum of each window, int64[out]."""
        starts = np.arange(self.out) * self.stride - self.pad
        ends: np.ndarray = np.minimum(starts + self.kernel, self.size + self.pad)
        return ends - starts


def pool_side(size: int, kernel: int, stride: int, pad: int, floor: bool) -> Side:
    """Return how Caffe pools a dimension.

    Raises:
        ValueError: no window fits, or one would lie in the padding alone.
    """
    if not 0 < kernel <= size + 2 * pad or stride < 1 or pad >= kernel:
        raise ValueError(f"kernel {kernel}, stride {stride}, pad {pad} on {size}")
    room = size + 2 * pad - kernel
    out = (room if floor else room + stride - 1) // stride + 1
    if pad and (out - 1) * stride >= size + pad:
        out -= 1
    return Side(size, kernel, stride, pad, out)
