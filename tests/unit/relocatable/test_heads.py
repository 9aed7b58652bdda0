"""Heads: descriptions, and compiled C against the same decoding in NumPy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from relocatable.blob.blob import CLASS_DTYPE, DETECTION_DTYPE
from relocatable.blob.host import HostModel
from relocatable.compile import build_blob, schedule
from relocatable.errors import HeadError
from relocatable.graph.graph import Graph, Quant
from relocatable.heads import Head, head_calls, load_head
from relocatable.heads.classify import ClassifyHead
from relocatable.heads.grid import GridHead
from relocatable.targets import TARGETS
from tests.make_graph import GraphBuilder

BOXES: dict[str, Any] = {
    "head": "grid",
    "labels": ["coin"],
    "grid": {"layout": ["cx", "cy", "w", "h", "conf"]},
}
POINTS: dict[str, Any] = {
    "head": "grid",
    "grid": {"layout": ["x", "y", "conf"], "box": [0.1, 0.2]},
}
CLASSES: dict[str, Any] = {"head": "classify", "labels": ["a", "b", "c", "d"], "classify": {}}


def output_graph(*shape: int, dtype: str = "float32", quant: Quant | None = None) -> Graph:
    """Make a network whose output is its input: the head alone is at work."""
    b = GraphBuilder()
    x = b.input(*shape, dtype=dtype, quant=quant)
    return b.graph(x)


def changed(description: dict[str, Any], **table: Any) -> dict[str, Any]:
    """Change entries of the table of the description's kind; None takes one away."""
    kind = description["head"]
    merged = {**description[kind], **table}
    return {**description, kind: {k: v for k, v in merged.items() if v is not None}}


# ---- Descriptions ------------------------------------------------------------------------------


def test_grid_has_defaults() -> None:
    head = load_head(BOXES)
    assert isinstance(head, GridHead)
    assert (head.center, head.sigmoid, head.threshold, head.iou) == ("cell", (), 0.5, 0.4)
    assert (head.nested, head.max_detections, head.box, head.image) == (1.0, 50, None, None)


def test_classify_has_defaults() -> None:
    head = load_head(CLASSES)
    assert head == ClassifyHead(("a", "b", "c", "d"), None, 0, 3, False)


def test_metadata_carries_labels_head_and_image() -> None:
    head = load_head({**BOXES, "image": {"mean": [1, 2, 3], "std": 2.5}})
    metadata = head.metadata()
    assert metadata["labels"] == ["coin"]
    assert metadata["image"] == {"mean": [1.0, 2.0, 3.0], "std": [2.5]}
    assert metadata["head"]["kind"] == "grid"
    assert "image" not in load_head(BOXES).metadata()


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({}, "head must be given; is missing"),
        ({"head": "yolo"}, "head must be one of .*classify.*; is 'yolo'"),
        ({"head": "grid"}, "grid must be given; is missing"),
        ({"head": "grid", "grid": 3}, "grid must be a table; is 3"),
        ({**BOXES, "grit": {}}, "grit must be one of"),
        ({**BOXES, "labels": "coin"}, "labels must be a list of strings; is 'coin'"),
        ({**BOXES, "labels": ["a", "b"]}, "labels must be one without class scores; are 2"),
        ({**BOXES, "image": {"std": 0}}, r"\[image\] std must be other than 0"),
        ({**BOXES, "image": {"mean": "x"}}, r"\[image\] mean must be a finite number or a list"),
        (changed(BOXES, layout=None), r"\[grid\] layout must be given"),
        (changed(BOXES, layout=["cx", "cy", "w", "conf"]), r"\[grid\] layout must be names with"),
        (changed(BOXES, layout=["x", "cy", "w", "h", "conf"]), r"\[grid\] layout must be names"),
        (changed(BOXES, layout=["cx", "cy", "w", "h", "h"]), "must be different names"),
        (changed(BOXES, layout=["cx", "cy", "w", "h"]), "names with conf or with class scores"),
        (changed(BOXES, box=[0.1, 0.1]), r"\[grid\] box must be given for x, y and for nothing"),
        (changed(POINTS, box=None), r"\[grid\] box must be given for x, y"),
        (changed(POINTS, box=[0.1]), r"\[grid\] box must be \[width, height\]"),
        (changed(BOXES, sigmoid=["confidence"]), r"\[grid\] sigmoid must be names of the layout"),
        (changed(BOXES, threshold=1.5), r"threshold must be a number in \[0, 1\]; is 1.5"),
        (changed(BOXES, threshold=True), r"threshold must be a number in \[0, 1\]; is True"),
        (changed(BOXES, iou="much"), r"iou must be a number in \[0, 1\]; is 'much'"),
        (changed(BOXES, nested=-0.5), r"nested must be a number in \[0, 1\]; is -0.5"),
        (changed(BOXES, max_detections=0), r"max_detections must be a whole number in \[1, 1000\]"),
        (changed(BOXES, treshold=0.5), r"\[grid\] treshold must be one of"),
        (changed(CLASSES, top_k=0), r"\[classify\] top_k must be a whole number"),
        (changed(CLASSES, softmax=1), r"\[classify\] softmax must be true or false; is 1"),
        (changed(CLASSES, output=-1), r"\[classify\] output must be a whole number"),
    ],
)
def test_wrong_description_is_refused(description: dict[str, Any], message: str) -> None:
    with pytest.raises(HeadError, match=message):
        load_head(description)


@pytest.mark.parametrize(
    ("description", "graph", "message"),
    [
        (
            BOXES,
            output_graph(1, 4, 4, 6),
            r"layout must name each channel .* names 5, .* \[1, 4, 4, 6\]",
        ),
        (BOXES, output_graph(1, 5), "layout must name each channel"),
        (BOXES, output_graph(1, 4, 4, 5, dtype="int32"), "must be int8, uint8, float32; is int32"),
        (BOXES, output_graph(1, 4, 4, 5, dtype="int8"), "must have a scale; has none"),
        (
            CLASSES,
            output_graph(1, 5),
            r"labels must be as many as values of output 't0' \(5\); are 4",
        ),
        (changed(CLASSES, output=1), output_graph(1, 4), r"output must be below 1.*; is 1"),
    ],
)
def test_head_that_does_not_fit_the_model_is_refused(
    description: dict[str, Any], graph: Graph, message: str
) -> None:
    with pytest.raises(HeadError, match=message):
        head_calls(load_head(description), graph)


def test_result_has_room_for_the_most_there_can_be() -> None:
    graph, calls, kind, result = head_calls(load_head(BOXES), output_graph(1, 4, 4, 5))
    assert (kind, graph.tensors[result].size_bytes) == (1, 16 + 50 * 24)
    assert calls[0].outputs == (result,)
    graph, _, kind, result = head_calls(load_head(changed(CLASSES, top_k=9)), output_graph(1, 4))
    assert (kind, graph.tensors[result].size_bytes) == (2, 16 + 4 * 8)


# ---- The same in NumPy ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """A detection."""

    box: tuple[float, float, float, float]
    score: float
    label: int


def decode_grid(head: GridHead, output: np.ndarray) -> list[Found]:
    """Decode the detections of a real output [1, rows, columns, channels]."""
    _, rows, columns, _ = output.shape
    values = output.reshape(rows * columns, -1).astype(np.float64)
    channel = {
        name: 1 / (1 + np.exp(-values[:, i])) if name in head.sigmoid else values[:, i]
        for i, name in enumerate(head.layout)
    }
    score, label = channel.get("conf", np.ones(len(values))), np.zeros(len(values), int)
    if head.classes:
        classes = np.stack([channel[head.layout[i]] for i in head.classes])
        score, label = score * classes.max(0), classes.argmax(0)
    score = np.clip(score, 0, 1)
    x, y = (channel[n] if n in channel else channel[f"c{n}"] for n in "xy")
    if head.center == "cell":
        x = (np.arange(len(values)) % columns + x) / columns
        y = (np.arange(len(values)) // columns + y) / rows
    w, h = head.box or (channel["w"].clip(0, 1), channel["h"].clip(0, 1))
    boxes = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1).clip(0, 1)
    found: list[Found] = []
    for i in sorted(np.flatnonzero(score >= head.threshold), key=lambda i: (-score[i], i)):
        rivals = [f for f in found if f.label == label[i]]
        shares = [overlaps(f.box, boxes[i]) for f in rivals]
        if all(iou <= head.iou and nested <= head.nested for iou, nested in shares):
            found.append(Found(tuple(boxes[i]), float(score[i]), int(label[i])))
    return found[: head.max_detections]


def overlaps(a: Any, b: Any) -> tuple[float, float]:
    """Compute the intersection over the union, and over the smaller box."""
    w, h = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in (0, 1))
    if w <= 0 or h <= 0:
        return 0.0, 0.0
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return float(w * h / (sum(areas) - w * h)), float(w * h / min(areas))


def decode_classify(head: ClassifyHead, output: np.ndarray) -> list[tuple[int, float]]:
    """Find the best labels and their probabilities."""
    values = output.reshape(-1).astype(np.float64)
    best = np.argsort(-values, kind="stable")[: head.top_k]
    if head.softmax:
        values = np.exp(values - values.max())
        values /= values.sum()
    return [(int(i), float(values[i].clip(0, 1))) for i in best]


# ---- The compiled C ------------------------------------------------------------------------------


class Runner:
    """A head compiled for this machine, behind a network that gives out its input."""

    def __init__(self, head: Head, graph: Graph) -> None:
        program = schedule(graph, head, [TARGETS["host"]])
        self.tensor = graph.tensors[graph.outputs[0]]
        self.model = HostModel(build_blob("test", program, "size").pack())

    def run(self, stored: np.ndarray) -> bytes:
        self.model.write_inputs([stored])
        self.model.run(1)
        np.testing.assert_array_equal(self.model.outputs()[0], stored)
        return self.model.result(1)

    def detections(self, stored: np.ndarray) -> list[Found]:
        items = _items(self.run(stored), DETECTION_DTYPE)
        return [Found((d["x0"], d["y0"], d["x1"], d["y1"]), d["score"], d["label"]) for d in items]

    def classes(self, stored: np.ndarray) -> list[tuple[int, float]]:
        items = _items(self.run(stored), CLASS_DTYPE)
        return [(int(c["label"]), float(c["score"])) for c in items]


def _items(data: bytes, dtype: np.dtype) -> np.ndarray:
    count, *reserved = np.frombuffer(data, np.uint32, 4)
    assert not any(reserved)
    rest = np.frombuffer(data, np.uint8, offset=16 + int(count) * dtype.itemsize)
    assert not rest.any()
    return np.frombuffer(data, dtype, int(count), 16)


def real(stored: np.ndarray, quant: Quant | None) -> np.ndarray:
    """Compute the real values of stored ones, in single precision."""
    if quant is None:
        return stored
    return np.float32(quant.scale[0]) * (stored.astype(np.int32) - quant.zero_point[0]).astype(
        np.float32
    )


def random_output(graph: Graph, rng: np.random.Generator) -> np.ndarray:
    tensor = graph.tensors[graph.outputs[0]]
    if tensor.dtype == "float32":
        return rng.normal(0.3, 0.5, tensor.shape).astype(np.float32)
    return rng.integers(0, 256, tensor.shape, np.uint8).view(tensor.dtype)


def same_detections(seen: list[Found], wanted: list[Found]) -> None:
    assert len(seen) == len(wanted)
    for a, b in zip(seen, wanted, strict=True):
        assert a.label == b.label
        np.testing.assert_allclose((*a.box, a.score), (*b.box, b.score), rtol=0, atol=1e-6)


WIDE = Quant((1 / 64,), (-20,))
GRIDS = {
    "boxes": (BOXES, output_graph(1, 20, 20, 5, dtype="int8", quant=Quant((1 / 256,), (-128,)))),
    "nested": (changed(BOXES, iou=1.0, nested=0.6), output_graph(1, 5, 8, 5)),
    "points": (POINTS, output_graph(1, 7, 9, 3, dtype="uint8", quant=Quant((1 / 255,), (0,)))),
    "floats": (
        changed(BOXES, layout=["conf", "h", "w", "cy", "cx"], sigmoid=["conf", "cx"], iou=0.0),
        output_graph(1, 5, 8, 5),
    ),
    "classes": (
        {
            **changed(
                BOXES,
                layout=["a", "cx", "cy", "b", "w", "h", "conf", "c"],
                sigmoid=["a", "b", "c", "conf"],
                threshold=0.3,
            ),
            "labels": ["a", "b", "c"],
        },
        output_graph(1, 9, 6, 8, dtype="int8", quant=WIDE),
    ),
    "no conf": (
        {
            **changed(POINTS, layout=["x", "y", "a", "b"], center="image", max_detections=4),
            "labels": ["a", "b"],
        },
        output_graph(1, 6, 6, 4),
    ),
}


@pytest.mark.heavy
@pytest.mark.parametrize("name", GRIDS)
def test_grid_equals_numpy(name: str) -> None:
    description, graph = GRIDS[name]
    head = load_head(description)
    assert isinstance(head, GridHead)
    runner, rng = Runner(head, graph), np.random.default_rng(7)
    quant = graph.tensors[0].quant
    total = 0
    for _ in range(40):
        stored = random_output(graph, rng)
        wanted = decode_grid(head, real(stored, quant))
        same_detections(runner.detections(stored), wanted)
        total += len(wanted)
    assert total


def test_grid_of_equal_scores_takes_the_first_cells_first() -> None:
    head = load_head(changed(POINTS, box=[0.01, 0.01], max_detections=5))
    found = Runner(head, output_graph(1, 4, 4, 3)).detections(np.ones((1, 4, 4, 3), np.float32))
    assert [round(f.box[0] * 4) for f in found[:4]] == [1, 2, 3, 4]
    assert len(found) == 5


def test_grid_drops_a_box_within_a_better_one_only_if_told() -> None:
    cells = np.zeros((1, 1, 2, 5), np.float32)
    cells[0, 0] = [[0.5, 0.5, 0.5, 0.5, 0.9], [-0.5, 0.5, 0.2, 0.2, 0.8]]
    graph = output_graph(1, 1, 2, 5)
    keeps, drops = (Runner(load_head(changed(BOXES, nested=n)), graph) for n in (1.0, 0.9))
    assert len(keeps.detections(cells)) == 2
    assert [round(f.score, 3) for f in drops.detections(cells)] == [0.9]


def test_grid_clips_a_size_before_the_corners_are_made() -> None:
    cells = np.array([0.25, 0.5, 1.8, np.inf, 0.9], np.float32).reshape(1, 1, 1, 5)
    [found] = Runner(load_head(BOXES), output_graph(1, 1, 1, 5)).detections(cells)
    assert tuple(map(float, found.box)) == (0.0, 0.0, 0.75, 1.0)


def test_grid_survives_numbers_that_are_none() -> None:
    runner = Runner(load_head(BOXES), output_graph(1, 3, 3, 5))
    assert runner.detections(np.full((1, 3, 3, 5), np.nan, np.float32)) == []
    odd = np.full((1, 3, 3, 5), np.inf, np.float32)
    assert all(0 <= v <= 1 for f in runner.detections(odd) for v in (*f.box, f.score))
    odd[..., :4] = np.nan
    assert all(0 <= v <= 1 for f in runner.detections(odd) for v in (*f.box, f.score))


def test_a_higher_threshold_gives_the_first_of_the_same() -> None:
    low, high = (load_head(changed(BOXES, threshold=t, iou=0.1)) for t in (0.5, 0.8))
    graph = output_graph(1, 8, 8, 5)
    rng = np.random.default_rng(3)
    stored = rng.random((1, 8, 8, 5), np.float32)
    all_found = Runner(low, graph).detections(stored)
    assert [f for f in all_found if f.score >= 0.8] == Runner(high, graph).detections(stored)


CLASSIFIERS = {
    "probabilities": (CLASSES, output_graph(1, 4, dtype="int8", quant=Quant((1 / 256,), (-128,)))),
    "logits": (changed(CLASSES, softmax=True, top_k=4), output_graph(1, 4)),
    "bytes": (
        changed({**CLASSES, "labels": []}, softmax=True, top_k=10),
        output_graph(1, 100, dtype="uint8", quant=Quant((0.1,), (120,))),
    ),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classify_equals_numpy(name: str) -> None:
    description, graph = CLASSIFIERS[name]
    head = load_head(description)
    assert isinstance(head, ClassifyHead)
    runner, rng = Runner(head, graph), np.random.default_rng(5)
    for _ in range(40):
        stored = random_output(graph, rng)
        wanted = decode_classify(head, real(stored, graph.tensors[0].quant))
        seen = runner.classes(stored)
        assert [i for i, _ in seen] == [i for i, _ in wanted]
        np.testing.assert_allclose([s for _, s in seen], [s for _, s in wanted], rtol=0, atol=1e-6)


def test_classify_leaves_out_what_is_no_number() -> None:
    runner = Runner(load_head(CLASSES), output_graph(1, 4))
    stored = np.array([[np.nan, 0.5, np.nan, 0.75]], np.float32)
    assert runner.classes(stored) == [(3, 0.75), (1, 0.5)]
    assert runner.classes(np.full((1, 4), np.nan, np.float32)) == []


def test_classify_of_the_second_output() -> None:
    b = GraphBuilder()
    x, y = b.input(1, 2, dtype="float32"), b.input(1, 4, dtype="float32")
    graph = replace(b.graph(x, y), inputs=(x, y))
    head = load_head(changed(CLASSES, output=1, top_k=1))
    program = schedule(graph, head, [TARGETS["host"]])
    with HostModel(build_blob("test", program, "size").pack()) as model:
        model.write_inputs([np.ones((1, 2), np.float32), np.array([[0, 0.25, 1, 0.5]], np.float32)])
        model.run(1)
        assert _items(model.result(1), CLASS_DTYPE)["label"].tolist() == [2]
