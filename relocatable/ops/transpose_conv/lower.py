"""TRANSPOSE_CONV for each kind of target: Helium, the DSP extension, plain C.

Pixels of the output that are a stride apart are a phase: they sum the same taps. The first two
kinds do each phase as a CONV_2D of stride 1 whose filters are these taps, in the order of the
input.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from relocatable.ops._shared.fixed_point import float_clamp, type_range, zero_of
from relocatable.ops._shared.fours import in_fours
from relocatable.ops._shared.hybrid import scales_of
from relocatable.ops._shared.layer import (
    HYBRID,
    bias_of,
    filter_zero,
    filter_zero_param,
    fixed_rounding,
    layer_form,
    plain_scaling,
    real_weights,
    scaling_of,
    signed_layer,
)
from relocatable.ops._shared.scaling import (
    AccumulatorBounds,
    Scaling,
    scale_vectors,
    scale_vectors_16,
)
from relocatable.ops.node import Node
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
    Scratch,
    c_type,
)
from relocatable.steps.kernel_call import KernelCall, Rows
from relocatable.steps.row_access import ScaledRows

_MOST_PHASES = 64
_SAFE_QUADS_16 = 127  # whose sums of 16 by 8 bits fit 32


def layer_of(node: Node) -> Node:
    """Put the operands in the order of other layers: input, filter, bias."""
    _, weights, source, *bias = node.inputs
    return replace(node, inputs=(source, weights, *bias))


def padding(node: Node, axis: int) -> int:
    """Count the pixels of padding above (axis 1) or left (axis 2) of the output."""
    if node.op.attrs["padding"] != "SAME":
        return 0
    stride, k = node.integer(f"stride_{'hw'[axis - 1]}"), node.inputs[1].shape[axis]
    return max(0, ((node.inputs[2].shape[axis] - 1) * stride + k - node.output.shape[axis]) // 2)


def is_hybrid(site: Site) -> bool:
    """Tell whether it is a layer of float32 by int8."""
    return layer_form(layer_of(site.node)) == HYBRID


def _shape(site: Site) -> dict[str, CValue]:
    node = site.node
    x = node.inputs[2]
    out_c, k_h, k_w, in_c = site.constant(1).shape
    return {
        "first_row": 0,
        "in_h": x.shape[1],
        "in_w": x.shape[2],
        "in_c": in_c,
        "out_h": site.output.shape[1],
        "out_w": site.output.shape[2],
        "out_c": out_c,
        "k_h": k_h,
        "k_w": k_w,
        "stride_h": node.integer("stride_h"),
        "stride_w": node.integer("stride_w"),
        "pad_top": padding(node, 1),
        "pad_left": padding(node, 2),
    }


def lower_by_bytes(site: Site) -> KernelCall:
    """Lower a layer of float32 by int8."""
    low, high = float_clamp(site.activation)
    layer = _layer_site(site)
    bias, scale = bias_of(layer), scales_of(layer.input(1))
    params: dict[str, CValue] = {"shape": _shape(site), "step": int(len(scale) > 1)}
    pointers: list[CPointer] = [Input(0), *map(Constant, ("filter", "scale", "bias"))]
    call = CCall(
        "xn_transpose_conv_hybrid",
        (*pointers, Scratch("int8_t"), Output()),
        {**params, "low": low, "high": high},
    )
    zeros = np.zeros(layer.output.shape[-1], np.float32)
    return layer.call(
        "transpose_conv/transpose_conv_hybrid.c",
        call,
        weights={
            "filter": layer.constant(1),
            "scale": scale,
            "bias": zeros if bias is None else bias,
        },
        scratch_bytes=layer.input(0).count,
        macs=_macs(layer),
    )


def _macs(layer: Site) -> int:
    out_c, k_h, k_w, _ = layer.constant(1).shape
    return layer.input(0).count * int(k_h * k_w * out_c)


def lower_transposed(site: Site) -> KernelCall:
    """Lower a layer of integers or float32 in plain C."""
    layer, shape = _layer_site(site), _streamed_shape(site)
    call, tables = (_float_call if layer.is_float else _integer_call)(layer, shape)
    return _streamed(
        site, "_f32" if layer.is_float else "", call, {"filter": site.constant(1), **tables}
    )


def _streamed_shape(site: Site) -> dict[str, CValue]:
    return {**_shape(site), "first_row": FIRST_ROW, "out_h": ROWS}


def _streamed(
    site: Site,
    suffix: str,
    call: CCall,
    tables: dict[str, npt.NDArray[np.generic]],
    scratch_bytes: int = 0,
) -> KernelCall:
    """Make the step of a kernel that makes some rows."""
    node = site.node
    k_h, stride_h = site.constant(1).shape[1], node.integer("stride_h")
    # The first row of the input whose taps reach a row of the output.
    tops = -((k_h - 1 - padding(node, 1) - np.arange(site.output.shape[1])) // stride_h)
    rows = np.clip(tops, 0, node.inputs[2].shape[1] - 1).astype(np.int32)
    access = ScaledRows(tuple(int(y) for y in rows), -(-k_h // stride_h), "rows")
    layer = _layer_site(site)
    return layer.call(
        f"transpose_conv/transpose_conv{suffix}.c",
        call,
        weights={"rows": rows, **tables},
        macs=_macs(layer),
        rows=Rows(access),
        scratch_bytes=scratch_bytes,
    )


_Lowered = tuple[CCall, dict[str, npt.NDArray[np.generic]]]


def _layer_site(site: Site) -> Site:
    return replace(site, op=replace(site.op, inputs=_layer_inputs(site)))


def _layer_inputs(site: Site) -> tuple[int, ...]:
    _, weights, source, *bias = site.op.inputs
    return (source, weights, *bias)


def _float_call(layer: Site, shape: dict[str, CValue]) -> _Lowered:
    low, high = float_clamp(layer.activation)
    bias = bias_of(layer)
    pointers: list[CPointer] = [Input(0), *map(Constant, ("rows", "filter", "bias")), Output()]
    call = CCall("xn_transpose_conv_f32", pointers, {"shape": shape, "low": low, "high": high})
    zeros = np.zeros(layer.output.shape[-1], np.float32)
    return call, {"bias": zeros if bias is None else bias}


def _integer_call(layer: Site, shape: dict[str, CValue]) -> _Lowered:
    scaling = plain_scaling(layer, _bounds(layer), fixed_rounding(layer.node))
    params: dict[str, CValue] = {
        "shape": shape,
        "in_zero": zero_of(layer.input(0)),
        "scaling": scaling.params,
    }
    dtype = layer.input(0).dtype
    params |= filter_zero_param(dtype, filter_zero(layer.input(1)))
    pointers: list[CPointer] = [Input(0), *map(Constant, ("rows", "filter"))]
    arguments = (*pointers, scaling.tables, Output())
    call = CCall("xn_transpose_conv", arguments, params, dtype=dtype)
    return call, scaling.weights


def _bounds(layer: Site) -> AccumulatorBounds:
    """Bound sums of any of the taps; their inputs are less the zero point."""
    filters = real_weights(layer)
    rows = filters.reshape(len(filters), -1)
    zero, bias = zero_of(layer.input(0)), bias_of(layer)
    base = np.zeros(len(rows), np.int64) if bias is None else bias.astype(np.int64).reshape(-1)
    up, down = np.maximum(rows, 0).sum(axis=1), np.minimum(rows, 0).sum(axis=1)
    least, most = type_range(layer.input(0).dtype)
    low, high = least - zero, most - zero
    return AccumulatorBounds(
        bias=base,
        lowest=base + up * low + down * high,
        highest=base + up * high + down * low,
        raw=(most - least) * np.abs(rows).sum(axis=1),
    )


def is_integer(site: Site) -> bool:
    """Tell whether it is a layer of integers."""
    return layer_form(layer_of(site.node)) != HYBRID and site.output.dtype != "float32"


def lower_dsp(site: Site) -> KernelCall | None:
    """Lower a layer of integers for the DSP extension; None if it has too many phases."""
    layer = _layer_site(site)
    _, weights, zero = signed_layer(layer)
    phases = _phases(layer, weights)
    if phases is None:
        return None
    dtype = layer.input(0).dtype
    is_wide = dtype == "int16"
    each = 2 if is_wide else 1
    words = [_in_words(taps, is_wide) for taps in phases]
    quads = max(taps.shape[1] * -(-taps.shape[2] * taps.shape[3] // 4) for taps in phases)
    part = _SAFE_QUADS_16 if is_wide and 32768 * _most(phases) >= 1 << 31 else 0
    scaling = plain_scaling(layer, _bounds(layer), fixed_rounding(layer.node))
    source_zero = zero_of(layer.input(0)) - (128 if dtype == "uint8" else 0)
    arguments: list[CPointer] = [Input(0), *map(Constant, ("rows", "starts", "filter"))]
    scratch = (Scratch("uint32_t"), Scratch(c_type(dtype), 32 * quads))
    call = CCall(
        "xn_transpose_conv_dsp",
        [*arguments, scaling.tables, *scratch, Output()],
        {
            "shape": _streamed_shape(site),
            "in_zero": source_zero,
            "part": part,
            "scaling": scaling.params,
            **filter_zero_param(dtype, zero),
        },
        dtype=dtype,
    )
    tables = {"filter": np.concatenate(words), "starts": _starts(words), **scaling.weights}
    run = max(taps.shape[2] * taps.shape[3] for taps in phases)
    return _streamed(site, "_dsp", call, tables, scratch_bytes=32 * quads + each * run)


def lower_mve(site: Site) -> KernelCall | None:
    """Lower a layer of integers for Helium.

    Returns:
        None if it has too many phases, or if its sums or its scaling do not fit.
    """
    layer = _layer_site(site)
    phases, reals = (_phases(layer, x) for x in (layer.constant(1), real_weights(layer)))
    if phases is None or reals is None:
        return None
    dtype = layer.input(0).dtype
    is_wide = dtype == "int16"
    method: Callable[..., Scaling | None] = scale_vectors
    if is_wide:
        method = partial(scale_vectors_16, rounding=fixed_rounding(layer.node))
    bounds = _bounds(layer)
    scaling = scaling_of(layer, bounds, method)
    if scaling is None:
        return None
    in_zero = zero_of(layer.input(0))
    if in_zero != 0:
        sums = np.stack([taps.reshape(len(taps), -1).sum(axis=1) for taps in reals])
        bias = (bounds.bias - in_zero * sums) & 0xFFFFFFFF
        scaling.weights["bias"] = bias.astype(np.uint32).view(np.int32)
    lanes = 8 if is_wide else 16
    parts = [_fours(taps, lanes) for taps in phases]
    arguments: list[CPointer] = [Input(0), *map(Constant, ("rows", "starts", "filter"))]
    call = CCall(
        "xn_transpose_conv_mve",
        [*arguments, scaling.tables, Scratch(c_type(dtype)), Output()],
        {
            "shape": _streamed_shape(site),
            "in_zero": in_zero,
            "bias_step": layer.output.shape[-1] if in_zero != 0 else 0,
            "scaling": scaling.params,
            **filter_zero_param(dtype, filter_zero(layer.input(1))),
        },
        dtype=dtype,
    )
    tables = {"filter": np.concatenate(parts), "starts": _starts(parts), **scaling.weights}
    most = max(taps[0].size for taps in phases)
    return _streamed(site, "_mve", call, tables, scratch_bytes=most * 16 // lanes)


_Phase = npt.NDArray[np.generic]  # [O, taps down, taps right, C]


def _phases(layer: Site, weights: _Phase) -> list[_Phase] | None:
    """Take a filter apart, by rows of the stride; None if there are too many phases."""
    stride_h, stride_w = layer.int_attr("stride_h"), layer.int_attr("stride_w")
    if stride_h * stride_w > _MOST_PHASES:
        return None
    return [
        weights[:, down::stride_h, right::stride_w][:, ::-1, ::-1]
        for down in range(stride_h)
        for right in range(stride_w)
    ]


def _most(phases: list[_Phase]) -> int:
    """Find the largest sum of a filter's magnitudes."""
    sums = [np.abs(taps.astype(np.int64)).sum(axis=(1, 2, 3)) for taps in phases]
    return int(np.max(sums))


def _in_words(taps: _Phase, is_wide: bool) -> npt.NDArray[np.uint32]:
    """Arrange filters in blocks of two channels: four weights of each in turn."""
    channels, down, right, in_c = taps.shape
    runs = taps.reshape(channels, down, right * in_c).astype(np.int8)
    whole = np.pad(runs, ((0, channels % 2), (0, 0), (0, -runs.shape[2] % 4)))
    quads = down * whole.shape[2] // 4
    fours = whole.reshape(len(whole), quads, 4)
    if is_wide:  # the even bytes are a pair of neighbours
        fours = fours[:, :, [0, 2, 1, 3]]
    words = np.ascontiguousarray(fours).view("<u4").reshape(len(whole) // 2, 2, quads)
    return words.swapaxes(1, 2).reshape(-1)


def _fours(taps: _Phase, lanes: int) -> _Phase:
    return in_fours(taps, lanes).reshape(-1) if taps.size else taps.reshape(-1)


def _starts(parts: list[npt.NDArray[np.uint32]] | list[_Phase]) -> npt.NDArray[np.int32]:
    return np.cumsum([0, *(len(part) for part in parts[:-1])]).astype(np.int32)
