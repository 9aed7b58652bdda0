"""The head `anomaly`: compiled C against the same in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from relocatable.graph.graph import Quant
from relocatable.heads import load_head
from tests.head_runner import SCALES, WIDE, HeadRunner, assert_refused, outputs_graph
from tests.make_graph import GraphBuilder

CLUSTERS: dict[str, Any] = {
    "threshold": 0.5,
    "centers": [[0.0, 1.0, -1.0], [0.5, 0.25, 2.0]],
    "radii": [0.1, 0.3],
    "mean": [0.5, 0.5, 0.25],
    "std": [0.5, 2.0, 0.125],
}


def description(**options: Any) -> dict[str, Any]:
    return {"head": "anomaly", "anomaly": options}


def autoencoder(count: int, dtype: str, given: Quant | None, made: Quant | None) -> HeadRunner:
    """Make a model with two inputs whose output is the second."""
    b = GraphBuilder()
    b.input(1, count, dtype=dtype, quant=given)
    return HeadRunner(
        description(threshold=0.25), b.graph(b.input(1, count, dtype=dtype, quant=made))
    )


@pytest.mark.parametrize(
    ("dtype", "given", "made"),
    [("int8", WIDE, SCALES["int8"]), ("uint8", SCALES["uint8"], WIDE), ("float32", None, None)],
)
@pytest.mark.parametrize("count", [1, 64, 640])
def test_the_squared_difference_equals_numpy(
    dtype: str, given: Quant | None, made: Quant | None, count: int
) -> None:
    runner, rng = autoencoder(count, dtype, given, made), np.random.default_rng(9)
    for _ in range(10):
        x, y = runner.random(rng, 0), runner.random(rng, 1)
        difference = runner.real(x, 0).astype(np.float64) - runner.real(y, 1)
        wanted = np.mean(difference**2)
        [item] = runner.find(x, y)
        assert item.score == pytest.approx(wanted, rel=1e-5, abs=1e-7)
        assert item.is_anomaly == (wanted > 0.25)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_what_is_no_number_is_an_anomaly(value: float) -> None:
    runner = autoencoder(3, "float32", None, None)
    y = np.zeros((1, 3), np.float32)
    assert [item.is_anomaly for item in runner.find(y, y)] == [0]
    x = np.array([[0, value, 0]], np.float32)
    assert [item.is_anomaly for item in runner.find(x, y)] == [1]
    clusters = HeadRunner(description(**CLUSTERS), outputs_graph(((1, 3), "float32", None)))
    assert [item.is_anomaly for item in clusters.find(x)] == [1]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
def test_the_distance_to_clusters_equals_numpy(dtype: str) -> None:
    runner = HeadRunner(description(**CLUSTERS), outputs_graph(((1, 3), dtype, SCALES[dtype])))
    rng, anomalies = np.random.default_rng(5), 0
    for _ in range(30):
        stored = runner.random(rng)
        values = runner.real(stored).reshape(-1).astype(np.float64)
        plain = (values - CLUSTERS["mean"]) / np.array(CLUSTERS["std"])
        far = np.linalg.norm(plain - np.array(CLUSTERS["centers"]), axis=1) - CLUSTERS["radii"]
        [item] = runner.find(stored)
        assert item.score == pytest.approx(far.min(), rel=1e-5, abs=1e-5)
        assert item.is_anomaly == (item.score > 0.5)
        anomalies += item.is_anomaly
    assert 0 < anomalies <= 30


def test_clusters_are_no_metadata() -> None:
    metadata = load_head(description(**CLUSTERS)).metadata()
    assert metadata["head"] == {"kind": "anomaly", "output": 0, "threshold": 0.5}


@pytest.mark.parametrize(
    ("options", "shape", "message"),
    [
        ({}, (1, 3), r"\[anomaly\] threshold must be given"),
        ({"threshold": float("nan")}, (1, 3), r"threshold must be a number"),
        ({**CLUSTERS, "centers": []}, (1, 3), r"centers must be a list of lists of numbers"),
        (
            {**CLUSTERS, "centers": [[1], [1, 2]]},
            (1, 3),
            r"must be a list of lists of numbers, all",
        ),
        (
            {**CLUSTERS, "centers": [["a", 1, 1]]},
            (1, 3),
            r"centers must be lists of finite numbers",
        ),
        ({**CLUSTERS, "radii": [1]}, (1, 3), r"radii must be 2 numbers; is 1"),
        ({**CLUSTERS, "mean": [1]}, (1, 3), r"mean must be 3 numbers; is 1"),
        ({**CLUSTERS, "std": [1, 0, 1]}, (1, 3), r"std must be above 0"),
        ({"threshold": 1, "radii": [1]}, (1, 3), r"\[anomaly\] radii must be one of"),
        (CLUSTERS, (1, 4), r"centers must have as many values as output 't0' \(4\); have 3"),
    ],
)
def test_what_does_not_fit_is_refused(
    options: dict[str, Any], shape: tuple[int, ...], message: str
) -> None:
    assert_refused(description(**options), message, (shape, "float32", None))


def test_an_autoencoder_gives_as_much_as_it_gets() -> None:
    b = GraphBuilder()
    b.input(1, 4, dtype="float32")
    graph = b.graph(b.input(1, 3, dtype="float32"))
    with pytest.raises(Exception, match=r"as many values as input 't0' \(4\); has 3"):
        HeadRunner(description(threshold=1), graph)
