"""The head `ssd`: anchors, descriptions, compiled C against NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from relocatable.blob.blob import RESULT_DESCRIBED, RESULT_DETECTIONS
from relocatable.blob.host import HostModel
from relocatable.compile import build_blob, schedule
from relocatable.errors import HeadError
from relocatable.graph.graph import Graph, Quant
from relocatable.heads import head_calls, load_head
from relocatable.heads.ssd import SsdHead
from relocatable.targets import TARGETS
from tests.make_graph import GraphBuilder

FACES: dict[str, Any] = {"strides": [8, 16, 16, 16], "fixed_size": True, "keypoints": 6}


def load(labels: tuple[str, ...] = (), **table: Any) -> SsdHead:
    head = load_head({"head": "ssd", "labels": list(labels), "ssd": table})
    assert isinstance(head, SsdHead)
    return head


def outputs_graph(
    counts: tuple[int, ...],
    width: int,
    columns: int,
    dtype: str = "float32",
    quants: tuple[Quant | None, Quant | None] = (None, None),
) -> Graph:
    """Make a network that gives out its inputs: codes of each map, then scores."""
    b = GraphBuilder()
    codes = [b.input(1, n, width, dtype=dtype, quant=quants[0]) for n in counts]
    scores = [b.input(1, n, columns, dtype=dtype, quant=quants[1]) for n in counts]
    return b.graph(*codes, *scores)


# ---- Anchors -------------------------------------------------------------------------------------


def test_anchors_of_one_stride_are_merged_cell_by_cell() -> None:
    anchors = load(**FACES).anchors.make(128, 128)
    assert anchors.shape == (16 * 16 * 2 + 8 * 8 * 6, 4)
    np.testing.assert_array_equal(anchors[:, 2:], 1)
    np.testing.assert_allclose(anchors[:4, 0] * 32, [1, 1, 3, 3])
    np.testing.assert_allclose(anchors[511 : 511 + 8, 0] * 32, [31, *[2] * 6, 6])
    np.testing.assert_allclose(anchors[-1, :2], 15 / 16)


def test_anchors_have_the_shapes_of_the_object_detection_api() -> None:
    """The figures are those of create_ssd_anchors for SSD MobileNet, computed by hand."""
    ratios = [1.0, 2.0, 0.5, 3.0, 1 / 3]
    table: dict[str, Any] = {"feature_maps": [19, 10, 5, 3, 2, 1], "reduce_lowest": True}
    anchors = load(aspect_ratios=ratios, **table).anchors.make(1, 1)
    assert len(anchors) == 19 * 19 * 3 + (100 + 25 + 9 + 4 + 1) * 6 == 1917
    np.testing.assert_allclose(anchors[:3, :2], 0.5 / 19, rtol=1e-6)
    r2 = 2**0.5
    lowest = [(0.1, 0.1), (0.2 * r2, 0.2 / r2), (0.2 / r2, 0.2 * r2)]
    np.testing.assert_allclose(anchors[:3, 2:], lowest, rtol=1e-6)
    second = [(0.35 * r**0.5, 0.35 / r**0.5) for r in ratios] + [((0.35 * 0.5) ** 0.5,) * 2]
    np.testing.assert_allclose(anchors[1083:1089, 2:], second, rtol=1e-6)
    np.testing.assert_allclose(anchors[-1], (0.5, 0.5, 0.95**0.5, 0.95**0.5), rtol=1e-6)


def test_maps_that_are_given_are_not_merged() -> None:
    given = load(feature_maps=[2, 2], interpolated=0).anchors.make(1, 1)
    merged = load(strides=[64, 64], interpolated=0).anchors.make(128, 128)
    np.testing.assert_allclose(given[:, 2], [0.2] * 4 + [0.95] * 4, rtol=1e-6)
    np.testing.assert_allclose(merged[:, 2], [0.2, 0.95] * 4, rtol=1e-6)


def test_a_stride_counts_the_cell_that_sticks_out() -> None:
    assert len(load(strides=[16], interpolated=0).anchors.make(17, 33)) == 2 * 3


# ---- Descriptions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, r"\[ssd\] must have either strides or feature_maps"),
        ({"strides": [8], "feature_maps": [4]}, "either strides or feature_maps"),
        ({"strides": [0]}, r"strides must be 1 to 16 whole numbers in \[1, 4096\]; is \[0.0\]"),
        ({"strides": [8] * 17}, "strides must be 1 to 16"),
        ({"feature_maps": [2.5]}, "feature_maps must be 1 to 16 whole numbers"),
        ({"strides": [8], "aspect_ratios": [0]}, "aspect_ratios must be 1 to 16 numbers"),
        ({"strides": [8], "scales": 0}, "scales must be one number, or those of x, y, w, h"),
        ({"strides": [8], "scales": [1, 2]}, "scales must be one number"),
        ({"strides": [8], "scores": [1, 2]}, r"scores must be as many as boxes \(1\)"),
        ({"strides": [8], "boxes": [-1]}, "boxes must be 1 to 8 numbers of outputs"),
        ({"strides": [8], "keypoints": 65}, r"keypoints must be a whole number in \[0, 64\]"),
        ({"strides": [8], "points": ["eye", "eye"]}, "points must be different names"),
        ({"strides": [8], "points": ["box"]}, "points must be 1 to 29 plain names other than"),
        ({"strides": [8], "points": ["class"]}, "points must be 1 to 29 plain names"),
        ({"strides": [8], "points": ["a"], "keypoints": 2}, r"keypoints must be .* \[1, 1\]"),
        ({"strides": [8], "classes": 3}, r"classes must be as many as labels \(2\); is 3"),
        ({"strides": [8], "order": "xyhw"}, "order must be one of xywh, yxhw"),
        ({"strides": [8], "score_limit": 0}, "score_limit must be a number in"),
        ({"strides": [8], "nested": 0.5, "suppression": "weighted"}, "nested must be 1 with"),
        ({"strides": [8], "stride": 8}, r"\[ssd\] stride must be one of"),
    ],
)
def test_wrong_description_is_refused(table: dict[str, Any], message: str) -> None:
    with pytest.raises(HeadError, match=message):
        load(("a", "b"), **table)


@pytest.mark.parametrize(
    ("table", "graph", "message"),
    [
        ({"strides": [8]}, outputs_graph((8,), 4, 1), r"strides need an input \[1, height"),
        ({"feature_maps": [2]}, outputs_graph((9,), 4, 1), r"anchors must be 9, as boxes; are 8"),
        ({"feature_maps": [2]}, outputs_graph((8,), 4, 2), "must have 4 and 1 values for each"),
        ({"feature_maps": [2]}, outputs_graph((8,), 5, 1), "must have 4 and 1 values for each"),
        ({"feature_maps": [2], "boxes": 2}, outputs_graph((8,), 4, 1), "must be below 2, the"),
        ({"feature_maps": [4096]}, outputs_graph((8,), 4, 1), "must have 1 to 65536 anchors"),
        ({"feature_maps": [2]}, outputs_graph((8,), 4, 1, "int8"), "must have a scale; has none"),
        ({"feature_maps": [2]}, outputs_graph((8,), 4, 1, "int32"), "must be int8, uint8, float32"),
    ],
)
def test_head_that_does_not_fit_the_model_is_refused(
    table: dict[str, Any], graph: Graph, message: str
) -> None:
    with pytest.raises(HeadError, match=message):
        head_calls(load(**table), graph)


def test_keypoints_are_fields_of_the_result() -> None:
    maps: dict[str, Any] = {"feature_maps": [2], "interpolated": 0}
    graph, _, kind, result = head_calls(load(**maps), outputs_graph((4,), 4, 1))
    assert (kind, graph.tensors[result].size_bytes) == (RESULT_DETECTIONS, 16 + 50 * 24)
    pair = outputs_graph((4,), 8, 1)
    graph, _, kind, result = head_calls(load(**maps, keypoints=2), pair)
    assert (kind, graph.tensors[result].size_bytes) == (RESULT_DESCRIBED, 16 + 50 * 40)
    named = load(**maps, points=["left_eye", "nose"]).item_record()
    assert [f.name for f in named.fields] == ["label", "score", "box", "left_eye", "nose"]


# ---- The same in NumPy ---------------------------------------------------------------------------


@dataclass
class Found:
    """A detection; its values are corners and keypoints."""

    values: np.ndarray
    score: float
    label: int


def decode(head: SsdHead, codes: np.ndarray, scores: np.ndarray) -> list[Found]:
    """Decode the boxes of all anchors that reach the threshold, the best first."""
    anchors = head.anchors.make(1, 1).astype(np.float64)
    pairs = codes.astype(np.float64).reshape(len(anchors), -1, 2)
    if head.order == "yxhw":
        pairs = pairs[..., ::-1]
    center, size = anchors[:, None, :2], anchors[:, None, 2:]
    points = pairs / head.scales[:2] * size + center
    sides = pairs[:, 1] / head.scales[2:]
    half = (np.exp(sides) if head.size == "exp" else sides) * size[:, 0] / 2
    values = np.concatenate([points[:, 0] - half, points[:, 0] + half], 1)
    values = np.concatenate([values, points[:, 2:].reshape(len(anchors), -1)], 1)
    kept = np.nan_to_num(scores.astype(np.float64), nan=-np.inf)[:, int(head.background) :]
    label, best = kept.argmax(1), kept.max(1)
    if head.sigmoid:
        best = 1 / (1 + np.exp(-best.clip(-head.score_limit, head.score_limit)))
    best = best.clip(0, 1)
    real = (values[:, 2] > values[:, 0]) & (values[:, 3] > values[:, 1])
    rank = sorted(np.flatnonzero(real & (best >= head.threshold)), key=lambda i: (-best[i], i))
    return [Found(values[i], float(best[i]), int(label[i])) for i in rank]


def suppress(head: SsdHead, boxes: list[Found]) -> list[Found]:
    """Drop or average what overlaps a better box, as MediaPipe does."""
    found: list[Found] = []
    while boxes and len(found) < head.max_detections:
        best = boxes[0]
        same = [b for b in boxes[1:] if b.label == best.label and too_close(head, best, b)]
        boxes = [b for b in boxes[1:] if not any(b is other for other in same)]
        values = best.values
        if head.suppression == "weighted" and best.score > 0:
            group = [best, *same]
            values = np.average([b.values for b in group], 0, [b.score for b in group])
        found.append(Found(values.clip(0, 1), best.score, best.label))
    return found


def too_close(head: SsdHead, a: Found, b: Found) -> bool:
    low, high = np.maximum(a.values[:2], b.values[:2]), np.minimum(a.values[2:4], b.values[2:4])
    if (high <= low).any():
        return False
    areas = [float(np.prod(f.values[2:4] - f.values[:2])) for f in (a, b)]
    both = float(np.prod(high - low))
    return both > head.iou * (sum(areas) - both) or both > head.nested * min(areas)


# ---- The compiled C ------------------------------------------------------------------------------


def compiled(head: SsdHead, graph: Graph) -> HostModel:
    return HostModel(build_blob("test", schedule(graph, head, [TARGETS["host"]]), "size").pack())


def run(model: HostModel, head: SsdHead, inputs: list[np.ndarray]) -> list[Found]:
    model.write_inputs(inputs)
    model.run(1)
    record, data = head.item_record(), model.result(1)
    count = int.from_bytes(data[:4], "little")
    assert not any(data[4:16])
    assert not any(data[16 + count * record.item_bytes :])
    floats = np.frombuffer(data, np.float32, offset=16).reshape(-1, record.item_bytes // 4)[:count]
    labels = floats.view(np.int32)[:, 5]
    return [
        Found(np.delete(row, (4, 5)), float(row[4]), int(label))
        for row, label in zip(floats, labels, strict=True)
    ]


def same(seen: list[Found], wanted: list[Found]) -> None:
    assert [f.label for f in seen] == [f.label for f in wanted]
    for a, b in zip(seen, wanted, strict=True):
        np.testing.assert_allclose((*a.values, a.score), (*b.values, b.score), rtol=0, atol=2e-6)


def random_inputs(graph: Graph, rng: np.random.Generator) -> list[np.ndarray]:
    def values(shape: tuple[int, ...], dtype: str) -> np.ndarray:
        if dtype == "float32":
            return rng.normal(0, 1, shape).astype(dtype)
        return rng.integers(0, 256, shape, np.uint8).view(dtype)

    return [values(graph.tensors[i].shape, graph.tensors[i].dtype) for i in graph.inputs]


def real(stored: np.ndarray, quant: Quant | None) -> np.ndarray:
    if quant is None:
        return stored
    steps = (stored.astype(np.int32) - quant.zero_point[0]).astype(np.float32)
    return np.float32(quant.scale[0]) * steps


def joined(graph: Graph, inputs: list[np.ndarray], half: int, width: int) -> np.ndarray:
    tensors = [graph.tensors[i] for i in graph.inputs]
    parts = [
        real(stored, tensor.quant).reshape(-1, width)
        for stored, tensor in zip(inputs, tensors, strict=True)
    ]
    count = len(parts) // 2
    return np.concatenate(parts[:count] if half == 0 else parts[count:])


FINE, COARSE = Quant((1 / 48,), (-10,)), Quant((1 / 16,), (5,))
HEADS: dict[str, tuple[SsdHead, Graph]] = {
    "plain": (
        load(feature_maps=[4], interpolated=0, scales=3, iou=0.2),
        outputs_graph((16,), 4, 1),
    ),
    "mobilenet": (
        load(
            ("a", "b", "c"),
            feature_maps=[5, 3],
            aspect_ratios=[1, 2, 0.5],
            reduce_lowest=True,
            boxes=[0, 1],
            scores=[2, 3],
            background=True,
            scales=[10, 10, 5, 5],
            order="yxhw",
            size="exp",
            iou=0.6,
            nested=0.8,
            max_detections=20,
        ),
        outputs_graph((75, 36), 4, 4, "int8", (COARSE, COARSE)),
    ),
    "faces": (
        load(
            ("face",),
            feature_maps=[6],
            fixed_size=True,
            keypoints=2,
            scales=4,
            iou=0.3,
            max_detections=7,
            suppression="weighted",
        ),
        outputs_graph((72,), 8, 1),
    ),
    "probabilities": (
        load(
            ("a", "b"),
            feature_maps=[6],
            interpolated=0,
            points=["eye"],
            sigmoid=False,
            threshold=0.0,
            order="yxhw",
            suppression="weighted",
        ),
        outputs_graph((36,), 6, 2, "uint8", (Quant((1 / 200,), (100,)), Quant((1 / 255,), (0,)))),
    ),
    "limit": (
        load(feature_maps=[6], score_limit=0.5, threshold=0.45),
        outputs_graph((72,), 4, 1, "int8", (FINE, FINE)),
    ),
}


@pytest.mark.parametrize("name", HEADS)
def test_ssd_equals_numpy(name: str) -> None:
    head, graph = HEADS[name]
    rng, total = np.random.default_rng(11), 0
    with compiled(head, graph) as model:
        for _ in range(25):
            inputs = random_inputs(graph, rng)
            codes = joined(graph, inputs, 0, 4 + 2 * head.keypoints)
            scores = joined(graph, inputs, 1, head.classes + head.background)
            wanted = suppress(head, decode(head, codes, scores))
            same(run(model, head, inputs), wanted)
            total += len(wanted)
    assert total > 25


def test_numbers_that_are_none_give_no_box_outside_of_the_picture() -> None:
    head, graph = HEADS["faces"]
    rng = np.random.default_rng(2)
    odd = np.array([np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-40, 0.5], np.float32)
    with compiled(head, graph) as model:
        for scores in (np.nan, -np.inf):
            inputs = [np.zeros((1, 72, 8), np.float32), np.full((1, 72, 1), scores, np.float32)]
            assert run(model, head, inputs) == []
        for _ in range(20):
            found = run(model, head, [rng.choice(odd, (1, 72, n)) for n in (8, 1)])
            assert len(found) <= 7
            for f in found:
                assert ((f.values >= 0) & (f.values <= 1)).all()
                assert 0.5 <= f.score <= 1


def test_equal_scores_take_the_first_anchors_first() -> None:
    head = load(feature_maps=[4], interpolated=0, max_detections=3)
    codes = np.zeros((1, 16, 4), np.float32)
    codes[..., 2:] = 0.5
    with compiled(head, outputs_graph((16,), 4, 1)) as model:
        found = run(model, head, [codes, np.full((1, 16, 1), 9, np.float32)])
    assert [round(float(f.values[[0, 2]].mean() * 8)) for f in found] == [1, 3, 5]
