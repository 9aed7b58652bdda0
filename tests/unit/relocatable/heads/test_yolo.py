"""The heads `yolov5` and `yolov8`: compiled C against the same in NumPy."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from relocatable.errors import HeadError
from relocatable.graph.graph import Quant
from relocatable.heads import head_calls, load_head
from tests.head_runner import SCALES, WIDE, HeadRunner, assert_refused, outputs_graph
from tests.make_graph import GraphBuilder

ANCHORS = [[10, 13, 16, 30], [30, 61, 62, 45]]
SIDE = 64  # of the picture


class Box(NamedTuple):
    """A detection: label, score, corners."""

    label: int
    score: float
    box: tuple[float, ...]


def logistic(x: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-x)))


def boxes_of_centers(xywh: np.ndarray) -> np.ndarray:
    """Turn centres and sizes [N, 4] into corners, all clipped, the size first."""
    size = np.nan_to_num(xywh[:, 2:]).clip(0, 1) / 2
    corners = np.concatenate([xywh[:, :2] - size, xywh[:, :2] + size], 1)
    return np.asarray(np.nan_to_num(corners, nan=0.0).clip(0, 1))


def suppress(corners: np.ndarray, scores: np.ndarray, options: dict[str, Any]) -> list[Box]:
    """Take boxes greedily by their best class's score; `scores` are [N, classes]."""
    filled = np.where(np.isnan(scores), -np.inf, scores)
    labels = filled.argmax(1)
    best = np.nan_to_num(scores[np.arange(len(labels)), labels], nan=0.0).clip(0, 1)
    found: list[Box] = []
    for i in np.argsort(-best, kind="stable"):
        rivals = [f.box for f in found if f.label == labels[i]]
        if best[i] >= options.get("threshold", 0.5) and all(
            overlap(rival, corners[i]) <= options.get("iou", 0.4) for rival in rivals
        ):
            found.append(Box(int(labels[i]), float(best[i]), tuple(corners[i])))
    return found[: options.get("max_detections", 50)]


def overlap(a: Any, b: Any) -> float:
    w, h = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in (0, 1))
    if w <= 0 or h <= 0:
        return 0.0
    areas = sum((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b))
    return float(w * h / (areas - w * h))


def decode_v5(values: list[np.ndarray], options: dict[str, Any]) -> list[Box]:
    corners, scores = [], []
    for k, map_ in enumerate(values):
        if "anchors" in options:
            _, rows, columns, _ = map_.shape
            anchors = np.array(options["anchors"][k]).reshape(-1, 2)
            x = logistic(map_.reshape(rows, columns, len(anchors), -1).astype(np.float64))
            grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1)[:, :, None]
            x[..., :2] = (2 * x[..., :2] - 0.5 + grid) / (columns, rows)
            x[..., 2:4] = (2 * x[..., 2:4]) ** 2 * anchors / SIDE
            x = x.reshape(-1, x.shape[-1])
        else:
            x = map_[0].astype(np.float64)
            x[:, :4] /= SIDE if options.get("unit") == "pixels" else 1
        corners.append(boxes_of_centers(x[:, :4]))
        scores.append(x[:, 4:5] * x[:, 5:])
    return suppress(np.concatenate(corners), np.concatenate(scores), options)


def decode_v8(values: list[np.ndarray], options: dict[str, Any]) -> list[Box]:
    bins = options.get("reg_max", 0)
    if not bins:
        x = values[0][0].T.astype(np.float64)
        x[:, :4] /= SIDE if options.get("unit") == "pixels" else 1
        scores = logistic(x[:, 4:]) if options.get("sigmoid") else x[:, 4:]
        return suppress(boxes_of_centers(x[:, :4]), scores, options)
    corners, scores_of = [], []
    for map_ in values:
        _, rows, columns, _ = map_.shape
        x = map_.reshape(rows * columns, -1).astype(np.float64)
        e = np.exp(x[:, : 4 * bins].reshape(-1, 4, bins))
        far = (e * np.arange(bins)).sum(-1) / e.sum(-1)
        at = np.arange(rows * columns)
        middle = np.stack([at % columns, at // columns], 1) + 0.5
        size = np.array([columns, rows])
        corners.append(
            np.concatenate([middle - far[:, :2], middle + far[:, 2:]], 1) / [*size, *size]
        )
        scores_of.append(logistic(x[:, 4 * bins :]))
    return suppress(np.concatenate(corners).clip(0, 1), np.concatenate(scores_of), options)


def assert_same(seen: list[Any], wanted: list[Box]) -> None:
    assert [int(item.label) for item in seen] == [box.label for box in wanted]
    for item, box in zip(seen, wanted, strict=True):
        flat = (item.score, *item.box), (box.score, *box.box)
        np.testing.assert_allclose(*flat, rtol=0, atol=2e-6)


LOGITS = Quant((1 / 20,), (10,))
CASES: dict[str, tuple[str, dict[str, Any], list[tuple[int, ...]], str, Quant | None]] = {
    "v5 decoded": ("yolov5", {"threshold": 0.3}, [(1, 60, 8)], "int8", SCALES["int8"]),
    "v5 pixels": ("yolov5", {"unit": "pixels", "iou": 0.2}, [(1, 40, 6)], "float32", None),
    "v5 maps": (
        "yolov5",
        {"anchors": ANCHORS, "outputs": [0, 1], "threshold": 0.6, "max_detections": 9},
        [(1, 8, 6, 14), (1, 4, 3, 14)],
        "uint8",
        LOGITS,
    ),
    "v8 decoded": ("yolov8", {"threshold": 0.7}, [(1, 7, 50)], "uint8", SCALES["uint8"]),
    "v8 logits": (
        "yolov8",
        {"sigmoid": True, "unit": "pixels", "max_detections": 5},
        [(1, 6, 30)],
        "float32",
        None,
    ),
    "v8 maps": (
        "yolov8",
        {"reg_max": 4, "outputs": [0, 1], "threshold": 0.6},
        [(1, 6, 8, 18), (1, 3, 4, 18)],
        "int8",
        WIDE,
    ),
    "v8 map": ("yolov8", {"reg_max": 16}, [(1, 4, 4, 66)], "float32", None),
}


@pytest.mark.parametrize("name", CASES)
def test_boxes_equal_numpy(name: str) -> None:
    kind, options, shapes, dtype, quant = CASES[name]
    b = GraphBuilder()
    picture = b.input(1, SIDE, SIDE, 3, dtype="uint8")
    graph = b.graph(*(b.input(*shape, dtype=dtype, quant=quant) for shape in shapes))
    runner = HeadRunner({"head": kind, kind: options}, graph)
    rng, total = np.random.default_rng(4), 0
    assert graph.inputs[0] == picture
    pixels = np.zeros((1, SIDE, SIDE, 3), np.uint8)
    for _ in range(20):
        stored = [runner.random(rng, 1 + i) for i in range(len(shapes))]
        if dtype == "float32" and options.get("unit") == "pixels":
            in_rows = kind == "yolov5"
            stored[0][(..., slice(0, 4)) if in_rows else (0, slice(0, 4))] *= SIDE
        real = [runner.real(x, 1 + i) for i, x in enumerate(stored)]
        wanted = (decode_v5 if kind == "yolov5" else decode_v8)(real, options)
        assert_same(runner.find(pixels, *stored), wanted)
        total += len(wanted)
    assert total > 20


@pytest.mark.parametrize(
    ("kind", "options", "shape"),
    [
        ("yolov5", {}, (1, 4, 7)),
        ("yolov5", {"anchors": [[1, 1]]}, (1, 2, 2, 7)),
        ("yolov8", {}, (1, 6, 4)),
        ("yolov8", {"reg_max": 2}, (1, 2, 2, 10)),
    ],
)
def test_values_that_are_no_numbers(
    kind: str, options: dict[str, Any], shape: tuple[int, ...]
) -> None:
    b = GraphBuilder()
    b.input(1, SIDE, SIDE, 3, dtype="uint8")
    runner = HeadRunner(
        {"head": kind, kind: {"threshold": 0.0, **options}},
        b.graph(b.input(*shape, dtype="float32")),
    )
    pixels, rng = np.zeros((1, SIDE, SIDE, 3), np.uint8), np.random.default_rng(1)
    for value in (np.nan, np.inf, -np.inf, 3e38):
        for share in (1.0, 0.3):
            stored = rng.normal(0, 1, shape).astype(np.float32)
            stored[rng.random(shape) < share] = value
            for item in runner.find(pixels, stored):
                assert all(0 <= v <= 1 for v in (item.score, *item.box))


def test_a_class_score_that_is_no_number_hides_no_other() -> None:
    runner = HeadRunner(
        {"head": "yolov8", "yolov8": {}}, outputs_graph(((1, 7, 1), "float32", None))
    )
    stored = np.array([0.5, 0.5, 0.2, 0.4, np.nan, 0.75, np.nan], np.float32).reshape(1, 7, 1)
    [item] = runner.find(stored)
    assert (item.label, item.score) == ("1", 0.75)


@pytest.mark.parametrize(
    ("kind", "options", "shape", "message"),
    [
        ("yolov5", {}, (1, 9, 5), r"must have 1 \* \(5 \+ classes\) values last; have \[5\]"),
        ("yolov5", {}, (1, 9), r"must be one of three dimensions, if .*; are \[\[1, 9\]\]"),
        ("yolov5", {"anchors": [[1, 2, 3]]}, (1, 9, 9, 7), r"w, h above 0 of each anchor"),
        ("yolov5", {"anchors": [[1, 0]]}, (1, 9, 9, 7), r"w, h above 0 of each anchor"),
        ("yolov5", {"anchors": [[1, 1], [2, 2]]}, (1, 9, 9, 7), r"a list for each of 1 outputs"),
        ("yolov5", {"anchors": [[1, 1, 2, 2]]}, (1, 9, 9, 7), r"2 \* \(5 \+ classes\) values last"),
        ("yolov5", {"anchors": [[1, 1]]}, (1, 9, 7), r"must be \[1, rows, columns, channels\]"),
        ("yolov5", {"anchors": [[1, 1]], "unit": "pixels"}, (1, 9, 9, 7), r"unit must be one of"),
        ("yolov5", {"outputs": [0, 0]}, (1, 9, 7), r"outputs must be 1 to 8 different outputs"),
        ("yolov5", {"outputs": [0.5]}, (1, 9, 7), r"outputs must be 1 to 8 different outputs"),
        ("yolov5", {"outputs": [1]}, (1, 9, 7), r"outputs must be below 1, the model's"),
        ("yolov8", {}, (1, 4, 9), r"must have \[1, 4 \+ classes, boxes\]; have \[4\]"),
        ("yolov8", {"reg_max": 16}, (1, 9, 9, 64), r"must have 4 \* 16 \+ classes values last"),
        ("yolov8", {"reg_max": 1}, (1, 9, 9, 64), r"reg_max must be a whole number in \[2, 256\]"),
    ],
)
def test_what_does_not_fit_is_refused(
    kind: str, options: dict[str, Any], shape: tuple[int, ...], message: str
) -> None:
    assert_refused({"head": kind, kind: options}, message, (shape, "float32", None))


def test_labels_are_as_many_as_classes() -> None:
    head = load_head({"head": "yolov8", "labels": ["a"], "yolov8": {}})
    with pytest.raises(HeadError, match=r"labels must be as many as classes \(3\); are 1"):
        head_calls(head, outputs_graph(((1, 7, 9), "float32", None)))
