"""BATCH_MATMUL for each kind of target: Helium, the DSP extension, plain C."""

from __future__ import annotations

import numpy as np

from relocatable.ops._shared.fixed_point import (
    quantize_multiplier,
    reduced,
    scale_of,
    type_range,
    zero_of,
)
from relocatable.ops._shared.hybrid import HybridCall, is_asymmetric, lower_hybrid
from relocatable.ops._shared.move import outline
from relocatable.ops.node import Node
from relocatable.ops.operator import Array
from relocatable.ops.site import Site
from relocatable.steps.c_call import (
    CCall,
    CValue,
    Input,
    Name,
    Output,
    PointerLoop,
    Scratch,
    c_type,
)
from relocatable.steps.kernel_call import KernelCall

BATCH = 3  # dimensions
_BLOCK_BYTES = 2048  # of rows that are laid out at once
_MOST_SCRATCH = 1 << 14
_MOST_GATHERED = 65535 // 7  # elements from one value to the next of eight


def operands_of(node: Node, a: Array, b: Array) -> tuple[Array, Array]:
    """View both as [batch, lines, depth], with the batch of the output."""
    a = np.swapaxes(a, -1, -2) if node.op.attrs["adj_x"] else a
    b = b if node.op.attrs["adj_y"] else np.swapaxes(b, -1, -2)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return np.broadcast_to(a, batch + a.shape[-2:]), np.broadcast_to(b, batch + b.shape[-2:])


def factor_of(node: Node) -> float:
    """Divide the sums' scale by the output's; LiteRT multiplies in single precision."""
    a, b = (scale_of(t) for t in node.inputs)
    return float(a * b) / float(scale_of(node.output))


def lower_by_bytes(site: Site, suffix: str) -> KernelCall:
    """Lower a product of float32 by int8; see `dot_kernels`."""
    weights = site.constant(1) if site.op.attrs["adj_y"] else site.constant(1).T
    columns, depth = weights.shape
    sums = weights.astype(np.int64).sum(axis=1) if is_asymmetric(site.node) else None
    params: dict[str, CValue] = {
        "rows": site.input(0).count // depth,
        "in_c": depth,
        "out_c": columns,
    }
    name = f"fully_connected/fully_connected_hybrid{suffix}.c", "xn_fully_connected_hybrid"
    call = HybridCall(*name, params, weights, scratch=(depth,), sums=sums)
    return lower_hybrid(site, call, site.input(0).count * columns)


def lower_product(site: Site) -> KernelCall:
    """Lower a product of any type."""
    a, b = operands_of(site.node, *(outline(site.input(i).shape) for i in (0, 1)))
    lead = BATCH + 2 - a.ndim
    params: dict[str, CValue] = {
        "batch": [1] * lead + list(a.shape[:-2]),
        "rows": a.shape[-2],
        "columns": b.shape[-2],
        "depth": a.shape[-1],
        "a": _steps(a, lead),
        "b": _steps(b, lead),
    }
    if not site.is_float:
        multiplier, shift = _multiplier(site)
        zeros = (zero_of(t) for t in (site.input(0), site.input(1), site.output))
        params |= zip(("a_zero", "b_zero", "out_zero"), zeros, strict=True)
        params |= {"multiplier": multiplier, "shift": shift}
    arguments = (Input(0), Input(1), Output())
    call = CCall("xn_batch_matmul", arguments, params, dtype=site.output.dtype)
    macs = site.output.count * a.shape[-1]
    return site.call("batch_matmul/batch_matmul.c", call, inputs=(0, 1), macs=macs)


def _steps(view: Array, lead: int) -> CValue:
    *batch, line, depth = view.strides
    return {"batch": [0] * lead + batch, "line": line, "depth": depth}


def is_integer(site: Site) -> bool:
    """Tell whether it is a product of integers."""
    return not site.is_float


def lower_dsp(site: Site) -> KernelCall | None:
    """Lower a product of integers for the DSP extension.

    Returns:
        None if it takes too much scratch.
    """
    is_wide = site.output.dtype == "int16"
    rows, _, depth = _sizes(site)
    words = -(-depth // 2) if is_wide else 2 * -(-depth // 4)
    # A group: two rows, or four and what their sums begin at.
    group, group_bytes = (2, 8 * words) if is_wide else (4, 16 * words + 16)
    groups = min(-(-rows // group), max(1, _BLOCK_BYTES // group_bytes))
    scratch_bytes = (8 if is_wide else 4) * words + groups * group_bytes
    if scratch_bytes > _MOST_SCRATCH:
        return None
    multiplier, shift = _multiplier(site)
    zeros = {"a_zero": zero_of(site.input(0)), "b_zero": zero_of(site.input(1))}
    return _of_each_pair(
        site,
        "dsp",
        "uint32_t",
        {
            **zeros,
            "out_zero": zero_of(site.output),
            "multiplier": multiplier,
            "shift": shift,
            "words": words,
            "block": group * groups,
        },
        scratch_bytes=scratch_bytes,
    )


def lower_mve(site: Site) -> KernelCall | None:
    """Lower a product of integers for Helium.

    Returns:
        None if values are too far apart to be gathered, or if it takes too much scratch.
    """
    is_wide = site.output.dtype == "int16"
    _, _, depth = _sizes(site)
    a, b = (outline(site.input(i).shape).strides for i in (0, 1))
    adj_x, adj_y = bool(site.op.attrs["adj_x"]), bool(site.op.attrs["adj_y"])
    if (adj_x and a[-2] > _MOST_GATHERED) or (not adj_y and b[-2] > _MOST_GATHERED):
        return None
    multiplier, shift = _multiplier(site)
    zeros = {"a_zero": zero_of(site.input(0)), "b_zero": zero_of(site.input(1))}
    low, high = type_range(site.output.dtype)
    kind = Name("XN_SCALE_DOUBLE_ROUNDING" + ("" if shift > 0 else "_30"))
    scaling: dict[str, CValue] = {
        "kind": kind,
        "zero": zero_of(site.output),
        "low": low,
        "high": high,
    }
    lines = (0 if adj_y else 2 if is_wide else 4) + adj_x
    scratch_bytes = lines * depth * (2 if is_wide else 1)
    if scratch_bytes > _MOST_SCRATCH:
        return None
    return _of_each_pair(
        site,
        "mve",
        c_type(site.output.dtype),
        {**zeros, "multiplier": multiplier, "shift": shift, "scaling": scaling},
        scratch_bytes=scratch_bytes,
    )


def _multiplier(site: Site) -> tuple[int, int]:
    """Find multiplier and shift; of int16 one of 15 bits and a right shift."""
    multiplier, shift = quantize_multiplier(factor_of(site.node))
    return (
        (int(reduced(multiplier)), 15 - shift)
        if site.output.dtype == "int16"
        else (
            multiplier,
            shift,
        )
    )


def _sizes(site: Site) -> tuple[int, int, int]:
    """Find rows, columns, depth."""
    a, b = operands_of(site.node, *(outline(site.input(i).shape) for i in (0, 1)))
    return a.shape[-2], b.shape[-2], a.shape[-1]


def _of_each_pair(
    site: Site, suffix: str, scratch: str, params: dict[str, CValue], scratch_bytes: int
) -> KernelCall:
    """Make the call of a kernel of two matrices, once for each pair of the batch."""
    a, b = operands_of(site.node, *(outline(site.input(i).shape) for i in (0, 1)))
    y = outline(site.output.shape)
    rows, columns, depth = _sizes(site)
    *batch, _, _ = a.shape
    steps = zip(a.strides, b.strides, y.strides, strict=True)
    loops = [PointerLoop(n, step) for n, step in zip(batch, steps, strict=False) if n > 1]
    sides = {
        name: {"line": x.strides[-2], "depth": x.strides[-1]} for name, x in (("a", a), ("b", b))
    }
    call = CCall(
        f"xn_batch_matmul_{suffix}",
        (Input(0), Input(1), Output(), Scratch(scratch) if scratch_bytes else Name("0")),
        {"rows": rows, "columns": columns, "depth": depth, **sides, **params},
        dtype=site.output.dtype,
        loops=loops,
    )
    return site.call(
        f"batch_matmul/batch_matmul_{suffix}.c",
        call,
        inputs=(0, 1),
        scratch_bytes=scratch_bytes,
        macs=site.output.count * depth,
    )
