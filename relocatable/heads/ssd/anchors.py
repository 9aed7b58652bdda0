"""The anchors of an SSD: the boxes against which its outputs are coded.

As MediaPipe's SsdAnchorsCalculator and TensorFlow's Object Detection API
(multiple_grid_anchor_generator.create_ssd_anchors) make them: each feature map has a scale between
two bounds, and a box of each aspect ratio around the centre of each of its cells.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from relocatable.errors import HeadError
from relocatable.heads.fields import Fields

_MOST_MAPS, _MOST_RATIOS, MOST_ANCHORS = 16, 16, 1 << 16
# Of the lowest feature map, if it is to have few boxes: a small one and two at its scale.
_LOWEST_RATIOS, _LOWEST_SCALE = (1.0, 2.0, 0.5), 0.1


@dataclass(frozen=True)
class Anchors:
    """How anchors are made.

    Attributes:
        strides: pixels of the input for a cell of each feature map; neighbours of one stride are
            merged, as MediaPipe does: a cell's boxes of all of them come one after another.
        feature_maps: (rows, columns) of each instead; none are merged.
        min_scale, max_scale: of the first and the last feature map, fractions of the input.
        aspect_ratios: width over height of a cell's boxes.
        interpolated: aspect ratio of one more box, between the map's scale and the next; 0: none.
        reduce_lowest: the first feature map has three boxes of its own.
        fixed_size: every anchor is as large as the input: only the centres differ.
        offset: where in a cell the centre is, 0..1.
    """

    strides: tuple[int, ...]
    feature_maps: tuple[tuple[int, int], ...]
    min_scale: float
    max_scale: float
    aspect_ratios: tuple[float, ...]
    interpolated: float
    reduce_lowest: bool
    fixed_size: bool
    offset: float

    @staticmethod
    def read(table: Fields) -> Anchors:
        """Read the keys that say it.

        Raises:
            HeadError: names the key, the rule and the value seen.
        """
        if table.has("strides") == table.has("feature_maps"):
            raise HeadError("[ssd] must have either strides or feature_maps")
        anchors = Anchors(
            strides=_strides(table) if table.has("strides") else (),
            feature_maps=_maps(table) if table.has("feature_maps") else (),
            min_scale=table.number("min_scale", 0.0, 10.0, 0.2),
            max_scale=table.number("max_scale", 0.0, 10.0, 0.95),
            aspect_ratios=table.numbers("aspect_ratios", (1.0,)),
            interpolated=table.number("interpolated", 0.0, 100.0, 1.0),
            reduce_lowest=table.boolean("reduce_lowest", False),
            fixed_size=table.boolean("fixed_size", False),
            offset=table.number("offset", 0.0, 1.0, 0.5),
        )
        ratios = anchors.aspect_ratios
        if len(ratios) > _MOST_RATIOS or not all(0.01 <= ratio <= 100 for ratio in ratios):
            rule = f"1 to {_MOST_RATIOS} numbers in [0.01, 100]"
            raise table.error("aspect_ratios", rule, list(ratios))
        return anchors

    def make(self, height: int, width: int) -> npt.NDArray[np.float32]:
        """Make the anchors for an input of a size in pixels.

        Returns:
            Centre x and y, width and height of each, fractions of the input: float32 [N, 4].

        Raises:
            HeadError: they are none, or too many.
        """
        sizes, layers = self._sizes(height, width), range(len(self.strides or self.feature_maps))
        merged = groupby(layers, lambda layer: self.strides[layer] if self.strides else layer)
        maps = []
        for group in (list(layers) for _, layers in merged):
            maps.append((*sizes[group[0]], self._boxes(group)))
        count = sum(rows * columns * len(boxes) for rows, columns, boxes in maps)
        if not 1 <= count <= MOST_ANCHORS:
            raise HeadError(f"[ssd] must have 1 to {MOST_ANCHORS} anchors; has {count}")
        return np.concatenate([self._grid(*each) for each in maps])

    def _sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        if self.feature_maps:
            return list(self.feature_maps)
        return [(-(-height // stride), -(-width // stride)) for stride in self.strides]

    def _boxes(self, layers: list[int]) -> list[tuple[float, float]]:
        """List width and height of the boxes of a cell."""
        count = len(self.strides or self.feature_maps)
        boxes = []
        for layer in layers:
            scale = self._scale(layer, count)
            if layer == 0 and self.reduce_lowest:
                shapes = list(zip((_LOWEST_SCALE, scale, scale), _LOWEST_RATIOS, strict=True))
            else:
                shapes = [(scale, ratio) for ratio in self.aspect_ratios]
                if self.interpolated:
                    above = 1.0 if layer == count - 1 else self._scale(layer + 1, count)
                    shapes.append((math.sqrt(scale * above), self.interpolated))
            boxes += [
                (scale * math.sqrt(ratio), scale / math.sqrt(ratio)) for scale, ratio in shapes
            ]
        return [(1.0, 1.0)] * len(boxes) if self.fixed_size else boxes

    def _scale(self, layer: int, count: int) -> float:
        if count == 1:
            return (self.min_scale + self.max_scale) / 2
        return self.min_scale + (self.max_scale - self.min_scale) * layer / (count - 1)

    def _grid(
        self, rows: int, columns: int, boxes: list[tuple[float, float]]
    ) -> npt.NDArray[np.float32]:
        """Put a cell's boxes around the centre of each cell, by rows."""
        grid = np.empty((rows, columns, len(boxes), 4), np.float32)
        grid[..., 0] = ((np.arange(columns) + self.offset) / columns)[None, :, None]
        grid[..., 1] = ((np.arange(rows) + self.offset) / rows)[:, None, None]
        grid[..., 2:] = boxes
        return grid.reshape(-1, 4)


def _strides(table: Fields) -> tuple[int, ...]:
    strides = table.numbers("strides")
    if len(strides) > _MOST_MAPS or not all(1 <= s <= 4096 and s == int(s) for s in strides):
        raise table.error("strides", f"1 to {_MOST_MAPS} whole numbers in [1, 4096]", list(strides))
    return tuple(int(stride) for stride in strides)


def _maps(table: Fields) -> tuple[tuple[int, int], ...]:
    """Read [rows, columns] in turn, or one number for each square."""
    sides = table.numbers("feature_maps")
    if len(sides) > _MOST_MAPS or not all(1 <= s <= 4096 and s == int(s) for s in sides):
        rule = f"1 to {_MOST_MAPS} whole numbers in [1, 4096], the sides of squares"
        raise table.error("feature_maps", rule, list(sides))
    return tuple((int(side), int(side)) for side in sides)
