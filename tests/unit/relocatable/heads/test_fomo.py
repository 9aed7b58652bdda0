"""The head `fomo`: compiled C against the same in NumPy."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from relocatable.graph.graph import Quant
from tests.head_runner import SCALES, WIDE, HeadRunner, assert_refused, outputs_graph


class Thing(NamedTuple):
    """A thing: label, score, centre, box in 0..1."""

    label: int
    score: float
    center: tuple[float, ...]
    box: tuple[float, ...]


def description(**options: Any) -> dict[str, Any]:
    return {"head": "fomo", "fomo": options}


def decode(options: dict[str, Any], values: np.ndarray) -> list[Thing]:
    """Find things in real values [1, rows, columns, 1 + classes]."""
    with np.errstate(all="ignore"):
        x = values[0].astype(np.float64)
        if options.get("softmax"):
            e = np.exp(x - np.fmax.reduce(x, -1, keepdims=True))
            x = e / e.sum(-1, keepdims=True)
        scores = np.nan_to_num(x, nan=0.0).clip(0, 1)
    things = []
    for channel in range(1, scores.shape[2]):
        plane = scores[:, :, channel]
        things += [_thing(channel - 1, plane, cells) for cells in _regions(plane, options)]
    things.sort(key=lambda thing: -thing.score)
    return things[: options.get("max_detections", 50)]


def _regions(plane: np.ndarray, options: dict[str, Any]) -> list[np.ndarray]:
    """Label cells that touch by spreading the least number until nothing changes."""
    open_cells = plane >= np.float32(options.get("threshold", 0.5))
    number = np.where(open_cells, np.arange(plane.size).reshape(plane.shape), plane.size)
    while True:
        padded = np.pad(number, 1, constant_values=plane.size)
        h, w = plane.shape
        around = [padded[dy : dy + h, dx : dx + w] for dy in range(3) for dx in range(3)]
        spread = np.where(open_cells, np.min(around, 0), plane.size)
        if np.array_equal(spread, number):
            return [number == i for i in np.unique(number[open_cells])]
        number = spread


def _thing(label: int, plane: np.ndarray, cells: np.ndarray) -> Thing:
    ys, xs = np.nonzero(cells)
    h, w = plane.shape
    box = (xs.min() / w, ys.min() / h, (xs.max() + 1) / w, (ys.max() + 1) / h)
    weights = plane[cells]
    center = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    if weights.sum() > 0:
        center = tuple(np.average(a + 0.5, weights=weights) / n for a, n in ((xs, w), (ys, h)))
    return Thing(label, float(weights.max()), center, box)


def assert_same(seen: list[Any], wanted: list[Thing]) -> None:
    assert [int(item.label) for item in seen] == [thing.label for thing in wanted]
    for item, thing in zip(seen, wanted, strict=True):
        flat = (item.score, *item.center, *item.box), (thing.score, *thing.center, *thing.box)
        np.testing.assert_allclose(*flat, rtol=0, atol=1e-6)


CASES: dict[str, tuple[dict[str, Any], tuple[int, ...], str, Quant | None]] = {
    "int8": ({"threshold": 0.8}, (1, 12, 12, 3), "int8", SCALES["int8"]),
    "uint8 logits": (
        {"threshold": 0.6, "softmax": True, "max_detections": 3},
        (1, 5, 9, 3),
        "uint8",
        WIDE,
    ),
    "float32 logits": ({"softmax": True, "threshold": 0.4}, (1, 7, 4, 4), "float32", None),
    "one cell": ({"threshold": 0.0}, (1, 1, 1, 2), "float32", None),
}


@pytest.mark.parametrize("name", CASES)
def test_things_equal_numpy(name: str) -> None:
    options, shape, dtype, quant = CASES[name]
    runner = HeadRunner(description(**options), outputs_graph((shape, dtype, quant)))
    rng, total = np.random.default_rng(3), 0
    for _ in range(40):
        stored = runner.random(rng)
        wanted = decode(options, runner.real(stored))
        assert_same(runner.find(stored), wanted)
        total += len(wanted)
    assert total > 40 - (name == "one cell")


@pytest.fixture(scope="module")
def grid() -> HeadRunner:
    return HeadRunner(description(max_detections=4), outputs_graph(((1, 8, 8, 2), "float32", None)))


def drawn(*rows: str) -> np.ndarray:
    """Draw a grid: a digit is tenths of the thing's score."""
    values = np.zeros((1, 8, 8, 2), np.float32)
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            values[0, y, x, 1] = int(cell) / 10 if cell != "." else 0
    return values


def test_cells_that_touch_at_a_corner_are_one_thing(grid: HeadRunner) -> None:
    [thing] = grid.find(drawn("9.......", ".6......", "9......."))
    assert thing.box == (0, 0, 0.25, 0.375)
    assert thing.score == np.float32(0.9)
    assert thing.center == pytest.approx(((0.9 * 0.5 + 0.6 * 1.5 + 0.9 * 0.5) / 2.4 / 8, 1.5 / 8))


def test_cells_apart_are_things_of_their_own_by_falling_score(grid: HeadRunner) -> None:
    found = grid.find(drawn("6.7.8.9.", "........", "5......."))
    assert [round(thing.score, 1) for thing in found] == [0.9, 0.8, 0.7, 0.6]
    found = grid.find(drawn("6.6.6.6.", "........", "6......."))
    assert [thing.box[0] for thing in found] == [0, 0.25, 0.5, 0.75]


def test_a_spiral_is_one_thing(grid: HeadRunner) -> None:
    found = grid.find(drawn("99999999", ".......9", "9.9999.9", "99999999", "9.9999.9", "9......9"))
    assert len(found) == 1
    assert found[0].box == (0, 0, 1, 0.75)
    assert len(grid.find(np.ones((1, 8, 8, 2), np.float32))) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("softmax", [False, True])
def test_values_that_are_no_numbers(value: float, softmax: bool) -> None:
    options: dict[str, Any] = {"softmax": softmax}
    runner = HeadRunner(description(**options), outputs_graph(((1, 3, 3, 3), "float32", None)))
    stored = np.full((1, 3, 3, 3), value, np.float32)
    assert_same(runner.find(stored), decode(options, stored))
    stored[0, :, :, 2] = 0.75
    found = runner.find(stored)
    assert all(0 <= x <= 1 for item in found for x in (item.score, *item.center, *item.box))


@pytest.mark.parametrize(
    ("wrong", "shape", "message"),
    [
        ({"threshold": 2}, (1, 4, 4, 2), r"\[fomo\] threshold must be a number in \[0, 1\]"),
        (
            {"output": 1},
            (1, 4, 4, 2),
            r"\[fomo\] output must be below 1, the model's",
        ),
        ({}, (1, 4, 2), r"must be \[1, rows, columns, 1 \+ classes\]; is \[1, 4, 2\]"),
        ({}, (1, 4, 4, 1), r"must be \[1, rows, columns, 1 \+ classes\]"),
        ({}, (1, 4, 4, 4), r"labels must be as many as channels without .* \(3\); are 1"),
    ],
)
def test_what_does_not_fit_is_refused(
    wrong: dict[str, Any], shape: tuple[int, ...], message: str
) -> None:
    assert_refused({**description(**wrong), "labels": ["thing"]}, message, (shape, "float32", None))
