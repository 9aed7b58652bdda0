"""The head `keypoints`: compiled C against the same in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from relocatable.graph.graph import Quant
from tests.head_runner import SCALES, WIDE, HeadRunner, assert_refused, outputs_graph
from tests.make_graph import GraphBuilder

Output = tuple[tuple[int, ...], str, Quant | None]


def description(**options: Any) -> dict[str, Any]:
    return {"head": "keypoints", "keypoints": options}


def logistic(x: Any) -> Any:
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-np.float64(x)))


def unit(x: Any) -> float:
    return float(np.clip(np.nan_to_num(x, nan=0.0), 0, 1))


def decode_maps(
    options: dict[str, Any],
    maps: np.ndarray,
    offsets: np.ndarray | None = None,
    picture: tuple[int, int] = (1, 1),
) -> list[tuple[float, ...]]:
    """Find score, x and y of each map; offsets are in pixels."""
    _, rows, columns, count = maps.shape
    corners = options.get("align") == "corners"
    found: list[tuple[float, ...]] = []
    for k in range(count):
        plane = maps[0, :, :, k].astype(np.float64)
        if np.isnan(plane).all():
            found.append((0.0, 0.0, 0.0))
            continue
        at = np.unravel_index(np.nanargmax(plane), plane.shape)
        point = []
        for cell, cells, pixels, o in (
            (at[1], columns, picture[1], count + k),
            (at[0], rows, picture[0], k),
        ):
            place = cell * (pixels - 1) / (cells - 1) / pixels if corners else (cell + 0.5) / cells
            moved = offsets[0, at[0], at[1], o] / pixels if offsets is not None else 0.0
            point.append(unit(place + moved))
        score = logistic(plane[at]) if options.get("sigmoid") else plane[at]
        found.append((unit(score), *point))
    return found


def assert_same(seen: list[Any], wanted: list[tuple[float, ...]]) -> None:
    assert [int(item.label) for item in seen] == list(range(len(wanted)))
    flat = [(item.score, *item.point) for item in seen]
    np.testing.assert_allclose(flat, wanted, rtol=0, atol=1e-6)


MAPS: dict[str, tuple[dict[str, Any], Output]] = {
    "int8": ({}, ((1, 12, 9, 5), "int8", SCALES["int8"])),
    "uint8": ({"sigmoid": True}, ((1, 3, 4, 2), "uint8", WIDE)),
    "float32": ({}, ((1, 7, 5, 17), "float32", None)),
}


@pytest.mark.parametrize("name", MAPS)
def test_points_of_heat_maps_equal_numpy(name: str) -> None:
    options, output = MAPS[name]
    runner = HeadRunner(description(**options), outputs_graph(output))
    rng = np.random.default_rng(1)
    for _ in range(30):
        stored = runner.random(rng)
        assert_same(runner.find(stored), decode_maps(options, runner.real(stored)))


def test_offsets_are_pixels_of_the_picture() -> None:
    b = GraphBuilder()
    picture = b.input(1, 33, 65, 3, dtype="uint8")
    maps = b.input(1, 3, 5, 4, dtype="float32")
    offsets = b.input(1, 3, 5, 8, dtype="int8", quant=WIDE)
    graph = b.graph(offsets, maps)
    assert graph.inputs[0] == picture
    options = {"output": 1, "offsets": 0, "align": "corners", "sigmoid": True}
    runner, rng = HeadRunner(description(**options), graph), np.random.default_rng(2)
    pixels = np.zeros((1, 33, 65, 3), np.uint8)
    for _ in range(30):
        stored, moved = runner.random(rng, 1), runner.random(rng, 2)
        runner.model.write_inputs([pixels, stored, moved])
        runner.model.run(1)
        wanted = decode_maps(options, stored, runner.real(moved, 2), (33, 65))
        assert_same(runner.model.items(1), wanted)


def test_maps_without_numbers_and_with_equal_ones() -> None:
    runner = HeadRunner(description(), outputs_graph(((1, 2, 2, 3), "float32", None)))
    stored = np.full((1, 2, 2, 3), np.nan, np.float32)
    stored[0, :, :, 1] = 0.5
    stored[0, 1, 1, 2] = np.inf
    wanted: list[tuple[float, ...]] = [(0, 0, 0), (0.5, 0.25, 0.25), (1, 0.75, 0.75)]
    assert_same(runner.find(stored), wanted)


LAYOUTS: dict[str, tuple[list[str], Output]] = {
    "movenet": (["y", "x", "score"], ((1, 1, 17, 3), "float32", None)),
    "flat": (["x", "y", "z"], ((1, 30), "uint8", SCALES["uint8"])),
    "pairs": (["x", "y"], ((1, 5, 2), "int8", SCALES["int8"])),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_points_of_values_equal_numpy(name: str) -> None:
    layout, output = LAYOUTS[name]
    sigmoid = name == "movenet"
    runner = HeadRunner(description(layout=layout, sigmoid=sigmoid), outputs_graph(output))
    rng = np.random.default_rng(4)
    for _ in range(30):
        stored = runner.random(rng)
        rows = runner.real(stored).reshape(-1, len(layout)).astype(np.float64)
        values = {key: rows[:, i] for i, key in enumerate(layout)}
        scores = logistic(values["score"]) if sigmoid else np.ones(len(rows))
        wanted = np.stack([scores, values["x"], values["y"]], 1).clip(0, 1)
        assert_same(runner.find(stored), [tuple(row) for row in wanted])


def test_pixels_become_shares_of_the_picture() -> None:
    graph = outputs_graph(((1, 4, 8, 2), "float32", None))
    runner = HeadRunner(description(layout=["x", "y"], unit="pixels"), graph)
    stored = np.tile(np.array([2, 1], np.float32), 32).reshape(1, 4, 8, 2)
    stored[0, 0, 0] = np.nan
    found = runner.find(stored)
    assert found[0].point == (0, 0)
    assert {item.point for item in found[1:]} == {(0.25, 0.25)}
    assert {item.score for item in found} == {1}


@pytest.mark.parametrize(
    ("options", "shape", "message"),
    [
        ({"layout": ["x", "x"]}, (1, 4), r"layout must be different names of x, y, z and score"),
        ({"layout": ["x", "z"]}, (1, 4), r"layout must be different names of x, y, z and score"),
        ({"layout": ["x", "y", "score"]}, (1, 4), r"must name each value .* \[1, 4\]; names 3"),
        ({"layout": ["x", "y"], "offsets": 1}, (1, 4), r"\[keypoints\] offsets must be one of"),
        ({"layout": ["x", "y"], "unit": "pixels"}, (1, 4), r"must be a picture .* is \[1, 4\]"),
        ({}, (1, 4), r"layout must be given, or output 't0' be .* is \[1, 4\]"),
        ({"offsets": 1}, (1, 2, 2, 3), r"offsets must be below 1"),
        ({"offsets": 0}, (1, 2, 2, 3), r"offsets must be an output \[1, 2, 2, 6\]; 't0' is"),
        ({}, (1, 2, 2, 3), r"labels must be as many as keypoints \(3\); are 1"),
    ],
)
def test_what_does_not_fit_is_refused(
    options: dict[str, Any], shape: tuple[int, ...], message: str
) -> None:
    labels = ["a"] if message.startswith("labels") else []
    assert_refused({**description(**options), "labels": labels}, message, (shape, "float32", None))
