"""The head `segment`: compiled C against the same in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from relocatable.graph.graph import Quant
from tests.head_runner import SCALES, WIDE, HeadRunner, assert_refused, outputs_graph

Output = tuple[tuple[int, ...], str, Quant | None]


def description(**options: Any) -> dict[str, Any]:
    return {"head": "segment", "segment": options}


def classes_of(options: dict[str, Any], values: np.ndarray) -> np.ndarray:
    """Find the class of each pixel of real values, or of classes."""
    if values.dtype.kind in "iu":
        classes = values.reshape(values.shape[1:3]).astype(np.int64)
        return np.asarray(np.where((classes < 0) | (classes > 32767), -1, classes))
    if values.shape[3] > 1:
        number = np.where(np.isnan(values[0]), -np.inf, values[0])
        first = (~np.isnan(values[0])).argmax(-1)  # among all that are -inf or no number
        lowest = number.max(-1) == -np.inf
        return np.asarray(np.where(lowest, first, number.argmax(-1)))
    threshold = options.get("threshold", 0.5)
    if options.get("sigmoid"):
        threshold = np.log(threshold / (1 - threshold))
    return np.asarray(values[0, :, :, 0] >= np.float32(threshold), int)


def runs_of(options: dict[str, Any], classes: np.ndarray) -> list[tuple[int, ...]]:
    """List (class, row, start, length) of each run."""
    found: list[tuple[int, ...]] = []
    for row, line in enumerate(classes.tolist()):
        start = 0
        for x in range(1, len(line) + 1):
            if x == len(line) or line[x] != line[start]:
                found.append((line[start], row, start, x - start))
                start = x
    found = [run for run in found if run[0] != options.get("ignore")]
    most = options.get("most_runs", 500)
    if len(found) > most:
        found = [*found[: most - 1], (*found[most - 1][:3], 0)]
    return found


def plain(found: list[Any]) -> list[tuple[int, ...]]:
    assert all(item.label == str(item.number) for item in found)
    return [(item.number, item.row, item.start, item.length) for item in found]


CASES: dict[str, tuple[dict[str, Any], Output]] = {
    "int8": ({"ignore": 0}, ((1, 9, 7, 3), "int8", SCALES["int8"])),
    "uint8": ({"most_runs": 20}, ((1, 4, 8, 2), "uint8", WIDE)),
    "float32": ({"ignore": 2}, ((1, 6, 6, 4), "float32", None)),
    "one channel": ({"threshold": 0.25}, ((1, 8, 5, 1), "int8", SCALES["int8"])),
    "one logit": ({"threshold": 0.6, "sigmoid": True}, ((1, 5, 8, 1), "float32", None)),
    "one pixel": ({}, ((1, 1, 1, 2), "float32", None)),
}


@pytest.mark.parametrize("name", CASES)
def test_runs_of_scores_equal_numpy(name: str) -> None:
    options, output = CASES[name]
    runner = HeadRunner(description(**options), outputs_graph(output))
    rng, cut = np.random.default_rng(6), 0
    for _ in range(30):
        stored = runner.random(rng)
        if output[1] == "float32":
            stored[rng.random(stored.shape) < 0.3] = rng.choice(
                np.array([np.nan, 0.5, -np.inf], np.float32)
            )
        wanted = runs_of(options, classes_of(options, runner.real(stored)))
        assert plain(runner.find(stored)) == wanted
        cut += wanted[-1][3] == 0 if wanted else 0
    assert (cut > 0) == ("most_runs" in options)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_runs_of_whole_numbers_equal_numpy(dtype: str) -> None:
    shape = (1, 6, 11) if dtype == "int64" else (1, 6, 11, 1)
    options = {"ignore": 1}
    runner = HeadRunner(description(**options), outputs_graph((shape, dtype, None)))
    rng = np.random.default_rng(8)
    for _ in range(20):
        stored = rng.integers(0, 3, shape).astype(dtype)
        if dtype != "uint8":
            stored.reshape(-1)[:3] = -1, 32768, np.iinfo(dtype).min
        assert plain(runner.find(stored)) == runs_of(options, classes_of(options, stored))


@pytest.mark.parametrize(
    ("options", "output", "message"),
    [
        ({}, ((1, 4), "float32", None), r"must be \[1, rows, columns, classes\].* is \[1, 4\]"),
        (
            {},
            ((1, 4, 4, 2), "int32", None),
            r"must be \[1, rows, columns\] or .* is \[1, 4, 4, 2\]",
        ),
        ({}, ((1, 40000, 1, 2), "float32", None), r"each at most 32767"),
        ({}, ((1, 4, 4, 3), "float32", None), r"labels must be as many as classes \(3\); are 4"),
        ({}, ((1, 4, 4, 1), "float32", None), r"labels must be as many as classes \(2\); are 4"),
        ({}, ((1, 4, 4, 4), "int16", WIDE), r"must be int8, uint8, float32; is int16"),
        ({"sigmoid": True, "threshold": 1}, ((1, 4, 4, 1), "float32", None), "between 0 and 1"),
        ({"most_runs": 0}, ((1, 4, 4, 4), "float32", None), r"most_runs must be a whole number"),
        ({"ignore": "a"}, ((1, 4, 4, 4), "float32", None), r"ignore must be a whole number"),
    ],
)
def test_what_does_not_fit_is_refused(
    options: dict[str, Any], output: Output, message: str
) -> None:
    assert_refused({**description(**options), "labels": ["a", "b", "c", "d"]}, message, output)
