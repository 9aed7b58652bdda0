"""TFLite_Detection_PostProcess: the best boxes that do not overlap.

The fast method takes a box once, by its best class; LiteRT leaves what that does not find as it was
in memory; here it is 0. The regular one takes the best boxes of each class, and of these the best.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue, Graph, Quant, Tensor
from relocatable.ops._shared.factors import plain_scales
from relocatable.ops._shared.fixed_point import scale_of, zero_of
from relocatable.ops._shared.types import one_scale
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    Array,
    CustomOptions,
    Kernel,
    Operand,
    Operator,
    Rng,
    Seen,
    samples,
)
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Constant, CPointer, CValue, Input, Output, Scratch
from relocatable.steps.kernel_call import KernelCall

KIND = "CUSTOM TFLite_Detection_PostProcess"
_TYPES = ("uint8", "float32")  # LiteRT has no int8
_SCALES = ("y_scale", "x_scale", "h_scale", "w_scale")
_OPTIONS: dict[str, int | float | bool] = {
    "max_detections": 0,
    "max_classes_per_detection": 0,
    "detections_per_class": 100,
    "use_regular_nms": False,
    "nms_score_threshold": -1.0,
    "nms_iou_threshold": 0.0,
    "num_classes": 0,
    **dict.fromkeys(_SCALES, 0.0),
}
_MOST_DETECTIONS = 1000


def one_element_type(node: Node) -> Seen:
    """boxes, scores and anchors must be of one type"""
    seen = [t.dtype for t in node.inputs]
    return len(set(seen)) == 1, ", ".join(seen)


def classes_per_box(node: Node) -> Seen:
    """max_classes_per_detection must be 1, and detections_per_class at least 1 if use_regular_nms
    is true"""
    classes, each = node.integer("max_classes_per_detection"), node.integer("detections_per_class")
    return classes == 1 and (not _is_regular(node) or each >= 1), f"{classes}, {each}"


def _is_regular(node: Node) -> bool:
    return bool(node.op.attrs["use_regular_nms"])


def detection_limits(node: Node) -> Seen:
    """max_detections must be in [1, 1000], nms_score_threshold at least 0, nms_iou_threshold in
    (0, 1], and the scales of boxes finite and above 0"""
    numbers = [node.number(key) for key in ("nms_score_threshold", "nms_iou_threshold", *_SCALES)]
    count = node.integer("max_detections")
    ok = bool(np.isfinite(numbers).all()) and 1 <= count <= _MOST_DETECTIONS
    return ok and numbers[0] >= 0 and 0 < numbers[1] <= 1 and min(numbers[2:]) > 0, (
        f"{count}, {numbers}"
    )


def detection_inputs(node: Node) -> Seen:
    """boxes and anchors must be [1, N, 4] and [N, 4], scores [1, N, C] with num_classes or one more
    for C"""
    boxes, scores, anchors = (t.shape for t in node.inputs)
    text = f"{list(boxes)}, {list(scores)}, {list(anchors)}"
    count = anchors[0] if anchors else 0
    if anchors != (count, 4) or boxes != (1, count, 4) or len(scores) != 3:
        return False, text
    classes = node.integer("num_classes")
    return scores[:2] == (1, count) and classes >= 1 and scores[2] - classes in (0, 1), text


def output_shapes(node: Node) -> list[tuple[int, ...]]:
    """Find the shapes of the outputs."""
    count = node.integer("max_detections")
    return [(1, count, 4), (1, count), (1, count), (1,)]


def detection_outputs(node: Node) -> Seen:
    """outputs must be [1, D, 4], [1, D], [1, D] and [1] for D = max_detections"""
    shapes = [t.shape for t in node.outputs]
    return shapes == output_shapes(node), str([list(s) for s in shapes])


def _real(tensor: Tensor, values: Array) -> npt.NDArray[np.float32]:
    if tensor.dtype == "float32":
        return values.astype(np.float32)
    real = (values.astype(np.float32) - np.float32(zero_of(tensor))) * scale_of(tensor)
    return np.asarray(real, np.float32)


def lower_detection(site: Site) -> KernelCall:
    """Lower the search in boxes of uint8 or float32."""
    boxes, scores, anchors = site.node.inputs
    count = boxes.shape[1]
    params: dict[str, CValue] = {
        "boxes": count,
        "columns": scores.shape[2],
        "background": scores.shape[2] - site.int_attr("num_classes"),
        "most": site.int_attr("max_detections"),
        "scales": {key[0]: site.float_attr(key) for key in _SCALES},
        "score_threshold": site.float_attr("nms_score_threshold"),
        "overlap_threshold": site.float_attr("nms_iou_threshold"),
    }
    for name, tensor in (("box", boxes), ("score", scores)):
        if tensor.dtype != "float32":
            params[f"{name}_zero"] = float(zero_of(tensor))
            params[f"{name}_scale"] = scale_of(tensor)
    pointers: list[CPointer] = [Input(0), Input(1), Constant("anchors"), Scratch("float")]
    pointers += [Output("", i) for i in range(4)]
    function = "xn_detection_postprocess"
    if _is_regular(site.node):
        function = "xn_detection_regular"
        params = {"each": site.int_attr("detections_per_class"), "common": params}
    call = CCall(function, pointers, params, dtype=boxes.dtype)
    return site.call(
        "detection_postprocess/detection_postprocess.c",
        call,
        weights={"anchors": _real(anchors, site.constant(2))},
        inputs=(0, 1),
        scratch_bytes=4 * count,
    )


def evaluate(node: Node, inputs: list[Array]) -> tuple[Array, ...]:
    """Take the best boxes that do not overlap, perhaps for each class."""
    pairs = zip(node.inputs, inputs, strict=True)
    codes, scores, anchors = (_real(tensor, values).astype(np.float64) for tensor, values in pairs)
    scales = [node.number(key) for key in _SCALES]
    classes = scores[0, :, -node.integer("num_classes") :]
    centres = codes[0, :, :2] / scales[:2] * anchors[:, 2:] + anchors[:, :2]
    sides = 0.5 * np.exp(codes[0, :, 2:] / scales[2:]) * anchors[:, 2:]
    boxes = np.concatenate([centres - sides, centres + sides], axis=1)
    limits = node.number("nms_score_threshold"), node.number("nms_iou_threshold")
    most = node.integer("max_detections")
    found: list[tuple[float, int, int]] = []
    if _is_regular(node):
        each = min(most, node.integer("detections_per_class"))
        for c, column in enumerate(classes.T):
            new = [(column[i], i, c) for i in _separate(boxes, column, each, limits)]
            # Of equal scores that of the earlier class stays first.
            found = sorted(found + new, key=lambda entry: -entry[0])[:most]
    else:
        best = classes.max(axis=1)
        chosen = _separate(boxes, best, most, limits)
        found = [(best[i], i, int(classes[i].argmax())) for i in chosen]
    outputs: tuple[Array, ...] = tuple(np.zeros(t.shape, np.float32) for t in node.outputs)
    for n, (score, i, c) in enumerate(found):
        outputs[0][0, n], outputs[1][0, n], outputs[2][0, n] = boxes[i], c, score
    outputs[3][0] = len(found)
    return outputs


def _separate(boxes: Array, scores: Array, most: int, limits: tuple[float, float]) -> list[int]:
    """List the best boxes that do not overlap, at most so many.

    Args:
        boxes: [N, 4].
        scores: [N].
        most: of them.
        limits: the least score, and the largest overlap.
    """
    rest = np.where(scores >= limits[0], scores, -1)
    found: list[int] = []
    while len(found) < most and rest.max() >= 0:
        top = int(rest.argmax())
        found.append(top)
        rest[_overlaps(boxes, boxes[top]) > limits[1]] = -1
        rest[top] = -1
    return found


def _overlaps(boxes: Array, one: Array) -> Array:
    sides = np.minimum(boxes[:, 2:], one[2:]) - np.maximum(boxes[:, :2], one[:2])
    common = np.prod(np.maximum(sides, 0), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return np.asarray(common / (areas + np.prod(one[2:] - one[:2]) - common))


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of either method, with anchors apart for all detections."""
    most, classes = int(rng.integers(1, 6)), int(rng.integers(1, 6))
    count = int(rng.integers(8 * most, 100))
    b = GraphBuilder()
    boxes = b.input(1, count, 4, dtype=dtype, quant=Quant((0.02,), (128,)))
    columns = classes + int(rng.integers(0, 2))
    scores = b.input(1, count, columns, dtype=dtype, quant=Quant((1 / 256,), (0,)))
    places = rng.uniform(0.05, 1, (count, 4))
    if dtype == "float32":
        anchors = b.constant(places, "float32")
    else:
        anchors = b.constant(127 * places, dtype, Quant((1 / 127,), (0,)))
    outputs = [b.tensor(1, most, 4, dtype="float32")]
    outputs += [b.tensor(1, most, dtype="float32") for _ in range(2)]
    outputs.append(b.tensor(1, dtype="float32"))
    attrs: dict[str, AttrValue] = {
        **_OPTIONS,
        "max_detections": most,
        "max_classes_per_detection": 1,
        "detections_per_class": int(rng.integers(1, 2 * most + 1)),
        "use_regular_nms": bool(rng.random() < 0.5),
        "nms_score_threshold": 0.0,
        "nms_iou_threshold": float(np.float32(rng.uniform(0.5, 0.9))),
        "num_classes": classes,
        "y_scale": 10.0,
        "x_scale": 10.0,
        "h_scale": 5.0,
        "w_scale": 5.0,
    }
    b.op(KIND, (boxes, scores, anchors), *outputs, **attrs)
    return b.graph(*outputs)


OPERATORS = (
    Operator(
        kind=KIND,
        options=CustomOptions(_OPTIONS),
        operands=(
            Operand("boxes", _TYPES),
            Operand("scores", _TYPES),
            Operand("anchors", _TYPES, constant=True),
        ),
        output=("float32",),
        outputs=(4, 4),
        rules=(
            one_element_type,
            one_scale,
            plain_scales,
            classes_per_box,
            detection_limits,
            detection_inputs,
        ),
        shape=detection_outputs,
        output_shapes=output_shapes,
        kernels=(Kernel(lower_detection),),
        evaluate=evaluate,
        version=1,
        samples=samples(sample, _TYPES),
    ),
)
