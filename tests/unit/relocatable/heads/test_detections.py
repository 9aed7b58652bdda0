"""The head `detections`: compiled C against the same in NumPy, and its guess."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from relocatable.graph.graph import Graph
from relocatable.heads import guess_head, load_head
from relocatable.ops.detection_postprocess import KIND
from tests.conftest import ROOT
from tests.head_runner import UINT8, HeadRunner, OutputKind, assert_refused, outputs_graph
from tests.make_graph import GraphBuilder

SLOTS = 12


def description(**options: Any) -> dict[str, Any]:
    return {"head": "detections", "detections": options}


def outputs(slots: int = SLOTS) -> list[OutputKind]:
    shapes = ((1, slots, 4), (1, slots), (1, slots), (1,))
    return [(shape, "float32", None) for shape in shapes]


def decode(options: dict[str, Any], boxes: Any, classes: Any, scores: Any, count: Any) -> list[Any]:
    """Take boxes of several classes, none of which overlap too much."""
    first, found = options.get("first_class", 0), []
    most, threshold = options.get("max_detections", 50), options.get("threshold", 0.5)
    for at in np.argsort(-np.nan_to_num(scores[0, : int(count[0])]), kind="stable"):
        score = float(np.clip(np.nan_to_num(scores[0, at], nan=0.0), 0, 1))
        y0, x0, y1, x1 = np.clip(np.nan_to_num(boxes[0, at]), 0, 1)
        label = int(classes[0, at]) - first
        if score >= threshold and label >= 0 and x1 > x0 and y1 > y0:
            found.append((label, score, (x0, y0, x1, y1)))
    return found[:most]


@pytest.mark.parametrize(
    "options", [{}, {"threshold": 0.2, "first_class": 1}, {"max_detections": 3}], ids=str
)
def test_boxes_equal_numpy(options: dict[str, Any]) -> None:
    runner = HeadRunner(description(**options), outputs_graph(*outputs()))
    rng, total = np.random.default_rng(4), 0
    for count in range(SLOTS + 1):
        boxes, _, scores, _ = (runner.random(rng, i) for i in range(4))
        classes = rng.integers(0, 5, (1, SLOTS)).astype(np.float32)
        given = (boxes, classes, scores, np.array([count], np.float32))
        seen, wanted = runner.find(*given), decode(options, *given)
        assert [int(item.label) for item in seen] == [label for label, _, _ in wanted]
        for item, (_, score, box) in zip(seen, wanted, strict=True):
            np.testing.assert_allclose((item.score, *item.box), (score, *box), rtol=0, atol=1e-6)
        total += len(seen)
    assert total > SLOTS / 2


def boxes_at(*scores: float, count: float | None = None) -> list[np.ndarray]:
    """Make equal boxes of class 0 with such scores."""
    boxes = np.zeros((1, SLOTS, 4), np.float32)
    boxes[0, :, 2:] = 0.5
    shares = np.zeros((1, SLOTS), np.float32)
    shares[0, : len(scores)] = scores
    number = np.array([len(scores) if count is None else count], np.float32)
    return [boxes, np.zeros((1, SLOTS), np.float32), shares, number]


def test_they_are_suppressed_only_if_asked() -> None:
    given = boxes_at(0.9, 0.8)
    for iou, wanted in ((1.0, 2), (0.5, 1)):
        runner = HeadRunner(description(iou=iou), outputs_graph(*outputs()))
        assert len(runner.find(*given)) == wanted


@pytest.mark.parametrize(
    ("count", "wanted"),
    [(np.nan, 0), (-3, 0), (-np.inf, 0), (1, 1), (1e30, 2), (np.inf, 2), (2.9, 2)],
)
def test_any_count_is_bounded(count: float, wanted: int) -> None:
    runner = HeadRunner(description(), outputs_graph(*outputs()))
    assert len(runner.find(*boxes_at(0.9, 0.8, count=count))) == wanted


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -1.0, 1e9])
def test_a_class_that_is_none_is_left_out(value: float) -> None:
    runner = HeadRunner(description(), outputs_graph(*outputs()))
    boxes, classes, scores, count = boxes_at(0.9, 0.8)
    classes[0, 0] = value
    assert [item.score for item in runner.find(boxes, classes, scores, count)] == [np.float32(0.8)]


def test_bytes_and_no_count() -> None:
    kinds = [(shape, "uint8", UINT8) for shape in ((1, 3, 4), (1, 3))]
    graph = outputs_graph(kinds[0], ((1, 3), "float32", None), kinds[1])
    runner = HeadRunner(description(count=-1), graph)
    boxes = np.array([[[0, 0, 255, 255], [0, 0, 0, 9], [51, 0, 102, 255]]], np.uint8)
    found = runner.find(
        boxes, np.array([[2, 1, 0]], np.float32), np.array([[200, 255, 255]], np.uint8)
    )
    assert [int(item.label) for item in found] == [0, 2]
    assert found[0].box == pytest.approx((0, 0.2, 1, 0.4))


@pytest.mark.heavy
def test_the_example_finds_the_coins(tmp_path: Path) -> None:
    example = ROOT / "examples" / "heads" / "detections.py"
    command = [sys.executable, str(example), "-o", str(tmp_path / "coins.png")]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)}
    )
    numbers = re.fullmatch(r"\d+ bytes; (\d+) boxes; (\d+) of 24 coins .*", done.stdout.strip())
    assert numbers is not None
    assert 20 < int(numbers[2]) <= int(numbers[1]) < 28


def network(*order: int, kind: str = KIND) -> Graph:
    """Make a network whose boxes, classes, scores and count go out in an order."""
    b = GraphBuilder()
    b.input(1, 64, 64, 3, dtype="float32")
    made = [b.tensor(*shape, dtype="float32") for shape, _, _ in outputs()]
    b.op(kind, (0,), *made)
    return b.graph(*(made[i] for i in order))


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 0, 3, 1), (1, 2, 0)])
def test_it_is_guessed_in_any_order(order: tuple[int, ...]) -> None:
    guessed = guess_head(network(*order), {})
    keys = ("boxes", "classes", "scores", "count")
    table = {key: order.index(i) if i in order else -1 for i, key in enumerate(keys)}
    assert (guessed.kind, guessed.description["detections"]) == ("detections", table)
    load_head(guessed.description)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"boxes": 4}, r"\[detections\] boxes must be below 4"),
        ({"boxes": 1}, r"must be boxes \[1, N, 4\]; is \[1, 12\]"),
        ({"scores": 3}, r"must have 12 elements for boxes \[1, 12, 4\]; is \[1\]"),
        ({"count": 2}, r"must have 1 elements"),
        ({"classes": -1}, r"\[detections\] classes must be"),
    ],
)
def test_what_does_not_fit_is_refused(wrong: dict[str, Any], message: str) -> None:
    assert_refused(description(**wrong), message, *outputs())
