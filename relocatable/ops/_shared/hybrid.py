"""Layers of float32 with int8 weights ("dynamic range"), as LiteRT computes them.

The reference is LiteRT's BUILTIN_REF on a PC: it quantises the input while it runs, sums
integers, and multiplies the sums by the scales. A value at a half is rounded away from zero, and so
is 0.49999997, the float below a half, which LiteRT's loop of eight values adds 0.5 to; its rest
of fewer than eight, and its ARM code, make that one value 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relocatable.graph.graph import Tensor
from relocatable.ops._shared.fixed_point import Ints, float_clamp, round_away
from relocatable.ops._shared.layer import HYBRID, bias_of, layer_form
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Seen
from relocatable.ops.site import Site
from relocatable.steps.c_call import (
    CCall,
    Constant,
    CPointer,
    CValue,
    Input,
    Output,
    Scratch,
    Struct,
)
from relocatable.steps.kernel_call import KernelCall
from relocatable.targets import Feature
from relocatable.targets.arm import DSP, MVE_I

MOST_TERMS = 1 << 16


@dataclass(frozen=True)
class Quantized:
    """Values that are quantised at run time: real = scale * (q - zero).

    Attributes:
        values: q - zero, int64.
        scale: float32.
    """

    values: Ints
    scale: np.float32


def is_hybrid(site: Site) -> bool:
    """Tell whether a layer is of this form."""
    return layer_form(site.node) == HYBRID


def dot_kernels(
    lower: Callable[[Site, str], KernelCall], takes: Callable[[Site], bool] = is_hybrid
) -> tuple[Kernel, ...]:
    """List the kernels of a layer by what sums up its products.

    Args:
        lower: makes the call; it is told what the name of the kernel's file ends in.
        takes: whether an operator is of this form.
    """

    def named(suffix: str, *needs: Feature) -> Kernel:
        def lower_named(site: Site) -> KernelCall:
            """Lower a layer of float32 by int8 with the sums that the suffix names."""
            return lower(site, suffix)

        return Kernel(lower_named, needs=needs, takes=takes)

    return named("_mve", MVE_I), named("_dsp", DSP), named("")


def sums_of_bytes(node: Node, terms: int) -> Seen:
    """Check that sums of `terms` products stay within 32 bits."""
    return layer_form(node) != HYBRID or terms <= MOST_TERMS, str(terms)


def quantize_values(x: Array, is_asymmetric: bool) -> Quantized:
    """Quantise floats that share a scale."""
    low, high = np.float32(min(x.min(), 0)), np.float32(max(x.max(), 0))
    if low == high:
        return Quantized(np.zeros(x.shape, np.int64), np.float32(1))
    if not is_asymmetric:
        most = max(-low, high)
        q = np.clip(_nearest(x * (np.float32(127) / most)), -127, 127)
        return Quantized(q, most / np.float32(127))
    scale = float(high - low) / 255
    ends = float(low) / scale, float(high) / scale
    is_low = 128 + abs(ends[0]) < 127 + abs(ends[1])
    zero = round_away(min(max(-128 - ends[0] if is_low else 127 - ends[1], -128), 127))
    factor = np.float32(scale)
    inverse = np.float32(1) / factor if factor > 0 else np.float32(0)
    return Quantized(np.clip(_nearest(x * inverse) + zero, -128, 127) - zero, factor)


def quantize_rows(x: Array, is_asymmetric: bool) -> tuple[Ints, Array]:
    """Quantise each row of [N, K] for itself; values as in `Quantized`, scales [N, 1]."""
    rows = [quantize_values(row, is_asymmetric) for row in x]
    return np.array([row.values for row in rows]), np.array([[row.scale] for row in rows])


def quantize_images(x: Array, is_asymmetric: bool) -> tuple[Ints, Array]:
    """Quantise each image of [N, H, W, C] for itself; scales [N, 1, 1, 1]."""
    values, scales = quantize_rows(x.reshape(len(x), -1), is_asymmetric)
    return values.reshape(x.shape), scales.reshape(-1, 1, 1, 1)


def is_asymmetric(node: Node) -> bool:
    """Tell whether the option is set that gives values a zero point at run time."""
    return bool(node.op.attrs.get("asymmetric_quantize_inputs", False))


def _nearest(x: Array) -> Ints:
    rounded: Ints = np.trunc(x + np.copysign(np.float32(0.5), x)).astype(np.int64)
    return rounded


def real_sums(sums: Ints, scales: Array, scale: Array | np.float32, is_apart: bool) -> Array:
    """Multiply sums, [.., C], by the scales of the channels and of the input."""
    floats = sums.astype(np.float32)
    return floats * scales * scale if is_apart else floats * (scales * scale)


def finish_hybrid(node: Node, real: Array, bias: Sequence[Array]) -> Array:
    """Add the bias, if there is one, and clamp."""
    low, high = float_clamp(node.activation)
    return np.clip(sum(bias, start=real), np.float32(low), np.float32(high))


def scales_of(weights: Tensor) -> npt.NDArray[np.float32]:
    """Read the scales of a filter."""
    assert weights.quant is not None
    return np.array(weights.quant.scale, np.float32)


def has_several_scales(weights: Tensor) -> bool:
    """Tell whether the channels' scales differ."""
    return len(set(scales_of(weights).tolist())) > 1


@dataclass(frozen=True)
class HybridCall:
    """What is particular to the kernel of an operator.

    Attributes:
        source: kernel file, relative to ops/.
        function: the kernel.
        params: its own constants.
        filter: the weights in the kernel's order.
        scratch: of the quantised input, and more areas, in bytes.
        sums: of each channel's weights, if inputs get a zero point.
        is_apart: whether the two scales are multiplied by one after the other.
    """

    source: str
    function: str
    params: dict[str, CValue]
    filter: npt.NDArray[np.generic]
    scratch: Sequence[int]
    sums: Ints | None = None
    is_apart: bool = False


def lower_hybrid(site: Site, call: HybridCall, macs: int) -> KernelCall:
    """Make the call of a layer, whose weights stay int8."""
    channels = site.output.shape[-1]
    bias, scales = bias_of(site), scales_of(site.input(1))
    low, high = float_clamp(site.activation)
    weights: dict[str, npt.NDArray[np.generic]] = {
        "filter": call.filter,
        "scale": scales,
        "bias": np.zeros(channels, np.float32) if bias is None else bias,
    }
    if call.sums is not None:
        weights["sums"] = call.sums.astype(np.int32)
    keys = [key for key in ("scale", "bias", "sums") if key in weights]
    tables = Struct("xn_hybrid_tables", "tables", {key: Constant(key) for key in keys})
    layer: dict[str, CValue] = {
        "is_asymmetric": int(call.sums is not None),
        "step": int(len(scales) > 1),
        "is_apart": int(call.is_apart),
        "low": low,
        "high": high,
    }
    arguments: list[CPointer] = [Input(0), Constant("filter"), tables]
    at = 0
    for size in call.scratch:
        arguments.append(Scratch("int8_t", at))
        at += -(-size // 4) * 4
    params = {**call.params, "layer": layer}
    c_call = CCall(call.function, (*arguments, Output()), params)
    return site.call(call.source, c_call, weights=weights, scratch_bytes=at, macs=macs)
