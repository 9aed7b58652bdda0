"""PosenetDecoderOp: the poses of persons, and which of them each pixel belongs to.

LiteRT has no such operator: the reference is Coral's published decoder (`meaning.py`). Poses that
are not found are 0 here; Coral's leaves them as they were in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue, Graph, Op, Quant, Tensor
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
from relocatable.ops.posenet_decoder.meaning import (
    EDGES,
    POINTS,
    Floats,
    Poses,
    log_odds,
    nearest_poses,
)
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CPointer, CValue, Input, Output, Scratch
from relocatable.steps.kernel_call import KernelCall

KIND = "CUSTOM PosenetDecoderOp"
_SOURCE = "posenet_decoder/posenet_decoder.c"
_TYPES = ("uint8", "float32")
_OPTIONS: dict[str, int | float | bool] = {
    "max_detections": 0,
    "score_threshold": 0.0,
    "stride": 0,
    "nms_radius": 0.0,
}
_MOST_POSES, _MOST_STRIDE = 100, 1024
_MOST_VALUES = 1 << 16  # of the heat maps: candidates are kept as 16 bits each
_MASK = 33  # pixels of a mask's height and width
_POSE_BYTES = 4 * (3 * POINTS + 3)


def one_input_type(node: Node) -> Seen:
    """inputs must be of one type"""
    seen = [t.dtype for t in node.inputs]
    return len(set(seen)) == 1, ", ".join(seen)


def decoder_options(node: Node) -> Seen:
    """max_detections must be in [1, 100], score_threshold in [0, 0.999], stride in [1, 1024], and
    nms_radius in [0, 1e6]"""
    found = [node.number(key) for key in _OPTIONS]
    ranges = ((1, _MOST_POSES), (0, 0.999), (1, _MOST_STRIDE), (0, 1e6))
    ok = all(low <= v <= high for v, (low, high) in zip(found, ranges, strict=True))
    return ok, str(found)


def decoder_inputs(node: Node) -> Seen:
    """inputs must be [1, H, W, 17], [1, H, W, 34] and [1, H, W, 64] with at most 65536 values in
    the first one, and the fourth, if it is there, [1, 33, 33, 34]"""
    shapes = [t.shape for t in node.inputs]
    size = shapes[0][1:3]
    wanted = [(1, *size, count) for count in (POINTS, 2 * POINTS, 4 * len(EDGES))]
    wanted += [(1, _MASK, _MASK, 2 * POINTS)] * (len(shapes) - 3)
    ok = shapes == wanted and node.inputs[0].count <= _MOST_VALUES
    return ok, ", ".join(str(list(shape)) for shape in shapes)


def output_shapes(node: Node) -> list[tuple[int, ...]]:
    """Find the shapes of the outputs."""
    most = node.integer("max_detections")
    shapes: list[tuple[int, ...]] = [(1, most, POINTS, 2), (1, most, POINTS), (1, most), (1,)]
    return shapes + [(1, most, _MASK, _MASK)] * (len(node.inputs) - 3)


def decoder_outputs(node: Node) -> Seen:
    """outputs must be [1, D, 17, 2], [1, D, 17], [1, D] and [1] for D = max_detections, and with
    four inputs [1, D, 33, 33]"""
    shapes = [t.shape for t in node.outputs]
    return shapes == output_shapes(node), ", ".join(str(list(shape)) for shape in shapes)


def _real(tensor: Tensor, values: Array, stride: int) -> Floats:
    factor = np.float32(1 / stride)
    if tensor.dtype == "float32":
        return np.asarray(values[0] * factor, np.float32)
    real = (values[0].astype(np.float32) - np.float32(zero_of(tensor))) * (
        scale_of(tensor) * factor
    )
    return np.asarray(real, np.float32)


def _map(tensor: Tensor, stride: int) -> dict[str, CValue]:
    _, h, w, channels = tensor.shape
    factor = np.float32(1 / stride)
    if tensor.dtype == "float32":
        return {"h": h, "w": w, "channels": channels, "zero": 0.0, "scale": factor}
    scale = scale_of(tensor) * factor
    zero = float(zero_of(tensor))
    return {"h": h, "w": w, "channels": channels, "zero": zero, "scale": scale}


def lower_decoder(site: Site) -> KernelCall:
    """Lower the search in maps of uint8 or float32."""
    heat, near, edges, *far = site.node.inputs
    stride, most = site.int_attr("stride"), site.int_attr("max_detections")
    threshold, radius = _threshold_and_radius(site.node)
    params: dict[str, CValue] = {
        "heat": _map(heat, 1),
        "near": _map(near, stride),
        "edges": _map(edges, stride),
        "most": most,
        "least_logit": log_odds(threshold),
        "threshold": threshold,
        "squared_radius": radius * radius,
        "stride": float(stride),
    }
    pointers: list[CPointer] = [Input(i) for i in range(3)]
    pointers += [Scratch("xn_pose"), Scratch("uint16_t", most * _POSE_BYTES)]
    pointers += [Output("", i) for i in range(4)]
    calls = [CCall("xn_posenet_decoder", pointers, params, dtype=heat.dtype)]
    if far:
        masked: dict[str, CValue] = {
            "far": _map(far[0], stride),
            "most": most,
            "stride": float(stride),
        }
        pointers = [Input(3), *(Output("", i) for i in (0, 3, 4))]
        calls.append(CCall("xn_posenet_masks", pointers, masked, dtype=heat.dtype))
    return site.call(
        _SOURCE,
        *calls,
        inputs=range(3 + len(far)),
        scratch_bytes=most * _POSE_BYTES + 2 * heat.count,
    )


def _threshold_and_radius(node: Node) -> tuple[np.float32, np.float32]:
    radius = np.float32(node.number("nms_radius")) / np.float32(node.integer("stride"))
    return np.float32(node.number("score_threshold")), radius


def evaluate(node: Node, inputs: list[Array]) -> tuple[Array, ...]:
    """Find the poses, and the nearest of them for each pixel of the masks."""
    stride = node.integer("stride")
    pairs = zip(node.inputs, inputs, (1, stride, stride, stride), strict=False)
    heat, near, edges, *far = (_real(*pair) for pair in pairs)
    threshold, radius = _threshold_and_radius(node)
    most = node.integer("max_detections")
    poses = Poses(heat, near, edges, most, threshold, radius * radius).find()
    found = [np.zeros(shape, np.float32) for shape in output_shapes(node)]
    count = len(poses[0])
    if count:
        found[0][0, :count] = np.array(poses[0]) * np.float32(stride)
        found[1][0, :count], found[2][0, :count] = np.array(poses[1]), np.array(poses[2])
    found[3][0] = count
    if far:
        nearest = nearest_poses(far[0], found[0][0, :count], stride)
        y, x = np.indices(nearest.shape)
        found[4][0, nearest, y, x] = 1
    return tuple(found)


def decoder_graph(
    dtype: str, sizes: Sequence[Sequence[int]], zeros: Sequence[int], attrs: Mapping[str, AttrValue]
) -> Graph:
    """Make a graph of one decoder, by its maps' heights, widths and zero points."""
    b = GraphBuilder()
    inputs = []
    for size, channels, zero in zip(sizes, (17, 34, 64, 34), zeros, strict=False):
        quant = Quant((0.05 if channels == POINTS else 0.2,), (zero,))
        inputs.append(b.input(1, *size, channels, dtype=dtype, quant=quant))
    shapes = output_shapes(Node(Op(KIND, "", (), (), attrs), tuple(b.tensors), ()))
    outputs = [b.tensor(*shape, dtype="float32") for shape in shapes]
    b.op(KIND, inputs, *outputs, **attrs)
    return b.graph(*outputs)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one decoder, few of them with masks."""
    sizes = [tuple(int(v) for v in rng.integers(1, 9, 2))] * 3
    if rng.random() < 0.2:
        sizes.append((_MASK, _MASK))
    attrs: dict[str, AttrValue] = {
        "max_detections": int(rng.integers(1, 6)),
        "score_threshold": float(np.float32(rng.choice([0, 0.2, 0.4, 0.5]))),
        "stride": int(rng.choice([8, 16, 32])),
        "nms_radius": float(rng.integers(0, 30)),
    }
    zeros = [140, *(int(v) for v in rng.integers(0, 256, 3))]
    return decoder_graph(dtype, sizes, zeros, attrs)


OPERATORS = (
    Operator(
        kind=KIND,
        options=CustomOptions(_OPTIONS),
        operands=(
            Operand("heat maps", _TYPES),
            Operand("short offsets", _TYPES),
            Operand("middle offsets", _TYPES),
            Operand("long offsets", _TYPES, optional=True),
        ),
        output=("float32",),
        outputs=(4, 5),
        rules=(one_input_type, one_scale, plain_scales, decoder_options, decoder_inputs),
        shape=decoder_outputs,
        output_shapes=output_shapes,
        kernels=(Kernel(lower_decoder),),
        evaluate=evaluate,
        reference="Coral",
        version=1,
        samples=samples(sample, _TYPES),
    ),
)
