"""The meaning of PosenetDecoderOp in NumPy, in single precision as published.

The published decoder is C++ (google-coral/libcoral, coral/pose_estimation/posenet_decoder.cc): of
equal scores the heap of GNU's library decides which comes first, and so it does here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from relocatable.ops.operator import Array

POINTS = 17  # of a person
EDGES = (
    *((0, 1), (1, 3), (0, 2), (2, 4), (0, 5), (5, 7), (7, 9), (5, 11)),
    *((11, 13), (13, 15), (0, 6), (6, 8), (8, 10), (6, 12), (12, 14), (14, 16)),
)
_REFINEMENTS, _MASK_REFINEMENTS = 5, 3

Floats = npt.NDArray[np.float32]


class Poses(NamedTuple):
    """What a picture shows: the network's outputs as real numbers.

    Attributes:
        heat: [H, W, 17], logits.
        near: [H, W, 34], offsets of points.
        edges: [H, W, 64], offsets along edges.
        most: poses to find.
        threshold: of a pose's score.
        squared_radius: within which two equal points are one.
    """

    heat: Floats
    near: Floats
    edges: Floats
    most: int
    threshold: np.float32
    squared_radius: np.float32

    def find(self) -> tuple[list[Floats], list[Floats], list[np.float32]]:
        """Find points, their scores and the poses' scores, the best first."""
        points: list[Floats] = []
        scores: list[Floats] = []
        heap = self._candidates()
        while heap and len(points) < self.most:
            y, x, point = heap.pop()
            start = self._moved(np.array([y, x], np.float32), self.near[y, x, point::POINTS])
            if any(distance(start, pose[point]) <= self.squared_radius for pose in points):
                continue
            pose, found = self._follow(start, point)
            if _average(found, np.zeros(POINTS, bool)) >= self.threshold:
                points.append(pose)
                scores.append(found)
        first = [_average(found, np.zeros(POINTS, bool)) for found in scores]
        alone = dict(self._scores_alone(points, scores, _ranked(first)))
        order = _ranked([alone[i] for i in range(len(points))])
        good = [i for i in order if not alone[i] < self.threshold]
        return [points[i] for i in good], [scores[i] for i in good], [alone[i] for i in good]

    def _candidates(self) -> _Heap:
        padded = np.pad(self.heat, ((1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (0, 1))
        peaks = self.heat >= windows.max(axis=(-2, -1))
        heap = _Heap(self.heat)
        for at in np.argwhere(peaks & (self.heat >= log_odds(self.threshold))):
            heap.push(tuple(int(v) for v in at))
        return heap

    def _follow(self, start: Floats, first: int) -> tuple[Floats, Floats]:
        """Find all points of a person and their probabilities."""
        count = len(EDGES)
        points = {first: start}
        logits: dict[int, np.float32] = {}
        for point in points_in_order(first):
            at = points[point]
            logits[point] = between(self.heat, at)[point]
            for edge, (a, b) in enumerate((*EDGES, *((b, a) for a, b in EDGES))):
                if a != point or b in points:
                    continue
                channel = edge if edge < count else edge + count
                offsets = between(self.edges, at)
                next_at = self._moved(at, offsets[[channel, channel + count]])
                for _ in range(_REFINEMENTS):
                    next_at = self._moved(next_at, between(self.near, next_at)[b::POINTS])
                points[b] = next_at
        with np.errstate(over="ignore"):
            probabilities = [1 / (1 + np.exp(-logits[k])) for k in range(POINTS)]
        return np.array([points[k] for k in range(POINTS)]), np.array(probabilities, np.float32)

    def _moved(self, at: Floats, offset: Floats) -> Floats:
        return moved(at, offset, self.heat.shape)

    def _scores_alone(
        self, points: list[Floats], scores: list[Floats], order: list[int]
    ) -> list[tuple[int, np.float32]]:
        """Score each pose by the points that are not where a better one has them."""
        found = []
        for i, pose in enumerate(order):
            hidden = np.zeros(POINTS, bool)
            for better in order[:i]:
                pairs = zip(points[pose], points[better], strict=True)
                hidden |= [distance(a, b) <= self.squared_radius for a, b in pairs]
            found.append((pose, _average(scores[pose], hidden)))
        return found


def nearest_poses(far: Floats, poses: Array, stride: int) -> npt.NDArray[np.int64]:
    """Find for each pixel the pose that its offsets lead to; 0 if there is none."""
    nearest = np.zeros(far.shape[:2], np.int64)
    if not len(poses):
        return nearest
    for y, x in np.ndindex(*nearest.shape):
        lead = []
        for point in range(POINTS):
            at = np.array([y, x], np.float32)
            for _ in range(_MASK_REFINEMENTS):
                at = moved(at, between(far, at)[point::POINTS], far.shape)
            lead.append(at * np.float32(stride))
        sums = np.zeros(len(poses), np.float32)
        for point in range(POINTS):
            sums += [distance(lead[point], pose[point]) for pose in poses]
        nearest[y, x] = sums.argmin()
    return nearest


def points_in_order(first: int) -> list[int]:
    """List the points of a person, each behind the one that it is found from."""
    found = [first]
    for point in found:
        found += [b for a, b in EDGES if a == point and b not in found]
        found += [a for a, b in EDGES if b == point and a not in found]
    return found


def log_odds(probability: np.float32) -> np.float32:
    """Compute the logit of a score that a pose may begin with."""
    return np.float32(-np.log(1 / (float(probability) + 1e-6) - 1))


def distance(a: Floats, b: Floats) -> np.float32:
    """Compute the squared distance of two points."""
    dy, dx = b[0] - a[0], b[1] - a[1]
    return np.float32(dy * dy + dx * dx)


def moved(at: Floats, offset: Floats, shape: Sequence[int]) -> Floats:
    """Move a point, but not out of the picture."""
    most = np.array(shape[:2], np.float32) - np.float32(1)
    return np.asarray(np.clip(at + offset, np.float32(0), most), np.float32)


def between(field: Floats, at: Floats) -> Floats:
    """Interpolate all channels at a place between pixels."""
    most = np.array(field.shape[:2], np.float32) - np.float32(1)
    inside = np.clip(at, np.float32(0), most)
    (top, left), (bottom, right) = (f(inside).astype(int) for f in (np.floor, np.ceil))
    y, x = at - np.array([top, left], np.float32)
    upper = (1 - x) * field[top, left] + x * field[top, right]
    lower = (1 - x) * field[bottom, left] + x * field[bottom, right]
    return np.asarray((1 - y) * upper + y * lower, np.float32)


def _average(scores: Floats, hidden: npt.NDArray[np.bool_]) -> np.float32:
    total = np.float32(0)
    for i in np.argsort(-scores, kind="stable"):
        total += np.float32(0) if hidden[i] else scores[i]
    return np.float32(total / np.float32(POINTS))


def _ranked(scores: Sequence[np.float32]) -> list[int]:
    """List indices from the largest score on; equal ones as they stand."""
    return sorted(range(len(scores)), key=lambda i: -scores[i])


class _Heap:
    """Places by their scores, as std::push_heap and std::pop_heap keep them."""

    def __init__(self, scores: Floats) -> None:
        self._scores = scores
        self._items: list[tuple[int, ...]] = []

    def __len__(self) -> int:
        return len(self._items)

    def push(self, item: tuple[int, ...]) -> None:
        self._items.append(item)
        self._rise(len(self._items) - 1, item)

    def pop(self) -> tuple[int, ...]:
        items = self._items
        top, value, at = items[0], items.pop(), 0
        count = len(items)
        while 2 * at + 2 < count:
            child = 2 * at + 2
            child -= self._scores[items[child]] < self._scores[items[child - 1]]
            items[at] = items[child]
            at = child
        if 2 * at + 2 == count:
            items[at] = items[2 * at + 1]
            at = 2 * at + 1
        if count:
            self._rise(at, value)
        return top

    def _rise(self, at: int, value: tuple[int, ...]) -> None:
        items = self._items
        while at > 0 and self._scores[items[(at - 1) // 2]] < self._scores[value]:
            items[at] = items[(at - 1) // 2]
            at = (at - 1) // 2
        items[at] = value
