"""RESIZE_BILINEAR: pixels blended of four, by tables of rows and columns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from relocatable.graph.graph import Graph
from relocatable.ops._shared.batch import image_kernel
from relocatable.ops._shared.images import image_shapes
from relocatable.ops._shared.resize import MOST_PIXELS, resize_sample, resized_shape
from relocatable.ops._shared.types import ARITHMETIC_16, kept_scale, kept_type
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    Array,
    Kernel,
    Operand,
    Operator,
    Options,
    Rng,
    Seen,
    samples,
)
from relocatable.ops.site import Site
from relocatable.steps.c_call import (
    FIRST_ROW,
    ROWS,
    CCall,
    Constant,
    CPointer,
    CValue,
    Input,
    Output,
)
from relocatable.steps.kernel_call import KernelCall, Rows
from relocatable.steps.row_access import ScaledRows

_ONE = 1 << 10  # shares of int8 and int16 pixels are in 1/1024
_INTEGERS = ("int8", "int16")


class Neighbours(NamedTuple):
    """The two rows or columns that each one of the output is blended of.

    Attributes:
        first: index of the first.
        has_second: 1 if the next one is the second, 0 if the first is both.
        share: of the second: int32 in 1/1024, or float32.
    """

    first: npt.NDArray[np.int32]
    has_second: npt.NDArray[np.uint8]
    share: Array


def one_grid(node: Node) -> Seen:
    """half_pixel_centers and align_corners must not be set together"""
    found = [bool(node.op.attrs[key]) for key in ("half_pixel_centers", "align_corners")]
    return not all(found), str(found)


def pixel_counts(node: Node) -> Seen:
    """input and output must have at most 16384 rows and columns"""
    sizes = [*node.inputs[0].shape[1:3], *node.output.shape[1:3]]
    return max(sizes) <= MOST_PIXELS, str(sizes)


def inside_source(node: Node) -> Seen:
    """rows and columns that steps rounded to 1/1024 lead to must be inside the input, for int8 and
    int16"""
    last = [int(neighbours(node, axis).first[-1]) for axis in (1, 2)]
    source = node.inputs[0].shape
    return all(a < d for a, d in zip(last, source[1:3], strict=True)), f"{last} in {list(source)}"


def neighbours(node: Node, axis: int) -> Neighbours:
    """Find the rows (axis 1) or columns (axis 2) that the output's are blended of."""
    source, out = node.inputs[0].shape[axis], node.output.shape[axis]
    align, half = bool(node.op.attrs["align_corners"]), bool(node.op.attrs["half_pixel_centers"])
    lengths = (source - 1, out - 1) if align and out > 1 else (source, out)
    find = _integer_neighbours if node.output.dtype in _INTEGERS else _float_neighbours
    return find(lengths, out, source, half)


def _integer_neighbours(lengths: tuple[int, int], out: int, source: int, half: bool) -> Neighbours:
    step = (_ONE * lengths[0] + lengths[1] // 2) // lengths[1]
    at = np.arange(out) * step + (step // 2 - _ONE // 2 if half else 0)
    first = np.maximum(at // _ONE, 0)
    second = np.minimum(-(-at // _ONE), source - 1)
    return Neighbours(
        first.astype(np.int32),
        (second > first).astype(np.uint8),
        (at - _ONE * first).astype(np.int32),
    )


def _float_neighbours(lengths: tuple[int, int], out: int, source: int, half: bool) -> Neighbours:
    scale = np.float32(lengths[0]) / np.float32(lengths[1])
    at = np.arange(out, dtype=np.float32)
    at = (at + np.float32(0.5)) * scale - np.float32(0.5) if half else at * scale
    first = np.maximum(np.floor(at), 0).astype(np.int32)
    second = np.minimum(np.ceil(at).astype(np.int32), source - 1)
    share = at - first.astype(np.float32)
    return Neighbours(first, (second > first).astype(np.uint8), share.astype(np.float32))


def lower_resize(site: Site) -> KernelCall:
    """Lower a resize of any type."""
    _, _, width, channels = site.input(0).shape
    rows, columns = (neighbours(site.node, axis) for axis in (1, 2))
    params: dict[str, CValue] = {
        "first_row": FIRST_ROW,
        "out_h": ROWS,
        "out_w": site.output.shape[2],
        "row": width * channels,
        "channels": channels,
    }
    weights: dict[str, Array] = {
        "rows": rows.first,
        "below": rows.has_second,
        "down": rows.share,
        "columns": columns.first,
        "beside": columns.has_second,
        "right": columns.share,
    }
    arguments: list[CPointer] = [Input(0), *map(Constant, weights), Output()]
    return site.call(
        "resize_bilinear/resize_bilinear.c",
        CCall("xn_resize_bilinear", arguments, params, dtype=site.output.dtype),
        weights=weights,
        macs=4 * site.output.count,
        rows=Rows(ScaledRows(tuple(int(y) for y in rows.first), 2, "rows")),
    )


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Blend four neighbours; integers round halves away from zero."""
    rows, columns = (neighbours(node, axis) for axis in (1, 2))
    is_integer = node.output.dtype in _INTEGERS
    values = inputs[0].astype(np.int64 if is_integer else np.float32)
    corners = [
        values[:, (rows.first + y)[:, None], columns.first + x]
        for y in (0, rows.has_second)
        for x in (0, columns.has_second)
    ]
    down, right = rows.share[:, None, None], columns.share[:, None]
    one: Array = np.asarray(_ONE if is_integer else np.float32(1))
    shares = [(y, x) for y in (one - down, down) for x in (one - right, right)]
    parts = [v * y * x for v, (y, x) in zip(corners, shares, strict=True)]
    total = parts[0] + parts[2] + parts[1] + parts[3]
    if is_integer:
        total = (total + (1 << 19) - (total < 0)) >> 20
    if node.output.dtype == "uint8":
        total = total + np.float32(0.5)
    return np.asarray(total.astype(node.output.dtype))


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of any sizes and options that LiteRT has."""
    grid = int(rng.integers(0, 3))
    attrs = {"align_corners": grid == 1, "half_pixel_centers": grid == 2}
    return resize_sample(rng, "RESIZE_BILINEAR", dtype, attrs)


OPERATORS = (
    Operator(
        kind="RESIZE_BILINEAR",
        options=Options("ResizeBilinearOptions", ("align_corners", "half_pixel_centers")),
        operands=(Operand("input", ARITHMETIC_16), Operand("size", ("int32",), constant=True)),
        output=ARITHMETIC_16,
        rules=(kept_type, kept_scale, image_shapes, one_grid, pixel_counts, inside_source),
        shape=resized_shape,
        kernels=(image_kernel(Kernel(lower_resize)),),
        evaluate=evaluate,
        version=3,
        samples=samples(sample, ARITHMETIC_16),
    ),
)
