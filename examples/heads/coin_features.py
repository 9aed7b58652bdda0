"""Small networks for the photograph of coins, solved for instead of trained.

The first layer are filters of 8x8 pixels (principal components of the photograph's pieces, and
their negatives), the second is fitted by least squares to the coins in the left two thirds of
`skimage.data.coins()`. The right third, with 8 of the 24 coins, takes no part in that.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from small_tflite import Layer

sys.path.insert(0, str(Path(__file__).parents[1]))
from coin_photo import HELD_OUT_COINS, TRAIN_COINS, Box

Floats = npt.NDArray[np.float32]
COINS = (*TRAIN_COINS, *HELD_OUT_COINS)
HEIGHT, WIDTH = 304, 384
PIECE, FINE, CELL, WINDOW = 8, 4, 8, 13  # pixels, pixels, pixels; fine cells
MARGIN = (WINDOW - 1) * FINE // 2 + 2  # of padding: the cells then cover the photograph
ROWS, COLUMNS = HEIGHT // CELL, WIDTH // CELL
LEARNT = 243  # columns of the photograph
_FILTERS, _RIDGE, _NEAR = 8, 3e-2, 7.0


def coin_photo() -> npt.NDArray[np.uint8]:
    """Return the photograph, uint8 [303, 384]."""
    from skimage import data

    photo: npt.NDArray[np.uint8] = data.coins()
    return photo


def network_input(photo: npt.NDArray[np.uint8]) -> Floats:
    """Make the networks' input [1, H, W, 1]: in 0..1, with a margin."""
    shape = ((MARGIN, MARGIN + HEIGHT - len(photo)), (MARGIN, MARGIN))
    padded = np.pad(photo / np.float32(255), shape, mode="edge").astype(np.float32)
    return padded[None, :, :, None]


class CoinFit:
    """The first layer, and what the second is fitted to.

    Args:
        image: the networks' input.

    Attributes:
        first: the layer.
        middles: [N, 2] of each cell, x and y in pixels of the photograph.
    """

    def __init__(self, image: Floats) -> None:
        known = image[0, :, : MARGIN + LEARNT, 0]
        cut = _pieces(known, PIECE, FINE).reshape(-1, PIECE * PIECE)
        mean = cut.mean(0)
        _, _, axes = np.linalg.svd(cut - mean, full_matrices=False)
        axes = np.concatenate([axes[:_FILTERS], -axes[:_FILTERS]])
        self.first = Layer(axes.reshape(-1, PIECE, PIECE, 1), -axes @ mean, FINE, relu=True)
        inputs, middles = [], []
        for top in range(0, CELL, 2):
            for left in range(0, CELL, 2):
                fine = np.maximum(
                    _pieces(known[top:, left:], PIECE, FINE) @ axes.T + self.first.bias, 0
                )
                cells = _pieces(fine, WINDOW, CELL // FINE)
                y, x = np.indices(cells.shape[:2]) * CELL + CELL / 2
                inputs.append(cells.reshape(y.size, -1))
                middles.append(np.stack([x + left, y + top], -1).reshape(-1, 2))
        self._inputs, self.middles = np.concatenate(inputs), np.concatenate(middles)
        self._far = np.stack(
            [
                np.hypot(*(self.middles - ((x0 + x1) / 2, (y0 + y1) / 2)).T)
                for x0, y0, x1, y1 in TRAIN_COINS
            ]
        )

    @property
    def is_center(self) -> npt.NDArray[np.bool_]:
        """Tell of each cell whether it is near a coin's centre."""
        return np.asarray(self._far.min(0) < _NEAR)

    def coins(self) -> npt.NDArray[np.float64]:
        """Return the box [N, 4] of the coin nearest to each cell."""
        return np.array(TRAIN_COINS, float)[self._far.argmin(0)]

    def solve(self, wanted: npt.NDArray[np.floating], only_centers: bool) -> tuple[Floats, float]:
        """Fit a channel of the second layer by least squares.

        Args:
            wanted: its value at each cell.
            only_centers: other cells may have any.

        Returns:
            Weights [inputs], bias.
        """
        chosen = self.is_center if only_centers else np.ones(len(wanted), bool)
        weight = np.where(self.is_center, 6.0, 1.0)[chosen].astype(np.float32)
        x, y = self._inputs[chosen], wanted[chosen].astype(np.float32)
        center, middle = np.average(x, 0, weight), np.average(y, 0, weight)
        x = x - center
        square = (x * weight[:, None]).T @ x
        ridge = (10 if only_centers else 1) * _RIDGE * np.trace(square) / len(square)
        square += ridge * np.eye(len(square), dtype=np.float32)
        solved = np.linalg.solve(square, x.T @ (weight * (y - middle))).astype(np.float32)
        return solved, float(middle - center @ solved)

    def second(self, weights: Sequence[Floats], bias: Sequence[float]) -> Layer:
        """Make the second layer of its channels."""
        shape = (len(weights), WINDOW, WINDOW, len(self.first.bias))
        stacked = np.stack(weights).reshape(shape).astype(np.float32)
        return Layer(stacked, np.array(bias, np.float32), CELL // FINE)


def hit_coins(points: Sequence[tuple[float, float]]) -> set[Box]:
    """Find the coins that points, in pixels of the photograph, lie on."""
    return {c for c in COINS for x, y in points if c[0] <= x < c[2] and c[1] <= y < c[3]}


def _pieces(image: Floats, side: int, stride: int) -> Floats:
    """Cut an image [H, W] or [H, W, C] into [rows, columns, side * side * C]."""
    image = image.reshape(*image.shape[:2], -1)
    windows = np.lib.stride_tricks.sliding_window_view(image, (side, side), (0, 1))
    windows = windows[::stride, ::stride].transpose(0, 1, 3, 4, 2)
    return np.ascontiguousarray(windows).reshape(*windows.shape[:2], -1)
