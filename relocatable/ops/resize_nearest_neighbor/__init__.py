"""RESIZE_NEAREST_NEIGHBOR: whole pixels by tables of rows and columns, made here."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relocatable.graph.graph import Graph, GraphError
from relocatable.ops._shared.batch import image_kernel
from relocatable.ops._shared.images import image_shapes
from relocatable.ops._shared.resize import resize_sample, resized_shape, table_length
from relocatable.ops._shared.types import MOVABLE, kept_scale, kept_type
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    Array,
    Kernel,
    Operand,
    Operator,
    Options,
    Rng,
    samples,
)
from relocatable.ops.site import Site
from relocatable.steps.c_call import FIRST_ROW, ROWS, CCall, Constant, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall, Rows
from relocatable.steps.row_access import ScaledRows


def sources(node: Node, axis: int) -> npt.NDArray[np.int32]:
    """Find the row (axis 1) or column (axis 2) that each one of the output copies.

    It computes in single precision and in the order of LiteRT's operations, since the last bit
    decides between neighbours.
    """
    source, out = node.inputs[0].shape[axis], node.output.shape[axis]
    align, half = bool(node.op.attrs["align_corners"]), bool(node.op.attrs["half_pixel_centers"])
    lengths = (source - 1, out - 1) if align and out > 1 else (source, out)
    scale = np.float32(lengths[0]) / np.float32(lengths[1])
    offset = np.float32(0.5 if half else 0.0)
    at = (np.arange(out, dtype=np.float32) + offset) * scale
    whole = _round_away(at) if align else np.floor(at)
    nearest = np.minimum(whole.astype(np.int32), source - 1)
    return np.maximum(nearest, 0).astype(np.int32) if half else nearest.astype(np.int32)


def _round_away(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Round numbers that are not below 0 to the nearest integers, halves up."""
    return np.floor(x.astype(np.float64) + 0.5)


def lower_resize(site: Site) -> KernelCall:
    """Lower a resize: pixels are moved whole, so one kernel serves every type."""
    node = site.node
    _, _, width, channels = site.input(0).shape
    pixel = channels * np.dtype(site.output.dtype).itemsize
    rows, columns = sources(node, 1), sources(node, 2)
    params: dict[str, CValue] = {
        "first_row": FIRST_ROW,
        "out_h": ROWS,
        "out_w": site.output.shape[2],
        "row": width * pixel,
        "pixel": pixel,
    }
    pointers = (Input(0, "uint8_t"), Constant("rows"), Constant("columns"), Output("uint8_t"))
    access = ScaledRows(tuple(int(y) for y in rows), 1, "rows")
    return site.call(
        "resize_nearest_neighbor/resize_nearest_neighbor.c",
        CCall("xn_resize_nearest_neighbor", pointers, params),
        weights={"rows": rows, "columns": columns},
        rows=Rows(access),
    )


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Copy the nearest pixels.

    Raises:
        GraphError: the output's shape does not follow from the input's.
    """
    source, output = node.inputs[0].shape, node.output.shape
    if len(source) != 4 or len(output) != 4 or (source[0], source[3]) != (output[0], output[3]):
        raise GraphError(
            f"{node.op.kind} '{node.op.name}': output must be an image with the channels of "
            f"{list(source)}; is {list(output)}"
        )
    return inputs[0][:, sources(node, 1)[:, None], sources(node, 2)]


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of any sizes and options that LiteRT has."""
    attrs = {
        "align_corners": bool(rng.random() < 0.5),
        "half_pixel_centers": bool(rng.random() < 0.5),
    }
    return resize_sample(rng, "RESIZE_NEAREST_NEIGHBOR", dtype, attrs)


OPERATORS = (
    Operator(
        kind="RESIZE_NEAREST_NEIGHBOR",
        options=Options("ResizeNearestNeighborOptions", ("align_corners", "half_pixel_centers")),
        operands=(Operand("input", MOVABLE), Operand("size", ("int32",), constant=True)),
        output=MOVABLE,
        rules=(kept_type, kept_scale, image_shapes, table_length),
        shape=resized_shape,
        kernels=(image_kernel(Kernel(lower_resize)),),
        evaluate=evaluate,
        folds="constants",
        version=3,
        samples=samples(sample, MOVABLE),
    ),
)
